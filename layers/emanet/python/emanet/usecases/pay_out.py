"""Money is asked to move on: released to the payee or refunded to the payer, whole or
part, and a payment cancelled. What a person asks for happens once, by key. Nobody waits
for PAYNET here: a refund is scheduled, and the reconciler sends it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from emanet import attempts, policy, settlements
from emanet.errors import (
    FieldProblem,
    InvalidRequest,
    KeyReused,
    TooManySettlements,
)
from emanet.escrow import (
    UNPAID,
    Actor,
    Escrow,
    Role,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Status,
    Step,
)
from emanet.ports import Desk
from emanet.usecases.access import Caller, actor_as
from emanet.usecases.writing import change

PARTIES = {Role.PAYER, Role.PAYEE}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for: so many kuruş (None: all that is available), once under
    this key. Operations say why."""

    idempotency_key: str
    amount_minor: int | None = None
    why: str = ""


def release(escrow_id: str, wish: Wish, caller: Caller, desk: Desk) -> Escrow:
    """The payer confirms, or operations decide with a reason: owed to the payee. A
    repeat under the same key answers with the present state and moves nothing.

    Raises EscrowNotFound, NotYourAction, IllegalTransition, KeyReused, InvalidRequest,
    TooManySettlements.
    """
    escrow = desk.store.get(escrow_id)
    who = actor_as(escrow, caller, Role.PAYER, Role.OPERATIONS)
    kind, move = SettlementKind.RELEASE, settlements.release
    return _once(escrow, wish, who, kind, move, desk)


def refund(escrow_id: str, wish: Wish, caller: Caller, desk: Desk) -> Escrow:
    """Operations with a reason, or the payee who gives up a part or all of it. Raises
    as `release` does."""
    escrow = desk.store.get(escrow_id)
    who = actor_as(escrow, caller, Role.PAYEE, Role.OPERATIONS)
    kind, move = SettlementKind.REFUND, settlements.schedule_refund
    return _once(escrow, wish, who, kind, move, desk)


Move = Callable[[Escrow, Settlement, Step], Escrow]


def _once(  # noqa: PLR0917 - what both wishes share
    escrow: Escrow, wish: Wish, who: Actor, kind: SettlementKind, move: Move, desk: Desk
) -> Escrow:
    if who.role is Role.OPERATIONS and not wish.why:
        raise InvalidRequest(FieldProblem("reason", "missing"))
    key = f"{who}/{wish.idempotency_key}"
    fingerprint = _fingerprint(kind, str(wish.amount_minor), wish.why)

    def decide(current: Escrow) -> Escrow | None:
        if known := current.settlement(key):
            _must_be_a_repeat(known, fingerprint)
            return None
        now = desk.step(who)
        asked = _asked(current, wish, kind, (key, fingerprint), now)
        _must_be_within_bounds(current, asked, who)
        return move(current, asked, now)

    return change(desk.store, escrow, decide)


def _asked(
    escrow: Escrow, wish: Wish, kind: SettlementKind, once: tuple[str, str], now: Step
) -> Settlement:
    """`once`: its key and fingerprint."""
    minor = wish.amount_minor
    key, fingerprint = once
    return Settlement(
        key=key,
        kind=kind,
        amount_minor=escrow.available_minor if minor is None else minor,
        status=SettlementStatus.SCHEDULED,
        by=str(now.by),
        fingerprint=fingerprint,
        at=now.at,
        why=wish.why,
    )


def _must_be_within_bounds(escrow: Escrow, asked: Settlement, who: Actor) -> None:
    """So many by the parties, and the last of them over all that is left. A status that
    forbids it anyway says so first."""
    if who.role not in PARTIES or escrow.status is not Status.HELD:
        return
    prefixes = tuple(f"{role}:" for role in PARTIES)
    made = sum(s.by.startswith(prefixes) for s in escrow.settlements)
    is_last = made == policy.PARTY_SETTLEMENTS_MAX - 1
    if made >= policy.PARTY_SETTLEMENTS_MAX:
        raise TooManySettlements(escrow)
    if is_last and asked.amount_minor != escrow.available_minor:
        raise TooManySettlements(escrow, "only_all_is_left")


def _must_be_a_repeat(known: Settlement, fingerprint: str) -> None:
    if known.fingerprint != fingerprint:
        raise KeyReused(FieldProblem("Idempotency-Key", "reused"))


# ── cancel ───────────────────────────────────────────────────────────────────


def cancel(escrow_id: str, caller: Caller, desk: Desk) -> Escrow:
    """Unpaid: given up by payer, backend or operations. Paid and not shipped: the payer
    takes it back, free of charge. Idempotent by state.

    Raises EscrowNotFound, NotYourAction, TooManySettlements, IllegalTransition.
    """
    escrow = desk.store.get(escrow_id)
    who = actor_as(escrow, caller, Role.PAYER, Role.BACKEND, Role.OPERATIONS)

    def decide(current: Escrow) -> Escrow | None:
        if current.status is Status.CANCELLED or _is_cancelling(current):
            return None
        now = desk.step(who)
        if current.status in UNPAID or who.role is not Role.PAYER:
            return attempts.cancel(current, now)
        return _take_back(current, now)

    return change(desk.store, escrow, decide)


def _is_cancelling(escrow: Escrow) -> bool:
    """A cancel that is on its way, or went all the way: what came free again after it
    can be cancelled anew."""
    over = {SettlementStatus.DENIED, SettlementStatus.WITHDRAWN}
    if escrow.available_minor:
        over.add(SettlementStatus.DONE)
    return any(s.status not in over for s in _cancels(escrow))


def _cancels(escrow: Escrow) -> list[Settlement]:
    """No key of a person's own choosing has a second slash."""
    prefix = f"{Actor(Role.PAYER, escrow.payer.id)}/cancel/"
    return [s for s in escrow.settlements if s.key.startswith(prefix)]


def _take_back(escrow: Escrow, now: Step) -> Escrow:
    number = 1 + len(_cancels(escrow))
    once = f"{now.by}/cancel/{number}", _fingerprint("cancel")
    asked = _asked(escrow, Wish(once[0]), SettlementKind.REFUND, once, now)
    _must_be_within_bounds(escrow, asked, now.by)
    return settlements.schedule_refund(escrow, asked, now, "cancel_held")


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
