"""PAYNET's own calls: tds_initial, tds_charge, a form's charge, check, detail. It reads
a message, asks the books, and answers; a card's number ends here."""

from urllib.parse import urlencode

from flask import Blueprint, Response, g, render_template, url_for

from local.paynet_simulator import answers, door, messages, ratios, wire
from local.paynet_simulator import card_messages as said
from local.paynet_simulator.books import Books
from local.paynet_simulator.card_api import NO_CARD, NO_OWNER, WRONG_CARD
from local.paynet_simulator.faults import Faults
from local.paynet_simulator.messages import StoredCardPayment, TypedCardPayment
from local.paynet_simulator.records import (
    CardFace,
    FormCharge,
    NewCard,
    Payment,
    Session,
    Transaction,
)
from local.paynet_simulator.sessions import Verdict
from local.paynet_simulator.settings import Settings

INITIAL = "/v2/transaction/tds_initial"
CHARGE = "/v2/transaction/tds_charge"
FORM_CHARGE = "/v1/transaction/charge"
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
            (FORM_CHARGE, self.charge),
            (CHECK, self.check),
            (DETAIL, self.detail),
        ):
            routes.add_url_rule(path, view_func=call, methods=["POST"])
        return routes

    def tds_initial(self) -> Response:
        asked = messages.read_payment(
            door.body(), context=self._settings.numeric_amounts_accepted
        )
        try:
            self._require_permission(asked)
            session = self._books.open_session(self._payment(asked))
        except wire.TurnedDown as no:
            return answers.said(self._settings, no.code, no.message)
        door.visit().session_id = session.session_id
        return wire.answer(self._opened(session))

    def tds_charge(self) -> Response:
        asked = messages.read(messages.TdsCharge, door.body())
        instead = self._strike(asked.session_id)
        if instead is not None:
            return instead
        verdict, session = self._books.charge(asked.session_id, asked.token_id)
        return wire.answer(self._charge_body(verdict, session))

    def charge(self) -> Response:
        """The money of PAYNET's own form."""
        asked = messages.read(said.FormCharge, door.body())
        instead = self._strike(asked.session_id)
        if instead is not None:
            return instead
        told = FormCharge(
            amount_minor=asked.amount_minor,
            ratio_code=asked.ratio_code or "",
            adds_commission=asked.add_comission_amount,
            reference_no=asked.reference_no or "",
        )
        verdict, session = self._books.charge(asked.session_id, asked.token_id, told)
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

    def _strike(self, session_id: str) -> Response | None:
        """What the session's card does to this charge: an answer instead of it, or a
        fault of its answer."""
        call, card = self._books.count_charge_call(session_id)
        fault = card.fault_at(call) if card else None
        if fault and fault.when == "before":
            return self._faults.instead(fault)
        if fault and g.fault is None:
            g.fault = fault
        return None

    def _require_permission(self, asked: messages.TdsInitial) -> None:
        settings = self._settings
        if asked.is_escrow and settings.escrow_permission == "off":
            raise wire.TurnedDown(wire.UNAUTHORIZED, answers.NO_PERMISSION)
        used = self._books.has_reference(asked.reference_no)
        if used and settings.used_reference_refused:
            raise wire.TurnedDown(wire.DUPLICATE_DATA, "Tekrarlanan veri")

    def _payment(self, asked: TypedCardPayment | StoredCardPayment) -> Payment:
        if isinstance(asked, StoredCardPayment):
            face = self._stored_face(asked)
            saving, card_hash = None, asked.card_hash
        else:
            face = self._typed_face(asked)
            saving, card_hash = self._saving(asked, face), None
        return Payment(
            reference_no=asked.reference_no,
            amount_minor=asked.amount_minor,
            return_url=asked.return_url,
            domain=asked.domain,
            card=face.card,
            card_masked=face.masked,
            card_holder=face.holder,
            instalment=asked.instalment,
            ratio=self._ratio(face, asked.instalment or ratios.SINGLE),
            is_escrow=asked.is_escrow,
            card_hash=card_hash,
            saving=saving,
        )

    def _typed_face(self, asked: TypedCardPayment) -> CardFace:
        face = self._books.vault.face(
            asked.pan.get_secret_value(), asked.card_holder, asked.month, asked.year
        )
        if face is None:
            raise wire.TurnedDown(wire.WRONG_CARD, WRONG_CARD)
        return face

    def _stored_face(self, asked: StoredCardPayment) -> CardFace:
        vault = self._books.vault
        card = vault.find(
            asked.card_hash,
            card_owner_id=asked.card_owner_id,
            user_unique_id=asked.user_unique_id,
        )
        if card is None:
            raise wire.TurnedDown(wire.CARD_NOT_FOUND, NO_CARD)
        if vault.is_expired(card):
            raise wire.TurnedDown(wire.WRONG_CARD, WRONG_CARD)
        return card.face

    def _saving(self, asked: TypedCardPayment, face: CardFace) -> NewCard | None:
        if not asked.save_card:
            return None
        user, owner = asked.user_unique_id, asked.card_owner_id
        if not self._books.vault.knows_owner(user, owner):
            raise wire.TurnedDown(wire.NO_DATA, NO_OWNER)
        return NewCard(face, asked.card_desc or "", user, owner)

    def _ratio(self, face: CardFace, instalment: int) -> int | None:
        """Of a single payment none: PAYNET's usual commission."""
        bank = ratios.bank_of(face.masked)
        discount = self._settings.ratios_discount
        ratio = ratios.ratio_of(bank, instalment, discount=discount)
        if ratio is None:
            raise wire.TurnedDown(wire.UNSUCCESSFUL, answers.NOT_OFFERED)
        return None if instalment == ratios.SINGLE else ratio

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
        body = answers.form_charged if session.form else answers.charged
        code, message = self._said_of(verdict, session, row)
        return body(self._settings, code, message, session, row)

    def _said_of(
        self, verdict: Verdict, session: Session, row: Transaction
    ) -> tuple[int, str]:
        if not row.succeeded:
            reason = row.decline.turkish if row.decline else "Başarısız İşlem"
            return self._settings.declined_code, reason
        if verdict is Verdict.BOOKED:
            return wire.SUCCESS, answers.SUCCEEDED
        return session.payment.card.repeat_code, answers.SUCCEEDED_BEFORE

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
