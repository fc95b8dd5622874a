"""Who the caller is to an escrow. The object check comes first: what is not yours is
not there, so another's escrow and a nonexistent one are the same answer."""

from __future__ import annotations

from dataclasses import dataclass

from emanet.errors import EscrowNotFound, NotYourAction
from emanet.escrow import Actor, Escrow, Role


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified token: its subject and its scopes."""

    sub: str
    scopes: frozenset[str]


def actors(escrow: Escrow, caller: Caller) -> tuple[Actor, ...]:
    """Every role of the caller here. A party is never also operations, carrier or
    backend, so that nobody decides his own case."""
    parties = {Role.PAYER: escrow.payer.id, Role.PAYEE: escrow.payee.id}
    own = tuple(Actor(role, id_) for role, id_ in parties.items() if id_ == caller.sub)
    if own:
        return own
    by_scope = {
        "operations": Role.OPERATIONS,
        "delivery:confirm": Role.CARRIER,
        "escrow:create": Role.BACKEND,
    }
    return tuple(
        Actor(role, caller.sub)
        for scope, role in by_scope.items()
        if scope in caller.scopes
    )


def actor_as(escrow: Escrow, caller: Caller, *roles: Role) -> Actor:
    """The caller in one of these roles. Raises EscrowNotFound, NotYourAction."""
    mine = actors(escrow, caller)
    if not mine:
        raise EscrowNotFound(escrow.id)
    for actor in mine:
        if actor.role in roles:
            return actor
    raise NotYourAction(escrow.id)
