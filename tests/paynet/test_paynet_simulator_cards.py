"""What the PAYNET simulator promises of cards: banks and prices of instalments, sales
in instalments, stored cards. Over real HTTP; nothing of Emanet's layer takes part."""

import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from local.paynet_simulator import PaynetSimulator, browser, cards, ratios
from local.paynet_simulator.card_api import DELETE, LIST, RATIO, RENAME, SAVE
from local.paynet_simulator.paynet_api import CHARGE, CHECK, DETAIL, INITIAL
from local.paynet_simulator.records import StoredCard
from tests.paynet.paynet_caller import KEY, TIMEOUT_S, PaynetCaller

REFERENCE = "order-1-attempt-1"
AXESS = "4355084355084358"
OTHER_BANK = "4111111111111111"
DEBIT = "5818775818772285"
DECLINED = "4000000000000010"
LOST_ONCE_AFTER = "4000000000000044"
MISMATCH = "4000000000000127"
NO_BANK = "4355084355084359"
CVC = "7391"
YEAR_2031_S = 1_925_000_000.0


class Paynet(PaynetCaller):
    """A shop's server that knows PAYNET's secret key."""

    # Prices

    def banks(self, **asked: Any) -> list[dict[str, Any]]:
        body = {"amount": "130000", "bin": AXESS[:6], "pos_type": 5} | asked
        sent = {name: it for name, it in body.items() if it is not None}
        return list(self.told(RATIO, sent)["data"])

    def price(self, instalment: int, **asked: Any) -> dict[str, Any]:
        [bank] = self.banks(**asked)
        [row] = [it for it in bank["ratio"] if it["instalment"] == instalment]
        return dict(row)

    # Payments

    def start(self, **changes: Any) -> dict[str, Any]:
        return self.told(INITIAL, payment(**changes))

    def passed(self, **changes: Any) -> dict[str, str]:
        return browser.pass_bank_page(self.start(**changes)["post_url"]).fields

    def charge(self, pair: dict[str, str]) -> dict[str, Any]:
        return self.told(CHARGE, pair)

    def pay(self, **changes: Any) -> dict[str, Any]:
        return self.charge(self.passed(**changes))

    def row(self, path: str = CHECK) -> dict[str, Any]:
        [row] = self.told(path, {"reference_no": REFERENCE})["Data"]
        return dict(row)

    # Stored cards

    def store(self, **changes: Any) -> dict[str, Any]:
        """With a payment."""
        return self.pay(**(SAVING | changes))

    def save(self, **changes: Any) -> dict[str, Any]:
        """Without a payment."""
        return self.told(SAVE, new_card(**changes))

    def list(self, card_owner_id: str, **asked: Any) -> dict[str, Any]:
        return self.told(LIST, {"card_owner_id": card_owner_id} | asked)

    def delete(self, card: StoredCard, owner: str | None = None) -> int:
        named = {
            "card_owner_id": owner or card.card_owner_id,
            "card_hash": card.card_hash,
        }
        return int(self.told(DELETE, named)["code"])

    def plant(self, user: str = "user-1", number: str = AXESS) -> StoredCard:
        return self.simulator.vault.plant(user, number)

    @property
    def taken_minor(self) -> int:
        return self.simulator.books.taken_minor(REFERENCE)


SAVING = {"save_card": True, "card_desc": "Maaş kartım", "user_unique_id": "user-1"}
SAVED_FIELDS = {
    "is_save_card_succeed",
    "save_card_result_message",
    "card_owner_id",
    "user_unique_id",
    "card_hash",
}
TYPED = ("card_holder", "pan", "month", "year", "cvc")


def payment(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "amount": "1300,00",
        "reference_no": REFERENCE,
        "return_url": "http://127.0.0.1:9/back",
        "domain": "shop.example",
        "card_holder": "Ayşe Yılmaz",
        "pan": AXESS,
        "month": 12,
        "year": 2030,
        "cvc": CVC,
    }
    if changes.get("card_hash"):
        body = {name: it for name, it in body.items() if name not in TYPED}
    return {name: it for name, it in (body | changes).items() if it is not None}


