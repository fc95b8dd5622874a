"""The payer's objection: everything stands still until it is withdrawn, rejected, or
resolved over every kuruş that is held."""

from __future__ import annotations

from datetime import timedelta

import pytest

from emanet import chargebacks, disputes, policy, reviews, settlements
from emanet.disputes import Legs
from emanet.due import Duty, Moment, moments, next_moment
from emanet.errors import IllegalTransition, NotYourAction
from emanet.escrow import (
    DisputeStatus,
    Escrow,
    Role,
    SettlementKind,
    SettlementStatus,
    Status,
)
from emanet.policy import Policy
from tests.unit import every_scene, scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later, step

S = SettlementStatus
PAYER, OPERATIONS, CLOCK = Role.PAYER, Role.OPERATIONS, Role.CLOCK
RESERVED = scenes.reserved(30_000, scenes.delivered())


def legs_of(escrow: Escrow) -> dict[str, tuple[SettlementStatus, int]]:
    return {s.key: (s.status, s.amount_minor) for s in escrow.settlements}


# ── opened ───────────────────────────────────────────────────────────────────


def test_it_freezes_what_is_held_and_says_until_when_it_is_decided() -> None:
    after = scenes.disputed()
    assert (after.status, after.stopped_at) == (Status.DISPUTED, START)
    assert after.balances == scenes.delivered().balances
    assert after.dispute is not None
    assert (after.dispute.number, after.dispute.reason) == (1, "broken")
    assert after.dispute.evidence == ("photo-1",)
    assert after.dispute.answer_by == later(days=3)
    assert (after.queue_reason, after.queue_since) == ("dispute_open", START)


def test_it_suspends_what_was_not_sent() -> None:
    after = scenes.disputed(RESERVED)
    assert after.settlements[0].status is S.SUSPENDED
    assert after.available_minor == 100_000
    assert {m.duty for m in moments(after)} == {Duty.ESCALATE_DISPUTE}


@pytest.mark.parametrize(
    "role", [Role.PAYEE, Role.OPERATIONS, Role.BACKEND, Role.CARRIER, Role.CLOCK]
)
def test_only_the_payer_objects(role: Role) -> None:
    with pytest.raises(NotYourAction):
        disputes.open_(scenes.delivered(), "broken", (), step(role))


def test_the_window_opens_with_the_shipment() -> None:
    with pytest.raises(IllegalTransition, match="not_shipped"):
        scenes.disputed(scenes.held())
    assert scenes.disputed(scenes.shipped()).dispute


def test_the_window_ends_with_the_inspection() -> None:
    last = later(days=3, seconds=-1)
    assert scenes.disputed(at=last).dispute
    with pytest.raises(IllegalTransition, match="inspection_over"):
        scenes.disputed(at=later(days=3))


def test_while_nobody_confirms_the_delivery_it_stays_open() -> None:
    assert scenes.disputed(every_scene.claim_missed(), later(days=30)).dispute


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.HELD}))
def test_nothing_but_held_money_is_disputed(status: Status) -> None:
    with pytest.raises(IllegalTransition):
        scenes.disputed(scenes.in_status(status))


def test_one_is_open_at_a_time() -> None:
    with pytest.raises(IllegalTransition):
        scenes.disputed(scenes.disputed())


def test_there_are_five_at_most() -> None:
    escrow = scenes.delivered()
    for number in range(policy.DISPUTES_MAX):
        escrow = disputes.withdraw(scenes.disputed(escrow), "", step(PAYER))
        assert len(escrow.disputes) == number + 1
    with pytest.raises(IllegalTransition, match="too_many_disputes"):
        scenes.disputed(escrow)


# ── withdrawn and rejected ───────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("end", "role", "status"),
    [
        (disputes.withdraw, PAYER, DisputeStatus.WITHDRAWN),
        (disputes.reject, OPERATIONS, DisputeStatus.REJECTED),
    ],
)
def test_without_a_decision_everything_goes_on(
    end: object, role: Role, status: DisputeStatus
) -> None:
    assert callable(end)
    before = scenes.disputed(RESERVED, later(hours=1))
    after = end(before, "why", step(role, later(days=5, hours=1)))
    assert (after.status, after.dispute, after.flags) == (Status.HELD, None, ())
    assert after.disputes[0].status is status
    assert after.settlements == RESERVED.settlements
    wanted = RESERVED.deadlines.inspection_by
    assert wanted is not None
    assert after.deadlines.inspection_by == wanted + timedelta(days=5)


