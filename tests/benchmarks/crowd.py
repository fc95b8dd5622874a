"""Many escrows in one table: a crowd at which nothing is due yet, and those among it
that are due. Items are the store's own; the crowd's are written as text, because a
hundred thousand of them would keep the SDK busy for minutes."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import urllib3

from emanet import attempts, holding, settlements, verdicts
from emanet.dynamodb.items import escrow_item
from emanet.escrow import (
    Actor,
    Attempt,
    AttemptStatus,
    Capture,
    Escrow,
    Party,
    Role,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Shipment,
    Step,
    escrow_id,
)
from emanet.machine import begin
from emanet.outcome import Approved
from emanet.policy import Policy
from tests.stage import AMOUNT_MINOR, RETURN_PAGE, Stage

BATCH = 25  # the most that BatchWriteItem takes
WRITERS = 2
_NUMBER = "@number"
_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
    "X-Amz-Date": "20260101T000000Z",
    # An engine on this machine wants a signature, and checks none.
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb"
    "/aws4_request, SignedHeaders=host, Signature=0",
}

Grown = Callable[[Stage, str], Escrow]
"""An escrow with that order id, whose next moment is past."""


# ── the crowd ────────────────────────────────────────────────────────────────


def load(stage: Stage, first: int, last: int) -> None:
    """Escrows number `first` to `last`, the last not included: registered, and payable
    for days. Each has parties of its own, and a line in the due index. Nobody reads the
    table's stream here, and dynoxide slows down with the length of it."""
    stage.dynamodb.update_table(
        TableName=stage.environment["TABLE_NAME"],
        StreamSpecification={"StreamEnabled": False},
    )
    moulds = [_mould(stage, hours_ago) for hours_ago in range(48)]
    numbers = range(first, last)
    batches = [numbers[at : at + BATCH] for at in range(0, len(numbers), BATCH)]
    with urllib3.PoolManager(maxsize=WRITERS) as pool:

        def write(batch: range) -> None:
            texts = [(n, moulds[n % len(moulds)]) for n in batch]
            _write(pool, stage, [text.replace(_NUMBER, str(n)) for n, text in texts])

        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(write, batches))


def _mould(stage: Stage, hours_ago: int) -> str:
    """The item of a real escrow, as text with a place for its number."""
    escrow = _registered(stage, _NUMBER, days_ago=hours_ago / 24)
    own = replace(escrow, payer=Party(f"p{_NUMBER}"), payee=Party(f"s{_NUMBER}"))
    return json.dumps(escrow_item(replace(own, id=f"crowd-{_NUMBER}")))


def _write(pool: urllib3.PoolManager, stage: Stage, items: list[str]) -> None:
    puts = ",".join(f'{{"PutRequest":{{"Item":{item}}}}}' for item in items)
    table = stage.environment["TABLE_NAME"]
    answer = pool.request(
        "POST",
        stage.environment["AWS_ENDPOINT_URL_DYNAMODB"],
        body=f'{{"RequestItems":{{"{table}":[{puts}]}}}}',
        headers=_HEADERS,
    )
    assert (answer.status, answer.json().get("UnprocessedItems")) == (200, {})


# ── those that are due ───────────────────────────────────────────────────────


def plant(stage: Stage, grown: Grown, name: str, count: int) -> list[str]:
    """So many of that kind; their ids."""
    escrows = [grown(stage, f"{name}-{number}") for number in range(count)]
    for escrow in escrows:
        assert stage.store.create(escrow) is escrow
    return [escrow.id for escrow in escrows]


def unpaid(stage: Stage, order_id: str) -> Escrow:
    """Nobody paid in time: it expires."""
    return _registered(stage, order_id, days_ago=4)


def inspected(stage: Stage, order_id: str) -> Escrow:
    """The inspection is over, nobody objected: it is released."""
    held = _held(stage, order_id, days_ago=4)
    shipment = Shipment(_ago(stage, 4).at, "Kargo", "TR-1")
    shipped = holding.ship(held, shipment, _ago(stage, 4, Role.PAYEE))
    return holding.deliver(shipped, _ago(stage, 4, Role.PAYER))


def given_up(stage: Stage, order_id: str) -> Escrow:
    """The payee gave all of it up: PAYNET is to be told."""
    held = _held(stage, order_id, days_ago=1)
    now = _ago(stage, 0, Role.PAYEE)
    refund = Settlement(
        key="payee:seller-1/k",
        kind=SettlementKind.REFUND,
        amount_minor=AMOUNT_MINOR,
        status=SettlementStatus.SCHEDULED,
        by=str(now.by),
        fingerprint="",
        at=now.at,
    )
    return settlements.schedule_refund(held, refund, now)


def _held(stage: Stage, order_id: str, days_ago: float) -> Escrow:
    """Paid, in both sides' books."""
    escrow = _registered(stage, order_id, days_ago)
    reference = f"{escrow.id}-1-abcdef"
    paid_at = _ago(stage, days_ago).at
    sale = stage.paynet.books.plant(reference, AMOUNT_MINOR, at_s=paid_at.timestamp())
    attempt = Attempt(
        number=1,
        reference_no=reference,
        expected_minor=AMOUNT_MINOR,
        status=AttemptStatus.STARTING,
        started_at=paid_at,
        return_to=RETURN_PAGE,
        state_digest="digest",
    )
    payer, browser = _ago(stage, days_ago, Role.PAYER), _ago(stage, days_ago)
    escrow = attempts.start_attempt(escrow, attempt, payer)
    escrow = attempts.store_session(escrow, 1, "session", payer)
    browser = replace(browser, by=Actor(Role.BROWSER))
    escrow = attempts.begin_charge(escrow, 1, "session", browser)
    capture = Capture(sale.xact_id, AMOUNT_MINOR, paid_at, plain_id=str(sale.number))
    paynet = _ago(stage, days_ago, Role.PAYNET)
    held = verdicts.settle(escrow, 1, Approved(capture), paynet)
    assert held is not None
    return held


def _registered(stage: Stage, order_id: str, days_ago: float = 0) -> Escrow:
    created = _ago(stage, days_ago, Role.BACKEND)
    escrow = Escrow(
        id=escrow_id("stage", order_id, 1),
        order_id=order_id,
        round=1,
        fingerprint="fingerprint",
        amount_minor=AMOUNT_MINOR,
        fee_minor=0,
        payer=Party("buyer-1"),
        payee=Party("seller-1"),
        policy=Policy(remind_hours=1),
        created_at=created.at,
    )
    return begin(escrow, created)


def _ago(stage: Stage, days: float, role: Role = Role.CLOCK) -> Step:
    at = stage.clock() - timedelta(days=days)
    return Step(Actor(role), at, stage.desk.chance(16))
