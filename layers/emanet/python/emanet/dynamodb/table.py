"""The books in DynamoDB: one table, one item an escrow, one conditional write a
transition. It maps values to items and lost conditions to domain errors; it decides
nothing, and every moment in an item is one that the domain gave it.

    escrow   id, status, version, …, due_kind="escrow" due_at, queue_reason queue_since,
             moved_on
    inbox    id="inbox-…", status, tries, …, due_kind="inbox" due_at, expires_at_s
    plan     id="plan-…", findings, expires_at_s
    payer    id="payer-…", owner_id, consents, version
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from emanet import policy
from emanet.cards import CardOwner
from emanet.dynamodb.items import (
    Item,
    callback_item,
    callback_of,
    escrow_item,
    escrow_of,
    owner_item,
    owner_key,
    owner_of,
    plain_of,
    plan_item,
    plan_of,
    readable,
    serialize,
    stamp,
)
from emanet.errors import EscrowNotFound, StaleEscrow, StoreUnavailable
from emanet.escrow import Escrow, QueueReason
from emanet.ports import (
    Callback,
    CallbackStatus,
    Due,
    DueKind,
    Plan,
    Queued,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# Three tries of at most 1 + 3 s fit into the 2 s … 27 s that a request leaves for them
# in all but the worst case; the default of 60 s each would outlive the function.
CONFIG = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "max_attempts": 3}
)

BATCH_MAX = 100  # of one BatchGetItem

_LOST = "ConditionalCheckFailedException"
_BUSY = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
}


def client() -> DynamoDBClient:
    """boto3 takes region, endpoint and credentials from the environment."""
    dynamodb: DynamoDBClient = boto3.client("dynamodb", config=CONFIG)
    return dynamodb


# ── the table ────────────────────────────────────────────────────────────────


@contextmanager
def _asking() -> Iterator[None]:
    """A lost condition stays what it is; a table that does not answer is Unavailable;
    any other error is a bug of ours and keeps its own name."""
    try:
        yield
    except (NoConnection, HTTPClientError) as error:
        raise StoreUnavailable(type(error).__name__) from error
    except ClientError as error:
        if error.response["Error"]["Code"] in _BUSY:
            raise StoreUnavailable(error.response["Error"]["Code"]) from error
        raise


def _lost(error: ClientError) -> Item:
    """The item that stood in the way; anything but a lost condition is re-raised."""
    if error.response["Error"]["Code"] != _LOST:
        raise error
    item: Any = error.response.get("Item", {})
    return dict(item)


@dataclass(frozen=True, slots=True)
class DynamoEscrowStore:
    """EscrowStore, Schedule, Inbox, Queues, Plans and CardOwners over one table."""

    table: str
    dynamodb: DynamoDBClient

    # ── escrows ──

    def get(self, escrow_id: str) -> Escrow:
        item = self._read(escrow_id)
        if item is None:
            raise EscrowNotFound(escrow_id)
        return escrow_of(item)

    def create(self, escrow: Escrow) -> Escrow:
        rival = self._put(escrow_item(escrow), "attribute_not_exists(id)", {}, {})
        return escrow if rival is None else escrow_of(rival)

    def save(self, before: Escrow, after: Escrow) -> None:
        rival = self._put(
            escrow_item(after),
            "version = :version AND #status = :status",
            {":version": before.version, ":status": before.status},
            {"#status": "status"},
        )
        if rival is None:
            return
        if not rival:
            raise EscrowNotFound(before.id)
        current = escrow_of(rival)
        if not _wrote(current, after):
            raise StaleEscrow(current)

    def list_for_payer(self, payer_id: str, limit: int) -> list[Escrow]:
        return self._listed("payer", "payer_id", payer_id, limit)

    def list_for_payee(self, payee_id: str, limit: int) -> list[Escrow]:
        return self._listed("payee", "payee_id", payee_id, limit)

    def _listed(self, index: str, key: str, party: str, limit: int) -> list[Escrow]:
        with _asking():
            found = self.dynamodb.query(
                TableName=self.table,
                IndexName=index,
                KeyConditionExpression="#party = :party",
                ExpressionAttributeNames={"#party": key},
                ExpressionAttributeValues={":party": serialize(party)},
                ScanIndexForward=False,
                Limit=limit,
            )
        keys = [{"id": item["id"]} for item in found["Items"]]
        items = self._read_all(keys) if keys else []
        newest = {item["id"]["S"]: item for item in items}
        ids = (key["id"]["S"] for key in keys)
        return list(readable(newest[id_] for id_ in ids if id_ in newest))

    def _read_all(self, keys: list[dict[str, Any]]) -> list[Item]:
        items: list[Item] = []
        for start in range(0, len(keys), BATCH_MAX):
            some = keys[start : start + BATCH_MAX]
            with _asking():
                answer = self.dynamodb.batch_get_item(
                    RequestItems={self.table: {"Keys": some}}
                )
            if answer.get("UnprocessedKeys"):
                raise StoreUnavailable("UnprocessedKeys")
            items += answer["Responses"][self.table]
        return items

    # ── the schedule ──

    def due(self, kind: DueKind, now: datetime, limit: int) -> list[Due]:
        with _asking():
            found = self.dynamodb.query(
                TableName=self.table,
                IndexName="due",
                KeyConditionExpression="due_kind = :kind AND due_at <= :now",
                ExpressionAttributeValues={
                    ":kind": serialize(str(kind)),
                    ":now": serialize(stamp(now)),
                },
                Limit=limit,
            )
        lines = map(plain_of, found["Items"])
        return [
            Due(line["id"], datetime.fromisoformat(line["due_at"])) for line in lines
        ]

    def lease(self, item: Due, until: datetime, lease_id: str) -> bool:
        try:
            with _asking():
                self.dynamodb.update_item(
                    TableName=self.table,
                    Key={"id": serialize(item.id)},
                    UpdateExpression="SET due_at = :until, lease_id = :lease",
                    ConditionExpression="due_at = :seen",
                    ExpressionAttributeValues={
                        ":until": serialize(stamp(until)),
                        ":lease": serialize(lease_id),
                        ":seen": serialize(stamp(item.due_at)),
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            return bool(plain_of(_lost(error)).get("lease_id") == lease_id)
        return True

    def set_aside(self, item_id: str, lease_until: datetime) -> None:
        now = lease_until - policy.RECONCILE_LEASE
        with _asking(), _losing_is_fine():
            self.dynamodb.update_item(
                TableName=self.table,
                Key={"id": serialize(item_id)},
                UpdateExpression=(
                    "SET queue_reason = :reason, queue_since = :now "
                    "REMOVE due_kind, due_at"
                ),
                ConditionExpression="due_at = :lease",
                ExpressionAttributeValues={
                    ":reason": serialize(str(QueueReason.UNREADABLE)),
                    ":now": serialize(stamp(now)),
                    ":lease": serialize(stamp(lease_until)),
                },
            )

    def postpone(self, escrow: Escrow, lease_until: datetime) -> bool:
        rival = self._put(
            escrow_item(escrow),
            "version = :version AND due_at = :lease",
            {":version": escrow.version, ":lease": stamp(lease_until)},
            {},
        )
        return rival is None

    # ── the human queues, and the days on which money moved ──

    def queued(self, reason: QueueReason, limit: int) -> list[Queued]:
        found = self._query("queue", "queue_reason = :key", reason, limit)
        return [
            Queued(line["id"], reason, datetime.fromisoformat(line["queue_since"]))
            for line in map(plain_of, found["Items"])
        ]

    def moved_on(self, day: date) -> Iterator[str]:
        start: dict[str, Any] = {}
        while True:
            found = self._query("moved", "moved_on = :key", day.isoformat(), **start)
            yield from (item["id"]["S"] for item in found["Items"])
            if not found.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": found["LastEvaluatedKey"]}

    def _query(
        self, index: str, condition: str, key: str, limit: int = 500, **more: Any
    ) -> Any:
        with _asking():
            return self.dynamodb.query(
                TableName=self.table,
                IndexName=index,
                KeyConditionExpression=condition,
                ExpressionAttributeValues={":key": serialize(str(key))},
                Limit=limit,
                **more,
            )

    # ── plans of repair ──

    def keep_plan(self, plan: Plan) -> None:
        self._put(plan_item(plan), "attribute_not_exists(id)", {}, {})

    def read_plan(self, plan_id: str) -> Plan | None:
        item = self._read(plan_id)
        return plan_of(item) if item else None

    # ── payers who store cards ──

    def read_owner(self, payer_id: str) -> CardOwner | None:
        item = self._read(owner_key(payer_id))
        return owner_of(item) if item else None

    def keep_owner(self, before: CardOwner | None, after: CardOwner) -> bool:
        if before is None:
            condition, values = "attribute_not_exists(id)", {}
        else:
            condition, values = "version = :version", {":version": before.version}
        return self._put(owner_item(after), condition, values, {}) is None

    # ── the inbox ──

    def keep(self, callback: Callback) -> None:
        rival = self._put(callback_item(callback), "attribute_not_exists(id)", {}, {})
        if rival is None:
            return
        with _asking(), _losing_is_fine():
            self.dynamodb.update_item(
                TableName=self.table,
                Key={"id": serialize(callback.id)},
                UpdateExpression="SET due_at = :now, due_kind = :kind",
                ConditionExpression="#status IN (:received, :parked)",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":now": serialize(stamp(callback.received_at)),
                    ":kind": serialize(str(DueKind.INBOX)),
                    ":received": serialize(str(CallbackStatus.RECEIVED)),
                    ":parked": serialize(str(CallbackStatus.PARKED)),
                },
            )

    def read(self, callback_id: str) -> Callback | None:
        item = self._read(callback_id)
        return callback_of(item) if item else None

    def finish(self, callback: Callback, lease_until: datetime) -> bool:
        rival = self._put(
            callback_item(callback),
            "due_at = :lease",
            {":lease": stamp(lease_until)},
            {},
        )
        return rival is None

    def decide(self, before: Callback, after: Callback) -> bool:
        rival = self._put(
            callback_item(after),
            "#status = :status",
            {":status": before.status},
            {"#status": "status"},
        )
        return rival is None

    # ── one read, one write ──

    def _read(self, id_: str) -> Item | None:
        with _asking():
            answer = self.dynamodb.get_item(
                TableName=self.table, Key={"id": serialize(id_)}, ConsistentRead=True
            )
        return answer.get("Item")

    def _put(
        self,
        item: Item,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str],
    ) -> Item | None:
        """Writes the item if the condition holds. None: written, if only by the SDK's
        first try, whose answer was lost; else what stood there."""
        optional: dict[str, Any] = {}
        if values:
            optional["ExpressionAttributeValues"] = {
                name: serialize(value) for name, value in values.items()
            }
        if names:
            optional["ExpressionAttributeNames"] = names
        try:
            with _asking():
                self.dynamodb.put_item(
                    TableName=self.table,
                    Item=item,
                    ConditionExpression=condition,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **optional,
                )
        except ClientError as error:
            rival = _lost(error)
            return None if rival == item else rival
        return None


@contextmanager
def _losing_is_fine() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        _lost(error)


def _wrote(current: Escrow, after: Escrow) -> bool:
    """Our own write, whose answer was lost and which the SDK sent again."""
    mine = after.history[-1].write_id
    return any(entry.write_id == mine for entry in current.history)
