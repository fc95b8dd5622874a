"""`make mutate`: breaks the code in one way after the other, in memory, and asks the
unit tests each time. What they do not notice is a survivor: of conditions, guards and
gate none may be; of the rest, each needs its reason in `reasons.toml`. Words on the
command line choose parts or modules; only a whole run writes the report."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.mutation import anew
from tests.mutation.in_place import Collected, Judging
from tests.mutation.parts import ALL, TARGETS, Target
from tests.mutation.places import LAYER, Mutant, Place, numbered
from tests.mutation.reasons import Reasons
from tests.mutation.report import REPORT, Judged, failures, summary, written
from tests.mutation.runner import Job, ToolFailed, Verdict, Workers

EVERY_S = 10.0  # a line of progress
LIMITS_S = 20, 120  # of a child that has the tests, and of one that imports anew


@dataclass
class Run:
    """All mutants of these targets, in two ways: the fast one, then the sure one."""

    targets: Sequence[Target]
    reasons: Reasons
    places: dict[str, Place] = field(default_factory=dict)
    mutants: dict[Target, list[Mutant]] = field(default_factory=dict)
    verdicts: dict[Mutant, Verdict] = field(default_factory=dict)

    def make(self) -> None:
        for target in self.targets:
            place = self.places[target.module] = Place.read(target.module)
            made = numbered(target.mutants(place))
            self.mutants[target] = [m for m in made if m.name not in self.reasons.same]

    def fast(self, collected: Collected) -> None:
        jobs = [collected.job(m) for these in self.mutants.values() for m in these]
        self._judge("in place", [job for job in jobs if job], LIMITS_S[0])

    def sure(self) -> None:
        """Whatever lives or took too long in place, or could not be judged there."""
        killed = {v.mutant for v in self.verdicts.values() if v.is_by_a_test}
        jobs = [
            anew.job(mutant, target.tests)
            for target in self.targets
            for mutant in self.mutants[target]
            if mutant not in killed
        ]
        if jobs:
            self._control()
            self._judge("anew", jobs, LIMITS_S[1])

    def _control(self) -> None:
        """Imported anew and unchanged, the code passes: it is the mutants that fail."""
        place = Place.read("emanet.machine")
        same = Mutant(place.module, "module", "nothing changed", 0, place.text)
        [verdict] = Workers(LIMITS_S[1]).judge([anew.job(same, (ALL,))])
        if verdict.is_killed:
            raise ToolFailed(f"fails without any mutant: {verdict.by}")

    def _judge(self, way: str, jobs: Sequence[Job], limit_s: int) -> None:
        told = 0.0
        for number, verdict in enumerate(Workers(limit_s).judge(jobs), 1):
            self.verdicts[verdict.mutant] = verdict
            if time.monotonic() > told + EVERY_S or number == len(jobs):
                told = time.monotonic()
                _say(f"{way}: {number} of {len(jobs)}")
            if way == "anew" and not verdict.is_killed:
                _say(f"lives: {verdict.mutant.name}")

    def judged(self) -> Iterator[Judged]:
        for target in self.targets:
            verdicts = [self.verdicts[mutant] for mutant in self.mutants[target]]
            yield Judged(target, self.places[target.module], verdicts)


def _say(line: str) -> None:
    """Pytest has the usual output."""
    print(line, file=sys.__stdout__, flush=True)


def chosen(words: Sequence[str]) -> list[Target]:
    """No words: all of them."""
    return [
        target
        for target in TARGETS
        if not words or any(w in (target.part, target.module) for w in words)
    ]


def judge_all(targets: Sequence[Target], reasons: Reasons) -> list[Judged]:
    run = Run(targets, reasons)
    run.make()
    judging = Judging(run.fast, {target.module for target in targets})
    with ExitStack() as stack:
        nowhere = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        stack.enter_context(redirect_stdout(nowhere))
        code = pytest.main(["-s", *anew.PYTEST, *ALL], plugins=[judging])
    if judging.problem or code != pytest.ExitCode.OK:
        raise ToolFailed(judging.problem or f"pytest said {code!r}")
    run.sure()
    return list(run.judged())


def main(words: Sequence[str]) -> int:
    sys.path.insert(0, str(LAYER))
    sys.dont_write_bytecode = True
    reasons = Reasons.read()
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
            judged = judge_all(chosen(words), reasons)
    except ToolFailed as error:
        _say(f"no verdict: {error}")
        return 2
    wrong = list(failures(judged, reasons, is_whole=not words))
    if not words:
        REPORT.write_text(written(judged, reasons), "utf-8")
    _say("\n".join([*wrong, summary(judged)]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
