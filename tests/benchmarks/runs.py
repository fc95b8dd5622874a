"""One run of the reconciler over a hundred due escrows, measured."""

from __future__ import annotations

from tests.benchmarks import crowd
from tests.benchmarks.counted import Count, counting
from tests.stage import Stage

DUE = {crowd.unpaid: 40, crowd.inspected: 30, crowd.given_up: 30}
DONE = {"expire": 40, "auto_release": 30, "settle": 30}


def cost_of_a_run(stage: Stage, name: str) -> Count:
    """A hundred are due: unpaid ones, ended inspections, refunds to be sent. PAYNET
    calls nobody back, and every one of them is handled."""
    stage.paynet.settings.refund_callbacks = "lost"
    for grown, how_many in DUE.items():
        crowd.plant(stage, grown, f"{name}-{grown.__name__}", how_many)
    with counting(stage.dynamodb) as count:
        report = stage.reconcile()
    assert (report.duties, report.failures) == (DONE, [])
    stage.reconcile_until_quiet(seconds=25)  # whether the refunds were carried out
    forget_reversals(stage)
    return count


def forget_reversals(stage: Stage) -> None:
    """Another day: PAYNET's lists of reversals begin anew."""
    for row in stage.paynet.books.find():
        if row.is_reversal:
            stage.paynet.books.forget(row.xact_id)
