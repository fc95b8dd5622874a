"""POST /api/escrows/{escrow_id}/3d: the payer's card goes to PAYNET, the browser to
the bank; or, where no card shall be seen here, PAYNET's own form to the browser."""

from aws_lambda_powertools.event_handler import Response

from emanet import bootstrap, schemas, views
from emanet.entrypoint import HttpFunction, deadline, escrow_id
from emanet.usecases.initiate_3d import initiate_3d
from emanet.usecases.open_form import open_form
from emanet.usecases.starting import Start

app = lambda_handler = HttpFunction()


@app.post("/api/escrows/<id_>/3d")
def initiate(id_: str) -> Response[str]:
    return by_form(escrow_id(id_)) if bootstrap.is_hosted() else by_card(escrow_id(id_))


def by_card(id_: str) -> Response[str]:
    body = app.body(schemas.InitiateBody)
    payment = body.payment(bootstrap.card_consent_version())
    start, until = started(id_, body), deadline(app.event)
    escrow, session = initiate_3d(start, payment, app.caller, bootstrap.till(), until)
    return app.answer(escrow, 201, three_ds=views.three_ds(session, body.prefer))


def by_form(id_: str) -> Response[str]:
    start, desk = started(id_, app.body(schemas.FormBody)), bootstrap.desk()
    escrow, form = open_form(start, app.caller, desk, bootstrap.forms())
    return app.answer(escrow, 201, three_ds=views.own_form(form))


def started(id_: str, body: schemas.FormBody) -> Start:
    return Start(
        escrow_id=id_,
        return_to=schemas.listed(body.return_to, bootstrap.return_pages(), "return_to"),
        base_url=bootstrap.public_base_url() or app.own_url,
        is_escrow=bootstrap.in_paynet_escrow(),
    )
