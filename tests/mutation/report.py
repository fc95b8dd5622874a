"""What came of it: one line for a person, the failures, and the report that is
committed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.mutation.parts import STRICT, Target
from tests.mutation.places import ROOT, Mutant, Place
from tests.mutation.reasons import Reasons
from tests.mutation.runner import TIMED_OUT, Verdict

REPORT = ROOT / "docs" / "mutation.md"

_HEAD = """# Mutation

`make mutate` breaks the code in one way after the other, in memory, and asks the unit
tests each time. A mutant that no test notices is a survivor. This page is written by
that command; do not edit it.

* **conditions**: every condition of DynamoDB in `dynamodb/table.py` loses each clause,
  says the opposite, is relaxed, or is gone; `AND` becomes `OR`; the item that stood in
  the way is not asked for; an own write is not recognised, or a rival's is. None may
  survive.
* **guards**: every guard; and every row of the machine's table without its guard, gone,
  with a role too many or too few, or from a status where it is illegal. None may
  survive.
* **gate**: every check of the webhook gate. None may survive.
* **the rest** of machine, money, policy and PAYNET's messages. A survivor needs its
  reason in `tests/mutation/reasons.toml`.

Not mutated, because no result can change: annotations, docstrings, decorators, the text
of `RuleBroken`, and the empty default of `get`. Nor are the names in a request to
DynamoDB: it refuses such a request without our help.
"""


@dataclass(frozen=True)
class Judged:
    """A target and what became of its mutants."""

    target: Target
    place: Place
    verdicts: Sequence[Verdict]

    @property
    def survivors(self) -> list[Mutant]:
        return [v.mutant for v in self.verdicts if not v.is_killed]

    @property
    def late(self) -> list[Mutant]:
        return [v.mutant for v in self.verdicts if v.by == TIMED_OUT]


def summary(judged: Sequence[Judged]) -> str:
    """One line, a part after the other."""
    parts = dict.fromkeys(one.target.part for one in judged)
    return "mutants: " + ", ".join(_counted(part, judged) for part in parts)


def _counted(part: str, judged: Sequence[Judged]) -> str:
    those = [one for one in judged if one.target.part == part]
    total = sum(len(one.verdicts) for one in those)
    living = sum(len(one.survivors) for one in those)
    rest = f", {living} survive" if living else ""
    return f"{part} {total - living} of {total} killed{rest}"


def failures(
    judged: Sequence[Judged], reasons: Reasons, *, is_whole: bool
) -> Iterator[str]:
    """Nothing judged, a survivor that must not be, a reason for nobody."""
    for one in judged:
        if not one.verdicts:
            yield f"no mutants of {one.place.module}"
        for mutant in one.survivors:
            if one.target.part in STRICT or not reasons.of(mutant):
                yield f"survives (line {mutant.line}): {mutant.name}"
    if is_whole:
        living = [mutant for one in judged for mutant in one.survivors]
        for name in reasons.idle(living):
            yield f"a reason for what is no survivor: {name}"


def written(judged: Sequence[Judged], reasons: Reasons) -> str:
    """The whole page."""
    lines = [_HEAD, f"**{summary(judged)}**\n", *_modules(judged), "\n## Survivors\n"]
    lines += [
        "| mutant | why it may live |",
        "|---|---|",
        *(
            f"| `{_cell(mutant.name)}` | {reasons.of(mutant) or '**no reason yet**'} |"
            for one in judged
            for mutant in one.survivors
        ),
    ]
    lines += [
        "\n## Not made: the same program\n",
        "| mutant | why nothing changes |",
        "|---|---|",
        *(f"| `{_cell(name)}` | {why} |" for name, why in reasons.same.items()),
    ]
    late = [mutant.name for one in judged for mutant in one.late]
    named = "; ".join(f"`{name}`" for name in late) or "none"
    return "\n".join([*lines, f"\nKilled by the clock, not by a test: {named}.\n"])


def _modules(judged: Sequence[Judged]) -> Iterator[str]:
    yield "| part | module | mutants | killed | text judged (SHA-256) |"
    yield "|---|---|---|---|---|"
    for one in judged:
        digest = hashlib.sha256(one.place.text.encode()).hexdigest()[:12]
        total = len(one.verdicts)
        killed = total - len(one.survivors)
        module = one.place.module
        yield f"| {one.target.part} | `{module}` | {total} | {killed} | `{digest}` |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
