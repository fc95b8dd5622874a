"""functions/reconcile: every minute whatever is due gets its turn. It asks, settles,
expires, reminds, pays out, gives back, escalates; it puts off what fails, and never
lets one item starve another."""

from __future__ import annotations

import importlib
import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from emanet import policy
from emanet.errors import SecretUnavailable
from emanet.paynet.client import PaynetGateway
from emanet.paynet.line import Line
from emanet.paynet.money_out import PaynetMoneyOut
from emanet.ports import Due, DueKind
from emanet.usecases import reconcile
from emanet.usecases.reconcile import Report
from tests.stage import (
    AMOUNT_MINOR,
    BUYER,
    OPERATIONS,
    SELLER,
    Context,
    Stage,
    Started,
)

CHECK = "/v1/transaction/check"
LOST_AFTER = "4000000000000051"
LOST_BEFORE = "4000000000000069"
PARCEL = {"carrier": "Kargo", "tracking_number": "TR-1"}


def post(stage: Stage, escrow_id: str, action: str, body: Any, who: Any) -> None:
    answer = stage.call("POST", f"/api/escrows/{escrow_id}/{action}", body, who=who)
    assert answer.status == 200, answer.text


def charging(stage: Stage, card: str = LOST_AFTER) -> Started:
    started = stage.pay(stage.create(), card)
    assert stage.escrow(started.escrow_id).status == "charging"
    return started


def due(stage: Stage, kind: DueKind = DueKind.ESCROW) -> list[Due]:
    return stage.store.due(kind, stage.clock(), 100)


def queue(stage: Stage, reason: str) -> list[str]:
    """Whoever stands in this queue, by its index."""
    found = stage.dynamodb.query(
        TableName=stage.environment["TABLE_NAME"],
        IndexName="queue",
        KeyConditionExpression="queue_reason = :reason",
        ExpressionAttributeValues={":reason": {"S": reason}},
    )
    return [item["id"]["S"] for item in found["Items"]]


def asked(stage: Stage) -> int:
    return len(stage.paynet.traffic.visits(CHECK))


# ── the function ──


def test_the_function_reports_what_it_did(stage: Stage) -> None:
    stage.create()
    event = json.loads(Path("events/reconcile.json").read_text(encoding="utf-8"))
    app = importlib.import_module("functions.reconcile.app")
    report = app.lambda_handler(event.get("event", event), Context())
    nothing = {"escrows": 0, "callbacks": 0, "duties": {}}
    assert report == {**nothing, "failures": [], "stopped": ""}


def test_an_idle_system_asks_nobody(stage: Stage) -> None:
    escrow_id = stage.held()
    before = stage.item(escrow_id)
    assert stage.reconcile(hours=1) == Report()
    assert stage.item(escrow_id) == before
    assert asked(stage) == 0


def test_a_run_begins_nothing_that_it_cannot_finish(stage: Stage) -> None:
    started = charging(stage)
    stage.clock.move(seconds=21)
    deadline = stage.clock() + reconcile.ITEM_TAKES - timedelta(seconds=1)
    assert stage.reconciler(deadline=deadline).run().stopped == "time_up"
    assert asked(stage) == 0
    assert stage.reconcile().escrows == 1
    assert stage.escrow(started.escrow_id).status == "held"


# ── clocks ──


def test_an_unpaid_order_expires_at_its_last_moment(stage: Stage) -> None:
    escrow_id = stage.create(policy={"pay_within_hours": 2})
    stage.reconcile(hours=1, minutes=59)
    assert stage.escrow(escrow_id).status == "created"
    stage.reconcile(minutes=1)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.history[-1].by) == ("expired", "clock")
    item = stage.item(escrow_id) or {}
    assert not {"due_at", "due_kind"} & item.keys()
    view = stage.call("GET", f"/api/escrows/{escrow_id}").body
    assert (view["escrow_accounts"], view["next"]) == ("failed", None)


