"""functions/paynet_webhook: through both halves of the gate, or by a secret in the path
that we ourselves gave to PAYNET, into the inbox, and only a hint. Whenever it comes,
before, during, after or instead of the return, PAYNET is asked and its answer alone
moves anything."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from emanet import bootstrap
from emanet.outcome import Outcome
from emanet.paynet.client import PaynetGateway
from emanet.usecases.starting import digest
from local.api_gateway.resources import put_secret
from local.paynet_simulator.callbacks import signature
from tests.stage import (
    AMOUNT_MINOR,
    BASE_URL,
    OPERATIONS,
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

    gateway = Interrupted(stage.line)
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


# ── the path that PAYNET was told with a refund ──

CODES = {"code": "0"}
ANYWHERE = {"source_ip": "203.0.113.77", "headers": {}}


def refund_sent(stage: Stage) -> tuple[str, str]:
    """An escrow whose refund is on its way, and the path of its callback."""
    escrow_id = stage.held()
    answer = stage.call("POST", f"/api/escrows/{escrow_id}/cancel", {})
    assert answer.status == 200, answer.text
    stage.paynet.settings.refund_delay_s = 3_600
    stage.reconcile(seconds=1)
    assert stage.escrow(escrow_id).status == "refunding"
    [mine] = [r for r in stage.paynet.books.refunds() if escrow_id in r.succeed_url]
    return escrow_id, mine.succeed_url.removeprefix(BASE_URL)


def posted(stage: Stage, path: str, body: Any = CODES, **how: Any) -> Answer:
    """From an address that is not on the list, and unsigned."""
    return stage.call("POST", path, body, **(ANYWHERE | how))


def test_the_path_s_secret_is_gate_enough(stage: Stage) -> None:
    """Neither an address nor a signature is asked for: PAYNET documents none."""
    escrow_id, path = refund_sent(stage)
    must_be_kept(posted(stage, path))
    [item] = stage.inbox()
    subject = path.split("/")[-2]
    assert (item["escrow_id"]["S"], item["subject"]["S"]) == (escrow_id, subject)
    assert item["is_approved"]["BOOL"] is True
    assert (item["status"]["S"], "due_at" in item) == ("received", True)


def test_the_secret_itself_is_kept_nowhere(stage: Stage) -> None:
    escrow_id, path = refund_sent(stage)
    secret = path.rpartition("/")[2]
    assert len(secret) == 32
    must_be_kept(posted(stage, path))
    assert secret not in repr(stage.items())
    [settlement] = stage.escrow(escrow_id).settlements
    assert settlement.secret_digest == digest(secret)


def test_the_same_word_is_one_callback_and_another_one_is_two(stage: Stage) -> None:
    _, path = refund_sent(stage)
    for _ in range(3):
        must_be_kept(posted(stage, path))
    assert len(stage.inbox()) == 1
    must_be_kept(posted(stage, path, {"code": "1"}))
    assert len(stage.inbox()) == 2


def test_another_secret_opens_nothing(stage: Stage) -> None:
    """A guess, another escrow's, another settlement's, and one that was never sent."""
    escrow_id, path = refund_sent(stage)
    other_id, other_path = refund_sent(stage)
    waiting_id = stage.held()
    key = {"Idempotency-Key": "k"}
    part = {"amount": {"amount": 1, "currency": "TRY"}, "reason": "scratched"}
    asked = f"/api/escrows/{waiting_id}/refund"
    stage.call("POST", asked, part, who=OPERATIONS, headers=key)
    [waiting] = stage.escrow(waiting_id).settlements
    subject, secret = path.split("/")[-2:]
    other_subject, other_secret = other_path.split("/")[-2:]
    before = stage.items()
    for wrong in [
        (escrow_id, subject, "a" * 32),
        (escrow_id, subject, secret[:-1]),
        (escrow_id, subject, secret.upper()),
        (escrow_id, subject, digest(secret)),
        (escrow_id, subject, other_secret),
        (escrow_id, waiting.subject, secret),
        (escrow_id, "a" * 16, secret),
        (other_id, other_subject, secret),
        (waiting_id, waiting.subject, secret),
        ("a" * 26, subject, secret),
    ]:
        answer = posted(stage, "/".join((PATH, *wrong)))
        assert (answer.status, answer.body["code"]) == (401, "callback_refused"), wrong
    assert by_id(stage.items()) == by_id(before)


def by_id(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """An engine may give items and their attributes in any order."""
    return {item["id"]["S"]: item for item in items}


def test_a_signature_does_not_open_the_path_of_an_order(stage: Stage) -> None:
    """The one gate is no key to the other."""
    escrow_id, path = refund_sent(stage)
    subject = path.split("/")[-2]
    raw = b'{"code": "0"}'
    wrong = f"{PATH}/{escrow_id}/{subject}/{'a' * 32}"
    assert stage.call("POST", wrong, raw=raw, headers=signed(raw)).status == 401
    assert posted(stage, PATH, CODES).status == 401
    assert stage.inbox() == []


def test_more_than_16_kb_on_an_order_s_path_is_413_and_not_kept(stage: Stage) -> None:
    _, path = refund_sent(stage)
    raw = b'{"code":"0","note":"' + b"n" * 16 * 1024 + b'"}'
    answer = posted(stage, path, None, raw=raw)
    assert (answer.status, answer.body["code"]) == (413, "body_too_large")
    assert stage.inbox() == []


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff\xfe", b"code=maybe"])
def test_a_word_that_says_nothing_clear_moves_nothing(stage: Stage, raw: bytes) -> None:
    escrow_id, path = refund_sent(stage)
    before = stage.escrow(escrow_id)
    must_be_kept(posted(stage, path, None, raw=raw))
    stage.reconcile(seconds=1)
    assert stage.escrow(escrow_id).balances == before.balances
    assert stage.escrow(escrow_id).status == "refunding"
    assert inbox_status(stage) == "applied"


def test_a_word_about_a_refund_is_heard_within_a_run(stage: Stage) -> None:
    """PAYNET's lists show nothing yet: the word of the order's own path counts."""
    escrow_id, path = refund_sent(stage)
    must_be_kept(posted(stage, path))
    stage.reconcile(seconds=1)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.settlements[0].proof) == ("refunded", "callback")
    assert inbox_status(stage) == "applied"
    before = stage.item(escrow_id)
    must_be_kept(posted(stage, path, {"code": "1"}))
    stage.reconcile(seconds=1)
    assert stage.item(escrow_id) == before


def test_while_paynet_is_down_a_word_about_a_refund_waits(stage: Stage) -> None:
    escrow_id, path = refund_sent(stage)
    must_be_kept(posted(stage, path))
    stage.paynet.faults.add("close", "/v1/transaction/reversal_list", times=None)
    stage.reconcile(seconds=1)
    assert stage.escrow(escrow_id).status == "refunding"
    assert inbox_status(stage) == "parked"
    stage.paynet.faults.clear()
    stage.reconcile(minutes=2)
    assert stage.escrow(escrow_id).status == "refunded"
