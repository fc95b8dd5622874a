"""The system against a second opinion: thousands of steps by one seed, whatever
Hypothesis thinks of, and named lists that once differed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.simulation import tally
from tests.simulation.commands import ACTS, HAPPENINGS, Play, can
from tests.simulation.model_run import Counts, differs, every_pair, model_steps
from tests.simulation.reference_paying import Command
from tests.simulation.world import World, in_process

SEED, STEPS = 7, 10_000

pytestmark = pytest.mark.usefixtures("silence")


@pytest.fixture(scope="module")
def empty() -> Iterator[World]:
    """A world that every example finds as it was."""
    with in_process(SEED) as built:
        yield built


@pytest.mark.long
def test_ten_thousand_steps_do_not_differ(empty: World) -> None:
    """Every pair of status and command by every role, then what one seed chooses."""
    counts = Counts()
    every_pair(empty, counts)
    assert counts.unreached() == []
    model_steps(in_process, SEED, STEPS, counts)
    tally.record("model", **counts.told(), wrong=0)
    assert counts.steps >= STEPS
    assert counts.faults_unreached() == []


def test_the_same_seed_takes_the_same_steps() -> None:
    one, other = (model_steps(in_process, 3, 200) for _ in range(2))
    assert one == other


def test_whatever_hypothesis_thinks_of(empty: World) -> None:
    beginning = empty.snapshot()

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            empty.go_back(beginning)
            self.play = Play(empty)

        @rule(command=st.sampled_from(HAPPENINGS + ACTS))
        def step(self, command: Command) -> None:
            if can(self.play.model, command):
                self.play.step(command)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            # a world is slow for Hypothesis, and its rules refuse much
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_model_sees_what_it_is_there_for(
    empty: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release that pays twice as much out of PAYNET as it should would differ."""
    held = [Command("pay", "payer", "good"), Command("come_back", "", "latest")]
    paid = [*held, Command("release", "payer", "part")]
    assert not differs(empty, "", paid)
    monkeypatch.setattr("tests.simulation.reference.Reference.wish", lambda *_: 29_999)
    assert "released: is 30000, expected 29999" in differs(empty, "", paid)


# ── lists that once differed ─────────────────────────────────────────────────

NAMED = {
    "a mismatch that goes back is not doubted once more": [
        Command("pay", "payer", "mismatch"),
        Command("come_back", "", "latest", "lost"),
        Command("wait", "", "31m"),
        Command("reconcile", "", "manual"),
        Command("refund_mismatch", "operations"),
        Command("wait", "", "5h"),
        Command("reconcile", "", "manual"),
    ],
}


@pytest.mark.parametrize("name", NAMED)
def test_it_does_not_differ_again(empty: World, name: str) -> None:
    assert not differs(empty, "", NAMED[name])
