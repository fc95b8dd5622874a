"""PAYNET's paged lists by the day: how a page is asked for, and what its rows are in
our words. Pure. A row that cannot be read hides no other, and is not dropped either: it
comes out with nothing but what it does say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from pydantic import AliasChoices, Field

from emanet.outcome import Reversal, Sale, Unknown
from emanet.paynet.answer import Answer
from emanet.paynet.formats import JsonObject, truth
from emanet.paynet.rows import SALE, AsSent, Moment, Money, Row, Text, yes_unless_no

TRANSACTION_LIST = "/v1/transaction/list"
REVERSAL_LIST = "/v1/transaction/reversal_list"

PAGE_ROWS = 10

_SALE_KIND = "S"
_OTHER_KINDS = frozenset({"R", "CD", "CR", "RC", "PR", "RP", "PK", "PI"})
_OTHER_TYPES = frozenset({2, 3, 4, 5, 6, 7, 9, 10, 11})


# ── pages ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Page:
    rows: tuple[JsonObject, ...]
    has_more: bool


def sales(first: date, last: date) -> JsonObject:
    return {**_days(first, last), "show_unsucceed": False}


def reversals(first: date, last: date) -> JsonObject:
    return _days(first, last)


def _days(first: date, last: date) -> JsonObject:
    return {"datab": first.isoformat(), "datbi": last.isoformat()}


def page_after(asked: JsonObject, rows_seen: int) -> JsonObject:
    """The same question, from where its last page ended."""
    start = {"starting_after": rows_seen} if rows_seen else {}
    return {**asked, "limit": PAGE_ROWS, **start}


def read_page(answer: Answer) -> Page | Unknown:
    """An empty page ends a list, even if it does not say so."""
    if answer.knows_nothing:
        return Page((), has_more=False)
    if problem := answer.problem:
        return problem
    if not isinstance(answer.rows, list):
        return Unknown("no_rows")
    rows = tuple(row if isinstance(row, dict) else {} for row in answer.rows)
    has_more = truth((answer.content or {}).get("has_more"))
    if rows and has_more is None:
        return Unknown("paging")
    return Page(rows, has_more is True)


# ── transaction/list, and detail of one transaction ──────────────────────────


class ListedSale(Row):
    """A row of transaction/list; one of detail fits as well."""

    xact_type: Text = None
    xact_agent_reference: Text = None
    is_onchargeback: AsSent = None

    @property
    def is_sale(self) -> bool | None:
        """By either of PAYNET's names for its kind; None: neither is one of them."""
        kind = (self.xact_type or "").upper()
        if kind == _SALE_KIND or self.transaction_type == SALE:
            return True
        is_other = kind in _OTHER_KINDS or self.transaction_type in _OTHER_TYPES
        return False if is_other else None

    @property
    def sale(self) -> Sale | None:
        """None: certainly none that took money. A row that does not say its kind has no
        amount that we could count."""
        if self.is_sale is False or self.is_succeed is False:
            return None
        counted = self.amount_minor if self.is_sale else None
        return Sale(
            self.xact_agent_reference
            or self.agent_reference
            or self.reference_no
            or self.referance_no,
            replace(self.capture, amount_minor=counted),
            yes_unless_no(self.is_onchargeback) is True,
        )


def sale_of(row: JsonObject) -> Sale | None:
    return ListedSale.model_validate(row).sale


# ── reversal_list ────────────────────────────────────────────────────────────


class ListedReversal(Money):
    """A row of reversal_list: `xact_id` and `id` are the reversal's own, `reversed_…`
    those of the transaction whose money went back."""

    reversed_id: Text = None
    entry_date: Moment = None
    tax_as_sent: AsSent = Field(
        None,
        validation_alias=AliasChoices(
            "comission_tax", "commission_tax", "commision_tax"
        ),
    )

    @property
    def reversal(self) -> Reversal:
        return Reversal(
            id=self.name,
            of_xact_id=self.reversed_xact_id,
            of_plain_id=self.reversed_id,
            amount_minor=self.amount_minor,
            at=self.at or self.entry_date,
            is_succeed=self.is_succeed,
            commission_minor=self._given_back_minor,
        )

    @property
    def _given_back_minor(self) -> int | None:
        """PAYNET's fee with its tax; nothing if the tax is there but unreadable."""
        fee, tax = self.commission_minor, self.commission_tax_minor
        if fee is None or (tax is None and self.tax_as_sent):
            return None
        return fee + (tax or 0)


def reversal_of(row: JsonObject) -> Reversal:
    return ListedReversal.model_validate(row).reversal
