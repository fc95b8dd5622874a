"""PAYNET's rows against our books: what agrees is counted, every difference is a
finding with its cause and the repair that may be tried. Pure: it asks nobody, changes
nothing, and guesses nothing about a row that it cannot attribute for certain."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from emanet.escrow import (
    Capture,
    CaptureStatus,
    Escrow,
    Settlement,
    escrow_id_of,
    is_of_our_form,
)
from emanet.istanbul import day_of
from emanet.outcome import Reversal, Sale
from emanet.ports import Drift, Finding, Repair
from emanet.usecases.differences import (
    CAPTURE_NOT_LISTED,
    NO_SUCH_ATTEMPT,
    NO_SUCH_ESCROW,
    REFUND_NOT_LISTED,
    REVERSAL_OF_NOTHING,
    REVERSAL_WITHOUT_CAPTURE,
    TWO_ESCROWS,
    UNREADABLE_HERE,
    about,
    differences,
    sold,
)
from emanet.usecases.reversals import Ours, Returns, captures, explain, ids, ids_of

YOUNG = timedelta(hours=1)  # both sides may still be writing what happened just now


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known `now` about the Istanbul days `first` to `last`: PAYNET's rows up
    to today, the escrows that they or our own books name, and the sales that were asked
    for, by the id of a reversal that no listed sale explains."""

    first: date
    last: date
    now: datetime
    sales: tuple[Sale, ...]
    reversals: tuple[Reversal, ...]
    escrows: Mapping[str, Escrow]
    unreadable: frozenset[str] = frozenset()
    strays: Mapping[str, Sale | None] = field(default_factory=dict)

    def judges(self, at: datetime | None) -> bool:
        """Of these days, and no longer under way; a row without a date is not lost."""
        if at is None:
            return True
        return self.first <= day_of(at) <= self.last and at <= self.now - YOUNG


@dataclass(frozen=True, slots=True)
class Matched:
    """How many agree, how many are another system's, and what does not agree."""

    matched: int
    foreign: int
    findings: tuple[Finding, ...]


def match(facts: Facts) -> Matched:
    """The comparison itself, both ways."""
    return _Matching(facts).run()


