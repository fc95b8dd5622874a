"""How money comes in: from the order to the held payment, every way on which it is not
paid, and captures that come late or are not what was asked for."""

from __future__ import annotations

from local.paynet_simulator.simulator import PUBLISHABLE_KEY
from tests.simulation.flows_steps import (
    BANK_REFUSES,
    DECLINED,
    HELD_ONCE,
    LOST_AFTER,
    LOST_BEFORE,
    ONE_LIRA_MORE,
    WHOLE,
    Act,
    Begin,
    Flow,
    Happening,
    Scene,
    Step,
    after,
    answer_surplus,
    ask,
    come_back,
    create,
    created,
    decide,
    decided,
    ends,
    frozen,
    funding_id,
    get,
    healed,
    held,
    hopeless,
    initiate,
    initiate_form,
    later,
    nothing,
    nowhere,
    reference,
    refund_what_matched_nothing,
    returned,
    run,
    spoiled,
    started,
    switched,
    taken_late,
    together,
    webhook,
    word,
)
from tests.simulation.world import World
from tests.stage import BACKEND, GOOD_CARD, OPERATIONS, SAVE_CARD, Answer

CHECK = "/v1/transaction/check"
INITIAL = "/v2/transaction/tds_initial"
UNPAID_ONCE = ends("created", captured=0)
ABANDONED = returned(BANK_REFUSES)
LATE = after(ABANDONED, Step("PAYNET took it", nothing, taken_late()))
MISMATCHED = returned(ONE_LIRA_MORE)


def asked_in_vain(begin: Begin, times: int, first: Happening = nothing) -> Begin:
    """PAYNET's answers are no answers, so many times."""
    vain = [run(hours=7) for _ in range(times)]
    broken = together(first, spoiled("html", CHECK, times=None))
    return after(begin, Step("PAYNET is broken", nothing, broken), *vain)


def hosted(world: World) -> Scene:
    world.deploy(PAYMENT_MODE="hosted", PAYNET_PUBLISHABLE_KEY=PUBLISHABLE_KEY)
    return Scene()


def another_order(world: World, scene: Scene) -> None:
    """The same payer buys something else."""
    scene.escrow_id = world.create("order-2")
    scene.bank = scene.form = None


def remembering_card() -> Step:
    """The payer looks at his cards."""

    def act(world: World, scene: Scene) -> Answer:
        told = world.call("GET", "/api/cards")
        cards = told.body.get("cards", []) if told.status == _OK else []
        if cards:
            scene.notes["stored_card"] = cards[0]["card_id"]
        return told

    return Step("list cards", act)


def remembering_quote(count: int) -> Step:
    """The payer asks what instalments cost."""

    def act(world: World, scene: Scene) -> Answer:
        path = f"/api/instalments?escrow={scene.escrow_id}&bin={GOOD_CARD[:6]}"
        told = world.call("GET", path)
        for offer in told.body.get("offers", []):
            if offer["count"] == count:
                scene.notes["quote"] = offer["quote"]
        return told

    return Step("ask what instalments cost", act)


def _deleting() -> Act:
    def act(world: World, scene: Scene) -> Answer | None:
        if "stored_card" not in scene.notes:
            return None
        return world.call("DELETE", f"/api/cards/{scene.notes['stored_card']}")

    return act


_OK = 200


def _reversed(world: World, scene: Scene) -> None:
    """PAYNET gives the payment back by itself."""
    world.paynet.books.reverse(funding_id(world, scene))


def _late_and_reversed(world: World, scene: Scene) -> None:
    row = world.paynet.books.plant(reference(world, scene, 1), WHOLE)
    world.paynet.books.reverse(row.xact_id)


CANCEL = ask("cancel")
UNDECIDED = returned(LOST_BEFORE)
DEAD_END = after(
    UNDECIDED, run(minutes=16)
)  # asked about again an hour and a day after

PAYING = (
    Flow("pay", nowhere, (create(), initiate(), come_back()), HELD_ONCE),
    Flow(
        "pay in PAYNET's own form",
        after(hosted, create()),
        (initiate_form(), initiate_form(), come_back()),
        HELD_ONCE,
    ),
    Flow(
        "pay at the second try",
        started(),
        (initiate(), come_back()),
        HELD_ONCE,
    ),
    Flow(
        "the bank declines",
        after(created(), Step("hopeless", nothing, hopeless)),
        (initiate(DECLINED), come_back()),
        UNPAID_ONCE,
    ),
    Flow(
        "the bank refuses 3-D Secure",
        started(BANK_REFUSES),
        (come_back(hopeless),),
        UNPAID_ONCE,
    ),
    Flow(
        "PAYNET opens no session, and then one",
        created(),
        (
            initiate(
                first=spoiled("status", INITIAL, status=500),
                answers=frozenset({503}),
            ),
            initiate(first=together(healed, later(seconds=31))),
            come_back(),
        ),
        HELD_ONCE,
    ),
    Flow(
        "the payer never comes back",
        started(),
        (run(minutes=31),),
        UNPAID_ONCE,
    ),
    Flow(
        "nobody pays",
        created(policy={"pay_within_hours": 48}),
        (run(hours=24, minutes=1), run(hours=24)),
        ends("expired", captured=0),
    ),
    Flow("cancel unpaid", created(), (CANCEL,), ends("cancelled", captured=0)),
    Flow(
        "cancel at the bank",
        started(),
        (ask("cancel", BACKEND),),
        ends("cancelled", captured=0),
    ),
    Flow(
        "cancel by operations",
        created(),
        (ask("cancel", OPERATIONS),),
        ends("cancelled", captured=0),
    ),
    # ── the answer to the charge is lost ──
    Flow(
        "the charge's answer is lost",
        started(LOST_AFTER),
        (come_back(), run(seconds=21)),
        HELD_ONCE,
    ),
    Flow(
        "the charge's answer is lost, and the payer reloads",
        returned(LOST_AFTER),
        (come_back(later(seconds=61)), run(seconds=21)),
        HELD_ONCE,
    ),
    Flow(
        "the charge's answer is lost, and PAYNET says so itself",
        returned(LOST_AFTER),
        (webhook(), run()),
        HELD_ONCE,
    ),
    Flow(
        "the charge never arrived",
        after(UNDECIDED, run(seconds=21), run(minutes=1), run(minutes=5)),
        (run(minutes=10), run(hours=1, minutes=1), run(hours=23)),
        UNPAID_ONCE,
    ),
    # ── cards that are stored, and instalments ──
    Flow(
        "a card is saved, used and deleted",
        created(),
        (
            initiate(save_card=SAVE_CARD),
            come_back(),
            remembering_card(),
            initiate(noted=("stored_card",), first=another_order),
            come_back(),
            Step("delete a card", _deleting()),
        ),
        HELD_ONCE,
    ),
    Flow(
        "three instalments",
        created(),
        (remembering_quote(3), initiate(noted=("quote",)), come_back()),
        HELD_ONCE,
    ),
)

