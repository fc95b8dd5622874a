"""The one room behind three doors: whoever learns PAYNET's verdict (the return, a
callback, the reconciler) brings it here, and it is written onto the escrow."""

from __future__ import annotations

from datetime import datetime

from emanet import verdicts
from emanet.errors import StaleEscrow, StoreUnavailable
from emanet.escrow import Actor, Attempt, Escrow, Role
from emanet.outcome import Declined, Doubtful, NotFound, Outcome, Unknown
from emanet.ports import Clock, Desk, Gateway
from emanet.usecases.writing import WRITES_MAX

PAYNET = Actor(Role.PAYNET)


def settle(
    seen: Escrow,
    number: int,
    outcome: Outcome,
    desk: Desk,
) -> Escrow:
    """The escrow after the verdict about attempt `number`.

    `seen` is the escrow as it was before PAYNET was asked. A capture is a fact, and is
    written whatever happened meanwhile; a "no" counts only if nothing did: a newer
    charge of the same session may be under way. Raises StoreUnavailable.
    """
    current = seen
    for _ in range(WRITES_MAX):
        now = desk.step(PAYNET)
        after = verdicts.settle(current, number, outcome, now)
        if after is None:
            return current
        try:
            desk.store.save(current, after)
        except StaleEscrow as lost:
            if isinstance(outcome, Declined | NotFound):
                return lost.current
            if _is_unripe(outcome, lost.current.attempt(number), now.at):
                return lost.current
            current = lost.current
        else:
            return after
    raise StoreUnavailable("too many writers")


def ask(
    attempt: Attempt, *, gateway: Gateway, clock: Clock, deadline: datetime
) -> Outcome:
    """PAYNET's verdict about an attempt, asked without moving money. While a charge of
    the attempt may still be on its way, only a capture counts."""
    outcome = gateway.ask(attempt.expected, deadline)
    if _is_unripe(outcome, attempt, clock()):
        return Unknown("charge_under_way")
    return outcome


def _is_unripe(outcome: Outcome, attempt: Attempt | None, at: datetime) -> bool:
    """A list that was read while the charge was being written shows half of it."""
    lease = attempt.lease_until if attempt else None
    return isinstance(outcome, Declined | Doubtful) and lease is not None and at < lease
