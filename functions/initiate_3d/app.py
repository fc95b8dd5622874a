"""POST /api/escrows/{escrow_id}/3d: the payer's card goes to PAYNET, the browser to the
bank."""

from aws_lambda_powertools.event_handler import Response

from emanet import bootstrap, schemas, views
from emanet.entrypoint import HttpFunction, deadline, escrow_id
from emanet.usecases.initiate_3d import Start, initiate_3d

app = lambda_handler = HttpFunction()


@app.post("/api/escrows/<id_>/3d")
def initiate(id_: str) -> Response[str]:
    body = app.body(schemas.InitiateBody)
    start = Start(
        escrow_id=escrow_id(id_),
        card=body.card.card(),
        return_to=schemas.listed(body.return_to, bootstrap.return_pages(), "return_to"),
        base_url=bootstrap.public_base_url() or app.own_url,
        is_escrow=bootstrap.in_paynet_escrow(),
    )
    escrow, session = initiate_3d(
        start,
        app.caller,
        desk=bootstrap.desk(),
        gateway=bootstrap.gateway(),
        deadline=deadline(app.event),
    )
    return app.answer(escrow, 201, three_ds=views.three_ds(session, body.prefer))
