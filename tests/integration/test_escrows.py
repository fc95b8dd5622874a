"""functions/escrows: registered, read, shipped, delivered, disputed, released,
refunded, cancelled; by whom and how often. Whatever is refused leaves the item as it
was, to the byte."""

from __future__ import annotations

from typing import Any

import pytest

from emanet.reasons import REASONS
from tests.stage import (
    AMOUNT_MINOR,
    BACKEND,
    BUYER,
    CARRIER,
    OPERATIONS,
    SELLER,
    STRANGER,
    Answer,
    Stage,
    Who,
    order,
    payment,
)

PARCEL = {"carrier": "Kargo", "tracking_number": "TR-1"}
OBJECTION = {"reason": "broken glass", "evidence": ["photo-1"]}
MONEY = {"release", "refund"}
WORDS = {"ship", "deliver", "cancel", "dispute", "withdraw_dispute"} | MONEY
KEY = {"Idempotency-Key": "confirm-1"}
NOBODYS = "a" * 26


def post(stage: Stage, escrow_id: str, action: str, body: Any, who: Who) -> Answer:
    path = f"/api/escrows/{escrow_id}/{action}"
    return stage.call("POST", path, body, who=who, headers=KEY)


def without_request_id(answer: Answer) -> dict[str, Any]:
    return {k: v for k, v in answer.body.items() if k != "request_id"}


# ── registered ──


def test_a_registration_answers_201_with_the_escrow(stage: Stage) -> None:
    answer = stage.call("POST", "/api/escrows", order("o-1"), who=BACKEND)
    assert answer.status == 201
    assert answer.body["status"] == "created"
    assert answer.body["escrow_accounts"] == "pending"
    assert answer.body["amount"] == {"amount": AMOUNT_MINOR, "currency": "TRY"}
    assert answer.body["held"] == {"amount": 0, "currency": "TRY"}
    assert (answer.body["version"], answer.body["round"]) == (1, 1)
    assert answer.body["next"]["what"] == "expire"


def test_the_same_registration_again_answers_200_and_changes_nothing(
    stage: Stage,
) -> None:
    first = stage.call("POST", "/api/escrows", order("o-1"), who=BACKEND)
    before = stage.item(first.body["escrow_id"])
    again = stage.call("POST", "/api/escrows", order("o-1"), who=BACKEND)
    assert (again.status, again.body) == (200, first.body)
    assert stage.item(first.body["escrow_id"]) == before


def test_the_same_registration_after_the_payment_answers_with_the_present(
    stage: Stage,
) -> None:
    stage.held(order_id="o-1")
    again = stage.call("POST", "/api/escrows", order("o-1"), who=BACKEND)
    assert (again.status, again.body["status"]) == (200, "held")


@pytest.mark.parametrize(
    "other",
    [
        {"amount": {"amount": AMOUNT_MINOR + 1, "currency": "TRY"}},
        {"payer": {"id": "buyer-2"}},
        {"payee": {"id": "seller-2"}},
        {"fee": {"amount": 100, "currency": "TRY"}},
        {"policy": {"claim_days": 9}},
    ],
)
def test_the_same_order_with_another_body_is_409_and_changes_nothing(
    stage: Stage, other: dict[str, Any]
) -> None:
    escrow_id = stage.create("o-1")
    before = stage.item(escrow_id)
    answer = stage.call("POST", "/api/escrows", order("o-1", **other), who=BACKEND)
    assert (answer.status, answer.body["code"]) == (409, "order_exists")
    assert answer.body["escrow"]["status"] == "created"
    assert stage.items() == [before]


def test_the_id_is_made_of_the_order_and_its_round(stage: Stage) -> None:
    first, other = stage.create("o-1"), stage.create("o-2")
    assert len(first) == len(other) == 26
    assert first != other
    assert stage.create("o-1") == first


