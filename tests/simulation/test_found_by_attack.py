"""What fresh eyes found in the product, each as a story of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from emanet import policy
from tests.simulation.flows_steps import LOST_BEFORE, PARCEL, Scene, decision, lira
from tests.simulation.world import World
from tests.stage import AMOUNT_MINOR, BUYER, CARRIER, OPERATIONS, SELLER, Answer, Who

PART = 30_000


def act(world: World, escrow_id: str, action: str, who: Who, **body: Any) -> Answer:
    path = f"/api/escrows/{escrow_id}/{action}"
    key = {"Idempotency-Key": f"{action}-by-{who[0]}"}
    return world.call("POST", path, body, who=who, headers=key)


def decided(world: World, escrow_id: str, word: str) -> int:
    return decision(world, Scene(escrow_id=escrow_id), word).status


def sold(world: World, escrow_id: str) -> str:
    """PAYNET's id of the payment."""
    funding = world.escrow(escrow_id).funding
    assert funding is not None
    return funding[1].xact_id


def handed_over(world: World, escrow_id: str) -> None:
    assert act(world, escrow_id, "ship", SELLER, **PARCEL).status == 200
    assert act(world, escrow_id, "deliver", CARRIER).status == 200


def denied(world: World, minor: int | None = None) -> None:
    """What was scheduled is sent, and people at PAYNET deny it, or this sum alone."""
    world.paynet.settings.change({"refunds": "manual"})
    world.run_reconciler()
    for refund in world.paynet.books.refunds():
        if refund.state not in {"approved", "denied"}:
            approve = minor not in {None, refund.amount_minor}
            world.paynet.books.decide_refund(refund.number, approve=approve)
    world.word_of_paynet()
    world.run_reconciler()
    world.later(minutes=3)


def test_what_came_free_after_a_cancel_can_be_cancelled_too(world: World) -> None:
    """It answered 200, and did nothing: the first cancel was done."""
    escrow_id = world.held()
    act(world, escrow_id, "refund", SELLER, amount=lira(PART))
    assert act(world, escrow_id, "cancel", BUYER).status == 200
    world.later(days=1)
    denied(world, PART)
    denied(world, PART)
    [part, cancel] = world.escrow(escrow_id).settlements
    assert (part.status, cancel.status) == ("denied", "done")
    assert act(world, escrow_id, "cancel", BUYER).status == 200
    assert world.escrow(escrow_id).available_minor == 0


def test_cancels_are_bounded_as_other_settlements_are(world: World) -> None:
    """Denied and asked for again, the item grew without end."""
    escrow_id = world.held()
    told = []
    for _ in range(policy.PARTY_SETTLEMENTS_MAX + 1):
        told.append(act(world, escrow_id, "cancel", BUYER).status)
        denied(world)
    assert told == [200] * policy.PARTY_SETTLEMENTS_MAX + [409]


def test_a_capture_that_went_back_while_it_waited_funds_nothing(world: World) -> None:
    """The only way out of the review was to hold money that PAYNET had given back."""
    escrow_id = world.create()
    world.initiate(escrow_id)
    world.later(minutes=1)
    world.come_back(world.initiate(escrow_id, LOST_BEFORE).at_bank())
    reference = world.escrow(escrow_id).attempts[0].reference_no
    late = world.paynet.books.plant(reference, AMOUNT_MINOR)
    world.callback(reference)
    world.run_reconciler()
    world.paynet.books.reverse(late.xact_id)
    world.callback(reference, amount="again")
    world.rest(timedelta(minutes=40))
    assert world.escrow(escrow_id).status == "review"
    path = f"/api/escrows/{escrow_id}"
    offered = world.call("GET", path, who=OPERATIONS).body["allowed_actions"]
    assert "fund_waiting" not in offered
    assert decided(world, escrow_id, "reopen_unpaid") == 200
    assert world.escrow(escrow_id).status == "created"