def new_card(**changes: Any) -> dict[str, Any]:
    body = {
        "card_desc": "Maaş kartım",
        "card_holder": "Ayşe Yılmaz",
        "card_number": AXESS,
        "expire_month": "12",
        "expire_year": "2030",
        "user_unique_id": "user-1",
    }
    return {name: it for name, it in (body | changes).items() if it is not None}


@pytest.fixture(scope="module")
def served() -> Iterator[Paynet]:
    simulator = PaynetSimulator(KEY, "whsec")
    with simulator.serve() as server:
        yield Paynet(simulator, server.url)


@pytest.fixture
def paynet(served: Paynet) -> Paynet:
    served.simulator.reset()
    return served


# ratio/Get


def test_a_bank_is_told_with_its_prices(paynet: Paynet) -> None:
    answer = paynet.told(RATIO, {"amount": "130000", "bin": AXESS[:6]})
    assert (answer["object_name"], answer["code"]) == ("ratio_get", 0)
    assert answer["tds_required"] is False
    [bank] = answer["data"]
    assert (bank["bank_id"], bank["bank_name"]) == ("AXSS", "Axess")
    assert (bank["card_type"], bank["bank_logo"]) == ("cc", "")
    keys = [row["instalment_key"] for row in bank["ratio"]]
    assert keys == ["ji_1", "ji_2", "ji_3", "ji_6", "ji_9", "ji_12"]


def test_a_price_that_the_shop_bears_leaves_the_total_alone(paynet: Paynet) -> None:
    assert paynet.price(3) == {
        "instalment_key": "ji_3",
        "instalment": 3,
        "ratio": Decimal("0.0475"),
        "instalment_amount": Decimal("433.33"),
        "total_net_amount": Decimal("1238.25"),
        "total_amount": Decimal("1300.00"),
        "commision": Decimal("61.75"),
        "commision_tax": Decimal("0.00"),
        "desc": "3 Taksit",
        "ratio_code": "",
    }


def test_a_price_that_the_payer_bears_leaves_the_net_alone(paynet: Paynet) -> None:
    row = paynet.price(3, addcomission_to_amount=True)
    assert row["total_amount"] == Decimal("1364.83")  # 1300 / 0.9525 = 1364.829...
    assert row["total_net_amount"] == Decimal("1300.00")
    assert row["commision"] == Decimal("64.83")


def test_a_single_payment_has_a_price_too(paynet: Paynet) -> None:
    row = paynet.price(1, ratio_code="summer")
    assert (row["ratio"], row["desc"]) == (Decimal("0.0190"), "Peşin")
    assert row["ratio_code"] == "summer"


@pytest.mark.parametrize("minor", [1, 99, 130001, 123_456_789])
def test_who_charges_the_total_is_left_with_the_amount(minor: int) -> None:
    bank = ratios.bank_of(AXESS)
    for price in ratios.prices(bank, minor, on_top=True, discount=False):
        taken = ratios.commission_minor(price.total_minor, price.ratio)
        assert price.total_minor - taken == minor


@pytest.mark.parametrize(
    ("number", "bank_id", "card_type"),
    [(OTHER_BANK, "ZDGR", "cc"), (DEBIT, "DENZ", "dc")],
)
def test_other_banks_and_debit_cards_are_paid_at_once(
    paynet: Paynet, number: str, bank_id: str, card_type: str
) -> None:
    [bank] = paynet.banks(bin=number[:6])
    assert (bank["bank_id"], bank["card_type"]) == (bank_id, card_type)
    assert [row["instalment"] for row in bank["ratio"]] == [1]


