"""Every order of two who meet on one escrow: what each was answered, what became of
it, and that the orders are really played."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import count

import pytest

from tests.simulation import interleaving, planted
from tests.simulation.interleaving import Chooser, Orders, standing
from tests.simulation.planted import Plant
from tests.simulation.rivals import PAIRS, TRIPLES, Scene
from tests.simulation.world import unheard


def named(name: str) -> Scene:
    return next(scene for scene in (*PAIRS, *TRIPLES) if scene.name == name)


def test_all_orders_of_two_and_three_calls_are_found() -> None:
    calls = (2, 3)
    orders, found = Orders(), []
    while True:
        left, order = list(calls), ""
        while able := [actor for actor in (0, 1) if left[actor]]:
            actor = orders.choose(able)
            left[actor] -= 1
            order += "ab"[actor]
        found.append(order)
        if not orders.has_another():
            break
    assert len(found) == len(set(found)) == 10


def first(able: Sequence[int]) -> int:
    return able[0]


def last(able: Sequence[int]) -> int:
    return able[-1]


@pytest.mark.parametrize(("choose", "winner"), [(first, "200 409"), (last, "409 200")])
def test_who_is_first_wins(choose: Chooser, winner: str) -> None:
    with unheard(), standing(named("release, refund")) as stand:
        stand.play(choose)
        assert (dict(stand.answered), stand.wrong) == ({winner: 1}, [])


def test_the_same_order_plays_the_same_trace() -> None:
    with unheard(), standing(named("return, two reconcilers")) as stand:
        traces = []
        for seed in (1, 1, 2):
            stand.world.outside.trace.clear()
            stand.play(random.Random(seed).choice)  # noqa: S311 - an order to play again
            traces.append([*stand.world.outside.trace])
    assert traces[0] == traces[1]
    assert traces[0] != traces[2]


def played(name: str) -> list[str]:
    """What was wrong in the orders of this pair."""
    with unheard(), standing(named(name)) as stand:
        stand.play_all()
        return stand.wrong


def test_every_order_of_a_pair_ends_well() -> None:
    assert played("cancel, return") == []


@pytest.mark.parametrize(
    ("plant", "name"),
    [
        (planted.a_version_is_not_asked_for, "parts that do not fit"),
        (planted.a_rivals_write_is_taken_for_ones_own, "release, another"),
        (planted.a_status_is_not_asked_for, "cancel, return"),
    ],
    ids=lambda value: str(getattr(value, "__name__", value)),
)
def test_a_planted_bug_is_found(
    plant: Plant, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert played(name)


def test_two_actors_share_no_process() -> None:
    """Nor the request that Powertools keeps in a class."""
    with unheard(), standing(named("resolve, resolve otherwise")) as stand:
        stand.play(alternating())
        assert (dict(stand.answered), stand.wrong) == ({"200 409": 1}, [])


def alternating() -> Chooser:
    turns = count()
    return lambda able: able[next(turns) % len(able)]


def test_a_share_counts_what_it_played() -> None:
    pairs = len(PAIRS)
    counts, wrong = interleaving.run(pairs - 1, pairs, triples=1, seed=1)
    assert not wrong
    assert counts["pairs"] == 1
    assert counts["orders"] == counts["of"] > 1
    assert counts["answers"] > 1