def test_a_new_round_needs_the_one_before_to_have_ended_unpaid(stage: Stage) -> None:
    first = stage.create("o-1", policy={"pay_within_hours": 1})
    second = order("o-1", round=2)
    refused = stage.call("POST", "/api/escrows", second, who=BACKEND)
    assert (refused.status, refused.body["code"]) == (409, "previous_round_open")
    stage.reconcile(hours=1)
    assert stage.escrow(first).status == "expired"
    opened = stage.call("POST", "/api/escrows", second, who=BACKEND)
    assert (opened.status, opened.body["round"]) == (201, 2)
    assert opened.body["escrow_id"] != first


def test_a_new_round_of_a_paid_order_is_refused(stage: Stage) -> None:
    stage.held(order_id="o-1")
    answer = stage.call("POST", "/api/escrows", order("o-1", round=2), who=BACKEND)
    assert (answer.status, answer.body["code"]) == (409, "previous_round_open")
    assert len(stage.items()) == 1


def test_a_round_without_one_before_it_names_the_field(stage: Stage) -> None:
    answer = stage.call("POST", "/api/escrows", order("o-1", round=2), who=BACKEND)
    assert answer.status == 422
    assert [wrong["field"] for wrong in answer.body["errors"]] == ["round"]
    assert stage.items() == []


# ── read ──


@pytest.mark.parametrize(("role", "who"), [("payer", BUYER), ("payee", SELLER)])
def test_a_party_lists_its_escrows_newest_first(
    stage: Stage, role: str, who: Who
) -> None:
    ids = [stage.create() for _ in range(3)]
    stage.create(payer={"id": "buyer-2"}, payee={"id": "seller-2"})
    answer = stage.call("GET", f"/api/escrows?as={role}", who=who)
    assert answer.status == 200
    assert [each["escrow_id"] for each in answer.body["escrows"]] == ids[::-1]


def test_who_has_no_escrow_lists_none(stage: Stage) -> None:
    stage.create()
    answer = stage.call("GET", "/api/escrows?as=payer", who=SELLER)
    assert (answer.status, answer.body) == (200, {"escrows": []})


def test_nobody_lists_as_something_else(stage: Stage) -> None:
    answer = stage.call("GET", "/api/escrows?as=operations", who=OPERATIONS)
    assert answer.status == 422
    assert [wrong["field"] for wrong in answer.body["errors"]] == ["as"]


@pytest.mark.parametrize("who", [BUYER, SELLER, OPERATIONS])
def test_parties_and_operations_read_an_escrow(stage: Stage, who: Who) -> None:
    escrow_id = stage.held()
    answer = stage.call("GET", f"/api/escrows/{escrow_id}", who=who)
    assert (answer.status, answer.body["status"]) == (200, "held")
    assert answer.headers["Cache-Control"] == "no-store"


def test_each_party_is_told_what_it_may_do(stage: Stage) -> None:
    path = f"/api/escrows/{stage.held()}"
    allowed = {
        who: stage.call("GET", path, who=who).body["allowed_actions"]
        for who in (BUYER, SELLER, OPERATIONS)
    }
    assert allowed == {
        BUYER: ["cancel", "deliver", "release"],
        SELLER: ["refund", "ship"],
        OPERATIONS: ["deliver", "open_chargeback", "refund", "release"],
    }


@pytest.mark.parametrize("language", ["tr", "en"])
def test_each_party_is_told_what_is_blocked_and_why(
    stage: Stage, language: str
) -> None:
    path = f"/api/escrows/{stage.held()}"
    headers = {"Accept-Language": language}
    shown = stage.call("GET", path, who=BUYER, headers=headers).body
    blocked = {each.pop("action"): each for each in shown["blocked_actions"]}
    text = REASONS["not_shipped"][language == "tr"]
    assert blocked["dispute"] == {"reason": "not_shipped", "text": text}
    assert blocked.keys().isdisjoint(shown["allowed_actions"])


def body_for(word: str, who: Who) -> dict[str, Any]:
    """A body that is right in every field."""
    if word in MONEY:
        return {"reason": "as agreed"} if who is OPERATIONS else {}
    bodies: dict[str, dict[str, Any]] = {"ship": PARCEL, "dispute": OBJECTION}
    return bodies.get(word, {})


