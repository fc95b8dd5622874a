"""The words in which flows are told: what people remember, what each of them may do
next, and how he would do it again if nobody answered. Every step goes through the real
handlers; what only happens at PAYNET, or by the clock, goes before a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emanet.escrow import CaptureStatus, SettlementKind, SettlementStatus
from local.paynet_simulator import browser
from local.paynet_simulator.browser import Form, HostedForm
from local.paynet_simulator.simulator import PUBLISHABLE_KEY
from tests.simulation.world import World
from tests.stage import (
    AMOUNT_MINOR,
    BACKEND,
    BUYER,
    GOOD_CARD,
    OPERATIONS,
    RETURN_PAGE,
    SELLER,
    Answer,
    Who,
    order,
    payment,
)

DECLINED = "4000000000000010"
BANK_REFUSES = "4000000000000036"
LOST_AFTER = "4000000000000051"
LOST_BEFORE = "4000000000000069"
ONE_LIRA_MORE = "4000000000000127"
PARCEL = {"carrier": "Kargo", "tracking_number": "TR-1"}
UNPAID = ("created", "authenticating", "charging")
_ANSWERED = frozenset({200, 201, 204, 303})


@dataclass
class Scene:
    """What the people of a flow remember: which order, the way to the bank's page and
    the form that came of it, and whatever else they were told."""

    escrow_id: str = ""
    bank: Mapping[str, Any] | None = None
    form: Form | None = None
    notes: dict[str, str] = field(default_factory=dict)


Act = Callable[[World, Scene], Answer | None]
Happening = Callable[[World, Scene], object]
Begin = Callable[[World], Scene]


def nothing(_world: World, _scene: Scene) -> None:
    """Nothing happens."""


@dataclass(frozen=True)
class Step:
    """One client's request, or one run of a machine. `first` happens before it, once;
    `again` is how somebody who got no answer tries once more, and `until` what he waits
    to see."""

    name: str
    act: Act
    first: Happening = nothing
    again: Act | None = None
    until: Callable[[World, Scene], bool] = lambda *_: True
    is_machines: bool = False
    answers: frozenset[int] = _ANSWERED


@dataclass(frozen=True)
class Flow:
    """From a beginning that is reached without faults, step by step to an end. `means`
    raises AssertionError if the end is not what the flow is about."""

    name: str
    begin: Begin
    steps: tuple[Step, ...]
    means: Happening


def play(world: World, scene: Scene, *steps: Step) -> Scene:
    """Each step once, and as it should go."""
    for step in steps:
        step.first(world, scene)
        answer = step.act(world, scene)
        told = answer.text if answer else ""
        assert answer is None or answer.status in step.answers, (step.name, told)
    return scene


def after(begin: Begin, *steps: Step) -> Begin:
    """A beginning with some steps done already."""
    return lambda world: play(world, begin(world), *steps)


def together(*happenings: Happening) -> Happening:
    """One after the other."""

    def happen(world: World, scene: Scene) -> None:
        for happening in happenings:
            happening(world, scene)

    return happen


# ── what happens by the clock and at PAYNET ──────────────────────────────────


def later(**by: float) -> Happening:
    return lambda world, _: world.later(**by)


def switched(**switches: Any) -> Happening:
    """PAYNET behaves so from now on."""
    return lambda world, _: world.paynet.settings.change(switches)


def spoiled(kind: Any, path: str, **details: Any) -> Happening:
    """An answer of PAYNET's goes wrong on the way."""
    return lambda world, _: world.paynet.faults.add(kind, path, **details)


def healed(world: World, _scene: Scene) -> None:
    """PAYNET answers as it should again."""
    world.paynet.faults.clear()


def taken_late(attempt: int = 1, minor: int = AMOUNT_MINOR) -> Happening:
    """PAYNET took money for this attempt after all."""

    def happen(world: World, scene: Scene) -> None:
        world.paynet.books.plant(reference(world, scene, attempt), minor)

    return happen


def decided(*, approve: bool) -> Happening:
    """PAYNET decides every refund that waits for its word."""

    def happen(world: World, _: Scene) -> None:
        for refund in world.paynet.books.refunds():
            world.paynet.books.decide_refund(refund.number, approve=approve)

    return happen


