"""The PAYNET simulator's own promises, over real HTTP: its wire format, its bank page,
its faults, its callbacks and its books. Nothing of Emanet's layer takes part."""

import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
import requests

from local.paynet_simulator import PaynetSimulator, browser, cards
from local.paynet_simulator.paynet_api import CHARGE, CHECK, DETAIL, INITIAL
from local.paynet_simulator.serving import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEY = "sck_pcs_Test/key+of=nobody"
WEBHOOK_SECRET = "whsec-of-nobody"
REFERENCE = "order-1-attempt-1"
GOOD_CARD = "4355084355084358"
RETURN_URL = "http://127.0.0.1:9/api/3d/return/escrow/1/state"
TIMEOUT_S = 10

DECLINED = "4000000000000010"
POOR = "4000000000000028"
REFUSED_3D = "4000000000000036"
LOST_ONCE_AFTER = "4000000000000044"
LOST_ALWAYS_AFTER = "4000000000000051"
LOST_ALWAYS_BEFORE = "4000000000000069"
LOST_ONCE_BEFORE = "4000000000000077"
SLOW = "4000000000000085"
ERROR_BEFORE = "4000000000000093"
ERROR_ONCE_AFTER = "4000000000000101"
ERROR_ALWAYS_AFTER = "4000000000000119"
MISMATCH = "4000000000000127"
NO_REFERENCE, NO_AMOUNT, NO_VERDICT = (
    "4000000000000135",
    "4000000000000143",
    "4000000000000150",
)
NO_CODE_100 = "4000000000000168"


@dataclass
class Paynet:
    """A caller of the simulator, as any shop's server would be."""

    simulator: PaynetSimulator
    url: str

    def call(
        self,
        path: str,
        body: object,
        *,
        authorization: str = f"Basic {KEY}",
        form: bool = False,
    ) -> requests.Response:
        sent: dict[str, Any] = {"data": body} if form else {"json": body}
        return requests.post(
            self.url + path,
            headers={"Authorization": authorization},
            timeout=TIMEOUT_S,
            allow_redirects=False,
            **sent,
        )

    def start(self, **changes: Any) -> dict[str, Any]:
        answer = self.call(INITIAL, payment(**changes))
        assert answer.status_code == 200
        return dict(answer.json())

    def passed(self, pan: str = GOOD_CARD, **changes: Any) -> dict[str, str]:
        """The pair that a browser brings back from the bank."""
        post_url = self.start(pan=pan, **changes)["post_url"]
        return browser.pass_bank_page(post_url).fields

    def charge(self, pair: dict[str, str]) -> dict[str, Any]:
        return exact(self.call(CHARGE, pair))

    def rows(self, path: str = CHECK, reference_no: str = REFERENCE) -> Any:
        return exact(self.call(path, {"reference_no": reference_no}))["Data"]

    def control(self, path: str, body: object) -> requests.Response:
        return requests.post(
            f"{self.url}/_simulator{path}", json=body, timeout=TIMEOUT_S
        )

    def state(self, path: str) -> Any:
        return requests.get(f"{self.url}/_simulator{path}", timeout=TIMEOUT_S).json()

    @property
    def taken_minor(self) -> int:
        return self.simulator.books.taken_minor(REFERENCE)


def exact(answer: requests.Response) -> dict[str, Any]:
    return dict(json.loads(answer.text, parse_float=Decimal))


def payment(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "amount": "1300,00",
        "reference_no": REFERENCE,
        "return_url": RETURN_URL,
        "domain": "shop.example",
        "card_holder": "Ayşe Yılmaz",
        "pan": GOOD_CARD,
        "month": 12,
        "year": 2030,
        "cvc": "000",
    }
    return {name: it for name, it in (body | changes).items() if it is not None}


@pytest.fixture(scope="module")
def served() -> Iterator[Paynet]:
    simulator = PaynetSimulator(KEY, WEBHOOK_SECRET)
    with simulator.serve() as server:
        yield Paynet(simulator, server.url)


