"""Chapters in which people decide: `cancel`, `dispute` and `chargeback`."""

from __future__ import annotations

from datetime import timedelta

from local import clock
from local.story.scenes import PAID_MINOR, act, agree, decide, kurus, paid, ship
from local.story.telling import (
    Json,
    expect,
    expect_escrow,
    expect_way,
    must_be,
    scene,
    settlement_of,
)
from local.story.world import World, moment

RELEASED_MINOR = 80_000
REFUNDED_MINOR = PAID_MINOR - RELEASED_MINOR


def cancel(world: World) -> None:
    world.leave_midnight()
    escrow_id = paid(world)
    scene("The buyer cancels before anything is shipped")
    told = act(world, "buyer", escrow_id, "cancel", {})
    expect_escrow(told, "held", held=PAID_MINOR)
    scene("It costs nothing: the whole goes back on the same day")
    refunded = world.wait_for_status(escrow_id, "refunded")
    expect_way(refunded, "cancel_held", "send_refund", "confirm_refund")
    back = settlement_of(refunded, "refund")
    expect({"status": "done", "amount": kurus(PAID_MINOR)}, back)
    must_be("due", moment(back["at"]), moment(back["due_at"]))
    agree(world, escrow_id, "refunded", refunded=PAID_MINOR)


# ── a dispute ────────────────────────────────────────────────────────────────


def dispute(world: World) -> None:
    escrow_id = paid(world)
    scene("Shipped; what arrives is not what was ordered")
    shipped = ship(world, escrow_id)
    objection = {"reason": "another colour", "evidence": ["photo-1"]}
    disputed = act(world, "buyer", escrow_id, "dispute", objection)
    expect_escrow(disputed, "disputed", held=PAID_MINOR)
    scene("Every clock stands; operations find it in their queue")
    world.move_to(clock.now() + timedelta(days=1))
    [line] = waiting(world, escrow_id, "dispute_open")
    expect({"reason": "dispute_open", "amount": kurus(PAID_MINOR)}, line)
    scene("A decision says of every kuruş where it goes")
    way = f"POST /api/operations/escrows/{escrow_id}/resolve_dispute"
    odd = {"reason": "both a part", "release": kurus(1), "refund": kurus(1)}
    refused = world.ask("operations", way, odd, 409, "story-odd")
    expect({"reason": "legs_do_not_sum"}, refused)
    split(world, escrow_id)
    decided = world.wait_for_status(escrow_id, "split")
    must_have_stood(shipped, disputed, decided)
    legs = "release_scheduled", "send_refund", "confirm_refund"
    expect_way(decided, "ship", "dispute", "resolve_dispute", *legs)
    agree(
        world,
        escrow_id,
        "split",
        released=RELEASED_MINOR,
        refunded=REFUNDED_MINOR,
    )


def waiting(world: World, escrow_id: str, reason: str) -> list[Json]:
    """Its lines of one human queue."""
    way = f"GET /api/operations/queue?reason={reason}&limit=100"
    queue = world.ask("operations", way, {}, 200)
    return [line for line in queue["waiting"] if line["id"] == escrow_id]


def split(world: World, escrow_id: str) -> None:
    legs = {"release": kurus(RELEASED_MINOR), "refund": kurus(REFUNDED_MINOR)}
    told = decide(world, escrow_id, "resolve_dispute", "both a part", **legs)
    due = moment(settlement_of(told, "refund")["due_at"])
    world.move_to(due)


def must_have_stood(shipped: Json, disputed: Json, decided: Json) -> None:
    """What is left of a wait when the dispute ends is what was left when it began."""
    [ended] = decided["disputes"]
    began = moment(disputed["deadlines"]["clocks_stand_since"])
    lost = moment(ended["ended_at"]) - began
    expect({"status": "resolved", "number": 1}, ended)
    for name in ("claim_by", "hold_until"):
        before, after = shipped["deadlines"][name], decided["deadlines"][name]
        if moment(after) - moment(before) < lost:
            must_be(name, f"at least {lost} later than {before}", after)


# ── a chargeback ─────────────────────────────────────────────────────────────


def chargeback(world: World) -> None:
    escrow_id = paid(world)
    shipped = ship(world, escrow_id)
    [xact_id] = [c["xact_id"] for c in world.read(escrow_id, "operations")["captures"]]
    scene("The buyer's bank wants the payment back: everything freezes")
    dispute_at_bank(world, xact_id, on=True)
    frozen = decide(world, escrow_id, "open_chargeback", "letter of the bank")
    expect_escrow(frozen, "review", held=PAID_MINOR, queue_reason="chargeback")
    expect_refused(world, escrow_id)
    scene("Won: back to where it was")
    dispute_at_bank(world, xact_id, on=False)
    thawed = decide(world, escrow_id, "win_chargeback", "proof of delivery accepted")
    expect_escrow(thawed, "held", held=PAID_MINOR, queue_reason=None)
    must_be("tracking", shipped["tracking"], thawed["tracking"])
    scene("The bank asks once more, and this one is lost")
    dispute_at_bank(world, xact_id, on=True)
    decide(world, escrow_id, "open_chargeback", "second letter of the bank")
    lost = decide(world, escrow_id, "lose_chargeback", "the bank decided")
    once, again = ("open_chargeback", "win_chargeback"), "open_chargeback"
    expect_way(lost, "ship", *once, again, "lose_chargeback")
    agree(world, escrow_id, "refunded", charged_back=PAID_MINOR)


def dispute_at_bank(world: World, xact_id: str, *, on: bool) -> None:
    world.paynet("POST chargebacks", {"xact_id": xact_id, "on": on})


def expect_refused(world: World, escrow_id: str) -> None:
    way = f"POST /api/escrows/{escrow_id}/release"
    refused = world.ask("buyer", way, {}, 409, "story-frozen")
    expect({"code": "not_allowed_now"}, refused)
