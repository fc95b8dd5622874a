"""PAYNET's lists against our books: every night, and what PAYNET proves is repaired; or
on demand, where operations look at the plan before they apply it."""

from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from emanet import bootstrap, reports, schemas
from emanet.entrypoint import HttpFunction, deadline, json_answer, logger
from emanet.usecases import compare, repair

WRITES_TAKE = timedelta(seconds=5)
app = HttpFunction()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    if "routeKey" in event:
        return app(event, context)
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    worlds = _worlds(bootstrap.clock() + left - WRITES_TAKE)
    made = compare.plan(*compare.tonight(bootstrap.clock()), **worlds)
    report = reports.compared(made, repair.apply(made.id, **worlds, **_asking()))
    logger.info("compared", **report)
    return report


@app.post("/api/operations/compare/plan")
def plan() -> Response[str]:
    days = app.order(schemas.WindowBody)
    made = compare.plan(days.first, days.last, **_worlds(deadline(app.event)))
    return json_answer(reports.plan_view(made))


@app.post("/api/operations/compare/apply")
def apply() -> Response[str]:
    plan_id = app.order(schemas.PlanBody).plan_id
    done = repair.apply(plan_id, **_worlds(deadline(app.event)), **_asking())
    return json_answer(reports.applied_view(done))


def _worlds(end: datetime) -> dict[str, Any]:
    desk, books, paynet = bootstrap.desk(), bootstrap.store(), bootstrap.paynet_books()
    return {"desk": desk, "books": books, "paynet": paynet, "deadline": end}


def _asking() -> dict[str, Any]:
    return {"gateway": bootstrap.paced_gateway(), "money_out": bootstrap.money_out()}
