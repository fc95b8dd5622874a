"""The model in volume: one seed, thousands of steps, each compared; the cell of status,
command and role that was tried least comes next, so that every illegal pair is tried
as well. `python -m tests.simulation.model_run SEED STEPS` prints what was covered."""

from __future__ import annotations

import logging
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tests.simulation.commands import (
    ACTS,
    FAULTS,
    HAPPENINGS,
    ROLES,
    Cells,
    Differs,
    Play,
    can,
)
from tests.simulation.reference import CLOSED
from tests.simulation.reference_paying import Command
from tests.simulation.reference_rules import RULES
from tests.simulation.world import World, in_process

WorldFactory = Callable[[int], AbstractContextManager[World]]

STORY_STEPS = 60
STEPS_AFTER_THE_END = 12
PROBES = 0.8, 0.25  # of the steps in a status with an untried cell, and without
LEADS_ON = ("ok", "down")
POLICIES = ("", "", "strict")
STATUSES = (
    *("created", "authenticating", "charging", "held", "disputed", "refunding"),
    *("review", *CLOSED),
)


_PAYS = (Command("pay", "payer", "good"), Command("come_back", "", "latest"))
_BACK = (*_PAYS, Command("refund", "operations", "all"))
_LOST = (*_BACK, Command("reconcile", "", "auto", "before"), Command("wait", "", "4d"))
_PARTS = (
    *(*_PAYS, Command("release", "payer", "part"), Command("refund", "payee", "all")),
    *(Command("wait", "", "1d"), Command("reconcile", "", "auto")),
)
_WARES = (*_PAYS, Command("ship", "payee", "1"), Command("dispute", "payer", "same"))
_ODD = (Command("pay", "payer", "mismatch"), Command("come_back", "", "latest"))
_LATE = Command("wait", "", "4d"), Command("reconcile", "", "auto")
_NO_CHARGE = Command("come_back", "", "latest", "before")
_SOON = Command("wait", "", "2m")
_FORGOTTEN = (
    *(_PAYS[0], _NO_CHARGE, Command("wait", "", "16m")),
    Command("reconcile", "", "auto"),
)
ROADS: tuple[tuple[Command, ...], ...] = (
    (),
    _PAYS[:1],
    (_PAYS[0], Command("come_back", "", "latest", "lost")),
    _PAYS,
    _WARES,
    (*_BACK, Command("reconcile", "", "manual")),
    _ODD,
    (*_PAYS, Command("open_chargeback", "operations")),
    (*_LOST, Command("reconcile", "", "auto")),
    (*_PAYS, Command("release", "payer", "all")),
    (*_BACK, Command("reconcile", "", "auto")),
    _PARTS,
    (Command("cancel", "payer", "payer"),),
    _LATE,
    _PAYS[:1] * 5,  # no sixth attempt within ten minutes
    (_PAYS[0], _NO_CHARGE, *(_SOON, _NO_CHARGE) * 3, _SOON),
    (*_FORGOTTEN, Command("late", "", "latest"), Command("wait", "", "5h")),
)  # to every status, and to the bounds


@dataclass
class Counts:
    """How often each cell was tried, and how it was answered."""

    cells: Cells = field(default_factory=Counter)
    faults: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    stories: int = 0

    @property
    def steps(self) -> int:
        return self.cells.total()

    def table(self) -> Iterator[str]:
        """A line for each status and command: by role, accepted/refused."""
        for status in STATUSES:
            for verb in RULES:
                told = [f"{role} {self._told(status, verb, role)}" for role in ROLES]
                yield f"{status:15}{verb:20}" + "  ".join(told)

    def _told(self, status: str, verb: str, role: str) -> str:
        cell = {a: n for (*c, a), n in self.cells.items() if c == [status, verb, role]}
        yes = sum(n for answer, n in cell.items() if answer in {"ok", "same", "down"})
        return f"{yes}/{sum(cell.values()) - yes}"

    def unreached(self) -> list[str]:
        """Cells that no step tried."""
        tried = {(status, verb, role) for status, verb, role, _ in self.cells}
        return [
            f"{status} × {verb} × {role}"
            for status in STATUSES
            for verb in RULES
            for role in ROLES
            if (status, verb, role) not in tried
        ]

    def faults_table(self) -> Iterator[str]:
        """A line for each command and what went wrong: from where, how often."""
        for verb, fault in sorted({(verb, fault) for _, verb, fault in self.faults}):
            told = [f"{s} {self.faults[s, verb, fault]}" for s in STATUSES]
            yield f"{verb:15}{fault:20}" + "  ".join(told)

    def faults_unreached(self) -> list[str]:
        tried = {(verb, fault) for _, verb, fault in self.faults}
        offered = {(c.verb, c.fault) for c in (*ACTS, *HAPPENINGS) if c.fault in FAULTS}
        return [f"{verb} × {fault}" for verb, fault in sorted(offered - tried)]

    def told(self) -> dict[str, int]:
        """Steps, and the cells of status × command × role, and of transition × fault,
        that they reached."""
        every = len(STATUSES) * len(RULES) * len(ROLES)
        unlike = {"ok", "same"}
        return {
            "steps": self.steps,
            "stories": self.stories,
            "refused": sum(n for (*_, a), n in self.cells.items() if a not in unlike),
            "cells": every - len(self.unreached()),
            "transitions_x_faults": len(self.faults),
        }


