"""What may be wrong with a conditional write: every condition of DynamoDB loses each
clause, says the opposite, is relaxed, or is gone. The request stays one that DynamoDB
accepts: names and values that nothing uses any more go too, or its refusal would kill
every mutant."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator

from tests.mutation.places import Mutant, Place

ALWAYS = "attribute_not_exists(nobody)"
RELAXED = {" = ": (" <> ", " <= ", " >= "), " <= ": (" < ", " >= ")}
_CONDITION = re.compile(r"attribute_not_exists\(|(^|AND )#?\w+ (<?=|IN) ")
_NAME = re.compile(r"[:#]\w+")


def condition_mutants(place: Place) -> Iterator[Mutant]:
    """Of every condition in the module, and of what it says when one is lost."""
    for node in ast.walk(place.tree):
        if isinstance(node, ast.Constant) and _is_condition(place, node):
            request = next(
                n for n in place.above(node) if isinstance(n, ast.Call | ast.Tuple)
            )
            for text in changed(str(node.value), is_key=_is_key(place, node)):
                told = f"{node.value!r} → {text!r}"
                yield place.mutant(request, _with(request, node, text), told)
        if isinstance(node, ast.Constant) and node.value == "ALL_OLD":
            yield place.mutant(node, "'NONE'", "ALL_OLD → NONE")


def changed(condition: str, *, is_key: bool = False) -> Iterator[str]:
    """All wrong forms of one condition. A key's condition allows only some."""
    clauses = condition.split(" AND ")
    for index, clause in enumerate(clauses):
        rest = clauses[:index] + clauses[index + 1 :]
        if rest and not (is_key and index == 0):
            yield " AND ".join(rest)
        for wrong in _wrong(clause, is_key=is_key):
            yield " AND ".join([*clauses[:index], wrong, *clauses[index + 1 :]])
    if not is_key:
        yield ALWAYS
        if clauses[1:]:
            yield " OR ".join(clauses)


def _wrong(clause: str, *, is_key: bool) -> Iterator[str]:
    if clause.startswith("attribute_not_exists"):
        yield clause.replace("_not", "")
    sign = " <= " if " <= " in clause else " = "
    if sign in clause and not (is_key and sign == " = "):  # a partition is named
        yield from (clause.replace(sign, other) for other in RELAXED[sign])
    if " IN " in clause:
        words = _NAME.findall(clause.partition(" IN ")[2])
        for word in words:
            kept = ", ".join(other for other in words if other != word)
            yield clause.partition("(")[0] + f"({kept})"
        yield "NOT " + clause


def _is_condition(place: Place, node: ast.Constant) -> bool:
    """An update's SET is none, and neither is a docstring."""
    is_text = isinstance(node.value, str) and not isinstance(
        place.parents[node], ast.Expr
    )
    return is_text and bool(_CONDITION.search(str(node.value)))


def _is_key(place: Place, node: ast.Constant) -> bool:
    """It says which items a query reads."""
    around = place.parents[node]
    if isinstance(around, ast.keyword):
        return around.arg == "KeyConditionExpression"
    return isinstance(around, ast.Call) and ast.unparse(around.func) == "self._query"


def _with(request: ast.expr, old: ast.Constant, text: str) -> str:
    """The request with that condition instead, and without what nothing uses."""
    copied = copy.deepcopy(request)
    for node in ast.walk(copied):
        if isinstance(node, ast.Constant) and node.value == old.value:
            node.value = text
    used = {
        name
        for node in ast.walk(copied)
        if isinstance(node, ast.Constant) and " " in str(node.value)
        for name in _NAME.findall(str(node.value))
    }
    for node in ast.walk(copied):
        if isinstance(node, ast.Dict):
            _keep_used(node, used)
    if isinstance(copied, ast.Call):
        copied.keywords = [
            k for k in copied.keywords if not isinstance(k.value, ast.Dict) or _full(k)
        ]
    return ast.unparse(copied)


def _full(keyword: ast.keyword) -> bool:
    return isinstance(keyword.value, ast.Dict) and bool(keyword.value.keys)


def _keep_used(table: ast.Dict, used: set[str]) -> None:
    pairs = [
        (key, value)
        for key, value in zip(table.keys, table.values, strict=True)
        if not (isinstance(key, ast.Constant) and str(key.value)[:1] in {":", "#"})
        or key.value in used
    ]
    table.keys = [key for key, _ in pairs]
    table.values = [value for _, value in pairs]
