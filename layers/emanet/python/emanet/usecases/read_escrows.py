"""Parties and operations look at escrows. Reading changes nothing."""

from __future__ import annotations

from emanet.errors import EscrowNotFound
from emanet.escrow import Escrow, Role
from emanet.ports import EscrowStore
from emanet.usecases.access import Caller, actors

LISTED_MAX = 50
READERS = {Role.PAYER, Role.PAYEE, Role.OPERATIONS}


def read_escrow(escrow_id: str, caller: Caller, store: EscrowStore) -> Escrow:
    """Raises EscrowNotFound, also for an escrow of others."""
    escrow = store.get(escrow_id)
    if not READERS & {actor.role for actor in actors(escrow, caller)}:
        raise EscrowNotFound(escrow_id)
    return escrow


def list_escrows(role: Role, caller: Caller, store: EscrowStore) -> list[Escrow]:
    """The caller's newest escrows as payer or as payee."""
    if role is Role.PAYEE:
        return store.list_for_payee(caller.sub, LISTED_MAX)
    return store.list_for_payer(caller.sub, LISTED_MAX)
