"""Holes that a gate could have, each a careless word before or in place of the right
one. The battery and the forgeries must find every one of them: a net that lets a known
hole through is no net."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tests.security.webhook_forgeries import Refusal
from tests.security.webhook_messages import LISTED, SIGNATURE, TIMESTAMP, hmac_hex
from tests.stage import WEBHOOK_SECRET


@dataclass(frozen=True, slots=True)
class Asked:
    """What the gate is asked about."""

    source_ip: str
    headers: Mapping[str, str]
    raw: bytes
    now: datetime

    @property
    def signature(self) -> str:
        return self.headers.get(SIGNATURE, "")

    @property
    def timestamp(self) -> str:
        return self.headers.get(TIMESTAMP, "")

    def but(self, **headers: str) -> Asked:
        """With other values, where the headers are there."""
        names = {"signature": SIGNATURE, "timestamp": TIMESTAMP}
        changed = {names[word]: value for word, value in headers.items()}
        return replace(self, headers={**self.headers, **changed})


Hole = Callable[[Asked], Asked | None]
"""What a careless gate would look at instead; None: it lets this pass unseen."""


def through(hole: Hole, refusal: Refusal) -> Refusal:
    """The same gate with this hole."""

    def refused(
        source_ip: str, headers: Mapping[str, str], raw: bytes, now: datetime
    ) -> str:
        seen = hole(Asked(source_ip, headers, raw, now))
        if seen is None:
            return ""
        return refusal(seen.source_ip, seen.headers, seen.raw, seen.now)

    return refused


def _ignores_case(asked: Asked) -> Asked:
    return asked.but(signature=asked.signature.lower())


def _strips(asked: Asked) -> Asked:
    return asked.but(
        signature=asked.signature.strip(), timestamp=asked.timestamp.strip()
    )


def _takes_the_first_of_several(asked: Asked) -> Asked:
    return asked.but(
        signature=asked.signature.split(",")[0], timestamp=asked.timestamp.split(",")[0]
    )


def _takes_the_last_of_several(asked: Asked) -> Asked:
    return asked.but(signature=asked.signature.split(",")[-1].strip())


def _has_no_window(asked: Asked) -> Asked:
    digits = asked.timestamp if asked.timestamp.isascii() else ""
    if not digits.isdigit() or len(digits) > 12:
        return asked
    return replace(asked, now=datetime.fromtimestamp(min(int(digits), 10**11), UTC))


def _looks_only_backwards(asked: Asked) -> Asked:
    """What is signed for tomorrow passes today."""
    ahead = _has_no_window(asked)
    return ahead if ahead.now > asked.now else asked


def _reads_any_digits(asked: Asked) -> Asked:
    timestamp = asked.timestamp
    return asked.but(timestamp=str(int(timestamp))) if timestamp.isdecimal() else asked


def _believes_a_header(asked: Asked) -> Asked:
    claimed = asked.headers.get("x-forwarded-for", asked.source_ip)
    return replace(asked, source_ip=claimed.split(",")[0])


def _asks_for_no_address(asked: Asked) -> Asked:
    return replace(asked, source_ip=LISTED)


def _strips_the_body(asked: Asked) -> Asked:
    return replace(asked, raw=asked.raw.strip())


def _lets_the_unsigned_pass(asked: Asked) -> Asked | None:
    return asked if asked.signature else None


def _compares_what_was_given(asked: Asked) -> Asked | None:
    right = hmac_hex(WEBHOOK_SECRET, asked.timestamp, asked.raw)
    is_begin = bool(asked.signature) and right.startswith(asked.signature)
    return None if is_begin else asked


def _knows_an_empty_secret(asked: Asked) -> Asked | None:
    empty = hmac_hex("", asked.timestamp, asked.raw)
    return None if asked.signature == empty else asked


HOLES: tuple[Hole, ...] = (
    _ignores_case,
    _strips,
    _takes_the_first_of_several,
    _takes_the_last_of_several,
    _has_no_window,
    _looks_only_backwards,
    _reads_any_digits,
    _believes_a_header,
    _asks_for_no_address,
    _strips_the_body,
    _lets_the_unsigned_pass,
    _compares_what_was_given,
    _knows_an_empty_secret,
)
