"""The payments that tds_initial or PAYNET's form opened: the bank's answer to each, and
the one charge that comes of it. Every method is atomic."""

import secrets
from dataclasses import replace
from enum import StrEnum

from local.paynet_simulator import cards
from local.paynet_simulator.cards import Card, Decline
from local.paynet_simulator.ledger import Ledger
from local.paynet_simulator.records import (
    Escrow,
    Form,
    FormCharge,
    Payment,
    Session,
    StoredCard,
    ThreeDs,
    Transaction,
)
from local.paynet_simulator.vault import Vault

PASSWORD_TRIES = 3


class Verdict(StrEnum):
    """What a tds_charge, or a form's charge, came to."""

    NO_SESSION = "no session"
    UNMATCHED = "unmatched"
    FAILED_3D = "3-D not passed"
    USED_SESSION = "used session"
    BOOKED = "booked"
    REPEATED = "repeated"


class Sessions:
    def __init__(self, ledger: Ledger) -> None:
        self.vault = Vault(ledger)
        self._ledger = ledger
        self._settings = ledger.settings
        self._now = ledger.now
        self._lock = ledger.lock
        self._sessions: dict[str, Session] = {}
        self._forms: dict[str, Form] = {}
        self._charge_calls: dict[str, int] = {}

    def open_session(self, payment: Payment) -> Session:
        session = Session(
            secrets.token_hex(16), secrets.token_urlsafe(24), payment, self._now()
        )
        with self._lock:
            self._sessions[session.session_id] = session
        return session

    def open_form(
        self, amount_minor: int, domain: str, ratio_code: str, *, tds_required: bool
    ) -> Form:
        """A page shows PAYNET's form; no card is known yet."""
        form = Form(
            session_id=secrets.token_hex(16),
            amount_minor=amount_minor,
            domain=domain,
            tds_required=tds_required,
            ratio_code=ratio_code,
            opened_at_s=self._now(),
        )
        with self._lock:
            self._forms[form.session_id] = form
        return form

    def form(self, session_id: str) -> Form | None:
        with self._lock:
            form = self._forms.get(session_id)
            return None if form is None or self._is_old(form.opened_at_s) else form

    def fill_in(self, form: Form, payment: Payment, *, is_tds: bool) -> Session | None:
        """A card for the form, with a new token; an earlier token is worth nothing from
        now on. None: the form is paid."""
        with self._lock:
            before = self._sessions.get(form.session_id)
            if before is not None and before.transaction is not None:
                return None
            session = Session(
                form.session_id,
                secrets.token_urlsafe(24),
                payment,
                form.opened_at_s,
                three_ds=ThreeDs.OPEN if is_tds else ThreeDs.PASSED,
                is_tds=is_tds,
                form=form,
            )
            self._sessions[form.session_id] = session
            return session

    def session(self, session_id: str, token_id: str) -> Session | None:
        with self._lock:
            session = self._sessions.get(session_id)
        if session is None or not _same(session.token_id, token_id):
            return None
        return session

    def sessions(self, reference_no: str | None = None) -> list[Session]:
        with self._lock:
            return [
                session
                for session in self._sessions.values()
                if reference_no in {None, session.payment.reference_no}
            ]

    def has_reference(self, reference_no: str) -> bool:
        return bool(self.sessions(reference_no))

    def answer_bank(self, session: Session, password: str) -> ThreeDs:
        with self._lock:
            if session.three_ds is ThreeDs.OPEN:
                session.three_ds = self._judged(session, password)
            return session.three_ds

    def cancel_at_bank(self, session: Session) -> ThreeDs:
        with self._lock:
            if session.three_ds is ThreeDs.OPEN:
                session.three_ds = ThreeDs.FAILED
            return session.three_ds

    def count_charge_call(self, session_id: str) -> tuple[int, Card | None]:
        """The how-manieth charge of this session it is, and the session's card."""
        with self._lock:
            call = self._charge_calls.get(session_id, 0) + 1
            self._charge_calls[session_id] = call
            session = self._sessions.get(session_id)
            return call, session.payment.card if session else None

    def charge_calls(self, session_id: str) -> int:
        with self._lock:
            return self._charge_calls.get(session_id, 0)

    def charge(
        self, session_id: str, token_id: str, told: FormCharge | None = None
    ) -> tuple[Verdict, Session | None]:
        """Books the session's transaction once, however many callers there are. `told`
        belongs to a form's session, and only to one."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None or self._outlived(session):
                return Verdict.NO_SESSION, None
            if (session.form is None) is not (told is None):
                return Verdict.NO_SESSION, None
            if not _same(session.token_id, token_id) or _differs(session, told):
                return Verdict.UNMATCHED, None
            if session.three_ds is not ThreeDs.PASSED:
                return Verdict.FAILED_3D, session
            if session.transaction is not None:
                return self._repeated(session.transaction), session
            self._take(session, told)
            return Verdict.BOOKED, session

    def clear(self) -> None:
        with self._lock:
            self.vault.clear()
            self._sessions.clear()
            self._forms.clear()
            self._charge_calls.clear()

    def _judged(self, session: Session, password: str) -> ThreeDs:
        if session.payment.card.refuses_3d:
            return ThreeDs.FAILED
        if _same(password, session.payment.card.password):
            return ThreeDs.PASSED
        session.wrong_passwords += 1
        spent = session.wrong_passwords >= PASSWORD_TRIES
        return ThreeDs.FAILED if spent else ThreeDs.OPEN

    def _outlived(self, session: Session) -> bool:
        """Too old to charge; what was charged in time can still be asked for."""
        return session.transaction is None and self._is_old(session.opened_at_s)

    def _is_old(self, opened_at_s: float) -> bool:
        return self._now() - opened_at_s > self._settings.session_life_s

    def _repeated(self, transaction: Transaction) -> Verdict:
        used = self._settings.declined_repeat == "used_session"
        if not transaction.succeeded:
            return Verdict.USED_SESSION if used else Verdict.BOOKED
        return Verdict.REPEATED

    def _take(self, session: Session, told: FormCharge | None) -> None:
        """The transaction, and the card if it shall be stored."""
        if told is not None:
            named = replace(session.payment, reference_no=told.reference_no)
            session.payment = named
        session.transaction = self._book(session)
        if session.transaction.succeeded:
            session.saved = self._save(session.payment)

    def _book(self, session: Session) -> Transaction:
        payment = session.payment
        decline = self._decline(payment)
        return self._ledger.write(
            payment.reference_no,
            payment.amount_minor + payment.card.books_extra_minor,
            succeeded=decline is None,
            card_masked=payment.card_masked,
            card_holder=payment.card_holder,
            is_tds=session.is_tds,
            instalment=payment.instalment,
            ratio=payment.ratio,
            decline=decline,
            escrow=Escrow.HELD if decline is None and payment.is_escrow else None,
        )

    def _decline(self, payment: Payment) -> Decline | None:
        if payment.card_hash and not self._settings.deleted_card_charges:
            gone = self.vault.find(payment.card_hash) is None
            return cards.DELETED if gone else payment.card.decline
        return payment.card.decline

    def _save(self, payment: Payment) -> StoredCard | None:
        if payment.saving is None or self._settings.save_card_result == "refused":
            return None
        return self.vault.store(payment.saving)


def _differs(session: Session, told: FormCharge | None) -> bool:
    return bool(session.form and told and not told.is_of(session.form))


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())
