"""How orders are asked about, and where the money of a settlement lands."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from emanet import chargebacks, settlements
from emanet.errors import IllegalTransition
from emanet.escrow import (
    ChargebackStatus,
    Escrow,
    Role,
    SettlementStatus,
    Status,
)
from emanet.money import Balances
from tests.unit import every_scene, scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later, step

S = SettlementStatus
PAYNET, OPERATIONS = Role.PAYNET, Role.OPERATIONS
SENT = scenes.refunding().settlements[0]

# ── asked about ──────────────────────────────────────────────────────────────


def test_a_silent_order_is_asked_about_until_a_day_is_over() -> None:
    order, waits = SENT, []
    while order.ask_at and order.ask_at < settlements.time_is_up(order):
        waits.append(order.ask_at - START)
        order = settlements.asked(order, order.ask_at)
    assert waits == [
        timedelta(minutes=3),
        timedelta(minutes=10),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=6),
        timedelta(hours=18),
    ]
    assert order.ask_at == later(hours=24)


def test_asking_late_skips_the_moments_that_have_passed() -> None:
    assert settlements.asked(SENT, later(hours=1)).ask_at == later(hours=2)
    assert settlements.asked(SENT, later(hours=23)).ask_at == later(hours=24)


@pytest.mark.parametrize(
    ("accepted", "up"),
    [
        (START, later(days=3)),  # Monday → Thursday
        (later(days=2), later(days=7)),  # Wednesday → Monday
        (later(days=4), later(days=9)),  # Friday → Wednesday
        (later(days=5), later(days=9)),  # Saturday → Wednesday
        (later(days=4, hours=12), later(days=8, hours=12)),  # Saturday in Istanbul
    ],
)
def test_paynet_has_three_business_days_for_what_it_accepted(
    accepted: datetime, up: datetime
) -> None:
    assert settlements.time_is_up(settlements.taken(SENT, accepted)) == up


def test_what_was_accepted_is_asked_soon_and_at_the_latest_when_time_is_up() -> None:
    order = settlements.taken(SENT, later(seconds=2))
    assert order.ask_at == later(seconds=22)
    up = settlements.time_is_up(order)
    assert settlements.asked(order, up - timedelta(hours=1)).ask_at == up


def test_what_is_overdue_is_still_asked_again() -> None:
    """Rule 7: whoever asks after the end decides then; an order is never forgotten."""
    late = settlements.asked(SENT, later(days=9))
    assert late.ask_at is not None
    assert late.ask_at > later(days=9)


# ── where money lands ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sums", "status"),
    [
        (Balances(10, 10), Status.HELD),
        (Balances(10, 1, 9), Status.HELD),
        (Balances(10, 0, 10), Status.RELEASED),
        (Balances(10, 0, 0, 10), Status.REFUNDED),
        (Balances(10, 0, 0, 0, 10), Status.REFUNDED),
        (Balances(10, 0, 0, 4, 6), Status.REFUNDED),
        (Balances(10, 0, 4, 6), Status.SPLIT),
        (Balances(10, 0, 4, 0, 6), Status.SPLIT),
    ],
)
def test_an_escrow_closes_by_what_became_of_its_money(
    sums: Balances, status: Status
) -> None:
    settled = replace(scenes.held(), amount_minor=10, balances=sums)
    assert settlements.status_by_money(settled) is status


def test_part_released_and_the_rest_refunded_is_split() -> None:
    after = scenes.split()
    assert after.status is Status.SPLIT
    assert after.balances == Balances(AMOUNT_MINOR, 0, 100_000, 30_000)


def test_closing_ends_the_queues_that_were_about_the_money() -> None:
    denied = settlements.deny(
        scenes.refunding(30_000, every_scene.claim_missed()),
        "no",
        step(PAYNET, later(days=8)),
    )
    late = scenes.with_denied_surplus(denied)
    assert len(late.flags) == 3
    after = scenes.released(late)
    assert [flag.reason for flag in after.flags] == ["late_capture"]


# ── a chargeback that waited for it ──────────────────────────────────────────


def opened(escrow: Escrow) -> Escrow:
    """While the settlement is sent."""
    return chargebacks.open_(escrow, "bank", step(OPERATIONS, later(days=2)))


@pytest.mark.parametrize("way", ["confirm", "deny", "for the day"])
def test_a_chargeback_that_waited_freezes_at_the_settlement_s_end(way: str) -> None:
    two = scenes.reserved(50_000, scenes.reserved(30_000), key="key-2")
    waiting = opened(scenes.sent(two, at=later(days=1)))
    assert waiting.status is Status.REFUNDING
    assert waiting.settlements[1].status is S.SUSPENDED
    now = step(PAYNET, later(days=3))
    after = {
        "confirm": lambda: settlements.confirm(waiting, "key-1", "row-1", now),
        "deny": lambda: settlements.deny(waiting, "no", now),
        "for the day": lambda: settlements.deny_for_the_day(waiting, "no", now),
    }[way]()
    assert (after.status, after.prior_status) == (Status.REVIEW, Status.HELD)
    assert after.review_reason == "chargeback"
    assert after.chargeback is not None
    assert after.chargeback.froze
    assert after.settlements[1].status is S.SUSPENDED
    unsent = {S.SUSPENDED, S.DONE, S.DENIED}
    assert {s.status for s in after.settlements} <= unsent


def test_after_the_freeze_a_win_gives_everything_back() -> None:
    waiting = opened(scenes.refunding(30_000))
    now = step(PAYNET, later(days=3))
    frozen = settlements.deny_for_the_day(waiting, "day", now)
    won = chargebacks.win(frozen, "bank", step(OPERATIONS, later(days=4)))
    assert (won.status, won.settlements[0].status) == (Status.HELD, S.SCHEDULED)
    assert won.flags == ()


def test_one_that_was_lost_meanwhile_takes_the_rest_at_the_settlement_s_end() -> None:
    waiting = opened(scenes.refunding(30_000))
    lost = chargebacks.lose(waiting, "bank", step(OPERATIONS, later(days=2)))
    assert (lost.status, lost.balances) == (Status.REFUNDING, waiting.balances)
    frozen = scenes.proved(lost, "row-1", step(PAYNET, later(days=3)))
    assert frozen.status is Status.REVIEW
    after = chargebacks.lose(frozen, "", step(Role.CLOCK, later(days=3)))
    assert after.status is Status.REFUNDED
    assert after.balances == Balances(AMOUNT_MINOR, 0, 0, 30_000, 100_000)
    assert after.chargeback is not None
    assert after.chargeback.loss_minor == 0


def test_one_that_was_lost_meanwhile_is_our_loss_if_the_settlement_closed_it() -> None:
    lost = chargebacks.lose(
        opened(scenes.releasing()), "bank", step(OPERATIONS, later(days=2))
    )
    after = scenes.proved(lost, "accepted", step(PAYNET, later(days=3)))
    assert after.status is Status.RELEASED
    assert after.chargeback is not None
    assert after.chargeback.status is ChargebackStatus.LOST
    assert after.chargeback.loss_minor == AMOUNT_MINOR


def test_an_open_one_stays_in_its_queue_when_the_settlement_closed_it() -> None:
    after = scenes.proved(
        opened(scenes.refunding()), "row-1", step(PAYNET, later(days=3))
    )
    assert (after.status, after.queue_reason) == (Status.REFUNDED, "chargeback")


def test_one_that_was_lost_waits_until_an_unknown_settlement_is_decided() -> None:
    waiting = opened(scenes.refunding(30_000))
    lost = chargebacks.lose(waiting, "bank", step(OPERATIONS, later(days=2)))
    doubted = settlements.doubt(lost, "time-out", step(PAYNET, later(days=3)))
    with pytest.raises(IllegalTransition, match="settlement_unknown"):
        chargebacks.lose(doubted, "", step(Role.CLOCK, later(days=3)))
