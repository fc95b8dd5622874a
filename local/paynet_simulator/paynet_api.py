"""PAYNET's own calls: tds_initial, tds_charge, check, detail. It reads a message, asks
the books, and answers; a card's number ends here."""

import hashlib
import hmac
from urllib.parse import urlencode

from flask import Blueprint, Response, g, render_template, request, url_for

from local.paynet_simulator import answers, cards, messages, wire
from local.paynet_simulator.books import Books, Payment, Session, Transaction, Verdict
from local.paynet_simulator.faults import Faults
from local.paynet_simulator.settings import Settings
from local.paynet_simulator.traffic import Visit

INITIAL = "/v2/transaction/tds_initial"
CHARGE = "/v2/transaction/tds_charge"
CHECK = "/v1/transaction/check"
DETAIL = "/v1/transaction/detail"


class PaynetApi:
    def __init__(
        self, secret_key: str, books: Books, settings: Settings, faults: Faults
    ) -> None:
        # Enough to recognise the key, not enough to tell it.
        self._key_digest = _digest(f"Basic {secret_key}")
        self._books = books
        self._settings = settings
        self._faults = faults

    def blueprint(self) -> Blueprint:
        routes = Blueprint("paynet", __name__)
        routes.before_request(self._require_key)
        for path, call in (
            (INITIAL, self.tds_initial),
            (CHARGE, self.tds_charge),
            (CHECK, self.check),
            (DETAIL, self.detail),
        ):
            routes.add_url_rule(path, view_func=call, methods=["POST"])
        return routes

    def tds_initial(self) -> Response:
        asked = messages.read(
            messages.TdsInitial,
            _body(),
            numbers=self._settings.numeric_amounts_accepted,
        )
        if self._settings.used_reference_refused and self._books.has_reference(
            asked.reference_no
        ):
            return self._said(wire.DUPLICATE_DATA, "Tekrarlanan veri")
        card = cards.known(asked.pan.get_secret_value())
        if card is None:
            return self._said(wire.WRONG_CARD, "Hatalı kart bilgisi")
        session = self._books.open_session(_payment(asked, card))
        _visit().session_id = session.session_id
        return wire.answer(self._opened(session))

    def tds_charge(self) -> Response:
        asked = messages.read(messages.TdsCharge, _body())
        call, card = self._books.count_charge_call(asked.session_id)
        fault = card.fault_at(call) if card else None
        if fault and fault.when == "before":
            instead = self._faults.instead(fault)
            if instead is not None:
                return instead
        elif fault and g.fault is None:
            g.fault = fault
        verdict, session = self._books.charge(asked.session_id, asked.token_id)
        return wire.answer(self._charge_body(verdict, session))

    def check(self) -> Response:
        asked = messages.read(messages.Check, _body())
        found = self._books.find(reference_no=asked.reference_no, xact_id=asked.xact_id)
        return self._listed(found, detail=False)

    def detail(self) -> Response:
        asked = messages.read(messages.Detail, _body())
        found = self._books.find(
            reference_no=asked.reference_no,
            xact_id=asked.xact_id,
            number=asked.id if asked.id is not None else asked.xact,
        )
        return self._listed(found, detail=True)

    def _require_key(self) -> None:
        sent = _digest(request.headers.get("Authorization", ""))
        if not hmac.compare_digest(sent, self._key_digest):
            raise wire.Refused(
                401, "authorization_error", wire.UNAUTHORIZED, "Yetkisiz erişim"
            )

    def _opened(self, session: Session) -> wire.Body:
        ids = {"session_id": session.session_id, "token_id": session.token_id}
        page = url_for("bank.page", _external=True)
        with_ids = self._settings.post_url == "with_parameters"
        return answers.envelope(
            self._settings,
            wire.SUCCESS,
            answers.SUCCEEDED,
            **ids,
            post_url=f"{page}?{urlencode(ids)}" if with_ids else page,
            html_content=render_template("hop.html", action=page, fields=ids),
        )

    def _charge_body(self, verdict: Verdict, session: Session | None) -> wire.Body:
        if verdict in _NOT_CHARGED:
            return answers.not_charged(self._settings, *_NOT_CHARGED[verdict])
        if session is None or session.transaction is None:
            raise AssertionError("a booked charge has a session and a transaction")
        row = session.transaction
        if not row.succeeded:
            return answers.declined(self._settings, session, row)
        if verdict is Verdict.BOOKED:
            code, message = wire.SUCCESS, answers.SUCCEEDED
        else:
            code, message = session.payment.card.repeat_code, answers.SUCCEEDED_BEFORE
        return answers.charged(self._settings, code, message, session, row)

    def _listed(self, found: list[Transaction], *, detail: bool) -> Response:
        if found:
            return wire.answer(answers.rows(self._settings, found, detail=detail))
        if self._settings.unknown_reference == "not_found":
            raise wire.Refused(404, "no_data_error", wire.NO_DATA, "İşlem bulunamadı")
        return self._said(wire.NO_DATA, "Kayıt bulunamadı", Data=[])

    def _said(self, code: int, message: str, **fields: object) -> Response:
        return wire.answer(answers.envelope(self._settings, code, message, **fields))


_NOT_CHARGED = {
    Verdict.NO_SESSION: (wire.NO_SESSION, "Oturum bulunamadı"),
    Verdict.UNMATCHED: (wire.UNMATCHED, "Oturum ve anahtar eşleşmiyor"),
    Verdict.FAILED_3D: (wire.FAILED_3D, "3D doğrulama başarısız"),
    Verdict.USED_SESSION: (wire.USED_SESSION, "Oturum kullanılmış"),
}


def _body() -> wire.Body:
    body = wire.body_of(request)
    _visit().note(body)
    return body


def _visit() -> Visit:
    visit: Visit = g.visit
    return visit


def _payment(asked: messages.TdsInitial, card: cards.Card) -> Payment:
    return Payment(
        reference_no=asked.reference_no,
        amount_minor=asked.amount_minor,
        return_url=asked.return_url,
        domain=asked.domain,
        card=card,
        card_masked=cards.masked(asked.pan.get_secret_value()),
        card_holder=asked.card_holder,
        instalment=asked.instalment,
    )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
