"""The border of the HTTP API: every bad field alone gets an error that names the field
and the kind of wrong, and never says what was sent."""

from __future__ import annotations

import base64
import copy
import json
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet import problems, schemas
from emanet.disputes import Legs
from emanet.entrypoint import raw_body
from emanet.errors import BodyTooLarge, FieldProblem, InvalidRequest, NotJson
from emanet.escrow import Party, QueueReason
from emanet.money import MAX_AMOUNT_MINOR
from emanet.policy import EVIDENCE_MAX, Bearer, Ending, Policy
from emanet.ports import Card
from emanet.usecases.fulfil import Objection
from emanet.usecases.operate import OVER_MONEY, WAYS, Asked, Decision
from emanet.usecases.pay_out import Wish
from emanet.usecases.starting import Payment, Saving

TODAY = date(2026, 11, 23)
ORDER: dict[str, Any] = {
    "order_id": "order-1",
    "amount": {"amount": 130_000, "currency": "TRY"},
    "payer": {"id": "buyer-1"},
    "payee": {"id": "seller-1"},
    "fee": {"amount": 1_300, "currency": "TRY"},
    "policy": {},
    "round": 1,
}
START: dict[str, Any] = {
    "card": {
        "holder": "Ayşe Yılmaz",
        "number": "4355 0843 5508 4358",
        "expiry_month": 12,
        "expiry_year": 2030,
        "cvc": "917",
    },
    "return_to": "https://shop.example/return",
}
NO_QUOTES = (
    *("", ".", "A", f"A.{'B' * 42}", f"A.{'B' * 44}", f".{'B' * 43}"),
    *(f"{'A' * 601}.{'B' * 43}", f"A=.{'B' * 43}", f"A.B.{'B' * 43}"),
    *(f"A.{'B' * 42}=", f" A.{'B' * 43}", f"A.{'B' * 43}\n", f"ş.{'B' * 43}"),
)
NO_CARD_IDS = ("", "a" * 25, "a" * 27, "A" * 26, "a" * 25 + "1", "a" * 26 + "\n")
NUMBERED = ("4355084355084358", "Kart 4355 0843", "12345", "Kart ٤٣٥٥٠")
PARCEL: dict[str, Any] = {"carrier": "Yurtiçi", "tracking_number": "YK-1"}
MISSING = object()


def named(name: str) -> dict[str, str]:
    """The wish that a card be stored under this name."""
    return {"consent_version": "v", "name": name}


def changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The body with one field changed, added or taken out."""
    body = copy.deepcopy(body)
    *outer, last = path.split(".")
    place = body
    for name in outer:
        place = place[name]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return body


def raw(body: object) -> bytes:
    return json.dumps(body).encode()


def wrong(kind: type[schemas.Border], body: bytes) -> dict[str, str]:
    """Field → what is wrong with it."""
    with pytest.raises(InvalidRequest) as refused:
        schemas.parse(kind, body, TODAY)
    return {p.field: p.problem for p in refused.value.problems}


def order(**changes: Any) -> schemas.CreateBody:
    return schemas.parse(schemas.CreateBody, raw(ORDER | changes), TODAY)


# ── what is right ────────────────────────────────────────────────────────────


def test_a_whole_order_is_read() -> None:
    read = order(policy={"claim_days": 9}, round=2).order()
    assert (read.order_id, read.amount_minor, read.fee_minor) == (
        "order-1",
        130_000,
        1_300,
    )
    assert (read.payer, read.payee) == (Party("buyer-1"), Party("seller-1"))
    assert (read.round, read.policy) == (2, Policy(claim_days=9))


def test_an_order_needs_only_who_pays_whom_how_much_for_what() -> None:
    least = {k: ORDER[k] for k in ("order_id", "amount", "payer", "payee")}
    read = schemas.parse(schemas.CreateBody, raw(least), TODAY).order()
    assert (read.fee_minor, read.round, read.policy) == (0, 1, Policy())


def test_a_card_is_read_without_its_spaces() -> None:
    read = schemas.parse(schemas.InitiateBody, raw(START), TODAY)
    assert read.card is not None
    card = read.card.card()
    assert (card.number, card.cvc) == ("4355084355084358", "917")
    assert read.prefer == "redirect"


def test_a_card_is_good_to_the_end_of_its_month() -> None:
    last = changed(changed(START, "card.expiry_month", 11), "card.expiry_year", 2026)
    read = schemas.parse(schemas.InitiateBody, raw(last), TODAY)
    assert read.card is not None
    assert (read.card.expiry_month, read.card.expiry_year) == (11, 2026)


def test_a_card_shows_nothing_of_itself() -> None:
    read = schemas.parse(schemas.InitiateBody, raw(START), TODAY)
    assert read.card is not None
    shown = f"{read!r} {read} {read.model_dump()} {read.card.card()!r}"
    for secret in ("4355084355084358", "917", "Ayşe"):
        assert secret not in shown


def test_no_body_is_an_empty_object() -> None:
    assert schemas.parse(schemas.EmptyBody, b"", TODAY) == schemas.EmptyBody()


# ── one bad field at a time ──────────────────────────────────────────────────

NOT_INTEGERS = ["130000", 130_000.0, 1.5, True, None, [], {}, 1e308]


@pytest.mark.parametrize("field", ["amount.amount", "fee.amount", "round"])
@pytest.mark.parametrize("value", NOT_INTEGERS, ids=repr)
def test_a_number_is_a_whole_number_and_nothing_that_looks_like_one(
    field: str, value: object
) -> None:
    body = raw(changed(ORDER, field, value))
    assert wrong(schemas.CreateBody, body) == {field: "int_type"}


@pytest.mark.parametrize("literal", [b"1e309", b"-1e309", b"1e5", b"130000.00"])
def test_an_amount_in_another_notation_is_no_whole_number(literal: bytes) -> None:
    body = raw(ORDER).replace(b"130000", literal)
    assert wrong(schemas.CreateBody, body) == {"amount.amount": "int_type"}


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("amount.amount", 0, "greater_than"),
        ("amount.amount", -1, "greater_than"),
        ("amount.amount", MAX_AMOUNT_MINOR + 1, "less_than_equal"),
        ("amount.amount", 10**30, "less_than_equal"),
        ("amount.amount", MISSING, "missing"),
        ("amount.currency", "USD", "currency"),
        ("amount.currency", "try", "currency"),
        ("amount.currency", "", "currency"),
        ("amount.currency", 949, "string_type"),
        ("amount.currency", MISSING, "missing"),
        ("amount.kurus", 1, "extra_forbidden"),
        ("amount", 130_000, "model_type"),
        ("amount", MISSING, "missing"),
        ("fee.amount", -1, "greater_than_equal"),
        ("fee.currency", "EUR", "currency"),
        ("order_id", "", "string_pattern_mismatch"),
        ("order_id", "x" * 65, "string_pattern_mismatch"),
        ("order_id", "a b", "string_pattern_mismatch"),
        ("order_id", "a\n", "string_pattern_mismatch"),
        ("order_id", "sipariş", "string_pattern_mismatch"),
        ("order_id", 7, "string_type"),
        ("order_id", None, "string_type"),
        ("order_id", MISSING, "missing"),
        ("payer.id", "", "string_pattern_mismatch"),
        ("payer.id", MISSING, "missing"),
        ("payer", "buyer-1", "model_type"),
        ("payee.id", ["seller-1"], "string_type"),
        ("payee.paynet_agent_id", "x" * 11, "string_pattern_mismatch"),
        ("policy.claim_days", 0, "greater_than_equal"),
        ("policy.claim_days", 61, "less_than_equal"),
        ("policy.version", 2, "extra_forbidden"),
        ("round", 0, "greater_than_equal"),
        ("round", 100, "less_than_equal"),
        ("status", "held", "extra_forbidden"),
    ],
)
def test_a_bad_field_of_an_order_is_named(path: str, value: object, kind: str) -> None:
    body = raw(changed(ORDER, path, value))
    found = wrong(schemas.CreateBody, body)
    assert list(found) == [path]
    assert found[path].startswith(kind)


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("card.number", "4355084355084359", "card_number"),
        ("card.number", "4355-0843-5508-4358", "card_number"),
        ("card.number", "00000000000", "card_number"),
        ("card.number", "0" * 20, "card_number"),
        ("card.number", "٤٣٥٥٠٨٤٣٥٥٠٨٤٣٥٨", "card_number"),
        ("card.number", "", "card_number"),
        ("card.number", 4355084355084358, "string_type"),
        ("card.number", MISSING, "missing"),
        ("card.expiry_month", 0, "greater_than_equal"),
        ("card.expiry_month", 13, "less_than_equal"),
        ("card.expiry_month", "12", "int_type"),
        ("card.expiry_year", 30, "four_digits"),
        ("card.expiry_year", 20_300, "four_digits"),
        ("card.expiry_year", "2030", "int_type"),
        ("card.cvc", "91", "cvc"),
        ("card.cvc", "91777", "cvc"),
        ("card.cvc", "9a7", "cvc"),
        ("card.cvc", "٩١٧", "cvc"),
        ("card.cvc", 917, "string_type"),
        ("card.holder", "", "too_short"),
        ("card.holder", "x" * 51, "too_long"),
        ("card.pin", "1", "extra_forbidden"),
        ("return_to", MISSING, "missing"),
        ("return_to", "x" * 257, "string_too_long"),
        ("prefer", "popup", "literal_error"),
        ("add_commission", True, "extra_forbidden"),
        ("instalments", 3, "extra_forbidden"),
        ("card_hash", "hash-1", "extra_forbidden"),
        *(("quote", value, "string_pattern_mismatch") for value in NO_QUOTES),
        ("quote", 7, "string_type"),
        *(("stored_card", value, "string_pattern_mismatch") for value in NO_CARD_IDS),
        ("stored_card", 7, "string_type"),
        ("save_card", True, "model_type"),
        ("save_card", {}, "missing"),
        ("save_card", {"consent_version": ""}, "string_pattern_mismatch"),
        ("save_card", {"consent_version": "a b"}, "string_pattern_mismatch"),
        ("save_card", {"consent_version": "x" * 65}, "string_pattern_mismatch"),
        ("save_card", {"consent_version": "v", "name": ""}, "string_pattern_mismatch"),
        ("save_card", {"consent_version": "v", "at": "2026"}, "extra_forbidden"),
        *(("save_card", named(name), "too_many_digits") for name in NUMBERED),
        ("amount", {"amount": 1, "currency": "TRY"}, "extra_forbidden"),
    ],
)
def test_a_bad_field_of_a_card_is_named(path: str, value: object, kind: str) -> None:
    found = wrong(schemas.InitiateBody, raw(changed(START, path, value)))
    [field] = found
    assert field.startswith(path)
    assert kind in found[field]


# ── with what is paid ────────────────────────────────────────────────────────

CARD_ID, QUOTE = "a2" * 13, f"{'A' * 90}.{'B' * 43}"
STORED = {"stored_card": CARD_ID, "return_to": START["return_to"]}
TEXT = "kvkk-2"
SAVING = START | {"save_card": {"consent_version": TEXT, "name": "İş kartım"}}


def paying(body: dict[str, Any], consent_version: str = TEXT) -> Payment:
    read = schemas.parse(schemas.InitiateBody, raw(body), TODAY)
    return read.payment(consent_version)


def unfit(body: dict[str, Any], consent_version: str = TEXT) -> FieldProblem:
    """What does not fit together."""
    with pytest.raises(InvalidRequest) as refused:
        paying(body, consent_version)
    [problem] = refused.value.problems
    return problem


def test_a_payment_is_by_a_card_or_by_our_id_of_a_stored_one() -> None:
    card = paying(START).card
    assert isinstance(card, Card)
    assert (card.number, card.bin) == ("4355084355084358", "435508")
    assert paying(STORED) == Payment(CARD_ID)


def test_either_may_be_at_the_price_of_a_quote() -> None:
    assert paying(STORED | {"quote": QUOTE}) == Payment(CARD_ID, QUOTE)
    assert paying(START | {"quote": QUOTE}).quote == QUOTE
    assert paying(START).quote is None


@pytest.mark.parametrize("empty", [{}, {"card": None}, {"stored_card": None}])
def test_without_any_card_the_card_is_missing(empty: dict[str, Any]) -> None:
    body = {"return_to": START["return_to"]} | empty
    assert unfit(body) == FieldProblem("card", "missing")


def test_a_card_and_a_stored_one_are_one_too_many() -> None:
    both = FieldProblem("card", "not_with_stored_card")
    assert unfit(START | STORED) == both
    assert unfit(SAVING | STORED) == both


@pytest.mark.parametrize("text", [TEXT, ""])
def test_a_stored_card_is_not_stored_again(text: str) -> None:
    body = STORED | {"save_card": SAVING["save_card"]}
    assert unfit(body, text) == FieldProblem("save_card", "not_with_stored_card")


def test_a_card_is_stored_only_by_consent_to_the_present_text() -> None:
    assert paying(SAVING).saving == Saving(TEXT, "İş kartım")
    unnamed = START | {"save_card": {"consent_version": TEXT}}
    assert paying(unnamed).saving == Saving(TEXT, "Kart")
    assert paying(START).saving is None
    assert paying(START | {"save_card": None}).saving is None


@pytest.mark.parametrize("text", ["kvkk-1", "kvkk-3", "KVKK-2", "kvkk-2x", "kvkk-"])
def test_consent_to_another_text_is_no_consent(text: str) -> None:
    problem = FieldProblem("save_card.consent_version", "not_the_present_text")
    assert unfit(SAVING, text) == problem


@pytest.mark.parametrize("name", ["Kart 4358", "4358", "2. kartım", "İş"])
def test_a_card_s_name_may_tell_its_last_four_digits(name: str) -> None:
    assert paying(START | {"save_card": named(name) | {"consent_version": TEXT}}).saving


def test_where_no_text_is_set_no_card_is_stored() -> None:
    assert unfit(SAVING, "") == FieldProblem("save_card", "cards_not_stored")
    assert isinstance(paying(START, "").card, Card)


def test_a_payment_shows_neither_card_nor_quote() -> None:
    shown = f"{paying(SAVING | {'quote': QUOTE})!r}"
    for secret in ("4355084355084358", "917", "Ayşe", QUOTE):
        assert secret not in shown


@pytest.mark.parametrize(
    "field", ["card", "stored_card", "quote", "save_card", "prefer", "number"]
)
def test_where_paynet_s_form_takes_the_card_no_field_does(field: str) -> None:
    body = {"return_to": START["return_to"]}
    assert schemas.parse(schemas.FormBody, raw(body), TODAY).return_to
    value = (SAVING | STORED | {"quote": QUOTE}).get(field, "redirect")
    assert wrong(schemas.FormBody, raw(body | {field: value})) == {
        field: "extra_forbidden"
    }


@pytest.mark.parametrize("digits", ["435508", "000000"])
def test_a_bin_is_six_digits(digits: str) -> None:
    assert schemas.card_bin(digits) == digits


@pytest.mark.parametrize(
    "text",
    ["", "43550", "4355084", "43550x", " 435508", "435508\n", "٤٣٥٥٠٨", "4355 08"],
)
def test_anything_else_is_no_bin(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        schemas.card_bin(text)
    assert refused.value.problems == (FieldProblem("bin", "six_digits"),)


@pytest.mark.parametrize(("month", "year"), [(10, 2026), (12, 2025), (1, 2000)])
def test_an_expired_card_is_said_to_be_expired(month: int, year: int) -> None:
    old = changed(changed(START, "card.expiry_month", month), "card.expiry_year", year)
    assert wrong(schemas.InitiateBody, raw(old)) == {"card.expiry_year": "card_expired"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("carrier", ""),
        ("carrier", "x" * 65),
        ("carrier", "a\nb"),
        ("tracking_number", "\x00"),
        ("tracking_number", "1\x7f"),
        ("tracking_number", "1\n"),
        ("carrier", 7),
        ("tracking_number", MISSING),
    ],
)
def test_a_bad_field_of_a_parcel_is_named(path: str, value: object) -> None:
    assert list(wrong(schemas.ShipBody, raw(changed(PARCEL, path, value)))) == [path]


def test_every_wrong_field_is_named_at_once() -> None:
    body = raw({"order_id": 7, "amount": {"amount": 0}, "payer": {}, "x": 1})
    assert wrong(schemas.CreateBody, body) == {
        "order_id": "string_type",
        "amount.amount": "greater_than",
        "amount.currency": "missing",
        "payer.id": "missing",
        "payee": "missing",
        "x": "extra_forbidden",
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fee": {"amount": 130_000, "currency": "TRY"}}, "fee.amount"),
        ({"fee": {"amount": 130_001, "currency": "TRY"}}, "fee.amount"),
        ({"payee": {"id": "buyer-1"}}, "payee.id"),
    ],
)
def test_fields_that_do_not_fit_together_are_named(
    changes: dict[str, Any], field: str
) -> None:
    body = order(**changes)
    with pytest.raises(InvalidRequest) as refused:
        body.order()
    assert [p.field for p in refused.value.problems] == [field]


# ── the marketplace's own periods ────────────────────────────────────────────

NUMBERS = [
    ("pay_within_hours", 720),
    ("session_minutes", 120),
    ("ship_within_days", 60),
    ("claim_days", 60),
    ("inspection_days", 60),
    ("hold_limit_days", 365),
    ("dispute_days", 30),
    ("remind_hours", 168),
    ("instalments_max", 12),
]


def test_the_defaults_of_the_border_are_the_policys() -> None:
    assert schemas.PolicyIn().policy() == Policy()
    assert {name for name, _ in NUMBERS} == {
        each.name for each in fields(Policy) if isinstance(each.default, int)
    } - {"version"}


def test_the_platform_may_bear_what_instalments_cost() -> None:
    chosen = order(policy={"instalment_cost": "platform", "instalments_max": 6})
    assert chosen.order().policy == Policy(
        instalment_cost=Bearer.PLATFORM, instalments_max=6
    )
    assert order().order().policy.instalment_cost is Bearer.PAYER


@pytest.mark.parametrize("value", ["payee", "Payer", "", None, True])
def test_nobody_else_bears_it(value: object) -> None:
    body = raw(changed(ORDER, "policy", {"instalment_cost": value}))
    found = wrong(schemas.CreateBody, body)
    assert found == {"policy.instalment_cost": "literal_error"}


@pytest.mark.parametrize(
    ("word", "ending"),
    [
        ("at_ship_by", Ending.REVIEW),
        ("at_claim", Ending.REVIEW),
        ("at_inspection", Ending.REVIEW),
    ],
)
def test_each_deadline_may_lead_to_a_human_instead(word: str, ending: Ending) -> None:
    policy = order(policy={word: "review"}).order().policy
    assert policy == replace(Policy(), **{word: ending})  # type: ignore[arg-type] # an ending each


@pytest.mark.parametrize(("name", "most"), NUMBERS)
def test_each_period_has_its_bounds(name: str, most: int) -> None:
    roomy = {"hold_limit_days": 365}
    best = order(policy=roomy | {name: most}).order().policy
    assert getattr(best, name) == most
    for value, kind in [
        (0, "greater_than_equal"),
        (-1, "greater_than_equal"),
        (most + 1, "less_than_equal"),
        (1.0, "int_type"),
        (True, "int_type"),
        ("7", "int_type"),
        (None, "int_type"),
    ]:
        body = raw(changed(ORDER, "policy", {name: value}))
        assert wrong(schemas.CreateBody, body) == {f"policy.{name}": kind}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("at_ship_by", "release"),
        ("at_ship_by", "queue"),
        ("at_claim", "release"),
        ("at_claim", "refund"),
        ("at_inspection", "refund"),
        ("at_inspection", "Release"),
        ("at_inspection", ""),
        ("at_inspection", None),
    ],
)
def test_a_deadline_leads_nowhere_else(name: str, value: object) -> None:
    """Least of all does money go to the payee because nobody shipped."""
    body = raw(changed(ORDER, "policy", {name: value}))
    assert wrong(schemas.CreateBody, body) == {f"policy.{name}": "literal_error"}


def test_a_hold_limit_within_the_usual_way_is_refused() -> None:
    """It would freeze every sale that goes well."""
    way = {"ship_within_days": 7, "claim_days": 7, "inspection_days": 3}
    short = changed(ORDER, "policy", way | {"hold_limit_days": 16})
    assert wrong(schemas.CreateBody, raw(short)) == {"policy": "hold_limit_too_short"}
    assert order(policy=way | {"hold_limit_days": 17}).order().policy.hold_limit_days


# ── money moved: how much, once ──────────────────────────────────────────────

ILL_FORMED = ["", " ", "a b", "x" * 65, "ş", "a/b", "a\n", "\ud800"]


@pytest.mark.parametrize("key", [None, *ILL_FORMED])
def test_a_release_or_refund_needs_a_well_formed_idempotency_key(
    key: str | None,
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        schemas.MoneyBody().said(key)
    problem = "missing" if key is None else "string_pattern_mismatch"
    assert refused.value.problems == (FieldProblem("Idempotency-Key", problem),)


def test_a_wish_says_how_much_and_why() -> None:
    body = raw({"amount": ORDER["amount"], "reason": "half of it"})
    [wish] = schemas.parse(schemas.MoneyBody, body, TODAY).said("key-1")
    assert wish == Wish("key-1", 130_000, "half of it")


def test_without_an_amount_all_that_is_available_is_meant() -> None:
    [wish] = schemas.MoneyBody().said("key-1")
    assert wish == Wish("key-1", None, "")


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("amount", 130_000, "model_type"),
        ("amount", {"amount": 0, "currency": "TRY"}, "greater_than"),
        ("amount", {"amount": -1, "currency": "TRY"}, "greater_than"),
        ("amount", {"amount": 1.5, "currency": "TRY"}, "int_type"),
        ("amount", {"amount": "1", "currency": "TRY"}, "int_type"),
        ("amount", {"amount": 1, "currency": "USD"}, "currency"),
        ("amount", {"amount": 1}, "missing"),
        ("reason", "no", "string_pattern_mismatch"),
        ("reason", "x" * 121, "string_pattern_mismatch"),
        ("reason", "two\nlines", "string_pattern_mismatch"),
        ("reason", "half\x00", "string_pattern_mismatch"),
        ("reason", 7, "string_type"),
        ("key", "k", "extra_forbidden"),
        ("kind", "release", "extra_forbidden"),
    ],
)
def test_a_bad_field_of_a_wish_is_named(path: str, value: object, kind: str) -> None:
    found = wrong(schemas.MoneyBody, raw({path: value}))
    [field] = found
    assert field.partition(".")[0] == path
    assert found[field] == kind


# ── a dispute ────────────────────────────────────────────────────────────────

OBJECTION: dict[str, Any] = {"reason": "broken glass", "evidence": ["photo-1"]}


def test_an_objection_says_why_and_where_it_shows() -> None:
    [said] = schemas.parse(schemas.DisputeBody, raw(OBJECTION), TODAY).said(None)
    assert said == Objection("broken glass", ("photo-1",))
    [bare] = schemas.DisputeBody(reason="broken glass").said("any key")
    assert bare == Objection("broken glass")


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("reason", MISSING, "reason"),
        ("reason", None, "reason"),
        ("reason", "no", "reason"),
        ("reason", "x" * 121, "reason"),
        ("reason", "two\rlines", "reason"),
        ("evidence", "photo-1", "evidence"),
        ("evidence", None, "evidence"),
        ("evidence", [f"photo-{n}" for n in range(EVIDENCE_MAX + 1)], "evidence"),
        ("evidence", ["photo 1"], "evidence.(unknown)"),
        ("evidence", ["https://shop.example/1"], "evidence.(unknown)"),
        ("evidence", ["x" * 65], "evidence.(unknown)"),
        ("evidence", [7], "evidence.(unknown)"),
        ("answer_by", "2030-01-01", "answer_by"),
        ("number", 1, "number"),
    ],
)
def test_a_bad_field_of_an_objection_is_named(
    path: str, value: object, field: str
) -> None:
    found = wrong(schemas.DisputeBody, raw(changed(OBJECTION, path, value)))
    assert list(found) == [field]


def test_as_many_pieces_of_evidence_as_are_kept_are_taken() -> None:
    most = changed(OBJECTION, "evidence", [f"photo-{n}" for n in range(EVIDENCE_MAX)])
    [said] = schemas.parse(schemas.DisputeBody, raw(most), TODAY).said(None)
    assert len(said.evidence) == EVIDENCE_MAX


# ── what operations decide ───────────────────────────────────────────────────

LEGS: dict[str, Any] = {
    "release": {"amount": 100_000, "currency": "TRY"},
    "refund": {"amount": 30_000, "currency": "TRY"},
}
SEEN: dict[str, Any] = {"version": 7}
NEEDS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(WAYS, SEEN),
    "resolve_dispute": LEGS,
    "settle_review": LEGS,
    "withdraw_settlement": {"settlement": "ops-1/key-1", **SEEN},
    "answer_surplus": {"settlement": "late-capture/1/abc", "done": False, **SEEN},
    "refund_capture": {"xact_id": "xact-1", **SEEN},
}


def decision(word: str, key: str | None = None, **parts: Any) -> Decision:
    body = raw({"reason": "as agreed", **parts})
    return schemas.parse(schemas.DecisionBody, body, TODAY).decision(word, key)


@pytest.mark.parametrize("word", sorted(WAYS))
def test_each_decision_is_read_with_the_parts_it_needs(word: str) -> None:
    key = "key-1" if word in OVER_MONEY else None
    parts = NEEDS[word]
    read = decision(word, key, **parts)
    assert (read.word, read.reason) == (word, "as agreed")
    assert read.once == (key or "")
    assert read.legs == (Legs(100_000, 30_000) if parts is LEGS else None)
    assert read.version == parts.get("version")
    assert read.settlement == parts.get("settlement", "")
    assert read.xact_id == parts.get("xact_id", "")


def test_a_decision_without_a_key_names_the_version_that_was_looked_at() -> None:
    """With a key it may: both say that it is decided once."""
    for word in WAYS:
        assert ("version" in NEEDS[word]) != (word in OVER_MONEY)
    assert decision("resolve_dispute", "key-1", **LEGS, **SEEN).version == 7


@pytest.mark.parametrize(
    ("word", "part"), [(word, part) for word, parts in NEEDS.items() for part in parts]
)
def test_a_part_that_a_decision_needs_is_named(word: str, part: str) -> None:
    parts = {name: value for name, value in NEEDS[word].items() if name != part}
    with pytest.raises(InvalidRequest) as refused:
        decision(word, "key-1", **parts)
    assert refused.value.problems == (FieldProblem(part, "missing"),)


@pytest.mark.parametrize("word", sorted(OVER_MONEY))
@pytest.mark.parametrize("key", [None, *ILL_FORMED])
def test_a_decision_over_money_needs_a_well_formed_idempotency_key(
    word: str, key: str | None
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decision(word, key, **LEGS)
    assert [p.field for p in refused.value.problems] == ["Idempotency-Key"]


def test_one_leg_may_be_nothing_but_none_may_be_less() -> None:
    nothing = {"amount": 0, "currency": "TRY"}
    read = decision("resolve_dispute", "key-1", **(LEGS | {"refund": nothing}))
    assert read.legs == Legs(100_000, 0)
    less = {"amount": -1, "currency": "TRY"}
    body = raw({"reason": "as agreed", **LEGS, "refund": less})
    found = wrong(schemas.DecisionBody, body)
    assert found == {"refund.amount": "greater_than_equal"}


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("reason", MISSING, "missing"),
        ("reason", "", "string_pattern_mismatch"),
        ("reason", "x" * 121, "string_pattern_mismatch"),
        ("reason", "a\nline", "string_pattern_mismatch"),
        ("version", 0, "greater_than_equal"),
        ("version", "7", "int_type"),
        ("version", 7.0, "int_type"),
        ("version", True, "int_type"),
        ("settlement", "", "string_pattern_mismatch"),
        ("settlement", "two words", "string_pattern_mismatch"),
        ("settlement", "x" * 257, "string_pattern_mismatch"),
        ("settlement", 7, "string_type"),
        ("xact_id", "", "string_pattern_mismatch"),
        ("xact_id", "x" * 101, "string_pattern_mismatch"),
        ("xact_id", "ş", "string_pattern_mismatch"),
        ("done", "yes", "bool_type"),
        ("done", 1, "bool_type"),
        ("word", "resume", "extra_forbidden"),
    ],
)
def test_a_bad_field_of_a_decision_is_named(
    path: str, value: object, kind: str
) -> None:
    body = raw(changed({"reason": "as agreed"}, path, value))
    assert wrong(schemas.DecisionBody, body) == {path: kind}


@pytest.mark.parametrize("reason", QueueReason)
def test_every_human_queue_can_be_asked_for_by_its_name(reason: QueueReason) -> None:
    assert schemas.queue_asked(reason, "50") == Asked((reason,), 50)


def test_without_a_name_all_human_queues_are_meant() -> None:
    assert schemas.queue_asked("", "1") == Asked(tuple(QueueReason), 1)
    assert schemas.queue_asked("", "100").limit == 100


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "+1", "1.0", "ten", "", " 1", "1e1"]
)
def test_a_bad_limit_of_a_queue_is_named(limit: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        schemas.queue_asked("", limit)
    assert refused.value.problems == (FieldProblem("limit", "not_listed"),)


@pytest.mark.parametrize("limit", ["9" * 5_000, "²", "٣", "1\n"])
def test_a_limit_that_is_no_number_of_ours_is_refused(limit: str) -> None:
    with pytest.raises(InvalidRequest):
        schemas.queue_asked("", limit)


@pytest.mark.parametrize("reason", ["nobody", "DRIFT", "drift,chargeback", " drift"])
def test_a_queue_that_does_not_exist_is_named(reason: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        schemas.queue_asked(reason, "50")
    assert refused.value.problems == (FieldProblem("reason", "not_listed"),)


# ── the comparison ───────────────────────────────────────────────────────────


def test_a_window_is_two_days_or_none() -> None:
    body = raw({"first": "2026-11-20", "last": "2026-11-23"})
    window = schemas.parse(schemas.WindowBody, body, TODAY)
    assert (window.first, window.last) == (date(2026, 11, 20), TODAY)
    assert schemas.parse(schemas.WindowBody, b"", TODAY) == schemas.WindowBody()


@pytest.mark.parametrize(
    "day", ["", "23.11.2026", "2026-11-31", "yesterday", True, [], "2026-11-23T09:00"]
)
def test_what_is_no_day_is_named(day: object) -> None:
    assert list(wrong(schemas.WindowBody, raw({"first": day}))) == ["first"]
    assert list(wrong(schemas.WindowBody, raw({"last": day}))) == ["last"]


def test_a_plan_is_named_by_an_id_of_ours() -> None:
    body = raw({"plan_id": "plan-abc234"})
    assert schemas.parse(schemas.PlanBody, body, TODAY).plan_id == "plan-abc234"


@pytest.mark.parametrize(
    "plan_id",
    [
        "",
        "plan-",
        "plan-ABC",
        "plan-a1",
        "inbox-abc",
        "plan-abc\n",
        "plan-" + "a" * 61,
        7,
    ],
)
def test_what_is_no_plan_of_ours_is_named(plan_id: object) -> None:
    body = raw({"plan_id": plan_id})
    assert list(wrong(schemas.PlanBody, body)) == ["plan_id"]
    assert list(wrong(schemas.PlanBody, b"")) == ["plan_id"]


def test_only_a_listed_word_is_taken() -> None:
    assert schemas.listed("payer", ("payer", "payee"), "as") == "payer"
    for word in ("", "Payer", "operations", "payer,payee"):
        with pytest.raises(InvalidRequest):
            schemas.listed(word, ("payer", "payee"), "as")


# ── bodies that are no JSON object ───────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"order_id=order-1",
        b"<order/>",
        b"\xff\xfe",
        b'{"order_id": NaN}',
        b'{"amount": Infinity}',
        b'{"round": ' + b"9" * 5_000 + b"}",
        b'{"a":' * 3_000,
        b"[" * 16_000,
        b"{} {}",
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_a_body_that_is_not_one_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        schemas.parse(schemas.CreateBody, body, TODAY)


@pytest.mark.parametrize(
    "body",
    [b'{"round": 1, "round": 1}', b'{"amount": {"round": 1, "round": 2}}'],
)
def test_a_doubled_field_is_named(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        schemas.parse(schemas.CreateBody, body, TODAY)
    assert refused.value.problems == (FieldProblem("round", "doubled"),)


@pytest.mark.parametrize("is_base64", [False, True])
def test_a_body_over_16_kb_is_refused_before_it_is_parsed(is_base64: bool) -> None:
    def event(raw: bytes) -> dict[str, Any]:
        text = base64.b64encode(raw) if is_base64 else raw
        return {"body": text.decode(), "isBase64Encoded": is_base64}

    most = b"x" * 16 * 1024
    assert raw_body(event(most)) == most
    for large in (most + b"x", most * 4):
        with pytest.raises(BodyTooLarge):
            raw_body(event(large))


def test_bytes_are_counted_not_letters() -> None:
    with pytest.raises(BodyTooLarge):
        raw_body({"body": "ş" * (8 * 1024 + 1), "isBase64Encoded": False})


@pytest.mark.parametrize("text", ["{}", "not base64", "ş", "e30", "e30=e30="])
def test_a_body_that_is_flagged_base64_and_is_not_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        raw_body({"body": text, "isBase64Encoded": True})


# ── nothing is echoed ────────────────────────────────────────────────────────

# Never a plain word: those are shown, because a field must be named.
CANARIES = st.one_of(
    st.from_regex(r"[0-9]{12,19}", fullmatch=True),
    st.from_regex(r"[A-Z][a-z]{3}[0-9][A-Za-z0-9+/]{11,36}", fullmatch=True),
    st.from_regex(r"(sck|tok)_[a-z]+-[0-9a-f]{12,20}", fullmatch=True),
)


def placed(canary: str) -> st.SearchStrategy[Any]:
    """JSON in which the canary stands as value and as key, deep and shallow."""
    leaf = st.sampled_from([canary, [canary], {canary: canary}, None, 1])
    names = st.sampled_from([canary, *START, *START["card"], *ORDER])
    return st.dictionaries(
        names, st.one_of(leaf, st.dictionaries(names, leaf, max_size=6)), max_size=8
    )


@given(
    st.sampled_from(
        [
            schemas.CreateBody,
            schemas.InitiateBody,
            schemas.ShipBody,
            schemas.MoneyBody,
            schemas.DisputeBody,
            schemas.DecisionBody,
            schemas.WindowBody,
            schemas.PlanBody,
            schemas.EmptyBody,
        ]
    ),
    st.data(),
)
def test_no_error_contains_what_was_sent(
    kind: type[schemas.Border], data: st.DataObject
) -> None:
    canary = data.draw(CANARIES)
    body = raw({canary: canary} | data.draw(placed(canary)))
    with pytest.raises(InvalidRequest) as refused:
        schemas.parse(kind, body, TODAY)
    for language in ("en", "tr"):
        told = json.dumps(problems.body(refused.value, language, "request-1"))
        assert canary not in told
    assert canary not in f"{refused.value!r} {refused.value.__context__!r}"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        schemas.parse(schemas.ShipBody, body, TODAY)
    except InvalidRequest as refused:
        problems.body(refused, "tr", "request-1")
