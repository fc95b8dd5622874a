"""What a caller may get wrong, tried through the real handlers: each gets one clear
problem in the caller's language that names the field and repeats nothing that was sent,
and every item of the table stays as it was. The way back from the bank alone answers
its browser by redirect."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.stage import (
    BACKEND,
    BUYER,
    OPERATIONS,
    OTHER_PAGE,
    RETURN_PAGE,
    SELLER,
    STRANGER,
    Answer,
    Stage,
    Started,
    Who,
    order,
    payment,
)

BODY_MAX_BYTES = 16 * 1024
ABSENT = object()
CVC = "9137"
NUMBER = "4532 7153 3790 1245"
PARCEL = {"carrier": "Kargo", "tracking_number": "TR-1"}
OBJECTION = {"reason": "broken glass"}
REASON: dict[str, Any] = {"reason": "as agreed"}
SEEN = REASON | {"version": 1}
DECISION = REASON | {
    "release": {"amount": 100_000, "currency": "TRY"},
    "refund": {"amount": 30_000, "currency": "TRY"},
}
KEY = {"Idempotency-Key": "confirm-1"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNKNOWN_ID = "a" * 26
UNKNOWN_CALLBACK = "inbox-" + "a" * 52
ALL = "escrow:create escrow:read escrow:pay escrow:ship delivery:confirm operations"


@contextmanager
def nothing_changes(stage: Stage) -> Iterator[None]:
    before = {item["id"]["S"]: item for item in stage.items()}
    yield
    assert {item["id"]["S"]: item for item in stage.items()} == before


def is_problem(answer: Answer, status: int, code: str, *fields: str) -> None:
    """One RFC 9457 problem, naming exactly these fields."""
    body = answer.body
    assert (answer.status, body["status"], body["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Content-Language"] == "en"
    assert body["type"].endswith(code)
    assert body["title"]
    assert body["detail"]
    assert body["request_id"]
    wrong = body.get("errors", [])
    assert tuple(sorted({one["field"] for one in wrong})) == fields
    assert all(one["problem"] and one["text"] for one in wrong)


def refused(
    stage: Stage, status: int, code: str, *fields: str, **request: Any
) -> Answer:
    with nothing_changes(stage):
        answer = stage.call("POST", **request)
    is_problem(answer, status, code, *fields)
    return answer


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one field, named by its path, set or taken away."""
    name, _, rest = path.partition(".")
    if rest:
        return {**body, name: changed(body.get(name, {}), rest, value)}
    kept = {key: kept for key, kept in body.items() if key != name}
    return kept if value is ABSENT else {**kept, name: value}


# ── registering ──────────────────────────────────────────────────────────────


def full_order() -> dict[str, Any]:
    fee = {"amount": 1_000, "currency": "TRY"}
    return order("order-1", fee=fee, policy={"claim_days": 7}, round=1)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("order_id", [ABSENT, None, 7, "", "a b", "x" * 65, "a\n", ["a"], {}]),
        ("note", ["a field that nobody knows"]),
        ("amount", [ABSENT, None, 130_000, "130000", []]),
        ("amount.amount", [ABSENT, None, "130000", "1.300,00", 1300.5, 130_000.0]),
        ("amount.amount", [True, -1, 0, 10_000_000_001, 10**30, [1], {"a": 1}]),
        ("amount.currency", [ABSENT, None, "USD", "EUR", "try", "TL", "", 949]),
        ("amount.vat", [0]),
        ("payer", [ABSENT, None, "buyer-1"]),
        ("payer.id", [ABSENT, None, 1, "", "ayşe", "x" * 129]),
        ("payer.name", ["Ayşe"]),
        ("payee.id", [ABSENT, BUYER[0], "a b"]),
        ("payee.paynet_agent_id", [7, "", "x" * 11, "a-b"]),
        ("fee.amount", [-1, 130_000, 1.5, "1"]),
        ("fee.currency", ["USD", ABSENT]),
        ("policy.claim_days", [0, 61, "7", 7.0, None]),
        ("policy.version", [2]),
        ("policy.at_ship_by", ["release", "queue", "", None, 7]),
        ("policy.at_claim", ["release", "refund", "REVIEW"]),
        ("policy.at_inspection", ["refund", "queue", True]),
        ("policy.dispute_days", [0, 31, "3"]),
        ("policy.remind_hours", [0, 169]),
        ("policy", [{"hold_limit_days": 16}, {"ship_within_days": 60}, [], "short"]),
        ("round", [0, -1, 100, "1", 1.0, True, None, 2]),
    ],
)
def test_a_wrong_field_of_an_order_is_named(
    stage: Stage, field: str, values: list[Any]
) -> None:
    for value in values:
        body = changed(full_order(), field, value)
        refused(stage, 422, "invalid_request", field, path="/api/escrows", body=body)


