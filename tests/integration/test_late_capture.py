"""Captures that come to light late: one funds what is still unpaid, waits while another
charge is undecided, and goes back by itself, whole and once, beside what is paid or
closed. Never ignored, and never a change of what is settled. What cannot go back stands
in the human queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from emanet.errors import Superseded
from emanet.escrow import Capture, CaptureStatus
from emanet.paynet.client import PaynetGateway
from emanet.ports import Card, Session
from emanet.usecases.access import Caller
from emanet.usecases.initiate_3d import initiate_3d
from emanet.usecases.starting import Payment, Start
from tests.stage import (
    AMOUNT_MINOR,
    BASE_URL,
    BUYER,
    GOOD_CARD,
    OPERATIONS,
    RETURN_PAGE,
    SELLER,
    Stage,
    Started,
)

LOST_AFTER = "4000000000000051"
LOST_BEFORE = "4000000000000069"
DECLINED = "4000000000000010"
BANK_REFUSES = "4000000000000036"
REFUND = "/v1/transaction/reversed_request"


class Interrupted(PaynetGateway):
    """A session is opened, and something happens before we hear of it."""

    meanwhile: Callable[[], None]

    def open_session(self, *order: Any, **more: Any) -> Session:
        session = super().open_session(*order, **more)
        self.meanwhile()
        return session


def comes_to_light(stage: Stage, started: Started) -> None:
    """PAYNET took money for this attempt after all, and says so."""
    stage.paynet.books.plant(started.reference_no, AMOUNT_MINOR)
    answer = stage.callback(started.reference_no)
    assert answer.status == 200
    assert stage.reconcile(seconds=1).failures == []


def abandoned(stage: Stage, escrow_id: str) -> Started:
    """An attempt that the bank refused: closed, and the order payable again."""
    return stage.pay(escrow_id, BANK_REFUSES)


def capture_words(stage: Stage, escrow_id: str) -> list[list[str]]:
    """What each attempt's captures mean."""
    attempts = stage.escrow(escrow_id).attempts
    return [[str(c.status) for c in a.captures] for a in attempts]


def must_be_held_once(stage: Stage, escrow_id: str) -> None:
    balances = stage.escrow(escrow_id).balances
    assert stage.escrow(escrow_id).status == "held"
    assert (balances.captured, balances.held) == (AMOUNT_MINOR, AMOUNT_MINOR)


def surplus(stage: Stage, escrow_id: str) -> list[Capture]:
    """What was taken besides the payment."""
    captures = stage.escrow(escrow_id).captures
    return [c for c in captures if c.status is CaptureStatus.SURPLUS]


def must_go_back(stage: Stage, escrow_id: str) -> None:
    """Each surplus capture whole and once, by its own transaction; nothing else moves,
    and nobody is asked to look."""
    before = stage.escrow(escrow_id)
    must_not_be_queued(stage, escrow_id)
    assert surplus(stage, escrow_id)
    stage.reconcile_until_quiet()
    after = stage.escrow(escrow_id)
    assert (after.status, after.balances) == (before.status, before.balances)
    assert (after.settlements, after.deadlines) == (
        before.settlements,
        before.deadlines,
    )
    for capture in surplus(stage, escrow_id):
        assert capture.refund
        assert (capture.refund.status, capture.refund.amount_minor) == (
            "done",
            capture.amount_minor,
        )
        assert stage.paynet.books.refund_requests(capture.xact_id) == (1, 1)
    must_not_be_queued(stage, escrow_id)
    kept = after.balances.captured - after.balances.refunded
    assert stage.taken_minor(escrow_id) == kept


def must_be_queued(stage: Stage, escrow_id: str) -> None:
    item = stage.item(escrow_id) or {}
    assert item["queue_reason"]["S"] == "late_capture"
    assert "queue_since" in item


def must_not_be_queued(stage: Stage, escrow_id: str) -> None:
    assert "queue_reason" not in (stage.item(escrow_id) or {})


# ── unpaid ──


def test_in_created_it_funds(stage: Stage) -> None:
    escrow_id = stage.create()
    comes_to_light(stage, abandoned(stage, escrow_id))
    must_be_held_once(stage, escrow_id)
    must_not_be_queued(stage, escrow_id)
    assert stage.escrow(escrow_id).history[-1].transition == "fund_late"
    assert stage.taken_minor(escrow_id) == AMOUNT_MINOR


