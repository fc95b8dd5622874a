"""functions/compare: PAYNET's paged lists against our books, over real HTTP and a real
table. What is planted is found with its cause; what PAYNET proves is repaired, once;
the rest waits for a human, and stays in the next plan."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from emanet import ledger
from emanet.dynamodb.items import escrow_item
from emanet.errors import InvalidRequest, PaynetUnreachable, PlanNotFound
from emanet.escrow import Capture, Escrow, QueueReason
from emanet.istanbul import day_of
from emanet.paynet.books import PaynetBooks
from emanet.paynet.line import Line
from emanet.ports import Plan
from emanet.usecases.applied import Applied, Result
from emanet.usecases.compare import plan, tonight
from emanet.usecases.repair import apply
from tests.stage import AMOUNT_MINOR, BUYER, OPERATIONS, PAYNET_KEY, Context, Stage

LIST = "/v1/transaction/list"
REVERSALS = "/v1/transaction/reversal_list"
REFUND = "/v1/transaction/reversed_request"
DETAIL = "/v1/transaction/detail"
ONE_LIRA_MORE = "4000000000000127"
ORDERS_A_DAY = 6
DAYS = 4

Found = set[tuple[str, str, str]]


def soon(stage: Stage, seconds: float = 120) -> datetime:
    return stage.clock() + timedelta(seconds=seconds)


def compared(
    stage: Stage,
    first: date | None = None,
    last: date | None = None,
    paynet: PaynetBooks | None = None,
) -> Plan:
    return plan(
        first,
        last,
        desk=stage.desk,
        books=stage.store,
        paynet=paynet or stage.paynet_books,
        deadline=soon(stage),
    )


def applied(stage: Stage, made: Plan, seconds: float = 120) -> Applied:
    return apply(
        made.id,
        desk=stage.desk,
        books=stage.store,
        gateway=stage.gateway,
        money_out=stage.money_out,
        paynet=stage.paynet_books,
        deadline=soon(stage, seconds),
    )


def found(made: Plan) -> Found:
    return {(f.escrow_id or "", f.drift.value, f.cause) for f in made.findings}


def results(done: Applied) -> dict[tuple[str, str], Result]:
    return {
        (each.finding.escrow_id or "", each.finding.drift.value): each.result
        for each in done.handled
    }


def capture(stage: Stage, escrow_id: str) -> Capture:
    funding = stage.escrow(escrow_id).funding
    assert funding is not None
    return funding[1]


def ask_refund(stage: Stage, escrow_id: str) -> None:
    path = f"/api/escrows/{escrow_id}/refund"
    headers = {"Idempotency-Key": "k"}
    said = {"reason": "complaint"}
    answer = stage.call("POST", path, said, who=OPERATIONS, headers=headers)
    assert answer.status == 200, answer.text


def escrows(stage: Stage) -> Iterator[Escrow]:
    for item in stage.items():
        if "-" not in item["id"]["S"]:
            yield stage.escrow(item["id"]["S"])


def by_id(items: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {item["id"]["S"]: item for item in items}


def assert_books_balance(stage: Stage) -> None:
    postings = [p for escrow in escrows(stage) for p in ledger.postings(escrow)]
    assert postings
    assert set(ledger.trial_balance(postings).values()) == {0}


# ── eight kinds of drift ─────────────────────────────────────────────────────


class Drifted:
    """Four days of payments, and what somebody did to PAYNET's books or ours."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.matching: list[str] = []
        self._first_day()
        for _ in range(DAYS - 1):
            stage.later(days=1)
            stage.reconcile_until_quiet()
            self.matching += [stage.held() for _ in range(ORDERS_A_DAY)]
        self._last_day()
        stage.later(days=1)

    def _first_day(self) -> None:
        stage = self.stage
        self.lost_refund, self.unknown_refund, self.refunded = (
            stage.held() for _ in range(3)
        )
        stage.later(hours=1)
        self._refunds()

    def _refunds(self) -> None:
        """One known by proof, one whose answer was lost, one that nobody can say of."""
        stage = self.stage
        ask_refund(stage, self.refunded)
        stage.reconcile_until_quiet()
        assert stage.escrow(self.refunded).status == "refunded"
        stage.paynet.settings.refunds = "manual"
        stage.paynet.faults.add("close", REFUND, when="after")
        ask_refund(stage, self.unknown_refund)
        stage.reconcile(minutes=1)

    def _last_day(self) -> None:
        stage, books = self.stage, self.stage.paynet.books
        assert stage.escrow(self.unknown_refund).status == "review"
        assert books.decide_refund(2, approve=True)
        stage.paynet.settings.refunds = "auto"
        stage.paynet.faults.add("close", REFUND, when="after")
        ask_refund(stage, self.lost_refund)
        stage.reconcile(minutes=1)
        assert stage.escrow(self.lost_refund).status == "refunding"

        self.unheard = stage.create()
        started = stage.initiate(self.unheard)
        books.plant(started.reference_no, AMOUNT_MINOR)
        (
            self.forgotten,
            self.other_amount,
            self.reversed,
            self.other_fee,
            self.twice,
            self.charged_back,
        ) = (stage.held() for _ in range(6))
        ids = {n: capture(stage, e).xact_id for n, e in vars(self).items() if n in _BY}
        books.forget(ids["forgotten"])
        books.alter(ids["other_amount"], amount_minor=AMOUNT_MINOR - 1_000)
        books.reverse(ids["reversed"])
        books.alter(ids["other_fee"], commission_minor=4_000)
        books.plant(stage.escrow(self.twice).attempts[-1].reference_no, AMOUNT_MINOR)
        books.charge_back(ids["charged_back"])
        books.plant("another-shop-17", 5_000)


