"""How held money moves on: shipped, delivered, released, or shown to a human when a
clock runs out or the machine keeps failing. Pure, like `attempts`."""

from __future__ import annotations

from dataclasses import replace

from emanet.escrow import (
    CLOSED,
    Attempt,
    Escrow,
    QueueReason,
    Settlement,
    Shipment,
    Status,
    Step,
)
from emanet.machine import advance, held_deadlines, queued


def ship(escrow: Escrow, shipment: Shipment, step: Step) -> Escrow:
    """Ends the payer's free cancel; starts no clock that pays the payee."""
    return advance(escrow, "ship", Status.HELD, step, shipment=shipment)


def deliver(escrow: Escrow, step: Step) -> Escrow:
    """Starts the inspection; our own clock says when, the first word wins."""
    return advance(escrow, "deliver", Status.HELD, step, delivered_at=step.at)


def release(escrow: Escrow, settlement: Settlement, step: Step) -> Escrow:
    """All that is held becomes owed to the payee, by the payer's own word."""
    return advance(
        escrow,
        "release",
        Status.RELEASED,
        step,
        balances=escrow.balances.release(settlement.amount_minor),
        settlements=(*escrow.settlements, settlement),
    )


def escalate(escrow: Escrow, step: Step) -> Escrow:
    """A deadline of held money passed: until a rule may decide, a human does."""
    _, reason = min(held_deadlines(escrow), default=(step.at, QueueReason.HOLD_LIMIT))
    return _to_review(escrow, "escalate", reason, reason, step)


def give_up(escrow: Escrow, why: str, step: Step) -> Escrow:
    """Reconciling failed too often: frozen if open, flagged if it is closed."""
    if escrow.status in CLOSED or escrow.status is Status.REVIEW:
        return flag(escrow, why, step)
    quiet = replace(escrow, attempts=_unasked(escrow))
    return _to_review(quiet, "give_up", QueueReason.RECONCILE_FAILED, why, step)


def flag(escrow: Escrow, why: str, step: Step) -> Escrow:
    """Shown to a human, and asked no more; the status stays as it is."""
    return show(replace(escrow, attempts=_unasked(escrow)), why, step)


def show(escrow: Escrow, why: str, step: Step) -> Escrow:
    """Into the human queue, while everything goes on."""
    queue = queued(escrow, QueueReason.RECONCILE_FAILED, step.at)
    return advance(escrow, "flag", escrow.status, step, why=why, **queue)


def _unasked(escrow: Escrow) -> tuple[Attempt, ...]:
    return tuple(replace(attempt, ask_at=None) for attempt in escrow.attempts)


def _to_review(
    escrow: Escrow, name: str, reason: QueueReason, why: str, step: Step
) -> Escrow:
    return advance(
        escrow,
        name,
        Status.REVIEW,
        step,
        why=why,
        prior_status=escrow.status,
        **queued(escrow, reason, step.at),
    )
