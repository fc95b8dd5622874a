"""What PAYNET's verdict makes of an escrow. Pure: an escrow and a fact go in, the next
escrow comes out, or None if the fact changes nothing. Whoever brings a verdict (return,
callback, reconciler) brings it here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from emanet import deadlines, policy
from emanet.attempts import close, close_live, is_charging, with_attempt
from emanet.escrow import (
    PAYABLE,
    UNPAID,
    Attempt,
    AttemptStatus,
    Capture,
    CaptureStatus,
    Escrow,
    Flag,
    QueueReason,
    SettlementKind,
    SettlementStatus,
    Status,
    Step,
)
from emanet.guards import has_undecided
from emanet.machine import (
    advance,
    flagged,
    to_review,
    unflagged,
)
from emanet.outcome import (
    Approved,
    Declined,
    Doubtful,
    NotFound,
    Outcome,
    Unknown,
)
from emanet.settlements import suspended, with_settlement
from emanet.surplus import going_back, queue_for


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
    it forgotten; unless its charge is undecided still, a human is shown it."""
    if escrow.status in PAYABLE or _stands(attempt, capture):
        return None
    noted = _keeping(attempt, (capture,), CaptureStatus.MISMATCHED)
    if is_charging(escrow, attempt):
        return _noted(escrow, noted, why, step)
    flags = flagged(escrow, QueueReason.DOUBTFUL_CAPTURE, step)
    return _noted(escrow, noted, why, step, flags)


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
        return funded(escrow, "capture", attempt, capture, step)
    if escrow.status in PAYABLE:
        return funded(escrow, "fund_late", attempt, capture, step)
    if escrow.status in UNPAID or _is_unpaid_review(escrow):
        return _late(escrow, attempt, capture, CaptureStatus.WAITING, step)
    return _late(escrow, attempt, capture, CaptureStatus.SURPLUS, step)


def funded(
    escrow: Escrow,
    name: str,
    attempt: Attempt,
    capture: Capture,
    step: Step,
    *,
    why: str = "",
    **more: Any,
) -> Escrow:
    """The whole amount is here: held, and its clocks run. Captures that waited are
    surplus now, and go back."""
    funding = replace(capture, status=CaptureStatus.FUNDS)
    paid = replace(
        close(attempt, AttemptStatus.CAPTURED, step.at),
        captures=(*_surplus(attempt, capture, step).captures, funding),
    )
    rest = close_live(escrow, AttemptStatus.SUPERSEDED, step.at)
    attempts = tuple(
        paid if a.number == paid.number else _surplus(a, capture, step) for a in rest
    )
    shown = replace(escrow, attempts=attempts, flags=more.pop("flags", escrow.flags))
    shown = replace(shown, flags=queue_for(shown, step))
    minor = more.get("amount_minor", escrow.amount_minor)
    return advance(
        escrow,
        name,
        Status.HELD,
        step,
        why=why,
        attempts=attempts,
        balances=escrow.balances.capture(minor),
        held_at=step.at,
        deadlines=deadlines.on_hold(escrow.policy, step.at),
        flags=_doubt_for(shown, step),
        **more,
    )


def _doubt_for(escrow: Escrow, step: Step) -> tuple[Flag, ...]:
    """Paid: in the queue of doubtful captures while one of them is undecided."""
    if has_undecided(escrow):
        return flagged(escrow, QueueReason.DOUBTFUL_CAPTURE, step)
    return unflagged(escrow, QueueReason.DOUBTFUL_CAPTURE)


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
            if capture.waits:
                return funded(settled, "fund_late", late, capture, step)
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
    ours = [c for c in captures if _goes_back(escrow, c)]
    rest = [c for c in captures if c not in ours]
    if ours and all(_stands(attempt, c) and not c.is_reversed for c in rest):
        return None  # our own refund, or the decision for it, is no news
    if escrow.status in UNPAID or _is_held_money_gone(escrow, attempt, captures):
        return _freeze(escrow, attempt, why, captures, step)
    told = any(entry.why == why for entry in escrow.history)
    if told and all(_stands(attempt, capture) for capture in captures):
        return None
    noted = replace(_keeping(attempt, captures, CaptureStatus.MISMATCHED), ask_at=None)
    flags = flagged(escrow, QueueReason.DOUBTFUL_CAPTURE, step)
    return _noted(escrow, noted, why, step, flags)


def _goes_back(escrow: Escrow, capture: Capture) -> bool:
    """It is with PAYNET still and decided to go back; or it went, and we asked for
    it."""
    for known in escrow.captures:
        if known.is_same(capture) and known.status is CaptureStatus.SURPLUS:
            return known.refund is not None or not capture.is_reversed
    funding = escrow.funding
    ours = funding is not None and funding[1].is_same(capture)
    return (
        ours
        and capture.is_reversed
        and any(
            s.kind is SettlementKind.REFUND and s.status in _HAPPENED
            for s in escrow.settlements
        )
    )