@pytest.mark.parametrize("who", [BUYER, SELLER, OPERATIONS], ids=lambda who: who[0])
def test_what_is_offered_succeeds_and_what_is_blocked_does_not(
    stage: Stage, who: Who
) -> None:
    """Each word is the last one of its path."""
    escrow_id = stage.held()
    shown = stage.call("GET", f"/api/escrows/{escrow_id}", who=who).body
    for each in shown["blocked_actions"]:
        word = each["action"]
        if word in WORDS:
            answer = post(stage, escrow_id, word, body_for(word, who), who)
            assert (answer.status, answer.body["reason"]) == (409, each["reason"])
            assert answer.body["reason_text"] == each["text"]
    offered = WORDS.intersection(shown["allowed_actions"])
    assert offered
    for word in sorted(offered):
        answer = post(stage, stage.held(), word, body_for(word, who), who)
        assert answer.status == 200


def test_the_payee_is_not_shown_how_the_payer_tried_to_pay(stage: Stage) -> None:
    path = f"/api/escrows/{stage.held()}"
    assert "attempts" not in stage.call("GET", path, who=SELLER).body
    [attempt] = stage.call("GET", path, who=BUYER).body["attempts"]
    assert attempt["status"] == "captured"


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("GET", "", None),
        ("POST", "/3d", payment()),
        ("POST", "/ship", PARCEL),
        ("POST", "/deliver", {}),
        ("POST", "/release", {}),
        ("POST", "/refund", {}),
        ("POST", "/cancel", {}),
        ("POST", "/dispute", OBJECTION),
        ("POST", "/withdraw_dispute", {}),
    ],
)
def test_anothers_escrow_is_as_absent_as_a_nonexistent_one(
    stage: Stage, method: str, action: str, body: Any
) -> None:
    escrow_id = stage.held()
    before = stage.item(escrow_id)
    anothers, *nobodys = (
        stage.call(
            method, f"/api/escrows/{id_}{action}", body, who=STRANGER, headers=KEY
        )
        for id_ in (escrow_id, NOBODYS, "not-even-an-id")
    )
    assert anothers.status == 404
    for nobody in nobodys:
        assert without_request_id(nobody) == without_request_id(anothers)
        assert (nobody.status, nobody.headers) == (404, anothers.headers)
    assert stage.item(escrow_id) == before


# ── shipped ──


def test_the_payee_ships_and_both_see_the_tracking(stage: Stage) -> None:
    escrow_id = stage.held()
    answer = post(stage, escrow_id, "ship", PARCEL, SELLER)
    assert (answer.status, answer.body["tracking"]) == (200, PARCEL)
    assert answer.body["next"]["what"] == "miss_claim"
    assert answer.body["next"]["about"] == "delivery_unconfirmed"
    seen = stage.call("GET", f"/api/escrows/{escrow_id}", who=BUYER).body
    assert (seen["tracking"], seen["status"]) == (PARCEL, "held")


def test_the_same_parcel_again_changes_nothing(stage: Stage) -> None:
    escrow_id = stage.held()
    first = post(stage, escrow_id, "ship", PARCEL, SELLER)
    again = post(stage, escrow_id, "ship", PARCEL, SELLER)
    assert again.status == 200
    assert again.body["shipped_at"] == first.body["shipped_at"]
    assert again.body["version"] == first.body["version"]


def test_another_parcel_is_409(stage: Stage) -> None:
    escrow_id = stage.held()
    post(stage, escrow_id, "ship", PARCEL, SELLER)
    before = stage.item(escrow_id)
    other = PARCEL | {"tracking_number": "TR-2"}
    answer = post(stage, escrow_id, "ship", other, SELLER)
    assert (answer.status, answer.body["reason"]) == (409, "already_shipped")
    assert stage.item(escrow_id) == before


# ── delivered ──


@pytest.mark.parametrize("who", [BUYER, CARRIER, OPERATIONS])
def test_whoever_saw_it_delivered_says_so(stage: Stage, who: Who) -> None:
    escrow_id = stage.held()
    post(stage, escrow_id, "ship", PARCEL, SELLER)
    assert post(stage, escrow_id, "deliver", {}, who).status == 200
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.delivered_at is None) == ("held", False)
    assert escrow.history[-1].by.endswith(who[0])