def test_a_payer_at_the_bank_is_not_expired_before_the_session_is(stage: Stage) -> None:
    escrow_id = stage.create(policy={"pay_within_hours": 1, "session_minutes": 120})
    stage.initiate(escrow_id)
    stage.reconcile(hours=1, minutes=30)
    assert stage.escrow(escrow_id).status == "authenticating"
    stage.reconcile(minutes=30)
    stage.reconcile()
    assert stage.escrow(escrow_id).status == "expired"


# The shortest way that a policy may ask for.
QUICK = {
    "ship_within_days": 1,
    "claim_days": 1,
    "inspection_days": 1,
    "hold_limit_days": 3,
}


def waiting(stage: Stage, actions: list[str], terms: dict[str, Any]) -> str:
    """Held, moved so far, and then nobody does anything more."""
    escrow_id = stage.held(policy=terms)
    bodies = {"ship": (PARCEL, SELLER), "deliver": ({}, BUYER)}
    for action in actions:
        post(stage, escrow_id, action, *bodies[action])
    return escrow_id


def transitions(stage: Stage, escrow_id: str) -> list[str]:
    """What the clock did, in order."""
    history = stage.escrow(escrow_id).history
    return [entry.transition for entry in history if entry.by == "clock"]


@pytest.mark.parametrize(
    ("terms", "actions", "days", "reason"),
    [
        ({"ship_within_days": 2, "at_ship_by": "review"}, [], 2, "ship_by_missed"),
        ({"claim_days": 3, "at_claim": "review"}, ["ship"], 3, "delivery_unconfirmed"),
        (
            {"inspection_days": 4, "at_inspection": "review"},
            ["ship", "deliver"],
            4,
            "inspection_over",
        ),
        (
            {"inspection_days": 4, "at_inspection": "review"},
            ["deliver"],
            4,
            "inspection_over",
        ),
    ],
)
def test_a_deadline_ends_before_a_human_where_the_policy_says_so(
    stage: Stage, terms: dict[str, Any], actions: list[str], days: int, reason: str
) -> None:
    escrow_id = waiting(stage, actions, terms)
    stage.reconcile(days=days, minutes=-1)
    assert stage.escrow(escrow_id).status == "held"
    stage.reconcile(minutes=2)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.prior_status) == ("review", "held")
    assert escrow.balances.held == stage.taken_minor(escrow_id) == AMOUNT_MINOR
    assert (escrow.queue_reason, queue(stage, reason)) == (reason, [escrow_id])
    assert "due_at" not in (stage.item(escrow_id) or {})
    view = stage.call("GET", f"/api/escrows/{escrow_id}").body
    assert (view["escrow_accounts"], view["allowed_actions"]) == ("held", [])


def test_what_nobody_shipped_goes_back_at_its_last_moment(stage: Stage) -> None:
    escrow_id = waiting(stage, [], {"ship_within_days": 2})
    stage.reconcile(days=2, minutes=-1)
    assert stage.escrow(escrow_id).settlements == ()
    stage.reconcile(minutes=2)
    [refund] = stage.escrow(escrow_id).settlements
    assert (refund.key, refund.kind) == ("ship-deadline/1", "refund")
    stage.reconcile_until_quiet()
    assert stage.escrow(escrow_id).status == "refunded"
    assert stage.taken_minor(escrow_id) == 0


@pytest.mark.parametrize("actions", [["ship", "deliver"], ["deliver"]])
def test_what_nobody_objected_to_is_released_at_its_last_moment(
    stage: Stage, actions: list[str]
) -> None:
    escrow_id = waiting(stage, actions, {"inspection_days": 4})
    stage.reconcile(days=4, minutes=-1)
    assert stage.escrow(escrow_id).status == "held"
    stage.reconcile(minutes=2)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.history[-1].by) == ("released", "clock")
    assert [s.key for s in escrow.settlements] == ["auto-release/1"]
    assert escrow.balances.released == stage.taken_minor(escrow_id) == AMOUNT_MINOR


