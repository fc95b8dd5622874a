"""How attempts to pay come and go: started, opened at the bank, sent to be charged,
given back, asked about. Pure: an escrow goes in, the next one comes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from emanet import policy
from emanet.errors import (
    AttemptStarting,
    AttemptsTooFast,
    IllegalTransition,
    Superseded,
    TooManyAttempts,
)
from emanet.escrow import PAYABLE, Attempt, AttemptStatus, Escrow, Status, Step
from emanet.guards import may_start
from emanet.machine import advance


def start_attempt(escrow: Escrow, attempt: Attempt, step: Step) -> Escrow:
    """A new attempt takes the place of the live one: only our own tds_charge takes
    money, so an older session can never be charged again.

    Raises AttemptStarting, TooManyAttempts, AttemptsTooFast, IllegalTransition.
    """
    return _begin(escrow, "start_attempt", Status.CREATED, attempt, step)


def open_form(escrow: Escrow, attempt: Attempt, step: Step) -> Escrow:
    """The same for PAYNET's own form: there is nothing to wait for, and its session is
    known when the payer comes back. Raises as start_attempt does."""
    opened = replace(
        attempt, status=AttemptStatus.OPEN, expires_at=_session_end(escrow, step.at)
    )
    return _begin(escrow, "open_form", Status.AUTHENTICATING, opened, step)


def _begin(
    escrow: Escrow, name: str, target: Status, attempt: Attempt, step: Step
) -> Escrow:
    must_be_payable(escrow, step.at)
    attempts = (*close_live(escrow, AttemptStatus.SUPERSEDED, step.at), attempt)
    return advance(escrow, name, target, step, attempts=attempts)


def must_be_payable(escrow: Escrow, at: datetime) -> None:
    """Before PAYNET is asked anything. Raises as start_attempt does."""
    if escrow.status not in PAYABLE:
        raise IllegalTransition(escrow, "wrong_status")
    match may_start(escrow, at):
        case "":
            return
        case "attempt_starting":
            raise AttemptStarting(escrow, int(policy.STARTING_FOR.total_seconds()))
        case "too_many_attempts":
            raise TooManyAttempts(escrow)
        case "attempts_too_fast":
            raise AttemptsTooFast(escrow, int(policy.ATTEMPTS_WINDOW.total_seconds()))
        case reason:
            raise IllegalTransition(escrow, reason)


def store_session(escrow: Escrow, number: int, session_id: str, step: Step) -> Escrow:
    """PAYNET opened a session for this attempt. Raises Superseded."""
    attempt = _starting(escrow, number)
    opened = replace(
        attempt,
        status=AttemptStatus.OPEN,
        session_id=session_id,
        expires_at=_session_end(escrow, step.at),
    )
    return advance(
        escrow,
        "store_session",
        Status.AUTHENTICATING,
        step,
        attempts=with_attempt(escrow, opened),
    )


def _session_end(escrow: Escrow, at: datetime) -> datetime:
    return at + timedelta(minutes=escrow.policy.session_minutes)


def refuse_session(escrow: Escrow, number: int, why: str, step: Step) -> Escrow:
    """No session came of this attempt: the payer may try again at once. Raises
    Superseded."""
    refused = close(_starting(escrow, number), AttemptStatus.REFUSED, step.at, why)
    return advance(
        escrow,
        "refuse_session",
        Status.CREATED,
        step,
        why=why,
        attempts=with_attempt(escrow, refused),
    )


def _starting(escrow: Escrow, number: int) -> Attempt:
    attempt = escrow.attempt(number)
    if attempt is None or attempt.status is not AttemptStatus.STARTING:
        raise Superseded(escrow)
    return attempt


def expire(escrow: Escrow, step: Step) -> Escrow:
    """Nobody paid in time."""
    attempts = close_live(escrow, AttemptStatus.EXPIRED, step.at)
    return advance(escrow, "expire", Status.EXPIRED, step, attempts=attempts)


def cancel(escrow: Escrow, step: Step) -> Escrow:
    """Given up before it was paid: a session that is open can charge no more."""
    attempts = close_live(escrow, AttemptStatus.CANCELLED, step.at)
    return advance(escrow, "cancel", Status.CANCELLED, step, attempts=attempts)


def fail_3d(escrow: Escrow, step: Step) -> Escrow:
    """The bank sent the payer back without a session: it said no."""
    return _give_back(escrow, "fail_3d", AttemptStatus.FAILED, step)


def expire_session(escrow: Escrow, step: Step) -> Escrow:
    """The payer never came back from the bank."""
    return _give_back(escrow, "expire_session", AttemptStatus.EXPIRED, step)


def _give_back(escrow: Escrow, name: str, status: AttemptStatus, step: Step) -> Escrow:
    attempts = close_live(escrow, status, step.at)
    return advance(escrow, name, Status.CREATED, step, attempts=attempts)


def begin_charge(escrow: Escrow, number: int, session_id: str, step: Step) -> Escrow:
    """The intent, written before the charge is sent. From now on this session alone is
    the attempt's."""
    return _send(escrow, "begin_charge", number, session_id, step)


