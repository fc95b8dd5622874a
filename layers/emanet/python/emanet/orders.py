"""An order to PAYNET to move money out: a settlement of held money, or the refund of a
surplus capture. The two live in different places and change different things; whoever
sends one and asks about it need not care which it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from emanet import policy, settlements, surplus
from emanet.errors import IllegalTransition
from emanet.escrow import (
    Capture,
    Escrow,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Step,
)
from emanet.istanbul import day_of
from emanet.outcome import Returned, Reversal
from emanet.settlements import with_settlement

UNNAMED = "unnamed"  # a row to which PAYNET gave no id
REVERSED = "reversed"  # PAYNET's word that the whole sale went back


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that an order was carried out. `is_odd`: something happened, but not
    what was ordered."""

    text: str
    commission_back_minor: int = 0
    is_odd: bool = False


def find(escrow: Escrow, key: str) -> tuple[Capture, Settlement]:
    """The order with this key, and the capture whose money it moves."""
    for _, capture, refund in surplus.refunds(escrow):
        if refund.key == key:
            return capture, refund
    known = escrow.settlement(key)
    if known is None or escrow.funding is None:
        raise IllegalTransition(escrow, "no_such_settlement")
    return escrow.funding[1], known


def is_surplus(key: str) -> bool:
    return key.startswith("late-capture/")


# ── what changes ─────────────────────────────────────────────────────────────


def send(
    escrow: Escrow, key: str, listed: tuple[str, ...], secret_digest: str, step: Step
) -> Escrow:
    move = surplus.send if is_surplus(key) else settlements.send
    return move(escrow, key, listed, secret_digest, step)


def accepted(escrow: Escrow, key: str, step: Step) -> Escrow:
    if is_surplus(key):
        return surplus.accepted(escrow, key, step)
    return settlements.accepted(escrow, step)


def confirm(escrow: Escrow, key: str, proof: Proof, step: Step) -> Escrow:
    """Sent, or found done before it was sent."""
    back = proof.commission_back_minor
    if is_surplus(key):
        return surplus.confirm(escrow, key, proof.text, step, back)
    return settlements.confirm(escrow, key, proof.text, step, back)


def deny(escrow: Escrow, key: str, why: str, step: Step) -> Escrow:
    """PAYNET's no; one that may be its day rule is tried again once."""
    if is_surplus(key):
        return surplus.deny(escrow, key, why, step)
    _, order = find(escrow, key)
    if settlements.may_be_the_day_rule(escrow, order):
        return settlements.deny_for_the_day(escrow, why, step)
    return settlements.deny(escrow, why, step)


def doubt(escrow: Escrow, key: str, why: str, step: Step) -> Escrow:
    if is_surplus(key):
        return surplus.doubt(escrow, key, why, step)
    return settlements.doubt(escrow, why, step)


def changed(escrow: Escrow, order: Settlement) -> Escrow:
    """With other moments to ask: no transition."""
    if is_surplus(order.key):
        return replace(escrow, attempts=surplus.with_refund(escrow, order))
    return replace(escrow, settlements=with_settlement(escrow, order))


# ── what proves ──────────────────────────────────────────────────────────────


def proof_of(escrow: Escrow, key: str, returned: Returned) -> Proof | None:
    """A reversal that PAYNET did not list before the order was sent, or its word that
    the whole sale was reversed. None: nothing shows yet."""
    _, order = find(escrow, key)
    if order.kind is not SettlementKind.REFUND:
        return None
    new = [row for row in foreign(escrow, key, returned) if _is_new(row, order)]
    return _by_rows(new, order) if new else found_done(escrow, key, returned)


def _is_new(row: Reversal, order: Settlement) -> bool:
    """Not listed before the order was sent, nor of a day before that."""
    return row.id not in order.listed and not is_older(row, order)


def is_older(row: Reversal, order: Settlement) -> bool:
    """Of a day before the order was sent, even if PAYNET's clock is behind ours."""
    if order.sent_at is None or row.at is None:
        return False
    return day_of(row.at) < day_of(order.sent_at - policy.CLOCKS_DIFFER_BY)


def found_done(escrow: Escrow, key: str, returned: Returned) -> Proof | None:
    """PAYNET calls the whole sale reversed, this is the refund of the whole, and no row
    says that it was only a part. Needs every row since the capture."""
    capture, order = find(escrow, key)
    if order.kind is not SettlementKind.REFUND or not returned.is_reversed:
        return None
    amounts = [r.amount_minor or 0 for r in returned.rows if r.is_succeed is not False]
    of_a_part = amounts and sum(amounts) != capture.amount_minor
    whole = order.paynet_minor == capture.amount_minor
    if not whole or of_a_part or _gave_back(escrow, capture):
        return None
    return Proof(REVERSED)


def _by_rows(new: list[Reversal], order: Settlement) -> Proof:
    """Exactly one, of exactly the amount; more than that is more than was ordered."""
    row = new[0]
    same = row.amount_minor in (None, order.paynet_minor)
    return Proof(row.id, row.commission_minor or 0, is_odd=len(new) > 1 or not same)


def foreign(escrow: Escrow, key: str, returned: Returned) -> list[Reversal]:
    """Reversals of this capture that none of our orders explains."""
    capture, _ = find(escrow, key)
    done = _gave_back(escrow, capture)
    proofs = {order.proof for order in done}
    rest = [r for r in _each_once(returned.rows) if r.is_succeed is not False]
    rest = [row for row in rest if row.id not in proofs]
    for order in done:
        if any(order.proof == row.id for row in returned.rows):
            continue  # explained by its own row
        same = (r for r in rest if r.amount_minor in (None, order.paynet_minor))
        if found := next(same, None):
            rest.remove(found)
    return rest


def _each_once(rows: Iterable[Reversal]) -> Iterator[Reversal]:
    """A row that stands on two pages is one row; rows without an id are each their
    own."""
    seen: set[str] = set()
    for row in rows:
        if row.id not in seen:
            yield row
        seen |= {row.id} - {UNNAMED}


def _gave_back(escrow: Escrow, capture: Capture) -> list[Settlement]:
    """Our refunds of this capture that are done."""
    own = [capture.refund] if capture.refund else list(escrow.settlements)
    return [
        order
        for order in own
        if order.kind is SettlementKind.REFUND and order.status is SettlementStatus.DONE
    ]


def asked(escrow: Escrow, key: str, at: datetime) -> Escrow:
    """Asked in vain: the next moment to ask."""
    _, order = find(escrow, key)
    return replace(
        changed(escrow, settlements.asked(order, at)), tries=0, retry_at=None
    )


def is_by_hand(escrow: Escrow, key: str) -> bool:
    """A refund out of PAYNET's own escrow: what PAYNET does then is not known yet. And
    a second release of one payment: PAYNET was told once."""
    capture, order = find(escrow, key)
    if order.kind is not SettlementKind.REFUND:
        releases = (s for s in escrow.settlements if s.kind is order.kind)
        return any(s.sent_at and s.key != key for s in releases)
    return any(a.is_escrow and capture in a.captures for a in escrow.attempts)


def hand_over(escrow: Escrow, key: str, step: Step) -> Escrow:
    """To a human, who does it at PAYNET and tells us."""
    if is_surplus(key):
        return surplus.doubt(escrow, key, "by_hand", step)
    return settlements.hand_over(escrow, key, step)
