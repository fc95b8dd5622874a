"""PAYNET's words where money leaves: what we ask for, what we take for a yes and for a
no, and what a refund's callback says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet.money import MAX_AMOUNT_MINOR, RuleBroken
from emanet.outcome import Accepted, Denied, Unknown
from emanet.paynet import messages
from emanet.paynet.answer import Answer
from emanet.paynet.callbacks import RefundWord, read_refund_callback

XACT = "xk_aB3+dE6/gH9*"
UNDECIDED = (5, 8, 10, 13, 17)
DOCUMENTED = (*range(22), 100)


def answer(status: int = 200, **content: object) -> Answer:
    return Answer.of(status, json.dumps(content).encode())


def error(status: int, kind: str | None, code: object, message: str = "Hata") -> Answer:
    return answer(status, type=kind, message=message, code=status, result_code=code)


# ── what we ask for ──────────────────────────────────────────────────────────


def test_a_refund_says_its_amount_in_kurus() -> None:
    assert messages.reversed_request(XACT, 1000, None) == {
        "xact_id": XACT,
        "amount": "1000",
    }


@given(st.integers(1, MAX_AMOUNT_MINOR))
def test_every_amount_is_said_in_plain_digits(amount_minor: int) -> None:
    said = messages.reversed_request(XACT, amount_minor, None)["amount"]
    assert isinstance(said, str)
    assert said.isascii()
    assert said.isdecimal()
    assert int(said) == amount_minor


@pytest.mark.parametrize("amount_minor", [0, -1])
def test_a_refund_of_nothing_would_be_one_of_all_and_is_never_asked_for(
    amount_minor: int,
) -> None:
    with pytest.raises(RuleBroken):
        messages.reversed_request(XACT, amount_minor, None)


def test_a_refund_names_where_its_verdict_shall_go() -> None:
    said = messages.reversed_request(XACT, 1, "https://api.example/x")
    assert said["succeedUrl"] == "https://api.example/x"


def test_an_approval_is_status_2_and_never_a_part() -> None:
    assert messages.escrow_status_update(XACT, None) == {"xact_id": XACT, "status": 2}
    assert messages.escrow_status_update(XACT, "1000001") == {
        "xact_id": XACT,
        "status": 2,
        "agent_id": "1000001",
    }


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ((XACT, "700001"), {"xact_id": XACT}),
        ((None, "700001"), {"id": 700001}),
        ((None, "A-1"), {"id": "A-1"}),
        ((None, None), None),
    ],
)
def test_a_transaction_is_asked_for_by_the_id_that_is_known(
    ids: tuple[str | None, str | None], said: object
) -> None:
    assert messages.detail_of(*ids) == said


# ── what we take for a yes, and for a no ─────────────────────────────────────


@pytest.mark.parametrize("code", [0, "0", 100, "100"])
def test_an_order_is_accepted_by_code_0_or_100(code: object) -> None:
    assert messages.read_reply(answer(code=code, message="x")) == Accepted()


@pytest.mark.parametrize("code", set(range(1, 27)) - set(UNDECIDED) | {200, 201, 999})
def test_any_other_code_is_a_no(code: int) -> None:
    told = messages.read_reply(answer(code=code, message="Kısmi iade yapılamaz"))
    assert told == Denied(f"{code} Kısmi iade yapılamaz")


@pytest.mark.parametrize("code", UNDECIDED)
def test_a_code_without_a_verdict_denies_nothing(code: int) -> None:
    unknown = Unknown(f"code_{code}", unreachable=code in {8, 10})
    assert messages.read_reply(answer(code=code)) == unknown
    refused = messages.read_reply(error(400, "api_error", code))
    assert refused == Unknown("http_400")


@pytest.mark.parametrize(
    "kind",
    [
        "api_error",
        "invalid_request_error",
        "authorization_error",
        "no_data_error",
        "404 Not Found",
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404, 405])
@pytest.mark.parametrize("code", set(DOCUMENTED) - {0, 100, 7} - set(UNDECIDED))
def test_a_documented_error_object_is_a_no(status: int, kind: str, code: int) -> None:
    told = messages.read_reply(error(status, kind, str(code)))
    assert told == Denied(f"{code} Hata")


@pytest.mark.parametrize(
    ("told", "why", "unreachable"),
    [
        (error(401, "authorization_error", 7), "http_401", True),
        (error(403, "authorization_error", 7), "http_403", True),
        (error(401, "authorization_error", 11), "http_401", True),
        (error(429, "api_error", 6), "http_429", True),
        (error(408, "api_error", 6), "http_408", False),
        (error(400, "odd_error", 11), "http_400", False),
        (error(400, None, 11), "http_400", False),
        (error(400, "invalid_request_error", 0), "http_400", False),
        (error(400, "invalid_request_error", 100), "http_400", False),
        (error(400, "invalid_request_error", 22), "http_400", False),
        (error(400, "invalid_request_error", 999), "http_400", False),
        (error(400, "invalid_request_error", None), "http_400", False),
        (error(500, "api_error", 11), "http_500", True),
        (error(302, "api_error", 11), "http_302", False),
        (Answer.of(401, b""), "http_401", True),
        (Answer.of(403, b"<h1>403</h1>"), "http_403", True),
        (Answer.of(404, b"<h1>404</h1>"), "http_404", False),
        (Answer.of(503, b""), "http_503", True),
        (Answer.of(200, b"<html>"), "not_json", False),
        (Answer.of(200, b'[{"code":0}]'), "not_json", False),
        (answer(message="ok"), "no_code", False),
        (answer(code=None), "no_code", False),
        (answer(code=True), "no_code", False),
        (answer(201, code=0), "http_201", False),
        (answer(code=0, is_succeed=False), "contradiction", False),
        (answer(code=1, is_succeed=True), "code_1", False),
    ],
)
def test_everything_else_is_unknown(told: Answer, why: str, unreachable: bool) -> None:
    assert messages.read_reply(told) == Unknown(why, unreachable=unreachable)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"code": 6}, "6"),
        ({"code": 6, "paynet_error_id": "PYN9", "message": "no"}, "PYN9 no"),
        ({"code": 6, "message": "kart 4355084355084358 sck_pcs_aB3/dE6+=="}, "6 kart"),
        ({"code": 6, "message": "x " * 200}, "6 " + ("x " * 60)[:120].rstrip()),
    ],
)
def test_a_no_says_why_without_what_could_be_a_secret(
    said: dict[str, Any], why: str
) -> None:
    told = messages.read_reply(answer(**said))
    assert isinstance(told, Denied)
    assert told.why.rstrip() == why


# ── the callback of a refund ─────────────────────────────────────────────────


def word(**fields: object) -> RefundWord:
    return read_refund_callback(json.dumps(fields).encode())


_NO_VERDICT: list[object] = ["00", " 0", "0 ", "", "ok", 2, "100", -1, 0.0]
_NO_VERDICT += [True, False, None, [0], {}]


@pytest.mark.parametrize(
    ("code", "is_approved"),
    [
        ("0", True),
        (0, True),
        ("1", False),
        (1, False),
        *((odd, None) for odd in _NO_VERDICT),
    ],
)
def test_a_refunds_verdict_is_exactly_0_or_1(
    code: object, is_approved: bool | None
) -> None:
    assert word(xact_id=XACT, code=code).is_approved is is_approved


def test_a_refunds_callback_keeps_what_is_safe() -> None:
    told = word(xact_id=XACT, code="0", status="2", message="Onaylandı", token="t")
    kept = {"xact_id": XACT, "code": "0", "status": "2"}
    assert told == RefundWord(XACT, is_approved=True, fields=kept)


def test_a_form_is_a_refunds_callback_as_well() -> None:
    told = read_refund_callback(b"xact_id=xk_aB3%2BdE6%2FgH9*&code=1&status=4")
    assert (told.xact_id, told.is_approved) == (XACT, False)


@pytest.mark.parametrize(
    "xact_id", ["4355084355084358", "4355 0843 5508 4358", "x" * 101, "a\nb", [XACT]]
)
def test_what_could_be_a_card_or_no_id_is_dropped(xact_id: object) -> None:
    told = word(xact_id=xact_id, code=0)
    assert told == RefundWord(None, True, {"xact_id": "(dropped)", "code": "0"})


@pytest.mark.parametrize("xact_id", [None, True, ""])
def test_an_id_that_is_no_text_is_none(xact_id: object) -> None:
    assert word(xact_id=xact_id).xact_id is None


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 99999])
def test_an_unreadable_callback_says_nothing(raw: bytes) -> None:
    assert read_refund_callback(raw) == RefundWord(None, None, {})


@given(st.binary(max_size=300))
def test_reading_a_refunds_callback_never_fails(raw: bytes) -> None:
    json.dumps(dict(read_refund_callback(raw).fields)).encode()