@pytest.fixture
def paynet(served: Paynet) -> Paynet:
    served.simulator.reset()
    return served


# The way of a payment


def test_a_payment_is_taken_by_tds_charge_and_by_nothing_before_it(
    paynet: Paynet,
) -> None:
    pair = paynet.passed()
    assert paynet.taken_minor == 0
    answer = paynet.charge(pair)
    assert paynet.taken_minor == 130000
    assert (answer["code"], answer["is_succeed"]) == (0, True)
    assert answer["message"] == "Başarılı İşlem"
    assert answer["reference_no"] == REFERENCE
    assert answer["amount"] == Decimal("1300.00")
    assert answer["card_no_masked"] == "435508******4358"
    assert answer["xact_id"].startswith("xk_")
    assert set("+/*") <= set(answer["xact_id"])


def test_a_repeated_charge_answers_the_first_success_with_code_100(
    paynet: Paynet,
) -> None:
    pair = paynet.passed()
    first, second = paynet.charge(pair), paynet.charge(pair)
    assert second == first | {"code": 100, "message": "Önceki Başarılı İşlem"}
    assert paynet.simulator.books.charges(REFERENCE) == 1
    assert paynet.simulator.books.charge_calls(pair["session_id"]) == 2


def test_charges_at_the_same_moment_take_the_money_once(paynet: Paynet) -> None:
    callers = 16
    paynet.simulator.faults.add("meet", CHARGE, when="before", parties=callers)
    pair = paynet.passed()
    with ThreadPoolExecutor(callers) as crowd:
        answers = list(crowd.map(paynet.charge, [pair] * callers))
    assert paynet.simulator.traffic.most_at_once(CHARGE) == callers
    assert paynet.taken_minor == 130000
    assert sorted(answer["code"] for answer in answers) == [0] + [100] * 15
    assert len({answer["xact_id"] for answer in answers}) == 1


def test_form_encoded_calls_mean_the_same_as_json(paynet: Paynet) -> None:
    answer = paynet.call(INITIAL, payment(), form=True)
    assert answer.json()["code"] == 0


def test_html_content_leads_to_the_same_bank_page(paynet: Paynet) -> None:
    html = paynet.start()["html_content"]
    assert browser.open_html(html).press("approve", "a").action == RETURN_URL


def test_a_bare_post_url_takes_the_pair_by_get_and_by_post(paynet: Paynet) -> None:
    paynet.simulator.settings.post_url = "bare"
    started = paynet.start()
    assert "?" not in started["post_url"]
    pair = {name: started[name] for name in ("session_id", "token_id")}
    for opened in (
        requests.get(started["post_url"], params=pair, timeout=TIMEOUT_S),
        requests.post(started["post_url"], data=pair, timeout=TIMEOUT_S),
    ):
        assert "435508******4358" in opened.text


# The key, the path, the method, the body


@pytest.mark.parametrize(
    "authorization",
    ["", KEY, f"Bearer {KEY}", f"Basic {KEY}:", f"Basic {KEY}x", "Basic c2NrOg=="],
)
def test_anything_but_the_raw_key_after_basic_is_401(
    paynet: Paynet, authorization: str
) -> None:
    answer = paynet.call(CHECK, {"reference_no": "x"}, authorization=authorization)
    error = answer.json()
    assert answer.status_code == error["code"] == 401
    assert (error["type"], error["result_code"]) == ("authorization_error", 7)


