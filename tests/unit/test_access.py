"""Who a caller is to an escrow: what is not yours is not there."""

from __future__ import annotations

import pytest

from emanet.errors import EscrowNotFound, NotYourAction
from emanet.escrow import Role
from emanet.usecases.access import Caller, actor_as, actors
from tests.unit import scenes

EVERY_SCOPE = frozenset(
    {"escrow:create", "escrow:read", "escrow:pay", "escrow:ship"}
    | {"delivery:confirm", "operations"}
)
ESCROW = scenes.held()


def roles(sub: str, *scopes: str) -> set[Role]:
    return {actor.role for actor in actors(ESCROW, Caller(sub, frozenset(scopes)))}


@pytest.mark.parametrize(
    ("sub", "role"), [("buyer-1", Role.PAYER), ("seller-1", Role.PAYEE)]
)
def test_a_party_is_known_by_its_subject(sub: str, role: Role) -> None:
    assert roles(sub, "escrow:read") == {role}


@pytest.mark.parametrize(
    ("sub", "role"), [("buyer-1", Role.PAYER), ("seller-1", Role.PAYEE)]
)
def test_a_party_is_never_also_operations_carrier_or_backend(
    sub: str, role: Role
) -> None:
    assert roles(sub, *EVERY_SCOPE) == {role}


def test_staff_and_carriers_are_known_by_their_scope() -> None:
    assert roles("ops-1", "operations") == {Role.OPERATIONS}
    assert roles("van-1", "delivery:confirm") == {Role.CARRIER}
    assert roles("shop-backend", "escrow:create") == {Role.BACKEND}
    assert roles("both", "operations", "delivery:confirm") == {
        Role.OPERATIONS,
        Role.CARRIER,
    }


@pytest.mark.parametrize(
    "sub", ["", "BUYER-1", "buyer-1 ", "buyer", "shop-backend", "ops-1"]
)
def test_a_stranger_is_nobody_and_finds_nothing(sub: str) -> None:
    stranger = Caller(sub, frozenset({"escrow:read", "escrow:pay", "escrow:ship"}))
    assert actors(ESCROW, stranger) == ()
    with pytest.raises(EscrowNotFound):
        actor_as(ESCROW, stranger, *Role)


@pytest.mark.parametrize(
    "scope", ["Operations", "operations:read", "delivery", "escrow:create:all", ""]
)
def test_only_the_whole_scope_counts(scope: str) -> None:
    assert roles("stranger-1", scope) == set()


def test_who_is_known_but_in_another_role_is_told_so() -> None:
    seller = Caller("seller-1", EVERY_SCOPE)
    with pytest.raises(NotYourAction):
        actor_as(ESCROW, seller, Role.PAYER, Role.CARRIER, Role.OPERATIONS)
    assert actor_as(ESCROW, seller, Role.PAYEE).id == "seller-1"