def test_after_a_decline_it_funds(stage: Stage) -> None:
    escrow_id = stage.create()
    comes_to_light(stage, stage.pay(escrow_id, DECLINED))
    must_be_held_once(stage, escrow_id)


def test_without_a_callback_it_is_found_an_hour_after_closing(stage: Stage) -> None:
    escrow_id = stage.create()
    started = stage.pay(escrow_id, LOST_BEFORE)
    stage.reconcile(minutes=16)
    assert stage.escrow(escrow_id).attempts[0].status == "not_paid"
    stage.paynet.books.plant(started.reference_no, AMOUNT_MINOR)
    stage.reconcile(hours=1)
    must_be_held_once(stage, escrow_id)


def test_without_a_callback_it_is_found_a_day_after_closing(stage: Stage) -> None:
    escrow_id = stage.create()
    started = stage.pay(escrow_id, LOST_BEFORE)
    stage.reconcile(minutes=16)
    stage.reconcile(hours=1)
    stage.paynet.books.plant(started.reference_no, AMOUNT_MINOR)
    stage.reconcile(hours=23)
    must_be_held_once(stage, escrow_id)


def test_in_authenticating_it_funds_and_the_open_session_charges_no_more(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    late, live = stage.initiate(escrow_id), stage.initiate(escrow_id)
    form = live.at_bank()
    comes_to_light(stage, late)
    must_be_held_once(stage, escrow_id)
    attempts = stage.escrow(escrow_id).attempts
    assert [a.status for a in attempts] == ["captured", "superseded"]
    before = stage.item(escrow_id)
    assert stage.come_back(form).status == 303
    assert stage.item(escrow_id) == before
    assert stage.taken_minor(escrow_id) == AMOUNT_MINOR


def test_of_the_live_attempt_itself_it_funds_without_a_return(stage: Stage) -> None:
    escrow_id = stage.create()
    comes_to_light(stage, stage.initiate(escrow_id))
    must_be_held_once(stage, escrow_id)


def test_while_a_session_is_opened_it_funds_and_that_session_is_superseded(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    gateway = Interrupted(stage.line)
    gateway.meanwhile = lambda: comes_to_light(stage, late)
    card = Card("Ayşe Yılmaz", GOOD_CARD, 12, 2030, "000")
    with pytest.raises(Superseded):
        initiate_3d(
            Start(escrow_id, RETURN_PAGE, BASE_URL),
            Payment(card),
            Caller(BUYER[0], frozenset({"escrow:pay"})),
            stage.till(gateway),
            stage.clock() + timedelta(seconds=25),
        )
    must_be_held_once(stage, escrow_id)
    attempts = stage.escrow(escrow_id).attempts
    assert [a.status for a in attempts] == ["captured", "superseded"]


# ── charging ──


def test_in_charging_it_waits_and_funds_if_the_other_was_not_paid(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id, LOST_BEFORE)
    comes_to_light(stage, late)
    assert stage.escrow(escrow_id).status == "charging"
    assert capture_words(stage, escrow_id) == [["waiting"], []]
    assert stage.escrow(escrow_id).balances.captured == 0
    stage.reconcile(minutes=16)
    must_be_held_once(stage, escrow_id)
    assert capture_words(stage, escrow_id) == [["funds"], []]
    must_not_be_queued(stage, escrow_id)
    assert stage.taken_minor(escrow_id) == AMOUNT_MINOR


def test_in_charging_it_waits_and_is_surplus_if_the_other_was_captured(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id, LOST_AFTER)
    comes_to_light(stage, late)
    assert stage.escrow(escrow_id).status == "charging"
    stage.reconcile(seconds=21)
    must_be_held_once(stage, escrow_id)
    assert capture_words(stage, escrow_id) == [["surplus"], ["funds"]]
    must_go_back(stage, escrow_id)


def test_of_two_that_wait_one_funds_and_the_other_is_surplus(stage: Stage) -> None:
    escrow_id = stage.create()
    first, second = abandoned(stage, escrow_id), abandoned(stage, escrow_id)
    stage.pay(escrow_id, LOST_BEFORE)
    comes_to_light(stage, second)
    comes_to_light(stage, first)
    assert capture_words(stage, escrow_id) == [["waiting"], ["waiting"], []]
    stage.reconcile(minutes=16)
    must_be_held_once(stage, escrow_id)
    [[one], [other], none] = capture_words(stage, escrow_id)
    assert (sorted((one, other)), none) == (["funds", "surplus"], [])
    must_go_back(stage, escrow_id)


def test_a_capture_of_the_undecided_attempt_itself_decides_it(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    started = stage.pay(escrow_id, LOST_BEFORE)
    comes_to_light(stage, started)
    must_be_held_once(stage, escrow_id)
    assert stage.escrow(escrow_id).history[-1].transition == "capture"


# ── paid or closed ──


def test_on_held_it_is_stored_and_goes_back(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id)
    comes_to_light(stage, late)
    must_be_held_once(stage, escrow_id)
    assert capture_words(stage, escrow_id) == [["surplus"], ["funds"]]
    assert stage.taken_minor(escrow_id) == 2 * AMOUNT_MINOR
    must_go_back(stage, escrow_id)


def test_on_cancelled_it_is_stored_and_goes_back(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    cancelled = stage.call("POST", f"/api/escrows/{escrow_id}/cancel", {})
    assert cancelled.body["status"] == "cancelled"
    comes_to_light(stage, late)
    assert stage.escrow(escrow_id).balances.captured == 0
    must_go_back(stage, escrow_id)


def test_on_disputed_it_is_stored_and_goes_back(stage: Stage) -> None:
    """A dispute stops the payment's money; this was never part of it."""
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id)
    path = f"/api/escrows/{escrow_id}"
    stage.call("POST", f"{path}/deliver", {})
    disputed = stage.call("POST", f"{path}/dispute", {"reason": "broken"})
    assert disputed.body["status"] == "disputed"
    comes_to_light(stage, late)
    [capture] = surplus(stage, escrow_id)
    assert capture.refund
    stage.reconcile_until_quiet()
    [capture] = surplus(stage, escrow_id)
    assert capture.refund
    assert capture.refund.status == "done"
    assert stage.escrow(escrow_id).queue_reason == "dispute_open"


def test_one_that_paynet_does_not_give_back_is_shown_and_not_asked_for_again(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id)
    refused = {"code": 6, "message": "hayır"}
    stage.paynet.faults.add("rewrite", REFUND, fields=refused, times=1)
    comes_to_light(stage, late)
    for _ in range(8):
        stage.reconcile(hours=6)
    must_be_held_once(stage, escrow_id)
    must_be_queued(stage, escrow_id)
    [capture] = surplus(stage, escrow_id)
    assert capture.refund
    assert capture.refund.status == "denied"
    assert len(stage.paynet.traffic.visits(REFUND)) == 1


def test_operations_say_what_became_of_it(stage: Stage) -> None:
    """Not done: it is sent once more. Done: that is the end of it."""
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id)
    stage.paynet.faults.add("rewrite", REFUND, fields={"code": 6}, times=1)
    comes_to_light(stage, late)
    stage.reconcile(seconds=1)
    must_be_queued(stage, escrow_id)
    [capture] = surplus(stage, escrow_id)
    assert capture.refund
    path = f"/api/operations/escrows/{escrow_id}/answer_surplus"
    told: dict[str, Any] = {
        "reason": "asked PAYNET",
        "settlement": capture.refund.key,
        "done": False,
    }
    told["version"] = stage.escrow(escrow_id).version
    assert stage.call("POST", path, told, who=OPERATIONS).status == 200
    must_go_back(stage, escrow_id)


def test_a_second_capture_of_the_same_attempt_is_stored_and_queued(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    comes_to_light(stage, stage.pay(escrow_id))
    must_be_held_once(stage, escrow_id)
    [words] = capture_words(stage, escrow_id)
    assert (len(words), words.count("funds")) == (2, 1)
    assert "queue_reason" in (stage.item(escrow_id) or {})


def test_meanwhile_the_escrow_ships_and_releases_what_it_holds(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id)
    comes_to_light(stage, late)
    path = f"/api/escrows/{escrow_id}"
    parcel = {"carrier": "Kargo", "tracking_number": "TR-1"}
    assert stage.call("POST", f"{path}/ship", parcel, who=SELLER).status == 200
    key = {"Idempotency-Key": "k"}
    released = stage.call("POST", f"{path}/release", {}, who=BUYER, headers=key)
    assert released.body["released"]["amount"] == AMOUNT_MINOR
    must_go_back(stage, escrow_id)


def test_on_released_it_is_stored_and_goes_back(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id)
    key = {"Idempotency-Key": "k"}
    stage.call("POST", f"/api/escrows/{escrow_id}/release", {}, who=BUYER, headers=key)
    before = stage.escrow(escrow_id)
    comes_to_light(stage, late)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.balances) == ("released", before.balances)
    assert capture_words(stage, escrow_id) == [["surplus"], ["funds"]]
    must_go_back(stage, escrow_id)


def test_on_expired_it_is_stored_goes_back_and_reopens_nothing(stage: Stage) -> None:
    escrow_id = stage.create(policy={"pay_within_hours": 1})
    late = abandoned(stage, escrow_id)
    stage.reconcile(hours=1)
    assert stage.escrow(escrow_id).status == "expired"
    comes_to_light(stage, late)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.balances.captured) == ("expired", 0)
    assert capture_words(stage, escrow_id) == [["surplus"]]
    must_go_back(stage, escrow_id)


def test_on_expired_it_is_found_without_a_callback(stage: Stage) -> None:
    escrow_id = stage.create(policy={"pay_within_hours": 1})
    started = stage.pay(escrow_id, LOST_BEFORE)
    stage.reconcile(minutes=16)
    stage.reconcile(minutes=45)
    assert stage.escrow(escrow_id).status == "expired"
    stage.paynet.books.plant(started.reference_no, AMOUNT_MINOR)
    stage.reconcile(minutes=20)
    assert stage.escrow(escrow_id).status == "expired"
    assert capture_words(stage, escrow_id) == [["surplus"]]
    must_go_back(stage, escrow_id)


def test_in_unpaid_review_it_is_stored_and_waits(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id, "4000000000000127")
    before = stage.escrow(escrow_id)
    assert before.status == "review"
    comes_to_light(stage, late)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.balances.captured) == ("review", 0)
    assert capture_words(stage, escrow_id) == [["waiting"], ["mismatched"]]
    assert escrow.queue_reason == before.queue_reason