def test_the_first_word_about_the_delivery_wins(stage: Stage) -> None:
    escrow_id = stage.held()
    post(stage, escrow_id, "deliver", {}, CARRIER)
    before = stage.item(escrow_id)
    for who in (BUYER, OPERATIONS, CARRIER):
        assert post(stage, escrow_id, "deliver", {}, who).status == 200
    assert stage.item(escrow_id) == before


# ── released ──


def test_the_payers_word_releases_all_that_is_held(stage: Stage) -> None:
    escrow_id = stage.held()
    answer = post(stage, escrow_id, "release", {}, BUYER)
    assert (answer.status, answer.body["status"]) == (200, "released")
    assert answer.body["escrow_accounts"] == "released"
    assert answer.body["released"]["amount"] == AMOUNT_MINOR
    assert answer.body["held"]["amount"] == 0
    assert answer.body["next"] is None
    assert "due_at" not in (stage.item(escrow_id) or {})


def test_a_release_under_the_same_key_is_the_same_release(stage: Stage) -> None:
    escrow_id = stage.held()
    first = post(stage, escrow_id, "release", {}, BUYER)
    before = stage.item(escrow_id)
    again = post(stage, escrow_id, "release", {}, BUYER)
    assert (again.status, again.body) == (200, first.body)
    assert stage.item(escrow_id) == before


def test_the_same_key_with_another_body_is_422(stage: Stage) -> None:
    escrow_id = stage.held()
    post(stage, escrow_id, "release", {}, BUYER)
    seen = {"amount": {"amount": AMOUNT_MINOR, "currency": "TRY"}}
    answer = post(stage, escrow_id, "release", seen, BUYER)
    assert (answer.status, answer.body["code"]) == (422, "idempotency_key_reused")
    assert [wrong["field"] for wrong in answer.body["errors"]] == ["Idempotency-Key"]


def test_a_release_under_another_key_is_409_when_all_is_released(stage: Stage) -> None:
    escrow_id = stage.held()
    post(stage, escrow_id, "release", {}, BUYER)
    path = f"/api/escrows/{escrow_id}/release"
    other = {"Idempotency-Key": "confirm-2"}
    answer = stage.call("POST", path, {}, who=BUYER, headers=other)
    assert (answer.status, answer.body["code"]) == (409, "not_allowed_now")
    assert answer.body["escrow"]["status"] == "released"
    assert stage.escrow(escrow_id).balances.released == AMOUNT_MINOR


@pytest.mark.parametrize(
    ("headers", "problem"),
    [({}, "missing"), ({"Idempotency-Key": "two words"}, "string_pattern_mismatch")],
)
def test_a_release_without_a_good_key_is_422(
    stage: Stage, headers: dict[str, str], problem: str
) -> None:
    escrow_id = stage.held()
    before = stage.item(escrow_id)
    path = f"/api/escrows/{escrow_id}/release"
    answer = stage.call("POST", path, {}, who=BUYER, headers=headers)
    [wrong] = answer.body["errors"]
    assert (answer.status, wrong["field"]) == (422, "Idempotency-Key")
    assert wrong["problem"] == problem
    assert stage.item(escrow_id) == before


def lira(minor: int) -> dict[str, Any]:
    return {"amount": {"amount": minor, "currency": "TRY"}}


def under(stage: Stage, escrow_id: str, key: str, body: Any, who: Who) -> Answer:
    """A release under a key of its own."""
    path = f"/api/escrows/{escrow_id}/release"
    return stage.call("POST", path, body, who=who, headers={"Idempotency-Key": key})


def test_a_release_of_more_than_is_available_is_409(stage: Stage) -> None:
    escrow_id = stage.held()
    before = stage.item(escrow_id)
    answer = post(stage, escrow_id, "release", lira(AMOUNT_MINOR + 1), BUYER)
    assert (answer.status, answer.body["reason"]) == (409, "more_than_available")
    assert stage.item(escrow_id) == before


