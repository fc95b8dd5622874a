"""Every sample event in events/ is replayed against the real handler, and must cause
the answer and the item change that it names. What no file can know is put in here: the
moment of a request, the state, session and token of an attempt, and a signature."""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from boto3.dynamodb.types import TypeDeserializer

from emanet import bootstrap
from emanet.escrow import Party
from emanet.usecases.access import Caller
from emanet.usecases.create_escrow import Order, create_escrow
from local.paynet_simulator.callbacks import signature
from tests.stage import (
    AMOUNT_MINOR,
    BACKEND,
    BASE_URL,
    BUYER,
    SELLER,
    WEBHOOK_SECRET,
    Context,
    Stage,
)

EVENTS = Path(__file__).resolve().parents[2] / "events"
ORDER_ID = "order-1001"
Event = dict[str, Any]

_deserialize = TypeDeserializer().deserialize


# ── the steps that an event's `before` may name ──────────────────────────────


def registered(stage: Stage, _event: Event) -> None:
    stage.create(ORDER_ID)


def at_the_bank(stage: Stage, event: Event) -> None:
    """This attempt's own path and form take the place of the sample's."""
    form = stage.initiate(event["pathParameters"]["escrow_id"]).at_bank()
    event["rawPath"] = form.action.removeprefix(BASE_URL)
    event["pathParameters"]["state"] = form.action.rpartition("/")[2]
    event["body"] = base64.b64encode(urlencode(form.fields).encode()).decode()


def registered_73_hours_ago(stage: Stage, _event: Event) -> None:
    stage.clock.move(hours=-73)
    order = Order(ORDER_ID, AMOUNT_MINOR, Party(BUYER[0]), Party(SELLER[0]), "-")
    backend = Caller(BACKEND[0], frozenset(BACKEND[1].split()))
    create_escrow(order, backend, merchant=bootstrap.merchant(), desk=stage.desk)
    stage.clock.move(hours=73)


def charged_yesterday_unheard_of(stage: Stage, _event: Event) -> None:
    """PAYNET's own books know more than ours."""
    reference_no = stage.initiate(stage.create(ORDER_ID)).reference_no
    yesterday = stage.clock() - timedelta(days=1)
    stage.paynet.books.plant(reference_no, AMOUNT_MINOR, at_s=yesterday.timestamp())


def paid_delivered_and_disputed(stage: Stage, event: Event) -> None:
    escrow_id = event["pathParameters"]["escrow_id"]
    stage.pay(escrow_id)
    own = f"/api/escrows/{escrow_id}"
    stage.call("POST", f"{own}/deliver", {})
    answer = stage.call("POST", f"{own}/dispute", {"reason": "broken glass"})
    assert answer.body["status"] == "disputed"


def paid_and_released(stage: Stage, event: Event) -> None:
    escrow_id = event["pathParameters"]["escrow_id"]
    stage.pay(escrow_id)
    key = {"Idempotency-Key": "confirm-1"}
    path = f"/api/escrows/{escrow_id}/release"
    answer = stage.call("POST", path, {}, headers=key)
    assert answer.body["status"] == "released"


STEPS: dict[str, Callable[[Stage, Event], None]] = {
    "registered": registered,
    "at the bank": at_the_bank,
    "paid and released": paid_and_released,
    "paid, delivered and disputed": paid_delivered_and_disputed,
    "registered 73 hours ago": registered_73_hours_ago,
    "charged yesterday, unheard of": charged_yesterday_unheard_of,
}


# ── the replay ───────────────────────────────────────────────────────────────


def happening_now(event: Event) -> Event:
    """The same event, sent this very moment, and signed if it was signed."""
    now = bootstrap.clock()
    if "requestContext" in event:
        event["requestContext"]["timeEpoch"] = int(now.timestamp() * 1000)
    headers = event.get("headers", {})
    if "x-paynet-signature" in headers:
        at_s = int(now.timestamp())
        headers["x-paynet-timestamp"] = str(at_s)
        signed = signature(WEBHOOK_SECRET, at_s, event["body"].encode())
        headers["x-paynet-signature"] = signed
    return event


def plain_item(stage: Stage, id_: str) -> dict[str, Any] | None:
    item = stage.item(id_)
    return item and {name: _deserialize(value) for name, value in item.items()}


def has(actual: Any, named: Any) -> bool:
    """Everything named is there; what is not named may be anything."""
    if isinstance(named, dict) and isinstance(actual, dict):
        return all(has(actual.get(name), value) for name, value in named.items())
    if isinstance(named, list) and isinstance(actual, list):
        same = len(named) == len(actual)
        return same and all(has(*pair) for pair in zip(actual, named, strict=True))
    return bool(actual == named)


def slugs() -> list[str]:
    return sorted(path.stem for path in EVENTS.glob("*.json"))


def invoke(slug: str, event: Event) -> Any:
    app = importlib.import_module(f"functions.{slug}.app")
    return app.lambda_handler(event, Context())


@pytest.mark.parametrize("slug", slugs())
def test_a_sample_event_causes_what_it_names(stage: Stage, slug: str) -> None:
    sample = json.loads((EVENTS / f"{slug}.json").read_text("utf-8"))
    event, causes = sample["event"], sample["causes"]
    for step in sample["before"]:
        STEPS[step](stage, event)
    with changing(stage, causes["item"]):
        answer = invoke(slug, happening_now(event))
    assert answer.get("statusCode") == causes["statusCode"], answer
    assert has(answer, causes.get("answer", {}))
    if "body" in causes:
        assert has(json.loads(answer["body"]), causes["body"])


@contextmanager
def changing(stage: Stage, change: dict[str, Any] | None) -> Iterator[None]:
    """The item that is named, from what to what; None: nothing at all."""
    if change is None:
        before = stage.items()
        yield
        assert stage.items() == before
        return
    assert has(plain_item(stage, change["id"]), change["from"])
    yield
    assert has(plain_item(stage, change["id"]), change["to"])
    assert not has(plain_item(stage, change["id"]), change["from"])


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("slug", slugs())
def test_a_sample_event_as_it_stands_gets_an_answer_and_no_error(slug: str) -> None:
    event = json.loads((EVENTS / f"{slug}.json").read_text("utf-8"))["event"]
    answer = invoke(slug, event)
    assert answer.get("statusCode", 200) in {200, 201, 303, 401, 404}


def test_every_function_has_a_sample_event(stage: Stage) -> None:
    functions = {function.slug for function in stage.template.functions.values()}
    assert set(slugs()) == functions