def test_without_a_bin_every_bank_is_told(paynet: Paynet) -> None:
    told = paynet.banks(bin=None)
    assert {bank["bank_id"] for bank in told} == {
        bank.bank_id for bank in ratios.BANKS.values()
    }


def test_every_published_card_and_ours_has_a_bank() -> None:
    for number in [*cards.PUBLISHED, *cards.OURS]:
        assert ratios.bank_of(number) is not ratios.OTHER


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("bin", it) for it in ("43550", "4355084", "43550x", "", 435508)],
        *[("amount", it) for it in (None, "", "0", "1300,00", 130000)],
    ],
)
def test_a_wrong_question_about_prices_is_400(
    paynet: Paynet, name: str, value: object
) -> None:
    body = {"amount": "130000", "bin": AXESS[:6], name: value}
    error = paynet.call(RATIO, body)
    assert (error.status_code, error.json()["result_code"]) == (400, 11)


@pytest.mark.parametrize("style", ["dot", "comma"])
def test_totals_have_the_style_of_amounts(paynet: Paynet, style: Any) -> None:
    paynet.simulator.settings.amount_style = style
    told = {"dot": "1300.00", "comma": "1300,00"}
    assert paynet.price(3)["total_amount"] == told[style]


def test_totals_may_be_kurus(paynet: Paynet) -> None:
    paynet.simulator.settings.ratios_total_style = "kurus"
    row = paynet.price(3, addcomission_to_amount=True)
    assert (row["total_amount"], row["instalment_amount"]) == (136483, 45494)


def test_a_campaign_makes_three_instalments_cheaper(paynet: Paynet) -> None:
    paynet.simulator.settings.ratios_discount = True
    row = paynet.price(3, addcomission_to_amount=True)
    assert row["ratio"] == Decimal("-0.0100")
    assert row["total_amount"] == Decimal("1287.13")
    assert paynet.price(6)["ratio"] == Decimal("0.0880")


def test_3d_may_be_required(paynet: Paynet) -> None:
    paynet.simulator.settings.tds_required = True
    answer = paynet.told(RATIO, {"amount": "100", "bin": AXESS[:6]})
    assert (answer["tds_required"], answer["data"][0]["tds_required"]) == (True, True)


def test_a_fault_rewrites_a_price_wherever_it_stands(paynet: Paynet) -> None:
    paynet.simulator.faults.add("rewrite", RATIO, fields={"total_amount": "x"})
    assert paynet.price(3)["total_amount"] == "x"


# Sales in instalments


def test_a_sale_in_instalments_is_told_and_costs_its_ratio(paynet: Paynet) -> None:
    answer = paynet.pay(instalment=3)
    for told in (answer, paynet.row(), paynet.row(DETAIL)):
        assert told["instalment"] == 3
        assert told["ratio"] == Decimal("0.0475")
        assert told["amount"] == Decimal("1300.00")
        assert (told["comission"], told["comission_tax"]) == (Decimal("61.75"), 0)
    assert answer["net_amount"] == Decimal("1238.25")


@pytest.mark.parametrize("instalment", [None, 0, 1])
def test_a_single_payment_is_printed_as_before(
    paynet: Paynet, instalment: int | None
) -> None:
    answer = paynet.pay(instalment=instalment)
    assert answer["instalment"] == paynet.row()["instalment"] == 0
    assert answer["comission"] == Decimal("32.50")


@pytest.mark.parametrize(("shown", "printed"), [("absent", None), ("single", 1)])
def test_instalments_may_be_printed_otherwise(
    paynet: Paynet, shown: Any, printed: int | None
) -> None:
    paynet.simulator.settings.instalment_shown = shown
    assert paynet.pay(instalment=3).get("instalment") == printed
    assert paynet.row().get("instalment") == printed


