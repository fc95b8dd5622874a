"""What a finding makes of an escrow once PAYNET, asked again, confirmed it: frozen
where held money is not what it seems, else shown to a human, and either only once.
Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from emanet import holding, verdicts
from emanet.escrow import (
    Actor,
    Capture,
    CaptureStatus,
    Escrow,
    QueueReason,
    Role,
    Status,
    Step,
)
from emanet.outcome import Doubtful
from emanet.ports import Callback, CallbackStatus, Finding
from emanet.usecases.receive_callback import callback_id
from emanet.usecases.reversals import capture_of

CLOCK = Actor(Role.CLOCK)
PAYNET = Actor(Role.PAYNET)
StepBy = Callable[[Actor], Step]
ELSEWHERE = "reversed_elsewhere"


def doubt(
    escrow: Escrow, number: int, doubtful: Doubtful, finding: Finding, step: Step
) -> Escrow | None:
    """Held money that PAYNET counts otherwise is frozen, and not only noted; None: told
    before."""
    told = is_told(escrow, number, doubtful.reason)
    if told or not _is_held(escrow, finding):
        return verdicts.settle(escrow, number, doubtful, step)
    why = _said(number, doubtful.reason)
    return verdicts.freeze_held(escrow, replace(doubtful, reason=why), step)


def gone(escrow: Escrow, finding: Finding, step_by: StepBy) -> Escrow | None:
    """A part or all of a capture went back without us: what is held stands still."""
    mine = capture_of(escrow, finding.xact_id)
    reason = f"{ELSEWHERE} {finding.theirs_minor} {finding.cause}"
    if mine is None or any(entry.why == reason for entry in escrow.history):
        return None
    if not _is_held(escrow, finding):
        return show(escrow, finding, step_by(CLOCK))
    doubtful = Doubtful(reason, ())
    return verdicts.freeze_held(escrow, doubtful, step_by(PAYNET))


def show(escrow: Escrow, finding: Finding, step: Step) -> Escrow | None:
    """Into the queue for drift, once: not again after a human took it out. Another sum
    is another difference."""
    why = why_of(finding)
    flags = (e.why for e in escrow.history if e.transition == "flag" and e.why)
    if any(why.startswith(told) for told in flags):  # a long one is cut
        return None
    return holding.show(escrow, why, step, QueueReason.DRIFT)


def note(finding: Finding, at: datetime) -> Callback:
    """Where no escrow of ours can carry the flag: an item of the inbox, for a human."""
    hint = {
        "drift": finding.drift.value,
        "cause": finding.cause,
        "xact_id": finding.xact_id,
        "amount_minor": finding.theirs_minor,
    }
    return Callback(
        id=callback_id("drift", why_of(finding).encode()),
        received_at=at,
        hint=hint,
        reference_no=finding.reference_no or None,
        status=CallbackStatus.QUEUED,
        queue_reason=QueueReason.DRIFT,
        queue_since=at,
    )


def why_of(finding: Finding) -> str:
    about = finding.xact_id or finding.reference_no
    theirs = "" if finding.theirs_minor is None else f"{finding.theirs_minor} "
    return f"{finding.drift} {finding.cause} {theirs}{about}"


def is_told(escrow: Escrow, number: int, reason: str) -> bool:
    """This doubt about this attempt stands in the history."""
    return any(entry.why == _said(number, reason) for entry in escrow.history)


def stands(escrow: Escrow, told: Capture) -> bool:
    """Our books hold this very transaction, over the same amount, and know what it
    means."""
    return any(
        known.is_same(told)
        and known.amount_minor == told.amount_minor
        and known.status is not CaptureStatus.MISMATCHED
        for known in escrow.captures
    )


def _is_held(escrow: Escrow, finding: Finding) -> bool:
    mine = capture_of(escrow, finding.xact_id)
    return escrow.status is Status.HELD and mine is not None and mine.is_funding


def _said(number: int, reason: str) -> str:
    """As `verdicts` tells it."""
    return f"{reason}, attempt {number}"
