"""Captures that come to light late: one funds what is still unpaid, waits while another
charge is undecided, and stands in the human queue beside what is paid or closed. Never
ignored, and never a change of what is settled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from emanet.errors import Superseded
from emanet.paynet.client import PaynetGateway
from emanet.ports import Card, Session
from emanet.usecases.access import Caller
from emanet.usecases.initiate_3d import Start, initiate_3d
from tests.stage import (
    AMOUNT_MINOR,
    BASE_URL,
    BUYER,
    GOOD_CARD,
    PAYNET_KEY,
    RETURN_PAGE,
    SELLER,
    Stage,
    Started,
)

LOST_AFTER = "4000000000000051"
LOST_BEFORE = "4000000000000069"
DECLINED = "4000000000000010"
BANK_REFUSES = "4000000000000036"


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
    gateway = Interrupted(stage.paynet_url, lambda: PAYNET_KEY, stage.clock)
    gateway.meanwhile = lambda: comes_to_light(stage, late)
    card = Card("Ayşe Yılmaz", GOOD_CARD, 12, 2030, "000")
    with pytest.raises(Superseded):
        initiate_3d(
            Start(escrow_id, card, RETURN_PAGE, BASE_URL),
            Caller(BUYER[0], frozenset({"escrow:pay"})),
            desk=stage.desk,
            gateway=gateway,
            deadline=stage.clock() + timedelta(seconds=25),
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
    must_be_queued(stage, escrow_id)


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
    must_be_queued(stage, escrow_id)


def test_a_capture_of_the_undecided_attempt_itself_decides_it(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    started = stage.pay(escrow_id, LOST_BEFORE)
    comes_to_light(stage, started)
    must_be_held_once(stage, escrow_id)
    assert stage.escrow(escrow_id).history[-1].transition == "capture"


# ── paid or closed ──


def test_on_held_it_is_stored_and_queued(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id)
    comes_to_light(stage, late)
    must_be_held_once(stage, escrow_id)
    assert capture_words(stage, escrow_id) == [["surplus"], ["funds"]]
    must_be_queued(stage, escrow_id)
    assert stage.taken_minor(escrow_id) == 2 * AMOUNT_MINOR


def test_a_second_capture_of_the_same_attempt_is_stored_and_queued(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    comes_to_light(stage, stage.pay(escrow_id))
    must_be_held_once(stage, escrow_id)
    [words] = capture_words(stage, escrow_id)
    assert (len(words), words.count("funds")) == (2, 1)
    assert "queue_reason" in (stage.item(escrow_id) or {})


def test_a_queued_escrow_still_ships_and_releases_what_it_holds(stage: Stage) -> None:
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
    must_be_queued(stage, escrow_id)


def test_on_released_it_is_stored_and_queued(stage: Stage) -> None:
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
    must_be_queued(stage, escrow_id)


def test_on_expired_it_is_stored_and_queued_and_reopens_nothing(stage: Stage) -> None:
    escrow_id = stage.create(policy={"pay_within_hours": 1})
    late = abandoned(stage, escrow_id)
    stage.reconcile(hours=1)
    assert stage.escrow(escrow_id).status == "expired"
    comes_to_light(stage, late)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.balances.captured) == ("expired", 0)
    assert capture_words(stage, escrow_id) == [["surplus"]]
    must_be_queued(stage, escrow_id)


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
    must_be_queued(stage, escrow_id)


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


def test_told_twice_it_is_booked_once(stage: Stage) -> None:
    escrow_id = stage.create()
    late = abandoned(stage, escrow_id)
    stage.pay(escrow_id)
    comes_to_light(stage, late)
    before = stage.item(escrow_id)
    stage.callback(late.reference_no, note="again")
    stage.reconcile(seconds=1)
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