def test_unknown_paths_are_404_and_wrong_methods_405(paynet: Paynet) -> None:
    assert paynet.call("/v1/transaction/nothing", {}).status_code == 404
    assert requests.get(paynet.url + CHARGE, timeout=TIMEOUT_S).status_code == 405


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"NaN"]
)
def test_a_body_that_is_no_json_object_is_400(paynet: Paynet, body: bytes) -> None:
    answer = requests.post(
        paynet.url + CHECK,
        data=body,
        headers={"Authorization": f"Basic {KEY}", "Content-Type": "application/json"},
        timeout=TIMEOUT_S,
    )
    error = answer.json()
    assert (answer.status_code, error["result_code"]) == (400, 11)
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("field_name", "value"),
    [
        *[("amount", it) for it in (None, "", "1300", "1300.00", "1.300,00", "-1,00")],
        *[("amount", it) for it in ("0,00", "01,00", "1,0", "1e3,00", 1300, 13.5)],
        *[("reference_no", it) for it in (None, "", "r" * 51, 7)],
        *[
            ("return_url", it)
            for it in (None, "shop.example/x", "http://x/" + "y" * 256)
        ],
        *[
            ("domain", it)
            for it in (None, "https://shop.example", "a/b", "a:80", "a..b")
        ],
        *[("pan", it) for it in (None, "4355", "4355 0843 5508 4358", "4" * 20, 4355)],
        *[("month", it) for it in (None, 0, 13, "x")],
        *[("year", it) for it in (None, 30, "30", 1999)],
        *[("cvc", it) for it in (None, "00", "00000", "0x0")],
        *[("card_holder", it) for it in (None, "", "x" * 51)],
        ("card_holder_phone", "05321112233"),
        ("description", "d" * 141),
        ("instalment", -1),
    ],
)
def test_a_wrong_field_is_400_and_named_without_its_value(
    paynet: Paynet, field_name: str, value: object
) -> None:
    answer = paynet.call(INITIAL, payment(**{field_name: value}))
    assert answer.status_code == 400
    assert answer.json()["message"] == field_name
    assert paynet.simulator.books.sessions() == []


def test_what_moves_money_otherwise_is_refused_rather_than_ignored(
    paynet: Paynet,
) -> None:
    for asked in (
        {"add_commission": True},
        {"transaction_type": 3},
    ):
        answer = paynet.call(INITIAL, payment(**asked))
        assert (answer.status_code, answer.json()["result_code"]) == (400, 9)


def test_a_number_that_no_bank_issued_is_wrong_card_data(paynet: Paynet) -> None:
    assert paynet.start(pan="4355084355084359")["code"] == 18


def test_numeric_amounts_are_taken_only_when_switched_on(paynet: Paynet) -> None:
    paynet.simulator.settings.numeric_amounts_accepted = True
    for amount in (1300, 1300.0, 1300.5):
        assert paynet.start(amount=amount)["code"] == 0
    assert paynet.call(INITIAL, payment(amount=0.001)).status_code == 400
    minors = [s.payment.amount_minor for s in paynet.simulator.books.sessions()]
    assert minors == [130000, 130000, 130050]


def test_a_used_reference_can_be_refused(paynet: Paynet) -> None:
    paynet.simulator.settings.used_reference_refused = True
    assert [paynet.start()["code"], paynet.start()["code"]] == [0, 5]


# Sessions


def test_an_unknown_session_is_13_and_a_foreign_token_15(paynet: Paynet) -> None:
    pair = paynet.passed()
    foreign = paynet.charge({"session_id": "nobody's", "token_id": pair["token_id"]})
    unmatched = paynet.charge(pair | {"token_id": "nobody's"})
    assert (foreign["code"], foreign["is_succeed"]) == (13, False)
    assert (unmatched["code"], unmatched["is_succeed"]) == (15, False)
    assert paynet.taken_minor == 0


def test_a_charge_before_the_bank_agreed_is_16(paynet: Paynet) -> None:
    started = paynet.start()
    pair = {name: started[name] for name in ("session_id", "token_id")}
    answer = paynet.charge(pair)
    assert (answer["code"], answer["is_succeed"]) == (16, False)
    assert paynet.taken_minor == 0


def test_an_old_session_no_longer_charges_but_still_repeats(paynet: Paynet) -> None:
    charged, waiting = paynet.passed(), paynet.passed()
    paynet.charge(charged)
    paynet.simulator.settings.clock_offset_s = 1801
    assert paynet.charge(waiting)["code"] == 13
    assert paynet.charge(charged)["code"] == 100


# The bank's page


