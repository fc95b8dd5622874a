"""The machine where a slip of one clause would go unseen: each test was written because
a broken machine once passed all others (`make mutate`)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emanet import disputes, holding
from emanet.escrow import Flag, QueueReason, Role
from emanet.machine import check, out_of_review, short, to_review
from emanet.money import Balances, RuleBroken
from tests.unit import scenes
from tests.unit.scenes import later, step


def test_clocks_whose_stop_was_never_written_go_on_as_they_are() -> None:
    """No door leads here, but whatever stands in the table must be lived with."""
    frozen = replace(scenes.disputed(), stopped_at=None)
    thawed = disputes.withdraw(frozen, "settled", step(Role.PAYER, later(days=2)))
    assert thawed.deadlines == frozen.deadlines
    assert thawed.stopped_at is None


def test_a_stop_that_should_not_be_there_is_not_wiped_away() -> None:
    odd = replace(scenes.held(), stopped_at=scenes.START)
    with pytest.raises(RuleBroken, match="clocks"):
        holding.deliver(odd, step(Role.PAYER))


def test_a_transition_that_is_told_no_reason_writes_none() -> None:
    assert holding.deliver(scenes.held(), step(Role.PAYER)).history[-1].why == ""


def test_a_review_that_is_told_no_reason_says_its_queue() -> None:
    reason = QueueReason.RECONCILE_FAILED
    frozen = to_review(scenes.held(), "give_up", reason, step(Role.CLOCK))
    assert frozen.history[-1].why == "reconcile_failed"
    told = to_review(scenes.held(), "give_up", reason, step(Role.CLOCK), why="8 times")
    assert told.history[-1].why == "8 times"


def test_an_escrow_without_a_story_begins_one() -> None:
    told = holding.deliver(replace(scenes.held(), history=()), step(Role.PAYER))
    assert [entry.seq for entry in told.history] == [1]


def test_who_leaves_review_leaves_its_queue_unless_a_doubt_is_undecided() -> None:
    doubtful, drift = QueueReason.DOUBTFUL_CAPTURE, QueueReason.DRIFT
    flags = (Flag(doubtful, scenes.START), Flag(drift, scenes.START))
    undecided = replace(scenes.doubted(), review_reason=doubtful, flags=flags)
    assert out_of_review(undecided)["flags"] == flags
    decided = replace(undecided, attempts=())
    assert out_of_review(decided)["flags"] == flags[1:]
    other = replace(decided, review_reason=drift)
    assert out_of_review(other)["flags"] == flags[:1]


@pytest.mark.parametrize("before", ["", "x", "xx", "xxx"])
@pytest.mark.parametrize("letter", ["ş", "漢", "😀"])
def test_half_a_letter_at_the_end_of_a_reason_is_dropped(
    before: str, letter: str
) -> None:
    told = short(before + 120 * letter)
    assert told == before + letter * ((120 - len(before)) // len(letter.encode()))


def test_one_kurus_is_held_like_any_other_sum() -> None:
    check(scenes.held(scenes.charging(scenes.created(amount_minor=1, fee_minor=0))))
    rest = Balances(scenes.AMOUNT_MINOR, 1, scenes.AMOUNT_MINOR - 1)
    check(replace(scenes.held(), balances=rest))
    none = Balances(scenes.AMOUNT_MINOR, 0, scenes.AMOUNT_MINOR)
    with pytest.raises(RuleBroken, match="open or closed"):
        check(replace(scenes.held(), balances=none))
