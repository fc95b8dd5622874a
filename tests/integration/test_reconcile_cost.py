"""What the reconciler reads depends on what is due, not on how much there is. `make
bench` shows the same for a hundred thousand escrows."""

from __future__ import annotations

from tests.benchmarks import crowd
from tests.benchmarks.runs import cost_of_a_run
from tests.stage import Stage


def test_a_run_costs_the_same_however_many_escrows_are_not_due(stage: Stage) -> None:
    crowd.load(stage, 0, 100)
    among_few = cost_of_a_run(stage, "few")
    crowd.load(stage, 100, 1_000)
    among_many = cost_of_a_run(stage, "many")
    assert among_many == among_few
    assert among_few.reads == {"GetItem": 100, "Query": 2}
