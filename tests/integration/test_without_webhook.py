"""With no webhook at all every flow still ends: by the return, or because somebody
asks. Whatever happened, PAYNET's books and ours say the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from emanet.escrow import CLOSED, CaptureStatus, Escrow
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
    (captured_late, "review", "ship_by_missed"),
    (partial(captured_late, paid_again=True), "review", "late_capture"),
    (registered, "expired", None),
    (abandoned, "expired", None),
    (paid, "review", "ship_by_missed"),
    (in_two_tabs, "review", "ship_by_missed"),
    (with_a_second_card, "review", "ship_by_missed"),
    (shipped, "review", "delivery_unconfirmed"),
    (delivered, "review", "inspection_over"),
    (released, "released", None),
    (partial(paid, card="4000000000000010"), "expired", None),
    (partial(paid, card="4000000000000036"), "expired", None),
    (partial(paid, card="4000000000000044"), "review", "ship_by_missed"),
    (partial(paid, card="4000000000000051"), "review", "ship_by_missed"),
    (partial(paid, card=NEVER_CHARGED), "expired", None),
    (partial(paid, card="4000000000000077"), "review", "ship_by_missed"),
    (partial(paid, card="4000000000000093"), "expired", None),
    (partial(paid, card="4000000000000119"), "review", "ship_by_missed"),
    (partial(paid, card="4000000000000127"), "review", "doubtful_capture"),
    (partial(paid, card="4000000000000143"), "review", "ship_by_missed"),
]

# As often as the schedule's minute would be noticed, in fewer runs.
STEPS: list[dict[str, float]] = [
    {"seconds": 21},
    {"seconds": 40},
    {"minutes": 4},
    {"minutes": 11},
    {"minutes": 15},
    {"hours": 1},
    {"hours": 23},
    {"hours": 1},
    {"days": 2},
    {"minutes": 1},
    {"days": 4},
    {"days": 1},
    {"days": 53},
]


def attended(item: dict[str, Any]) -> bool:
    """Closed, or somebody will look at it: the clock or a human."""
    queued = {"queue_reason", "queue_since"} <= item.keys()
    due = {"due_kind", "due_at"} <= item.keys()
    return item["status"]["S"] in CLOSED or queued or due


def booked_minor(escrow: Escrow) -> int:
    """All that we know PAYNET took for it."""
    captures = (c for attempt in escrow.attempts for c in attempt.captures)
    return sum(capture.amount_minor or 0 for capture in captures)


def funding_minor(escrow: Escrow) -> int:
    captures = (c for attempt in escrow.attempts for c in attempt.captures)
    funds = (c for c in captures if c.status is CaptureStatus.FUNDS)
    return sum(capture.amount_minor or 0 for capture in funds)


def must_be_in_order(stage: Stage, escrow: Escrow) -> None:
    """Between any two runs: nobody is forgotten, and what we hold PAYNET has."""
    assert attended(stage.item(escrow.id) or {})
    assert escrow.balances.captured == funding_minor(escrow)
    assert escrow.balances.captured in {0, escrow.amount_minor}
    assert booked_minor(escrow) <= stage.taken_minor(escrow.id)


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
        assert booked_minor(escrow) == stage.taken_minor(escrow.id)
    assert not any("due_at" in item for item in stage.items())
    assert stage.inbox() == []
