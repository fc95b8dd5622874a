"""/api/escrows: registered by the backend, read, shipped, delivered, released."""

from aws_lambda_powertools.event_handler import Response

from emanet import bootstrap, schemas
from emanet.entrypoint import HttpFunction, escrow_id
from emanet.usecases import fulfil
from emanet.usecases.create_escrow import create_escrow
from emanet.usecases.read_escrows import list_escrows, read_escrow

app = lambda_handler = HttpFunction()


@app.post("/api/escrows")
def create() -> Response[str]:
    order = app.body(schemas.CreateBody).order()
    desk, merchant = bootstrap.desk(), bootstrap.merchant()
    escrow, is_new = create_escrow(order, app.caller, merchant, desk)
    return app.answer(escrow, 201 if is_new else 200)


@app.get("/api/escrows")
def list_own() -> Response[str]:
    role = schemas.listed_role(app.query("as", "payer"))
    return app.answers(list_escrows(role, app.caller, bootstrap.store()))


@app.get("/api/escrows/<id_>")
def read(id_: str) -> Response[str]:
    return app.answer(read_escrow(escrow_id(id_), app.caller, bootstrap.store()))


@app.post("/api/escrows/<id_>/ship")
def ship(id_: str) -> Response[str]:
    parcel = app.body(schemas.ShipBody).parcel()
    return app.answer(fulfil.ship(escrow_id(id_), parcel, app.caller, bootstrap.desk()))


@app.post("/api/escrows/<id_>/deliver")
def deliver(id_: str) -> Response[str]:
    app.body(schemas.EmptyBody)
    return app.answer(fulfil.deliver(escrow_id(id_), app.caller, bootstrap.desk()))


@app.post("/api/escrows/<id_>/release")
def release(id_: str) -> Response[str]:
    word = app.body(schemas.ReleaseBody).confirmation(app.header("idempotency-key"))
    escrow = fulfil.release(escrow_id(id_), word, app.caller, bootstrap.desk())
    return app.answer(escrow)
