"""/api/escrows: registered, read, and moved by the words of `allowed_actions`."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from emanet import bootstrap, schemas
from emanet.entrypoint import HttpFunction, escrow_id, named
from emanet.usecases import fulfil, pay_out
from emanet.usecases.create_escrow import create_escrow
from emanet.usecases.read_escrows import list_escrows, read_escrow

app = lambda_handler = HttpFunction()

WAYS: Mapping[str, tuple[Any, Any]] = {  # body and use case
    "ship": (schemas.ShipBody, fulfil.ship),
    "deliver": (schemas.EmptyBody, fulfil.deliver),
    "release": (schemas.MoneyBody, pay_out.release),
    "refund": (schemas.MoneyBody, pay_out.refund),
    "cancel": (schemas.EmptyBody, pay_out.cancel),
    "dispute": (schemas.DisputeBody, fulfil.dispute),
    "withdraw_dispute": (schemas.EmptyBody, fulfil.withdraw_dispute),
}


@app.post("/api/escrows")
def create() -> Response[str]:
    order, desk = app.body(schemas.CreateBody).order(), bootstrap.desk()
    escrow, is_new = create_escrow(order, app.caller, bootstrap.merchant(), desk)
    return app.answer(escrow, 201 if is_new else 200)


@app.get("/api/escrows")
def list_own() -> Response[str]:
    role = schemas.listed_role(app.query("as", "payer"))
    return app.answers(list_escrows(role, app.caller, bootstrap.store()))


@app.get("/api/escrows/<id_>")
def read(id_: str) -> Response[str]:
    return app.answer(read_escrow(escrow_id(id_), app.caller, bootstrap.store()))


@app.post("/api/escrows/<id_>/<action>")
def act(id_: str, action: str) -> Response[str]:
    body, use_case = named(action, WAYS)
    said = app.body(body).said(app.header("idempotency-key"))
    return app.answer(use_case(escrow_id(id_), *said, app.caller, bootstrap.desk()))
