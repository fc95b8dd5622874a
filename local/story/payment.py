"""Chapter `payment`: a declined card, a good one, a repeated way back; the goods, and
one release. Every version and transition is expected."""

from __future__ import annotations

from local.story import scenes
from local.story.scenes import AMOUNT, GOOD_CARD, PAID_MINOR
from local.story.telling import (
    Json,
    expect,
    expect_escrow,
    must_be,
    scene,
    tell_timeline,
    transitions,
)
from local.story.world import World

DECLINED_CARD = "4000000000000010"
PAY = ["start_attempt", "store_session", "begin_charge"]
TIMELINE = ["create", *PAY, "decline", *PAY, "capture", "ship", "deliver", "release"]


def play(world: World) -> None:
    scene("The marketplace's backend registers an order")
    escrow_id = scenes.register(world)
    path = f"/api/escrows/{escrow_id}"
    scene("The bank declines the first card: payable again")
    scenes.pay(world, escrow_id, DECLINED_CARD)
    stands(world.read(escrow_id), "created", 5)
    scene("Another card pays: the money is held")
    form = scenes.pay(world, escrow_id, GOOD_CARD)
    stands(world.read(escrow_id), "held", 9, held=PAID_MINOR)
    scene("The browser sends its form once more: nothing changes")
    scenes.come_back(form, f"{world.running.shop_url}/return?escrow={escrow_id}")
    stands(world.read(escrow_id), "held", 9, held=PAID_MINOR)
    scene("The seller ships; he cannot release his own money")
    stands(scenes.ship(world, escrow_id), "held", 10, held=PAID_MINOR)
    world.ask("seller", f"POST {path}/release", {}, 403, "seller-1")
    scene("The buyer has the goods and confirms, twice: released once")
    delivered = world.ask("buyer", f"POST {path}/deliver", {}, 200)
    stands(delivered, "held", 11, held=PAID_MINOR)
    for _ in range(2):
        seen = {"amount": AMOUNT}
        end = world.ask("buyer", f"POST {path}/release", seen, 200, "confirm-1")
        stands(end, "released", 12, released=PAID_MINOR)
    compare(world, world.read(escrow_id))


def stands(escrow: Json, status: str, version: int, **kurus: int) -> None:
    """Status, version, kuruş, and every transition so far."""
    expect_escrow(escrow, status, version=version, **kurus)
    must_be("history", TIMELINE[:version], transitions(escrow))


def compare(world: World, escrow: Json) -> None:
    """The timeline; then PAYNET's books, attempt by attempt, and the item itself."""
    tell_timeline(escrow)
    scene("PAYNET's books and our table")
    references = [attempt["reference_no"] for attempt in escrow["attempts"]]
    for reference, charges in zip(references, (0, 1), strict=True):
        answer = world.paynet(f"GET books/{reference}")
        books = {"taken_minor": charges * PAID_MINOR, "charges": charges}
        expect(books, {name: answer[name].get(reference) for name in books})
    item = world.stored(escrow["escrow_id"])
    print(f"  table      {world.running.table_name}, the item in DynamoDB")
    moved = {"captured": PAID_MINOR, "held": 0, "released": PAID_MINOR}
    wanted = {"status": "released", "version": len(TIMELINE), **moved}
    expect(wanted, {**item, **item["balances"]})
    must_be("history", TIMELINE, transitions(item))
