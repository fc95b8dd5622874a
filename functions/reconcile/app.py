"""Every minute: whatever is due is asked, settled, sent, expired, or shown to a
human."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from emanet import bootstrap
from emanet.entrypoint import logger
from emanet.usecases.reconcile import Reconciler, Report

metrics = Metrics()


@metrics.log_metrics
def lambda_handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    report = Reconciler(
        desk=bootstrap.desk(),
        schedule=bootstrap.store(),
        inbox=bootstrap.store(),
        gateway=bootstrap.paced_gateway(),
        money_out=bootstrap.money_out(),
        deadline=bootstrap.clock() + left,
        callback_base=bootstrap.public_base_url(),
    ).run()
    _count(report)
    told = asdict(report) | {"duties": dict(report.duties)}
    busy = report.escrows or report.callbacks or report.failures
    (logger.info if busy else logger.debug)("reconciled", **told)
    return told


def _count(report: Report) -> None:
    """A reminder, an escalation, a failure: each duty is a metric that can alarm."""
    metrics.add_metric("ReconcileFailure", MetricUnit.Count, len(report.failures))
    metrics.add_metric("PaynetDown", MetricUnit.Count, report.stopped == "paynet_down")
    for duty, times in report.duties.items():
        metrics.add_metric(f"Duty-{duty}", MetricUnit.Count, times)