_BY = {"forgotten", "other_amount", "reversed", "other_fee", "charged_back"}


@pytest.fixture
def drifted(stage: Stage) -> Drifted:
    return Drifted(stage)


def test_eight_kinds_of_drift_are_named_and_the_safe_ones_repaired(
    drifted: Drifted,
) -> None:
    stage, d = drifted.stage, drifted
    exceptions = {
        (d.forgotten, "missing_there", "capture_not_listed"),
        (d.other_amount, "amount", "amount_differs"),
        (d.unknown_refund, "state", "refund_unknown"),
        (d.twice, "duplicate", "two_sales"),
    }
    frozen = {(d.reversed, "state", "reversed_there")}  # known here from then on
    repaired = {
        (d.unheard, "missing_here", "attempt_open"),
        (d.lost_refund, "state", "refund_sent"),
        (d.other_fee, "fee", "fee_differs"),
        (d.charged_back, "chargeback", "on_chargeback"),
    }

    first = compared(stage)
    assert found(first) == exceptions | frozen | repaired
    assert first.foreign == 1
    assert first.matched == len(d.matching) + 2 + 1  # and the refunded, and its refund
    assert first.matched + len(first.findings) > 25
    assert len(stage.paynet.traffic.visits(LIST)) >= 3  # pages, of ten rows each

    done = applied(stage, first)
    assert (done.left, done.stopped) == (0, "")
    assert results(done) == {
        **{(id_, drift): Result.QUEUED for id_, drift, _ in exceptions | frozen},
        **{(escrow_id, drift): Result.REPAIRED for escrow_id, drift, _ in repaired},
    }
    statuses = {
        d.unheard: "held",
        d.lost_refund: "refunded",
        d.other_fee: "held",
        d.charged_back: "review",
        d.forgotten: "held",
        d.other_amount: "review",
        d.reversed: "review",
        d.unknown_refund: "review",
        d.twice: "held",
    }
    for escrow_id, status in statuses.items():
        assert stage.escrow(escrow_id).status == status
    assert capture(stage, d.other_fee).commission_minor == 4_000
    for escrow_id, *_ in exceptions:
        assert stage.escrow(escrow_id).flags
    assert_books_balance(stage)

    second = compared(stage)
    assert found(second) == exceptions
    before = by_id(stage.items())
    again, once_more = applied(stage, second), applied(stage, first)
    assert {each.result for each in again.handled} == {Result.QUEUED}
    assert once_more.count(Result.REPAIRED) == once_more.count(Result.FAILED) == 0
    assert by_id(stage.items()) == before
    assert_books_balance(stage)


def test_two_who_apply_the_same_plan_at_once_repair_everything_once(
    drifted: Drifted,
) -> None:
    stage = drifted.stage
    made = compared(stage)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(applied, stage, made) for _ in range(2)]
    for done in both:
        assert done.result().count(Result.FAILED) == 0
    for escrow in escrows(stage):
        written = Counter(
            (entry.transition, entry.why)
            for entry in escrow.history
            if entry.at >= made.made_at
        )
        assert set(written.values()) <= {1}, written
        assert len({flag.reason for flag in escrow.flags}) == len(escrow.flags)
    assert_books_balance(stage)