def test_a_part_is_released_and_the_rest_stays_held(stage: Stage) -> None:
    escrow_id = stage.held()
    answer = post(stage, escrow_id, "release", lira(AMOUNT_MINOR - 1), BUYER)
    assert (answer.status, answer.body["status"]) == (200, "held")
    assert answer.body["released"]["amount"] == AMOUNT_MINOR - 1
    assert answer.body["held"]["amount"] == 1
    two = under(stage, escrow_id, "confirm-2", lira(2), BUYER)
    assert (two.status, two.body["reason"]) == (409, "more_than_available")
    one = under(stage, escrow_id, "confirm-2", lira(1), BUYER)
    assert (one.status, one.body["status"]) == (200, "released")
    assert stage.escrow(escrow_id).balances.released == AMOUNT_MINOR


def test_the_same_key_of_another_person_is_another_key(stage: Stage) -> None:
    escrow_id = stage.held()
    assert under(stage, escrow_id, "k", lira(1), BUYER).status == 200
    said = lira(2) | {"reason": "as agreed"}
    assert under(stage, escrow_id, "k", said, OPERATIONS).status == 200
    assert stage.escrow(escrow_id).balances.released == 3


def test_after_twenty_moves_of_the_parties_only_the_last_of_it_moves(
    stage: Stage,
) -> None:
    escrow_id = stage.held()
    for number in range(19):
        answer = under(stage, escrow_id, f"k{number}", lira(1), BUYER)
        assert answer.status == 200
    before = stage.item(escrow_id)
    part = under(stage, escrow_id, "k19", lira(1), BUYER)
    assert (part.status, part.body["code"]) == (409, "too_many_settlements")
    assert part.body["reason"] == "only_all_is_left"
    assert stage.item(escrow_id) == before
    by_staff = lira(1) | {"reason": "as agreed"}
    assert under(stage, escrow_id, "k", by_staff, OPERATIONS).status == 200
    whole = under(stage, escrow_id, "k19", {}, BUYER)
    assert (whole.status, whole.body["status"]) == (200, "released")


def test_operations_move_money_only_with_a_reason(stage: Stage) -> None:
    escrow_id = stage.held()
    before = stage.item(escrow_id)
    for action in ("release", "refund"):
        answer = post(stage, escrow_id, action, {}, OPERATIONS)
        assert answer.status == 422
        assert [wrong["field"] for wrong in answer.body["errors"]] == ["reason"]
    assert stage.item(escrow_id) == before
    said = {"reason": "buyer never answers"}
    answer = post(stage, escrow_id, "release", said, OPERATIONS)
    assert (answer.status, answer.body["status"]) == (200, "released")
    assert stage.escrow(escrow_id).settlements[0].why == said["reason"]


def test_a_release_of_the_amount_that_is_held_is_done(stage: Stage) -> None:
    seen = {"amount": {"amount": AMOUNT_MINOR, "currency": "TRY"}}
    answer = post(stage, stage.held(), "release", seen, BUYER)
    assert (answer.status, answer.body["status"]) == (200, "released")


# ── refunded, cancelled ──


@pytest.mark.parametrize(
    ("who", "said"), [(SELLER, {}), (OPERATIONS, {"reason": "never arrived"})]
)
def test_a_refund_is_scheduled_and_reserves_its_amount(
    stage: Stage, who: Who, said: dict[str, Any]
) -> None:
    escrow_id = stage.held()
    answer = post(stage, escrow_id, "refund", {**lira(30_000), **said}, who)
    assert (answer.status, answer.body["status"]) == (200, "held")
    [told] = answer.body["settlements"]
    assert (told["kind"], told["status"]) == ("refund", "scheduled")
    assert told["amount"] == {"amount": 30_000, "currency": "TRY"}
    assert stage.escrow(escrow_id).available_minor == AMOUNT_MINOR - 30_000
    more = post(stage, escrow_id, "release", lira(AMOUNT_MINOR - 29_999), BUYER)
    assert (more.status, more.body["reason"]) == (409, "more_than_available")


