"""What PAYNET said about one attempt, in our words. Five answers and no sixth: whatever
cannot be read as one of the first four is `Unknown`, and Unknown is asked again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from emanet.escrow import Capture


@dataclass(frozen=True, slots=True)
class Approved:
    """Exactly one capture of exactly the expected amount."""

    capture: Capture


@dataclass(frozen=True, slots=True)
class Declined:
    """PAYNET or the bank said no. `refusal` is a short text without card data."""

    refusal: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """Asked at this moment, PAYNET knew no payment with this reference."""

    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Money moved, but not as asked: another amount, twice, or reversed."""

    reason: str
    captures: tuple[Capture, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """No usable answer. `unreachable`: PAYNET did not answer in time at all. `seen`: a
    capture that was told of, but not enough of it to judge."""

    why: str
    unreachable: bool = False
    seen: Capture | None = None


Outcome = Approved | Declined | NotFound | Doubtful | Unknown
