"""The PAYNET simulator's promises about money that leaves, over real HTTP: refunds, the
lists that tell of them, escrow decisions, and every switch of what nobody documented.
Nothing of Emanet's layer takes part."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.paynet_simulator import PaynetSimulator, browser
from local.paynet_simulator.money_out_api import (
    ESCROW_UPDATE,
    LIST,
    REVERSAL_LIST,
    REVERSED_REQUEST,
)
from local.paynet_simulator.paynet_api import CHARGE, CHECK, DETAIL, INITIAL
from local.paynet_simulator.records import CANCEL, CREDIT, Transaction
from local.paynet_simulator.serving import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEY = "sck_pcs_Test/key+of=nobody"
REFERENCE = "order-1-attempt-1"
AMOUNT_MINOR = 130000
TIMEOUT_S = 10
DAY_S = 86_400
PATHS = [REVERSED_REQUEST, REVERSAL_LIST, LIST, ESCROW_UPDATE]


def istanbul(moment: str) -> float:
    return datetime.fromisoformat(f"{moment}+03:00").timestamp()


SALE_AT_S = istanbul("2026-11-23T12:00:00")
NEXT_DAY_S = SALE_AT_S + DAY_S
BOTH_DAYS = {"datab": "2026-11-23", "datbi": "2026-11-24"}


@dataclass
class Clock:
    """Stands still until somebody moves it."""

    now_s: float = SALE_AT_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Paynet:
    """A caller of the simulator, as any shop's server would be, with its clock."""

    simulator: PaynetSimulator
    url: str
    clock: Clock

    def post(self, path: str, body: object, key: str = KEY) -> requests.Response:
        headers = {"Authorization": f"Basic {key}"}
        return requests.post(
            self.url + path, json=body, headers=headers, timeout=TIMEOUT_S
        )

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return dict(json.loads(answer.text, parse_float=Decimal))

    def sale(self, amount_minor: int = AMOUNT_MINOR, **details: Any) -> Transaction:
        return self.simulator.books.plant(REFERENCE, amount_minor, **details)

    def held(self, **details: Any) -> Transaction:
        return self.sale(is_escrow=True, **details)

    def refund(self, sale: Transaction, **body: Any) -> Any:
        return self.call(REVERSED_REQUEST, xact_id=sale.xact_id, **body)["code"]

    def decide(self, sale: Transaction, status: int, **body: Any) -> Any:
        return self.call(ESCROW_UPDATE, xact_id=sale.xact_id, status=status, **body)[
            "code"
        ]

    def rows(self, path: str = REVERSAL_LIST, **asked: Any) -> Any:
        return self.call(path, **(BOTH_DAYS | {"limit": 100} | asked))["Data"]

    def switch(self, **wanted: Any) -> None:
        self.simulator.settings.change(wanted)

    def control(self, path: str, **body: Any) -> requests.Response:
        return requests.post(
            f"{self.url}/_simulator{path}", json=body, timeout=TIMEOUT_S
        )

    def state(self, path: str) -> Any:
        return requests.get(f"{self.url}/_simulator{path}", timeout=TIMEOUT_S).json()

    @property
    def taken_minor(self) -> int:
        return self.simulator.books.taken_minor(REFERENCE)

    @property
    def refunded_minor(self) -> int:
        return self.simulator.books.refunded_minor(REFERENCE)


@pytest.fixture(scope="module")
def served() -> Iterator[Paynet]:
    clock = Clock()
    simulator = PaynetSimulator(KEY, "whsec-of-nobody", clock=clock)
    with simulator.serve() as server:
        yield Paynet(simulator, server.url, clock)


@pytest.fixture
def paynet(served: Paynet) -> Paynet:
    served.simulator.reset()
    served.clock.now_s = SALE_AT_S
    return served


@pytest.fixture
def sale(paynet: Paynet) -> Transaction:
    """One of yesterday: a part of it may go back."""
    sale = paynet.sale()
    paynet.clock.now_s = NEXT_DAY_S
    return sale


# The door of the four calls


@pytest.mark.parametrize("path", PATHS)
def test_the_key_is_asked_for(paynet: Paynet, path: str) -> None:
    assert paynet.post(path, {}, key="another").status_code == 401


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (REVERSED_REQUEST, "xact_id"),
        (REVERSAL_LIST, "datab, datbi"),
        (LIST, "datab, datbi"),
        (ESCROW_UPDATE, "status"),
    ],
)
def test_what_is_missing_is_named(paynet: Paynet, path: str, named: str) -> None:
    answer = paynet.post(path, {})
    assert (answer.status_code, answer.json()["result_code"]) == (400, 11)
    assert answer.json()["message"] == named


# A refund and its amount


def test_a_whole_refund_is_accepted_in_the_documented_words(
    paynet: Paynet, sale: Transaction
) -> None:
    assert paynet.call(REVERSED_REQUEST, xact_id=sale.xact_id) == {
        "object_name": "transaction_reversed_request",
        "code": 0,
        "message": "Başarılı İşlem",
    }
    assert (paynet.taken_minor, paynet.refunded_minor) == (0, AMOUNT_MINOR)


@pytest.mark.parametrize(
    ("body", "refunded_minor"),
    [
        ({"amount": "1000"}, 1000),
        ({"amount": "130000"}, AMOUNT_MINOR),
        ({"amount": "0"}, AMOUNT_MINOR),
        ({"amount": ""}, AMOUNT_MINOR),
        ({"amount": None}, AMOUNT_MINOR),
        ({}, AMOUNT_MINOR),
    ],
)
def test_amounts_are_kurus_and_none_is_all_of_it(
    paynet: Paynet, sale: Transaction, body: dict[str, Any], refunded_minor: int
) -> None:
    assert paynet.refund(sale, **body) == 0
    assert paynet.refunded_minor == refunded_minor


@pytest.mark.parametrize(
    "amount", ["10,00", "10.00", "-1", "01", "1e3", " 1", "١", 1000, 10.5, True, [1]]
)
def test_an_amount_that_is_no_kurus_text_is_400_and_moves_nothing(
    paynet: Paynet, sale: Transaction, amount: object
) -> None:
    body = {"xact_id": sale.xact_id, "amount": amount}
    answer = paynet.post(REVERSED_REQUEST, body)
    assert (answer.status_code, answer.json()["message"]) == (400, "amount")
    assert paynet.refunded_minor == 0