@pytest.mark.parametrize("number", ["1e309", "-1e309", "1e5", "1300.0", "-0"])
def test_an_amount_in_an_odd_notation_is_refused(stage: Stage, number: str) -> None:
    raw = json.dumps(full_order()).replace("130000", number, 1).encode()
    refused(
        stage, 422, "invalid_request", "amount.amount", path="/api/escrows", raw=raw
    )


def test_every_wrong_field_is_named_at_once(stage: Stage) -> None:
    body = changed(changed(full_order(), "order_id", 7), "amount.currency", "USD")
    fields = ("amount.currency", "order_id")
    refused(stage, 422, "invalid_request", *fields, path="/api/escrows", body=body)


def test_another_order_under_a_known_id_is_refused(stage: Stage) -> None:
    stage.create("order-1")
    body = changed(order("order-1"), "amount.amount", 1)
    refused(stage, 409, "order_exists", path="/api/escrows", body=body, who=BACKEND)


def test_a_list_as_nobody_is_refused(stage: Stage) -> None:
    answer = stage.call("GET", "/api/escrows?as=operations")
    is_problem(answer, 422, "invalid_request", "as")


# ── the card ─────────────────────────────────────────────────────────────────


def card_payment() -> dict[str, Any]:
    body = changed(payment(NUMBER), "card.cvc", CVC)
    return changed(body, "card.holder", "Nermin Kanarya")


def last_month(stage: Stage) -> dict[str, int]:
    day = stage.clock().replace(day=1) - timedelta(days=1)
    return {"expiry_month": day.month, "expiry_year": day.year}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("card", [ABSENT, None, NUMBER, [NUMBER]]),
        ("card.number", [ABSENT, None, 4532715337901245, "", "4532715337901242"]),
        ("card.number", ["4532 7153 379", "4532-7153-3790-1245", "4" * 20, "x" * 16]),
        ("card.number", ["٤٥٣٢٧١٥٣٣٧٩٠١٢٤٥", "4532715337901245\n"]),
        ("card.cvc", [ABSENT, None, 913, "91", "91374", "91a", "٩١٣", "", " 913"]),
        ("card.expiry_month", [ABSENT, None, 0, 13, "12", 12.0, -1, True]),
        ("card.expiry_year", [ABSENT, None, 30, "2030", 1999, 2100, 2030.0, 20_300]),
        ("card.holder", [ABSENT, None, "", "x", "x" * 51, 7]),
        ("card.pan", [NUMBER]),
        ("amount", [1]),
        ("return_to", [ABSENT, None, 7, "", "https://evil.example/", "javascript:1"]),
        ("return_to", [RETURN_PAGE + "/", RETURN_PAGE + "?a=1", OTHER_PAGE.upper()]),
        ("prefer", ["popup", None, 1]),
    ],
)
def test_a_wrong_field_of_a_payment_is_named_and_never_repeated(
    stage: Stage, field: str, values: list[Any]
) -> None:
    path = f"/api/escrows/{stage.create()}/3d"
    for value in values:
        body = changed(card_payment(), field, value)
        answer = refused(stage, 422, "invalid_request", field, path=path, body=body)
        repeats_nothing(answer, body, value)
    assert stage.paynet.traffic.visits() == []


def repeats_nothing(answer: Answer, body: dict[str, Any], value: Any) -> None:
    told = dict(answer.body)
    del told["request_id"]  # random: may hold any four digits
    text = json.dumps(told, ensure_ascii=False)
    card = body.get("card")
    secrets = [*card.values()] if isinstance(card, dict) else []
    for secret in map(str, [*secrets, value]):
        assert len(secret) < 4 or secret not in text


def test_an_expired_card_is_refused(stage: Stage) -> None:
    body = card_payment()
    body["card"] |= last_month(stage)
    path = f"/api/escrows/{stage.create()}/3d"
    refused(stage, 422, "invalid_request", "card.expiry_year", path=path, body=body)


def test_a_card_that_expires_this_month_is_good(stage: Stage) -> None:
    now = stage.clock()
    body = card_payment()
    body["card"] |= {"expiry_month": now.month, "expiry_year": now.year}
    path = f"/api/escrows/{stage.create()}/3d"
    assert stage.call("POST", path, body).status == 201