def test_a_parcel_that_nobody_confirms_is_shown_while_everything_goes_on(
    stage: Stage,
) -> None:
    escrow_id = waiting(stage, ["ship"], {"claim_days": 3})
    stage.reconcile(days=3, minutes=-1)
    assert queue(stage, "delivery_unconfirmed") == []
    stage.reconcile(minutes=2)
    assert stage.escrow(escrow_id).status == "held"
    assert queue(stage, "delivery_unconfirmed") == [escrow_id]
    assert "due_at" in (stage.item(escrow_id) or {})  # the hold limit
    post(stage, escrow_id, "deliver", {}, BUYER)
    assert queue(stage, "delivery_unconfirmed") == []
    assert stage.escrow(escrow_id).deadlines.inspection_by


def test_the_hold_limit_is_never_a_silent_payout(stage: Stage) -> None:
    escrow_id = waiting(stage, ["ship"], QUICK)
    stage.reconcile_until_quiet(days=3, minutes=-15)
    assert stage.escrow(escrow_id).status == "held"
    stage.reconcile(minutes=15)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.review_reason) == ("review", "hold_limit")
    assert [f.reason for f in escrow.flags] == ["delivery_unconfirmed", "hold_limit"]
    assert escrow.balances.held == stage.taken_minor(escrow_id) == AMOUNT_MINOR
    assert "due_at" not in (stage.item(escrow_id) or {})


def test_each_deadline_is_reminded_of_once_a_day_before(stage: Stage) -> None:
    escrow_id = waiting(stage, [], {"ship_within_days": 5})
    for _ in range(4):
        stage.reconcile_until_quiet(days=1, minutes=-10)
    assert transitions(stage, escrow_id) == []
    stage.reconcile_until_quiet(hours=1)
    assert transitions(stage, escrow_id) == ["remind"]
    stage.reconcile_until_quiet(hours=20)
    assert transitions(stage, escrow_id) == ["remind"]
    assert stage.escrow(escrow_id).reminded == ("ship_by",)


def test_what_was_done_in_time_ends_the_clock_before_it(stage: Stage) -> None:
    escrow_id = stage.held(policy={"ship_within_days": 1, "claim_days": 1})
    post(stage, escrow_id, "ship", PARCEL, SELLER)
    post(stage, escrow_id, "deliver", {}, BUYER)
    stage.reconcile_until_quiet(days=2)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.settlements) == ("held", ())


def test_a_dispute_stops_every_clock_and_a_rejected_one_lets_them_go_on(
    stage: Stage,
) -> None:
    escrow_id = waiting(stage, ["deliver"], {"inspection_days": 4})
    stage.reconcile_until_quiet(days=3)
    post(stage, escrow_id, "dispute", {"reason": "broken"}, BUYER)
    stage.reconcile_until_quiet(days=90)
    assert stage.escrow(escrow_id).status == "disputed"
    assert queue(stage, "dispute_overdue") == [escrow_id]
    path = f"/api/operations/escrows/{escrow_id}/reject_dispute"
    said = {"reason": "works", "version": stage.escrow(escrow_id).version}
    assert stage.call("POST", path, said, who=OPERATIONS).status == 200
    stage.reconcile_until_quiet(hours=23)
    assert stage.escrow(escrow_id).status == "held"
    stage.reconcile_until_quiet(hours=1)
    assert stage.escrow(escrow_id).status == "released"


def test_after_days_without_a_schedule_each_has_its_turn_once_the_oldest_first(
    stage: Stage,
) -> None:
    unpaid = [stage.create(policy={"pay_within_hours": h}) for h in (60, 20, 40)]
    unshipped = waiting(stage, [], {"ship_within_days": 1})
    inspected = waiting(stage, ["deliver"], {"inspection_days": 2})
    stage.later(days=3)
    stage.reconcile()
    done = {id_: stage.escrow(id_).history[-1].at for id_ in (*unpaid, inspected)}
    done[unshipped] = stage.escrow(unshipped).history[-1].at
    oldest_first = [unpaid[1], unshipped, unpaid[2], inspected, unpaid[0]]
    assert sorted(done, key=lambda id_: done[id_]) == oldest_first
    stage.reconcile_until_quiet()
    assert {stage.escrow(id_).status for id_ in unpaid} == {"expired"}
    assert transitions(stage, unshipped) == ["schedule_refund", "send_refund"]
    assert transitions(stage, inspected) == ["release"]
    assert stage.taken_minor(unshipped) == 0


