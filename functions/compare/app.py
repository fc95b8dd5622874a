"""Every day: PAYNET's lists against our books, and what PAYNET proves is repaired."""

from collections import Counter
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from emanet import bootstrap
from emanet.entrypoint import logger
from emanet.usecases.compare import plan
from emanet.usecases.repair import apply

WRITES_TAKE = timedelta(seconds=5)


def lambda_handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    deadline = bootstrap.clock() + left - WRITES_TAKE
    desk, books, paynet = bootstrap.desk(), bootstrap.store(), bootstrap.paynet_books()
    made = plan(None, None, desk=desk, books=books, paynet=paynet, deadline=deadline)
    applied = apply(
        made.id,
        desk=desk,
        books=books,
        gateway=bootstrap.paced_gateway(),
        money_out=bootstrap.money_out(),
        paynet=paynet,
        deadline=deadline,
    )
    report: dict[str, Any] = {
        "plan": made.id,
        "first": made.first.isoformat(),
        "last": made.last.isoformat(),
        "matched": made.matched,
        "foreign": made.foreign,
        "found": Counter(str(finding.drift) for finding in made.findings),
        "results": Counter(str(each.result) for each in applied.handled),
        "left": applied.left + made.left_out,
        "stopped": applied.stopped,
    }
    logger.info("compared", **report)
    return report
