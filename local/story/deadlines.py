"""Chapters in which a clock decides: `auto-release`, `missed-ship-by` and
`scheduled-refund`."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from local.clock import ISTANBUL
from local.story.scenes import PAID_MINOR, act, agree, kurus, paid, ship
from local.story.telling import (
    entry_of,
    expect,
    expect_escrow,
    expect_way,
    must_be,
    scene,
    settlement_of,
    transitions,
)
from local.story.world import World, moment

GIVEN_UP_MINOR = 30_000
SENT = ("send_refund", "confirm_refund")
A_DAY = timedelta(days=1)


def auto_release(world: World) -> None:
    escrow_id = paid(world)
    scene("Shipped and delivered: the buyer has three days to inspect")
    ship(world, escrow_id)
    delivered = act(world, "buyer", escrow_id, "deliver", {})
    expect({"what": "auto_release"}, delivered["next"])
    ends = moment(delivered["deadlines"]["inspection_by"])
    must_be("inspection", timedelta(days=3), ends - moment(delivered["delivered_at"]))
    scene("A day before its end somebody is reminded")
    world.move_to(ends - A_DAY)
    world.wait(escrow_id, "remind", lambda it: "remind" in transitions(it))
    scene("Nobody says anything: the clock releases")
    world.move_to(ends)
    released = world.wait_for_status(escrow_id, "released")
    by_itself = {"by": "clock", "why": "auto-release"}
    expect(by_itself, entry_of(released, "release"))
    expect_way(released, "ship", "deliver", "release")
    agree(world, escrow_id, "released", released=PAID_MINOR)


def missed_ship_by(world: World) -> None:
    escrow_id = paid(world)
    scene("The seller does not ship within the seven days that he has")
    waiting = world.read(escrow_id, "seller")
    expect({"what": "refund_unshipped"}, waiting["next"])
    world.move_to(moment(waiting["deadlines"]["ship_by"]))
    scene("The whole refund is scheduled, sent to PAYNET, and proved")
    refunded = world.wait_for_status(escrow_id, "refunded")
    expect_way(refunded, "schedule_refund", *SENT)
    expect({"by": "clock", "status": "done"}, settlement_of(refunded, "refund"))
    agree(world, escrow_id, "refunded", refunded=PAID_MINOR)


def scheduled_refund(world: World) -> None:
    world.leave_midnight()
    escrow_id = paid(world)
    scene("The seller gives up a part: PAYNET takes no part back on the day of payment")
    part = {"amount": kurus(GIVEN_UP_MINOR)}
    told = act(world, "seller", escrow_id, "refund", part)
    due = moment(settlement_of(told, "refund")["due_at"])
    must_be("due", half_past_midnight(moment(told["held_at"])), due)
    expect_escrow(told, "held", held=PAID_MINOR)
    expect({"what": "settle"}, told["next"])
    scene("The day after, at half past midnight in Istanbul, it is sent and proved")
    world.move_to(due)
    rest = PAID_MINOR - GIVEN_UP_MINOR
    world.wait(escrow_id, "refunded", lambda it: it["refunded"]["amount"] > 0)
    expect_escrow(world.read(escrow_id), "held", held=rest, refunded=GIVEN_UP_MINOR)
    scene("The rest takes the usual way")
    ship(world, escrow_id)
    act(world, "buyer", escrow_id, "deliver", {})
    split = act(world, "buyer", escrow_id, "release", {"amount": kurus(rest)})
    expect_way(split, "schedule_refund", *SENT, "ship", "deliver", "release")
    agree(world, escrow_id, "split", released=rest, refunded=GIVEN_UP_MINOR)


def half_past_midnight(held_at: datetime) -> datetime:
    """In Istanbul, on the day after."""
    tomorrow = held_at.astimezone(ISTANBUL).date() + A_DAY
    return datetime.combine(tomorrow, time(0, 30, tzinfo=ISTANBUL))
