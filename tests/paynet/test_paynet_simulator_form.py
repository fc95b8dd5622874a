"""What the PAYNET simulator promises of PAYNET's own form: the calls of its script, the
bank's page in an iframe, and the charge. Over real HTTP, without a browser; nothing of
Emanet's layer takes part."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest
import requests
from werkzeug import Request, Response
from werkzeug.serving import make_server

from local.paynet_simulator import PaynetSimulator
from local.paynet_simulator.browser import FormRefused, HostedForm, TypedCard
from local.paynet_simulator.form_api import AUTH, CHECK_BIN, CREATE_TOKEN, SCRIPT
from local.paynet_simulator.paynet_api import (
    CHARGE,
    CHECK,
    DETAIL,
    FORM_CHARGE,
    INITIAL,
)
from tests.paynet.paynet_caller import KEY, TIMEOUT_S, PaynetCaller

PUBLIC = "pbk_of_nobody"
REFERENCE = "order-1-attempt-1"
ACTION = "http://127.0.0.1:9/api/3d/return/escrow/1/state"
AXESS = "4355084355084358"
DEBIT = "5818775818772285"
DECLINED = "4000000000000010"
REFUSED_3D = "4000000000000036"
LOST_ONCE_AFTER = "4000000000000044"
LOST_ALWAYS_BEFORE = "4000000000000069"
ERROR_ALWAYS_AFTER = "4000000000000119"
MISMATCH = "4000000000000127"
NO_REFERENCE = "4000000000000135"
NO_VERDICT = "4000000000000150"
NO_CODE_100 = "4000000000000168"
CVC = "7391"


class Paynet(PaynetCaller):
    """A shop's server, and a payer's browser on its page."""

    def form(self, **changes: Any) -> HostedForm:
        page = HostedForm(self.url + SCRIPT, PUBLIC, "1300,00", ACTION)
        return replace(page, **changes)

    def paid(self, number: str = AXESS, **changes: Any) -> dict[str, str]:
        """The pair that the browser brings back."""
        return self.form().pay(TypedCard(number), **changes).fields

    def charge(self, pair: dict[str, str], **changes: Any) -> dict[str, Any]:
        return self.told(FORM_CHARGE, charging(pair, **changes))

    def rows(self, path: str = CHECK) -> Any:
        return self.told(path, {"reference_no": REFERENCE})["Data"]

    @property
    def taken_minor(self) -> int:
        return self.simulator.books.taken_minor(REFERENCE)


def charging(pair: dict[str, str], **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        **pair,
        "amount": "130000",
        "transaction_type": 1,
        "add_comission_amount": False,
        "ratio_code": "",
        "reference_no": REFERENCE,
    }
    return {name: it for name, it in (body | changes).items() if it is not None}


def token(session_id: str, **changes: Any) -> dict[str, Any]:
    """What the script sends for a typed-in card."""
    body: dict[str, Any] = {
        "session_id": session_id,
        "token": PUBLIC,
        "pan": AXESS,
        "cvc": CVC,
        "card_holder": "Ayşe Yılmaz",
        "month": "12",
        "year": "2030",
        "instalment_key": "ji_1",
        "do_3ds": True,
    }
    return {name: it for name, it in (body | changes).items() if it is not None}


def opening(**changes: Any) -> dict[str, Any]:
    """What the script sends when the page is loaded."""
    body = {"amount": 130000, "domain": "https://shop.example", "token": PUBLIC}
    return {name: it for name, it in (body | changes).items() if it is not None}


@pytest.fixture(scope="module")
def served() -> Iterator[Paynet]:
    simulator = PaynetSimulator(KEY, "whsec", publishable_key=PUBLIC)
    with simulator.serve() as server:
        yield Paynet(simulator, server.url)


@pytest.fixture
def paynet(served: Paynet) -> Paynet:
    served.simulator.reset()
    return served


# The way of a payment


def test_a_payment_is_taken_by_charge_and_by_nothing_before_it(
    paynet: Paynet,
) -> None:
    pair = paynet.paid()
    assert set(pair) == {"session_id", "token_id"}
    assert paynet.simulator.books.find() == []
    answer = paynet.charge(pair)
    assert paynet.taken_minor == 130000
    assert (answer["code"], answer["is_succeed"]) == (0, True)
    assert answer["message"] == "Başarılı İşlem"


def test_a_charge_is_told_by_the_names_of_v1(paynet: Paynet) -> None:
    answer = paynet.charge(paynet.paid())
    assert answer["xact_id"].startswith("xk_")
    told = {
        "transaction_type": 1,
        "pos_type": 5,
        "is_tds": True,
        "agent_id": "",
        "user_id": "PaynetJ",
        "email": "",
        "phone": "",
        "bank_id": "AXSS",
        "instalment": 0,
        "ratio": 0,
        "card_no_masked": "435508******4358",
        "card_holder": "Ayşe Yılmaz",
        "amount": Decimal("1300.00"),
        "net_amount": Decimal("1261.00"),
        "comission": Decimal("32.50"),
        "comission_tax": Decimal("6.50"),
        "currency": "TRY",
        "agent_reference_no": REFERENCE,
        "ratio_code": "",
        "end_user_comission": 0,
        "object_name": None,
    }
    assert {name: answer[name] for name in told} == told
    for name in ("xact_date", "authorization_code", "reference_code", "order_id"):
        assert answer[name]
    for name in ("id", "reference_no", "bank_order_id", "md_status"):
        assert name not in answer


def test_a_repeated_charge_answers_the_first_success_with_code_100(
    paynet: Paynet,
) -> None:
    pair = paynet.paid()
    first, second = paynet.charge(pair), paynet.charge(pair, reference_no="another")
    assert second == first | {"code": 100, "message": "Önceki Başarılı İşlem"}
    assert paynet.simulator.books.charges(REFERENCE) == 1
    assert paynet.simulator.books.charges("another") == 0
    assert paynet.simulator.books.charge_calls(pair["session_id"]) == 2


def test_charges_at_the_same_moment_take_the_money_once(paynet: Paynet) -> None:
    callers = 16
    paynet.simulator.faults.add("meet", FORM_CHARGE, when="before", parties=callers)
    pair = paynet.paid()
    with ThreadPoolExecutor(callers) as crowd:
        answers = list(crowd.map(paynet.charge, [pair] * callers))
    assert paynet.taken_minor == 130000
    assert sorted(answer["code"] for answer in answers) == [0] + [100] * 15


def test_the_reference_of_the_charge_is_the_rows(paynet: Paynet) -> None:
    pair = paynet.paid()
    paynet.charge(pair)
    for path in (CHECK, DETAIL):
        [row] = paynet.rows(path)
        assert row["agent_reference"] == REFERENCE
        assert row["is_tds"] is True
    assert paynet.simulator.books.sessions(REFERENCE)[0].transaction is not None


def test_a_charge_may_have_no_reference_and_may_not_tell_it(paynet: Paynet) -> None:
    paynet.simulator.settings.charge_reference = "absent"
    assert "agent_reference_no" not in paynet.charge(paynet.paid())
    paynet.simulator.settings.charge_reference = "agent_reference_no"
    answer = paynet.charge(paynet.paid(), reference_no=None)
    assert answer["agent_reference_no"] == ""
    assert len(paynet.rows()) == 1


def test_the_form_in_instalments(paynet: Paynet) -> None:
    answer = paynet.charge(paynet.paid(instalment_key="ji_6"))
    assert (answer["instalment"], answer["ratio"]) == (6, Decimal("0.0880"))
    assert answer["net_amount"] == Decimal("1185.60")
    [row] = paynet.rows()
    assert row["instalment"] == 6


def test_the_browser_posts_the_pair_to_the_forms_action(paynet: Paynet) -> None:
    heard: list[dict[str, str]] = []

    @Request.application
    def shop(request: Request) -> Response:
        heard.append(request.form.to_dict())
        return Response(status=303)

    server = make_server("127.0.0.1", 0, shop)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        action = f"http://127.0.0.1:{server.server_port}/back"
        back = paynet.form(action=action).pay()
        assert back.post().status_code == 303
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert heard == [back.fields]


# What a charge refuses


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "129999"},
        {"amount": "100"},
        {"ratio_code": "another"},
        {"add_comission_amount": True},
        {"token_id": "nobody's"},
    ],
)
def test_what_does_not_match_the_form_is_15_and_takes_nothing(
    paynet: Paynet, changes: dict[str, Any]
) -> None:
    pair = paynet.paid()
    answer = paynet.charge(pair, **changes)
    assert (answer["code"], answer["is_succeed"]) == (15, False)
    assert paynet.taken_minor == 0
    assert paynet.charge(pair)["is_succeed"] is True
    assert paynet.charge(pair, **changes)["code"] == 15


def test_a_payer_who_lowered_the_amount_pays_nothing(paynet: Paynet) -> None:
    back = paynet.form(amount="1,00").pay()
    assert paynet.charge(back.fields)["code"] == 15
    assert paynet.taken_minor == 0


def test_the_ratio_code_of_the_form_must_be_repeated(paynet: Paynet) -> None:
    pair = paynet.form(ratio_code="summer").pay().fields
    assert paynet.charge(pair)["code"] == 15
    answer = paynet.charge(pair, ratio_code="summer")
    assert (answer["code"], answer["ratio_code"]) == (0, "summer")


def test_a_charge_before_the_bank_agreed_is_16(paynet: Paynet) -> None:
    form = paynet.form()
    opened = form.authenticate()
    started = form.create_token(opened, TypedCard(), "ji_1", do_3ds=True)
    pair = {"session_id": opened, "token_id": started["token_id"]}
    assert paynet.charge(pair)["code"] == 16
    assert paynet.taken_minor == 0


def test_an_unknown_session_is_13_and_so_is_a_form_without_a_card(
    paynet: Paynet,
) -> None:
    opened = paynet.form().authenticate()
    for session_id in ("nobody's", opened):
        pair = {"session_id": session_id, "token_id": "nobody's"}
        assert paynet.charge(pair)["code"] == 13


def test_a_forms_session_and_an_apis_are_strangers(paynet: Paynet) -> None:
    payment = {
        "amount": "1300,00",
        "reference_no": REFERENCE,
        "return_url": ACTION,
        "domain": "shop.example",
        "card_holder": "Ayşe Yılmaz",
        "pan": AXESS,
        "month": 12,
        "year": 2030,
        "cvc": CVC,
    }
    started = paynet.told(INITIAL, payment)
    ours = {name: started[name] for name in ("session_id", "token_id")}
    assert paynet.charge(ours)["code"] == 13
    assert paynet.told(CHARGE, paynet.paid())["code"] == 13


def test_an_old_session_no_longer_charges_but_still_repeats(paynet: Paynet) -> None:
    charged, waiting = paynet.paid(), paynet.paid()
    paynet.charge(charged)
    paynet.simulator.settings.clock_offset_s = 1801
    assert paynet.charge(waiting)["code"] == 13
    assert paynet.charge(charged)["code"] == 100


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        *[("amount", it, 11) for it in (None, "", "0", "1300,00", 130000)],
        *[("session_id", it, 11) for it in (None, "", 7)],
        ("token_id", None, 11),
        ("reference_no", "r" * 51, 11),
        ("transaction_type", 3, 9),
        ("is_escrow", True, 9),
    ],
)
def test_a_wrong_charge_is_400(
    paynet: Paynet, name: str, value: object, code: int
) -> None:
    pair = paynet.paid()
    body = charging(pair) | {name: value}
    answer = paynet.call(FORM_CHARGE, body)
    assert (answer.status_code, answer.json()["result_code"]) == (400, code)
    assert paynet.taken_minor == 0


def test_a_charge_needs_the_secret_key(paynet: Paynet) -> None:
    answer = paynet.call(FORM_CHARGE, charging(paynet.paid()), key=PUBLIC)
    assert (answer.status_code, answer.json()["result_code"]) == (401, 7)


# The cards of ours, and faults


@pytest.mark.parametrize(
    ("number", "answers", "taken_minor"),
    [
        (DECLINED, [0, 0], 0),
        (LOST_ONCE_AFTER, ["lost", 100], 130000),
        (LOST_ALWAYS_BEFORE, ["lost", "lost"], 0),
        (ERROR_ALWAYS_AFTER, [500, 500], 130000),
        (NO_CODE_100, [0, 0], 130000),
        (MISMATCH, [0, 100], 130100),
    ],
)
def test_a_card_of_ours_does_what_its_row_says(
    paynet: Paynet, number: str, answers: list[object], taken_minor: int
) -> None:
    pair = paynet.paid(number)
    assert [outcome(paynet, pair), outcome(paynet, pair)] == answers
    assert paynet.taken_minor == taken_minor


def outcome(paynet: Paynet, pair: dict[str, str]) -> object:
    try:
        return paynet.call(FORM_CHARGE, charging(pair)).json()["code"]
    except requests.ConnectionError:
        return "lost"


@pytest.mark.parametrize(
    ("number", "name"),
    [(NO_REFERENCE, "agent_reference_no"), (NO_VERDICT, "is_succeed")],
)
def test_an_answer_may_lack_a_field_that_check_then_tells(
    paynet: Paynet, number: str, name: str
) -> None:
    assert name not in paynet.charge(paynet.paid(number))
    [row] = paynet.rows()
    assert (row["agent_reference"], row["is_succeed"]) == (REFERENCE, True)


def test_a_declined_charge_tells_the_banks_reason(paynet: Paynet) -> None:
    answer = paynet.charge(paynet.paid(DECLINED))
    assert (answer["is_succeed"], answer["bank_error_id"]) == (False, "05")
    assert [row["is_succeed"] for row in paynet.rows()] == [False]


def test_a_declined_form_may_count_as_used(paynet: Paynet) -> None:
    paynet.simulator.settings.declined_repeat = "used_session"
    pair = paynet.paid(DECLINED)
    assert [paynet.charge(pair)["code"], paynet.charge(pair)["code"]] == [0, 17]


def test_a_fault_on_demand_strikes_a_charge(paynet: Paynet) -> None:
    pair = paynet.paid()
    paynet.simulator.faults.add("close", FORM_CHARGE, when="after")
    assert outcome(paynet, pair) == "lost"
    assert paynet.charge(pair)["code"] == 100


# 3-D Secure, and who goes around it


def test_a_refused_3d_leaves_the_browser_on_the_page(paynet: Paynet) -> None:
    assert paynet.paid(REFUSED_3D) == {}


def test_a_refused_3d_may_deliver_the_pair_and_then_charges_nothing(
    paynet: Paynet,
) -> None:
    paynet.simulator.settings.failed_3d_posts_ids = True
    assert paynet.charge(paynet.paid(REFUSED_3D))["code"] == 16
    assert paynet.taken_minor == 0


def test_a_wrong_password_asks_again_in_the_iframe(paynet: Paynet) -> None:
    assert paynet.paid(password="b") == {}


def test_the_iframe_tells_the_page_and_posts_nowhere(paynet: Paynet) -> None:
    form = paynet.form()
    opened = form.authenticate()
    started = form.create_token(opened, TypedCard(), "ji_1", do_3ds=True)
    ids = {"session_id": opened, "token_id": started["token_id"]}
    page = requests.post(
        started["post_url"],
        data=ids | {"button": "approve", "password": "a"},
        timeout=TIMEOUT_S,
    ).text
    assert f"command=form-post&amp;session_id={opened}" in page
    assert "<form" not in page
    assert 'postMessage(document.getElementById("message")' in page


def test_another_card_may_follow_a_refused_one(paynet: Paynet) -> None:
    form = paynet.form()
    opened = form.authenticate()
    refused = form.create_token(opened, TypedCard(REFUSED_3D), "ji_1", do_3ds=True)
    started = form.create_token(opened, TypedCard(), "ji_1", do_3ds=True)
    ids = {"session_id": opened, "token_id": started["token_id"]}
    back = form.pass_bank(started["post_url"], ids, "a")
    old = back.fields | {"token_id": refused["token_id"]}
    assert paynet.charge(old)["code"] == 15
    assert paynet.charge(back.fields)["is_succeed"] is True


def test_a_paid_form_takes_no_other_card(paynet: Paynet) -> None:
    pair = paynet.paid()
    paynet.charge(pair)
    answer = paynet.call(CREATE_TOKEN, token(pair["session_id"]), key=PUBLIC)
    assert (answer.status_code, answer.json()["result_code"]) == (400, 17)


def test_a_payer_who_tampers_pays_without_3d_and_the_row_says_so(
    paynet: Paynet,
) -> None:
    pair = paynet.form(tds_required=False).pay(do_3ds=False).fields
    answer = paynet.charge(pair)
    assert (answer["is_succeed"], answer["is_tds"]) == (True, False)
    for path in (CHECK, DETAIL):
        assert [row["is_tds"] for row in paynet.rows(path)] == [False]


def test_a_page_that_does_not_need_3d_may_still_wish_it(paynet: Paynet) -> None:
    pair = paynet.form(tds_required=False).pay(do_3ds=True).fields
    assert paynet.charge(pair)["is_tds"] is True


def test_a_session_opened_with_3d_is_not_talked_out_of_it(paynet: Paynet) -> None:
    opened = paynet.form().authenticate()
    answer = paynet.call(CREATE_TOKEN, token(opened, do_3ds=False), key=PUBLIC)
    assert answer.json()["is_tds"] is True


def test_an_account_may_require_3d_whatever_the_page_says(paynet: Paynet) -> None:
    paynet.simulator.settings.tds_required = True
    pair = paynet.form(tds_required=False).pay(do_3ds=False).fields
    assert paynet.charge(pair)["is_tds"] is True


# The script's calls


def test_a_page_opens_a_session(paynet: Paynet) -> None:
    answer = paynet.call(f"{AUTH}?type=CF", opening(), key=PUBLIC).json()
    assert (answer["code"], answer["tds_required"]) == (0, False)
    assert answer["name"] == "Simülatör İş Yeri"
    assert len(answer["session_id"]) == 32
    assert answer["expire_date"][:2] == "20"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        *[("amount", it, 11) for it in (None, "130000", 0, -1, 1300.5, True)],
        ("domain", None, 11),
        ("add_commission", "true", 9),
        ("save_card", True, 9),
    ],
)
def test_a_session_that_cannot_be_opened_is_400(
    paynet: Paynet, name: str, value: object, code: int
) -> None:
    answer = paynet.call(AUTH, opening(**{name: value}), key=PUBLIC)
    assert (answer.status_code, answer.json()["result_code"]) == (400, code)


def test_six_digits_tell_the_bank_and_its_instalments(paynet: Paynet) -> None:
    form = paynet.form()
    told = form.check_bin(form.authenticate(), AXESS)
    assert (told["bank_id"], told["bank_name"]) == ("AXSS", "Axess")
    assert (told["tds_enable"], told["card_type"]) == (True, "cc")
    row = told["data"][2]
    assert (row["instalment_key"], row["instalment"]) == ("ji_3", 3)
    assert (row["total_amount"], row["instalment_amount"]) == (1300.0, 433.33)


def test_a_page_may_want_no_instalments(paynet: Paynet) -> None:
    form = paynet.form(no_instalment=True)
    told = form.check_bin(form.authenticate(), AXESS)
    assert [row["instalment_key"] for row in told["data"]] == ["ji_1"]


@pytest.mark.parametrize("number", ["43550", "43550x", ""])
def test_a_wrong_bin_is_14(paynet: Paynet, number: str) -> None:
    form = paynet.form()
    with pytest.raises(FormRefused) as refused:
        form.check_bin(form.authenticate(), number)
    assert refused.value.code == 14


def test_an_old_form_is_13(paynet: Paynet) -> None:
    form = paynet.form()
    opened = form.authenticate()
    paynet.simulator.settings.clock_offset_s = 1801
    for session_id in (opened, "nobody's"):
        with pytest.raises(FormRefused) as refused:
            form.check_bin(session_id, AXESS)
        assert refused.value.code == 13


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pan": "4355084355084359"}, 18),
        ({"pan": DEBIT, "instalment_key": "ji_3"}, 1),
        ({"instalment_key": "ji_4"}, 1),
        ({"instalment_key": None}, 11),
        ({"pan": None}, 11),
        ({"pan": "4355 0843 5508 4358"}, 11),
        ({"cvc": "0"}, 11),
        ({"card_holder": None}, 11),
        ({"month": "13"}, 11),
        ({"save_card": True}, 9),
    ],
)
def test_a_wrong_card_becomes_no_token(
    paynet: Paynet, changes: dict[str, Any], code: int
) -> None:
    opened = paynet.form().authenticate()
    answer = paynet.call(CREATE_TOKEN, token(opened, **changes), key=PUBLIC)
    assert (answer.status_code, answer.json()["result_code"]) == (400, code)
    assert paynet.simulator.books.sessions() == []


def test_a_year_may_have_two_digits(paynet: Paynet) -> None:
    opened = paynet.form().authenticate()
    answer = paynet.call(CREATE_TOKEN, token(opened, year="30"), key=PUBLIC)
    assert answer.json()["code"] == 0


@pytest.mark.parametrize("path", [AUTH, CHECK_BIN, CREATE_TOKEN])
@pytest.mark.parametrize("key", ["", KEY, "pbk_other"])
def test_anything_but_the_publishable_key_is_401(
    paynet: Paynet, path: str, key: str
) -> None:
    answer = paynet.call(path, opening(), key=key)
    assert (answer.status_code, answer.json()["result_code"]) == (401, 7)


def test_the_key_in_a_tokens_body_must_be_right_too(paynet: Paynet) -> None:
    body = token(paynet.form().authenticate(), token="pbk_other")
    assert paynet.call(CREATE_TOKEN, body, key=PUBLIC).status_code == 401


# From any page


@pytest.mark.parametrize("path", [AUTH, CHECK_BIN, CREATE_TOKEN])
def test_a_browser_may_ask_first_from_any_origin(paynet: Paynet, path: str) -> None:
    paynet.simulator.faults.add("close", path)
    answer = requests.options(
        paynet.url + path,
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
        timeout=TIMEOUT_S,
    )
    assert answer.ok
    told = answer.headers
    assert told["Access-Control-Allow-Origin"] == "*"
    assert told["Access-Control-Allow-Methods"] == "POST"
    assert told["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert len(paynet.simulator.faults.waiting()) == 1
    assert paynet.simulator.traffic.visits() == []


@pytest.mark.parametrize(("key", "status"), [(PUBLIC, 200), (KEY, 401)])
def test_answers_and_refusals_may_be_read_by_any_page(
    paynet: Paynet, key: str, status: int
) -> None:
    answer = paynet.call(AUTH, opening(), key=key)
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_no_other_call_may_be_read_by_a_page(paynet: Paynet) -> None:
    for path in (FORM_CHARGE, CHECK, INITIAL):
        headers = paynet.call(path, {}).headers
        assert "Access-Control-Allow-Origin" not in headers


def test_the_script_is_served_and_short(paynet: Paynet) -> None:
    answer = requests.get(paynet.url + SCRIPT, timeout=TIMEOUT_S)
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert len(answer.text.splitlines()) <= 150
    for name in ("onAuthentication", "onCheckBin", "onCreateToken", "validationError"):
        assert f'"{name}"' in answer.text


# Secrets


def test_number_cvc_and_token_are_kept_and_told_nowhere(
    paynet: Paynet, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pair = paynet.form().pay(TypedCard(AXESS, CVC)).fields
    charged = json.dumps(paynet.charge(pair), default=str)
    opened = paynet.form().authenticate()
    told = [
        paynet.call(CREATE_TOKEN, token(opened, month="13"), key=PUBLIC).text,
        requests.get(f"{paynet.url}/_simulator/books", timeout=TIMEOUT_S).text,
        requests.get(f"{paynet.url}/_simulator/requests", timeout=TIMEOUT_S).text,
    ]
    books, traffic = paynet.simulator.books, paynet.simulator.traffic
    kept = [repr(vars(books)), repr(traffic.visits())]
    typed = repr(TypedCard(AXESS, CVC))
    # A browser's own log has the token, which post_url carries in its query.
    logged = "".join(
        it.getMessage() for it in caplog.records if it.name[:7] != "urllib3"
    )
    for text in [charged, typed, logged, *told, *kept]:
        for secret in (AXESS, f"'{CVC}'", f'"{CVC}"', pair["token_id"], PUBLIC, KEY):
            assert secret not in text
