"""The goods move, and then the money: shipped by the payee, delivered by whoever saw
it, released by the payer's word. The payee never releases, nor starts the clock that
does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from emanet import holding
from emanet.errors import FieldProblem, IllegalTransition, KeyReused
from emanet.escrow import (
    Actor,
    Escrow,
    Role,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Shipment,
)
from emanet.ports import Desk
from emanet.usecases.access import Caller, actor_as
from emanet.usecases.writing import change


@dataclass(frozen=True, slots=True)
class Parcel:
    carrier: str
    tracking_number: str


def ship(
    escrow_id: str,
    parcel: Parcel,
    caller: Caller,
    desk: Desk,
) -> Escrow:
    """Idempotent by the parcel. Raises EscrowNotFound, NotYourAction,
    IllegalTransition."""
    escrow = desk.store.get(escrow_id)
    payee = actor_as(escrow, caller, Role.PAYEE)

    def hand_over(current: Escrow) -> Escrow | None:
        if _is_shipped(current, parcel):
            return None
        now = desk.step(payee)
        shipment = Shipment(now.at, parcel.carrier, parcel.tracking_number)
        return holding.ship(current, shipment, now)

    return change(desk.store, escrow, hand_over)


def _is_shipped(escrow: Escrow, parcel: Parcel) -> bool:
    sent = escrow.shipment
    return sent is not None and parcel == Parcel(sent.carrier, sent.tracking_number)


def deliver(escrow_id: str, caller: Caller, desk: Desk) -> Escrow:
    """Idempotent: the first word wins. Raises EscrowNotFound, NotYourAction,
    IllegalTransition."""
    escrow = desk.store.get(escrow_id)
    witness = actor_as(escrow, caller, Role.PAYER, Role.CARRIER, Role.OPERATIONS)

    def hand_over(current: Escrow) -> Escrow | None:
        if current.delivered_at:
            return None
        return holding.deliver(current, desk.step(witness))

    return change(desk.store, escrow, hand_over)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The payer's word. `amount_minor` is what he saw on his screen, if he says so: it
    must still be all that is available."""

    idempotency_key: str
    amount_minor: int | None = None


def release(
    escrow_id: str,
    word: Confirmation,
    caller: Caller,
    desk: Desk,
) -> Escrow:
    """The payer confirms: all that is held is owed to the payee. A repeat under the
    same key answers with the present state and moves nothing.

    Raises EscrowNotFound, NotYourAction, IllegalTransition, KeyReused.
    """
    escrow = desk.store.get(escrow_id)
    payer = actor_as(escrow, caller, Role.PAYER)
    key = f"{payer}/{word.idempotency_key}"
    fingerprint = _fingerprint("release", str(word.amount_minor))

    def let_go(current: Escrow) -> Escrow | None:
        if known := current.settlement(key):
            _must_be_a_repeat(known, fingerprint)
            return None
        if word.amount_minor not in (None, current.available_minor):
            raise IllegalTransition(current, "amount_differs")
        now = desk.step(payer)
        settlement = _release_of(current, key, fingerprint, payer, now.at)
        return holding.release(current, settlement, now)

    return change(desk.store, escrow, let_go)


def _must_be_a_repeat(known: Settlement, fingerprint: str) -> None:
    if known.fingerprint != fingerprint:
        raise KeyReused(FieldProblem("Idempotency-Key", "reused"))


def _release_of(
    escrow: Escrow, key: str, fingerprint: str, payer: Actor, at: datetime
) -> Settlement:
    return Settlement(
        key=key,
        kind=SettlementKind.RELEASE,
        amount_minor=escrow.available_minor,
        status=SettlementStatus.DONE,
        by=str(payer),
        fingerprint=fingerprint,
        at=at,
    )


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
