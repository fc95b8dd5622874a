"""One movement of captured money: asked for, reserved, sent, and proved or not; and
PAYNET's rule about refunds on the day of the payment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from emanet import settlements
from emanet.errors import IllegalTransition
from emanet.escrow import (
    Capture,
    Escrow,
    Role,
    SettlementStatus,
    Status,
    Step,
)
from emanet.money import Balances
from emanet.outcome import Approved
from tests.unit import scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later, refund_of, step

S = SettlementStatus
PAYNET, CLOCK, OPERATIONS = Role.PAYNET, Role.CLOCK, Role.OPERATIONS
PART = 30_000
MIDNIGHT = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)  # in Istanbul
HALF_PAST = datetime(2026, 11, 23, 21, 30, tzinfo=UTC)


def captured(at: datetime | None, held_at: datetime = START) -> Escrow:
    """Held; PAYNET says that it took the money then."""
    escrow = scenes.held(at=held_at)
    assert escrow.funding is not None
    attempt, funds = escrow.funding
    dated = replace(attempt, captures=(replace(funds, at=at),))
    return replace(escrow, attempts=(*escrow.attempts[:-1], dated))


def only(escrow: Escrow) -> SettlementStatus:
    (settlement,) = escrow.settlements
    return settlement.status


# ── releases ─────────────────────────────────────────────────────────────────


def test_a_whole_release_closes_the_escrow_in_our_books() -> None:
    after = scenes.released()
    assert (after.status, after.available_minor) == (Status.RELEASED, 0)
    assert after.balances == Balances(AMOUNT_MINOR, released=AMOUNT_MINOR)
    (settlement,) = after.settlements
    assert (settlement.status, settlement.proof) == (S.DONE, "books")
    assert settlement.ended_at == START


def test_a_part_that_is_released_leaves_the_rest_held() -> None:
    after = scenes.part_released(100_000)
    assert (after.status, after.available_minor) == (Status.HELD, 30_000)
    last = settlements.release(after, scenes.settlement(30_000), step(Role.PAYER))
    assert last.status is Status.RELEASED


def test_what_is_reserved_for_another_is_not_released() -> None:
    reserved = scenes.reserved(PART)
    with pytest.raises(IllegalTransition, match="more_than_available"):
        settlements.release(reserved, scenes.settlement(100_001), step(Role.PAYER))
    after = settlements.release(
        reserved, scenes.settlement(100_000, key="key-2"), step(Role.PAYER)
    )
    assert (after.status, after.available_minor) == (Status.HELD, 0)
    with pytest.raises(IllegalTransition, match="nothing_available"):
        settlements.release(after, scenes.settlement(0, key="key-3"), step(Role.PAYER))


@pytest.mark.parametrize("minor", [-1, 0])
@pytest.mark.parametrize(
    "move", [settlements.release, settlements.schedule_refund], ids=lambda m: m.__name__
)
def test_nothing_and_less_than_nothing_is_never_moved(
    move: Callable[..., Escrow], minor: int
) -> None:
    for escrow in (scenes.held(), scenes.part_released()):
        with pytest.raises(IllegalTransition):
            move(escrow, refund_of(minor), step(OPERATIONS))


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.HELD}))
@pytest.mark.parametrize(
    "move", [settlements.release, settlements.schedule_refund], ids=lambda m: m.__name__
)
def test_only_held_money_moves_and_a_refusal_is_no_bug_of_ours(
    move: Callable[..., Escrow], status: Status
) -> None:
    for minor in (0, 1, AMOUNT_MINOR):
        with pytest.raises(IllegalTransition, match="wrong_status"):
            move(scenes.in_status(status), refund_of(minor), step(OPERATIONS))


def test_paynet_s_own_escrow_is_ordered_to_pay_and_nothing_is_booked_yet() -> None:
    after = settlements.release(
        scenes.held_by_paynet(), scenes.settlement(), step(Role.PAYER)
    )
    assert (after.status, only(after)) == (Status.HELD, S.SCHEDULED)
    assert (after.balances.held, after.available_minor) == (AMOUNT_MINOR, 0)
    sent = scenes.sent(after)
    assert (sent.status, only(sent)) == (Status.RELEASING, S.SENT)
    done = settlements.confirm(sent, "key-1", "accepted", step(PAYNET))
    assert (done.status, only(done)) == (Status.RELEASED, S.DONE)


@pytest.mark.parametrize("minor", [1, AMOUNT_MINOR - 1])
def test_paynet_s_own_escrow_releases_the_whole_only(minor: int) -> None:
    with pytest.raises(IllegalTransition, match="paynet_escrow_whole_only"):
        settlements.release(
            scenes.held_by_paynet(), scenes.settlement(minor), step(Role.PAYER)
        )


def test_a_release_that_was_decided_is_booked_when_it_is_due() -> None:
    decided = scenes.resolved(100_000)
    key = decided.settlements[0].key
    after = settlements.release_scheduled(decided, key, step(CLOCK, later(hours=1)))
    assert (after.balances.released, after.available_minor) == (100_000, 0)
    with pytest.raises(IllegalTransition, match="not_scheduled"):
        settlements.release_scheduled(after, key, step(CLOCK, later(hours=1)))


# ── refunds, and the day rule ────────────────────────────────────────────────


def test_a_refund_reserves_its_amount_and_changes_no_status() -> None:
    after = scenes.reserved(PART)
    assert (after.status, only(after)) == (Status.HELD, S.SCHEDULED)
    assert (after.balances.held, after.available_minor) == (130_000, 100_000)


@pytest.mark.parametrize("minor", [100_001, AMOUNT_MINOR + 1])
def test_more_than_is_available_is_not_refunded(minor: int) -> None:
    with pytest.raises(IllegalTransition, match="more_than_available"):
        scenes.reserved(minor, scenes.reserved(PART), key="key-2")


@pytest.mark.parametrize(
    ("at", "minor", "due"),
    [
        (MIDNIGHT - timedelta(seconds=1), AMOUNT_MINOR, None),
        (MIDNIGHT - timedelta(seconds=1), PART, HALF_PAST),
        (MIDNIGHT, PART, None),
        (MIDNIGHT + timedelta(seconds=1), PART, None),
        (MIDNIGHT + timedelta(seconds=1), AMOUNT_MINOR, None),
        (START, PART, HALF_PAST),
    ],
)
def test_on_the_day_of_the_payment_only_the_whole_goes_back(
    at: datetime, minor: int, due: datetime | None
) -> None:
    """A part waits for 00:30 in Istanbul; at 23:59:59 and at 00:00:01."""
    assert scenes.reserved(minor, at=at).settlements[0].due_at == (due or at)


def test_all_that_is_left_of_the_payment_is_not_the_whole() -> None:
    rest = scenes.part_released(100_000)
    assert settlements.refundable_at(rest, 30_000, START) == HALF_PAST


@pytest.mark.parametrize(
    ("taken", "held_at", "day"),
    [
        (MIDNIGHT - timedelta(seconds=1), later(hours=13), 23),
        (MIDNIGHT + timedelta(seconds=1), START, 24),
        (None, START, 23),
        (None, later(hours=13), 24),
    ],
)
def test_the_day_is_paynet_s_or_the_later_of_our_charge_and_capture(
    taken: datetime | None, held_at: datetime, day: int
) -> None:
    escrow = captured(taken, held_at)
    asked = datetime(2026, 11, day, 15, 0, tzinfo=UTC)
    assert settlements.refundable_at(escrow, PART, asked) > asked
    other = asked + timedelta(days=1)
    assert settlements.refundable_at(escrow, PART, other) == other


def test_a_capture_that_came_late_is_dated_by_our_capture_not_our_charge() -> None:
    charged = scenes.charging_again(later(hours=11, minutes=59))  # 23:59 in Istanbul
    undated = Capture("xact-1", AMOUNT_MINOR, None)
    outcome = Approved(undated)
    held = scenes.settled(charged, 2, outcome, later(hours=12, minutes=2))
    assert settlements.refundable_at(held, PART, later(hours=12, minutes=3)) == (
        later(days=1, hours=12, minutes=30)
    )


def test_a_due_part_whose_day_has_not_come_after_all_is_put_off() -> None:
    early = scenes.reserved(PART)
    later_on = settlements.put_off(early, "key-1", step(CLOCK, later(hours=1)))
    assert later_on.settlements[0].due_at == HALF_PAST
    assert later_on.history == early.history


# ── sent and answered ────────────────────────────────────────────────────────


def test_the_intent_stores_what_paynet_listed_before_and_when_to_ask() -> None:
    (order,) = scenes.refunding().settlements
    assert (order.status, order.sent_at, order.listed) == (S.SENT, START, ("old-row",))
    assert (order.secret_digest, order.asks) == ("digest", 0)
    assert order.ask_at == later(minutes=3)


def test_nothing_is_sent_before_it_is_due_or_twice() -> None:
    waiting = scenes.reserved(PART)
    with pytest.raises(IllegalTransition, match="nothing_due"):
        scenes.sent(waiting, at=HALF_PAST - timedelta(seconds=1))
    sent = scenes.sent(waiting, at=HALF_PAST)
    with pytest.raises(IllegalTransition):
        scenes.sent(sent, at=HALF_PAST)


def test_no_second_one_is_sent_while_one_is() -> None:
    two = scenes.reserved(PART, scenes.reserved(PART), key="key-2")
    sent = scenes.sent(two, "key-1", later(days=1))
    with pytest.raises(IllegalTransition):
        scenes.sent(sent, "key-2", later(days=1))


def test_accepted_is_not_done() -> None:
    after = settlements.accepted(scenes.refunding(), step(PAYNET, later(seconds=2)))
    assert (after.status, only(after)) == (Status.REFUNDING, S.SENT)
    assert after.balances.refunded == 0
    assert after.settlements[0].ask_at == later(seconds=22)


@pytest.mark.parametrize(
    ("minor", "status"), [(AMOUNT_MINOR, Status.REFUNDED), (PART, Status.HELD)]
)
def test_a_proof_moves_the_money_and_frees_the_way(minor: int, status: Status) -> None:
    sent = scenes.refunding(minor)
    after = scenes.proved(sent, "row-1", step(PAYNET, later(days=2)), 7)
    assert (after.status, only(after)) == (status, S.DONE)
    assert after.balances.refunded == minor
    assert after.reserved_minor == 0
    done = after.settlements[0]
    assert (done.proof, done.commission_back_minor, done.ask_at) == ("row-1", 7, None)


def test_what_paynet_shows_as_done_before_it_was_sent_is_done() -> None:
    after = settlements.confirm(scenes.reserved(), "key-1", "reversed", step(PAYNET))
    assert (after.status, after.balances.refunded) == (Status.REFUNDED, AMOUNT_MINOR)


def test_what_was_never_asked_for_is_not_confirmed() -> None:
    for escrow in (scenes.held(), scenes.refunded()):
        with pytest.raises(IllegalTransition):
            settlements.confirm(escrow, "key-1", "row-1", step(PAYNET))


def test_a_no_frees_the_amount_and_tells_a_human() -> None:
    after = settlements.deny(scenes.refunding(), "99 no", step(PAYNET))
    assert (after.status, only(after)) == (Status.HELD, S.DENIED)
    assert (after.available_minor, after.queue_reason) == (
        AMOUNT_MINOR,
        "settlement_denied",
    )
    assert after.settlements[0].proof == "99 no"


def test_a_no_to_a_release_is_told_too() -> None:
    after = settlements.deny(scenes.releasing(), "no", step(PAYNET))
    assert (after.status, after.queue_reason) == (Status.HELD, "settlement_denied")
    assert after.history[-1].transition == "deny_release"


# ── the day rule, as PAYNET's clock sees it ──────────────────────────────────


@pytest.mark.parametrize(
    ("minor", "sent_at", "may_be"),
    [
        (PART, later(hours=13), True),
        (PART, later(hours=13, minutes=30), True),
        (PART, later(hours=13, minutes=30, seconds=1), False),
        (PART, later(days=9), False),
    ],
)
def test_a_no_near_the_day_of_the_payment_may_be_the_day_rule(
    minor: int, sent_at: datetime, may_be: bool
) -> None:
    sent = scenes.sent(scenes.reserved(minor), at=sent_at)
    assert settlements.may_be_the_day_rule(sent, sent.settlements[0]) is may_be


def test_a_no_to_the_whole_is_never_the_day_rule() -> None:
    sent = scenes.refunding(AMOUNT_MINOR)
    assert not settlements.may_be_the_day_rule(sent, sent.settlements[0])


def put_off() -> Escrow:
    """Sent at 00:30, taken, and refused for the day."""
    sent = scenes.sent(scenes.reserved(PART), at=HALF_PAST)
    took = settlements.accepted(sent, step(PAYNET, HALF_PAST))
    return settlements.deny_for_the_day(took, "day", step(PAYNET, HALF_PAST))


def test_it_is_scheduled_once_more_for_the_next_day() -> None:
    after = put_off()
    (order,) = after.settlements
    assert (after.status, order.status) == (Status.HELD, S.SCHEDULED)
    assert order.due_at == HALF_PAST + timedelta(days=1)
    assert (order.sent_at, order.accepted_at, order.ask_at) == (None, None, None)
    assert after.available_minor == 100_000
    assert after.queue_reason is None


def test_a_second_no_for_the_day_freezes_the_escrow() -> None:
    again = scenes.sent(put_off(), at=HALF_PAST + timedelta(days=1))
    assert not settlements.may_be_the_day_rule(again, again.settlements[0])
    after = settlements.deny(again, "day", step(PAYNET, later(days=3)))
    assert (after.status, only(after)) == (Status.REVIEW, S.DENIED)
    assert (after.queue_reason, after.prior_status) == (
        "settlement_denied",
        Status.HELD,
    )


def test_the_day_rule_is_believed_once() -> None:
    sent = scenes.sent(scenes.reserved(PART), at=later(hours=13))
    (order,) = sent.settlements
    assert settlements.may_be_the_day_rule(sent, order)
    assert not settlements.may_be_the_day_rule(sent, replace(order, put_off=1))


def test_what_is_sent_a_second_time_has_its_own_time_to_be_proved() -> None:
    at = HALF_PAST + timedelta(days=1)
    again = scenes.sent(put_off(), at=at)
    order = again.settlements[0]
    assert settlements.time_is_up(order) == at + timedelta(hours=24)


# ── doubt ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("escrow", [scenes.refunding(), scenes.releasing()])
def test_a_lost_answer_is_never_sent_again_and_keeps_its_amount(escrow: Escrow) -> None:
    after = settlements.doubt(escrow, "time-out", step(PAYNET, later(days=1)))
    assert (after.status, only(after)) == (Status.REVIEW, S.UNKNOWN)
    assert (after.available_minor, after.queue_reason) == (0, "settlement_unknown")
    assert after.balances == escrow.balances
    with pytest.raises(IllegalTransition):
        scenes.sent(after, at=later(days=2))


def test_a_refund_out_of_paynet_s_own_escrow_is_handed_to_a_human() -> None:
    reserved = scenes.reserved(before=scenes.held_by_paynet())
    after = settlements.hand_over(reserved, "key-1", step(CLOCK, later(hours=1)))
    assert (after.status, only(after)) == (Status.REVIEW, S.UNKNOWN)
    assert after.queue_reason == "refund_by_hand"


@pytest.mark.parametrize(
    "answer",
    [
        settlements.accepted,
        lambda e, now: settlements.deny(e, "no", now),
        lambda e, now: settlements.deny_for_the_day(e, "no", now),
        lambda e, now: settlements.doubt(e, "lost", now),
    ],
)
def test_an_answer_to_nothing_is_refused(
    answer: Callable[[Escrow, Step], Escrow],
) -> None:
    for escrow in (scenes.held(), scenes.reserved(), scenes.refunded()):
        with pytest.raises(IllegalTransition, match="nothing_sent"):
            answer(escrow, step(PAYNET))


# ── taken back, frozen and thawed ────────────────────────────────────────────


def test_operations_take_back_what_was_not_sent() -> None:
    after = settlements.withdraw(
        scenes.reserved(PART), "key-1", "wrong", step(OPERATIONS)
    )
    assert (only(after), after.available_minor) == (S.WITHDRAWN, AMOUNT_MINOR)


@pytest.mark.parametrize(
    "escrow", [scenes.refunding(), scenes.refunded(), scenes.unknown(), scenes.held()]
)
def test_what_was_sent_or_never_asked_is_not_taken_back(escrow: Escrow) -> None:
    with pytest.raises(IllegalTransition):
        settlements.withdraw(escrow, "key-1", "wrong", step(OPERATIONS))


def test_only_what_was_not_sent_is_suspended_restored_and_withdrawn() -> None:
    every = tuple(scenes.settlement(0, status, key=status) for status in S)
    escrow = replace(scenes.held(), settlements=every)
    suspended = {s.key: s.status for s in settlements.suspended(escrow)}
    assert suspended == {s: S.SUSPENDED if s is S.SCHEDULED else s for s in S}
    restored = {s.key: s.status for s in settlements.restored(escrow)}
    assert restored == {s: S.SCHEDULED if s is S.SUSPENDED else s for s in S}
    gone = {s.key: s.status for s in settlements.all_withdrawn(escrow, START)}
    unsent = {S.SCHEDULED, S.SUSPENDED}
    assert gone == {s: S.WITHDRAWN if s in unsent else s for s in S}


def test_out_of_paynet_s_own_escrow_no_part_is_refunded() -> None:
    """Its rest could never be paid out."""
    asked = scenes.refund_of(30_000)
    with pytest.raises(IllegalTransition, match="paynet_escrow_whole_only"):
        settlements.schedule_refund(
            scenes.held_by_paynet(), asked, step(Role.OPERATIONS)
        )
