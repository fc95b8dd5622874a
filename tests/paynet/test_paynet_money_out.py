"""Money that leaves PAYNET, over the line: sent once whatever happens to the answer,
and looked up in lists of many pages that grow while they are read."""

from __future__ import annotations

import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from emanet.errors import EmanetError, SecretUnavailable
from emanet.escrow import Capture
from emanet.istanbul import day_of
from emanet.outcome import (
    Accepted,
    Denied,
    Reply,
    Returned,
    Reversal,
    Sale,
    Unknown,
)
from emanet.paynet.books import PaynetBooks
from emanet.paynet.client import PaynetGateway
from emanet.paynet.line import IDLE_LONGEST, Line, Pace
from emanet.paynet.money_out import PaynetMoneyOut
from emanet.paynet.paging import MOST_PAGES
from local.paynet_simulator import PaynetSimulator
from tests.paynet import paynet_wire_table as wire
from tests.paynet.literal_paynet import (
    CARD,
    DAYS,
    EXPECTED,
    ORDER,
    ORDERS,
    Answering,
    LiteralPaynet,
    books_of,
    call,
    closes,
    closes_after,
    gateway_to,
    money_out_to,
    now,
    refund,
    returned,
    reversals,
    sales,
    soon,
)
from tests.paynet.paynet_wire_table import (
    AMOUNT_MINOR,
    BACK,
    CAPTURE,
    CHARGE,
    CHECK,
    DETAIL,
    ESCROW,
    INITIAL,
    LIST,
    REFERENCE,
    REFUND,
    REVERSALS,
    answer,
    says,
)

TIMED_OUT = Unknown("timeout", unreachable=True)
CUT_OFF = Unknown("connection_failed", unreachable=True)
NO_TIME = Unknown("no_time", unreachable=True)
DONE = answer('{"object_name":null,"code":0,"message":"Başarılı İşlem"}')
PATHS = [INITIAL, CHARGE, CHECK, REFUND, ESCROW, LIST, REVERSALS]
each_order = pytest.mark.parametrize("path", list(ORDERS))


@pytest.fixture
def paynet() -> Iterator[LiteralPaynet]:
    server = LiteralPaynet()
    yield server
    server.close()


def connections(paynet: LiteralPaynet) -> list[int]:
    return [request.connection for request in paynet.received]


def bodies(paynet: LiteralPaynet, path: str) -> list[dict[str, Any]]:
    return [json.loads(r.body) for r in paynet.received if r.path == path]


# ── an order is sent once ────────────────────────────────────────────────────


@each_order
@pytest.mark.parametrize(
    ("odd", "reply"),
    [
        (closes, CUT_OFF),
        (closes_after(b"HTTP/1.1 200 OK\r\n\r\n" + b'{"code":0'), Unknown("not_json")),
        (answer(""), Unknown("not_json")),
        (answer("<h1>Bakım</h1>"), Unknown("not_json")),
        (answer("{}"), Unknown("no_code")),
        (answer('{"code":0}', "302 Found\nLocation: /"), Unknown("http_302")),
        (answer("", "503 Service Unavailable"), Unknown("http_503", unreachable=True)),
        (wire.FORBIDDEN_KEY, Unknown("http_401", unreachable=True)),
        (answer('{"code":5}'), Unknown("code_5")),
        (wire.BAD_REQUEST, Denied("11 Hata")),
        (DONE, Accepted()),
    ],
)
def test_an_order_is_sent_once_whatever_comes_back(
    odd: bytes | Answering, reply: Reply, path: str, paynet: LiteralPaynet
) -> None:
    paynet.answers[path] = [odd, DONE]
    assert ORDERS[path](money_out_to(paynet.url)) == reply
    assert [request.path for request in paynet.received] == [path]


@each_order
@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_order_without_an_answer_ends_at_its_deadline_and_is_not_repeated(
    start: bytes, path: str, paynet: LiteralPaynet
) -> None:
    def hang(connection: socket.socket) -> None:
        connection.sendall(start)
        paynet.over.wait(5)
        raise OSError

    paynet.answers[path] = [hang, DONE]
    line = money_out_to(paynet.url)
    assert ORDERS[path](line, 0.3) == TIMED_OUT
    assert paynet.count(path) == 1


