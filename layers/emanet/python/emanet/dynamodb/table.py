"""The books in DynamoDB: one table, one item an escrow, one conditional write a
transition. It maps values to items and lost conditions to domain errors; it decides
nothing, and every moment in an item is one that the domain gave it.

    escrow   id, status, version, …, due_kind="escrow" due_at, queue_reason queue_since
    inbox    id="inbox-…", status, tries, …, due_kind="inbox" due_at, expires_at_s
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from pydantic import TypeAdapter, ValidationError

from emanet import policy
from emanet.due import due_at
from emanet.errors import (
    EscrowNotFound,
    StaleEscrow,
    StoreUnavailable,
    UnreadableItem,
)
from emanet.escrow import Escrow, QueueReason
from emanet.ports import Callback, CallbackStatus, Due, DueKind

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# Three tries of at most 1 + 3 s fit into the 2 s … 27 s that a request leaves for them
# in all but the worst case; the default of 60 s each would outlive the function.
CONFIG = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "max_attempts": 3}
)

_LOST = "ConditionalCheckFailedException"
_BUSY = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
}
_ESCROW = TypeAdapter(Escrow)
_CALLBACK = TypeAdapter(Callback)
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize

Item = dict[str, Any]
T = TypeVar("T")


def stamp(moment: datetime) -> str:
    """A moment as text that sorts: UTC, always three decimals."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def client() -> DynamoDBClient:
    """boto3 takes region, endpoint and credentials from the environment."""
    dynamodb: DynamoDBClient = boto3.client("dynamodb", config=CONFIG)
    return dynamodb


# ── values and items ─────────────────────────────────────────────────────────


def escrow_item(escrow: Escrow) -> Item:
    """The escrow as a DynamoDB item, with what its indexes need beside it."""
    plain = _ESCROW.dump_python(escrow, mode="json", exclude_none=True)
    plain["created_at"] = stamp(escrow.created_at)
    plain["payer_id"] = escrow.payer.id
    plain["payee_id"] = escrow.payee.id
    if escrow.queue_since:
        plain["queue_since"] = stamp(escrow.queue_since)
    return _item(plain, DueKind.ESCROW, due_at(escrow))


def escrow_of(item: Mapping[str, Any]) -> Escrow:
    """The escrow in an item. Raises UnreadableItem."""
    return _read_as(_ESCROW, item)


def _readable(items: Iterable[Mapping[str, Any]]) -> Iterator[Escrow]:
    """One broken item hides nobody's other escrows."""
    for item in items:
        with suppress(UnreadableItem):
            yield escrow_of(item)


def callback_item(callback: Callback) -> Item:
    """The callback as an item; once applied it is forgotten after a while."""
    plain = _CALLBACK.dump_python(callback, mode="json", exclude_none=True)
    if callback.queue_since:
        plain["queue_since"] = stamp(callback.queue_since)
    if callback.status is CallbackStatus.APPLIED:
        forget = callback.received_at + policy.CALLBACK_KEPT_FOR
        plain["expires_at_s"] = int(forget.timestamp())
    return _item(plain, DueKind.INBOX, callback.due_at)


def _read_as(kind: TypeAdapter[T], item: Mapping[str, Any]) -> T:
    try:
        return kind.validate_python(_plain(item))
    except ValidationError:
        raise UnreadableItem from None


