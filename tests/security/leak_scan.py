"""Plays the flows of the simulation with canaries and open ears, as they go and with
something going wrong at sampled effects."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.security.leaks import ANSWER, TABLE, TRAFFIC, Ears, listening
from tests.simulation.crash_plays import Point, Rehearsal, Take
from tests.simulation.flows import FLOWS
from tests.simulation.flows_steps import Flow
from tests.simulation.world import in_process

WAY = ("client", "callback", "reconcile")
PAYNETS_PATHS = (
    *("/v2/transaction/tds_initial", "/v2/transaction/tds_charge"),
    *("/v1/transaction/check", "/v1/transaction/detail"),
    *("/v1/transaction/reversed_request", "/v1/transaction/reversal_list"),
)
PAYNETS_TEXTS = (
    *("message", "paynet_error_message", "bank_error_message", "card_holder"),
    *("bank_error_short_desc", "bank_error_long_desc", "card_no", "pan"),
)


def scanned(
    flow: Flow, faults: int, seed_of: int, echo: str = ""
) -> tuple[int, int, list[str]]:
    """Texts heard, faults played, leaks. `echo`: what PAYNET says in every answer."""
    ears, chance = Ears(), random.Random(f"{seed_of}/{flow.name}")  # noqa: S311 - to be played again
    with in_process() as world, listening(world, ears):
        if echo:
            said = dict.fromkeys(PAYNETS_TEXTS, echo)
            for path in PAYNETS_PATHS:
                world.paynet.faults.add("rewrite", path, fields=said, times=None)
        rehearsal = Rehearsal(flow, world)
        rehearsal.play()
        points = list(rehearsal.points())
        struck = chance.sample(points, min(faults, len(points)))
        for point in struck:
            _with_a_fault(rehearsal, point)
    assert {ANSWER, TABLE, TRAFFIC} <= set(ears.heard), flow.name
    return ears.texts, len(struck), [f"{flow.name}: {leak}" for leak in ears.leaks()]


def _with_a_fault(rehearsal: Rehearsal, point: Point) -> None:
    """What becomes of the money is judged elsewhere."""
    take = Take(rehearsal, point)
    take.fail()
    take.recover(WAY)


def scan(
    flows: Sequence[Flow], faults: int, seed_of: int = 0, echo: str = ""
) -> tuple[dict[str, int], list[str]]:
    """Each flow with so many faults."""
    counts = {"texts": 0, "canaries": 0, "flows": 0, "faults": 0}
    findings: list[str] = []
    for flow in flows:
        texts, struck, leaks = scanned(flow, faults, seed_of, echo)
        findings += leaks
        counts["texts"] += texts
        counts["flows"] += 1
        counts["faults"] += struck
    return counts | {"canaries": len(findings)}, findings


def run(
    part: int = 0, parts: int = 1, faults_each: int = 40, seed_of: int = 0
) -> tuple[dict[str, int], list[str]]:
    """The deep variant: this worker plays every `parts`-th flow."""
    return scan(FLOWS[part::parts], faults_each, seed_of)
