"""The checker sees every bug that was planted for it, and none where there is none."""

from __future__ import annotations

from tests.simulation import planted
from tests.simulation.tally import record


def test_every_planted_bug_is_seen_and_nothing_else() -> None:
    counts, texts = planted.run()
    record("planted bugs", **counts)
    assert texts == []
    assert counts == {"found": len(planted.BUGS), "of": counts["of"], "false_alarms": 0}


def test_there_are_many_different_bugs() -> None:
    assert len({bug.plant for bug in planted.BUGS}) >= 30
