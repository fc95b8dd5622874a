"""The judge of PAYNET's rows: rule 10 of the design, one sentence a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from emanet.escrow import Capture, Expected
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Unknown
from emanet.paynet.judging import Unclear, judge, judge_detailed, merged
from emanet.paynet.rows import Row

REFERENCE = "abcdefghijklmnopqrstuvwxyz-1-k7m2qa"
ASKED_AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SALE: dict[str, Any] = {
    "xact_id": "xk_a+b/c*",
    "id": 700001,
    "xact_date": "2026-11-23T12:00:00",
    "transaction_type": 1,
    "agent_reference": REFERENCE,
    "instalment": 0,
    "currency": "TRY",
    "amount": 130,
    "card_no": "435508******4358",
    "is_succeed": True,
}
REFUSAL = SALE | {"xact_id": "xk_no", "id": 700002, "is_succeed": False}
CAPTURE = Capture("xk_a+b/c*", 13000, ASKED_AT, "435508******4358")
EXPECTED = Expected(REFERENCE, 13000)
IN_THREE = replace(EXPECTED, instalments=3)
HOSTED = replace(EXPECTED, is_hosted=True)
REVERSED = replace(CAPTURE, is_reversed=True)


def row(*without: str, **changed: object) -> Row:
    fields = SALE | changed
    return Row.model_validate({k: v for k, v in fields.items() if k not in without})


def verdict(
    *rows: Row, detailed: bool = False, expected: Expected = EXPECTED
) -> object:
    return judge(rows, expected, ASKED_AT, detailed=detailed)


def last_word(*rows: Row, expected: Expected = EXPECTED) -> object:
    return judge_detailed(rows, expected, ASKED_AT)


def test_one_success_of_the_expected_amount_is_an_approval() -> None:
    assert verdict(row()) == Approved(CAPTURE)


def test_no_row_is_not_found_at_the_moment_of_asking() -> None:
    assert verdict() == NotFound(ASKED_AT)


def test_only_refusals_are_a_decline_with_the_last_reason() -> None:
    first = Row.model_validate(REFUSAL | {"xact_id": "xk_1", "message": "one"})
    last = Row.model_validate(REFUSAL | {"bank_error_id": "51", "message": "two"})
    assert verdict(first, last) == Declined("51 two")


def test_a_refusal_before_a_success_does_not_matter() -> None:
    assert verdict(Row.model_validate(REFUSAL), row()) == Approved(CAPTURE)


@pytest.mark.parametrize(
    "name",
    ["agent_reference", "agent_reference_no", "reference_no", "referance_no"],
)
def test_the_reference_counts_under_each_of_its_names(name: str) -> None:
    found = row(**{"agent_reference": None, name: REFERENCE})
    assert verdict(found) == Approved(CAPTURE)


@pytest.mark.parametrize(
    "reference",
    [
        REFERENCE[:-1],
        REFERENCE + "2",
        REFERENCE.upper(),
        REFERENCE.replace("-1-", "-2-"),
        "abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_a_reference_is_compared_whole(reference: str) -> None:
    assert verdict(row(agent_reference=reference)) == NotFound(ASKED_AT)


@pytest.mark.parametrize("kind", [2, 3, 4, 5, 6, 7, 9, 10, 11, "9"])
def test_only_sales_count(kind: object) -> None:
    assert verdict(row(transaction_type=kind)) == NotFound(ASKED_AT)


def test_two_successes_are_doubtful_and_both_are_kept() -> None:
    judged = verdict(row(), row(xact_id="xk_2", id=700002))
    assert isinstance(judged, Doubtful)
    assert judged.reason == "more_than_one"
    assert [c.xact_id for c in judged.captures] == ["xk_a+b/c*", "xk_2"]


def test_the_same_transaction_listed_twice_is_one() -> None:
    assert verdict(row(), row()) == Approved(CAPTURE)


@pytest.mark.parametrize("amount", [129.99, "131", "1.300,00", "13000", 0])
def test_another_amount_is_doubtful(amount: object) -> None:
    value = str(amount) if isinstance(amount, float) else amount
    judged = verdict(row(amount=value))
    assert isinstance(judged, Doubtful)
    assert judged.reason == "amount_differs"


@pytest.mark.parametrize("currency", ["USD", "EUR", "949", "try", 949])
def test_another_currency_is_doubtful_and_its_amount_is_no_kurus(
    currency: object,
) -> None:
    judged = verdict(row(currency=currency))
    assert isinstance(judged, Doubtful)
    assert judged.reason == "currency_differs"
    assert judged.captures[0].amount_minor is None


@pytest.mark.parametrize("currency", ["TRY", "TL", "", None])
def test_lira_has_two_names_and_none(currency: object) -> None:
    assert verdict(row(currency=currency)) == Approved(CAPTURE)


@pytest.mark.parametrize("instalment", [0, 1, "0", "1", None, ""])
def test_a_single_payment_is_written_in_many_ways(instalment: object) -> None:
    assert verdict(row(instalment=instalment)) == Approved(CAPTURE)


@pytest.mark.parametrize("instalment", [2, "3", "peşin", -1, True, [1]])
def test_any_other_instalment_is_doubtful(instalment: object) -> None:
    judged = verdict(row(instalment=instalment))
    assert isinstance(judged, Doubtful)
    assert judged.reason == "instalment_differs"


@pytest.mark.parametrize("instalment", [3, "3", " 3 "])
def test_instalments_are_approved_by_exactly_their_number(instalment: object) -> None:
    judged = verdict(row(instalment=instalment), expected=IN_THREE)
    assert judged == Approved(CAPTURE)


@pytest.mark.parametrize("sent", [0, 1, "1", 2, 4, 33, "3.0", "03", "üç", -3, True])
def test_another_number_of_instalments_is_doubtful(sent: object) -> None:
    judged = verdict(row(instalment=sent), expected=IN_THREE)
    assert isinstance(judged, Doubtful)
    assert judged.reason == "instalment_differs"


@pytest.mark.parametrize("sent", [None, "", "  "])
def test_a_row_that_does_not_say_its_instalments_is_asked_about(sent: object) -> None:
    silent = row(instalment=sent)
    assert verdict(silent, expected=IN_THREE) == Unclear((CAPTURE,))
    said = row(instalment=3, reversed=False)
    assert last_word(silent, said, expected=IN_THREE) == Approved(CAPTURE)
    silent_again = last_word(
        silent, row("instalment", reversed=False), expected=IN_THREE
    )
    assert isinstance(silent_again, Doubtful)


@pytest.mark.parametrize("sent", [False, None, "true"])
def test_only_in_paynets_own_form_the_row_must_say_3d(sent: object) -> None:
    assert verdict(row(is_tds=sent)) == Approved(CAPTURE)


def test_a_payment_in_paynets_form_is_approved_with_3d() -> None:
    assert verdict(row(is_tds=True), expected=HOSTED) == Approved(CAPTURE)


def test_a_payment_in_paynets_form_without_3d_is_doubtful() -> None:
    judged = verdict(row(is_tds=False), expected=HOSTED)
    assert judged == Doubtful("not_3d", (CAPTURE,))


@pytest.mark.parametrize("sent", [None, "true", "false", 1, 0, "", {}])
def test_3d_is_a_json_boolean_and_nothing_like_one(sent: object) -> None:
    silent = row(is_tds=sent)
    assert verdict(silent, expected=HOSTED) == Unclear((CAPTURE,))
    said = row(is_tds=True, reversed=False)
    assert last_word(silent, said, expected=HOSTED) == Approved(CAPTURE)
    said = row(is_tds=False, reversed=False)
    assert last_word(silent, said, expected=HOSTED) == Doubtful("not_3d", (CAPTURE,))


def test_two_rows_that_contradict_each_other_about_3d_are_doubtful() -> None:
    for first in (True, False):
        rows = row(is_tds=first), row(is_tds=not first, reversed=False)
        judged = last_word(*rows, expected=HOSTED)
        assert judged == Doubtful("field_absent", (CAPTURE,))


@pytest.mark.parametrize("expected", [IN_THREE, HOSTED])
def test_a_refusal_needs_neither_instalments_nor_3d(expected: Expected) -> None:
    refusal = Row.model_validate(REFUSAL | {"instalment": None, "message": "no"})
    assert verdict(refusal, expected=expected) == Declined("no")


def test_a_reversed_sale_is_doubtful() -> None:
    judged = verdict(row(reversed=True))
    assert judged == Doubtful("reversed", (REVERSED,))


def test_the_id_of_a_reversal_reverses() -> None:
    judged = verdict(row(reversed=False, reversed_xact_id="xk_back"))
    assert judged == Doubtful("reversed", (REVERSED,))


@pytest.mark.parametrize("sent", [False, 0, "0", "false", "False"])
def test_a_sale_that_was_not_reversed_says_so(sent: object) -> None:
    assert verdict(row(reversed=sent), detailed=True) == Approved(CAPTURE)


@pytest.mark.parametrize("sent", [True, 1, "1", "true", "evet", 2])
def test_whatever_is_no_clear_no_counts_as_reversed(sent: object) -> None:
    assert verdict(row(reversed=sent)) == Doubtful("reversed", (REVERSED,))


@pytest.mark.parametrize(
    "field", ["xact_id", "amount", "is_succeed", "transaction_type", "agent_reference"]
)
def test_an_absent_field_is_unclear_and_in_the_end_doubtful(field: str) -> None:
    found = row(field)
    assert isinstance(verdict(found), Unclear)
    judged = last_word(found)
    assert isinstance(judged, Doubtful)
    assert judged.reason == "field_absent"
    assert len(judged.captures) == 1


@pytest.mark.parametrize("said", ["true", "True", 1, 0, "false", "", None, {}])
def test_success_is_a_json_boolean_and_nothing_like_one(said: object) -> None:
    assert isinstance(verdict(row(is_succeed=said)), Unclear)


@pytest.mark.parametrize("amount", ["1,300", "1.300", "130 TL", "-130", True, None])
def test_an_amount_that_must_be_guessed_is_absent(amount: object) -> None:
    assert isinstance(verdict(row(amount=amount)), Unclear)


def test_an_approval_needs_to_know_that_it_was_not_reversed() -> None:
    assert verdict(row(), detailed=True) == Unclear((CAPTURE,))
    assert last_word(row()) == Doubtful("field_absent", (CAPTURE,))


def test_an_incomplete_refusal_is_unknown_not_doubtful() -> None:
    refusal = Row.model_validate(REFUSAL | {"agent_reference": None})
    assert last_word(refusal) == Unknown("field_absent")


def test_a_later_row_of_the_same_transaction_fills_in_what_is_absent() -> None:
    found = last_word(row("amount", "card_no"), row(reversed=False))
    assert found == Approved(CAPTURE)


def test_what_a_later_row_leaves_out_stays_known() -> None:
    assert merged([row(), row("amount")])[0].amount == 13000


def test_a_later_row_with_another_amount_is_doubtful() -> None:
    judged = last_word(row(), row(amount=129, reversed=False))
    assert isinstance(judged, Doubtful)
    assert judged.reason == "amount_differs"


def test_a_success_that_a_later_row_denies_is_doubtful() -> None:
    judged = last_word(row(), row(is_succeed=False, reversed=False))
    assert isinstance(judged, Doubtful)
    assert judged.reason == "field_absent"


def test_a_transaction_without_any_id_is_still_kept() -> None:
    judged = last_word(row("xact_id", "id"))
    assert isinstance(judged, Doubtful)
    assert judged.captures[0].xact_id == "unnamed"


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        (
            {"paynet_error_id": "PYN51", "bank_error_id": "51", "code": 1},
            "PYN51 Yetersiz bakiye",
        ),
        ({"bank_error_id": "51", "code": 1}, "51 Yetersiz bakiye"),
        ({"code": 1}, "1 Yetersiz bakiye"),
        ({}, "Yetersiz bakiye"),
    ],
)
def test_a_refusal_names_the_nearest_error(
    fields: dict[str, Any], refusal: str
) -> None:
    found = Row.model_validate(fields | {"bank_error_message": "Yetersiz bakiye"})
    assert found.refusal == refusal


def test_a_refusal_shows_no_card_and_no_control_character() -> None:
    said = "kart 4355084355084358,\r\n4355 0843 5508 4358\x1b[0m " + "x" * 200 + " 592"
    refusal = Row.model_validate({"message": said}).refusal
    assert refusal == "kart"


def test_a_silent_refusal_still_says_something() -> None:
    assert Row.model_validate({}).refusal == "refused"
