"""Each function has the permissions it uses and no other: what its work asked of the
table is held against its policy in template.yaml."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from emanet import bootstrap
from tests.stage import BUYER, SELLER, WEBHOOK_SECRET, Stage

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


class _Loose(yaml.SafeLoader):
    """CloudFormation's tags as plain text: only the names of actions are read here."""


_Loose.add_multi_constructor("!", lambda _loader, _tag, node: str(node.value))


def granted(function: str) -> set[str]:
    """The table's actions in the function's policy."""
    document = yaml.load(TEMPLATE.read_text("utf-8"), _Loose)  # noqa: S506 - a SafeLoader
    policies = document["Resources"][function]["Properties"]["Policies"]
    actions = [s["Action"] for policy in policies for s in policy["Statement"]]
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


def test_complete_3d_uses_what_it_is_granted(stage: Stage) -> None:
    form = stage.initiate(stage.create()).at_bank()
    with watched() as asked:
        stage.come_back(form)
    assert asked == granted("Complete3dFunction")


def test_paynet_webhook_uses_what_it_is_granted(stage: Stage) -> None:
    with watched() as asked:
        assert [_callback(stage), _callback(stage)] == [200, 200]
    assert asked == granted("PaynetWebhookFunction")


def test_reconcile_uses_what_it_is_granted(stage: Stage) -> None:
    _callback(stage)  # due now
    with watched() as asked:
        report = stage.invoke("ReconcileFunction", {"source": "aws.scheduler"})
    assert report["callbacks"] == 1
    assert asked == granted("ReconcileFunction")


def _callback(stage: Stage) -> int:
    raw = json.dumps({"referance_no": "nobody's"}).encode()
    timestamp = str(int(time.time()))
    signed = timestamp.encode() + b"." + raw
    signature = hmac.new(WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    headers = {"x-paynet-timestamp": timestamp, "x-paynet-signature": signature}
    path = "/api/webhooks/paynet-callback"
    return stage.call("POST", path, raw=raw, headers=headers).status