def test_refunds_never_exceed_what_was_captured(
    paynet: Paynet, sale: Transaction
) -> None:
    amounts = ["130001", "100000", "30001", "30000", "1"]
    codes = [paynet.refund(sale, amount=it) for it in amounts]
    assert codes == [6, 0, 6, 0, 6]
    assert paynet.refund(sale) == 6
    assert paynet.taken_minor == 0


def test_no_amount_after_a_part_is_the_rest(paynet: Paynet, sale: Transaction) -> None:
    assert [paynet.refund(sale, amount="30000"), paynet.refund(sale)] == [0, 0]
    assert [row["amount"] for row in paynet.rows()] == [Decimal(300), Decimal(1000)]


def test_a_refund_has_no_idempotence(paynet: Paynet, sale: Transaction) -> None:
    codes = [paynet.refund(sale, amount="50000") for _ in range(3)]
    assert codes == [0, 0, 6]
    assert paynet.simulator.books.refund_requests(sale.xact_id) == (3, 2)


def test_refunds_at_the_same_moment_share_what_there_is(
    paynet: Paynet, sale: Transaction
) -> None:
    callers = 16
    paynet.simulator.faults.add(
        "meet", REVERSED_REQUEST, when="before", parties=callers
    )
    with ThreadPoolExecutor(callers) as crowd:
        asked = [crowd.submit(paynet.refund, sale, amount="20000") for _ in range(16)]
    codes = sorted(it.result() for it in asked)
    assert codes == [0] * 6 + [6] * 10
    assert paynet.taken_minor == 10000


@pytest.mark.parametrize(
    "details", [{"succeeded": False}, {"transaction_type": CANCEL}]
)
def test_only_a_paid_sale_goes_back(paynet: Paynet, details: dict[str, Any]) -> None:
    assert paynet.refund(paynet.sale(**details)) == 6


@pytest.mark.parametrize(
    ("switch", "status", "code"), [("no_data", 200, 12), ("not_found", 404, 404)]
)
def test_an_unknown_transaction_is_no_data_or_404(
    paynet: Paynet, switch: str, status: int, code: int
) -> None:
    paynet.switch(unknown_reference=switch)
    for path in (REVERSED_REQUEST, ESCROW_UPDATE):
        answer = paynet.post(path, {"xact_id": "xk_nobody", "status": 2})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert paynet.simulator.books.refund_requests("xk_nobody") == (1, 0)


# The sale's own day


@pytest.mark.parametrize(
    ("sold", "asked", "code"),
    [
        ("2026-11-23T00:00:01", "2026-11-23T23:59:59", 6),
        ("2026-11-23T23:59:58", "2026-11-23T23:59:59", 6),
        ("2026-11-23T23:59:59", "2026-11-24T00:00:01", 0),
        ("2026-11-23T00:00:01", "2026-11-24T00:00:01", 0),
    ],
)
def test_a_part_goes_back_only_after_the_day_of_istanbul(
    paynet: Paynet, sold: str, asked: str, code: int
) -> None:
    sale = paynet.sale(at_s=istanbul(sold))
    paynet.clock.now_s = istanbul(asked)
    assert paynet.refund(sale, amount="1000") == code


def test_the_whole_goes_back_on_any_day(paynet: Paynet) -> None:
    today, earlier = paynet.sale(), paynet.sale(at_s=SALE_AT_S - DAY_S)
    assert [paynet.refund(today, amount="130000"), paynet.refund(earlier)] == [0, 0]
    kinds = [row.transaction_type for row in reversals_of(paynet, today, earlier)]
    assert kinds == [CANCEL, CREDIT]


def reversals_of(paynet: Paynet, *sales: Transaction) -> list[Transaction]:
    rows = paynet.simulator.books.find(reference_no=REFERENCE)
    return [row for sale in sales for row in rows if row.reverses is sale]


def test_what_the_whole_left_nothing_of_is_refused_as_too_much(paynet: Paynet) -> None:
    paynet.switch(same_day_refusal_code=1)
    sale = paynet.sale()
    codes = [paynet.refund(sale), paynet.refund(sale), paynet.refund(sale, amount="1")]
    assert codes == [0, 6, 6]


@pytest.mark.parametrize("code", [6, 1])
def test_a_part_of_today_is_refused_with_the_code_of_the_switch(
    paynet: Paynet, code: int
) -> None:
    paynet.switch(same_day_refusal_code=code)
    assert paynet.refund(paynet.sale(), amount="1000") == code


def test_a_part_of_today_may_be_refused_by_http_400(paynet: Paynet) -> None:
    paynet.switch(same_day_refusal_http=400)
    body = {"xact_id": paynet.sale().xact_id, "amount": "1000"}
    answer = paynet.post(REVERSED_REQUEST, body)
    error = answer.json()
    assert (answer.status_code, error["code"], error["result_code"]) == (400, 400, 6)


# Accepted first, decided later


@pytest.mark.parametrize(
    ("way", "refunded_minor", "state"),
    [
        ("auto", 1000, "approved"),
        ("deny", 0, "denied"),
        ("manual", 0, "open"),
        ("never", 0, "open"),
    ],
)
def test_a_refund_is_accepted_whatever_becomes_of_it(
    paynet: Paynet, sale: Transaction, way: str, refunded_minor: int, state: str
) -> None:
    paynet.switch(refunds=way)
    assert paynet.refund(sale, amount="1000") == 0
    assert paynet.refunded_minor == refunded_minor
    assert [it.state for it in paynet.simulator.books.refunds()] == [state]


@pytest.mark.parametrize(("way", "refunded_minor"), [("auto", 1000), ("deny", 0)])
def test_a_verdict_falls_when_the_clock_says_so_and_is_dated_then(
    paynet: Paynet, sale: Transaction, way: str, refunded_minor: int
) -> None:
    paynet.switch(refunds=way, refund_delay_s=60)
    paynet.refund(sale, amount="1000")
    paynet.switch(clock_offset_s=59)
    assert (paynet.refunded_minor, state_of(paynet)) == (0, "open")
    paynet.switch(clock_offset_s=9 * DAY_S)
    assert paynet.refunded_minor == refunded_minor
    moments = [row.at_s for row in reversals_of(paynet, sale)]
    assert moments == [NEXT_DAY_S + 60] * (refunded_minor > 0)