def test_the_function_compares_the_last_four_days_and_repairs(drifted: Drifted) -> None:
    stage = drifted.stage
    app = importlib.import_module("functions.compare.app")
    report = app.lambda_handler({}, Context())
    first, last = tonight(drifted.stage.clock())
    assert (report["first"], report["last"]) == (first.isoformat(), last.isoformat())
    assert report["found"] == {
        "missing_here": 1,
        "missing_there": 1,
        "amount": 1,
        "state": 3,
        "fee": 1,
        "duplicate": 1,
        "chargeback": 1,
    }
    assert report["results"] == {"repaired": 4, "queued": 5}
    assert (report["left"], report["stopped"]) == (0, "")
    assert stage.store.read_plan(report["plan"]) is not None


# ── a plan is made from whole lists, or not at all ───────────────────────────


def days_of_payments(stage: Stage, orders: int = 12) -> list[str]:
    """So many of one day; now is the next day's noon."""
    paid = [stage.held() for _ in range(orders)]
    stage.later(days=1)
    return paid


def yesterday(stage: Stage) -> date:
    return day_of(stage.clock()) - timedelta(days=1)


def plans(stage: Stage) -> list[str]:
    return [id_ for id_ in by_id(stage.items()) if id_.startswith("plan-")]


def test_a_plan_of_an_empty_day_finds_nothing(stage: Stage) -> None:
    day = yesterday(stage)
    made = compared(stage, day, day)
    assert (made.first, made.last, made.matched, made.foreign) == (day, day, 0, 0)
    assert made.findings == ()
    assert stage.store.read_plan(made.id) == made
    assert applied(stage, made).handled == ()


@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
def test_a_row_that_is_added_while_the_pages_are_turned_hides_no_other(
    stage: Stage, order: str
) -> None:
    paid = days_of_payments(stage)
    stage.paynet.settings.change({"list_order": order})
    asked = []

    def paying_meanwhile(_deadline: datetime) -> bool:
        asked.append(1)
        if len(asked) == 2:
            stage.paynet.books.plant("another-shop-1", 5_000)
        return True

    books = PaynetBooks(
        Line(stage.paynet_url, lambda: PAYNET_KEY, stage.clock, pace=paying_meanwhile)
    )
    made = compared(stage, paynet=books)
    assert (made.matched, made.findings) == (len(paid), ())


@pytest.mark.parametrize("path", [LIST, REVERSALS])
@pytest.mark.parametrize("kind", ["close", "status", "html", "truncated"])
def test_a_list_that_cannot_be_read_makes_no_plan(
    stage: Stage, path: str, kind: Any
) -> None:
    days_of_payments(stage, 1)
    before = by_id(stage.items())
    stage.paynet.faults.add(kind, path)
    with pytest.raises(PaynetUnreachable):
        compared(stage)
    assert by_id(stage.items()) == before


def test_a_page_in_the_middle_that_cannot_be_read_makes_no_plan(stage: Stage) -> None:
    days_of_payments(stage)

    asked = []

    def failing_later(_deadline: datetime) -> bool:
        asked.append(1)
        if len(asked) == 2:
            stage.paynet.faults.add("close", LIST, when="before")
        return True

    books = PaynetBooks(
        Line(stage.paynet_url, lambda: PAYNET_KEY, stage.clock, pace=failing_later)
    )
    with pytest.raises(PaynetUnreachable):
        compared(stage, paynet=books)
    assert len(asked) == 2
    assert plans(stage) == []


@pytest.mark.parametrize(("first", "last"), [(0, 1), (-3, -4), (-200, -1), (1, 1)])
def test_days_that_make_no_sense_are_refused(
    stage: Stage, first: int, last: int
) -> None:
    today = day_of(stage.clock())
    with pytest.raises(InvalidRequest):
        compared(stage, today + timedelta(first), today + timedelta(last))


def test_a_plan_that_nobody_made_is_not_found(stage: Stage) -> None:
    made = Plan("plan-aaaa", stage.clock(), yesterday(stage), yesterday(stage), 0)
    with pytest.raises(PlanNotFound):
        applied(stage, made)


