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
    Approved,
    Declined,
    Doubtful,
    NotFound,
    Outcome,
    Unknown,
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
        case Unknown(why, seen=Capture() as seen):
            return _seen(escrow, attempt, seen, why, step)
    if is_charging(escrow, attempt):
        return _no(escrow, attempt, outcome, step)
    return None


def _no(
    escrow: Escrow, attempt: Attempt, outcome: Outcome, step: Step
) -> Escrow | None:
    """A "no" is news only to a charge that is undecided."""
    match outcome:
        case Declined(refusal):
            return _refused(escrow, attempt, AttemptStatus.DECLINED, refusal, step)
        case NotFound(asked_at) if _is_quiet(attempt, asked_at):
            return _refused(escrow, attempt, AttemptStatus.NOT_PAID, "", step)
    return None


def _is_quiet(attempt: Attempt, asked_at: datetime) -> bool:
    sent = attempt.last_sent
    return sent is not None and asked_at >= sent + policy.QUIET_WINDOW


def _seen(
    escrow: Escrow, attempt: Attempt, capture: Capture, why: str, step: Step
) -> Escrow | None:
    """A success that could not be judged yet is kept, so that no "not found" can make
    it forgotten."""
    payable = (Status.CREATED, Status.AUTHENTICATING)
    if escrow.status in payable or _stands(attempt, capture):
        return None
    noted = _keeping(attempt, (capture,), CaptureStatus.MISMATCHED)
    return _noted(escrow, noted, None, why, step)


def _refused(
    escrow: Escrow, attempt: Attempt, status: AttemptStatus, why: str, step: Step
) -> Escrow:
    """A "no" that contradicts a success that was told before is no "no"."""
    if attempt.captures:
        return _freeze(escrow, attempt, "approval_contradicted", (), step)
    return _unpaid(escrow, attempt, status, why, step)


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
    if escrow.status in UNPAID or _is_held_money_gone(escrow, attempt, captures):
        return _freeze(escrow, attempt, why, captures, step)
    told = any(entry.why == why for entry in escrow.history)
    if told and all(_stands(attempt, capture) for capture in captures):
        return None
    noted = replace(_keeping(attempt, captures, CaptureStatus.MISMATCHED), ask_at=None)
    return _noted(escrow, noted, QueueReason.DOUBTFUL_CAPTURE, why, step)


def _is_held_money_gone(
    escrow: Escrow, attempt: Attempt, captures: tuple[Capture, ...]
) -> bool:
    funds = [c for c in attempt.captures if c.status is CaptureStatus.FUNDS]
    gone = any(c.is_reversed and f.is_same(c) for c in captures for f in funds)
    return escrow.status is Status.HELD and gone


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


def _stands(attempt: Attempt, capture: Capture) -> bool:
    """It is among the attempt's captures already, whatever it means there."""
    return any(known.is_same(capture) for known in attempt.captures)


def _knows(attempt: Attempt, capture: Capture) -> bool:
    """A mismatched one is no knowledge: the approval of the same transaction is
    news."""
    return any(
        known.is_same(capture) and known.status is not CaptureStatus.MISMATCHED
        for known in attempt.captures
    )


def _keeping(
    attempt: Attempt, captures: tuple[Capture, ...], status: CaptureStatus
) -> Attempt:
    """With the captures that it did not know, or knew less well."""
    new = [replace(c, status=status) for c in captures if not _knows(attempt, c)]
    old = [c for c in attempt.captures if not any(c.is_same(n) for n in new)]
    return replace(attempt, captures=(*old, *new))


def _surplus(attempt: Attempt, funding: Capture) -> Attempt:
    """What waited besides the capture that funds is surplus now."""
    others = (c for c in attempt.captures if not c.is_same(funding))
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
