"""functions/escrows: registered, read, shipped, delivered, released; by whom and how
often. Whatever is refused leaves the item as it was, to the byte."""

from __future__ import annotations

from typing import Any

import pytest

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
        BUYER: ["deliver", "release"],
        SELLER: ["ship"],
        OPERATIONS: ["deliver"],
    }


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
    assert answer.body["next"]["what"] == "delivery_unconfirmed"
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
    [({}, "missing"), ({"Idempotency-Key": "two words"}, "pattern")],
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


@pytest.mark.parametrize("amount_minor", [AMOUNT_MINOR - 1, AMOUNT_MINOR + 1])
def test_a_release_of_another_amount_than_is_held_is_409(
    stage: Stage, amount_minor: int
) -> None:
    escrow_id = stage.held()
    before = stage.item(escrow_id)
    seen = {"amount": {"amount": amount_minor, "currency": "TRY"}}
    answer = post(stage, escrow_id, "release", seen, BUYER)
    assert (answer.status, answer.body["reason"]) == (409, "amount_differs")
    assert stage.item(escrow_id) == before


def test_a_release_of_the_amount_that_is_held_is_done(stage: Stage) -> None:
    seen = {"amount": {"amount": AMOUNT_MINOR, "currency": "TRY"}}
    answer = post(stage, stage.held(), "release", seen, BUYER)
    assert (answer.status, answer.body["status"]) == (200, "released")


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
    ("release", {}, OPERATIONS),
    ("release", {}, CARRIER),
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