def test_the_payee_and_the_clock_decide_no_dispute() -> None:
    """Rule 12."""
    for role in (Role.PAYEE, CLOCK, Role.BACKEND):
        with pytest.raises(NotYourAction):
            disputes.withdraw(scenes.disputed(), "", step(role))
        with pytest.raises(NotYourAction):
            disputes.resolve(scenes.disputed(), Legs(0, AMOUNT_MINOR), "", step(role))


def test_where_there_is_none_none_ends() -> None:
    for escrow in (scenes.held(), scenes.released(), scenes.created()):
        with pytest.raises(IllegalTransition):
            disputes.withdraw(escrow, "", step(PAYER))
        with pytest.raises(IllegalTransition):
            disputes.resolve(escrow, Legs(0, AMOUNT_MINOR), "", step(OPERATIONS))
        with pytest.raises(IllegalTransition):
            disputes.escalate(escrow, step(CLOCK))


# ── resolved ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("release_minor", "keys"),
    [
        (AMOUNT_MINOR, ["dispute/1/release"]),
        (0, ["dispute/1/refund"]),
        (100_000, ["dispute/1/release", "dispute/1/refund"]),
        (1, ["dispute/1/release", "dispute/1/refund"]),
    ],
)
def test_it_is_resolved_in_one_write_over_all_that_is_held(
    release_minor: int, keys: list[str]
) -> None:
    before = scenes.disputed()
    after = scenes.resolved(release_minor, before)
    assert (after.status, after.version) == (Status.HELD, before.version + 1)
    assert list(legs_of(after)) == keys
    assert (after.available_minor, after.balances) == (0, before.balances)
    assert after.disputes[0].status is DisputeStatus.RESOLVED
    assert after.flags == ()
    moment = next_moment(after)
    assert moment is not None
    assert moment.duty is Duty.SETTLE


def test_what_was_suspended_is_withdrawn_and_the_legs_take_its_place() -> None:
    after = scenes.resolved(100_000, scenes.disputed(RESERVED))
    assert legs_of(after) == {
        "key-1": (S.WITHDRAWN, 30_000),
        "dispute/1/release": (S.SCHEDULED, 100_000),
        "dispute/1/refund": (S.SCHEDULED, 30_000),
    }


@pytest.mark.parametrize(
    "legs",
    [
        Legs(0, 0),
        Legs(AMOUNT_MINOR, 1),
        Legs(100_000, 29_999),
        Legs(-1, AMOUNT_MINOR + 1),
        Legs(AMOUNT_MINOR + 1, -1),
    ],
)
def test_legs_sum_to_what_is_held_and_none_is_negative(legs: Legs) -> None:
    with pytest.raises(IllegalTransition, match="legs_do_not_sum"):
        disputes.resolve(scenes.disputed(), legs, "", step(OPERATIONS))


def test_after_a_part_is_gone_the_legs_share_the_rest() -> None:
    rest = scenes.disputed(scenes.part_released(100_000))
    with pytest.raises(IllegalTransition, match="legs_do_not_sum"):
        disputes.resolve(rest, Legs(0, AMOUNT_MINOR), "", step(OPERATIONS))
    assert legs_of(scenes.resolved(10_000, rest))["dispute/1/refund"] == (
        S.SCHEDULED,
        20_000,
    )


def test_a_part_of_the_day_s_payment_waits_for_the_day_after() -> None:
    release, refund = scenes.resolved(100_000).settlements
    assert release.kind is SettlementKind.RELEASE
    assert (release.due_at, refund.due_at) == (
        later(hours=1),
        later(hours=12, minutes=30),
    )