def retake_charge(escrow: Escrow, number: int, session_id: str, step: Step) -> Escrow:
    """The first sender is gone (its lease is over): this one repeats the same pair."""
    return _send(escrow, "retake_charge", number, session_id, step)


def _send(
    escrow: Escrow, name: str, number: int, session_id: str, step: Step
) -> Escrow:
    attempt = escrow.live_attempt
    if attempt is None or attempt.number != number:
        raise IllegalTransition(escrow, "session_over")
    if session_id != attempt.session_id and not attempt.takes_any_session:
        raise IllegalTransition(escrow, "another_session")
    sent = replace(
        attempt,
        status=AttemptStatus.CHARGING,
        session_id=session_id,
        last_sent=step.at,
        sends=attempt.sends + 1,
        lease_until=step.at + policy.CHARGE_LEASE,
        asks=0,
        ask_at=step.at + policy.ASK_AFTER_CHARGE[0],
    )
    attempts = with_attempt(escrow, sent)
    return advance(escrow, name, Status.CHARGING, step, attempts=attempts)


# ── asking again ─────────────────────────────────────────────────────────────


def asked(escrow: Escrow, number: int, at: datetime) -> Escrow:
    """PAYNET was asked and knew nothing yet: the next moment to ask. No transition."""
    attempt = escrow.attempt(number)
    if attempt is None:
        return escrow
    asks = attempt.asks + 1
    next_at = _next_ask(attempt, asks, at)
    if next_at is None and is_charging(escrow, attempt):
        next_at = at + policy.QUIET_WINDOW  # nobody else will find out
    again = replace(attempt, asks=asks, ask_at=next_at)
    return replace(escrow, attempts=with_attempt(escrow, again), tries=0, retry_at=None)


def ask_later(escrow: Escrow, number: int, at: datetime) -> Escrow:
    """PAYNET gave no answer: asked again at `at`; meanwhile other duties have their
    turn. No transition."""
    attempt = escrow.attempt(number)
    if attempt is None:
        return escrow
    return replace(escrow, attempts=with_attempt(escrow, replace(attempt, ask_at=at)))


def _next_ask(attempt: Attempt, asks: int, at: datetime) -> datetime | None:
    since, schedule = _schedule(attempt)
    if since is None:
        return None
    later = (since + wait for wait in schedule[asks:] if since + wait > at)
    return next(later, None)


def _schedule(attempt: Attempt) -> tuple[datetime | None, tuple[timedelta, ...]]:
    if attempt.is_live:
        return attempt.last_sent, policy.ASK_AFTER_CHARGE + policy.ASK_AFTER_CLOSING
    return attempt.closed_at, policy.ASK_AFTER_CLOSING


# ── parts ─────────────────────────────────────────────────────────────────────


def is_charging(escrow: Escrow, attempt: Attempt) -> bool:
    charging = attempt.status is AttemptStatus.CHARGING
    return charging and escrow.status is Status.CHARGING


def with_attempt(escrow: Escrow, attempt: Attempt) -> tuple[Attempt, ...]:
    return tuple(attempt if a.number == attempt.number else a for a in escrow.attempts)


def close(
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


def close_live(
    escrow: Escrow, status: AttemptStatus, at: datetime
) -> tuple[Attempt, ...]:
    return tuple(_closed(a, status, at) if a.is_live else a for a in escrow.attempts)


def _closed(attempt: Attempt, status: AttemptStatus, at: datetime) -> Attempt:
    """What was sent to be charged may still turn out to be paid, and is asked about."""
    closed = close(attempt, status, at)
    if attempt.last_sent is None:
        return closed
    return replace(closed, ask_at=at + policy.ASK_AFTER_CLOSING[0])