@each_order
def test_after_the_deadline_no_order_is_sent(path: str, paynet: LiteralPaynet) -> None:
    line = money_out_to(paynet.url)
    assert ORDERS[path](line, -1) == NO_TIME
    assert paynet.received == []


@each_order
def test_a_stale_connection_that_dies_under_an_order_is_no_silent_resend(
    path: str, paynet: LiteralPaynet
) -> None:
    line = money_out_to(paynet.url)
    returned(line)
    paynet.answers[path] = [closes, DONE]
    assert ORDERS[path](line) == CUT_OFF
    assert connections(paynet) == [1, 1, 1]
    assert paynet.count(path) == 1


@each_order
def test_a_connection_that_the_server_closed_is_replaced_before_an_order(
    path: str, paynet: LiteralPaynet
) -> None:
    closed = threading.Event()

    def answer_and_close(connection: socket.socket) -> None:
        connection.sendall(answer(wire.DETAILED))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()
        raise OSError

    paynet.answers[DETAIL] = [answer_and_close]
    line = money_out_to(paynet.url)
    returned(line)
    assert closed.wait(5)
    assert ORDERS[path](line) == Accepted()
    assert connections(paynet) == [1, 1, 2]


@each_order
def test_a_connection_idle_for_long_carries_no_order(
    path: str, paynet: LiteralPaynet
) -> None:
    idle_for = [timedelta()]
    line = PaynetMoneyOut(
        Line(paynet.url, lambda: wire.KEY, lambda: now() + idle_for[0])
    )
    returned(line)
    idle_for[0] = IDLE_LONGEST
    deadline_s = IDLE_LONGEST.total_seconds() + 5
    assert ORDERS[path](line, deadline_s) == Accepted()
    assert connections(paynet) == [1, 1, 2]


def test_a_refund_says_what_it_gives_back_and_where_its_verdict_shall_go(
    paynet: LiteralPaynet,
) -> None:
    line = money_out_to(paynet.url)
    line.refund(CAPTURE, 1000, None, soon())
    refund(line)
    assert bodies(paynet, REFUND) == [
        {"xact_id": CAPTURE.xact_id, "amount": "1000"},
        {
            "xact_id": CAPTURE.xact_id,
            "amount": "130000",
            "succeedUrl": wire.CALLBACK_URL,
        },
    ]


def test_an_approval_names_a_dealer_only_if_there_is_one(paynet: LiteralPaynet) -> None:
    assert money_out_to(paynet.url).approve(CAPTURE, None, soon()) == Accepted()
    [body] = bodies(paynet, ESCROW)
    assert body == {"xact_id": CAPTURE.xact_id, "status": 2}


# ── secrets ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", [REFUND, ESCROW, LIST, REVERSALS])
@pytest.mark.parametrize("key", ["", "  ", "sck_a\nb", "sck_ş", "sck a"])
def test_a_key_that_no_header_can_carry_is_refused_unsaid(
    key: str, path: str, paynet: LiteralPaynet
) -> None:
    with pytest.raises(SecretUnavailable) as refused:
        call(path, paynet.url, key)
    assert not key.strip() or key not in str(refused.value)
    assert paynet.received == []


