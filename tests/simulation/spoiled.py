"""Books that are spoiled by hand, past all that the product would check: what the
checker's own tests need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from emanet.dynamodb.items import escrow_item
from emanet.escrow import Escrow, Settlement, SettlementKind, SettlementStatus
from tests.simulation.checker import Finding, Harm
from tests.simulation.planted_stories import ask, days_go_by, lira
from tests.simulation.world import World
from tests.stage import SELLER

Spoil = Callable[[Escrow], Escrow]


def write(world: World, escrow: Escrow, without: str = "") -> None:
    """Into the table; the item lacks this attribute."""
    item = escrow_item(escrow)
    item.pop(without, None)
    world.dynamodb.put_item(TableName=world.environment["TABLE_NAME"], Item=item)


def harms(found: list[Finding]) -> dict[Harm, list[str]]:
    told: dict[Harm, list[str]] = {}
    for finding in found:
        told.setdefault(finding.harm, []).append(finding.what)
    return told


def part_refunded(world: World) -> str:
    """Held; a part of it went back on the day after."""
    escrow_id = world.held()
    ask(world, escrow_id, "refund", SELLER, amount=lira(30_000))
    days_go_by(world, 1)
    assert world.escrow(escrow_id).balances.refunded == 30_000
    return escrow_id


def with_refund(key: str, minor: int, status: str = "scheduled") -> Spoil:
    def add(escrow: Escrow) -> Escrow:
        order = refund(escrow, key, minor, status)
        return replace(escrow, settlements=(*escrow.settlements, order))

    return add


def refund(
    escrow: Escrow, key: str, minor: int, status: str = "scheduled"
) -> Settlement:
    """Due a day after the escrow was created."""
    return Settlement(
        key=key,
        kind=SettlementKind.REFUND,
        amount_minor=minor,
        status=SettlementStatus(status),
        by="operations:ops-1",
        fingerprint="",
        at=escrow.created_at,
        due_at=escrow.created_at + timedelta(days=1),
    )
