"""PAYNET over HTTP: one keep-alive session, one deadline per call, and no exception
that could carry a card, a token or the key. Each request is sent once, by our own hand:
only tds_charge is repeated, openly, with the same pair, as PAYNET asks for. It decides
nothing about money: `messages` reads the answers and `rows` judges them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from threading import Timer
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from emanet.errors import PaynetUnreachable, SecretUnavailable
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Outcome, Unknown
from emanet.paynet import messages
from emanet.paynet.formats import JsonObject
from emanet.paynet.messages import Answer
from emanet.paynet.rows import Row, Unclear, judge, judge_detailed
from emanet.ports import Card, Clock, Session, SessionOrder

CONNECT_S = 3.0
READ_S = 15.0
SHORTEST_S = 0.01
CHARGE_NEEDS_S = 3.0
REPEAT_NEEDS_S = 6.0
BODY_LONGEST = 1024 * 1024
IDLE_LONGEST = timedelta(seconds=60)  # a NAT on the way forgets older connections

_HEADERS = {
    "Content-Type": "application/json; charset=UTF-8",
    "Accept": "application/json; charset=UTF-8",
    "Accept-Encoding": "identity",  # so that the cap on the body is a cap
}
_KEY = re.compile(r"[!-~]+")
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class _Errand:
    """One call of the port, with all that its requests share."""

    key: str = field(repr=False)
    deadline: datetime


class PaynetGateway:
    """ports.Gateway, for the real PAYNET and for its simulator alike."""

    def __init__(
        self, base_url: str, secret_key: Callable[[], str], clock: Clock
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._secret_key = secret_key
        self._clock = clock
        self._http = _new_session()
        self._used_at = clock()

    def be_ready(self, deadline: datetime) -> None:
        """See ports.Gateway."""
        if self._left_s(self._errand(deadline).deadline) < CHARGE_NEEDS_S:
            raise PaynetUnreachable("no_time")

    def open_session(
        self, order: SessionOrder, card: Card, deadline: datetime
    ) -> Session:
        """tds_initial; see ports.Gateway."""
        errand = self._errand(deadline)
        request = messages.tds_initial(order, card)
        answer = self._post(errand, messages.TDS_INITIAL, request)
        if isinstance(answer, Unknown):
            raise PaynetUnreachable(answer.why)
        plain_http = _is_plain_and_local(self._base_url)
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
        errand = self._errand(deadline)
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
        return self._ask(self._errand(deadline), reference_no, expected_minor)

    def _errand(self, deadline: datetime) -> _Errand:
        """Takes the key before anything is sent. Raises SecretUnavailable, also for a
        key that no header can carry: requests would print it while refusing it."""
        key = self._secret_key().strip()
        if not _KEY.fullmatch(key):
            raise SecretUnavailable("PAYNET's key is no printable text")
        return _Errand(key, deadline)

    def _send_charge(
        self, errand: _Errand, session_id: str, token_id: str
    ) -> tuple[Answer | Unknown, bool]:
        """Once, and once more if nothing readable came back while time remains: the
        same pair never charges twice (paynet-api.md 2.4). True: it was repeated."""
        pair = messages.tds_charge(session_id, token_id)
        answer = self._post(errand, messages.TDS_CHARGE, pair)
        if isinstance(answer, Answer) and answer.is_readable:
            return answer, False
        if self._left_s(errand.deadline) < REPEAT_NEEDS_S:
            return answer, False
        return self._post(errand, messages.TDS_CHARGE, pair), True

    def _confirm(
        self, errand: _Errand, charged: Row, reference_no: str, expected_minor: int
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

    def _ask(self, errand: _Errand, reference_no: str, expected_minor: int) -> Outcome:
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
        self, errand: _Errand, path: str, request: JsonObject
    ) -> list[Row] | Unknown:
        answer = self._post(errand, path, request)
        return answer if isinstance(answer, Unknown) else messages.read_rows(answer)

    def _post(
        self, errand: _Errand, path: str, request: JsonObject
    ) -> Answer | Unknown:
        """One request, sent at most once. Failures are returned, never raised: the
        exceptions of requests carry the request, and with it card, token and key."""
        if self._left_s(errand.deadline) <= 0:
            return Unknown("no_time", unreachable=True)
        try:
            return self._exchange(errand, path, json.dumps(request).encode())
        except (OSError, HTTPError) as error:
            silent = isinstance(error, requests.Timeout | ReadTimeoutError)
        self._http = _new_session()  # another thread may still be using the old one
        late = self._left_s(errand.deadline) <= 0
        why = "timeout" if silent or late else "connection_failed"
        return Unknown(why, unreachable=True)

    def _exchange(self, errand: _Errand, path: str, body: bytes) -> Answer | Unknown:
        response = self._send(errand, path, body)
        with response, _cut_off(response, self._left_s(errand.deadline)):
            content = response.raw.read(BODY_LONGEST + 1)
        if self._left_s(errand.deadline) <= 0:
            return Unknown("timeout", unreachable=True)
        if len(content) > BODY_LONGEST:
            return Unknown("too_large")
        return Answer.of(response.status_code, content)

    def _send(self, errand: _Errand, path: str, body: bytes) -> requests.Response:
        """Returns when the head of the answer is here; its body is still to be read."""
        left_s = max(self._left_s(errand.deadline), SHORTEST_S)
        return self._fresh_session().post(
            self._base_url + path,
            data=body,
            headers={**_HEADERS, "Authorization": f"Basic {errand.key}"},
            # requests hands urllib3's own Timeout through; its stubs do not say so
            timeout=Timeout(left_s, CONNECT_S, READ_S),  # type: ignore[arg-type]
            stream=True,
        )

    def _fresh_session(self) -> requests.Session:
        """A connection that was idle for long may be dead without knowing it, and a
        request that dies on it would look like an unknown charge."""
        now = self._clock()
        if now - self._used_at > IDLE_LONGEST:
            self._http = _new_session()
        self._used_at = now
        return self._http

    def _left_s(self, deadline: datetime) -> float:
        return (deadline - self._clock()).total_seconds()


class _Line(requests.Session):
    """A redirect is an answer like any other. Even when told not to follow it, requests
    would first read its body, without our cap and our deadline."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """There is none."""


def _without_change_of_mind(
    verdict: Approved | Doubtful | Unclear, last: Outcome
) -> Outcome:
    """Of what check doubted, detail adds only what it knows of the transactions."""
    if isinstance(verdict, Doubtful) and isinstance(last, Doubtful):
        return Doubtful(verdict.reason, last.captures)
    return verdict if isinstance(verdict, Doubtful) else last


def _new_session() -> requests.Session:
    """Nothing is resent, no cookie goes from one payer's call to the next, and no
    .netrc or proxy of the environment comes between our key and PAYNET."""
    session = _Line()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=0))
    return session


@contextmanager
def _cut_off(response: requests.Response, left_s: float) -> Iterator[None]:
    """Ends the reading of a body when its time is over, however slowly it drips: the
    time-outs of requests begin anew with each byte."""
    timer = Timer(max(left_s, 0), _end_reading, (response,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end_reading(response: requests.Response) -> None:
    with suppress(OSError, RuntimeError, ValueError):  # it has ended by itself
        response.raw.shutdown()


def _is_plain_and_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _THIS_MACHINE
