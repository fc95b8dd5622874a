"""The fast way to judge a mutant of a function or of the machine's table: the tests are
collected once; a child gets the changed code into the functions that are there, and
runs only the tests that ever call them, the quick ones first. Milliseconds a mutant.
What was made while the tests were imported is still the right code's: so it may miss
what would kill a mutant, and whatever lives here is judged anew."""

from __future__ import annotations

import ast
import gc
import inspect
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from tests.mutation.anew import FirstFailure
from tests.mutation.places import Mutant, Place
from tests.mutation.runner import LIVED, Job, ToolFailed

CLOSURES = {"returns_to", "froze"}  # what they made stands in the table already
TABLE, BY_WAY = "TRANSITIONS", "_BY_WAY"


@dataclass(frozen=True)
class Collected:
    """The tests, and which of them call which function of a module."""

    items: Sequence[pytest.Item]
    calls: Mapping[tuple[str, str], Sequence[int]]

    def job(self, mutant: Mutant) -> Job | None:
        """None: it has to be judged anew."""
        name = mutant.where
        if name.split(".")[0] in CLOSURES:
            return None
        items = [self.items[n] for n in self.calls.get((mutant.module, name), ())]
        if name == TABLE:
            items = [i for i in self.items if TABLE in vars(_module_of(i))]
            items.sort(key=lambda item: "test_transitions" not in item.nodeid)
        return Job(mutant, _testing(mutant, items)) if items else None


def collect(
    config: pytest.Config, items: Sequence[pytest.Item], modules: set[str]
) -> Collected:
    """Runs them all as they are; they must pass."""
    failure = FirstFailure()
    config.pluginmanager.register(failure)
    loaded = modules & sys.modules.keys()
    files = {str(sys.modules[name].__file__): name for name in loaded}
    calls: defaultdict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    for number, (item, following) in enumerate(_in_turn(items)):
        began = time.perf_counter()
        seen = called_by(partial(_run, item, following), set(files))
        took = time.perf_counter() - began
        for code in seen:
            calls[files[code.co_filename], code.co_qualname].append((took, number))
        if failure.name:
            raise ToolFailed(f"fails without any mutant: {failure.name}")
    config.pluginmanager.unregister(failure)
    quick = {key: [n for _, n in sorted(found)] for key, found in calls.items()}
    return Collected(items, quick)


def called_by(run: Callable[[], None], files: set[str]) -> set[CodeType]:
    """Which functions of these files; none on CPython 3.11, which cannot tell without
    being slow: there every mutant is judged anew."""
    seen: set[CodeType] = set()
    if sys.version_info >= (3, 12):
        watch, tool = sys.monitoring, sys.monitoring.PROFILER_ID

        def note(code: CodeType, _offset: int) -> object:
            """Told once of each function, not at each call."""
            if code.co_filename in files:
                seen.add(code)
            return watch.DISABLE

        watch.use_tool_id(tool, "mutation")
        watch.register_callback(tool, watch.events.PY_START, note)
        watch.set_events(tool, watch.events.PY_START)
        watch.restart_events()
        run()
        watch.set_events(tool, 0)
        watch.free_tool_id(tool)
    else:
        run()
    return seen


def _in_turn(
    items: Sequence[pytest.Item],
) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    """Each with the one that follows, as pytest wants to know it."""
    return zip(items, [*items[1:], None], strict=True)


def _run(item: pytest.Item, following: pytest.Item | None) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _module_of(item: pytest.Item) -> Any:
    return item.getparent(pytest.Module).obj  # type: ignore[union-attr]  # every test has one


def _testing(mutant: Mutant, items: Sequence[pytest.Item]) -> Callable[[], str]:
    def run() -> str:
        apply(mutant)
        failure = FirstFailure()
        items[0].config.pluginmanager.register(failure)
        for item, following in _in_turn(items):
            _run(item, following)
            if failure.name:
                return failure.name
        return LIVED

    return run


def apply(mutant: Mutant) -> None:
    """Makes this process's module the mutant, but for what others made of it."""
    module = sys.modules[mutant.module]
    if mutant.where == TABLE:
        _change_table(module, mutant)
        return
    new = {
        code.co_qualname: code for code in _codes(compile(mutant.source, "", "exec"))
    }
    for function in _functions(module):
        function.__code__ = new[function.__code__.co_qualname]


def _change_table(module: ModuleType, mutant: Mutant) -> None:
    """In the machine, and wherever it was imported by name."""
    old = vars(module)[TABLE]
    place = Place(mutant.module, mutant.source)
    made = [n for n in place.tree.body if place.where(n) in {TABLE, BY_WAY}]
    exec(compile(ast.Module(made, []), "", "exec"), vars(module))  # noqa: S102 (our own)
    for other in list(sys.modules.values()):
        if vars(other).get(TABLE) is old:
            vars(other)[TABLE] = vars(module)[TABLE]


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Those that the module wrote itself, methods and properties too."""
    own = [
        v
        for v in vars(module).values()
        if getattr(v, "__module__", "") == module.__name__
    ]
    for thing in (
        *own,
        *(m for c in own if isinstance(c, type) for m in vars(c).values()),
    ):
        inner = thing.fget if isinstance(thing, property) else thing
        function = inspect.unwrap(inner) if callable(inner) else inner
        if (
            isinstance(function, FunctionType)
            and function.__code__.co_filename == module.__file__
        ):
            yield function


@dataclass(eq=False)
class Judging:
    """A plugin of pytest: instead of running the tests once, judge with them."""

    judge: Callable[[Collected], None]
    modules: set[str]
    problem: str = ""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.freeze()  # or every child would copy what it only looks at
        try:
            self.judge(collect(session.config, session.items, self.modules))
        except ToolFailed as error:
            self.problem = str(error)
        return True
