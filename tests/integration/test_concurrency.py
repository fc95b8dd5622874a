"""Two at once, moment by moment: the second comes, whole, at every place between two
steps of the first. What a race meets by luck is met here each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

import boto3
import pytest

from emanet import holding
from emanet.errors import Refused, StaleEscrow
from emanet.escrow import Actor, Entry, Escrow, Role, Shipment, Status
from emanet.ports import Card, DueKind
from emanet.usecases import fulfil, pay_out
from emanet.usecases.access import Caller
from emanet.usecases.initiate_3d import initiate_3d
from emanet.usecases.starting import Payment, Start
from local.paynet_simulator.browser import Form
from tests.races.verdict import charge_count, judged, times
from tests.stage import (
    BASE_URL,
    BUYER,
    GOOD_CARD,
    RETURN_PAGE,
    SELLER,
    MovableClock,
    Stage,
)

CHARGE = "/v2/transaction/tds_charge"
BUYING = Caller(BUYER[0], frozenset(BUYER[1].split()))
SELLING = Caller(SELLER[0], frozenset(SELLER[1].split()))


# ── one in the middle of the other ───────────────────────────────────────────


@dataclass
class Interruption:
    """Lets a rival do all that he wants at the `place`-th step of somebody's books."""

    place: int = 0
    rival: Callable[[], object] | None = None
    steps: int = 0

    def step(self, **_: object) -> None:
        self.steps += 1
        if self.rival and self.steps > self.place:
            rival, self.rival = self.rival, None
            rival()


def interrupted(stage: Stage, interruption: Interruption) -> Stage:
    """The same stage, whose books step before and after each of their requests; what
    PAYNET is asked happens in between."""
    dynamodb = boto3.client("dynamodb")
    dynamodb.meta.events.register("before-call.dynamodb", interruption.step)
    dynamodb.meta.events.register("after-call.dynamodb", interruption.step)
    return replace(stage, dynamodb=dynamodb)


@dataclass(frozen=True)
class Scene:
    """Where both begin."""

    escrow_id: str
    form: Form


Act = Callable[[Stage, Scene], object]


def did(act: Act, stage: Stage, scene: Scene) -> bool:
    """Whether it was allowed."""
    try:
        act(stage, scene)
    except Refused:
        return False
    return True


@dataclass
class Rival:
    """The second, and the story as it stood when he had done what he wanted."""

    act: Act
    stage: Stage
    scene: Scene
    allowed: bool = False
    wrote: tuple[Entry, ...] = ()

    def __call__(self) -> None:
        self.allowed = did(self.act, self.stage, self.scene)
        self.wrote = self.stage.escrow(self.scene.escrow_id).history


@dataclass(frozen=True)
class Meeting:
    """How it ended, and which of both were allowed."""

    scene: Scene
    first: bool
    second: bool


def meetings(
    stage: Stage, begin: Callable[[Stage], Scene], first: Act, second: Act
) -> Iterator[Meeting]:
    """From the same beginning, once for each place at which the second can come."""
    interruption = Interruption()
    stage_of_first = interrupted(stage, interruption)
    for place in count():
        scene = begin(stage)
        rival = Rival(second, stage, scene)
        interruption.place, interruption.rival, interruption.steps = place, rival, 0
        allowed = did(first, stage_of_first, scene)
        if not rival.wrote:
            return  # the first had ended before
        story = stage.escrow(scene.escrow_id).history
        assert story[: len(rival.wrote)] == rival.wrote, "nobody rewrites history"
        yield Meeting(scene, allowed, rival.allowed)


# ── what they do ─────────────────────────────────────────────────────────────


def come_back(stage: Stage, scene: Scene) -> None:
    stage.back(scene.form)


def come_back_empty(stage: Stage, scene: Scene) -> None:
    """The bank said no."""
    stage.back(Form(scene.form.action, {"message": "hayır"}))


def initiate(stage: Stage, scene: Scene) -> None:
    card = Card("Ayşe Yılmaz", GOOD_CARD, 12, 2030, "000")
    initiate_3d(
        Start(scene.escrow_id, RETURN_PAGE, BASE_URL),
        Payment(card),
        BUYING,
        stage.till(),
        stage.clock() + timedelta(seconds=25),
    )


def hear(stage: Stage, scene: Scene) -> None:
    """A callback about the live attempt, and the reconciler that asks about it."""
    reference = stage.escrow(scene.escrow_id).attempts[0].reference_no
    assert stage.callback(reference).status == 200
    reconcile(stage, scene)


def reconcile(stage: Stage, _: Scene) -> None:
    assert stage.reconciler().run().failures == []


def reconcile_later(**later: float) -> Act:
    """By a clock that is ahead of everybody else's."""

    def act(stage: Stage, scene: Scene) -> None:
        ahead = MovableClock(stage.clock.ahead + timedelta(**later))
        reconcile(replace(stage, clock=ahead), scene)

    return act