def test_a_field_named_like_a_card_is_not_repeated(stage: Stage) -> None:
    body = changed(card_payment(), f"card.{NUMBER}", "x")
    path = f"/api/escrows/{stage.create()}/3d"
    answer = refused(
        stage, 422, "invalid_request", "card.(unknown)", path=path, body=body
    )
    assert NUMBER not in answer.text


# ── bodies ───────────────────────────────────────────────────────────────────

NOT_JSON = [
    b"{",
    b"[]",
    b"null",
    b"7",
    b'"text"',
    b"order_id=1&amount=2",
    b"{'order_id': 1}",
    b'{"order_id": 1,}',
    b"{} {}",
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": "\xff"}',
    b'{"a": "\xc3"}',
    b"[" * 9_000,
    b'{"a":' * 2_500,
    b'{"a": ' + b"9" * 9_000 + b"}",
]


def json_routes(escrow_id: str) -> list[tuple[str, Who, dict[str, str]]]:
    """Every route that reads JSON, with a caller who may."""
    own = f"/api/escrows/{escrow_id}"
    return [
        ("/api/escrows", BACKEND, {}),
        (f"{own}/3d", BUYER, {}),
        (f"{own}/ship", SELLER, {}),
        (f"{own}/deliver", BUYER, {}),
        (f"{own}/release", BUYER, KEY),
        (f"{own}/refund", SELLER, KEY),
        (f"{own}/cancel", BUYER, {}),
        (f"{own}/dispute", BUYER, {}),
        (f"{own}/withdraw_dispute", BUYER, {}),
        (f"/api/operations/escrows/{escrow_id}/resolve_dispute", OPERATIONS, KEY),
        (f"/api/operations/escrows/{escrow_id}/resume", OPERATIONS, {}),
        (f"/api/operations/inbox/{UNKNOWN_CALLBACK}/replay", OPERATIONS, {}),
    ]


def test_a_body_that_is_not_one_json_object_is_refused(stage: Stage) -> None:
    for path, who, headers in json_routes(stage.held()):
        for raw in NOT_JSON:
            how = {"path": path, "raw": raw, "who": who, "headers": headers}
            refused(stage, 400, "not_json", **how)


def test_a_doubled_field_is_named(stage: Stage) -> None:
    for path, who, headers in json_routes(stage.held()):
        for raw in (b'{"cvc": 1, "cvc": 1}', b'{"card": {"cvc": "1", "cvc": "2"}}'):
            how = {"path": path, "raw": raw, "who": who, "headers": headers}
            refused(stage, 422, "invalid_request", "cvc", **how)


def test_all_that_is_wrong_with_a_card_is_said_at_once(stage: Stage) -> None:
    body = payment()
    body["card"] |= {"expiry_month": 1, "expiry_year": 2020, "cvc": "12"}
    path = f"/api/escrows/{stage.create()}/3d"
    wrong = ("card.cvc", "card.expiry_year")
    refused(stage, 422, "invalid_request", *wrong, path=path, body=body)


def test_a_body_over_16_kb_is_refused(stage: Stage) -> None:
    raw = b" " * BODY_MAX_BYTES + b"{}"
    for path, who, headers in json_routes(stage.held()):
        how = {"path": path, "who": who, "headers": headers}
        refused(stage, 413, "body_too_large", raw=raw, **how)
        refused(stage, 413, "body_too_large", raw=raw * 5, **how)


def test_a_field_that_nobody_knows_is_named_on_every_route(stage: Stage) -> None:
    bodies = [order(), payment(), PARCEL, {}, {}, {}, {}, OBJECTION, {}, DECISION]
    routes = json_routes(stage.held())
    for (path, who, headers), body in zip(routes, [*bodies, REASON, {}], strict=True):
        how = {"path": path, "who": who, "headers": headers}
        wrong = {**body, "surprise": 1}
        refused(stage, 422, "invalid_request", "surprise", body=wrong, **how)


def test_text_that_is_no_unicode_is_a_wrong_field(stage: Stage) -> None:
    raw = json.dumps(changed(full_order(), "order_id", "\ud800")).encode()
    refused(stage, 422, "invalid_request", "order_id", path="/api/escrows", raw=raw)
    raw = json.dumps(changed(full_order(), "\ud800", 1)).encode()
    refused(stage, 422, "invalid_request", "(unknown)", path="/api/escrows", raw=raw)


