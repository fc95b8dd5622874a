"""What every call of PAYNET's API passes first: its key, secret or publishable, which
is recognised and never kept, and its body, noted without what it says."""

import hashlib
import hmac

from flask import g, request

from local.paynet_simulator import wire
from local.paynet_simulator.traffic import Visit


class Key:
    def __init__(self, key: str) -> None:
        # Enough to recognise the key, not enough to tell it.
        self._digest = _digest(f"Basic {key}")

    def require(self) -> None:
        self._compare(request.headers.get("Authorization", ""))

    def require_as(self, sent: str) -> None:
        """The key alone, out of a body."""
        self._compare(f"Basic {sent}")

    def _compare(self, sent: str) -> None:
        if not hmac.compare_digest(_digest(sent), self._digest):
            raise wire.Refused(
                401, "authorization_error", wire.UNAUTHORIZED, "Yetkisiz erişim"
            )


def body() -> wire.Body:
    sent = wire.body_of(request)
    visit().note(sent)
    return sent


def visit() -> Visit:
    noted: Visit = g.visit
    return noted


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
