"""How a payment moves an escrow: attempts come and go, and PAYNET's verdict is applied.
Pure: an escrow and a fact go in, the next escrow comes out, or None if the fact changes
nothing. Whoever brings a verdict (return, callback, reconciler) uses `settle`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from emanet import policy
from emanet.errors import (
    AttemptStarting,
    AttemptsTooFast,
    IllegalTransition,
    Superseded,
    TooManyAttempts,
)
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
from emanet.machine import advance, may_start, queued
from emanet.outcome import (
    REVERSED,
    Approved,
    Declined,
    Doubtful,
    NotFound,
    Outcome,
)

# ── attempts ─────────────────────────────────────────────────────────────────


def start_attempt(escrow: Escrow, attempt: Attempt, step: Step) -> Escrow:
    """A new attempt takes the place of the live one: only our own tds_charge takes
    money, so an older session can never be charged again.

    Raises AttemptStarting, TooManyAttempts, AttemptsTooFast, IllegalTransition.
    """
    if escrow.status in (Status.CREATED, Status.AUTHENTICATING):
        _refuse_start(escrow, step.at)
    attempts = (*_closing(escrow, AttemptStatus.SUPERSEDED, step.at), attempt)
    return advance(escrow, "start_attempt", Status.CREATED, step, attempts=attempts)


def _refuse_start(escrow: Escrow, at: datetime) -> None:
    match may_start(escrow, at):
        case "attempt_starting":
            raise AttemptStarting(escrow, int(policy.STARTING_FOR.total_seconds()))
        case "too_many_attempts":
            raise TooManyAttempts(escrow)
        case "attempts_too_fast":
            raise AttemptsTooFast(escrow, int(policy.ATTEMPTS_WINDOW.total_seconds()))


def store_session(escrow: Escrow, number: int, session_id: str, step: Step) -> Escrow:
    """PAYNET opened a session for this attempt. Raises Superseded."""
    attempt = _starting(escrow, number)
    opened = replace(
        attempt,
        status=AttemptStatus.OPEN,
        session_id=session_id,
        expires_at=step.at + timedelta(minutes=escrow.policy.session_minutes),
    )
    return advance(
        escrow,
        "store_session",
        Status.AUTHENTICATING,
        step,
        attempts=_with(escrow, opened),
    )


def refuse_session(escrow: Escrow, number: int, why: str, step: Step) -> Escrow:
    """No session came of this attempt: the payer may try again at once. Raises
    Superseded."""
    refused = _close(_starting(escrow, number), AttemptStatus.REFUSED, step.at, why)
    return advance(
        escrow,
        "refuse_session",
        Status.CREATED,
        step,
        why=why,
        attempts=_with(escrow, refused),
    )


def _starting(escrow: Escrow, number: int) -> Attempt:
    attempt = escrow.attempt(number)
    if attempt is None or attempt.status is not AttemptStatus.STARTING:
        raise Superseded(escrow)
    return attempt


def expire(escrow: Escrow, step: Step) -> Escrow:
    """Nobody paid in time."""
    attempts = _closing(escrow, AttemptStatus.EXPIRED, step.at)
    return advance(escrow, "expire", Status.EXPIRED, step, attempts=attempts)


def fail_3d(escrow: Escrow, step: Step) -> Escrow:
    """The bank sent the payer back without a session: it said no."""
    return _give_back(escrow, "fail_3d", AttemptStatus.FAILED, step)


def expire_session(escrow: Escrow, step: Step) -> Escrow:
    """The payer never came back from the bank."""
    return _give_back(escrow, "expire_session", AttemptStatus.EXPIRED, step)


def _give_back(escrow: Escrow, name: str, status: AttemptStatus, step: Step) -> Escrow:
    attempts = _closing(escrow, status, step.at)
    return advance(escrow, name, Status.CREATED, step, attempts=attempts)


def begin_charge(escrow: Escrow, number: int, step: Step) -> Escrow:
    """The intent, written before tds_charge is sent."""
    return _send(escrow, "begin_charge", number, step)


def retake_charge(escrow: Escrow, number: int, step: Step) -> Escrow:
    """The first sender is gone (its lease is over): this one repeats the same pair."""
    return _send(escrow, "retake_charge", number, step)


def _send(escrow: Escrow, name: str, number: int, step: Step) -> Escrow:
    attempt = escrow.live_attempt
    if attempt is None or attempt.number != number:
        raise IllegalTransition(escrow, name)
    sent = replace(
        attempt,
        status=AttemptStatus.CHARGING,
        last_sent=step.at,
        sends=attempt.sends + 1,
        lease_until=step.at + policy.CHARGE_LEASE,
        asks=0,
        ask_at=step.at + policy.ASK_AFTER_CHARGE[0],
    )
    attempts = _with(escrow, sent)
    return advance(escrow, name, Status.CHARGING, step, attempts=attempts)


# ── verdicts ─────────────────────────────────────────────────────────────────


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
        case Declined(refusal) if _is_charging(escrow, attempt):
            return _unpaid(escrow, attempt, AttemptStatus.DECLINED, refusal, step)
        case NotFound(asked_at) if _is_charging(escrow, attempt):
            if (
                attempt.last_sent
                and asked_at >= attempt.last_sent + policy.QUIET_WINDOW
            ):
                return _unpaid(escrow, attempt, AttemptStatus.NOT_PAID, "", step)
    return None


def _is_charging(escrow: Escrow, attempt: Attempt) -> bool:
    charging = attempt.status is AttemptStatus.CHARGING
    return charging and escrow.status is Status.CHARGING


def _approved(
    escrow: Escrow, attempt: Attempt, capture: Capture, step: Step
) -> Escrow | None:
    if _knows(attempt, capture):
        return None
    if _is_charging(escrow, attempt):
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
        _close(attempt, AttemptStatus.CAPTURED, step.at),
        captures=(*_surplus(attempt, capture).captures, funding),
    )
    rest = _closing(escrow, AttemptStatus.SUPERSEDED, step.at)
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
    closed = _close(attempt, status, step.at, why)
    if not _heard_first_hand(attempt, status, step.at):
        closed = replace(closed, ask_at=step.at + policy.ASK_AFTER_CLOSING[0])
    settled = replace(escrow, attempts=_with(escrow, closed))
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
        attempts=_with(escrow, noted),
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
        attempts=_with(escrow, noted),
        **(queued(escrow, reason, step.at) if reason else {}),
    )


def _is_unpaid_review(escrow: Escrow) -> bool:
    return escrow.status is Status.REVIEW and escrow.balances.captured == 0


# ── asking again ─────────────────────────────────────────────────────────────


def asked(escrow: Escrow, number: int, at: datetime) -> Escrow:
    """PAYNET was asked and knew nothing yet: the next moment to ask. No transition."""
    attempt = escrow.attempt(number)
    if attempt is None:
        return escrow
    asks = attempt.asks + 1
    next_at = _next_ask(attempt, asks, at)
    if next_at is None and _is_charging(escrow, attempt):
        next_at = at + policy.QUIET_WINDOW  # nobody else will find out
    again = replace(attempt, asks=asks, ask_at=next_at)
    return replace(escrow, attempts=_with(escrow, again), tries=0, retry_at=None)


def ask_later(escrow: Escrow, number: int, at: datetime) -> Escrow:
    """PAYNET gave no answer: asked again at `at`; meanwhile other duties have their
    turn. No transition."""
    attempt = escrow.attempt(number)
    if attempt is None:
        return escrow
    return replace(escrow, attempts=_with(escrow, replace(attempt, ask_at=at)))


def _next_ask(attempt: Attempt, asks: int, at: datetime) -> datetime | None:
    since, schedule = _schedule(attempt)
    if since is None:
        return None
    later = (since + wait for wait in schedule[asks:] if since + wait > at)
    return next(later, None)


def _schedule(attempt: Attempt) -> tuple[datetime | None, tuple[timedelta, ...]]:
    if attempt.is_live:
        return attempt.last_sent, policy.ASK_AFTER_CHARGE
    return attempt.closed_at, policy.ASK_AFTER_CLOSING


# ── parts ────────────────────────────────────────────────────────────────────


def _with(escrow: Escrow, attempt: Attempt) -> tuple[Attempt, ...]:
    return tuple(attempt if a.number == attempt.number else a for a in escrow.attempts)


def _close(
    attempt: Attempt, status: AttemptStatus, at: datetime, refusal: str = ""
) -> Attempt:
    return replace(
        attempt,
        status=status,
        closed_at=at,
        refusal=refusal or None,
        lease_until=None,
        asks=0,
        ask_at=None,
    )


def _closing(
    escrow: Escrow, status: AttemptStatus, at: datetime
) -> tuple[Attempt, ...]:
    return tuple(_close(a, status, at) if a.is_live else a for a in escrow.attempts)


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
