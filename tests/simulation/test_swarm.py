"""The swarm itself: a seed is a story that can be told again, everything that can go
wrong goes wrong in it, and a bug that is planted in the product is found."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation import planted, swarm
from tests.simulation.actors import Actors
from tests.simulation.effects import Fault
from tests.simulation.swarm import Extent, Story, tell

SEED = 8  # in which everything happens
SHORT = Extent(days=25, escrows=6, steps=8, anytime=25)


@pytest.fixture(scope="module")
def story() -> Story:
    return tell(SEED, SHORT)


def test_forty_days_end_well(story: Story) -> None:
    assert not story.wrong, "\n".join(story.wrong)
    rounds = [escrow.round for escrow in story.world.escrows()]
    assert rounds.count(1) == SHORT.escrows


def test_every_kind_of_fault_struck(story: Story) -> None:
    kinds = {str(fault).replace(" ", "_") for fault in Fault}
    assert kinds <= set(story.counts)


def test_people_did_what_they_may_and_what_they_may_not(story: Story) -> None:
    for name in ("accepted_actions", "illegal_requests", "refused_requests"):
        assert story.counts[name] > 0, name
    assert story.counts["new_rounds"] > 0


def test_the_same_seed_tells_the_same_story(story: Story) -> None:
    again = tell(SEED, SHORT)
    assert again.world.outside.trace == story.world.outside.trace
    assert again.counts == story.counts
    assert again.coverage == story.coverage


def test_another_seed_tells_another_story(story: Story) -> None:
    another = tell(SEED + 1, SHORT)
    assert another.world.outside.trace != story.world.outside.trace


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    planted.a_refund_is_sent_again(monkeypatch)


@pytest.mark.usefixtures("broken")
def test_a_planted_bug_is_found_and_told_with_its_seed() -> None:
    coverage: swarm.Coverage = Counter()
    counts, wrong = swarm.run([SEED], coverage, SHORT)
    assert counts["seeds"] == 1
    assert counts["double"] == sum("double" in text for text in wrong) > 0
    assert all(text.startswith(f"seed {SEED}: ") for text in wrong)
    assert {fault for _, fault in coverage} <= {str(fault) for fault in Fault}


def test_a_story_that_breaks_is_told_with_its_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: object) -> None:
        raise LookupError("no such actor")

    monkeypatch.setattr(Actors, "paynet_acts", broken)
    _, wrong = swarm.run([3], extent=Extent(days=2, escrows=1, steps=2, anytime=9))
    assert wrong == ["seed 3: wrong LookupError no such actor"]