@pytest.mark.parametrize(
    "text", ["not base64", "e30", base64.b64encode(b"\xff\x00").decode(), "ü"]
)
def test_a_body_that_is_called_base64_and_is_not_json_inside_is_refused(
    stage: Stage, text: str
) -> None:
    event, route = stage.event("POST", "/api/escrows", order(), who=BACKEND)
    with nothing_changes(stage):
        answer = stage.handle(
            route.function, {**event, "body": text, "isBase64Encoded": True}
        )
    is_problem(answer, 400, "not_json")


def test_a_body_in_base64_is_read_as_what_it_is(stage: Stage) -> None:
    event, route = stage.event("POST", "/api/escrows", order(), who=BACKEND)
    coded = base64.b64encode(event["body"].encode()).decode()
    event |= {"body": coded, "isBase64Encoded": True}
    assert stage.handle(route.function, event).status == 201


def test_base64_that_is_not_called_so_is_not_json(stage: Stage) -> None:
    raw = base64.b64encode(json.dumps(order()).encode())
    refused(stage, 400, "not_json", path="/api/escrows", raw=raw)


def test_a_missing_body_misses_every_field(stage: Stage) -> None:
    event, route = stage.event("POST", "/api/escrows", who=BACKEND)
    event.pop("body", None)
    with nothing_changes(stage):
        answer = stage.handle(route.function, event)
    fields = ("amount", "order_id", "payee", "payer")
    is_problem(answer, 422, "invalid_request", *fields)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("carrier", [ABSENT, None, 7, "", "x" * 65, "a\nb", "\x00"]),
        ("tracking_number", [ABSENT, "", "a\tb", ["TR-1"]]),
    ],
)
def test_a_wrong_field_of_a_parcel_is_named(
    stage: Stage, field: str, values: list[Any]
) -> None:
    path = f"/api/escrows/{stage.held()}/ship"
    for value in values:
        body = changed(PARCEL, field, value)
        how = {"path": path, "body": body, "who": SELLER}
        refused(stage, 422, "invalid_request", field, **how)


BAD_KEYS = [None, "", "a b", "x" * 65, "a/b", '"quoted"']


def once(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Idempotency-Key": key}


@pytest.mark.parametrize(("word", "who"), [("release", BUYER), ("refund", SELLER)])
def test_money_moves_only_under_a_good_idempotency_key(
    stage: Stage, word: str, who: Who
) -> None:
    how = {"path": f"/api/escrows/{stage.held()}/{word}", "body": {}, "who": who}
    for key in BAD_KEYS:
        field = "Idempotency-Key"
        refused(stage, 422, "invalid_request", field, headers=once(key), **how)


@pytest.mark.parametrize(("word", "who"), [("release", BUYER), ("refund", SELLER)])
def test_a_key_that_asked_for_something_else_is_refused(
    stage: Stage, word: str, who: Who
) -> None:
    path = f"/api/escrows/{stage.held()}/{word}"
    assert stage.call("POST", path, {}, who=who, headers=KEY).status == 200
    code = "idempotency_key_reused"
    how = {"path": path, "who": who, "headers": KEY}
    for other in (lira(1), {"reason": "another one"}):
        refused(stage, 422, code, "Idempotency-Key", body=other, **how)


def lira(minor: Any, currency: str = "TRY") -> dict[str, Any]:
    return {"amount": {"amount": minor, "currency": currency}}


@pytest.mark.parametrize(("word", "who"), [("release", BUYER), ("refund", SELLER)])
def test_a_wrong_amount_or_reason_is_named(stage: Stage, word: str, who: Who) -> None:
    how = {"path": f"/api/escrows/{stage.held()}/{word}", "who": who, "headers": KEY}
    for minor in (0, -1, 1.0, "1", None, True, 10_000_000_001):
        body = lira(minor)
        refused(stage, 422, "invalid_request", "amount.amount", body=body, **how)
    for reason in ("no", "x" * 121, "a\nb", "\x00\x00\x00", 7, ["why"]):
        body = {"reason": reason}
        refused(stage, 422, "invalid_request", "reason", body=body, **how)
    body = lira(1, "USD")
    refused(stage, 422, "invalid_request", "amount.currency", body=body, **how)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("reason", [ABSENT, None, 7, "", "no", "x" * 121, "two\nlines"]),
        ("evidence", [None, "photo-1", [f"photo-{n}" for n in range(11)], {}]),
        ("evidence.(unknown)", [["a b"], [""], ["x" * 65], [7], ["photo-1", None]]),
        ("number", [1]),
    ],
)
def test_a_wrong_field_of_a_dispute_is_named(
    stage: Stage, field: str, values: list[Any]
) -> None:
    escrow_id = stage.held()
    stage.call("POST", f"/api/escrows/{escrow_id}/ship", PARCEL, who=SELLER)
    for value in values:
        body = changed(OBJECTION, field.partition(".")[0], value)
        path = f"/api/escrows/{escrow_id}/dispute"
        refused(stage, 422, "invalid_request", field, path=path, body=body)


