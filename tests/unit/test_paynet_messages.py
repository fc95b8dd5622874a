"""PAYNET's words: what we say, and how single values and answers are read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet.cards import StoredCard
from emanet.errors import CardNotFound, PaymentRefused, PaynetUnreachable
from emanet.escrow import Expected
from emanet.money import MAX_AMOUNT_MINOR
from emanet.outcome import Declined, Unknown
from emanet.paynet import formats, messages
from emanet.paynet.answer import Answer
from emanet.paynet.rows import Row
from emanet.ports import Card, Session, SessionOrder, Storing

PAN = "4355084355084358"
CARD = Card("Ayşe Yılmaz", PAN, 12, 2030, "000")
HASH = "canary_hash"
STORED = StoredCard(HASH, "435508", "4358", 12, 2030)
EXPECTED = Expected("ref-1-aaaaaa", 130000)
ORDER = SessionOrder(EXPECTED, "https://api.example/r", "shop.example")
AMOUNTS = st.integers(0, MAX_AMOUNT_MINOR)


def answer(status: int = 200, **content: object) -> Answer:
    return Answer.of(status, json.dumps(content).encode())


def opened(
    answered: Answer, *, plain_http: bool = False, is_stored: bool = False
) -> Session:
    return messages.read_tds_initial(
        answered, plain_http=plain_http, is_stored=is_stored
    )


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
    assert formats.nearest_kurus(said) == amount_minor


@pytest.mark.parametrize(
    ("sent", "amount_minor"),
    [
        (130, 13000),
        (Decimal("130.0"), 13000),
        (Decimal("1.3E+2"), 13000),
        ("130", 13000),
        ("130.5", 13050),
        ("130.0000", 13000),
        ("130,00000", 13000),
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


@pytest.mark.parametrize(
    ("sent", "amount_minor"),
    [
        (130, 13000),
        (Decimal("1326.045"), 132605),
        (Decimal("1326.0449999"), 132604),
        (Decimal("1326.0050"), 132601),
        (Decimal("0.004"), 0),
        (Decimal("1E-999999"), 0),
        ("1326,0450", 132605),
        ("1326.04499999", 132604),
        ("1.326,0450", 132605),
    ],
)
def test_a_calculated_price_is_rounded_half_up_to_the_kurus(
    sent: object, amount_minor: int
) -> None:
    assert formats.nearest_kurus(sent) == amount_minor


@pytest.mark.parametrize(
    "sent",
    [
        "1.326",
        "1326.045",
        "1326,045",
        "1,326.04",
        "1326.0450000000001",
        "-1",
        "",
        Decimal("-0.01"),
        Decimal("1E+999999"),
        10**12,
        True,
        None,
    ],
)
def test_three_decimals_of_a_text_could_be_thousands_and_are_no_price(
    sent: object,
) -> None:
    assert formats.nearest_kurus(sent) is None


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (0, "0"),
        (Decimal("0.0489"), "0.0489"),
        (Decimal("0.0200"), "0.0200"),
        (Decimal("-0.015"), "-0.015"),
        (" 0.0489 ", "0.0489"),
        ("0,0489", "0.0489"),
    ],
)
def test_a_rate_keeps_every_digit(sent: object, said: str) -> None:
    assert formats.fraction(sent) == said


@pytest.mark.parametrize(
    "sent",
    [
        1,
        Decimal("1.02"),
        "4.89",
        "%2",
        "2%",
        ".02",
        "0.",
        "0.1.2",
        "00.02",
        "1e-2",
        Decimal("1E-999999"),
        Decimal("0E+999999"),
        "0.0000000000001",
        "",
        True,
        None,
        [0],
    ],
)
def test_a_rate_that_could_be_a_percentage_is_none(sent: object) -> None:
    assert formats.fraction(sent) is None


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


def test_instalments_are_said_only_where_there_are_some() -> None:
    three = replace(EXPECTED, instalments=3)
    said = messages.tds_initial(replace(ORDER, expected=three), CARD)
    assert said == messages.tds_initial(ORDER, CARD) | {"instalment": 3}


def test_a_stored_cards_hash_stands_for_the_whole_card() -> None:
    assert messages.tds_initial(ORDER, STORED) == {
        "amount": "1300,00",
        "reference_no": "ref-1-aaaaaa",
        "return_url": "https://api.example/r",
        "domain": "shop.example",
        "card_hash": HASH,
    }


@pytest.mark.parametrize(
    ("storing", "owner"),
    [
        (Storing("Maaş kartı", "our_id"), {"user_unique_id": "our_id"}),
        (Storing("Maaş kartı", "our_id", "co_1"), {"card_owner_id": "co_1"}),
    ],
)
def test_a_card_is_stored_for_the_owner_by_the_id_that_paynet_knows(
    storing: Storing, owner: dict[str, str]
) -> None:
    said = messages.tds_initial(replace(ORDER, storing=storing), CARD)
    new = {"save_card": True, "card_desc": "Maaş kartı", **owner}
    assert said == messages.tds_initial(ORDER, CARD) | new


@pytest.mark.parametrize("card", [CARD, STORED])
@pytest.mark.parametrize("count", [1, 2, 12])
@pytest.mark.parametrize("storing", [None, Storing("Maaş kartı", "our_id")])
def test_paynet_is_never_asked_to_add_its_commission(
    card: Card | StoredCard, count: int, storing: Storing | None
) -> None:
    expected = replace(EXPECTED, instalments=count)
    order = replace(ORDER, expected=expected, storing=storing, is_escrow=True)
    assert not {n for n in messages.tds_initial(order, card) if "comm" in n}


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


_GONE = [
    answer(code=25, message="Kart bulunamadı"),
    answer(code="25"),
    answer(400, type="invalid_request_error", code=400, result_code=25),
    answer(404, code=404, result_code="25"),
]


@pytest.mark.parametrize("told", _GONE)
def test_a_stored_card_that_is_gone_is_not_found(told: Answer) -> None:
    with pytest.raises(CardNotFound):
        opened(told, is_stored=True)


@pytest.mark.parametrize("told", _GONE)
def test_a_typed_card_cannot_be_gone(told: Answer) -> None:
    with pytest.raises(PaymentRefused) as refused:
        opened(told)
    assert refused.value.paynet_code == "25"


@pytest.mark.parametrize(
    "told",
    [
        answer(401, code=401, result_code=25),
        answer(403, code=403, result_code=25),
        answer(429, code=429, result_code=25),
        answer(500, code=500, result_code=25),
        answer(404, code=25),
        Answer.of(404, b""),
    ],
)
def test_no_clear_word_about_a_stored_card_is_none(told: Answer) -> None:
    with pytest.raises(PaynetUnreachable):
        opened(told, is_stored=True)


@pytest.mark.parametrize("told", [answer(code=18), answer(400, result_code=11)])
def test_a_stored_card_may_be_refused_like_any_other(told: Answer) -> None:
    with pytest.raises(PaymentRefused):
        opened(told, is_stored=True)


# ── tds_charge and charge ────────────────────────────────────────────────────


def test_a_charge_says_the_pair_and_nothing_else() -> None:
    path, said = messages.charge_of("s", "t", EXPECTED)
    assert path == "/v2/transaction/tds_charge"
    assert said == {"session_id": "s", "token_id": "t"}


def test_a_charge_of_paynets_form_says_again_what_the_form_was_told() -> None:
    path, said = messages.charge_of("s", "t", replace(EXPECTED, is_hosted=True))
    assert path == "/v1/transaction/charge"
    assert said == {
        "session_id": "s",
        "token_id": "t",
        "amount": "130000",
        "transaction_type": 1,
        "add_comission_amount": False,
        "ratio_code": "",
        "reference_no": "ref-1-aaaaaa",
    }


SAVED = {
    "code": 0,
    "is_succeed": True,
    "is_save_card_succeed": True,
    "card_owner_id": "co_1",
    "card_hash": HASH,
}


def saved(**changed: object) -> Answer:
    return Answer.of(200, json.dumps({**SAVED, **changed}).encode())


@pytest.mark.parametrize("code", [0, 100])
@pytest.mark.parametrize(
    ("sent", "owner"), [("co_1", "co_1"), (" co/1+= ", "co/1+="), (7, "7")]
)
def test_a_stored_card_has_an_owner(code: int, sent: object, owner: str) -> None:
    told = saved(code=code, card_owner_id=sent)
    assert messages.card_owner(told) == owner


@pytest.mark.parametrize(
    "changed",
    [
        {"is_save_card_succeed": False},
        {"is_save_card_succeed": None},
        {"is_save_card_succeed": "true"},
        {"is_save_card_succeed": 1},
        {"card_owner_id": None},
        {"card_owner_id": ""},
        {"card_owner_id": True},
        {"card_owner_id": 1.5},
        {"card_owner_id": ["co_1"]},
        {"card_owner_id": "co\n1"},
        {"card_owner_id": "co\ud8001"},
        {"card_owner_id": "x" * 101},
    ],
)
def test_an_owner_that_is_not_clearly_told_is_none(changed: dict[str, object]) -> None:
    assert messages.card_owner(saved(**changed)) is None


@pytest.mark.parametrize("code", [0, "0", 100, "100"])
def test_a_charge_succeeds_with_code_0_or_100(code: object) -> None:
    charged = messages.read_charge(answer(code=code, is_succeed=True, amount=130))
    assert isinstance(charged, Row)


@pytest.mark.parametrize("code", [0, 1, 16, 18, 100, "1"])
def test_a_charge_is_declined_by_is_succeed_false(code: object) -> None:
    told = answer(code=code, is_succeed=False, bank_error_id="51", message="hayır")
    assert messages.read_charge(told) == Declined("51 hayır")


@pytest.mark.parametrize("code", [5, 8, 10, 13, 17, "13"])
def test_codes_without_a_verdict_decline_nothing(code: object) -> None:
    told = messages.read_charge(answer(code=code, is_succeed=False))
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
    assert messages.read_charge(told) == Unknown(why)


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_server_that_is_down_counts_as_unreachable(status: int) -> None:
    assert messages.read_charge(Answer.of(status, b"")) == Unknown(
        f"http_{status}", unreachable=True
    )


def test_a_charge_that_leaves_out_its_verdict_is_left_to_the_judge() -> None:
    assert isinstance(messages.read_charge(answer(code=0)), Row)


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


def test_a_stored_card_shows_no_hash() -> None:
    told = saved()
    with pytest.raises(CardNotFound) as gone:
        opened(answer(code=25, card_hash=HASH), is_stored=True)
    shown = f"{STORED!r}{told!r}{messages.read_charge(told)!r}{gone.value!r}"
    assert HASH not in shown
    assert HASH not in str(messages.SavedCard.model_validate(told.content))
