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
            current = lost.current
        else:
            return after
    raise StoreUnavailable("too many writers")


def ask(
    attempt: Attempt, *, gateway: Gateway, clock: Clock, deadline: datetime
) -> Outcome:
    """PAYNET's verdict about an attempt, asked without moving money. While a charge of
    the attempt may still be on its way, only a capture counts."""
    outcome = gateway.ask(attempt.reference_no, attempt.expected_minor, deadline)
    lease = attempt.lease_until
    unripe = isinstance(outcome, Declined | Doubtful)
    if unripe and lease and clock() < lease:
        return Unknown("charge_under_way")
    return outcome
