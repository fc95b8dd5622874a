"""When an escrow needs attention next, and for what (rule 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from emanet import holding, settlements, surplus
from emanet.deadlines import NAMES
from emanet.due import (
    Duty,
    Moment,
    due_at,
    moments,
    next_moment,
    without_stale_reminders,
)
from emanet.escrow import (
    CLOSED,
    DisputeStatus,
    Escrow,
    Role,
    Status,
)
from emanet.outcome import NotFound
from emanet.policy import Ending
from tests.unit import every_scene, scenes, stories
from tests.unit.scenes import AMOUNT_MINOR, START, later, step

CLOCK, PAYNET, OPERATIONS = Role.CLOCK, Role.PAYNET, Role.OPERATIONS
QUIET = later(minutes=15)
NOT_PAID = scenes.settled(scenes.charging(), 1, NotFound(QUIET), QUIET)
MACHINES = {Duty.AUTO_RELEASE, Duty.REFUND_UNSHIPPED}


def reminded(escrow: Escrow) -> Escrow:
    """All reminders are out, so that the deadlines themselves come next."""
    return replace(escrow, reminded=NAMES)


def duties(escrow: Escrow) -> dict[Duty, datetime]:
    return {moment.duty: moment.at for moment in moments(escrow)}


# ── what comes next ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("escrow", "at", "duty", "attempt", "about"),
    [
        (scenes.created(), later(hours=72), Duty.EXPIRE, None, "pay_by"),
        (scenes.starting(), later(hours=72), Duty.EXPIRE, None, "pay_by"),
        (scenes.authenticating(), later(minutes=30), Duty.EXPIRE_SESSION, 1, ""),
        (scenes.charging(), later(seconds=20), Duty.ASK, 1, ""),
        (scenes.charging_again(), later(seconds=20), Duty.ASK, 2, ""),
        (scenes.declined(), later(hours=72), Duty.EXPIRE, None, "pay_by"),
        (NOT_PAID, later(hours=1, minutes=15), Duty.ASK, 1, ""),
        (
            scenes.held(),
            later(days=7),
            Duty.REFUND_UNSHIPPED,
            None,
            "ship_by_missed",
        ),
        (
            scenes.shipped(later(days=2)),
            later(days=9),
            Duty.MISS_CLAIM,
            None,
            "delivery_unconfirmed",
        ),
        (
            scenes.delivered(later(days=2)),
            later(days=5),
            Duty.AUTO_RELEASE,
            None,
            "inspection_over",
        ),
        (
            every_scene.claim_missed(),
            later(days=60),
            Duty.ESCALATE,
            None,
            "hold_limit",
        ),
        (scenes.reserved(), START, Duty.SETTLE, None, "key-1"),
        (
            scenes.reserved(30_000),
            later(hours=12, minutes=30),
            Duty.SETTLE,
            None,
            "key-1",
        ),
        (scenes.refunding(), later(minutes=3), Duty.ASK_ORDER, None, "key-1"),
        (scenes.releasing(), later(minutes=3), Duty.ASK_ORDER, None, "key-1"),
        (scenes.disputed(), later(days=3), Duty.ESCALATE_DISPUTE, None, ""),
        (
            scenes.resolved(AMOUNT_MINOR),
            later(hours=1),
            Duty.SETTLE,
            None,
            "dispute/1/release",
        ),
    ],
)
def test_what_is_due_next(
    escrow: Escrow, at: datetime, duty: Duty, attempt: int | None, about: str
) -> None:
    moment = next_moment(reminded(escrow))
    assert moment is not None
    assert (moment.at, moment.duty) == (at, duty)
    assert (moment.attempt, moment.about) == (attempt, about)
    assert due_at(reminded(escrow)) == at


@pytest.mark.parametrize(
    ("name", "days"), [("at_ship_by", 7), ("at_claim", 7), ("at_inspection", 3)]
)
def test_where_the_policy_says_so_a_human_decides_instead(name: str, days: int) -> None:
    held = scenes.held(scenes.charging(scenes.agreed(**{name: Ending.REVIEW})))
    shipped = scenes.shipped(before=held)
    delivered = scenes.delivered(before=shipped)
    waits = {"at_ship_by": held, "at_claim": shipped, "at_inspection": delivered}
    moment = next_moment(reminded(waits[name]))
    assert moment is not None
    assert (moment.duty, moment.at) == (Duty.ESCALATE, later(days=days))


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_nothing_is_due_for_a_closed_escrow(status: Status) -> None:
    assert next_moment(scenes.in_status(status)) is None
    assert due_at(scenes.in_status(status)) is None


def test_a_closed_escrow_is_still_asked_about_an_attempt_found_unpaid() -> None:
    closed = replace(NOT_PAID, status=Status.EXPIRED)
    assert next_moment(closed) == Moment(later(hours=1, minutes=15), Duty.ASK, 1)


def test_a_closed_escrow_still_gives_back_what_was_taken_besides() -> None:
    late = scenes.with_surplus(scenes.released())
    key = scenes.surplus_key(late)
    assert next_moment(late) == Moment(START, Duty.SETTLE, about=key)
    sent = surplus.send(late, key, (), "digest", step(CLOCK))
    assert next_moment(sent) == Moment(later(minutes=3), Duty.ASK_ORDER, about=key)


@pytest.mark.parametrize(
    "escrow", [scenes.doubted(), scenes.escalated(), scenes.unknown()]
)
def test_review_waits_in_a_queue_and_is_not_swept(escrow: Escrow) -> None:
    assert due_at(escrow) is None
    assert escrow.queue_reason
    assert escrow.queue_since


def test_a_failure_puts_it_off_but_never_brings_it_forward() -> None:
    failing = replace(scenes.charging(), retry_at=later(hours=1))
    assert due_at(failing) == later(hours=1)
    assert due_at(replace(failing, retry_at=START)) == later(seconds=20)


def test_the_earliest_of_several_moments_counts() -> None:
    held = scenes.held(scenes.charging(NOT_PAID, QUIET), QUIET)
    moment = next_moment(held)
    assert moment == Moment(later(hours=1, minutes=15), Duty.ASK, 1)


# ── nothing waits for ever ───────────────────────────────────────────────────


def test_every_open_scene_is_due_or_queued() -> None:
    for escrow, _ in [*every_scene.every(), *stories.SCENES]:
        if escrow.status not in CLOSED:
            assert due_at(escrow) is not None or escrow.queue_reason


def test_whatever_is_due_can_be_done_and_each_scene_ends_or_meets_a_human() -> None:
    """The clock alone, with PAYNET silent: no duty is refused, and none for ever."""
    for escrow, at in stories.SCENES:
        now, left = at, 200
        while (moment := next_moment(escrow, now)) and moment.duty is not Duty.ASK:
            now = max(now, moment.at)
            if moment.duty is Duty.ASK_ORDER:
                break
            escrow = stories.attend(escrow, moment, now)  # noqa: PLW2901 - its story
            left -= 1
            assert left, f"{moment} comes again and again"
        assert escrow.status in CLOSED or due_at(escrow) or escrow.flags


# ── clocks, with and without something to do ─────────────────────────────────


@pytest.mark.parametrize("escrow", [scenes.held(), scenes.delivered()])
def test_a_clock_with_nothing_available_does_nothing_of_its_own(
    escrow: Escrow,
) -> None:
    """What reserves the money has its own moment."""
    reserved = scenes.reserved(before=escrow)
    assert not MACHINES & set(duties(reserved))
    assert duties(reserved)[Duty.SETTLE] == START


@pytest.mark.parametrize(
    "key", ["ship-deadline/1", "auto-release/1", "dispute/1/refund"]
)
@pytest.mark.parametrize("way", ["denied", "withdrawn"])
def test_a_machine_does_not_repeat_what_was_denied_or_withdrawn(
    key: str, way: str
) -> None:
    """Its clock then ends at the hold limit, even when a human has seen the no."""
    asked = scenes.reserved(before=scenes.delivered(), key=key)
    if way == "denied":
        no = settlements.deny(scenes.sent(asked, key), "no", step(PAYNET))
        after = holding.acknowledge(no, "seen", step(OPERATIONS))
    else:
        after = settlements.withdraw(asked, key, "no", step(OPERATIONS))
    assert after.available_minor == AMOUNT_MINOR
    assert set(duties(after)) == {Duty.ESCALATE}


def test_after_a_person_s_refund_was_denied_the_clock_waits_for_a_human() -> None:
    sent = scenes.sent(scenes.reserved(before=scenes.delivered()))
    denied = settlements.deny(sent, "no", step(PAYNET))
    assert set(duties(denied)) == {Duty.ESCALATE}
    seen = holding.acknowledge(denied, "seen", step(OPERATIONS))
    assert Duty.AUTO_RELEASE in duties(seen)


def test_a_rest_in_paynet_s_own_escrow_is_never_released_by_the_clock() -> None:
    rest = scenes.part_reserved_there(
        before=scenes.delivered(before=scenes.held_by_paynet())
    )
    assert Duty.AUTO_RELEASE not in duties(rest)
    assert min(m.at for m in moments(rest) if m.duty is Duty.ESCALATE) == later(days=3)


def test_held_money_has_no_clock_that_the_payee_starts_and_that_pays_him() -> None:
    """Rule 12: shipping gives the payer time; it never ends in a payout."""
    assert Duty.AUTO_RELEASE not in duties(scenes.shipped())
    assert Duty.AUTO_RELEASE not in duties(every_scene.claim_missed())
    assert scenes.shipped().history[-1].by == str(scenes.actor(Role.PAYEE))


# ── reminders ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("escrow", "at", "about"),
    [
        (scenes.created(), later(hours=48), "pay_by"),
        (scenes.held(), later(days=6), "ship_by"),
        (scenes.shipped(), later(days=6), "claim_by"),
        (scenes.delivered(), later(days=2), "inspection_by"),
        (every_scene.claim_missed(), later(days=59), "hold_until"),
    ],
)
def test_each_deadline_is_reminded_of_once_and_before_it(
    escrow: Escrow, at: datetime, about: str
) -> None:
    moment = next_moment(escrow)
    assert moment is not None
    assert (moment.duty, moment.at, moment.about) == (Duty.REMIND, at, about)
    assert moment.until == getattr(escrow.deadlines, about)
    after = holding.remind(escrow, about, step(CLOCK, at))
    assert about not in {m.about for m in moments(after) if m.duty is Duty.REMIND}


def test_a_reminder_whose_deadline_has_passed_is_not_sent_any_more() -> None:
    moment = next_moment(scenes.held(), later(days=7))
    assert moment is not None
    assert moment.duty is Duty.REFUND_UNSHIPPED


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.CREATED, Status.HELD}))
def test_nobody_is_reminded_where_nobody_may_act(status: Status) -> None:
    assert Duty.REMIND not in duties(scenes.in_status(status))


# ── a chargeback that was lost meanwhile ─────────────────────────────────────


def test_a_lost_chargeback_is_booked_as_soon_as_the_settlement_has_ended() -> None:
    moment = next_moment(every_scene.lost_waiting())
    assert moment is not None
    assert moment.duty is Duty.LOSE_CHARGEBACK
    assert moment.at <= later(days=3)


def test_an_overdue_dispute_is_swept_no_more_and_shown() -> None:
    overdue = every_scene.overdue()
    assert (due_at(overdue), overdue.queue_reason) == (None, "dispute_overdue")
    assert overdue.disputes[0].status is DisputeStatus.OPEN


def test_of_a_deadline_that_is_over_nobody_is_reminded_any_more() -> None:
    late = scenes.reserved()
    spared = without_stale_reminders(late, later(days=8))
    assert spared.reminded == ("ship_by",)
    assert spared.version == late.version
