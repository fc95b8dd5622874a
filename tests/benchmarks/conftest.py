"""The benchmarks' report: what each of them measured is shown at the end, with the
machine that it was measured on. Nothing is asserted about time."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from local.engines import Engine

REPORT = pytest.StashKey[list[str]]()
CPUS = Path("/proc/cpuinfo")


@pytest.fixture
def say(request: pytest.FixtureRequest, engine: Engine) -> Callable[[str], None]:
    """One more line of the report."""
    lines = request.config.stash.setdefault(REPORT, [_machine(engine)])
    return lines.append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    terminalreporter.section("measured")
    for line in config.stash.get(REPORT, []):
        terminalreporter.write_line(line)


def _machine(engine: Engine) -> str:
    names = CPUS.read_text("utf-8").splitlines() if CPUS.exists() else []
    model = next((n.partition(": ")[2] for n in names if "model name" in n), "")
    processor = model or platform.processor() or platform.machine()
    database = "at DYNAMODB_ENDPOINT" if "://" in engine.name else engine.name
    return (
        f"{processor}, {os.cpu_count()} processors, {platform.system()}, "
        f"Python {platform.python_version()}, DynamoDB {database}"
    )
