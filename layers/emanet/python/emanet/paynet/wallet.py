"""The cards that PAYNET stores for one owner: how they are asked for
and deleted, and what a row of their list tells. Pure. A card's hash, by which it can be
charged, is shown by nothing here."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

from emanet.cards import StoredCard
from emanet.outcome import Unknown
from emanet.paynet.answer import Answer
from emanet.paynet.formats import JsonObject, text
from emanet.paynet.rows import MaskedCard, Text, Whole

CARD_LIST = "/v1/card/list"
CARD_DELETE = "/v1/card/delete"

NO_EXPIRY = (0, 0)  # before every day, so that the card counts as over

_CENTURY = 2000
_MONTHS = range(1, 13)
_YEARS = range(_CENTURY, _CENTURY + 100)
_BIN = re.compile(r"\d{6}", re.ASCII)
_LAST_FOUR = re.compile(r"\d{4}$", re.ASCII)


def _bin(value: object) -> str | None:
    """Its first six digits, of the six or eight that are told."""
    found = _BIN.match(text(value) or "")
    return found[0] if found else None


class ListedCard(BaseModel):
    """A row of card/list."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    card_hash: Annotated[SecretStr | None, BeforeValidator(text)] = None
    card_bin: Annotated[str | None, BeforeValidator(_bin)] = None
    card_no: MaskedCard = None
    expire_month: Whole = None
    expire_year: Whole = None
    card_brand_name: Text = None
    card_bank_name: Text = None
    card_desc: Text = None

    @property
    def card(self) -> StoredCard | None:
        """None: without a hash it can be neither charged nor deleted. Whatever else
        cannot be read is empty: a card that its owner cannot see he cannot delete."""
        if self.card_hash is None:
            return None
        month, year = self._expiry
        last = _LAST_FOUR.search(self.card_no or "")
        return StoredCard(
            card_hash=self.card_hash.get_secret_value(),
            bin=self.card_bin or _bin(self.card_no) or "",
            last_four=last[0] if last else "",
            expiry_month=month,
            expiry_year=year,
            brand=self.card_brand_name,
            bank=self.card_bank_name,
            name=self.card_desc,
        )

    @property
    def _expiry(self) -> tuple[int, int]:
        """Month and year; a year of two digits is one of this century."""
        month, year = self.expire_month, self.expire_year
        if month is None or year is None:
            return NO_EXPIRY
        year += _CENTURY if year < len(_YEARS) else 0
        return (month, year) if month in _MONTHS and year in _YEARS else NO_EXPIRY


def card_list(owner_id: str) -> JsonObject:
    return {"card_owner_id": owner_id}


def card_of(row: JsonObject) -> StoredCard | None:
    return ListedCard.model_validate(row).card


def card_delete(owner_id: str, card_hash: str) -> JsonObject:
    return {"card_owner_id": owner_id, "card_hash": card_hash}


def read_card_delete(answer: Answer) -> bool | Unknown:
    """False: PAYNET has no such card, in either of its words. It documents no
    is_succeed here; one that contradicts the code leaves nothing decided."""
    if answer.knows_no_card or answer.knows_nothing:
        return False
    if problem := answer.problem:
        return problem
    return Unknown("contradiction") if answer.is_succeed is False else True
