"""What must hold for a transition: pure questions to an escrow at a moment. Each says
why not, in a word that the API shows and explains, or nothing: then it may happen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from emanet import policy
from emanet.escrow import (
    CLOSED,
    UNSENT,
    AttemptStatus,
    CaptureStatus,
    ChargebackStatus,
    Escrow,
    Flag,
    QueueReason,
    SettlementKind,
    SettlementStatus,
    Status,
)
from emanet.policy import Ending

Guard = Callable[[Escrow, datetime], str]
"""Says why not, in a word; empty = it may happen."""


def always(_escrow: Escrow, _at: datetime) -> str:
    return ""


def _unless(holds: object, why: str) -> str:
    return "" if holds else why


# ── paying ───────────────────────────────────────────────────────────────────


def may_start(escrow: Escrow, at: datetime) -> str:
    live = escrow.live_attempt
    starting = live is not None and live.status is AttemptStatus.STARTING
    if live and starting and at < live.started_at + policy.STARTING_FOR:
        return "attempt_starting"
    if len(escrow.attempts) >= policy.ATTEMPTS_MAX:
        return "too_many_attempts"
    recent = [a for a in escrow.attempts if a.started_at > at - policy.ATTEMPTS_WINDOW]
    if len(recent) >= policy.ATTEMPTS_BURST:
        return "attempts_too_fast"
    return "" if pay_by_over(escrow, at) else "pay_by_over"


def session_open(escrow: Escrow, at: datetime) -> str:
    live = escrow.live_attempt
    return _unless(live and live.expires_at and at < live.expires_at, "session_over")


def session_over(escrow: Escrow, at: datetime) -> str:
    return _unless(session_open(escrow, at), "session_open")


def charge_may_repeat(escrow: Escrow, at: datetime) -> str:
    live = escrow.live_attempt
    if not live or not live.lease_until or at < live.lease_until:
        return "charge_under_way"
    return _unless(live.sends <= policy.TAKEOVERS_MAX, "takeovers_used_up")


def quiet(escrow: Escrow, at: datetime) -> str:
    live = escrow.live_attempt
    over = live and live.last_sent and at >= live.last_sent + policy.QUIET_WINDOW
    return _unless(over, "quiet_window_open")


def pay_by_over(escrow: Escrow, at: datetime) -> str:
    end = escrow.deadlines.pay_by
    return _unless(end is None or at >= end, "pay_by_not_over")


# ── holding ──────────────────────────────────────────────────────────────────


def may_ship(escrow: Escrow, at: datetime) -> str:
    if escrow.shipment or escrow.delivered_at:
        return "already_shipped"
    return something_available(escrow, at)


def may_cancel(escrow: Escrow, at: datetime) -> str:
    """The payer's free cancel ends with the shipment."""
    return may_ship(escrow, at)


def not_delivered(escrow: Escrow, _at: datetime) -> str:
    return _unless(not escrow.delivered_at, "already_delivered")


def something_available(escrow: Escrow, _at: datetime) -> str:
    return _unless(escrow.available_minor > 0, "nothing_available")


def claim_over(escrow: Escrow, at: datetime) -> str:
    end = escrow.deadlines.claim_by
    if end is None or at < end:
        return "no_deadline_over"
    return _unless(escrow.policy.at_claim is Ending.QUEUE, "policy_says_review")


def frozen_deadline_over(escrow: Escrow, at: datetime) -> str:
    """A deadline that leads to review, by its nature or by policy."""
    return _unless(freezing_reason(escrow, at), "no_deadline_over")


def freezing_reason(escrow: Escrow, at: datetime) -> QueueReason | None:
    """The queue into which a passed deadline leads; None: none does."""
    ends, terms = escrow.deadlines, escrow.policy
    if ends.hold_until and at >= ends.hold_until:
        return QueueReason.HOLD_LIMIT
    for end, ending, reason in (
        (ends.ship_by, terms.at_ship_by, QueueReason.SHIP_BY_MISSED),
        (ends.claim_by, terms.at_claim, QueueReason.DELIVERY_UNCONFIRMED),
        (ends.inspection_by, terms.at_inspection, QueueReason.INSPECTION_OVER),
    ):
        if end and at >= end and not moves_by_itself(escrow, ending):
            return reason
    return None


def moves_by_itself(escrow: Escrow, ending: Ending) -> bool:
    """A deadline's end needs no human: by policy, and of PAYNET's own escrow only while
    all of it is there to be moved."""
    if ending is Ending.QUEUE:
        return True
    whole = escrow.available_minor in (0, escrow.balances.captured)
    return ending is not Ending.REVIEW and (whole or not escrow.in_paynet_escrow)


# ── money out ────────────────────────────────────────────────────────────────


def may_release(escrow: Escrow, at: datetime) -> str:
    if escrow.in_paynet_escrow:
        return "paynet_escrow"
    return "money_gone" if money_gone(escrow) else something_available(escrow, at)