LATE_CAPTURES = (
    Flow("late, on an unpaid order", LATE, (webhook(), run()), HELD_ONCE),
    Flow(
        "late, while another session is open",
        after(LATE, initiate()),
        (webhook(), run(), come_back()),
        HELD_ONCE,
    ),
    Flow(
        "late, while a charge is undecided that was none",
        after(ABANDONED, initiate(LOST_BEFORE), come_back()),
        (webhook(first=taken_late()), run(), run(minutes=16)),
        HELD_ONCE,
    ),
    Flow(
        "late, while a charge is undecided that was one",
        after(ABANDONED, initiate(LOST_AFTER), come_back()),
        (
            webhook(first=taken_late()),
            run(),
            run(seconds=21),
            run(seconds=1),
            run(seconds=21),
        ),
        HELD_ONCE,
    ),
    Flow(
        "late, found by asking",
        after(DEAD_END, Step("PAYNET took it", nothing, taken_late())),
        (run(hours=1, minutes=1),),
        HELD_ONCE,
    ),
    Flow(
        "a surplus that PAYNET does not give back at first",
        after(ABANDONED, initiate(), come_back()),
        (
            webhook(first=taken_late()),
            run(),
            run(switched(refunds="manual"), seconds=1),
            word(decided(approve=False)),
            run(seconds=1),
            answer_surplus(switched(refunds="auto")),
            run(seconds=1),
            run(seconds=21),
        ),
        HELD_ONCE,
    ),
    Flow(
        "a surplus of which PAYNET says two things",
        after(
            ABANDONED,
            initiate(),
            come_back(),
            webhook(first=taken_late()),
            run(),
            run(seconds=1),
        ),
        (word(code="1"), run(seconds=1), answer_surplus()),
        HELD_ONCE,
    ),
)

DOUBTS = (
    Flow(
        "a mismatch is accepted",
        started(ONE_LIRA_MORE),
        (come_back(), decide("accept_mismatch")),
        ends("held", released=0, refunded=0),  # or paid anew, and rightly then
    ),
    Flow(
        "a mismatch is refunded",
        MISMATCHED,
        (decide("refund_mismatch"), run(seconds=1), run(seconds=21)),
        UNPAID_ONCE,
    ),
    Flow(
        "a late capture of another amount",
        ABANDONED,
        (webhook(first=taken_late(minor=WHOLE - 1)), run(), decide("accept_mismatch")),
        ends("held", captured=WHOLE - 1, held=WHOLE - 1),
    ),
    Flow(
        "a late capture that went back, while a session is open",
        after(ABANDONED, initiate()),
        (webhook(first=_late_and_reversed), run(), decide("refund_mismatch")),
        UNPAID_ONCE,
    ),
    Flow(
        "held money that went back at PAYNET",
        held(),
        (webhook(first=_reversed), run()),
        frozen,
    ),
    Flow(
        "a capture waits in an unpaid review, and funds",
        after(ABANDONED, initiate(ONE_LIRA_MORE), come_back()),
        (
            webhook(first=taken_late()),
            run(),
            decide("fund_waiting"),
            refund_what_matched_nothing(),
            run(seconds=1),
            run(seconds=21),
        ),
        HELD_ONCE,
    ),
    Flow(
        "PAYNET answers nonsense about a charge",
        asked_in_vain(returned(LOST_AFTER), 7),
        (run(hours=7), decide("resume", healed), run(seconds=1)),
        HELD_ONCE,
    ),
    Flow(
        "PAYNET answers nonsense about a charge that was none",
        asked_in_vain(UNDECIDED, 8),
        (decide("reopen_unpaid", together(healed, hopeless)), run(hours=1, minutes=1)),
        ends("created", "expired", captured=0),
    ),
    Flow(
        "PAYNET answers nonsense about a closed attempt",
        asked_in_vain(
            after(
                returned(LOST_BEFORE, policy={"pay_within_hours": 720}), run(minutes=16)
            ),
            8,
        ),
        (decide("resume", healed), get("/api/operations/queue", OPERATIONS)),
        UNPAID_ONCE,
    ),
)
