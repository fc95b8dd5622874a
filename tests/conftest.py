"""What tests share: the engine of this run, and a stage with its own table for each
test. Nothing of ours is patched; what a test needs otherwise comes by environment."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from emanet import bootstrap
from local.api_gateway.resources import create_table, put_secret
from local.api_gateway.template import Template
from local.engines import Engine, engine_from_environment
from local.paynet_simulator.simulator import PaynetSimulator
from tests.rules import rules_hold
from tests.simulation.tally import PROVED
from tests.stage import (
    OWN_SECRET,
    PAYNET_KEY,
    WEBHOOK_SECRET,
    Stage,
    parameters,
    surroundings,
)

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first: begun last, one worker would wait for the other."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its counts over; whoever has them all judges them."""
    worker = getattr(session.config, "workeroutput", None)
    if worker is not None:
        worker["tally"] = PROVED.plain()
    elif PROVED.failures() and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """pytest-xdist's word for a worker that has finished."""
    PROVED.merge(node.workeroutput.get("tally", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if proved := PROVED.lines():
        terminalreporter.section("proved")
        for line in [*proved, *PROVED.failures()]:
            terminalreporter.write_line(line)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rounds", type=int, default=5, help="how often a race is run")


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--rounds"))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The one DynamoDB of this run: DYNAMODB_ENDPOINT's, else MiniStack's."""
    with engine_from_environment() as running:
        yield running


@pytest.fixture
def simulator() -> Iterator[tuple[PaynetSimulator, str]]:
    """A PAYNET of this test's own, and where it listens."""
    paynet = PaynetSimulator(PAYNET_KEY, WEBHOOK_SECRET)
    with paynet.serve() as server:
        yield paynet, server.url


@pytest.fixture
def stage(
    engine: Engine,
    simulator: tuple[PaynetSimulator, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    """All functions in this process, with a table of their own."""
    paynet, paynet_url = simulator
    name = f"emanet-{secrets.token_hex(6)}"
    template = Template.load(ROOT / "template.yaml", parameters(paynet_url))
    template = replace(template, table={**template.table, "TableName": name})
    environment = surroundings(engine)
    for function in template.functions.values():
        environment |= function.environment
    environment["TABLE_NAME"] = name
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    dynamodb = boto3.client("dynamodb")
    create_table(dynamodb, template)
    secret_store = boto3.client("secretsmanager")
    put_secret(secret_store, "PaynetSecret", {"secret_key": PAYNET_KEY})
    put_secret(secret_store, "WebhookSecret", {"current": WEBHOOK_SECRET})
    put_secret(secret_store, "OwnSecret", {"key": OWN_SECRET})
    _forget()
    stage = Stage(template, environment, dynamodb, paynet, paynet_url)
    stage.begin_at_noon()
    monkeypatch.setattr(bootstrap, "clock", stage.clock)
    yield stage
    rules_hold(stage)
    dynamodb.delete_table(TableName=name)
    dynamodb.close()
    secret_store.close()
    _forget()


def _forget() -> None:
    """The next test reads its own environment."""
    for thing in vars(bootstrap).values():
        if hasattr(thing, "cache_clear"):
            thing.cache_clear()
