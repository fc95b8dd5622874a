"""The payments that tds_initial opened: the bank's answer to each, and the one charge
that comes of it. Every method is atomic."""

import secrets
from enum import StrEnum

from local.paynet_simulator.cards import Card
from local.paynet_simulator.ledger import Ledger
from local.paynet_simulator.records import (
    Escrow,
    Payment,
    Session,
    ThreeDs,
    Transaction,
)

PASSWORD_TRIES = 3


class Verdict(StrEnum):
    """What a tds_charge came to."""

    NO_SESSION = "no session"
    UNMATCHED = "unmatched"
    FAILED_3D = "3-D not passed"
    USED_SESSION = "used session"
    BOOKED = "booked"
    REPEATED = "repeated"


class Sessions:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._settings = ledger.settings
        self._now = ledger.now
        self._lock = ledger.lock
        self._sessions: dict[str, Session] = {}
        self._charge_calls: dict[str, int] = {}

    def open_session(self, payment: Payment) -> Session:
        session = Session(
            secrets.token_hex(16), secrets.token_urlsafe(24), payment, self._now()
        )
        with self._lock:
            self._sessions[session.session_id] = session
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
        """The how-manieth tds_charge of this session it is, and the session's card."""
        with self._lock:
            call = self._charge_calls.get(session_id, 0) + 1
            self._charge_calls[session_id] = call
            session = self._sessions.get(session_id)
            return call, session.payment.card if session else None

    def charge_calls(self, session_id: str) -> int:
        with self._lock:
            return self._charge_calls.get(session_id, 0)

    def charge(self, session_id: str, token_id: str) -> tuple[Verdict, Session | None]:
        """Books the session's transaction once, however many callers there are."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None or self._outlived(session):
                return Verdict.NO_SESSION, None
            if not _same(session.token_id, token_id):
                return Verdict.UNMATCHED, None
            if session.three_ds is not ThreeDs.PASSED:
                return Verdict.FAILED_3D, session
            if session.transaction is not None:
                return self._repeated(session.transaction), session
            session.transaction = self._book(session.payment)
            return Verdict.BOOKED, session

    def clear(self) -> None:
        with self._lock:
            self._sessions.clear()
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
        age_s = self._now() - session.opened_at_s
        return session.transaction is None and age_s > self._settings.session_life_s

    def _repeated(self, transaction: Transaction) -> Verdict:
        used = self._settings.declined_repeat == "used_session"
        if not transaction.succeeded:
            return Verdict.USED_SESSION if used else Verdict.BOOKED
        return Verdict.REPEATED

    def _book(self, payment: Payment) -> Transaction:
        pays = payment.card.decline is None
        return self._ledger.write(
            payment.reference_no,
            payment.amount_minor + payment.card.books_extra_minor,
            succeeded=pays,
            card_masked=payment.card_masked,
            card_holder=payment.card_holder,
            decline=payment.card.decline,
            escrow=Escrow.HELD if pays and payment.is_escrow else None,
        )


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())