# ── nothing is repaired because of what a plan once saw ──────────────────────


def test_what_came_right_meanwhile_is_left_alone(stage: Stage) -> None:
    unlisted, on_chargeback, other_fee = days_of_payments(stage, 3)
    books = stage.paynet.books
    ids = {e: capture(stage, e).xact_id for e in (unlisted, on_chargeback, other_fee)}
    row = books.forget(ids[unlisted])
    books.charge_back(ids[on_chargeback])
    fee = stage.paynet.books.alter(ids[other_fee]).fee_minor
    books.alter(ids[other_fee], commission_minor=1)
    made = compared(stage)
    assert len(made.findings) == 3
    row.forgotten = False
    books.charge_back(ids[on_chargeback], on=False)
    books.alter(ids[other_fee], commission_minor=fee)
    before = by_id(stage.items())
    assert applied(stage, made).count(Result.ALREADY_RIGHT) == 3
    assert by_id(stage.items()) == before


def test_a_sale_that_paynet_takes_back_is_shown_and_not_believed(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    planted = stage.paynet.books.plant(started.reference_no, AMOUNT_MINOR)
    stage.later(days=1)
    made = compared(stage)
    stage.paynet.books.forget(planted.xact_id)
    assert applied(stage, made).count(Result.QUEUED) == 1
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.status, escrow.queue_reason) == ("authenticating", "drift")


def test_what_nobody_knew_and_paynet_forgot_is_no_work_for_anybody(
    stage: Stage,
) -> None:
    (paid,) = days_of_payments(stage, 1)
    taken = capture(stage, paid)
    assert taken.at
    books, at_s = stage.paynet.books, taken.at.timestamp()
    rows = [
        books.plant(f"{'a' * 26}-1-k7m2qa", AMOUNT_MINOR, at_s=at_s),
        books.reverse(taken.xact_id, 30_000, at_s=at_s + 60),
    ]
    made = compared(stage)
    assert len(made.findings) == 2
    for row in rows:
        books.forget(row.xact_id)
    before = by_id(stage.items())
    assert applied(stage, made).count(Result.ALREADY_RIGHT) == 2
    assert by_id(stage.items()) == before


def test_while_paynet_is_silent_nothing_is_repaired_and_nothing_is_queued(
    stage: Stage,
) -> None:
    paid = days_of_payments(stage, 7)
    for escrow_id in paid:
        stage.paynet.books.forget(capture(stage, escrow_id).xact_id)
    made = compared(stage)
    stage.paynet.faults.add("close", times=None)
    before = by_id(stage.items())
    done = applied(stage, made)
    assert {each.why for each in done.handled} == {"paynet_unreachable"}
    assert (done.count(Result.FAILED), done.left, done.stopped) == (5, 2, "paynet_down")
    assert by_id(stage.items()) == before


def test_what_cannot_be_reached_in_time_is_counted_as_left(stage: Stage) -> None:
    (paid,) = days_of_payments(stage, 1)
    stage.paynet.books.forget(capture(stage, paid).xact_id)
    done = applied(stage, compared(stage), seconds=1)
    assert (done.handled, done.left, done.stopped) == ((), 1, "time_up")


# ── what has no proof waits for a human ──────────────────────────────────────


def test_a_payment_for_an_escrow_that_nobody_knows_waits_in_the_inbox(
    stage: Stage,
) -> None:
    reference = f"{'a' * 26}-1-k7m2qa"
    stage.paynet.books.plant(reference, AMOUNT_MINOR)
    stage.later(days=1)
    made = compared(stage)
    assert found(made) == {("", "missing_here", "no_such_escrow")}
    assert applied(stage, made).count(Result.QUEUED) == 1
    (line,) = stage.store.queued(QueueReason.DRIFT, 10)
    note = stage.store.read(line.id)
    assert note is not None
    assert (note.reference_no, note.hint["cause"]) == (reference, "no_such_escrow")
    before = by_id(stage.items())
    assert applied(stage, made).count(Result.QUEUED) == 1
    assert by_id(stage.items()) == before
    closed = stage.call(
        "POST", f"/api/operations/inbox/{line.id}/close", {}, who=OPERATIONS
    )
    assert closed.status == 200, closed.text
    applied(stage, compared(stage))
    assert stage.store.queued(QueueReason.DRIFT, 10) == []


