"""Our own books, checked by themselves: one escrow as it stands, its history, and what
became of it between two looks. Nothing here asks the domain what it thinks: sums are
added up anew, and the rules are the design's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from traceback import extract_tb
from typing import Any

from emanet.escrow import Attempt, Capture, Entry, Escrow, Settlement
from emanet.istanbul import day_of
from emanet.money import RuleBroken
from tests.rules import right

CLOSED = frozenset({"released", "refunded", "split", "cancelled", "expired"})
UNPAID = frozenset({"created", "authenticating", "charging"})
NO_MONEY_LEAVES = CLOSED | UNPAID | {"disputed"}
RESERVING = frozenset({"scheduled", "suspended", "sent", "unknown"})
LIVE = frozenset({"starting", "open", "charging"})
FINAL = frozenset({"done", "withdrawn"})
SAID_BY_A_HUMAN = ("confirm_unknown", "deny_unknown", "answer_surplus")
DECISIONS = frozenset(
    {
        *SAID_BY_A_HUMAN,
        "accept_mismatch",
        "fund_waiting",
        "refund_capture",
        "refund_mismatch",
        "reject_dispute",
        "reopen_unpaid",
        "resolve_dispute",
        "resume",
        "settle_review",
    }
)
SENDINGS = (
    "send_refund",
    "send_release",
    "send_surplus",
    "put_off_refund",
    "accept_surplus",
    "answer_surplus",
)

LEASE = timedelta(seconds=60)
TAKEOVERS = 3
QUIET = timedelta(minutes=15)
DAY = timedelta(days=1)


class Harm(StrEnum):
    LOST = "lost"
    DOUBLE = "double"
    STUCK = "stuck"
    WRONG = "wrong"


Told = Iterator[tuple[Harm, str]]


@dataclass(frozen=True, slots=True)
class Finding:
    harm: Harm
    escrow_id: str
    what: str


@dataclass(frozen=True, slots=True)
class Seen:
    """An item of ours, as it stood at the last look: `record` tells whether it stands
    there still, `wrong` is what was wrong with it alone."""

    record: object
    item: Mapping[str, Any]
    escrow: Escrow | None = None
    wrong: tuple[Finding, ...] = ()

    def text(self, name: str) -> str:
        return str(self.item[name]["S"]) if name in self.item else ""

    @property
    def due(self) -> datetime | None:
        due_at = self.text("due_at")
        return datetime.fromisoformat(due_at) if due_at else None


# ── one escrow, by itself ─────────────────────────────────────────────────────


def of_rules(escrow: Escrow) -> Told:
    """tests/rules.py."""
    try:
        right(escrow)
    except (AssertionError, RuleBroken) as error:
        line = extract_tb(error.__traceback__)[-1].line
        yield Harm.WRONG, f"tests/rules.py: {str(error) or line}"


def of_one(seen: Seen, escrow: Escrow) -> Told:
    yield from _of_sums(escrow)
    yield from _once(escrow)
    yield from _of_parts(escrow)
    yield from _of_moments(seen, escrow)


def _of_sums(escrow: Escrow) -> Told:
    sums, orders = escrow.balances, escrow.settlements
    if sums.captured not in (0, escrow.amount_minor):
        yield Harm.WRONG, "captured is neither 0 nor the amount"
    parts = (sums.held, sums.released, sums.refunded, sums.charged_back)
    if min(parts) < 0 or sums.captured != sum(parts):
        yield Harm.WRONG, "captured = held + released + refunded + charged_back"
    reserved = total(order for order in orders if order.status in RESERVING)
    if reserved > sums.held:
        yield Harm.DOUBLE, f"{reserved} promised of {sums.held} held"
    for kind, moved in (("release", sums.released), ("refund", sums.refunded)):
        done = total(o for o in orders if o.kind == kind and o.status == "done")
        if done != moved:
            yield Harm.DOUBLE, f"{kind}s of {done} are done, {moved} moved"


def _once(escrow: Escrow) -> Told:
    """What there is one of."""
    attempts, orders = escrow.attempts, escrow.settlements
    if sum(attempt.status in LIVE for attempt in attempts) > 1:
        yield Harm.DOUBLE, "two live attempts"
    if sum(order.status == "sent" for order in orders) > 1:
        yield Harm.DOUBLE, "two settlements sent"
    if len({order.key for order in orders}) < len(orders):
        yield Harm.DOUBLE, "two settlements of one key"
    if len({attempt.reference_no for attempt in attempts}) < len(attempts):
        yield Harm.DOUBLE, "two attempts of one reference"
    funds = sum(capture.status == "funds" for capture in escrow.captures)
    if funds != (escrow.balances.captured > 0):
        yield Harm.WRONG, f"{funds} captures fund {escrow.balances.captured}"


def total(orders: Iterable[Settlement]) -> int:
    return sum(order.amount_minor for order in orders)


def _of_parts(escrow: Escrow) -> Told:
    """PAYNET's day rule, and the surcharge that goes back only with the whole."""
    funding = _funding(escrow)
    if funding is None:
        return
    attempt, capture = funding
    ours = [moment for moment in (attempt.last_sent, escrow.held_at) if moment]
    day = day_of(capture.at or max(ours))
    for order in escrow.settlements:
        if order.kind != "refund" or order.amount_minor == escrow.balances.captured:
            continue
        if order.surcharge_minor:
            yield Harm.WRONG, f"a part gives the surcharge back: {order.key}"
        sent = about(escrow, order.key, "send_refund")
        if any(day_of(entry.at) <= day for entry in sent):
            yield Harm.WRONG, f"a part is sent on the day of payment: {order.key}"


