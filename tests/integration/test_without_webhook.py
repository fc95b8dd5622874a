"""With no webhook at all every flow still ends: by the return, because somebody asks,
or by a clock that pays out or gives back. Whatever happened, PAYNET's books and ours
say the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from emanet import ledger
from emanet.escrow import CLOSED, CaptureStatus, Escrow, SettlementStatus
from tests.stage import AMOUNT_MINOR, BUYER, GOOD_CARD, SELLER, Stage, Who

PARCEL = {"carrier": "Kargo", "tracking_number": "TR-1"}
NEVER_CHARGED = "4000000000000069"


def registered(stage: Stage) -> str:
    return stage.create()


def abandoned(stage: Stage) -> str:
    escrow_id = stage.create()
    stage.initiate(escrow_id)
    return escrow_id


def paid(stage: Stage, card: str = GOOD_CARD) -> str:
    escrow_id = stage.create()
    stage.pay(escrow_id, card)
    return escrow_id


def in_two_tabs(stage: Stage) -> str:
    escrow_id = stage.create()
    old, new = stage.initiate(escrow_id), stage.initiate(escrow_id)
    stage.come_back(old.at_bank())
    stage.come_back(new.at_bank())
    return escrow_id


def with_a_second_card(stage: Stage) -> str:
    escrow_id = paid(stage, "4000000000000010")
    stage.pay(escrow_id)
    return escrow_id


def shipped(stage: Stage) -> str:
    escrow_id = paid(stage)
    act(stage, escrow_id, "ship", PARCEL, SELLER)
    return escrow_id


def delivered(stage: Stage) -> str:
    escrow_id = shipped(stage)
    act(stage, escrow_id, "deliver", {}, BUYER)
    return escrow_id


def released(stage: Stage) -> str:
    escrow_id = delivered(stage)
    act(stage, escrow_id, "release", {}, BUYER)
    return escrow_id


def disputed(stage: Stage) -> str:
    escrow_id = delivered(stage)
    act(stage, escrow_id, "dispute", {"reason": "broken"}, BUYER)
    return escrow_id


def given_up_in_part(stage: Stage) -> str:
    escrow_id = paid(stage)
    part = {"amount": {"amount": 30_000, "currency": "TRY"}}
    act(stage, escrow_id, "refund", part, SELLER)
    return escrow_id


def cancelled(stage: Stage) -> str:
    escrow_id = paid(stage)
    act(stage, escrow_id, "cancel", {}, BUYER)
    return escrow_id


def captured_late(stage: Stage, *, paid_again: bool = False) -> str:
    """PAYNET books a charge that it did not know when the attempt was closed."""
    escrow_id = paid(stage, NEVER_CHARGED)
    stage.reconcile(minutes=16)
    [attempt] = stage.escrow(escrow_id).attempts
    if paid_again:
        stage.pay(escrow_id)
    stage.paynet.books.plant(attempt.reference_no, AMOUNT_MINOR)
    return escrow_id


def act(stage: Stage, escrow_id: str, action: str, body: Any, who: Who) -> None:
    path = f"/api/escrows/{escrow_id}/{action}"
    key = {"Idempotency-Key": "k"}
    answer = stage.call("POST", path, body, who=who, headers=key)
    assert answer.status == 200, answer.text


# How each flow begins, and where and why it ends if nobody ever does anything more.
FLOWS: list[tuple[Callable[[Stage], str], str, str | None]] = [
    (captured_late, "refunded", None),
    (partial(captured_late, paid_again=True), "refunded", None),
    (registered, "expired", None),
    (abandoned, "expired", None),
    (paid, "refunded", None),
    (in_two_tabs, "refunded", None),
    (with_a_second_card, "refunded", None),
    (given_up_in_part, "refunded", None),
    (cancelled, "refunded", None),
    (shipped, "review", "delivery_unconfirmed"),
    (delivered, "released", None),
    (disputed, "disputed", "dispute_overdue"),
    (released, "released", None),
    (partial(paid, card="4000000000000010"), "expired", None),
    (partial(paid, card="4000000000000036"), "expired", None),
    (partial(paid, card="4000000000000044"), "refunded", None),
    (partial(paid, card="4000000000000051"), "refunded", None),
    (partial(paid, card=NEVER_CHARGED), "expired", None),
    (partial(paid, card="4000000000000077"), "refunded", None),
    (partial(paid, card="4000000000000093"), "expired", None),
    (partial(paid, card="4000000000000119"), "refunded", None),
    (partial(paid, card="4000000000000127"), "review", "doubtful_capture"),
    (partial(paid, card="4000000000000143"), "refunded", None),
]

# As often as the schedule's minute would be noticed, in fewer runs.
A_FEW_RUNS: list[dict[str, float]] = [{"seconds": 30}] * 4
STEPS: list[dict[str, float]] = [
    {"seconds": 21},
    {"seconds": 40},
    {"minutes": 4},
    {"minutes": 11},
    {"minutes": 15},
    {"hours": 1},
    {"hours": 23},
    {"hours": 1},
    *A_FEW_RUNS,
    {"days": 2},
    {"minutes": 1},
    {"days": 4},
    *A_FEW_RUNS,
    {"days": 1},
    *A_FEW_RUNS,
    {"days": 53},
    *A_FEW_RUNS,
]


def attended(item: dict[str, Any]) -> bool:
    """Closed, or somebody will look at it: the clock or a human."""
    queued = {"queue_reason", "queue_since"} <= item.keys()
    due = {"due_kind", "due_at"} <= item.keys()
    return item["status"]["S"] in CLOSED or queued or due


def booked_minor(escrow: Escrow) -> int:
    """All that we know PAYNET took for it."""
    return sum(capture.amount_minor or 0 for capture in escrow.captures)


def returned_minor(escrow: Escrow) -> int:
    """All that we know went back: of the payment, and of what was taken besides."""
    besides = (c.refund for c in escrow.captures if c.refund)
    done = sum(r.amount_minor for r in besides if r.status is SettlementStatus.DONE)
    return escrow.balances.refunded + done


def funding_minor(escrow: Escrow) -> int:
    funds = (c for c in escrow.captures if c.status is CaptureStatus.FUNDS)
    return sum(capture.amount_minor or 0 for capture in funds)


def must_be_in_order(stage: Stage, escrow: Escrow) -> None:
    """Between any two runs: nobody is forgotten, and what we hold PAYNET has; it may
    have taken or given back more than we know, never less."""
    assert attended(stage.item(escrow.id) or {})
    assert escrow.balances.captured == funding_minor(escrow)
    assert escrow.balances.captured in {0, escrow.amount_minor}
    references = [attempt.reference_no for attempt in escrow.attempts]
    given_back = sum(map(stage.paynet.books.refunded_minor, references))
    assert booked_minor(escrow) <= stage.taken_minor(escrow.id) + given_back
    assert returned_minor(escrow) <= given_back
    assert set(ledger.trial_balance(ledger.postings(escrow)).values()) <= {0}


def test_with_no_webhook_at_all_every_flow_still_ends(stage: Stage) -> None:
    flows = [(begin(stage), status, reason) for begin, status, reason in FLOWS]
    for step in STEPS:
        for escrow_id, *_ in flows:
            must_be_in_order(stage, stage.escrow(escrow_id))
        report = stage.reconcile(**step)
        assert (report.stopped, report.failures) == ("", [])
    escrows = [stage.escrow(escrow_id) for escrow_id, *_ in flows]
    assert [(e.id, e.status, e.queue_reason) for e in escrows] == flows
    for escrow in escrows:
        must_be_in_order(stage, escrow)
        left = booked_minor(escrow) - returned_minor(escrow)
        assert left == stage.taken_minor(escrow.id)
    assert not any("due_at" in item for item in stage.items())
    assert stage.inbox() == []