def state_of(paynet: Paynet) -> Any:
    [refund] = paynet.state("/refunds")["refunds"]
    return refund["state"]


@pytest.mark.parametrize("path", [CHECK, DETAIL])
def test_whoever_asks_paynet_sees_a_verdict_that_is_due(
    paynet: Paynet, sale: Transaction, path: str
) -> None:
    paynet.switch(refund_delay_s=60)
    paynet.refund(sale)
    assert len(paynet.call(path, reference_no=REFERENCE)["Data"]) == 1
    paynet.clock.now_s += 60
    assert len(paynet.call(path, reference_no=REFERENCE)["Data"]) == 2


@pytest.mark.parametrize(
    ("verdict", "refunded_minor", "state"),
    [("approve", 1000, "approved"), ("deny", 0, "denied")],
)
def test_a_hand_decides_once(
    paynet: Paynet, sale: Transaction, verdict: str, refunded_minor: int, state: str
) -> None:
    paynet.switch(refunds="manual")
    paynet.refund(sale, amount="1000")
    assert paynet.control("/refunds/1", verdict=verdict).json()["state"] == state
    assert paynet.control("/refunds/1", verdict="approve").status_code == 409
    assert paynet.refunded_minor == refunded_minor


def test_what_shall_never_be_decided_is_not_and_the_unknown_is_404(
    paynet: Paynet, sale: Transaction
) -> None:
    paynet.switch(refunds="never")
    paynet.refund(sale)
    assert paynet.control("/refunds/1", verdict="approve").status_code == 409
    assert paynet.control("/refunds/2", verdict="approve").status_code == 404
    assert paynet.control("/refunds/1", verdict="perhaps").status_code == 400


def test_what_is_promised_is_not_promised_twice(
    paynet: Paynet, sale: Transaction
) -> None:
    paynet.switch(refunds="manual")
    assert [paynet.refund(sale), paynet.refund(sale, amount="1")] == [0, 6]
    paynet.control("/refunds/1", verdict="deny")
    assert paynet.refund(sale, amount="1") == 0


@pytest.mark.parametrize(
    ("switched", "amount", "reversed_"),
    [(False, None, True), (False, "1000", False), (True, "1000", True)],
)
def test_a_whole_refund_marks_the_sale_and_a_part_only_by_switch(
    paynet: Paynet, sale: Transaction, switched: bool, amount: str, reversed_: bool
) -> None:
    paynet.switch(partial_sets_reversed=switched)
    paynet.refund(sale, amount=amount)
    told, reversal = paynet.call(DETAIL, reference_no=REFERENCE)["Data"]
    assert told["reversed"] is reversed_
    assert told["reversed_xact_id"] == (reversal["xact_id"] if reversed_ else None)


@pytest.mark.parametrize(
    ("switch", "comission", "net"), [("kept", "0", "10"), ("returned", "0.25", "9.70")]
)
def test_the_commission_of_a_refund_is_kept_or_returned(
    paynet: Paynet, sale: Transaction, switch: str, comission: str, net: str
) -> None:
    paynet.switch(commission_on_refund=switch)
    paynet.refund(sale, amount="1000")
    row = paynet.rows(LIST)[1]
    assert (row["comission"], row["net_amount"]) == (Decimal(comission), Decimal(net))


# What goes wrong on the way


@pytest.mark.parametrize(("when", "calls"), [("before", (0, 0)), ("after", (1, 1))])
def test_an_answer_is_lost_before_or_after_the_refund(
    paynet: Paynet, sale: Transaction, when: str, calls: tuple[int, int]
) -> None:
    paynet.simulator.faults.add("close", REVERSED_REQUEST, when=when)
    with pytest.raises(requests.ConnectionError):
        paynet.refund(sale, amount="1000")
    assert paynet.simulator.books.refund_requests(sale.xact_id) == calls
    assert paynet.refunded_minor == 1000 * calls[1]


@pytest.mark.parametrize("path", PATHS)
def test_faults_strike_the_new_calls_too(paynet: Paynet, path: str) -> None:
    paynet.simulator.faults.add("status", path, status=503)
    assert paynet.post(path, {}).status_code == 503


def test_a_rewritten_list_lacks_what_is_left_out(
    paynet: Paynet, sale: Transaction
) -> None:
    paynet.refund(sale)
    paynet.simulator.faults.add("rewrite", REVERSAL_LIST, without=["is_succeed"])
    assert "is_succeed" not in paynet.rows()[0]


# The callback to succeedUrl


