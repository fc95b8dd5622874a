"""What PAYNET's verdict makes of an escrow. Pure: an escrow and a fact go in, the next
escrow comes out, or None if the fact changes nothing. Whoever brings a verdict (return,
callback, reconciler) brings it here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from emanet import policy
from emanet.attempts import close, close_live, is_charging, with_attempt
from emanet.escrow import (
    UNPAID,
    Attempt,
    AttemptStatus,
    Capture,
    CaptureStatus,
    Escrow,
    QueueReason,
    Status,
    Step,
)
from emanet.machine import advance, queued
from emanet.outcome import (
    REVERSED,
    Approved,
    Declined,
    Doubtful,
    NotFound,
    Outcome,
)


def settle(escrow: Escrow, number: int, outcome: Outcome, step: Step) -> Escrow | None:
    """What PAYNET's verdict about one attempt makes of the escrow; None: nothing
    new."""
    attempt = escrow.attempt(number)
    if attempt is None:
        return None
    match outcome:
        case Approved(capture):
            return _approved(escrow, attempt, capture, step)
        case Doubtful(reason, captures):
            return _doubtful(escrow, attempt, reason, captures, step)
        case Declined(refusal) if is_charging(escrow, attempt):
            return _unpaid(escrow, attempt, AttemptStatus.DECLINED, refusal, step)
        case NotFound(asked_at) if is_charging(escrow, attempt):
            if (
                attempt.last_sent
                and asked_at >= attempt.last_sent + policy.QUIET_WINDOW
            ):
                return _unpaid(escrow, attempt, AttemptStatus.NOT_PAID, "", step)
    return None


def _approved(
    escrow: Escrow, attempt: Attempt, capture: Capture, step: Step
) -> Escrow | None:
    if _knows(attempt, capture):
        return None
    if is_charging(escrow, attempt):
        return _fund(escrow, "capture", attempt, capture, step)
    if escrow.status in (Status.CREATED, Status.AUTHENTICATING):
        return _fund(escrow, "fund_late", attempt, capture, step)
    if escrow.status in UNPAID or _is_unpaid_review(escrow):
        return _late(escrow, attempt, capture, CaptureStatus.WAITING, step)
    return _late(escrow, attempt, capture, CaptureStatus.SURPLUS, step)


def _fund(
    escrow: Escrow, name: str, attempt: Attempt, capture: Capture, step: Step
) -> Escrow:
    """The whole amount is here: held. Captures that waited are surplus now."""
    funding = replace(capture, status=CaptureStatus.FUNDS)
    paid = replace(
        close(attempt, AttemptStatus.CAPTURED, step.at),
        captures=(*_surplus(attempt, capture).captures, funding),
    )
    rest = close_live(escrow, AttemptStatus.SUPERSEDED, step.at)
    attempts = tuple(
        paid if a.number == paid.number else _surplus(a, capture) for a in rest
    )
    return advance(
        escrow,
        name,
        Status.HELD,
        step,
        attempts=attempts,
        balances=escrow.balances.capture(escrow.amount_minor),
        held_at=step.at,
        **_queued_if_surplus(escrow, attempts, step.at),
    )


def _unpaid(
    escrow: Escrow, attempt: Attempt, status: AttemptStatus, why: str, step: Step
) -> Escrow:
    """The charge took nothing: payable again, or funded by a capture that waited."""
    closed = close(attempt, status, step.at, why)
    if not _heard_first_hand(attempt, status, step.at):
        closed = replace(closed, ask_at=step.at + policy.ASK_AFTER_CLOSING[0])
    settled = replace(escrow, attempts=with_attempt(escrow, closed))
    for late in settled.attempts:
        for capture in late.captures:
            if capture.status is CaptureStatus.WAITING:
                return _fund(settled, "fund_late", late, capture, step)
    name = "decline" if status is AttemptStatus.DECLINED else "find_unpaid"
    return advance(
        escrow, name, Status.CREATED, step, why=why, attempts=settled.attempts
    )


def _heard_first_hand(attempt: Attempt, status: AttemptStatus, at: datetime) -> bool:
    """Declined to the very caller who charged, within his lease: nothing can follow."""
    in_lease = attempt.lease_until is not None and at < attempt.lease_until
    return status is AttemptStatus.DECLINED and in_lease


def _doubtful(
    escrow: Escrow,
    attempt: Attempt,
    reason: str,
    captures: tuple[Capture, ...],
    step: Step,
) -> Escrow | None:
    """Unpaid, or the held money went back: frozen. Else stored and shown."""
    why = f"{reason}, attempt {attempt.number}"
    gone = reason == REVERSED and _is_held_money(escrow, attempt, captures)
    if escrow.status in UNPAID or gone:
        return _freeze(escrow, attempt, why, captures, step)
    if any(entry.why == why for entry in escrow.history):
        return None
    noted = replace(_keeping(attempt, captures, CaptureStatus.MISMATCHED), ask_at=None)
    return _noted(escrow, noted, QueueReason.DOUBTFUL_CAPTURE, why, step)


def _is_held_money(
    escrow: Escrow, attempt: Attempt, captures: tuple[Capture, ...]
) -> bool:
    funds = {c.xact_id for c in attempt.captures if c.status is CaptureStatus.FUNDS}
    return escrow.status is Status.HELD and any(c.xact_id in funds for c in captures)


def _freeze(
    escrow: Escrow,
    attempt: Attempt,
    why: str,
    captures: tuple[Capture, ...],
    step: Step,
) -> Escrow:
    noted = replace(_keeping(attempt, captures, CaptureStatus.MISMATCHED), ask_at=None)
    return advance(
        escrow,
        "doubt_capture",
        Status.REVIEW,
        step,
        why=why,
        attempts=with_attempt(escrow, noted),
        prior_status=escrow.status,
        **queued(escrow, QueueReason.DOUBTFUL_CAPTURE, step.at),
    )


def _late(
    escrow: Escrow,
    attempt: Attempt,
    capture: Capture,
    status: CaptureStatus,
    step: Step,
) -> Escrow:
    """Stored, never ignored, and never a change of status."""
    noted = replace(_keeping(attempt, (capture,), status), ask_at=None)
    waits = status is CaptureStatus.WAITING
    reason = None if waits else QueueReason.LATE_CAPTURE
    return _noted(escrow, noted, reason, status, step)


def _noted(
    escrow: Escrow, noted: Attempt, reason: QueueReason | None, why: str, step: Step
) -> Escrow:
    return advance(
        escrow,
        "note_capture",
        escrow.status,
        step,
        why=why,
        attempts=with_attempt(escrow, noted),
        **(queued(escrow, reason, step.at) if reason else {}),
    )


def _is_unpaid_review(escrow: Escrow) -> bool:
    return escrow.status is Status.REVIEW and escrow.balances.captured == 0


def _knows(attempt: Attempt, capture: Capture) -> bool:
    """A mismatched one is no knowledge: the approval of the same transaction is
    news."""
    return any(
        known.xact_id == capture.xact_id
        and known.status is not CaptureStatus.MISMATCHED
        for known in attempt.captures
    )


def _keeping(
    attempt: Attempt, captures: tuple[Capture, ...], status: CaptureStatus
) -> Attempt:
    """With the captures that it did not know, or knew less well."""
    new = {
        c.xact_id: replace(c, status=status) for c in captures if not _knows(attempt, c)
    }
    others = (c for c in attempt.captures if c.xact_id not in new)
    return replace(attempt, captures=(*others, *new.values()))


def _surplus(attempt: Attempt, funding: Capture) -> Attempt:
    """What waited besides the capture that funds is surplus now."""
    others = (c for c in attempt.captures if c.xact_id != funding.xact_id)
    captures = tuple(
        replace(c, status=CaptureStatus.SURPLUS)
        if c.status is CaptureStatus.WAITING
        else c
        for c in others
    )
    return replace(attempt, captures=captures)


def _queued_if_surplus(
    escrow: Escrow, attempts: tuple[Attempt, ...], at: datetime
) -> dict[str, Any]:
    captures = (capture for attempt in attempts for capture in attempt.captures)
    if any(capture.status is CaptureStatus.SURPLUS for capture in captures):
        return queued(escrow, QueueReason.LATE_CAPTURE, at)
    return {}
