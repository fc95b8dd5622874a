"""The simulated world itself: the same seed plays the same trace, and a function that
was killed leaves behind what it had done."""

from __future__ import annotations

from datetime import timedelta

from tests.simulation.effects import Fault, at
from tests.simulation.world import World, in_process
from tests.stage import AMOUNT_MINOR


def test_a_payment_is_held(world: World) -> None:
    escrow_id = world.held()
    assert world.taken_minor(escrow_id) == AMOUNT_MINOR


def test_the_same_seed_plays_the_same_trace() -> None:
    traces = []
    for seed in (7, 7, 8):
        with in_process(seed) as world:
            world.outside.choose = at(5, Fault.THROTTLED)
            escrow_id = world.held(order_id="order-1")
            world.rest(timedelta(days=30))
            told = world.call("GET", f"/api/escrows/{escrow_id}").body
            traces.append((world.outside.trace, told, world.clock()))
    assert traces[0] == traces[1]
    assert traces[0] != traces[2]


def test_going_back_plays_the_same_again(world: World) -> None:
    start, told = world.snapshot(), []
    for _ in range(2):
        world.go_back(start)
        escrow_id = world.create(order_id="order-1")
        world.pay(escrow_id, "4000000000000069")  # not charged, and no answer comes
        world.rest(timedelta(days=2))
        told.append((world.escrow(escrow_id), world.paynet.traffic.visits()))
    assert told[0] == told[1]


def test_the_sdk_waits_in_the_worlds_own_time(world: World) -> None:
    before = world.clock()
    world.outside.choose = at(0, Fault.LATE)
    world.create()
    assert world.clock() - before > timedelta(seconds=3)