def _funding(escrow: Escrow) -> tuple[Attempt, Capture] | None:
    for attempt in escrow.attempts:
        for capture in attempt.captures:
            if capture.status == "funds":
                return attempt, capture
    return None


def _of_moments(seen: Seen, escrow: Escrow) -> Told:
    """Nothing waits for ever, as the table's own indexes see it."""
    queue = str(escrow.flags[0].reason) if escrow.flags else ""
    if seen.text("queue_reason") != queue:
        yield Harm.STUCK, f"flagged {queue}, in queue {seen.text('queue_reason')}"
    if escrow.status not in CLOSED and not (seen.due or queue):
        yield Harm.STUCK, f"{escrow.status}, with no due moment and in no queue"
    going = (c.refund for c in escrow.captures if c.refund)
    if any(o.status in {"scheduled", "sent"} for o in going) and not seen.due:
        yield Harm.STUCK, "a surplus is to go back, and nothing is due"


# ── one escrow's history ──────────────────────────────────────────────────────


def of_history(escrow: Escrow) -> Told:
    before = ""
    for entry in escrow.history:
        if str(entry.from_status or "") != before:
            yield Harm.WRONG, f"entry {entry.seq} does not begin where the last ended"
        before = str(entry.to_status)
        yield from _of_entry(escrow, entry)
    if before != escrow.status:
        yield Harm.WRONG, "the last entry does not end in the status"
    writes = Counter(entry.write_id for entry in escrow.history)
    if max(writes.values(), default=0) > 1:
        yield Harm.DOUBLE, "two entries of one write"
    yield from _of_charges(escrow)
    yield from _of_sendings(escrow)


def _of_entry(escrow: Escrow, entry: Entry) -> Told:
    came, name = str(entry.from_status or ""), entry.transition
    if came in CLOSED and entry.to_status != came:
        yield Harm.WRONG, f"{name} reopens a closed escrow"
    if came == "charging" and entry.to_status in CLOSED:
        yield Harm.WRONG, f"{name} closes while a charge is undecided"
    left = [sum_ for sum_ in ("released", "refunded") if entry.money.get(sum_)]
    if came in NO_MONEY_LEAVES and left:
        yield Harm.WRONG, f"{name}: {left[0]} while {came}"
    role, _, person = entry.by.partition(":")
    is_party = person in {escrow.payer.id, escrow.payee.id}
    if name in DECISIONS and (role != "operations" or is_party):
        yield Harm.WRONG, f"{name} is decided by {entry.by}"
    if name in {"release", "order_release"} and role == "payee":
        yield Harm.WRONG, "the payee releases his own money"
    if role == "clock" and (why := _too_early(escrow, entry)):
        yield Harm.WRONG, f"{name} by the clock: {why}"


def _too_early(escrow: Escrow, entry: Entry) -> str:
    """Time that stands still only makes a wait longer than this."""
    terms, at = escrow.policy, entry.at
    if entry.transition in {"release", "order_release"}:
        delivered = escrow.delivered_at
        if not delivered or at < delivered + terms.inspection_days * DAY:
            return "the inspection is not over"
    if entry.transition == "schedule_refund":
        held, parcel = escrow.held_at, escrow.shipment
        if parcel and parcel.at < at:
            return "it was shipped"
        if not held or at < held + terms.ship_within_days * DAY:
            return "the payee has time to ship"
    pay_by = escrow.created_at + timedelta(hours=terms.pay_within_hours)
    if entry.transition == "expire" and at < pay_by:
        return "the payer has time to pay"
    return ""


def _of_charges(escrow: Escrow) -> Told:
    """Nobody takes a charge over within its lease, or closes it before it was quiet."""
    sent, takeovers = escrow.created_at - DAY, 0
    for entry in escrow.history:
        if entry.transition == "begin_charge":
            sent, takeovers = entry.at, 0
        elif entry.transition == "retake_charge":
            if entry.at < sent + LEASE:
                yield Harm.DOUBLE, "a charge is taken over within its lease"
            sent, takeovers = entry.at, takeovers + 1
            if takeovers > TAKEOVERS:
                yield Harm.DOUBLE, "a charge is taken over too often"
        elif entry.transition == "find_unpaid" and entry.at < sent + QUIET:
            yield Harm.LOST, "not found means not paid before it was quiet"


