"""The one pure function that judges PAYNET's rows: what they
say about one attempt. It asks nobody, and never takes an absent or doubtful field for
the one that would be convenient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from emanet.escrow import Capture, Expected, is_of_our_form
from emanet.outcome import (
    Approved,
    Declined,
    Doubtful,
    NotFound,
    Outcome,
    Unknown,
)
from emanet.paynet.rows import Row

_SINGLE_PAYMENT = frozenset({None, "0", "1"})


@dataclass(frozen=True, slots=True)
class Unclear:
    """Money may have moved, but a field that judging needs is absent: ask further."""

    captures: tuple[Capture, ...]


def judge(
    rows: Iterable[Row],
    expected: Expected,
    asked_at: datetime,
    *,
    detailed: bool = False,
) -> Approved | Declined | NotFound | Doubtful | Unclear:
    """What these rows say about one attempt. With `detailed` rows an approval needs
    to know that it was not reversed since."""
    ours = [row for row in merged(rows) if row.may_concern(expected.reference_no)]
    if not ours:
        return NotFound(asked_at)
    taken = [row for row in ours if row.is_succeed is not False]
    captures = tuple(row.capture for row in taken)
    if not all(row.is_complete(expected, detailed=detailed) for row in ours):
        return Unclear(captures)
    if not taken:
        return Declined(ours[-1].refusal)
    if len(taken) > 1:
        return Doubtful("more_than_one", captures)
    doubt = _doubt(taken[0], expected)
    return Doubtful(doubt, captures) if doubt else Approved(captures[0])


def judge_detailed(
    rows: Iterable[Row], expected: Expected, asked_at: datetime
) -> Outcome:
    """The last word, when check and detail have both been asked."""
    verdict = judge(rows, expected, asked_at, detailed=True)
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
    for name in ("is_succeed", "is_tds"):
        if {getattr(older, name), getattr(newer, name)} == {True, False}:
            facts[name] = None  # two answers that contradict each other are none
    return older.model_copy(update=facts)


def _doubt(row: Row, expected: Expected) -> str:
    """Why this success is not what was asked for; empty: it is. In PAYNET's own form it
    is the payer's page that asks for 3-D Secure: without it, chargebacks are ours."""
    if row.is_reversed:
        return "reversed"
    others = row.references - {expected.reference_no}
    if any(is_of_our_form(other) for other in others):
        return "reference_differs"  # one payment, under the names of two attempts
    if not row.is_lira:
        return "currency_differs"
    if expected.is_hosted and row.is_tds is not True:
        return "not_3d"
    if not _are_instalments(row.instalment, expected.instalments):
        return "instalment_differs"
    return "" if row.amount == expected.amount_minor else "amount_differs"


def _are_instalments(sent: str | None, count: int) -> bool:
    """Exactly so many; a single payment has several spellings, and none."""
    return sent == str(count) if count > 1 else sent in _SINGLE_PAYMENT
