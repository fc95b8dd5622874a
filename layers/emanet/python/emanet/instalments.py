"""What a payment in instalments costs, and the signed quote that holds its price. Pure:
PAYNET's ratios and an escrow go in, offers come out. All amounts are kuruş.

Rounding, the one rule: the total is PAYNET's, to the kuruş; each instalment is the
total divided, rounded down, and the first carries the rest. So the parts always sum to
it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from emanet import policy
from emanet.errors import FieldProblem, QuoteRefused
from emanet.escrow import Escrow
from emanet.policy import Bearer

DEAREST = 2  # times the amount: whatever costs more was misread


@dataclass(frozen=True, slots=True)
class Ratio:
    """PAYNET's price of one number of instalments: the rate as PAYNET writes it (a
    fraction, "0.0489"), and what the card would be charged in all."""

    count: int
    rate: str
    total_minor: int


@dataclass(frozen=True, slots=True)
class CardBank:
    """What PAYNET knows of a card by its first digits. None: it does not say."""

    bank: str | None = None
    family: str | None = None
    kind: str | None = None
    needs_3d: bool | None = None
    ratios: tuple[Ratio, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to pay: so many instalments, for so much in all."""

    count: int
    total_minor: int
    rate: str


def offers(escrow: Escrow, bank: CardBank) -> tuple[Offer, ...]:
    """A single payment of the amount first, then what the bank and the escrow's policy
    allow. A bank's campaign makes nothing cheaper than the amount, which must be held
    whole; a price that contradicts itself is not offered."""
    prices = {ratio.count: ratio for ratio in bank.ratios}
    allowed = range(2, escrow.policy.instalments_allowed + 1)
    told = (prices[count] for count in allowed if count in prices)
    believed = (ratio for ratio in told if _is_credible(escrow, ratio))
    return (single(escrow), *(_offer(escrow, ratio) for ratio in believed))


def single(escrow: Escrow) -> Offer:
    """All at once: never dearer than the amount."""
    return Offer(1, escrow.amount_minor, "0")


def _is_credible(escrow: Escrow, ratio: Ratio) -> bool:
    """A commission that the payer bears must make it dearer, and not by a multiple:
    else PAYNET was misunderstood, and the platform would pay."""
    if escrow.policy.instalment_cost is Bearer.PLATFORM:
        return True
    amount = escrow.amount_minor
    has_cost = Decimal(ratio.rate) > 0
    if has_cost and ratio.total_minor <= amount:
        return False
    return ratio.total_minor <= DEAREST * amount


def _offer(escrow: Escrow, ratio: Ratio) -> Offer:
    total = escrow.amount_minor
    if escrow.policy.instalment_cost is Bearer.PAYER:
        total = max(total, ratio.total_minor)
    return Offer(ratio.count, total, ratio.rate)


def parts(total_minor: int, count: int) -> Iterator[int]:
    """What each instalment comes to, the first one first."""
    each, rest = divmod(total_minor, count)
    yield each + rest
    yield from (each for _ in range(count - 1))


# ── quotes ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Quote:
    """An offer that holds for this escrow and cards that begin so, until then."""

    escrow_id: str
    amount_minor: int
    offer: Offer
    bin: str
    expires_at: datetime


def quote(escrow: Escrow, offer: Offer, bin_: str, at: datetime) -> Quote:
    return Quote(
        escrow_id=escrow.id,
        amount_minor=escrow.amount_minor,
        offer=offer,
        bin=bin_,
        expires_at=at + policy.QUOTE_HOLDS,
    )


def signed(told: Quote, key: bytes) -> str:
    """The quote as a frontend carries it: readable by anybody, changed by nobody."""
    offer = told.offer
    fields = (
        *(told.escrow_id, told.amount_minor, offer.count, offer.total_minor),
        *(offer.rate, told.bin, told.expires_at.isoformat()),
    )
    text = _base64(json.dumps(fields).encode())
    return f"{text}.{_signature(text, key)}"


def read_quote(token: str, key: bytes) -> Quote:
    """Raises QuoteRefused unless we ourselves signed it, exactly so."""
    text, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(text, key).encode(), signature.encode()):
        raise QuoteRefused(FieldProblem("quote", "altered"))
    padded = text + "=" * (-len(text) % 4)
    id_, amount, count, total, rate, bin_, until = json.loads(
        base64.urlsafe_b64decode(padded)
    )
    ends = datetime.fromisoformat(until)
    return Quote(id_, amount, Offer(count, total, rate), bin_, ends)


def must_be_for_card(told: Quote, card_bin: str) -> None:
    """Raises QuoteRefused."""
    if told.bin != card_bin:
        raise QuoteRefused(FieldProblem("quote", "another_card"))


def must_hold(told: Quote, escrow: Escrow, at: datetime) -> None:
    """Raises QuoteRefused: it is another escrow's, over, or of an amount that has
    changed since."""
    for problem, is_so in (
        ("another_escrow", told.escrow_id != escrow.id),
        ("quote_expired", at >= told.expires_at),
        ("amount_changed", told.amount_minor != escrow.amount_minor),
    ):
        if is_so:
            raise QuoteRefused(FieldProblem("quote", problem))


def _signature(text: str, key: bytes) -> str:
    return _base64(hmac.digest(key, text.encode(), hashlib.sha256))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
