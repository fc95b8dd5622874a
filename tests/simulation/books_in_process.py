"""DynamoDB in this process: moto's engine without moto's HTTP clothing, behind a real
boto3 client, so that the SDK's own retries are part of the world. Where moto differs
from DynamoDB it is corrected here, each correction with its name; whatever it is asked
is replayed on real engines by test_moto_and_the_engines.py."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.utilities import dynamo_to_dict
from moto.dynamodb.responses import DynamoHandler

from emanet.dynamodb import table as store_table
from local.api_gateway.resources import create_table
from local.api_gateway.template import ACCOUNT, REGION, Template
from tests.simulation.effects import Fault, Killed, Kind, Outside

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

ADDRESS = "http://dynamodb.in-process"
READ_TIMEOUT_S = 3.0
Records = dict[Any, Any]

_PREFIX = "com.amazonaws.dynamodb.v20120810#"
_PLAIN = Config(
    signature_version=UNSIGNED, parameter_validation=False, user_agent="emanet"
)
_METHODS = {
    "CreateTable": "create_table",
    "DescribeTable": "describe_table",
    "GetItem": "get_item",
    "PutItem": "put_item",
    "UpdateItem": "update_item",
    "DeleteItem": "delete_item",
    "BatchGetItem": "batch_get_item",
    "Query": "query",
    "Scan": "scan",
    "UpdateTimeToLive": "update_time_to_live",
}


def correct_moto(patched: pytest.MonkeyPatch) -> None:
    """Corrections that hold for all of moto and the SDK while a world is open."""
    # `no item is weighed`: moto weighs all of it at each attribute, and whatever a
    # query finds; ours are never near an item's limit, nor the megabyte of a page
    patched.setattr(LimitedSizeDict, "__setitem__", dict.__setitem__)
    patched.setattr(Item, "size", lambda _: 0)
    # `a projection takes what it names`: moto turns all of the item into JSON and back
    patched.setattr(Item, "project", _projected)
    # `values never change`: an update puts others in their place, and moto copies all
    patched.setattr(DynamoType, "__deepcopy__", lambda value, _: value)
    # `a process has its own quota`: of retries, and ours starts many with one client
    patched.setattr("botocore.retries.quota.RetryQuota.INITIAL_CAPACITY", 10**9)
    # `no dice`: the SDK draws its waits from a chance that no seed of ours rules
    patched.setattr(
        "botocore.retries.standard.ExponentialBackoff.delay_amount",
        lambda _, context: 0.05 * 2 ** (context.attempt_number - 1),
    )


def _projected(item: Item, paths: list[list[str]]) -> Item:
    """Of our projections each names whole attributes."""
    names = [name for [name] in paths if name in item.attrs]
    attrs = {name: item.attrs[name].to_json() for name in names}
    return Item(item.hash_key, item.range_key, attrs)


class Books:
    """One table. `patient` is called with the seconds that a caller waited in vain."""

    def __init__(
        self, template: Template, outside: Outside, patient: Callable[[float], None]
    ) -> None:
        self._outside = outside
        self._patient = patient
        self._backend = DynamoDBBackend(REGION, ACCOUNT)
        self._fault: Fault | None = None
        self.calls: list[tuple[str, dict[str, Any], dict[str, Any]]] | None = None
        self.client = self._connected(watched=True)
        self.by_hand = self._connected(watched=False)
        # `no stream`: moto copies every item into one, and nobody here reads it
        table = {k: v for k, v in template.table.items() if k != "StreamSpecification"}
        create_table(self.by_hand, replace(template, table=table))
        self._name = str(table["TableName"])

    def _connected(self, *, watched: bool) -> DynamoDBClient:
        """Two clients: what functions do are effects; what tests look at is none."""
        config = store_table.CONFIG.merge(_PLAIN)
        client: DynamoDBClient = boto3.client(
            "dynamodb", REGION, endpoint_url=ADDRESS, config=config
        )
        events: Any = client.meta.events  # its stubs know no handler that answers
        if watched:
            events.register("before-call.dynamodb", self._begin)
            events.register("before-send.dynamodb", self._attempt)
        else:
            events.register("before-send.dynamodb", self._answer)
        return client

    # ── what stands in the table, to be put back ──

    @property
    def _records(self) -> Records:
        """By key. The table has no sort key, which moto's types do not know."""
        records: Any = self._backend.tables[self._name].items
        return records  # type: ignore[no-any-return]  # moto knows no table without a sort key

    def snapshot(self) -> Records:
        return dict(self._records)

    def items(self) -> Iterator[tuple[object, dict[str, Any]]]:
        """Every record, and the item in it; another item is always another record."""
        for record in self._records.values():
            yield record, dynamo_to_dict(record.attrs)

    def moments(self) -> Iterator[str]:
        """Every `due_at`."""
        for record in self._records.values():
            if "due_at" in record.attrs:
                yield str(record.attrs["due_at"].value)

    def restore(self, records: Records) -> None:
        self._records.clear()
        self._records.update(records)

    # ── one call, and each attempt of the SDK ──

    def _begin(self, model: Any, **_: Any) -> None:
        self._fault = self._outside.begin(Kind.DYNAMODB, model.name)

    def _attempt(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        fault = self._fault
        if fault is Fault.ERROR_BEFORE:
            raise ConnectionClosedError(endpoint_url=ADDRESS)
        if fault is Fault.THROTTLED:
            self._fault = None
            return _refused(request, "ThrottlingException")
        if fault is Fault.CONFLICT:
            self._fault = None
            return _refused(request, "TransactionConflictException")
        answer = self._answer(request)
        if fault is Fault.KILLED_AFTER:
            raise Killed(request.url)
        if fault is Fault.ERROR_AFTER:
            self._fault = Fault.ERROR_BEFORE  # nor does any repeat get through
            raise ConnectionClosedError(endpoint_url=ADDRESS)
        if fault is Fault.LATE:
            self._fault = None  # the repeat meets our own write
            self._patient(READ_TIMEOUT_S)
            raise ReadTimeoutError(endpoint_url=ADDRESS)
        return answer

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        operation = _text(request.headers["X-Amz-Target"]).split(".")[1]
        asked = json.loads(_text(request.body))
        self._keep_what_it_was(operation, asked)
        status, body = self._ask(operation, asked)
        if self.calls is not None:
            self.calls.append((operation, asked, json.loads(body)))
        return _response(request, status, body)

    def _ask(self, operation: str, asked: dict[str, Any]) -> tuple[int, str]:
        handler = _Handler(self._backend)
        handler.body = asked
        try:
            result = getattr(handler, _METHODS[operation])()
        except DynamodbException as error:
            return 400, str(error.description)
        assert isinstance(result, ActionResult)
        return 200, json.dumps(result.result, default=datetime.timestamp)

    def _keep_what_it_was(self, operation: str, asked: dict[str, Any]) -> None:
        """Correction `updates in place`: moto changes the item that others hold."""
        if operation == "UpdateItem":
            records = self._records
            for key, record in records.items():
                if key.value == asked["Key"]["id"]["S"]:
                    records[key] = copy.deepcopy(record)
                    return


class _Handler(DynamoHandler):
    """Correction `one region, one account`: moto finds both in signed headers."""

    def __init__(self, backend: DynamoDBBackend) -> None:
        super().__init__()
        self._only = backend

    @property
    def dynamodb_backend(self) -> DynamoDBBackend:
        return self._only


def _refused(request: AWSPreparedRequest, code: str) -> AWSResponse:
    body = json.dumps({"__type": _PREFIX + code, "message": code})
    return _response(request, 400, body)


def _response(request: AWSPreparedRequest, status: int, body: str) -> AWSResponse:
    head = HTTPHeaders()
    head["Content-Type"] = "application/x-amz-json-1.0"
    return AWSResponse(request.url, status, head, _Raw(body.encode()))


def _text(sent: Any) -> str:
    return sent.decode() if isinstance(sent, bytes) else str(sent)


class _Raw:
    """A body as urllib3 would stream it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body
