"""functions/paynet_webhook: through both halves of the gate into the inbox, and only a
hint. Whenever it comes, before, during, after or instead of the return, PAYNET is asked
and its answer alone moves anything."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from emanet import bootstrap
from emanet.outcome import Outcome
from emanet.paynet.client import PaynetGateway
from local.api_gateway.resources import put_secret
from local.paynet_simulator.callbacks import signature
from tests.stage import (
    AMOUNT_MINOR,
    PAYNET_KEY,
    WEBHOOK_SECRET,
    Answer,
    Stage,
    Started,
)

PATH = "/api/webhooks/paynet-callback"
CHECK = "/v1/transaction/check"
DECLINED = "4000000000000010"
LOST_BEFORE = "4000000000000069"
LOST_AFTER = "4000000000000051"


class Interrupted(PaynetGateway):
    """A charge with something between PAYNET's answer and our hearing it."""

    meanwhile: Callable[[], None]

    def charge(self, *pair: Any, **facts: Any) -> Outcome:
        outcome = super().charge(*pair, **facts)
        self.meanwhile()
        return outcome


def signed(raw: bytes, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    at_s = int(bootstrap.clock().timestamp())
    return {
        "x-paynet-timestamp": str(at_s),
        "x-paynet-signature": signature(secret, at_s, raw),
    }


def must_be_kept(answer: Answer) -> None:
    assert (answer.status, answer.body) == (200, {"received": True})


def inbox_status(stage: Stage) -> str:
    """Of the one callback that was kept."""
    [item] = stage.inbox()
    return str(item["status"]["S"])


def must_be_held_once(stage: Stage, started: Started) -> None:
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.status, escrow.balances.held) == ("held", AMOUNT_MINOR)
    assert stage.paynet.books.charges(started.reference_no) == 1


# ── the gate ──


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "another-secret"},
        {"source_ip": "127.0.0.2"},
        {"source_ip": "10.0.0.1"},
        {"age_s": 310},
        {"age_s": -310},
    ],
)
def test_what_does_not_pass_the_gate_is_refused_and_not_kept(
    stage: Stage, wrong: dict[str, Any]
) -> None:
    started = stage.initiate(stage.create())
    before = stage.items()
    answer = stage.callback(started.reference_no, **wrong)
    assert (answer.status, answer.body["code"]) == (401, "callback_refused")
    assert stage.items() == before


def test_one_changed_byte_is_refused(stage: Stage) -> None:
    raw = b'{"referance_no":"x","is_succeed":true}'
    answer = stage.call("POST", PATH, raw=raw + b" ", headers=signed(raw))
    assert answer.status == 401
    assert stage.items() == []


def test_an_unsigned_callback_is_refused(stage: Stage) -> None:
    assert stage.call("POST", PATH, raw=b"{}").status == 401
    assert stage.items() == []


def test_a_forwarded_address_is_not_believed(stage: Stage) -> None:
    raw = b"{}"
    headers = signed(raw) | {"X-Forwarded-For": "127.0.0.1"}
    answer = stage.call("POST", PATH, raw=raw, headers=headers, source_ip="10.0.0.1")
    assert answer.status == 401


def test_the_previous_secret_still_passes(stage: Stage) -> None:
    secret_store = boto3.client("secretsmanager")
    both = {"current": "newer-secret", "previous": WEBHOOK_SECRET}
    put_secret(secret_store, "WebhookSecret", both)
    secret_store.close()
    must_be_kept(stage.callback("x", secret=WEBHOOK_SECRET))
    must_be_kept(stage.callback("y", secret="newer-secret"))
    assert stage.callback("z", secret="").status == 401


def test_without_the_secret_it_is_503_and_nothing_is_kept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET_ID", "nobody-put-it-there")
    answer = stage.callback("x")
    assert (answer.status, answer.body["code"]) == (503, "secret_unavailable")
    assert stage.items() == []


def test_more_than_16_kb_is_413_and_not_kept(stage: Stage) -> None:
    raw = b'{"referance_no":"x","note":"' + b"n" * 16 * 1024 + b'"}'
    answer = stage.call("POST", PATH, raw=raw, headers=signed(raw))
    assert (answer.status, answer.body["code"]) == (413, "body_too_large")
    assert stage.items() == []