def ship(stage: Stage, scene: Scene) -> None:
    parcel = fulfil.Parcel("Kargo", stage.desk.chance(8))  # another one each time
    fulfil.ship(scene.escrow_id, parcel, SELLING, stage.desk)


def deliver(stage: Stage, scene: Scene) -> None:
    fulfil.deliver(scene.escrow_id, BUYING, stage.desk)


def release(stage: Stage, scene: Scene) -> None:
    wish = pay_out.Wish(stage.desk.chance(8))  # another key each time
    pay_out.release(scene.escrow_id, wish, BUYING, stage.desk)


def refund(stage: Stage, scene: Scene) -> None:
    """The payee gives all of it up."""
    wish = pay_out.Wish(stage.desk.chance(8))
    pay_out.refund(scene.escrow_id, wish, SELLING, stage.desk)


def cancel(stage: Stage, scene: Scene) -> None:
    pay_out.cancel(scene.escrow_id, BUYING, stage.desk)


def dispute(stage: Stage, scene: Scene) -> None:
    objection = fulfil.Objection(f"broken, {stage.desk.chance(8)}")
    fulfil.dispute(scene.escrow_id, objection, BUYING, stage.desk)


# ── beginnings ───────────────────────────────────────────────────────────────


def at_bank(stage: Stage) -> Scene:
    """On an empty stage, a payer who is about to come back."""
    table = stage.environment["TABLE_NAME"]
    for item in stage.items():
        stage.dynamodb.delete_item(TableName=table, Key={"id": item["id"]})
    stage.begin_at_noon()
    escrow_id = stage.create()
    return Scene(escrow_id, stage.initiate(escrow_id).at_bank())


def charge_lost(stage: Stage) -> Scene:
    """Charged, both answers lost, and nobody at work on it any more."""
    scene = at_bank(stage)
    stage.paynet.faults.add("close", CHARGE, times=2)
    stage.back(scene.form)
    stage.clock.move(seconds=70)
    assert stage.escrow(scene.escrow_id).status == "charging"
    return scene


def held(stage: Stage) -> Scene:
    scene = at_bank(stage)
    stage.back(scene.form)
    assert stage.escrow(scene.escrow_id).status == "held"
    return scene


def delivered(stage: Stage) -> Scene:
    scene = held(stage)
    ship(stage, scene)
    deliver(stage, scene)
    return scene


# ── what must come of it ─────────────────────────────────────────────────────

PAYING: dict[str, Act] = {
    "return": come_back,
    "bank_said_no": come_back_empty,
    "initiate": initiate,
    "callback": hear,
    "session_ends": reconcile_later(minutes=31),
}
REPAIRING: dict[str, Act] = {
    "return": come_back,
    "reconcile": reconcile,
    "initiate": initiate,
}
# At the bank's door the goods have not moved; later the payer has them.
FULFILLING: dict[str, Act] = {
    "ship": ship,
    "deliver": deliver,
    "release": release,
    "refund": refund,
    "cancel": cancel,
    "clock": reconcile_later(days=8),  # nobody shipped: it goes back
}
INSPECTING: dict[str, Act] = {
    "release": release,
    "refund": refund,
    "dispute": dispute,
    "clock": reconcile_later(days=4),  # nobody objected: it is released
}
TRANSITIONS = {"cancel": "cancel_held", "refund": "schedule_refund"}
BY = {"ship": "payee", "refund": "payee"}

# Of these the first wins, and the second is told so.
EXCLUSIVE: set[frozenset[str]] = {
    frozenset(pair)
    for pair in (
        {"ship", "cancel"},
        {"release", "refund"},
        {"release", "cancel"},
        {"refund", "cancel"},
        {"release"},
        {"refund"},
        {"dispute"},
    )
}


def said(escrow: Escrow, word: str) -> int:
    """How often this party's word stands in the story."""
    name, role = TRANSITIONS.get(word, word), BY.get(word, "payer")
    entries = (e for e in escrow.history if e.transition == name)
    return sum(entry.by.startswith(f"{role}:") for entry in entries)


def must_be_as_said(escrow: Escrow, words: dict[str, bool]) -> None:
    """Who was allowed finds his word in the story, once; who was not does not; and all
    money has at most one way to go."""
    for word, was_allowed in words.items():
        if word != "clock":  # it says nothing to anybody
            assert said(escrow, word) == was_allowed, word
    moved = sum(s.amount_minor for s in escrow.settlements if s.status != "withdrawn")
    assert moved <= escrow.balances.captured
    decided = {"schedule_refund", "cancel_held", "release"}
    assert sum(times(escrow, name) for name in decided) <= 1
    assert times(escrow, "dispute") + times(escrow, "release") <= 1