def test_a_payment_under_a_reference_that_an_escrow_never_gave_out_is_shown(
    stage: Stage,
) -> None:
    (paid,) = days_of_payments(stage, 1)
    at_s = capture(stage, paid).at
    assert at_s
    stage.paynet.books.plant(f"{paid}-9-zzzzzz", 100, at_s=at_s.timestamp())
    made = compared(stage)
    assert found(made) == {(paid, "missing_here", "no_such_attempt")}
    assert applied(stage, made).count(Result.QUEUED) == 1
    assert [f.reason for f in stage.escrow(paid).flags] == [QueueReason.DRIFT]


def test_what_a_human_took_out_of_the_queue_does_not_come_back_into_it(
    stage: Stage,
) -> None:
    (paid,) = days_of_payments(stage, 1)
    stage.paynet.books.forget(capture(stage, paid).xact_id)
    applied(stage, compared(stage))
    way = f"/api/operations/escrows/{paid}/acknowledge"
    said = {"reason": "PAYNET looks", "version": stage.escrow(paid).version}
    answer = stage.call("POST", way, said, who=OPERATIONS)
    assert answer.status == 200, answer.text
    made = compared(stage)
    assert found(made) == {(paid, "missing_there", "capture_not_listed")}
    assert applied(stage, made).count(Result.QUEUED) == 1
    assert stage.escrow(paid).flags == ()


def test_a_part_that_went_back_without_us_freezes_what_is_held(stage: Stage) -> None:
    (paid,) = days_of_payments(stage, 1)
    taken = capture(stage, paid)
    assert taken.at
    stage.paynet.books.reverse(taken.xact_id, 30_000, at_s=taken.at.timestamp() + 60)
    made = compared(stage)
    (finding,) = made.findings
    assert (finding.drift, finding.cause) == ("state", "reversal_unexplained")
    assert (finding.ours_minor, finding.theirs_minor) == (0, 30_000)
    assert applied(stage, made).count(Result.QUEUED) == 1
    assert stage.escrow(paid).status == "review"
    before = by_id(stage.items())
    assert applied(stage, made).count(Result.QUEUED) == 1
    assert by_id(stage.items()) == before


def test_a_sale_of_long_ago_that_is_reversed_now_is_found_by_asking(
    stage: Stage,
) -> None:
    (paid,) = days_of_payments(stage, 1)
    stage.later(days=5)
    stage.paynet.books.reverse(capture(stage, paid).xact_id)
    stage.later(days=1)
    made = compared(stage)
    assert (made.matched, found(made)) == (
        0,
        {(paid, "state", "reversal_unexplained")},
    )
    assert applied(stage, made).count(Result.QUEUED) == 1
    assert stage.escrow(paid).status == "review"


def test_one_transaction_in_two_escrows_is_shown_of_both(stage: Stage) -> None:
    one, two = stage.held(), stage.held()
    borrowed = capture(stage, one)
    escrow = stage.escrow(two)
    attempt = replace(escrow.attempts[0], captures=(borrowed,))
    spoiled = escrow_item(replace(escrow, attempts=(attempt,)))
    table = stage.environment["TABLE_NAME"]
    stage.dynamodb.put_item(TableName=table, Item=spoiled)
    stage.later(days=1)
    made = compared(stage)
    cause = ("duplicate", "one_transaction_in_two_escrows")
    assert {(one, *cause), (two, *cause)} <= found(made)
    for _ in range(2):
        applied(stage, made)
    for escrow_id in (one, two):
        flags = [flag.reason for flag in stage.escrow(escrow_id).flags]
        assert flags == [QueueReason.DRIFT]


def test_a_refund_that_paynet_no_longer_lists_is_shown(stage: Stage) -> None:
    paid = stage.held()
    ask_refund(stage, paid)
    stage.reconcile_until_quiet()
    assert stage.escrow(paid).status == "refunded"
    (reversal,) = stage.paynet.books.reversals(*(day_of(stage.clock()),) * 2)
    stage.paynet.books.forget(reversal.xact_id)
    sale = stage.paynet.books.alter(capture(stage, paid).xact_id)
    sale.reversed, sale.reversed_xact_id = False, None
    stage.later(days=1)
    made = compared(stage)
    assert found(made) == {(paid, "missing_there", "refund_not_listed")}
    reversal.forgotten = False
    assert applied(stage, made).count(Result.ALREADY_RIGHT) == 1
    reversal.forgotten = True
    assert applied(stage, made).count(Result.QUEUED) == 1
    assert [f.reason for f in stage.escrow(paid).flags] == [QueueReason.DRIFT]
    assert stage.paynet.books.refund_requests(sale.xact_id).arrived == 1


