"""The books on a real engine: one conditional write a transition. Who loses is told
what the winner wrote, and an own write whose answer was lost is recognised."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from emanet import attempts, holding, settlements
from emanet.dynamodb.items import stamp
from emanet.errors import EscrowNotFound, StaleEscrow
from emanet.escrow import (
    Actor,
    Escrow,
    QueueReason,
    Role,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Shipment,
)
from emanet.istanbul import day_of
from emanet.machine import begin
from emanet.ports import (
    Callback,
    CallbackStatus,
    Drift,
    Due,
    DueKind,
    Finding,
    Plan,
    Queued,
    Repair,
)
from tests.stage import Stage

PAYEE = Actor(Role.PAYEE, "seller-1")
PAYER = Actor(Role.PAYER, "buyer-1")
CLOCK = Actor(Role.CLOCK)
OPERATIONS = Actor(Role.OPERATIONS, "ops-1")


def shipped(stage: Stage, escrow: Escrow, number: str = "TR-1") -> Escrow:
    now = stage.desk.step(PAYEE)
    return holding.ship(escrow, Shipment(now.at, "Kargo", number), now)


def delivered(stage: Stage, escrow: Escrow) -> Escrow:
    return holding.deliver(escrow, stage.desk.step(PAYER))


def held(stage: Stage) -> Escrow:
    return stage.escrow(stage.held())


def due_of(stage: Stage, escrow: Escrow) -> Due:
    """Its line in the due index, once its moment has come."""
    stage.clock.move(days=8)
    lines = stage.store.due(DueKind.ESCROW, stage.clock(), 10)
    return next(line for line in lines if line.id == escrow.id)


# ── what is written is what is read ──


def test_an_escrow_comes_back_as_it_was_written(stage: Stage) -> None:
    before = held(stage)
    after = shipped(stage, before)
    stage.store.save(before, after)
    assert stage.store.get(before.id) == after


def test_an_unknown_id_is_not_found(stage: Stage) -> None:
    with pytest.raises(EscrowNotFound):
        stage.store.get("a" * 26)


# ── one write wins ──


def test_of_two_writers_on_one_version_the_second_is_told_the_winner(
    stage: Stage,
) -> None:
    before = held(stage)
    winner, loser = shipped(stage, before, "TR-1"), shipped(stage, before, "TR-2")
    stage.store.save(before, winner)
    with pytest.raises(StaleEscrow) as lost:
        stage.store.save(before, loser)
    assert lost.value.current == winner
    assert stage.store.get(before.id) == winner


def test_an_own_write_whose_answer_was_lost_is_no_error(stage: Stage) -> None:
    before = held(stage)
    after = shipped(stage, before)
    stage.store.save(before, after)
    stage.store.save(before, after)
    assert stage.store.get(before.id) == after


def test_an_own_write_is_recognised_even_if_a_rival_wrote_next(stage: Stage) -> None:
    before = held(stage)
    mine = shipped(stage, before)
    stage.store.save(before, mine)
    rivals = delivered(stage, mine)
    stage.store.save(mine, rivals)
    stage.store.save(before, mine)
    assert stage.store.get(before.id) == rivals


def test_the_expected_status_counts_beside_the_version(stage: Stage) -> None:
    before = held(stage)
    stale = replace(before, status=before.history[0].to_status)
    after = shipped(stage, before)
    with pytest.raises(StaleEscrow) as lost:
        stage.store.save(stale, after)
    assert lost.value.current == before


def test_an_escrow_that_is_not_there_is_not_made_by_saving_it(stage: Stage) -> None:
    before = held(stage)
    nobody = replace(before, id="a" * 26)
    with pytest.raises(EscrowNotFound):
        stage.store.save(nobody, replace(shipped(stage, nobody), id=nobody.id))
    assert len(stage.items()) == 1


# ── created once ──


def test_a_second_creation_is_answered_with_the_first(stage: Stage) -> None:
    first = held(stage)
    again = begin(replace(first, history=()), stage.desk.step(CLOCK))
    assert stage.store.create(again) == first
    assert stage.store.get(first.id) == first


def test_a_creation_whose_answer_was_lost_meets_itself(stage: Stage) -> None:
    stored = stage.escrow(stage.create())
    assert stage.store.create(stored) == stored


# ── what is due ──


def test_the_longest_overdue_comes_first(stage: Stage) -> None:
    ids = [stage.create(policy={"pay_within_hours": hours}) for hours in (9, 3, 6)]
    lines = stage.store.due(DueKind.ESCROW, stage.clock() + timedelta(hours=10), 10)
    assert [line.id for line in lines] == [ids[1], ids[2], ids[0]]
    first = stage.store.due(DueKind.ESCROW, stage.clock() + timedelta(hours=10), 1)
    assert [line.id for line in first] == [ids[1]]


def test_what_is_not_yet_due_is_not_listed(stage: Stage) -> None:
    escrow_id = stage.create(policy={"pay_within_hours": 1})
    reminder = stage.escrow(escrow_id).created_at + timedelta(minutes=30)
    soon = reminder - timedelta(milliseconds=1)
    assert stage.store.due(DueKind.ESCROW, soon, 10) == []
    assert stage.store.due(DueKind.ESCROW, reminder, 10) == [Due(escrow_id, reminder)]


def test_escrows_and_callbacks_have_each_their_own_line(stage: Stage) -> None:
    escrow_id = stage.create(policy={"pay_within_hours": 1})
    stage.callback("x")
    later = stage.clock() + timedelta(hours=1)
    [escrow] = stage.store.due(DueKind.ESCROW, later, 10)
    [callback] = stage.store.due(DueKind.INBOX, later, 10)
    assert escrow.id == escrow_id
    assert callback.id.startswith("inbox-")


def test_a_lease_is_taken_once_and_moves_only_the_moment(stage: Stage) -> None:
    escrow = held(stage)
    line = due_of(stage, escrow)
    until = stage.clock() + timedelta(seconds=90)
    assert stage.store.lease(line, until, "one") is True
    assert stage.store.lease(line, until + timedelta(seconds=1), "other") is False
    assert stage.store.get(escrow.id) == escrow
    item = stage.item(escrow.id) or {}
    assert item["due_at"]["S"] == stamp(until)


def test_an_own_lease_whose_answer_was_lost_is_recognised(stage: Stage) -> None:
    line = due_of(stage, held(stage))
    until = stage.clock() + timedelta(seconds=90)
    assert stage.store.lease(line, until, "mine") is True
    assert stage.store.lease(line, until, "mine") is True


def test_a_lease_on_what_is_not_there_is_not_taken_and_makes_nothing(
    stage: Stage,
) -> None:
    line = Due("a" * 26, stage.clock())
    assert stage.store.lease(line, stage.clock(), "x") is False
    assert stage.items() == []


def test_a_users_write_wins_over_a_lease(stage: Stage) -> None:
    before = held(stage)
    line = due_of(stage, before)
    lease = stage.clock() + timedelta(seconds=90)
    stage.store.lease(line, lease, "reconciler")
    after = shipped(stage, before)
    stage.store.save(before, after)
    assert stage.store.postpone(before, lease) is False
    assert stage.store.get(before.id) == after


def test_what_is_put_off_is_put_off_without_a_new_version(stage: Stage) -> None:
    escrow = held(stage)
    line = due_of(stage, escrow)
    lease, retry = (stage.clock() + timedelta(seconds=s) for s in (90, 600))
    stage.store.lease(line, lease, "mine")
    later = replace(escrow, tries=1, retry_at=retry)
    assert stage.store.postpone(later, lease) is True
    assert stage.store.get(escrow.id) == later
    assert (stage.item(escrow.id) or {})["due_at"]["S"] == stamp(retry)


def test_nothing_is_put_off_without_its_lease(stage: Stage) -> None:
    escrow = held(stage)
    line = due_of(stage, escrow)
    lease = stage.clock() + timedelta(seconds=90)
    stage.store.lease(line, lease, "another")
    later = replace(escrow, tries=1, retry_at=lease)
    assert stage.store.postpone(later, lease - timedelta(seconds=1)) is False
    assert stage.store.get(escrow.id) == escrow


def test_an_escrow_with_nothing_due_leaves_the_index(stage: Stage) -> None:
    before = stage.escrow(stage.create(policy={"pay_within_hours": 1}))
    stage.clock.move(hours=2)
    stage.store.save(before, attempts.expire(before, stage.desk.step(CLOCK)))
    assert stage.store.due(DueKind.ESCROW, stage.clock(), 10) == []
    assert not {"due_at", "due_kind"} & (stage.item(before.id) or {}).keys()


# ── the human queues ──


def shown(stage: Stage, reason: QueueReason) -> Escrow:
    """Put into that queue now."""
    before = held(stage)
    after = holding.show(before, "odd", stage.desk.step(CLOCK), reason)
    stage.store.save(before, after)
    return after


def test_who_waits_longest_comes_first(stage: Stage) -> None:
    waiting = [shown(stage, QueueReason.DRIFT) for _ in range(3)]
    lines = [Queued(e.id, QueueReason.DRIFT, e.flags[0].since) for e in waiting]
    assert stage.store.queued(QueueReason.DRIFT, 10) == lines
    assert stage.store.queued(QueueReason.DRIFT, 2) == lines[:2]


def test_each_queue_has_a_line_of_its_own(stage: Stage) -> None:
    drifting, failed = map(
        partial(shown, stage), (QueueReason.DRIFT, QueueReason.RECONCILE_FAILED)
    )
    for reason in QueueReason:
        ids = [line.id for line in stage.store.queued(reason, 10)]
        expected = {"drift": [drifting.id], "reconcile_failed": [failed.id]}
        assert ids == expected.get(reason, [])


def test_who_leaves_the_queue_is_in_no_index_of_it(stage: Stage) -> None:
    before = shown(stage, QueueReason.DRIFT)
    after = holding.acknowledge(before, "seen to", stage.desk.step(OPERATIONS))
    stage.store.save(before, after)
    assert stage.store.queued(QueueReason.DRIFT, 10) == []
    item = stage.item(before.id) or {}
    assert not {"queue_reason", "queue_since"} & item.keys()


def test_the_oldest_flag_names_the_queue(stage: Stage) -> None:
    """One item stands in one place; whoever takes that flag off finds the next."""
    first = shown(stage, QueueReason.DRIFT)
    step = stage.desk.step(CLOCK)
    both = holding.show(first, "late", step, QueueReason.LATE_CAPTURE)
    stage.store.save(first, both)
    [line] = stage.store.queued(QueueReason.DRIFT, 10)
    assert line.since == first.flags[0].since
    assert stage.store.queued(QueueReason.LATE_CAPTURE, 10) == []


# ── the days on which money moved ──


def moved_on(stage: Stage, **later: float) -> list[str]:
    """Whoever's money moved last on that Istanbul day."""
    return list(stage.store.moved_on(day_of(stage.clock() + timedelta(**later))))


