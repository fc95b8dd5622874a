"""What PAYNET posts to us by itself (paynet-api §4.2, §4.3), read as a hint: whose it
is, and the few fields that are safe to keep. Everything else in the body is dropped."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from emanet.ports import Hint

# PAYNET misspells its own field in this one body; read both.
_REFERENCE = ("referance_no", "reference_no")
_KEPT = (*_REFERENCE, "xact_id", "xact_date", "amount", "currency", "instalment")
_KEPT_FLAGS = ("is_succeed", "code", "status")
_VALUE_MAX = 100


def read_callback(raw: bytes) -> Hint:
    """Never fails: what cannot be read is a callback of nobody, and a human sees it."""
    body = _body(raw)
    fields = {
        name: _kept(body[name]) for name in (*_KEPT, *_KEPT_FLAGS) if name in body
    }
    named = (body.get(name) for name in _REFERENCE)
    references = {value for value in named if isinstance(value, str)}
    return Hint(references.pop() if len(references) == 1 else None, fields)


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
    return str(value)[:_VALUE_MAX] if isinstance(value, str | int) else "(dropped)"
