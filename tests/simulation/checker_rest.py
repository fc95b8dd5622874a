"""What must hold when nothing is under way any more: every payment is known, every
refund has its end, both sides agree, and nothing is overdue. A human queue counts by
the reason that docs/operations.md gives it, and by no other."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from emanet.escrow import Capture, Escrow, Settlement
from local.paynet_simulator.records import Transaction
from local.paynet_simulator.refunds import RefundState
from tests.simulation.checker_books import (
    LIVE,
    QUIET,
    RESERVING,
    Harm,
    Seen,
    Told,
    is_said,
    total,
)
from tests.simulation.checker_paynet import Truth, given_back, paynet_minor, subject_of

# Where a payment that we do not know may wait for a human.
MONEY_QUEUES = frozenset({"doubtful_capture", "reconcile_failed", "drift"})
# Where it may that PAYNET carried out what it had denied.
CONTRADICTED = frozenset({"doubtful_capture", "drift", "late_capture"})
UNDECIDED = frozenset({"sent", "unknown"})
MACHINES = ("auto-release/", "ship-deadline/", "dispute/", "review/")

SENDING = timedelta(minutes=3)
PROOF = timedelta(hours=24)
VERDICT = timedelta(days=5)  # three business days, with a weekend between
SCHEDULE_MAY_LAG = timedelta(minutes=2)
LONGEST_BACKOFF = timedelta(hours=7, minutes=30)  # six hours, and what chance adds
SILENCE_IS_TOLD = PROOF + LONGEST_BACKOFF


def unknown_sale(sale: Transaction, escrow: Escrow | None) -> Told:
    """Every payment is known, or a human is looking for it."""
    for attempt in escrow.attempts if escrow else ():
        names = {capture.xact_id for capture in attempt.captures}
        numbers = {capture.plain_id for capture in attempt.captures}
        is_unnamed = "unnamed" in names and sale.reference_no == attempt.reference_no
        if sale.xact_id in names or str(sale.number) in numbers or is_unnamed:
            return
    flags = {str(flag.reason) for flag in escrow.flags} if escrow else set()
    if not flags & MONEY_QUEUES:
        what = f"nobody here knows of {sale.amount_minor} of {sale.reference_no}"
        yield Harm.LOST, what


def unsettled(escrow: Escrow, truth: Truth, exempt: Collection[str]) -> Told:
    """Every capture has its end, or stands in a queue for one; every refund that PAYNET
    carried out is known as done, or stands there; and both sides agree."""
    flags = {str(flag.reason) for flag in escrow.flags}
    for attempt in escrow.attempts:
        if attempt.reference_no in exempt:
            continue
        for capture in attempt.captures:
            yield from _unended(escrow, capture, flags)
            sale = truth.sale_of(capture, attempt)
            if sale is not None and sale.xact_id not in truth.elsewhere:
                yield from _differing(escrow, capture, sale, truth, flags)


def _unended(escrow: Escrow, capture: Capture, flags: set[str]) -> Told:
    in_review = escrow.status == "review"
    waits = capture.status == "waiting" and not capture.is_reversed
    if waits and not in_review:
        yield Harm.STUCK, f"a capture waits, and nobody decides: {capture.xact_id}"
    odd = capture.status == "mismatched" and not capture.is_reversed
    if odd and not in_review and "doubtful_capture" not in flags:
        yield Harm.STUCK, f"a doubtful capture stands in no queue: {capture.xact_id}"
    if capture.status != "surplus" or capture.is_reversed:
        return
    ended = capture.refund is None or capture.refund.status in {"denied", "unknown"}
    if ended and "late_capture" not in flags:
        yield Harm.STUCK, f"a surplus does not go back: {capture.xact_id}"


def _differing(
    escrow: Escrow, capture: Capture, sale: Transaction, truth: Truth, flags: set[str]
) -> Told:
    own = [capture.refund] if capture.refund else []
    orders = list(escrow.settlements) if capture.status == "funds" else own
    refunds = [order for order in orders if order.kind == "refund"]
    for refund in truth.refunds.get(sale.xact_id, []):
        named = [order for order in refunds if order.subject == subject_of(refund)]
        known = all(_is_known(escrow, order, flags) for order in named)
        if refund.state is RefundState.APPROVED and not known:
            yield Harm.LOST, f"PAYNET gave {refund.amount_minor} back, not known here"
    open_ = (o for o in refunds if o.status in UNDECIDED or is_said(escrow, o))
    if any(open_) or flags & CONTRADICTED:
        return
    ours = sum(paynet_minor(order) for order in refunds if order.status == "done")
    theirs = given_back(truth, sale)
    if ours != theirs:
        yield Harm.WRONG, f"{ours} refunded here, {theirs} at PAYNET"


def _is_known(escrow: Escrow, order: Settlement, flags: set[str]) -> bool:
    """What PAYNET carried out is done here, or a human is asked about that very one:
    unknown, or denied first and contradicted since."""
    if order.status == "done" or is_said(escrow, order):
        return True
    if order.status == "unknown":
        return escrow.status == "review" or "late_capture" in flags
    return order.status == "denied" and bool(flags & CONTRADICTED)


def overdue(seen: Seen, now: datetime) -> Told:
    if seen.due and seen.due < now - SCHEDULE_MAY_LAG:
        yield Harm.STUCK, f"due since {seen.due.isoformat()}, and nobody comes"
    escrow = seen.escrow
    if escrow is None:
        if seen.text("status") in {"received", "parked"} and not seen.due:
            yield Harm.STUCK, "a callback that waits, and nothing is due"
        return
    for what, end in _ends(escrow):
        if now <= end + SCHEDULE_MAY_LAG:
            continue
        tried_again = seen.due is not None and seen.due <= now + LONGEST_BACKOFF
        told = now <= end + SILENCE_IS_TOLD or escrow.flags
        if not (tried_again and told):
            yield Harm.STUCK, f"{escrow.status}: {what} ended {end.isoformat()}"


def _ends(escrow: Escrow) -> Iterator[tuple[str, datetime]]:
    """When each wait of the design should have ended; told without `due`."""
    live = next((a for a in escrow.attempts if a.status in LIVE), None)
    ends = escrow.deadlines
    if escrow.status == "created" and ends.pay_by:
        yield "the time to pay", ends.pay_by
    if escrow.status == "authenticating" and live and live.expires_at:
        yield "the session", live.expires_at
    if escrow.status == "charging" and live and live.last_sent:
        yield "the quiet after the charge", live.last_sent + QUIET
    if escrow.status == "held":
        yield from _ends_of_held(escrow)
    dispute = escrow.disputes[-1] if escrow.disputes else None
    if escrow.status == "disputed" and dispute and not dispute.is_overdue:
        yield "the time to decide", dispute.answer_by
    yield from _ends_of_orders(escrow)


def _ends_of_held(escrow: Escrow) -> Iterator[tuple[str, datetime]]:
    """With nothing available no clock runs; where a machine was refused, a human goes
    on, and only the hold limit runs."""
    ends = escrow.deadlines
    reserved = total(o for o in escrow.settlements if o.status in RESERVING)
    if escrow.balances.held == reserved:
        return
    if ends.hold_until:
        yield "the hold limit", ends.hold_until
    refused = any(
        order.key.startswith(MACHINES) and order.status in {"denied", "withdrawn"}
        for order in escrow.settlements
    )
    denied = any(flag.reason == "settlement_denied" for flag in escrow.flags)
    ours = any(o.kind == "refund" and o.sent_at for o in escrow.settlements)
    gone = any(c.status == "funds" and c.is_reversed for c in escrow.captures)
    if refused or denied or (gone and not ours):
        return
    for name in ("ship_by", "claim_by", "inspection_by"):
        if at := getattr(ends, name):
            yield name, at


def _ends_of_orders(escrow: Escrow) -> Iterator[tuple[str, datetime]]:
    orders = [capture.refund for capture in escrow.captures if capture.refund]
    if escrow.status in {"held", "releasing", "refunding"}:
        orders += escrow.settlements
    for order in orders:
        waits = escrow.status == "held" or order not in escrow.settlements
        if order.status == "scheduled" and order.due_at and waits:
            yield f"the wait of {order.key}", order.due_at
        if order.status == "sent" and order.sent_at:
            wait = SENDING if order.kind == "release" else PROOF
            end = order.sent_at + wait
            if order.accepted_at:
                end = order.accepted_at + VERDICT
            yield f"the wait for a proof of {order.key}", end