def test_a_refund_under_the_same_key_is_the_same_refund(stage: Stage) -> None:
    escrow_id = stage.held()
    first = post(stage, escrow_id, "refund", lira(1), SELLER)
    before = stage.item(escrow_id)
    again = post(stage, escrow_id, "refund", lira(1), SELLER)
    assert (again.status, again.body["version"]) == (200, first.body["version"])
    assert stage.item(escrow_id) == before
    other = post(stage, escrow_id, "refund", lira(2), SELLER)
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    assert stage.item(escrow_id) == before


@pytest.mark.parametrize("who", [BUYER, BACKEND, OPERATIONS])
def test_what_is_unpaid_is_given_up(stage: Stage, who: Who) -> None:
    escrow_id = stage.create()
    stage.initiate(escrow_id)
    answer = post(stage, escrow_id, "cancel", {}, who)
    assert (answer.status, answer.body["status"]) == (200, "cancelled")
    assert answer.body["escrow_accounts"] == "failed"
    before = stage.item(escrow_id)
    assert "due_at" not in (before or {})
    assert post(stage, escrow_id, "cancel", {}, who).status == 200
    assert stage.item(escrow_id) == before
    assert stage.call("POST", f"/api/escrows/{escrow_id}/3d", payment()).status == 409


def test_a_cancel_takes_all_of_it_back_until_it_is_shipped(stage: Stage) -> None:
    paid, shipped = stage.held(), stage.held()
    answer = post(stage, paid, "cancel", {}, BUYER)
    assert (answer.status, answer.body["settlements"][0]["kind"]) == (200, "refund")
    before = stage.item(paid)
    assert post(stage, paid, "cancel", {}, BUYER).status == 200
    assert stage.item(paid) == before
    post(stage, shipped, "ship", PARCEL, SELLER)
    refused = post(stage, shipped, "cancel", {}, BUYER)
    assert (refused.status, refused.body["reason"]) == (409, "already_shipped")


@pytest.mark.parametrize("who", [BACKEND, OPERATIONS])
def test_what_is_paid_is_cancelled_by_the_payer_alone(stage: Stage, who: Who) -> None:
    escrow_id = stage.held()
    before = stage.item(escrow_id)
    answer = post(stage, escrow_id, "cancel", {}, who)
    assert (answer.status, answer.body["reason"]) == (409, "wrong_status")
    assert stage.item(escrow_id) == before


# ── disputed ──


def test_a_dispute_freezes_everything_and_says_until_when(stage: Stage) -> None:
    escrow_id = stage.held()
    post(stage, escrow_id, "ship", PARCEL, SELLER)
    answer = post(stage, escrow_id, "dispute", OBJECTION, BUYER)
    assert (answer.status, answer.body["status"]) == (200, "disputed")
    [dispute] = answer.body["disputes"]
    assert (dispute["reason"], dispute["evidence"]) == ("broken glass", ["photo-1"])
    assert answer.body["next"]["what"] == "escalate_dispute"
    assert answer.body["deadlines"]["clocks_stand_since"]
    before = stage.item(escrow_id)
    assert post(stage, escrow_id, "dispute", OBJECTION, BUYER).status == 200
    other = post(stage, escrow_id, "dispute", {"reason": "another"}, BUYER)
    assert (other.status, other.body["escrow"]["status"]) == (409, "disputed")
    for action, who in (("release", BUYER), ("refund", SELLER), ("deliver", BUYER)):
        assert post(stage, escrow_id, action, {}, who).status == 409
    assert stage.item(escrow_id) == before
    gone = post(stage, escrow_id, "withdraw_dispute", {}, BUYER)
    assert (gone.status, gone.body["status"]) == (200, "held")


@pytest.mark.parametrize("action", ["dispute", "withdraw_dispute"])
@pytest.mark.parametrize("who", [SELLER, OPERATIONS, CARRIER])
def test_only_the_payer_objects(stage: Stage, who: Who, action: str) -> None:
    escrow_id = stage.held()
    post(stage, escrow_id, "ship", PARCEL, SELLER)
    before = stage.item(escrow_id)
    body = OBJECTION if action == "dispute" else {}
    answer = post(stage, escrow_id, action, body, who)
    assert (answer.status, answer.body["code"]) == (403, "not_your_action")
    assert stage.item(escrow_id) == before


# ── who may not ──