def test_an_escrow_is_listed_on_the_last_day_its_money_moved(stage: Stage) -> None:
    stage.create()  # nothing moved
    before = held(stage)
    assert moved_on(stage) == [before.id]
    stage.clock.move(days=1)
    parcel = shipped(stage, before)  # no money
    stage.store.save(before, parcel)
    assert (moved_on(stage), moved_on(stage, days=-1)) == ([], [before.id])
    whole = Settlement(
        "key-1",
        SettlementKind.RELEASE,
        parcel.available_minor,
        SettlementStatus.SCHEDULED,
        str(PAYER),
        "",
        stage.clock(),
    )
    released = settlements.release(parcel, whole, stage.desk.step(PAYER))
    stage.store.save(parcel, released)
    assert (moved_on(stage), moved_on(stage, days=-1)) == ([before.id], [])


def test_every_page_of_a_day_is_read(stage: Stage) -> None:
    """500 keys are asked for at once."""
    table, day = stage.environment["TABLE_NAME"], "2026-11-23"
    ids = [f"{number:026}" for number in range(503)]
    for batch in (ids[n : n + 25] for n in range(0, len(ids), 25)):
        put: list[Any] = [
            {"PutRequest": {"Item": {"id": {"S": id_}, "moved_on": {"S": day}}}}
            for id_ in batch
        ]
        stage.dynamodb.batch_write_item(RequestItems={table: put})
    assert list(stage.store.moved_on(date(2026, 11, 23))) == ids


