"""What may be wrong with the machine's table: a guard forgotten, a role too many or too
few, a way too many or too few. The table is read as it is, so that a new row is judged
from the day it is written."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.mutation.places import Mutant, Place

if TYPE_CHECKING:
    from emanet.machine import Transition


def row_mutants(place: Place) -> Iterator[Mutant]:
    machine = vars(importlib.import_module("emanet.machine"))
    for call in _calls(place):
        code = ast.unparse(call)
        rows: list[Transition] = list(eval(code, dict(machine)))  # noqa: S307 (our own)
        for told, new in (
            *_without_guard(code, rows),
            *_without_way(code, rows),
            *_other_roles(code, rows, machine),
            *_more_ways(code, rows, machine),
        ):
            yield place.mutant(call, new, told)


def table_of(place: Place) -> ast.stmt:
    """The statement that is the table; other operators leave it alone."""
    return next(
        node
        for node in place.tree.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "TRANSITIONS"
    )


def _calls(place: Place) -> list[ast.expr]:
    """What makes the rows: each entry of the table as it is written."""
    loops = (n for n in ast.walk(table_of(place)) if isinstance(n, ast.comprehension))
    return next(loop.iter.elts for loop in loops if isinstance(loop.iter, ast.Tuple))


def _way(row: Transition) -> str:
    return f"(Status.{row.source.name}, Status.{row.target.name})"


def _shown(row: Transition) -> str:
    return f"{row.name}, {row.source} → {row.target}"


def _without_guard(code: str, rows: list[Transition]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if row.guard.__name__ != "always":
            here = f"(row.source, row.target) == {_way(row)}"
            changed = f"replace(row, guard=always) if {here} else row"
            yield f"{_shown(row)}: no guard", f"({changed} for row in {code})"


def _without_way(code: str, rows: list[Transition]) -> Iterator[tuple[str, str]]:
    for row in rows:
        others = f"(row.source, row.target) != {_way(row)}"
        yield f"{_shown(row)}: gone", f"(row for row in {code} if {others})"


def _other_roles(
    code: str, rows: list[Transition], machine: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    for role in machine["Role"]:
        sign, word = ("-", "without") if role in rows[0].by else ("|", "also by")
        by = f"row.by {sign} {{Role.{role.name}}}"
        yield (
            f"{rows[0].name} from {rows[0].source}: {word} {role}",
            f"(replace(row, by={by}) for row in {code})",
        )


def _more_ways(
    code: str, rows: list[Transition], machine: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """From a status where it is illegal, to where it leads or, if it stays, to
    itself."""
    first = rows[0]
    for status in machine["Status"]:
        target = status if first.source is first.target else first.target
        if (first.name, status, target) not in machine["_BY_WAY"]:
            to = f"source=Status.{status.name}, target=Status.{target.name}"
            yield (
                f"{first.name}, {status} → {target}: allowed",
                f"(*{code}, replace(next(iter({code})), {to}))",
            )
