"""What is mutated, and which tests are asked first. Of the first three parts nothing
may live; of the rest, only what `reasons.toml` explains."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.mutation.anew import Tests
from tests.mutation.conditions import condition_mutants
from tests.mutation.operators import LOGIC
from tests.mutation.places import Mutant, Place
from tests.mutation.rows import row_mutants, table_of
from tests.mutation.walk import generic

STRICT = {"conditions", "guards", "gate"}  # not one may live
ALL = ("tests/unit",)
# Of the table of DynamoDB: what writes under a condition, and what a lost one means.
WRITES = {
    *("create", "save", "lease", "set_aside", "postpone", "keep_plan", "keep_owner"),
    *("keep", "finish", "decide", "_put", "_read"),
    *("_lost", "_losing_is_fine", "_wrote"),
}
# Of the machine: made into rows, which are mutated one by one.
MADE_INTO_ROWS = {
    *("_resuming", "_thawing", "_OPEN_PAID", "_CLOSED_PAID", "_CLOSED", "_EVERY"),
    "_NOT_CHARGING",
}


@dataclass(frozen=True)
class Target:
    """One module, the mutants of it, and its tests."""

    part: str
    module: str
    mutants: Callable[[Place], Iterable[Mutant]]
    tests: Tests


def _unit(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/unit/test_{name}.py" for name in names)


def _whole(place: Place) -> Iterator[Mutant]:
    return generic(place, place.tree.body)


def _writes(place: Place) -> Iterator[Mutant]:
    """The conditions, and what is decided around them. Not the requests' other parts:
    DynamoDB would refuse a request without one, and say nothing about our tests."""
    yield from condition_mutants(place)
    functions = (n for n in ast.walk(place.tree) if isinstance(n, ast.FunctionDef))
    writes = [function for function in functions if function.name in WRITES]
    yield from generic(place, writes, LOGIC)


def _machine(place: Place) -> Iterator[Mutant]:
    """All but the table, and the functions and words of which it is made."""
    rest = [n for n in place.tree.body if n is not table_of(place)]
    return generic(place, [n for n in rest if place.where(n) not in MADE_INTO_ROWS])


TARGETS = (
    Target(
        "conditions", "emanet.dynamodb.table", _writes, (_unit("store_conditions"),)
    ),
    Target("guards", "emanet.machine", row_mutants, (_unit("transitions"), ALL)),
    Target(
        "guards",
        "emanet.guards",
        _whole,
        (
            _unit("guards_edges", "guards_review_edges", "guards"),
            _unit("actions", "stories"),
            ALL,
        ),
    ),
    Target(
        "gate",
        "emanet.webhook_gate",
        _whole,
        (_unit("webhook_gate", "webhook_gate_edges"),),
    ),
    Target(
        "the rest",
        "emanet.machine",
        _machine,
        (_unit("machine_edges", "actions", "machine"), ALL),
    ),
    Target("the rest", "emanet.money", _whole, (_unit("money"), ALL)),
    Target("the rest", "emanet.policy", _whole, (_unit("policy_periods"), ALL)),
    Target(
        "the rest",
        "emanet.paynet.messages",
        _whole,
        (_unit("paynet_messages_edges", "paynet_messages"), ALL),
    ),
)
