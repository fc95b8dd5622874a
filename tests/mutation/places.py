"""A module's source, and mutants of it: the text with one node replaced. Mutants are
values in memory; nothing here writes a file."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "emanet" / "python"
SHOWN, AROUND = 70, 8  # letters of changed code, and words around the change


@dataclass(frozen=True, slots=True)
class Mutant:
    """`where` and `what` name it in reports, and are no line numbers: a reason that
    was given for it stays its own when lines are added above."""

    module: str
    where: str
    what: str
    line: int
    source: str

    @property
    def name(self) -> str:
        return f"{self.module.removeprefix('emanet.')}.{self.where}: {self.what}"


@dataclass(frozen=True)
class Place:
    """One module of the layer, as it is on disk."""

    module: str
    text: str

    @classmethod
    def read(cls, module: str) -> Place:
        path = LAYER.joinpath(*module.split(".")).with_suffix(".py")
        return cls(module, path.read_text("utf-8"))

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def starts(self) -> list[int]:
        """Of each line, in bytes: so does a syntax tree count."""
        lines = self.text.encode().splitlines(keepends=True)
        return [0, *accumulate(map(len, lines))]

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {
            child: node
            for node in ast.walk(self.tree)
            for child in ast.iter_child_nodes(node)
        }

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What the node stands in, from the inside out."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def where(self, node: ast.AST) -> str:
        """The function, class or constant around it."""
        names = [name for n in (node, *self.above(node)) if (name := self._name(n))]
        return ".".join(reversed(names)) or "module"

    def _name(self, node: ast.AST) -> str:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            return node.name
        if isinstance(node, ast.arguments):
            return "defaults"
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        is_lasting = isinstance(self.parents.get(node), ast.Module | ast.ClassDef)
        return ast.unparse(targets[0]) if targets and is_lasting else ""

    def mutant(
        self, node: ast.expr | ast.stmt, new: str, told: str | None = None
    ) -> Mutant:
        """The module with this node replaced by other code."""
        first = self.starts[node.lineno - 1] + node.col_offset
        last = self.starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        raw = self.text.encode()
        source = (raw[:first] + new.encode() + raw[last:]).decode()
        what = told or difference(ast.unparse(node), new)
        return Mutant(self.module, self.where(node), what, node.lineno, source)


def difference(old: str, new: str) -> str:
    """Both, each on one line; of long ones only where they differ."""
    words = [re.findall(r"\w+|\s+|.", " ".join(code.split())) for code in (old, new)]
    if max(len(old), len(new)) <= SHOWN:
        return f"{''.join(words[0])} → {''.join(words[1])}"
    first = _same(*words)
    last = _same(*(code[: first - 1 : -1] if first else code[::-1] for code in words))
    front, back = max(first - AROUND, 0), max(last - AROUND, 0)
    parts = ["".join(code[front : len(code) - back]) for code in words]
    return " → ".join("…" * bool(front) + short(p) + "…" * bool(back) for p in parts)


def _same(one: list[str], other: list[str]) -> int:
    """How many words they begin with together."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def short(code: str) -> str:
    """One line of it; both ends, if it is long."""
    line = " ".join(code.split())
    half = SHOWN // 2
    return line if len(line) <= SHOWN else f"{line[:half]} … {line[-half:]}"


def numbered(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """Of several that look the same, the later ones are numbered."""
    seen: Counter[str] = Counter()
    for mutant in mutants:
        seen[mutant.name] += 1
        times = seen[mutant.name]
        yield replace(mutant, what=f"{mutant.what} #{times}") if times > 1 else mutant
