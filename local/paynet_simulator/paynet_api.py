"""PAYNET's own calls: tds_initial, tds_charge, check, detail. It reads a message, asks
the books, and answers; a card's number ends here."""

from urllib.parse import urlencode

from flask import Blueprint, Response, g, render_template, url_for

from local.paynet_simulator import answers, cards, door, messages, wire
from local.paynet_simulator.books import Books
from local.paynet_simulator.faults import Faults
from local.paynet_simulator.records import Payment, Session, Transaction
from local.paynet_simulator.sessions import Verdict
from local.paynet_simulator.settings import Settings

INITIAL = "/v2/transaction/tds_initial"
CHARGE = "/v2/transaction/tds_charge"
CHECK = "/v1/transaction/check"
DETAIL = "/v1/transaction/detail"


class PaynetApi:
    def __init__(
        self, key: door.Key, books: Books, settings: Settings, faults: Faults
    ) -> None:
        self._key = key
        self._books = books
        self._settings = settings
        self._faults = faults

    def blueprint(self) -> Blueprint:
        routes = Blueprint("paynet", __name__)
        routes.before_request(self._key.require)
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
            door.body(),
            context=self._settings.numeric_amounts_accepted,
        )
        card = cards.known(asked.pan.get_secret_value())
        refused = self._refused(asked)
        if card is None or refused:
            code, message = refused or (wire.WRONG_CARD, "Hatalı kart bilgisi")
            return answers.said(self._settings, code, message)
        session = self._books.open_session(_payment(asked, card))
        door.visit().session_id = session.session_id
        return wire.answer(self._opened(session))

    def tds_charge(self) -> Response:
        asked = messages.read(messages.TdsCharge, door.body())
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
        asked = messages.read(messages.Check, door.body())
        found = self._books.find(reference_no=asked.reference_no, xact_id=asked.xact_id)
        return self._listed(found, detail=False)

    def detail(self) -> Response:
        asked = messages.read(messages.Detail, door.body())
        found = self._books.find(
            reference_no=asked.reference_no,
            xact_id=asked.xact_id,
            number=asked.id if asked.id is not None else asked.xact,
        )
        return self._listed(found, detail=True)

    def _refused(self, asked: messages.TdsInitial) -> tuple[int, str] | None:
        settings = self._settings
        if asked.is_escrow and settings.escrow_permission == "off":
            return wire.UNAUTHORIZED, answers.NO_PERMISSION
        used = self._books.has_reference(asked.reference_no)
        if used and settings.used_reference_refused:
            return wire.DUPLICATE_DATA, "Tekrarlanan veri"
        return None

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
        if not found:
            return answers.not_found(self._settings, Data=[])
        return wire.answer(answers.rows(self._settings, found, detail=detail))


_NOT_CHARGED = {
    Verdict.NO_SESSION: (wire.NO_SESSION, "Oturum bulunamadı"),
    Verdict.UNMATCHED: (wire.UNMATCHED, "Oturum ve anahtar eşleşmiyor"),
    Verdict.FAILED_3D: (wire.FAILED_3D, "3D doğrulama başarısız"),
    Verdict.USED_SESSION: (wire.USED_SESSION, "Oturum kullanılmış"),
}


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
        is_escrow=asked.is_escrow,
    )
