"""Payments: how attempts come and go, and what each of PAYNET's verdicts makes of an
escrow in each status (rules 2, 5, 9 and 10 of the design)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from emanet import attempts, policy, verdicts
from emanet.errors import (
    AttemptStarting,
    AttemptsTooFast,
    IllegalTransition,
    Superseded,
    TooManyAttempts,
)
from emanet.escrow import (
    CLOSED,
    UNPAID,
    Attempt,
    AttemptStatus,
    CaptureStatus,
    Escrow,
    QueueReason,
    Role,
    Status,
)
from emanet.money import Balances
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Outcome, Unknown
from tests.unit import scenes
from tests.unit.scenes import START, later, settled, step

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
def test_a_capture_on_a_paid_or_closed_escrow_is_kept_and_shown_to_a_human(
    name: str,
) -> None:
    before, number = SCENES[name]
    after = settled(before, number, APPROVED, VERDICT_AT)
    assert (after.status, after.balances) == (before.status, before.balances)
    assert after.settlements == before.settlements
    assert captures(after, number)["xact-new"] is CaptureStatus.SURPLUS
    assert after.queue_reason == (before.queue_reason or "late_capture")
    assert after.queue_since is not None


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
    assert (after.queue_reason, after.queue_since) == ("late_capture", VERDICT_AT)


def test_of_two_captures_that_waited_one_funds_and_the_other_is_surplus() -> None:
    two = settled(scenes.waiting(), FIRST, APPROVED, VERDICT_AT)
    after = settled(two, SECOND, NO, VERDICT_AT)
    assert captures(after, FIRST) == {
        "xact-new": CaptureStatus.SURPLUS,
        "xact-late": CaptureStatus.FUNDS,
    }
    assert after.balances.captured == scenes.AMOUNT_MINOR
    assert after.queue_reason == "late_capture"


def test_a_late_capture_closes_the_live_attempt_and_its_session_cannot_charge() -> None:
    before = scenes.authenticating(scenes.declined())
    after = settled(before, FIRST, APPROVED, VERDICT_AT)
    assert newest(after).status is AttemptStatus.SUPERSEDED
    with pytest.raises(IllegalTransition):
        attempts.begin_charge(after, SECOND, step(Role.BROWSER, VERDICT_AT))


def test_a_late_capture_keeps_an_older_place_in_the_queue() -> None:
    queued = replace(
        scenes.released(), queue_reason=QueueReason.HOLD_LIMIT, queue_since=START
    )
    after = settled(queued, FIRST, APPROVED, VERDICT_AT)
    assert (after.queue_reason, after.queue_since) == ("hold_limit", START)


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
        scenes.charging(), FIRST, step(Role.BROWSER, later(minutes=10))
    )
    assert verdict(again, FIRST, QUIET_OVER) is None
    quiet = later(minutes=25)
    assert settled(again, FIRST, NotFound(quiet), quiet).status is Status.CREATED


# ── attempts ─────────────────────────────────────────────────────────────────


def test_a_new_attempt_takes_the_place_of_an_open_session() -> None:
    after = scenes.starting(scenes.authenticating(), later(seconds=1))
    assert after.status is Status.CREATED
    old, new = after.attempts
    assert (old.status, old.closed_at) == (
        AttemptStatus.SUPERSEDED,
        later(seconds=1),
    )
    assert new.status is AttemptStatus.STARTING


def test_an_attempt_that_is_starting_holds_others_off_for_30_seconds() -> None:
    with pytest.raises(AttemptStarting) as refused:
        scenes.starting(scenes.starting(), later(seconds=29))
    assert refused.value.retry_after_s == 30
    assert scenes.starting(scenes.starting(), later(seconds=30)).live_attempt


def test_the_session_of_a_superseded_attempt_is_never_stored() -> None:
    second = scenes.starting(scenes.starting(), later(seconds=30))
    with pytest.raises(Superseded):
        attempts.store_session(second, FIRST, "session-1", step(Role.PAYER))
    with pytest.raises(Superseded):
        attempts.refuse_session(second, FIRST, "no", step(Role.PAYER))


def test_a_session_is_stored_once() -> None:
    with pytest.raises(Superseded):
        attempts.store_session(scenes.authenticating(), FIRST, "b", step(Role.PAYER))


def test_an_escrow_has_ten_attempts() -> None:
    escrow = scenes.created()
    for number in range(policy.ATTEMPTS_MAX):
        escrow = scenes.authenticating(escrow, later(minutes=10 * number))
    with pytest.raises(TooManyAttempts):
        scenes.starting(escrow, later(minutes=200))


def test_five_attempts_fit_into_ten_minutes() -> None:
    escrow = scenes.created()
    for number in range(policy.ATTEMPTS_BURST):
        escrow = scenes.authenticating(escrow, later(minutes=number))
    with pytest.raises(AttemptsTooFast) as refused:
        scenes.starting(escrow, later(minutes=9, seconds=59))
    assert refused.value.retry_after_s == 600
    assert scenes.starting(escrow, later(minutes=10)).live_attempt


@pytest.mark.parametrize(
    "status", sorted(set(Status) - {Status.CREATED, Status.AUTHENTICATING})
)
def test_no_attempt_starts_in_any_other_status(status: Status) -> None:
    with pytest.raises(IllegalTransition):
        scenes.starting(scenes.in_status(status), later(days=1))


def test_no_attempt_starts_after_the_time_to_pay() -> None:
    with pytest.raises(IllegalTransition, match="pay_by_over"):
        scenes.starting(scenes.created(), later(hours=72))


def test_a_refused_session_is_payable_again_at_once() -> None:
    now = step(Role.PAYER, later(seconds=1))
    after = attempts.refuse_session(scenes.starting(), FIRST, "payment_refused", now)
    assert after.status is Status.CREATED
    assert newest(after).status is AttemptStatus.REFUSED
    assert after.history[-1].why == "payment_refused"
    assert scenes.starting(after, later(seconds=2)).live_attempt


def test_a_session_ends_half_an_hour_after_it_was_stored() -> None:
    early = step(Role.CLOCK, later(minutes=29, seconds=59))
    with pytest.raises(IllegalTransition):
        attempts.expire_session(scenes.authenticating(), early)
    after = attempts.expire_session(
        scenes.authenticating(), step(Role.CLOCK, later(minutes=30))
    )
    assert after.status is Status.CREATED
    assert newest(after).status is AttemptStatus.EXPIRED


def test_a_session_that_is_over_is_never_charged() -> None:
    browser = step(Role.BROWSER, later(minutes=30))
    with pytest.raises(IllegalTransition, match="session_over"):
        attempts.begin_charge(scenes.authenticating(), FIRST, browser)


def test_the_bank_s_no_is_payable_again() -> None:
    after = attempts.fail_3d(scenes.authenticating(), step(Role.BROWSER))
    assert after.status is Status.CREATED
    assert newest(after).status is AttemptStatus.FAILED


def test_nobody_paid_in_time() -> None:
    with pytest.raises(IllegalTransition):
        attempts.expire(scenes.created(), step(Role.CLOCK, later(hours=71)))
    assert scenes.expired().status is Status.EXPIRED


def test_expiring_ends_an_attempt_whose_session_never_came() -> None:
    begun = scenes.starting(at=later(hours=71))
    after = attempts.expire(begun, step(Role.CLOCK, later(hours=72)))
    assert newest(after).status is AttemptStatus.EXPIRED
    with pytest.raises(Superseded):
        attempts.store_session(after, FIRST, "late", step(Role.PAYER, later(hours=72)))


# ── the charge and its lease ─────────────────────────────────────────────────


def test_the_intent_says_when_how_often_and_until_when_it_is_leased() -> None:
    attempt = newest(scenes.charging(at=START))
    assert attempt.status is AttemptStatus.CHARGING
    assert (attempt.last_sent, attempt.sends) == (START, 1)
    assert attempt.lease_until == later(seconds=60)
    assert attempt.ask_at == later(seconds=20)


def test_only_the_live_attempt_is_charged() -> None:
    both = scenes.authenticating(scenes.authenticating())
    with pytest.raises(IllegalTransition):
        attempts.begin_charge(both, FIRST, step(Role.BROWSER))
    charged = attempts.begin_charge(both, SECOND, step(Role.BROWSER))
    assert newest(charged).status is AttemptStatus.CHARGING


def test_a_charge_is_not_begun_twice() -> None:
    with pytest.raises(IllegalTransition):
        attempts.begin_charge(scenes.charging(), FIRST, step(Role.BROWSER))


def _retaken(escrow: Escrow, at: datetime) -> Escrow:
    return attempts.retake_charge(escrow, FIRST, step(Role.BROWSER, at))


def test_a_charge_is_taken_over_only_after_its_lease() -> None:
    with pytest.raises(IllegalTransition, match="charge_under_way"):
        _retaken(scenes.charging(), later(seconds=59))
    after = _retaken(scenes.charging(), later(seconds=60))
    attempt = newest(after)
    assert (after.status, attempt.sends) == (Status.CHARGING, 2)
    assert attempt.last_sent == later(seconds=60)
    assert attempt.lease_until == later(seconds=120)
    assert attempt.ask_at == later(seconds=80)


def test_a_charge_is_taken_over_three_times_at_most() -> None:
    escrow = scenes.charging()
    for minute in (1, 2, 3):
        escrow = _retaken(escrow, later(minutes=minute))
    with pytest.raises(IllegalTransition, match="takeovers_used_up"):
        _retaken(escrow, later(minutes=4))


def test_a_decline_heard_by_asking_is_asked_once_more() -> None:
    """The refusal of a repeat may stand in the lists before the first charge does."""
    soon, late = later(seconds=30), later(minutes=2)
    first_hand = settled(scenes.charging(), FIRST, DECLINED, soon)
    by_asking = settled(scenes.charging(), FIRST, DECLINED, late)
    assert newest(first_hand).ask_at is None
    assert newest(by_asking).ask_at == late + timedelta(hours=1)


def test_held_money_that_was_reversed_is_frozen_before_it_is_released() -> None:
    gone = replace(scenes.capture(), is_reversed=True)
    for reason in ("reversed", "more_than_one", "field_absent"):
        doubt = Doubtful(reason, (OTHER, gone))
        after = settled(scenes.held(), SECOND, doubt, VERDICT_AT)
        assert (after.status, after.prior_status) == (Status.REVIEW, Status.HELD)
        assert after.balances == scenes.held().balances


def test_a_transaction_is_known_by_either_of_its_ids() -> None:
    known = replace(scenes.capture(), plain_id="7001")
    held = settled(scenes.charging(), FIRST, Approved(known), VERDICT_AT)
    renamed = replace(known, xact_id="xk_spelt_otherwise")
    assert verdict(held, FIRST, Approved(renamed)) is None
    gone = Doubtful("reversed", (replace(renamed, is_reversed=True),))
    assert settled(held, FIRST, gone, VERDICT_AT).status is Status.REVIEW


def test_a_new_capture_is_stored_though_the_same_doubt_was_told_before() -> None:
    third = scenes.capture("xact-third")
    told = settled(scenes.held(), SECOND, Doubtful("more_than_one", (OTHER,)))
    again = Doubtful("more_than_one", (OTHER, third))
    assert "xact-third" in captures(settled(told, SECOND, again), SECOND)


def test_a_success_that_was_seen_is_not_forgotten_when_nobody_lists_it() -> None:
    seen = Unknown("approval_unclear", seen=OTHER)
    charging = settled(scenes.charging(), FIRST, seen, later(seconds=2))
    assert charging.status is Status.CHARGING
    assert verdict(charging, FIRST, seen) is None
    late = later(minutes=16)
    after = settled(charging, FIRST, NotFound(late), late)
    assert (after.status, after.balances) == (Status.REVIEW, Balances())
    held = settled(charging, FIRST, Approved(OTHER), late)
    assert (held.status, len(held.attempts[0].captures)) == (Status.HELD, 1)


def test_a_second_doubt_is_written_even_beside_an_older_place_in_the_queue() -> None:
    queued = replace(
        scenes.released(), queue_reason=QueueReason.HOLD_LIMIT, queue_since=START
    )
    after = settled(queued, SECOND, Doubtful("reversed", (scenes.capture(),)))
    assert after.history[-1].why == "reversed, attempt 2"
    assert after.queue_reason is QueueReason.HOLD_LIMIT


def test_an_approval_after_a_doubt_is_evidence_not_forgotten() -> None:
    doubted = settled(scenes.charging(), FIRST, Doubtful("field_absent", (OTHER,)))
    after = settled(doubted, FIRST, Approved(OTHER), VERDICT_AT)
    assert after.status is Status.REVIEW
    assert captures(after, FIRST) == {OTHER.xact_id: CaptureStatus.WAITING}


# ── asking again ─────────────────────────────────────────────────────────────


def test_a_charge_is_asked_about_at_20_s_1_5_and_15_min() -> None:
    escrow, moments = scenes.charging(), []
    for _ in range(4):
        ask_at = newest(escrow).ask_at
        assert ask_at is not None
        moments.append(ask_at - START)
        escrow = attempts.asked(escrow, FIRST, ask_at)
    assert tuple(moments) == (
        timedelta(seconds=20),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=15),
    )
    assert newest(escrow).ask_at == later(hours=1)


def test_asking_late_skips_the_moments_that_have_passed() -> None:
    after = attempts.asked(scenes.charging(), FIRST, later(minutes=6))
    assert newest(after).ask_at == later(minutes=15)


def test_asking_is_no_history_and_ends_the_count_of_failures() -> None:
    failing = replace(scenes.charging(), tries=3, retry_at=later(hours=1))
    after = attempts.asked(failing, FIRST, later(seconds=20))
    assert (after.version, after.history) == (failing.version, failing.history)
    assert (after.tries, after.retry_at) == (0, None)


def test_asking_about_no_attempt_changes_nothing() -> None:
    escrow = scenes.charging()
    assert attempts.asked(escrow, 7, START) is escrow
