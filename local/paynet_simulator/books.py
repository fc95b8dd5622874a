"""PAYNET's own truth: sessions, transactions, the money taken and given back, under one
lock. It keeps a card's first six and last four digits, never its number or CVC."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from local.paynet_simulator import ratios, wire
from local.paynet_simulator.escrow import EscrowDesk, Updated
from local.paynet_simulator.ledger import Ledger
from local.paynet_simulator.records import (
    SALE,
    Escrow,
    Session,
    Transaction,
    Unknown,
    transaction_view,
)
from local.paynet_simulator.refunds import (
    Asked,
    Refund,
    RefundCalls,
    Refunds,
    RefundState,
    refund_view,
)
from local.paynet_simulator.sessions import Sessions
from local.paynet_simulator.settings import Settings


class Books(Sessions):
    """Everything PAYNET knows. Every method is atomic, and whoever looks sees what has
    come due by the clock: verdicts on refunds, escrows that PAYNET releases itself."""

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], float],
        announce: Callable[[Refund], None],
    ) -> None:
        super().__init__(Ledger(settings, now))
        self._refunds = Refunds(self._ledger, announce)
        self._escrow = EscrowDesk(self._ledger, self._refunds)

    def rooms(self) -> list[object]:
        """All that keep something."""
        return [self, self.vault, self._ledger, self._refunds]

    # What PAYNET is asked to do

    def ask_refund(self, xact_id: str, amount_minor: int, succeed_url: str) -> Asked:
        """reversed_request; `amount_minor` 0 asks for all that is left."""
        with self._lock:
            self.catch_up()
            return self._refunds.request(xact_id, amount_minor, succeed_url)

    def update_escrow(
        self,
        wanted: Escrow,
        *,
        xact_id: str | None = None,
        number: int | None = None,
        part_minor: int | None = None,
    ) -> Updated:
        with self._lock:
            found = self.find(xact_id=xact_id, number=number)
            return self._escrow.update(found[0] if found else None, wanted, part_minor)

    # What happens to PAYNET by another hand

    def plant(
        self,
        reference_no: str,
        amount_minor: int,
        *,
        succeeded: bool = True,
        transaction_type: int = SALE,
        at_s: float | None = None,
        commission_minor: int | None = None,
        on_chargeback: bool = False,
        is_escrow: bool = False,
        instalment: int | None = None,
        is_tds: bool = True,
    ) -> Transaction:
        """A transaction that came by another hand than a session of ours."""
        with self._lock:
            row = self._ledger.write(
                reference_no,
                amount_minor,
                succeeded=succeeded,
                transaction_type=transaction_type,
                at_s=at_s,
                commission_minor=commission_minor,
                on_chargeback=on_chargeback,
                instalment=instalment,
                ratio=ratios.usual(instalment),
                is_tds=is_tds,
            )
            row.escrow = Escrow.HELD if is_escrow and row.is_sale else None
            return row

    def reverse(
        self,
        xact_id: str,
        amount_minor: int | None = None,
        at_s: float | None = None,
    ) -> Transaction:
        """Takes a sale back, whole when no amount is said, whatever was before."""
        with self._lock:
            sale = self._row(xact_id)
            when_s = self._now() if at_s is None else at_s
            return self._ledger.give_back(
                sale,
                sale.amount_minor if amount_minor is None else amount_minor,
                asked_at_s=when_s,
                at_s=when_s,
            )

    def alter(
        self,
        xact_id: str,
        *,
        amount_minor: int | None = None,
        commission_minor: int | None = None,
        at_s: float | None = None,
    ) -> Transaction:
        with self._lock:
            row = self._row(xact_id)
            if amount_minor is not None:
                row.amount_minor = amount_minor
            if commission_minor is not None:
                row.commission_minor = commission_minor
            if at_s is not None:
                row.at_s = at_s
            return row

    def forget(self, xact_id: str) -> Transaction:
        """PAYNET no longer finds or lists it; the money stays taken."""
        with self._lock:
            row = self._row(xact_id)
            row.forgotten = True
            return row

    def charge_back(self, xact_id: str, *, on: bool = True) -> Transaction:
        with self._lock:
            row = self._row(xact_id)
            row.on_chargeback = on
            return row

    def decide_refund(self, number: int, *, approve: bool) -> bool:
        """False when it is unknown, decided already, or shall never be decided."""
        with self._lock:
            self.catch_up()
            return self._refunds.decide(number, approve=approve)

    def catch_up(self) -> None:
        """What has come due by the clock happens; every look at the books does it."""
        with self._lock:
            self._refunds.catch_up()
            self._escrow.catch_up()

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
            self.catch_up()
            rows = self._ledger.matching(reference_no, xact_id, number)
            return [row for row in rows if not row.forgotten]

    def listed(
        self, first_day: date, last_day: date, *, unsuccessful: bool = False
    ) -> list[Transaction]:
        """Every transaction of those days of Istanbul, in the order of lists."""
        with self._lock:
            rows = [row for row in self.find() if row.succeeded or unsuccessful]
            return self._in_order(rows, first_day, last_day)

    def reversals(self, first_day: date, last_day: date) -> list[Transaction]:
        """Of the days on which they were made, in the order of lists."""
        with self._lock:
            latest_s = self._now() - self._settings.reversal_list_delay_s
            made = [it for it in self.find() if it.is_reversal and it.at_s <= latest_s]
            if self._settings.reversal_list_rows == "requested":
                made += self._unmade_reversals()
            return self._in_order(made, first_day, last_day)

    # What a test asks

    def taken_minor(self, reference_no: str) -> int:
        """Kuruş captured for the reference and not given back."""
        with self._lock:
            captured = sum(sale.amount_minor for sale in self._sales(reference_no))
            return captured - self.refunded_minor(reference_no)

    def refunded_minor(self, reference_no: str) -> int:
        """Kuruş that went back to the card."""
        with self._lock:
            backs = map(self._ledger.given_back_minor, self._sales(reference_no))
            return sum(backs)

    def refund_requests(self, xact_id: str) -> RefundCalls:
        """How many reversed_requests came, and how many refunds were made of them."""
        with self._lock:
            self.catch_up()
            return self._refunds.calls(xact_id)

    def refunds(self, xact_id: str | None = None) -> list[Refund]:
        """The refunds that were accepted, of one sale or of all."""
        with self._lock:
            self.catch_up()
            return self._refunds.of(xact_id)

    def releases(self, xact_id: str) -> int:
        """How many approvals of the escrow were executed, PAYNET's own too."""
        with self._lock:
            self.catch_up()
            return sum(row.releases for row in self._ledger.matching(xact_id=xact_id))

    def charges(self, reference_no: str) -> int:
        """How many times money was taken for the reference, given back or not."""
        with self._lock:
            return len(self._sales(reference_no))

    def clear(self) -> None:
        with self._lock:
            super().clear()
            self._ledger.rows.clear()
            self._refunds.clear()

    def view(self, reference_no: str | None = None) -> dict[str, Any]:
        """The books as JSON; without tokens and return addresses, which are secrets."""
        with self._lock:
            self.catch_up()
            rows = self._ledger.matching(reference_no)
            sessions = self.sessions(reference_no)
            references = {row.reference_no for row in rows} | {
                session.payment.reference_no for session in sessions
            }
            return {
                "taken_minor": {one: self.taken_minor(one) for one in references},
                "refunded_minor": {one: self.refunded_minor(one) for one in references},
                "charges": {one: self.charges(one) for one in references},
                **self._money_out_view(rows),
                "transactions": [transaction_view(row) for row in rows],
                "sessions": [self._session_view(session) for session in sessions],
            }

    def _money_out_view(self, rows: list[Transaction]) -> dict[str, Any]:
        sales = {row.xact_id for row in rows if row.is_sale}
        accepted = (it for it in self._refunds.of() if it.sale.xact_id in sales)
        return {
            "refund_requests": {
                one: self._refunds.calls(one)._asdict() for one in sales
            },
            "releases": {one: self.releases(one) for one in sales},
            "refunds": [refund_view(refund) for refund in accepted],
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
        self.catch_up()
        rows = self._ledger.matching(reference_no)
        return [row for row in rows if row.is_sale]

    def _row(self, xact_id: str) -> Transaction:
        self.catch_up()
        row = self._ledger.row(xact_id)
        if row is None:
            raise Unknown(f"no transaction {xact_id}")
        return row

    def _unmade_reversals(self) -> Iterable[Transaction]:
        unmade = (it for it in self._refunds.of() if it.state != RefundState.APPROVED)
        return (refund.as_row() for refund in unmade)

    def _in_order(
        self, rows: list[Transaction], first_day: date, last_day: date
    ) -> list[Transaction]:
        newest_first = self._settings.list_order == "newest_first"
        found = [it for it in rows if first_day <= wire.day(it.at_s) <= last_day]
        return sorted(
            found, key=lambda row: (row.at_s, row.number), reverse=newest_first
        )
