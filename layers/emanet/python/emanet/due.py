"""When an escrow needs attention next, and for what: one pure function over the moments
that are stored where they belong. It proposes; a consistent read and a condition
decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from emanet.escrow import AttemptStatus, Escrow, Status
from emanet.machine import held_deadlines, pay_by


class Duty(StrEnum):
    ASK = "ask"  # ask PAYNET about an attempt
    EXPIRE_SESSION = "expire_session"
    EXPIRE = "expire"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Moment:
    """At `at`, `duty` is to be done; about which attempt, or under which name."""

    at: datetime
    duty: Duty
    attempt: int | None = None
    reason: str = ""


def moments(escrow: Escrow) -> Iterator[Moment]:
    """All of them, in no order."""
    if escrow.status is Status.CREATED:
        yield Moment(pay_by(escrow), Duty.EXPIRE)
    if escrow.status is Status.HELD:
        for at, reason in held_deadlines(escrow):
            yield Moment(at, Duty.ESCALATE, reason=reason)
    for attempt in escrow.attempts:
        if attempt.ask_at:
            yield Moment(attempt.ask_at, Duty.ASK, attempt.number)
        opened = attempt.status is AttemptStatus.OPEN and attempt.expires_at
        if opened and escrow.status is Status.AUTHENTICATING:
            yield Moment(opened, Duty.EXPIRE_SESSION, attempt.number)


def next_moment(escrow: Escrow) -> Moment | None:
    """The earliest; None: nothing will ever be due."""
    return min(moments(escrow), key=lambda moment: moment.at, default=None)


def due_at(escrow: Escrow) -> datetime | None:
    """When the reconciler looks at it next: the earliest moment, or later if it was put
    off after a failure."""
    moment = next_moment(escrow)
    if moment is None:
        return None
    return max(moment.at, escrow.retry_at) if escrow.retry_at else moment.at