@pytest.mark.parametrize(
    "word", ["Release", "pay", "send_refund", "retake", "3D", "%2e"]
)
def test_a_word_that_is_no_action_is_an_unknown_escrow(stage: Stage, word: str) -> None:
    """The rows of the machine that no person asks for are no words of a path."""
    event, route = stage.event(
        "POST", f"/api/escrows/{stage.held()}/cancel", {}, who=BUYER
    )
    event["rawPath"] = event["rawPath"].replace("/cancel", f"/{word}")
    event["requestContext"]["http"]["path"] = event["rawPath"]
    with nothing_changes(stage):
        answer = stage.handle(route.function, event)
    is_problem(answer, 404, "escrow_not_found")


# ── what operations decide ───────────────────────────────────────────────────


def disputed(stage: Stage) -> str:
    """Where every decision of operations would find something to decide."""
    escrow_id = stage.held()
    stage.call("POST", f"/api/escrows/{escrow_id}/ship", PARCEL, who=SELLER)
    answer = stage.call("POST", f"/api/escrows/{escrow_id}/dispute", OBJECTION)
    assert answer.body["status"] == "disputed"
    return escrow_id


def decision(escrow_id: str, word: str, **more: Any) -> dict[str, Any]:
    path = f"/api/operations/escrows/{escrow_id}/{word}"
    return {"path": path, "who": OPERATIONS, "headers": KEY, "body": DECISION} | more


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("reason", [ABSENT, None, "", "no", "x" * 121, "a\nb", 7]),
        ("release", [ABSENT, None, 100_000, []]),
        ("release.amount", [ABSENT, -1, 1.0, "1", True]),
        ("refund", [ABSENT]),
        ("refund.currency", ["USD", "", None]),
        ("version", [0, "7", 7.0, True]),
        ("settlement", ["", "a b", "x" * 257, 7]),
        ("xact_id", ["", "x" * 101, "ş"]),
        ("done", ["yes", 1]),
        ("amount", [1]),
    ],
)
def test_a_wrong_field_of_a_decision_is_named(
    stage: Stage, field: str, values: list[Any]
) -> None:
    escrow_id = disputed(stage)
    for value in values:
        body = changed(DECISION, field, value)
        how = decision(escrow_id, "resolve_dispute", body=body)
        refused(stage, 422, "invalid_request", field, **how)


@pytest.mark.parametrize("word", ["resolve_dispute", "settle_review"])
def test_a_decision_over_money_needs_a_good_idempotency_key(
    stage: Stage, word: str
) -> None:
    escrow_id = disputed(stage)
    for key in BAD_KEYS:
        how = decision(escrow_id, word, headers=once(key))
        refused(stage, 422, "invalid_request", "Idempotency-Key", **how)


def test_a_key_that_decided_something_else_is_refused(stage: Stage) -> None:
    escrow_id = disputed(stage)
    how = decision(escrow_id, "resolve_dispute")
    assert stage.call("POST", **how).status == 200
    with nothing_changes(stage):
        assert stage.call("POST", **how).status == 200
    zero = {"amount": 0, "currency": "TRY"}
    all_of_it = {"amount": 130_000, "currency": "TRY"}
    how["body"] = REASON | {"release": zero, "refund": all_of_it}
    refused(stage, 422, "idempotency_key_reused", "Idempotency-Key", **how)


@pytest.mark.parametrize(
    ("word", "field"),
    [
        ("withdraw_settlement", "settlement"),
        ("answer_surplus", "settlement"),
        ("refund_capture", "xact_id"),
        ("reject_dispute", "version"),
        ("acknowledge", "version"),
    ],
)
def test_a_part_that_a_decision_needs_is_named(
    stage: Stage, word: str, field: str
) -> None:
    body = REASON if field == "version" else SEEN
    how = decision(disputed(stage), word, body=body)
    refused(stage, 422, "invalid_request", field, **how)


