"""Money that PAYNET took besides the payment goes back whole, by itself, and whatever
becomes of that never changes the escrow's status or sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from emanet import ledger, surplus
from emanet.due import Duty, Moment, due_at, next_moment
from emanet.errors import IllegalTransition
from emanet.escrow import (
    CaptureStatus,
    Escrow,
    Role,
    Settlement,
    SettlementStatus,
    Status,
)
from emanet.outcome import Approved, Doubtful
from tests.unit import every_scene, scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later, step

S = SettlementStatus
PAYNET, CLOCK, OPERATIONS = Role.PAYNET, Role.CLOCK, Role.OPERATIONS
PAID_OR_CLOSED = sorted(
    set(Status)
    - {Status.CREATED, Status.AUTHENTICATING, Status.CHARGING, Status.REVIEW}
)
LATE = scenes.with_surplus(scenes.released())
KEY = scenes.surplus_key(LATE)


def refund(escrow: Escrow) -> Settlement:
    ((_, _, order),) = surplus.refunds(escrow)
    return order


def sent(escrow: Escrow = LATE) -> Escrow:
    key = scenes.surplus_key(escrow)
    return surplus.send(escrow, key, ("old",), "digest", step(CLOCK))


# ── scheduled by itself ──────────────────────────────────────────────────────


@pytest.mark.parametrize("status", PAID_OR_CLOSED)
def test_a_late_capture_of_what_is_paid_or_closed_goes_back_by_itself(
    status: Status,
) -> None:
    """Rule 5: it reserves nothing, is due now, and needs no human yet."""
    before = scenes.in_status(status)
    after = scenes.with_surplus(before)
    assert (after.status, after.balances) == (before.status, before.balances)
    assert after.settlements == before.settlements
    assert after.available_minor == before.available_minor
    assert after.flags == before.flags
    order = refund(after)
    assert (order.status, order.amount_minor) == (S.SCHEDULED, AMOUNT_MINOR)
    assert next_moment(after) == Moment(START, Duty.SETTLE, about=order.key)


def test_its_key_names_the_attempt_and_the_transaction() -> None:
    prefix, number, digest = KEY.split("/")
    assert (prefix, number, len(digest)) == ("late-capture", "1", 12)
    other = scenes.with_surplus(scenes.released(), "xact-other")
    assert scenes.surplus_key(other) != KEY
    assert refund(LATE).is_machines


def test_two_captures_of_two_attempts_that_paynet_left_unnamed_are_two() -> None:
    """PAYNET gives some rows no id: those must not take each other's refund, nor that
    of the payment."""
    unnamed = scenes.capture("unnamed")
    paid = scenes.settled(scenes.charging_again(), 2, Approved(unnamed))
    late = scenes.settled(paid, 1, Approved(unnamed))
    after = sent(late)
    assert after.funding is not None
    assert after.funding[1].refund is None
    assert [order.status for _, _, order in surplus.refunds(after)] == [S.SENT]


def test_one_that_went_back_already_or_has_no_amount_has_no_refund() -> None:
    attempt = scenes.attempt(1)
    gone = replace(scenes.capture(), is_reversed=True)
    unclear = replace(scenes.capture(), amount_minor=None)
    for capture in (gone, unclear):
        back = surplus.going_back(attempt, capture, step(PAYNET))
        assert (back.status, back.refund) == (CaptureStatus.SURPLUS, None)


def test_one_that_has_a_refund_keeps_it() -> None:
    once = surplus.going_back(scenes.attempt(1), scenes.capture(), step(PAYNET))
    twice = surplus.going_back(scenes.attempt(1), once, step(PAYNET, later(days=1)))
    assert twice.refund == once.refund


def test_one_without_an_amount_needs_a_human() -> None:
    unclear = replace(scenes.capture("xact-late"), amount_minor=None)
    after = scenes.settled(scenes.released(), 1, Approved(unclear))
    assert after.queue_reason == "late_capture"


# ── sent and answered ────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", PAID_OR_CLOSED)
def test_it_is_sent_and_proved_in_every_status(status: Status) -> None:
    before = scenes.with_surplus(scenes.in_status(status))
    key = scenes.surplus_key(before)
    took = surplus.accepted(sent(before), key, step(PAYNET))
    assert next_moment(took) is not None
    after = surplus.confirm(took, key, "row-1", step(PAYNET), 9)
    assert (after.status, after.balances) == (before.status, before.balances)
    order = refund(after)
    assert (order.status, order.proof, order.commission_back_minor) == (
        S.DONE,
        "row-1",
        9,
    )
    assert ledger.facts(after).get("suspense", 0) == 0


@pytest.mark.parametrize("escrow", [scenes.releasing(), scenes.refunding()])
def test_it_does_not_count_as_the_one_that_is_sent(escrow: Escrow) -> None:
    after = sent(scenes.with_surplus(escrow))
    assert (after.status, after.sent) == (escrow.status, escrow.sent)


def test_it_is_sent_once() -> None:
    with pytest.raises(IllegalTransition, match="not_scheduled"):
        sent(sent())


@pytest.mark.parametrize("way", [surplus.deny, surplus.doubt], ids=lambda w: w.__name__)
def test_denied_or_unknown_stands_in_the_queue_and_is_never_sent_again(
    way: Callable[..., Escrow],
) -> None:
    after = way(sent(), KEY, "why", step(PAYNET, later(hours=1)))
    assert (after.status, after.queue_reason) == (Status.RELEASED, "late_capture")
    assert after.queue_since == later(hours=1)
    assert due_at(after) is None
    with pytest.raises(IllegalTransition, match="not_scheduled"):
        surplus.send(after, KEY, (), "digest", step(CLOCK))


def test_what_paynet_shows_as_done_before_it_was_sent_is_done() -> None:
    after = surplus.confirm(LATE, KEY, "reversed", step(PAYNET))
    assert (refund(after).status, after.flags) == (S.DONE, ())


DONE = surplus.confirm(sent(), KEY, "row-1", step(PAYNET))
DENIED = surplus.deny(sent(), KEY, "no", step(PAYNET))


def with_another(escrow: Escrow) -> Escrow:
    """A second one is on its way, so that the table alone forbids nothing."""
    return scenes.settled(escrow, 1, Approved(scenes.capture("xact-another")))


@pytest.mark.parametrize("escrow", [DONE, DENIED])
@pytest.mark.parametrize(
    "again",
    [
        lambda e: surplus.accepted(e, KEY, step(PAYNET)),
        lambda e: surplus.confirm(e, KEY, "row-2", step(PAYNET), 9),
        lambda e: surplus.deny(e, KEY, "no", step(PAYNET)),
        lambda e: surplus.doubt(e, KEY, "lost", step(PAYNET)),
    ],
    ids=["accepted", "confirm", "deny", "doubt"],
)
def test_what_has_ended_is_not_answered_again(
    escrow: Escrow, again: Callable[[Escrow], Escrow]
) -> None:
    with pytest.raises(IllegalTransition):
        again(with_another(escrow))


def test_a_key_of_no_surplus_is_refused() -> None:
    with pytest.raises(IllegalTransition, match="no_surplus_refund"):
        surplus.send(LATE, "late-capture/1/nobody", (), "digest", step(CLOCK))


# ── a human's word ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "escrow", [DENIED, surplus.doubt(sent(), KEY, "", step(PAYNET))]
)
def test_a_human_says_that_it_arrived(escrow: Escrow) -> None:
    now = step(OPERATIONS, later(days=1))
    after = surplus.answer(escrow, KEY, "bank slip 7", now, is_done=True)
    assert (refund(after).status, refund(after).proof) == (S.DONE, "bank slip 7")
    assert after.flags == ()


def test_a_human_says_that_it_did_not_and_it_is_sent_once_more() -> None:
    took = surplus.accepted(sent(), KEY, step(PAYNET))
    lost = surplus.doubt(took, KEY, "no_proof", step(PAYNET, later(days=3)))
    again = surplus.answer(
        lost, KEY, "never came", step(OPERATIONS, later(days=4)), is_done=False
    )
    order = refund(again)
    assert (order.status, order.due_at) == (S.SCHEDULED, later(days=4))
    assert (order.sent_at, order.accepted_at, order.proof) == (None, None, "")
    assert again.flags == ()


def test_only_a_denied_or_unknown_one_is_answered_by_a_human() -> None:
    for escrow in (LATE, sent()):
        with pytest.raises(IllegalTransition, match="not_answerable"):
            surplus.answer(escrow, KEY, "", step(OPERATIONS), is_done=True)


# ── a mismatched one, by choice ──────────────────────────────────────────────


@pytest.mark.parametrize("status", PAID_OR_CLOSED)
def test_operations_give_back_what_matched_nothing(status: Status) -> None:
    odd = scenes.with_mismatch(scenes.in_status(status))
    after = surplus.refund_by_choice(odd, "xact-odd", "", step(OPERATIONS))
    assert (after.status, after.balances) == (odd.status, odd.balances)
    assert (refund(after).status, refund(after).amount_minor) == (S.SCHEDULED, 77)
    assert "doubtful_capture" not in {flag.reason for flag in after.flags}


def test_the_queue_is_left_only_when_the_last_of_them_is_decided() -> None:
    two = Doubtful("more", (scenes.capture("xact-o1", 7), scenes.capture("xact-o2", 8)))
    odd = scenes.settled(scenes.released(), 1, two)
    once = surplus.refund_by_choice(odd, "xact-o1", "", step(OPERATIONS))
    assert once.queue_reason == "doubtful_capture"
    both = surplus.refund_by_choice(once, "xact-o2", "", step(OPERATIONS))
    assert both.queue_reason is None


def test_a_review_of_a_doubt_stays_one_when_a_mismatch_goes_back() -> None:
    gone = replace(scenes.capture(), is_reversed=True)
    odd = scenes.with_mismatch(scenes.held())
    frozen = scenes.settled(odd, 2, Doubtful("reversed", (gone,)))
    after = surplus.refund_by_choice(frozen, "xact-odd", "", step(OPERATIONS))
    assert (after.status, after.queue_reason) == (Status.REVIEW, "doubtful_capture")


@pytest.mark.parametrize("xact_id", ["xact-1", "xact-nobody", ""])
def test_only_a_mismatched_capture_is_given_back_by_choice(xact_id: str) -> None:
    odd = scenes.with_mismatch(scenes.held())
    with pytest.raises(IllegalTransition):
        surplus.refund_by_choice(odd, xact_id, "", step(OPERATIONS))


def test_nothing_odd_is_given_back_while_a_charge_is_undecided() -> None:
    """It may turn out to be the payment."""
    charging = every_scene.resumed_charging()
    with pytest.raises(IllegalTransition, match="wrong_status"):
        surplus.refund_by_choice(charging, "xact-odd", "", step(OPERATIONS))
