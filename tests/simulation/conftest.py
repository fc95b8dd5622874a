"""One world a test, and the rules of the design after each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rules import rules_hold
from tests.simulation.world import World, in_process


@pytest.fixture
def world() -> Iterator[World]:
    with in_process() as built:
        yield built
        rules_hold(built)
