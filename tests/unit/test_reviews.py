"""The ways out of review, for operations alone. Nothing is skipped there: no unresolved
dispute, no unknown settlement, no capture that waits or matches nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from emanet import chargebacks, holding, ledger, reviews, settlements
from emanet.disputes import Legs
from emanet.due import Duty, next_moment
from emanet.errors import IllegalTransition, NotYourAction
from emanet.escrow import (
    Escrow,
    Role,
    SettlementStatus,
    Status,
)
from emanet.outcome import Approved, Declined, Doubtful
from tests.unit import every_scene, scenes
from tests.unit.scenes import AMOUNT_MINOR, later, step

S = SettlementStatus
OPERATIONS, PAYNET = Role.OPERATIONS, Role.PAYNET
WHOLE = Legs(0, AMOUNT_MINOR)
EXITS: dict[str, Callable[[Escrow, Role], Escrow]] = {
    "resume": lambda e, r: reviews.resume(e, "", step(r)),
    "confirm": lambda e, r: reviews.confirm_unknown(e, "seen", step(r)),
    "deny": lambda e, r: reviews.deny_unknown(e, "seen", step(r)),
    "settle": lambda e, r: reviews.settle(e, WHOLE, "", step(r)),
    "accept": lambda e, r: reviews.accept_mismatch(e, "", "", step(r)),
    "refund": lambda e, r: reviews.refund_mismatch(e, "", step(r)),
    "reopen": lambda e, r: reviews.reopen_unpaid(e, "", step(r)),
    "fund": lambda e, r: reviews.fund_waiting(e, "", step(r)),
}


def open_exits(escrow: Escrow) -> set[str]:
    """Those that would succeed now."""
    found = set()
    for name, leave in EXITS.items():
        try:
            leave(escrow, OPERATIONS)
        except IllegalTransition:
            continue
        found.add(name)
    return found


# ── which exits ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("escrow", "exits"),
    [
        (scenes.failing(scenes.created()), {"resume", "reopen"}),
        (scenes.failing(scenes.authenticating()), {"resume", "reopen"}),
        (scenes.failing(scenes.charging()), {"resume", "reopen"}),
        (scenes.failing(scenes.held()), {"resume", "settle"}),
        (scenes.failing(scenes.disputed()), {"resume"}),
        (scenes.escalated(), {"settle"}),
        (scenes.unknown(), {"confirm", "deny"}),
        (every_scene.unseen_unknown(), {"confirm", "deny"}),
        (scenes.doubted(), {"resume", "accept", "refund"}),
        (scenes.doubted(scenes.starting()), {"accept", "refund"}),
        (scenes.doubted(scenes.authenticating()), {"accept", "refund"}),
        (every_scene.waited(), {"accept", "fund"}),
        (every_scene.charged_back(scenes.held()), set()),
        (every_scene.charged_back(scenes.escalated()), set()),
        (every_scene.lost_waiting(), set()),
        (scenes.held(), set()),
        (scenes.released(), set()),
        (scenes.created(), set()),
    ],
)
def test_each_review_has_its_exits_and_no_others(
    escrow: Escrow, exits: set[str]
) -> None:
    assert open_exits(escrow) == exits


@pytest.mark.parametrize("role", sorted(set(Role) - {OPERATIONS}))
def test_nobody_but_operations_leaves_review(role: Role) -> None:
    for escrow, _ in every_scene.SCENES[Status.REVIEW]:
        for name in open_exits(escrow):
            with pytest.raises(NotYourAction):
                EXITS[name](escrow, role)


def test_every_review_has_a_way_out() -> None:
    """By an exit, by the end of its chargeback, or by the clock that takes it."""
    for escrow, _ in every_scene.SCENES[Status.REVIEW]:
        assert open_exits(escrow) or escrow.chargeback or next_moment(escrow)


# ── back to where it was ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "before",
    [
        scenes.starting(),
        scenes.authenticating(),
        scenes.charging(),
        scenes.shipped(),
        scenes.disputed(),
    ],
    ids=lambda escrow: escrow.status,
)
def test_it_goes_back_to_where_it_was(before: Escrow) -> None:
    frozen = scenes.failing(before)
    after = reviews.resume(frozen, "looked at", step(OPERATIONS))
    assert (after.status, after.balances) == (before.status, before.balances)
    assert (after.prior_status, after.review_reason) == (None, None)
    assert after.flags == before.flags
    assert after.history[-1].why == "looked at"


def test_a_charge_is_asked_about_at_once() -> None:
    frozen = scenes.failing(scenes.charging())
    after = reviews.resume(frozen, "", step(OPERATIONS, later(hours=1)))
    moment = next_moment(after)
    assert moment is not None
    assert (moment.duty, moment.at) == (Duty.ASK, later(hours=1))


def test_what_was_suspended_goes_on() -> None:
    reserved = scenes.reserved(30_000, scenes.held())
    gone = replace(scenes.capture(), is_reversed=True)
    frozen = scenes.settled(reserved, 2, Doubtful("reversed", (gone,)))
    assert frozen.settlements[0].status is S.SUSPENDED
    after = reviews.resume(frozen, "PAYNET was wrong", step(OPERATIONS))
    assert after.settlements == reserved.settlements


def test_what_matched_nothing_is_decided_before_it_is_payable_again() -> None:
    """Or the payer might pay twice while his money lies with us."""
    for before in (scenes.starting(), scenes.authenticating()):
        with pytest.raises(IllegalTransition, match="mismatch_undecided"):
            reviews.resume(scenes.doubted(before), "", step(OPERATIONS))


def test_what_matched_nothing_stays_in_the_queue_while_the_charge_goes_on() -> None:
    charging = every_scene.resumed_charging()
    assert charging.queue_reason == "doubtful_capture"
    declined = scenes.settled(charging, 2, Declined("51"))
    assert declined.queue_reason == "doubtful_capture"
    paid = scenes.settled(charging, 2, Approved(scenes.capture()))
    assert paid.queue_reason == "doubtful_capture"


def test_a_doubt_that_came_true_is_none_any_more() -> None:
    doubted = scenes.doubted(amount_minor=AMOUNT_MINOR)
    charging = reviews.resume(doubted, "", step(OPERATIONS))
    after = scenes.settled(charging, 1, Approved(scenes.capture("xact-wrong")))
    assert (after.status, after.flags) == (Status.HELD, ())


def test_another_doubt_outlives_the_review_of_held_money() -> None:
    odd = scenes.with_mismatch(scenes.held())
    gone = replace(scenes.capture(), is_reversed=True)
    frozen = scenes.settled(odd, 2, Doubtful("reversed", (gone,)))
    after = reviews.resume(frozen, "", step(OPERATIONS))
    assert (after.status, after.queue_reason) == (Status.HELD, "doubtful_capture")


def test_after_the_hold_limit_held_money_is_decided_never_put_back() -> None:
    with pytest.raises(IllegalTransition, match="hold_limit_over"):
        reviews.resume(scenes.escalated(), "", step(OPERATIONS, later(days=61)))


def test_a_review_before_the_hold_limit_does_not_use_it_up() -> None:
    frozen = scenes.failing(scenes.held(), later(days=59))
    after = reviews.resume(frozen, "", step(OPERATIONS, later(days=90)))
    assert after.deadlines.hold_until == later(days=91)


# ── an unknown settlement ────────────────────────────────────────────────────


def test_one_that_happened_closes_what_holds_nothing_more() -> None:
    now = step(OPERATIONS, later(days=3))
    after = reviews.confirm_unknown(scenes.unknown(), "slip 7", now)
    assert (after.status, after.settlements[0].status) == (Status.REFUNDED, S.DONE)
    assert (after.settlements[0].proof, after.flags) == ("slip 7", ())
    assert after.stopped_at is None


def test_one_that_happened_leaves_the_rest_to_be_decided() -> None:
    told = reviews.confirm_unknown(
        every_scene.unseen_unknown(), "slip 7", step(OPERATIONS, later(days=3))
    )
    assert (told.status, told.balances.refunded) == (Status.REVIEW, 30_000)
    assert open_exits(told) == {"resume"}
    rest = Legs(100_000, 0)
    after = reviews.settle(told, rest, "", step(OPERATIONS, later(days=3)))
    assert (after.status, after.available_minor) == (Status.HELD, 0)


def test_one_that_did_not_happen_frees_its_amount() -> None:
    told = reviews.deny_unknown(scenes.unknown(), "never came", step(OPERATIONS))
    assert (told.status, told.settlements[0].status) == (Status.REVIEW, S.DENIED)
    assert told.available_minor == AMOUNT_MINOR
    assert open_exits(told) == {"resume", "settle"}


def test_a_release_that_is_unknown_is_decided_alike() -> None:
    lost = scenes.unknown(scenes.releasing())
    after = reviews.confirm_unknown(lost, "slip 7", step(OPERATIONS))
    assert (after.status, after.balances.released) == (Status.RELEASED, AMOUNT_MINOR)


def test_a_proof_that_comes_in_review_is_evidence_and_decides_nothing() -> None:
    after = reviews.note_proof(scenes.unknown(), "row-9", step(PAYNET))
    assert (after.status, after.balances) == (Status.REVIEW, scenes.unknown().balances)
    assert (after.settlements[0].status, after.settlements[0].proof) == (
        S.UNKNOWN,
        "row-9",
    )


def test_where_nothing_is_unknown_nothing_is_decided() -> None:
    for decide in (reviews.confirm_unknown, reviews.deny_unknown, reviews.note_proof):
        with pytest.raises(IllegalTransition, match="no_settlement_unknown"):
            decide(scenes.escalated(), "seen", step(OPERATIONS))


# ── held money ───────────────────────────────────────────────────────────────


def test_held_money_is_decided_whole_or_split_and_due_now() -> None:
    now = step(OPERATIONS, later(days=61))
    after = reviews.settle(scenes.escalated(), Legs(100_000, 30_000), "age", now)
    assert (after.status, after.available_minor) == (Status.HELD, 0)
    assert [(s.key, s.due_at) for s in after.settlements] == [
        ("review/1/release", now.at),
        ("review/1/refund", now.at),
    ]
    assert (after.flags, after.prior_status) == ((), None)


def test_what_was_not_sent_gives_way_to_the_decision() -> None:
    frozen = scenes.failing(scenes.reserved(30_000))
    after = reviews.settle(frozen, WHOLE, "", step(OPERATIONS))
    assert [s.status for s in after.settlements] == [S.WITHDRAWN, S.SCHEDULED]


def test_each_decision_has_its_own_keys() -> None:
    first = reviews.settle(scenes.escalated(), WHOLE, "", step(OPERATIONS))
    second = reviews.settle(scenes.failing(first), WHOLE, "", step(OPERATIONS))
    assert [s.key for s in second.settlements] == ["review/1/refund", "review/2/refund"]


@pytest.mark.parametrize(
    "legs", [Legs(0, 0), Legs(1, AMOUNT_MINOR), Legs(-1, AMOUNT_MINOR + 1)]
)
def test_a_decision_is_over_all_that_is_held(legs: Legs) -> None:
    with pytest.raises(IllegalTransition, match="legs_do_not_sum"):
        reviews.settle(scenes.escalated(), legs, "", step(OPERATIONS))


# ── besides ──────────────────────────────────────────────────────────────────


def test_the_proof_of_a_move_stands_in_its_line() -> None:
    """The ledger is made from it."""
    before = scenes.unknown()
    after = reviews.confirm_unknown(before, "slip 7", step(OPERATIONS))
    assert after.history[-1].money == ledger.change(before, after)
    assert after.history[-1].why == "key-1 slip 7"


def test_a_flag_besides_outlives_the_review() -> None:
    frozen = scenes.failing(scenes.with_denied_surplus(scenes.held()))
    after = reviews.resume(frozen, "", step(OPERATIONS))
    assert [flag.reason for flag in after.flags] == ["late_capture"]
    lost = chargebacks.open_(after, "bank", step(OPERATIONS))
    gone = chargebacks.lose(lost, "bank", step(OPERATIONS))
    assert gone.status is Status.REFUNDED
    assert [flag.reason for flag in gone.flags] == ["late_capture"]


def test_what_is_frozen_is_decided_not_acknowledged() -> None:
    with pytest.raises(IllegalTransition, match="decide_the_review"):
        holding.acknowledge(scenes.escalated(), "", step(OPERATIONS))


def test_what_is_suspended_in_review_may_be_withdrawn() -> None:
    frozen = scenes.failing(
        scenes.disputed(scenes.reserved(30_000, scenes.delivered()))
    )
    after = settlements.withdraw(frozen, "key-1", "", step(OPERATIONS))
    assert after.settlements[0].status is S.WITHDRAWN
