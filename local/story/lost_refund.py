"""Chapter `lost-refund`: PAYNET does as it is told, and the answer is lost. It is found
out by asking, and the order is never sent again."""

from __future__ import annotations

from datetime import timedelta

from local import clock
from local.story.scenes import PAID_MINOR, act, agree, paid
from local.story.telling import expect, expect_escrow, expect_way, scene
from local.story.world import World

REFUNDS_PATH = "/v1/transaction/reversed_request"
ASKED_AFTER = timedelta(minutes=3)


def play(world: World) -> None:
    escrow_id = paid(world)
    reference = world.read(escrow_id)["attempts"][-1]["reference_no"]
    scene("PAYNET will give the money back, say nothing, and never call back")
    lost = {"kind": "close", "path": REFUNDS_PATH, "when": "after", "times": 1}
    with world.paynet_switched(refund_callbacks="lost"):
        world.paynet("POST faults", lost)
        act(world, "buyer", escrow_id, "cancel", {})
        unknown = world.wait_for_status(escrow_id, "refunding")
        expect_escrow(unknown, "refunding", held=PAID_MINOR)
        expect({"what": "ask_order"}, unknown["next"])
        scene("Asked three minutes later, PAYNET's list has the proof")
        world.move_to(clock.now() + ASKED_AFTER)
        world.wait_for_status(escrow_id, "refunded")
    told = world.read(escrow_id, "operations")
    expect_way(told, "cancel_held", "send_refund", "confirm_refund")
    [refund] = told["settlements"]
    books = world.paynet(f"GET books/{reference}")
    [row] = [t["xact_id"] for t in books["transactions"] if t["transaction_type"] != 1]
    expect({"status": "done", "proof": row}, refund)
    scene("It was asked for once, and done once")
    [calls] = books["refund_requests"].values()
    expect({"arrived": 1, "executed": 1}, calls)
    agree(world, escrow_id, "refunded", refunded=PAID_MINOR)