@pytest.mark.parametrize(
    "word", ["release", "cancel", "escalate", "Resume", "acknowledge2", "resume "]
)
def test_a_word_that_is_no_decision_changes_nothing(stage: Stage, word: str) -> None:
    how = decision(disputed(stage), "resume")
    event, route = stage.event("POST", how["path"], DECISION, who=OPERATIONS)
    event["rawPath"] = event["rawPath"].replace("/resume", f"/{word}")
    event["requestContext"]["http"]["path"] = event["rawPath"]
    with nothing_changes(stage):
        answer = stage.handle(route.function, event)
    is_problem(answer, 404, "escrow_not_found")


@pytest.mark.parametrize("ahead", [-1, 1])
def test_a_decision_about_another_version_than_now_is_409(
    stage: Stage, ahead: int
) -> None:
    """It changed since somebody looked."""
    escrow_id = disputed(stage)
    version = stage.escrow(escrow_id).version
    body = REASON | {"version": version + ahead}
    how = decision(escrow_id, "reject_dispute", body=body)
    answer = refused(stage, 409, "not_allowed_now", **how)
    assert answer.body["reason"] == "version_differs"
    assert answer.body["escrow"]["version"] == version


@pytest.mark.parametrize("party", [BUYER, SELLER], ids=lambda who: who[0])
def test_operations_who_are_a_party_decide_nothing_here(
    stage: Stage, party: Who
) -> None:
    """Whatever else their token says."""
    escrow_id = disputed(stage)
    for word in ("resolve_dispute", "reject_dispute", "open_chargeback", "acknowledge"):
        version = stage.escrow(escrow_id).version
        body = DECISION | {"version": version}
        how = decision(escrow_id, word, body=body, who=(party[0], ALL))
        refused(stage, 403, "not_your_action", **how)
    queue = stage.call("GET", "/api/operations/queue", who=(party[0], ALL))
    assert (queue.status, queue.body) == (200, {"waiting": []})


def test_a_decision_about_nobodys_escrow_is_404(stage: Stage) -> None:
    for id_ in (UNKNOWN_ID, "short", "inbox-a", "A" * 26):
        how = decision(id_, "acknowledge", body=SEEN)
        refused(stage, 404, "escrow_not_found", **how)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=-1", "limit"),
        (f"limit={'9' * 5_000}", "limit"),
        ("reason=nobody", "reason"),
        ("reason=drift,chargeback", "reason"),
        ("reason=Drift", "reason"),
    ],
)
def test_a_wrong_question_about_the_queue_is_named(
    stage: Stage, query: str, field: str
) -> None:
    answer = stage.call("GET", f"/api/operations/queue?{query}", who=OPERATIONS)
    is_problem(answer, 422, "invalid_request", field)


@pytest.mark.parametrize("word", ["replay", "close"])
def test_a_callback_that_waits_for_nobody_is_404(stage: Stage, word: str) -> None:
    stage.callback("x")
    [received] = stage.inbox()
    ids = [received["id"]["S"], UNKNOWN_CALLBACK, "inbox-a", UNKNOWN_ID, stage.held()]
    for id_ in ids:
        path = f"/api/operations/inbox/{id_}/{word}"
        how = {"path": path, "body": {}, "who": OPERATIONS}
        refused(stage, 404, "callback_not_found", **how)


def test_an_unknown_answer_to_a_callback_changes_nothing(stage: Stage) -> None:
    path = f"/api/operations/inbox/{UNKNOWN_CALLBACK}/apply"
    answer = stage.call("POST", path, {}, who=OPERATIONS)
    is_problem(answer, 404, "escrow_not_found")


# ── languages ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "language", "word"),
    [
        ("tr-TR,tr;q=0.9,en;q=0.8", "tr", "eksik"),
        ("en-US", "en", "is missing"),
        ("de", "en", "is missing"),
        ("", "en", "is missing"),
    ],
)
def test_an_error_speaks_the_callers_language(
    stage: Stage, asked: str, language: str, word: str
) -> None:
    headers = {"Accept-Language": asked}
    answer = stage.call("POST", "/api/escrows", {}, who=BACKEND, headers=headers)
    assert answer.headers["Content-Language"] == language
    assert {one["text"] for one in answer.body["errors"]} == {word}


# ── escrows of others, and of nobody ─────────────────────────────────────────

GOOD_REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("POST", "/3d", payment()),
    ("POST", "/ship", PARCEL),
    ("POST", "/deliver", {}),
    ("POST", "/release", {}),
    ("POST", "/refund", {}),
    ("POST", "/cancel", {}),
    ("POST", "/dispute", OBJECTION),
    ("POST", "/withdraw_dispute", {}),
    ("GET", "/statement", None),
]


