"""One crash point: a step whose effect goes wrong, and what becomes of it while client,
PAYNET and reconciler come in some order, looked at by the checker after each."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

from emanet.errors import Unavailable
from local.paynet_simulator import memory
from tests.simulation.checker import Checker, Finding, Harm
from tests.simulation.effects import (
    CRASHES,
    DEATHS,
    OVERTAKEN,
    Effect,
    Fault,
    Kind,
    at,
)
from tests.simulation.flows_steps import Act, Flow, Scene, Step
from tests.simulation.world import Snapshot, Unanswered, World
from tests.stage import Answer

ACTORS = ("client", "callback", "reconcile")
Way = tuple[str, ...]
WAYS: tuple[Way, ...] = (*((actor,) for actor in ACTORS), *permutations(ACTORS))

READS = ("GetItem", "BatchGetItem", "Query", "Scan", "DescribeTable")
PAYNET_WRITES = (
    "/v2/transaction/tds_initial",
    "/v2/transaction/tds_charge",
    "/v1/transaction/charge",
    "/v1/transaction/reversed_request",
    "/v1/transaction/escrow_status_update",
    "/v1/card/delete",
)
PATIENCE_S = (0, 5, 65, 65)  # between the tries of somebody who gets no answer
A_WHILE = timedelta(minutes=20)  # before somebody else comes
LONGER = timedelta(minutes=40)  # until who waits for the schedule goes on without it
SERVER_ERROR = 500
IN_TRANSIT = {"charging", "releasing", "refunding"}
RUNS_MAX = 300
NIGHTS = 2  # one of them may go wrong
ARRIVES_AFTER = timedelta(minutes=17)  # a payment was found nowhere, and is given up


@dataclass(frozen=True)
class Point:
    """This effect of this step of this flow goes wrong so."""

    flow: str
    step: int
    effect: int
    fault: Fault
    name: str = field(compare=False, default="")


@dataclass(frozen=True)
class Second:
    """And then this effect of the recovery."""

    effect: int
    fault: Fault


@dataclass
class Moment:
    """Everything at one moment: the world, how PAYNET behaves, what people remember."""

    world: Snapshot
    settings: dict[str, Any]
    faults: list[Any]
    scene: Scene

    @classmethod
    def of(cls, world: World, scene: Scene) -> Moment:
        paynet = world.paynet
        faults = [fault.model_copy() for fault in paynet.faults.waiting()]
        settings = paynet.settings.model_dump()
        return cls(world.snapshot(), settings, faults, deepcopy(scene))

    def back(self, world: World) -> Scene:
        """Raises nothing; a function that is called next starts cold."""
        world.go_back(self.world)
        world.paynet.settings.change(self.settings)
        world.paynet.faults.clear()
        for fault in self.faults:
            world.paynet.faults.plant(fault.model_copy())
        return deepcopy(self.scene)


@dataclass
class Rehearsal:
    """A flow as it goes without faults: the moment before each step, its effects."""

    flow: Flow
    world: World
    moments: list[Moment] = field(default_factory=list)
    traces: list[list[Effect]] = field(default_factory=list)

    def play(self) -> None:
        world, scene = self.world, self.flow.begin(self.world)
        for step in self.flow.steps:
            step.first(world, scene)
            self.moments.append(Moment.of(world, scene))
            scene = self.moments[-1].back(world)
            world.outside.trace.clear()
            answer = step.act(world, scene)
            assert answer is None or answer.status in step.answers, step.name
            self.traces.append(list(world.outside.trace))

    def points(self) -> Iterator[Point]:
        for step, trace in enumerate(self.traces):
            for number, effect in enumerate(trace):
                for fault in faults_of(effect):
                    yield Point(self.flow.name, step, number, fault, str(effect))

    def stands_for(self, point: Point) -> Point:
        """The one that is played for it: nobody outside the process can tell which.
        Dead before an effect is dead after the one before, and after a look is before
        it; an error instead of a look is one after it; and a function whose answer is
        lost has nothing left to do but to die or to live on."""
        trace = self.traces[point.step]
        number, fault = point.effect, point.fault
        effect = trace[number]
        if effect.kind is Kind.ANSWER and fault not in DEATHS:
            fault = Fault.ERROR_BEFORE
        if effect.kind is Kind.SECRET and fault is Fault.LATE:
            fault = Fault.ERROR_AFTER
        if is_look(effect) and fault is Fault.ERROR_AFTER:
            fault = Fault.ERROR_BEFORE
        if is_look(effect) and fault is Fault.KILLED_AFTER:
            fault = Fault.KILLED_BEFORE
        while fault is Fault.KILLED_BEFORE and number:
            number -= 1
            if not is_look(trace[number]):
                fault = Fault.KILLED_AFTER
        return Point(point.flow, point.step, number, fault, str(trace[number]))


def faults_of(effect: Effect) -> tuple[Fault, ...]:
    """A question that arrives late is one that was never asked."""
    is_order = effect.kind is Kind.PAYNET and not is_look(effect)
    return CRASHES + OVERTAKEN if is_order else CRASHES


def is_look(effect: Effect) -> bool:
    """It changes nothing outside."""
    match effect.kind:
        case Kind.DYNAMODB:
            return effect.name in READS
        case Kind.PAYNET:
            return effect.name not in PAYNET_WRITES
    return True


@dataclass
class Blow:
    """What goes wrong, and whether it did already."""

    chosen: Callable[[Effect], Fault | None] = lambda _: None
    struck: bool = False

    def __call__(self, effect: Effect) -> Fault | None:
        fault = self.chosen(effect)
        self.struck = self.struck or fault is not None
        return fault


@dataclass
class Take:
    """One play of a step that goes wrong, and of what follows."""

    rehearsal: Rehearsal
    point: Point
    findings: list[Finding] = field(default_factory=list)
    answered: bool = False
    is_over: bool = True
    blow: Blow = field(init=False)
    scene: Scene = field(init=False)
    checker: Checker = field(init=False)
    arrival: datetime | None = None

    @property
    def world(self) -> World:
        return self.rehearsal.world

    @property
    def step(self) -> Step:
        return self.rehearsal.flow.steps[self.point.step]

    def anew(self) -> Take:
        """The same play, when it is begun next."""
        return Take(self.rehearsal, self.point)

    def fail(self) -> None:
        """The step, with its fault."""
        self.scene = self.rehearsal.moments[self.point.step].back(self.world)
        self.checker = Checker(self.world)
        self.is_over = False
        self._expect(self.point)
        self.answered = self._tried(self.step.act) is not None
        self._expect(None)
        is_late = self.world.wire.on_its_way
        self.arrival = self.world.clock() + ARRIVES_AFTER if is_late else None
        self._look()

    def state(self, *, thorough: bool) -> bytes:
        """What is outside the process now, every moment to its minute, and whether its
        caller was answered: who comes next finds the same behind two points of the same
        state. Thorough: but for what the process itself still remembers."""
        world = self.world
        lives = thorough and self.point.fault not in DEATHS
        items = sorted(json.dumps(item, sort_keys=True) for item in world.items())
        paynet = pickle.loads(memory.remembered(world.paynet.books.rooms()))  # noqa: S301 - made in this line
        faults = world.paynet.faults.waiting()
        told = [
            lives,
            self.answered,
            [request.path_url for request in world.wire.on_its_way],
            self.scene,
            world.clock().isoformat(),
            items,
            paynet,
            faults,
        ]
        return hashlib.sha256(_to_the_minute(repr(told)).encode()).digest()

    def recover(self, way: Way, second: Second | None = None) -> int:
        """Everybody comes, in this order, and then the schedule goes on until nothing
        is under way any more. How many effects that had."""
        if self.is_over:
            self.fail()
        self.is_over = True
        world = self.world
        world.outside.trace.clear()
        self._expect(second)
        for actor in way:
            world.pass_time(1)
            getattr(self, f"_{actor}")()
            self._look()
        self._to_rest()
        self._expect(None)
        self._add(self.checker.at_rest())
        if "client" in way:
            self._must_mean_what_it_should()
        return len(world.outside.trace)

    # ── who may come ──

    def _client(self) -> None:
        """The step once more, unless it was answered and all is as it should be, and
        the rest of the flow."""
        is_content = self.answered and self.step.until(self.world, self.scene)
        if not is_content or self.step.is_machines:
            self._persist(self.step, self.step.again or self.step.act)
        for step in self.rehearsal.flow.steps[self.point.step + 1 :]:
            if self._tried(_happening(step)) is None:
                self._tried(_happening(step))
            self._persist(step, step.act)

    def _persist(self, step: Step, act: Act) -> None:
        """A client tries again, a schedule runs on."""
        if step.is_machines:
            self._rest(LONGER)
            return
        for wait in PATIENCE_S:
            self.world.pass_time(wait)
            answer = self._tried(act)
            if answer and step.until(self.world, self.scene):
                return
            act = step.again or step.act

    def _callback(self) -> None:
        """PAYNET tells of every payment that it took, and of every refund."""
        books = self.world.paynet.books
        for escrow in self.world.escrows():
            for attempt in escrow.attempts:
                sold = books.find(reference_no=attempt.reference_no)
                if any(row.is_sale and row.succeeded for row in sold):
                    self._tried(_webhook(attempt.reference_no))
        self._tried(_word)

    def _reconcile(self) -> None:
        self._rest(A_WHILE)

    def _to_rest(self) -> None:
        """A day and more, with its night if only the lists tell of something; and as
        long as something waits for PAYNET's word."""
        self._rest(timedelta(hours=26))
        for _ in range(NIGHTS):
            if _is_something_unknown(self.world):
                self.world.later(days=1)
                self._tried(_compare)
                self._rest(timedelta(hours=26))
        for _ in range(6):
            if not any(e.status in IN_TRANSIT for e in self.world.escrows()):
                return
            self._rest(timedelta(days=1))

    def _rest(self, within: timedelta) -> None:
        """As World.rest, but a run may die."""
        world = self.world
        end = world.clock() + within
        for _ in range(RUNS_MAX):
            due = min(filter(None, (world.next_due(), self.arrival)), default=None)
            if due is None or due > end:
                return
            if due > world.clock():
                world.clock.ahead += due - world.clock()
            self._tried(_run)
            world.pass_time(1)
        self._add([Finding(Harm.STUCK, self.scene.escrow_id, "it never rests")])

    # ── what is wrong ──

    def _tried(self, act: Act) -> Answer | bool | None:
        """The answer, if there was one that says that it is no use to try again."""
        self._let_arrive()
        was_struck = self.blow.struck
        is_spoiled = bool(self.world.paynet.faults.waiting())
        try:
            answer = act(self.world, self.scene)
        except Unanswered:
            return None
        except Exception as error:  # noqa: BLE001 - a finding, and the other points go on
            gave_up = isinstance(error, Unavailable | AssertionError)
            if self.blow.struck == was_struck or not gave_up:
                self._add([Finding(Harm.WRONG, self.scene.escrow_id, repr(error))])
            return None
        if answer is None:
            return True
        is_hurt = is_spoiled or self.blow.struck != was_struck
        if answer.status >= SERVER_ERROR and not is_hurt:
            self._add([Finding(Harm.WRONG, self.scene.escrow_id, answer.text)])
        if answer.status >= SERVER_ERROR or _is_retryable(answer):
            return None
        return answer

    def _let_arrive(self) -> None:
        """What nobody waits for any more, when its time has come."""
        if self.arrival and self.arrival <= self.world.clock():
            self.arrival = None
            self.world.wire.arrive()

    def _expect(self, blow: Point | Second | None) -> None:
        """Something goes wrong from here on, once; or nothing does."""
        self.blow = Blow(at(blow.effect, blow.fault)) if blow else Blow()
        self.world.outside.choose = self.blow

    def _look(self) -> None:
        self._add(self.checker.look())

    def _add(self, findings: list[Finding]) -> None:
        self.findings += [f for f in findings if f not in self.findings]

    def _must_mean_what_it_should(self) -> None:
        try:
            self.rehearsal.flow.means(self.world, self.scene)
        except AssertionError as error:
            what = f"not what the flow means: {error}"
            self._add([Finding(Harm.WRONG, self.scene.escrow_id, what)])