# ── plans ──


def test_a_plan_comes_back_as_it_was_kept_and_is_never_replaced(stage: Stage) -> None:
    day = date(2026, 11, 23)
    finding = Finding(Drift.AMOUNT, "x-1-a", "amount_differs", Repair.SETTLE)
    plan = Plan("plan-a", stage.clock(), day, day, 3, (finding,))
    stage.store.keep_plan(plan)
    stage.store.keep_plan(replace(plan, matched=4))
    assert stage.store.read_plan("plan-a") == plan
    assert stage.store.read_plan("plan-b") is None
    assert "expires_at_s" in (stage.item("plan-a") or {})


# ── the inbox ──


def callback(stage: Stage) -> Callback:
    now = stage.clock()
    return Callback(
        id="inbox-x",
        received_at=now,
        reference_no=None,
        hint={"is_succeed": True},
        due_at=now,
    )


def test_a_callback_comes_back_as_it_was_kept(stage: Stage) -> None:
    kept = callback(stage)
    stage.store.keep(kept)
    assert stage.store.read(kept.id) == kept


def test_a_duplicate_is_due_again_but_keeps_its_story(stage: Stage) -> None:
    first = callback(stage)
    parked = replace(
        first,
        status=CallbackStatus.PARKED,
        reference_no="x",
        tries=3,
        due_at=first.received_at + timedelta(hours=1),
    )
    stage.store.keep(parked)
    again = replace(first, reference_no="x", received_at=stage.clock())
    stage.store.keep(replace(again, due_at=again.received_at))
    assert stage.store.read(first.id) == replace(parked, due_at=again.received_at)