@pytest.mark.parametrize(
    ("number", "instalment"), [(OTHER_BANK, 3), (DEBIT, 2), (AXESS, 4)]
)
def test_instalments_that_the_bank_does_not_offer_open_no_session(
    paynet: Paynet, number: str, instalment: int
) -> None:
    assert paynet.start(pan=number, instalment=instalment)["code"] == 1
    assert paynet.simulator.books.sessions() == []


def test_a_refund_keeps_the_instalments_and_may_return_the_commission(
    paynet: Paynet,
) -> None:
    paynet.simulator.settings.commission_on_refund = "returned"
    sale = paynet.pay(instalment=3)
    back = paynet.simulator.books.reverse(sale["xact_id"])
    assert (back.instalment, back.fee_minor, back.tax_minor) == (3, 6175, 0)


def test_a_sale_in_instalments_may_be_planted(paynet: Paynet) -> None:
    paynet.simulator.books.plant(REFERENCE, 130000, instalment=3, is_tds=False)
    row = paynet.row()
    assert (row["instalment"], row["is_tds"]) == (3, False)
    assert row["comission"] == Decimal("61.75")


def test_a_campaigns_sale_brings_more_than_its_amount(paynet: Paynet) -> None:
    paynet.simulator.settings.ratios_discount = True
    assert paynet.pay(instalment=3)["net_amount"] == Decimal("1313.00")


def test_a_card_of_ours_fails_in_instalments_too(paynet: Paynet) -> None:
    pair = paynet.passed(pan=LOST_ONCE_AFTER, instalment=3)
    with pytest.raises(requests.ConnectionError):
        paynet.charge(pair)
    answer = paynet.charge(pair)
    assert (answer["code"], answer["instalment"]) == (100, 3)


def test_the_ratio_is_of_what_was_charged(paynet: Paynet) -> None:
    answer = paynet.pay(pan=MISMATCH, instalment=3)
    assert (answer["amount"], answer["comission"]) == (
        Decimal("1301.00"),
        Decimal("61.80"),
    )


# A card that is stored with a payment


def test_a_card_is_stored_when_the_payment_succeeds(paynet: Paynet) -> None:
    pair = paynet.passed(**SAVING)
    assert paynet.simulator.vault.cards() == []
    answer = paynet.charge(pair)
    [card] = paynet.simulator.vault.cards()
    assert answer["is_save_card_succeed"] is True
    assert answer["save_card_result_message"] == "Başarılı İşlem"
    assert answer["card_hash"] == card.card_hash
    assert answer["card_owner_id"] == paynet.simulator.vault.owner_of("user-1")
    assert answer["user_unique_id"] == "user-1"
    assert set("+/") <= set(answer["card_hash"])


def test_a_repeated_charge_tells_the_same_card(paynet: Paynet) -> None:
    pair = paynet.passed(**SAVING)
    first, second = paynet.charge(pair), paynet.charge(pair)
    assert second["code"] == 100
    assert {name: second[name] for name in SAVED_FIELDS} == {
        name: first[name] for name in SAVED_FIELDS
    }
    assert len(paynet.simulator.vault.cards()) == 1


def test_without_the_wish_nothing_is_stored_and_nothing_said(paynet: Paynet) -> None:
    assert SAVED_FIELDS.isdisjoint(paynet.pay(save_card=False, card_desc="x"))
    assert paynet.simulator.vault.cards() == []


def test_a_declined_payment_stores_nothing(paynet: Paynet) -> None:
    answer = paynet.store(pan=DECLINED)
    assert (answer["is_save_card_succeed"], answer["card_hash"]) == (False, "")
    assert paynet.simulator.vault.cards() == []
    assert paynet.simulator.vault.owner_of("user-1") is None


def test_a_user_has_one_owner_id_for_all_his_cards(paynet: Paynet) -> None:
    first = paynet.store()
    second = paynet.store(pan="5571135571135575")
    third = paynet.store(
        pan="4546711234567890",
        user_unique_id=None,
        card_owner_id=first["card_owner_id"],
    )
    another = paynet.store(user_unique_id="user-2")
    owners = [it["card_owner_id"] for it in (first, second, third, another)]
    assert owners[:3] == [owners[0]] * 3
    assert owners[3] != owners[0]
    assert third["user_unique_id"] == "user-1"