@pytest.mark.parametrize("path", [REFUND, ESCROW, LIST, REVERSALS])
@pytest.mark.parametrize(
    "odd",
    [
        closes,
        closes_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
        answer("<html>"),
        wire.FORBIDDEN_KEY,
        answer(f'{{"code":6,"message":"{wire.KEY} {wire.PAYING_CARD}"}}'),
        answer(f'{{"code":6,"paynet_error_id":"{wire.KEY}"}}'),
        answer(f'{{"code":0,"Data":[{{"card_no":"{wire.PAYING_CARD}"}}]}}'),
    ],
)
def test_no_error_and_no_log_line_carries_a_secret(
    odd: bytes | Answering,
    path: str,
    paynet: LiteralPaynet,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    paynet.answers[path] = [odd]
    try:
        shown = repr(call(path, paynet.url))
    except EmanetError as error:
        shown = "".join(traceback.format_exception(error))
    for secret in (wire.KEY, CARD.number, wire.CALLBACK_URL):
        assert secret not in shown + caplog.text


# ── the pace ─────────────────────────────────────────────────────────────────


def test_every_request_asks_the_pace_first(paynet: LiteralPaynet) -> None:
    sent_before: list[int] = []
    deadline = soon()

    def pace(until: datetime) -> bool:
        assert until == deadline
        sent_before.append(len(paynet.received))
        return True

    line = PaynetMoneyOut(Line(paynet.url, lambda: wire.KEY, now, pace=pace))
    line.returned(CAPTURE, deadline)
    gateway = PaynetGateway(Line(paynet.url, lambda: wire.KEY, now, pace=pace))
    gateway.ask(EXPECTED, deadline)
    books = PaynetBooks(Line(paynet.url, lambda: wire.KEY, now, pace=pace))
    books.sales(*DAYS, deadline)
    assert sent_before == list(range(len(paynet.received)))
    assert len(sent_before) == 5


@each_order
def test_what_the_pace_does_not_let_go_is_not_sent(
    path: str, paynet: LiteralPaynet
) -> None:
    line = PaynetMoneyOut(Line(paynet.url, lambda: wire.KEY, now, pace=lambda _: False))
    assert ORDERS[path](line) == NO_TIME
    assert paynet.received == []


def test_a_pace_that_comes_back_too_late_lets_nothing_go(paynet: LiteralPaynet) -> None:
    waited = [timedelta()]

    def pace(_: datetime) -> bool:
        waited[0] = timedelta(minutes=1)
        return True

    def clock() -> datetime:
        return now() + waited[0]

    line = PaynetMoneyOut(Line(paynet.url, lambda: wire.KEY, clock, pace=pace))
    assert refund(line) == NO_TIME
    assert paynet.received == []


# ── what went back already ───────────────────────────────────────────────────


def page(*rows: str, more: bool = False) -> bytes:
    has_more = "true" if more else "false"
    return answer(f'{{"code":0,"Data":[{",".join(rows)}],"has_more":{has_more}}}')


def row(number: int, of: str = CAPTURE.xact_id, **fields: object) -> str:
    told = {"xact_id": f"xk_{number}", "reversed_xact_id": of, "amount": number}
    return json.dumps(told | fields)


def names(told: object) -> list[str]:
    assert isinstance(told, Returned)
    return [one.id for one in told.rows]


def test_what_went_back_is_in_the_list_and_in_detail(paynet: LiteralPaynet) -> None:
    paynet.answers[DETAIL] = [answer(wire.REVERSED)]
    assert returned(money_out_to(paynet.url)) == Returned((BACK,), is_reversed=True)
    assert bodies(paynet, DETAIL) == [{"xact_id": CAPTURE.xact_id}]


@pytest.mark.parametrize(
    ("captured_at", "first"),
    [
        (datetime(2026, 11, 20, 20, 59, tzinfo=UTC), "2026-11-19"),
        (datetime(2026, 11, 20, 21, 0, tzinfo=UTC), "2026-11-20"),
        (None, "2026-10-25"),
    ],
)
def test_it_is_looked_for_from_the_day_before_the_capture_to_tomorrow(
    captured_at: datetime | None, first: str, paynet: LiteralPaynet
) -> None:
    midnight = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)  # of the 24th in Istanbul
    line = PaynetMoneyOut(Line(paynet.url, lambda: wire.KEY, lambda: midnight))
    capture = replace(CAPTURE, at=captured_at)
    line.returned(capture, midnight + timedelta(seconds=20))
    asked = {"datab": first, "datbi": "2026-11-25", "limit": 10}
    assert bodies(paynet, REVERSALS) == [asked]


def test_every_page_is_read_from_where_the_last_one_ended(
    paynet: LiteralPaynet,
) -> None:
    paynet.answers[REVERSALS] = [
        page(*(row(number) for number in range(10)), more=True),
        page(*(row(number) for number in range(9, 13)), more=True),
        page(row(12), row(13)),
    ]
    told = returned(money_out_to(paynet.url))
    assert names(told) == [f"xk_{number}" for number in range(14)]
    asked = bodies(paynet, REVERSALS)
    assert [body.get("starting_after") for body in asked] == [None, 10, 14]


