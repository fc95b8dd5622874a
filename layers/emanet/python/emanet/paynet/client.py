"""PAYNET where money comes in: a 3-D session, the charge, and what its books say of it.
Only tds_charge is repeated, openly, with the same pair, as PAYNET asks for. It decides
nothing about money: `messages` reads the answers and `judging` judges them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from emanet.errors import PaynetUnreachable
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Outcome, Unknown
from emanet.paynet import messages
from emanet.paynet.answer import Answer
from emanet.paynet.formats import JsonObject
from emanet.paynet.judging import Unclear, judge, judge_detailed
from emanet.paynet.line import Errand, Line, Pace
from emanet.paynet.rows import Row
from emanet.ports import Card, Clock, Session, SessionOrder

CHARGE_NEEDS_S = 3.0
REPEAT_NEEDS_S = 6.0


class PaynetGateway:
    """ports.Gateway, for the real PAYNET and for its simulator alike."""

    def __init__(
        self,
        base_url: str,
        secret_key: Callable[[], str],
        clock: Clock,
        *,
        pace: Pace | None = None,
    ) -> None:
        self._clock = clock
        self._line = Line(base_url, secret_key, clock, pace)

    def be_ready(self, deadline: datetime) -> None:
        """See ports.Gateway."""
        if self._line.errand(deadline).left_s < CHARGE_NEEDS_S:
            raise PaynetUnreachable("no_time")

    def open_session(
        self, order: SessionOrder, card: Card, deadline: datetime
    ) -> Session:
        """tds_initial; see ports.Gateway."""
        errand = self._line.errand(deadline)
        request = messages.tds_initial(order, card)
        answer = errand.post(messages.TDS_INITIAL, request)
        if isinstance(answer, Unknown):
            raise PaynetUnreachable(answer.why)
        plain_http = self._line.is_plain_and_local
        return messages.read_tds_initial(answer, plain_http=plain_http)

    def charge(
        self,
        session_id: str,
        token_id: str,
        *,
        reference_no: str,
        expected_minor: int,
        deadline: datetime,
    ) -> Outcome:
        """tds_charge, and what its answer leaves out; see ports.Gateway."""
        errand = self._line.errand(deadline)
        answer, repeated = self._send_charge(errand, session_id, token_id)
        if isinstance(answer, Unknown):
            return answer
        charged = messages.read_tds_charge(answer)
        if isinstance(charged, Row):
            return self._confirm(errand, charged, reference_no, expected_minor)
        if repeated and isinstance(charged, Declined):
            return Unknown("refused_on_repeat")  # the first may still have taken it
        return charged

    def ask(
        self, reference_no: str, expected_minor: int, deadline: datetime
    ) -> Outcome:
        """check, and detail before any approval; see ports.Gateway."""
        return self._ask(self._line.errand(deadline), reference_no, expected_minor)

    def _send_charge(
        self, errand: Errand, session_id: str, token_id: str
    ) -> tuple[Answer | Unknown, bool]:
        """Once, and once more if nothing readable came back while time remains: the
        same pair never charges twice (paynet-api.md 2.4). True: it was repeated."""
        pair = messages.tds_charge(session_id, token_id)
        answer = errand.post(messages.TDS_CHARGE, pair)
        if isinstance(answer, Answer) and answer.is_readable:
            return answer, False
        if errand.left_s < REPEAT_NEEDS_S:
            return answer, False
        return errand.post(messages.TDS_CHARGE, pair), True

    def _confirm(
        self, errand: Errand, charged: Row, reference_no: str, expected_minor: int
    ) -> Outcome:
        """Judges a success. What it leaves out is asked for; until the lists show it
        whole, the success is handed on as seen, so that it is never forgotten."""
        verdict = judge([charged], reference_no, expected_minor, self._clock())
        if not isinstance(verdict, Unclear | NotFound):
            return verdict
        asked = self._ask(errand, reference_no, expected_minor)
        if isinstance(asked, Approved) or not charged.is_succeed:
            return asked
        return Unknown("approval_unclear", seen=charged.capture)

    def _ask(self, errand: Errand, reference_no: str, expected_minor: int) -> Outcome:
        asked_at = self._clock()
        rows = self._rows(errand, messages.CHECK, messages.check(reference_no))
        if isinstance(rows, Unknown):
            return rows
        verdict = judge(rows, reference_no, expected_minor, asked_at)
        if isinstance(verdict, Declined | NotFound):
            return verdict
        details = self._rows(errand, messages.DETAIL, messages.detail(reference_no))
        if not isinstance(details, Unknown) and details:
            both = [*rows, *details]
            last = judge_detailed(both, reference_no, expected_minor, asked_at)
            return _without_change_of_mind(verdict, last)
        if isinstance(verdict, Doubtful):
            return verdict
        return details if isinstance(details, Unknown) else Unknown("detail_empty")

    def _rows(
        self, errand: Errand, path: str, request: JsonObject
    ) -> list[Row] | Unknown:
        answer = errand.post(path, request)
        return answer if isinstance(answer, Unknown) else messages.read_rows(answer)


def _without_change_of_mind(
    verdict: Approved | Doubtful | Unclear, last: Outcome
) -> Outcome:
    """Of what check doubted, detail adds only what it knows of the transactions."""
    if isinstance(verdict, Doubtful) and isinstance(last, Doubtful):
        return Doubtful(verdict.reason, last.captures)
    return verdict if isinstance(verdict, Doubtful) else last