@pytest.mark.parametrize(("method", "way", "body"), GOOD_REQUESTS)
def test_someone_elses_escrow_is_answered_like_an_unknown_one(
    stage: Stage, method: str, way: str, body: Any
) -> None:
    def asked(id_: str) -> Answer:
        path = f"/api/escrows/{id_}{way}"
        return stage.call(method, path, body, who=STRANGER, headers=KEY)

    ids = [stage.held(), UNKNOWN_ID, "short", "A" * 26, "a" * 27, "inbox-a"]
    with nothing_changes(stage):
        answers = [asked(id_) for id_ in ids]
    for answer in answers:
        is_problem(answer, 404, "escrow_not_found")
    same = [{**answer.body, "request_id": ""} for answer in answers]
    assert all(body == same[0] for body in same)
    assert stage.paynet.traffic.most_at_once("/v2/transaction/tds_initial") <= 1


@pytest.mark.parametrize("id_", ['a"b', "a\\b", "a#b", "\x00", "💳", "a?b"])
def test_an_id_in_odd_characters_is_an_unknown_one(stage: Stage, id_: str) -> None:
    path = f"/api/escrows/{id_}"
    event, route = stage.event("GET", f"/api/escrows/{UNKNOWN_ID}")
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["pathParameters"] = {"escrow_id": id_}
    is_problem(stage.handle(route.function, event), 404, "escrow_not_found")


# ── the way back from the bank ───────────────────────────────────────────────


def came_back(stage: Stage, path: str, raw: bytes) -> str:
    """Where the browser is sent; nothing may change."""
    with nothing_changes(stage):
        answer = stage.call("POST", path, raw=raw, headers=FORM)
    assert answer.status == 303
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.text == ""
    return answer.headers["Location"]


def way_back(started: Started) -> tuple[str, dict[str, str]]:
    form = started.at_bank()
    return form.action.removeprefix("https://pay.example"), form.fields


def posted(fields: dict[str, str]) -> bytes:
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def test_a_wrong_path_leads_to_the_default_page_and_says_nothing(
    stage: Stage,
) -> None:
    path, fields = way_back(stage.initiate(stage.create()))
    escrow_id, number, state = path.split("/")[-3:]
    other = stage.create()
    for wrong in [
        (escrow_id, number, "a" * len(state)),
        (escrow_id, number, state[:-1]),
        (escrow_id, number, state.upper()),
        (escrow_id, number, "ü"),
        (escrow_id, "2", state),
        (escrow_id, "0", state),
        (escrow_id, "-1", state),
        (escrow_id, "01", state),
        (escrow_id, "9" * 400, state),
        (escrow_id, "x", state),
        (other, number, state),
        (UNKNOWN_ID, number, state),
        ("A" * 3_000, number, state),
    ]:
        where = came_back(stage, "/api/3d/return/" + "/".join(wrong), posted(fields))
        assert where == RETURN_PAGE
    assert stage.paynet.books.taken_minor(stage.escrow(escrow_id).order_id) == 0
    assert stage.paynet.traffic.visits("/v2/transaction/tds_charge") == []


