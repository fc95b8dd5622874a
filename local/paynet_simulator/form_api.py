"""PAYNET's own form in a payer's browser: its script, and what the script calls with
the publishable key from any page. It takes no money; a card's number ends here."""

from pathlib import Path

from flask import Blueprint, Response, request, url_for

from local.paynet_simulator import (
    answers,
    card_answers,
    cards,
    door,
    messages,
    ratios,
    wire,
)
from local.paynet_simulator import card_messages as said
from local.paynet_simulator.books import Books
from local.paynet_simulator.records import CardFace, Form, Payment
from local.paynet_simulator.settings import Settings

SCRIPT = "/public/js/paynet-custom.min.js"
AUTH = "/v1/paynetj/auth"
CHECK_BIN = "/v1/paynetj/check_bin"
CREATE_TOKEN = "/v1/paynetj/create_token"  # noqa: S105 - a path

MERCHANT = "Simülatör İş Yeri"
SOURCE = Path(__file__).with_name("paynet_custom.js").read_text("utf-8")

# A page of any origin may call; a browser asks first (OPTIONS), without a key.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
}


class FormApi:
    def __init__(self, key: door.Key, books: Books, settings: Settings) -> None:
        self._key = key
        self._books = books
        self._settings = settings

    def script_blueprint(self) -> Blueprint:
        routes = Blueprint("form_script", __name__)
        routes.add_url_rule(SCRIPT, view_func=_script)
        return routes

    def blueprint(self) -> Blueprint:
        routes = Blueprint("form", __name__)
        routes.before_request(self._require_key)
        routes.after_request(_for_any_page)
        for path, call in (
            (AUTH, self.auth),
            (CHECK_BIN, self.check_bin),
            (CREATE_TOKEN, self.create_token),
        ):
            routes.add_url_rule(path, view_func=call, methods=["POST"])
        return routes

    def auth(self) -> Response:
        asked = messages.read(said.FormAuth, door.body())
        form = self._books.open_form(
            asked.amount_minor,
            asked.domain,
            asked.ratio_code or "",
            tds_required=asked.tds_required,
        )
        door.visit().session_id = form.session_id
        ends_s = form.opened_at_s + self._settings.session_life_s
        return self._said(
            session_id=form.session_id,
            expire_date=wire.istanbul(ends_s).strftime("%Y-%m-%dT%H:%M:%S"),
            name=MERCHANT,
            tds_required=self._settings.tds_required,
        )

    def check_bin(self) -> Response:
        asked = messages.read(said.CheckBin, door.body())
        form = self._form(asked.session_id)
        bin_ = asked.bin
        if not (bin_.isascii() and bin_.isdigit() and len(bin_) >= cards.BIN_DIGITS):
            raise wire.bad_request("bin", wire.WRONG_BIN)
        bank = ratios.bank_of(bin_)
        priced = ratios.prices(
            bank,
            form.amount_minor,
            on_top=False,
            discount=self._settings.ratios_discount,
        )
        offered = [
            card_answers.price(self._settings, price, form.ratio_code)
            for price in priced
            if price.instalment == ratios.SINGLE or not asked.no_instalment
        ]
        told = card_answers.bank(self._settings, bank)
        return self._said(**told, tds_enable=True, data=offered)

    def create_token(self) -> Response:
        asked = messages.read(said.CreateToken, door.body())
        self._key.require_as(asked.token)
        form = self._form(asked.session_id)
        face = self._books.vault.face(
            asked.pan.get_secret_value(), asked.card_holder, asked.month, asked.year
        )
        if face is None:
            raise wire.bad_request("Hatalı kart bilgisi", wire.WRONG_CARD)
        payment = self._payment(form, face, asked.instalment_key)
        wanted = asked.do_3ds or form.tds_required
        is_tds = wanted or self._settings.tds_required
        session = self._books.fill_in(form, payment, is_tds=is_tds)
        if session is None:
            raise wire.bad_request("Oturum kullanılmış", wire.USED_SESSION)
        return self._said(
            is_tds=is_tds,
            token_id=session.token_id,
            post_url=url_for("bank.page", _external=True) if is_tds else "",
        )

    def _payment(self, form: Form, face: CardFace, key: str) -> Payment:
        discount = self._settings.ratios_discount
        bank = ratios.bank_of(face.masked)
        offered = ratios.prices(
            bank, form.amount_minor, on_top=False, discount=discount
        )
        chosen = next((price for price in offered if price.key == key), None)
        if chosen is None:
            raise wire.bad_request(answers.NOT_OFFERED, wire.UNSUCCESSFUL)
        single = chosen.instalment == ratios.SINGLE
        return Payment(
            reference_no="",
            amount_minor=form.amount_minor,
            return_url="",
            domain=form.domain,
            card=face.card,
            card_masked=face.masked,
            card_holder=face.holder,
            instalment=chosen.instalment,
            ratio=None if single else chosen.ratio,
        )

    def _form(self, session_id: str) -> Form:
        form = self._books.form(session_id)
        if form is None:
            raise wire.bad_request("Oturum bulunamadı", wire.NO_SESSION)
        return form

    def _require_key(self) -> None:
        if request.method != "OPTIONS":
            self._key.require()

    def _said(self, **fields: object) -> Response:
        return answers.said(self._settings, wire.SUCCESS, answers.SUCCEEDED, **fields)


def _script() -> Response:
    kind = "text/javascript; charset=utf-8"
    return Response(SOURCE, content_type=kind, headers={"Cache-Control": "no-cache"})


def _for_any_page(answer: Response) -> Response:
    answer.headers.update(CORS)
    return answer
