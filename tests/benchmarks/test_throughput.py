"""How a run's time grows with what is due. Only the ratio means anything elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from tests.benchmarks import crowd
from tests.benchmarks.runs import forget_reversals
from tests.stage import Stage

ROUNDS = 3


def test_a_hundred_due_escrows_take_so_many_times_as_long_as_ten(
    stage: Stage, say: Callable[[str], None]
) -> None:
    stage.paynet.settings.refund_callbacks = "lost"
    for grown in (crowd.inspected, crowd.given_up):
        times = {
            due: median(_run_s(stage, grown, f"{n}-{due}", due) for n in range(ROUNDS))
            for due in (10, 100)
        }
        ratio = times[100] / times[10]
        say(f"{grown.__name__}: 100 due take {ratio:.1f} times as long as 10")


def _run_s(stage: Stage, grown: crowd.Grown, name: str, due: int) -> float:
    crowd.plant(stage, grown, f"{grown.__name__}-{name}", due)
    began = time.monotonic()
    report = stage.reconcile()
    took_s = time.monotonic() - began
    assert (report.escrows, report.failures) == (due, [])
    forget_reversals(stage)
    return took_s