ALL = "escrow:read escrow:pay escrow:ship delivery:confirm operations"
MIGHTY_SELLER = (SELLER[0], ALL)
MIGHTY_BUYER = (BUYER[0], ALL)


NOT_THEIRS: list[tuple[str, Any, Who]] = [
    ("ship", PARCEL, BUYER),
    ("ship", PARCEL, MIGHTY_BUYER),
    ("ship", PARCEL, OPERATIONS),
    ("ship", PARCEL, CARRIER),
    ("deliver", {}, SELLER),
    ("deliver", {}, MIGHTY_SELLER),
    ("release", {}, SELLER),
    ("release", {}, MIGHTY_SELLER),
    ("release", {}, CARRIER),
    ("refund", {}, BUYER),
    ("refund", {}, MIGHTY_BUYER),
    ("refund", {}, CARRIER),
    ("cancel", {}, SELLER),
    ("cancel", {}, MIGHTY_SELLER),
    ("cancel", {}, CARRIER),
    ("dispute", OBJECTION, MIGHTY_SELLER),
    ("withdraw_dispute", {}, MIGHTY_SELLER),
    ("3d", payment(), SELLER),
    ("3d", payment(), OPERATIONS),
]


def test_what_another_party_decides_is_403_and_changes_nothing(stage: Stage) -> None:
    escrow_id = stage.held()
    before = stage.item(escrow_id)
    for action, body, who in NOT_THEIRS:
        answer = post(stage, escrow_id, action, body, who)
        assert (answer.status, answer.body["code"]) == (403, "not_your_action"), who
    assert stage.item(escrow_id) == before


THEIRS: list[tuple[str, Any, Who]] = [
    ("ship", PARCEL, SELLER),
    ("deliver", {}, BUYER),
    ("deliver", {}, CARRIER),
    ("release", {}, BUYER),
    ("release", {"reason": "as agreed"}, OPERATIONS),
    ("refund", {}, SELLER),
    ("refund", {"reason": "as agreed"}, OPERATIONS),
    ("dispute", OBJECTION, BUYER),
    ("withdraw_dispute", {}, BUYER),
]


@pytest.mark.parametrize("status", ["created", "authenticating", "expired"])
def test_nothing_moves_that_is_not_held(stage: Stage, status: str) -> None:
    escrow_id = stage.create(policy={"pay_within_hours": 1})
    if status == "authenticating":
        stage.initiate(escrow_id)
    if status == "expired":
        stage.reconcile(hours=1)
    before = stage.item(escrow_id)
    for action, body, who in THEIRS:
        answer = post(stage, escrow_id, action, body, who)
        assert (answer.status, answer.body["code"]) == (409, "not_allowed_now")
        assert answer.body["escrow"]["status"] == status
    assert stage.item(escrow_id) == before


# ── callers of other issuers ──


@pytest.mark.parametrize("sub", ["auth0|5f7c8ec7c33c6c004bbafe82", "a" * 128])
def test_a_sub_of_any_issuer_can_pay(stage: Stage, sub: str) -> None:
    escrow_id = stage.create(payer={"id": sub})
    seen = stage.call("GET", f"/api/escrows/{escrow_id}", who=(sub, BUYER[1]))
    assert (seen.status, seen.body["payer"]["id"]) == (200, sub)


@pytest.mark.parametrize("claim", ["scope", "scp"])
@pytest.mark.parametrize(
    "scopes", ["escrow:read operations", "[escrow:read operations]"]
)
def test_scopes_are_read_as_any_issuer_writes_them(
    stage: Stage, claim: str, scopes: str
) -> None:
    path = f"/api/escrows/{stage.create()}"
    event, route = stage.event("GET", path, who=OPERATIONS)
    claims = {"sub": OPERATIONS[0], claim: scopes}
    event["requestContext"]["authorizer"]["jwt"]["claims"] = claims
    assert stage.handle(route.function, event).status == 200


def test_a_token_of_nobody_may_do_nothing(stage: Stage) -> None:
    for path in ("/api/escrows", f"/api/escrows/{stage.create()}"):
        event, route = stage.event("GET", path)
        del event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
        assert stage.handle(route.function, event).status == 403
