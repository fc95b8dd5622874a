"""The same thing in every status at once: a surplus that goes back, a doubtful capture,
a drift that is shown, a fee that changes, a chargeback. Each escrow got there by its
own way; here it is the machine's table that is walked through, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from emanet.escrow import CaptureStatus, Escrow, SettlementStatus, Status
from emanet.istanbul import day_of
from tests.simulation.flows_money_out import (
    PROVE,
    REFUND,
    REFUND_PART,
    RELEASE,
    RELEASE_PART,
    SEND,
    half_past_midnight,
    happens,
)
from tests.simulation.flows_steps import (
    BANK_REFUSES,
    DISPUTE,
    LOST_BEFORE,
    ONE_LIRA_MORE,
    SHIP,
    WHOLE,
    Begin,
    Flow,
    Happening,
    Scene,
    Step,
    answer_surplus,
    ask,
    come_back,
    create,
    decide,
    decided,
    decision,
    initiate,
    later,
    play,
    run,
    switched,
)
from tests.simulation.world import World
from tests.stage import OPERATIONS, Answer

PAY = (initiate(), come_back())
AUTO = happens("by itself", switched(refunds="auto"))
NEVER = happens("never", switched(refunds="never"))
ABANDONED = (initiate(BANK_REFUSES), come_back())
WITH_SURPLUS = (initiate(ONE_LIRA_MORE), come_back(), decide("refund_mismatch"))
# How an escrow with an abandoned attempt gets there. What takes days comes first, what
# does not last comes last.
WAYS: dict[Status, tuple[Step, ...]] = {
    Status.EXPIRED: (run(hours=1, minutes=1),),
    Status.SPLIT: (*PAY, REFUND_PART, run(half_past_midnight), PROVE, RELEASE),
    Status.REVIEW: (*PAY, run(days=6), run(days=1)),
    Status.REFUNDED: (*PAY, REFUND, SEND, PROVE),
    Status.RELEASED: (*PAY, RELEASE),
    Status.HELD: (*PAY, RELEASE_PART),
    Status.DISPUTED: (*PAY, SHIP, DISPUTE),
    Status.CANCELLED: (ask("cancel"),),
    Status.REFUNDING: (*PAY, NEVER, REFUND, SEND, AUTO),
}
UNPAID_WAYS: dict[Status, tuple[Step, ...]] = {
    Status.CREATED: (),
    Status.AUTHENTICATING: (initiate(),),
    Status.CHARGING: (initiate(LOST_BEFORE), come_back()),
}
TERMS = {
    Status.EXPIRED: {"pay_within_hours": 1},
    Status.REVIEW: {"at_ship_by": "review"},
}


def everywhere(unpaid: tuple[Step, ...] | None) -> Begin:
    """One escrow in each status, its first attempt abandoned; `unpaid` is how those
    begin that are payable still, None: there are none."""

    def begin(world: World) -> Scene:
        scene = Scene()
        for status, way in WAYS.items():
            _arrive(world, scene, status, (*ABANDONED, *way))
        if unpaid is not None:
            for status, way in UNPAID_WAYS.items():
                _arrive(world, scene, status, (*unpaid, *way))
        return scene

    return begin


def _arrive(world: World, scene: Scene, status: Status, way: tuple[Step, ...]) -> None:
    scene.bank = scene.form = None
    terms = TERMS.get(status, {})
    play(world, scene, create(f"order-{status}", policy=terms), *way)
    escrow = world.escrow(scene.escrow_id)
    assert escrow.status is status, (status, escrow.status)


def _abandoned(world: World) -> Iterable[Escrow]:
    """Those whose first attempt never was paid."""
    first = {e.id: e.attempts[0] for e in world.escrows()}
    return [e for e in world.escrows() if not first[e.id].captures]


def _told_of_late_ones(minor: int = WHOLE) -> Step:
    """PAYNET took money for each abandoned attempt after all, and says so."""

    def happen(world: World, _: Scene) -> None:
        for escrow in _abandoned(world):
            reference = escrow.attempts[0].reference_no
            world.paynet.books.plant(reference, minor)
            assert world.callback(reference).status == 200

    return happens("late captures", happen)


def _for_each(act: Happening) -> Happening:
    """For every escrow of the world, one after the other."""

    def happen(world: World, scene: Scene) -> None:
        for escrow in sorted(world.escrows(), key=lambda escrow: escrow.order_id):
            scene.escrow_id = escrow.id
            act(world, scene)

    return happen


def _answered(but: Status) -> Step:
    """Operations answer about every surplus but that of one."""

    def act(world: World, scene: Scene) -> None:
        if world.escrow(scene.escrow_id).status is not but:
            play(world, scene, answer_surplus())

    return happens("answered", _for_each(act))


def _at(status: Status) -> Happening:
    """The people of the flow look at the escrow in this status."""

    def happen(world: World, scene: Scene) -> None:
        scene.escrow_id = next(e.id for e in world.escrows() if e.status is status)

    return happen


def _told(**claims: str) -> Step:
    def happen(world: World, _: Scene) -> None:
        for answer in world.word_of_paynet(**claims):
            assert answer.status == 200

    return happens("PAYNET's word", happen)


def _begun(unpaid: tuple[Step, ...] | None, *steps: Step) -> Begin:
    begin = everywhere(unpaid)
    return lambda world: play(world, begin(world), *steps)


def every_surplus_is_back(world: World, _scene: Scene) -> None:
    """Whole and once, and nothing else was."""
    for escrow in world.escrows():
        for capture in escrow.captures:
            if capture.status is CaptureStatus.SURPLUS:
                refund = capture.refund
                assert refund is not None, escrow.status
                assert refund.status is SettlementStatus.DONE, escrow.status
                asked = world.paynet.books.refund_requests(capture.xact_id)
                assert asked.executed == 1


# ── what operations compare ──────────────────────────────────────────────────


def plan() -> Step:
    """Operations ask what differs since last week; what is younger than an hour is left
    in peace."""

    def act(world: World, scene: Scene) -> Answer:
        today = day_of(world.clock())
        path = "/api/operations/compare/plan"
        said = {"first": str(today - timedelta(days=9)), "last": str(today)}
        told = world.call("POST", path, said, who=OPERATIONS)
        scene.notes["plan"] = str(told.body.get("plan_id", ""))
        return told

    return Step("plan", act, later(hours=2))


def apply_plan() -> Step:
    def act(world: World, scene: Scene) -> Answer:
        path = "/api/operations/compare/apply"
        said = {"plan_id": scene.notes["plan"]}
        return world.call("POST", path, said, who=OPERATIONS)

    return Step("apply", act)


def _sales_that_vanish(world: World, _scene: Scene) -> None:
    """PAYNET lists a sale of every escrow, and then no more."""
    for escrow in world.escrows():
        world.paynet.books.plant(escrow.attempts[0].reference_no, WHOLE)


def _vanished(world: World, _scene: Scene) -> None:
    for row in world.paynet.books.find():
        known = {c.xact_id for e in world.escrows() for c in e.captures}
        if row.is_sale and row.xact_id not in known:
            world.paynet.books.forget(row.xact_id)


def _other_fees(world: World, _scene: Scene) -> None:
    """PAYNET's fee on every sale is another than it was."""
    for row in world.paynet.books.find():
        if row.is_sale:
            world.paynet.books.alter(row.xact_id, commission_minor=4_000)