# ── told twice, or wrongly ──


def test_told_twice_it_is_booked_and_given_back_once(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id)
    comes_to_light(stage, late)
    must_go_back(stage, escrow_id)
    before = stage.item(escrow_id)
    stage.callback(late.reference_no, note="again")
    stage.reconcile_until_quiet(seconds=1)
    assert stage.item(escrow_id) == before


def test_a_late_capture_of_another_amount_never_funds(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.paynet.books.plant(late.reference_no, AMOUNT_MINOR - 1)
    stage.callback(late.reference_no)
    stage.reconcile(seconds=1)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.balances.captured) == ("review", 0)
    assert escrow.queue_reason == "doubtful_capture"
    assert capture_words(stage, escrow_id) == [["mismatched"]]


def test_a_late_capture_that_was_reversed_never_funds(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    row = stage.paynet.books.plant(late.reference_no, AMOUNT_MINOR)
    stage.paynet.books.reverse(row.xact_id)
    stage.callback(late.reference_no)
    stage.reconcile(seconds=1)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.queue_reason) == ("review", "doubtful_capture")
    assert escrow.balances.captured == stage.taken_minor(escrow_id) == 0


def test_held_money_that_was_reversed_is_frozen_for_a_human(stage: Stage) -> None:
    escrow_id = stage.create()
    started = stage.pay(escrow_id)
    [row] = stage.paynet.books.find(reference_no=started.reference_no)
    stage.paynet.books.reverse(row.xact_id)
    stage.callback(started.reference_no)
    stage.reconcile(seconds=1)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.prior_status) == ("review", "held")
    assert escrow.balances.held == AMOUNT_MINOR
    assert escrow.queue_reason == "doubtful_capture"
    key = {"Idempotency-Key": "too-late"}
    path = f"/api/escrows/{escrow_id}/release"
    assert stage.call("POST", path, {}, headers=key).status == 409
