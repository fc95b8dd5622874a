"""How money goes out: shipped, delivered, released, refunded, disputed, charged back,
in our books alone or out of PAYNET's own escrow, and what people decide where nothing
is proved."""

from __future__ import annotations

from datetime import timedelta

from emanet.istanbul import ISTANBUL
from tests.simulation.flows_steps import (
    DELIVER,
    DELIVERED,
    DISPUTE,
    DISPUTED,
    HELD_ONCE,
    PART,
    REST,
    SHIP,
    SHIPPED,
    WHOLE,
    Flow,
    Happening,
    Scene,
    Step,
    after,
    ask,
    come_back,
    create,
    decide,
    decided,
    ends,
    frozen,
    frozen_or,
    funding_id,
    healed,
    held,
    initiate,
    legs,
    lira,
    nothing,
    run,
    say_what_became_of_it,
    spoiled,
    switched,
    together,
    withdraw_settlement,
    word,
)
from tests.simulation.world import World
from tests.stage import CARRIER, OPERATIONS, SELLER

UPDATE = "/v1/transaction/escrow_status_update"
REQUEST = "/v1/transaction/reversed_request"
REVERSALS = "/v1/transaction/reversal_list"
RELEASED = ends("released", released=WHOLE, held=0, refunded=0)
REFUNDED = ends("refunded", refunded=WHOLE, held=0, released=0)
# A deadline that leads to review is over still, and leads there again.
SPLIT = ends("split", released=REST, refunded=PART, held=0)
SEND, PROVE = run(seconds=1), run(seconds=21)


def half_past_midnight(world: World, _scene: Scene) -> None:
    """The day after, when PAYNET takes a part back."""
    now = world.clock().astimezone(ISTANBUL)
    midnight = now.replace(hour=0, minute=30, second=1, microsecond=0)
    wait = midnight + timedelta(days=1) - now
    world.later(seconds=wait.total_seconds())


def tomorrow(world: World, _scene: Scene) -> None:
    world.later(days=1)


def escrowed(world: World) -> Scene:
    """PAYNET's own escrow holds the money of new payments."""
    world.deploy(PAYNET_ESCROW="on")
    return Scene()


def given_back_by_hand(part: int | None = None) -> Step:
    """Somebody gives money back in PAYNET's panel."""

    def happen(world: World, scene: Scene) -> None:
        world.paynet.books.reverse(funding_id(world, scene), part)

    return Step("given back in the panel", nothing, happen)


def happens(name: str, *what: Happening) -> Step:
    """Something that is nobody's request."""
    return Step(name, nothing, together(*what))


def as_paynet_released(world: World, scene: Scene) -> None:
    """No list tells of a release: operations looked, and our books follow."""
    xact_id = funding_id(world, scene)
    released = world.escrow(scene.escrow_id).balances.released
    assert released == WHOLE * world.paynet.books.releases(xact_id)


AGREED = {"reason": "agreed"}
RELEASE = ask("release")
RELEASE_PART = ask("release", amount=lira(PART))
REFUND = ask("refund", SELLER)
REFUND_PART = ask("refund", SELLER, amount=lira(PART))
REFUND_BY_STAFF = ask("refund", OPERATIONS, **AGREED)
IN_ESCROW = after(escrowed, create(), initiate(), come_back())
PART_RELEASED = after(held(), RELEASE_PART)
PART_REFUNDED = after(held(), REFUND_PART, run(half_past_midnight), PROVE)
REFUND_ASKED = after(held(), REFUND)
WAITING_FOR_PAYNET = after(
    REFUND_ASKED, happens("by hand", switched(refunds="manual")), SEND
)
IN_REVIEW = after(
    REFUND_ASKED,
    run(spoiled("close", REQUEST, when="before"), seconds=1),
    run(hours=25),
    say_what_became_of_it(),
)

RELEASES = (
    Flow("release", SHIPPED, (DELIVER, RELEASE), RELEASED),
    Flow(
        "release by operations",
        SHIPPED,
        (ask("deliver", CARRIER), ask("release", OPERATIONS, **AGREED)),
        RELEASED,
    ),
    Flow("release in parts", held(), (SHIP, RELEASE_PART, RELEASE), RELEASED),
    Flow("release what is left", PART_REFUNDED, (RELEASE,), SPLIT),
    Flow("auto-release", DELIVERED, (run(days=2), run(days=1)), RELEASED),
    Flow(
        "nobody confirms the parcel",
        SHIPPED,
        (run(days=6), run(days=1), decide("acknowledge")),
        HELD_ONCE,
    ),
    Flow(
        "a deadline leads to review",
        after(held(policy={"at_ship_by": "review"}), run(days=6)),
        (run(days=1), decide("settle_review", **legs(REST, PART)), SEND, SEND, PROVE),
        SPLIT,
    ),
)

