"""What a payer is offered: a single payment always, instalments where PAYNET and the
escrow's policy allow them, and why not where there are none; and how it is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from emanet import instalments, payment_views
from emanet.errors import EscrowNotFound, IllegalTransition, NotYourAction
from emanet.escrow import Escrow, Status
from emanet.instalments import CardBank, Offer, Ratio
from emanet.outcome import Unknown
from emanet.policy import Bearer
from emanet.reasons import REASONS
from emanet.usecases.access import Caller
from emanet.usecases.offer_instalments import (
    ASK_TAKES,
    Offered,
    Pricing,
    offer_instalments,
)
from tests.unit import scenes
from tests.unit.scenes import AMOUNT_MINOR, later
from tests.unit.test_returns import Books
from tests.unit.wallets import CARD, OVER, Wallet, id_of

NOW = later(minutes=1)
DEADLINE = NOW + timedelta(seconds=5)
BIN = "435508"
BUYER = Caller("buyer-1", frozenset({"escrow:pay"}))
BANK = CardBank(
    bank="Garanti",
    family="Bonus",
    kind="credit",
    needs_3d=True,
    ratios=(Ratio(3, "0.05", 136_500),),
)
KEY = b"key of quotes"


def offered(
    escrow: Escrow | None = None,
    wallet: Wallet | None = None,
    caller: Caller = BUYER,
    deadline: Any = DEADLINE,
) -> Offered:
    escrow = escrow or scenes.created()
    pricing = Pricing(Books(escrow), wallet, lambda: NOW)
    return offer_instalments(escrow.id, BIN, caller, pricing, deadline)


def counts(found: Offered) -> list[int]:
    return [offer.count for offer, _ in found.quotes]


# ── offered ──────────────────────────────────────────────────────────────────


def test_paynet_s_prices_are_offered_after_the_single_payment() -> None:
    found = offered(wallet=Wallet(bank=BANK))
    assert [offer for offer, _ in found.quotes] == [
        Offer(1, AMOUNT_MINOR, "0"),
        Offer(3, 136_500, "0.05"),
    ]
    assert (found.only_single, found.bank) == ("", BANK)


def test_each_offer_has_a_quote_for_this_card_that_holds_15_minutes() -> None:
    found = offered(wallet=Wallet(bank=BANK))
    for offer, quote in found.quotes:
        assert quote
        assert quote.offer == offer
        assert (quote.escrow_id, quote.amount_minor) == (found.escrow.id, AMOUNT_MINOR)
        assert (quote.bin, quote.expires_at) == (BIN, NOW + timedelta(minutes=15))


@pytest.mark.parametrize(("bearer", "on_top"), [("payer", True), ("platform", False)])
def test_paynet_is_asked_by_who_bears_the_cost(bearer: str, *, on_top: bool) -> None:
    wallet = Wallet(bank=BANK)
    offered(scenes.agreed(instalment_cost=Bearer(bearer)), wallet)
    assert wallet.asked == [("bank_of", BIN, AMOUNT_MINOR, DEADLINE, on_top)]


def test_a_payer_who_chooses_waits_for_seconds_only() -> None:
    wallet = Wallet(bank=BANK)
    offered(wallet=wallet, deadline=later(hours=1))
    assert wallet.asked == [("bank_of", BIN, AMOUNT_MINOR, NOW + ASK_TAKES, True)]


def test_a_bank_without_instalments_is_no_failure() -> None:
    found = offered(wallet=Wallet(bank=CardBank(bank="Ziraat")))
    assert (counts(found), found.only_single) == ([1], "")


def test_while_paynet_is_down_the_single_payment_is_possible_and_why() -> None:
    found = offered(wallet=Wallet(bank=Unknown("timeout")))
    assert (counts(found), found.only_single) == ([1], "paynet_unreachable")
    assert found.bank == CardBank()


def test_where_paynet_s_form_takes_the_card_nobody_is_asked() -> None:
    found = offered()
    assert (counts(found), found.only_single) == ([1], "hosted_form")
    assert [quote for _, quote in found.quotes] == [None]


def test_where_the_policy_allows_one_payment_nobody_is_asked() -> None:
    wallet = Wallet(bank=BANK)
    found = offered(scenes.agreed(instalments_max=1), wallet)
    assert (counts(found), found.only_single, wallet.asked) == ([1], "policy", [])


def test_an_escrow_from_before_there_were_instalments_offers_none() -> None:
    """Its parties agreed to other terms."""
    wallet = Wallet(bank=BANK)
    found = offered(scenes.agreed(version=2), wallet)
    assert (counts(found), found.only_single, wallet.asked) == ([1], "policy", [])
    assert instalments.offers(scenes.agreed(version=2), BANK) == (
        instalments.single(found.escrow),
    )


@pytest.mark.parametrize(
    "status", sorted(set(Status) - {Status.CREATED, Status.AUTHENTICATING})
)
def test_where_there_is_nothing_to_pay_nothing_is_offered(status: Status) -> None:
    wallet = Wallet(bank=BANK)
    with pytest.raises(IllegalTransition, match="wrong_status"):
        offered(scenes.in_status(status), wallet)
    assert wallet.asked == []


@pytest.mark.parametrize(
    ("sub", "scope", "error"),
    [
        ("seller-1", "escrow:pay", NotYourAction),
        ("ops-1", "operations", NotYourAction),
        ("buyer-2", "escrow:pay", EscrowNotFound),
    ],
)
def test_only_the_payer_is_told(sub: str, scope: str, error: type[Exception]) -> None:
    wallet = Wallet(bank=BANK)
    with pytest.raises(error):
        offered(wallet=wallet, caller=Caller(sub, frozenset({scope})))
    assert wallet.asked == []


@pytest.mark.parametrize("why", ["hosted_form", "policy", "paynet_unreachable"])
def test_every_why_has_its_words(why: str) -> None:
    assert why in REASONS


# ── shown ────────────────────────────────────────────────────────────────────


def shown(found: Offered, language: Any = "en") -> dict[str, Any]:
    view = payment_views.offers_view(found, KEY, language)
    return json.loads(json.dumps(view))  # type: ignore[no-any-return] # as it is sent


def lira(minor: int) -> dict[str, Any]:
    return {"amount": minor, "currency": "TRY"}


def test_offers_are_shown_with_parts_surcharge_and_a_quote_that_we_signed() -> None:
    found = offered(wallet=Wallet(bank=BANK))
    view = shown(found)
    assert view["card"] == {
        "bank": "Garanti",
        "family": "Bonus",
        "kind": "credit",
        "requires_3d": True,
    }
    single, three = view["offers"]
    assert (single["count"], single["total"]) == (1, lira(AMOUNT_MINOR))
    assert (single["surcharge"], single["instalments"]) == (lira(0), [single["total"]])
    told, quote = three.pop("quote"), found.quotes[1][1]
    assert instalments.read_quote(told, KEY) == quote
    assert three == {
        "count": 3,
        "total": lira(136_500),
        "surcharge": lira(6_500),
        "instalments": [lira(45_500)] * 3,
        "rate": "0.05",
        "quote_expires_at": "2026-11-23T09:16:00.000+00:00",
    }
    assert (view["only_single"], view["only_single_text"]) == (None, None)


def test_the_parts_that_are_shown_sum_to_the_total_that_is_shown() -> None:
    uneven = replace(BANK, ratios=tuple(Ratio(n, "0", 130_007) for n in range(2, 13)))
    for offer in shown(offered(wallet=Wallet(bank=uneven)))["offers"]:
        parts = [part["amount"] for part in offer["instalments"]]
        assert (len(parts), sum(parts)) == (offer["count"], offer["total"]["amount"])


def test_why_there_is_only_one_is_told_in_the_caller_s_language() -> None:
    found = offered(wallet=Wallet(bank=Unknown("timeout")))
    english, turkish = REASONS["paynet_unreachable"]
    assert shown(found)["only_single"] == "paynet_unreachable"
    assert shown(found)["only_single_text"] == english
    assert shown(found, "tr")["only_single_text"] == turkish


def test_stored_cards_are_shown_without_what_paynet_could_charge_by() -> None:
    cards = [(id_of(card), card) for card in (CARD, OVER)]
    view = payment_views.cards_view(cards, "kvkk-2", later())
    first, second = view["cards"]
    assert first == {
        "card_id": id_of(CARD),
        "name": None,
        "brand": "Visa",
        "bank": None,
        "bin": "435508",
        "last_four": "4358",
        "expiry_month": 12,
        "expiry_year": 2030,
        "is_expired": False,
    }
    assert second["is_expired"]
    assert view["consent_version"] == "kvkk-2"
    assert "hash-" not in json.dumps(view)


def test_where_no_card_is_stored_no_consent_is_asked_for() -> None:
    view = payment_views.cards_view([], "", later())
    assert view == {"cards": [], "consent_version": None}
