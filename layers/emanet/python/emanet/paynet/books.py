"""PAYNET's books by the Istanbul day: all sales and all reversals of its paged lists,
to be compared with ours. It only asks; what a difference means is not decided here."""

from __future__ import annotations

from datetime import date, datetime

from emanet.outcome import Reversal, Sale, Unknown
from emanet.paynet import listed, messages
from emanet.paynet.line import Line
from emanet.paynet.paging import every_row


class PaynetBooks:
    """ports.PaynetLists, for the real PAYNET and for its simulator alike."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def sales(
        self, first: date, last: date, deadline: datetime
    ) -> tuple[Sale, ...] | Unknown:
        """transaction/list; see ports.PaynetLists."""
        errand = self._line.errand(deadline)
        asked = listed.sales(first, last)
        rows = every_row(errand, listed.TRANSACTION_LIST, asked)
        if isinstance(rows, Unknown):
            return rows
        return tuple(sale for row in rows if (sale := listed.sale_of(row)))

    def reversals(
        self, first: date, last: date, deadline: datetime
    ) -> tuple[Reversal, ...] | Unknown:
        """reversal_list; see ports.PaynetLists."""
        errand = self._line.errand(deadline)
        asked = listed.reversals(first, last)
        rows = every_row(errand, listed.REVERSAL_LIST, asked)
        if isinstance(rows, Unknown):
            return rows
        return tuple(listed.reversal_of(row) for row in rows)

    def sale_of(self, reversal: Reversal, deadline: datetime) -> Sale | Unknown | None:
        """detail; see ports.PaynetLists. None also for a reversal that names none."""
        request = messages.detail_of(reversal.of_xact_id, reversal.of_plain_id)
        if request is None:
            return None
        answer = self._line.errand(deadline).post(messages.DETAIL, request)
        if isinstance(answer, Unknown):
            return answer
        found = answer.found
        if isinstance(found, Unknown):
            return found
        sales = [sale for row in found if (sale := listed.sale_of(row))]
        return next((sale for sale in sales if reversal.is_of(sale.capture)), None)