def test_the_page_says_merchant_amount_and_card_and_that_it_is_a_simulator(
    paynet: Paynet,
) -> None:
    answer = requests.get(paynet.start()["post_url"], timeout=TIMEOUT_S)
    for words in ("shop.example", "1300,00 TL", "435508******4358", "simülatör"):
        assert words in answer.text
    assert GOOD_CARD not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("pan", cards.PUBLISHED)
def test_every_published_card_pays_with_its_own_password(
    paynet: Paynet, pan: str
) -> None:
    form = browser.pass_bank_page(
        paynet.start(pan=pan)["post_url"], cards.PUBLISHED[pan]
    )
    assert paynet.charge(form.fields)["is_succeed"] is True


def test_a_wrong_password_shows_the_page_again_and_the_third_ends_it(
    paynet: Paynet,
) -> None:
    page = browser.open_url(paynet.start()["post_url"])
    assert "Kalan deneme: 2" in page.post(button="approve", password="b").text
    assert page.press("approve", "b").action == page.action.split("?")[0]
    failed = page.press("approve", "b")
    assert failed.action == RETURN_URL
    assert set(failed.fields) == {"message"}
    assert page.press("approve", "a") == failed


def test_cancelling_sends_the_browser_back_without_a_pair(paynet: Paynet) -> None:
    back = browser.open_url(paynet.start()["post_url"]).press("cancel")
    assert (back.action, set(back.fields)) == (RETURN_URL, {"message"})


def test_a_failed_3d_may_deliver_the_pair_and_then_charges_nothing(
    paynet: Paynet,
) -> None:
    paynet.simulator.settings.failed_3d_posts_ids = True
    back = browser.open_url(paynet.start()["post_url"]).press("cancel")
    assert paynet.charge(back.fields)["code"] == 16
    assert paynet.taken_minor == 0


def test_opening_the_page_decides_nothing(paynet: Paynet) -> None:
    url = paynet.start()["post_url"] + "&button=cancel"
    browser.open_url(url)
    assert browser.pass_bank_page(url).action == RETURN_URL


def test_a_page_without_its_session_is_404(paynet: Paynet) -> None:
    answer = requests.get(paynet.url + "/bank/3d", timeout=TIMEOUT_S)
    assert answer.status_code == 404


# Our own cards


@pytest.mark.parametrize(("pan", "bank_code"), [(DECLINED, "05"), (POOR, "51")])
@pytest.mark.parametrize("code", [0, 1])
def test_a_declined_card_is_answered_with_the_banks_reason_and_listed(
    paynet: Paynet, pan: str, bank_code: str, code: Any
) -> None:
    paynet.simulator.settings.declined_code = code
    pair = paynet.passed(pan)
    first, second = paynet.charge(pair), paynet.charge(pair)
    assert first == second
    assert (first["code"], first["is_succeed"]) == (code, False)
    assert first["bank_error_id"] == bank_code
    assert [row["is_succeed"] for row in paynet.rows()] == [False]
    assert paynet.taken_minor == 0


def test_a_declined_session_may_count_as_used(paynet: Paynet) -> None:
    paynet.simulator.settings.declined_repeat = "used_session"
    pair = paynet.passed(DECLINED)
    assert [paynet.charge(pair)["code"], paynet.charge(pair)["code"]] == [0, 17]


def test_a_card_that_fails_3d_fails_with_the_right_password(paynet: Paynet) -> None:
    assert set(paynet.passed(REFUSED_3D)) == {"message"}


