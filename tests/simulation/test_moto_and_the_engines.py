"""The world's table against a real engine: every kind of call that the flows make of
moto is made there too, in the same order, and must be answered the same. The engine is
the one of this run; `make test-second-engine` asks the other."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.api_gateway.resources import create_table
from local.api_gateway.template import Template
from local.engines import Engine
from tests.simulation import tally
from tests.simulation.effects import Effect, Fault, Kind
from tests.simulation.flows import FLOWS
from tests.simulation.flows_steps import Flow, play
from tests.simulation.world import TEMPLATE, in_process
from tests.stage import parameters, surroundings

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Call = tuple[str, dict[str, Any], dict[str, Any]]
METHODS = {
    "GetItem": "get_item",
    "PutItem": "put_item",
    "UpdateItem": "update_item",
    "BatchGetItem": "batch_get_item",
    "Query": "query",
}
EXPRESSIONS = (
    "IndexName",
    "KeyConditionExpression",
    "ConditionExpression",
    "UpdateExpression",
)


@pytest.fixture
def dynamodb(engine: Engine) -> Iterator[DynamoDBClient]:
    there = surroundings(engine)
    client = boto3.client(
        "dynamodb",
        region_name=there["AWS_REGION"],
        endpoint_url=engine.dynamodb_endpoint,
        aws_access_key_id=there["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=there["AWS_SECRET_ACCESS_KEY"],
    )
    yield client
    client.close()


def test_a_real_engine_answers_what_moto_answered(dynamodb: DynamoDBClient) -> None:
    seen: set[tuple[object, ...]] = set()
    compared = 0
    for calls in map(asked_in, FLOWS):
        if kinds := {kind_of(call) for call in calls} - seen:
            seen |= kinds
            compare(dynamodb, calls)
            compared += len(calls)
    assert {kind[0] for kind in seen} == set(METHODS)
    tally.record("moto and this run's engine", calls=compared, kinds=len(seen), wrong=0)


def asked_in(flow: Flow) -> list[Call]:
    """What the functions ask of the table in one flow. Every write of it is answered
    too late, so that it meets itself."""
    with in_process() as world:
        world.books.calls = []
        scene = flow.begin(world)
        world.outside.choose = writes_are_late
        play(world, scene, *flow.steps)
        return world.books.calls


def writes_are_late(effect: Effect) -> Fault | None:
    is_write = effect.name in {"PutItem", "UpdateItem"}
    return Fault.LATE if effect.kind is Kind.DYNAMODB and is_write else None


def kind_of(call: Call) -> tuple[object, ...]:
    """The operation, its expressions, and which kind of answer it got."""
    operation, asked, told = call
    return (operation, *map(asked.get, EXPRESSIONS), told.get("__type"), *sorted(told))


def compare(dynamodb: DynamoDBClient, calls: list[Call]) -> None:
    """On a table of its own."""
    name = f"emanet-{secrets.token_hex(6)}"
    template = Template.load(TEMPLATE, parameters("http://127.0.0.1:1"))
    create_table(
        dynamodb, replace(template, table={**template.table, "TableName": name})
    )
    for number, (operation, asked, told) in enumerate(calls):
        there = answered(dynamodb, operation, asked | at_table(operation, asked, name))
        assert there == comparable(told), f"{number}: {operation} {asked}"
    dynamodb.delete_table(TableName=name)


def answered(dynamodb: DynamoDBClient, operation: str, asked: dict[str, Any]) -> Any:
    try:
        return comparable(getattr(dynamodb, METHODS[operation])(**asked))
    except ClientError as error:
        refused: dict[str, Any] = dict(error.response)
        return comparable({**refused, "__type": "#" + refused["Error"]["Code"]})


def comparable(told: dict[str, Any]) -> dict[str, Any]:
    """What our store reads of an answer: items, the place to go on from, the error."""
    of_batch: list[Any] = next(iter(told.get("Responses", {}).values()), [])
    items = told.get("Items") or of_batch
    return {
        "error": told.get("__type", "").rpartition("#")[2],
        "item": told.get("Item"),
        "items": sorted(items, key=lambda item: str(item["id"])),
        "goes_on": told.get("LastEvaluatedKey"),
    }


def at_table(operation: str, asked: dict[str, Any], name: str) -> dict[str, Any]:
    if operation == "BatchGetItem":
        (keys,) = asked["RequestItems"].values()
        return {"RequestItems": {name: keys}}
    return {"TableName": name}
