"""POST /api/3d/return/…: the payer's browser comes back. Always 303, whatever
happened."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from emanet import bootstrap, returns
from emanet.entrypoint import deadline, log_failure, log_refusal, logger, raw_body
from emanet.errors import EmanetError
from emanet.usecases.complete_3d import Landing, complete_3d


def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    logger.append_keys(route=event["routeKey"])
    try:
        back = returns.back_from_bank(
            event["pathParameters"], raw_body(event), event["rawQueryString"]
        )
        landing = complete_3d(back, bootstrap.counter(), deadline(event))
    except EmanetError as error:
        log_refusal(error)
        landing = Landing()
    except Exception as error:  # noqa: BLE001 - a browser is never left without a page
        log_failure(error)
        landing = Landing()
    logger.info("returned", escrow_id=landing.escrow_id, came_of=landing.came_of)
    return returns.redirect(landing, bootstrap.return_pages())
