"""Walks through a module and makes its mutants. What cannot change a result is left
alone: annotations, docstrings, decorators, and the text of RuleBroken, which only a
developer reads; and the empty default of `get`, for any other text that is not valid is
as good as none."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tests.mutation.operators import ALL, Operator
from tests.mutation.places import Mutant, Place, difference, short

NOTHING = {"str": "''", "bool": "False", "int": "0", "Item | None": "None"}


def generic(
    place: Place, roots: Iterable[ast.stmt], operators: tuple[Operator, ...] = ALL
) -> Iterator[Mutant]:
    """Every mutant below these statements, each text once."""
    seen = {place.text}
    for node in (node for root in roots for node in inside(root)):
        for mutant in (
            *_expression_mutants(place, node, operators),
            *_statement_mutants(place, node),
        ):
            if mutant.source not in seen:
                seen.add(mutant.source)
                yield mutant


def _expression_mutants(
    place: Place, node: ast.AST, operators: tuple[Operator, ...]
) -> Iterator[Mutant]:
    if isinstance(node, ast.expr):
        for new in (new for operator in operators for new in operator(node)):
            told = difference(ast.unparse(node), new)
            yield place.mutant(node, f"({new})", told)


def _statement_mutants(place: Place, node: ast.AST) -> Iterator[Mutant]:
    """A branch always or never taken, an effect left out, nothing returned."""
    if isinstance(node, ast.If):
        for word in ("True", "False"):
            told = f"if {short(ast.unparse(node.test))}: → if {word}:"
            yield place.mutant(node.test, word, told)
    is_branch = isinstance(place.parents.get(node), ast.If)
    if isinstance(node, ast.stmt) and _is_effect(node) and not is_branch:
        yield place.mutant(node, "pass")
    if isinstance(node, ast.Return) and isinstance(node.value, ast.expr):
        nothing = _nothing(place, node)
        if nothing and nothing != ast.unparse(node.value):
            yield place.mutant(node.value, nothing, f"{ast.unparse(node)} → {nothing}")
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "_unless":
        told = f"{short(ast.unparse(node))} → never a reason"
        yield place.mutant(node.args[0], "True", told)


def _is_effect(node: ast.stmt) -> bool:
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return is_call or isinstance(node, ast.AugAssign | ast.Raise)


def _nothing(place: Place, node: ast.AST) -> str | None:
    """The empty value of what the function around it returns."""
    for outer in place.above(node):
        if isinstance(outer, ast.FunctionDef) and outer.returns:
            return NOTHING.get(ast.unparse(outer.returns))
    return None


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it whose change may change a result."""
    if _is_idle(node):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_default_of_get(node, child):
                yield from inside(child)


def _is_default_of_get(node: ast.AST, child: ast.AST) -> bool:
    is_get = isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".get")
    return is_get and isinstance(child, ast.Constant) and child.value == ""


def _is_idle(node: ast.AST) -> bool:
    """A docstring, an alias of types, an f-string's inner parts, a text for us."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        [target, *_] = node.targets
        alias = isinstance(target, ast.Name) and target.id[:1].isupper()
        return alias and isinstance(target, ast.Name) and not target.id.isupper()
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "RuleBroken"
    return isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom)
