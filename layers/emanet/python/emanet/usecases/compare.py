"""Every day PAYNET's lists are compared with our books, both ways: rows that we do not
have, money that they do not show, and whatever both know differently. A plan is made
from whole lists or not at all; it changes nothing, `repair.apply` does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

from emanet.errors import (
    EscrowNotFound,
    FieldProblem,
    InvalidRequest,
    PaynetUnreachable,
    UnreadableItem,
)
from emanet.escrow import Escrow, escrow_id_of, is_of_our_form
from emanet.istanbul import day_of
from emanet.outcome import Reversal, Sale, Unknown
from emanet.ports import (
    Desk,
    EscrowStore,
    Inbox,
    PaynetLists,
    Plan,
    Plans,
    Queues,
    Schedule,
)
from emanet.usecases.matching import Facts, match
from emanet.usecases.reversals import captures, ids, ids_of

ONE_DAY = timedelta(days=1)
DAYS = 4  # what a missed run or a late row may hide, and no more than a run can read
WIDE_DAYS = 60
SUNDAY = 6
DAYS_MAX = 92
FINDINGS_MAX = 500  # of one plan, which is one item; the next plan brings the rest

T = TypeVar("T")


class Books(EscrowStore, Queues, Plans, Schedule, Inbox, Protocol):
    """All of ours that a comparison and its repairs touch."""


def plan(
    first: date | None,
    last: date | None,
    *,
    desk: Desk,
    books: Books,
    paynet: PaynetLists,
    deadline: datetime,
) -> Plan:
    """The stored comparison of these Istanbul days; by default the four up to and
    including yesterday.

    Raises PaynetUnreachable (a page could not be read: no plan), InvalidRequest,
    SecretUnavailable, StoreUnavailable.
    """
    now = desk.clock()
    first, last = _window(first, last, day_of(now))
    facts = _Reader(first, last, now, books, paynet, deadline).read()
    matched = match(facts)
    made = Plan(
        id=f"plan-{desk.chance(26)}",
        made_at=now,
        first=first,
        last=last,
        matched=matched.matched,
        findings=matched.findings[:FINDINGS_MAX],
        foreign=matched.foreign,
        left_out=max(0, len(matched.findings) - FINDINGS_MAX),
    )
    books.keep_plan(made)
    return made


def tonight(now: datetime) -> tuple[date, date]:
    """The usual window; on Sundays a wide one, because a chargeback comes weeks after
    its sale, and PAYNET lists it under the day of the sale."""
    today = day_of(now)
    days = WIDE_DAYS if today.weekday() == SUNDAY else DAYS
    return today - days * ONE_DAY, today - ONE_DAY


def sure(answer: T | Unknown) -> T:
    """Raises PaynetUnreachable for what PAYNET left open."""
    if isinstance(answer, Unknown):
        raise PaynetUnreachable(answer.why)
    return answer


def _window(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """Never longer ago than DAYS_MAX: of our own books every day since is read."""
    last, oldest = last or today - ONE_DAY, today - DAYS_MAX * ONE_DAY
    if last > today:
        raise InvalidRequest(FieldProblem("last", "less_than_equal"))
    if last < oldest:
        raise InvalidRequest(FieldProblem("last", "greater_than_equal"))
    first = first or max(oldest, last - (DAYS - 1) * ONE_DAY)
    if not oldest <= first <= last:
        raise InvalidRequest(FieldProblem("first", "not_listed"))
    return first, last


@dataclass(slots=True)
class _Reader:
    """Their lists first, then our books: what was ordered before a row was listed is
    seen with it."""

    first: date
    last: date
    now: datetime
    books: Books
    paynet: PaynetLists
    deadline: datetime
    escrows: dict[str, Escrow] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)

    def read(self) -> Facts:
        today = day_of(self.now)
        sales = sure(self.paynet.sales(self.first, today, self.deadline))
        reversals = sure(self.paynet.reversals(self.first, today, self.deadline))
        days = (today - self.first).days + 1
        for day in (self.first + n * ONE_DAY for n in range(days)):
            self._load(self.books.moved_on(day))
        self._load(_escrows_of(sales))
        strays = self._strays(sales, reversals)
        self._load(_escrows_of(filter(None, strays.values())))
        return Facts(
            self.first,
            self.last,
            self.now,
            sales,
            reversals,
            self.escrows,
            frozenset(self.unreadable),
            strays,
        )

    def _load(self, ids: Iterable[str]) -> None:
        known = self.escrows.keys() | self.unreadable | self.absent
        for id_ in sorted(set(ids) - known):
            try:
                self.escrows[id_] = self.books.get(id_)
            except EscrowNotFound:
                self.absent.add(id_)
            except UnreadableItem:
                self.unreadable.add(id_)

    def _strays(
        self, sales: tuple[Sale, ...], reversals: tuple[Reversal, ...]
    ) -> dict[str, Sale | None]:
        """Of reversals whose sale is older than the lists, and not in our books."""
        taken = [sale.capture for sale in sales]
        taken += [mine.capture for e in self.escrows.values() for mine in captures(e)]
        known = {name for capture in taken for name in ids(capture)}
        return {
            row.id: sure(self.paynet.sale_of(row, self.deadline))
            for row in reversals
            if known.isdisjoint(ids_of(row.of_xact_id, row.of_plain_id))
            and (row.at is None or day_of(row.at) <= self.last)
        }


def _escrows_of(sales: Iterable[Sale]) -> set[str]:
    references = (sale.reference_no for sale in sales)
    return {escrow_id_of(ref) for ref in references if ref and is_of_our_form(ref)}