# ── failures ──


def test_eight_failures_show_it_to_a_human(stage: Stage) -> None:
    started = charging(stage)
    stage.paynet.faults.add("html", CHECK, times=None)
    for tries in range(1, 8):
        stage.reconcile(hours=7)
        escrow = stage.escrow(started.escrow_id)
        assert (escrow.status, escrow.tries) == ("charging", tries)
    stage.reconcile(hours=7)
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.status, escrow.prior_status) == ("review", "charging")
    assert escrow.history[-1].transition == "give_up"
    assert queue(stage, str(escrow.queue_reason)) == [escrow.id]
    view = stage.call("GET", f"/api/escrows/{escrow.id}").body
    assert view["escrow_accounts"] == "pending"


def test_failures_are_put_off_longer_each_time(stage: Stage) -> None:
    charging(stage)
    stage.paynet.faults.add("html", CHECK, times=None)
    stage.clock.move(seconds=21)
    waits = []
    for _ in range(4):
        stage.reconcile()
        tomorrow = stage.clock() + timedelta(days=1)
        [line] = stage.store.due(DueKind.ESCROW, tomorrow, 1)
        waits.append(line.due_at - stage.clock())
        stage.clock.ahead += waits[-1]
    for earlier, later in pairwise(waits):  # doubled, and spread by a quarter each way
        assert later > 1.19 * earlier
    assert waits[-1] > 4 * waits[0]


def test_a_good_answer_forgets_the_failures(stage: Stage) -> None:
    started = charging(stage, LOST_BEFORE)
    stage.paynet.faults.add("html", CHECK, times=2)
    stage.reconcile(seconds=21)
    stage.reconcile(minutes=2)
    assert stage.escrow(started.escrow_id).tries == 2
    stage.reconcile(minutes=3)
    assert stage.escrow(started.escrow_id).tries == 0


@pytest.mark.parametrize(
    "fault",
    [{"kind": "close"}, {"kind": "status", "status": 503}],
    ids=["no answer", "HTTP 503"],
)
def test_paynet_being_down_is_no_failure_of_the_escrow(
    stage: Stage, fault: dict[str, Any]
) -> None:
    started = charging(stage)
    stage.paynet.faults.add(path=CHECK, times=None, **fault)
    for _ in range(12):
        stage.reconcile(hours=7)
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.status, escrow.tries) == ("charging", 0)
    stage.paynet.faults.clear()
    stage.reconcile(hours=7)
    assert stage.escrow(started.escrow_id).status == "held"


def test_a_missing_key_is_no_failure_of_the_escrow(stage: Stage) -> None:
    started = charging(stage)

    def missing() -> str:
        raise SecretUnavailable("secret_key")

    for _ in range(10):
        stage.later(hours=7)
        keyless = PaynetGateway(Line(stage.paynet_url, missing, stage.clock))
        report = stage.reconciler(gateway=keyless).run()
        assert report.failures == ["SecretUnavailable"]
    assert stage.escrow(started.escrow_id).status == "charging"
    assert asked(stage) == 0
    stage.reconcile(hours=7)
    assert stage.escrow(started.escrow_id).status == "held"


def test_a_closed_escrow_that_keeps_failing_is_flagged_and_stays_closed(
    stage: Stage,
) -> None:
    started = charging_then_expired(stage)
    stage.paynet.faults.add("html", CHECK, times=None)
    for _ in range(8):
        stage.reconcile(hours=25)
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.status, escrow.history[-1].transition) == ("expired", "flag")
    assert queue(stage, str(escrow.queue_reason)) == [escrow.id]
    assert "due_at" not in (stage.item(escrow.id) or {})


# ── failures of money on its way out ──

LIST = "/v1/transaction/reversal_list"
REFUND = "/v1/transaction/reversed_request"


def refund_asked(stage: Stage) -> str:
    """Held, and operations ask to give all of it back."""
    escrow_id = stage.held()
    path = f"/api/escrows/{escrow_id}/refund"
    key = {"Idempotency-Key": "k"}
    said = {"reason": "never arrived"}
    answer = stage.call("POST", path, said, who=OPERATIONS, headers=key)
    assert answer.status == 200, answer.text
    return escrow_id


