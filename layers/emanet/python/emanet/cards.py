"""Cards that PAYNET stores: it keeps the number, we keep who their owner is and that he
consented. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field, replace
from datetime import date

from emanet.escrow import CardConsent

CARD_ID = re.compile("[a-z2-7]{26}")
CONSENTS_MAX = 50  # the newest ones


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A card at PAYNET. Its hash, by which it can be charged, never leaves us."""

    card_hash: str = field(repr=False)
    bin: str
    last_four: str
    expiry_month: int
    expiry_year: int
    brand: str | None = None
    bank: str | None = None
    name: str | None = None

    def is_over(self, today: date) -> bool:
        """Past the last day of its month."""
        return (self.expiry_year, self.expiry_month) < (today.year, today.month)


@dataclass(frozen=True, slots=True)
class CardOwner:
    """A payer who stores cards: PAYNET's id for him, and his newest consents."""

    payer_id: str
    owner_id: str = field(repr=False)
    consents: tuple[CardConsent, ...] = ()
    version: int = 1


def consented(
    known: CardOwner | None, payer_id: str, owner_id: str, consent: CardConsent
) -> CardOwner:
    """The owner after one more card was stored. PAYNET's first id for him stays: it is
    the one under which his cards are listed."""
    if known is None:
        return CardOwner(payer_id, owner_id, (consent,))
    consents = (*known.consents, consent)[-CONSENTS_MAX:]
    return replace(known, consents=consents, version=known.version + 1)


def card_id(key: bytes, owner: CardOwner, card_hash: str) -> str:
    """Our own id of a stored card: a keyed digest, so that it tells nobody the hash,
    and another owner's id for the same card differs."""
    text = "\x1f".join((owner.payer_id, card_hash))
    digest = hmac.digest(key, text.encode(), hashlib.sha256)
    return base64.b32encode(digest).decode()[:26].lower()
