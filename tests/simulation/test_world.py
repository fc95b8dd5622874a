"""The simulated world itself: the same seed plays the same trace, a killed function
leaves what it had done, and nothing leaves this process."""

from __future__ import annotations

from tests.simulation.world import World, in_process


def test_a_payment_is_held(world: World) -> None:
    escrow_id = world.held()
    assert world.taken_minor(escrow_id) == 130_000


def test_the_same_seed_plays_the_same_trace() -> None:
    traces = []
    for seed in (7, 7, 8):
        with in_process(seed) as world:
            escrow_id = world.held(order_id="order-1")
            told = world.call("GET", f"/api/escrows/{escrow_id}").body
            traces.append((world.outside.trace, told))
    assert traces[0] == traces[1]
    assert traces[0] != traces[2]
