"""How PAYNET writes things: bodies, envelopes, errors, amounts, dates. It knows no
sessions and no cards, and keeps nothing."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from datetime import date as calendar_date
from decimal import Decimal
from typing import Any, Literal

from flask import Request, Response

Body = dict[str, Any]

# Return codes of the documentation's table.
SUCCESS, UNSUCCESSFUL, SERVER_ERROR, NOT_IMPLEMENTED = 0, 1, 8, 9
DUPLICATE_DATA, NO_PROCESS, UNAUTHORIZED = 5, 6, 7
BAD_REQUEST, NO_DATA = 11, 12
NO_SESSION, WRONG_BIN, UNMATCHED = 13, 14, 15
FAILED_3D, USED_SESSION, WRONG_CARD, CARD_NOT_FOUND = 16, 17, 18, 25
OLD_SUCCESSFUL = 100

ISTANBUL = timezone(timedelta(hours=3))
COMMA_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,8}),[0-9]{2}")
KURUS = re.compile(r"0|[1-9][0-9]{0,10}")
LIRA = {
    "dot": re.compile(r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,2})?"),
    "comma": re.compile(r"(?:0|[1-9][0-9]{0,8})(?:,[0-9]{1,2})?"),
}
MOST_DIGITS = 11

# A Decimal leaves as a JSON number with all its digits; no float in between.
_NUMBER_MARK = "\ue000"
_MARKED_NUMBER = re.compile(rf'"{_NUMBER_MARK}(-?[0-9]+(?:\.[0-9]+)?)"')


@dataclass
class Refused(Exception):
    """An answer outside HTTP 200: the documented error object."""

    status: int
    type: str
    result_code: int
    message: str

    def answer(self) -> Response:
        body = {
            "type": self.type,
            "message": self.message,
            "code": self.status,
            "result_code": self.result_code,
        }
        return answer(body, self.status)


@dataclass
class TurnedDown(Exception):
    """A refusal inside HTTP 200: its return code and text."""

    code: int
    message: str


def bad_request(message: str, code: int = BAD_REQUEST) -> Refused:
    return Refused(400, "invalid_request_error", code, message)


def answer(body: Body, status: int = 200) -> Response:
    kind = "application/json; charset=utf-8"
    return Response(dumps(body), status, content_type=kind)


def dumps(body: Body) -> str:
    text = json.dumps(body, ensure_ascii=False, default=_marked)
    return _MARKED_NUMBER.sub(r"\1", text)


def loads(text: bytes) -> Body:
    body = json.loads(text, parse_float=Decimal)
    if not isinstance(body, dict):
        raise TypeError("not a JSON object")
    return body


def _marked(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{_NUMBER_MARK}{value:f}"
    raise TypeError(type(value).__name__)


def body_of(request: Request) -> Body:
    """JSON or form-encoded, as the documentation allows; XML is not built."""
    if request.mimetype == "application/x-www-form-urlencoded":
        return request.form.to_dict()
    if request.mimetype != "application/json":
        raise bad_request("Content-Type")
    try:
        return loads(request.get_data())
    except (ValueError, TypeError, RecursionError):
        raise bad_request("JSON") from None


def minor_from(amount: object, *, numbers: bool) -> int:
    """Kuruş from "130,00", and from a JSON number where numbers are tolerated."""
    if isinstance(amount, str) and COMMA_AMOUNT.fullmatch(amount):
        minor = int(amount.replace(",", ""))
    elif numbers and isinstance(amount, int | Decimal):
        minor = _whole(Decimal(amount).scaleb(2))
    else:
        raise ValueError("amount")
    if minor <= 0:
        raise ValueError("amount")
    return minor


def kurus_from(amount: object) -> int:
    """Kuruş from "1000"; absent, "" and "0" are 0, which means all of it."""
    if amount is None or amount == "":
        return 0
    if isinstance(amount, str) and KURUS.fullmatch(amount):
        return int(amount)
    raise ValueError("amount")


def some_kurus_from(amount: object) -> int:
    """Kuruş from "1000", and nothing that means all of it."""
    minor = kurus_from(amount)
    if not minor:
        raise ValueError("amount")
    return minor


def decimal_from(amount: object, form: str) -> int:
    """Kuruş from a "decimal", in the one form that is taken, or in any that is lira."""
    if isinstance(amount, bool):
        raise ValueError("amount")  # noqa: TRY004 - pydantic wants this one
    if form == "kurus":
        minor = kurus_from(amount)
    elif isinstance(amount, str):
        minor = _whole(Decimal(_dotted(amount, form)).scaleb(2))
    elif isinstance(amount, int | Decimal) and form in {"any", "number"}:
        minor = _whole(Decimal(amount).scaleb(2))
    else:
        raise ValueError("amount")
    if minor <= 0:
        raise ValueError("amount")
    return minor


def _dotted(amount: str, form: str) -> str:
    taken = [pattern for name, pattern in LIRA.items() if form in {"any", name}]
    if not any(pattern.fullmatch(amount) for pattern in taken):
        raise ValueError("amount")
    return amount.replace(",", ".")


def _whole(kurus: Decimal) -> int:
    if not kurus.is_finite() or kurus.adjusted() > MOST_DIGITS or kurus % 1:
        raise ValueError("amount")
    return int(kurus)


def lira(amount_minor: int, style: Literal["number", "dot", "comma"]) -> Decimal | str:
    amount = Decimal(amount_minor).scaleb(-2)
    if style == "number":
        return amount
    return str(amount) if style == "dot" else str(amount).replace(".", ",")


def istanbul(at_s: float) -> datetime:
    """PAYNET's clock is Istanbul's and does not say so."""
    return datetime.fromtimestamp(at_s, UTC).astimezone(ISTANBUL)


def day(at_s: float) -> calendar_date:
    return istanbul(at_s).date()


def date(at_s: float, style: Literal["iso", "turkish", "absent"]) -> Body:
    if style == "absent":
        return {}
    shape = "%Y-%m-%dT%H:%M:%S" if style == "iso" else "%d.%m.%Y %H:%M:%S"
    return {"xact_date": istanbul(at_s).strftime(shape)}


def list_date(at_s: float, style: Literal["iso", "turkish"]) -> str:
    """In a list the Turkish way is a day without a time."""
    shape = "%Y-%m-%dT%H:%M:%S" if style == "iso" else "%d.%m.%Y"
    return istanbul(at_s).strftime(shape)


def code(value: int, style: Literal["number", "string"]) -> int | str:
    return value if style == "number" else str(value)