def test_a_session_that_is_not_this_attempts_own_charges_nothing(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    path, fields = way_back(stage.initiate(escrow_id))
    _, foreign = way_back(stage.initiate(stage.create()))
    session, token = fields["session_id"], fields["token_id"]
    for raw in [
        posted(foreign),
        posted({**fields, "session_id": foreign["session_id"]}),
        posted({**fields, "session_id": session[:-1]}),
        posted({**fields, "session_id": session + "x"}),
        posted({**fields, "session_id": "x" * 101}),
        posted({**fields, "token_id": token * 50}),
        posted(fields) + b"&session_id=another",
        posted(fields) + b"&token_id=another",
        b"session_id=%FF&token_id=%FF",
        b'{"session_id": "x", "token_id": "y"}',
    ]:
        where = came_back(stage, path, raw)
        assert where == f"{RETURN_PAGE}?escrow={escrow_id}"
    assert stage.paynet.traffic.visits("/v2/transaction/tds_charge") == []


def test_a_session_that_is_no_unicode_is_not_ours(stage: Stage) -> None:
    escrow_id = stage.create()
    path, _ = way_back(stage.initiate(escrow_id))
    where = came_back(stage, path, b'{"session_id": "\\ud800", "token_id": "y"}')
    assert where == f"{RETURN_PAGE}?escrow={escrow_id}"


def test_a_superseded_session_charges_nothing(stage: Stage) -> None:
    escrow_id = stage.create()
    path, fields = way_back(stage.initiate(escrow_id))
    stage.initiate(escrow_id)
    where = came_back(stage, path, posted(fields))
    assert where == f"{RETURN_PAGE}?escrow={escrow_id}"
    assert stage.paynet.traffic.visits("/v2/transaction/tds_charge") == []


def test_an_expired_session_charges_nothing(stage: Stage) -> None:
    escrow_id = stage.create()
    path, fields = way_back(stage.initiate(escrow_id))
    stage.reconcile(minutes=31)
    assert stage.escrow(escrow_id).status == "created"
    came_back(stage, path, posted(fields))
    assert stage.paynet.traffic.visits("/v2/transaction/tds_charge") == []


def test_a_used_session_charges_nothing_more(stage: Stage) -> None:
    escrow_id = stage.create()
    path, fields = way_back(stage.initiate(escrow_id))
    stage.call("POST", path, raw=posted(fields), headers=FORM)
    assert stage.escrow(escrow_id).status == "held"
    for raw in [
        posted(fields),
        b"",
        b"message=no",
        posted({**fields, "token_id": "x"}),
    ]:
        came_back(stage, path, raw)
    assert len(stage.paynet.traffic.visits("/v2/transaction/tds_charge")) == 1


def test_a_return_too_large_or_unreadable_changes_nothing(stage: Stage) -> None:
    path, fields = way_back(stage.initiate(stage.create()))
    came_back(stage, path, posted({**fields, "more": "x" * 2 * BODY_MAX_BYTES}))
    came_back(stage, path, posted({**fields, "more": "x" * BODY_MAX_BYTES}))
    event, route = stage.event("POST", path, raw=posted(fields), headers=FORM)
    event |= {"body": "not base64", "isBase64Encoded": True}
    with nothing_changes(stage):
        assert stage.handle(route.function, event).status == 303


def test_a_return_without_an_id_of_ours_is_refused_before_any_read(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    way = f"1/{'a' * 32}"
    event, route = stage.event("POST", f"/api/3d/return/{UNKNOWN_ID}/{way}", raw=b"a=1")
    for id_ in ["", "inbox-abc", "A" * 3_000, "\x00"]:
        event["pathParameters"] = {**event["pathParameters"], "escrow_id": id_}
        answer = stage.handle(route.function, event)
        assert (answer.status, answer.headers["Location"]) == (303, RETURN_PAGE)
    assert {record.message for record in caplog.records} == {"returned"}


# ── callbacks ────────────────────────────────────────────────────────────────

CALLBACK = "/api/webhooks/paynet-callback"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-paynet-timestamp": "0", "x-paynet-signature": "0" * 64},
        {"x-paynet-timestamp": "soon", "x-paynet-signature": "0" * 64},
        {"x-paynet-timestamp": "9" * 40, "x-paynet-signature": ""},
        {"x-paynet-timestamp": "-1", "x-paynet-signature": "ü"},
    ],
)
def test_a_callback_that_does_not_pass_the_gate_leaves_nothing(
    stage: Stage, headers: dict[str, str]
) -> None:
    event, route = stage.event("POST", CALLBACK, {"reference_no": "x"})
    event["headers"] |= headers
    with nothing_changes(stage):
        answer = stage.handle(route.function, event)
    is_problem(answer, 401, "callback_refused")


@pytest.mark.parametrize("surplus", [1, BODY_MAX_BYTES, 4 * BODY_MAX_BYTES])
def test_a_callback_over_16_kb_is_refused_before_it_is_read(
    stage: Stage, surplus: int
) -> None:
    raw = b"x" * (BODY_MAX_BYTES + surplus)
    for path in (CALLBACK, f"{CALLBACK}/{UNKNOWN_ID}/{'a' * 16}/{'a' * 32}"):
        refused(stage, 413, "body_too_large", path=path, raw=raw)


@pytest.mark.parametrize(
    ("id_", "status", "code"),
    [
        (UNKNOWN_ID, 401, "callback_refused"),
        ("short", 404, "escrow_not_found"),
        ("inbox-" + "a" * 52, 404, "escrow_not_found"),
    ],
)
def test_a_callback_of_no_order_of_ours_leaves_nothing(
    stage: Stage, id_: str, status: int, code: str
) -> None:
    for subject, secret in (("a" * 16, "a" * 32), ("x", "x"), ("ü", "ş" * 3_000)):
        path = f"{CALLBACK}/{id_}/{subject}/{secret}"
        refused(stage, status, code, path=path, raw=b'{"code": 0}')
