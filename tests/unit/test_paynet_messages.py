"""PAYNET's words: what we say, and how single values and answers are read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet.errors import PaymentRefused, PaynetUnreachable
from emanet.money import MAX_AMOUNT_MINOR
from emanet.outcome import Declined, Unknown
from emanet.paynet import formats, messages
from emanet.paynet.answer import Answer
from emanet.paynet.rows import Row
from emanet.ports import Card, Session, SessionOrder

PAN = "4355084355084358"
CARD = Card("Ayşe Yılmaz", PAN, 12, 2030, "000")
ORDER = SessionOrder("ref-1-aaaaaa", 130000, "https://api.example/r", "shop.example")
AMOUNTS = st.integers(0, MAX_AMOUNT_MINOR)


def answer(status: int = 200, **content: object) -> Answer:
    return Answer.of(status, json.dumps(content).encode())


def opened(answered: Answer, *, plain_http: bool = False) -> Session:
    return messages.read_tds_initial(answered, plain_http=plain_http)


# ── single values ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("amount_minor", "said"),
    [(130000, "1300,00"), (13005, "130,05"), (5, "0,05"), (10**10, "100000000,00")],
)
def test_an_amount_is_said_with_a_comma_and_no_thousands(
    amount_minor: int, said: str
) -> None:
    assert formats.lira(amount_minor) == said


@given(AMOUNTS)
def test_every_amount_survives_its_own_spelling(amount_minor: int) -> None:
    said = formats.lira(amount_minor)
    assert formats.kurus(said) == amount_minor
    assert formats.kurus(said.replace(",", ".")) == amount_minor
    assert formats.kurus(Decimal(amount_minor) / 100) == amount_minor


@pytest.mark.parametrize(
    ("sent", "amount_minor"),
    [
        (130, 13000),
        (Decimal("130.0"), 13000),
        (Decimal("1.3E+2"), 13000),
        ("130", 13000),
        ("130.5", 13050),
        ("130.0000", 13000),
        (" 130,00 ", 13000),
        ("1.300,00", 130000),
        ("1.234.567,89", 123456789),
    ],
)
def test_an_amount_is_read_in_each_spelling_seen(
    sent: object, amount_minor: int
) -> None:
    assert formats.kurus(sent) == amount_minor


@pytest.mark.parametrize(
    "sent",
    [
        "1,300",
        "1.300",
        "1.300.00",
        "1,300.00",
        "13.00,00",
        "130,",
        ",50",
        "",
        "130,00 TL",
        "-1",
        "+1",
        "1e3",
        "130.005",
        "130.0050",
        "१३०",
        Decimal("130.005"),
        Decimal(-1),
        Decimal("1E+999999"),
        Decimal("1E-999999"),
        10**12,
        True,
        None,
        [130],
    ],
)
def test_an_amount_is_never_guessed(sent: object) -> None:
    assert formats.kurus(sent) is None


def test_a_fraction_on_the_wire_stays_exact() -> None:
    content = formats.json_object(b'{"amount": 0.1, "ratio": 1E2}')
    assert content == {"amount": Decimal("0.1"), "ratio": Decimal(100)}
    assert not any(isinstance(v, float) for v in (content or {}).values())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"<html>",
        b'{"a": NaN}',
        b'{"a": 1',
        b"\xff",
        b"[" * 200_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object_is_nothing(raw: bytes) -> None:
    assert formats.json_object(raw) is None


def test_a_byte_order_mark_is_overlooked() -> None:
    assert formats.json_object(b'\xef\xbb\xbf{"code": 0}') == {"code": 0}


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("2024-05-01T10:11:12", datetime(2024, 5, 1, 7, 11, 12, tzinfo=UTC)),
        (
            "2024-05-01T10:11:12.1234567",
            datetime(2024, 5, 1, 7, 11, 12, 123456, tzinfo=UTC),
        ),
        ("2024-05-01T10:11:12Z", datetime(2024, 5, 1, 10, 11, 12, tzinfo=UTC)),
        ("2024-05-01T10:11:12+03:00", datetime(2024, 5, 1, 7, 11, 12, tzinfo=UTC)),
        ("01.05.2024 10:11:12", datetime(2024, 5, 1, 7, 11, 12, tzinfo=UTC)),
        ("01.05.2024", datetime(2024, 4, 30, 21, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("05/01/2024", None),
        ("dün", None),
        (1714547472, None),
        (None, None),
    ],
)
def test_a_moment_without_an_offset_is_turkeys(
    sent: object, at: datetime | None
) -> None:
    assert formats.moment(sent) == at


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("435508******4358", "435508******4358"),
        ("4355 08** **** 4358", "435508******4358"),
        ("4355-08XX-XXXX-4358", "435508******4358"),
        (PAN, "435508******4358"),
        ("43550843********", "435508******"),
        ("************4358", "******4358"),
        ("****", None),
        (4355084355084358, None),
        (None, None),
    ],
)
def test_a_card_shows_six_and_four_digits_at_most(
    sent: object, kept: str | None
) -> None:
    assert formats.masked_card(sent) == kept


# ── tds_initial ──────────────────────────────────────────────────────────────


def test_a_session_is_asked_for_in_paynets_words() -> None:
    assert messages.tds_initial(ORDER, CARD) == {
        "amount": "1300,00",
        "reference_no": "ref-1-aaaaaa",
        "return_url": "https://api.example/r",
        "domain": "shop.example",
        "card_holder": "Ayşe Yılmaz",
        "pan": PAN,
        "month": 12,
        "year": 2030,
        "cvc": "000",
    }


def test_paynet_holds_the_money_only_where_that_is_said() -> None:
    said = messages.tds_initial(replace(ORDER, is_escrow=True), CARD)
    assert said == messages.tds_initial(ORDER, CARD) | {"is_escrow": True}


def test_an_opened_session_offers_both_ways_to_the_bank() -> None:
    told = answer(
        code=0, session_id="s", post_url="https://p/x?a=1", html_content="<f>"
    )
    assert opened(told) == Session("s", "https://p/x?a=1", "<f>")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://p/x",
        "ftp://p/x",
        "//p/x",
        "p/x",
        "https://",
        "https://[",
        "https://p/\nx",
        "https://p/ x",
        7,
    ],
)
def test_a_browser_is_sent_to_https_only(url: object) -> None:
    told = answer(code=0, session_id="s", post_url=url, html_content="<f>")
    assert opened(told) == Session("s", None, "<f>")


def test_a_simulator_on_this_machine_may_do_without_tls() -> None:
    told = answer(code=0, session_id="s", post_url="http://127.0.0.1:8/x")
    assert opened(told, plain_http=True).post_url == "http://127.0.0.1:8/x"


@pytest.mark.parametrize(
    "told",
    [
        answer(code=0, post_url="https://p/x", html_content="<f>"),
        answer(code=0, session_id="", post_url="https://p/x"),
        answer(code=0, session_id="s"),
        answer(code=0, session_id="s", post_url="http://p/x"),
        answer(session_id="s", post_url="https://p/x"),
        answer(500, code=500, result_code=8),
        answer(401, code=401, result_code=7),
        answer(403, code=403, result_code=2),
        answer(400, code=400),
        answer(code=7),
        answer(302),
        Answer.of(200, b"<html>"),
    ],
)
def test_an_answer_without_a_session_is_no_answer(told: Answer) -> None:
    with pytest.raises(PaynetUnreachable):
        opened(told)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (answer(code=18, message="Hatalı kart"), "18"),
        (answer(code="5"), "5"),
        (answer(400, code=400, result_code=11), "11"),
        (answer(404, code=404, result_code="4"), "4"),
    ],
)
def test_paynets_no_carries_its_return_code(told: Answer, code: str) -> None:
    with pytest.raises(PaymentRefused) as refused:
        opened(told)
    assert refused.value.paynet_code == code


# ── tds_charge ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", [0, "0", 100, "100"])
def test_a_charge_succeeds_with_code_0_or_100(code: object) -> None:
    charged = messages.read_tds_charge(answer(code=code, is_succeed=True, amount=130))
    assert isinstance(charged, Row)


@pytest.mark.parametrize("code", [0, 1, 16, 18, 100, "1"])
def test_a_charge_is_declined_by_is_succeed_false(code: object) -> None:
    told = answer(code=code, is_succeed=False, bank_error_id="51", message="hayır")
    assert messages.read_tds_charge(told) == Declined("51 hayır")


@pytest.mark.parametrize("code", [5, 8, 10, 13, 17, "13"])
def test_codes_without_a_verdict_decline_nothing(code: object) -> None:
    told = messages.read_tds_charge(answer(code=code, is_succeed=False))
    assert told == Unknown(f"code_{code}", unreachable=code in {8, 10})


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (answer(code=1, is_succeed=True), "code_1"),
        (answer(code=16), "code_16"),
        (answer(is_succeed=True), "no_code"),
        (answer(is_succeed=False), "no_code"),
        (answer(400, code=400, result_code=11, is_succeed=False), "http_400"),
        (answer(201, code=0, is_succeed=True), "http_201"),
        (answer(302), "http_302"),
        (Answer.of(200, b"<html>"), "not_json"),
    ],
)
def test_any_other_answer_to_a_charge_is_unknown(told: Answer, why: str) -> None:
    assert messages.read_tds_charge(told) == Unknown(why)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_server_that_is_down_counts_as_unreachable(status: int) -> None:
    assert messages.read_tds_charge(Answer.of(status, b"")) == Unknown(
        f"http_{status}", unreachable=True
    )


def test_a_charge_that_leaves_out_its_verdict_is_left_to_the_judge() -> None:
    assert isinstance(messages.read_tds_charge(answer(code=0)), Row)


# ── check and detail ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["Data", "data"])
def test_rows_are_read_under_both_spellings(name: str) -> None:
    told = Answer(200, {"code": 0, name: [{"amount": "130,00"}]})
    rows = messages.read_rows(told)
    assert rows == [Row.model_validate({"amount": 130})]


@pytest.mark.parametrize(
    "told",
    [
        answer(code=12, message="Kayıt bulunamadı"),
        answer(code=12, Data=None),
        answer(code="12", Data=[]),
        answer(code=0, Data=[]),
        answer(404, type="no_data_error", code=404, result_code=12),
        answer(404, type="no_data_error", code=404),
        answer(404, code=404, result_code=12),
    ],
)
def test_an_unknown_reference_has_many_forms(told: Answer) -> None:
    assert messages.read_rows(told) == []


def test_a_refused_key_is_no_failure_of_the_escrow() -> None:
    told = answer(401, code=401, result_code=7)
    assert messages.read_rows(told) == Unknown("http_401", unreachable=True)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (answer(404, type="404 Not Found", code=404, result_code=11), "http_404"),
        (Answer.of(404, b"<h1>404</h1>"), "http_404"),
        (answer(400, type="no_data_error", code=400, result_code=12), "http_400"),
        (answer(code=12, Data=[{"amount": 130}]), "code_12"),
        (answer(code=0), "no_rows"),
        (answer(code=0, Data=None), "no_rows"),
        (answer(code=0, Data={}), "no_rows"),
        (answer(code=0, Data=[None]), "no_rows"),
        (answer(Data=[]), "no_code"),
        (Answer.of(200, b""), "not_json"),
    ],
)
def test_an_odd_list_is_unknown_and_never_an_empty_one(told: Answer, why: str) -> None:
    assert messages.read_rows(told) == Unknown(why)


# ── secrets ──────────────────────────────────────────────────────────────────


def test_an_answer_shows_nothing_of_its_content() -> None:
    told = answer(code=0, session_id="s", token_id="canary", html_content="canary")
    session = messages.OpenedSession.model_validate(told.content)
    assert "canary" not in f"{told!r}{session!r}{told.envelope!r}"