def test_a_callback_is_finished_only_under_the_own_lease(stage: Stage) -> None:
    kept = replace(callback(stage), reference_no="x")
    stage.store.keep(kept)
    [line] = stage.store.due(DueKind.INBOX, stage.clock(), 10)
    lease = stage.clock() + timedelta(seconds=90)
    assert stage.store.lease(line, lease, "mine")
    applied = replace(kept, status=CallbackStatus.APPLIED, due_at=None)
    assert stage.store.finish(applied, lease + timedelta(seconds=1)) is False
    assert stage.store.finish(applied, lease) is True
    assert stage.store.read(kept.id) == applied
    assert stage.store.due(DueKind.INBOX, lease, 10) == []


def test_a_duplicate_during_the_lease_is_not_lost(stage: Stage) -> None:
    kept = replace(callback(stage), reference_no="x")
    stage.store.keep(kept)
    [line] = stage.store.due(DueKind.INBOX, stage.clock(), 10)
    lease = stage.clock() + timedelta(seconds=90)
    stage.store.lease(line, lease, "mine")
    stage.store.keep(kept)
    applied = replace(kept, status=CallbackStatus.APPLIED, due_at=None)
    assert stage.store.finish(applied, lease) is False
    assert stage.store.due(DueKind.INBOX, stage.clock(), 10) == [line]


def test_a_persons_decision_counts_only_on_what_he_saw(stage: Stage) -> None:
    queued = replace(
        callback(stage),
        status=CallbackStatus.QUEUED,
        due_at=None,
        queue_reason=QueueReason.CALLBACK_UNMATCHED,
        queue_since=stage.clock(),
    )
    stage.store.keep(queued)
    assert [q.id for q in stage.store.queued(QueueReason.CALLBACK_UNMATCHED, 9)] == [
        queued.id
    ]
    closed = replace(
        queued, status=CallbackStatus.CLOSED, queue_reason=None, queue_since=None
    )
    replayed = replace(closed, status=CallbackStatus.RECEIVED)
    assert stage.store.decide(queued, closed) is True
    assert stage.store.decide(queued, closed) is True  # its answer was lost
    assert stage.store.decide(queued, replayed) is False
    assert stage.store.read(queued.id) == closed
    assert stage.store.queued(QueueReason.CALLBACK_UNMATCHED, 9) == []
    assert "expires_at_s" in (stage.item(queued.id) or {})
