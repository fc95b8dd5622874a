"""The browser's way back from the bank: what PAYNET's page posted (a
form, perhaps JSON, perhaps a query) and the redirect that answers it. Untrusted, read
tolerantly, never guessed at; it sends nobody to an address that is not on our list."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from emanet.escrow import ESCROW_ID
from emanet.usecases.complete_3d import UNREADABLE, Landing, Return

_VALUE = re.compile("[!-~]{1,100}")
_NUMBER = re.compile("[1-9][0-9]{0,2}")


def back_from_bank(path: dict[str, str], raw: bytes, query: str) -> Return:
    """The path's parts and the two fields; an attempt that is no number is attempt 0,
    which nobody has."""
    number, id_ = path.get("attempt", ""), path.get("escrow_id", "")
    session, token = read_return(raw, query)
    return Return(
        escrow_id=id_ if ESCROW_ID.fullmatch(id_) else None,
        attempt=int(number) if _NUMBER.fullmatch(number) else 0,
        state=path.get("state", ""),
        session_id=session,
        token_id=token,
    )


def read_return(raw: bytes, query: str) -> tuple[str | None, str | None]:
    """`session_id` and `token_id`; None where it is missing. A field that came twice
    with two values, or is too long, makes the whole return unreadable."""
    pairs = [*_fields(raw), *parse_qsl(query)]
    session, token = _one(pairs, "session_id"), _one(pairs, "token_id")
    if UNREADABLE in (session, token):
        return UNREADABLE, UNREADABLE
    return session, token


def _fields(raw: bytes) -> list[tuple[str, str]]:
    text = raw.decode("utf-8", errors="replace")
    if not text.lstrip().startswith("{"):
        return parse_qsl(text)
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return []
    given = ((name, value) for name, value in pairs if value is not None)
    return [(name, v if isinstance(v, str) else UNREADABLE) for name, v in given]


def _one(pairs: list[tuple[str, str]], name: str) -> str | None:
    values = {value for key, value in pairs if key == name and value}
    if not values:
        return None
    value = values.pop()
    return value if not values and _VALUE.fullmatch(value) else UNREADABLE


def redirect(landing: Landing, pages: Sequence[str]) -> dict[str, Any]:
    """303 to the page chosen at the start if it is still listed, else to the default
    one; the escrow's id is all that it carries."""
    known = landing.return_to in pages
    page = landing.return_to if known and landing.return_to else pages[0]
    sign = "&" if "?" in page else "?"
    query = f"{sign}escrow={landing.escrow_id}" if known and landing.escrow_id else ""
    return {
        "statusCode": 303,
        "headers": {
            "Location": page + query,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
        "body": "",
        "isBase64Encoded": False,
    }
