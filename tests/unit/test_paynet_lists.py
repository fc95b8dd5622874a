"""PAYNET's paged lists: how a page is asked for, and how its rows are read; none is
guessed, and none is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet.escrow import Capture
from emanet.outcome import Reversal, Sale, Unknown
from emanet.paynet import listed
from emanet.paynet.answer import Answer
from emanet.paynet.rows import Row

XACT = "xk_aB3+dE6/gH9*"
NOON = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WORDS = st.text("0123456789.,:-+ xkTRYş\x00\ud800", max_size=20)


def answer(status: int = 200, **content: object) -> Answer:
    return Answer.of(status, json.dumps(content).encode())


# ── pages ────────────────────────────────────────────────────────────────────


def test_a_list_is_asked_for_by_the_day_and_page_by_page() -> None:
    asked = listed.sales(date(2026, 11, 22), date(2026, 12, 1))
    first = {
        "datab": "2026-11-22",
        "datbi": "2026-12-01",
        "show_unsucceed": False,
        "limit": 10,
    }
    assert listed.page_after(asked, 0) == first
    assert listed.page_after(asked, 20) == {**first, "starting_after": 20}


@pytest.mark.parametrize(
    "told",
    [
        answer(code=12, message="Kayıt bulunamadı"),
        answer(code=12, Data=[], has_more=False),
        answer(code=0, Data=[], has_more=False),
        answer(code=0, Data=[]),
        answer(404, type="no_data_error", code=404, result_code=12),
    ],
)
def test_an_empty_list_has_many_forms(told: Answer) -> None:
    assert listed.read_page(told) == listed.Page((), has_more=False)


@pytest.mark.parametrize("name", ["Data", "data"])
def test_a_page_says_whether_there_is_more(name: str) -> None:
    told = Answer(200, {"code": 0, name: [{"id": 1}], "has_more": True})
    assert listed.read_page(told) == listed.Page(({"id": 1},), has_more=True)


def test_what_is_no_row_keeps_its_place_among_the_rows() -> None:
    told = answer(code=0, Data=[None, {"id": 1}, "x"], has_more=False)
    page = listed.read_page(told)
    assert page == listed.Page(({}, {"id": 1}, {}), has_more=False)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (answer(code=0), "no_rows"),
        (answer(code=0, Data={}), "no_rows"),
        (answer(code=0, Data=None, has_more=False), "no_rows"),
        (answer(code=0, Data=[{"id": 1}]), "paging"),
        (answer(code=0, Data=[{"id": 1}], has_more="false"), "paging"),
        (answer(code=12, Data=[{"id": 1}]), "code_12"),
        (answer(Data=[], has_more=False), "no_code"),
        (Answer.of(200, b"<html>"), "not_json"),
        (Answer.of(404, b"<h1>404</h1>"), "http_404"),
    ],
)
def test_an_odd_page_is_unknown_and_never_the_last(told: Answer, why: str) -> None:
    assert listed.read_page(told) == Unknown(why)


# ── rows of transaction/list ─────────────────────────────────────────────────

REFERENCE = "abcdefghijklmnopqrstuvwxyz-1-k7m2qa"
SOLD: dict[str, Any] = {
    "id": 700001,
    "xact_id": XACT,
    "xact_date": "23.11.2026",
    "xact_time": "12:00:00",
    "xact_type": "S",
    "xact_agent_reference": REFERENCE,
    "card_no": "435508******4358",
    "amount": "1.300,00",
    "comission": "32,50",
    "comission_tax": "6,50",
    "currency": "TL",
    "is_succeed": True,
    "reversed": False,
    "reversed_xact_id": None,
    "is_onchargeback": False,
}
CAPTURE = Capture(XACT, 130000, NOON, "435508******4358", plain_id="700001")


def sold(*without: str, **changed: object) -> Sale | None:
    row = {name: told for name, told in SOLD.items() if name not in without}
    return listed.sale_of(row | changed)


def must_be_sold(*without: str, **changed: object) -> Sale:
    sale = sold(*without, **changed)
    assert sale
    return sale


def test_a_listed_sale_is_a_capture_with_its_reference() -> None:
    sale = must_be_sold()
    assert sale == Sale(REFERENCE, CAPTURE)
    assert sale.capture.plain_id == "700001"
    assert sale.capture.commission_minor == 3250
    assert sale.capture.commission_tax_minor == 650


@pytest.mark.parametrize(
    "name", ["xact_agent_reference", "agent_reference", "reference_no", "referance_no"]
)
def test_a_listed_reference_counts_under_each_of_its_names(name: str) -> None:
    told = {"xact_agent_reference": "", name: REFERENCE}
    assert must_be_sold(**told).reference_no == REFERENCE


@pytest.mark.parametrize("spelling", ["comission", "commission", "commision"])
def test_a_fee_counts_under_each_of_its_spellings(spelling: str) -> None:
    told = {spelling: Decimal("32.5"), f"{spelling}_tax": "6.50"}
    capture = must_be_sold("comission", "comission_tax", **told).capture
    assert (capture.commission_minor, capture.commission_tax_minor) == (3250, 650)


@pytest.mark.parametrize(
    "amount", ["1300,00", "1300.00", "1.300,00", 1300, Decimal("1300.00")]
)
def test_a_listed_amount_is_lira_in_any_of_paynets_styles(amount: object) -> None:
    assert must_be_sold(amount=amount).capture.amount_minor == 130000


@pytest.mark.parametrize(
    "kind", [{"xact_type": "S"}, {"xact_type": "s"}, {"transaction_type": 1}]
)
def test_a_sale_is_known_by_either_name_of_its_kind(kind: dict[str, Any]) -> None:
    assert sold("xact_type", **kind) == Sale(REFERENCE, CAPTURE)


@pytest.mark.parametrize(
    "kind",
    [
        *({"xact_type": kind} for kind in ("R", "CD", "CR", "RC", "PR", "RP", "PK")),
        *({"transaction_type": kind} for kind in (2, 3, 4, 5, 6, 7, 9, 10, 11)),
    ],
)
def test_what_is_no_sale_is_left_out(kind: dict[str, Any]) -> None:
    assert sold("xact_type", **kind) is None


def test_a_refused_sale_is_left_out() -> None:
    assert sold(is_succeed=False) is None


@pytest.mark.parametrize("said", ["true", 1, None])
def test_a_list_of_successes_need_not_say_that_each_is_one(said: object) -> None:
    assert sold(is_succeed=said) == Sale(REFERENCE, CAPTURE)


@pytest.mark.parametrize(
    "changed",
    [
        {"xact_type": "X"},
        {"xact_type": None},
        {"amount": "1.300"},
        {"amount": None},
        {"amount": "-1300,00"},
        {"currency": "USD"},
    ],
)
def test_a_row_that_cannot_be_counted_is_kept_without_an_amount(
    changed: dict[str, object],
) -> None:
    assert sold(**changed) == Sale(REFERENCE, replace(CAPTURE, amount_minor=None))


def test_a_row_that_says_nothing_is_kept_as_nobodys() -> None:
    assert listed.sale_of({}) == Sale(None, Capture("unnamed"))


def test_a_fee_in_another_currency_is_no_kurus() -> None:
    capture = must_be_sold(currency="USD").capture
    assert (capture.commission_minor, capture.commission_tax_minor) == (None, None)


@pytest.mark.parametrize("said", [True, 1, "1", "true", "Evet"])
def test_a_chargeback_is_not_overlooked(said: object) -> None:
    assert must_be_sold(is_onchargeback=said).is_on_chargeback


@pytest.mark.parametrize("said", [False, 0, "0", "false", "", None])
def test_a_sale_without_a_chargeback_says_so(said: object) -> None:
    assert not must_be_sold(is_onchargeback=said).is_on_chargeback


@pytest.mark.parametrize("said", [{"reversed": True}, {"reversed_xact_id": "xk_back"}])
def test_a_listed_sale_that_went_back_says_so(said: dict[str, Any]) -> None:
    assert must_be_sold(**said).capture.is_reversed


@pytest.mark.parametrize(
    ("day", "time", "at"),
    [
        ("23.11.2026", "12:00:00", NOON),
        ("23.11.2026", "12:00", NOON),
        ("2026-11-23", "12:00:00", NOON),
        ("23.11.2026 00:00:00", "12:00:00", NOON),
        ("23.11.2026 12:00:00", "", NOON),
        ("23.11.2026 12:00:00", "13:00:00", NOON),
        ("2026-11-23T12:00:00", None, NOON),
        ("23.11.2026", None, datetime(2026, 11, 22, 21, tzinfo=UTC)),
        ("23.11.2026", "noon", datetime(2026, 11, 22, 21, tzinfo=UTC)),
        ("23.11.2026", "25:00:00", datetime(2026, 11, 22, 21, tzinfo=UTC)),
        ("23.11.2026", "12:00:00+05:00", datetime(2026, 11, 22, 21, tzinfo=UTC)),
        (None, "12:00:00", None),
    ],
)
def test_a_time_that_is_kept_apart_belongs_to_its_day(
    day: object, time: object, at: datetime | None
) -> None:
    assert must_be_sold(xact_date=day, xact_time=time).capture.at == at


def test_a_capture_knows_paynets_fee() -> None:
    capture = Row.model_validate({"comission": "32,50", "comission_tax": 6}).capture
    assert (capture.commission_minor, capture.commission_tax_minor) == (3250, 600)


# ── rows of reversal_list ────────────────────────────────────────────────────

BACK: dict[str, Any] = {
    "id": 700002,
    "xact_id": "xk_zY9+xW8/vU7*",
    "xact_date": "23.11.2026 12:00:00",
    "entry_date": "22.11.2026 12:00:00",
    "reversed_xact_id": XACT,
    "reversed_id": 700001,
    "amount": "500,00",
    "currency": "TRY",
    "is_succeed": True,
}
REVERSAL = Reversal("xk_zY9+xW8/vU7*", XACT, "700001", 50000, NOON, is_succeed=True)


def back(*without: str, **changed: object) -> Reversal:
    row = {name: told for name, told in BACK.items() if name not in without}
    return listed.reversal_of(row | changed)


def test_a_reversal_names_itself_and_whose_money_went_back() -> None:
    assert back() == REVERSAL
    assert back().is_of(CAPTURE)


@pytest.mark.parametrize("absent", ["reversed_xact_id", "reversed_id"])
def test_a_reversal_is_known_by_either_id_of_its_sale(absent: str) -> None:
    assert back(absent).is_of(CAPTURE)


def test_a_reversal_has_its_plain_id_where_it_has_no_other() -> None:
    assert back("xact_id").id == "700002"
    assert back("xact_id", "id").id == "unnamed"


@pytest.mark.parametrize("amount", [500, "500", "500.00", "500,00", Decimal("500.00")])
def test_a_reversals_amount_is_lira_in_any_of_paynets_styles(amount: object) -> None:
    assert back(amount=amount).amount_minor == 50000


@pytest.mark.parametrize("currency", ["TRY", "TL", "", None])
def test_a_reversal_in_lira_has_an_amount(currency: object) -> None:
    assert back(currency=currency).amount_minor == 50000


@pytest.mark.parametrize(
    "changed", [{"currency": "EUR"}, {"amount": "-500,00"}, {"amount": "1.500"}]
)
def test_a_reversal_of_which_the_amount_must_be_guessed_has_none(
    changed: dict[str, object],
) -> None:
    assert back(**changed) == replace(REVERSAL, amount_minor=None)


def test_a_reversal_without_its_own_date_has_that_of_its_entry() -> None:
    assert back("xact_date").at == NOON - timedelta(days=1)


@pytest.mark.parametrize(("said", "known"), [(False, False), ("true", None), (1, None)])
def test_a_reversal_succeeded_only_by_a_json_boolean(
    said: object, known: bool | None
) -> None:
    assert back(is_succeed=said).is_succeed is known


@pytest.mark.parametrize(
    ("fees", "given_back_minor"),
    [
        ({}, None),
        ({"comission": "12,50"}, 1250),
        ({"comission": "12,50", "comission_tax": "2,50"}, 1500),
        ({"commission": 12, "commission_tax": 3}, 1500),
        ({"commision": "12.50", "comission_tax": None}, 1250),
        ({"comission": "12,50", "comission_tax": "2,505"}, None),
        ({"comission_tax": "2,50"}, None),
        ({"comission": "12,50", "currency": "USD"}, None),
    ],
)
def test_the_fee_that_comes_back_has_its_tax_in_it(
    fees: dict[str, object], given_back_minor: int | None
) -> None:
    assert back(**fees).commission_minor == given_back_minor


def test_a_reversal_that_says_nothing_is_nobodys() -> None:
    assert listed.reversal_of({}) == Reversal("unnamed")
    assert not listed.reversal_of({}).is_of(CAPTURE)


@given(
    st.dictionaries(
        st.sampled_from([*SOLD, *BACK, "transaction_type", "commission"]),
        st.none() | st.booleans() | st.integers() | WORDS | st.lists(WORDS),
    )
)
def test_reading_a_row_never_fails(row: dict[str, object]) -> None:
    listed.reversal_of(row)
    listed.sale_of(row)


def test_no_row_shows_a_card_number() -> None:
    shown = repr(must_be_sold(card_no="4355084355084358"))
    assert "4355084355084358" not in shown
