"""One sale of PAYNET's list and what our books hold of it: the findings that come of
it, and the words for their causes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from emanet.escrow import CaptureStatus, ChargebackStatus, Escrow
from emanet.outcome import Sale
from emanet.ports import Drift, Finding, Repair
from emanet.usecases.reversals import Ours
from emanet.verdicts import fee_of, with_fee

# Causes that `repair` asks about in their own ways.
NO_SUCH_ESCROW = "no_such_escrow"
NO_SUCH_ATTEMPT = "no_such_attempt"
UNREADABLE_HERE = "unreadable_here"
CAPTURE_NOT_LISTED = "capture_not_listed"
REFUND_NOT_LISTED = "refund_not_listed"
REVERSAL_WITHOUT_CAPTURE = "reversal_without_capture"
REVERSAL_OF_NOTHING = "reversal_of_nothing_known"
CHARGEBACK_AFTER_WON = "on_chargeback_after_won"
CHARGEBACK_BESIDES = "on_chargeback_besides"
TWO_ESCROWS = "one_transaction_in_two_escrows"


def differences(sale: Sale, mine: Ours) -> Iterator[Finding]:
    theirs, ours = sale.capture.amount_minor, mine.capture.amount_minor
    if theirs != ours or ours is None:
        cause = "amount_unreadable" if theirs is None else "amount_differs"
        yield mine.finding(Drift.AMOUNT, cause, Repair.SETTLE, theirs, ours)
    else:  # the fee on another amount says nothing about ours
        yield from _other_fee(sale, mine)
    if sale.is_on_chargeback:
        yield from _charged_back(sale, mine)


def _other_fee(sale: Sale, mine: Ours) -> Iterator[Finding]:
    told, known = fee_of(with_fee(mine.capture, sale.capture)), fee_of(mine.capture)
    if told != known:
        cause = "fee_absent" if known[0] is None else "fee_differs"
        yield mine.finding(Drift.FEE, cause, Repair.NOTE_FEE, _sum(told), _sum(known))


def _charged_back(sale: Sale, mine: Ours) -> Iterator[Finding]:
    known = mine.escrow.chargeback
    if mine.capture.status is not CaptureStatus.FUNDS:
        cause, repair = CHARGEBACK_BESIDES, Repair.QUEUE
    elif known is None:
        cause, repair = "on_chargeback", Repair.OPEN_CHARGEBACK
    elif known.status is ChargebackStatus.WON:
        cause, repair = CHARGEBACK_AFTER_WON, Repair.QUEUE
    else:
        return
    yield mine.finding(Drift.CHARGEBACK, cause, repair, sold(sale))


def about(
    sale: Sale, drift: Drift, cause: str, repair: Repair, escrow: Escrow | None
) -> Finding:
    return Finding(
        drift,
        sale.reference_no or "",
        cause,
        repair,
        escrow_id=escrow.id if escrow else None,
        xact_id=sale.capture.xact_id,
        theirs_minor=sale.capture.amount_minor,
    )


def sold(sale: Sale) -> int | None:
    return sale.capture.amount_minor


def _sum(fee: tuple[int | None, int | None]) -> int | None:
    return None if fee[0] is None else fee[0] + (fee[1] or 0)
