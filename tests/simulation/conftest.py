"""One world a test, and the rules of the design after each; or one for many tests that
break the rules on purpose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rules import rules_hold
from tests.simulation.checker import Checker
from tests.simulation.world import Snapshot, World, in_process, unheard


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as built:
        yield built
        rules_hold(built)


@pytest.fixture(scope="module")
def beginning() -> Iterator[tuple[World, Snapshot]]:
    """A world that each test finds as it was, and may leave as it likes."""
    with in_process() as built:
        yield built, built.snapshot()


@pytest.fixture
def checker(world: World) -> Checker:
    return Checker(world)


@pytest.fixture
def silence() -> Iterator[None]:
    """For tests that play more than anybody reads."""
    with unheard():
        yield
