"""What must be true of an escrow after any race: its own sums, its whole history, and
PAYNET's books beside ours. Written from the rules, not from the machine's own check."""

from __future__ import annotations

from emanet.escrow import RESERVING, Escrow
from tests.stage import Stage


def judged(stage: Stage, escrow_id: str) -> Escrow:
    """The escrow, after every rule that a race could break was looked at."""
    escrow = stage.escrow(escrow_id)
    _sums_hold(escrow)
    assert sum(attempt.is_live for attempt in escrow.attempts) <= 1
    _no_write_was_lost(escrow)
    taken = _taken_minor(stage, escrow_id)
    known = [c.xact_id for a in escrow.attempts for c in a.captures]
    assert sorted(known) == sorted(taken), "our captures are PAYNET's charges"
    assert escrow.balances.captured == sum(taken.values())
    return escrow


def charge_count(stage: Stage, escrow_id: str) -> int:
    """By PAYNET's own books."""
    return len(_taken_minor(stage, escrow_id))


def times(escrow: Escrow, transition: str) -> int:
    """How often that happened to it."""
    return sum(entry.transition == transition for entry in escrow.history)


def _taken_minor(stage: Stage, escrow_id: str) -> dict[str, int]:
    """PAYNET's charges; also those whose reference our item has forgotten."""
    return {
        sale.xact_id: sale.amount_minor
        for sale in stage.paynet.books.find()
        if sale.reference_no.startswith(f"{escrow_id}-") and sale.succeeded
    }


def _sums_hold(escrow: Escrow) -> None:
    sums = escrow.balances
    gone = sums.released + sums.refunded + sums.charged_back
    assert sums.captured == sums.held + gone
    assert sums.captured in (0, escrow.amount_minor)
    reserved = (s.amount_minor for s in escrow.settlements if s.status in RESERVING)
    assert 0 <= sum(reserved) <= sums.held


def _no_write_was_lost(escrow: Escrow) -> None:
    """Every version left its entry, and each entry begins where the last one ended."""
    history = escrow.history
    assert [entry.seq for entry in history] == [*range(1, escrow.version + 1)]
    came_from = [entry.from_status for entry in history[1:]]
    assert came_from == [entry.to_status for entry in history[:-1]]
    assert history[-1].to_status == escrow.status
