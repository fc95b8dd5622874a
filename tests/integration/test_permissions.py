"""Each function has the permissions it uses and no other: what its work asked of the
table is held against its policy in template.yaml."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from emanet import bootstrap
from tests.stage import (
    AMOUNT_MINOR,
    BUYER,
    GOOD_CARD,
    OPERATIONS,
    SELLER,
    WEBHOOK_SECRET,
    Stage,
)

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


class _Loose(yaml.SafeLoader):
    """CloudFormation's tags as plain text: only the names of actions are read here."""


_Loose.add_multi_constructor("!", lambda _loader, _tag, node: str(node.value))


def policies(function: str) -> list[dict[str, Any]]:
    document = yaml.load(TEMPLATE.read_text("utf-8"), _Loose)  # noqa: S506 - a SafeLoader
    found: list[dict[str, Any]] = document["Resources"][function]["Properties"][
        "Policies"
    ]
    return found


def granted(function: str) -> set[str]:
    """The table's actions in the function's policy."""
    actions = [
        s["Action"] for policy in policies(function) for s in policy["Statement"]
    ]
    flat = [a for each in actions for a in (each if isinstance(each, list) else [each])]
    return {a.split(":")[1] for a in flat if a.startswith("dynamodb:")}


@contextmanager
def watched() -> Iterator[set[str]]:
    """The operations that the handlers' client is asked for meanwhile."""
    operations: set[str] = set()
    events = bootstrap.store().dynamodb.meta.events

    def note(model: Any, **_: Any) -> None:
        operations.add(model.name)

    events.register("before-call.dynamodb", note)
    yield operations
    events.unregister("before-call.dynamodb", note)


def test_escrows_uses_what_it_is_granted(stage: Stage) -> None:
    with watched() as asked:
        escrow_id = stage.create()
        stage.call("GET", f"/api/escrows/{escrow_id}", who=BUYER)
        stage.call("GET", "/api/escrows?as=payer", who=BUYER)
        stage.call("GET", "/api/escrows?as=payee", who=SELLER)
    assert asked == granted("EscrowsFunction")


def test_initiate_3d_uses_what_it_is_granted(stage: Stage) -> None:
    escrow_id = stage.create()
    with watched() as asked:
        stage.initiate(escrow_id)
    assert asked == granted("Initiate3dFunction")


def test_cards_uses_what_it_is_granted(stage: Stage) -> None:
    """It reads, and writes nothing: cards are stored and deleted at PAYNET."""
    asking = f"/api/instalments?escrow={stage.create()}&bin={GOOD_CARD[:6]}"
    with watched() as asked:
        assert stage.call("GET", asking).status == 200
        assert stage.call("GET", "/api/cards").status == 200
        assert stage.call("DELETE", f"/api/cards/{'a' * 26}").status == 404
    assert asked == granted("CardsFunction")


def test_complete_3d_uses_what_it_is_granted(stage: Stage) -> None:
    form = stage.initiate(stage.create()).at_bank()
    with watched() as asked:
        stage.come_back(form)
    assert asked == granted("Complete3dFunction")


def test_paynet_webhook_uses_what_it_is_granted(stage: Stage) -> None:
    """Its own gate alone reads an escrow, and never writes one."""
    stage.call("POST", f"/api/escrows/{stage.held()}/cancel", {})
    stage.reconcile(seconds=1)
    with watched() as asked:
        assert [_callback(stage), _callback(stage)] == [200, 200]
        assert [answer.status for answer in stage.word_of_paynet()] == [200]
    assert asked == granted("PaynetWebhookFunction")


def test_operations_uses_what_it_is_granted(stage: Stage) -> None:
    escrow_id = stage.held()
    stage.call("POST", f"/api/escrows/{escrow_id}/deliver", {})
    stage.call("POST", f"/api/escrows/{escrow_id}/dispute", {"reason": "broken"})
    with watched() as asked:
        queue = stage.call("GET", "/api/operations/queue", who=OPERATIONS)
        assert [line["id"] for line in queue.body["waiting"]] == [escrow_id]
        path = f"/api/operations/escrows/{escrow_id}/reject_dispute"
        said = {"reason": "works", "version": stage.escrow(escrow_id).version}
        answer = stage.call("POST", path, said, who=OPERATIONS)
        assert answer.status == 200
    assert asked == granted("OperationsFunction")


def test_statements_uses_what_it_is_granted(stage: Stage) -> None:
    escrow_id = stage.held()
    with watched() as asked:
        for path in (f"/api/escrows/{escrow_id}/statement", "/api/statement"):
            assert stage.call("GET", path, who=SELLER).status == 200
    assert asked == granted("StatementsFunction")


def test_reconcile_uses_what_it_is_granted(stage: Stage) -> None:
    _callback(stage)  # due now
    with watched() as asked:
        report = stage.invoke("ReconcileFunction", {"source": "aws.scheduler"})
    assert report["callbacks"] == 1
    assert asked == granted("ReconcileFunction")


def test_compare_uses_what_it_is_granted(stage: Stage) -> None:
    """Of a day on which PAYNET took what our books do not know."""
    started = stage.initiate(stage.create())
    stage.held()
    stage.paynet.books.plant(started.reference_no, AMOUNT_MINOR)
    stage.later(hours=2)
    with watched() as asked:
        stage.invoke("CompareFunction", {"source": "aws.scheduler"})
    assert asked == granted("CompareFunction")


INDEXES = {
    "EscrowsFunction": {"payer", "payee"},
    "OperationsFunction": {"queue"},
    "StatementsFunction": {"payee"},
    "ReconcileFunction": {"due"},
    "CompareFunction": {"moved"},
}


@pytest.mark.parametrize(
    "function", ["Initiate3dFunction", "PaynetWebhookFunction", *INDEXES]
)
def test_each_index_is_read_by_those_who_need_it(function: str) -> None:
    read = set(re.findall(r"/index/(\w+)", json.dumps(policies(function))))
    assert read == INDEXES.get(function, set())


def test_every_policy_is_judged_here(stage: Stage) -> None:
    judged = re.findall(r'granted\("(\w+)"\)', Path(__file__).read_text("utf-8"))
    assert sorted(judged) == sorted(stage.template.functions)


def test_the_webhook_writes_its_inbox_and_no_escrow() -> None:
    conditions = [
        statement["Condition"]
        for policy in policies("PaynetWebhookFunction")
        for statement in policy["Statement"]
        if {"dynamodb:PutItem", "dynamodb:UpdateItem"} & {*statement["Action"]}
    ]
    inbox = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["inbox-*"]}}
    assert conditions == [inbox]


def _callback(stage: Stage) -> int:
    raw = json.dumps({"referance_no": "nobody's"}).encode()
    timestamp = str(int(stage.clock().timestamp()))
    signed = timestamp.encode() + b"." + raw
    signature = hmac.new(WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    headers = {"x-paynet-timestamp": timestamp, "x-paynet-signature": signature}
    path = "/api/webhooks/paynet-callback"
    return stage.call("POST", path, raw=raw, headers=headers).status
