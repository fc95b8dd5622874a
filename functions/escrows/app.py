"""/api/escrows: registered by the backend, read, shipped, delivered, released."""

from aws_lambda_powertools.event_handler import Response

from emanet import bootstrap, schemas, views
from emanet.entrypoint import HttpFunction, escrow_id, json_answer
from emanet.escrow import Role
from emanet.usecases import create_escrow, fulfil, read_escrows

app = lambda_handler = HttpFunction()


@app.post("/api/escrows")
def create() -> Response[str]:
    order = app.body(schemas.CreateBody).order()
    escrow, is_new = create_escrow.create_escrow(
        order, app.caller, merchant=bootstrap.merchant(), desk=bootstrap.desk()
    )
    return app.answer(escrow, 201 if is_new else 200)


@app.get("/api/escrows")
def list_() -> Response[str]:
    role = Role(schemas.listed(app.query("as", "payer"), ("payer", "payee"), "as"))
    escrows = read_escrows.list_escrows(role, app.caller, store=bootstrap.store())
    shown = [views.escrow_view(e, app.caller, bootstrap.clock()) for e in escrows]
    return json_answer({"escrows": shown})


@app.get("/api/escrows/<id_>")
def read(id_: str) -> Response[str]:
    store = bootstrap.store()
    return app.answer(read_escrows.read_escrow(escrow_id(id_), app.caller, store=store))


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
    return app.answer(
        fulfil.release(escrow_id(id_), word, app.caller, bootstrap.desk())
    )
