"""Stored cards in memory: our books of who owns some, and PAYNET, which keeps them. For
tests of use cases; nothing of ours is patched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from emanet.cards import CardOwner, StoredCard, card_id
from emanet.errors import StoreUnavailable
from emanet.instalments import CardBank
from emanet.outcome import Unknown
from emanet.ports import CardOwners, Cards
from emanet.usecases.stored_cards import CardBook
from tests.unit.scenes import later

KEY = b"key of card ids"
SOON = later(minutes=3)
BUYER, OTHER = "buyer-1", "buyer-2"
CARD = StoredCard("hash-1", "435508", "4358", 12, 2030, brand="Visa")
OVER = StoredCard("hash-2", "435508", "0001", 10, 2026)


@dataclass
class Owners(CardOwners):
    """A write needs the version that it is based on. Each of the `rivals` writes just
    before one of our writes."""

    known: dict[str, CardOwner] = field(default_factory=dict)
    rivals: list[CardOwner] = field(default_factory=list)
    are_open: bool = True

    def read_owner(self, payer_id: str) -> CardOwner | None:
        if not self.are_open:
            raise StoreUnavailable
        return self.known.get(payer_id)

    def keep_owner(self, before: CardOwner | None, after: CardOwner) -> bool:
        if self.rivals:
            rival = self.rivals.pop(0)
            self.known[rival.payer_id] = rival
        now = self.known.get(after.payer_id)
        if (now and now.version) != (before and before.version):
            return False
        self.known[after.payer_id] = after
        return True


@dataclass
class Wallet(Cards):
    """PAYNET, and all that it was asked for; with `silent` it answers nothing."""

    stored_: dict[str, tuple[StoredCard, ...]] = field(default_factory=dict)
    bank: CardBank | Unknown = field(default_factory=CardBank)
    silent: str = ""
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def bank_of(
        self, bin_: str, amount_minor: int, deadline: datetime, *, on_top: bool
    ) -> CardBank | Unknown:
        self.asked.append(("bank_of", bin_, amount_minor, deadline, on_top))
        return self.bank

    def stored(
        self, owner_id: str, deadline: datetime
    ) -> tuple[StoredCard, ...] | Unknown:
        assert deadline == SOON
        self.asked.append(("stored", owner_id))
        return Unknown("closed") if self.silent else self.stored_.get(owner_id, ())

    def delete(
        self, owner_id: str, card_hash: str, deadline: datetime
    ) -> bool | Unknown:
        assert deadline == SOON
        self.asked.append(("delete", owner_id, card_hash))
        if self.silent:
            return Unknown("closed")
        mine = self.stored_.get(owner_id, ())
        rest = tuple(card for card in mine if card.card_hash != card_hash)
        self.stored_[owner_id] = rest
        return len(rest) < len(mine)


def owner(payer_id: str = BUYER, owner_id: str = "owner-1") -> CardOwner:
    return CardOwner(payer_id, owner_id)


def id_of(card: StoredCard, payer_id: str = BUYER) -> str:
    return card_id(KEY, owner(payer_id), card.card_hash)


def book(
    owners: Owners, wallet: Wallet, key: Callable[[], bytes] = lambda: KEY
) -> CardBook:
    return CardBook(owners, wallet, key)


def two_payers() -> tuple[Owners, Wallet]:
    """Each with a card of his own."""
    owners = Owners({BUYER: owner(), OTHER: owner(OTHER, "owner-2")})
    other = StoredCard("hash-9", "520019", "0033", 1, 2031)
    return owners, Wallet({"owner-1": (CARD, OVER), "owner-2": (other,)})
