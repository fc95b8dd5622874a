"""Cards that PAYNET stores: whose they are, who finds them, and when one is remembered.
Our books and PAYNET are arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from emanet import policy
from emanet.cards import (
    CARD_ID,
    CONSENTS_MAX,
    CardOwner,
    StoredCard,
    card_id,
    consented,
)
from emanet.errors import CardNotFound, PaynetUnreachable, StoreUnavailable
from emanet.escrow import Attempt, CardConsent, Escrow
from emanet.istanbul import day_of
from emanet.outcome import Approved, Declined, Doubtful, Outcome, Unknown
from emanet.usecases.stored_cards import remember_card
from emanet.usecases.writing import WRITES_MAX
from tests.unit import scenes
from tests.unit.scenes import START, later
from tests.unit.wallets import (
    BUYER,
    CARD,
    KEY,
    OTHER,
    OVER,
    SOON,
    Owners,
    Wallet,
    book,
    id_of,
    owner,
    two_payers,
)

CONSENT = CardConsent("kvkk-2", START)


# ── a card ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("today", "is_over"),
    [
        (date(2026, 11, 30), False),
        (date(2026, 12, 1), True),
        (date(2026, 1, 1), False),
        (date(2025, 12, 31), False),
        (date(2027, 1, 1), True),
        (date(2027, 12, 1), True),
    ],
)
def test_a_card_is_good_to_the_last_day_of_its_month(
    today: date, *, is_over: bool
) -> None:
    assert replace(CARD, expiry_month=11, expiry_year=2026).is_over(today) is is_over


def test_the_month_ends_at_midnight_in_istanbul() -> None:
    card = replace(CARD, expiry_month=11, expiry_year=2026)
    midnight = datetime(2026, 11, 30, 21, 0, tzinfo=UTC)
    assert not card.is_over(day_of(midnight - timedelta(seconds=1)))
    assert card.is_over(day_of(midnight))


def test_a_card_does_not_show_its_hash() -> None:
    assert "hash-1" not in f"{CARD!r} {CARD} {[CARD]} {(id_of(CARD), CARD)!r}"


# ── our own id of it ─────────────────────────────────────────────────────────


def test_a_card_s_id_is_the_same_each_time_and_well_formed() -> None:
    assert id_of(CARD) == id_of(CARD)
    assert CARD_ID.fullmatch(id_of(CARD))


@pytest.mark.parametrize(
    ("key", "payer_id", "card_hash"),
    [
        (b"another key", BUYER, "hash-1"),
        (KEY, OTHER, "hash-1"),
        (KEY, BUYER, "hash-2"),
        (KEY, f"{BUYER}\x1fhash-1", ""),
        (KEY, f"{BUYER}h", "ash-1"),
    ],
)
def test_it_depends_on_key_payer_and_hash(
    key: bytes, payer_id: str, card_hash: str
) -> None:
    assert card_id(key, owner(payer_id), card_hash) != id_of(CARD)


def test_it_stays_if_paynet_s_owner_id_or_a_consent_changes() -> None:
    grown = CardOwner(BUYER, "owner-7", (CONSENT,), version=9)
    assert card_id(KEY, grown, "hash-1") == id_of(CARD)


# ── an owner ─────────────────────────────────────────────────────────────────


def test_the_first_card_makes_an_owner() -> None:
    made = consented(None, BUYER, "owner-1", CONSENT)
    assert made == CardOwner(BUYER, "owner-1", (CONSENT,), version=1)


def test_paynet_s_first_id_for_him_stays() -> None:
    first = consented(None, BUYER, "owner-1", CONSENT)
    again = consented(first, BUYER, "owner-2", CardConsent("kvkk-3", later(days=1)))
    assert (again.owner_id, again.version) == ("owner-1", 2)
    assert [c.text_version for c in again.consents] == ["kvkk-2", "kvkk-3"]


def test_of_many_consents_the_newest_are_kept() -> None:
    known: CardOwner | None = None
    for number in range(CONSENTS_MAX + 7):
        known = consented(known, BUYER, "owner-1", CardConsent(str(number), START))
    assert known is not None
    told = [int(consent.text_version) for consent in known.consents]
    assert told == [*range(7, CONSENTS_MAX + 7)]


# ── the book ─────────────────────────────────────────────────────────────────


def test_a_payer_s_cards_are_listed_by_our_ids() -> None:
    owners, wallet = two_payers()
    listed = book(owners, wallet).listed(BUYER, SOON)
    assert listed == [(id_of(CARD), CARD), (id_of(OVER), OVER)]
    assert wallet.asked == [("stored", "owner-1")]


def test_who_stores_none_has_none_and_paynet_is_not_asked() -> None:
    wallet = Wallet({"": (CARD,)})
    known = book(Owners(), wallet)
    assert known.listed(BUYER, SOON) == []
    for move in (known.find, known.delete):
        with pytest.raises(CardNotFound):
            move(BUYER, id_of(CARD), SOON)
    assert wallet.asked == []


def test_a_card_is_found_by_its_id() -> None:
    assert book(*two_payers()).find(BUYER, id_of(CARD), SOON) == (owner(), CARD)


ANOTHERS = StoredCard("hash-9", "520019", "0033", 1, 2031)


@pytest.mark.parametrize(
    "wanted",
    [
        id_of(ANOTHERS, OTHER),  # the id that the other payer sees
        id_of(ANOTHERS, BUYER),
        id_of(CARD, OTHER),
        id_of(CARD).upper(),
        id_of(CARD)[:-1],
        "hash-1",
        "",
    ],
)
def test_nobody_else_s_card_is_found_or_deleted_by_any_id(wanted: str) -> None:
    owners, wallet = two_payers()
    kept = dict(wallet.stored_)
    for move in (book(owners, wallet).find, book(owners, wallet).delete):
        with pytest.raises(CardNotFound):
            move(BUYER, wanted, SOON)
    assert wallet.stored_ == kept
    assert {asked[:2] for asked in wallet.asked} == {("stored", "owner-1")}


def test_a_card_that_both_store_has_an_id_for_each() -> None:
    owners, wallet = two_payers()
    wallet.stored_["owner-2"] = (CARD,)
    known = book(owners, wallet)
    assert known.find(OTHER, id_of(CARD, OTHER), SOON)[1] == CARD
    with pytest.raises(CardNotFound):
        known.find(OTHER, id_of(CARD, BUYER), SOON)


def test_deleted_is_deleted_at_paynet_and_nobody_else_s_with_it() -> None:
    owners, wallet = two_payers()
    book(owners, wallet).delete(BUYER, id_of(CARD), SOON)
    assert wallet.asked[-1] == ("delete", "owner-1", "hash-1")
    assert wallet.stored_ == {"owner-1": (OVER,), "owner-2": (ANOTHERS,)}
    with pytest.raises(CardNotFound):
        book(owners, wallet).find(BUYER, id_of(CARD), SOON)


class Quicker(Wallet):
    """Somebody deletes the card between the list and our own deletion."""

    def delete(
        self, owner_id: str, card_hash: str, deadline: datetime
    ) -> bool | Unknown:
        super().delete(owner_id, card_hash, deadline)
        return super().delete(owner_id, card_hash, deadline)


def test_a_card_that_another_deleted_meanwhile_is_not_found() -> None:
    owners, wallet = two_payers()
    with pytest.raises(CardNotFound):
        book(owners, Quicker(wallet.stored_)).delete(BUYER, id_of(CARD), SOON)


class Deaf(Wallet):
    """PAYNET lists, and no answer to a deletion comes back."""

    def delete(
        self, owner_id: str, card_hash: str, deadline: datetime
    ) -> bool | Unknown:
        super().delete(owner_id, card_hash, deadline)
        return Unknown("timeout")


def test_an_answer_that_is_lost_is_said_to_be_lost() -> None:
    owners, wallet = two_payers()
    with pytest.raises(PaynetUnreachable):
        book(owners, Deaf(wallet.stored_)).delete(BUYER, id_of(CARD), SOON)


@pytest.mark.parametrize("way", ["listed", "find", "delete"])
def test_paynet_that_does_not_answer_is_no_empty_list(way: str) -> None:
    """Nobody is told that his card is gone because PAYNET is."""
    owners, wallet = two_payers()
    known = book(owners, replace(wallet, silent="closed"))
    moves: dict[str, Callable[[], object]] = {
        "listed": lambda: known.listed(BUYER, SOON),
        "find": lambda: known.find(BUYER, id_of(CARD), SOON),
        "delete": lambda: known.delete(BUYER, id_of(CARD), SOON),
    }
    with pytest.raises(PaynetUnreachable):
        moves[way]()


# ── remembered after it paid ─────────────────────────────────────────────────


def paid_with_consent() -> Escrow:
    return scenes.paid_in_full(scenes.charging(scenes.declined(), consent=CONSENT))


PAID = paid_with_consent()
STORED = Approved(scenes.capture(), card_owner_id="owner-1")


def funding(escrow: Escrow) -> Attempt:
    assert escrow.funding is not None
    return escrow.funding[0]


def remembered(
    escrow: Escrow = PAID,
    attempt: Attempt | None = None,
    outcome: Outcome = STORED,
    owners: Owners | None = None,
) -> dict[str, CardOwner]:
    owners = owners or Owners()
    remember_card(escrow.payer.id, attempt or funding(escrow), outcome, owners)
    return owners.known


def test_a_card_that_paid_and_was_stored_with_consent_is_remembered() -> None:
    assert remembered() == {BUYER: CardOwner(BUYER, "owner-1", (CONSENT,))}


def test_one_more_joins_those_that_are_known() -> None:
    known = remembered(owners=Owners({BUYER: owner()}))
    assert known == {BUYER: CardOwner(BUYER, "owner-1", (CONSENT,), version=2)}


@pytest.mark.parametrize(
    "outcome",
    [
        Approved(scenes.capture()),  # PAYNET stored none
        Approved(scenes.capture(), card_owner_id=""),
        Declined("51"),
        Doubtful("amount_differs", (scenes.capture(),)),
        Unknown("timeout"),
    ],
)
def test_only_what_paynet_stored_is_remembered(outcome: Outcome) -> None:
    assert remembered(outcome=outcome) == {}


@pytest.mark.parametrize(
    "outcome",
    [
        Doubtful("amount_differs", (scenes.capture(),), card_owner_id="owner-1"),
        Unknown("approval_unclear", seen=scenes.capture(), card_owner_id="owner-1"),
    ],
)
def test_what_paynet_stored_is_remembered_whatever_is_thought_of_the_money(
    outcome: Outcome,
) -> None:
    """Else its holder could neither see nor delete it."""
    assert remembered(outcome=outcome) == {
        BUYER: CardOwner(BUYER, "owner-1", (CONSENT,))
    }


def test_another_owner_id_is_told_and_not_swallowed() -> None:
    owners = Owners({BUYER: owner()})
    other = Approved(scenes.capture(), card_owner_id="owner-7")
    assert remember_card(BUYER, funding(PAID), STORED, owners) == ""
    assert remember_card(BUYER, funding(PAID), other, owners) == "another_card_owner"
    assert owners.known[BUYER].owner_id == "owner-1"


def test_nothing_of_an_owner_is_shown_by_chance() -> None:
    assert "owner-1" not in f"{owner()!r} {STORED!r}"


def test_without_consent_nothing_is_remembered() -> None:
    assert remembered(scenes.held()) == {}


def test_a_write_that_was_lost_is_tried_again_on_what_the_winner_wrote() -> None:
    rival = consented(owner(), BUYER, "owner-1", CardConsent("kvkk-1", START))
    owners = Owners(rivals=[rival])
    known = remembered(owners=owners)[BUYER]
    assert (known.owner_id, known.version) == ("owner-1", 3)
    assert [c.text_version for c in known.consents] == ["kvkk-1", "kvkk-2"]


def test_who_always_loses_says_so() -> None:
    rivals = [replace(owner(), version=n) for n in range(2, WRITES_MAX + 2)]
    with pytest.raises(StoreUnavailable):
        remembered(owners=Owners(rivals=rivals))


def test_a_quote_holds_longer_than_an_answer_about_a_bank_is_kept() -> None:
    """So that two asks in a row quote one price."""
    assert policy.RATIOS_KEPT_FOR < policy.QUOTE_HOLDS