def test_the_same_card_stored_again_keeps_its_hash(paynet: Paynet) -> None:
    first, second = paynet.store(), paynet.store(card_desc="Yeni ad", year=2035)
    assert first["card_hash"] == second["card_hash"]
    [card] = paynet.simulator.vault.cards()
    assert (card.desc, card.face.year) == ("Yeni ad", 2035)
    assert paynet.store(user_unique_id="user-2")["card_hash"] != card.card_hash


def test_the_same_card_stored_again_may_be_another(paynet: Paynet) -> None:
    paynet.simulator.settings.card_saved_twice = "another"
    assert paynet.store()["card_hash"] != paynet.store()["card_hash"]


def test_a_deleted_card_that_is_stored_again_is_a_new_one(paynet: Paynet) -> None:
    old = paynet.plant()
    paynet.delete(old)
    assert paynet.plant().card_hash != old.card_hash


@pytest.mark.parametrize("missing", ["card_desc", "user_unique_id"])
def test_a_card_needs_a_name_and_an_owner(paynet: Paynet, missing: str) -> None:
    answer = paynet.call(INITIAL, payment(**(SAVING | {missing: None})))
    assert (answer.status_code, answer.json()["result_code"]) == (400, 11)


@pytest.mark.parametrize(
    "owner",
    [
        {"user_unique_id": None, "card_owner_id": "co_nobody"},
        {"user_unique_id": "user-2"},
    ],
)
def test_an_owner_id_that_is_not_the_users_opens_no_session(
    paynet: Paynet, owner: dict[str, Any]
) -> None:
    known = paynet.plant().card_owner_id
    named = SAVING | {"card_owner_id": known} | owner
    assert paynet.start(**named)["code"] == 12


def test_a_payment_may_succeed_without_its_card_being_stored(paynet: Paynet) -> None:
    paynet.simulator.settings.save_card_result = "refused"
    answer = paynet.store()
    assert (answer["is_succeed"], answer["is_save_card_succeed"]) == (True, False)
    assert (answer["card_hash"], paynet.simulator.vault.cards()) == ("", [])


def test_a_stored_card_may_not_be_told(paynet: Paynet) -> None:
    paynet.simulator.settings.save_card_result = "absent"
    assert SAVED_FIELDS.isdisjoint(paynet.store())
    assert len(paynet.simulator.vault.cards()) == 1


# Paying with a stored card


def test_a_stored_card_pays_through_the_same_bank_page(paynet: Paynet) -> None:
    card = paynet.plant()
    answer = paynet.pay(card_hash=card.card_hash, instalment=3)
    assert (answer["is_succeed"], answer["instalment"]) == (True, 3)
    assert answer["card_no_masked"] == "435508******4358"
    assert answer["card_holder"] == "Ayşe Yılmaz"
    assert paynet.taken_minor == 130000


def test_a_stored_card_fails_as_its_number_does(paynet: Paynet) -> None:
    card = paynet.plant(number=DECLINED)
    assert paynet.pay(card_hash=card.card_hash)["bank_error_id"] == "05"


@pytest.mark.parametrize(
    "other", [{"pan": AXESS}, {"cvc": "000"}, {"month": 12}, {"save_card": True}]
)
def test_a_stored_card_comes_without_another(
    paynet: Paynet, other: dict[str, Any]
) -> None:
    sent = payment(card_hash=paynet.plant().card_hash) | other
    answer = paynet.call(INITIAL, sent)
    assert (answer.status_code, answer.json()["result_code"]) == (400, 11)
    assert answer.json()["message"] == "card_hash"