def test_only_rows_of_this_capture_are_kept(paynet: LiteralPaynet) -> None:
    paynet.answers[REVERSALS] = [
        page(
            row(1),
            row(2, of="xk_another"),
            row(3, of="", reversed_id=700001),
            row(4, of="", reversed_id=700002),
            "null",
            '{"amount":5}',
        )
    ]
    line = money_out_to(paynet.url)
    capture = replace(CAPTURE, plain_id="700001")
    assert names(line.returned(capture, soon())) == ["xk_1", "xk_3"]


def test_two_reversals_without_an_id_are_two(paynet: LiteralPaynet) -> None:
    rows = [row(number, xact_id=None) for number in (1, 2, 2)]
    paynet.answers[REVERSALS] = [page(*rows)]
    assert names(returned(money_out_to(paynet.url))) == ["unnamed", "unnamed"]


@pytest.mark.parametrize(
    "nothing",
    [
        answer('{"code":12,"message":"Kayıt bulunamadı"}'),
        page(),
        wire.problem("404 Not Found", "no_data_error", 12),
    ],
)
def test_no_data_means_that_nothing_went_back(
    nothing: bytes, paynet: LiteralPaynet
) -> None:
    paynet.answers[REVERSALS] = [nothing]
    assert returned(money_out_to(paynet.url)) == Returned((), is_reversed=False)


@pytest.mark.parametrize(
    ("told", "is_reversed"),
    [
        (wire.REVERSED, True),
        (wire.DETAILED, False),
        (says(wire.DETAILED, ('"reversed":false,', "")), None),
        (says(wire.DETAILED, (CAPTURE.xact_id, "xk_another")), None),
        ('{"code":12}', None),
    ],
)
def test_detail_says_of_the_whole_whether_it_went_back(
    told: str, is_reversed: bool | None, paynet: LiteralPaynet
) -> None:
    paynet.answers[DETAIL] = [answer(told)]
    answered = returned(money_out_to(paynet.url))
    assert isinstance(answered, Returned)
    assert answered.is_reversed is is_reversed


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([page(row(1), more=True), page(row(1), more=True)], "paging"),
        ([page(row(1), more=True), page(more=True)], "paging"),
        ([page(more=True)], "paging"),
        ([page("null", more=True), page("null", more=True)], "paging"),
        ([page(row(1), more=True), answer("<html>")], "not_json"),
        ([page(row(1), more=True), answer('{"code":1}')], "code_1"),
        ([answer(f'{{"code":0,"Data":[{row(1)}]}}')], "paging"),
        ([page(row(1), more=True), closes], "connection_failed"),
    ],
)
def test_a_list_of_which_a_page_is_missing_is_no_list(
    pages: list[bytes | Answering], why: str, paynet: LiteralPaynet
) -> None:
    paynet.answers[REVERSALS] = pages
    for told in (
        returned(money_out_to(paynet.url)),
        reversals(books_of(paynet.url)),
    ):
        assert isinstance(told, Unknown)
        assert told.why == why
        paynet.answers[REVERSALS] = pages
    assert paynet.count(DETAIL) == 0


def test_a_last_page_may_repeat_what_is_known(paynet: LiteralPaynet) -> None:
    paynet.answers[REVERSALS] = [page(row(1), more=True), page(row(1))]
    assert names(returned(money_out_to(paynet.url))) == ["xk_1"]


def test_a_list_that_never_ends_is_given_up(paynet: LiteralPaynet) -> None:
    pages = [page(row(number), more=True) for number in range(MOST_PAGES + 1)]
    paynet.answers[REVERSALS] = [*pages]
    assert returned(money_out_to(paynet.url, wire.KEY), 60) == Unknown("paging")
    assert paynet.count(REVERSALS) == MOST_PAGES


@pytest.mark.parametrize("odd", [closes, answer("<html>"), answer('{"code":0}')])
def test_without_a_usable_detail_nothing_is_said(
    odd: bytes | Answering, paynet: LiteralPaynet
) -> None:
    paynet.answers[DETAIL] = [odd]
    assert isinstance(returned(money_out_to(paynet.url)), Unknown)


