"""The clocks of an escrow: started, stopped, and gone on with what they had left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from emanet import chargebacks, deadlines, disputes, holding, reviews, settlements
from emanet.deadlines import NAMES
from emanet.escrow import CLOCKLESS, Deadlines, Escrow, Role, Status
from emanet.policy import Policy
from tests.unit import every_scene, scenes
from tests.unit.scenes import START, later, step

OPERATIONS, PAYNET, CLOCK = Role.OPERATIONS, Role.PAYNET, Role.CLOCK
OFF = later(days=2)  # the clocks stop
ON = later(days=12)  # and go on
LOST = ON - OFF


def running(escrow: Escrow) -> dict[str, datetime]:
    return {name: at for at, name in deadlines.running(escrow.deadlines)}


# ── which clocks run ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("escrow", "clocks"),
    [
        (scenes.created(), {"pay_by": later(hours=72)}),
        (scenes.held(), {"ship_by": later(days=7), "hold_until": later(days=60)}),
        (
            scenes.shipped(later(days=1)),
            {"claim_by": later(days=8), "hold_until": later(days=60)},
        ),
        (
            scenes.delivered(later(days=2)),
            {"inspection_by": later(days=5), "hold_until": later(days=60)},
        ),
        (
            holding.deliver(scenes.held(), step(Role.PAYER, later(days=1))),
            {"inspection_by": later(days=4), "hold_until": later(days=60)},
        ),
        (every_scene.claim_missed(), {"hold_until": later(days=60)}),
    ],
)
def test_each_wait_has_its_clock(escrow: Escrow, clocks: dict[str, datetime]) -> None:
    assert running(escrow) == clocks


def test_the_periods_are_those_agreed_for_this_escrow() -> None:
    terms = Policy(ship_within_days=2, claim_days=3, inspection_days=4)
    held = scenes.held(scenes.charging(scenes.created(policy=terms)))
    assert running(held)["ship_by"] == later(days=2)
    shipped = scenes.shipped(before=held)
    assert running(shipped)["claim_by"] == later(days=3)
    assert running(scenes.delivered(before=shipped))["inspection_by"] == later(days=4)


# ── stopped and gone on ──────────────────────────────────────────────────────

EVERY_CLOCK = Deadlines(*(later(days=30 + n) for n in range(len(NAMES))))


def with_every_clock(escrow: Escrow) -> Escrow:
    """No escrow has all of them at once; whichever run, move alike."""
    return replace(escrow, deadlines=EVERY_CLOCK)


def _disputed(escrow: Escrow) -> Escrow:
    return disputes.open_(escrow, "broken", (), step(Role.PAYER, OFF))


def _rejected(escrow: Escrow) -> Escrow:
    return disputes.reject(escrow, "", step(OPERATIONS, ON))


def _withdrawn(escrow: Escrow) -> Escrow:
    return disputes.withdraw(escrow, "", step(Role.PAYER, ON))


def _resolved(escrow: Escrow) -> Escrow:
    legs = disputes.Legs(0, escrow.balances.held)
    return disputes.resolve(escrow, legs, "", step(OPERATIONS, ON))


def _refunding(escrow: Escrow) -> Escrow:
    return scenes.sent(scenes.reserved(30_000, escrow), at=OFF)


def _proved(escrow: Escrow) -> Escrow:
    return scenes.proved(escrow, "row-1", step(PAYNET, ON))


def _denied(escrow: Escrow) -> Escrow:
    return settlements.deny(escrow, "no", step(PAYNET, ON))


def _put_off(escrow: Escrow) -> Escrow:
    return settlements.deny_for_the_day(escrow, "no", step(PAYNET, ON))


def _releasing(escrow: Escrow) -> Escrow:
    theirs = scenes.in_paynet_s_escrow(escrow)
    ordered = settlements.release(theirs, scenes.settlement(), step(Role.PAYER))
    return scenes.sent(ordered, at=OFF)


def _failing(escrow: Escrow) -> Escrow:
    return scenes.failing(escrow, OFF)


def _resumed(escrow: Escrow) -> Escrow:
    return reviews.resume(escrow, "", step(OPERATIONS, ON))


def _charged_back(escrow: Escrow) -> Escrow:
    return chargebacks.open_(escrow, "", step(OPERATIONS, OFF))


def _won(escrow: Escrow) -> Escrow:
    return chargebacks.win(escrow, "", step(OPERATIONS, ON))


WAYS = [
    (_disputed, _rejected),
    (_disputed, _withdrawn),
    (_disputed, _resolved),
    (_refunding, _proved),
    (_refunding, _denied),
    (_refunding, _put_off),
    (_releasing, _denied),
    (_failing, _resumed),
    (_charged_back, _won),
]


@pytest.mark.parametrize(
    ("stop", "go_on"), WAYS, ids=[f"{a.__name__}{b.__name__}" for a, b in WAYS]
)
def test_the_clocks_stand_still_and_go_on_with_what_they_had_left(
    stop: Callable[[Escrow], Escrow], go_on: Callable[[Escrow], Escrow]
) -> None:
    """Rule 7, for each of them."""
    stopped = stop(with_every_clock(scenes.delivered()))
    assert stopped.status in CLOCKLESS
    assert (stopped.stopped_at, stopped.deadlines) == (OFF, EVERY_CLOCK)
    after = go_on(stopped)
    assert (after.status, after.stopped_at) == (Status.HELD, None)
    for name in NAMES:
        assert getattr(after.deadlines, name) == getattr(EVERY_CLOCK, name) + LOST


def test_time_stopped_in_several_statuses_counts_once() -> None:
    """Disputed, then frozen, then back: from the first stop to the last end."""
    disputed = scenes.disputed(at=OFF)
    frozen = scenes.failing(disputed, later(days=5))
    back = reviews.resume(frozen, "", step(OPERATIONS, later(days=9)))
    assert (back.status, back.stopped_at) == (Status.DISPUTED, OFF)
    after = _rejected(back)
    wanted = scenes.delivered().deadlines.inspection_by
    assert wanted is not None
    assert after.deadlines.inspection_by == wanted + LOST


def test_a_clock_that_does_not_run_does_not_begin_to_when_they_go_on() -> None:
    after = _rejected(_disputed(scenes.delivered()))
    assert set(running(after)) == {"inspection_by", "hold_until"}


def test_an_unpaid_order_goes_on_with_the_time_to_pay_that_it_had_left() -> None:
    frozen = scenes.failing(scenes.created(), later(hours=2))
    back = reviews.resume(frozen, "", step(OPERATIONS, later(hours=50)))
    assert back.deadlines.pay_by == later(hours=72 + 48)
    open_ = reviews.reopen_unpaid(frozen, "", step(OPERATIONS, later(hours=50)))
    assert open_.deadlines.pay_by == later(hours=72 + 48)


def test_an_order_that_is_reopened_has_a_day_to_be_paid_at_least() -> None:
    late = scenes.charging(at=later(hours=71))
    frozen = scenes.failing(late, later(hours=71))
    open_ = reviews.reopen_unpaid(frozen, "", step(OPERATIONS, later(days=9)))
    assert running(open_) == {"pay_by": later(days=10)}


# ── reminders ────────────────────────────────────────────────────────────────


def test_a_reminder_comes_a_day_before_its_deadline() -> None:
    assert {name: at for at, name in deadlines.reminders(scenes.held())} == {
        "ship_by": later(days=6),
        "hold_until": later(days=59),
    }


def test_a_reminder_never_comes_before_half_of_the_wait_is_over() -> None:
    terms = Policy(pay_within_hours=2, remind_hours=24)
    (reminder,) = deadlines.reminders(scenes.created(policy=terms))
    assert reminder == (later(hours=1), "pay_by")


def test_of_each_deadline_one_is_reminded_once() -> None:
    told = holding.remind(scenes.held(), "ship_by", step(CLOCK, later(days=6)))
    assert [name for _, name in deadlines.reminders(told)] == ["hold_until"]
    assert told.history[-1].why == "ship_by"


def test_a_reminder_moves_on_with_its_deadline() -> None:
    before = {n: at for at, n in deadlines.reminders(scenes.delivered())}
    after = {
        n: at for at, n in deadlines.reminders(_rejected(_disputed(scenes.delivered())))
    }
    assert after["inspection_by"] == before["inspection_by"] + LOST


def test_creation_starts_the_time_to_pay_alone() -> None:
    assert deadlines.on_creation(Policy(), START) == Deadlines(pay_by=later(hours=72))
    assert later(hours=72) - START == timedelta(days=3)
