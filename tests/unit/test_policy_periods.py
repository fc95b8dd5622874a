"""The periods and bounds that users were promised, said a second time: whoever changes
one changes it here too, and the version of the policy if an escrow carries it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict
from datetime import timedelta

import pytest

from emanet import policy
from emanet.policy import Bearer, Ending, Policy


def test_an_escrow_that_chooses_nothing_has_these_terms() -> None:
    assert asdict(Policy()) == {
        "version": 3,
        "pay_within_hours": 72,
        "session_minutes": 30,
        "ship_within_days": 7,
        "at_ship_by": "refund",
        "claim_days": 7,
        "at_claim": "queue",
        "inspection_days": 3,
        "at_inspection": "release",
        "hold_limit_days": 60,
        "dispute_days": 3,
        "remind_hours": 24,
        "instalments_max": 12,
        "instalment_cost": "payer",
    }


def test_what_was_agreed_is_never_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Policy().claim_days = 9  # type: ignore[misc]  # that is what must not work


def test_the_words_of_a_policy_are_those_that_are_stored() -> None:
    assert list(Ending) == ["refund", "release", "queue", "review"]
    assert list(Bearer) == ["payer", "platform"]


def test_instalments_are_for_escrows_that_knew_of_them() -> None:
    assert Policy(version=2).instalments_allowed == 1
    assert Policy(version=3, instalments_max=6).instalments_allowed == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATTEMPTS_MAX", 10),
        ("ATTEMPTS_BURST", 5),
        ("TAKEOVERS_MAX", 3),
        ("PARTY_SETTLEMENTS_MAX", 20),
        ("DISPUTES_MAX", 5),
        ("EVIDENCE_MAX", 10),
        ("WHY_BYTES_MAX", 120),
        ("INSTALMENTS_MAX", 12),
        ("VERDICT_WITHIN_BUSINESS_DAYS", 3),
        ("FAILURES_MAX", 8),
    ],
)
def test_so_many_and_no_more(name: str, value: int) -> None:
    assert getattr(policy, name) == value


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("ATTEMPTS_WINDOW", {"minutes": 10}),
        ("QUOTE_HOLDS", {"minutes": 15}),
        ("RATIOS_KEPT_FOR", {"minutes": 5}),
        ("STARTING_FOR", {"seconds": 30}),
        ("CHARGE_LEASE", {"seconds": 60}),
        ("QUIET_WINDOW", {"minutes": 15}),
        ("SENDING_FOR", {"minutes": 3}),
        ("ASK_AFTER_ACCEPTANCE", {"seconds": 20}),
        ("ASK_ORDER_EVERY", {"hours": 12}),
        ("CLOCKS_DIFFER_BY", {"hours": 1}),
        ("PROOF_WITHIN", {"hours": 24}),
        ("RECONCILE_LEASE", {"seconds": 90}),
        ("SILENCE_MAX", {"hours": 24}),
        ("CALLBACK_PARKED_FOR", {"days": 3}),
        ("CALLBACK_KEPT_FOR", {"days": 30}),
        ("PLAN_KEPT_FOR", {"days": 30}),
    ],
)
def test_so_long(name: str, period: dict[str, float]) -> None:
    assert getattr(policy, name) == timedelta(**period)


def test_paynet_is_asked_less_and_less_often() -> None:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    after_charge = (timedelta(seconds=20), minute, 5 * minute, 15 * minute)
    assert after_charge == policy.ASK_AFTER_CHARGE
    assert (hour, 24 * hour) == policy.ASK_AFTER_CLOSING
    after_order = (3 * minute, 10 * minute, 30 * minute, 2 * hour, 6 * hour)
    assert after_order == policy.ASK_AFTER_ORDER
