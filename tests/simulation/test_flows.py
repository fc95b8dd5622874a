"""Every flow ends as it means to, and together they are the whole system: every route,
every function, every row of the machine's table. What was reached is read from what
happened, from no list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from emanet import machine
from emanet.escrow import Escrow
from tests.rules import rules_hold
from tests.simulation.flows import FLOWS, WALKS
from tests.simulation.flows_steps import Flow, play
from tests.simulation.world import World, in_process

Row = tuple[str, str, str]
EVERY = (*FLOWS, *WALKS)
TABLE = {(r.name, str(r.source), str(r.target)) for r in machine.TRANSITIONS}

RESTS_NOT = "an escrow stays in releasing only if the run that sends it dies"
OF_A_BUG = "only a bug of ours fails eight times there; other questions only flag it"
TOGETHER = "needs a chargeback within the very run that sends"
WHOLE_ONLY = "only a refund of all of it is found done before it is sent, which closes"
REFUSED = "its guard always refuses: a review is decided instead"
OUTLASTS = "eight failures take longer than a session may last"
NOTHING_LEADS_BACK = "only giving up there leads there, and see that"
DECIDED_FIRST = "an unpaid review with a mismatch ends by a decision over it"

NOT_REACHED: dict[Row, str] = {
    **dict.fromkeys((row for row in TABLE if row[1:] == ("releasing",) * 2), RESTS_NOT),
    ("acknowledge", "review", "review"): REFUSED,
    ("confirm_refund", "held", "held"): WHOLE_ONLY,
    ("confirm_refund", "held", "split"): WHOLE_ONLY,
    ("deny_release", "releasing", "review"): TOGETHER,
    ("put_off_refund", "refunding", "review"): TOGETHER,
    ("give_up", "authenticating", "review"): OUTLASTS,
    ("give_up", "disputed", "review"): OF_A_BUG,
    ("give_up", "refunding", "review"): OF_A_BUG,
    ("give_up", "releasing", "review"): OF_A_BUG,
    ("refund_capture", "created", "created"): DECIDED_FIRST,
    ("refund_capture", "authenticating", "authenticating"): DECIDED_FIRST,
    ("resume", "review", "authenticating"): NOTHING_LEADS_BACK,
    ("resume", "review", "disputed"): NOTHING_LEADS_BACK,
}


@dataclass
class Seen:
    """What happened while all flows were played."""

    failures: dict[str, str] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    routes: set[str] = field(default_factory=set)
    rows: set[Row] = field(default_factory=set)


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    noted = Seen()
    invoke = World.invoke

    def watched(world: World, function: str, event: dict[str, Any]) -> Any:
        noted.functions.add(function)
        noted.routes.add(event.get("routeKey", ""))
        return invoke(world, function, event)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(World, "invoke", watched)
        for flow in EVERY:
            _play(flow, noted)
        yield noted


def _play(flow: Flow, noted: Seen) -> None:
    with in_process() as world:
        try:
            scene = play(world, flow.begin(world), *flow.steps)
            flow.means(world, scene)
            rules_hold(world)
        except AssertionError as error:
            noted.failures[flow.name] = str(error)
        for escrow in world.escrows():
            noted.rows |= _rows_of(escrow)


def _rows_of(escrow: Escrow) -> set[Row]:
    return {
        (entry.transition, str(entry.from_status), str(entry.to_status))
        for entry in escrow.history
        if entry.from_status is not None
    }


@pytest.mark.parametrize("flow", EVERY, ids=lambda flow: flow.name)
def test_a_flow_ends_as_it_means_to(flow: Flow, seen: Seen) -> None:
    assert seen.failures.get(flow.name) is None


def test_no_two_flows_have_one_name() -> None:
    assert len({flow.name for flow in EVERY}) == len(EVERY)


def test_every_function_of_the_template_takes_part(world: World, seen: Seen) -> None:
    assert set(world.template.functions) - seen.functions == set()


def test_every_route_of_the_template_takes_part(world: World, seen: Seen) -> None:
    assert {route.key for route in world.template.routes} - seen.routes == set()


def test_every_row_of_the_machine_is_reached_or_has_a_reason(seen: Seen) -> None:
    assert TABLE - seen.rows == NOT_REACHED.keys()


def test_whatever_is_reached_stands_in_the_table(seen: Seen) -> None:
    assert seen.rows - TABLE - {("create", "created", "created")} == set()
