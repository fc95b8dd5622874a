"""The sure way to judge a mutant: all of our code is imported anew, one module of it
mutated, and the tests are collected and run. Seconds a mutant."""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader

import pytest

from tests.mutation.places import ROOT, Mutant
from tests.mutation.runner import BROKEN, LIVED, Job

OURS = {"emanet", "functions", "local", "tests"}
PYTEST = [
    *("-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist"),
    *("--hypothesis-seed=0", f"--rootdir={ROOT}", "--confcutdir=tests/unit"),
]

Tests = tuple[tuple[str, ...], ...]
"""Rounds of paths: the likely killers first, and the next round only if none did."""


@dataclass
class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module, in memory."""

    mutant: Mutant
    is_used: bool = False

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self.mutant.module:
            return None
        self.is_used = True
        return spec_from_loader(fullname, self)

    def get_source(self, _fullname: str) -> str:
        return self.mutant.source


@dataclass(eq=False)  # pytest keeps its plugins in a set
class FirstFailure:
    """A plugin of pytest: which test failed first."""

    name: str = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.name = self.name or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.name = self.name or f"{report.nodeid} (on import)"


def job(mutant: Mutant, tests: Tests) -> Job:
    return Job(mutant, _testing(mutant, tests))


def _testing(mutant: Mutant, tests: Tests) -> Callable[[], str]:
    def run() -> str:
        _forget_ours()
        finder, failure = _Mutated(mutant), FirstFailure()
        sys.meta_path.insert(0, finder)
        for paths in tests:
            code = pytest.main([*PYTEST, *paths], plugins=[failure])
            if failure.name:
                return failure.name
            if code != pytest.ExitCode.OK:
                return f"{BROKEN}pytest said {code!r}"
        return LIVED if finder.is_used else f"{BROKEN}no test imports {mutant.module}"

    return run


def _forget_ours() -> None:
    for name in list(sys.modules):
        if name.split(".")[0] in OURS and not name.startswith("tests.mutation"):
            del sys.modules[name]