def test_the_signature_is_over_the_bytes_also_when_they_come_as_base64(
    stage: Stage,
) -> None:
    raw = '{"referance_no":"x","card_holder":"Ayşe"}'.encode()
    event, route = stage.event("POST", PATH, raw=raw, headers=signed(raw))
    event |= {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}
    must_be_kept(stage.handle(route.function, event))
    [item] = stage.inbox()
    assert "Ay" not in repr(item)


# ── the inbox ──


def test_the_same_bytes_are_one_callback(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    for _ in range(3):
        must_be_kept(stage.callback(started.reference_no))
    assert len(stage.inbox()) == 1
    must_be_kept(stage.callback(started.reference_no, note="another"))
    assert len(stage.inbox()) == 2


def test_a_duplicate_of_one_not_yet_applied_is_due_at_once(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    stage.callback(started.reference_no)
    stage.reconcile(seconds=1)
    assert inbox_status(stage) == "parked"
    stage.come_back(started.at_bank())
    assert stage.reconcile(seconds=1).callbacks == 0
    stage.callback(started.reference_no)
    assert stage.reconcile(seconds=1).callbacks == 1
    assert inbox_status(stage) == "applied"


def test_a_duplicate_of_one_applied_changes_nothing(stage: Stage) -> None:
    started = stage.pay(stage.create())
    stage.callback(started.reference_no)
    stage.reconcile(seconds=1)
    before = stage.items()
    must_be_kept(stage.callback(started.reference_no))
    assert stage.items() == before
    assert stage.reconcile(seconds=1).callbacks == 0


def test_only_an_applied_callback_is_ever_forgotten(stage: Stage) -> None:
    started = stage.pay(stage.create())
    stage.callback(started.reference_no)
    [received] = stage.inbox()
    stage.reconcile(seconds=1)
    [applied] = stage.inbox()
    assert "expires_at_s" not in received
    assert "expires_at_s" in applied
    assert "due_at" not in applied


def test_a_card_in_a_callback_is_not_kept(stage: Stage) -> None:
    stage.callback("x", card_number="4355084355084358", card_holder="Ayşe Yılmaz")
    kept = repr(stage.inbox())
    assert "4355084355084358" not in kept
    assert "Ay" not in kept


# ── before, during, after, instead ──


def test_before_the_return_it_waits_and_the_return_pays(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    form = started.at_bank()
    before = stage.item(started.escrow_id)
    must_be_kept(stage.callback(started.reference_no))
    stage.reconcile(seconds=1)
    assert stage.item(started.escrow_id) == before
    stage.come_back(form)
    must_be_held_once(stage, started)
    version = stage.escrow(started.escrow_id).version
    stage.reconcile(minutes=2)
    assert inbox_status(stage) == "applied"
    assert stage.escrow(started.escrow_id).version == version


def test_during_an_undecided_charge_it_brings_the_answer(stage: Stage) -> None:
    started = stage.pay(stage.create(), LOST_AFTER)
    assert stage.escrow(started.escrow_id).status == "charging"
    must_be_kept(stage.callback(started.reference_no))
    stage.reconcile(seconds=1)
    must_be_held_once(stage, started)
    assert inbox_status(stage) == "applied"


def test_faster_than_the_charges_own_answer_it_funds_once(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    statuses = []

    def called_back() -> None:
        must_be_kept(stage.callback(started.reference_no))
        stage.reconcile(seconds=1)
        statuses.append(stage.escrow(started.escrow_id).status)

    gateway = Interrupted(stage.paynet_url, lambda: PAYNET_KEY, stage.clock)
    gateway.meanwhile = called_back
    stage.back(started.at_bank(), gateway=gateway)
    assert statuses == ["held"]
    must_be_held_once(stage, started)
    names = [entry.transition for entry in stage.escrow(started.escrow_id).history]
    assert names.count("capture") == 1


def test_a_refusal_does_not_count_while_a_charge_is_on_its_way(stage: Stage) -> None:
    started = stage.initiate(stage.create(), LOST_BEFORE)
    stage.paynet.books.plant(started.reference_no, AMOUNT_MINOR, succeeded=False)
    stage.come_back(started.at_bank())
    must_be_kept(stage.callback(started.reference_no))
    stage.reconcile(seconds=21)
    assert stage.escrow(started.escrow_id).status == "charging"
    stage.reconcile(minutes=2)
    assert stage.escrow(started.escrow_id).status == "created"


def test_after_the_return_it_changes_nothing(stage: Stage) -> None:
    started = stage.pay(stage.create())
    before = stage.item(started.escrow_id)
    must_be_kept(stage.callback(started.reference_no))
    stage.reconcile(seconds=1)
    assert stage.item(started.escrow_id) == before
    assert inbox_status(stage) == "applied"


def test_instead_of_the_return_a_capture_funds(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    stage.paynet.books.plant(started.reference_no, AMOUNT_MINOR)
    must_be_kept(stage.callback(started.reference_no))
    stage.reconcile(seconds=1)
    must_be_held_once(stage, started)


def test_what_says_declined_late_cannot_undo_what_is_held(stage: Stage) -> None:
    started = stage.pay(stage.create())
    before = stage.item(started.escrow_id)
    must_be_kept(stage.callback(started.reference_no, is_succeed=False, amount=0))
    stage.reconcile(seconds=1)
    assert stage.item(started.escrow_id) == before


# ── only a hint ──


@pytest.mark.parametrize("card", [None, LOST_BEFORE, DECLINED])
def test_a_claim_that_paynet_does_not_confirm_moves_nothing(
    stage: Stage, card: str | None
) -> None:
    started = stage.initiate(stage.create())
    if card:
        started = stage.pay(started.escrow_id, card)
    before = stage.escrow(started.escrow_id)
    must_be_kept(stage.callback(started.reference_no, amount=1300.0, code=0))
    stage.reconcile(seconds=1)
    assert stage.escrow(started.escrow_id) == before
    assert before.balances.captured == 0
    assert len(stage.paynet.traffic.visits(CHECK)) == 1


def test_a_claim_that_is_never_confirmed_is_parked_then_shown_to_a_human(
    stage: Stage,
) -> None:
    started = stage.initiate(stage.create())
    stage.callback(started.reference_no)
    stage.reconcile(seconds=1)
    assert inbox_status(stage) == "parked"
    stage.reconcile(days=2, hours=23, minutes=59)
    [parked] = stage.inbox()
    assert parked["status"]["S"] == "parked"
    assert "queue_reason" not in parked
    stage.reconcile(minutes=1)
    [queued] = stage.inbox()
    assert queued["status"]["S"] == "queued"
    assert {"queue_reason", "queue_since"} <= queued.keys()
    assert "due_at" not in queued
    assert "expires_at_s" not in queued
    assert stage.escrow(started.escrow_id).balances.captured == 0


@pytest.mark.parametrize(
    "reference", ["nobodys", "", "aaaaaaaaaaaaaaaaaaaaaaaaaa-1-aaaaaa", "x" * 5000]
)
def test_a_callback_of_nobody_is_parked_then_shown(
    stage: Stage, reference: str
) -> None:
    must_be_kept(stage.callback(reference))
    report = stage.reconcile(seconds=1)
    assert (report.callbacks, report.failures) == (1, [])
    assert inbox_status(stage) == "parked"
    stage.reconcile(days=3)
    assert inbox_status(stage) == "queued"
    assert stage.paynet.traffic.visits() == []


def test_a_reference_is_compared_whole(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    stage.paynet.books.plant(f"{started.reference_no}x", AMOUNT_MINOR)
    stage.callback(f"{started.reference_no}x")
    stage.callback(started.reference_no[:-1])
    stage.reconcile(seconds=1)
    assert stage.escrow(started.escrow_id).status == "authenticating"
    assert {item["status"]["S"] for item in stage.inbox()} == {"parked"}


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"\xff\xfe", b"a=b&a=c", b"{"])
def test_an_unreadable_body_is_kept_for_a_human(stage: Stage, raw: bytes) -> None:
    must_be_kept(stage.call("POST", PATH, raw=raw, headers=signed(raw)))
    assert stage.reconcile(days=3, seconds=1).failures == []
    assert inbox_status(stage) == "queued"


def test_while_paynet_is_down_a_callback_waits(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    stage.paynet.books.plant(started.reference_no, AMOUNT_MINOR)
    stage.callback(started.reference_no)
    stage.paynet.faults.add("close", CHECK, times=None)
    for _ in range(10):
        stage.reconcile(hours=1)
    assert inbox_status(stage) == "parked"
    stage.paynet.faults.clear()
    stage.reconcile(hours=6)
    must_be_held_once(stage, started)
    assert inbox_status(stage) == "applied"