@dataclass
class Listener:
    """Somebody who is called back, and answers when it may."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    may_answer: Event = field(default_factory=Event)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> list[bytes]:
        self.heard.append(json.loads(environ["wsgi.input"].read()))
        self.headers += [name for name in environ if name.startswith("HTTP_X_")]
        self.may_answer.wait(TIMEOUT_S)
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener()
    heard.may_answer.set()
    with Server(heard, "127.0.0.1", 0, release=heard.may_answer.set) as server:
        heard.url = f"{server.url}/of/a/secret"
        yield heard


def heard_by(paynet: Paynet, listener: Listener) -> list[dict[str, Any]]:
    assert paynet.simulator.refund_callbacks.finish()
    return listener.heard


@pytest.mark.parametrize(("way", "code"), [("auto", "0"), ("deny", "1")])
def test_a_verdict_is_told_in_the_documented_fields_and_unsigned(
    paynet: Paynet, sale: Transaction, listener: Listener, way: str, code: str
) -> None:
    paynet.switch(refunds=way)
    paynet.refund(sale, succeedUrl=listener.url)
    [told] = heard_by(paynet, listener)
    assert set(told) == {"xact_id", "code", "status", "message"}
    assert (told["xact_id"], told["code"]) == (sale.xact_id, code)
    assert listener.headers == []


@pytest.mark.parametrize(
    ("switch", "copies"), [("sent", 1), ("lost", 0), ("duplicate", 2), ("late", 1)]
)
def test_a_callback_is_sent_lost_doubled_or_late(
    paynet: Paynet, sale: Transaction, listener: Listener, switch: str, copies: int
) -> None:
    paynet.switch(refund_callbacks=switch, refund_callback_delay_s=0.05)
    paynet.refund(sale, succeedUrl=listener.url)
    told = heard_by(paynet, listener)
    assert told == told[:1] * copies
    assert paynet.refunded_minor == AMOUNT_MINOR


@pytest.mark.parametrize("body", [{}, {"succeedUrl": ""}, {"succeedUrl": None}])
def test_nobody_is_called_without_a_url(
    paynet: Paynet, sale: Transaction, body: dict[str, Any]
) -> None:
    assert paynet.refund(sale, **body) == 0
    assert paynet.simulator.refund_callbacks.finish()
    assert paynet.state("/callbacks")["refund_deliveries"] == []


def test_a_late_callback_is_not_there_yet(
    paynet: Paynet, sale: Transaction, listener: Listener
) -> None:
    paynet.switch(refund_callbacks="late", refund_callback_delay_s=1)
    paynet.refund(sale, succeedUrl=listener.url)
    assert listener.heard == []
    assert len(heard_by(paynet, listener)) == 1


def test_whoever_is_called_back_keeps_nobody_waiting(
    paynet: Paynet, sale: Transaction, listener: Listener
) -> None:
    listener.may_answer.clear()
    assert paynet.refund(sale, succeedUrl=listener.url) == 0
    assert paynet.refunded_minor == AMOUNT_MINOR
    assert not paynet.simulator.refund_callbacks.finish(timeout_s=0.01)
    listener.may_answer.set()
    assert len(heard_by(paynet, listener)) == 1


def test_nobody_home_fails_nothing(paynet: Paynet, sale: Transaction) -> None:
    assert paynet.refund(sale, succeedUrl="http://127.0.0.1:9/x") == 0
    assert paynet.simulator.refund_callbacks.finish()
    deliveries = paynet.state("/callbacks")["refund_deliveries"]
    assert deliveries == [{"refund": 1, "status": None}]


def test_a_delayed_verdict_is_told_when_it_falls(
    paynet: Paynet, sale: Transaction, listener: Listener
) -> None:
    paynet.switch(refund_delay_s=60)
    paynet.refund(sale, succeedUrl=listener.url)
    assert heard_by(paynet, listener) == []
    assert paynet.control("/clock", offset_s=60).json()["now_s"] == NEXT_DAY_S + 60
    assert len(heard_by(paynet, listener)) == 1


def test_changing_the_switches_moves_the_clock_as_well(
    paynet: Paynet, sale: Transaction, listener: Listener
) -> None:
    paynet.switch(refund_delay_s=60)
    paynet.refund(sale, succeedUrl=listener.url)
    paynet.control("/settings", clock_offset_s=60)
    assert len(heard_by(paynet, listener)) == 1


@pytest.mark.parametrize("switch", ["sale", "reversal"])
def test_a_callback_names_the_sale_or_the_reversal(
    paynet: Paynet, sale: Transaction, listener: Listener, switch: str
) -> None:
    paynet.switch(refund_callback_xact_id=switch)
    paynet.refund(sale, succeedUrl=listener.url)
    [told] = heard_by(paynet, listener)
    [reversal] = reversals_of(paynet, sale)
    assert told["xact_id"] == {"sale": sale, "reversal": reversal}[switch].xact_id


def test_a_callback_by_hand_may_claim_anything(
    paynet: Paynet, sale: Transaction, listener: Listener
) -> None:
    paynet.switch(refunds="manual")
    paynet.refund(sale, succeedUrl=listener.url)
    order = {"copies": 2, "claims": {"code": "0"}}
    sent = paynet.control("/refunds/1/callback", **order)
    assert sent.json() == {"sent": [200, 200]}
    assert [told["code"] for told in listener.heard] == ["0", "0"]
    assert paynet.refunded_minor == 0


@pytest.mark.parametrize("url", ["shop.example/x", "ftp://x/", "http://x/" + "y" * 256])
def test_a_url_that_is_none_is_400(paynet: Paynet, sale: Transaction, url: str) -> None:
    body = {"xact_id": sale.xact_id, "succeedUrl": url}
    answer = paynet.post(REVERSED_REQUEST, body)
    assert (answer.status_code, answer.json()["message"]) == (400, "succeedUrl")


def test_the_secret_url_is_shown_nowhere(
    paynet: Paynet, sale: Transaction, listener: Listener
) -> None:
    paynet.refund(sale, succeedUrl=listener.url)
    heard_by(paynet, listener)
    pages = ("/books", "/refunds", "/callbacks", "/requests")
    told = "".join(json.dumps(paynet.state(page)) for page in pages)
    assert "/of/a/secret" not in told + repr(vars(paynet.simulator.books))


# The list of reversals


def test_a_reversal_is_listed_in_the_documented_names(
    paynet: Paynet, sale: Transaction
) -> None:
    paynet.refund(sale, amount="1000")
    answer = paynet.call(REVERSAL_LIST, **BOTH_DAYS)
    [row], [reversal] = answer["Data"], reversals_of(paynet, sale)
    assert answer["object_name"] == "transaction_reversal_list"
    assert (answer["code"], answer["total"], answer["total_count"]) == (0, 1, 1)
    assert (row["id"], row["xact_id"]) == (reversal.number, reversal.xact_id)
    assert (row["reversed_id"], row["reversed_xact_id"]) == (sale.number, sale.xact_id)
    assert (row["amount"], row["currency"]) == (Decimal("10.00"), "TRY")
    assert (row["xact_date"], row["entry_date"]) == ("24.11.2026", "24.11.2026")
    assert row["is_succeed"] is True


def test_a_reversal_is_listed_under_its_own_day(
    paynet: Paynet, sale: Transaction
) -> None:
    paynet.clock.now_s = istanbul("2026-11-25T00:00:01")
    paynet.refund(sale)
    days = ("2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26")
    found = [len(paynet.rows(datab=day, datbi=day)) for day in days]
    assert found == [0, 0, 1, 0]


def test_asked_for_before_midnight_and_made_after_it(
    paynet: Paynet, sale: Transaction
) -> None:
    paynet.clock.now_s = istanbul("2026-11-24T23:59:59")
    paynet.switch(refund_delay_s=2, list_date_style="iso")
    paynet.refund(sale)
    paynet.clock.now_s += 2
    [row] = paynet.rows(datab="2026-11-25", datbi="2026-11-25")
    assert row["entry_date"] == "2026-11-24T23:59:59"
    assert row["xact_date"] == "2026-11-25T00:00:01"


@pytest.mark.parametrize("listed", [True, False])
def test_the_amount_of_a_reversal_may_be_left_out(
    paynet: Paynet, sale: Transaction, listed: bool
) -> None:
    paynet.switch(reversal_amount_listed=listed)
    paynet.refund(sale)
    answer = paynet.call(REVERSAL_LIST, **BOTH_DAYS)
    assert ("amount" in answer["Data"][0]) is listed
    assert ("total_amount" in answer) is listed


@pytest.mark.parametrize(("delay_s", "at_once"), [(0, 1), (60, 0)])
def test_a_reversal_may_be_listed_late(
    paynet: Paynet, sale: Transaction, delay_s: int, at_once: int
) -> None:
    paynet.switch(reversal_list_delay_s=delay_s)
    paynet.refund(sale)
    assert len(paynet.rows()) == at_once
    paynet.clock.now_s += 60
    assert len(paynet.rows()) == 1


@pytest.mark.parametrize(
    ("switch", "way", "verdicts"),
    [
        ("executed", "manual", []),
        ("executed", "deny", []),
        ("executed", "auto", [True]),
        ("requested", "manual", [False]),
        ("requested", "deny", [False]),
        ("requested", "auto", [True]),
    ],
)
def test_what_was_only_asked_for_may_be_listed_too(
    paynet: Paynet, sale: Transaction, switch: str, way: str, verdicts: list[bool]
) -> None:
    paynet.switch(reversal_list_rows=switch, refunds=way)
    paynet.refund(sale, amount="1000")
    assert [row["is_succeed"] for row in paynet.rows()] == verdicts


def test_a_request_in_the_list_keeps_its_xact_id_when_it_is_made(
    paynet: Paynet, sale: Transaction
) -> None:
    paynet.switch(reversal_list_rows="requested", refunds="manual")
    paynet.refund(sale)
    [asked] = paynet.rows()
    paynet.control("/refunds/1", verdict="approve")
    [made] = paynet.rows()
    assert (asked["xact_id"], asked["reversed_xact_id"]) == (
        made["xact_id"],
        sale.xact_id,
    )


# The list of transactions


def test_a_sale_is_listed_in_the_documented_names(paynet: Paynet) -> None:
    sale = paynet.sale()
    answer = paynet.call(LIST, **BOTH_DAYS)
    [row] = answer["Data"]
    assert (answer["object_name"], answer["code"]) == ("transaction_list", 0)
    assert (answer["total_amount"], answer["has_more"]) == (Decimal(1300), False)
    assert (row["id"], row["xact_id"]) == (sale.number, sale.xact_id)
    assert row["xact_agent_reference"] == row["agent_reference"] == REFERENCE
    assert (row["xact_type"], row["amount"]) == ("S", Decimal(1300))
    assert (row["comission"], row["comission_tax"]) == (Decimal("32.5"), Decimal("6.5"))
    assert (row["net_amount"], row["is_succeed"]) == (Decimal(1261), True)
    assert (row["reversed"], row["reversed_xact_id"]) == (False, None)
    assert (row["is_onchargeback"], row["currency"]) == (False, "TRY")


@pytest.mark.parametrize(("later_s", "kind"), [(0, "R"), (DAY_S, "CD")])
def test_reversals_stand_in_it_as_cancels_and_refunds(
    paynet: Paynet, later_s: int, kind: str
) -> None:
    sale = paynet.sale()
    paynet.clock.now_s += later_s
    paynet.refund(sale)
    listed, reversal = paynet.rows(LIST)
    assert [listed["xact_type"], reversal["xact_type"]] == ["S", kind]
    assert listed["reversed_xact_id"] == reversal["xact_id"]


@pytest.mark.parametrize(
    ("style", "date"), [("turkish", "23.11.2026"), ("iso", "2026-11-23T12:00:00")]
)
def test_dates_in_lists_are_printed_in_two_ways(
    paynet: Paynet, style: str, date: str
) -> None:
    paynet.switch(list_date_style=style)
    paynet.sale()
    [row] = paynet.rows(LIST)
    assert (row["xact_date"], row["xact_time"]) == (date, "12:00:00")


@pytest.mark.parametrize(
    ("asked", "verdicts"),
    [
        ({}, [True]),
        ({"show_unsucceed": False}, [True]),
        ({"show_unsucceed": True, "untransferred": True}, [True, False]),
    ],
)
def test_declined_ones_are_listed_only_when_asked_for(
    paynet: Paynet, asked: dict[str, Any], verdicts: list[bool]
) -> None:
    paynet.sale()
    paynet.sale(succeeded=False)
    assert [row["is_succeed"] for row in paynet.rows(LIST, **asked)] == verdicts


@pytest.mark.parametrize(
    "asked",
    [
        {"datab": None},
        {"datbi": "24.11.2026"},
        {"datab": "2026-11-25"},
        {"datab": "2026-13-01"},
        {"datab": 20261123},
        {"limit": 0},
        {"starting_after": -1},
    ],
)
@pytest.mark.parametrize("path", [LIST, REVERSAL_LIST])
def test_a_list_of_no_days_or_pages_is_400(
    paynet: Paynet, path: str, asked: dict[str, Any]
) -> None:
    assert paynet.post(path, BOTH_DAYS | asked).status_code == 400


@pytest.mark.parametrize("path", [LIST, REVERSAL_LIST])
@pytest.mark.parametrize(("switch", "code"), [("empty", 0), ("no_data", 12)])
def test_an_empty_list_is_a_success_or_no_data(
    paynet: Paynet, path: str, switch: str, code: int
) -> None:
    paynet.switch(empty_list=switch)
    answer = paynet.call(path, **BOTH_DAYS)
    assert (answer["code"], answer["Data"], answer["has_more"]) == (code, [], False)


# Pages


def planted(paynet: Paynet, path: str, count: int = 25) -> list[str]:
    """So many rows of that list, and their ids, oldest first."""
    sales = [paynet.sale(at_s=SALE_AT_S + it) for it in range(count)]
    if path == LIST:
        return [sale.xact_id for sale in sales]
    paynet.clock.now_s = NEXT_DAY_S
    books = paynet.simulator.books
    return [books.reverse(it.xact_id, at_s=it.at_s).xact_id for it in sales]


@pytest.mark.parametrize("path", [LIST, REVERSAL_LIST])
@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
def test_25_rows_are_three_pages_of_ten(paynet: Paynet, path: str, order: str) -> None:
    ids = planted(paynet, path)
    paynet.switch(list_order=order)
    days = {"datab": "2026-11-23", "datbi": "2026-11-23"}
    pages = [paynet.call(path, **days, starting_after=seen) for seen in (0, 10, 20, 30)]
    sizes = [(it["total"], it["has_more"]) for it in pages]
    assert sizes == [(10, True), (10, True), (5, False), (0, False)]
    assert {it["total_count"] for it in pages} == {25}
    told = [row["xact_id"] for it in pages for row in it["Data"]]
    assert told == (ids if order == "oldest_first" else ids[::-1])


def test_ending_before_pages_backwards(paynet: Paynet) -> None:
    ids = planted(paynet, LIST)
    last = paynet.call(LIST, **BOTH_DAYS, ending_before=25)
    first = paynet.call(LIST, **BOTH_DAYS, ending_before=5)
    assert [row["xact_id"] for row in last["Data"]] == ids[15:]
    assert [row["xact_id"] for row in first["Data"]] == ids[:5]
    assert (last["has_more"], first["has_more"]) == (True, False)


def test_paynet_may_cut_a_page_shorter_than_asked(paynet: Paynet) -> None:
    planted(paynet, LIST)
    paynet.switch(list_limit_max=20)
    answer = paynet.call(LIST, **BOTH_DAYS, limit=1000)
    assert (answer["limit"], answer["total"], answer["has_more"]) == (20, 20, True)


@pytest.mark.parametrize(
    ("order", "seen_twice", "missed"),
    [("oldest_first", 0, 0), ("newest_first", 1, 1)],
)
def test_a_row_that_comes_while_paging_shifts_the_newest_first(
    paynet: Paynet, order: str, seen_twice: int, missed: int
) -> None:
    planted(paynet, LIST, 15)
    paynet.switch(list_order=order)
    first = paynet.rows(LIST, limit=10)
    paynet.clock.now_s = NEXT_DAY_S
    late = paynet.sale()
    second = paynet.rows(LIST, limit=10, starting_after=10)
    told = [row["xact_id"] for row in first + second]
    assert len(told) - len(set(told)) == seen_twice
    assert (late.xact_id not in told) == bool(missed)


# Escrow decisions


def test_an_escrow_payment_is_charged_and_waits(paynet: Paynet) -> None:
    charged = paid(paynet, is_escrow=True)
    [row] = paynet.simulator.books.find(xact_id=charged["xact_id"])
    assert (paynet.taken_minor, paynet.simulator.books.releases(row.xact_id)) == (
        AMOUNT_MINOR,
        0,
    )
    assert paynet.call(ESCROW_UPDATE, xact_id=row.xact_id, status=2) == {
        "object_name": None,
        "code": 0,
        "message": "Başarılı İşlem",
    }
    assert paynet.simulator.books.releases(row.xact_id) == 1
    assert row.released_minor == AMOUNT_MINOR


@pytest.mark.parametrize("is_escrow", [None, False, ""])
def test_without_the_flag_it_is_no_escrow(paynet: Paynet, is_escrow: object) -> None:
    charged = paid(paynet, is_escrow=is_escrow)
    answer = paynet.call(ESCROW_UPDATE, xact_id=charged["xact_id"], status=2)
    assert answer["code"] == 6


def paid(paynet: Paynet, **changes: Any) -> dict[str, Any]:
    opened = paynet.call(INITIAL, **(PAYMENT | changes))
    return paynet.call(CHARGE, **browser.pass_bank_page(opened["post_url"]).fields)


PAYMENT = {
    "amount": "1300,00",
    "reference_no": REFERENCE,
    "return_url": "http://127.0.0.1:9/back",
    "domain": "shop.example",
    "card_holder": "Ayşe Yılmaz",
    "pan": "4355084355084358",
    "month": 12,
    "year": 2030,
    "cvc": "000",
}


@pytest.mark.parametrize("quoted", [False, True])
def test_the_plain_id_names_the_payment_too(paynet: Paynet, quoted: bool) -> None:
    sale = paynet.held()
    xact = str(sale.number) if quoted else sale.number
    assert paynet.call(ESCROW_UPDATE, xact=xact, status="2")["code"] == 0
    assert paynet.simulator.books.releases(sale.xact_id) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"xact_id": None},
        {"status": None},
        {"status": 1},
        {"status": 4},
        {"note": "n" * 257},
        {"agent_id": "a" * 11},
        {"agent_amount": "1.300,00"},
        {"agent_amount": 0},
        {"agent_amount": True},
    ],
)
def test_a_wrong_decision_is_400_and_named(
    paynet: Paynet, changes: dict[str, Any]
) -> None:
    sale = paynet.held()
    body = {"xact_id": sale.xact_id, "status": 2} | changes
    answer = paynet.post(ESCROW_UPDATE, body)
    assert (answer.status_code, answer.json()["message"]) == (400, *changes)
    assert paynet.simulator.books.releases(sale.xact_id) == 0


@pytest.mark.parametrize(("switch", "code"), [("on", 0), ("off", 7)])
def test_escrow_needs_permission(paynet: Paynet, switch: str, code: int) -> None:
    sale = paynet.held()
    paynet.switch(escrow_permission=switch)
    assert paynet.decide(sale, 2) == code
    assert paynet.call(INITIAL, **PAYMENT, is_escrow=True)["code"] == code
    assert paynet.call(INITIAL, **PAYMENT)["code"] == 0


@pytest.mark.parametrize(
    ("switch", "refunded_minor"), [("nothing", 0), ("refunds", AMOUNT_MINOR)]
)
def test_a_reject_does_nothing_or_refunds(
    paynet: Paynet, switch: str, refunded_minor: int
) -> None:
    paynet.switch(escrow_reject=switch)
    sale = paynet.held()
    assert paynet.decide(sale, 3, note="not delivered") == 0
    assert paynet.refunded_minor == refunded_minor
    assert sale.reversed is bool(refunded_minor)
    assert paynet.simulator.books.refund_requests(sale.xact_id) == (0, 0)


def test_a_reject_refunds_only_what_is_left(paynet: Paynet) -> None:
    paynet.switch(escrow_reject="refunds")
    sale = paynet.held()
    paynet.clock.now_s = NEXT_DAY_S
    codes = [paynet.refund(sale, amount="30000"), paynet.decide(sale, 3)]
    assert (codes, paynet.taken_minor) == ([0, 0], 0)


@pytest.mark.parametrize(("switch", "code"), [("refused", 6), ("repeated", 100)])
@pytest.mark.parametrize(("status", "releases"), [(2, 1), (3, 0)])
def test_a_second_update_is_refused_or_the_first_repeated(
    paynet: Paynet, switch: str, code: int, status: int, releases: int
) -> None:
    paynet.switch(escrow_second_update=switch)
    sale = paynet.held()
    assert [paynet.decide(sale, status), paynet.decide(sale, status)] == [0, code]
    assert paynet.simulator.books.releases(sale.xact_id) == releases


@pytest.mark.parametrize(("switch", "code"), [("refused", 6), ("accepted", 0)])
@pytest.mark.parametrize(("first", "second"), [(2, 3), (3, 2)])
def test_a_change_of_mind_is_refused_or_accepted(
    paynet: Paynet, switch: str, code: int, first: int, second: int
) -> None:
    paynet.switch(escrow_change_of_mind=switch)
    sale = paynet.held()
    assert [paynet.decide(sale, first), paynet.decide(sale, second)] == [0, code]
    approved = (second if code == 0 else first) == 2
    assert sale.released_minor == AMOUNT_MINOR * approved


def test_what_a_reject_refunded_cannot_be_approved_after_all(paynet: Paynet) -> None:
    paynet.switch(escrow_change_of_mind="accepted", escrow_reject="refunds")
    sale = paynet.held()
    assert [paynet.decide(sale, 3), paynet.decide(sale, 2)] == [0, 6]


@pytest.mark.parametrize(
    ("switch", "code", "released_minor"), [("refused", 6, 0), ("rest_stays", 0, 65000)]
)
def test_a_part_is_refused_or_the_rest_stays(
    paynet: Paynet, switch: str, code: int, released_minor: int
) -> None:
    paynet.switch(escrow_partial=switch)
    sale = paynet.held()
    assert paynet.decide(sale, 2, agent_id="D1", agent_amount=650) == code
    assert sale.released_minor == released_minor


@pytest.mark.parametrize(
    ("form", "amount", "status"),
    [
        ("any", 1300, 200),
        ("any", 1300.0, 200),
        ("any", "1300.00", 200),
        ("any", "1300,00", 200),
        ("number", 1300, 200),
        ("number", "1300.00", 400),
        ("dot", "1300.00", 200),
        ("dot", "1300,00", 400),
        ("comma", "1300,00", 200),
        ("comma", 1300, 400),
        ("kurus", "130000", 200),
        ("kurus", "1300,00", 400),
    ],
)
def test_the_form_of_agent_amount_is_a_switch(
    paynet: Paynet, form: str, amount: object, status: int
) -> None:
    paynet.switch(agent_amount_form=form)
    sale = paynet.held()
    body = {"xact_id": sale.xact_id, "status": 2, "agent_amount": amount}
    assert paynet.post(ESCROW_UPDATE, body).status_code == status
    assert sale.released_minor == (AMOUNT_MINOR if status == 200 else 0)


def test_no_dealer_gets_more_than_there_is(paynet: Paynet) -> None:
    paynet.switch(escrow_partial="rest_stays")
    sale = paynet.held()
    paynet.clock.now_s = NEXT_DAY_S
    paynet.refund(sale, amount="30000")
    assert paynet.decide(sale, 2, agent_amount="1300,00") == 6
    assert paynet.decide(sale, 2) == 0
    assert sale.released_minor == 100000


@pytest.mark.parametrize(("days", "releases"), [(None, 0), (7, 1)])
def test_paynet_may_release_by_itself(
    paynet: Paynet, days: int | None, releases: int
) -> None:
    paynet.switch(escrow_auto_release_days=days)
    sale = paynet.held()
    paynet.clock.now_s += 7 * DAY_S - 1
    assert paynet.simulator.books.releases(sale.xact_id) == 0
    paynet.clock.now_s += 1
    assert paynet.simulator.books.releases(sale.xact_id) == releases
    assert paynet.decide(sale, 2) == (6 if releases else 0)
    assert paynet.simulator.books.releases(sale.xact_id) == 1


def test_what_went_back_is_not_released_by_itself(paynet: Paynet) -> None:
    paynet.switch(escrow_auto_release_days=7)
    sale = paynet.held()
    paynet.refund(sale)
    paynet.clock.now_s += 8 * DAY_S
    assert paynet.simulator.books.releases(sale.xact_id) == 0
    assert paynet.decide(sale, 2) == 6


@pytest.mark.parametrize("listed", [True, False])
def test_the_state_of_an_escrow_may_be_listed(paynet: Paynet, listed: bool) -> None:
    paynet.switch(escrow_state_listed=listed)
    sales = [paynet.held(), paynet.held(), paynet.held()]
    paynet.sale()
    paynet.decide(sales[1], 2)
    paynet.decide(sales[2], 3)
    states = [1, 2, 3, None] if listed else [None] * 4
    details = paynet.call(DETAIL, reference_no=REFERENCE)["Data"]
    for rows in (details, paynet.rows(LIST)):
        assert [row.get("escrow_status") for row in rows] == states


@pytest.mark.parametrize(("switch", "code"), [("accepted", 0), ("refused", 6)])
@pytest.mark.parametrize(
    ("name", "released"), [("escrow_refund", 0), ("escrow_refund_released", 1)]
)
def test_a_refund_of_held_or_of_released_money_is_a_switch(
    paynet: Paynet, switch: str, code: int, name: str, released: int
) -> None:
    sale = paynet.held()
    if released:
        paynet.decide(sale, 2)
    paynet.switch(**{name: switch})
    assert paynet.refund(sale) == code
    assert paynet.refunded_minor == (AMOUNT_MINOR if code == 0 else 0)


@pytest.mark.parametrize(("needed", "status"), [(False, 200), (True, 400)])
def test_a_dealer_may_be_needed_to_approve(
    paynet: Paynet, needed: bool, status: int
) -> None:
    paynet.switch(escrow_needs_dealer=needed)
    approve = {"xact_id": paynet.held().xact_id, "status": 2}
    assert paynet.post(ESCROW_UPDATE, approve).status_code == status
    named = {"xact_id": paynet.held().xact_id, "status": 2, "agent_id": "D1"}
    assert paynet.post(ESCROW_UPDATE, named).status_code == 200
    assert paynet.decide(paynet.held(), 3) == 0


def test_a_decision_whose_answer_is_lost_is_made(paynet: Paynet) -> None:
    sale = paynet.held()
    paynet.simulator.faults.add("close", ESCROW_UPDATE)
    with pytest.raises(requests.ConnectionError):
        paynet.decide(sale, 2)
    assert paynet.simulator.books.releases(sale.xact_id) == 1
    assert paynet.decide(sale, 2) == 6


def test_decisions_at_the_same_moment_release_once(paynet: Paynet) -> None:
    sale = paynet.held()
    paynet.simulator.faults.add("meet", ESCROW_UPDATE, when="before", parties=8)
    with ThreadPoolExecutor(8) as crowd:
        codes = list(crowd.map(paynet.decide, [sale] * 8, [2] * 8))
    assert sorted(codes) == [0] + [6] * 7
    assert paynet.simulator.books.releases(sale.xact_id) == 1


# What a test plants, and what the books tell


def test_a_duplicate_success_is_counted_and_refunded_on_its_own(paynet: Paynet) -> None:
    first, second = paynet.sale(), paynet.sale()
    paynet.refund(second)
    assert paynet.simulator.books.charges(REFERENCE) == 2
    assert paynet.taken_minor == AMOUNT_MINOR
    assert (first.reversed, second.reversed) == (False, True)


def test_a_sale_may_have_another_commission_day_and_chargeback(paynet: Paynet) -> None:
    order = {"commission_minor": 1000, "at_s": NEXT_DAY_S, "on_chargeback": True}
    body = {"reference_no": REFERENCE, "amount_minor": AMOUNT_MINOR}
    assert paynet.control("/transactions", **body, **order).status_code == 201
    [row] = paynet.rows(LIST)
    assert (row["comission"], row["comission_tax"]) == (Decimal(10), Decimal(2))
    assert (row["xact_date"], row["is_onchargeback"]) == ("24.11.2026", True)


def test_a_chargeback_comes_and_goes(paynet: Paynet) -> None:
    sale = paynet.sale()
    paynet.control("/chargebacks", xact_id=sale.xact_id)
    assert paynet.rows(LIST)[0]["is_onchargeback"] is True
    paynet.control("/chargebacks", xact_id=sale.xact_id, on=False)
    assert paynet.rows(LIST)[0]["is_onchargeback"] is False


def test_a_forgotten_row_is_found_nowhere_and_its_money_is_taken(
    paynet: Paynet,
) -> None:
    sale = paynet.held()
    assert paynet.control("/forgotten", xact_id=sale.xact_id).json()["forgotten"]
    assert paynet.rows(LIST) == []
    assert paynet.call(CHECK, reference_no=REFERENCE)["code"] == 12
    assert (paynet.refund(sale), paynet.decide(sale, 2)) == (12, 12)
    assert paynet.taken_minor == AMOUNT_MINOR


def test_a_row_may_be_altered_afterwards(paynet: Paynet) -> None:
    sale = paynet.sale()
    changes = {"amount_minor": 120000, "commission_minor": 100, "at_s": NEXT_DAY_S}
    told = paynet.control("/alterations", xact_id=sale.xact_id, **changes).json()
    assert {name: told[name] for name in changes} == changes
    assert paynet.rows(LIST)[0]["amount"] == Decimal(1200)


def test_a_hand_reverses_a_part_on_any_day_without_a_request(paynet: Paynet) -> None:
    sale = paynet.sale()
    order = {"amount_minor": 500, "at_s": NEXT_DAY_S}
    row = paynet.control("/reversals", xact_id=sale.xact_id, **order).json()
    assert (row["transaction_type"], row["reverses"]) == (CREDIT, sale.xact_id)
    assert paynet.taken_minor == AMOUNT_MINOR - 500
    assert paynet.simulator.books.refund_requests(sale.xact_id) == (0, 0)


@pytest.mark.parametrize(
    "path", ["/reversals", "/alterations", "/forgotten", "/chargebacks"]
)
def test_a_hand_on_nothing_is_404(paynet: Paynet, path: str) -> None:
    assert paynet.control(path, xact_id="xk_nobody").status_code == 404


def test_the_books_tell_what_left(paynet: Paynet, sale: Transaction) -> None:
    paynet.refund(sale, amount="1000")
    held = paynet.simulator.books.plant("another", 500, is_escrow=True)
    paynet.decide(held, 2)
    told = paynet.state("/books")
    assert told["taken_minor"] == {REFERENCE: 129000, "another": 500}
    assert told["refunded_minor"] == {REFERENCE: 1000, "another": 0}
    assert told["refund_requests"][sale.xact_id] == {"arrived": 1, "executed": 1}
    assert told["releases"] == {sale.xact_id: 0, held.xact_id: 1}
    assert [it["state"] for it in told["refunds"]] == ["approved"]
    assert paynet.state("/books/another")["refunds"] == []


def test_a_reset_forgets_refunds_too(paynet: Paynet, sale: Transaction) -> None:
    paynet.switch(refunds="never", list_order="newest_first")
    paynet.refund(sale)
    paynet.control("/reset")
    assert paynet.state("/refunds") == {"refunds": []}
    assert paynet.simulator.books.refund_requests(sale.xact_id) == (0, 0)
    assert paynet.simulator.settings.refunds == "auto"