def test_a_refund_whose_way_cannot_be_looked_at_is_not_sent(stage: Stage) -> None:
    """What PAYNET lists already has to be known first; eight failures show it to a
    human."""
    escrow_id = refund_asked(stage)
    stage.paynet.faults.add("html", LIST, times=None)
    for _ in range(12):
        stage.reconcile(hours=7)
    escrow = stage.escrow(escrow_id)
    assert stage.paynet.traffic.visits(REFUND) == []
    assert (escrow.status, escrow.review_reason) == ("review", "reconcile_failed")
    assert escrow.settlements[0].status == "scheduled"


def test_a_surplus_that_cannot_be_looked_at_is_shown_and_left(stage: Stage) -> None:
    escrow_id = stage.create()
    late = stage.pay(escrow_id, "4000000000000036")
    stage.pay(escrow_id)
    stage.paynet.books.plant(late.reference_no, AMOUNT_MINOR)
    stage.callback(late.reference_no)
    stage.paynet.faults.add("html", LIST, times=None)
    for _ in range(14):
        stage.reconcile(hours=7)
    assert stage.paynet.traffic.visits(REFUND) == []
    assert queue(stage, "late_capture") == [escrow_id]
    assert stage.escrow(escrow_id).status == "held"


def test_paynet_being_down_delays_a_refund_and_does_not_lose_it(stage: Stage) -> None:
    escrow_id = refund_asked(stage)
    stage.paynet.faults.add("close", LIST, times=None)
    for _ in range(12):
        stage.reconcile(hours=7)
    assert (stage.escrow(escrow_id).status, stage.escrow(escrow_id).tries) == (
        "held",
        0,
    )
    stage.paynet.faults.clear()
    stage.reconcile_until_quiet(hours=1)
    assert stage.escrow(escrow_id).status == "refunded"


def test_a_missing_key_sends_nothing_and_is_no_failure(stage: Stage) -> None:
    escrow_id = refund_asked(stage)

    def missing() -> str:
        raise SecretUnavailable("secret_key")

    for _ in range(10):
        stage.later(hours=7)
        keyless = PaynetMoneyOut(Line(stage.paynet_url, missing, stage.clock))
        report = stage.reconciler(money_out=keyless).run()
        assert report.failures == ["SecretUnavailable"]
    assert stage.escrow(escrow_id).status == "held"
    assert stage.paynet.traffic.visits(REFUND) == []
    stage.reconcile_until_quiet(hours=7)
    assert stage.escrow(escrow_id).status == "refunded"


def charging_then_expired(stage: Stage) -> Started:
    """Closed, with an attempt that is still to be asked about."""
    escrow_id = stage.create(policy={"pay_within_hours": 1})
    started = stage.pay(escrow_id, LOST_BEFORE)
    stage.reconcile(minutes=16)
    stage.reconcile(minutes=45)
    assert stage.escrow(escrow_id).status == "expired"
    return started


def test_five_timeouts_in_a_row_end_the_run(stage: Stage) -> None:
    for _ in range(7):
        charging(stage)
    calls = asked(stage)
    stage.paynet.faults.add("close", CHECK, times=None)
    report = stage.reconcile(seconds=30)
    assert report.stopped == "paynet_down"
    assert asked(stage) - calls == report.escrows == 5
    stage.paynet.faults.clear()
    stage.reconcile(minutes=1)
    stage.reconcile(minutes=1)
    statuses = {stage.escrow(item["id"]["S"]).status for item in stage.items()}
    assert statuses == {"held"}


def test_an_answer_between_them_begins_the_count_anew(stage: Stage) -> None:
    for _ in range(7):
        charging(stage, LOST_BEFORE)
    stage.paynet.faults.add("close", CHECK, times=4)
    stage.paynet.faults.add("slow", CHECK, delay_s=0)
    stage.paynet.faults.add("close", CHECK, times=2)
    report = stage.reconcile(seconds=30)
    assert (report.stopped, report.escrows) == ("", 7)


