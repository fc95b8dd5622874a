"""One payment's whole story through the real handlers."""

from __future__ import annotations

from tests.stage import AMOUNT_MINOR, BUYER, SELLER, Stage


def test_a_payment_is_held_shipped_delivered_and_released(stage: Stage) -> None:
    escrow_id = stage.create()
    started = stage.initiate(escrow_id)
    assert stage.escrow(escrow_id).status == "authenticating"
    back = stage.come_back(started.at_bank())
    assert back.status == 303
    assert back.headers["Location"] == f"https://shop.example/return?escrow={escrow_id}"
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.balances.held) == ("held", AMOUNT_MINOR)
    assert stage.taken_minor(escrow_id) == AMOUNT_MINOR
    parcel = {"carrier": "Kargo", "tracking_number": "TR-1"}
    path = f"/api/escrows/{escrow_id}"
    assert stage.call("POST", f"{path}/ship", parcel, who=SELLER).status == 200
    assert stage.call("POST", f"{path}/deliver", {}, who=BUYER).status == 200
    key = {"Idempotency-Key": "confirm-1"}
    released = stage.call("POST", f"{path}/release", {}, who=BUYER, headers=key)
    assert released.status == 200
    assert released.body["status"] == "released"
    assert released.body["released"]["amount"] == AMOUNT_MINOR
    assert released.body["version"] == 8
