"""Guards where a slip of one sign, word or clause would let money move or stand still:
each test was written because a broken guard once passed all others (`make mutate`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from emanet import attempts, guards
from emanet.escrow import Escrow, Settlement, SettlementStatus
from emanet.policy import Ending
from tests.unit import scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later

# ── to the kuruş ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("left_minor", "why"), [(0, "nothing_available"), (1, ""), (2, "")]
)
def test_one_kurus_is_something(left_minor: int, why: str) -> None:
    rest = scenes.reserved(AMOUNT_MINOR - left_minor)
    assert guards.something_available(rest, later(hours=1)) == why


@pytest.mark.parametrize(
    ("left_minor", "moves"), [(0, True), (1, False), (AMOUNT_MINOR - 1, False)]
)
def test_paynet_s_own_escrow_moves_all_of_it_or_has_nothing_to_move(
    left_minor: int, moves: bool
) -> None:
    theirs = scenes.part_reserved_there(AMOUNT_MINOR - left_minor)
    for ending in (Ending.RELEASE, Ending.REFUND):
        assert guards.moves_by_itself(theirs, ending) is moves


def test_what_is_only_shown_to_a_human_is_shown_whatever_is_reserved() -> None:
    assert guards.moves_by_itself(scenes.part_reserved_there(), Ending.QUEUE)


# ── a payment that PAYNET says was reversed ──────────────────────────────────


def reversed_with(*orders: Settlement, before: Escrow | None = None) -> Escrow:
    """Held, reversed at PAYNET, and these were asked for."""
    held = before or scenes.held()
    assert held.funding is not None
    attempt, funds = held.funding
    gone = replace(attempt, captures=(replace(funds, is_reversed=True),))
    known = attempts.with_attempt(held, gone)
    return replace(held, attempts=known, settlements=orders)


SENT: dict[str, Any] = {"sent_at": START, "status": SettlementStatus.SENT}
UNSENT: dict[str, Any] = {"sent_at": None}
RELEASE, REFUND = scenes.settlement(1_000), scenes.refund_of(1_000)


@pytest.mark.parametrize(
    ("orders", "gone"),
    [
        ((), True),
        ((replace(RELEASE, **UNSENT),), True),
        ((replace(RELEASE, **SENT),), True),
        ((replace(REFUND, **UNSENT),), True),
        ((replace(REFUND, **SENT),), False),
        ((replace(REFUND, status=SettlementStatus.UNKNOWN),), False),
        ((replace(REFUND, status=SettlementStatus.DONE),), False),
        ((replace(REFUND, status=SettlementStatus.DENIED),), True),
        ((replace(RELEASE, **SENT), replace(REFUND, **UNSENT)), True),
        ((replace(REFUND, **UNSENT), replace(REFUND, **SENT, key="key-2")), False),
    ],
)
def test_only_a_refund_that_was_sent_explains_a_reversal(
    orders: tuple[Settlement, ...], gone: bool
) -> None:
    assert guards.money_gone(reversed_with(*orders)) is gone


def test_what_was_reversed_is_released_nowhere() -> None:
    ours, theirs = reversed_with(), reversed_with(before=scenes.held_by_paynet())
    assert guards.may_release(ours, later()) == "money_gone"
    assert guards.may_order_release(theirs, later()) == "money_gone"


# ── what is due, and what can be answered ────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "due", "why"),
    [
        (SettlementStatus.SCHEDULED, START, ""),
        (SettlementStatus.SCHEDULED, None, "nothing_due"),
        (SettlementStatus.SUSPENDED, None, "nothing_due"),
        (SettlementStatus.DONE, START, "nothing_due"),
        (SettlementStatus.DENIED, START, "nothing_due"),
        (SettlementStatus.WITHDRAWN, START, "nothing_due"),
    ],
)
def test_only_what_is_unsent_and_has_a_moment_is_due(
    status: SettlementStatus, due: datetime | None, why: str
) -> None:
    order = replace(scenes.settlement(1, status), due_at=due)
    escrow = replace(scenes.held(), settlements=(order,))
    assert guards.settlement_due(escrow, later(days=1)) == why


def surplus_with(*statuses: SettlementStatus) -> Escrow:
    """Paid, and so many captures besides, each with a refund of its own."""
    known = scenes.with_surplus(scenes.held(scenes.charging_again()))
    late = known.attempts[0]
    [one] = [c for c in late.captures if c.refund]
    assert one.refund is not None
    several = tuple(
        replace(one, xact_id=f"late-{n}", refund=replace(one.refund, status=status))
        for n, status in enumerate(statuses)
    )
    return replace(known, attempts=(replace(late, captures=several), known.attempts[1]))


@pytest.mark.parametrize(
    ("statuses", "why"),
    [
        (("denied", "scheduled"), ""),
        (("done", "unknown"), ""),
        (("denied", "done"), ""),
        (("done", "sent"), "not_answerable"),
        (("done", "done"), "no_surplus_refund"),
    ],
)
def test_one_refund_of_a_surplus_that_is_open_can_be_answered(
    statuses: tuple[str, ...], why: str
) -> None:
    escrow = surplus_with(*map(SettlementStatus, statuses))
    assert guards.surplus_answerable(escrow, later()) == why


# ── review ───────────────────────────────────────────────────────────────────


def test_the_hold_limit_keeps_review_from_going_back() -> None:
    back = guards.returns_to(scenes.held().status)
    assert back(scenes.escalated(), later(days=61)) == "hold_limit_over"