@pytest.mark.parametrize(
    ("pan", "answers", "taken_minor"),
    [
        (LOST_ONCE_AFTER, ["lost", 100], 130000),
        (LOST_ALWAYS_AFTER, ["lost", "lost"], 130000),
        (LOST_ALWAYS_BEFORE, ["lost", "lost"], 0),
        (LOST_ONCE_BEFORE, ["lost", 0], 130000),
        (ERROR_BEFORE, [500, 500], 0),
        (ERROR_ONCE_AFTER, [500, 100], 130000),
        (ERROR_ALWAYS_AFTER, [500, 500], 130000),
        (NO_CODE_100, [0, 0], 130000),
        (MISMATCH, [0, 100], 130100),
    ],
)
def test_a_card_of_ours_does_what_its_row_says(
    paynet: Paynet, pan: str, answers: list[object], taken_minor: int
) -> None:
    pair = paynet.passed(pan)
    assert [told(paynet, pair), told(paynet, pair)] == answers
    assert paynet.taken_minor == taken_minor
    assert paynet.simulator.books.charges(REFERENCE) == (1 if taken_minor else 0)


def told(paynet: Paynet, pair: dict[str, str]) -> object:
    try:
        return paynet.charge(pair)["code"]
    except requests.ConnectionError:
        return "lost"


def test_a_slow_card_is_charged_and_answered_late(paynet: Paynet) -> None:
    paynet.simulator.settings.slow_s = 0.01
    assert paynet.charge(paynet.passed(SLOW))["is_succeed"] is True


@pytest.mark.parametrize(
    ("pan", "field_name"),
    [
        (NO_REFERENCE, "reference_no"),
        (NO_AMOUNT, "amount"),
        (NO_VERDICT, "is_succeed"),
    ],
)
def test_an_answer_may_lack_a_field_that_check_then_tells(
    paynet: Paynet, pan: str, field_name: str
) -> None:
    assert field_name not in paynet.charge(paynet.passed(pan))
    [row] = paynet.rows()
    assert row["agent_reference"] == REFERENCE
    assert row["amount"] == Decimal("1300.00")
    assert row["is_succeed"] is True


def test_the_table_of_cards_is_told_as_it_is() -> None:
    for number, card in cards.OURS.items():
        assert f"| {number} | {card.what} |" in str(cards.__doc__)
        assert cards.known(number) is card


# Check and detail, in every dialect


@pytest.mark.parametrize("path", [CHECK, DETAIL])
def test_rows_of_a_reference_are_told_oldest_first(paynet: Paynet, path: str) -> None:
    paynet.charge(paynet.passed(DECLINED))
    paynet.charge(paynet.passed())
    rows = paynet.rows(path)
    assert [row["is_succeed"] for row in rows] == [False, True]
    assert rows[1]["netAmount"] == Decimal("1261.00")
    assert isinstance(rows[1]["id"], int)


@pytest.mark.parametrize(
    ("switch", "value", "told_as"),
    [
        ("amount_style", "number", {"amount": Decimal("1300.00")}),
        ("amount_style", "dot", {"amount": "1300.00", "comission": "32.50"}),
        ("amount_style", "comma", {"amount": "1300,00", "comission_tax": "6,50"}),
        ("currency", "TL", {"currency": "TL"}),
        ("currency", None, {"currency": None}),
        ("instalment", 1, {"instalment": 1}),
        ("instalment", None, {"instalment": None}),
        ("reference_field", "reference_no", {"agent_reference": None}),
        ("reference_field", "both", {"agent_reference": REFERENCE}),
        ("net_amount_field", "net_amount", {"netAmount": None}),
        ("net_amount_field", "both", {"net_amount": Decimal("1261.00")}),
        ("commission_spelling", "commission", {"commission": Decimal("32.50")}),
        ("date_style", "absent", {"xact_date": None}),
    ],
)
def test_each_switch_changes_the_rows(
    paynet: Paynet, switch: str, value: object, told_as: dict[str, object]
) -> None:
    paynet.charge(paynet.passed())
    setattr(paynet.simulator.settings, switch, value)
    [row] = paynet.rows()
    assert {name: row.get(name) for name in told_as} == told_as


def test_codes_may_be_text(paynet: Paynet) -> None:
    paynet.simulator.settings.code_style = "string"
    pair = paynet.passed()
    codes = [paynet.charge(pair)["code"], paynet.charge(pair)["code"]]
    assert codes == ["0", "100"]


