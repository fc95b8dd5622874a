"""The bodies that tell of banks, instalments and stored cards, in the dialect that the
switches choose. A stored card's number is nowhere; its `card_hash` goes to its owner's
shop only."""

from collections.abc import Iterable

from local.paynet_simulator import answers, lists, wire
from local.paynet_simulator.card_messages import CardList
from local.paynet_simulator.cards import BIN_DIGITS
from local.paynet_simulator.ratios import SINGLE, Bank, Price, bank_of
from local.paynet_simulator.records import StoredCard
from local.paynet_simulator.settings import Settings
from local.paynet_simulator.wire import Body

BRANDS = {"4": "Visa", "5": "MasterCard", "6": "Troy", "9": "Troy"}


def bank(settings: Settings, one: Bank) -> Body:
    return {
        "bank_id": one.bank_id,
        "bank_logo": "",
        "bank_name": one.name,
        "card_type": one.card_type,
        "tds_required": settings.tds_required,
    }


def price(settings: Settings, one: Price, ratio_code: str) -> Body:
    single = one.instalment == SINGLE
    amounts = {
        "instalment_amount": one.each_minor,
        "total_net_amount": one.net_minor,
        "total_amount": one.total_minor,
        "commision": one.commission_minor,
        "commision_tax": 0,  # it is in the commission
    }
    return {
        "instalment_key": one.key,
        "instalment": one.instalment,
        "ratio": one.fraction,
        **{name: _amount(settings, minor) for name, minor in amounts.items()},
        "desc": "Peşin" if single else f"{one.instalment} Taksit",
        "ratio_code": ratio_code,
    }


def stored(settings: Settings, card: StoredCard) -> Body:
    """card/save's answer, and the common part of a row of card/list."""
    of = bank_of(card.face.masked)
    return answers.envelope(
        settings, wire.SUCCESS, answers.SUCCEEDED, **_stored(card, of)
    )


def listed(settings: Settings, found: list[StoredCard], asked: CardList) -> Body:
    page = lists.Page.cut(found, asked, settings.list_limit_max)
    rows = [_row(card) for card in page.rows]
    head = lists.paged(settings, page, asked, found)
    return head | {"object_name": "card_list", "Data": rows}


def _row(card: StoredCard) -> Body:
    of = bank_of(card.face.masked)
    return {
        **_stored(card, of),
        "company_code": "",
        "agent_id": "",
        "card_holder": _initials(card.face.holder.split()),
        "card_bank_id": of.bank_id,
        "expire_month": f"{card.face.month:02d}",
        "expire_year": str(card.face.year),
    }


def _stored(card: StoredCard, of: Bank) -> Body:
    return {
        "card_owner_id": card.card_owner_id,
        "user_unique_id": card.user_unique_id,
        "card_desc": card.desc,
        "card_hash": card.card_hash,
        "card_no": card.face.masked,
        "card_bin": card.face.masked[:BIN_DIGITS],
        "card_type": of.card_type,
        "card_bank_name": of.name,
        "card_logo_url": "",
        "card_brand_name": BRANDS.get(card.face.masked[:1], ""),
    }


def _initials(words: Iterable[str]) -> str:
    return " ".join(word[:1] + "*" * (len(word) - 1) for word in words)


def _amount(settings: Settings, minor: int) -> object:
    if settings.ratios_total_style == "kurus":
        return minor
    return wire.lira(minor, settings.amount_style)
