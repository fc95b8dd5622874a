"""What PAYNET said, in our words. About an attempt five answers and no sixth: whatever
cannot be read as one of the first four is `Unknown`, and Unknown is asked again. About
money that shall go out three: `Accepted`, `Denied`, `Unknown`. And what its lists
tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from emanet.escrow import Capture


@dataclass(frozen=True, slots=True)
class Approved:
    """Exactly one capture of exactly the expected amount. `card_owner_id`: the card was
    stored with it, for this owner at PAYNET."""

    capture: Capture
    card_owner_id: str | None = field(default=None, repr=False)


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
    card_owner_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Unknown:
    """No usable answer. `unreachable`: PAYNET did not answer in time at all. `seen`: a
    capture that was told of, but not enough of it to judge."""

    why: str
    unreachable: bool = False
    seen: Capture | None = None
    card_owner_id: str | None = field(default=None, repr=False)


Outcome = Approved | Declined | NotFound | Doubtful | Unknown


# ── money out ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Accepted:
    """PAYNET took the order. For a refund that is no proof that it is done."""


@dataclass(frozen=True, slots=True)
class Denied:
    """PAYNET said no, and did nothing. `why` is a short text without secrets."""

    why: str


Reply = Accepted | Denied | Unknown


@dataclass(frozen=True, slots=True)
class Reversal:
    """A row of PAYNET's reversals: money of a transaction (`of_xact_id`, `of_plain_id`)
    that went back. None: the row does not say. `commission_minor` is what PAYNET gave
    back of its fee, tax and all."""

    id: str
    of_xact_id: str | None = None
    of_plain_id: str | None = None
    amount_minor: int | None = None
    at: datetime | None = None
    is_succeed: bool | None = None
    commission_minor: int | None = None

    def is_of(self, capture: Capture) -> bool:
        """It gives this transaction's money back, by either id."""
        plain = self.of_plain_id is not None and self.of_plain_id == capture.plain_id
        return plain or self.of_xact_id == capture.xact_id


@dataclass(frozen=True, slots=True)
class Returned:
    """All that PAYNET lists as given back of one capture; `is_reversed`: what its
    detail says of the whole (None: nothing)."""

    rows: tuple[Reversal, ...]
    is_reversed: bool | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """A successful sale in PAYNET's daily list. `reference_no` None: the row names
    none that we could read."""

    reference_no: str | None
    capture: Capture
    is_on_chargeback: bool = False