def test_a_denied_refund_explains_no_reversal(world: World) -> None:
    """The clock released money that PAYNET had given back during a dispute."""
    escrow_id = world.held()
    world.later(days=1)
    act(world, escrow_id, "refund", SELLER, amount=lira(1_000))
    denied(world)
    handed_over(world, escrow_id)
    assert decided(world, escrow_id, "acknowledge") == 200
    act(world, escrow_id, "dispute", BUYER, reason="broken")
    world.paynet.books.reverse(sold(world, escrow_id))
    world.callback(world.escrow(escrow_id).attempts[0].reference_no)
    world.run_reconciler()
    assert decided(world, escrow_id, "reject_dispute") == 200
    world.rest(timedelta(days=10))
    assert world.escrow(escrow_id).status == "held"
    assert act(world, escrow_id, "release", BUYER).status == 409


def test_no_clock_pays_out_what_the_lists_call_gone(world: World) -> None:
    """The rest went back by another hand during a dispute, after a part by ours."""
    escrow_id = world.held()
    world.later(days=1)
    act(world, escrow_id, "refund", SELLER, amount=lira(1_000))
    world.rest(timedelta(minutes=30))
    handed_over(world, escrow_id)
    world.later(days=2)
    act(world, escrow_id, "dispute", BUYER, reason="broken")
    world.paynet.books.reverse(sold(world, escrow_id), AMOUNT_MINOR - 1_000)
    world.later(days=1)
    world.run_compare()
    assert decided(world, escrow_id, "reject_dispute") == 200
    world.rest(timedelta(days=10))
    escrow = world.escrow(escrow_id)
    assert (escrow.status, escrow.balances.released) == ("held", 0)
    assert escrow.queue_reason == "drift"


def test_a_refund_of_midnight_is_known_by_a_clock_that_is_behind(world: World) -> None:
    """PAYNET dated it the day before, and it was proved by nothing."""
    world.paynet.settings.clock_offset_s = -20
    escrow_id = world.held()
    world.later(days=1)
    midnight = world.clock().replace(hour=21, minute=0, second=5, microsecond=0)
    world.later(seconds=(midnight - world.clock()).total_seconds())
    act(world, escrow_id, "refund", SELLER, amount=lira(PART))
    world.run_reconciler()
    world.later(hours=6)
    world.run_reconciler()
    assert world.escrow(escrow_id).balances.refunded == PART
    assert world.run_compare()["found"] == {}


def test_a_part_that_no_list_shows_yet_is_not_the_whole(world: World) -> None:
    """PAYNET called the sale reversed after a part went back by another hand, its list
    came later, and a refund of the whole was taken for done."""
    escrow_id = world.held()
    lagging = {"partial_sets_reversed": True, "reversal_list_delay_s": 3_600}
    world.paynet.settings.change(lagging)
    world.later(days=1)
    world.paynet.books.reverse(sold(world, escrow_id), 1_000)
    act(world, escrow_id, "refund", SELLER)
    world.run_reconciler()
    escrow = world.escrow(escrow_id)
    assert (escrow.status, escrow.balances.refunded) == ("review", 0)


def test_a_second_reversal_by_another_hand_is_shown_too(world: World) -> None:
    """It was reported as queued, and stood in no queue."""
    escrow_id = world.held()
    act(world, escrow_id, "release", BUYER)
    for minor in (1_000, 100_000):
        world.later(days=1)
        world.paynet.books.reverse(sold(world, escrow_id), minor)
        world.later(days=1)
        world.run_compare()
        assert world.escrow(escrow_id).queue_reason == "drift"
        assert decided(world, escrow_id, "acknowledge") == 200
        world.run_compare()
        assert world.escrow(escrow_id).queue_reason is None


def test_a_deadline_that_is_over_is_decided_and_not_resumed(world: World) -> None:
    """Resumed, it was frozen again a minute later, for ever."""
    terms = {"at_ship_by": "review", "ship_within_days": 1}
    escrow_id = world.held(policy=terms)
    world.later(days=1, minutes=1)
    world.run_reconciler()
    assert world.escrow(escrow_id).review_reason == "ship_by_missed"
    refused = decision(world, Scene(escrow_id=escrow_id), "resume")
    assert (refused.status, refused.body["reason"]) == (409, "deadline_over")
