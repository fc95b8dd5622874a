"""Cards that PAYNET keeps for their owners. It recognises a number by a keyed digest
and never keeps it; a CVC does not come here at all. Every method is atomic."""

import hashlib
import hmac
import secrets

from local.paynet_simulator import cards, wire
from local.paynet_simulator.ledger import Ledger
from local.paynet_simulator.records import (
    CardFace,
    NewCard,
    StoredCard,
    Unknown,
    new_card_hash,
    new_card_owner_id,
)


class Vault:
    def __init__(self, ledger: Ledger) -> None:
        self._settings = ledger.settings
        self._now = ledger.now
        self._lock = ledger.lock
        self._digest_key = secrets.token_bytes(32)
        self._owners: dict[str, str] = {}  # user_unique_id → card_owner_id
        self._cards: list[StoredCard] = []
        self._deletions: list[str] = []

    # What PAYNET is asked to do

    def face(self, number: str, holder: str, month: int, year: int) -> CardFace | None:
        """The card without its number; None for one that no bank could have issued."""
        card = cards.known(number)
        if card is None:
            return None
        fingerprint = hmac.digest(self._digest_key, number.encode(), hashlib.sha256)
        return CardFace(card, cards.masked(number), holder, month, year, fingerprint)

    def knows_owner(
        self, user_unique_id: str | None, card_owner_id: str | None
    ) -> bool:
        """False: PAYNET never gave out that owner id, or gave it to another user. A new
        user is nobody else's."""
        with self._lock:
            if card_owner_id is None:
                return True
            user = self._user_of(card_owner_id)
            return user is not None and user_unique_id in {None, user}

    def store(self, new: NewCard) -> StoredCard:
        """The same number of the same owner is the same card, unless switched."""
        with self._lock:
            user, owner = self._owner(new)
            same = self._with_number(owner, new.face.fingerprint)
            if same and self._settings.card_saved_twice == "same":
                same.face, same.desc = new.face, new.desc
                return same
            stored = StoredCard(
                number=len(self._cards) + 1,
                card_owner_id=owner,
                user_unique_id=user,
                card_hash=new_card_hash(),
                desc=new.desc,
                face=new.face,
            )
            self._cards.append(stored)
            return stored

    def find(
        self,
        card_hash: str,
        *,
        card_owner_id: str | None = None,
        user_unique_id: str | None = None,
    ) -> StoredCard | None:
        """Not a deleted one, and not one of another owner than is named."""
        for card in self.cards(card_owner_id, user_unique_id=user_unique_id):
            if secrets.compare_digest(card.card_hash.encode(), card_hash.encode()):
                return card
        return None

    def is_expired(self, card: StoredCard) -> bool:
        """Past the last day of its month, by the simulator's clock."""
        today = wire.day(self._now())
        return (card.face.year, card.face.month) < (today.year, today.month)

    def rename(self, card_owner_id: str, card_hash: str, desc: str) -> bool:
        with self._lock:
            card = self.find(card_hash, card_owner_id=card_owner_id)
            if card is None:
                return False
            card.desc = desc
            return True

    def delete(self, card_owner_id: str, card_hash: str) -> bool:
        with self._lock:
            card = self.find(card_hash, card_owner_id=card_owner_id)
            if card is None:
                return False
            card.deleted = True
            self._deletions.append(card_owner_id)
            return True

    # What happens to PAYNET by another hand

    def plant(
        self,
        user_unique_id: str,
        number: str,
        *,
        month: int = 12,
        year: int = 2030,
        desc: str = "Kart",
        holder: str = "Ayşe Yılmaz",
    ) -> StoredCard:
        """A card that its owner stored by another way than ours."""
        face = self.face(number, holder, month, year)
        if face is None:
            raise ValueError("no bank issued this number")
        return self.store(NewCard(face, desc, user_unique_id))

    def take_away(self, number: int) -> StoredCard:
        """Somebody else deletes the card; it does not count as a deletion of ours."""
        with self._lock:
            found = [card for card in self._cards if card.number == number]
            if not found:
                raise Unknown(f"no stored card {number}")
            found[0].deleted = True
            return found[0]

    # What is asked about

    def cards(
        self,
        card_owner_id: str | None = None,
        *,
        user_unique_id: str | None = None,
        deleted: bool = False,
    ) -> list[StoredCard]:
        """Of one owner or of all, oldest first; with `deleted`, those that are gone."""
        with self._lock:
            return [
                card
                for card in self._cards
                if card.deleted is deleted
                and card_owner_id in {None, card.card_owner_id}
                and user_unique_id in {None, card.user_unique_id}
            ]

    def owner_of(self, user_unique_id: str) -> str | None:
        """The card_owner_id of that user."""
        with self._lock:
            return self._owners.get(user_unique_id)

    def deletions(self, card_owner_id: str | None = None) -> int:
        """How many card/delete were executed, of one owner or of all."""
        with self._lock:
            made = self._deletions
            return len(made) if card_owner_id is None else made.count(card_owner_id)

    def clear(self) -> None:
        with self._lock:
            self._owners.clear()
            self._cards.clear()
            self._deletions.clear()

    def _owner(self, new: NewCard) -> tuple[str, str]:
        """The user and the owner id; a new user gets one now."""
        if new.card_owner_id is not None:
            return self._user_of(new.card_owner_id) or "", new.card_owner_id
        user = new.user_unique_id or ""
        return user, self._owners.setdefault(user, new_card_owner_id())

    def _user_of(self, card_owner_id: str) -> str | None:
        users = (it for it, owner in self._owners.items() if owner == card_owner_id)
        return next(users, None)

    def _with_number(self, owner: str, fingerprint: bytes) -> StoredCard | None:
        own = self.cards(owner)
        return next((it for it in own if it.face.fingerprint == fingerprint), None)
