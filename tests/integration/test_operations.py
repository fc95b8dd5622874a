"""What operations see and decide, over the API: the human queues, disputes, reviews,
chargebacks, callbacks. Never a party, always with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from emanet import ledger
from emanet.escrow import Escrow
from tests.integration.test_refunds import act
from tests.stage import (
    AMOUNT_MINOR,
    BUYER,
    OPERATIONS,
    SELLER,
    Answer,
    Stage,
    Who,
)

CROOKED = (BUYER[0], "escrow:read operations")


def decide(
    stage: Stage, escrow_id: str, word: str, who: Who = OPERATIONS, **said: Any
) -> Answer:
    path = f"/api/operations/escrows/{escrow_id}/{word}"
    seen = {"version": stage.escrow(escrow_id).version}
    body = {"reason": "looked into it", **seen, **said}
    return stage.call("POST", path, body, who=who, headers={"Idempotency-Key": "d"})


def legs(release_minor: int, refund_minor: int) -> dict[str, Any]:
    return {
        "release": {"amount": release_minor, "currency": "TRY"},
        "refund": {"amount": refund_minor, "currency": "TRY"},
    }


def queue(stage: Stage, reason: str = "") -> list[dict[str, Any]]:
    path = "/api/operations/queue"
    path += f"?reason={reason}" if reason else ""
    answer = stage.call("GET", path, who=OPERATIONS)
    assert answer.status == 200, answer.text
    waiting: list[dict[str, Any]] = answer.body["waiting"]
    return waiting


def disputed(stage: Stage) -> str:
    escrow_id = stage.held()
    act(stage, escrow_id, "ship", SELLER, carrier="Kargo", tracking_number="1")
    answer = act(
        stage,
        escrow_id,
        "dispute",
        BUYER,
        reason="not as described",
        evidence=["photo-1"],
    )
    assert answer.body["status"] == "disputed", answer.text
    return escrow_id


def rested(stage: Stage, escrow_id: str, **later: float) -> Escrow:
    """After everything due was done; its books are right."""
    stage.reconcile_until_quiet(**later)
    escrow = stage.escrow(escrow_id)
    assert set(ledger.trial_balance(ledger.postings(escrow)).values()) <= {0}
    return escrow


# ── the queue ────────────────────────────────────────────────────────────────


def test_the_queue_says_how_long_how_much_why_and_what_may_be_done(
    stage: Stage,
) -> None:
    escrow_id = disputed(stage)
    stage.later(hours=2)
    (line,) = queue(stage)
    assert (line["id"], line["reason"]) == (escrow_id, "dispute_open")
    assert line["amount"] == {"amount": AMOUNT_MINOR, "currency": "TRY"}
    assert 7_200 <= line["age_s"] < 7_260
    assert {"resolve_dispute", "reject_dispute"} <= set(line["allowed_actions"])


def test_who_waits_longest_comes_first_and_a_reason_picks_a_queue(
    stage: Stage,
) -> None:
    first = disputed(stage)
    stage.later(minutes=1)
    second = stage.held()
    decide(stage, second, "open_chargeback")
    assert [line["id"] for line in queue(stage)] == [first, second]
    assert [line["id"] for line in queue(stage, "chargeback")] == [second]


def test_an_unknown_queue_is_named(stage: Stage) -> None:
    path = "/api/operations/queue?reason=nonsense"
    answer = stage.call("GET", path, who=OPERATIONS)
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "reason")


def test_a_party_sees_and_decides_no_case_of_its_own(stage: Stage) -> None:
    escrow_id = disputed(stage)
    answer = stage.call("GET", "/api/operations/queue", who=CROOKED)
    assert answer.body["waiting"] == []
    denied = decide(stage, escrow_id, "resolve_dispute", CROOKED, **legs(0, 130_000))
    assert denied.status == 403
    assert stage.escrow(escrow_id).status == "disputed"


# ── disputes ─────────────────────────────────────────────────────────────────


def test_a_dispute_is_split_exactly(stage: Stage) -> None:
    escrow_id = disputed(stage)
    stage.later(days=1)
    answer = decide(stage, escrow_id, "resolve_dispute", **legs(100_001, 29_999))
    assert answer.body["status"] == "held", answer.text
    escrow = rested(stage, escrow_id)
    assert escrow.status == "split"
    assert (escrow.balances.released, escrow.balances.refunded) == (100_001, 29_999)


@pytest.mark.parametrize("parts", [(100_000, 30_001), (1, 1), (0, 0)])
def test_legs_sum_to_what_is_held(stage: Stage, parts: tuple[int, int]) -> None:
    escrow_id = disputed(stage)
    answer = decide(stage, escrow_id, "resolve_dispute", **legs(*parts))
    assert (answer.status, answer.body["reason"]) == (409, "legs_do_not_sum")
    assert answer.body["escrow"]["status"] == "disputed"


def test_a_decision_is_made_once(stage: Stage) -> None:
    escrow_id = disputed(stage)
    first = decide(stage, escrow_id, "resolve_dispute", **legs(AMOUNT_MINOR, 0))
    again = decide(stage, escrow_id, "resolve_dispute", **legs(AMOUNT_MINOR, 0))
    other = decide(stage, escrow_id, "resolve_dispute", **legs(0, AMOUNT_MINOR))
    assert (first.status, again.status) == (200, 200)
    assert first.body["version"] == again.body["version"]
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("how", ["reject", "withdraw"])
def test_after_a_dispute_the_clocks_have_what_they_had_left(
    stage: Stage, how: str
) -> None:
    escrow_id = disputed(stage)
    before = stage.escrow(escrow_id)
    stage.later(days=2)
    if how == "reject":
        decide(stage, escrow_id, "reject_dispute")
    else:
        act(stage, escrow_id, "withdraw_dispute", BUYER)
    after = stage.escrow(escrow_id)
    assert after.status == "held"
    assert before.stopped_at is not None
    for name in ("claim_by", "hold_until"):
        left = getattr(before.deadlines, name) - before.stopped_at
        assert getattr(after.deadlines, name) - after.history[-1].at == left


def test_a_dispute_that_nobody_answers_escalates(stage: Stage) -> None:
    escrow_id = disputed(stage)
    rested(stage, escrow_id, days=3)
    assert [line["reason"] for line in queue(stage)] == ["dispute_overdue"]


def test_one_dispute_at_a_time(stage: Stage) -> None:
    escrow_id = disputed(stage)
    another = act(stage, escrow_id, "dispute", BUYER, reason="another one")
    assert (another.status, another.body["escrow"]["status"]) == (409, "disputed")


def test_a_suspended_refund_goes_on_after_the_dispute(stage: Stage) -> None:
    escrow_id = stage.held()
    part = {"amount": 30_000, "currency": "TRY"}
    act(stage, escrow_id, "ship", SELLER, carrier="Kargo", tracking_number="1")
    act(stage, escrow_id, "refund", SELLER, amount=part)
    act(stage, escrow_id, "dispute", BUYER, reason="not as described")
    assert stage.escrow(escrow_id).settlements[0].status == "suspended"
    stage.reconcile(days=1)
    assert stage.escrow(escrow_id).balances.refunded == 0
    decide(stage, escrow_id, "reject_dispute")
    assert rested(stage, escrow_id).balances.refunded == 30_000


def test_a_decision_is_about_what_was_looked_at(stage: Stage) -> None:
    """A retry must not hit the next dispute, unread."""
    escrow_id = disputed(stage)
    seen = stage.escrow(escrow_id).version
    decide(stage, escrow_id, "reject_dispute", version=seen)
    act(stage, escrow_id, "dispute", BUYER, reason="another one")
    again = decide(stage, escrow_id, "reject_dispute", version=seen)
    assert (again.status, again.body["reason"]) == (409, "version_differs")
    assert stage.escrow(escrow_id).status == "disputed"


# ── settlements ──────────────────────────────────────────────────────────────


def test_operations_take_back_what_was_not_sent(stage: Stage) -> None:
    escrow_id = stage.held()
    part = {"amount": 30_000, "currency": "TRY"}
    act(stage, escrow_id, "refund", SELLER, amount=part)
    key = f"payee:{SELLER[0]}/k"
    answer = decide(stage, escrow_id, "withdraw_settlement", settlement=key)
    assert answer.body["settlements"][0]["status"] == "withdrawn", answer.text
    assert stage.escrow(escrow_id).available_minor == AMOUNT_MINOR


def test_a_withdrawn_refund_of_the_clock_is_not_scheduled_again(stage: Stage) -> None:
    """Only the hold limit runs on."""
    escrow_id = stage.held()
    stage.reconcile(days=7)
    key = "ship-deadline/1"
    assert decide(stage, escrow_id, "withdraw_settlement", settlement=key).status == 200
    rested(stage, escrow_id, days=7)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, len(escrow.settlements)) == ("held", 1)
    assert rested(stage, escrow_id, days=60).review_reason == "hold_limit"


# ── review ───────────────────────────────────────────────────────────────────


def limit_over(stage: Stage) -> str:
    policy = {"at_ship_by": "review"}
    escrow_id = stage.held(policy=policy)
    assert rested(stage, escrow_id, days=7).status == "review"
    return escrow_id


def test_held_money_in_review_is_decided(stage: Stage) -> None:
    escrow_id = limit_over(stage)
    answer = decide(stage, escrow_id, "settle_review", **legs(30_000, 100_000))
    assert answer.status == 200, answer.text
    escrow = rested(stage, escrow_id)
    assert (escrow.status, escrow.queue_reason) == ("split", None)


def test_a_mismatch_is_accepted_and_the_amount_corrected(stage: Stage) -> None:
    escrow_id = stage.create()
    started = stage.initiate(escrow_id)
    form = started.at_bank()
    stage.paynet.faults.add(
        "rewrite", "/v2/transaction/tds_charge", fields={"amount": 1}
    )
    stage.come_back(form)
    assert stage.escrow(escrow_id).status == "review"
    answer = decide(stage, escrow_id, "accept_mismatch")
    assert (answer.status, answer.body["amount"]["amount"]) == (200, 100)
    assert rested(stage, escrow_id).status == "held"


def test_a_mismatch_is_refunded_and_the_order_payable_again(stage: Stage) -> None:
    escrow_id = stage.create()
    started = stage.initiate(escrow_id)
    form = started.at_bank()
    other = {"amount": AMOUNT_MINOR // 100 + 1}
    stage.paynet.faults.add("rewrite", "/v2/transaction/tds_charge", fields=other)
    stage.come_back(form)
    funding = stage.paynet.books.find(reference_no=started.reference_no)[0]
    stage.paynet.books.alter(funding.xact_id, amount_minor=AMOUNT_MINOR + 100)
    assert decide(stage, escrow_id, "refund_mismatch").status == 200
    escrow = rested(stage, escrow_id)
    assert (escrow.status, escrow.balances.captured) == ("created", 0)
    assert stage.paynet.books.taken_minor(started.reference_no) == 0
    stage.pay(escrow_id)
    assert stage.escrow(escrow_id).status == "held"


# ── chargebacks ──────────────────────────────────────────────────────────────


def test_a_chargeback_that_is_won_restores_what_was_there(stage: Stage) -> None:
    escrow_id = disputed(stage)
    decide(stage, escrow_id, "open_chargeback")
    assert stage.escrow(escrow_id).status == "review"
    decide(stage, escrow_id, "win_chargeback")
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.queue_reason) == ("disputed", "dispute_open")


def test_a_chargeback_that_is_lost_takes_what_is_held(stage: Stage) -> None:
    escrow_id = stage.held()
    act(
        stage, escrow_id, "release", BUYER, amount={"amount": 30_000, "currency": "TRY"}
    )
    decide(stage, escrow_id, "open_chargeback")
    decide(stage, escrow_id, "lose_chargeback")
    escrow = rested(stage, escrow_id)
    assert (escrow.status, escrow.balances.charged_back) == ("split", 100_000)
    assert escrow.chargeback is not None
    assert escrow.chargeback.loss_minor == 30_000


def test_a_chargeback_of_a_closed_escrow_is_a_loss(stage: Stage) -> None:
    escrow_id = stage.held()
    act(stage, escrow_id, "release", BUYER)
    decide(stage, escrow_id, "open_chargeback")
    decide(stage, escrow_id, "lose_chargeback")
    escrow = rested(stage, escrow_id)
    accounts = ledger.balances(ledger.postings(escrow))["TRY"]
    assert (escrow.status, accounts["chargeback_loss"]) == ("released", AMOUNT_MINOR)


def test_a_chargeback_waits_for_the_refund_under_way(stage: Stage) -> None:
    escrow_id = stage.held()
    stage.paynet.settings.refunds = "manual"
    act(stage, escrow_id, "cancel", BUYER)
    stage.reconcile(seconds=1)
    assert decide(stage, escrow_id, "open_chargeback").body["status"] == "refunding"
    assert decide(stage, escrow_id, "lose_chargeback").body["status"] == "refunding"
    (refund,) = stage.paynet.books.refunds()
    stage.paynet.books.decide_refund(refund.number, approve=True)
    assert rested(stage, escrow_id, minutes=5).status == "refunded"


# ── callbacks ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("word", "waiting"), [("close", 0), ("replay", 0)])
def test_a_callback_of_nobody_is_answered_by_a_person(
    stage: Stage, word: str, waiting: int
) -> None:
    stage.callback("aaaaaaaaaaaaaaaaaaaaaaaaaa-1-aaaaaa")
    for _ in range(14):
        stage.reconcile(hours=6)
    (line,) = queue(stage)
    assert (line["reason"], line["kind"]) == ("callback_unmatched", "callback")
    path = f"/api/operations/inbox/{line['id']}/{word}"
    assert stage.call("POST", path, {}, who=OPERATIONS).status == 200
    assert len(queue(stage)) == waiting
    assert stage.call("POST", path, {}, who=OPERATIONS).status == 404


def test_a_party_answers_no_callback_about_its_own_case(stage: Stage) -> None:
    escrow_id = stage.held()
    stage.callback(f"{escrow_id}-9-aaaaaa")  # an attempt that never was
    for _ in range(14):
        stage.reconcile(hours=6)
    (line,) = queue(stage, "callback_unmatched")
    path = f"/api/operations/inbox/{line['id']}/close"
    assert stage.call("POST", path, {}, who=CROOKED).status == 404
    seen = stage.call("GET", "/api/operations/queue", who=CROOKED).body["waiting"]
    assert seen == []


def test_the_hold_limit_is_left_by_a_decision_however_late(stage: Stage) -> None:
    escrow_id = stage.held()
    act(stage, escrow_id, "ship", SELLER, carrier="Kargo", tracking_number="1")
    rested(stage, escrow_id, days=61)
    assert stage.escrow(escrow_id).review_reason == "hold_limit"
    stage.later(hours=5)
    decide(stage, escrow_id, "settle_review", **legs(0, AMOUNT_MINOR))
    assert rested(stage, escrow_id).status == "refunded"


def test_a_part_that_went_back_in_paynets_panel_is_booked(stage: Stage) -> None:
    """As docs/operations.md says: deny, order exactly that part, confirm, go on."""
    escrow_id = stage.held()
    stage.later(days=1)
    funding = stage.escrow(escrow_id).funding
    assert funding is not None
    stage.paynet.books.reverse(funding[1].xact_id, 10_000)
    act(stage, escrow_id, "cancel", BUYER)
    assert rested(stage, escrow_id).unknown is not None
    decide(stage, escrow_id, "deny_unknown")
    decide(stage, escrow_id, "resume")
    part = {"amount": 10_000, "currency": "TRY"}
    act(stage, escrow_id, "refund", OPERATIONS, reason="went back", amount=part)
    assert rested(stage, escrow_id).unknown is not None
    decide(stage, escrow_id, "confirm_unknown")
    decide(stage, escrow_id, "resume")
    path = f"/api/escrows/{escrow_id}/refund"
    rest = {"reason": "the rest"}
    stage.call("POST", path, rest, who=OPERATIONS, headers={"Idempotency-Key": "r"})
    escrow = rested(stage, escrow_id)
    assert (escrow.status, escrow.balances.refunded) == ("refunded", AMOUNT_MINOR)
    references = [attempt.reference_no for attempt in escrow.attempts]
    given_back = sum(map(stage.paynet.books.refunded_minor, references))
    assert given_back == AMOUNT_MINOR


# ── flags ────────────────────────────────────────────────────────────────────


def test_a_flag_is_acknowledged(stage: Stage) -> None:
    escrow_id = stage.held()
    act(stage, escrow_id, "ship", SELLER, carrier="Kargo", tracking_number="1")
    rested(stage, escrow_id, days=7)
    assert [line["reason"] for line in queue(stage)] == ["delivery_unconfirmed"]
    assert decide(stage, escrow_id, "acknowledge").status == 200
    assert queue(stage) == []
    assert stage.escrow(escrow_id).deadlines.hold_until is not None
