"""What the simulation found in the product, each as a story of its own."""

from __future__ import annotations

from datetime import timedelta

from emanet.escrow import Status
from tests.simulation.flows_paying import MISMATCHED
from tests.simulation.flows_steps import decide, play, run, switched
from tests.simulation.world import World
from tests.stage import SELLER


def test_a_refunded_mismatch_does_not_freeze_the_order_again(world: World) -> None:
    """Found by a crash point of "a mismatch is refunded": asked again while PAYNET had
    the money still, the decided capture was heard as a new doubt."""
    slowly = switched(refunds="manual")
    scene = play(
        world,
        MISMATCHED(world),
        decide("refund_mismatch", first=slowly),
        run(seconds=1),
        run(hours=1, minutes=1),
    )
    assert world.escrow(scene.escrow_id).status is Status.CREATED


def test_one_hiccup_on_an_old_order_is_no_day_of_silence(world: World) -> None:
    """Found by a crash point of "a part, scheduled": silence was counted from the day
    on which the refund was asked for."""
    escrow_id = world.held()
    body = {"amount": {"amount": 30_000, "currency": "TRY"}}
    key = {"Idempotency-Key": "a-part-of-today"}
    way = f"/api/escrows/{escrow_id}/refund"
    assert world.call("POST", way, body, who=SELLER, headers=key).status == 200
    world.later(days=2)
    world.paynet.faults.add("close", "/v1/transaction/reversal_list", when="before")
    world.run_reconciler()
    escrow = world.escrow(escrow_id)
    assert escrow.queue_reason is None
    assert escrow.settlements[0].silent_since is not None
    due = world.next_due()
    assert due is not None
    assert due - world.clock() < timedelta(minutes=2)
