"""The clocks of an escrow: when each wait ends, when somebody is reminded, and how all
of them stand still while nobody may act. Moments in, moments out; they decide nothing.

    created ── pay_by                              time in releasing, refunding,
    held ───── hold_until, ship_by                 disputed and review counts for
    shipped ── claim_by (ship_by ends)             none of them
    delivered ─ inspection_by (claim_by ends)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta

from emanet.escrow import Deadlines, Escrow
from emanet.policy import Policy

NAMES = tuple(field.name for field in fields(Deadlines))


def on_creation(policy: Policy, at: datetime) -> Deadlines:
    """Unpaid after `pay_by`, the order is given up."""
    return Deadlines(pay_by=at + timedelta(hours=policy.pay_within_hours))


def on_hold(policy: Policy, at: datetime) -> Deadlines:
    return Deadlines(
        ship_by=at + timedelta(days=policy.ship_within_days),
        hold_until=at + timedelta(days=policy.hold_limit_days),
    )


def on_shipment(escrow: Escrow, at: datetime) -> Deadlines:
    """Ends the wait for the payee; starts the payer's."""
    claim_by = at + timedelta(days=escrow.policy.claim_days)
    return replace(escrow.deadlines, ship_by=None, claim_by=claim_by)


def on_delivery(escrow: Escrow, at: datetime) -> Deadlines:
    """Ends every wait for the parcel; starts the inspection."""
    over = at + timedelta(days=escrow.policy.inspection_days)
    return replace(escrow.deadlines, ship_by=None, claim_by=None, inspection_by=over)


def on_unpaid(escrow: Escrow, at: datetime) -> Deadlines:
    """Payable again after a human looked at it: with the time that was left, but never
    less than a day."""
    a_day = at + timedelta(days=1)
    left = moved_on(escrow.deadlines, at - (escrow.stopped_at or at)).pay_by
    return Deadlines(pay_by=max(left or a_day, a_day))


def moved_on(deadlines: Deadlines, by: timedelta) -> Deadlines:
    """All that run, later by so much."""
    running = {name: getattr(deadlines, name) for name in NAMES}
    return Deadlines(**{name: at and at + by for name, at in running.items()})


def running(deadlines: Deadlines) -> Iterator[tuple[datetime, str]]:
    """Those that run, by name."""
    for name in NAMES:
        at = getattr(deadlines, name)
        if at is not None:
            yield at, name


def reminders(escrow: Escrow) -> Iterator[tuple[datetime, str]]:
    """When somebody is to be told that a deadline is near, once for each."""
    for at, name in running(escrow.deadlines):
        if name not in escrow.reminded:
            yield at - _ahead(escrow.policy, name), name


def _ahead(policy: Policy, name: str) -> timedelta:
    """As early as the policy says, but not before half of the wait is over."""
    wait = {
        "pay_by": timedelta(hours=policy.pay_within_hours),
        "ship_by": timedelta(days=policy.ship_within_days),
        "claim_by": timedelta(days=policy.claim_days),
        "inspection_by": timedelta(days=policy.inspection_days),
        "hold_until": timedelta(days=policy.hold_limit_days),
    }[name]
    return min(timedelta(hours=policy.remind_hours), wait / 2)