# ── the books by the day ─────────────────────────────────────────────────────


def test_an_unreadable_row_hides_no_other_and_is_not_dropped(
    paynet: LiteralPaynet,
) -> None:
    good = says(wire.LISTED, ('"Data":[', '"Data":["?",{"xact_id":"xk_odd"},'))
    paynet.answers[LIST] = [answer(good)]
    assert sales(books_of(paynet.url)) == (
        Sale(None, Capture("unnamed")),
        Sale(None, Capture("xk_odd")),
        wire.SOLD,
    )


@pytest.mark.parametrize(
    ("reversal", "asked"),
    [
        (BACK, {"xact_id": CAPTURE.xact_id}),
        (replace(BACK, of_xact_id=None), {"id": 700001}),
    ],
)
def test_the_sale_of_a_reversal_is_asked_for_by_its_id(
    reversal: Reversal, asked: dict[str, object], paynet: LiteralPaynet
) -> None:
    assert books_of(paynet.url).sale_of(reversal, soon()) == wire.SOLD
    assert bodies(paynet, DETAIL) == [asked]


@pytest.mark.parametrize(
    "told",
    [
        '{"code":12}',
        says(wire.DETAILED, (CAPTURE.xact_id, "xk_b"), ("700001", "700009")),
        says(wire.DETAILED, ('"is_succeed":true', '"is_succeed":false')),
        says(wire.DETAILED, ('"transaction_type":1', '"transaction_type":9')),
    ],
)
def test_a_reversal_of_no_sale_that_paynet_knows_has_none(
    told: str, paynet: LiteralPaynet
) -> None:
    paynet.answers[DETAIL] = [answer(told)]
    assert books_of(paynet.url).sale_of(BACK, soon()) is None


def test_a_reversal_that_names_no_sale_is_not_asked_about(
    paynet: LiteralPaynet,
) -> None:
    assert books_of(paynet.url).sale_of(Reversal("xk_1"), soon()) is None
    assert paynet.received == []


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (closes, "connection_failed"),
        (answer("<html>"), "not_json"),
        (answer('{"code":0}'), "no_rows"),
        (wire.FORBIDDEN_KEY, "http_401"),
    ],
)
def test_a_sale_that_cannot_be_asked_for_is_unknown(
    odd: bytes | Answering, why: str, paynet: LiteralPaynet
) -> None:
    paynet.answers[DETAIL] = [odd]
    told = books_of(paynet.url).sale_of(BACK, soon())
    assert isinstance(told, Unknown)
    assert told.why == why


# ── together with the simulator ──────────────────────────────────────────────


@pytest.fixture(scope="module")
def serving() -> Iterator[tuple[PaynetSimulator, str]]:
    simulator = PaynetSimulator(wire.KEY, "whsec_wire")
    with simulator.serve() as server:
        yield simulator, server.url


@pytest.fixture
def simulator(serving: tuple[PaynetSimulator, str]) -> PaynetSimulator:
    serving[0].reset()
    return serving[0]


@pytest.fixture
def url(serving: tuple[PaynetSimulator, str]) -> str:
    return serving[1]


def sale(simulator: PaynetSimulator, reference: str = REFERENCE, **how: Any) -> Capture:
    booked = simulator.books.plant(reference, AMOUNT_MINOR, **how)
    at = datetime.fromtimestamp(booked.at_s, UTC)
    return Capture(booked.xact_id, AMOUNT_MINOR, at, plain_id=str(booked.number))


def around_today() -> tuple[date, date]:
    today, one = day_of(now()), timedelta(days=1)
    return today - one, today + one


