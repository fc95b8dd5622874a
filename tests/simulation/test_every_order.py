"""Two actors on one escrow, in every order of their calls; three of them in some."""

from __future__ import annotations

import pytest

from tests.simulation import interleaving, tally

TRIPLES = 140


@pytest.mark.long
def test_every_order_of_two_actors_calls_ends_well() -> None:
    counts, texts = interleaving.run(0, 1, triples=TRIPLES, seed=1)
    tally.record("interleavings", **counts)
    assert texts == []
    assert counts["orders"] == counts["of"]
    assert counts["triples"] == TRIPLES
