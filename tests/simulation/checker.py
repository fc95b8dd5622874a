"""The checker: after every step the rules of the design on every escrow, and PAYNET's
truth beside ours. It reads both books, adds up for itself, and asks no code of ours
what it thinks; what only a human may decide counts as decided when he said so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from moto.dynamodb.models.utilities import dynamo_to_dict

from emanet.dynamodb.items import escrow_of
from emanet.errors import UnreadableItem
from emanet.escrow import ESCROW_ID, Escrow
from emanet.money import RuleBroken
from tests.simulation.checker_books import (
    Finding,
    Harm,
    Seen,
    of_history,
    of_one,
    of_rules,
    of_two,
)
from tests.simulation.checker_paynet import Truth, of_paynet
from tests.simulation.checker_rest import overdue, unknown_sale, unsettled
from tests.simulation.world import World

__all__ = ["Checker", "Finding", "Harm"]


class Checker:
    """One for a world and its whole story, because it remembers what it saw; after
    `go_back` a new one. `exempt` are references whose payment a test changed at PAYNET
    with its own hands (`alter`, `forget`, a refund ordered there). That another hand
    took money back or planted a sale is seen without it; but a planted sale must be
    known at rest: the comparison has to run."""

    def __init__(self, world: World, exempt: Collection[str] = ()) -> None:
        self.exempt = set(exempt)
        self._world = world
        self._seen: dict[str, Seen] = {}
        self._gone_before: set[str] = set()
        self._kept: dict[Finding, None] = {}

    def look(self) -> list[Finding]:
        """What is wrong at this moment, whatever is under way; and what was done wrong
        since the first look, even if nothing shows it any more."""
        self._read()
        truth = Truth.of(self._world)
        self._remember_reversed(truth)
        found = [wrong for seen in self._seen.values() for wrong in seen.wrong]
        for escrow in self._escrows():
            found += _findings(escrow.id, of_paynet(escrow, truth, self.exempt))
        found += self._of_all(truth)
        return list(dict.fromkeys([*self._kept, *found]))

    def at_rest(self) -> list[Finding]:
        """What is wrong now that nothing is under way any more."""
        found = self.look()
        truth, now = Truth.of(self._world), self._world.clock()
        for id_, seen in self._seen.items():
            found += _findings(id_, overdue(seen, now))
            if seen.escrow:
                found += _findings(id_, unsettled(seen.escrow, truth, self.exempt))
        found += self._of_unknown_sales(truth)
        return list(dict.fromkeys(found))

    # ── what is read ──

    def _escrows(self) -> Iterator[Escrow]:
        return (seen.escrow for seen in self._seen.values() if seen.escrow)

    def _read(self) -> None:
        """Only what changed since the last look."""
        records = {key.value: it for key, it in self._world.books.snapshot().items()}
        for id_ in self._seen.keys() - records.keys():
            if ESCROW_ID.fullmatch(id_):
                self._keep(id_, [(Harm.LOST, "the item is gone")])
            del self._seen[id_]
        for id_, record in records.items():
            known = self._seen.get(id_)
            if known is None or known.record is not record:
                self._seen[id_] = self._changed(id_, record, known)

    def _changed(self, id_: str, record: Any, known: Seen | None) -> Seen:
        item = dynamo_to_dict(record.attrs)
        if not ESCROW_ID.fullmatch(id_):
            return Seen(record, item)
        try:
            escrow = escrow_of(item)
        except (UnreadableItem, RuleBroken) as error:
            told = [(Harm.WRONG, f"unreadable: {type(error).__name__} {error}")]
            return Seen(record, item, None, tuple(_findings(id_, told)))
        if known and known.escrow:
            self._keep(id_, of_two(known.escrow, escrow))
        alone = Seen(record, item, escrow)
        rules = (*of_rules(escrow), *of_one(alone, escrow), *of_history(escrow))
        return Seen(record, item, escrow, tuple(_findings(id_, rules)))

    def _keep(self, id_: str, told: Iterable[tuple[Harm, str]]) -> None:
        self._kept |= dict.fromkeys(_findings(id_, told))

    # ── what needs memory, or all escrows ──

    def _remember_reversed(self, truth: Truth) -> None:
        """Money that had gone back when we first called it held."""
        funding = {
            capture.xact_id: escrow.id
            for escrow in self._escrows()
            for capture in escrow.captures
            if capture.status == "funds"
        }
        for xact_id in funding.keys() & self._gone_before:
            what = f"held, but PAYNET had reversed it: {xact_id}"
            self._keep(funding[xact_id], [(Harm.LOST, what)])
        gone = truth.reversed_elsewhere(self.exempt)
        self._gone_before |= gone - funding.keys()

    def _of_all(self, truth: Truth) -> Iterator[Finding]:
        """One payment of PAYNET's stands once in our books, and what a session of ours
        paid stands there."""
        owners = defaultdict[str, list[str]](list)
        known: set[str] = set()
        for escrow in self._escrows():
            known |= {attempt.reference_no for attempt in escrow.attempts}
            for capture in escrow.captures:
                owners[capture.xact_id].append(escrow.id)
        for xact_id, ids in owners.items():
            if len(ids) > 1 and xact_id in truth.sales:
                yield Finding(
                    Harm.DOUBLE, ids[1], f"one payment, kept twice: {xact_id}"
                )
        for reference in truth.charged.keys() - known - self.exempt:
            what = f"PAYNET charged {reference}, an attempt that we do not know"
            yield Finding(Harm.LOST, reference.partition("-")[0], what)

    def _of_unknown_sales(self, truth: Truth) -> Iterator[Finding]:
        """Of references of ours; a note in the inbox's queue tells a human of one."""
        notes = {
            seen.text("reference_no")
            for id_, seen in self._seen.items()
            if id_.startswith("inbox-") and seen.text("status") == "queued"
        }
        for sale in truth.sales.values():
            id_ = sale.reference_no.partition("-")[0]
            told = sale.reference_no in self.exempt | notes
            if ESCROW_ID.fullmatch(id_) and not told:
                seen = self._seen.get(id_)
                escrow = seen.escrow if seen else None
                yield from _findings(id_, unknown_sale(sale, escrow))


def _findings(id_: str, told: Iterable[tuple[Harm, str]]) -> Iterator[Finding]:
    return (Finding(harm, id_, what) for harm, what in told)
