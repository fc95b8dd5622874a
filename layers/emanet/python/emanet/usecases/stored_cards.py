"""A payer's stored cards: listed, deleted, taken to pay with, remembered. PAYNET keeps
the cards and is asked each time; an id of ours means something only among the cards of
the caller's own owner id. Whoever of a deletion and a payment comes to PAYNET first
wins: a card that is gone opens no session, and a session that is open may still pay,
because its holder himself confirms it at his bank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from emanet.cards import CardOwner, StoredCard, card_id, consented
from emanet.errors import CardNotFound, PaynetUnreachable, StoreUnavailable
from emanet.escrow import Attempt
from emanet.outcome import Outcome, Unknown
from emanet.ports import CardOwners, Cards
from emanet.usecases.writing import WRITES_MAX


@dataclass(frozen=True, slots=True)
class CardBook:
    """Where cards are: at PAYNET, and whose they are in our own books. `key` makes the
    ids that callers see."""

    owners: CardOwners
    cards: Cards
    key: Callable[[], bytes]

    def listed(self, payer_id: str, deadline: datetime) -> list[tuple[str, StoredCard]]:
        """His cards by our ids. Raises PaynetUnreachable."""
        owner = self.owners.read_owner(payer_id)
        return [] if owner is None else self._of(owner, deadline)

    def find(
        self, payer_id: str, wanted: str, deadline: datetime
    ) -> tuple[CardOwner, StoredCard]:
        """The one with this id, among his own. Raises CardNotFound,
        PaynetUnreachable."""
        owner = self.owners.read_owner(payer_id)
        if owner is None:
            raise CardNotFound
        for id_, card in self._of(owner, deadline):
            if id_ == wanted:
                return owner, card
        raise CardNotFound

    def delete(self, payer_id: str, wanted: str, deadline: datetime) -> None:
        """At PAYNET, for good. Raises CardNotFound (also if another was quicker), and
        PaynetUnreachable: whether it is gone then says the list."""
        owner, card = self.find(payer_id, wanted, deadline)
        gone = self.cards.delete(owner.owner_id, card.card_hash, deadline)
        if isinstance(gone, Unknown):
            raise PaynetUnreachable(gone.why)
        if not gone:
            raise CardNotFound

    def _of(self, owner: CardOwner, deadline: datetime) -> list[tuple[str, StoredCard]]:
        stored = self.cards.stored(owner.owner_id, deadline)
        if isinstance(stored, Unknown):
            raise PaynetUnreachable(stored.why)
        key = self.key()
        return [(card_id(key, owner, card.card_hash), card) for card in stored]


def remember_card(
    payer_id: str, attempt: Attempt, outcome: Outcome, owners: CardOwners
) -> str:
    """After a charge with which PAYNET stored the card, as its payer had asked:
    PAYNET's id for him and his word are kept, whatever is thought of the money, so that
    he can see the card and delete it. Says what is odd about it. Raises
    StoreUnavailable."""
    stored = getattr(outcome, "card_owner_id", None)
    if not stored or attempt.consent is None:
        return ""
    for _ in range(WRITES_MAX):
        known = owners.read_owner(payer_id)
        after = consented(known, payer_id, stored, attempt.consent)
        if owners.keep_owner(known, after):
            return "" if after.owner_id == stored else "another_card_owner"
    raise StoreUnavailable("too many writers")
