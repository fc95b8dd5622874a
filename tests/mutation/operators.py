"""What may be wrong with any expression: each operator looks at one node of a module
and yields the code that could stand there by mistake."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

Operator = Callable[[ast.AST], Iterator[str]]

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
}
OPPOSITES = {"any": "all", "all": "any", "min": "max", "max": "min"}


def comparisons(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            for other in COMPARISONS[type(op)]:
                changed = copy.deepcopy(node)
                changed.ops[index] = other()
                yield ast.unparse(changed)


def logic(node: ast.AST) -> Iterator[str]:
    """`and` and `or` swapped, one operand left out, `not` left out."""
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield ast.unparse(ast.BoolOp(other, node.values))
        for gone in range(len(node.values)):
            rest = [v for index, v in enumerate(node.values) if index != gone]
            yield ast.unparse(ast.BoolOp(node.op, rest) if rest[1:] else rest[0])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield ast.unparse(node.operand)


def conditions(node: ast.AST) -> Iterator[str]:
    """A branch is always or never taken; a filter lets everything through."""
    if isinstance(node, ast.IfExp):
        yield ast.unparse(node.body)
        yield ast.unparse(node.orelse)
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        for index, part in enumerate(node.generators):
            for number in range(len(part.ifs)):
                changed = copy.deepcopy(node)
                del changed.generators[index].ifs[number]
                yield ast.unparse(changed)


def arithmetic(node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.BinOp):
        return
    if isinstance(node.op, ast.BitOr):
        yield ast.unparse(node.left)
        yield ast.unparse(node.right)
    elif type(node.op) in ARITHMETIC:
        other = ARITHMETIC[type(node.op)]()
        yield ast.unparse(ast.BinOp(node.left, other, node.right))


def booleans(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield repr(not node.value)


def constants(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool):
        if isinstance(node.value, int):
            yield repr(node.value + 1)
        elif isinstance(node.value, str):
            yield repr("mutated")
        elif isinstance(node.value, bytes):
            yield repr(b"mutated")


def opposites(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and ast.unparse(node.func) in OPPOSITES:
        other = ast.Name(OPPOSITES[ast.unparse(node.func)])
        yield ast.unparse(ast.Call(other, node.args, node.keywords))


def arguments(node: ast.AST) -> Iterator[str]:
    """A named argument left out."""
    if isinstance(node, ast.Call):
        for index in range(len(node.keywords)):
            changed = copy.deepcopy(node)
            del changed.keywords[index]
            yield ast.unparse(changed)


def displays(node: ast.AST) -> Iterator[str]:
    """One entry of a dictionary, or of several values, left out."""
    if isinstance(node, ast.Dict):
        for gone in range(len(node.keys)):
            changed = copy.deepcopy(node)
            del changed.keys[gone], changed.values[gone]
            yield ast.unparse(changed)
    is_read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    if isinstance(node, ast.Set | ast.Tuple | ast.List) and is_read and node.elts[1:]:
        for gone in range(len(node.elts)):
            values = copy.deepcopy(node)
            del values.elts[gone]
            yield ast.unparse(values)


LOGIC: tuple[Operator, ...] = (comparisons, logic, conditions, booleans, opposites)
ALL = (*LOGIC, arithmetic, constants, arguments, displays)
