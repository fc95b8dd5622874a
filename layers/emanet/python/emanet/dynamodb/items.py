"""Values and items: how an escrow, a callback, a plan of repairs and a payer who stores
cards look in the table, and back. It asks nobody."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pydantic import TypeAdapter, ValidationError

from emanet import policy
from emanet.cards import CardOwner
from emanet.due import due_at
from emanet.errors import UnreadableItem
from emanet.escrow import Escrow
from emanet.ports import Callback, CallbackStatus, DueKind, Plan

_ESCROW = TypeAdapter(Escrow)
_CALLBACK = TypeAdapter(Callback)
_PLAN = TypeAdapter(Plan)
_OWNER = TypeAdapter(CardOwner)
serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize

Item = dict[str, Any]
T = TypeVar("T")


def stamp(moment: datetime) -> str:
    """A moment as text that sorts: UTC, always three decimals."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def escrow_item(escrow: Escrow) -> Item:
    """The escrow as a DynamoDB item, with what its indexes need beside it."""
    plain = _ESCROW.dump_python(escrow, mode="json", exclude_none=True)
    plain["created_at"] = stamp(escrow.created_at)
    plain["payer_id"] = escrow.payer.id
    plain["payee_id"] = escrow.payee.id
    if escrow.queue_reason and escrow.queue_since:
        plain["queue_reason"] = escrow.queue_reason
        plain["queue_since"] = stamp(escrow.queue_since)
    return _item(plain, DueKind.ESCROW, due_at(escrow))


def escrow_of(item: Mapping[str, Any]) -> Escrow:
    """The escrow in an item. Raises UnreadableItem."""
    return _read_as(_ESCROW, item)


def readable(items: Iterable[Mapping[str, Any]]) -> Iterator[Escrow]:
    """One broken item hides nobody's other escrows."""
    for item in items:
        with suppress(UnreadableItem):
            yield escrow_of(item)


def callback_item(callback: Callback) -> Item:
    """The callback as an item; once applied it is forgotten after a while."""
    plain = _CALLBACK.dump_python(callback, mode="json", exclude_none=True)
    if callback.queue_since:
        plain["queue_since"] = stamp(callback.queue_since)
    if callback.status in (CallbackStatus.APPLIED, CallbackStatus.CLOSED):
        plain["expires_at_s"] = _after(callback.received_at, policy.CALLBACK_KEPT_FOR)
    return _item(plain, DueKind.INBOX, callback.due_at)


def callback_of(item: Mapping[str, Any]) -> Callback:
    """Raises UnreadableItem."""
    return _read_as(_CALLBACK, item)


def plan_item(plan: Plan) -> Item:
    """A plan is a note: it is forgotten after a while, whatever came of it."""
    plain = _PLAN.dump_python(plan, mode="json", exclude_none=True)
    plain["expires_at_s"] = _after(plan.made_at, policy.PLAN_KEPT_FOR)
    return {name: serialize(value) for name, value in plain.items()}


def plan_of(item: Mapping[str, Any]) -> Plan:
    """Raises UnreadableItem."""
    return _read_as(_PLAN, item)


def owner_item(owner: CardOwner) -> Item:
    """A payer's item. Without `created_at` it is not in the index of his escrows."""
    plain = _OWNER.dump_python(owner, mode="json", exclude_none=True)
    plain["id"] = owner_key(owner.payer_id)
    return {name: serialize(value) for name, value in plain.items()}


def owner_of(item: Mapping[str, Any]) -> CardOwner:
    """Raises UnreadableItem."""
    return _read_as(_OWNER, item)


def owner_key(payer_id: str) -> str:
    """The id of a payer's item: like no escrow's, whatever his issuer calls him."""
    digest = hashlib.sha256(payer_id.encode()).digest()
    return f"payer-{base64.b32encode(digest).decode()[:26].lower()}"


def plain_of(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}


def _read_as(kind: TypeAdapter[T], item: Mapping[str, Any]) -> T:
    try:
        return kind.validate_python(plain_of(item))
    except ValidationError:
        raise UnreadableItem from None


def _item(plain: dict[str, Any], kind: DueKind, due: datetime | None) -> Item:
    if due:
        plain |= {"due_kind": kind, "due_at": stamp(due)}
    return {name: serialize(value) for name, value in plain.items()}


def _after(moment: datetime, kept: timedelta) -> int:
    return int((moment + kept).timestamp())
