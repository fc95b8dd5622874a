"""The line to PAYNET: one keep-alive session, one deadline per call, a cap on what is
read, and no exception that could carry a card, a token or the key. It sends each
request at most once, and knows no endpoint and no meaning of an answer."""

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

from emanet.errors import SecretUnavailable
from emanet.outcome import Unknown
from emanet.paynet.answer import Answer
from emanet.paynet.formats import JsonObject
from emanet.ports import Clock

CONNECT_S = 3.0
READ_S = 15.0
SHORTEST_S = 0.01
BODY_LONGEST = 1024 * 1024
IDLE_LONGEST = timedelta(seconds=60)  # a NAT on the way forgets older connections

Pace = Callable[[datetime], bool]
"""Waits until a request may go; False, at once, if that is after the deadline."""

_HEADERS = {
    "Content-Type": "application/json; charset=UTF-8",
    "Accept": "application/json; charset=UTF-8",
    "Accept-Encoding": "identity",  # so that the cap on the body is a cap
}
_KEY = re.compile(r"[!-~]+")
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Errand:
    """One call of a port, with all that its requests share."""

    key: str = field(repr=False)
    deadline: datetime
    line: Line = field(repr=False)

    @property
    def left_s(self) -> float:
        return (self.deadline - self.line.clock()).total_seconds()

    def post(self, path: str, request: JsonObject) -> Answer | Unknown:
        """One request, sent at most once. Failures are returned, never raised: the
        exceptions of requests carry the request, and with it card, token and key."""
        return self.line.post(self, path, request)


class Line:
    """PAYNET's address, our key and the connection between them."""

    def __init__(
        self,
        base_url: str,
        secret_key: Callable[[], str],
        clock: Clock,
        pace: Pace | None = None,
    ) -> None:
        self.clock = clock
        self._base_url = base_url.rstrip("/")
        self._secret_key = secret_key
        self._pace = pace
        self._http = _new_session()
        self._used_at = clock()

    @property
    def is_plain_and_local(self) -> bool:
        """Without TLS, because PAYNET is a simulator on this machine."""
        parts = urlsplit(self._base_url)
        return parts.scheme == "http" and parts.hostname in _THIS_MACHINE

    def errand(self, deadline: datetime) -> Errand:
        """Takes the key before anything is sent. Raises SecretUnavailable, also for a
        key that no header can carry: requests would print it while refusing it."""
        key = self._secret_key().strip()
        if not _KEY.fullmatch(key):
            raise SecretUnavailable("PAYNET's key is no printable text")
        return Errand(key, deadline, self)

    def post(self, errand: Errand, path: str, request: JsonObject) -> Answer | Unknown:
        """See Errand.post."""
        if not self._may_send(errand):
            return Unknown("no_time", unreachable=True)
        try:
            return self._exchange(errand, path, json.dumps(request).encode())
        except (OSError, HTTPError) as error:
            silent = isinstance(error, requests.Timeout | ReadTimeoutError)
        self._http = _new_session()  # another thread may still be using the old one
        late = errand.left_s <= 0
        why = "timeout" if silent or late else "connection_failed"
        return Unknown(why, unreachable=True)

    def _may_send(self, errand: Errand) -> bool:
        if errand.left_s <= 0:
            return False
        return self._pace is None or (self._pace(errand.deadline) and errand.left_s > 0)

    def _exchange(self, errand: Errand, path: str, body: bytes) -> Answer | Unknown:
        response = self._send(errand, path, body)
        with response, _cut_off(response, errand.left_s):
            content = response.raw.read(BODY_LONGEST + 1)
        if errand.left_s <= 0:
            return Unknown("timeout", unreachable=True)
        if len(content) > BODY_LONGEST:
            return Unknown("too_large")
        return Answer.of(response.status_code, content)

    def _send(self, errand: Errand, path: str, body: bytes) -> requests.Response:
        """Returns when the head of the answer is here; its body is still to be read."""
        left_s = max(errand.left_s, SHORTEST_S)
        return self._fresh_session().post(
            self._base_url + path,
            data=body,
            headers={**_HEADERS, "Authorization": f"Basic {errand.key}"},
            # requests hands urllib3's own Timeout through
            timeout=Timeout(left_s, CONNECT_S, READ_S),  # type: ignore[arg-type]  # its stubs do not say so
            stream=True,
        )

    def _fresh_session(self) -> requests.Session:
        """A connection that was idle for long may be dead without knowing it, and a
        request that dies on it would look like one that may have moved money."""
        now = self.clock()
        if now - self._used_at > IDLE_LONGEST:
            self._http = _new_session()
        self._used_at = now
        return self._http


class _Http(requests.Session):
    """A redirect is an answer like any other. Even when told not to follow it, requests
    would first read its body, without our cap and our deadline."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """There is none."""


def _new_session() -> requests.Session:
    """Nothing is resent, no cookie goes from one payer's call to the next, and no
    .netrc or proxy of the environment comes between our key and PAYNET."""
    session = _Http()
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