def _of_sendings(escrow: Escrow) -> Told:
    """Sent once; once more only after PAYNET's day rule, or a human's word. What PAYNET
    answered is written once."""
    accepted = 0
    for entry in escrow.history:
        if entry.transition == "send_refund":
            accepted = 0
        accepted += entry.transition == "accept_refund"
        if accepted > 1:
            yield Harm.WRONG, "one sending is accepted twice"
    for order in _orders(escrow):
        told = Counter(e.transition for e in about(escrow, order.key, *SENDINGS))
        sent = told["send_refund"] + told["send_release"] + told["send_surplus"]
        if sent > 1 + told["put_off_refund"] + told["answer_surplus"]:
            yield Harm.DOUBLE, f"sent {sent} times: {order.key}"
        if told["put_off_refund"] > 1:
            yield Harm.WRONG, f"put off twice: {order.key}"
        if told["accept_surplus"] > told["send_surplus"]:
            yield Harm.WRONG, f"one sending is accepted twice: {order.key}"


def _orders(escrow: Escrow) -> Iterator[Settlement]:
    """Settlements, and refunds of surplus captures."""
    yield from escrow.settlements
    yield from (c.refund for c in escrow.captures if c.refund)


def about(escrow: Escrow, key: str, *names: str) -> list[Entry]:
    """These entries, about the order with this key."""
    exact, longer = _cut(key), _cut(f"{key} ")
    return [
        entry
        for entry in escrow.history
        if entry.transition in names
        and (entry.why == exact or entry.why.startswith(longer))
    ]


def _cut(why: str) -> str:
    return why.encode()[:120].decode(errors="ignore")


def is_said(escrow: Escrow, order: Settlement) -> bool:
    """A human said what became of it; he may have been wrong."""
    return bool(about(escrow, order.key, *SAID_BY_A_HUMAN))


# ── one escrow, before and after ──────────────────────────────────────────────


def of_two(before: Escrow, after: Escrow) -> Told:
    old = before.history
    if after.history[: len(old)] != old:
        yield Harm.LOST, "an entry of history was changed or lost"
    if after.version < before.version:
        yield Harm.LOST, "the version went back"
    if after.status != before.status:
        if before.status in CLOSED:
            yield Harm.WRONG, f"{before.status} became {after.status}"
        if after.version == before.version:
            yield Harm.WRONG, "another status under the same version"
    for name in ("order_id", "round", "payer", "payee", "policy", "fee_minor"):
        if getattr(after, name) != getattr(before, name):
            yield Harm.WRONG, f"{name} changes"
    yield from _of_two_sums(before, after)
    yield from _of_two_orders(before, after)
    yield from _of_two_attempts(before, after)


def _of_two_sums(before: Escrow, after: Escrow) -> Told:
    """Money never comes back, and what was captured stays captured."""
    for name in ("released", "refunded", "charged_back"):
        if getattr(after.balances, name) < getattr(before.balances, name):
            yield Harm.WRONG, f"{name} shrinks"
    if before.balances.captured not in (0, after.balances.captured):
        yield Harm.WRONG, "captured changes"
    new = after.history[len(before.history) :]
    accepted = any(entry.transition == "accept_mismatch" for entry in new)
    if after.amount_minor != before.amount_minor and not accepted:
        yield Harm.WRONG, "the amount changes"


def _of_two_orders(before: Escrow, after: Escrow) -> Told:
    now = {order.key: order for order in _orders(after)}
    for order in _orders(before):
        again = now.get(order.key)
        if again is None:
            yield Harm.LOST, f"a settlement is gone: {order.key}"
        elif (again.kind, again.amount_minor) != (order.kind, order.amount_minor):
            yield Harm.DOUBLE, f"another settlement under one key: {order.key}"
        elif order.status in FINAL and again.status != order.status:
            yield Harm.DOUBLE, f"{order.status} became {again.status}: {order.key}"


def _of_two_attempts(before: Escrow, after: Escrow) -> Told:
    now = {attempt.reference_no: attempt for attempt in after.attempts}
    for attempt in before.attempts:
        again = now.get(attempt.reference_no)
        if again is None or again.expected_minor != attempt.expected_minor:
            yield Harm.LOST, f"an attempt is gone or changed: {attempt.reference_no}"
            continue
        for capture in attempt.captures:
            if not any(_is_same(capture, known) for known in again.captures):
                yield Harm.LOST, f"a capture is gone: {capture.xact_id}"


def _is_same(one: Capture, other: Capture) -> bool:
    plain = one.plain_id is not None and one.plain_id == other.plain_id
    return plain or one.xact_id == other.xact_id