def _acknowledged(world: World, scene: Scene) -> None:
    escrow = world.escrow(scene.escrow_id)
    if escrow.flags and escrow.status is not Status.REVIEW:
        decision(world, scene, "acknowledge")


def _charged_back(world: World, scene: Scene) -> None:
    """Won, and then another one lost, of whatever is closed."""
    paid = (Status.RELEASED, Status.REFUNDED, Status.SPLIT)
    if world.escrow(scene.escrow_id).status in paid:
        for word in ("open", "win", "open", "lose"):
            play(world, scene, decide(f"{word}_chargeback"))


def _captures_given_back(world: World, scene: Scene) -> None:
    for capture in world.escrow(scene.escrow_id).captures:
        if capture.status is CaptureStatus.MISMATCHED:
            decision(world, scene, "refund_capture", xact_id=capture.xact_id)


def closed(world: World, scene: Scene) -> None:
    assert world.escrow(scene.escrow_id).status is Status.RELEASED


EVERYWHERE = (
    Flow(
        "everywhere a surplus is refused, and goes back then",
        _begun(
            WITH_SURPLUS,
            happens("by hand", switched(refunds="manual")),
            _told_of_late_ones(),
            run(),
            run(seconds=1),
            happens("refused", decided(approve=False)),
            _told(),
            run(seconds=1),
            AUTO,
            _answered(but=Status.CANCELLED),
            run(seconds=1),
            run(seconds=21),
            happens("look", _at(Status.CANCELLED)),
        ),
        (answer_surplus(), run(seconds=1), run(seconds=21)),
        every_surplus_is_back,
    ),
    Flow(
        "everywhere PAYNET says two things of a surplus, and other fees",
        _begun(
            WITH_SURPLUS,
            _told_of_late_ones(),
            run(),
            run(seconds=1),
            _told(code="1"),
            run(seconds=1),
            happens("other fees", _other_fees),
            plan(),
            apply_plan(),
            _answered(but=Status.SPLIT),
            happens("look", _at(Status.SPLIT)),
        ),
        (answer_surplus(),),
        every_surplus_is_back,
    ),
    Flow(
        "everywhere a sale is listed and vanishes",
        _begun(
            ABANDONED,
            happens("listed", _sales_that_vanish),
            plan(),
            happens("vanished", _vanished),
            apply_plan(),
            happens("acknowledged", _for_each(_acknowledged)),
            happens("look", _at(Status.HELD)),
        ),
        (ask("release"),),
        closed,
    ),
    Flow(
        "everywhere a late capture is of another amount",
        _begun(
            None,
            _told_of_late_ones(WHOLE - 1),
            run(),
            happens("given back", _for_each(_captures_given_back)),
            happens("charged back", _for_each(_charged_back)),
            run(seconds=1),
        ),
        (run(seconds=21), run(seconds=21)),
        every_surplus_is_back,
    ),
)
