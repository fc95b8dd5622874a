"""Held money: shipped, delivered, released, and shown to a human when a clock runs out
or the machine keeps failing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emanet import attempts, holding
from emanet.due import due_at
from emanet.errors import IllegalTransition, NotYourAction
from emanet.escrow import (
    CLOSED,
    AttemptStatus,
    Escrow,
    Role,
    SettlementStatus,
    Shipment,
    Status,
)
from emanet.money import Balances, RuleBroken
from emanet.outcome import NotFound
from tests.unit import scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later, step

PARCEL = Shipment(START, "Yurtiçi", "YK-1")


NOT_PAID = replace(scenes.attempt(1), status=AttemptStatus.NOT_PAID)


def not_paid_at_first() -> Escrow:
    """Held by attempt 2; attempt 1 was not found and is asked about once more."""
    quiet = later(minutes=15)
    first = scenes.settled(scenes.charging(), 1, NotFound(quiet), quiet)
    return scenes.held(scenes.charging(first, quiet), quiet)


def test_shipping_keeps_the_parcel_and_stays_held() -> None:
    after = holding.ship(scenes.held(), PARCEL, step(Role.PAYEE))
    assert (after.status, after.shipment) == (Status.HELD, PARCEL)


def test_a_parcel_is_shipped_once() -> None:
    with pytest.raises(IllegalTransition, match="already_shipped"):
        holding.ship(scenes.shipped(), PARCEL, step(Role.PAYEE))


def test_what_was_delivered_is_not_shipped_any_more() -> None:
    seen = holding.deliver(scenes.held(), step(Role.PAYER))
    with pytest.raises(IllegalTransition, match="already_shipped"):
        holding.ship(seen, PARCEL, step(Role.PAYEE))


def test_delivery_is_dated_by_our_clock_and_the_first_word_wins() -> None:
    after = holding.deliver(scenes.shipped(), step(Role.CARRIER, later(days=1)))
    assert after.delivered_at == later(days=1)
    with pytest.raises(IllegalTransition, match="already_delivered"):
        holding.deliver(after, step(Role.PAYER, later(days=2)))


def test_the_payee_s_word_is_no_delivery() -> None:
    with pytest.raises(NotYourAction):
        holding.deliver(scenes.shipped(), step(Role.PAYEE))


@pytest.mark.parametrize(
    "escrow", [scenes.held(), scenes.shipped(), scenes.delivered()]
)
def test_the_payer_releases_all_that_is_held(escrow: Escrow) -> None:
    after = holding.release(escrow, scenes.settlement(), step(Role.PAYER))
    assert after.status is Status.RELEASED
    assert after.balances == Balances(captured=AMOUNT_MINOR, released=AMOUNT_MINOR)
    assert after.settlement("key-1") == scenes.settlement()
    assert after.available_minor == 0


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.PAYER}))
def test_nobody_but_the_payer_releases(role: Role) -> None:
    with pytest.raises(NotYourAction):
        holding.release(scenes.delivered(), scenes.settlement(), step(role))


def test_nothing_is_released_twice() -> None:
    again = scenes.settlement(scenes.released().available_minor)
    with pytest.raises(IllegalTransition):
        holding.release(scenes.released(), again, step(Role.PAYER))


@pytest.mark.parametrize("amount_minor", [-1, 0, 1, AMOUNT_MINOR - 1, AMOUNT_MINOR + 1])
def test_no_other_amount_than_all_closes_an_escrow(amount_minor: int) -> None:
    with pytest.raises(RuleBroken):
        holding.release(
            scenes.held(), scenes.settlement(amount_minor), step(Role.PAYER)
        )


def test_what_is_reserved_is_not_released() -> None:
    with pytest.raises(IllegalTransition, match="nothing_available"):
        holding.release(scenes.reserved(), scenes.settlement(), step(Role.PAYER))


@pytest.mark.parametrize("status", SettlementStatus)
def test_only_settlements_under_way_reserve(status: SettlementStatus) -> None:
    planned = scenes.settlement(30_000, status)
    escrow = replace(scenes.held(), settlements=(planned,))
    under_way = status in ("scheduled", "suspended", "sent", "unknown")
    assert escrow.available_minor == (100_000 if under_way else 130_000)


# ── deadlines ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("escrow", "days", "reason"),
    [
        (scenes.held(), 7, "ship_by_missed"),
        (scenes.shipped(), 7, "delivery_unconfirmed"),
        (scenes.delivered(), 3, "inspection_over"),
        (scenes.shipped(later(days=59)), 60, "hold_limit"),
    ],
    ids=["held", "shipped", "delivered", "held too long"],
)
def test_a_deadline_of_held_money_leads_to_a_human_by_its_name(
    escrow: Escrow, days: int, reason: str
) -> None:
    before = step(Role.CLOCK, later(days=days, seconds=-1))
    with pytest.raises(IllegalTransition, match="no_deadline_over"):
        holding.escalate(escrow, before)
    after = holding.escalate(escrow, step(Role.CLOCK, later(days=days)))
    assert (after.status, after.prior_status) == (Status.REVIEW, Status.HELD)
    assert (after.queue_reason, after.queue_since) == (reason, later(days=days))
    assert after.history[-1].why == reason
    assert after.balances == escrow.balances


def test_escalating_names_the_deadline_even_while_an_older_question_is_due() -> None:
    """Rule 7: in review it must stand in a queue with a name."""
    after = holding.escalate(not_paid_at_first(), step(Role.CLOCK, later(days=8)))
    assert after.queue_reason == "ship_by_missed"


# ── giving up ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "escrow",
    [scenes.declined(), scenes.authenticating(), scenes.charging(), scenes.held()],
    ids=lambda escrow: escrow.status,
)
def test_an_open_escrow_that_keeps_failing_is_frozen_for_a_human(
    escrow: Escrow,
) -> None:
    after = holding.give_up(escrow, "TypeError", step(Role.CLOCK))
    assert (after.status, after.prior_status) == (Status.REVIEW, escrow.status)
    assert (after.queue_reason, after.queue_since) == ("reconcile_failed", START)


@pytest.mark.parametrize("status", sorted(CLOSED | {Status.REVIEW}))
def test_a_closed_or_frozen_escrow_that_keeps_failing_is_flagged(
    status: Status,
) -> None:
    asked_about = replace(NOT_PAID, ask_at=START)
    escrow = replace(scenes.in_status(status), attempts=(asked_about,))
    after = holding.give_up(escrow, "TypeError", step(Role.CLOCK))
    assert (after.status, after.balances) == (status, escrow.balances)
    assert after.queue_reason == (escrow.queue_reason or "reconcile_failed")
    assert due_at(after) is None


def test_a_frozen_escrow_charges_nothing() -> None:
    frozen = holding.give_up(scenes.authenticating(), "odd", step(Role.CLOCK))
    with pytest.raises(IllegalTransition):
        attempts.begin_charge(frozen, 1, step(Role.BROWSER))
