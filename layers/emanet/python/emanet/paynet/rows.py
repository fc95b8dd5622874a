"""PAYNET's transaction rows and the one pure function that judges them: what tds_charge
answered and what check and detail list are rows alike. It asks nobody, and never takes
an absent or doubtful field for the one that would be convenient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from emanet.escrow import Capture
from emanet.outcome import (
    Approved,
    Declined,
    Doubtful,
    NotFound,
    Outcome,
    Unknown,
)
from emanet.paynet.formats import (
    kurus,
    masked_card,
    moment,
    safe_id,
    safe_words,
    text,
    truth,
    whole,
)

SALE = 1
REFUSAL_LONGEST = 120
_SINGLE_PAYMENT = frozenset({None, "0", "1"})
_LIRA_NAMES = frozenset({None, "TRY", "TL"})
_NOT_REVERSED = frozenset({"false", "0"})

Text = Annotated[str | None, BeforeValidator(text)]
Whole = Annotated[int | None, BeforeValidator(whole)]
Kurus = Annotated[int | None, BeforeValidator(kurus)]
Truth = Annotated[bool | None, BeforeValidator(truth)]
Moment = Annotated[datetime | None, BeforeValidator(moment)]
MaskedCard = Annotated[str | None, BeforeValidator(masked_card)]


def _as_sent(value: object) -> str | None:
    """Text of whatever stands there, so that what is unreadable is not absent."""
    return None if value is None else str(value).strip() or None


AsSent = Annotated[str | None, BeforeValidator(_as_sent)]


class Row(BaseModel):
    """One transaction under all spellings seen; None: absent, or not readable."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    xact_id: Text = None
    id: Text = None
    xact_date: Moment = None
    transaction_type: Whole = None
    agent_reference: Text = None
    reference_no: Text = None
    referance_no: Text = None
    instalment: AsSent = None
    currency: AsSent = None
    amount: Kurus = None
    is_succeed: Truth = None
    card_no_masked: MaskedCard = None
    card_no: MaskedCard = None
    card_number: MaskedCard = None
    reversed_: AsSent = Field(None, validation_alias="reversed")
    reversed_xact_id: Text = None
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
        spellings = (self.agent_reference, self.reference_no, self.referance_no)
        return {spelling for spelling in spellings if spelling}

    @property
    def is_lira(self) -> bool:
        return self.currency in _LIRA_NAMES

    @property
    def is_reversed(self) -> bool | None:
        if self.reversed_xact_id:
            return True
        sent = self.reversed_
        return sent.lower() not in _NOT_REVERSED if sent else None

    @property
    def capture(self) -> Capture:
        return Capture(
            xact_id=self.xact_id or self.id or "unnamed",
            amount_minor=self.amount if self.is_lira else None,
            at=self.xact_date,
            card=self.card_no_masked or self.card_no or self.card_number,
            plain_id=self.id,
            is_reversed=self.is_reversed is True,
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

    def is_complete(self, *, detailed: bool) -> bool:
        """Whether all that judging it needs is there; `detailed`: also its reversal."""
        needed: list[object] = [self.transaction_type, self.is_succeed]
        if self.is_succeed is not False:
            needed += [self.amount, self.xact_id]
            needed += [self.is_reversed] if detailed else []
        return bool(self.references) and None not in needed


@dataclass(frozen=True, slots=True)
class Unclear:
    """Money may have moved, but a field that judging needs is absent: ask further."""

    captures: tuple[Capture, ...]


def judge(
    rows: Iterable[Row],
    reference_no: str,
    expected_minor: int,
    asked_at: datetime,
    *,
    detailed: bool = False,
) -> Approved | Declined | NotFound | Doubtful | Unclear:
    """What these rows say about one attempt. With `detailed` rows an approval needs
    to know that it was not reversed since."""
    ours = [row for row in merged(rows) if row.may_concern(reference_no)]
    if not ours:
        return NotFound(asked_at)
    taken = [row for row in ours if row.is_succeed is not False]
    captures = tuple(row.capture for row in taken)
    if not all(row.is_complete(detailed=detailed) for row in ours):
        return Unclear(captures)
    if not taken:
        return Declined(ours[-1].refusal)
    if len(taken) > 1:
        return Doubtful("more_than_one", captures)
    doubt = _doubt(taken[0], expected_minor)
    return Doubtful(doubt, captures) if doubt else Approved(captures[0])


def judge_detailed(
    rows: Iterable[Row], reference_no: str, expected_minor: int, asked_at: datetime
) -> Outcome:
    """The last word, when check and detail have both been asked."""
    verdict = judge(rows, reference_no, expected_minor, asked_at, detailed=True)
    if not isinstance(verdict, Unclear):
        return verdict
    if not verdict.captures:
        return Unknown("field_absent")
    return Doubtful("field_absent", verdict.captures)


def merged(rows: Iterable[Row]) -> list[Row]:
    """Each transaction once: a later row of the same one fills in what it knows."""
    known: list[Row] = []
    for row in rows:
        same = next((n for n, other in enumerate(known) if _are_one(other, row)), None)
        if same is None:
            known.append(row)
        else:
            known[same] = _filled(known[same], row)
    return known


def _are_one(one: Row, other: Row) -> bool:
    """By either of PAYNET's two ids."""
    by_xact_id = one.xact_id is not None and one.xact_id == other.xact_id
    return by_xact_id or (one.id is not None and one.id == other.id)


def _filled(older: Row, newer: Row) -> Row:
    facts = newer.model_dump(exclude_none=True)
    if older.is_succeed is not None and newer.is_succeed is (not older.is_succeed):
        facts["is_succeed"] = None  # two answers that contradict each other are none
    return older.model_copy(update=facts)


def _doubt(row: Row, expected_minor: int) -> str:
    """Why this success is not what was asked for; empty: it is."""
    if row.is_reversed:
        return "reversed"
    if not row.is_lira:
        return "currency_differs"
    if row.instalment not in _SINGLE_PAYMENT:
        return "instalment_differs"
    return "" if row.amount == expected_minor else "amount_differs"
