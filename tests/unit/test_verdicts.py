"""What each of PAYNET's verdicts makes of an escrow in each status (rules 2, 5, 9 and
10 of the design)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from emanet import attempts, surplus, verdicts
from emanet.errors import (
    IllegalTransition,
)
from emanet.escrow import (
    CLOSED,
    UNPAID,
    Attempt,
    AttemptStatus,
    CaptureStatus,
    Escrow,
    Role,
    Status,
)
from emanet.money import Balances
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Outcome, Unknown
from tests.unit import scenes
from tests.unit.scenes import later, settled, step

FIRST, SECOND = 1, 2
CAPTURE = scenes.capture("xact-new")
OTHER = scenes.capture("xact-other")
APPROVED = Approved(CAPTURE)
DECLINED = Declined("51 insufficient funds")
DOUBTFUL = Doubtful("more_than_one", (CAPTURE, OTHER))
NO = Declined("51 insufficient funds")
TOO_EARLY = NotFound(later(minutes=14, seconds=59))
QUIET_OVER = NotFound(later(minutes=15))
VERDICT_AT = later(minutes=15)


def captures(escrow: Escrow, number: int) -> dict[str, CaptureStatus]:
    attempt = escrow.attempt(number)
    assert attempt is not None
    return {capture.xact_id: capture.status for capture in attempt.captures}


def going_back(escrow: Escrow) -> dict[str, int]:
    return {c.xact_id: r.amount_minor for _, c, r in surplus.refunds(escrow)}


def newest(escrow: Escrow) -> Attempt:
    return escrow.attempts[-1]


def verdict(escrow: Escrow, number: int, outcome: Outcome) -> Escrow | None:
    return verdicts.settle(escrow, number, outcome, step(Role.PAYNET, VERDICT_AT))


# ── every verdict × every status × which attempt ─────────────────────────────

SCENES: dict[str, tuple[Escrow, int]] = {
    "created, declined": (scenes.declined(), FIRST),
    "created, starting live": (scenes.starting(scenes.declined()), SECOND),
    "created, starting besides": (scenes.starting(scenes.declined()), FIRST),
    "authenticating, live": (scenes.authenticating(), FIRST),
    "authenticating, older": (scenes.authenticating(scenes.declined()), FIRST),
    "charging, live": (scenes.charging_again(), SECOND),
    "charging, older": (scenes.charging_again(), FIRST),
    "charging, older captured": (scenes.waiting(), FIRST),
    "unpaid review, live": (scenes.doubted(scenes.charging_again(), 2), SECOND),
    "unpaid review, older": (scenes.doubted(scenes.charging_again(), 2), FIRST),
    "paid review, funding": (scenes.escalated(), SECOND),
    "paid review, older": (scenes.escalated(), FIRST),
    **{
        f"{status}, {which}": (scenes.in_status(status), number)
        for status in sorted(set(Status) - UNPAID - {Status.REVIEW})
        for which, number in (("older", FIRST), ("newest", SECOND))
        if scenes.in_status(status).attempt(number)
    },
}
CHARGING_LIVE = "charging, live"
WAITS = {"charging, older", "charging, older captured"} | {
    name for name in SCENES if name.startswith("unpaid review")
}
FUNDS_LATE = {name for name in SCENES if name.startswith(("created", "authenticating"))}
SURPLUS = set(SCENES) - WAITS - FUNDS_LATE - {CHARGING_LIVE}


def in_scenes(names: set[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", sorted(names))


@in_scenes(set(SCENES))
def test_an_unknown_outcome_changes_nothing(name: str) -> None:
    assert verdict(*SCENES[name], Unknown("timeout", unreachable=True)) is None


@in_scenes(set(SCENES) - {CHARGING_LIVE})
@pytest.mark.parametrize("outcome", [NO, QUIET_OVER], ids=["declined", "not found"])
def test_a_no_about_what_is_not_being_charged_changes_nothing(
    name: str, outcome: Outcome
) -> None:
    assert verdict(*SCENES[name], outcome) is None


def test_not_found_within_the_quiet_window_changes_nothing() -> None:
    assert verdict(*SCENES[CHARGING_LIVE], TOO_EARLY) is None


@in_scenes({CHARGING_LIVE} | FUNDS_LATE)
def test_a_capture_funds_what_is_unpaid(name: str) -> None:
    before, number = SCENES[name]
    after = settled(before, number, APPROVED, VERDICT_AT)
    assert after.status is Status.HELD
    assert after.balances == Balances(scenes.AMOUNT_MINOR, scenes.AMOUNT_MINOR)
    assert captures(after, number)["xact-new"] is CaptureStatus.FUNDS
    paid = after.attempt(number)
    assert paid is not None
    assert (paid.status, paid.closed_at) == (AttemptStatus.CAPTURED, VERDICT_AT)
    assert after.held_at == VERDICT_AT
    assert after.live_attempt is None
    assert after.queue_reason is None
    wanted = "capture" if name == CHARGING_LIVE else "fund_late"
    assert after.history[-1].transition == wanted


@in_scenes(WAITS)
def test_a_capture_waits_where_another_charge_or_a_human_is_undecided(
    name: str,
) -> None:
    before, number = SCENES[name]
    after = settled(before, number, APPROVED, VERDICT_AT)
    assert (after.status, after.balances) == (before.status, before.balances)
    assert captures(after, number)["xact-new"] is CaptureStatus.WAITING
    assert [a.status for a in after.attempts] == [a.status for a in before.attempts]
    assert after.queue_reason == before.queue_reason


@in_scenes(SURPLUS)
def test_a_capture_on_a_paid_or_closed_escrow_is_kept_and_goes_back_whole(
    name: str,
) -> None:
    before, number = SCENES[name]
    after = settled(before, number, APPROVED, VERDICT_AT)
    assert (after.status, after.balances) == (before.status, before.balances)
    assert after.settlements == before.settlements
    assert captures(after, number)["xact-new"] is CaptureStatus.SURPLUS
    assert going_back(after)["xact-new"] == scenes.AMOUNT_MINOR
    assert after.flags == before.flags


@in_scenes({n for n, (escrow, _) in SCENES.items() if escrow.status in UNPAID})
def test_a_doubtful_capture_of_what_is_unpaid_goes_to_review_with_all_ids(
    name: str,
) -> None:
    before, number = SCENES[name]
    after = settled(before, number, DOUBTFUL, VERDICT_AT)
    assert (after.status, after.prior_status) == (Status.REVIEW, before.status)
    assert after.balances == Balances()
    mismatched = CaptureStatus.MISMATCHED
    kept = {"xact-new": mismatched, "xact-other": mismatched}
    assert captures(after, number).items() >= kept.items()
    assert (after.queue_reason, after.queue_since) == ("doubtful_capture", VERDICT_AT)


@in_scenes({n for n, (escrow, _) in SCENES.items() if escrow.status not in UNPAID})
def test_a_doubtful_capture_of_anything_else_is_kept_and_never_moves_it(
    name: str,
) -> None:
    before, number = SCENES[name]
    after = settled(before, number, DOUBTFUL, VERDICT_AT)
    assert (after.status, after.balances) == (before.status, before.balances)
    assert captures(after, number)["xact-other"] is CaptureStatus.MISMATCHED
    assert after.queue_reason is not None


@in_scenes(set(SCENES))
@pytest.mark.parametrize("outcome", [APPROVED, DOUBTFUL], ids=["approved", "doubtful"])
def test_the_same_verdict_twice_changes_nothing_the_second_time(
    name: str, outcome: Outcome
) -> None:
    before, number = SCENES[name]
    after = settled(before, number, outcome, VERDICT_AT)
    assert verdict(after, number, outcome) is None


def test_a_verdict_about_an_attempt_that_is_not_there_changes_nothing() -> None:
    assert verdict(scenes.charging(), 7, APPROVED) is None


def test_a_closed_escrow_never_reopens_whatever_paynet_says() -> None:
    for status in CLOSED:
        for outcome in (APPROVED, DOUBTFUL, NO, QUIET_OVER, Unknown("odd")):
            after = verdict(scenes.in_status(status), FIRST, outcome)
            assert after is None or after.status is status


# ── late captures, to their end ──────────────────────────────────────────────


def test_a_capture_that_waited_funds_when_the_other_charge_is_declined() -> None:
    after = settled(scenes.waiting(), SECOND, NO, VERDICT_AT)
    assert (after.status, after.balances.held) == (Status.HELD, scenes.AMOUNT_MINOR)
    assert captures(after, FIRST) == {"xact-late": CaptureStatus.FUNDS}
    assert [a.status for a in after.attempts] == [
        AttemptStatus.CAPTURED,
        AttemptStatus.DECLINED,
    ]
    assert after.queue_reason is None
    assert after.version == scenes.waiting().version + 1


def test_a_capture_that_waited_funds_when_the_other_charge_is_not_found() -> None:
    after = settled(scenes.waiting(), SECOND, QUIET_OVER, VERDICT_AT)
    assert after.status is Status.HELD
    assert captures(after, FIRST) == {"xact-late": CaptureStatus.FUNDS}
    other = newest(after)
    assert (other.status, other.ask_at) == (
        AttemptStatus.NOT_PAID,
        VERDICT_AT + timedelta(hours=1),
    )


def test_a_capture_that_waited_is_surplus_when_the_other_charge_succeeds() -> None:
    after = settled(scenes.waiting(), SECOND, APPROVED, VERDICT_AT)
    assert after.balances == Balances(scenes.AMOUNT_MINOR, scenes.AMOUNT_MINOR)
    assert captures(after, FIRST) == {"xact-late": CaptureStatus.SURPLUS}
    assert captures(after, SECOND) == {"xact-new": CaptureStatus.FUNDS}
    assert going_back(after) == {"xact-late": scenes.AMOUNT_MINOR}
    assert after.queue_reason is None


def test_of_two_captures_that_waited_one_funds_and_the_other_is_surplus() -> None:
    two = settled(scenes.waiting(), FIRST, APPROVED, VERDICT_AT)
    after = settled(two, SECOND, NO, VERDICT_AT)
    assert captures(after, FIRST) == {
        "xact-new": CaptureStatus.SURPLUS,
        "xact-late": CaptureStatus.FUNDS,
    }
    assert after.balances.captured == scenes.AMOUNT_MINOR
    assert going_back(after) == {"xact-new": scenes.AMOUNT_MINOR}


def test_a_late_capture_closes_the_live_attempt_and_its_session_cannot_charge() -> None:
    before = scenes.authenticating(scenes.declined())
    after = settled(before, FIRST, APPROVED, VERDICT_AT)
    assert newest(after).status is AttemptStatus.SUPERSEDED
    with pytest.raises(IllegalTransition):
        attempts.begin_charge(
            after, SECOND, "session-2", step(Role.BROWSER, VERDICT_AT)
        )


def test_a_known_capture_is_no_second_one_even_among_new_ones() -> None:
    after = settled(scenes.held(), SECOND, Doubtful("x", (scenes.capture(), OTHER)))
    assert captures(after, SECOND) == {
        "xact-1": CaptureStatus.FUNDS,
        "xact-other": CaptureStatus.MISMATCHED,
    }


def test_a_reversed_capture_without_any_row_still_goes_to_review() -> None:
    after = settled(scenes.charging(), FIRST, Doubtful("reversed", ()), VERDICT_AT)
    assert (after.status, after.queue_reason) == (Status.REVIEW, "doubtful_capture")


# ── a charge that took nothing ───────────────────────────────────────────────


def test_a_declined_charge_is_payable_again_at_once() -> None:
    after = settled(scenes.charging(), FIRST, NO, later(seconds=2))
    assert (after.status, after.balances) == (Status.CREATED, Balances())
    attempt = newest(after)
    assert (attempt.status, attempt.refusal) == (AttemptStatus.DECLINED, NO.refusal)
    assert (attempt.closed_at, attempt.ask_at) == (later(seconds=2), None)
    assert scenes.starting(after, later(seconds=3)).live_attempt is not None


def test_not_found_after_the_quiet_window_is_not_paid_and_asked_twice_more() -> None:
    after = settled(scenes.charging(), FIRST, QUIET_OVER, VERDICT_AT)
    assert after.status is Status.CREATED
    assert newest(after).status is AttemptStatus.NOT_PAID
    assert newest(after).ask_at == VERDICT_AT + timedelta(hours=1)
    first = attempts.asked(after, FIRST, VERDICT_AT + timedelta(hours=1))
    assert newest(first).ask_at == VERDICT_AT + timedelta(hours=24)
    second = attempts.asked(first, FIRST, VERDICT_AT + timedelta(hours=24))
    assert newest(second).ask_at is None


def test_the_quiet_window_counts_from_the_last_charge_sent() -> None:
    again = attempts.retake_charge(
        scenes.charging(), FIRST, "session-1", step(Role.BROWSER, later(minutes=10))
    )
    assert verdict(again, FIRST, QUIET_OVER) is None
    quiet = later(minutes=25)
    assert settled(again, FIRST, NotFound(quiet), quiet).status is Status.CREATED


def test_what_waited_and_went_back_does_not_fund_when_the_other_is_declined() -> None:
    waiting = scenes.waiting()
    first = waiting.attempt(FIRST)
    assert first is not None
    gone = replace(
        first, captures=tuple(replace(c, is_reversed=True) for c in first.captures)
    )
    before = replace(waiting, attempts=attempts.with_attempt(waiting, gone))
    assert settled(waiting, SECOND, Declined("51")).status is Status.HELD
    assert settled(before, SECOND, Declined("51")).status is Status.CREATED