OWN_ESCROW = (
    Flow("PAYNET's escrow pays out", IN_ESCROW, (RELEASE, SEND), RELEASED),
    Flow(
        "PAYNET's escrow refuses",
        after(
            IN_ESCROW,
            happens("needs a dealer", switched(escrow_needs_dealer=True)),
            RELEASE,
        ),
        (SEND, decide("acknowledge")),
        HELD_ONCE,
    ),
    Flow(
        "PAYNET's escrow pays out, and its answer is lost",
        after(IN_ESCROW, RELEASE),
        (
            run(spoiled("close", UPDATE, when="after"), seconds=1),
            say_what_became_of_it(),
        ),
        as_paynet_released,
    ),
    Flow(
        "a refund out of PAYNET's escrow is done by hand",
        IN_ESCROW,
        (
            REFUND_BY_STAFF,
            SEND,
            say_what_became_of_it(
                lambda world, scene: world.paynet.books.reverse(
                    funding_id(world, scene)
                )
            ),
        ),
        REFUNDED,
    ),
)

REFUNDS = (
    Flow("refund", held(), (REFUND, SEND, PROVE), REFUNDED),
    Flow("cancel paid", held(), (ask("cancel"), SEND, PROVE), REFUNDED),
    Flow(
        "a part goes back the day after",
        held(),
        (REFUND_PART, run(half_past_midnight), PROVE, RELEASE),
        SPLIT,
    ),
    Flow(
        "refund what is left",
        after(PART_RELEASED, happens("the day after", tomorrow)),
        (REFUND, SEND, PROVE),
        ends("split", released=PART, refunded=REST),
    ),
    Flow("nobody ships", held(), (run(days=6), run(days=1), SEND, PROVE), REFUNDED),
    Flow(
        "PAYNET says itself that it gave back",
        WAITING_FOR_PAYNET,
        (word(decided(approve=True)), run()),
        REFUNDED,
    ),
    Flow(
        "PAYNET refuses to give back",
        WAITING_FOR_PAYNET,
        (word(decided(approve=False)), run(), decide("acknowledge")),
        HELD_ONCE,
    ),
    Flow(
        "PAYNET still sees the day of the payment, twice",
        after(
            held(),
            REFUND_PART,
            run(
                together(
                    half_past_midnight,
                    spoiled("rewrite", REQUEST, fields={"code": 6}, times=2),
                    switched(refunds="never"),
                )
            ),
        ),
        (run(half_past_midnight), decide("resume")),
        HELD_ONCE,
    ),
    Flow(
        "PAYNET never answered a refund that it did not make",
        REFUND_ASKED,
        (
            run(spoiled("close", REQUEST, when="before"), seconds=1),
            run(hours=25),
            say_what_became_of_it(),
            decide("resume"),
        ),
        HELD_ONCE,
    ),
    Flow(
        "PAYNET decides long after",
        after(WAITING_FOR_PAYNET, run(days=6)),
        (word(decided(approve=True)), run(), say_what_became_of_it()),
        REFUNDED,
    ),
    Flow(
        "PAYNET decides about a part long after",
        after(
            held(),
            REFUND_PART,
            happens("by hand", switched(refunds="manual")),
            run(half_past_midnight),
            run(days=6),
        ),
        (say_what_became_of_it(decided(approve=True)), decide("resume")),
        ends("held", refunded=PART, held=REST),
    ),
    Flow(
        "PAYNET decides about the rest long after",
        after(
            PART_RELEASED,
            happens("the day after", tomorrow, switched(refunds="manual")),
            REFUND,
            SEND,
            run(days=6),
        ),
        (say_what_became_of_it(decided(approve=True)),),
        ends("split", released=PART, refunded=REST),
    ),
    Flow(
        "found given back before it was sent",
        after(REFUND_ASKED, given_back_by_hand()),
        (SEND,),
        frozen_or(REFUNDED),
    ),
    Flow(
        "a part given back in the panel",
        after(
            REFUND_ASKED, happens("the day after", tomorrow), given_back_by_hand(PART)
        ),
        (SEND, say_what_became_of_it()),
        frozen,
    ),
    Flow(
        "operations take a refund back",
        after(held(), REFUND_PART),
        (withdraw_settlement(),),
        HELD_ONCE,
    ),
    Flow(
        "what PAYNET lists cannot be read",
        after(
            REFUND_ASKED,
            happens("broken", spoiled("html", REVERSALS, times=None)),
            *(run(hours=7) for _ in range(7)),
        ),
        (run(hours=7), withdraw_settlement(), decide("resume", healed)),
        HELD_ONCE,
    ),
)

