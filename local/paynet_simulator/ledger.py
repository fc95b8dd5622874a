"""The rows of PAYNET's books and the one lock over them, shared by payments, refunds
and escrow decisions. It judges nothing; whoever calls holds the lock."""

from collections.abc import Callable
from threading import RLock
from typing import Any

from local.paynet_simulator import wire
from local.paynet_simulator.records import CANCEL, CREDIT, Transaction, new_xact_id
from local.paynet_simulator.settings import Settings

FIRST_NUMBER = 700_001


class Ledger:
    def __init__(self, settings: Settings, now: Callable[[], float]) -> None:
        self.settings = settings
        self.now = now
        self.lock = RLock()
        self.rows: list[Transaction] = []

    def __repr__(self) -> str:
        return f"Ledger({self.rows!r})"

    def write(
        self,
        reference_no: str,
        amount_minor: int,
        *,
        succeeded: bool = True,
        at_s: float | None = None,
        xact_id: str | None = None,
        **details: Any,
    ) -> Transaction:
        row = Transaction(
            number=len(self.rows) + FIRST_NUMBER,
            xact_id=xact_id or new_xact_id(),
            reference_no=reference_no,
            amount_minor=amount_minor,
            succeeded=succeeded,
            at_s=self.now() if at_s is None else at_s,
            **details,
        )
        self.rows.append(row)
        return row

    def give_back(
        self,
        sale: Transaction,
        amount_minor: int,
        *,
        asked_at_s: float,
        at_s: float,
        xact_id: str | None = None,
    ) -> Transaction:
        """Money goes back to the card; the reversal is a row of its own."""
        reversal = self.write(
            sale.reference_no,
            amount_minor,
            at_s=at_s,
            xact_id=xact_id,
            commission_minor=self._commission_back(sale, amount_minor),
            **reversal_details(sale, asked_at_s),
        )
        whole = amount_minor == sale.amount_minor
        if whole or self.settings.partial_sets_reversed:
            sale.reversed, sale.reversed_xact_id = True, reversal.xact_id
        return reversal

    def row(self, xact_id: str) -> Transaction | None:
        return next((row for row in self.rows if row.xact_id == xact_id), None)

    def matching(
        self,
        reference_no: str | None = None,
        xact_id: str | None = None,
        number: int | None = None,
    ) -> list[Transaction]:
        """Every row that matches all that is given, forgotten ones too."""
        return [
            row
            for row in self.rows
            if reference_no in {None, row.reference_no}
            and xact_id in {None, row.xact_id}
            and number in {None, row.number}
        ]

    def given_back_minor(self, sale: Transaction) -> int:
        backs = (row for row in self.rows if row.is_reversal and row.reverses is sale)
        return sum(row.amount_minor for row in backs)

    def _commission_back(self, sale: Transaction, amount_minor: int) -> int:
        if self.settings.commission_on_refund == "kept":
            return 0
        return sale.fee_minor * amount_minor // sale.amount_minor


def reversal_details(sale: Transaction, asked_at_s: float) -> dict[str, Any]:
    same_day = wire.day(asked_at_s) == wire.day(sale.at_s)
    return {
        "transaction_type": CANCEL if same_day else CREDIT,
        "reverses": sale,
        "asked_at_s": asked_at_s,
        "card_masked": sale.card_masked,
        "card_holder": sale.card_holder,
        "is_tds": sale.is_tds,
        "instalment": sale.instalment,
        "ratio": sale.ratio,
    }