def money_gone(escrow: Escrow) -> bool:
    """PAYNET says that the payment was reversed, and no refund of ours explains it."""
    if escrow.funding is None or not escrow.funding[1].is_reversed:
        return False
    explains = {SettlementStatus.SENT, SettlementStatus.UNKNOWN, SettlementStatus.DONE}
    return not any(
        order.kind is SettlementKind.REFUND and order.status in explains
        for order in escrow.settlements
    )


def may_order_release(escrow: Escrow, _at: datetime) -> str:
    """PAYNET's own escrow pays out all of it or nothing."""
    if not escrow.in_paynet_escrow:
        return "no_paynet_escrow"
    if money_gone(escrow):
        return "money_gone"
    whole = escrow.available_minor == escrow.balances.captured
    return _unless(whole, "paynet_escrow_whole_only")


def settlement_due(escrow: Escrow, at: datetime) -> str:
    """The oldest that is due and needs PAYNET."""
    due = [s.due_at for s in escrow.settlements if s.status in UNSENT and s.due_at]
    return _unless(any(at >= moment for moment in due), "nothing_due")


def something_unsent(escrow: Escrow, _at: datetime) -> str:
    unsent = any(s.status in UNSENT for s in escrow.settlements)
    return _unless(unsent, "nothing_scheduled")


def surplus_unsettled(escrow: Escrow, _at: datetime) -> str:
    ended = {SettlementStatus.DONE}
    own = [c.refund for c in escrow.captures if c.refund]
    return _unless(any(r.status not in ended for r in own), "no_surplus_refund")


def surplus_answerable(escrow: Escrow, at: datetime) -> str:
    if why := surplus_unsettled(escrow, at):
        return why
    open_ = {SettlementStatus.DENIED, SettlementStatus.UNKNOWN}
    own = [c.refund for c in escrow.captures if c.refund]
    return _unless(any(r.status in open_ for r in own), "not_answerable")


def refundable_mismatch(escrow: Escrow, _at: datetime) -> str:
    """Of an unpaid review the whole mismatch is decided at once, by its own exits."""
    odd = any(c.status is CaptureStatus.MISMATCHED for c in escrow.captures)
    unpaid_review = escrow.status is Status.REVIEW and not escrow.balances.captured
    return _unless(odd and not unpaid_review, "no_mismatch")


# ── disputes ─────────────────────────────────────────────────────────────────


def may_dispute(escrow: Escrow, at: datetime) -> str:
    """From the shipment until the inspection is over, and not while the parts of an
    earlier decision are still on their way."""
    if not (escrow.shipment or escrow.delivered_at):
        return "not_shipped"
    end = escrow.deadlines.inspection_by
    if end is not None and at >= end:
        return "inspection_over"
    if len(escrow.disputes) >= policy.DISPUTES_MAX:
        return "too_many_disputes"
    if any(s.status in UNSENT and _is_verdict(s.key) for s in escrow.settlements):
        return "decision_under_way"
    return _unless(escrow.balances.held > 0, "nothing_held")


def _is_verdict(key: str) -> bool:
    return key.startswith(("dispute/", "review/"))


def dispute_overdue(escrow: Escrow, at: datetime) -> str:
    dispute = escrow.dispute
    overdue = dispute and not dispute.is_overdue and at >= dispute.answer_by
    return _unless(overdue, "dispute_not_overdue")


# ── review ───────────────────────────────────────────────────────────────────


def returns_to(status: Status) -> Guard:
    """Back to the prior status, if that one still makes sense."""

    def may_resume(escrow: Escrow, at: datetime) -> str:
        if escrow.prior_status is not status:
            return "another_prior_status"
        if _has_open_chargeback(escrow):
            return "chargeback_open"
        if status in (Status.CREATED, Status.AUTHENTICATING) and _is_odd(escrow, at):
            return "mismatch_undecided"
        over = escrow.deadlines.hold_until
        if status is Status.HELD and over and (escrow.stopped_at or at) >= over:
            return "hold_limit_over"
        if escrow.review_reason in _DEADLINES:
            return "deadline_over"
        return nothing_unknown(escrow, at) or nothing_waiting(escrow, at)

    return may_resume


# A deadline that is over froze it, and would at once do so again.
_DEADLINES = frozenset(
    {
        QueueReason.SHIP_BY_MISSED,
        QueueReason.DELIVERY_UNCONFIRMED,
        QueueReason.INSPECTION_OVER,
    }
)


def nothing_unknown(escrow: Escrow, _at: datetime) -> str:
    return _unless(escrow.unknown is None, "settlement_unknown")


def something_unknown(escrow: Escrow, _at: datetime) -> str:
    return _unless(escrow.unknown, "no_settlement_unknown")


def nothing_waiting(escrow: Escrow, _at: datetime) -> str:
    """A capture that waits funds every way back to unpaid."""
    return _unless(not _waits(escrow), "capture_waiting")


def something_waiting(escrow: Escrow, _at: datetime) -> str:
    if escrow.balances.captured:
        return "already_paid"
    return _unless(_waits(escrow), "no_capture_waiting")


def _waits(escrow: Escrow) -> bool:
    return any(capture.waits for capture in escrow.captures)


