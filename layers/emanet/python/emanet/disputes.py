"""The payer's objection: everything of the escrow stands still until it is withdrawn,
rejected or resolved by operations. A resolution is one write: it says of every held
kuruş where it goes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from emanet.errors import IllegalTransition
from emanet.escrow import (
    Dispute,
    DisputeStatus,
    Escrow,
    QueueReason,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Status,
    Step,
)
from emanet.machine import advance, flagged, unflagged
from emanet.settlements import (
    all_withdrawn,
    refundable_at,
    restored,
    surcharge_with,
    suspended,
)


@dataclass(frozen=True, slots=True)
class Legs:
    """Where all that is held goes, in kuruş."""

    release_minor: int
    refund_minor: int


def open_(escrow: Escrow, reason: str, evidence: tuple[str, ...], step: Step) -> Escrow:
    """Freezes the clocks, and what was not sent yet."""
    dispute = Dispute(
        number=len(escrow.disputes) + 1,
        opened_at=step.at,
        answer_by=step.at + timedelta(days=escrow.policy.dispute_days),
        reason=reason,
        evidence=evidence,
    )
    return advance(
        escrow,
        "dispute",
        Status.DISPUTED,
        step,
        why=reason,
        disputes=(*escrow.disputes, dispute),
        settlements=suspended(escrow),
        flags=flagged(escrow, QueueReason.DISPUTE_OPEN, step),
    )


def withdraw(escrow: Escrow, why: str, step: Step) -> Escrow:
    """The payer gives it up: everything goes on with the time it had left."""
    return _thawed(escrow, "withdraw_dispute", DisputeStatus.WITHDRAWN, why, step)


def reject(escrow: Escrow, why: str, step: Step) -> Escrow:
    """Operations find nothing wrong: everything goes on with the time it had left."""
    return _thawed(escrow, "reject_dispute", DisputeStatus.REJECTED, why, step)


def _thawed(
    escrow: Escrow, name: str, status: DisputeStatus, why: str, step: Step
) -> Escrow:
    settlements = restored(escrow)
    ended = _ended(escrow, status, step)
    return advance(
        escrow, name, Status.HELD, step, why=why, settlements=settlements, **ended
    )


def resolve(
    escrow: Escrow, legs: Legs, why: str, step: Step, *, fingerprint: str = ""
) -> Escrow:
    """Operations decide: legs that sum to all that is held, due now. The fingerprint on
    them tells a repeat of the decision."""
    if escrow.dispute is None:
        raise IllegalTransition(escrow, "wrong_status")
    prefix = f"dispute/{escrow.dispute.number}"
    settlements = decided(escrow, legs, prefix, why, step, fingerprint)
    ended = _ended(escrow, DisputeStatus.RESOLVED, step)
    return advance(
        escrow,
        "resolve_dispute",
        Status.HELD,
        step,
        why=why,
        settlements=settlements,
        **ended,
    )


def decided(  # noqa: PLR0917 - the facts of one decision
    escrow: Escrow, legs: Legs, prefix: str, why: str, step: Step, fingerprint: str
) -> tuple[Settlement, ...]:
    """What was not sent is withdrawn; a decision over all that is held takes its
    place."""
    whole = legs.release_minor + legs.refund_minor == escrow.balances.held
    if not whole or min(legs.release_minor, legs.refund_minor) < 0:
        raise IllegalTransition(escrow, "legs_do_not_sum")
    parts = {
        SettlementKind.RELEASE: legs.release_minor,
        SettlementKind.REFUND: legs.refund_minor,
    }
    whole_or_nothing = (0, escrow.balances.captured)
    if escrow.in_paynet_escrow and legs.release_minor not in whole_or_nothing:
        raise IllegalTransition(escrow, "paynet_escrow_whole_only")
    made = tuple(
        Settlement(
            key=f"{prefix}/{kind}",
            kind=kind,
            amount_minor=minor,
            status=SettlementStatus.SCHEDULED,
            by=str(step.by),
            fingerprint=fingerprint,
            at=step.at,
            why=why,
            due_at=step.at,
        )
        for kind, minor in parts.items()
        if minor
    )
    return (*all_withdrawn(escrow, step.at), *(_leg(escrow, m, step) for m in made))


def _leg(escrow: Escrow, made: Settlement, step: Step) -> Settlement:
    """A refund knows PAYNET's day rule, and what goes back beside it."""
    if made.kind is SettlementKind.RELEASE:
        return made
    return replace(
        made,
        due_at=refundable_at(escrow, made.amount_minor, step.at),
        surcharge_minor=surcharge_with(escrow, made.amount_minor),
    )


def escalate(escrow: Escrow, step: Step) -> Escrow:
    """Nobody decided in time: the queue says so."""
    if escrow.dispute is None:
        raise IllegalTransition(escrow, "wrong_status")
    overdue = replace(escrow.dispute, is_overdue=True)
    told = replace(escrow, flags=unflagged(escrow, QueueReason.DISPUTE_OPEN))
    return advance(
        escrow,
        "escalate_dispute",
        Status.DISPUTED,
        step,
        disputes=_with(escrow, overdue),
        flags=flagged(told, QueueReason.DISPUTE_OVERDUE, step),
    )


def _ended(escrow: Escrow, status: DisputeStatus, step: Step) -> dict[str, Any]:
    if escrow.dispute is None:
        raise IllegalTransition(escrow, "wrong_status")
    ended = replace(escrow.dispute, status=status, ended_at=step.at)
    flags = unflagged(escrow, QueueReason.DISPUTE_OPEN, QueueReason.DISPUTE_OVERDUE)
    return {"disputes": _with(escrow, ended), "flags": flags}


def _with(escrow: Escrow, changed: Dispute) -> tuple[Dispute, ...]:
    return (*escrow.disputes[:-1], changed)


def ended(escrow: Escrow, at: datetime) -> tuple[Dispute, ...]:
    """With the escrow: a chargeback that was lost leaves nothing to decide."""
    if escrow.dispute is None:
        return escrow.disputes
    over = replace(escrow.dispute, status=DisputeStatus.RESOLVED, ended_at=at)
    return _with(escrow, over)
