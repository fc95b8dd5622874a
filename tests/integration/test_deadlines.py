"""Nothing waits for ever: every deadline leads somewhere, is announced before, and is
found even after days without a scheduler."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emanet.dynamodb.items import escrow_item
from emanet.escrow import Escrow
from emanet.outcome import Unknown
from tests.integration.test_refunds import act, requests
from tests.stage import BUYER, SELLER, Stage


def shipped(stage: Stage, **more: Any) -> str:
    escrow_id = stage.held(**more)
    act(stage, escrow_id, "ship", SELLER, carrier="Kargo", tracking_number="1")
    return escrow_id


def rested(stage: Stage, escrow_id: str, **later: float) -> Escrow:
    stage.reconcile_until_quiet(**later)
    return stage.escrow(escrow_id)


def names(escrow: Escrow) -> list[str]:
    return [entry.transition for entry in escrow.history]


# ── where each deadline leads ────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("policy", "ends_as"),
    [({}, "refunded"), ({"at_ship_by": "review"}, "review")],
)
def test_not_shipped_in_time(
    stage: Stage, policy: dict[str, str], ends_as: str
) -> None:
    escrow_id = stage.held(policy=policy)
    assert rested(stage, escrow_id, days=6).status == "held"
    assert rested(stage, escrow_id, days=1).status == ends_as


@pytest.mark.parametrize(
    ("policy", "ends_as"), [({}, "held"), ({"at_claim": "review"}, "review")]
)
def test_shipped_and_nobody_says_it_arrived(
    stage: Stage, policy: dict[str, str], ends_as: str
) -> None:
    escrow_id = shipped(stage, policy=policy)
    escrow = rested(stage, escrow_id, days=7)
    assert (escrow.status, escrow.queue_reason) == (ends_as, "delivery_unconfirmed")


def test_who_waits_unconfirmed_may_still_confirm_or_dispute(stage: Stage) -> None:
    confirmed, contested = shipped(stage), shipped(stage)
    stage.reconcile_until_quiet(days=7)
    assert act(stage, confirmed, "deliver", BUYER).status == 200
    assert stage.escrow(confirmed).queue_reason is None
    assert act(stage, contested, "dispute", BUYER, reason="lost").status == 200


@pytest.mark.parametrize(
    ("policy", "ends_as"),
    [({}, "released"), ({"at_inspection": "review"}, "review")],
)
def test_the_inspection_is_over(
    stage: Stage, policy: dict[str, str], ends_as: str
) -> None:
    escrow_id = shipped(stage, policy=policy)
    act(stage, escrow_id, "deliver", BUYER)
    assert rested(stage, escrow_id, days=2, hours=23).status == "held"
    assert rested(stage, escrow_id, hours=1).status == ends_as


def test_the_hold_limit_pays_nobody_silently(stage: Stage) -> None:
    escrow_id = shipped(stage)
    escrow = rested(stage, escrow_id, days=60)
    assert (escrow.status, escrow.review_reason) == ("review", "hold_limit")


def test_a_policy_never_changes_under_an_escrow(stage: Stage) -> None:
    policy = {"inspection_days": 5, "hold_limit_days": 30}
    escrow = stage.escrow(stage.held(policy=policy))
    assert (escrow.policy.inspection_days, escrow.policy.version) == (5, 3)
    assert stage.escrow(escrow.id).policy == escrow.policy


# ── reminders ────────────────────────────────────────────────────────────────


def test_each_deadline_is_announced_once_before_it_ends(stage: Stage) -> None:
    escrow_id = stage.create()
    stage.reconcile_until_quiet(hours=48)
    stage.pay(escrow_id)
    stage.reconcile_until_quiet(days=6)
    act(stage, escrow_id, "ship", SELLER, carrier="Kargo", tracking_number="1")
    stage.reconcile_until_quiet(days=6)
    act(stage, escrow_id, "deliver", BUYER)
    stage.reconcile_until_quiet(days=2)
    escrow = rested(stage, escrow_id, days=1)
    told = [entry.why for entry in escrow.history if entry.transition == "remind"]
    assert told == ["pay_by", "ship_by", "claim_by", "inspection_by"]
    assert escrow.status == "released"


def test_what_is_over_is_not_announced(stage: Stage) -> None:
    escrow_id = stage.held()
    assert "remind" not in names(rested(stage, escrow_id, days=8))


# ── days without a scheduler ─────────────────────────────────────────────────


def test_three_days_of_silence_lose_nothing(stage: Stage) -> None:
    """Every overdue item is handled once, the oldest first."""
    quick = {"ship_within_days": 1, "hold_limit_days": 30}
    waiting = []
    for _ in range(12):
        waiting.append(stage.held(policy=quick))
        stage.later(minutes=7)
    stage.later(days=3)
    order: list[str] = []
    for _ in range(40):
        before = {id_: stage.escrow(id_).version for id_ in waiting}
        stage.reconcile(seconds=40)
        moved = [id_ for id_ in waiting if stage.escrow(id_).version != before[id_]]
        moved.sort(key=lambda id_: stage.escrow(id_).history[before[id_]].at)
        order += [id_ for id_ in moved if id_ not in order]
    assert order == waiting
    for escrow_id in waiting:
        assert stage.escrow(escrow_id).status == "refunded"
        assert requests(stage, escrow_id) == (1, 1)


def test_a_run_takes_the_longest_overdue_first(stage: Stage) -> None:
    """What one run has no time for is the next run's first."""
    first, second = stage.create(), stage.create()
    stage.later(days=4)
    hurried = stage.reconciler(
        deadline=stage.clock() + timedelta(seconds=45, milliseconds=300)
    )
    hurried.run()
    ended = [stage.escrow(id_).status for id_ in (first, second)]
    assert ended[0] == "expired"
    assert rested(stage, second).status == "expired"


