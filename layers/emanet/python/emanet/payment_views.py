"""How a payer's choices are shown: instalments with their quotes, and stored cards.
What PAYNET could charge by is not among it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from emanet import instalments
from emanet.cards import StoredCard
from emanet.instalments import Offer, Quote
from emanet.istanbul import day_of
from emanet.problems import Language, reason_text
from emanet.usecases.offer_instalments import Offered
from emanet.views import money, shown_at


def offers_view(offered: Offered, key: bytes, language: Language) -> dict[str, Any]:
    """Every way to pay, the single payment first. `only_single`: why there is no
    other."""
    bank, why = offered.bank, offered.only_single
    return {
        "escrow_id": offered.escrow.id,
        "card": {
            "bank": bank.bank,
            "family": bank.family,
            "kind": bank.kind,
            "requires_3d": bank.needs_3d,
        },
        "offers": [
            _offer(offer, offered.escrow.amount_minor, quote, key)
            for offer, quote in offered.quotes
        ],
        "only_single": why or None,
        "only_single_text": reason_text(why, language) or None,
    }


def _offer(
    offer: Offer, amount_minor: int, quote: Quote | None, key: bytes
) -> dict[str, Any]:
    """`instalments`: each one, in order; they sum to the total."""
    parts = instalments.parts(offer.total_minor, offer.count)
    return {
        "count": offer.count,
        "total": money(offer.total_minor),
        "surcharge": money(offer.total_minor - amount_minor),
        "instalments": [money(part) for part in parts],
        "rate": offer.rate,
        "quote": quote and instalments.signed(quote, key),
        "quote_expires_at": shown_at(quote.expires_at if quote else None),
    }


def cards_view(
    cards: Iterable[tuple[str, StoredCard]], consent_version: str, at: datetime
) -> dict[str, Any]:
    """`consent_version`: the text that a payer agrees to before a card is stored; null:
    none is stored here."""
    today = day_of(at)
    return {
        "cards": [_card(id_, card, is_over=card.is_over(today)) for id_, card in cards],
        "consent_version": consent_version or None,
    }


def _card(id_: str, card: StoredCard, *, is_over: bool) -> dict[str, Any]:
    return {
        "card_id": id_,
        "name": card.name,
        "brand": card.brand,
        "bank": card.bank,
        "bin": card.bin,
        "last_four": card.last_four,
        "expiry_month": card.expiry_month,
        "expiry_year": card.expiry_year,
        "is_expired": is_over,
    }
