"""What must hold for a transition: each guard at the edge where it turns."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from emanet import guards, reasons
from emanet.escrow import Escrow, QueueReason
from emanet.guards import Guard
from emanet.machine import TRANSITIONS
from emanet.policy import Ending
from tests.unit import every_scene, scenes
from tests.unit.scenes import later

SECOND = 1.0


def delivered(**terms: Any) -> Escrow:
    held = scenes.held(scenes.charging(scenes.agreed(**terms)))
    return scenes.delivered(before=scenes.shipped(before=held))


# ── at the second ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("guard", "escrow", "at"),
    [
        (guards.pay_by_over, scenes.created(), {"hours": 72}),
        (guards.session_over, scenes.authenticating(), {"minutes": 30}),
        (guards.charge_may_repeat, scenes.charging(), {"seconds": 60}),
        (guards.quiet, scenes.charging(), {"minutes": 15}),
        (guards.claim_over, scenes.shipped(), {"days": 7}),
        (guards.frozen_deadline_over, scenes.held(), {"days": 60}),
        (guards.dispute_overdue, scenes.disputed(), {"days": 3}),
        (guards.settlement_due, scenes.reserved(30_000), {"hours": 12.5}),
    ],
)
def test_it_opens_at_its_moment_and_not_a_second_before(
    guard: Guard, escrow: Escrow, at: dict[str, float]
) -> None:
    seconds = at.get("seconds", 0.0) - SECOND
    assert guard(escrow, later(**{**at, "seconds": seconds}))
    assert guard(escrow, later(**at)) == ""


@pytest.mark.parametrize(
    ("guard", "escrow", "at"),
    [
        (guards.may_start, scenes.created(), {"hours": 72}),
        (guards.session_open, scenes.authenticating(), {"minutes": 30}),
        (guards.may_dispute, scenes.delivered(), {"days": 3}),
    ],
)
def test_it_closes_at_its_moment_and_not_a_second_before(
    guard: Guard, escrow: Escrow, at: dict[str, float]
) -> None:
    seconds = at.get("seconds", 0.0) - SECOND
    assert guard(escrow, later(**{**at, "seconds": seconds})) == ""
    assert guard(escrow, later(**at))


# ── where a deadline leads ───────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("escrow", "at", "reason"),
    [
        (scenes.held(), later(days=59), None),
        (scenes.held(), later(days=60), QueueReason.HOLD_LIMIT),
        (scenes.shipped(), later(days=8), None),
        (scenes.delivered(), later(days=8), None),
        (
            scenes.held(scenes.charging(scenes.agreed(at_ship_by=Ending.REVIEW))),
            later(days=7),
            QueueReason.SHIP_BY_MISSED,
        ),
        (
            scenes.shipped(
                before=scenes.held(
                    scenes.charging(scenes.agreed(at_claim=Ending.REVIEW))
                )
            ),
            later(days=7),
            QueueReason.DELIVERY_UNCONFIRMED,
        ),
        (
            delivered(at_inspection=Ending.REVIEW),
            later(days=3),
            QueueReason.INSPECTION_OVER,
        ),
    ],
)
def test_only_the_hold_limit_or_the_policy_leads_to_review(
    escrow: Escrow, at: datetime, reason: QueueReason | None
) -> None:
    assert guards.freezing_reason(escrow, at) is reason


def test_where_the_policy_says_review_a_claim_is_not_just_shown() -> None:
    frozen = scenes.agreed(at_claim=Ending.REVIEW)
    shipped = scenes.shipped(before=scenes.held(scenes.charging(frozen)))
    assert guards.claim_over(shipped, later(days=7)) == "policy_says_review"


def test_a_rest_in_paynet_s_own_escrow_cannot_be_paid_by_a_machine() -> None:
    """It pays out all or nothing; so the end of the inspection leads to a human."""
    theirs = scenes.delivered(before=scenes.held_by_paynet())
    assert guards.moves_by_itself(theirs, Ending.RELEASE)
    rest = scenes.part_reserved_there(before=theirs)
    assert not guards.moves_by_itself(rest, Ending.RELEASE)
    reason = guards.freezing_reason(rest, later(days=3))
    assert reason is QueueReason.INSPECTION_OVER


# ── words ────────────────────────────────────────────────────────────────────


def test_every_word_that_a_guard_says_is_explained() -> None:
    said = {
        row.guard(escrow, at)
        for row in TRANSITIONS
        for escrow, at in every_scene.SCENES[row.source]
    }
    assert said - {""} <= set(reasons.REASONS)


def test_a_guard_asks_and_changes_nothing() -> None:
    for escrow, at in every_scene.every():
        again = replace(escrow)
        for row in TRANSITIONS:
            assert row.guard(escrow, at) == row.guard(again, at)
        assert escrow == again


# ── particular ones ──────────────────────────────────────────────────────────


def test_with_everything_reserved_nothing_ships_cancels_or_releases() -> None:
    reserved, at = scenes.reserved(), later(hours=1)
    for guard in (guards.may_ship, guards.may_cancel, guards.may_release):
        assert guard(reserved, at) == "nothing_available"


def test_after_the_shipment_nothing_is_cancelled_free_of_charge() -> None:
    for escrow in (scenes.shipped(), scenes.delivered()):
        assert guards.may_cancel(escrow, later(hours=1)) == "already_shipped"


@pytest.mark.parametrize(
    ("escrow", "books", "order"),
    [
        (scenes.held(), "", "no_paynet_escrow"),
        (scenes.held_by_paynet(), "paynet_escrow", ""),
        (
            scenes.part_reserved_there(1),
            "paynet_escrow",
            "paynet_escrow_whole_only",
        ),
    ],
)
def test_money_is_released_where_it_lies(
    escrow: Escrow, books: str, order: str
) -> None:
    assert guards.may_release(escrow, later()) == books
    assert guards.may_order_release(escrow, later()) == order


def test_a_dispute_s_own_flags_are_not_acknowledged() -> None:
    at = later(days=4)
    assert guards.may_acknowledge(scenes.disputed(), at) == "no_flag"
    assert guards.may_acknowledge(every_scene.overdue(), at) == "no_flag"
    assert guards.may_acknowledge(scenes.flagged(scenes.disputed()), at) == ""