@pytest.mark.parametrize("second", PAYING)
@pytest.mark.parametrize("first", sorted({*PAYING} - {"callback"}))
def test_two_who_meet_at_the_bank_leave_one_charge_or_none(
    stage: Stage, first: str, second: str
) -> None:
    for meeting in meetings(stage, at_bank, PAYING[first], PAYING[second]):
        escrow = judged(stage, meeting.scene.escrow_id)
        charges = charge_count(stage, escrow.id)
        expected = {"held"} if charges else {"created", "authenticating"}
        assert charges <= 1
        assert escrow.status in expected


@pytest.mark.parametrize("second", REPAIRING)
@pytest.mark.parametrize("first", ["return", "reconcile"])
def test_two_who_find_a_lost_charge_hold_it_once(
    stage: Stage, first: str, second: str
) -> None:
    for meeting in meetings(stage, charge_lost, REPAIRING[first], REPAIRING[second]):
        reconcile(stage, meeting.scene)
        escrow = judged(stage, meeting.scene.escrow_id)
        assert (escrow.status, times(escrow, "capture")) == ("held", 1)
        assert charge_count(stage, escrow.id) == 1


@pytest.mark.parametrize("second", FULFILLING)
@pytest.mark.parametrize("first", FULFILLING)
def test_of_two_words_none_that_was_taken_is_forgotten(
    stage: Stage, first: str, second: str
) -> None:
    for meeting in meetings(stage, held, FULFILLING[first], FULFILLING[second]):
        must_end_as_said(stage, meeting, first, second)
        if first == second == "ship":
            assert meeting.first != meeting.second


@pytest.mark.parametrize("second", INSPECTING)
@pytest.mark.parametrize("first", INSPECTING)
def test_of_two_who_decide_after_the_delivery_one_wins(
    stage: Stage, first: str, second: str
) -> None:
    for meeting in meetings(stage, delivered, INSPECTING[first], INSPECTING[second]):
        must_end_as_said(stage, meeting, first, second)


def must_end_as_said(stage: Stage, meeting: Meeting, first: str, second: str) -> None:
    escrow = judged(stage, meeting.scene.escrow_id)
    words = {first: meeting.first, second: meeting.second}
    if first == second:
        words[first] = meeting.first or meeting.second
    must_be_as_said(escrow, words)
    must_be_exclusive(meeting, first, second)


def must_be_exclusive(meeting: Meeting, first: str, second: str) -> None:
    if frozenset({first, second}) in EXCLUSIVE:
        assert meeting.first != meeting.second


# ── the one conditional write ────────────────────────────────────────────────


def a_shipment(stage: Stage, escrow: Escrow) -> Escrow:
    step = stage.desk.step(Actor(Role.PAYEE, SELLER[0]))
    return holding.ship(escrow, Shipment(step.at, "Kargo", "TR-1"), step)


def test_a_write_that_expects_another_version_loses(stage: Stage) -> None:
    seen = stage.escrow(stage.held())
    stage.store.save(seen, a_shipment(stage, seen))
    with pytest.raises(StaleEscrow) as lost:
        stage.store.save(seen, a_shipment(stage, seen))
    assert lost.value.current == stage.escrow(seen.id)
    assert lost.value.current.version == seen.version + 1


def test_a_write_that_expects_another_status_loses_even_at_the_same_version(
    stage: Stage,
) -> None:
    seen = stage.escrow(stage.held())
    elsewhere = replace(seen, status=Status.DISPUTED)
    with pytest.raises(StaleEscrow):
        stage.store.save(elsewhere, a_shipment(stage, seen))
    assert stage.escrow(seen.id) == seen


def test_our_own_write_whose_answer_was_lost_is_no_rival(stage: Stage) -> None:
    seen = stage.escrow(stage.held())
    ours = a_shipment(stage, seen)
    stage.store.save(seen, ours)
    stage.store.save(seen, ours)  # as the SDK does when no answer came
    assert stage.escrow(seen.id) == ours


def test_our_own_write_is_recognised_below_a_rivals(stage: Stage) -> None:
    seen = stage.escrow(stage.held())
    ours = a_shipment(stage, seen)
    stage.store.save(seen, ours)
    fulfil.deliver(seen.id, BUYING, stage.desk)
    stage.store.save(seen, ours)
    assert stage.escrow(seen.id).delivered_at


def test_a_lease_leaves_the_version_alone(stage: Stage) -> None:
    seen = stage.escrow(stage.held())
    (line,) = stage.store.due(DueKind.ESCROW, stage.clock() + timedelta(days=8), 9)
    until = stage.clock() + timedelta(seconds=90)
    assert stage.store.lease(line, until, "one")
    assert stage.store.lease(line, until, "one")  # its own, asked for once more
    assert not stage.store.lease(line, until, "other")
    stage.store.save(seen, a_shipment(stage, seen))
