"""The short stories in which planted bugs show: a few steps through the real handlers,
with what goes wrong in between. On the right product each ends well."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from emanet.paynet import messages
from tests.simulation.books_in_process import READ_TIMEOUT_S
from tests.simulation.effects import Effect, Fault
from tests.simulation.world import Unanswered, World
from tests.stage import BUYER, CARRIER, OPERATIONS, SELLER, Answer, Who

LOST_AFTER = "4000000000000051"
LOST_BEFORE = "4000000000000069"
ONE_LIRA_MORE = "4000000000000127"
REFUND = messages.REVERSED_REQUEST
PART_MINOR = 30_000
PARCEL = {"carrier": "Kargo", "tracking_number": "TR-1"}


def ask(world: World, escrow_id: str, verb: str, who: Who, **body: Any) -> Answer:
    """Under a key that is the same for the same wish."""
    key = {"Idempotency-Key": f"{verb}-1"}
    path = f"/api/escrows/{escrow_id}/{verb}"
    return world.call("POST", path, body or None, who=who, headers=key)


def lira(minor: int) -> dict[str, Any]:
    return {"amount": minor, "currency": "TRY"}


def days_go_by(world: World, days: int) -> None:
    """And whatever is due in them is done."""
    end = world.clock() + timedelta(days=days)
    world.rest(timedelta(days=days))
    left = end - world.clock()
    world.later(seconds=max(left.total_seconds(), 0))


def just_before(world: World, name: str, act: Callable[[], object]) -> None:
    """The next time that somebody does this, somebody else does that first."""
    usual = world.outside.pause

    def pause(effect: Effect) -> None:
        usual(effect)
        if effect.name == name:
            world.outside.pause = usual
            act()

    world.outside.pause = pause


def while_somebody_waits(world: World, act: Callable[[], object]) -> None:
    """For an answer of DynamoDB, in vain: the next one."""
    usual = world.clock.move

    def move(**by: float) -> None:
        usual(**by)
        if by == {"seconds": READ_TIMEOUT_S}:
            world.variables.setattr(world.clock, "move", usual)
            act()

    world.variables.setattr(world.clock, "move", move)


def strike(world: World, name: str, fault: Fault, after: str = "") -> None:
    """This goes wrong with the next effect of that name; `after` one of another."""
    is_near, is_over = not after, False

    def choose(effect: Effect) -> Fault | None:
        nonlocal is_near, is_over
        if is_near and not is_over and effect.name == name:
            is_over = True
            return fault
        is_near = is_near or effect.name == after
        return None

    world.outside.choose = choose


def shipped_and_delivered_at_once(world: World) -> None:
    escrow_id = world.held()

    def ship() -> None:
        ask(world, escrow_id, "ship", SELLER, **PARCEL)

    just_before(world, "PutItem", ship)
    ask(world, escrow_id, "deliver", CARRIER)


def registered_twice(world: World) -> None:
    world.held(order_id="order-1")
    world.create(order_id="order-1")


def cancelled_while_charging(world: World) -> None:
    escrow_id = world.create()
    world.pay(escrow_id, LOST_AFTER)
    ask(world, escrow_id, "cancel", BUYER)


def nobody_answers_a_charge(world: World) -> None:
    world.pay(world.create(), LOST_AFTER)


def a_charge_never_arrives(world: World) -> None:
    world.pay(world.create(), LOST_BEFORE)


def killed_before_the_first_write(world: World) -> None:
    form = world.initiate(world.create()).at_bank()
    strike(world, "PutItem", Fault.KILLED_BEFORE)
    with suppress(Unanswered):
        world.come_back(form)


def the_browser_posts_twice(world: World) -> None:
    form = world.initiate(world.create()).at_bank()
    just_before(world, messages.TDS_CHARGE, lambda: world.come_back(form))
    world.come_back(form)


def code_17(world: World) -> None:
    fields = {"code": 17, "is_succeed": False}
    path = messages.TDS_CHARGE
    world.paynet.faults.add("rewrite", path, fields=fields, times=None)
    world.pay(world.create())


def somebody_says_it_is_paid(world: World) -> None:
    world.callback(world.initiate(world.create()).reference_no)


def a_callback_of_nobody(world: World) -> None:
    world.callback(f"{'a' * 26}-1-abcdef")


def taken_back_at_once(world: World) -> None:
    """By the bank, before we heard of the payment."""
    started = world.pay(world.create(), LOST_AFTER)
    sale = world.paynet.books.find(reference_no=started.reference_no)[0]
    world.paynet.books.reverse(sale.xact_id)


def more_was_taken(world: World) -> None:
    world.pay(world.create(), ONE_LIRA_MORE)


def paid_after_the_cancel(world: World) -> None:
    escrow_id = world.create()
    started = world.initiate(escrow_id)
    ask(world, escrow_id, "cancel", BUYER)
    world.paynet.books.plant(started.reference_no, 130_000)
    world.callback(started.reference_no)


def paid_after_the_cancel_and_kept(world: World) -> None:
    world.paynet.settings.refunds = "deny"
    paid_after_the_cancel(world)
    days_go_by(world, 6)


def a_part_on_the_same_day(world: World) -> str:
    escrow_id = world.held()
    ask(world, escrow_id, "refund", SELLER, amount=lira(PART_MINOR))
    return escrow_id


def a_part_on_the_next_day(world: World) -> None:
    a_part_on_the_same_day(world)
    world.later(days=1)


def a_refund_is_answered_late(world: World) -> None:
    a_part_on_the_next_day(world)
    strike(world, REFUND, Fault.LATE)


def a_refund_shows_nowhere(world: World) -> None:
    world.paynet.settings.reversal_list_delay_s = timedelta(days=10).total_seconds()
    a_refund_is_answered_late(world)


def killed_after_a_refund(world: World) -> None:
    a_part_on_the_next_day(world)
    strike(world, REFUND, Fault.KILLED_AFTER)
    with suppress(Unanswered):
        world.run_reconciler()


def its_acceptance_is_overtaken(world: World) -> None:
    """Written, answered too late, and somebody wrote before it was sent again."""
    escrow_id = a_part_on_the_same_day(world)
    world.later(days=1)
    strike(world, "PutItem", Fault.LATE, after=REFUND)

    def charge_back() -> None:
        path = f"/api/operations/escrows/{escrow_id}/open_chargeback"
        body = {"reason": "listed", "version": world.escrow(escrow_id).version}
        world.call("POST", path, body, who=OPERATIONS)

    while_somebody_waits(world, charge_back)


def its_acceptance_seems_not_written(world: World) -> None:
    a_part_on_the_next_day(world)
    strike(world, "PutItem", Fault.ERROR_AFTER, after=REFUND)


def a_part_is_asked_for_twice(world: World) -> None:
    escrow_id = a_part_on_the_same_day(world)
    ask(world, escrow_id, "refund", SELLER, amount=lira(PART_MINOR))


def two_parts_are_more_than_all(world: World) -> None:
    escrow_id = world.held()
    ask(world, escrow_id, "refund", SELLER, amount=lira(100_000))
    body = {"amount": lira(100_000), "reason": "agreed"}
    ask(world, escrow_id, "refund", OPERATIONS, **body)


def a_part_of_instalments(world: World) -> None:
    escrow_id = world.create()
    world.pay(escrow_id, quote=world.offer(escrow_id, 3)["quote"])
    world.later(days=1)
    ask(world, escrow_id, "refund", SELLER, amount=lira(PART_MINOR))


def disputed_before_a_refund_is_sent(world: World) -> None:
    escrow_id = world.held()
    ask(world, escrow_id, "ship", SELLER, **PARCEL)
    ask(world, escrow_id, "refund", OPERATIONS, reason="agreed")

    def object_to() -> None:
        ask(world, escrow_id, "dispute", BUYER, reason="broken")

    just_before(world, "PutItem", object_to)
    world.run_reconciler()


def disputed_after_delivery(world: World) -> None:
    escrow_id = world.held()
    ask(world, escrow_id, "deliver", BUYER)
    ask(world, escrow_id, "dispute", BUYER, reason="broken")
    days_go_by(world, 4)


def shipped_and_never_delivered(world: World) -> None:
    ask(world, world.held(), "ship", SELLER, **PARCEL)
    days_go_by(world, 4)


def delivered_and_forgotten(world: World) -> None:
    ask(world, world.held(), "deliver", BUYER)
    days_go_by(world, 4)


def the_payee_wants_his_money(world: World) -> None:
    ask(world, world.held(), "release", SELLER)


def a_release_does_not_arrive(world: World) -> None:
    """Of money in PAYNET's own escrow."""
    world.deploy(PAYNET_ESCROW="on")
    ask(world, world.held(), "release", BUYER)
    strike(world, messages.ESCROW_STATUS_UPDATE, Fault.ERROR_BEFORE)
