"""PAYNET where money comes in: a 3-D session, the charge, and what its books say of it.
Only tds_charge, and charge for PAYNET's own form, are repeated, openly, with the same
pair, as PAYNET asks for. It decides nothing about money: `messages` reads the answers
and `judging` judges them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from emanet.cards import StoredCard
from emanet.errors import PaynetUnreachable
from emanet.escrow import Expected
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Outcome, Unknown
from emanet.paynet import messages
from emanet.paynet.answer import Answer
from emanet.paynet.formats import JsonObject
from emanet.paynet.judging import Unclear, judge, judge_detailed
from emanet.paynet.line import Errand, Line
from emanet.paynet.rows import Row
from emanet.ports import Card, Session, SessionOrder

CHARGE_NEEDS_S = 3.0
NEW_SUCCESS = 0  # 100 is an older one, told again
REPEAT_NEEDS_S = 6.0


class PaynetGateway:
    """ports.Gateway, for the real PAYNET and for its simulator alike."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def be_ready(self, deadline: datetime) -> None:
        """See ports.Gateway."""
        if self._line.errand(deadline).left_s < CHARGE_NEEDS_S:
            raise PaynetUnreachable("no_time")

    def open_session(
        self, order: SessionOrder, card: Card | StoredCard, deadline: datetime
    ) -> Session:
        """tds_initial; see ports.Gateway."""
        errand = self._line.errand(deadline)
        request = messages.tds_initial(order, card)
        answer = errand.post(messages.TDS_INITIAL, request)
        if isinstance(answer, Unknown):
            raise PaynetUnreachable(answer.why)
        return messages.read_tds_initial(
            answer,
            plain_http=self._line.is_plain_and_local,
            is_stored=isinstance(card, StoredCard),
        )

    def charge(
        self, session_id: str, token_id: str, expected: Expected, deadline: datetime
    ) -> Outcome:
        """tds_charge or charge, and what its answer leaves out; see ports.Gateway."""
        errand = self._line.errand(deadline)
        path, request = messages.charge_of(session_id, token_id, expected)
        answer, repeated = self._send_charge(errand, path, request)
        if isinstance(answer, Unknown):
            return answer
        charged = messages.read_charge(answer)
        if isinstance(charged, Row):
            if expected.is_hosted:
                return self._confirm_form(errand, answer, charged, expected)
            judged = self._confirm(errand, charged, expected)
            return _with_owner(judged, messages.card_owner(answer))
        if repeated and isinstance(charged, Declined):
            return Unknown("refused_on_repeat")  # the first may still have taken it
        return charged

    def ask(self, expected: Expected, deadline: datetime) -> Outcome:
        """check, and detail before any approval; see ports.Gateway."""
        return self._ask(self._line.errand(deadline), expected)

    def _send_charge(
        self, errand: Errand, path: str, request: JsonObject
    ) -> tuple[Answer | Unknown, bool]:
        """Once, and once more if nothing readable came back while time remains: the
        same pair never charges twice (docs/paynet.md; of charge it is assumed). True:
        it was repeated."""
        answer = errand.post(path, request)
        if isinstance(answer, Answer) and answer.is_readable:
            return answer, False
        if errand.left_s < REPEAT_NEEDS_S:
            return answer, False
        return errand.post(path, request), True

    def _confirm(self, errand: Errand, charged: Row, expected: Expected) -> Outcome:
        """Judges a success. What it leaves out is asked for; until the lists show it
        whole, the success is handed on as seen, so that it is never forgotten."""
        verdict = judge([charged], expected, self._line.clock())
        if not isinstance(verdict, Unclear | NotFound):
            return verdict
        asked = self._ask(errand, expected)
        if charged.is_succeed and not isinstance(asked, Approved):
            return Unknown("approval_unclear", seen=charged.capture)
        return Unknown("not_listed") if isinstance(asked, NotFound) else asked

    def _confirm_form(
        self, errand: Errand, answer: Answer, charged: Row, expected: Expected
    ) -> Outcome:
        """The session of PAYNET's form came from the payer's browser, and one that paid
        another order is answered as an old success. So PAYNET's books decide, asked by
        our reference; what they do not show yet is kept as seen only if this very
        charge took it, by its own words for our reference."""
        asked = self._ask(errand, expected)
        if isinstance(asked, Approved) or _is_sure_doubt(asked):
            return asked
        is_named = expected.reference_no in charged.references
        if charged.is_succeed and is_named and answer.said == NEW_SUCCESS:
            return Unknown("approval_unclear", seen=charged.capture)
        return asked if isinstance(asked, Unknown) else Unknown("not_listed")

    def _ask(self, errand: Errand, expected: Expected) -> Outcome:
        asked_at, name = self._line.clock(), expected.reference_no
        rows = self._rows(errand, messages.CHECK, messages.check(name))
        if isinstance(rows, Unknown):
            return rows
        verdict = judge(rows, expected, asked_at)
        if isinstance(verdict, Declined | NotFound):
            return verdict
        details = self._rows(errand, messages.DETAIL, messages.detail(name))
        if not isinstance(details, Unknown) and details:
            last = judge_detailed([*rows, *details], expected, asked_at)
            return _without_change_of_mind(verdict, last)
        if isinstance(verdict, Doubtful):
            return verdict
        return details if isinstance(details, Unknown) else Unknown("detail_empty")

    def _rows(
        self, errand: Errand, path: str, request: JsonObject
    ) -> list[Row] | Unknown:
        answer = errand.post(path, request)
        return answer if isinstance(answer, Unknown) else messages.read_rows(answer)


def _is_sure_doubt(outcome: Outcome) -> bool:
    """Not only for want of a field, which a list may show later."""
    return isinstance(outcome, Doubtful) and outcome.reason != "field_absent"


def _with_owner(judged: Outcome, owner_id: str | None) -> Outcome:
    """Only the answer to the charge itself tells that the card was stored with it,
    whatever is thought of the money."""
    if owner_id and isinstance(judged, Approved | Doubtful | Unknown):
        return replace(judged, card_owner_id=owner_id)
    return judged


def _without_change_of_mind(
    verdict: Approved | Doubtful | Unclear, last: Outcome
) -> Outcome:
    """Of what check doubted, detail adds only what it knows of the transactions."""
    if isinstance(verdict, Doubtful) and isinstance(last, Doubtful):
        return Doubtful(verdict.reason, last.captures)
    return verdict if isinstance(verdict, Doubtful) else last
