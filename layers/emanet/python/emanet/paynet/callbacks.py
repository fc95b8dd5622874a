"""What PAYNET posts to us by itself, read as a hint: whose it is, and the few fields
that are safe to keep. Everything else in the body is dropped."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from emanet.ports import Hint

# PAYNET misspells its own field in this one body; read both.
_REFERENCE = ("referance_no", "reference_no")
_KEPT = (*_REFERENCE, "xact_id", "xact_date", "amount", "currency", "instalment")
_KEPT_FLAGS = ("is_succeed", "code", "status")
_REFUND_KEPT = ("xact_id", "code", "status")
_VERDICTS = {"0": True, "1": False}
_OURS = re.compile("[a-z2-7]{26}-[1-9][0-9]?-[a-z2-7]{6}")
_PLAIN = re.compile(r"[\w .,:+/*=-]{1,100}", re.ASCII)
_LONG = re.compile("[0-9](?:[ .,-]?[0-9]){11}")  # it could be a card's number
_DROPPED = "(dropped)"


@dataclass(frozen=True, slots=True)
class RefundWord:
    """What a refund's callback claims, and the fields that are safe to keep. None: it
    does not say, or not clearly."""

    xact_id: str | None
    is_approved: bool | None
    fields: Mapping[str, str | int | bool | None]


def read_callback(raw: bytes) -> Hint:
    """Never fails: what cannot be read is a callback of nobody, and a human sees it."""
    body = _body(raw)
    fields = {
        name: _kept(body[name]) for name in (*_KEPT, *_KEPT_FLAGS) if name in body
    }
    named = {str(body[name]) for name in _REFERENCE if body.get(name)}
    ours = [name for name in named if _OURS.fullmatch(name)]
    return Hint(ours[0] if len(named) == len(ours) == 1 else None, fields)


def read_refund_callback(raw: bytes) -> RefundWord:
    """Of `succeedUrl`. Never fails; only a code of exactly 0 or 1 is a verdict."""
    body = _body(raw)
    fields = {name: _kept(body[name]) for name in _REFUND_KEPT if name in body}
    xact_id, code = fields.get("xact_id"), fields.get("code")
    named = xact_id if isinstance(xact_id, str) and xact_id != _DROPPED else None
    verdict = _VERDICTS.get(code) if isinstance(code, str) else None
    return RefundWord(named, verdict, fields)


def _body(raw: bytes) -> dict[str, object]:
    text = raw.decode("utf-8", errors="replace")
    try:
        body = json.loads(text, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return dict(parse_qsl(text))
    return body if isinstance(body, dict) else {}


def _kept(value: object) -> str | int | bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = str(value) if isinstance(value, str | int) else ""
    return text if _PLAIN.fullmatch(text) and not _LONG.search(text) else _DROPPED
