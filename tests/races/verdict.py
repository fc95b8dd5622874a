"""What must be true of an escrow after any race: its own sums, its whole history, and
PAYNET's books beside ours. Written from the rules, not from the machine's own check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import requests

from emanet import ledger
from emanet.escrow import (
    RESERVING,
    Capture,
    CaptureStatus,
    Escrow,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Status,
)
from tests.stage import Stage

Word = tuple[str, requests.Response]
"""The transition that somebody asked for, and how he was answered."""


def judged(stage: Stage, escrow_id: str) -> Escrow:
    """The escrow, after every rule that a race could break was looked at."""
    escrow = stage.escrow(escrow_id)
    _sums_hold(escrow)
    _books_balance(escrow)
    assert sum(attempt.is_live for attempt in escrow.attempts) <= 1
    _no_write_was_lost(escrow)
    taken = _taken_minor(stage, escrow_id)
    known = [c.xact_id for a in escrow.attempts for c in a.captures]
    assert sorted(known) == sorted(taken), "our captures are PAYNET's charges"
    assert escrow.balances.captured == sum(taken.values())
    _orders_went_once(stage, escrow)
    return escrow


def at_rest(stage: Stage, escrow_id: str) -> Escrow:
    """Judged, and PAYNET gave back exactly what our books say."""
    escrow = judged(stage, escrow_id)
    assert escrow.sent is None
    assert given_back_minor(stage, escrow_id) == escrow.balances.refunded
    return escrow


def heard(escrow: Escrow, *words: Word) -> str:
    """Of words that exclude each other the one that was heard. Every other one got a
    409 that names the state which the winner had made, or a later one."""
    (winner,) = [name for name, answer in words if answer.ok]
    seq = next(e.seq for e in escrow.history if e.transition == winner)
    for _, answer in words:
        if not answer.ok:
            assert told_version(escrow, answer) >= seq
    return winner


def told_version(escrow: Escrow, answer: requests.Response) -> int:
    """The version that a 409 names, with the status which the escrow had then."""
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "not_allowed_now"), problem
    told = problem["escrow"]
    version = int(told["version"])
    stood = escrow.history[version - 1].to_status
    assert (told["escrow_id"], told["status"]) == (escrow.id, stood)
    return version


def charge_count(stage: Stage, escrow_id: str) -> int:
    """By PAYNET's own books."""
    return len(_taken_minor(stage, escrow_id))


def refund_requests(stage: Stage, escrow_id: str) -> int:
    """How often PAYNET was told to give money of it back, by PAYNET's own count."""
    calls = map(stage.paynet.books.refund_requests, _taken_minor(stage, escrow_id))
    return sum(call.arrived for call in calls)


def given_back_minor(stage: Stage, escrow_id: str) -> int:
    """By PAYNET's own books; every capture's."""
    attempts = stage.escrow(escrow_id).attempts
    return sum(stage.paynet.books.refunded_minor(a.reference_no) for a in attempts)


def times(escrow: Escrow, transition: str) -> int:
    """How often that happened to it."""
    return sum(entry.transition == transition for entry in escrow.history)


def _taken_minor(stage: Stage, escrow_id: str) -> dict[str, int]:
    """PAYNET's charges; also those whose reference our item has forgotten."""
    return {
        sale.xact_id: sale.amount_minor
        for sale in stage.paynet.books.find()
        if sale.reference_no.startswith(f"{escrow_id}-")
        and sale.succeeded
        and sale.is_sale
    }


def _sums_hold(escrow: Escrow) -> None:
    sums = escrow.balances
    gone = sums.released + sums.refunded + sums.charged_back
    assert sums.captured == sums.held + gone
    assert sums.captured in (0, escrow.amount_minor)
    assert sums.released + sums.refunded <= sums.captured
    kinds = SettlementKind
    assert sums.released == sum(_minors(_done(escrow, kinds.RELEASE)))
    assert sums.refunded == sum(_minors(_done(escrow, kinds.REFUND)))
    reserved = (s for s in escrow.settlements if s.status in RESERVING)
    assert 0 <= sum(_minors(reserved)) <= sums.held


def _done(escrow: Escrow, kind: SettlementKind) -> Iterator[Settlement]:
    of = (kind, SettlementStatus.DONE)
    return (s for s in escrow.settlements if (s.kind, s.status) == of)


def _minors(settlements: Iterable[Settlement]) -> Iterator[int]:
    return (settlement.amount_minor for settlement in settlements)


def _books_balance(escrow: Escrow) -> None:
    """Every posting has two sides, and what we owe for the escrow is what it holds."""
    postings = list(ledger.postings(escrow))
    assert set(ledger.trial_balance(postings).values()) <= {0}
    accounts = ledger.balances(postings).get("TRY", {})
    owed = accounts.get(f"escrow_liability:{escrow.id}", 0)
    assert owed == -escrow.balances.held


def _no_write_was_lost(escrow: Escrow) -> None:
    """Every version left its entry, and each entry begins where the last one ended."""
    history = escrow.history
    assert [entry.seq for entry in history] == [*range(1, escrow.version + 1)]
    came_from = [entry.from_status for entry in history[1:]]
    assert came_from == [entry.to_status for entry in history[:-1]]
    assert history[-1].to_status == escrow.status


def _orders_went_once(stage: Stage, escrow: Escrow) -> None:
    """At most one order is under way; PAYNET was told as often as we meant to tell it,
    and carried out no settlement twice."""
    under_way = [s for s in escrow.settlements if s.status is SettlementStatus.SENT]
    assert len(under_way) == (escrow.status in {Status.RELEASING, Status.REFUNDING})
    for capture in escrow.captures:
        calls = stage.paynet.books.refund_requests(capture.xact_id)
        assert calls.arrived == _sends(escrow, capture)
        orders = _orders(escrow, capture)
        done = sum(order.status is SettlementStatus.DONE for order in orders)
        assert done <= calls.executed <= len(orders)


def _sends(escrow: Escrow, capture: Capture) -> int:
    """Intents that we wrote before we told PAYNET."""
    if capture.status is CaptureStatus.FUNDS:
        return times(escrow, "send_refund")
    key = capture.refund.key if capture.refund else ""
    sends = [e for e in escrow.history if e.transition == "send_surplus"]
    return sum(entry.why.startswith(key) for entry in sends)


def _orders(escrow: Escrow, capture: Capture) -> list[Settlement]:
    """Refunds of that capture which were sent."""
    own = [capture.refund] if capture.refund else []
    if capture.status is CaptureStatus.FUNDS:
        own = [s for s in escrow.settlements if s.kind is SettlementKind.REFUND]
    return [order for order in own if order.sent_at]
