"""Doubts: what was seen and cannot be judged, money that went back, and a fee that is
told later. Nothing of it is ever forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from emanet import disputes, guards, settlements, verdicts
from emanet.due import Duty, moments
from emanet.errors import IllegalTransition
from emanet.escrow import (
    CaptureStatus,
    Escrow,
    Role,
    SettlementStatus,
    Status,
)
from emanet.money import Balances
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Outcome, Unknown
from tests.unit import scenes
from tests.unit.scenes import later, settled, step

FIRST, SECOND = 1, 2
OTHER = scenes.capture("xact-other")
DECLINED = Declined("51 insufficient funds")
APPROVED = Approved(scenes.capture("xact-new"))
VERDICT_AT = later(minutes=15)


def captures(escrow: Escrow, number: int) -> dict[str, CaptureStatus]:
    attempt = escrow.attempt(number)
    assert attempt is not None
    return {capture.xact_id: capture.status for capture in attempt.captures}


def verdict(escrow: Escrow, number: int, outcome: Outcome) -> Escrow | None:
    return verdicts.settle(escrow, number, outcome, step(Role.PAYNET, VERDICT_AT))


# ── doubts, and what was seen ────────────────────────────────────────────────


def test_a_decline_heard_by_asking_is_asked_once_more() -> None:
    """The refusal of a repeat may stand in the lists before the first charge does."""
    soon, late = later(seconds=30), later(minutes=2)
    first_hand = settled(scenes.charging(), FIRST, DECLINED, soon)
    by_asking = settled(scenes.charging(), FIRST, DECLINED, late)
    assert first_hand.attempts[-1].ask_at is None
    assert by_asking.attempts[-1].ask_at == late + timedelta(hours=1)


def test_held_money_that_was_reversed_is_frozen_before_it_is_released() -> None:
    gone = replace(scenes.capture(), is_reversed=True)
    for reason in ("reversed", "more_than_one", "field_absent"):
        doubt = Doubtful(reason, (OTHER, gone))
        after = settled(scenes.held(), SECOND, doubt, VERDICT_AT)
        assert (after.status, after.prior_status) == (Status.REVIEW, Status.HELD)
        assert after.balances == scenes.held().balances


def test_a_transaction_is_known_by_either_of_its_ids() -> None:
    known = replace(scenes.capture(), plain_id="7001")
    held = settled(scenes.charging(), FIRST, Approved(known), VERDICT_AT)
    renamed = replace(known, xact_id="xk_spelt_otherwise")
    assert verdict(held, FIRST, Approved(renamed)) is None
    gone = Doubtful("reversed", (replace(renamed, is_reversed=True),))
    assert settled(held, FIRST, gone, VERDICT_AT).status is Status.REVIEW


def test_a_new_capture_is_stored_though_the_same_doubt_was_told_before() -> None:
    third = scenes.capture("xact-third")
    told = settled(scenes.held(), SECOND, Doubtful("more_than_one", (OTHER,)))
    again = Doubtful("more_than_one", (OTHER, third))
    assert "xact-third" in captures(settled(told, SECOND, again), SECOND)


def test_a_success_that_was_seen_is_not_forgotten_when_nobody_lists_it() -> None:
    seen = Unknown("approval_unclear", seen=OTHER)
    charging = settled(scenes.charging(), FIRST, seen, later(seconds=2))
    assert charging.status is Status.CHARGING
    assert verdict(charging, FIRST, seen) is None
    late = later(minutes=16)
    after = settled(charging, FIRST, NotFound(late), late)
    assert (after.status, after.balances) == (Status.REVIEW, Balances())
    held = settled(charging, FIRST, Approved(OTHER), late)
    assert (held.status, len(held.attempts[0].captures)) == (Status.HELD, 1)


def test_a_second_doubt_is_written_even_beside_an_older_place_in_the_queue() -> None:
    queued = scenes.flagged(scenes.released())
    after = settled(queued, SECOND, Doubtful("reversed", (scenes.capture(),)))
    assert after.history[-1].why == "reversed, attempt 2"
    assert [flag.reason for flag in after.flags] == [
        "reconcile_failed",
        "doubtful_capture",
    ]


def test_an_approval_after_a_doubt_is_evidence_not_forgotten() -> None:
    doubted = settled(scenes.charging(), FIRST, Doubtful("field_absent", (OTHER,)))
    after = settled(doubted, FIRST, Approved(OTHER), VERDICT_AT)
    assert after.status is Status.REVIEW
    assert captures(after, FIRST) == {OTHER.xact_id: CaptureStatus.WAITING}


# ── money that went back ─────────────────────────────────────────────────────

GONE = replace(scenes.capture(), is_reversed=True)


@pytest.mark.parametrize(
    "escrow", [scenes.refunding(), scenes.unknown(), scenes.refunded(), scenes.split()]
)
def test_a_reversal_that_we_ordered_is_no_news(escrow: Escrow) -> None:
    assert verdict(escrow, SECOND, Doubtful("reversed", (GONE,))) is None


def test_a_refund_that_was_denied_explains_no_reversal() -> None:
    denied = settlements.deny(scenes.refunding(), "no", step(Role.PAYNET))
    after = settled(denied, SECOND, Doubtful("reversed", (GONE,)))
    assert (after.status, after.review_reason) == (Status.REVIEW, "doubtful_capture")


def test_our_own_refund_hides_no_other_capture() -> None:
    """Rule 5: whatever else was taken is kept and shown."""
    after = settled(scenes.refunded(), SECOND, Doubtful("more", (GONE, OTHER)))
    assert captures(after, SECOND)["xact-other"] is CaptureStatus.MISMATCHED
    assert after.queue_reason == "doubtful_capture"


def test_held_money_that_went_back_suspends_what_was_not_sent() -> None:
    after = settled(scenes.reserved(30_000), SECOND, Doubtful("reversed", (GONE,)))
    assert after.status is Status.REVIEW
    assert after.settlements[0].status is SettlementStatus.SUSPENDED


def test_money_that_is_gone_is_frozen_whoever_found_out() -> None:
    after = verdicts.freeze_held(
        scenes.reserved(30_000),
        Doubtful("reversed_elsewhere", (GONE,)),
        step(Role.PAYNET),
    )
    assert (after.status, after.queue_reason) == (Status.REVIEW, "doubtful_capture")
    assert after.history[-1].why == "reversed_elsewhere"


def test_what_was_seen_of_an_attempt_that_is_not_charged_is_shown() -> None:
    """Nobody may ask about it again."""
    for escrow in (scenes.held(), scenes.released(), scenes.charging_again()):
        seen = settled(escrow, FIRST, Unknown("approval_unclear", seen=OTHER))
        assert captures(seen, FIRST) == {"xact-other": CaptureStatus.MISMATCHED}
        assert seen.queue_reason == "doubtful_capture"


def test_a_capture_that_funds_leaves_an_older_odd_one_in_the_queue() -> None:
    seen = settled(scenes.charging(), FIRST, Unknown("approval_unclear", seen=OTHER))
    after = settled(seen, FIRST, APPROVED)
    assert (after.status, after.queue_reason) == (Status.HELD, "doubtful_capture")


# ── PAYNET's fee ─────────────────────────────────────────────────────────────


def test_a_fee_that_becomes_known_is_noted_once() -> None:
    told = replace(scenes.capture(), commission_minor=2_000, commission_tax_minor=400)
    after = verdicts.note_fee(scenes.released(), told, step(Role.CLOCK))
    assert after is not None
    assert after.history[-1].money == {"commission": 2_000, "commission_tax": 400}
    assert verdicts.note_fee(after, told, step(Role.CLOCK)) is None
    untold = replace(told, commission_minor=None, commission_tax_minor=None)
    assert verdicts.note_fee(after, untold, step(Role.CLOCK)) is None


def test_a_fee_of_another_transaction_is_not_noted() -> None:
    told = replace(OTHER, commission_minor=2_000)
    assert verdicts.note_fee(scenes.released(), told, step(Role.CLOCK)) is None


# ── money that went back, and nobody here sent it ────────────────────────────


def reversed_while_disputed() -> Escrow:
    """PAYNET says so while a dispute is open; then the dispute is rejected."""
    contested = scenes.disputed(scenes.delivered())
    funding = contested.funding
    assert funding is not None
    told = Doubtful("reversed", (replace(funding[1], is_reversed=True),))
    seen = scenes.settled(contested, funding[0].number, told, later(hours=1))
    return disputes.reject(seen, "as described", step(Role.OPERATIONS, later(hours=2)))


def test_what_paynet_reversed_is_released_by_nobody() -> None:
    gone = reversed_while_disputed()
    assert guards.may_release(gone, later(hours=3)) == "money_gone"
    for role in (Role.PAYER, Role.OPERATIONS):
        with pytest.raises(IllegalTransition, match="money_gone"):
            settlements.release(gone, scenes.settlement(), step(role, later(hours=3)))


def test_no_clock_pays_out_what_paynet_reversed() -> None:
    duties = {moment.duty for moment in moments(reversed_while_disputed())}
    assert duties == {Duty.ESCALATE}


def test_a_reversal_by_our_own_refund_is_no_loss() -> None:
    sent = scenes.refunding()
    funding = sent.funding
    assert funding is not None
    told = Doubtful("reversed", (replace(funding[1], is_reversed=True),))
    now = step(Role.PAYNET, later(hours=1))
    assert verdicts.settle(sent, funding[0].number, told, now) is None
