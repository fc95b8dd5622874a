"""What instalments cost: which bank a card is of, by its first six digits, how many
instalments it offers, and what PAYNET takes for them. Whole kuruş, no floats; it keeps
nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from local.paynet_simulator.cards import BIN_DIGITS

SINGLE = 1

# Instalments → PAYNET's part in ten-thousandths: 475 is 4.75 %.
RATIOS = {1: 190, 2: 325, 3: 475, 6: 880, 9: 1290, 12: 1680}
WHOLE = 10_000

# A bank's campaign: it adds to these instalments instead of taking.
DISCOUNT = {3: -100}


@dataclass(frozen=True)
class Bank:
    bank_id: str
    name: str
    card_type: str = "cc"

    @property
    def instalments(self) -> list[int]:
        """Debit cards and unknown banks pay at once."""
        only_single = self.card_type == "dc" or self is OTHER
        return [SINGLE] if only_single else list(RATIOS)


OTHER = Bank("ZDGR", "Diğer Banka")
_AXESS = Bank("AXSS", "Axess")
_BONUS = Bank("BONS", "Bonus")
_FINANS = Bank("FINS", "CardFinans")
_MAXIMUM = Bank("MAXM", "Maximum")
_WORLD = Bank("WRLD", "World")
_ZIRAAT = Bank("ZRTB", "Ziraat")
_KUVEYT = Bank("KVYT", "Kuveyt Türk")

# The published test cards and, by 400000, all of our own. Which bank issued which is
# made up.
BANKS = {
    "400000": Bank("ADVT", "Advantage"),
    "435508": _AXESS,
    "557113": _AXESS,
    "403360": _BONUS,
    "518896": _BONUS,
    "542374": _BONUS,
    "453144": Bank("DENZ", "Denizbank"),
    "581877": Bank("DENZ", "Denizbank", "dc"),
    "402277": _FINANS,
    "545616": _FINANS,
    "658761": _KUVEYT,
    "979207": _KUVEYT,
    "450803": _MAXIMUM,
    "540667": _MAXIMUM,
    "444676": Bank("ODEA", "Odea"),
    "409070": Bank("PARF", "Paraf"),
    "411979": Bank("VAKF", "Vakıfbank"),
    "554960": Bank("WRLD", "World", "bc"),
    "450634": _WORLD,
    "540061": _WORLD,
    "454671": _ZIRAAT,
    "540134": _ZIRAAT,
}


@dataclass(frozen=True)
class Price:
    """So many instalments of `amount_minor`: the card is charged `total_minor`, the
    shop gets `net_minor`."""

    instalment: int
    ratio: int
    total_minor: int
    net_minor: int

    @property
    def key(self) -> str:
        return f"ji_{self.instalment}"

    @property
    def fraction(self) -> Decimal:
        return as_fraction(self.ratio)

    @property
    def commission_minor(self) -> int:
        return self.total_minor - self.net_minor

    @property
    def each_minor(self) -> int:
        return _half_up(self.total_minor, self.instalment)


def bank_of(number: str) -> Bank:
    """By a card's number, its masked form or its first six digits."""
    return BANKS.get(number[:BIN_DIGITS], OTHER)


def ratio_of(bank: Bank, instalment: int, *, discount: bool) -> int | None:
    """None: this bank does not offer so many instalments."""
    if instalment not in bank.instalments:
        return None
    return (
        DISCOUNT.get(instalment, RATIOS[instalment]) if discount else RATIOS[instalment]
    )


def usual(instalment: int | None) -> int | None:
    """Of a sale by whatever bank; a single payment has PAYNET's usual commission."""
    return None if instalment in {None, 0, SINGLE} else RATIOS.get(instalment)


def prices(
    bank: Bank, amount_minor: int, *, on_top: bool, discount: bool
) -> Iterator[Price]:
    """`on_top`: the payer bears the commission, so that the shop gets the amount."""
    for instalment in bank.instalments:
        ratio = ratio_of(bank, instalment, discount=discount)
        if ratio is None:
            continue
        if on_top:
            total = _half_up(amount_minor * WHOLE, WHOLE - ratio)
            yield Price(instalment, ratio, total, amount_minor)
        else:
            net = amount_minor - commission_minor(amount_minor, ratio)
            yield Price(instalment, ratio, amount_minor, net)


def commission_minor(amount_minor: int, ratio: int) -> int:
    return _half_up(amount_minor * ratio, WHOLE)


def as_fraction(ratio: int) -> Decimal:
    return Decimal(ratio).scaleb(-4)


def _half_up(part: int, whole: int) -> int:
    return (2 * part + whole) // (2 * whole)