LOST: list[dict[str, Any]] = [
    {"kind": "close"},
    {"kind": "hang", "delay_s": 1},
    {"kind": "status"},
    {"kind": "html"},
    {"kind": "empty"},
    {"kind": "truncated"},
    {"kind": "redirect"},
    {"kind": "huge"},
]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault["kind"])
def test_a_refund_whose_answer_is_lost_happens_once_and_is_found(
    fault: dict[str, Any], simulator: PaynetSimulator, url: str
) -> None:
    capture = sale(simulator)
    simulator.faults.add(path=REFUND, when="after", **fault)
    line = money_out_to(url)
    reply = line.refund(capture, AMOUNT_MINOR, None, soon(0.8))
    assert isinstance(reply, Unknown)
    assert simulator.books.refund_requests(capture.xact_id) == (1, 1)
    told = line.returned(capture, soon())
    assert isinstance(told, Returned)
    assert [one.amount_minor for one in told.rows] == [AMOUNT_MINOR]
    assert told.is_reversed


def test_a_refund_that_never_arrived_is_found_nowhere(
    simulator: PaynetSimulator, url: str
) -> None:
    capture = sale(simulator)
    simulator.faults.add("close", path=REFUND, when="before")
    line = money_out_to(url)
    assert line.refund(capture, AMOUNT_MINOR, None, soon()) == CUT_OFF
    assert simulator.books.refund_requests(capture.xact_id) == (0, 0)
    assert line.returned(capture, soon()) == Returned((), is_reversed=False)


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault["kind"])
def test_an_approval_whose_answer_is_lost_happens_once(
    fault: dict[str, Any], simulator: PaynetSimulator, url: str
) -> None:
    capture = sale(simulator, is_escrow=True)
    simulator.faults.add(path=ESCROW, when="after", **fault)
    reply = money_out_to(url).approve(capture, None, soon(0.8))
    assert isinstance(reply, Unknown)
    assert simulator.books.releases(capture.xact_id) == 1


def test_a_part_goes_back_from_the_next_day_on(
    simulator: PaynetSimulator, url: str
) -> None:
    capture = sale(simulator)
    line = money_out_to(url)
    assert isinstance(line.refund(capture, 1000, None, soon()), Denied)
    simulator.books.alter(capture.xact_id, at_s=simulator.now() - 86400)
    assert line.refund(capture, 1000, None, soon()) == Accepted()
    told = line.returned(replace(capture, at=now() - timedelta(days=1)), soon())
    assert isinstance(told, Returned)
    assert [(it.amount_minor, it.is_succeed) for it in told.rows] == [(1000, True)]
    assert told.is_reversed is False


@pytest.mark.parametrize("way", ["manual", "never", "deny"])
def test_a_refund_that_is_accepted_is_not_yet_one(
    way: str, simulator: PaynetSimulator, url: str
) -> None:
    simulator.settings.change({"refunds": way})
    capture = sale(simulator)
    line = money_out_to(url)
    assert line.refund(capture, AMOUNT_MINOR, None, soon()) == Accepted()
    assert line.returned(capture, soon()) == Returned((), is_reversed=False)


def test_a_request_among_the_reversals_is_no_success(
    simulator: PaynetSimulator, url: str
) -> None:
    simulator.settings.change({"refunds": "deny", "reversal_list_rows": "requested"})
    capture = sale(simulator)
    line = money_out_to(url)
    line.refund(capture, AMOUNT_MINOR, None, soon())
    told = line.returned(capture, soon())
    assert isinstance(told, Returned)
    assert [it.is_succeed for it in told.rows] == [False]


def growing(grow: Callable[[], object]) -> Pace:
    """A pace that adds something to the books before every page but the first."""
    pages: list[datetime] = []

    def pace(deadline: datetime) -> bool:
        if pages:
            grow()
        pages.append(deadline)
        return True

    return pace


each_order_of_rows = pytest.mark.parametrize("order", ["oldest_first", "newest_first"])


@each_order_of_rows
def test_no_reversal_is_missed_while_the_list_grows(
    order: str, simulator: PaynetSimulator, url: str
) -> None:
    simulator.settings.change({"list_order": order})
    capture, other = sale(simulator), sale(simulator, "another")
    before = [
        simulator.books.reverse(capture.xact_id, 100 + number).xact_id
        for number in range(25)
    ]

    def grow() -> None:
        simulator.books.reverse(capture.xact_id, 1)
        simulator.books.reverse(other.xact_id, 1)

    pace = growing(grow)
    line = PaynetMoneyOut(Line(url, lambda: wire.KEY, now, pace=pace))
    told = line.returned(capture, soon())
    assert len(set(names(told))) == len(names(told))
    assert set(before) <= set(names(told))
    assert isinstance(told, Returned)
    first = {it.id: it.amount_minor for it in told.rows if it.id in before}
    assert sorted(first.values()) == list(range(100, 125))  # type: ignore[type-var]  # none is None


