"""Statements: the ledger's lines of one escrow, or of one payee's month, for those whom
they concern. A line says what moved on the reader's own account, and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from emanet import ledger
from emanet.errors import EscrowNotFound
from emanet.escrow import Escrow, Role
from emanet.istanbul import day_of
from emanet.ledger import Account, Posting
from emanet.money import CURRENCY
from emanet.ports import EscrowStore
from emanet.usecases.access import Caller, actors

ESCROWS_MAX = 1_000  # of one payee; beyond it a statement says that it is not complete

# Whose account a party may read; operations read every account.
_READ = {
    Role.PAYER: Account.ESCROW_LIABILITY,
    Role.PAYEE: Account.PAYEE_PAYABLE,
}


@dataclass(frozen=True, slots=True)
class Line:
    """Kuruş debited or credited to the account, against the one named beside it."""

    at: datetime
    escrow_id: str
    order_id: str
    transition: str
    account: str
    against: str
    debit_minor: int
    credit_minor: int
    currency: str = CURRENCY


@dataclass(frozen=True, slots=True)
class Statement:
    """Lines in the order of their moments, and by account credits less debits: what is
    owed on it."""

    lines: tuple[Line, ...]
    is_complete: bool = True

    @property
    def sums(self) -> dict[str, int]:
        sums: dict[str, int] = {}
        for line in self.lines:
            owed = line.credit_minor - line.debit_minor
            sums[line.account] = sums.get(line.account, 0) + owed
        return sums


def of_escrow(escrow_id: str, caller: Caller, store: EscrowStore) -> Statement:
    """All accounts for operations, his own for a party. Raises EscrowNotFound."""
    escrow = store.get(escrow_id)
    roles = {actor.role for actor in actors(escrow, caller)}
    if Role.OPERATIONS in roles:
        return Statement(tuple(_lines(escrow, "")))
    for role, account in _READ.items():
        if role in roles:
            return Statement(tuple(_lines(escrow, account)))
    raise EscrowNotFound(escrow_id)


def of_payee(month: str, caller: Caller, store: EscrowStore) -> Statement:
    """What became owed to this payee in one Istanbul month (`2026-11`)."""
    escrows = store.list_for_payee(caller.sub, ESCROWS_MAX + 1)
    lines = [
        line
        for escrow in escrows[:ESCROWS_MAX]
        for line in _lines(escrow, Account.PAYEE_PAYABLE)
        if day_of(line.at).isoformat().startswith(month)
    ]
    lines.sort(key=lambda line: line.at)
    return Statement(tuple(lines), is_complete=len(escrows) <= ESCROWS_MAX)


def _lines(escrow: Escrow, account: str) -> Iterator[Line]:
    """One for each side of a posting on an account that begins so."""
    for posting in ledger.postings(escrow):
        for own, other in (
            (posting.debit, posting.credit),
            (posting.credit, posting.debit),
        ):
            if own.startswith(account):
                yield _line(escrow, posting, own, other)


def _line(escrow: Escrow, posting: Posting, own: str, other: str) -> Line:
    is_debit = own == posting.debit
    return Line(
        at=posting.at,
        escrow_id=escrow.id,
        order_id=escrow.order_id,
        transition=posting.transition,
        account=own,
        against=other.partition(":")[0],
        debit_minor=posting.amount_minor if is_debit else 0,
        credit_minor=0 if is_debit else posting.amount_minor,
    )


COLUMNS = (
    "at",
    "escrow_id",
    "order_id",
    "transition",
    "account",
    "against",
    "debit_minor",
    "credit_minor",
    "currency",
)


def as_csv(lines: Iterable[Line]) -> str:
    """With a header, RFC 4180. Whole kuruş; an order id that a spreadsheet would take
    for a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for line in lines:
        cells = [getattr(line, name) for name in COLUMNS]
        cells[0] = line.at.isoformat(timespec="milliseconds")
        writer.writerow([_cell(cell) for cell in cells])
    return text.getvalue()


def _cell(value: object) -> object:
    formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@")
    return f"'{value}" if formula else value
