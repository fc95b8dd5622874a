"""Careless doors: what an authorizer or an object check could forget, each put in the
place of the right one. The battery must see every one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jwt

from emanet.errors import NotYourAction
from emanet.escrow import Actor, Escrow
from emanet.escrow import Role as Known
from emanet.usecases import access
from emanet.usecases.access import Caller
from local.api_gateway.authorizer import JwtAuthorizer

_decode: Callable[..., Any] = jwt.decode
_admit, _actors = JwtAuthorizer.admit, access.actors

Hole = tuple[str, Callable[..., Any]]
"""What is replaced, by its name, and the careless thing itself."""


def _reads_unverified(token: str, *_: Any, **__: Any) -> Any:
    return _decode(token, options={"verify_signature": False})


def _without(option: str) -> Callable[..., Any]:
    """A verifier that forgets one thing."""

    def decode(token: str, key: Any, *, options: Any, **how: Any) -> Any:
        return _decode(token, key, options={**options, option: False}, **how)

    return decode


def _asks_for_no_scope(self: JwtAuthorizer, header: str | None, _: Any) -> Any:
    return _admit(self, header, ())


def _all_are_payees(_: Escrow, caller: Caller) -> tuple[Actor, ...]:
    return (Actor(Known.PAYEE, caller.sub),)


def _staff_may_be_a_party(escrow: Escrow, caller: Caller) -> tuple[Actor, ...]:
    own = _actors(escrow, caller)
    is_staff = "operations" in caller.scopes
    return (*own, Actor(Known.OPERATIONS, caller.sub)) if is_staff else own


def _tells_that_it_is_there(escrow: Escrow, caller: Caller) -> tuple[Actor, ...]:
    if known := _actors(escrow, caller):
        return known
    raise NotYourAction(escrow.id)


DECODE = "local.api_gateway.authorizer.jwt.decode"
ACTORS = "emanet.usecases.access.actors"
AUTHORIZER = "local.api_gateway.authorizer.JwtAuthorizer"

HOLES: Mapping[str, Hole] = {
    "no signature is verified": (DECODE, _reads_unverified),
    "an end may have passed": (DECODE, _without("verify_exp")),
    "a beginning may come": (DECODE, _without("verify_nbf")),
    "the moment of issue may come": (DECODE, _without("verify_iat")),
    "any issuer": (DECODE, _without("verify_iss")),
    "any audience": (f"{AUTHORIZER}._check_audience", lambda *_: None),
    "no scope is asked for": (f"{AUTHORIZER}.admit", _asks_for_no_scope),
    "all are payees": (ACTORS, _all_are_payees),
    "staff may be a party": (ACTORS, _staff_may_be_a_party),
    "a stranger is told that it is there": (ACTORS, _tells_that_it_is_there),
}