# ── poisoned items ──


def poison(stage: Stage, id_: str, kind: str, name: str) -> None:
    """An item that no reader of ours understands, due long ago."""
    stage.dynamodb.put_item(
        TableName=stage.environment["TABLE_NAME"],
        Item={
            "id": {"S": id_},
            "due_kind": {"S": kind},
            "due_at": {"S": "2020-01-01T00:00:00.000Z"},
            name: {"S": "?"},
        },
    )


def test_a_poisoned_item_never_starves_the_others(stage: Stage) -> None:
    for number in range(5):
        poison(stage, f"poisoned-{number}", "escrow", "status")
        poison(stage, f"inbox-poisoned-{number}", "inbox", "status")
    started, other = charging(stage), stage.initiate(stage.create())
    stage.paynet.books.plant(other.reference_no, AMOUNT_MINOR)
    stage.callback(other.reference_no)
    report = stage.reconcile(seconds=21)
    assert (report.stopped, len(report.failures)) == ("", 10)
    assert stage.escrow(started.escrow_id).status == "held"
    assert stage.escrow(other.escrow_id).status == "held"


@pytest.mark.parametrize("kind", ["escrow", "inbox"])
def test_an_item_that_nobody_can_read_is_shown_to_a_human(
    stage: Stage, kind: str
) -> None:
    poison(stage, "poisoned", kind, "status")
    assert stage.reconcile().failures == ["UnreadableItem"]
    stage.clock.move(days=1)
    assert due(stage) == []
    assert queue(stage, "unreadable") == ["poisoned"]


def test_more_poisoned_items_than_a_run_attends_to_are_no_wall(stage: Stage) -> None:
    started = charging(stage)
    for number in range(120):
        poison(stage, f"poisoned-{number}", "escrow", "status")
    stage.reconcile(seconds=21)
    stage.reconcile(seconds=60)
    assert stage.escrow(started.escrow_id).status == "held"


# ── leases ──


def test_of_two_reconcilers_with_the_same_due_item_one_lease_wins(stage: Stage) -> None:
    charging(stage)
    stage.clock.move(seconds=21)
    [one], [other] = due(stage), due(stage)
    until = stage.clock() + policy.RECONCILE_LEASE
    assert stage.store.lease(one, until, "one") is True
    assert stage.store.lease(other, until, "other") is False
    assert stage.reconcile() == Report()
    assert asked(stage) == 0


def test_an_item_under_a_lease_comes_again_when_the_lease_is_over(stage: Stage) -> None:
    started = charging(stage)
    stage.clock.move(seconds=21)
    [line] = due(stage)
    stage.store.lease(line, stage.clock() + policy.RECONCILE_LEASE, "dead")
    assert stage.reconcile(seconds=89).escrows == 0
    assert stage.reconcile(seconds=1).escrows == 1
    assert stage.escrow(started.escrow_id).status == "held"


def test_a_lease_never_makes_a_users_request_lose(stage: Stage) -> None:
    escrow_id = stage.held(policy={"ship_within_days": 1})
    before = stage.escrow(escrow_id)
    stage.clock.move(days=1, minutes=1)
    [line] = due(stage)
    lease = stage.clock() + policy.RECONCILE_LEASE
    assert stage.store.lease(line, lease, "reconciler")
    post(stage, escrow_id, "ship", PARCEL, SELLER)
    after = stage.escrow(escrow_id)
    assert (after.status, after.version) == ("held", before.version + 1)
    assert stage.store.postpone(before, lease) is False
    assert stage.escrow(escrow_id) == after


def test_what_moved_meanwhile_is_left_in_peace(stage: Stage) -> None:
    escrow_id = stage.held(policy={"ship_within_days": 1})
    stage.clock.move(days=1, minutes=1)
    [line] = due(stage)
    post(stage, escrow_id, "ship", PARCEL, SELLER)
    shipped = stage.item(escrow_id)
    lease = stage.clock() + policy.RECONCILE_LEASE
    assert stage.store.lease(line, lease, "late") is False
    stage.reconcile()
    assert stage.item(escrow_id) == shipped