# ── a poisoned item, and PAYNET down ─────────────────────────────────────────


def test_a_poisoned_item_starves_nobody(stage: Stage) -> None:
    sick, well = stage.held(), stage.held()
    item = escrow_item(stage.escrow(sick))
    item["settlements"] = {"S": "nonsense"}
    stage.dynamodb.put_item(TableName=stage.environment["TABLE_NAME"], Item=item)
    report = stage.reconcile(days=7)
    assert report.failures == ["UnreadableItem"]
    stage.reconcile_until_quiet(seconds=1)
    assert stage.escrow(well).status == "refunded"
    aside = stage.item(sick)
    assert aside is not None
    assert aside["queue_reason"]["S"] == "unreadable"


class Down:
    """A PAYNET that nobody reaches; counts who asked."""

    def __init__(self) -> None:
        self.asked = 0

    def returned(self, *_: Any) -> Unknown:
        self.asked += 1
        return Unknown("timeout", unreachable=True)


def test_paynet_down_ends_the_run_and_costs_nobody_a_failure(stage: Stage) -> None:
    ids = [stage.held() for _ in range(8)]
    for escrow_id in ids:
        act(stage, escrow_id, "cancel", BUYER)
    down = Down()
    stage.later(seconds=1)
    report = stage.reconciler(money_out=down).run()
    assert (report.stopped, down.asked) == ("paynet_down", 5)
    assert {stage.escrow(id_).tries for id_ in ids} == {0}
    stage.reconcile_until_quiet(hours=1)
    assert {stage.escrow(id_).status for id_ in ids} == {"refunded"}


def test_eight_failures_of_our_own_freeze_an_escrow(stage: Stage) -> None:
    escrow_id = stage.held()
    act(stage, escrow_id, "cancel", BUYER)

    class Broken:
        def returned(self, *_: Any) -> Any:
            raise ZeroDivisionError

    for _ in range(9):
        stage.later(hours=7)
        stage.reconciler(money_out=Broken()).run()
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.review_reason) == ("review", "reconcile_failed")