def may_settle_review(escrow: Escrow, at: datetime) -> str:
    """Held money only; an unresolved dispute is restored, never skipped."""
    if not escrow.balances.held:
        return "nothing_held"
    if escrow.dispute:
        return "dispute_open"
    if _has_open_chargeback(escrow):
        return "chargeback_open"
    return nothing_unknown(escrow, at)


def has_mismatch(escrow: Escrow, _at: datetime) -> str:
    if escrow.balances.captured:
        return "already_paid"
    odd = any(c.status is CaptureStatus.MISMATCHED for c in escrow.captures)
    return _unless(odd, "no_mismatch")


def may_refund_mismatch(escrow: Escrow, at: datetime) -> str:
    return has_mismatch(escrow, at) or nothing_waiting(escrow, at)


def may_reopen(escrow: Escrow, at: datetime) -> str:
    if escrow.balances.captured:
        return "already_paid"
    odd = _is_odd(escrow, at)
    return "mismatch_undecided" if odd else nothing_waiting(escrow, at)


def _is_odd(escrow: Escrow, at: datetime) -> bool:
    return not has_mismatch(escrow, at)


def may_acknowledge(escrow: Escrow, _at: datetime) -> str:
    """A flag may be taken off; what is frozen has to be decided instead."""
    if escrow.status is Status.REVIEW:
        return "decide_the_review"
    return _unless(len(escrow.flags) > len(kept_flags(escrow)), "no_flag")


def kept_flags(escrow: Escrow) -> tuple[Flag, ...]:
    """Those of what is still open: only its own end takes them off."""
    kept: set[QueueReason] = set()
    if escrow.dispute:
        kept |= {QueueReason.DISPUTE_OPEN, QueueReason.DISPUTE_OVERDUE}
    if _has_open_chargeback(escrow):
        kept.add(QueueReason.CHARGEBACK)
    if needs_a_human(escrow):
        kept.add(QueueReason.LATE_CAPTURE)
    if has_undecided(escrow):
        kept.add(QueueReason.DOUBTFUL_CAPTURE)
    return tuple(flag for flag in escrow.flags if flag.reason in kept)


def has_undecided(escrow: Escrow) -> bool:
    """A capture that matched nothing, is with PAYNET still, and was decided by none."""
    return any(
        capture.status is CaptureStatus.MISMATCHED and not capture.is_reversed
        for capture in escrow.captures
    )


def needs_a_human(escrow: Escrow) -> bool:
    """A surplus capture that no machine can give back."""
    no = (SettlementStatus.DENIED, SettlementStatus.UNKNOWN)
    return any(
        capture.status is CaptureStatus.SURPLUS
        and not capture.is_reversed
        and (capture.refund is None or capture.refund.status in no)
        for capture in escrow.captures
    )


# ── chargebacks ──────────────────────────────────────────────────────────────


def no_chargeback(escrow: Escrow, _at: datetime) -> str:
    return _unless(escrow.chargeback is None or _is_won(escrow), "chargeback_known")


def _is_won(escrow: Escrow) -> bool:
    known = escrow.chargeback
    return known is not None and known.status is ChargebackStatus.WON


def captured_without_chargeback(escrow: Escrow, at: datetime) -> str:
    if not escrow.balances.captured:
        return "not_paid"
    return no_chargeback(escrow, at)


def _has_open_chargeback(escrow: Escrow) -> bool:
    known = escrow.chargeback
    undecided = (ChargebackStatus.OPEN, ChargebackStatus.LOST_WAITING)
    return known is not None and known.status in undecided


def chargeback_open(escrow: Escrow, _at: datetime) -> str:
    known = escrow.chargeback
    is_open = known is not None and known.status is ChargebackStatus.OPEN
    return _unless(is_open, "no_chargeback_open")


def froze(status: Status) -> Guard:
    """A chargeback that is won gives back what it froze, and only that."""

    def may_win(escrow: Escrow, at: datetime) -> str:
        if why := chargeback_open(escrow, at):
            return why
        if not (escrow.chargeback and escrow.chargeback.froze):
            return "frozen_for_another_reason"
        if escrow.prior_status is not status:
            return "another_prior_status"
        return nothing_unknown(escrow, at)

    return may_win


def won_without_thaw(escrow: Escrow, at: datetime) -> str:
    """Won while something else froze it, or while nothing is frozen."""
    if why := chargeback_open(escrow, at):
        return why
    frozen_by_it = escrow.chargeback and escrow.chargeback.froze
    return _unless(not frozen_by_it, "thaw_it")


def may_lose(escrow: Escrow, at: datetime) -> str:
    if not _has_open_chargeback(escrow):
        return "no_chargeback_open"
    return nothing_unknown(escrow, at) or _unless(escrow.balances.held, "nothing_held")


def may_lose_closed(escrow: Escrow, at: datetime) -> str:
    if escrow.status in CLOSED:
        return chargeback_open(escrow, at)
    return chargeback_open(escrow, at) or _unless(escrow.sent, "nothing_sent")
