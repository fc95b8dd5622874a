"""When an escrow needs attention next, and for what (rule 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from emanet.due import Duty, Moment, due_at, next_moment
from emanet.escrow import CLOSED, Escrow, Role, Status
from emanet.outcome import NotFound
from emanet.policy import Policy
from tests.unit import scenes
from tests.unit.scenes import START, later

QUIET = later(minutes=15)
NOT_PAID = scenes.settled(scenes.charging(), 1, NotFound(QUIET), QUIET)


@pytest.mark.parametrize(
    ("escrow", "at", "duty", "about"),
    [
        (scenes.created(), later(hours=72), Duty.EXPIRE, None),
        (scenes.starting(), later(hours=72), Duty.EXPIRE, None),
        (scenes.authenticating(), later(minutes=30), Duty.EXPIRE_SESSION, 1),
        (scenes.charging(), later(seconds=20), Duty.ASK, 1),
        (scenes.charging_again(), later(seconds=20), Duty.ASK, 2),
        (scenes.declined(), later(hours=72), Duty.EXPIRE, None),
        (NOT_PAID, later(hours=1, minutes=15), Duty.ASK, 1),
        (scenes.held(), later(days=7), Duty.ESCALATE, None),
        (scenes.shipped(later(days=2)), later(days=9), Duty.ESCALATE, None),
        (scenes.delivered(later(days=2)), later(days=5), Duty.ESCALATE, None),
    ],
)
def test_what_is_due_next(
    escrow: Escrow, at: datetime, duty: Duty, about: int | None
) -> None:
    moment = next_moment(escrow)
    assert moment is not None
    assert (moment.at, moment.duty, moment.attempt) == (at, duty, about)
    assert due_at(escrow) == at


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_nothing_is_due_for_a_closed_escrow(status: Status) -> None:
    assert next_moment(scenes.in_status(status)) is None
    assert due_at(scenes.in_status(status)) is None


def test_a_closed_escrow_is_still_asked_about_an_attempt_found_unpaid() -> None:
    closed = replace(NOT_PAID, status=Status.EXPIRED)
    assert next_moment(closed) == Moment(later(hours=1, minutes=15), Duty.ASK, 1)


@pytest.mark.parametrize("escrow", [scenes.doubted(), scenes.escalated()])
def test_review_waits_in_a_queue_and_is_not_swept(escrow: Escrow) -> None:
    assert due_at(escrow) is None
    assert escrow.queue_reason
    assert escrow.queue_since


def test_a_failure_puts_it_off_but_never_brings_it_forward() -> None:
    failing = replace(scenes.charging(), retry_at=later(hours=1))
    assert due_at(failing) == later(hours=1)
    assert due_at(replace(failing, retry_at=START)) == later(seconds=20)


def test_the_periods_are_those_that_were_agreed_for_this_escrow() -> None:
    terms = Policy(pay_within_hours=1, session_minutes=5, ship_within_days=2)
    agreed = scenes.created(policy=terms)
    assert due_at(agreed) == later(hours=1)
    assert due_at(scenes.authenticating(agreed)) == later(minutes=5)
    assert due_at(scenes.held(scenes.charging(agreed))) == later(days=2)


def test_the_earliest_of_several_moments_counts() -> None:
    held = scenes.held(scenes.charging(NOT_PAID, QUIET), QUIET)
    moment = next_moment(held)
    assert moment == Moment(later(hours=1, minutes=15), Duty.ASK, 1)


@pytest.mark.parametrize(
    "status",
    sorted({Status.CREATED, Status.AUTHENTICATING, Status.CHARGING, Status.HELD}),
)
def test_every_open_status_is_due_or_queued(status: Status) -> None:
    for escrow, _ in scenes.SCENES[status]:
        assert due_at(escrow) is not None or escrow.queue_reason


def test_held_money_has_no_clock_that_the_payee_starts_and_that_pays_him() -> None:
    """Rule 12: shipping gives the payer time; it never ends in a payout."""
    moment = next_moment(scenes.shipped())
    assert moment is not None
    assert (moment.duty, moment.reason) == (Duty.ESCALATE, "delivery_unconfirmed")
    assert scenes.shipped().history[-1].by == str(scenes.actor(Role.PAYEE))