class _Matching:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.matched = self.foreign = 0
        self.ours = [mine for e in facts.escrows.values() for mine in captures(e)]
        self.by_id = {name: mine for mine in self.ours for name in ids(mine.capture)}
        self.owners = defaultdict[str, set[str]](set)
        for mine in self.ours:
            for name in ids(mine.capture):
                self.owners[name].add(mine.escrow.id)
        self.listed = {name: s for s in facts.sales for name in ids(s.capture)}
        self.rows = defaultdict[str, dict[int, Reversal]](dict)
        for n, row in enumerate(facts.reversals):
            for name in ids_of(row.of_xact_id, row.of_plain_id):
                self.rows[name][n] = row
        self.twins = Counter(sale.reference_no for sale in facts.sales)
        self.told: set[str] = set()

    def run(self) -> Matched:
        found = [finding for mine in self.ours for finding in self._mine(mine)]
        odd = {(finding.escrow_id, finding.xact_id) for finding in found}
        for sale in self.facts.sales:
            found += self._sale(sale, odd)
        for row in self.facts.reversals:
            found += self._stray(row)
        order = list(Drift)
        found.sort(
            key=lambda f: (order.index(f.drift), f.reference_no, f.xact_id or "")
        )
        return Matched(self.matched, self.foreign, tuple(found))

    # ── from their side ──

    def _sale(
        self, sale: Sale, odd: set[tuple[str | None, str | None]]
    ) -> Iterator[Finding]:
        if not self.facts.judges(sale.capture.at):
            return
        mine = self._known(sale)
        if mine is None:
            yield from self._unknown(sale)
        elif mine.capture.status is CaptureStatus.MISMATCHED:
            yield from self._undecided(sale, mine)
        else:
            found = list(differences(sale, mine))
            is_odd = (mine.escrow.id, mine.capture.xact_id) in odd
            self.matched += not found and not is_odd
            yield from found

    def _known(self, sale: Sale) -> Ours | None:
        """By either id, unless the row names another attempt of ours."""
        mine = self._ours(sale.capture.xact_id, sale.capture.plain_id)
        other = mine and sale.reference_no != mine.attempt.reference_no
        return None if other and is_of_our_form(sale.reference_no) else mine

    def _ours(self, xact_id: str | None, plain_id: str | None) -> Ours | None:
        names = ids_of(xact_id, plain_id)
        return next((self.by_id[name] for name in names if name in self.by_id), None)

    def _unknown(self, sale: Sale) -> Iterator[Finding]:
        reference = sale.reference_no or ""
        if not is_of_our_form(reference):
            self.foreign += 1
            return
        escrow_id = escrow_id_of(reference)
        escrow = self.facts.escrows.get(escrow_id)
        attempt = escrow.attempt_of(reference) if escrow else None
        if attempt is None:
            cause = NO_SUCH_ATTEMPT if escrow else NO_SUCH_ESCROW
            if escrow_id in self.facts.unreadable:
                cause = UNREADABLE_HERE
            yield about(sale, Drift.MISSING_HERE, cause, Repair.QUEUE, escrow)
        elif self.twins[reference] > 1:
            yield from self._twice(sale, escrow)
        else:
            cause = f"attempt_{attempt.status}"
            yield about(sale, Drift.MISSING_HERE, cause, Repair.SETTLE, escrow)

    def _undecided(self, sale: Sale, mine: Ours) -> Iterator[Finding]:
        """Known, but nobody said yet what it means: an exception until a human does."""
        if self.twins[mine.attempt.reference_no] > 1:
            yield from self._twice(sale, mine.escrow)
            return
        as_asked = sale.capture.amount_minor == mine.attempt.expected_minor
        drift = Drift.STATE if as_asked else Drift.AMOUNT
        yield mine.finding(drift, "undecided_here", Repair.SETTLE, sold(sale))

    def _twice(self, sale: Sale, escrow: Escrow | None) -> Iterator[Finding]:
        """Once for all sales of the attempt."""
        if sale.reference_no and sale.reference_no not in self.told:
            self.told.add(sale.reference_no)
            yield about(sale, Drift.DUPLICATE, "two_sales", Repair.SETTLE, escrow)

    # ── from our side ──

    def _mine(self, mine: Ours) -> Iterator[Finding]:
        sale = self._listed(mine.capture)
        taken_at = mine.capture.at or mine.attempt.last_sent
        if sale is None and taken_at and self.facts.judges(taken_at):
            cause, minor = CAPTURE_NOT_LISTED, mine.capture.amount_minor
            yield mine.finding(
                Drift.MISSING_THERE, cause, Repair.QUEUE, ours_minor=minor
            )
        if any(len(self.owners[name]) > 1 for name in ids(mine.capture)):
            minor = mine.capture.amount_minor
            yield mine.finding(
                Drift.DUPLICATE, TWO_ESCROWS, Repair.QUEUE, ours_minor=minor
            )
        is_reversed = sale.capture.is_reversed if sale else None
        rows = {n: r for one in ids(mine.capture) for n, r in self.rows[one].items()}
        returns = explain(mine, rows.values(), is_reversed=is_reversed)
        yield from self._returns(mine, returns)

    def _listed(self, capture: Capture) -> Sale | None:
        names = ids(capture)
        return next((self.listed[name] for name in names if name in self.listed), None)

    def _returns(self, mine: Ours, returns: Returns) -> Iterator[Finding]:
        self.matched += len(returns.shown)
        for proving in returns.proving:
            order, row = proving.order, proving.row
            cause, theirs = f"refund_{order.status}", row.amount_minor if row else None
            ours = order.paynet_minor
            yield mine.finding(Drift.STATE, cause, Repair.PROVE, theirs, ours)
        yield from self._gone(mine, returns)
        for order in filter(self._is_missed, returns.unshown):
            cause, ours = REFUND_NOT_LISTED, order.paynet_minor
            yield mine.finding(
                Drift.MISSING_THERE, cause, Repair.QUEUE, ours_minor=ours
            )

    def _gone(self, mine: Ours, returns: Returns) -> Iterator[Finding]:
        """Once for a capture, in kuruş that went back on either side's word."""
        strange = [row for row in returns.strange if self.facts.judges(row.at)]
        if not strange and not returns.is_gone:
            return
        cause = "reversed_there" if returns.is_gone else "reversal_unexplained"
        ours = sum(order.paynet_minor for order in returns.shown)
        theirs = mine.capture.amount_minor
        if not returns.is_gone:
            theirs = ours + sum(row.amount_minor or 0 for row in strange)
        yield mine.finding(Drift.STATE, cause, Repair.SETTLE, theirs, ours)

    def _is_missed(self, order: Settlement) -> bool:
        """Its row would have to stand in the lists that were read."""
        young = order.ended_at is None or order.ended_at > self.facts.now - YOUNG
        return (
            order.sent_at is not None and self.facts.judges(order.sent_at) and not young
        )

    def _stray(self, row: Reversal) -> Iterator[Finding]:
        """A reversal of what our books do not hold; the finding about a listed sale
        covers it."""
        names = list(ids_of(row.of_xact_id, row.of_plain_id))
        known = self._ours(row.of_xact_id, row.of_plain_id)
        if known or any(name in self.listed for name in names):
            return
        if not self.facts.judges(row.at) or row.is_succeed is False:
            return
        sale = self.facts.strays.get(row.id)
        if sale is not None and not is_of_our_form(sale.reference_no):
            self.foreign += 1
            return
        reference = (sale and sale.reference_no) or ""
        id_ = escrow_id_of(reference)
        yield Finding(
            Drift.STATE,
            reference,
            REVERSAL_WITHOUT_CAPTURE if sale else REVERSAL_OF_NOTHING,
            Repair.QUEUE,
            escrow_id=id_ if id_ in self.facts.escrows else None,
            xact_id=row.id,
            theirs_minor=row.amount_minor,
        )