def test_an_unknown_and_a_deleted_card_are_25(paynet: Paynet) -> None:
    card = paynet.plant()
    assert paynet.start(card_hash="ch_nobody's")["code"] == 25
    assert paynet.delete(card) == 0
    assert paynet.start(card_hash=card.card_hash)["code"] == 25


def test_another_owners_card_is_25(paynet: Paynet) -> None:
    card = paynet.plant()
    stranger = paynet.plant("user-2").card_owner_id
    for owner in ({"card_owner_id": stranger}, {"user_unique_id": "user-2"}):
        assert paynet.start(card_hash=card.card_hash, **owner)["code"] == 25
    owner = {"card_owner_id": card.card_owner_id}
    assert paynet.start(card_hash=card.card_hash, **owner)["code"] == 0


def test_an_expired_stored_card_is_18(paynet: Paynet) -> None:
    card = paynet.plant()
    paynet.simulator.settings.clock_offset_s = YEAR_2031_S - paynet.simulator.now()
    assert paynet.start(card_hash=card.card_hash)["code"] == 18


def test_an_open_session_outlives_its_stored_card(paynet: Paynet) -> None:
    card = paynet.plant()
    pair = paynet.passed(card_hash=card.card_hash)
    paynet.simulator.vault.take_away(card.number)
    assert paynet.charge(pair)["is_succeed"] is True


def test_a_deleted_card_may_decline_its_open_session(paynet: Paynet) -> None:
    paynet.simulator.settings.deleted_card_charges = False
    gone, there = paynet.plant(), paynet.plant(number="5571135571135575")
    pairs = [paynet.passed(card_hash=card.card_hash) for card in (gone, there)]
    paynet.simulator.vault.take_away(gone.number)
    answers = [paynet.charge(pair) for pair in pairs]
    assert [answer["is_succeed"] for answer in answers] == [False, True]
    assert answers[0]["bank_error_id"] == "14"


# card/save


def test_a_card_is_saved_without_a_payment(paynet: Paynet) -> None:
    card = paynet.save()
    assert (card["code"], card["card_desc"]) == (0, "Maaş kartım")
    assert (card["card_no"], card["card_bin"]) == ("435508******4358", "435508")
    assert (card["card_type"], card["card_bank_name"]) == ("cc", "Axess")
    assert (card["card_brand_name"], card["card_logo_url"]) == ("Visa", "")
    assert (card["user_unique_id"], card["card_owner_id"]) == (
        "user-1",
        paynet.simulator.vault.owner_of("user-1"),
    )
    assert paynet.pay(card_hash=card["card_hash"])["is_succeed"] is True


def test_a_known_owner_saves_by_his_owner_id(paynet: Paynet) -> None:
    owner = paynet.save()["card_owner_id"]
    second = paynet.save(
        card_number=DEBIT, user_unique_id=None, card_owner_id=owner, cvv="000"
    )
    assert (second["card_owner_id"], second["user_unique_id"]) == (owner, "user-1")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"card_number": NO_BANK}, 18),
        ({"card_number": DECLINED, "cvv": "000"}, 1),
        ({"card_number": DECLINED}, 0),
        ({"user_unique_id": None, "card_owner_id": "co_nobody"}, 12),
    ],
)
def test_a_card_is_saved_only_when_it_could_be_good(
    paynet: Paynet, changes: dict[str, Any], code: int
) -> None:
    assert paynet.save(**changes)["code"] == code
    assert len(paynet.simulator.vault.cards()) == (0 if code else 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("card_desc", it) for it in (None, "")],
        *[("card_holder", it) for it in (None, "x" * 51)],
        *[("card_number", it) for it in (None, "4355", 4355084355084358)],
        *[("expire_month", it) for it in (None, "0", "13", 12)],
        *[("expire_year", it) for it in (None, "30", 2030)],
        ("cvv", "00"),
        ("user_unique_id", None),
    ],
)
def test_a_wrong_field_of_a_card_is_400_and_named(
    paynet: Paynet, name: str, value: object
) -> None:
    answer = paynet.call(SAVE, new_card(**{name: value}))
    assert (answer.status_code, answer.json()["result_code"]) == (400, 11)
    assert answer.json()["message"] == name


