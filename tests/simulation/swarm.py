"""Twenty escrows, six actors and forty days in which nothing is reliable: answers are
lost, requests and callbacks come twice, late and in another order, PAYNET and the
secret store are away, functions die, clocks differ, the schedule stands still. Then all
of that ends, and everything must come to its end or to a human within a day."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from emanet.due import due_at
from emanet.errors import Unavailable
from emanet.escrow import CLOSED, Escrow, Status
from local.paynet_simulator.refunds import RefundState
from tests.simulation.actors import PEOPLE, Actors
from tests.simulation.actors_mail import Habits
from tests.simulation.checker import Checker, Finding
from tests.simulation.effects import DEATHS, OVERTAKEN, Effect, Fault, Kind
from tests.simulation.world import Unanswered, World, in_process, unheard

REST = timedelta(days=60)  # no deadline of these policies is further away
RUNS_MAX = 2_000
A_DAY = timedelta(days=1)
WEEK = 7  # nights, with a Sunday among them: PAYNET's lists are compared far back
BORN_WITHIN = 0.85  # of all days
NEW = 3  # so many steps with an order are mostly about paying it
AT_NIGHT = 0.75  # of a day that begins at noon
NEW_PROCESS = 0.2  # so often a request meets one that was just started
ANYTHING = ("paynet", "paynet", "paynet", "cards", "desk", "desk", "again")
ROLES = (
    ("payer",) * 8 + ("backend", "carrier", "operations"),
    (*PEOPLE, "payer", "payee", "payee", "operations", "operations"),
)
ARRIVES_WITHIN_MIN = 25  # whatever its caller gave up waiting for
UNDER_WAY = frozenset({Status.AUTHENTICATING, Status.CHARGING, Status.RELEASING})


@dataclass(frozen=True)
class Extent:
    """How much happens: `steps` of people with one order, more or less; `anytime`
    steps of PAYNET, and of people with no order in particular."""

    days: int = 40
    escrows: int = 20
    steps: int = 3
    anytime: int = 10


USUAL = Extent()

Coverage = Counter[tuple[str, str]]
"""How often a transition was written by a call that this kind of fault struck."""


@dataclass
class Weather:
    """What goes wrong with each effect, at rates and in stretches of time drawn once.
    Rates are of effects; those of answers are higher, because that is how networks
    are."""

    world: World
    chance: random.Random
    days: int
    is_over: bool = False
    struck: list[Fault] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        draw, lost = self.chance.uniform, self.chance.uniform(0, 0.3)
        killed = {f: draw(0, 0.008) for f in (Fault.KILLED_BEFORE, Fault.KILLED_AFTER)}
        late = {Fault.LATE: lost / 2, Fault.ERROR_AFTER: lost / 2}
        few = {fault: draw(0, 0.01) for fault in (*late, Fault.ERROR_BEFORE)}
        busy = {Fault.THROTTLED: draw(0, 0.03), Fault.CONFLICT: draw(0, 0.01)}
        self._rates = {
            Kind.DYNAMODB: killed | few | busy,
            Kind.PAYNET: killed
            | late
            | {Fault.ERROR_BEFORE: draw(0, 0.1)}
            | {Fault.REQUEST_LATE: draw(0, 0.1), Fault.KILLED_SENDING: draw(0, 0.008)},
            Kind.SECRET: killed | {Fault.ERROR_BEFORE: draw(0, 0.05)},
            Kind.ANSWER: {Fault.LATE: draw(0, 0.3), Fault.KILLED_AFTER: draw(0, 0.01)},
        }
        self._hits = (0, 0)
        self._away = {
            Kind.PAYNET: [*self._stretches(5, hours=30)],
            Kind.SECRET: [*self._stretches(4, hours=3)],
            Kind.ANSWER: [*self._stretches(4, hours=12)],
        }

    def _stretches(
        self, most: int, hours: float
    ) -> Iterator[tuple[datetime, datetime]]:
        for _ in range(self.chance.randint(1, most)):
            start = self.world.clock() + timedelta(
                days=self.chance.uniform(0, self.days)
            )
            yield start, start + timedelta(hours=self.chance.uniform(0, hours))

    def back_at(self, kind: Kind, moment: datetime) -> datetime | None:
        """The end of the stretch in which it is away then. ANSWER is the schedule's."""
        ends = [end for start, end in self._away[kind] if start <= moment < end]
        return max(ends, default=None)

    def lag(self) -> timedelta:
        """Of the next run behind what is due."""
        return timedelta(minutes=0 if self.is_over else self.chance.expovariate(1 / 10))

    def end(self) -> None:
        self.is_over = True
        self._away = {kind: [] for kind in self._away}

    def hit(self) -> bool:
        """Whether a fault struck since this was asked last."""
        hits = len(self.struck), len(self.world.paynet.faults.waiting())
        before, self._hits = self._hits, hits
        return hits != before

    def choose(self, effect: Effect) -> Fault | None:
        if self.is_over:
            return None
        fault = self._drawn(effect.kind)
        if effect.kind in {Kind.PAYNET, Kind.SECRET} and self.back_at(
            effect.kind, self.world.clock()
        ):
            fault = Fault.ERROR_BEFORE
        if fault is not None:
            self.struck.append(fault)
            self.counts[str(fault).replace(" ", "_")] += 1
            self.counts["kills"] += fault in DEATHS
        return fault

    def _drawn(self, kind: Kind) -> Fault | None:
        point = self.chance.random()
        for fault, rate in self._rates[kind].items():
            point -= rate
            if point < 0:
                return fault
        return None