@pytest.mark.parametrize("path", [CHECK, DETAIL])
def test_an_unknown_reference_is_code_12_or_404(paynet: Paynet, path: str) -> None:
    asked = {"reference_no": "nobody's"}
    answer = paynet.call(path, asked)
    assert (answer.status_code, answer.json()["code"]) == (200, 12)
    paynet.simulator.settings.unknown_reference = "not_found"
    answer = paynet.call(path, asked)
    assert (answer.status_code, answer.json()["type"]) == (404, "no_data_error")


def test_asking_for_nothing_is_400(paynet: Paynet) -> None:
    assert paynet.call(CHECK, {}).status_code == 400
    assert paynet.call(DETAIL, {"user_id": "x"}).status_code == 400


def test_detail_finds_by_plain_and_by_encrypted_id(paynet: Paynet) -> None:
    charged = paynet.charge(paynet.passed())
    paynet.simulator.books.plant(REFERENCE, 500)
    for asked in (
        {"id": charged["id"]},
        {"xact": charged["id"]},
        {"xact_id": charged["xact_id"]},
    ):
        [row] = exact(paynet.call(DETAIL, asked))["Data"]
        assert row["xact_id"] == charged["xact_id"]


def test_a_planted_capture_and_a_reversal_are_told_and_counted(paynet: Paynet) -> None:
    planted = paynet.control(
        "/transactions", {"reference_no": REFERENCE, "amount_minor": 130000}
    ).json()
    assert paynet.taken_minor == 130000
    reversal = paynet.control("/reversals", {"xact_id": planted["xact_id"]}).json()
    sale, row = paynet.rows(DETAIL)
    assert (sale["reversed"], sale["reversed_xact_id"]) == (True, reversal["xact_id"])
    assert row["transaction_type"] == 2
    assert paynet.taken_minor == 0
    assert paynet.simulator.books.charges(REFERENCE) == 1


# Faults on demand


@pytest.mark.parametrize("kind", ["close", "hang"])
@pytest.mark.parametrize(("when", "taken_minor"), [("before", 0), ("after", 130000)])
def test_an_answer_is_lost_before_or_after_the_effect(
    paynet: Paynet, kind: Any, when: str, taken_minor: int
) -> None:
    pair = paynet.passed()
    paynet.simulator.faults.add(kind, CHARGE, when=when, delay_s=0.01)
    assert told(paynet, pair) == "lost"
    assert paynet.taken_minor == taken_minor
    assert paynet.charge(pair)["code"] == (100 if taken_minor else 0)


