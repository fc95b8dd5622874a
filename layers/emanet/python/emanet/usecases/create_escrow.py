"""The marketplace's backend registers an order. The id is made from the order, so that
registering twice meets the first registration and never makes a second escrow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from emanet.errors import (
    EscrowNotFound,
    FieldProblem,
    InvalidRequest,
    OrderExists,
    PreviousRoundOpen,
)
from emanet.escrow import CLOSED_UNPAID, Actor, Escrow, Party, Role, escrow_id
from emanet.machine import begin
from emanet.policy import Policy
from emanet.ports import Desk, EscrowStore
from emanet.usecases.access import Caller


@dataclass(frozen=True, slots=True)
class Order:
    """What the backend registers; amounts in kuruş. `fingerprint` tells a repeat from
    another registration of the same order."""

    order_id: str
    amount_minor: int
    payer: Party
    payee: Party
    fingerprint: str
    fee_minor: int = 0
    round: int = 1
    policy: Policy = field(default_factory=Policy)


def create_escrow(
    order: Order, caller: Caller, merchant: str, desk: Desk
) -> tuple[Escrow, bool]:
    """The escrow, and whether it is new.

    Raises OrderExists (same id, other body), PreviousRoundOpen, InvalidRequest.
    """
    if order.round > 1:
        _previous_round_must_have_ended(order, merchant, desk.store)
    opening = desk.step(Actor(Role.BACKEND, caller.sub))
    escrow = begin(_registered(order, merchant, opening.at), opening)
    stored = desk.store.create(escrow)
    if stored.fingerprint != escrow.fingerprint:
        raise OrderExists(stored)
    return stored, stored.history[0].write_id == opening.write_id


def _registered(order: Order, merchant: str, at: datetime) -> Escrow:
    return Escrow(
        id=escrow_id(merchant, order.order_id, order.round),
        order_id=order.order_id,
        round=order.round,
        fingerprint=order.fingerprint,
        amount_minor=order.amount_minor,
        fee_minor=order.fee_minor,
        payer=order.payer,
        payee=order.payee,
        policy=order.policy,
        created_at=at,
    )


def _previous_round_must_have_ended(
    order: Order, merchant: str, store: EscrowStore
) -> None:
    previous = escrow_id(merchant, order.order_id, order.round - 1)
    try:
        before = store.get(previous)
    except EscrowNotFound:
        raise InvalidRequest(FieldProblem("round", "no_previous_round")) from None
    if before.status not in CLOSED_UNPAID:
        raise PreviousRoundOpen(before)