@dataclass
class Story:
    """One seed's forty days, and the days after. `wrong` is what the checker and the
    actors found, each once."""

    world: World
    chance: random.Random
    extent: Extent
    coverage: Coverage = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, None] = field(default_factory=dict)
    _lag: timedelta = timedelta()

    def __post_init__(self) -> None:
        self._begin = self.world.clock()
        self._weather = Weather(self.world, self.chance, self.extent.days)
        habits = Habits.drawn(self.chance)
        self._actors = Actors(self.world, self.chance, habits, self._weather.hit)
        self._checker = Checker(self.world)

    def play(self) -> None:
        try:
            self._play()
        except Exception as error:  # noqa: BLE001 - a story that breaks is told with its seed
            self.wrong[f"wrong {type(error).__name__} {error}"] = None
        self.counts += self._weather.counts + self._actors.counts
        self.counts["effects"] = len(self.world.outside.trace)

    def _play(self) -> None:
        self._set_up()
        for moment, act, number in self._plan():
            self._until(moment)
            self._step(act, number)
        self._until(self._on_day(self.extent.days))
        self._come_to_an_end()

    def _set_up(self) -> None:
        """PAYNET as this seed's documentation has it, and its clock beside ours."""
        settings, chance = self.world.paynet.settings, self.chance
        skew_s = chance.uniform(-180, 180)
        habits: dict[str, Any] = {
            "refunds": self._actors.habits.refunds,
            "refund_callback_xact_id": chance.choice(("sale", "reversal")),
            "list_order": chance.choice(("oldest_first", "newest_first")),
            "reversal_list_rows": chance.choice(("executed", "requested")),
            "date_style": chance.choice(("iso", "turkish")),
            "clock_offset_s": skew_s,
        }
        settings.change(habits)
        self.world.deploy(**self._actors.habits.deployment)
        self.world.outside.choose = self._weather.choose

    # ── forty days ──

    def _plan(self) -> list[tuple[datetime, str, int]]:
        """What is done when, and about which order: much when it is new, less and less
        after; and a comparison in most nights."""
        days, steps, chance = self.extent.days, self.extent.steps, self.chance
        nights = range(0, days, chance.randint(1, 3))
        plan = [(self._on_day(night + AT_NIGHT), "compare", 0) for night in nights]
        for _ in range(self.extent.anytime):
            at = self._on_day(chance.uniform(0, days))
            plan.append((at, chance.choice(ANYTHING), 0))
        for number in range(self.extent.escrows):
            at = self._on_day(chance.triangular(0, days * BORN_WITHIN, 0))
            plan.append((at, "create", number))
            for step in range(chance.randint(steps // 2, steps * 3 // 2)):
                at += timedelta(hours=chance.expovariate(2 / (1 + step)))
                plan.append((at, chance.choice(ROLES[step > NEW]), number))
        end = self._on_day(days)
        return sorted(each for each in plan if each[0] < end)

    def _on_day(self, day: float) -> datetime:
        return self._begin + day * A_DAY

    def _step(self, act: str, number: int) -> None:
        if self.chance.random() < NEW_PROCESS:
            self.world.start_cold()
        with self._watched():
            match act:
                case "create":
                    self._actors.create(number)
                case "paynet":
                    self._actors.paynet_acts()
                case "cards":
                    self._actors.delete_a_card()
                case "again":
                    self._actors.begin_again()
                case "desk":
                    self._actors.tidy_up()
                case "compare":
                    self._run(self.world.run_compare)
                case role:
                    self._actors.act(role, number)

    def _until(self, moment: datetime) -> None:
        """What arrives and what is due until then, in the order of time."""
        while True:
            letter, due = self._actors.next_letter(), self._next_run()
            at = min(filter(None, (letter, due)), default=None)
            if at is None or at > moment:
                break
            self._jump(at)
            with self._watched():
                if at == letter:
                    self._actors.deliver_one()
                else:
                    self._run(self.world.run_reconciler)
                    self._lag = self._weather.lag()
        self._jump(moment)

    def _next_run(self) -> datetime | None:
        """The schedule comes late, or stands still."""
        due = self.world.next_due()
        if due is None:
            return None
        comes = max(due + self._lag, self.world.clock())
        return self._weather.back_at(Kind.ANSWER, comes) or comes

    def _jump(self, moment: datetime) -> None:
        ahead = moment - self.world.clock()
        self.world.clock.ahead += max(ahead, timedelta())

    def _run(self, machine: Callable[[], object]) -> None:
        try:
            machine()
        except (Unanswered, Unavailable):
            self.counts["failed_runs"] += 1

    # ── after every step ──

    @contextmanager
    def _watched(self) -> Iterator[None]:
        calls = self.world.books.calls = []
        struck = len(self._weather.struck)
        yield
        self.world.books.calls = None
        faults = {str(fault) for fault in self._weather.struck[struck:]}
        written = {word for call in calls if (word := _transition(*call))}
        self.coverage.update(product(sorted(written), sorted(faults)))
        self.counts["steps"] += 1
        if faults & {str(fault) for fault in OVERTAKEN}:
            after = timedelta(minutes=self.chance.uniform(0, ARRIVES_WITHIN_MIN))
            self._actors.later(self.world.wire.arrive, after)
        self._actors.tell_of_refunds()
        self._note(self._checker.look())

    def _note(self, found: Iterable[Finding]) -> None:
        for it in found:
            self.wrong[f"{it.harm} {it.escrow_id} {it.what}"] = None
        self.wrong |= dict.fromkeys(self._actors.wrong)

    # ── and then ──

    def _come_to_an_end(self) -> None:
        """Within a day nothing is under way; and when the last deadline is over, all of
        it has ended, or waits for a human."""
        self._weather.end()
        self._lag = timedelta()
        self._actors.calm_down()
        self._nights(1)
        for escrow in self.world.escrows():
            if not self._has_settled_down(escrow):
                self._stuck(escrow, "a day after the last fault")
        self._nights(WEEK)
        self.world.rest(REST, RUNS_MAX)
        for escrow in self.world.escrows():
            if escrow.status not in CLOSED and not escrow.queue_reason:
                self._stuck(escrow, "after its last deadline")
        self._note(self._checker.at_rest())

    def _nights(self, count: int) -> None:
        for _ in range(count):
            self._until(self.world.clock() + A_DAY)
            with self._watched():
                self._run(self.world.run_compare)

    def _has_settled_down(self, escrow: Escrow) -> bool:
        """At an end, with a human, or waiting for a moment that a policy gave it."""
        if escrow.status in CLOSED or escrow.queue_reason:
            return True
        if escrow.status is Status.REFUNDING:
            return self._is_never_decided(escrow)
        due = due_at(escrow)
        waits = due is not None and due > self.world.clock()
        return waits and escrow.status not in UNDER_WAY

    def _is_never_decided(self, escrow: Escrow) -> bool:
        """PAYNET keeps silent about what it accepted, until our patience ends."""
        return any(
            refund.state is RefundState.OPEN and f"/{escrow.id}/" in refund.succeed_url
            for refund in self.world.paynet.books.refunds()
        )

    def _stuck(self, escrow: Escrow, when: str) -> None:
        self.wrong[f"stuck {escrow.id} is {escrow.status} {when}"] = None


def _transition(operation: str, asked: dict[str, Any], answer: dict[str, Any]) -> str:
    """What this write brought into an escrow's history."""
    history = asked.get("Item", {}).get("history")
    if operation != "PutItem" or history is None or "__type" in answer:
        return ""
    return str(history["L"][-1]["M"]["transition"]["S"])


def tell(seed: int, extent: Extent = USUAL) -> Story:
    """That seed's story, from its beginning to its end."""
    with in_process(seed) as world, unheard():
        chance = random.Random(seed)  # noqa: S311 - a story that can be told again
        story = Story(world, chance, extent)
        story.play()
        return story


def run(
    seeds: Iterable[int], coverage: Coverage | None = None, extent: Extent = USUAL
) -> tuple[dict[str, int], list[str]]:
    """Counts, and what went wrong, each with its seed in front. `coverage` is added
    to."""
    counts = Counter(lost=0, double=0, stuck=0, wrong=0)
    wrong: list[str] = []
    for seed in seeds:
        story = tell(seed, extent)
        counts.update(story.counts, seeds=1)
        counts.update(text.split()[0] for text in story.wrong)
        wrong += [f"seed {seed}: {text}" for text in story.wrong]
        if coverage is not None:
            coverage.update(story.coverage)
    return dict(counts), wrong