def test_paynet_s_own_escrow_is_not_split() -> None:
    theirs = scenes.disputed(scenes.delivered(before=scenes.held_by_paynet()))
    with pytest.raises(IllegalTransition, match="paynet_escrow_whole_only"):
        scenes.resolved(100_000, theirs)
    for whole in (0, AMOUNT_MINOR):
        assert len(scenes.resolved(whole, theirs).settlements) == 1


def test_of_paynet_s_own_escrow_no_rest_is_released() -> None:
    """PAYNET would pay all of it out, or nothing."""
    theirs = scenes.delivered(before=scenes.held_by_paynet())
    by_hand = settlements.hand_over(
        scenes.part_reserved_there(before=theirs), "key-1", step(CLOCK, later(hours=13))
    )
    told = reviews.confirm_unknown(by_hand, "seen", step(OPERATIONS, later(days=1)))
    with pytest.raises(IllegalTransition, match="paynet_escrow_whole_only"):
        reviews.settle(told, Legs(100_000, 0), "", step(OPERATIONS, later(days=1)))


# ── after a decision ─────────────────────────────────────────────────────────


def test_no_new_one_opens_while_a_decision_is_under_way() -> None:
    decided = scenes.resolved(100_000)
    with pytest.raises(IllegalTransition, match="decision_under_way"):
        scenes.disputed(decided)
    half = settlements.release_scheduled(
        decided, "dispute/1/release", step(CLOCK, later(hours=1))
    )
    with pytest.raises(IllegalTransition, match="decision_under_way"):
        scenes.disputed(half)


def test_a_new_one_opens_when_a_leg_was_denied_and_has_its_own_keys() -> None:
    decided = scenes.resolved(100_000)
    half = settlements.release_scheduled(
        decided, "dispute/1/release", step(CLOCK, later(hours=1))
    )
    sent = scenes.sent(half, "dispute/1/refund", later(days=1))
    denied = settlements.deny(sent, "no", step(Role.PAYNET, later(days=1)))
    again = scenes.disputed(denied, later(days=1))
    assert again.dispute is not None
    after = scenes.resolved(30_000, again)
    assert "dispute/2/release" in legs_of(after)


# ── nobody decides ───────────────────────────────────────────────────────────


def test_nobody_decides_in_time_and_the_queue_says_so_once() -> None:
    disputed = scenes.disputed()
    assert next_moment(disputed) == Moment(later(days=3), Duty.ESCALATE_DISPUTE)
    with pytest.raises(IllegalTransition, match="dispute_not_overdue"):
        disputes.escalate(disputed, step(CLOCK, later(days=3, seconds=-1)))
    after = every_scene.overdue()
    assert (after.status, after.queue_reason) == (Status.DISPUTED, "dispute_overdue")
    assert next_moment(after) is None
    with pytest.raises(IllegalTransition):
        disputes.escalate(after, step(CLOCK, later(days=9)))


def test_how_long_operations_have_was_agreed_for_this_escrow() -> None:
    terms = Policy(dispute_days=9)
    held = scenes.held(scenes.charging(scenes.created(policy=terms)))
    disputed = scenes.disputed(scenes.delivered(before=held))
    assert disputed.dispute is not None
    assert disputed.dispute.answer_by == later(days=9)


def test_an_overdue_one_is_decided_like_any_other() -> None:
    after = scenes.resolved(0, every_scene.overdue())
    assert (after.status, after.flags) == (Status.HELD, ())


# ── frozen by something else meanwhile ───────────────────────────────────────


@pytest.mark.parametrize("way", ["failing", "chargeback"])
def test_an_unresolved_one_is_restored_with_what_it_suspended(way: str) -> None:
    disputed = scenes.disputed(RESERVED)
    if way == "failing":
        frozen = scenes.failing(disputed, later(days=1))
        after = reviews.resume(frozen, "", step(OPERATIONS, later(days=2)))
    else:
        frozen = chargebacks.open_(disputed, "bank", step(OPERATIONS, later(days=1)))
        after = chargebacks.win(frozen, "bank", step(OPERATIONS, later(days=2)))
    assert (after.status, after.dispute) == (Status.DISPUTED, disputed.dispute)
    assert after.settlements == disputed.settlements
    assert after.queue_reason == "dispute_open"