def reference(world: World, scene: Scene, attempt: int) -> str:
    return world.escrow(scene.escrow_id).attempts[attempt - 1].reference_no


def funding_id(world: World, scene: Scene) -> str:
    """PAYNET's name of the payment."""
    funding = world.escrow(scene.escrow_id).funding
    assert funding is not None
    return funding[1].xact_id


# ── a client's requests ──────────────────────────────────────────────────────


def lira(minor: int) -> dict[str, Any]:
    return {"amount": minor, "currency": "TRY"}


def legs(release: int, refund: int) -> dict[str, Any]:
    return {"release": lira(release), "refund": lira(refund)}


def create(order_id: str = "order-1", **more: Any) -> Step:
    """The shop's backend registers the order, under the same id however often."""

    def act(world: World, scene: Scene) -> Answer:
        body = order(order_id, **more)
        answer = world.call("POST", "/api/escrows", body, who=BACKEND)
        if answer.status in _ANSWERED:
            scene.escrow_id = str(answer.body["escrow_id"])
        return answer

    return Step("create", act)


def ask(action: str, who: Who = BUYER, **body: Any) -> Step:
    """A party's word about an escrow, always under the same key."""

    def act(world: World, scene: Scene) -> Answer:
        path = f"/api/escrows/{scene.escrow_id}/{action}"
        key = {"Idempotency-Key": f"{action}-{sorted(body)}"[:60].translate(_PLAIN)}
        return world.call("POST", path, body, who=who, headers=key)

    return Step(f"{action} by {who[0]}", act)


_PLAIN = str.maketrans("[]', ", "_____")


def decide(word: str, first: Happening = nothing, **said: Any) -> Step:
    """Operations decide about what they see at that moment."""
    return Step(word, lambda world, scene: decision(world, scene, word, **said), first)


def decision(world: World, scene: Scene, word: str, **said: Any) -> Answer:
    path = f"/api/operations/escrows/{scene.escrow_id}/{word}"
    seen = {"version": world.escrow(scene.escrow_id).version}
    body = {"reason": "looked into it", **seen, **said}
    key = {"Idempotency-Key": word}
    return world.call("POST", path, body, who=OPERATIONS, headers=key)


def say_what_became_of_it(first: Happening = nothing) -> Step:
    """Operations look at PAYNET and confirm or deny what nobody knows."""

    def act(world: World, scene: Scene) -> Answer:
        word = "confirm_unknown" if _happened(world, scene) else "deny_unknown"
        return decision(world, scene, word)

    return Step("say what became of it", act, first)


def _happened(world: World, scene: Scene) -> bool:
    escrow, books = world.escrow(scene.escrow_id), world.paynet.books
    order = escrow.unknown
    if order is None or escrow.funding is None:
        return False
    if order.kind is SettlementKind.RELEASE:
        return books.releases(escrow.funding[1].xact_id) > 0
    back = books.refunded_minor(escrow.funding[0].reference_no)
    return back >= escrow.balances.refunded + order.amount_minor


def answer_surplus(first: Happening = nothing) -> Step:
    """Operations look at PAYNET and say whether a surplus went back; if it did not, it
    is sent once more."""

    def act(world: World, scene: Scene) -> Answer | None:
        for attempt in world.escrow(scene.escrow_id).attempts:
            for capture in attempt.captures:
                if capture.refund and capture.refund.status in _UNCLEAR:
                    back = world.paynet.books.refund_requests(capture.xact_id).executed
                    said = {"settlement": capture.refund.key, "done": back > 0}
                    return decision(world, scene, "answer_surplus", **said)
        return None

    return Step("answer about a surplus", act, first)


_UNCLEAR = (SettlementStatus.DENIED, SettlementStatus.UNKNOWN)


def withdraw_settlement() -> Step:
    """Operations take back what was not sent yet."""

    def act(world: World, scene: Scene) -> Answer | None:
        unsent = (SettlementStatus.SCHEDULED, SettlementStatus.SUSPENDED)
        for known in world.escrow(scene.escrow_id).settlements:
            if known.status in unsent:
                word = "withdraw_settlement"
                return decision(world, scene, word, settlement=known.key)
        return None

    return Step("withdraw a settlement", act)


