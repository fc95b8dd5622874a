"""What a run of the reconciler asks of DynamoDB and of PAYNET, counted."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.benchmarks import crowd
from tests.benchmarks.counted import Count
from tests.benchmarks.runs import cost_of_a_run, forget_reversals
from tests.stage import Stage

SIZES = (1_000, 100_000)
REVERSALS = (0, 100, 500)

Say = Callable[[str], None]


def test_a_run_reads_the_same_among_a_thousand_and_a_hundred_thousand(
    stage: Stage, say: Say
) -> None:
    costs, loaded = [], 0
    for size in SIZES:
        began = time.monotonic()
        crowd.load(stage, loaded, size)
        loaded, took_s = size, time.monotonic() - began
        costs.append(cost_of_a_run(stage, f"among-{size}"))
        told = f"{_told(costs[-1])}; loaded in {took_s:.0f} s"
        say(f"100 due among {size:>7,} escrows: {told}")
    assert costs[0] == costs[1]


def _told(count: Count) -> str:
    reads = ", ".join(f"{n} {name}" for name, n in count.reads.items())
    writes = sum(count.writes.values())
    return f"{reads} over {count.lines} index lines, {writes} writes"


@pytest.mark.parametrize("reversals", REVERSALS)
def test_what_a_refund_asks_paynet_grows_with_the_list_of_reversals(
    stage: Stage, say: Say, reversals: int
) -> None:
    stage.paynet.settings.refund_callbacks = "lost"
    for number in range(reversals):
        sale = stage.paynet.books.plant(f"other-{number}", 100)
        stage.paynet.books.reverse(sale.xact_id)
    crowd.plant(stage, crowd.given_up, "refund", 1)
    stage.paynet.traffic.clear()
    report = stage.reconcile()
    asked = len(stage.paynet.traffic.visits())
    forget_reversals(stage)
    assert report.failures == []
    say(f"one refund sent, {reversals:>3} reversals in its days: {asked} requests")