def test_a_fault_strikes_as_often_as_it_was_asked_to(paynet: Paynet) -> None:
    paynet.control("/faults", {"kind": "status", "status": 503, "times": 2})
    asked = {"reference_no": "x"}
    statuses = [paynet.call(CHECK, asked).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert paynet.state("/faults") == {"faults": []}


def test_bodies_can_be_anything(paynet: Paynet) -> None:
    paynet.charge(paynet.passed())
    asked = {"reference_no": REFERENCE}
    right = paynet.call(CHECK, asked)

    def bent(kind: Any, **details: Any) -> requests.Response:
        paynet.simulator.faults.add(kind, CHECK, **details)
        return paynet.call(CHECK, asked)

    assert bent("html").headers["Content-Type"].startswith("text/html")
    assert bent("empty").content == b""
    assert len(bent("huge").content) > 1_000_000
    assert bent("drip", delay_s=0).content == right.content
    assert bent("truncated").content == right.content[: len(right.content) // 2]
    assert bent("redirect", location="http://127.0.0.1:9/").status_code == 302
    assert bent("content_type").headers["Content-Type"].startswith("text/plain")
    rewritten = bent("rewrite", fields={"code": "0", "new": 1}, without=["amount"])
    assert rewritten.json()["code"] == "0"
    assert rewritten.json()["new"] == 1
    assert "amount" not in rewritten.json()["Data"][0]
    assert paynet.call(CHECK, asked).content == right.content


# Callbacks


@dataclass
class Listener:
    """Somebody who is called back."""

    url: str = ""
    heard: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    called: Event = field(default_factory=Event)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> list[bytes]:
        body = environ["wsgi.input"].read()
        said = (environ.get(f"HTTP_X_PAYNET_{it}", "") for it in _SIGNED)
        self.heard.append((environ["REMOTE_ADDR"], *said, body))
        self.called.set()
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]


_SIGNED = ("TIMESTAMP", "SIGNATURE")


def signed(timestamp: str, body: bytes) -> str:
    text = timestamp.encode() + b"." + body
    return hmac.new(WEBHOOK_SECRET.encode(), text, hashlib.sha256).hexdigest()


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener()
    with Server(heard, "127.0.0.1", 0, release=lambda: None) as server:
        heard.url = server.url
        yield heard


def test_a_callback_is_signed_and_carries_the_documented_fields(
    paynet: Paynet, listener: Listener
) -> None:
    paynet.charge(paynet.passed())
    sent = paynet.simulator.callbacks.send(listener.url, REFERENCE)
    assert [one.status for one in sent] == [200]
    [(_, timestamp, signature, body)] = listener.heard
    assert signature == signed(timestamp, body)
    told_of = json.loads(body, parse_float=Decimal)
    assert told_of["referance_no"] == REFERENCE
    assert told_of["amount"] == Decimal("1300.00")
    assert told_of["netAmount"] == Decimal("1261.00")
    assert told_of["card_number"] == "435508******4358"
    assert told_of["is_succeed"] is True


def test_a_callback_comes_from_the_address_and_as_often_as_asked(
    paynet: Paynet, listener: Listener
) -> None:
    order = {"url": listener.url, "reference_no": REFERENCE, "copies": 3}
    sent = paynet.control("/callbacks", order | {"source_address": "127.0.0.1"})
    assert sent.json() == {"sent": [200, 200, 200]}
    assert {source for source, *_ in listener.heard} == {"127.0.0.1"}
    assert len({body for *_, body in listener.heard}) == 1


def test_a_lost_callback_is_never_heard(paynet: Paynet, listener: Listener) -> None:
    assert paynet.simulator.callbacks.send(listener.url, REFERENCE, lost=True) == []
    assert listener.heard == []


def test_a_callback_that_nobody_hears_is_noted(paynet: Paynet) -> None:
    [sent] = paynet.simulator.callbacks.send("http://127.0.0.1:9/", REFERENCE)
    assert sent.status is None
    assert paynet.state("/callbacks")["deliveries"][0]["status"] is None


def test_a_late_callback_is_promised_first(paynet: Paynet, listener: Listener) -> None:
    order = {"url": listener.url, "reference_no": REFERENCE, "delay_s": 0.01}
    assert paynet.control("/callbacks", order).status_code == 202
    assert listener.called.wait(TIMEOUT_S)


@pytest.mark.parametrize("forged", ["wrong_secret", "altered_body", "unsigned"])
def test_a_forged_callback_does_not_verify(
    paynet: Paynet, listener: Listener, forged: str
) -> None:
    paynet.simulator.callbacks.send(listener.url, REFERENCE, forged=forged)
    [(_, timestamp, signature, body)] = listener.heard
    assert signature != signed(timestamp, body)


def test_an_old_callback_is_signed_but_old(paynet: Paynet, listener: Listener) -> None:
    paynet.simulator.callbacks.send(listener.url, REFERENCE, forged="old_timestamp")
    [(_, timestamp, signature, body)] = listener.heard
    assert signature == signed(timestamp, body)
    assert paynet.simulator.now() - int(timestamp) > 300


def test_a_callback_may_claim_a_success_that_never_was(
    paynet: Paynet, listener: Listener
) -> None:
    claims = {"amount": "9999,99"}
    paynet.simulator.callbacks.send(listener.url, REFERENCE, claims=claims)
    [(*_, body)] = listener.heard
    told_of = json.loads(body)
    assert (told_of["amount"], told_of["is_succeed"]) == ("9999,99", True)
    assert paynet.taken_minor == 0


# The books and the control API


def test_the_books_are_told_by_reference(paynet: Paynet) -> None:
    paynet.charge(paynet.passed())
    paynet.simulator.books.plant("another", 500)
    assert paynet.state("/books")["taken_minor"] == {REFERENCE: 130000, "another": 500}
    told_of = paynet.state(f"/books/{REFERENCE}")
    assert told_of["charges"] == {REFERENCE: 1}
    [session] = told_of["sessions"]
    assert (session["charge_calls"], session["charged"]) == (1, True)


def test_every_request_is_noted_with_its_session_and_reference(paynet: Paynet) -> None:
    pair = paynet.passed()
    paynet.charge(pair)
    noted = paynet.state("/requests")["requests"]
    assert [it["path"] for it in noted] == [INITIAL, "/bank/3d", "/bank/3d", CHARGE]
    assert {it["session_id"] for it in noted} == {pair["session_id"]}
    assert noted[0]["reference_no"] == REFERENCE


def test_switches_are_set_together_or_not_at_all(paynet: Paynet) -> None:
    wrong = {"currency": "TL", "code_style": "roman"}
    assert paynet.control("/settings", wrong).json() == {"wrong": ["code_style"]}
    assert paynet.simulator.settings.currency == "TRY"
    assert paynet.control("/settings", {"currency": None}).json()["currency"] is None


def test_a_reset_forgets_everything(paynet: Paynet) -> None:
    paynet.charge(paynet.passed())
    paynet.simulator.faults.add("close")
    paynet.simulator.settings.slow_s = 9
    assert paynet.control("/reset", {}).json() == {"reset": True}
    assert paynet.state("/books")["transactions"] == []
    assert paynet.state("/requests")["requests"] == []
    assert paynet.call(CHECK, {"reference_no": "x"}).status_code == 200
    assert paynet.simulator.settings.slow_s == 5


def test_a_web_page_cannot_order_by_a_plain_form(paynet: Paynet) -> None:
    answer = requests.post(
        f"{paynet.url}/_simulator/reset", data={"x": "y"}, timeout=TIMEOUT_S
    )
    assert answer.status_code == 415


def test_card_number_cvc_token_and_key_are_told_by_no_page(paynet: Paynet) -> None:
    pan, cvc = "5571135571135575", "7391"
    pair = paynet.passed(pan, cvc=cvc)
    paynet.charge(pair)
    paynet.call(CHECK, {"reference_no": pan})
    told_of = "".join(
        requests.get(paynet.url + page, timeout=TIMEOUT_S).text
        for page in (
            "/_simulator/books",
            "/_simulator/requests",
            "/_simulator/settings",
        )
    )
    kept = repr(vars(paynet.simulator.books)) + repr(paynet.simulator.traffic.view())
    for secret in (pan, f'"{cvc}"', pair["token_id"], KEY, WEBHOOK_SECRET):
        assert secret not in told_of
    for secret in (pan, f"'{cvc}'", pair["token_id"]):
        assert secret not in kept


def test_the_front_page_lists_every_card_of_ours(paynet: Paynet) -> None:
    page = requests.get(paynet.url + "/", timeout=TIMEOUT_S).text
    assert all(number in page for number in cards.OURS)


def test_the_command_says_where_it_is_and_ends_at_sigterm() -> None:
    command = [sys.executable, "-m", "local.paynet_simulator"]
    secrets = ["--secret-key", KEY, "--webhook-secret", WEBHOOK_SECRET]
    with subprocess.Popen(
        [*command, *secrets],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdout is not None
        ready = running.stdout.readline()
        url = ready.split()[-1]
        assert requests.get(url, timeout=TIMEOUT_S).status_code == 200
        running.terminate()
        rest = running.stdout.read()
    assert (running.returncode, rest) == (0, "")
    assert KEY not in ready


def test_a_key_of_another_shape_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="sck_"):
        PaynetSimulator("pbk_something", WEBHOOK_SECRET)
