"""PAYNET's spellings of single values, read into ours: kuruş, moments, codes, masked
cards. What cannot be read for certain is None, never a guess; no float is ever made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import ROUND_HALF_UP, Decimal

from emanet.istanbul import ISTANBUL
from emanet.money import MAX_AMOUNT_MINOR

JsonObject = dict[str, object]

_MIDNIGHT = time(tzinfo=ISTANBUL)
_TIME = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?", re.ASCII)
_OLDEST_YEAR = 2000
_KURUS = Decimal("0.01")
_LIRA = re.compile(
    r"(\d+|\d{1,3}(?:\.\d{3})+(?=,))"  # dots group thousands only if a comma follows
    r"(?:[.,](\d{1,2}|\d{4,12}))?",  # three decimals could be thousands: not read
    re.ASCII,
)
_FRACTION = re.compile(r"-?0(?:\.\d{1,12})?", re.ASCII)


def json_object(raw: bytes) -> JsonObject | None:
    """The one JSON object in these bytes, its fractions exact."""
    try:
        content = json.loads(raw, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _no_number(name: str) -> None:
    raise ValueError(name)


def lira(amount_minor: int) -> str:
    """13000 → "130,00": a comma, two decimals, nothing between thousands."""
    return f"{amount_minor // 100},{amount_minor % 100:02d}"


def kurus(value: object) -> int | None:
    """130, 130.00, "130,00", "130.00" and "1.300,00"; but not "1,300" or "1.300"."""
    amount = _amount(value)
    minor = None if amount is None else _nearest(amount)
    return minor if minor is not None and Decimal(minor).scaleb(-2) == amount else None


def nearest_kurus(value: object) -> int | None:
    """As kurus, of a price that was calculated and perhaps not rounded: half a kuruş
    and more is a whole one."""
    amount = _amount(value)
    return None if amount is None else _nearest(amount)


def _nearest(amount: Decimal) -> int:
    return int(amount.quantize(_KURUS, ROUND_HALF_UP).scaleb(2))


def _amount(value: object) -> Decimal | None:
    if isinstance(value, str):
        value = _lira_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value) if 0 <= value <= MAX_AMOUNT_MINOR // 100 else None


def _lira_text(text: str) -> Decimal | None:
    found = _LIRA.fullmatch(text)
    if found is None:
        return None
    whole, decimals = found.groups()
    return Decimal(f"{whole.replace('.', '')}.{decimals or '0'}")


def fraction(value: object) -> str | None:
    """0.0489, "0.0489" and "0,0489" → "0.0489", digit for digit. One and more is no
    fraction: it could be a percentage."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    said = str(value).strip().replace(",", ".")
    return said if _FRACTION.fullmatch(said) else None


def whole(value: object) -> int | None:
    """A number or its text: the tables say string, the samples show numbers."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None


def text(value: object) -> str | None:
    """Text or a number's text; empty counts as absent."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value).strip() or None


def truth(value: object) -> bool | None:
    """A JSON boolean and nothing that only looks like one."""
    return value if isinstance(value, bool) else None


def moment(value: object) -> datetime | None:
    """ISO 8601 or dd.mm.yyyy, in UTC; without an offset it is Turkey's time."""
    if not isinstance(value, str):
        return None
    for read in _READERS:
        try:
            at = read(value.strip())
        except ValueError:
            continue
        return _in_utc(at)
    return None


def _dotted(value: str) -> datetime:
    form = "%d.%m.%Y %H:%M:%S" if " " in value else "%d.%m.%Y"
    return datetime.strptime(value, form).replace(tzinfo=ISTANBUL)


def time_of_day(value: object) -> time | None:
    """11:15:30 or 11:15, where a list keeps it apart from its date."""
    if not isinstance(value, str) or not _TIME.fullmatch(value.strip()):
        return None
    try:
        return time.fromisoformat(value.strip())
    except ValueError:
        return None


def at_time(day: datetime | None, at: time | None) -> datetime | None:
    """A moment that was told in two fields: Turkey's midnight and the time."""
    local = day.astimezone(ISTANBUL) if day else None
    if local is None or at is None or local.timetz() != _MIDNIGHT:
        return day
    return datetime.combine(local, at, ISTANBUL).astimezone(UTC)


_WORD = re.compile(r"3-?D|[(\"']?[^\W\d_]{1,20}(?:['’-][^\W\d_]{1,20})?[.,;:!?)\"']*")
_ERROR_ID = re.compile(r"[A-Za-z0-9_-]{1,8}")

_READERS: tuple[Callable[[str], datetime], ...] = (datetime.fromisoformat, _dotted)


def _in_utc(at: datetime) -> datetime | None:
    """A date before PAYNET existed is some program's default, not a moment; nor is one
    that no calendar reaches."""
    if at.year < _OLDEST_YEAR:
        return None
    try:
        return (at if at.tzinfo else at.replace(tzinfo=ISTANBUL)).astimezone(UTC)
    except OverflowError:
        return None


def masked_card(value: object) -> str | None:
    """At most the first six and the last four digits, whatever was sent."""
    if not isinstance(value, str):
        return None
    shown = re.sub(r"[\s-]", "", value)
    head = re.match(r"\d{0,6}", shown, re.ASCII)
    tail = re.search(r"\d{0,4}$", shown, re.ASCII)
    digits = (head[0] if head else "", tail[0] if tail else "")
    return "******".join(digits) if any(digits) else None


def safe_words(words: str, longest: int) -> str:
    """The plain words of a text, in one short line. What is no word (a number, a key, a
    token that PAYNET echoes) could be somebody's secret, and is left out."""
    return " ".join(w for w in words.split() if _WORD.fullmatch(w))[:longest]


def safe_id(text: str | None) -> str:
    """An error's id if it looks like one; empty else."""
    return text if text and _ERROR_ID.fullmatch(text) else ""
