"""How attempts to pay come and go: started, opened, charged within a lease, given back,
and asked about until nothing more can come (rules 5 and 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from emanet import attempts, policy
from emanet.errors import (
    AttemptStarting,
    AttemptsTooFast,
    IllegalTransition,
    NotYourAction,
    Superseded,
    TooManyAttempts,
)
from emanet.escrow import Attempt, AttemptStatus, Escrow, Role, Status
from emanet.outcome import Declined
from tests.unit import scenes
from tests.unit.scenes import START, later, step

FIRST, SECOND = 1, 2
DECLINED = Declined("51 insufficient funds")


def newest(escrow: Escrow) -> Attempt:
    return escrow.attempts[-1]


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
        attempts.begin_charge(scenes.authenticating(), FIRST, "session-1", browser)


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
        attempts.begin_charge(both, FIRST, "session-1", step(Role.BROWSER))
    charged = attempts.begin_charge(both, SECOND, "session-2", step(Role.BROWSER))
    assert newest(charged).status is AttemptStatus.CHARGING


def test_a_charge_is_not_begun_twice() -> None:
    with pytest.raises(IllegalTransition):
        attempts.begin_charge(scenes.charging(), FIRST, "session-1", step(Role.BROWSER))


def _retaken(escrow: Escrow, at: datetime) -> Escrow:
    return attempts.retake_charge(escrow, FIRST, "session-1", step(Role.BROWSER, at))


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


def test_an_attempt_is_charged_by_its_own_session_alone() -> None:
    for other in ("session-2", "session-1 ", "SESSION-1", ""):
        now = step(Role.BROWSER, later(minutes=1))
        with pytest.raises(IllegalTransition, match="another_session"):
            attempts.begin_charge(scenes.authenticating(), FIRST, other, now)
        with pytest.raises(IllegalTransition, match="another_session"):
            attempts.retake_charge(scenes.charging(), FIRST, other, now)


# ── before PAYNET is asked anything ──────────────────────────────────────────


def burst() -> Escrow:
    escrow = scenes.created()
    for _ in range(policy.ATTEMPTS_BURST):
        escrow = scenes.authenticating(escrow)
    return escrow


@pytest.mark.parametrize(
    ("escrow", "at", "refusal"),
    [
        (scenes.starting(), later(seconds=29), AttemptStarting),
        (burst(), later(minutes=9), AttemptsTooFast),
        (scenes.created(), later(hours=72), IllegalTransition),
        *(
            (scenes.in_status(status), START, IllegalTransition)
            for status in sorted(set(Status) - {Status.CREATED, Status.AUTHENTICATING})
        ),
    ],
)
def test_what_no_attempt_could_begin_is_refused_as_that_would_be(
    escrow: Escrow, at: datetime, refusal: type[Exception]
) -> None:
    for begin in (attempts.must_be_payable, scenes.starting):
        with pytest.raises(refusal):
            begin(escrow, at)


def test_what_an_attempt_may_begin_is_payable() -> None:
    for escrow in (scenes.created(), scenes.authenticating(), scenes.declined()):
        attempts.must_be_payable(escrow, later(minutes=1))
        assert scenes.starting(escrow, later(minutes=1)).live_attempt


# ── PAYNET's own form ────────────────────────────────────────────────────────


def test_the_form_opens_the_attempt_at_once_and_knows_no_session() -> None:
    after = scenes.form_open()
    attempt = newest(after)
    assert after.status is Status.AUTHENTICATING
    assert (attempt.status, attempt.session_id) == (AttemptStatus.OPEN, None)
    assert attempt.expires_at == later(minutes=30)
    assert attempt.is_hosted
    assert attempt.expected.is_hosted


def test_a_form_takes_the_place_of_an_open_session_and_of_a_form() -> None:
    for before in (scenes.authenticating(), scenes.form_open()):
        after = scenes.form_open(before, later(seconds=1))
        old, new = after.attempts
        assert old.status is AttemptStatus.SUPERSEDED
        assert (new.status, after.status) == (AttemptStatus.OPEN, Status.AUTHENTICATING)
        with pytest.raises(IllegalTransition, match="session_over"):
            attempts.begin_charge(after, FIRST, "session-1", step(Role.BROWSER))


def test_a_card_takes_the_place_of_a_form() -> None:
    after = scenes.starting(scenes.form_open())
    assert [a.status for a in after.attempts] == ["superseded", "starting"]
    assert after.status is Status.CREATED


def test_a_form_waits_for_a_session_that_is_being_opened() -> None:
    with pytest.raises(AttemptStarting):
        scenes.form_open(scenes.starting(), later(seconds=29))
    assert scenes.form_open(scenes.starting(), later(seconds=30)).live_attempt


def test_forms_are_counted_among_the_attempts() -> None:
    escrow = scenes.created()
    for number in range(policy.ATTEMPTS_BURST):
        escrow = scenes.form_open(escrow, later(minutes=number))
    with pytest.raises(AttemptsTooFast):
        scenes.form_open(escrow, later(minutes=9, seconds=59))
    for number in range(policy.ATTEMPTS_BURST, policy.ATTEMPTS_MAX):
        escrow = scenes.form_open(escrow, later(minutes=10 * number))
    with pytest.raises(TooManyAttempts):
        scenes.form_open(escrow, later(minutes=200))


def test_no_form_opens_after_the_time_to_pay_or_in_any_other_status() -> None:
    with pytest.raises(IllegalTransition, match="pay_by_over"):
        scenes.form_open(at=later(hours=72))
    for status in set(Status) - {Status.CREATED, Status.AUTHENTICATING}:
        with pytest.raises(IllegalTransition):
            scenes.form_open(scenes.in_status(status), later(days=1))


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.PAYER}))
def test_only_the_payer_opens_a_form(role: Role) -> None:
    begun = scenes.attempt(FIRST, is_hosted=True)
    with pytest.raises(NotYourAction):
        attempts.open_form(scenes.created(), begun, step(role))


def charged_by_form(session_id: str = "session-a", minute: int = 1) -> Escrow:
    now = step(Role.BROWSER, later(minutes=minute))
    return attempts.begin_charge(scenes.form_open(), FIRST, session_id, now)


def test_the_first_session_that_comes_back_is_the_form_s() -> None:
    attempt = newest(charged_by_form())
    assert (attempt.status, attempt.session_id) == (
        AttemptStatus.CHARGING,
        "session-a",
    )
    assert not attempt.takes_any_session


def test_only_a_form_that_has_no_session_yet_takes_any() -> None:
    assert newest(scenes.form_open()).takes_any_session
    for escrow in (scenes.starting(), scenes.authenticating(), charged_by_form()):
        assert not newest(escrow).takes_any_session


def test_no_second_session_charges_the_form_s_attempt() -> None:
    charging, late = charged_by_form(), later(minutes=5)
    with pytest.raises(IllegalTransition, match="another_session"):
        attempts.retake_charge(charging, FIRST, "session-b", step(Role.BROWSER, late))
    again = attempts.retake_charge(
        charging, FIRST, "session-a", step(Role.BROWSER, late)
    )
    assert (newest(again).session_id, newest(again).sends) == ("session-a", 2)


def test_a_form_ends_like_a_session() -> None:
    with pytest.raises(IllegalTransition, match="session_over"):
        charged_by_form(minute=30)
    now = step(Role.CLOCK, later(minutes=30))
    over = attempts.expire_session(scenes.form_open(), now)
    assert (over.status, newest(over).status) == (Status.CREATED, AttemptStatus.EXPIRED)
    failed = attempts.fail_3d(scenes.form_open(), step(Role.BROWSER))
    assert failed.status is Status.CREATED


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


# ── given up ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", [Role.PAYER, Role.BACKEND, Role.OPERATIONS])
@pytest.mark.parametrize("escrow", [scenes.created(), scenes.authenticating()])
def test_what_is_not_paid_is_cancelled_and_its_session_charges_no_more(
    escrow: Escrow, role: Role
) -> None:
    after = attempts.cancel(escrow, step(role))
    assert (after.status, after.live_attempt) == (Status.CANCELLED, None)
    with pytest.raises(IllegalTransition):
        attempts.begin_charge(after, FIRST, "session-1", step(Role.BROWSER))


@pytest.mark.parametrize(
    "status", sorted(set(Status) - {Status.CREATED, Status.AUTHENTICATING})
)
def test_nothing_else_is_cancelled_by_that_door(status: Status) -> None:
    with pytest.raises(IllegalTransition):
        attempts.cancel(scenes.in_status(status), step(Role.PAYER))


def test_only_an_attempt_that_was_sent_is_asked_about_after_its_end() -> None:
    begun = attempts.close_live(scenes.charging(), AttemptStatus.SUPERSEDED, START)
    assert begun[0].ask_at == later(hours=1)
    opened = attempts.close_live(
        scenes.authenticating(), AttemptStatus.SUPERSEDED, START
    )
    assert opened[0].ask_at is None
