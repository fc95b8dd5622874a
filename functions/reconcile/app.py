"""Every minute: whatever is due is asked, settled, expired, or shown to a human."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from emanet import bootstrap
from emanet.entrypoint import logger
from emanet.usecases.reconcile import Reconciler


def lambda_handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    reconciler = Reconciler(
        desk=bootstrap.desk(),
        schedule=bootstrap.store(),
        inbox=bootstrap.store(),
        gateway=bootstrap.gateway(),
        deadline=bootstrap.clock() + left,
    )
    report = asdict(reconciler.run())
    busy = any(report.values())
    (logger.info if busy else logger.debug)("reconciled", **report)
    return report
