"""The one pure function that judges PAYNET's rows (rule 10 of the design): what they
say about one attempt. It asks nobody, and never takes an absent or doubtful field for
the one that would be convenient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from emanet.escrow import Capture
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
