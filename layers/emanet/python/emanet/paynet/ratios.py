"""PAYNET's table of instalments (ratio/Get): how it is asked for, and
what it tells of a card's bank and its prices. Pure. A price that cannot be read is left
out: it is never offered, and never guessed."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from emanet.instalments import CardBank, Ratio
from emanet.outcome import Unknown
from emanet.paynet.answer import Answer
from emanet.paynet.formats import JsonObject, fraction, nearest_kurus, truth
from emanet.paynet.rows import Text, Truth, Whole

RATIO_GET = "/v1/ratio/Get"

PAYNET_POS = 5

# PAYNET's codes; ZDGR is any other bank, and so no family.
_FAMILIES = {
    "ADVT": "Advantage",
    "AXSS": "Axess",
    "BONS": "Bonus",
    "DENZ": "Denizbank",
    "FINS": "CardFinans",
    "KVYT": "Kuveyt Türk",
    "MAXM": "Maximum",
    "ODEA": "Odea",
    "PARF": "Paraf",
    "VAKF": "Vakıfbank",
    "WRLD": "World",
    "ZRTB": "Ziraat",
}
_KINDS = {"cc": "credit", "bc": "commercial", "dc": "debit"}


class Price(BaseModel):
    """One number of instalments, 0 and 1 for a single payment. Its total is lira, as
    PAYNET calculated it; we round it half up to the kuruş."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    instalment: Whole = None
    ratio: Annotated[str | None, BeforeValidator(fraction)] = None
    total_amount: Annotated[int | None, BeforeValidator(nearest_kurus)] = None

    @property
    def told(self) -> Ratio | None:
        """None: not all of it can be read, or it is the price of nothing."""
        if self.instalment is None or self.ratio is None or not self.total_amount:
            return None
        return Ratio(max(self.instalment, 1), self.ratio, self.total_amount)


class Bank(BaseModel):
    """A row of `data`: a bank, and how it treats this kind of card."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    bank_id: Text = None
    bank_name: Text = None
    card_type: Text = None
    tds_required: Truth = None
    ratio: object = None

    def with_prices(self, *, needs_3d: bool | None) -> CardBank | Unknown:
        """`needs_3d`: what the answer says of all its rows, unless this one differs."""
        if not isinstance(self.ratio, list | None):
            return Unknown("no_ratios")
        return CardBank(
            bank=self.bank_name,
            family=_FAMILIES.get(self.bank_id or ""),
            kind=_KINDS.get(self.card_type or ""),
            needs_3d=needs_3d if self.tds_required is None else self.tds_required,
            ratios=_prices(self.ratio or []),
        )


def ratio_get(bin_: str, amount_minor: int, *, on_top: bool) -> JsonObject:
    """The amount is text in kuruş; `on_top`: with PAYNET's commission added to it."""
    return {
        "pos_type": PAYNET_POS,
        "amount": str(amount_minor),
        "bin": bin_,
        "addcomission_to_amount": on_top,
    }


def read_ratio_get(answer: Answer) -> CardBank | Unknown:
    """Of one card: its bank's row is the first, and rows of other banks beside it would
    mean that PAYNET does not know whose it is. Without any, nothing is known of it."""
    if answer.knows_nothing:
        return CardBank()
    if problem := answer.problem:
        return problem
    rows = [] if answer.rows is None else answer.rows
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return Unknown("no_rows")
    banks = [Bank.model_validate(row) for row in rows]
    if len({bank.bank_id for bank in banks}) > 1:
        return Unknown("several_banks")
    needs_3d = truth((answer.content or {}).get("tds_required"))
    return banks[0].with_prices(needs_3d=needs_3d) if banks else CardBank()


def _prices(rows: list[object]) -> tuple[Ratio, ...]:
    """Of a number that is listed twice, the first."""
    prices: dict[int, Ratio] = {}
    for row in rows:
        told = Price.model_validate(row).told if isinstance(row, dict) else None
        if told is not None:
            prices.setdefault(told.count, told)
    return tuple(prices.values())
