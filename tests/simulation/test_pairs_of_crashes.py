"""A second thing goes wrong while the first is being mended."""

from __future__ import annotations

import pytest

from tests.simulation import crash_points, tally

PAIRS = 1_000


@pytest.mark.long
def test_pairs_of_crashes_come_to_their_right_end() -> None:
    counts, texts = crash_points.pairs(0, 1, seed=1, count=PAIRS)
    tally.record("pairs of crashes", **counts)
    assert texts == []
