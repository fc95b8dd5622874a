"""PAYNET where money leaves again: a refund, an approval of its own escrow, and what
went back already. What moves money is sent once, whatever comes back; what an answer
means for an escrow is not decided here."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from emanet.escrow import Capture
from emanet.istanbul import day_of
from emanet.outcome import Reply, Returned, Unknown
from emanet.paynet import listed, messages
from emanet.paynet.formats import JsonObject
from emanet.paynet.line import Line
from emanet.paynet.paging import every_row
from emanet.paynet.rows import Row

ONE_DAY = timedelta(days=1)
LOOK_BACK = timedelta(days=30)  # for a capture that PAYNET gave no date


class PaynetMoneyOut:
    """ports.MoneyOut, for the real PAYNET and for its simulator alike."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def returned(
        self, capture: Capture, deadline: datetime, since: datetime | None = None
    ) -> Returned | Unknown:
        """reversal_list and detail; see ports.MoneyOut."""
        errand = self._line.errand(deadline)
        asked = listed.reversals(*self._days(since or capture.at))
        rows = every_row(errand, listed.REVERSAL_LIST, asked)
        if isinstance(rows, Unknown):
            return rows
        answer = errand.post(messages.DETAIL, {"xact_id": capture.xact_id})
        if isinstance(answer, Unknown):
            return answer
        details = messages.read_rows(answer)
        if isinstance(details, Unknown):
            return details
        reversals = [listed.reversal_of(row) for row in rows]
        ours = tuple(one for one in reversals if one.is_of(capture))
        return Returned(ours, _is_reversed(capture, details))

    def refund(
        self,
        capture: Capture,
        amount_minor: int,
        callback_url: str | None,
        deadline: datetime,
    ) -> Reply:
        """reversed_request; see ports.MoneyOut."""
        request = messages.reversed_request(capture.xact_id, amount_minor, callback_url)
        return self._order(messages.REVERSED_REQUEST, request, deadline)

    def approve(
        self, capture: Capture, dealer: str | None, deadline: datetime
    ) -> Reply:
        """escrow_status_update; see ports.MoneyOut."""
        request = messages.escrow_status_update(capture.xact_id, dealer)
        return self._order(messages.ESCROW_STATUS_UPDATE, request, deadline)

    def _order(self, path: str, request: JsonObject, deadline: datetime) -> Reply:
        """Sent once: PAYNET documents no idempotence for what moves money out."""
        answer = self._line.errand(deadline).post(path, request)
        return answer if isinstance(answer, Unknown) else messages.read_reply(answer)

    def _days(self, since: datetime | None) -> tuple[date, date]:
        """A day wider on both sides than money could have gone back in."""
        now = self._line.clock()
        first = since - ONE_DAY if since else now - LOOK_BACK
        return day_of(first), day_of(now + ONE_DAY)


def _is_reversed(capture: Capture, details: list[Row]) -> bool | None:
    """Any yes counts; a no needs every row to say it."""
    told = [row.is_reversed for row in details if row.capture.is_same(capture)]
    if True in told:
        return True
    return False if told and None not in told else None
