"""PAYNET's truth, read from the simulator's own books, and one escrow of ours beside
it: what was taken, given back and released there, and what we say of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from emanet.escrow import Attempt, Capture, Escrow, Settlement
from local.paynet_simulator.records import Transaction
from local.paynet_simulator.refunds import Refund, RefundState
from tests.simulation.checker_books import Harm, Told, about, is_said
from tests.simulation.world import World

MAY_HAVE_HAPPENED = frozenset({"sent", "unknown", "done"})


# ── PAYNET's own books ────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Truth:
    """Sales by id, and which of them a session of ours made, by reference; refunds that
    PAYNET accepted and how often it was asked, by the sale; kuruş that another hand
    took back."""

    sales: Mapping[str, Transaction]
    others: Collection[str]
    charged: Mapping[str, list[str]]
    calls: Mapping[str, int]
    refunds: Mapping[str, list[Refund]]
    requests: Mapping[str, int]
    elsewhere: Mapping[str, int]
    releases_by_itself: bool

    @classmethod
    def of(cls, world: World) -> Truth:
        books = world.paynet.books
        sessions = books.sessions()
        rows = {row.xact_id: row for row in books.find()}
        charged, calls = defaultdict[str, list[str]](list), Counter[str]()
        for session in sessions:
            reference, row = session.payment.reference_no, session.transaction
            calls[reference] += books.charge_calls(session.session_id)
            if row:
                rows[row.xact_id] = row  # a forgotten one too
            if row and row.is_sale:
                charged[reference].append(row.xact_id)
        sales = {id_: row for id_, row in rows.items() if row.is_sale}
        refunds = defaultdict[str, list[Refund]](list)
        for refund in books.refunds():
            refunds[refund.sale.xact_id].append(refund)
        ours = {refund.reversal_xact_id for refund in books.refunds()}
        elsewhere = Counter[str]()
        for row in rows.values():
            if row.is_reversal and row.reverses and row.xact_id not in ours:
                elsewhere[row.reverses.xact_id] += row.amount_minor
        return cls(
            sales,
            rows.keys() - sales.keys(),
            charged,
            calls,
            refunds,
            {id_: books.refund_requests(id_).arrived for id_ in sales},
            elsewhere,
            world.paynet.settings.escrow_auto_release_days is not None,
        )

    def reversed_elsewhere(self, exempt: Collection[str]) -> set[str]:
        """Sales of which another hand took back all."""
        return {
            sale.xact_id
            for sale in self.sales.values()
            if self.elsewhere.get(sale.xact_id, 0) >= sale.amount_minor
            and sale.reference_no not in exempt
        }

    def sale_of(self, capture: Capture, attempt: Attempt) -> Transaction | None:
        """By id; one to which PAYNET gave none, by the reference."""
        for sale in self.sales.values():
            if sale.xact_id == capture.xact_id or str(sale.number) == capture.plain_id:
                return sale
            same = sale.reference_no == attempt.reference_no
            if same and capture.xact_id == "unnamed":
                return sale
        return None


# ── one escrow, beside PAYNET's truth ─────────────────────────────────────────


def of_paynet(escrow: Escrow, truth: Truth, exempt: Collection[str]) -> Told:
    for attempt in escrow.attempts:
        if attempt.reference_no in exempt:
            continue
        yield from _of_charge(attempt, truth)
        for capture in attempt.captures:
            yield from _of_capture(escrow, attempt, capture, truth)


def _of_charge(attempt: Attempt, truth: Truth) -> Told:
    name = attempt.reference_no
    taken = truth.charged.get(name, [])
    if len(taken) > 1:
        yield Harm.DOUBLE, f"PAYNET took {name} {len(taken)} times"
    if taken and attempt.last_sent is None:
        yield Harm.WRONG, f"PAYNET took {name} before any intent of ours stood"
    calls = truth.calls.get(name, 0)
    if calls > 2 * attempt.sends:  # each sending may be repeated once
        yield Harm.DOUBLE, f"{calls} charges of {name}, {attempt.sends} meant"


def _of_capture(
    escrow: Escrow, attempt: Attempt, capture: Capture, truth: Truth
) -> Told:
    sale = truth.sale_of(capture, attempt)
    if sale is None or sale.reference_no != attempt.reference_no:
        row = " (a row of another kind)" if capture.xact_id in truth.others else ""
        yield Harm.LOST, f"PAYNET never took {capture.xact_id}{row}"
        return
    if capture.amount_minor not in (sale.amount_minor, None):
        yield Harm.LOST, f"{capture.amount_minor} here, {sale.amount_minor} taken"
    orders = [capture.refund] if capture.refund else []
    if capture.status == "funds":
        orders = list(escrow.settlements)
        asked = (attempt.expected_minor, escrow.amount_minor)
        if sale.amount_minor != asked[0] and not _is_accepted(escrow):
            yield Harm.LOST, f"{sale.amount_minor} was taken, {asked[0]} was asked for"
        yield from _of_release(escrow, sale, truth)
    yield from _of_refunds(escrow, sale, orders, truth)


def _is_accepted(escrow: Escrow) -> bool:
    return any(entry.transition == "accept_mismatch" for entry in escrow.history)


def _of_release(escrow: Escrow, sale: Transaction, truth: Truth) -> Told:
    """PAYNET's own escrow is released once, because we said so."""
    releases = [order for order in escrow.settlements if order.kind == "release"]
    told = [o for o in releases if o.status in MAY_HAVE_HAPPENED or is_said(escrow, o)]
    if sale.releases > 1:
        yield Harm.DOUBLE, f"PAYNET released {sale.xact_id} {sale.releases} times"
    if sale.releases and not told and not truth.releases_by_itself:
        yield Harm.WRONG, "PAYNET released what no settlement releases"
    done = [o for o in releases if o.status == "done" and not is_said(escrow, o)]
    if sale.escrow is not None and done and not sale.releases:
        yield Harm.LOST, "released here, still in PAYNET's own escrow"


