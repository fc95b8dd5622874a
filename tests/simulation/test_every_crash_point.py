"""Every effect of every flow goes wrong in every way, and is brought to its right end
by whoever comes next."""

from __future__ import annotations

import pytest

from tests.simulation import crash_points, tally


@pytest.mark.long
def test_every_crash_point_comes_to_its_right_end() -> None:
    counts, texts = crash_points.run(0, 1, ways=1)
    tally.record("crash points", **counts)
    assert texts == []
    assert counts["run"] == counts["of"]