def refund_what_matched_nothing() -> Step:
    """Operations give a doubtful capture back."""

    def act(world: World, scene: Scene) -> Answer | None:
        for capture in world.escrow(scene.escrow_id).captures:
            if capture.status is CaptureStatus.MISMATCHED:
                return decision(world, scene, "refund_capture", xact_id=capture.xact_id)
        return None

    return Step("refund what matched nothing", act)


def get(path: str, who: Who = BUYER) -> Step:
    """Somebody looks; `{escrow}` stands for the escrow's id."""

    def act(world: World, scene: Scene) -> Answer:
        return world.call("GET", path.format(escrow=scene.escrow_id), who=who)

    return Step(f"get {path} by {who[0]}", act)


# ── paying ───────────────────────────────────────────────────────────────────


def initiate(
    number: str = GOOD_CARD,
    first: Happening = nothing,
    answers: frozenset[int] = _ANSWERED,
    noted: tuple[str, ...] = (),
    **more: Any,
) -> Step:
    """The payer starts to pay. `noted` are fields for which he takes what he was told
    before, if he was: else he types his card, and pays at once."""

    def act(world: World, scene: Scene) -> Answer:
        told = {name: scene.notes[name] for name in noted if name in scene.notes}
        body = payment(number, **more, **told)
        if "stored_card" in told:
            del body["card"]
        return _at_the_door(world, scene, body)

    return Step("initiate", act, first, answers=answers)


def initiate_form() -> Step:
    """The same where PAYNET's own form takes the card."""
    body = {"return_to": RETURN_PAGE}
    return Step("initiate", lambda world, scene: _at_the_door(world, scene, body))


def _at_the_door(world: World, scene: Scene, body: dict[str, Any]) -> Answer:
    answer = world.call("POST", f"/api/escrows/{scene.escrow_id}/3d", body)
    if answer.status == 201:
        scene.bank, scene.form = answer.body["three_ds"], None
    return answer


def at_the_bank(_world: World, scene: Scene) -> None:
    """The payer fills in what the bank, or PAYNET's own form, asks for."""
    if scene.bank is None or scene.form is not None:
        return
    if scene.bank["kind"] == "redirect":
        scene.form = browser.pass_bank_page(scene.bank["url"])
        return
    says = scene.bank["attributes"]
    form = HostedForm(
        scene.bank["script"],
        PUBLISHABLE_KEY,
        says["data-amount"],
        scene.bank["action"],
        no_instalment=says["data-no_instalment"] == "true",
    )
    scene.form = form.pay()


def come_back(first: Happening = nothing) -> Step:
    """The browser brings the payer back. If he sees nothing come of it, he reloads, and
    pays anew if he may."""
    before = together(first, at_the_bank)
    return Step("return", _returned, before, _returned_again, _is_decided)


def _is_decided(world: World, scene: Scene) -> bool:
    """The payer's page shows that he paid, or that he will not."""
    status = world.escrow(scene.escrow_id).status
    return status not in UNPAID or (status == "created" and not _is_good(scene))


def _returned(world: World, scene: Scene) -> Answer | None:
    return world.come_back(scene.form) if scene.form else None


def _returned_again(world: World, scene: Scene) -> Answer | None:
    told = world.call("GET", f"/api/escrows/{scene.escrow_id}")
    if told.status != 200 or told.body["status"] not in UNPAID:
        return told
    if told.body["status"] == "created" and _is_good(scene):
        hosted = scene.bank is not None and scene.bank["kind"] == "form"
        (initiate_form() if hosted else initiate()).act(world, scene)
        at_the_bank(world, scene)
    return _returned(world, scene)


def _is_good(scene: Scene) -> bool:
    """A payer whose card was refused does not try it again."""
    return "hopeless" not in scene.notes


def hopeless(_world: World, scene: Scene) -> None:
    """The payer will not try again."""
    scene.notes["hopeless"] = "yes"


# ── PAYNET's word, and machines ──────────────────────────────────────────────


def webhook(attempt: int = 1, first: Happening = nothing) -> Step:
    """PAYNET says that this attempt was paid."""

    def act(world: World, scene: Scene) -> Answer:
        return world.callback(reference(world, scene, attempt))

    return Step(f"webhook about attempt {attempt}", act, first)