def _of_refunds(
    escrow: Escrow, sale: Transaction, orders: list[Settlement], truth: Truth
) -> Told:
    refunds = [order for order in orders if order.kind == "refund"]
    names = ("send_refund", "send_surplus")
    sent = sum(len(about(escrow, order.key, *names)) for order in refunds)
    asked = truth.requests.get(sale.xact_id, 0)
    if asked > sent:
        yield Harm.DOUBLE, f"PAYNET was asked for {asked} refunds, {sent} were meant"
    by_subject = {order.subject: order for order in refunds}
    gone = Counter[str]()
    for refund in truth.refunds.get(sale.xact_id, []):
        order = by_subject.get(subject_of(refund))
        if order is None:
            yield Harm.DOUBLE, f"PAYNET gives {refund.amount_minor} back, unasked"
        elif _goes_back(refund):
            gone[order.key] += 1
            yield from _of_refund(escrow, order, refund)
    for key, times in gone.items():
        if times > 1:
            yield Harm.DOUBLE, f"PAYNET gives {key} back {times} times"
    yield from _of_sums(escrow, sale, refunds, truth)


def _goes_back(refund: Refund) -> bool:
    """It went, or may still go: not one that PAYNET took and never carries out."""
    if refund.state is RefundState.OPEN:
        return refund.way != "never"
    return refund.state is RefundState.APPROVED


def subject_of(refund: Refund) -> str:
    """What the address that we gave PAYNET with the order calls it."""
    parts = refund.succeed_url.split("/")
    return parts[-2] if len(parts) > 1 else ""


def _of_refund(escrow: Escrow, order: Settlement, refund: Refund) -> Told:
    minor = order.amount_minor + order.surcharge_minor
    if refund.amount_minor != minor:
        yield Harm.DOUBLE, f"PAYNET gives {refund.amount_minor} back, {minor} was meant"
    if order.status not in MAY_HAVE_HAPPENED and not is_said(escrow, order):
        yield Harm.DOUBLE, f"PAYNET gives {order.key} back, here it is {order.status}"


def _of_sums(
    escrow: Escrow, sale: Transaction, refunds: list[Settlement], truth: Truth
) -> Told:
    """What we call refunded went back; and never goes out more than came in."""
    done = [o for o in refunds if o.status == "done" and not is_said(escrow, o)]
    ours = given_back(truth, sale)
    back = ours + truth.elsewhere.get(sale.xact_id, 0)
    if (claimed := sum(map(paynet_minor, done))) > back:
        yield Harm.LOST, f"{claimed} is refunded here, {back} went back"
    if not any(order in escrow.settlements for order in refunds):
        return
    denied = sum(
        paynet_minor(order)
        for order in refunds
        if order.status not in MAY_HAVE_HAPPENED and is_said(escrow, order)
    )
    out = escrow.balances.released + escrow.balances.charged_back + ours
    if out - denied > sale.amount_minor:
        yield Harm.DOUBLE, f"{out} went out of {sale.amount_minor}"


def paynet_minor(order: Settlement) -> int:
    return order.amount_minor + order.surcharge_minor


def given_back(truth: Truth, sale: Transaction) -> int:
    refunds = truth.refunds.get(sale.xact_id, [])
    return sum(r.amount_minor for r in refunds if r.state is RefundState.APPROVED)
