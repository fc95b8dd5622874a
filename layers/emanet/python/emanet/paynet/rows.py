"""PAYNET's transaction rows: what tds_charge answered and what check, detail and the
lists tell are rows alike, under all spellings seen. It asks nobody and judges nothing;
`judging` does. A field that cannot be read for certain is absent."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from emanet.escrow import Capture, Expected
from emanet.paynet.formats import (
    at_time,
    kurus,
    masked_card,
    moment,
    safe_id,
    safe_words,
    text,
    time_of_day,
    truth,
    whole,
)

SALE = 1
REFUSAL_LONGEST = 120
_LIRA_NAMES = frozenset({None, "TRY", "TL"})
_NO = frozenset({"false", "0"})

Text = Annotated[str | None, BeforeValidator(text)]
Whole = Annotated[int | None, BeforeValidator(whole)]
Kurus = Annotated[int | None, BeforeValidator(kurus)]
Truth = Annotated[bool | None, BeforeValidator(truth)]
Moment = Annotated[datetime | None, BeforeValidator(moment)]
TimeOfDay = Annotated[time | None, BeforeValidator(time_of_day)]
MaskedCard = Annotated[str | None, BeforeValidator(masked_card)]


def _as_sent(value: object) -> str | None:
    """Text of whatever stands there, so that what is unreadable is not absent."""
    return None if value is None else str(value).strip() or None


AsSent = Annotated[str | None, BeforeValidator(_as_sent)]


def yes_unless_no(sent: str | None) -> bool | None:
    """A flag whose yes must not be overlooked: whatever is no clear no is a yes."""
    return sent.lower() not in _NO if sent else None


class Money(BaseModel):
    """The part that every row of PAYNET's has: which transaction, when, how much, and
    PAYNET's fee, which it spells in three ways."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    xact_id: Text = None
    id: Text = None
    xact_date: Moment = None
    xact_time: TimeOfDay = None
    currency: AsSent = None
    amount: Kurus = None
    is_succeed: Truth = None
    reversed_xact_id: Text = None
    comission: Kurus = None
    commission: Kurus = None
    commision: Kurus = None
    comission_tax: Kurus = None
    commission_tax: Kurus = None
    commision_tax: Kurus = None

    @property
    def is_lira(self) -> bool:
        return self.currency in _LIRA_NAMES

    @property
    def name(self) -> str:
        """The id by which we know it; "unnamed": it says none."""
        return self.xact_id or self.id or "unnamed"

    @property
    def at(self) -> datetime | None:
        return at_time(self.xact_date, self.xact_time)

    @property
    def amount_minor(self) -> int | None:
        return self.amount if self.is_lira else None

    @property
    def commission_minor(self) -> int | None:
        return self._fee(self.comission, self.commission, self.commision)

    @property
    def commission_tax_minor(self) -> int | None:
        return self._fee(self.comission_tax, self.commission_tax, self.commision_tax)

    def _fee(self, *spellings: int | None) -> int | None:
        told = [fee for fee in spellings if fee is not None]
        return told[0] if told and self.is_lira else None


class Row(Money):
    """One transaction under all spellings seen; None: absent, or not readable."""

    transaction_type: Whole = None
    is_tds: Truth = None
    agent_reference: Text = None
    agent_reference_no: Text = None
    reference_no: Text = None
    referance_no: Text = None
    instalment: AsSent = None
    card_no_masked: MaskedCard = None
    card_no: MaskedCard = None
    card_number: MaskedCard = None
    reversed_: AsSent = Field(None, validation_alias="reversed")
    code: Text = None
    message: Text = None
    paynet_error_id: Text = None
    paynet_error_message: Text = None
    bank_error_id: Text = None
    bank_error_message: Text = None
    bank_error_short_desc: Text = None

    @property
    def references(self) -> set[str]:
        """Ours, under whichever of its names."""
        spellings = (
            self.agent_reference,
            self.agent_reference_no,
            self.reference_no,
            self.referance_no,
        )
        return {spelling for spelling in spellings if spelling}

    @property
    def is_reversed(self) -> bool | None:
        return True if self.reversed_xact_id else yes_unless_no(self.reversed_)

    @property
    def capture(self) -> Capture:
        return Capture(
            xact_id=self.name,
            amount_minor=self.amount_minor,
            at=self.at,
            card=self.card_no_masked or self.card_no or self.card_number,
            plain_id=self.id,
            is_reversed=self.is_reversed is True,
            commission_minor=self.commission_minor,
            commission_tax_minor=self.commission_tax_minor,
        )

    @property
    def refusal(self) -> str:
        """Which error and its short text: the bank's if PAYNET has none of its own."""
        which = self.paynet_error_id or self.bank_error_id or self.code
        said = (
            self.paynet_error_message
            or self.bank_error_message
            or self.bank_error_short_desc
            or self.message
        )
        words = safe_words(said or "", REFUSAL_LONGEST)
        return f"{safe_id(which)} {words}".strip() or "refused"

    def may_concern(self, reference_no: str) -> bool:
        """A sale of this reference, as far as the row says."""
        is_sale = self.transaction_type in (SALE, None)
        return is_sale and (not self.references or reference_no in self.references)

    def is_complete(self, expected: Expected, *, detailed: bool) -> bool:
        """Whether all that judging it needs is there; `detailed`: also its reversal."""
        needed: list[object] = [self.transaction_type, self.is_succeed]
        if self.is_succeed is not False:
            needed += [self.amount, self.xact_id]
            needed += [self.is_reversed] if detailed else []
            needed += [self.instalment] if expected.instalments > 1 else []
            needed += [self.is_tds] if expected.is_hosted else []
        return bool(self.references) and None not in needed
