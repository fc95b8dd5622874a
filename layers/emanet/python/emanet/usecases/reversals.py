"""Which of PAYNET's reversals shows which refund of ours, what went back without us,
and which refund shows nowhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from emanet import policy
from emanet.escrow import (
    Attempt,
    Capture,
    CaptureStatus,
    Escrow,
    Settlement,
    SettlementKind,
    SettlementStatus,
)
from emanet.istanbul import day_of
from emanet.orders import is_older
from emanet.outcome import Reversal
from emanet.ports import Drift, Finding, Repair

_S = SettlementStatus
UNDECIDED = frozenset({_S.SENT, _S.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Ours:
    """A capture of our books, with where it stands."""

    escrow: Escrow
    attempt: Attempt
    capture: Capture

    @property
    def is_funding(self) -> bool:
        return self.capture.status is CaptureStatus.FUNDS

    @property
    def refunds(self) -> list[Settlement]:
        """The orders to give its money back, whatever became of them."""
        if self.is_funding:
            orders: Iterable[Settlement] = self.escrow.settlements
            return [o for o in orders if o.kind is SettlementKind.REFUND]
        return [self.capture.refund] if self.capture.refund else []

    @property
    def undecided(self) -> Settlement | None:
        """The refund of which we do not know yet."""
        return next((o for o in self.refunds if o.status in UNDECIDED), None)

    def finding(
        self,
        drift: Drift,
        cause: str,
        repair: Repair,
        theirs_minor: int | None = None,
        ours_minor: int | None = None,
    ) -> Finding:
        return Finding(
            drift,
            self.attempt.reference_no,
            cause,
            repair,
            escrow_id=self.escrow.id,
            xact_id=self.capture.xact_id,
            ours_minor=ours_minor,
            theirs_minor=theirs_minor,
        )


def ids_of(xact_id: str | None, plain_id: str | None) -> Iterator[str]:
    """Both names of a transaction, so that neither is taken for the other."""
    if plain_id:
        yield f"#{plain_id}"
    if xact_id:
        yield xact_id


def ids(capture: Capture) -> Iterator[str]:
    return ids_of(capture.xact_id, capture.plain_id)


def captures(escrow: Escrow) -> Iterator[Ours]:
    for attempt in escrow.attempts:
        for capture in attempt.captures:
            yield Ours(escrow, attempt, capture)


def capture_of(escrow: Escrow, xact_id: str | None) -> Ours | None:
    """The capture with this id of PAYNET's."""
    mine = captures(escrow)
    return next((each for each in mine if each.capture.xact_id == xact_id), None)


@dataclass(frozen=True, slots=True)
class Proving:
    """A refund of which we do not know yet, and what seems to show it; no row: PAYNET
    calls the whole sale reversed."""

    order: Settlement
    row: Reversal | None = None


@dataclass(frozen=True, slots=True)
class Returns:
    """Of one capture: refunds that PAYNET shows too, those that it would prove, rows
    that none of ours explains, refunds that no row shows. `is_gone`: all of it went
    back, and no refund of ours is the reason."""

    shown: tuple[Settlement, ...]
    proving: tuple[Proving, ...]
    strange: tuple[Reversal, ...]
    unshown: tuple[Settlement, ...]
    is_gone: bool

    @property
    def is_strange(self) -> bool:
        return self.is_gone or bool(self.strange)


def explain(
    mine: Ours, rows: Iterable[Reversal], *, is_reversed: bool | None
) -> Returns:
    """`is_reversed`: what PAYNET says of the whole sale."""
    rest = [r for r in rows if r.is_of(mine.capture) and r.is_succeed is not False]
    done = [order for order in mine.refunds if order.status is _S.DONE]
    shown = _shown(done, rest)
    proving = list(_proving(mine, rest, is_whole=bool(is_reversed) and not done))
    whole = mine.capture.amount_minor if is_reversed else None
    known = mine.capture.is_reversed
    return Returns(
        shown=tuple(shown),
        proving=tuple(proving),
        strange=() if known else tuple(rest),
        unshown=tuple(o for o in done if o not in shown and o.paynet_minor != whole),
        is_gone=bool(is_reversed) and not known and not _is_ours(mine),
    )


def _is_ours(mine: Ours) -> bool:
    """A refund of ours may be why PAYNET calls the sale reversed. That of a surplus is
    on its way as soon as it is decided."""
    on_its_way = UNDECIDED | {_S.DONE}
    if not mine.is_funding:
        on_its_way |= {_S.SCHEDULED}
    return any(order.status in on_its_way for order in mine.refunds)


def _shown(done: list[Settlement], rest: list[Reversal]) -> list[Settlement]:
    """First by the very row that proved it, then by what fits; rows that are explained
    leave `rest`."""
    proved = [o for o in done if _take(rest, (r for r in rest if r.id == o.proof))]
    others = (order for order in done if order not in proved)
    return proved + [
        order
        for order in others
        if _take(rest, (row for row in rest if _fits(row, order)))
    ]


def _proving(mine: Ours, rest: list[Reversal], *, is_whole: bool) -> Iterator[Proving]:
    for order in mine.refunds:
        if order.status not in UNDECIDED:
            continue
        fitting = [row for row in rest if _fits(row, order)]
        maybe = (row for row in rest if _may_be(row, order))
        row = _take(rest, chain(fitting, maybe))
        if row or (is_whole and order.paynet_minor == mine.capture.amount_minor):
            yield Proving(order, row)


def _take(rest: list[Reversal], fitting: Iterable[Reversal]) -> Reversal | None:
    """The first that fits leaves `rest`."""
    found = next(iter(fitting), None)
    if found:
        rest.remove(found)
    return found


def _fits(row: Reversal, order: Settlement) -> bool:
    return row.amount_minor in (None, order.paynet_minor) and _may_be(row, order)


def _may_be(row: Reversal, order: Settlement) -> bool:
    """Not listed before it was sent, and of a day between the order and its end."""
    if row.id in order.listed or is_older(row, order):
        return False
    if row.at is None or order.ended_at is None:
        return True
    return day_of(row.at) <= day_of(order.ended_at + policy.CLOCKS_DIFFER_BY)
