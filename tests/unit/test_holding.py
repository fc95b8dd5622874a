"""Held money: shipped, delivered, reminded of, and shown to a human when a clock runs
out or the machine keeps failing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emanet import attempts, holding, reviews, settlements, surplus
from emanet.due import due_at
from emanet.errors import IllegalTransition, NotYourAction
from emanet.escrow import (
    CLOSED,
    AttemptStatus,
    Escrow,
    QueueReason,
    Role,
    SettlementStatus,
    Shipment,
    Status,
)
from emanet.outcome import NotFound
from emanet.policy import Ending
from tests.unit import every_scene, scenes
from tests.unit.scenes import START, later, step

PARCEL = Shipment(START, "Yurtiçi", "YK-1")


NOT_PAID = replace(scenes.attempt(1), status=AttemptStatus.NOT_PAID)


def agreed(**terms: Ending) -> Escrow:
    """Held under these terms."""
    return scenes.held(scenes.charging(scenes.agreed(**terms)))


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


@pytest.mark.parametrize("role", [Role.PAYEE, Role.BACKEND, Role.CARRIER])
def test_neither_the_payee_nor_a_stranger_releases(role: Role) -> None:
    """Rule 12."""
    with pytest.raises(NotYourAction):
        settlements.release(scenes.delivered(), scenes.settlement(), step(role))


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
        (agreed(at_ship_by=Ending.REVIEW), 7, "ship_by_missed"),
        (
            scenes.shipped(before=agreed(at_claim=Ending.REVIEW)),
            7,
            "delivery_unconfirmed",
        ),
        (
            scenes.delivered(before=agreed(at_inspection=Ending.REVIEW)),
            3,
            "inspection_over",
        ),
        (scenes.held(), 60, "hold_limit"),
        (scenes.shipped(later(days=59)), 60, "hold_limit"),
    ],
)
def test_a_deadline_that_leads_to_review_does_so_by_its_name(
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
    after = holding.escalate(not_paid_at_first(), step(Role.CLOCK, later(days=61)))
    assert after.queue_reason == "hold_limit"


@pytest.mark.parametrize(
    "escrow", [scenes.held(), scenes.shipped(), scenes.delivered()]
)
def test_by_the_usual_terms_no_deadline_but_the_hold_limit_freezes(
    escrow: Escrow,
) -> None:
    with pytest.raises(IllegalTransition, match="no_deadline_over"):
        holding.escalate(escrow, step(Role.CLOCK, later(days=59)))


def test_a_parcel_that_nobody_confirms_is_shown_while_everything_goes_on() -> None:
    after = every_scene.claim_missed()
    assert (after.status, after.queue_reason) == (Status.HELD, "delivery_unconfirmed")
    assert after.deadlines.claim_by is None
    assert after.deadlines.hold_until == later(days=60)
    with pytest.raises(IllegalTransition, match="no_deadline_over"):
        holding.miss_claim(after, step(Role.CLOCK, later(days=8)))


def test_a_late_word_of_the_delivery_takes_it_out_of_that_queue() -> None:
    late = step(Role.PAYER, later(days=9))
    after = holding.deliver(every_scene.claim_missed(), late)
    assert (after.flags, after.deadlines.inspection_by) == ((), later(days=12))


def test_a_reminder_is_a_line_of_history_and_nothing_else() -> None:
    before = scenes.held()
    after = holding.remind(before, "ship_by", step(Role.CLOCK, later(days=6)))
    assert (after.status, after.deadlines) == (before.status, before.deadlines)
    assert (after.reminded, after.flags) == (("ship_by",), before.flags)


# ── shown, and seen ──────────────────────────────────────────────────────────


def test_who_stands_in_a_queue_keeps_the_place() -> None:
    once = holding.show(scenes.held(), "odd", step(Role.CLOCK))
    twice = holding.show(once, "odder", step(Role.CLOCK, later(days=1)))
    assert twice.flags == once.flags
    both = holding.show(
        twice, "fee", step(Role.CLOCK, later(days=2)), QueueReason.DRIFT
    )
    assert [flag.reason for flag in both.flags] == ["reconcile_failed", "drift"]
    assert (both.queue_reason, both.queue_since) == ("reconcile_failed", START)


def test_a_human_who_has_seen_to_it_takes_it_out_of_the_queues() -> None:
    shown = scenes.flagged(every_scene.claim_missed())
    after = holding.acknowledge(shown, "called them", step(Role.OPERATIONS))
    assert (after.flags, after.status) == ((), Status.HELD)
    assert after.history[-1].why == "called them"
    with pytest.raises(IllegalTransition, match="no_flag"):
        holding.acknowledge(after, "", step(Role.OPERATIONS))


def test_an_open_dispute_stays_in_its_queue_whatever_is_acknowledged() -> None:
    shown = scenes.flagged(scenes.disputed())
    after = holding.acknowledge(shown, "", step(Role.OPERATIONS))
    assert [flag.reason for flag in after.flags] == ["dispute_open"]


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OPERATIONS}))
def test_nobody_else_takes_anything_out_of_a_queue(role: Role) -> None:
    with pytest.raises(NotYourAction):
        holding.acknowledge(scenes.flagged(scenes.held()), "", step(role))


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
    escrow = scenes.in_status(status)
    escrow = replace(escrow, attempts=(asked_about, *escrow.attempts[1:]))
    after = holding.give_up(escrow, "TypeError", step(Role.CLOCK))
    assert (after.status, after.balances) == (status, escrow.balances)
    assert after.queue_reason == (escrow.queue_reason or "reconcile_failed")
    assert due_at(after) is None


@pytest.mark.parametrize("escrow", [scenes.refunding(), scenes.releasing()])
def test_what_was_sent_when_the_machine_gave_up_is_unknown(escrow: Escrow) -> None:
    """Never sent again: a human finds out."""
    after = scenes.failing(escrow)
    assert (after.status, after.prior_status) == (Status.REVIEW, Status.HELD)
    assert after.unknown is not None
    assert after.available_minor == 0


@pytest.mark.parametrize("escrow", [scenes.held(), scenes.released()])
def test_a_surplus_that_the_machine_gave_up_on_outlives_the_review(
    escrow: Escrow,
) -> None:
    """It stands in its own queue, so that no way out of another one forgets it."""
    given_up = scenes.failing(scenes.with_surplus(escrow))
    assert due_at(given_up) is None
    after = given_up
    if given_up.status is Status.REVIEW:
        after = reviews.resume(given_up, "", step(Role.OPERATIONS))
    ((_, _, refund),) = surplus.refunds(after)
    assert refund.status is SettlementStatus.UNKNOWN
    assert "late_capture" in {flag.reason for flag in after.flags}


def test_a_frozen_escrow_charges_nothing() -> None:
    frozen = holding.give_up(scenes.authenticating(), "odd", step(Role.CLOCK))
    with pytest.raises(IllegalTransition):
        attempts.begin_charge(frozen, 1, "session-1", step(Role.BROWSER))
