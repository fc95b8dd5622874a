"""PAYNET's own truth: sessions, transactions and the money taken, under one lock. It
keeps the first six and last four digits of a card and never its number or CVC."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from threading import RLock
from typing import Any

from local.paynet_simulator.cards import Card, Decline
from local.paynet_simulator.settings import Settings

SALE, REVERSAL = 1, 2
PASSWORD_TRIES = 3


class ThreeDs(StrEnum):
    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"


class Verdict(StrEnum):
    """What a tds_charge came to."""

    NO_SESSION = "no session"
    UNMATCHED = "unmatched"
    FAILED_3D = "3-D not passed"
    USED_SESSION = "used session"
    BOOKED = "booked"
    REPEATED = "repeated"


@dataclass(frozen=True)
class Payment:
    """What tds_initial asks for, without what may not be kept."""

    reference_no: str
    amount_minor: int
    return_url: str = field(repr=False)
    domain: str
    card: Card
    card_masked: str
    card_holder: str
    instalment: int | None = None


@dataclass
class Transaction:
    number: int
    xact_id: str
    reference_no: str
    amount_minor: int
    succeeded: bool
    at_s: float
    transaction_type: int = SALE
    card_masked: str = ""
    card_holder: str = ""
    decline: Decline | None = None
    reversed: bool = False
    reversed_xact_id: str | None = None


@dataclass
class Session:
    session_id: str
    token_id: str = field(repr=False)
    payment: Payment
    opened_at_s: float
    three_ds: ThreeDs = ThreeDs.OPEN
    wrong_passwords: int = 0
    transaction: Transaction | None = None


class Books:
    """Everything PAYNET knows. Every method is atomic."""

    def __init__(self, settings: Settings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self._lock = RLock()
        self._sessions: dict[str, Session] = {}
        self._transactions: list[Transaction] = []
        self._charge_calls: dict[str, int] = {}

    # What PAYNET is asked to do

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

    def plant(
        self,
        reference_no: str,
        amount_minor: int,
        *,
        succeeded: bool = True,
        transaction_type: int = SALE,
    ) -> Transaction:
        """A transaction that came by another hand than a session of ours."""
        with self._lock:
            return self._write(
                reference_no,
                amount_minor,
                succeeded=succeeded,
                transaction_type=transaction_type,
            )

    def reverse(self, xact_id: str) -> Transaction:
        """Takes a whole sale back; the reversal is a row of its own."""
        with self._lock:
            sale = next(t for t in self._transactions if t.xact_id == xact_id)
            reversal = self._write(
                sale.reference_no, sale.amount_minor, transaction_type=REVERSAL
            )
            sale.reversed, sale.reversed_xact_id = True, reversal.xact_id
            return reversal

    # What PAYNET is asked about

    def find(
        self,
        *,
        reference_no: str | None = None,
        xact_id: str | None = None,
        number: int | None = None,
    ) -> list[Transaction]:
        """Every transaction that matches all that is given, oldest first."""
        with self._lock:
            return [
                found
                for found in self._transactions
                if reference_no in {None, found.reference_no}
                and xact_id in {None, found.xact_id}
                and number in {None, found.number}
            ]

    def has_reference(self, reference_no: str) -> bool:
        with self._lock:
            return any(
                session.payment.reference_no == reference_no
                for session in self._sessions.values()
            )

    # What a test asks

    def taken_minor(self, reference_no: str) -> int:
        """Kuruş captured for the reference and not given back."""
        return sum(t.amount_minor for t in self._sales(reference_no) if not t.reversed)

    def charges(self, reference_no: str) -> int:
        """How many times money was taken for the reference, given back or not."""
        return len(self._sales(reference_no))

    def charge_calls(self, session_id: str) -> int:
        with self._lock:
            return self._charge_calls.get(session_id, 0)

    def sessions(self, reference_no: str | None = None) -> list[Session]:
        with self._lock:
            return [
                session
                for session in self._sessions.values()
                if reference_no in {None, session.payment.reference_no}
            ]

    def clear(self) -> None:
        with self._lock:
            self._sessions.clear()
            self._transactions.clear()
            self._charge_calls.clear()

    def view(self, reference_no: str | None = None) -> dict[str, Any]:
        """The books as JSON; without tokens and return addresses, which are secrets."""
        with self._lock:
            rows = self.find(reference_no=reference_no)
            sessions = self.sessions(reference_no)
            references = {row.reference_no for row in rows} | {
                session.payment.reference_no for session in sessions
            }
            return {
                "taken_minor": {one: self.taken_minor(one) for one in references},
                "charges": {one: self.charges(one) for one in references},
                "transactions": [transaction_view(row) for row in rows],
                "sessions": [self._session_view(session) for session in sessions],
            }

    def _session_view(self, session: Session) -> dict[str, Any]:
        return {
            "session_id": session.session_id,
            "reference_no": session.payment.reference_no,
            "amount_minor": session.payment.amount_minor,
            "card": session.payment.card_masked,
            "three_ds": session.three_ds,
            "charge_calls": self.charge_calls(session.session_id),
            "charged": session.transaction is not None,
        }

    def _sales(self, reference_no: str) -> list[Transaction]:
        return [
            row
            for row in self.find(reference_no=reference_no)
            if row.succeeded and row.transaction_type == SALE
        ]

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
        return self._write(
            payment.reference_no,
            payment.amount_minor + payment.card.books_extra_minor,
            succeeded=payment.card.decline is None,
            card_masked=payment.card_masked,
            card_holder=payment.card_holder,
            decline=payment.card.decline,
        )

    def _write(
        self,
        reference_no: str,
        amount_minor: int,
        *,
        succeeded: bool = True,
        **details: Any,
    ) -> Transaction:
        transaction = Transaction(
            number=len(self._transactions) + 700_001,
            xact_id=_new_xact_id(),
            reference_no=reference_no,
            amount_minor=amount_minor,
            succeeded=succeeded,
            at_s=self._now(),
            **details,
        )
        self._transactions.append(transaction)
        return transaction


def transaction_view(row: Transaction) -> dict[str, Any]:
    return {
        "id": row.number,
        "xact_id": row.xact_id,
        "reference_no": row.reference_no,
        "amount_minor": row.amount_minor,
        "succeeded": row.succeeded,
        "transaction_type": row.transaction_type,
        "card": row.card_masked,
        "reversed": row.reversed,
        "reversed_xact_id": row.reversed_xact_id,
    }


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


def _new_xact_id() -> str:
    # PAYNET's carry these three signs: whoever forgets to quote them shall notice.
    return f"xk_{secrets.token_hex(8)}+{secrets.token_hex(8)}/{secrets.token_hex(4)}*"
