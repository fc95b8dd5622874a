"""The goods move: shipped by the payee, delivered by whoever saw it. Where the payer
objects, everything stands still. The payee starts no clock that pays him."""

from __future__ import annotations

from dataclasses import dataclass

from emanet import disputes, holding
from emanet.escrow import Escrow, Role, Shipment
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
class Objection:
    """Why the payer objects, and where the marketplace keeps what shows it."""

    reason: str
    evidence: tuple[str, ...] = ()


def dispute(escrow_id: str, objection: Objection, caller: Caller, desk: Desk) -> Escrow:
    """Idempotent while the same objection is open. Raises EscrowNotFound,
    NotYourAction, IllegalTransition."""
    escrow = desk.store.get(escrow_id)
    payer = actor_as(escrow, caller, Role.PAYER)

    def object_to(current: Escrow) -> Escrow | None:
        known = current.dispute
        if known and objection == Objection(known.reason, known.evidence):
            return None
        now = desk.step(payer)
        return disputes.open_(current, objection.reason, objection.evidence, now)

    return change(desk.store, escrow, object_to)


def withdraw_dispute(escrow_id: str, caller: Caller, desk: Desk) -> Escrow:
    """The payer gives his objection up. Raises EscrowNotFound, NotYourAction,
    IllegalTransition."""
    escrow = desk.store.get(escrow_id)
    payer = actor_as(escrow, caller, Role.PAYER)
    return change(
        desk.store,
        escrow,
        lambda current: disputes.withdraw(current, "", desk.step(payer)),
    )
