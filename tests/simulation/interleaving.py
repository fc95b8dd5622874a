"""Two or three who act on one escrow at the same moment, in every order of their calls
to DynamoDB and PAYNET. Each works in a process of its own, as on Lambda, and stands
still before each call until it is its turn. The orders are found by playing: who loses
a write makes other calls than who wins it."""

from __future__ import annotations

import importlib
import importlib.util
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from types import ModuleType
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]  # it has none

from emanet import bootstrap
from tests.simulation.checker import Checker
from tests.simulation.effects import Effect, Kind
from tests.simulation.rivals import PAIRS, TRIPLES, Act, Scene
from tests.simulation.world import Snapshot, World, in_process, unheard
from tests.stage import Answer

RESTS_WITHIN = timedelta(hours=26)
REFUSALS = frozenset({"not_allowed_now", "attempt_starting", "superseded"})
_TURNS = frozenset({Kind.DYNAMODB, Kind.PAYNET})

Chooser = Callable[[Sequence[int]], int]
"""Whose turn it is, of the actors who have not ended."""


# ── a process of its own ─────────────────────────────────────────────────────


class Process:
    """What two environments of Lambda do not share: the rooms that bootstrap keeps, the
    functions' own modules, and what Powertools keeps in classes for the one request
    that a process serves. It is in place only while its actor runs."""

    def __init__(self, slugs: Iterable[str]) -> None:
        names = [f"functions.{slug}.app" for slug in slugs]
        self._modules: dict[str, Any] = {name: _loaded(name) for name in names}
        self._rooms: dict[str, Any] = {}
        self._request: dict[str, Any] = {"current_event": None, "lambda_context": None}
        self._metrics: list[dict[str, Any]] = [{}, {}, {}]

    def start_cold(self) -> None:
        rooms = vars(bootstrap).items()
        self._rooms = {
            name: cache(room.__wrapped__)
            for name, room in rooms
            if hasattr(room, "cache_clear")
        }

    @contextmanager
    def in_place(self) -> Iterator[None]:
        self._change_places()
        try:
            yield
        finally:
            self._change_places()

    def _change_places(self) -> None:
        _swap(self._modules, sys.modules)
        _swap(self._rooms, vars(bootstrap))
        for name, mine in self._request.items():
            self._request[name] = vars(BaseRouter).get(name)
            setattr(BaseRouter, name, mine)
        shared = Metrics()
        sets = (shared.metric_set, shared.dimension_set, shared.metadata_set)
        for number, theirs in enumerate(sets):
            kept, mine = dict(theirs), self._metrics[number]
            theirs.clear()
            theirs.update(mine)
            self._metrics[number] = kept


def _loaded(name: str) -> ModuleType:
    """The module once more, beside the one that everybody else imports."""
    spec = importlib.import_module(name).__spec__
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _swap(mine: MutableMapping[str, Any], theirs: MutableMapping[str, Any]) -> None:
    for name in mine:
        mine[name], theirs[name] = theirs[name], mine[name]


# ── turn after turn ──────────────────────────────────────────────────────────


class Turns:
    """The actors, each standing before its next call."""

    def __init__(
        self, world: World, acts: Sequence[Act], processes: Sequence[Process]
    ) -> None:
        self._world = world
        self._processes = processes
        self._runs = [greenlet(act) for act in acts]
        self._last: dict[Any, Effect] = {}
        self._results: list[Any] = [None] * len(acts)
        self.order = ""
        for process in processes:
            process.start_cold()

    def play(self, choose: Chooser) -> list[Any]:
        """Call after call, until all have ended; what each was answered."""
        scheduler, outside = getcurrent(), self._world.outside
        moves_the_clock = outside.pause

        def pause(effect: Effect) -> None:
            moves_the_clock(effect)
            if effect.kind in _TURNS and not self._goes_on(effect):
                scheduler.switch()

        outside.pause = pause
        try:
            while able := [n for n, run in enumerate(self._runs) if not run.dead]:
                self._take_turn(choose(able))
        finally:
            outside.pause = moves_the_clock
        return self._results

    def _goes_on(self, effect: Effect) -> bool:
        """At its first call, for which it has its turn. And the schedule looks for
        escrows and for callbacks, one right after the other: no write of anybody could
        tell these two moments apart."""
        me = getcurrent()
        before, self._last[me] = self._last.get(me), effect
        return before is None or (effect.name == "Query" and before == effect)

    def _take_turn(self, actor: int) -> None:
        """One call, and up to the next."""
        self.order += "abc"[actor]
        run = self._runs[actor]
        with self._processes[actor].in_place():
            told = run.switch()
        if run.dead:
            self._results[actor] = told