def _item(plain: dict[str, Any], kind: DueKind, due: datetime | None) -> Item:
    if due:
        plain |= {"due_kind": kind, "due_at": stamp(due)}
    return {name: _serialize(value) for name, value in plain.items()}


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}


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
    """EscrowStore, Schedule and Inbox over one table."""

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
                ExpressionAttributeValues={":party": _serialize(party)},
                ScanIndexForward=False,
                Limit=limit,
            )
        keys = [{"id": item["id"]} for item in found["Items"]]
        items = self._read_all(keys) if keys else []
        newest = {item["id"]["S"]: item for item in items}
        ids = (key["id"]["S"] for key in keys)
        return list(_readable(newest[id_] for id_ in ids if id_ in newest))

    def _read_all(self, keys: list[dict[str, Any]]) -> list[Item]:
        with _asking():
            answer = self.dynamodb.batch_get_item(
                RequestItems={self.table: {"Keys": keys}}
            )
        if answer.get("UnprocessedKeys"):
            raise StoreUnavailable("UnprocessedKeys")
        return list(answer["Responses"][self.table])

    # ── the schedule ──

    def due(self, kind: DueKind, now: datetime, limit: int) -> list[Due]:
        with _asking():
            found = self.dynamodb.query(
                TableName=self.table,
                IndexName="due",
                KeyConditionExpression="due_kind = :kind AND due_at <= :now",
                ExpressionAttributeValues={
                    ":kind": _serialize(str(kind)),
                    ":now": _serialize(stamp(now)),
                },
                Limit=limit,
            )
        lines = map(_plain, found["Items"])
        return [
            Due(line["id"], datetime.fromisoformat(line["due_at"])) for line in lines
        ]

    def lease(self, item: Due, until: datetime, lease_id: str) -> bool:
        try:
            with _asking():
                self.dynamodb.update_item(
                    TableName=self.table,
                    Key={"id": _serialize(item.id)},
                    UpdateExpression="SET due_at = :until, lease_id = :lease",
                    ConditionExpression="due_at = :seen",
                    ExpressionAttributeValues={
                        ":until": _serialize(stamp(until)),
                        ":lease": _serialize(lease_id),
                        ":seen": _serialize(stamp(item.due_at)),
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            return bool(_plain(_lost(error)).get("lease_id") == lease_id)
        return True

    def set_aside(self, item_id: str, lease_until: datetime) -> None:
        now = lease_until - policy.RECONCILE_LEASE
        with _asking(), _losing_is_fine():
            self.dynamodb.update_item(
                TableName=self.table,
                Key={"id": _serialize(item_id)},
                UpdateExpression=(
                    "SET queue_reason = :reason, queue_since = :now "
                    "REMOVE due_kind, due_at"
                ),
                ConditionExpression="due_at = :lease",
                ExpressionAttributeValues={
                    ":reason": _serialize(str(QueueReason.UNREADABLE)),
                    ":now": _serialize(stamp(now)),
                    ":lease": _serialize(stamp(lease_until)),
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

    # ── the inbox ──

    def keep(self, callback: Callback) -> None:
        rival = self._put(callback_item(callback), "attribute_not_exists(id)", {}, {})
        if rival is None:
            return
        with _asking(), _losing_is_fine():
            self.dynamodb.update_item(
                TableName=self.table,
                Key={"id": _serialize(callback.id)},
                UpdateExpression="SET due_at = :now, due_kind = :kind",
                ConditionExpression="#status IN (:received, :parked)",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":now": _serialize(stamp(callback.received_at)),
                    ":kind": _serialize(str(DueKind.INBOX)),
                    ":received": _serialize(str(CallbackStatus.RECEIVED)),
                    ":parked": _serialize(str(CallbackStatus.PARKED)),
                },
            )

    def read(self, callback_id: str) -> Callback | None:
        item = self._read(callback_id)
        return _read_as(_CALLBACK, item) if item else None

    def finish(self, callback: Callback, lease_until: datetime) -> bool:
        rival = self._put(
            callback_item(callback),
            "due_at = :lease",
            {":lease": stamp(lease_until)},
            {},
        )
        return rival is None

    # ── one read, one write ──

    def _read(self, id_: str) -> Item | None:
        with _asking():
            answer = self.dynamodb.get_item(
                TableName=self.table, Key={"id": _serialize(id_)}, ConsistentRead=True
            )
        return answer.get("Item")

    def _put(
        self,
        item: Item,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str],
    ) -> Item | None:
        """Writes the item if the condition holds. None: written; else what stood
        there."""
        optional: dict[str, Any] = {}
        if values:
            optional["ExpressionAttributeValues"] = {
                name: _serialize(value) for name, value in values.items()
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
            return _lost(error)
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