@each_order_of_rows
def test_no_sale_is_missed_while_the_list_grows(
    order: str, simulator: PaynetSimulator, url: str
) -> None:
    simulator.settings.change({"list_order": order})
    before = [sale(simulator, f"order-{number}").xact_id for number in range(25)]
    pace = growing(lambda: sale(simulator, "late"))
    books = PaynetBooks(Line(url, lambda: wire.KEY, now, pace=pace))
    told = books.sales(*around_today(), soon())
    assert isinstance(told, tuple)
    found = [one.capture.xact_id for one in told]
    assert len(set(found)) == len(found)
    assert set(before) <= set(found)


@pytest.mark.parametrize("dates", ["turkish", "iso"])
@pytest.mark.parametrize("style", ["number", "dot", "comma"])
def test_amounts_and_moments_are_read_in_each_of_paynets_styles(
    style: str, dates: str, simulator: PaynetSimulator, url: str
) -> None:
    simulator.settings.change({"amount_style": style, "list_date_style": dates})
    capture = sale(simulator)
    simulator.books.reverse(capture.xact_id, 12345)
    told = returned_of(url, capture)
    assert [it.amount_minor for it in told.rows] == [12345]
    books = books_of(url)
    listed = books.sales(*around_today(), soon())
    assert isinstance(listed, tuple)
    [found] = listed
    sold, back = found.capture, told.rows[0]
    assert (found.reference_no, sold.amount_minor) == (REFERENCE, AMOUNT_MINOR)
    assert (sold.commission_minor, sold.commission_tax_minor) == (3250, 650)
    assert sold.at
    assert back.at
    assert abs(sold.at - now()) < timedelta(seconds=30)
    assert day_of(back.at) == day_of(sold.at)  # its list has no time beside the date


def returned_of(url: str, capture: Capture) -> Returned:
    told = money_out_to(url).returned(capture, soon())
    assert isinstance(told, Returned)
    return told


def test_the_list_has_successful_sales_only_and_says_what_became_of_them(
    simulator: PaynetSimulator, url: str
) -> None:
    sold, gone = sale(simulator), sale(simulator, "gone-back")
    disputed = sale(simulator, "disputed", on_chargeback=True)
    sale(simulator, "refused", succeeded=False)
    sale(simulator, "held-only", transaction_type=3)
    simulator.books.reverse(gone.xact_id)
    told = books_of(url).sales(*around_today(), soon())
    assert isinstance(told, tuple)
    became = {
        one.capture.xact_id: (one.capture.is_reversed, one.is_on_chargeback)
        for one in told
    }
    assert became == {
        sold.xact_id: (False, False),
        gone.xact_id: (True, False),
        disputed.xact_id: (False, True),
    }


def test_a_reversal_leads_back_to_its_sale(
    simulator: PaynetSimulator, url: str
) -> None:
    capture = sale(simulator)
    simulator.books.reverse(capture.xact_id, 500)
    books = books_of(url)
    told = books.reversals(*around_today(), soon())
    assert isinstance(told, tuple)
    [back] = told
    for reversal in (back, replace(back, of_xact_id=None)):
        found = books.sale_of(reversal, soon())
        assert isinstance(found, Sale)
        assert found.reference_no == REFERENCE
        assert found.capture.xact_id == capture.xact_id


def test_a_session_of_paynets_own_escrow_is_one_there(
    simulator: PaynetSimulator, url: str
) -> None:
    for is_escrow in (False, True):
        expected = replace(EXPECTED, reference_no=f"ref-{is_escrow}")
        order = replace(ORDER, expected=expected, is_escrow=is_escrow)
        gateway_to(url).open_session(order, CARD, soon())
        [session] = simulator.books.sessions(f"ref-{is_escrow}")
        assert session.payment.is_escrow is is_escrow