# card/list


def test_cards_are_listed_by_their_owner(paynet: Paynet) -> None:
    card = paynet.plant()
    paynet.plant("user-2")
    told = paynet.list(card.card_owner_id)
    assert (told["total"], told["total_count"], told["limit"]) == (1, 1, 10)
    assert told["has_more"] is False
    [row] = told["Data"]
    assert row == {
        "card_owner_id": card.card_owner_id,
        "user_unique_id": "user-1",
        "card_desc": "Kart",
        "card_hash": card.card_hash,
        "card_no": "435508******4358",
        "card_bin": "435508",
        "card_type": "cc",
        "card_bank_name": "Axess",
        "card_logo_url": "",
        "card_brand_name": "Visa",
        "company_code": "",
        "agent_id": "",
        "card_holder": "A*** Y*****",
        "card_bank_id": "AXSS",
        "expire_month": "12",
        "expire_year": "2030",
    }


@pytest.mark.parametrize(
    ("order", "first_page"),
    [("oldest_first", [0, 1]), ("newest_first", [2, 1])],
)
def test_cards_come_a_page_at_a_time(
    paynet: Paynet, order: Any, first_page: list[int]
) -> None:
    paynet.simulator.settings.list_order = order
    numbers = (AXESS, DEBIT, OTHER_BANK)
    planted = [paynet.plant(number=number) for number in numbers]
    owner = planted[0].card_owner_id
    first = paynet.list(owner, limit=2)
    rest = paynet.list(owner, limit=2, starting_after=2)
    told = [row["card_hash"] for row in first["Data"]]
    assert told == [planted[place].card_hash for place in first_page]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert (rest["total"], rest["total_count"]) == (1, 3)


@pytest.mark.parametrize(("style", "code"), [("empty", 0), ("no_data", 12)])
def test_an_unknown_owner_has_no_cards(paynet: Paynet, style: Any, code: int) -> None:
    paynet.simulator.settings.empty_list = style
    told = paynet.list("co_nobody")
    assert (told["code"], told["Data"], told["total_count"]) == (code, [], 0)


# card/delete, card/desc_update


def test_a_deleted_card_is_listed_no_more_and_not_found_again(paynet: Paynet) -> None:
    card, kept = paynet.plant(), paynet.plant(number=DEBIT)
    assert [paynet.delete(card), paynet.delete(card)] == [0, 25]
    [row] = paynet.list(card.card_owner_id)["Data"]
    assert row["card_hash"] == kept.card_hash
    vault = paynet.simulator.vault
    assert (vault.deletions(), vault.deletions(card.card_owner_id)) == (1, 1)
    assert vault.cards(deleted=True) == [card]


def test_nobody_deletes_or_renames_another_owners_card(paynet: Paynet) -> None:
    card = paynet.plant()
    stranger = paynet.plant("user-2").card_owner_id
    assert paynet.delete(card, stranger) == 25
    named = {"card_owner_id": stranger, "card_hash": card.card_hash}
    assert paynet.told(RENAME, named | {"card_desc": "mine"})["code"] == 25
    assert (card.deleted, card.desc) == (False, "Kart")
    assert paynet.simulator.vault.deletions() == 0


def test_a_card_is_renamed(paynet: Paynet) -> None:
    card = paynet.plant()
    named = {"card_owner_id": card.card_owner_id, "card_hash": card.card_hash}
    assert paynet.told(RENAME, named | {"card_desc": "Yeni ad"})["code"] == 0
    [row] = paynet.list(card.card_owner_id)["Data"]
    assert row["card_desc"] == "Yeni ad"