def _webhook(reference_no: str) -> Act:
    return lambda world, _: world.callback(reference_no)


def _word(world: World, _scene: Scene) -> Answer | None:
    told = world.word_of_paynet()
    return told[-1] if told else None


def _run(world: World, _scene: Scene) -> None:
    world.run_reconciler()


def _compare(world: World, _scene: Scene) -> None:
    world.run_compare()


def _is_something_unknown(world: World) -> bool:
    """PAYNET took a payment that we do not know."""
    known = {c.xact_id for escrow in world.escrows() for c in escrow.captures}
    sales = (row for row in world.paynet.books.find() if row.is_sale and row.succeeded)
    return any(row.xact_id not in known for row in sales)


def _happening(step: Step) -> Act:
    """What goes before a step; it asks nobody of ours anything."""

    def act(world: World, scene: Scene) -> None:
        step.first(world, scene)

    return act


def _is_retryable(answer: Answer) -> bool:
    return answer.status >= 400 and '"retryable": true' in answer.text


_SECONDS = re.compile(r"(T\d\d:\d\d):\d\d(\.\d+)?")
_UNIX = re.compile(r"\b(1[789]\d{8})(\.\d+)?\b")


def _to_the_minute(told: str) -> str:
    """Without the seconds of its moments."""
    rounded = _UNIX.sub(lambda found: str(int(found[1]) // 60), told)
    return _SECONDS.sub(r"\1", rounded)
