"""What was never tried, or went wrong, is told and fails."""

from __future__ import annotations

from tests.simulation.tally import Tally


def test_what_two_processes_counted_is_added() -> None:
    one, other = Tally(), Tally()
    one.record("crash points", run=1_284, lost=0)
    other.record("crash points", run=16, lost=0)
    one.merge(other.plain())
    assert one.lines() == ["crash points: 1,300 run, 0 lost"]
    assert one.failures() == []


def test_what_was_never_tried_fails() -> None:
    tally = Tally()
    tally.record("swarm", seeds=0, lost=0)
    assert tally.failures() == ["swarm: 0 seeds is a failure"]


def test_what_was_lost_fails() -> None:
    tally = Tally()
    tally.record("swarm", seeds=30, lost=1)
    assert tally.failures() == ["swarm: 1 lost is a failure"]