class Orders:
    """Every order that there is, one after the other: the last choice that could have
    been another becomes that one, and what follows is found out anew."""

    def __init__(self) -> None:
        self._way: list[int] = []
        self._came: list[tuple[int, Sequence[int]]] = []

    def choose(self, able: Sequence[int]) -> int:
        step = len(self._came)
        chosen = self._way[step] if step < len(self._way) else able[0]
        self._came.append((chosen, able))
        return chosen

    def has_another(self) -> bool:
        """Then that is the one to be played next."""
        came, self._came = self._came, []
        while came:
            chosen, able = came.pop()
            if chosen != able[-1]:
                another = able[able.index(chosen) + 1]
                self._way = [*(earlier for earlier, _ in came), another]
                return True
        return False


# ── one scene, order after order ─────────────────────────────────────────────


class Stand:
    """A scene in a world of its own, put back before each order."""

    def __init__(
        self, scene: Scene, world: World, processes: Sequence[Process]
    ) -> None:
        self._scene = scene
        self.world = world
        self._processes = processes
        self._acts = scene.play(world)
        self._before: Snapshot = world.snapshot()
        self._versions = {each.id: each.version for each in world.escrows()}
        self.played = 0
        self.answered: Counter[str] = Counter()
        self.wrong: list[str] = []

    def play_all(self) -> None:
        orders = Orders()
        self.play(orders.choose)
        while orders.has_another():
            self.play(orders.choose)
        never = self._scene.legal - set(self.answered)
        self.wrong += [f"wrong {self._scene.name}: never {word}" for word in never]

    def play(self, choose: Chooser) -> None:
        """One order, to the end of all that came of it."""
        self.world.go_back(self._before)
        turns, checker = (
            Turns(self.world, self._acts, self._processes),
            Checker(self.world),
        )
        found = checker.look()
        self.played += 1
        try:
            wrong = [f"wrong {it}" for it in self._judged(turns.play(choose))]
            found += checker.look()
            self.world.rest(RESTS_WITHIN)
            found += checker.at_rest()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with its order
            wrong = [f"wrong {type(error).__name__} {error}"]
        wrong += [f"{it.harm} {it.escrow_id} {it.what}" for it in found]
        where = f"{self._scene.name}, order {turns.order}"
        self.wrong += [f"{text} in {where}" for text in wrong]

    def _judged(self, results: Sequence[Any]) -> list[str]:
        answered = " ".join(map(_word, results))
        self.answered[answered] += 1
        if answered not in self._scene.legal:
            return [f"answer {answered}"]
        refused = [it for it in results if isinstance(it, Answer) and it.status == 409]
        return [
            f"state in a refusal: {refusal.text}"
            for refusal in refused
            if not self._says_what_was(refusal.body)
        ]

    def _says_what_was(self, problem: dict[str, Any]) -> bool:
        """A state in which the escrow was since all of them began."""
        told = problem["escrow"]
        escrow, version = self.world.escrow(told["escrow_id"]), told["version"]
        if not self._versions.get(escrow.id, 1) <= version <= escrow.version:
            return False
        stood = escrow.history[version - 1].to_status
        return problem["code"] in REFUSALS and told["status"] == stood


def _word(result: Any) -> str:
    if isinstance(result, Answer):
        return str(result.status)
    failures = result["failures"]
    return f"failed: {failures}" if failures else "ran"


@contextmanager
def standing(scene: Scene) -> Iterator[Stand]:
    """The scene, in its own world."""
    with in_process() as world:
        slugs = {function.slug for function in world.template.functions.values()}
        processes = [Process(sorted(slugs)) for _ in "abc"]
        yield Stand(scene, world, processes)


# ── all scenes ───────────────────────────────────────────────────────────────


def run(
    part: int, parts: int, triples: int, seed: int
) -> tuple[dict[str, int], list[str]]:
    """This worker's share: every order of its pairs, and of each three as many as the
    seed draws. Counts, and what went wrong, with the order that shows it."""
    counts = Counter(lost=0, double=0, stuck=0, wrong=0)
    wrong: list[str] = []
    with unheard():
        for scene in PAIRS[part::parts]:
            with standing(scene) as stand:
                stand.play_all()
                counts.update(pairs=1, orders=stand.played, of=stand.played)
                counts.update(answers=len(stand.answered))
                wrong += stand.wrong
        for number, scene in enumerate(TRIPLES):
            with standing(scene) as stand:
                for each in range(number, triples, len(TRIPLES)):
                    if each // len(TRIPLES) % parts == part:
                        chance = random.Random(f"{seed} {each}")  # noqa: S311 - can be played again
                        stand.play(chance.choice)
                counts.update(triples=stand.played)
                wrong += stand.wrong
    counts.update(text.split()[0] for text in wrong)
    return dict(counts), wrong