_HAPPENED = frozenset(  # or may have
    {SettlementStatus.SENT, SettlementStatus.UNKNOWN, SettlementStatus.DONE}
)


def _is_held_money_gone(
    escrow: Escrow, attempt: Attempt, captures: tuple[Capture, ...]
) -> bool:
    funds = [c for c in attempt.captures if c.status is CaptureStatus.FUNDS]
    gone = any(c.is_reversed and f.is_same(c) for c in captures for f in funds)
    return escrow.status is Status.HELD and gone


def freeze_held(
    escrow: Escrow, doubt: Doubtful, step: Step, unknown_key: str = ""
) -> Escrow:
    """Held money of which PAYNET shows that it, or a part, went back without us. Of the
    refund with this key a human says whether that was it."""
    attempt = escrow.funding[0] if escrow.funding else escrow.attempts[-1]
    order = escrow.settlement(unknown_key)
    known = escrow
    if order:
        doubted = replace(order, status=SettlementStatus.UNKNOWN)
        known = replace(escrow, settlements=with_settlement(escrow, doubted))
    return _freeze(known, attempt, doubt.reason, doubt.captures, step)


def note_fee(escrow: Escrow, told: Capture, step: Step) -> Escrow | None:
    """PAYNET's fee on a capture of ours, as PAYNET tells it now; None: known already.
    The ledger books the difference."""
    if not any(_is_charged_otherwise(known, told) for known in escrow.captures):
        return None
    attempts = tuple(
        replace(a, captures=tuple(with_fee(known, told) for known in a.captures))
        for a in escrow.attempts
    )
    return advance(escrow, "note_fee", escrow.status, step, attempts=attempts)


def with_fee(known: Capture, told: Capture) -> Capture:
    """With the fee and tax that are told of the same transaction; what is not told
    stays."""
    fee, tax = told.commission_minor, told.commission_tax_minor
    if fee is None or not known.is_same(told):
        return known
    tax = known.commission_tax_minor if tax is None else tax
    return replace(known, commission_minor=fee, commission_tax_minor=tax)


def _is_charged_otherwise(known: Capture, told: Capture) -> bool:
    return fee_of(with_fee(known, told)) != fee_of(known)


def fee_of(capture: Capture) -> tuple[int | None, int | None]:
    """PAYNET's fee and the tax on it, as far as they are known."""
    return capture.commission_minor, capture.commission_tax_minor


def _freeze(
    escrow: Escrow,
    attempt: Attempt,
    why: str,
    captures: tuple[Capture, ...],
    step: Step,
) -> Escrow:
    noted = replace(_keeping(attempt, captures, CaptureStatus.MISMATCHED), ask_at=None)
    return to_review(
        escrow,
        "doubt_capture",
        QueueReason.DOUBTFUL_CAPTURE,
        step,
        why=why,
        attempts=with_attempt(escrow, noted),
        settlements=suspended(escrow),
    )


def _late(
    escrow: Escrow,
    attempt: Attempt,
    capture: Capture,
    status: CaptureStatus,
    step: Step,
) -> Escrow:
    """Stored, never ignored, and never a change of status; a surplus goes back."""
    if status is CaptureStatus.SURPLUS:
        capture = going_back(attempt, capture, step)
    noted = replace(_keeping(attempt, (capture,), status), ask_at=None)
    attempts = with_attempt(escrow, noted)
    flags = queue_for(replace(escrow, attempts=attempts), step)
    return _noted(escrow, noted, status, step, flags)


def _noted(
    escrow: Escrow,
    noted: Attempt,
    why: str,
    step: Step,
    flags: tuple[Flag, ...] | None = None,
) -> Escrow:
    return advance(
        escrow,
        "note_capture",
        escrow.status,
        step,
        why=why,
        attempts=with_attempt(escrow, noted),
        flags=escrow.flags if flags is None else flags,
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
    old = [
        replace(c, is_reversed=c.is_reversed or _is_reversed(c, captures))
        for c in attempt.captures
        if not any(c.is_same(n) for n in new)
    ]
    return replace(attempt, captures=(*old, *new))


def _is_reversed(known: Capture, told: tuple[Capture, ...]) -> bool:
    return any(capture.is_reversed and capture.is_same(known) for capture in told)


def _surplus(attempt: Attempt, funding: Capture, step: Step) -> Attempt:
    """What waited besides the capture that funds is surplus now, and goes back."""
    others = (c for c in attempt.captures if not c.is_same(funding))
    captures = tuple(
        going_back(attempt, c, step) if c.status is CaptureStatus.WAITING else c
        for c in others
    )
    return replace(attempt, captures=captures)
