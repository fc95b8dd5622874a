"""Every conditional write, and what a lost condition means, one by one: a key that is
one step too old or too new, a lease of another, a rival that wrote in between, an own
write that arrives twice. One writer at a time, so moto is engine enough; what several
writers do at once is seen on real engines (tests/integration, tests/races)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emanet import holding, policy
from emanet.cards import CardOwner
from emanet.dynamodb.items import owner_key, stamp
from emanet.dynamodb.table import DynamoEscrowStore
from emanet.errors import EscrowNotFound, StaleEscrow
from emanet.escrow import Escrow, QueueReason, Role, Status
from emanet.ports import Callback, CallbackStatus, Due, DueKind, Plan
from tests.unit import scenes
from tests.unit.scenes import START, later, step

SECOND = timedelta(seconds=1)
LEASE = later(seconds=90)
AROUND = pytest.mark.parametrize("off", [-1, 1], ids=["too-old", "too-new"])


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    """A client is dear to make; each test has a table of its own."""
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "local")
    with mock_aws(), mock.patch.dict(os.environ, keys):
        yield boto3.client("dynamodb", region_name="eu-central-1")


@pytest.fixture
def store(dynamodb: Any) -> Iterator[DynamoEscrowStore]:
    name = f"books-{secrets.token_hex(6)}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("id", "due_kind", "due_at")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "due_kind", "KeyType": "HASH"},
                    {"AttributeName": "due_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    yield DynamoEscrowStore(name, dynamodb)
    dynamodb.delete_table(TableName=name)


def items(store: DynamoEscrowStore) -> list[dict[str, Any]]:
    return list(store.dynamodb.scan(TableName=store.table)["Items"])


def held(store: DynamoEscrowStore) -> Escrow:
    """In the table, with a story of several entries."""
    return store.create(scenes.held())


def shipped(before: Escrow) -> Escrow:
    return scenes.shipped(before=before)


def due_at(store: DynamoEscrowStore, escrow: Escrow) -> datetime:
    """As its item says."""
    [moment] = [
        item["due_at"]["S"] for item in items(store) if item["id"]["S"] == escrow.id
    ]
    return datetime.fromisoformat(moment)


def leased(store: DynamoEscrowStore, escrow: Escrow) -> None:
    assert store.lease(Due(escrow.id, due_at(store, escrow)), LEASE, "mine")


# ── an escrow is created once and saved on what was read ─────────────────────


def test_what_is_created_is_there_and_a_second_creation_meets_it(
    store: DynamoEscrowStore,
) -> None:
    first = scenes.created()
    assert store.create(first) == first
    other = replace(scenes.created(), fingerprint="fingerprint-2")
    assert store.create(other) == first
    assert store.get(first.id) == first


@AROUND
def test_another_version_is_never_overwritten(
    store: DynamoEscrowStore, off: int
) -> None:
    before = held(store)
    expected = replace(before, version=before.version + off)
    with pytest.raises(StaleEscrow) as lost:
        store.save(expected, shipped(before))
    assert lost.value.current == before
    assert store.get(before.id) == before


@pytest.mark.parametrize("status", [Status.CREATED, Status.REVIEW])
def test_another_status_is_never_overwritten(
    store: DynamoEscrowStore, status: Status
) -> None:
    """Before and behind it in the alphabet, by which the table could compare."""
    before = held(store)
    assert before.status is not status
    with pytest.raises(StaleEscrow):
        store.save(replace(before, status=status), shipped(before))
    assert store.get(before.id) == before


def test_what_was_read_is_overwritten(store: DynamoEscrowStore) -> None:
    before = held(store)
    after = shipped(before)
    store.save(before, after)
    assert store.get(before.id) == after


def test_saving_makes_nothing_where_there_was_nothing(
    store: DynamoEscrowStore,
) -> None:
    before = scenes.held()
    with pytest.raises(EscrowNotFound):
        store.save(before, shipped(before))
    assert items(store) == []


def test_an_own_write_is_found_in_the_item_also_behind_a_rivals(
    store: DynamoEscrowStore,
) -> None:
    before = held(store)
    mine = shipped(before)
    store.save(before, mine)
    store.save(before, mine)
    rivals = scenes.delivered(before=mine)
    store.save(mine, rivals)
    store.save(before, mine)
    assert store.get(before.id) == rivals


def test_a_rivals_write_is_never_taken_for_an_own_one(
    store: DynamoEscrowStore,
) -> None:
    """They share the story before."""
    before = held(store)
    winner, loser = shipped(before), shipped(before)
    store.save(before, winner)
    with pytest.raises(StaleEscrow) as lost:
        store.save(before, loser)
    assert lost.value.current == winner


def test_an_error_that_is_no_lost_condition_keeps_its_name(
    store: DynamoEscrowStore,
) -> None:
    nowhere = replace(store, table="no-such-table")
    before = scenes.held()
    for write in (
        lambda: nowhere.create(before),
        lambda: nowhere.lease(Due(before.id, START), LEASE, "mine"),
        lambda: nowhere.set_aside(before.id, LEASE),
    ):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            write()


@contextmanager
def asked(store: DynamoEscrowStore, operation: str) -> Iterator[list[dict[str, Any]]]:
    """What DynamoDB is asked meanwhile."""
    requests: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        requests.append(params)

    event = f"provide-client-params.dynamodb.{operation}"
    store.dynamodb.meta.events.register(event, note)
    yield requests
    store.dynamodb.meta.events.unregister(event, note)


def test_an_item_is_read_as_it_is_now(store: DynamoEscrowStore) -> None:
    """A read that may be stale would decide by what was."""
    escrow = held(store)
    with asked(store, "GetItem") as requests:
        store.get(escrow.id)
    assert [request["ConsistentRead"] for request in requests] == [True]


def test_a_request_names_nothing_that_its_condition_does_not_use(
    store: DynamoEscrowStore,
) -> None:
    """DynamoDB refuses an empty table of names or values; moto does not."""
    with asked(store, "PutItem") as requests:
        held(store)
    [request] = requests
    optional = {"ExpressionAttributeNames", "ExpressionAttributeValues"}
    assert not optional & request.keys()


# ── the schedule ─────────────────────────────────────────────────────────────


def test_what_is_due_is_listed_from_its_moment_on(store: DynamoEscrowStore) -> None:
    escrow = held(store)
    moment = due_at(store, escrow)
    assert store.due(DueKind.ESCROW, moment - SECOND, 9) == []
    for now in (moment, moment + SECOND):
        assert store.due(DueKind.ESCROW, now, 9) == [Due(escrow.id, moment)]
        assert store.due(DueKind.INBOX, now, 9) == []


@AROUND
def test_a_lease_needs_the_moment_that_was_seen(
    store: DynamoEscrowStore, off: int
) -> None:
    escrow = held(store)
    moment = due_at(store, escrow)
    assert store.lease(Due(escrow.id, moment + off * SECOND), LEASE, "x") is False
    assert due_at(store, escrow) == moment


def test_a_lease_is_anothers_unless_it_carries_the_own_id(
    store: DynamoEscrowStore,
) -> None:
    escrow = held(store)
    line = Due(escrow.id, due_at(store, escrow))
    assert store.lease(line, LEASE, "mine") is True
    assert store.lease(line, LEASE, "mine") is True
    assert store.lease(line, LEASE, "another") is False
    assert due_at(store, escrow) == LEASE


def test_a_lease_makes_nothing_where_there_was_nothing(
    store: DynamoEscrowStore,
) -> None:
    assert store.lease(Due("a" * 26, START), LEASE, "mine") is False
    assert items(store) == []


@pytest.mark.parametrize(
    ("version", "lease_s"),
    [(-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1)],
)
def test_only_the_version_and_the_lease_that_were_read_are_put_off(
    store: DynamoEscrowStore, version: int, lease_s: int
) -> None:
    escrow = held(store)
    leased(store, escrow)
    later_on = replace(escrow, tries=1, retry_at=later(hours=1))
    wrong = replace(later_on, version=escrow.version + version)
    assert store.postpone(wrong, LEASE + lease_s * SECOND) is False
    assert store.get(escrow.id) == escrow
    assert store.postpone(later_on, LEASE) is True
    assert store.get(escrow.id) == later_on


@AROUND
def test_nothing_is_set_aside_under_anothers_lease(
    store: DynamoEscrowStore, off: int
) -> None:
    escrow = held(store)
    leased(store, escrow)
    [before] = items(store)
    store.set_aside(escrow.id, LEASE + off * SECOND)
    assert items(store) == [before]


def test_what_is_set_aside_waits_in_a_queue_since_it_was_leased(
    store: DynamoEscrowStore,
) -> None:
    escrow = held(store)
    leased(store, escrow)
    store.set_aside(escrow.id, LEASE)
    [item] = items(store)
    assert item["queue_reason"]["S"] == QueueReason.UNREADABLE
    assert item["queue_since"]["S"] == stamp(LEASE - policy.RECONCILE_LEASE)
    assert not {"due_at", "due_kind"} & item.keys()


# ── plans, and payers who store cards ────────────────────────────────────────


def test_a_plan_is_kept_once(store: DynamoEscrowStore) -> None:
    day = date(2026, 11, 23)
    plan = Plan("plan-a", START, day, day, 3, ())
    store.keep_plan(plan)
    store.keep_plan(replace(plan, matched=4))
    assert store.read_plan("plan-a") == plan


OWNER = CardOwner("buyer-1", "owner-1", version=5)


def test_a_payer_is_kept_once_and_an_own_write_is_recognised(
    store: DynamoEscrowStore,
) -> None:
    assert store.keep_owner(None, OWNER) is True
    assert store.keep_owner(None, OWNER) is True
    assert store.keep_owner(None, replace(OWNER, owner_id="owner-2")) is False
    assert store.read_owner("buyer-1") == OWNER


@AROUND
def test_a_payer_is_changed_only_on_the_version_that_was_read(
    store: DynamoEscrowStore, off: int
) -> None:
    store.keep_owner(None, OWNER)
    after = replace(OWNER, owner_id="owner-2", version=6)
    assert store.keep_owner(replace(OWNER, version=5 + off), after) is False
    assert store.read_owner("buyer-1") == OWNER
    assert store.keep_owner(OWNER, after) is True
    assert store.keep_owner(OWNER, after) is True
    assert store.read_owner("buyer-1") == after
    assert [item["id"]["S"] for item in items(store)] == [owner_key("buyer-1")]


# ── the inbox ────────────────────────────────────────────────────────────────


def callback(status: CallbackStatus = CallbackStatus.RECEIVED) -> Callback:
    hint = {"is_succeed": True}
    return Callback("inbox-x", START, hint, status=status, due_at=later(hours=1))


@pytest.mark.parametrize("status", CallbackStatus)
def test_a_duplicate_is_due_at_once_only_while_nobody_has_decided(
    store: DynamoEscrowStore, status: CallbackStatus
) -> None:
    kept = callback(status)
    store.keep(kept)
    assert store.read(kept.id) == kept
    store.keep(replace(callback(), received_at=later(minutes=5)))
    is_open = status in {CallbackStatus.RECEIVED, CallbackStatus.PARKED}
    again = replace(kept, due_at=later(minutes=5))
    assert store.read(kept.id) == (again if is_open else kept)


def test_a_duplicate_is_listed_again(store: DynamoEscrowStore) -> None:
    store.keep(replace(callback(), due_at=None))
    assert store.due(DueKind.INBOX, later(hours=9), 9) == []
    store.keep(callback())
    assert store.due(DueKind.INBOX, START, 9) == [Due("inbox-x", START)]


def test_a_callback_that_cannot_be_kept_is_not_lost_in_silence(
    store: DynamoEscrowStore,
) -> None:
    nowhere = replace(store, table="no-such-table")
    with pytest.raises(ClientError):
        nowhere.keep(callback())


@AROUND
def test_a_callback_is_finished_only_under_the_own_lease(
    store: DynamoEscrowStore, off: int
) -> None:
    kept = callback()
    store.keep(kept)
    store.lease(Due(kept.id, later(hours=1)), LEASE, "mine")
    applied = replace(kept, status=CallbackStatus.APPLIED, due_at=None)
    assert store.finish(applied, LEASE + off * SECOND) is False
    assert store.read(kept.id) == replace(kept, due_at=LEASE)
    assert store.finish(applied, LEASE) is True
    assert store.read(kept.id) == applied


@pytest.mark.parametrize(
    "seen", [status for status in CallbackStatus if status is not CallbackStatus.PARKED]
)
def test_a_person_decides_only_what_he_saw(
    store: DynamoEscrowStore, seen: CallbackStatus
) -> None:
    parked = callback(CallbackStatus.PARKED)
    store.keep(parked)
    closed = replace(parked, status=CallbackStatus.CLOSED, due_at=None)
    assert store.decide(replace(parked, status=seen), closed) is False
    assert store.read(parked.id) == parked
    assert store.decide(parked, closed) is True
    assert store.read(parked.id) == closed


def test_showing_an_escrow_moves_its_due_moment_with_it(
    store: DynamoEscrowStore,
) -> None:
    """What is written is the whole item, so that no index keeps an older moment."""
    before = held(store)
    after = holding.show(before, "odd", step(Role.CLOCK))
    store.save(before, after)
    assert store.get(before.id) == after
    [item] = items(store)
    assert item["queue_reason"]["S"] == after.queue_reason
