"""When an escrow needs attention next, and for what: one pure function over the moments
that are stored where they belong. It proposes; a consistent read and a condition
decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from emanet.deadlines import reminders
from emanet.escrow import (
    AttemptStatus,
    ChargebackStatus,
    Escrow,
    QueueReason,
    Settlement,
    SettlementStatus,
    Status,
)
from emanet.guards import money_gone, moves_by_itself
from emanet.surplus import refunds


class Duty(StrEnum):
    ASK = "ask"  # ask PAYNET about an attempt
    EXPIRE_SESSION = "expire_session"
    EXPIRE = "expire"
    REMIND = "remind"
    REFUND_UNSHIPPED = "refund_unshipped"
    MISS_CLAIM = "miss_claim"
    AUTO_RELEASE = "auto_release"
    ESCALATE = "escalate"
    ESCALATE_DISPUTE = "escalate_dispute"
    SETTLE = "settle"  # what was scheduled
    ASK_ORDER = "ask_order"  # ask PAYNET about what was sent
    LOSE_CHARGEBACK = "lose_chargeback"


@dataclass(frozen=True, slots=True)
class Moment:
    """At `at`, `duty` is to be done; about which attempt, or about what. From `until`
    on there is no point in it."""

    at: datetime
    duty: Duty
    attempt: int | None = None
    about: str = ""
    until: datetime | None = None


def moments(escrow: Escrow) -> Iterator[Moment]:
    """All of them, in no order."""
    yield from _of_attempts(escrow)
    yield from _of_surplus(escrow)
    match escrow.status:
        case Status.CREATED:
            yield from _unpaid(escrow)
        case Status.HELD:
            yield from _held(escrow)
        case Status.DISPUTED:
            yield from _disputed(escrow)
        case Status.RELEASING | Status.REFUNDING:
            yield from _sent(escrow)
        case Status.REVIEW:
            yield from _reviewed(escrow)


def _of_attempts(escrow: Escrow) -> Iterator[Moment]:
    for attempt in escrow.attempts:
        if attempt.ask_at:
            yield Moment(attempt.ask_at, Duty.ASK, attempt.number)
        opened = attempt.status is AttemptStatus.OPEN and attempt.expires_at
        if opened and escrow.status is Status.AUTHENTICATING:
            yield Moment(opened, Duty.EXPIRE_SESSION, attempt.number)


def _of_surplus(escrow: Escrow) -> Iterator[Moment]:
    for _, _, refund in refunds(escrow):
        if refund.status is SettlementStatus.SCHEDULED and refund.due_at:
            yield Moment(refund.due_at, Duty.SETTLE, about=refund.key)
        if refund.status is SettlementStatus.SENT and refund.ask_at:
            yield Moment(refund.ask_at, Duty.ASK_ORDER, about=refund.key)


def _unpaid(escrow: Escrow) -> Iterator[Moment]:
    if escrow.deadlines.pay_by:
        yield Moment(escrow.deadlines.pay_by, Duty.EXPIRE, about="pay_by")
        yield from _reminders(escrow)


def _reminders(escrow: Escrow) -> Iterator[Moment]:
    for at, name in reminders(escrow):
        until = getattr(escrow.deadlines, name)
        yield Moment(at, Duty.REMIND, about=name, until=until)


def _held(escrow: Escrow) -> Iterator[Moment]:
    """What is decided goes first; then the clocks, while a machine may still act."""
    for settlement in escrow.settlements:
        if settlement.status is SettlementStatus.SCHEDULED and settlement.due_at:
            yield Moment(settlement.due_at, Duty.SETTLE, about=settlement.key)
    ends = escrow.deadlines
    if ends.hold_until and escrow.available_minor:
        yield Moment(ends.hold_until, Duty.ESCALATE, about=QueueReason.HOLD_LIMIT)
    if is_left_to_people(escrow):
        return
    yield from _clocks(escrow)
    yield from _reminders(escrow)


_HOLDS_BACK = frozenset({QueueReason.SETTLEMENT_DENIED, QueueReason.DRIFT})


def is_left_to_people(escrow: Escrow) -> bool:
    """A machine repeats nothing that was denied or taken back, and moves no money about
    which PAYNET's lists and our books differ: then only the hold limit runs on."""
    no = (SettlementStatus.DENIED, SettlementStatus.WITHDRAWN)
    if any(flag.reason in _HOLDS_BACK for flag in escrow.flags) or money_gone(escrow):
        return True
    return any(s.is_machines and s.status in no for s in escrow.settlements)


def _clocks(escrow: Escrow) -> Iterator[Moment]:
    """With nothing available a clock has nothing to do: what reserves it has a moment
    of its own."""
    ends, terms = escrow.deadlines, escrow.policy
    if not escrow.available_minor:
        return
    for at, ending, duty, about in (
        (
            ends.ship_by,
            terms.at_ship_by,
            Duty.REFUND_UNSHIPPED,
            QueueReason.SHIP_BY_MISSED,
        ),
        (
            ends.claim_by,
            terms.at_claim,
            Duty.MISS_CLAIM,
            QueueReason.DELIVERY_UNCONFIRMED,
        ),
        (
            ends.inspection_by,
            terms.at_inspection,
            Duty.AUTO_RELEASE,
            QueueReason.INSPECTION_OVER,
        ),
    ):
        if at:
            led = duty if moves_by_itself(escrow, ending) else Duty.ESCALATE
            yield Moment(at, led, about=about)


def _disputed(escrow: Escrow) -> Iterator[Moment]:
    dispute = escrow.dispute
    if dispute and not dispute.is_overdue:
        yield Moment(dispute.answer_by, Duty.ESCALATE_DISPUTE)


def _sent(escrow: Escrow) -> Iterator[Moment]:
    sent: Settlement | None = escrow.sent
    if sent and sent.ask_at:
        yield Moment(sent.ask_at, Duty.ASK_ORDER, about=sent.key)


def _reviewed(escrow: Escrow) -> Iterator[Moment]:
    """A chargeback that was lost while a settlement was on its way."""
    known = escrow.chargeback
    lost = known is not None and known.status is ChargebackStatus.LOST_WAITING
    if lost and escrow.unknown is None and escrow.stopped_at:
        yield Moment(escrow.stopped_at, Duty.LOSE_CHARGEBACK)


def next_moment(escrow: Escrow, now: datetime | None = None) -> Moment | None:
    """The earliest that still has a point; None: nothing will ever be due."""
    coming = (m for m in moments(escrow) if not (now and m.until and now >= m.until))
    return min(coming, key=lambda moment: moment.at, default=None)


def without_stale_reminders(escrow: Escrow, now: datetime) -> Escrow:
    """Of a deadline that is over nobody is reminded any more: no transition."""
    stale = tuple(m.about for m in moments(escrow) if m.until and now >= m.until)
    return replace(escrow, reminded=(*escrow.reminded, *stale))


def due_at(escrow: Escrow) -> datetime | None:
    """When the reconciler looks at it next: the earliest moment, or later if it was put
    off after a failure."""
    moment = next_moment(escrow)
    if moment is None:
        return None
    return max(moment.at, escrow.retry_at) if escrow.retry_at else moment.at
