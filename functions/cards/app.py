"""What a payer may pay with: instalments for a card, priced and signed, and his stored
cards."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from emanet import bootstrap, payment_views, schemas
from emanet.entrypoint import HttpFunction, card_id, deadline, escrow_id, json_answer
from emanet.usecases.offer_instalments import offer_instalments

app = lambda_handler = HttpFunction()


@app.get("/api/instalments")
def instalments() -> Response[str]:
    known = escrow_id(app.query("escrow", ""))
    bin_ = schemas.card_bin(app.query("bin", ""))
    pricing, until = bootstrap.pricing(), deadline(app.event)
    offered = offer_instalments(known, bin_, app.caller, pricing, until)
    key = bootstrap.quote_key()
    return json_answer(payment_views.offers_view(offered, key, app.language))


@app.get("/api/cards")
def stored() -> Response[str]:
    cards = bootstrap.card_book().listed(app.caller.sub, deadline(app.event))
    version = "" if bootstrap.is_hosted() else bootstrap.card_consent_version()
    now = bootstrap.clock()
    return json_answer(payment_views.cards_view(cards, version, now))


@app.delete("/api/cards/<id_>")
def delete(id_: str) -> Response[str]:
    bootstrap.card_book().delete(app.caller.sub, card_id(id_), deadline(app.event))
    return Response(HTTPStatus.NO_CONTENT)
