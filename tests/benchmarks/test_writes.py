"""How many items are written from a person's wish until nothing is left to do, for each
order that PAYNET gets."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from emanet import bootstrap
from tests.benchmarks.counted import Count, counting
from tests.stage import AMOUNT_MINOR, BUYER, OPERATIONS, SELLER, Stage, Who

PART = 30_000
Say = Callable[[str], None]
Flow = Callable[[Stage, str], None]


def lira(amount_minor: int) -> dict[str, object]:
    return {"amount": amount_minor, "currency": "TRY"}


def act(stage: Stage, path: str, who: Who, **body: object) -> None:
    answer = stage.call("POST", path, body, who=who, headers={"Idempotency-Key": "k"})
    assert answer.status == 200, answer.text


def called_back(stage: Stage) -> None:
    """What is due is sent; PAYNET calls back at once, and is heard."""
    assert stage.reconcile().failures == []
    for refund in stage.paynet.books.refunds():
        path = urlsplit(refund.succeed_url).path
        raw = f'{{"xact_id": "{refund.sale.xact_id}", "code": "0"}}'.encode()
        assert stage.call("POST", path, raw=raw).status == 200
    assert stage.reconcile().failures == []


def release(stage: Stage, id_: str) -> None:
    act(stage, f"/api/escrows/{id_}/release", BUYER)


def whole_refund(stage: Stage, id_: str) -> None:
    act(stage, f"/api/escrows/{id_}/refund", SELLER)
    called_back(stage)


def whole_refund_without_callback(stage: Stage, id_: str) -> None:
    act(stage, f"/api/escrows/{id_}/refund", SELLER)
    stage.reconcile()
    stage.reconcile(seconds=25)


def part_refund(stage: Stage, id_: str) -> None:
    """Scheduled for the day after."""
    act(stage, f"/api/escrows/{id_}/refund", SELLER, amount=lira(PART))
    stage.later(days=1)
    called_back(stage)


def split_dispute(stage: Stage, id_: str) -> None:
    legs = {"release": lira(AMOUNT_MINOR - PART), "refund": lira(PART)}
    parcel = {"carrier": "Kargo", "tracking_number": "TR-1"}
    act(stage, f"/api/escrows/{id_}/ship", SELLER, **parcel)
    act(stage, f"/api/escrows/{id_}/dispute", BUYER, reason="broken glass")
    path = f"/api/operations/escrows/{id_}/resolve_dispute"
    act(stage, path, OPERATIONS, reason="half broken", **legs)
    stage.reconcile()
    stage.later(days=1)
    called_back(stage)


FLOWS: dict[str, tuple[Flow, tuple[str, int, int]]] = {
    "release": (release, ("released", AMOUNT_MINOR, 0)),
    "whole refund, called back": (whole_refund, ("refunded", 0, AMOUNT_MINOR)),
    "whole refund, asked about": (
        whole_refund_without_callback,
        ("refunded", 0, AMOUNT_MINOR),
    ),
    "part refund, scheduled": (part_refund, ("held", 0, PART)),
    "dispute, split": (split_dispute, ("split", AMOUNT_MINOR - PART, PART)),
}


def test_what_each_way_of_money_out_writes(stage: Stage, say: Say) -> None:
    stage.paynet.settings.refund_callbacks = "lost"
    for name, (flow, end) in FLOWS.items():
        stage.paynet.books.clear()
        id_ = stage.held()
        with counting(stage.dynamodb, bootstrap.store().dynamodb) as count:
            flow(stage, id_)
        escrow = stage.escrow(id_)
        sums = escrow.balances
        assert (escrow.status, sums.released, sums.refunded) == end
        say(f"{name:<26} {_told(count, len(stage.paynet.books.refunds()))}")


def _told(count: Count, orders: int) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(count.writes.items()))
    return f"{sum(count.writes.values()):>2} writes ({kinds}), {orders} order to PAYNET"
