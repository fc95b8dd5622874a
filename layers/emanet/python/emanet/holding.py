"""How held money waits: shipped, delivered, reminded of, and shown to a human when a
clock runs out or the machine keeps failing. Pure, like `attempts`."""

from __future__ import annotations

from dataclasses import replace

from emanet import deadlines, guards
from emanet.errors import IllegalTransition
from emanet.escrow import (
    CLOSED,
    Attempt,
    Capture,
    Escrow,
    QueueReason,
    Settlement,
    SettlementStatus,
    Shipment,
    Status,
    Step,
)
from emanet.machine import advance, flagged, to_review, unflagged
from emanet.surplus import queue_for

_S = SettlementStatus


def ship(escrow: Escrow, shipment: Shipment, step: Step) -> Escrow:
    """Ends the payer's free cancel; starts no clock that pays the payee."""
    return advance(
        escrow,
        "ship",
        Status.HELD,
        step,
        shipment=shipment,
        deadlines=deadlines.on_shipment(escrow, step.at),
    )


def deliver(escrow: Escrow, step: Step) -> Escrow:
    """Starts the inspection; our own clock says when, the first word wins."""
    return advance(
        escrow,
        "deliver",
        Status.HELD,
        step,
        delivered_at=step.at,
        deadlines=deadlines.on_delivery(escrow, step.at),
        flags=unflagged(escrow, QueueReason.DELIVERY_UNCONFIRMED),
    )


def remind(escrow: Escrow, name: str, step: Step) -> Escrow:
    """Somebody is told, once, that this deadline is near."""
    reminded = (*escrow.reminded, name)
    return advance(escrow, "remind", escrow.status, step, why=name, reminded=reminded)


def miss_claim(escrow: Escrow, step: Step) -> Escrow:
    """Shipped, and nobody says that it arrived: shown to a human; the payer may still
    confirm or dispute, and the hold limit still runs."""
    return advance(
        escrow,
        "miss_claim",
        Status.HELD,
        step,
        deadlines=replace(escrow.deadlines, claim_by=None),
        flags=flagged(escrow, QueueReason.DELIVERY_UNCONFIRMED, step),
    )


def escalate(escrow: Escrow, step: Step) -> Escrow:
    """A deadline of held money passed, and no rule may decide: a human does."""
    reason = guards.freezing_reason(escrow, step.at)
    if reason is None:
        raise IllegalTransition(escrow, "no_deadline_over")
    return to_review(escrow, "escalate", reason, step)


def give_up(escrow: Escrow, why: str, step: Step) -> Escrow:
    """Reconciling failed too often: frozen if open, flagged if it is closed. What was
    sent and not answered stays unknown."""
    if escrow.status in CLOSED or escrow.status is Status.REVIEW:
        return flag(escrow, why, step)
    return to_review(
        _unasked(escrow, step),
        "give_up",
        QueueReason.RECONCILE_FAILED,
        step,
        why=why,
        settlements=tuple(map(_unanswered, escrow.settlements)),
    )


def _unanswered(settlement: Settlement) -> Settlement:
    if settlement.status is not SettlementStatus.SENT:
        return settlement
    return replace(settlement, status=SettlementStatus.UNKNOWN, ask_at=None)


def flag(
    escrow: Escrow,
    why: str,
    step: Step,
    reason: QueueReason = QueueReason.RECONCILE_FAILED,
) -> Escrow:
    """Shown to a human, and asked no more; the status stays as it is."""
    return show(_unasked(escrow, step), why, step, reason)


def show(
    escrow: Escrow,
    why: str,
    step: Step,
    reason: QueueReason = QueueReason.RECONCILE_FAILED,
) -> Escrow:
    """Into the human queue, while everything goes on."""
    flags = flagged(escrow, reason, step)
    return advance(escrow, "flag", escrow.status, step, why=why, flags=flags)


def acknowledge(escrow: Escrow, why: str, step: Step) -> Escrow:
    """A human has seen to it: out of the queues, but for what is still open."""
    still = guards.kept_flags(escrow)
    return advance(escrow, "acknowledge", escrow.status, step, why=why, flags=still)


def _unasked(escrow: Escrow, step: Step) -> Escrow:
    """No more questions, and no more tries to give a surplus back: a human does."""
    left = replace(escrow, attempts=tuple(map(_left, escrow.attempts)))
    return replace(left, flags=queue_for(left, step))


def _left(attempt: Attempt) -> Attempt:
    def left(capture: Capture) -> Capture:
        refund = capture.refund
        going = refund and refund.status in (_S.SCHEDULED, _S.SENT)
        if refund is None or not going:
            return capture
        unknown = replace(refund, status=_S.UNKNOWN, ask_at=None)
        return replace(capture, refund=unknown)

    return replace(attempt, ask_at=None, captures=tuple(map(left, attempt.captures)))
