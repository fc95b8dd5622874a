"""Statements out of the ledger: of one escrow, for whom it concerns; of one month, for
a payee. JSON, or CSV with `?format=csv`."""

from aws_lambda_powertools.event_handler import Response

from emanet import bootstrap, schemas
from emanet.entrypoint import HttpFunction, escrow_id
from emanet.istanbul import day_of
from emanet.usecases import statements

app = lambda_handler = HttpFunction()


@app.get("/api/escrows/<id_>/statement")
def of_escrow(id_: str) -> Response[str]:
    known = escrow_id(id_)
    statement = statements.of_escrow(known, app.caller, bootstrap.store())
    return app.statement(statement, f"emanet-{known}")


@app.get("/api/statement")
def of_payee() -> Response[str]:
    now = day_of(bootstrap.clock()).isoformat()[:7]
    month = schemas.month(app.query("month", now))
    statement = statements.of_payee(month, app.caller, bootstrap.store())
    return app.statement(statement, f"emanet-{month}")