def word(first: Happening = nothing, **claims: Any) -> Step:
    """PAYNET says what it decided about the last refund."""

    def act(world: World, _: Scene) -> Answer | None:
        told = world.word_of_paynet(**claims)
        return told[-1] if told else None

    return Step("word about a refund", act, first)


def run(first: Happening = nothing, **wait: float) -> Step:
    """The reconciler, so much later."""

    def act(world: World, _: Scene) -> None:
        world.run_reconciler()

    return Step("reconcile", act, together(later(**wait), first), is_machines=True)


def compare(until: Callable[[World, Scene], bool], **wait: float) -> Step:
    """The nightly comparison, so much later; every night, until it found it."""

    def act(world: World, _: Scene) -> None:
        world.run_compare()

    return Step("compare", act, later(**wait), until=until)


# ── beginnings, and ends ─────────────────────────────────────────────────────


def nowhere(_world: World) -> Scene:
    return Scene()


def created(**more: Any) -> Begin:
    return after(nowhere, create(**more))


def started(number: str = GOOD_CARD, **more: Any) -> Begin:
    """The payer is at the bank."""
    return after(created(**more), initiate(number))


def returned(number: str, **more: Any) -> Begin:
    """He came back from it with this card."""
    return after(started(number, **more), come_back())


def held(**more: Any) -> Begin:
    return returned(GOOD_CARD, **more)


SHIP = ask("ship", SELLER, **PARCEL)
DELIVER = ask("deliver")
DISPUTE = ask("dispute", reason="broken")
SHIPPED = after(held(), SHIP)
DELIVERED = after(SHIPPED, DELIVER)
DISPUTED = after(SHIPPED, DISPUTE)


def ends(*statuses: str, **sums: int) -> Happening:
    """In one of these, and our books and PAYNET's both say so much; what a human has to
    find out, because nothing proves it, is left to him."""

    def means(world: World, scene: Scene) -> None:
        if _is_left_to_people(world, scene):
            return
        escrow = world.escrow(scene.escrow_id)
        assert escrow.status in statuses, (escrow.status, statuses)
        balances = escrow.balances
        said = {name: getattr(balances, name) for name in sums}
        assert said == sums, (said, sums)
        surcharge = escrow.surcharge_minor - escrow.surcharge_back_minor
        kept = balances.captured - balances.refunded + surcharge
        taken = world.taken_minor(scene.escrow_id)
        assert taken == kept, f"PAYNET has {taken}, we say {kept}"

    return means


TO_DECIDE = frozenset({CaptureStatus.MISMATCHED, CaptureStatus.WAITING})


def _is_left_to_people(world: World, scene: Scene) -> bool:
    """An order to PAYNET that it did not carry out, or a release out of PAYNET's own
    escrow, of which no list tells: only a look there helps. Or a capture that came late
    and has to be decided about."""
    escrow = world.escrow(scene.escrow_id)
    if not escrow.queue_reason:
        return False
    if any(c.status in TO_DECIDE and not c.is_reversed for c in escrow.captures):
        return True
    unsent = (
        capture.refund is not None
        and capture.refund.status is SettlementStatus.UNKNOWN
        and world.paynet.books.refund_requests(capture.xact_id).executed == 0
        for capture in escrow.captures
    )
    order = escrow.unknown
    if order is None:
        return any(unsent)
    return order.kind is SettlementKind.RELEASE or not _happened(world, scene)


def frozen(world: World, scene: Scene) -> None:
    """A human is shown that held money is not what it seems."""
    escrow = world.escrow(scene.escrow_id)
    assert (escrow.status, bool(escrow.queue_reason)) == ("review", True)


def frozen_or(means: Happening) -> Happening:
    """A human is shown it, if a callback told of it first; else it means this."""

    def happened(world: World, scene: Scene) -> None:
        is_frozen = world.escrow(scene.escrow_id).status == "review"
        (frozen if is_frozen else means)(world, scene)

    return happened


WHOLE = AMOUNT_MINOR
PART = 30_000
REST = WHOLE - PART
HELD_ONCE = ends("held", captured=WHOLE, held=WHOLE, released=0, refunded=0)
