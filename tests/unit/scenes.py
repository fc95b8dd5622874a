"""Escrows in every status, for tests of the domain. They come through the machine's own
doors wherever these are built; only what is not wired yet is set up by hand. Nothing
here reads a clock, a store or a network."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from emanet import attempts, holding, verdicts
from emanet.escrow import (
    Actor,
    Attempt,
    AttemptStatus,
    Capture,
    Escrow,
    Party,
    Role,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Shipment,
    Status,
    Step,
    escrow_id,
)
from emanet.machine import begin
from emanet.money import Balances
from emanet.outcome import Approved, Declined, Doubtful, Outcome
from emanet.policy import Policy

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AMOUNT_MINOR = 130_000
RETURN_PAGE = "https://shop.example/return"
CARD_SHOWN = "435508******4358"

Scene = tuple[Escrow, datetime]
"""An escrow, and the moment at which it is looked at."""

IDS = {
    Role.BACKEND: "shop-backend",
    Role.PAYER: "buyer-1",
    Role.PAYEE: "seller-1",
    Role.CARRIER: "carrier-1",
    Role.OPERATIONS: "ops-1",
}
_writes = count(1)


def later(**passed: float) -> datetime:
    """So long after START."""
    return START + timedelta(**passed)


def actor(role: Role) -> Actor:
    return Actor(role, IDS.get(role, ""))


def step(role: Role, at: datetime = START) -> Step:
    return Step(actor(role), at, f"write-{next(_writes)}")


# ── paying ───────────────────────────────────────────────────────────────────


def created(**changes: Any) -> Escrow:
    escrow = Escrow(
        id=escrow_id("stage", "order-1", 1),
        order_id="order-1",
        round=1,
        fingerprint="fingerprint-1",
        amount_minor=AMOUNT_MINOR,
        fee_minor=1_300,
        payer=Party("buyer-1"),
        payee=Party("seller-1"),
        policy=Policy(),
        created_at=START,
    )
    return begin(replace(escrow, **changes), step(Role.BACKEND))


def attempt(number: int, at: datetime = START) -> Attempt:
    return Attempt(
        number=number,
        reference_no=f"{escrow_id('stage', 'order-1', 1)}-{number}-k7m2qa",
        expected_minor=AMOUNT_MINOR,
        status=AttemptStatus.STARTING,
        started_at=at,
        return_to=RETURN_PAGE,
        state_digest=f"digest-{number}",
    )


def starting(before: Escrow | None = None, at: datetime = START) -> Escrow:
    escrow = before or created()
    number = len(escrow.attempts) + 1
    return attempts.start_attempt(escrow, attempt(number, at), step(Role.PAYER, at))


def authenticating(before: Escrow | None = None, at: datetime = START) -> Escrow:
    escrow = starting(before, at)
    number = escrow.attempts[-1].number
    now = step(Role.PAYER, at)
    return attempts.store_session(escrow, number, f"session-{number}", now)


def charging(before: Escrow | None = None, at: datetime = START) -> Escrow:
    escrow = authenticating(before, at)
    number = escrow.attempts[-1].number
    return attempts.begin_charge(escrow, number, step(Role.BROWSER, at))


def capture(xact_id: str = "xact-1", amount_minor: int = AMOUNT_MINOR) -> Capture:
    return Capture(xact_id, amount_minor, START, CARD_SHOWN)


def settled(
    escrow: Escrow, number: int, outcome: Outcome, at: datetime = START
) -> Escrow:
    """The escrow after a verdict that changes something."""
    after = verdicts.settle(escrow, number, outcome, step(Role.PAYNET, at))
    assert after is not None
    return after


def declined(at: datetime = START) -> Escrow:
    """Payable again; attempt 1 was declined."""
    return settled(charging(at=at), 1, Declined("51 insufficient funds"), at)


def charging_again(at: datetime = START) -> Escrow:
    """Attempt 1 was declined, attempt 2 is being charged."""
    return charging(declined(at), at)


def waiting(at: datetime = START) -> Escrow:
    """While attempt 2 is charged, it comes to light that attempt 1 did take money."""
    return settled(charging_again(at), 1, Approved(capture("xact-late")), at)


def expired() -> Escrow:
    """Given up; attempt 1 was declined."""
    return attempts.expire(declined(), step(Role.CLOCK, later(hours=72)))


def doubted(before: Escrow | None = None, number: int = 1) -> Escrow:
    """Unpaid review: another amount was taken than asked for."""
    wrong = capture("xact-wrong", 1)
    return settled(before or charging(), number, Doubtful("amount_differs", (wrong,)))


# ── holding ──────────────────────────────────────────────────────────────────


def held(before: Escrow | None = None, at: datetime = START) -> Escrow:
    escrow = before or charging_again(at)
    return settled(escrow, escrow.attempts[-1].number, Approved(capture()), at)


def shipped(at: datetime = START) -> Escrow:
    parcel = Shipment(at, "Yurtiçi", "YK-1")
    return holding.ship(held(), parcel, step(Role.PAYEE, at))


def delivered(at: datetime = START) -> Escrow:
    return holding.deliver(shipped(), step(Role.PAYER, at))


def settlement(
    amount_minor: int = AMOUNT_MINOR,
    status: SettlementStatus = SettlementStatus.DONE,
    kind: SettlementKind = SettlementKind.RELEASE,
) -> Settlement:
    return Settlement("key-1", kind, amount_minor, status, "payer:buyer-1", "", START)


def reserved(amount_minor: int = AMOUNT_MINOR) -> Escrow:
    """Held, and a settlement over so much is scheduled."""
    planned = settlement(amount_minor, SettlementStatus.SCHEDULED)
    return replace(held(), settlements=(planned,))


def escalated() -> Escrow:
    """Paid review: the payee did not ship in time."""
    return holding.escalate(held(), step(Role.CLOCK, later(days=7)))


def released() -> Escrow:
    return holding.release(delivered(), settlement(), step(Role.PAYER))


def _by_hand(status: Status, balances: Balances | None = None) -> Escrow:
    escrow = held()
    return replace(escrow, status=status, balances=balances or escrow.balances)


# Each with moments at which its guards say yes and no.
SCENES: dict[Status, tuple[Scene, ...]] = {
    Status.CREATED: (
        (created(), START),
        (created(), later(hours=72)),
        (starting(), later(seconds=29)),
    ),
    Status.AUTHENTICATING: (
        (authenticating(), later(minutes=1)),
        (authenticating(), later(minutes=30)),
        (authenticating(), later(hours=72)),
    ),
    Status.CHARGING: (
        (charging(), later(seconds=1)),
        (charging(), later(seconds=60)),
        (charging(), later(minutes=15)),
    ),
    Status.HELD: (
        (held(), later(hours=1)),
        (held(), later(days=7)),
        (shipped(), later(hours=1)),
        (delivered(), later(hours=1)),
        (reserved(), later(hours=1)),
    ),
    Status.DISPUTED: ((_by_hand(Status.DISPUTED), START),),
    Status.RELEASING: ((_by_hand(Status.RELEASING), START),),
    Status.REFUNDING: ((_by_hand(Status.REFUNDING), START),),
    Status.REVIEW: ((doubted(), START), (escalated(), later(days=8))),
    Status.RELEASED: ((released(), START),),
    Status.REFUNDED: (
        (
            _by_hand(
                Status.REFUNDED, Balances(captured=AMOUNT_MINOR, refunded=AMOUNT_MINOR)
            ),
            START,
        ),
    ),
    Status.SPLIT: (
        (_by_hand(Status.SPLIT, Balances(AMOUNT_MINOR, 0, 100_000, 30_000)), START),
    ),
    Status.CANCELLED: ((replace(declined(), status=Status.CANCELLED), START),),
    Status.EXPIRED: ((expired(), later(hours=73)),),
}


def in_status(status: Status) -> Escrow:
    return SCENES[status][0][0]