def test_a_card_that_somebody_else_deleted_is_gone(paynet: Paynet) -> None:
    card = paynet.plant()
    paynet.simulator.vault.take_away(card.number)
    assert paynet.delete(card) == 25
    assert paynet.simulator.vault.deletions() == 0


@pytest.mark.parametrize("path", [RATIO, SAVE, LIST, DELETE, RENAME])
def test_every_call_about_cards_needs_the_secret_key(paynet: Paynet, path: str) -> None:
    answer = paynet.call(path, {}, key="pbk_local")
    assert (answer.status_code, answer.json()["result_code"]) == (401, 7)


def test_a_fault_strikes_these_calls_too(paynet: Paynet) -> None:
    card = paynet.plant()
    paynet.simulator.faults.add("close", DELETE, when="after")
    with pytest.raises(requests.ConnectionError):
        paynet.delete(card)
    assert paynet.delete(card) == 25
    assert paynet.simulator.vault.deletions() == 1


# Hands and secrets


def test_hands_plant_and_delete_cards_and_see_no_hash(paynet: Paynet) -> None:
    hands = f"{paynet.url}/_simulator/cards"
    order = {"user_unique_id": "user-1", "card_number": AXESS, "desc": "Elle"}
    planted = requests.post(hands, json=order, timeout=TIMEOUT_S)
    assert (planted.status_code, planted.json()["card"]) == (201, "435508******4358")
    gone = requests.post(
        f"{hands}/{planted.json()['id']}/deletion", json={}, timeout=TIMEOUT_S
    )
    assert gone.json()["deleted"] is True
    [told] = requests.get(hands, timeout=TIMEOUT_S).json()["cards"]
    assert told == gone.json()
    [card] = paynet.simulator.vault.cards(deleted=True)
    assert card.card_hash not in json.dumps(told)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/cards/7/deletion", {}, 404),
        ("/cards", {"user_unique_id": "u", "card_number": NO_BANK}, 400),
        ("/cards", {"user_unique_id": "u"}, 400),
    ],
)
def test_hands_that_reach_for_no_card_are_told_so(
    paynet: Paynet, path: str, body: object, status: int
) -> None:
    answer = requests.post(
        f"{paynet.url}/_simulator{path}", json=body, timeout=TIMEOUT_S
    )
    assert answer.status_code == status
    assert NO_BANK not in answer.text


def test_a_reset_empties_the_vault(paynet: Paynet) -> None:
    paynet.delete(paynet.plant())
    paynet.simulator.reset()
    vault = paynet.simulator.vault
    assert (vault.cards(), vault.cards(deleted=True)) == ([], [])
    assert (vault.deletions(), vault.owner_of("user-1")) == (0, None)


def test_number_and_cvc_are_kept_and_told_nowhere(
    paynet: Paynet, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stored = paynet.store()
    saved = paynet.save(card_number=DEBIT, cvv=CVC)
    told = [
        json.dumps([stored, saved, paynet.list(stored["card_owner_id"])], default=str),
        *(
            requests.get(paynet.url + page, timeout=TIMEOUT_S).text
            for page in ("/_simulator/books", "/_simulator/cards")
        ),
        paynet.call(INITIAL, payment(pan=AXESS, cvc=CVC, month=13)).text,
        paynet.call(SAVE, new_card(expire_month="13", cvv=CVC)).text,
    ]
    books, vault = paynet.simulator.books, paynet.simulator.vault
    kept = [repr(vars(it)) for it in (books, vault, paynet.simulator.traffic)]
    for text in [*told, *kept, caplog.text]:
        for secret in (AXESS, DEBIT, f"'{CVC}'", f'"{CVC}"'):
            assert secret not in text
    for text in kept:
        assert stored["card_hash"] not in text
    front = requests.get(paynet.url + "/", timeout=TIMEOUT_S).text
    assert stored["card_hash"] not in front
    assert "435508******4358" in front
