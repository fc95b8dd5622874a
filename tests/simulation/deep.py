"""What `make simulate` plays, each as one worker's part of the whole: the same runs
that the tests play briefly, with more of everything. `until` is a moment of
`time.monotonic`; only pairs of crashes, of which there are always more, look at it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from tests.security import fuzz_judge, hostile_returns, leak_scan
from tests.security.webhook_forgeries import (
    mutated_through_the_gate,
    mutated_through_the_handler,
)
from tests.simulation import crash_points, interleaving, planted, swarm
from tests.simulation.model_run import model_steps
from tests.simulation.world import in_process

Counts = dict[str, int]
Job = Callable[[int, int, float], tuple[Counts, list[str]]]

CRASH_WAYS = 9  # all of them, for each different state
SWARM_SEEDS = 500
MODEL_STEPS = 100_000
TRIPLES = 2_000
GATE_MESSAGES = 1_000_000
HANDLER_MESSAGES = 10_000
FUZZ_ROUNDS = 200
LEAK_FAULTS = 5  # in each flow
PAIRS = 10**9  # as many as the time allows
PAIRS_AT_LEAST_S = 60


def every_crash_point(part: int, parts: int, _until: float) -> Any:
    return crash_points.run(part, parts, CRASH_WAYS)


def pairs(part: int, parts: int, until: float) -> Any:
    until = max(until, time.monotonic() + PAIRS_AT_LEAST_S)
    return crash_points.pairs(part, parts, 1, PAIRS, until)


def interleavings(part: int, parts: int, _until: float) -> Any:
    return interleaving.run(part, parts, TRIPLES, 1)


def swarms(part: int, parts: int, _until: float) -> Any:
    seeds = range(1_000 + part, 1_000 + SWARM_SEEDS, parts)
    return swarm.run(seeds)


def model(part: int, parts: int, _until: float) -> tuple[Counts, list[str]]:
    made = model_steps(in_process, 1_000 + part, MODEL_STEPS // parts)
    return {"steps": made.steps, "stories": made.stories, "wrong": 0}, []


def planted_bugs(part: int, _parts: int, _until: float) -> Any:
    return planted.run() if part == 0 else ({}, [])


def forgeries(part: int, parts: int, _until: float) -> tuple[Counts, list[str]]:
    gate = mutated_through_the_gate(1_000 + part, GATE_MESSAGES // parts)
    with in_process(part) as world:
        whole = mutated_through_the_handler(
            world, 1_000 + part, HANDLER_MESSAGES // parts
        )
    told = {"through_the_gate": gate["messages"], "through_it_all": whole["messages"]}
    return {**told, "forgeries": gate["forgeries"] + whole["forgeries"]}, []


def odd_input(part: int, parts: int, _until: float) -> Any:
    return fuzz_judge.run(part, parts, FUZZ_ROUNDS, 1_000 + part)


def return_urls(part: int, parts: int, _until: float) -> Any:
    return hostile_returns.run(part, parts)


def leaks(part: int, parts: int, _until: float) -> Any:
    return leak_scan.run(part, parts, LEAK_FAULTS, 1_000 + part)


BY_THE_CLOCK = frozenset({"pairs of crashes"})
JOBS: dict[str, Job] = {
    "planted bugs": planted_bugs,
    "webhook forgeries": forgeries,
    "input fuzz": odd_input,
    "return url": return_urls,
    "leak scan": leaks,
    "interleavings": interleavings,
    "model": model,
    "crash points": every_crash_point,
    "swarm": swarms,
    "pairs of crashes": pairs,
}


def run(name: str, part: int, parts: int, until: float) -> tuple[Counts, list[str]]:
    """One part of one of them, in a worker."""
    return JOBS[name](part, parts, until)


def in_silence() -> None:
    """In a worker: what the functions print there is nobody's."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
