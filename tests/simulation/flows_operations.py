"""What is looked at, what operations compare and repair, and callbacks that are of
nobody."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.flows_everywhere import apply_plan, plan
from tests.simulation.flows_money_out import happens
from tests.simulation.flows_steps import (
    BANK_REFUSES,
    HELD_ONCE,
    WHOLE,
    Flow,
    Scene,
    Step,
    after,
    compare,
    created,
    decide,
    ends,
    funding_id,
    get,
    held,
    reference,
    returned,
    run,
)
from tests.simulation.world import World
from tests.stage import BUYER, GOOD_CARD, OPERATIONS, SELLER, Answer

NOBODY = "aaaaaaaaaaaaaaaaaaaaaaaaaa-1-aaaaaa"


def told_of_nobody(world: World, _scene: Scene) -> None:
    assert world.callback(NOBODY).status == 200


def answer_callback(how: str) -> Step:
    """Operations answer about the one callback that waits for them."""

    def act(world: World, _: Scene) -> Answer | None:
        item = next((it for it in world.inbox() if "queue_reason" in it), None)
        if item is None:
            return None
        path = f"/api/operations/inbox/{item['id']['S']}/{how}"
        return world.call("POST", path, {}, who=OPERATIONS)

    return Step(f"{how} a callback", act)


def paid_after_all(world: World, scene: Scene) -> None:
    world.paynet.books.plant(reference(world, scene, 1), WHOLE)


def another_fee(world: World, scene: Scene) -> None:
    world.paynet.books.alter(funding_id(world, scene), commission_minor=4_000)


def charged_back(world: World, scene: Scene) -> None:
    world.paynet.books.charge_back(funding_id(world, scene))


def is_(status: str) -> Callable[[World, Scene], bool]:
    """It came to that."""
    return lambda world, scene: world.escrow(scene.escrow_id).status == status


def no_callback_waits(world: World, _scene: Scene) -> None:
    """For nobody: it was answered, or stands in the queue again."""
    for item in world.inbox():
        assert "due_at" not in item


QUEUED = after(
    held(), happens("told", told_of_nobody), *(run(hours=6) for _ in range(14))
)

READS = (
    Flow(
        "reads",
        held(),
        (
            get("/api/escrows/{escrow}", BUYER),
            get("/api/escrows/{escrow}", SELLER),
            get("/api/escrows?as=payer", BUYER),
            get("/api/escrows?as=payee", SELLER),
            get("/api/escrows/{escrow}/statement", SELLER),
            get("/api/statement", SELLER),
            get("/api/statement?format=csv", SELLER),
            get("/api/operations/queue", OPERATIONS),
            get("/api/cards", BUYER),
        ),
        HELD_ONCE,
    ),
    Flow(
        "instalments are looked at",
        created(),
        (get(f"/api/instalments?escrow={{escrow}}&bin={GOOD_CARD[:6]}"),),
        ends("created", captured=0),
    ),
)

COMPARISONS = (
    Flow(
        "a capture is found by the comparison",
        after(returned(BANK_REFUSES), happens("paid after all", paid_after_all)),
        (compare(is_("held"), days=1),),
        HELD_ONCE,
    ),
    Flow(
        "another fee, compared by operations",
        after(held(), happens("another fee", another_fee)),
        (plan(), apply_plan()),
        HELD_ONCE,
    ),
    Flow(
        "a chargeback is found by the comparison",
        after(held(), happens("charged back", charged_back)),
        (compare(is_("review"), days=1), decide("lose_chargeback")),
        ends("refunded", charged_back=WHOLE),
    ),
)

INBOX = (
    Flow(
        "a callback of nobody is heard once more",
        QUEUED,
        (answer_callback("replay"), run(seconds=1)),
        no_callback_waits,
    ),
    Flow(
        "a callback of nobody is closed",
        QUEUED,
        (answer_callback("close"),),
        no_callback_waits,
    ),
)
