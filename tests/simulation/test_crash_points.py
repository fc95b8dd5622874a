"""The harness itself: what is said to be the same is the same, every way and order has
its turn, and what is broken in the product is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from emanet import orders, policy, verdicts
from emanet.escrow import Capture, Escrow, Settlement
from emanet.outcome import Returned
from emanet.usecases import send_orders
from emanet.usecases.duties import CLOCK
from emanet.usecases.send_orders import Sender
from tests.simulation import crash_points
from tests.simulation.crash_plays import WAYS, Point, Rehearsal, Take
from tests.simulation.crash_points import rehearsed, replay
from tests.simulation.effects import CRASHES, OVERTAKEN
from tests.simulation.flows import FLOWS
from tests.simulation.flows_steps import Flow
from tests.simulation.world import World

HARMS = ("lost", "double", "stuck", "wrong")
ALL = ("client", "callback", "reconcile")


def flow(name: str) -> Flow:
    return next(each for each in FLOWS if each.name == name)


@pytest.fixture
def refund() -> Iterator[Rehearsal]:
    with rehearsed(flow("refund")) as rehearsal:
        yield rehearsal


def left_behind(rehearsal: Rehearsal, point: Point) -> bytes:
    """The state after this point, the process itself with it."""
    take = Take(rehearsal, point)
    take.fail()
    return take.state(thorough=True)


def test_every_effect_goes_wrong_in_every_way(refund: Rehearsal) -> None:
    points = list(refund.points())
    effects = sum(map(len, refund.traces))
    late = [point for point in points if point.fault in OVERTAKEN]
    assert {p.name for p in late} == {"paynet /v1/transaction/reversed_request"}
    assert len(set(points)) == len(points) == effects * len(CRASHES) + len(OVERTAKEN)
    assert {point.step for point in points} == {0, 1, 2}


def test_what_is_played_for_another_point_leaves_the_same(refund: Rehearsal) -> None:
    merged = 0
    for point in refund.points():
        played = refund.stands_for(point)
        if played != point:
            merged += 1
            assert left_behind(refund, point) == left_behind(refund, played), point
    assert merged


def test_a_point_that_is_played_again_leaves_the_same(refund: Rehearsal) -> None:
    for point in list(refund.points())[::7]:
        assert left_behind(refund, point) == left_behind(refund, point)


def test_every_way_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash_points, "FLOWS", (flow("refund"),))
    counts, texts = crash_points.run(0, 1, ways=1)
    assert counts["run"] == counts["of"] > counts["merged"] > 0
    taken = {name: counts[name] for name in counts if name.startswith("by ")}
    assert len(taken) == len(WAYS)
    assert sum(taken.values()) == counts["run"]
    assert [counts[harm] for harm in HARMS] == [0, 0, 0, 0], texts


def test_the_same_seed_draws_the_same_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crash_points, "FLOWS", (flow("pay"), flow("cancel paid")))
    first, texts = crash_points.pairs(0, 1, seed=1, count=6)
    assert crash_points.pairs(0, 1, seed=1, count=6) == (first, texts)
    assert (first["run"], [first[harm] for harm in HARMS]) == (6, [0, 0, 0, 0]), texts
    assert first["of"] > 6


def test_the_parts_share_the_flows_and_the_pairs() -> None:
    shares = [crash_points.share(part, 3) for part in range(3)]
    assert sorted(f.name for each in shares for f in each) == sorted(
        f.name for f in FLOWS
    )


def number_of(name: str, flow_name: str, step: int) -> int:
    """Which effect of that step this is."""
    with rehearsed(flow(flow_name)) as rehearsal:
        names = [effect.name for effect in rehearsal.traces[step]]
    return names.index(name)


def test_a_payment_that_is_taken_for_another_one_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Planted: a capture that stands in our books is heard of once more."""
    charge = number_of("/v2/transaction/tds_charge", "pay", 2)
    point = ("pay", 2, charge, "killed after", ALL)
    assert replay(*point) == []
    monkeypatch.setattr(verdicts, "_knows", lambda *_: False)
    assert replay(*point) != []


def test_a_charge_that_arrives_when_it_was_given_up_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Planted: an attempt that was closed as not paid is asked about much later, and
    nobody compares the lists."""
    charge = number_of("/v2/transaction/tds_charge", "pay", 2)
    point = ("pay", 2, charge, "killed sending", ("reconcile",))
    assert replay(*point) == []
    monkeypatch.setattr(policy, "ASK_AFTER_CLOSING", (timedelta(days=99),))
    assert replay(*point) == []  # one net is left
    monkeypatch.setattr(World, "run_compare", lambda _: None)
    assert replay(*point) != []


def test_an_effect_before_its_intent_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a refund is written down after PAYNET was asked for it."""
    name = "a part goes back the day after"
    asked = number_of("/v1/transaction/reversed_request", name, 1)
    point = (name, 1, asked, "killed after", ALL)
    assert replay(*point) == []
    monkeypatch.setattr(Sender, "_send", effect_first)
    assert replay(*point) != []


def effect_first(
    self: Sender, escrow: Escrow, capture: Capture, order: Settlement, _: Returned
) -> None:
    desk, paynet = self.prover.desk, self.prover.paynet
    deadline = desk.clock() + send_orders.SENDING_TAKES
    reply = paynet.refund(capture, order.paynet_minor, None, deadline)
    sent = orders.send(escrow, order.key, (), "", desk.step(CLOCK))
    desk.store.save(escrow, sent)
    self._heard(sent, order, reply)