def every_pair(world: World, counts: Counts) -> None:
    """Each act by each role in each status, and whatever may happen there, from the
    same place each time. Raises Differs."""
    beginning = world.snapshot()
    for road in ROADS:
        play = Play(world, "", counts.cells, counts.faults)
        for command in road:
            play.step(command)
        place = world.snapshot()
        for act in (*ACTS, *HAPPENINGS):
            if can(play.model, act):
                try:
                    play.copied().step(act)
                except Differs as differs:
                    raise Differs(f"{[*road, act]}: {differs}") from None
                world.go_back(place)
        world.go_back(beginning)


def model_steps(
    world_factory: WorldFactory, seed: int, steps: int, counts: Counts | None = None
) -> Counts:
    """Raises Differs, with the seed, the step and the shortest list of commands that
    still differs. `counts` is what was tried before."""
    chance = random.Random(seed)  # noqa: S311 - to be played again
    counts = counts or Counts()
    with world_factory(seed) as world:
        beginning = world.snapshot()
        while counts.steps < steps:
            world.go_back(beginning)
            counts.stories += 1
            policy, done = chance.choice(POLICIES), list[Command]()
            try:
                _story(Play(world, policy, counts.cells, counts.faults), chance, done)
            except Differs as differs:
                at = f"seed {seed}, step {counts.steps}: {differs}"
                world.go_back(beginning)
                raise Differs("\n".join([at, *_told(world, policy, done)])) from None
    return counts


def _story(play: Play, chance: random.Random, done: list[Command]) -> None:
    """One escrow's; `done` is what was tried, the last of it maybe in vain."""
    after = 0
    while len(done) < STORY_STEPS and after <= STEPS_AFTER_THE_END:
        done.append(_picked(play, chance))
        play.step(done[-1])
        after += play.model.status in CLOSED


def _picked(play: Play, chance: random.Random) -> Command:
    """The cell that was tried least in this status, or what leads on."""
    model, now = play.model, play.world.clock()
    acts = [act for act in ACTS if can(model, act)]
    seen = _seen(play)
    least = min(seen[act.verb, act.role] for act in acts)
    if chance.random() < PROBES[least > 0]:
        return chance.choice([a for a in acts if seen[a.verb, a.role] == least])
    if chance.random() < 0.5:
        good = [act for act in acts if model.answer(act, now) in LEADS_ON]
        verbs = sorted({act.verb for act in good})
        if verbs:
            verb = chance.choice(verbs)
            return chance.choice([act for act in good if act.verb == verb])
    return chance.choice([it for it in HAPPENINGS if can(model, it)])


def _seen(play: Play) -> Counter[tuple[str, str]]:
    seen: Counter[tuple[str, str]] = Counter()
    for (status, verb, role, _), times in play.cells.items():
        if status == play.model.status:
            seen[verb, role] += times
    return seen


# ── the shortest list that still differs ─────────────────────────────────────


def _told(world: World, policy: str, done: Sequence[Command]) -> Iterator[str]:
    yield f"policy {policy or 'usual'}, the shortest list that still differs:"
    for command in _shortest(world, policy, list(done)):
        yield f"  {command}"


def _shortest(world: World, policy: str, done: list[Command]) -> list[Command]:
    """Whatever can be left out is left out, the largest pieces first."""
    size = len(done) // 2
    while size:
        start = 0
        while start < len(done):
            less = done[:start] + done[start + size :]
            if differs(world, policy, less):
                done = less
            else:
                start += size
        size //= 2
    return done


def differs(world: World, policy: str, commands: Sequence[Command]) -> str:
    """How, in words; empty: not at all. The world goes back afterwards."""
    beginning = world.snapshot()
    try:
        play = Play(world, policy)
        for command in commands:
            if can(play.model, command):
                play.step(command)
    except Differs as difference:
        return str(difference)
    finally:
        world.go_back(beginning)
    return ""


def main() -> None:
    seed, steps = map(int, sys.argv[1:3])
    logging.disable(logging.CRITICAL)  # thousands of steps log more than anybody reads
    made = Counts()
    with in_process(seed) as first:
        every_pair(first, made)
    model_steps(in_process, seed, steps, made)
    told = [*made.table(), *made.faults_table(), "never reached:"]
    told += [*made.unreached(), *made.faults_unreached(), str(made.told()), ""]
    sys.stdout.write("\n".join(told))


if __name__ == "__main__":
    main()
