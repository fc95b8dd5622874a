"""Guards of review, flags and chargebacks where a slip of one clause would let money
move or hide it from a human: each case stands alone, whether or not a door leads there,
because whatever stands in the table must be lived with (`make mutate`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from emanet import guards
from emanet.escrow import (
    Capture,
    CaptureStatus,
    Chargeback,
    ChargebackStatus,
    Dispute,
    Escrow,
    Flag,
    QueueReason,
    SettlementStatus,
    Status,
)
from emanet.money import Balances
from tests.unit import scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later

PAID, UNPAID = Balances(AMOUNT_MINOR, AMOUNT_MINOR), Balances()
SETTLED = Balances(AMOUNT_MINOR, 0, AMOUNT_MINOR)
DISPUTE = Dispute(1, START, later(days=3), "broken")
UNKNOWN = scenes.settlement(1_000, SettlementStatus.UNKNOWN)
SENT = scenes.settlement(1_000, SettlementStatus.SENT)
LIMIT = later(days=60)
SECOND = timedelta(seconds=1)


def captured(*statuses: CaptureStatus, **more: Any) -> tuple[Any, ...]:
    """Attempts with one that took money so often."""
    captures = tuple(
        Capture(f"xact-{n}", 77, START, status=status, **more)
        for n, status in enumerate(statuses)
    )
    return (replace(scenes.attempt(1), captures=captures),)


def back(status: ChargebackStatus, *, froze: bool = True) -> Chargeback:
    return Chargeback(status, START, froze=froze)


OPEN, LOST_WAITING = ChargebackStatus.OPEN, ChargebackStatus.LOST_WAITING
WON, LOST = ChargebackStatus.WON, ChargebackStatus.LOST
MISMATCHED, WAITING = CaptureStatus.MISMATCHED, CaptureStatus.WAITING
SURPLUS, FUNDS = CaptureStatus.SURPLUS, CaptureStatus.FUNDS


def review(prior: Status = Status.HELD, **changes: Any) -> Escrow:
    """Frozen with nothing else the matter."""
    plain = replace(
        scenes.escalated(),
        prior_status=prior,
        balances=PAID,
        attempts=(),
        settlements=(),
        stopped_at=START,
    )
    return replace(plain, **changes)


# ── back to where it was ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("prior", "changes", "why"),
    [
        (Status.HELD, {}, ""),
        (Status.DISPUTED, {}, ""),
        (Status.CREATED, {"balances": UNPAID}, ""),
        (Status.HELD, {"prior_status": Status.DISPUTED}, "another_prior_status"),
        (Status.HELD, {"chargeback": back(OPEN)}, "chargeback_open"),
        (Status.HELD, {"chargeback": back(LOST_WAITING)}, "chargeback_open"),
        (Status.HELD, {"chargeback": back(WON)}, ""),
        (Status.HELD, {"settlements": (UNKNOWN,)}, "settlement_unknown"),
        (Status.HELD, {"attempts": captured(WAITING)}, "capture_waiting"),
        (
            Status.CREATED,
            {"balances": UNPAID, "attempts": captured(MISMATCHED)},
            "mismatch_undecided",
        ),
        (
            Status.AUTHENTICATING,
            {"balances": UNPAID, "attempts": captured(MISMATCHED)},
            "mismatch_undecided",
        ),
        (
            Status.CHARGING,
            {"balances": UNPAID, "attempts": captured(MISMATCHED)},
            "",
        ),
    ],
)
def test_it_goes_back_only_if_that_still_makes_sense(
    prior: Status, changes: dict[str, Any], why: str
) -> None:
    assert guards.returns_to(prior)(review(prior, **changes), later(days=1)) == why


@pytest.mark.parametrize(
    ("prior", "stopped_at", "at", "why"),
    [
        (Status.HELD, LIMIT - SECOND, LIMIT + SECOND, ""),
        (Status.HELD, LIMIT, LIMIT + SECOND, "hold_limit_over"),
        (Status.HELD, LIMIT + SECOND, LIMIT - SECOND, "hold_limit_over"),
        (Status.HELD, None, LIMIT - SECOND, ""),
        (Status.HELD, None, LIMIT, "hold_limit_over"),
        (Status.DISPUTED, LIMIT, LIMIT, ""),
    ],
)
def test_time_in_review_does_not_count_toward_the_hold_limit(
    prior: Status, stopped_at: datetime | None, at: datetime, why: str
) -> None:
    escrow = review(prior, stopped_at=stopped_at)
    ends = replace(escrow.deadlines, hold_until=LIMIT)
    assert guards.returns_to(prior)(replace(escrow, deadlines=ends), at) == why


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (QueueReason.SHIP_BY_MISSED, "deadline_over"),
        (QueueReason.DELIVERY_UNCONFIRMED, "deadline_over"),
        (QueueReason.INSPECTION_OVER, "deadline_over"),
        (QueueReason.DOUBTFUL_CAPTURE, ""),
        (None, ""),
    ],
)
def test_what_a_deadline_froze_is_decided_and_not_resumed(
    reason: QueueReason | None, why: str
) -> None:
    escrow = review(review_reason=reason)
    assert guards.returns_to(Status.HELD)(escrow, later(days=1)) == why


def test_what_waited_and_went_back_waits_no_more() -> None:
    gone = captured(WAITING, is_reversed=True)
    escrow = review(balances=UNPAID, attempts=gone)
    assert guards.nothing_waiting(escrow, later()) == ""
    assert guards.something_waiting(escrow, later()) == "no_capture_waiting"


def test_without_a_hold_limit_none_is_over() -> None:
    escrow = review()
    ends = replace(escrow.deadlines, hold_until=None)
    back_to_held = guards.returns_to(Status.HELD)
    assert back_to_held(replace(escrow, deadlines=ends), later(days=99)) == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"balances": Balances(AMOUNT_MINOR, 1, AMOUNT_MINOR - 1)}, ""),
        ({"balances": SETTLED}, "nothing_held"),
        ({"disputes": (DISPUTE,)}, "dispute_open"),
        ({"chargeback": back(OPEN)}, "chargeback_open"),
        ({"chargeback": back(LOST_WAITING)}, "chargeback_open"),
        ({"chargeback": back(WON)}, ""),
        ({"settlements": (UNKNOWN,)}, "settlement_unknown"),
    ],
)
def test_review_is_settled_only_with_nothing_else_open(
    changes: dict[str, Any], why: str
) -> None:
    assert guards.may_settle_review(review(**changes), later()) == why


EXITS = (
    guards.has_mismatch,
    guards.may_refund_mismatch,
    guards.may_reopen,
    guards.something_waiting,
)


@pytest.mark.parametrize(
    ("balances", "attempts", "whys"),
    [
        (UNPAID, (), ("no_mismatch", "no_mismatch", "", "no_capture_waiting")),
        (
            UNPAID,
            captured(SURPLUS),
            ("no_mismatch", "no_mismatch", "", "no_capture_waiting"),
        ),
        (
            UNPAID,
            captured(MISMATCHED, SURPLUS),
            ("", "", "mismatch_undecided", "no_capture_waiting"),
        ),
        (
            UNPAID,
            captured(MISMATCHED, WAITING),
            ("", "capture_waiting", "mismatch_undecided", ""),
        ),
        (
            UNPAID,
            captured(SURPLUS, WAITING),
            ("no_mismatch", "no_mismatch", "capture_waiting", ""),
        ),
        (PAID, captured(MISMATCHED, WAITING), ("already_paid",) * 4),
    ],
)
def test_the_exits_of_an_unpaid_review(
    balances: Balances, attempts: tuple[Any, ...], whys: tuple[str, ...]
) -> None:
    escrow = review(balances=balances, attempts=attempts)
    assert tuple(guard(escrow, later()) for guard in EXITS) == whys


@pytest.mark.parametrize(
    ("status", "balances", "attempts", "why"),
    [
        (Status.HELD, PAID, captured(FUNDS, MISMATCHED), ""),
        (Status.HELD, PAID, captured(FUNDS), "no_mismatch"),
        (Status.REVIEW, PAID, captured(FUNDS, MISMATCHED), ""),
        (Status.REVIEW, UNPAID, captured(MISMATCHED), "no_mismatch"),
        (Status.CREATED, UNPAID, captured(MISMATCHED), ""),
    ],
)
def test_a_mismatch_is_refunded_alone_but_not_of_an_unpaid_review(
    status: Status, balances: Balances, attempts: tuple[Any, ...], why: str
) -> None:
    escrow = review(status=status, balances=balances, attempts=attempts)
    assert guards.refundable_mismatch(escrow, later()) == why


# ── disputes ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("held", "why"), [(0, "nothing_held"), (1, ""), (2, "")])
def test_a_dispute_is_about_what_is_held(held: int, why: str) -> None:
    left = Balances(AMOUNT_MINOR, held, AMOUNT_MINOR - held)
    escrow = replace(scenes.shipped(), balances=left)
    assert guards.may_dispute(escrow, later(hours=1)) == why


@pytest.mark.parametrize(
    ("key", "status", "why"),
    [
        ("dispute/1/release", SettlementStatus.SCHEDULED, "decision_under_way"),
        ("review/1/refund", SettlementStatus.SCHEDULED, "decision_under_way"),
        ("review/1/refund", SettlementStatus.SUSPENDED, "decision_under_way"),
        ("review/1/refund", SettlementStatus.DONE, ""),
        ("key-1", SettlementStatus.SCHEDULED, ""),
    ],
)
def test_no_dispute_while_a_decision_is_carried_out(
    key: str, status: SettlementStatus, why: str
) -> None:
    part = scenes.settlement(1_000, status, key=key)
    escrow = replace(scenes.shipped(), settlements=(part,))
    assert guards.may_dispute(escrow, later(hours=1)) == why


# ── flags ────────────────────────────────────────────────────────────────────


def flagged(*reasons: QueueReason, **changes: Any) -> Escrow:
    flags = tuple(Flag(reason, START) for reason in reasons)
    return review(status=Status.HELD, flags=flags, **changes)


DENIED, SCHEDULED = SettlementStatus.DENIED, SettlementStatus.SCHEDULED


def refund(status: SettlementStatus) -> dict[str, Any]:
    return {"refund": scenes.settlement(77, status)}


@pytest.mark.parametrize(
    ("reason", "open_", "over"),
    [
        (QueueReason.DISPUTE_OPEN, {"disputes": (DISPUTE,)}, {}),
        (QueueReason.DISPUTE_OVERDUE, {"disputes": (DISPUTE,)}, {}),
        (
            QueueReason.CHARGEBACK,
            {"chargeback": back(OPEN)},
            {"chargeback": back(WON)},
        ),
        (
            QueueReason.CHARGEBACK,
            {"chargeback": back(LOST_WAITING)},
            {"chargeback": back(LOST)},
        ),
        (
            QueueReason.LATE_CAPTURE,
            {"attempts": captured(SURPLUS)},
            {"attempts": captured(SURPLUS, is_reversed=True)},
        ),
        (
            QueueReason.LATE_CAPTURE,
            {"attempts": captured(SURPLUS, **refund(DENIED))},
            {"attempts": captured(SURPLUS, **refund(SCHEDULED))},
        ),
        (
            QueueReason.LATE_CAPTURE,
            {"attempts": captured(SURPLUS, **refund(SettlementStatus.UNKNOWN))},
            {"attempts": captured(SURPLUS, **refund(SettlementStatus.DONE))},
        ),
        (
            QueueReason.LATE_CAPTURE,
            {"attempts": captured(FUNDS, SURPLUS)},
            {"attempts": captured(FUNDS, MISMATCHED)},
        ),
        (
            QueueReason.DOUBTFUL_CAPTURE,
            {"attempts": captured(FUNDS, MISMATCHED)},
            {"attempts": captured(FUNDS, SURPLUS)},
        ),
        (
            QueueReason.DOUBTFUL_CAPTURE,
            {"attempts": captured(MISMATCHED)},
            {"attempts": captured(MISMATCHED, is_reversed=True)},
        ),
    ],
)
def test_a_flag_of_what_is_open_stays_and_goes_when_it_is_over(
    reason: QueueReason, open_: dict[str, Any], over: dict[str, Any]
) -> None:
    standing, ended = flagged(reason, **open_), flagged(reason, **over)
    assert guards.kept_flags(standing) == standing.flags
    assert guards.may_acknowledge(standing, later()) == "no_flag"
    assert guards.kept_flags(ended) == ()
    assert guards.may_acknowledge(ended, later()) == ""


def test_what_is_in_review_is_decided_and_never_acknowledged() -> None:
    escrow = flagged(QueueReason.DRIFT)
    assert guards.may_acknowledge(escrow, later()) == ""
    frozen = replace(escrow, status=Status.REVIEW)
    assert guards.may_acknowledge(frozen, later()) == "decide_the_review"
    assert guards.may_acknowledge(flagged(), later()) == "no_flag"


# ── chargebacks ──────────────────────────────────────────────────────────────


ENDS = (
    guards.no_chargeback,
    guards.captured_without_chargeback,
    guards.chargeback_open,
    guards.froze(Status.HELD),
    guards.won_without_thaw,
    guards.may_lose,
)
KNOWN, NONE = "chargeback_known", "no_chargeback_open"


@pytest.mark.parametrize(
    ("known", "whys"),
    [
        (None, ("", "", NONE, NONE, NONE, NONE)),
        (back(OPEN), (KNOWN, KNOWN, "", "", "thaw_it", "")),
        (
            back(OPEN, froze=False),
            (KNOWN, KNOWN, "", "frozen_for_another_reason", "", ""),
        ),
        (back(LOST_WAITING), (KNOWN, KNOWN, NONE, NONE, NONE, "")),
        (back(WON), ("", "", NONE, NONE, NONE, NONE)),
        (back(LOST), (KNOWN, KNOWN, NONE, NONE, NONE, NONE)),
    ],
)
def test_a_chargeback_is_opened_won_and_lost_once(
    known: Chargeback | None, whys: tuple[str, ...]
) -> None:
    escrow = review(chargeback=known)
    assert tuple(guard(escrow, later()) for guard in ENDS) == whys


@pytest.mark.parametrize(
    ("changes", "thaw", "lose"),
    [
        ({"prior_status": Status.DISPUTED}, "another_prior_status", ""),
        ({"settlements": (UNKNOWN,)}, "settlement_unknown", "settlement_unknown"),
        ({"balances": SETTLED}, "", "nothing_held"),
        ({"balances": Balances(AMOUNT_MINOR, 1, AMOUNT_MINOR - 1)}, "", ""),
    ],
)
def test_what_else_stands_in_the_way_of_an_open_chargeback(
    changes: dict[str, Any], thaw: str, lose: str
) -> None:
    escrow = review(chargeback=back(OPEN), **changes)
    assert guards.froze(Status.HELD)(escrow, later()) == thaw
    assert guards.may_lose(escrow, later()) == lose


def test_an_unpaid_escrow_has_no_chargeback() -> None:
    unpaid = review(balances=UNPAID)
    assert guards.captured_without_chargeback(unpaid, later()) == "not_paid"


@pytest.mark.parametrize(
    ("status", "settlements", "known", "why"),
    [
        (Status.RELEASED, (), back(OPEN), ""),
        (Status.RELEASED, (), back(LOST_WAITING), "no_chargeback_open"),
        (Status.RELEASED, (), None, "no_chargeback_open"),
        (Status.REFUNDING, (SENT,), back(OPEN), ""),
        (Status.REFUNDING, (), back(OPEN), "nothing_sent"),
        (Status.REFUNDING, (SENT,), back(WON), "no_chargeback_open"),
    ],
)
def test_a_chargeback_is_noted_as_lost_on_what_is_closed_or_sent(
    status: Status, settlements: tuple[Any, ...], known: Chargeback | None, why: str
) -> None:
    escrow = review(status=status, settlements=settlements, chargeback=known)
    assert guards.may_lose_closed(escrow, later()) == why