DISPUTES = (
    Flow(
        "a dispute is withdrawn",
        SHIPPED,
        (DISPUTE, ask("withdraw_dispute")),
        HELD_ONCE,
    ),
    Flow(
        "a dispute is rejected, and a refund goes on",
        after(SHIPPED, REFUND_PART, DISPUTE, run(days=3)),
        (decide("reject_dispute"), SEND, PROVE),
        ends("held", held=REST, refunded=PART),
    ),
    Flow(
        "a dispute is overdue, and split",
        DISPUTED,
        (run(days=3), decide("resolve_dispute", **legs(REST, PART)), SEND, SEND, PROVE),
        SPLIT,
    ),
    Flow(
        "a dispute is resolved by a release",
        DISPUTED,
        (decide("resolve_dispute", **legs(WHOLE, 0)), SEND),
        RELEASED,
    ),
    Flow(
        "a dispute about what is left is resolved by a release",
        after(PART_REFUNDED, SHIP, DISPUTE),
        (decide("resolve_dispute", **legs(REST, 0)), SEND),
        SPLIT,
    ),
    Flow(
        "operations take back what a dispute suspended",
        after(SHIPPED, REFUND_PART, DISPUTE),
        (withdraw_settlement(), decide("reject_dispute")),
        HELD_ONCE,
    ),
)

CHARGEBACKS = (
    Flow(
        "a chargeback is won",
        after(held(), REFUND_PART),
        (decide("open_chargeback"), decide("win_chargeback")),
        ends("held", captured=WHOLE),
    ),
    Flow(
        "a chargeback of a dispute is won",
        DISPUTED,
        (decide("open_chargeback"), decide("win_chargeback")),
        ends("disputed", held=WHOLE),
    ),
    Flow(
        "a chargeback is lost",
        held(),
        (decide("open_chargeback"), decide("lose_chargeback")),
        ends("refunded", charged_back=WHOLE),
    ),
    Flow(
        "a chargeback of what is left is lost",
        PART_RELEASED,
        (decide("open_chargeback"), decide("lose_chargeback")),
        ends("split", released=PART, charged_back=REST),
    ),
    Flow(
        "a chargeback is lost while a refund is under way",
        WAITING_FOR_PAYNET,
        (
            decide("open_chargeback"),
            decide("lose_chargeback"),
            word(decided(approve=True)),
            run(),
        ),
        REFUNDED,
    ),
    Flow(
        "a chargeback is lost while a part is under way",
        after(
            held(),
            REFUND_PART,
            happens("by hand", switched(refunds="manual")),
            run(half_past_midnight),
            decide("open_chargeback"),
            decide("lose_chargeback"),
        ),
        (word(decided(approve=True)), run(), run(seconds=1)),
        ends("refunded", refunded=PART, charged_back=REST),
    ),
    Flow(
        "a chargeback is won while a refund is under way",
        after(WAITING_FOR_PAYNET, decide("open_chargeback")),
        (decide("win_chargeback"), word(decided(approve=False)), run()),
        HELD_ONCE,
    ),
    Flow(
        "a chargeback is open when a refund is refused",
        after(WAITING_FOR_PAYNET, decide("open_chargeback")),
        (word(decided(approve=False)), run(), decide("win_chargeback")),
        HELD_ONCE,
    ),
    Flow(
        "a chargeback of what was released is lost",
        after(held(), RELEASE),
        (decide("open_chargeback"), decide("lose_chargeback")),
        RELEASED,
    ),
    Flow(
        "a chargeback is won in a review",
        after(IN_REVIEW, decide("open_chargeback")),
        (decide("win_chargeback"), decide("resume")),
        HELD_ONCE,
    ),
    Flow(
        "chargebacks of what is closed are won",
        after(held(), RELEASE, decide("open_chargeback")),
        (decide("win_chargeback"),),
        RELEASED,
    ),
)
