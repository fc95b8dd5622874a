"""Unpaid reviews: a capture that matched nothing is accepted or goes back, and no way
back to unpaid passes one that waited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from emanet import reviews, surplus, verdicts
from emanet.errors import IllegalTransition
from emanet.escrow import (
    AttemptStatus,
    Capture,
    CaptureStatus,
    Escrow,
    Role,
    Status,
)
from emanet.money import Balances
from emanet.outcome import Approved, Doubtful, NotFound
from tests.unit import every_scene, scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later, step

OPERATIONS, PAYNET = Role.OPERATIONS, Role.PAYNET


def captures(escrow: Escrow) -> dict[str, CaptureStatus]:
    return {capture.xact_id: capture.status for capture in escrow.captures}


def going_back(escrow: Escrow) -> dict[str, int]:
    return {c.xact_id: r.amount_minor for _, c, r in surplus.refunds(escrow)}


# ── a mismatch ───────────────────────────────────────────────────────────────


def test_a_mismatch_that_is_accepted_is_the_amount_from_then_on() -> None:
    """Rule 2: corrected in the same write."""
    before = scenes.doubted(amount_minor=125_000)
    after = reviews.accept_mismatch(before, "", "agreed", step(OPERATIONS))
    assert (after.status, after.version) == (Status.HELD, before.version + 1)
    assert (after.amount_minor, after.balances) == (125_000, Balances(125_000, 125_000))
    assert captures(after) == {"xact-wrong": CaptureStatus.FUNDS}
    assert after.attempts[0].status is AttemptStatus.CAPTURED
    assert (after.flags, after.held_at, after.prior_status) == ((), START, None)
    assert after.history[-1].money == {"captured": 125_000, "suspense": -125_000}


def two_taken() -> Escrow:
    both = Doubtful("more_than_one", (scenes.capture("a"), scenes.capture("b", 99_000)))
    return scenes.settled(scenes.charging_again(), 2, both)


def test_everything_else_that_was_taken_goes_back() -> None:
    """Also from the very same attempt."""
    after = reviews.accept_mismatch(two_taken(), "a", "", step(OPERATIONS))
    assert captures(after) == {"b": CaptureStatus.SURPLUS, "a": CaptureStatus.FUNDS}
    assert going_back(after) == {"b": 99_000}
    assert after.flags == ()


def test_a_capture_that_waited_goes_back_when_another_is_accepted() -> None:
    waited = scenes.settled(two_taken(), 1, Approved(scenes.capture("xact-late")))
    after = reviews.accept_mismatch(waited, "b", "", step(OPERATIONS))
    assert after.balances.captured == 99_000
    assert going_back(after) == {"a": AMOUNT_MINOR, "xact-late": AMOUNT_MINOR}


def test_of_several_one_is_named() -> None:
    with pytest.raises(IllegalTransition, match="name_one_capture"):
        reviews.accept_mismatch(two_taken(), "", "", step(OPERATIONS))
    with pytest.raises(IllegalTransition, match="no_mismatch"):
        reviews.accept_mismatch(two_taken(), "c", "", step(OPERATIONS))


@pytest.mark.parametrize(
    ("capture", "why"),
    [
        (Capture("x", None, START), "not_acceptable"),
        (Capture("x", 5_000, START, is_reversed=True), "not_acceptable"),
        (Capture("x", 1_300, START), "fee_exceeds_amount"),
    ],
)
def test_not_every_mismatch_can_be_the_payment(capture: Capture, why: str) -> None:
    odd = scenes.settled(scenes.charging(), 1, Doubtful("odd", (capture,)))
    with pytest.raises(IllegalTransition, match=why):
        reviews.accept_mismatch(odd, "x", "", step(OPERATIONS))


def test_what_is_paid_is_not_paid_by_a_mismatch_again() -> None:
    """Refused, and no bug of ours."""
    frozen = scenes.failing(scenes.with_mismatch(scenes.held()))
    with pytest.raises(IllegalTransition, match="already_paid"):
        reviews.accept_mismatch(frozen, "xact-odd", "", step(OPERATIONS))


def test_a_mismatch_that_is_refused_goes_back_and_the_order_is_payable() -> None:
    before = two_taken()
    after = reviews.refund_mismatch(before, "", step(OPERATIONS, later(hours=1)))
    assert (after.status, after.balances) == (Status.CREATED, Balances())
    assert going_back(after) == {"a": AMOUNT_MINOR, "b": 99_000}
    assert (after.flags, after.live_attempt, after.prior_status) == ((), None, None)
    assert scenes.starting(after, later(hours=2)).live_attempt


def test_a_mismatch_that_went_back_already_is_not_sent_back_again() -> None:
    gone = replace(scenes.capture("x", 5), is_reversed=True)
    odd = scenes.settled(scenes.charging(), 1, Doubtful("reversed", (gone,)))
    after = reviews.refund_mismatch(odd, "", step(OPERATIONS))
    assert (after.status, going_back(after), after.flags) == (Status.CREATED, {}, ())


def test_a_mismatch_without_an_amount_goes_back_by_hand() -> None:
    unclear = Doubtful("odd", (Capture("x", None, START),))
    odd = scenes.settled(scenes.charging(), 1, unclear)
    after = reviews.refund_mismatch(odd, "", step(OPERATIONS))
    assert (after.status, after.queue_reason) == (Status.CREATED, "late_capture")


# ── back to unpaid, and captures that waited ─────────────────────────────────


def test_no_way_back_to_unpaid_passes_a_capture_that_waits() -> None:
    """Rule 5: it funds instead."""
    frozen = scenes.failing(scenes.waiting())
    for leave in (reviews.resume, reviews.reopen_unpaid, reviews.refund_mismatch):
        with pytest.raises(IllegalTransition):
            leave(frozen, "", step(OPERATIONS))
    after = reviews.fund_waiting(frozen, "", step(OPERATIONS, later(hours=1)))
    assert (after.status, after.flags) == (Status.HELD, ())
    assert captures(after) == {"xact-late": CaptureStatus.FUNDS}
    assert after.attempts[1].status is AttemptStatus.SUPERSEDED


def test_the_oldest_that_waits_funds_and_the_others_go_back() -> None:
    frozen = scenes.failing(scenes.waiting())
    newer = scenes.settled(frozen, 2, Approved(scenes.capture("xact-newer")))
    after = reviews.fund_waiting(newer, "", step(OPERATIONS))
    assert captures(after)["xact-late"] is CaptureStatus.FUNDS
    assert going_back(after) == {"xact-newer": AMOUNT_MINOR}


def test_what_matched_nothing_is_still_shown_after_another_capture_funds() -> None:
    after = reviews.fund_waiting(every_scene.waited(), "", step(OPERATIONS))
    assert captures(after)["xact-wrong"] is CaptureStatus.MISMATCHED
    assert after.queue_reason == "doubtful_capture"


def test_a_charge_that_nobody_knew_the_end_of_is_asked_about_again() -> None:
    """It may still come to light that it took money (rules 5 and 9)."""
    ways: list[tuple[Escrow, Callable[..., Escrow]]] = [
        (scenes.charging_again(), reviews.reopen_unpaid),
        (scenes.waiting(), reviews.fund_waiting),
    ]
    for before, leave in ways:
        after = leave(scenes.failing(before), "", step(OPERATIONS))
        closed = after.attempts[1]
        assert closed.status is AttemptStatus.SUPERSEDED
        assert closed.ask_at == later(hours=1)
        late = scenes.settled(after, 2, Approved(scenes.capture("xact-2")))
        assert "xact-2" in captures(late)
        assert verdicts.settle(after, 2, NotFound(START), step(PAYNET)) is None
