"""Forty days of twenty escrows in which everything goes wrong, thirty times."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.simulation import swarm, tally

SEEDS = range(100, 130)


@pytest.mark.long
def test_everything_ends_once_the_faults_stop() -> None:
    coverage: swarm.Coverage = Counter()
    counts, texts = swarm.run(SEEDS, coverage)
    harms = {name: counts[name] for name in ("lost", "double", "stuck", "wrong")}
    done = {name: counts[name] for name in ("seeds", "steps", "effects", "kills")}
    tally.record("swarm", **done, transitions_x_faults=len(coverage), **harms)
    assert texts == []