def test_a_refund_whose_row_is_gone_again_is_shown_and_still_asked_about(
    stage: Stage,
) -> None:
    paid = stage.held()
    stage.paynet.faults.add("close", REFUND, when="after")
    ask_refund(stage, paid)
    stage.reconcile(minutes=1)
    made = compared(stage, yesterday(stage), day_of(stage.clock()))
    assert found(made) == {(paid, "state", "refund_sent")}
    (reversal,) = stage.paynet.books.reversals(*(day_of(stage.clock()),) * 2)
    stage.paynet.books.forget(reversal.xact_id)
    sale = stage.paynet.books.alter(capture(stage, paid).xact_id)
    sale.reversed, sale.reversed_xact_id = False, None
    for _ in range(2):
        assert applied(stage, made).count(Result.QUEUED) == 1
    escrow = stage.escrow(paid)
    assert (escrow.status, escrow.queue_reason) == ("refunding", "drift")
    assert [entry.transition for entry in escrow.history].count("flag") == 1
    assert escrow.sent
    assert escrow.sent.ask_at


def test_a_fee_that_became_known_late_is_booked_on_a_closed_escrow(
    stage: Stage,
) -> None:
    paid = stage.held()
    ask_refund(stage, paid)
    stage.reconcile_until_quiet()
    stage.paynet.books.alter(capture(stage, paid).xact_id, commission_minor=4_000)
    stage.later(days=1)
    made = compared(stage)
    assert found(made) == {(paid, "fee", "fee_differs")}
    assert applied(stage, made).count(Result.REPAIRED) == 1
    accounts = ledger.balances(ledger.postings(stage.escrow(paid)))["TRY"]
    assert accounts["refund_loss"] == 4_000 + 800  # PAYNET kept its fee and the tax
    assert_books_balance(stage)
    assert compared(stage).findings == ()


def test_a_fee_that_cannot_be_booked_now_is_shown(stage: Stage) -> None:
    started = stage.pay(stage.create(), ONE_LIRA_MORE)
    way = f"/api/operations/escrows/{started.escrow_id}/refund_mismatch"
    version = stage.escrow(started.escrow_id).version
    said = {"reason": "pay again", "version": version}
    answer = stage.call("POST", way, said, who=OPERATIONS)
    assert answer.status == 200, answer.text
    escrow = stage.escrow(started.escrow_id)
    assert escrow.status == "created"
    (surplus,) = escrow.captures
    stage.paynet.books.alter(surplus.xact_id, commission_minor=1)
    stage.later(days=1)
    made = compared(stage)
    assert found(made) == {(escrow.id, "fee", "fee_differs")}
    assert applied(stage, made).count(Result.QUEUED) == 1
    assert stage.escrow(escrow.id).queue_reason == QueueReason.DRIFT


# ── our side is read whole ───────────────────────────────────────────────────


def test_an_escrow_whose_money_moved_on_since_is_still_compared(stage: Stage) -> None:
    (paid,) = days_of_payments(stage, 1)
    stage.paynet.books.forget(capture(stage, paid).xact_id)
    way = f"/api/escrows/{paid}/release"
    headers = {"Idempotency-Key": "k"}
    answer = stage.call("POST", way, {}, who=BUYER, headers=headers)
    assert answer.status == 200, answer.text
    assert stage.escrow(paid).moved_on == day_of(stage.clock())
    assert found(compared(stage)) == {(paid, "missing_there", "capture_not_listed")}


def test_paynet_is_not_asked_about_reversals_of_today(stage: Stage) -> None:
    old = stage.paynet.books.plant("another-shop-1", 5_000)
    stage.later(days=9)
    stage.paynet.books.reverse(old.xact_id)
    assert compared(stage).foreign == 0
    assert stage.paynet.traffic.visits(DETAIL) == []
    stage.later(days=1)
    assert compared(stage).foreign == 1
    assert len(stage.paynet.traffic.visits(DETAIL)) == 1
