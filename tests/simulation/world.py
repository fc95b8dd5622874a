"""The simulated world: all functions, the books and PAYNET in one process and one
thread, with a clock that only moves when it is moved and chance that comes from one
seed. The same seed plays the same trace."""

from __future__ import annotations

import base64
import json
import random
import secrets
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities import parameters as powertools
from requests.adapters import HTTPAdapter

from emanet import bootstrap
from emanet.dynamodb import table as store_table
from emanet.dynamodb.items import escrow_of
from emanet.entrypoint import logger
from emanet.escrow import ESCROW_ID, Escrow
from emanet.paynet import line as paynet_line
from emanet.paynet.pace import TokenBucket
from local.api_gateway.template import Template
from local.paynet_simulator.simulator import PUBLISHABLE_KEY, PaynetSimulator
from tests import stage
from tests.simulation import paynet_in_process
from tests.simulation.books_in_process import Books, Records, correct_moto
from tests.simulation.effects import Fault, Killed, Kind, Outside
from tests.stage import MovableClock, Stage

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
BEGINNING = datetime(2026, 11, 25, 9, tzinfo=UTC)  # a Wednesday's noon in Istanbul
EFFECT_TAKES_S = 0.01
SECRETS = {
    "PaynetSecret": json.dumps({"secret_key": stage.PAYNET_KEY}),
    "WebhookSecret": json.dumps({"current": stage.WEBHOOK_SECRET}),
    "OwnSecret": json.dumps({"key": stage.OWN_SECRET}),
}


class Unanswered(Exception):
    """The function died, or its answer was lost on the way."""


@dataclass
class VirtualClock(MovableClock):
    """Stands still until it is moved."""

    def __call__(self) -> datetime:
        return BEGINNING + self.ahead

    def wait(self, seconds: float) -> None:
        self.move(seconds=seconds)


@dataclass(frozen=True)
class Snapshot:
    """Everything outside a process, at one moment."""

    records: Records
    paynet: bytes
    ahead: timedelta
    chance: Any


@dataclass
class World(Stage):
    """Stage's steps and looks, over books and PAYNET in this process."""

    outside: Outside = field(kw_only=True)
    books: Books = field(kw_only=True)
    wire: paynet_in_process.Wire = field(kw_only=True)
    chance: random.Random = field(kw_only=True)
    variables: pytest.MonkeyPatch = field(kw_only=True)
    secrets: dict[str, str] = field(default_factory=lambda: dict(SECRETS))

    # ── time and memory ──

    def later(self, **by: float) -> None:
        """The one clock moves, and it is PAYNET's too."""
        self.clock.move(**by)

    def pass_time(self, seconds: float) -> None:
        self.later(seconds=seconds)

    def snapshot(self) -> Snapshot:
        return Snapshot(
            self.books.snapshot(),
            self.paynet.snapshot(),
            self.clock.ahead,
            self.chance.getstate(),
        )

    def go_back(self, snapshot: Snapshot) -> None:
        """To that moment, with a process that has just been started."""
        self.books.restore(snapshot.records)
        self.paynet.go_back(snapshot.paynet)
        self.wire.on_its_way.clear()
        self.clock.ahead = snapshot.ahead
        self.chance.setstate(snapshot.chance)
        self.start_cold()

    def start_cold(self) -> None:
        """The next call finds a process that knows nothing."""
        for thing in vars(bootstrap).values():
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()

    # ── what a caller sees when things go wrong ──

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """The handler's answer. Raises Unanswered; a function that was killed starts
        cold the next time."""
        try:
            answer = super().invoke(function, event)
            fault = self.outside.begin(Kind.ANSWER, function)
        except Killed as killed:
            self.start_cold()
            raise Unanswered(str(killed)) from None
        if fault is Fault.KILLED_AFTER:
            self.start_cold()
        if fault is not None:
            raise Unanswered(function)
        return answer

    # ── looks that leave no trace ──

    def items(self) -> list[dict[str, Any]]:
        """Every item of the table."""
        return [item for _, item in self.books.items()]

    def escrow(self, escrow_id: str) -> Escrow:
        found = self.item(escrow_id)
        assert found is not None, f"there is no escrow {escrow_id}"
        return escrow_of(found)

    def escrows(self) -> list[Escrow]:
        """Every escrow of the table."""
        items = (item for item in self.items() if ESCROW_ID.fullmatch(item["id"]["S"]))
        return [escrow_of(item) for item in items]

    def next_due(self) -> datetime | None:
        """The earliest moment at which the schedule has something to do."""
        first = min(self.books.moments(), default=None)
        return datetime.fromisoformat(first) if first else None

    # ── the machine's own runs ──

    def run_reconciler(self) -> dict[str, Any]:
        """One run of the deployed function. Raises Unanswered."""
        self.paynet.settings.refund_callbacks = "lost"
        report: dict[str, Any] = self.invoke("ReconcileFunction", {})
        return report

    def run_compare(self) -> dict[str, Any]:
        """The nightly comparison. Raises Unanswered."""
        report: dict[str, Any] = self.invoke("CompareFunction", {})
        return report

    def rest(self, within: timedelta, runs: int = 200) -> None:
        """The schedule works, the clock jumping from one due moment to the next, until
        nothing is due within that time."""
        end = self.clock() + within
        for _ in range(runs):
            due = self.next_due()
            if due is None or due > end:
                return
            if due > self.clock():
                self.clock.ahead += due - self.clock()
            self.run_reconciler()
            self.pass_time(1)
        raise AssertionError("it never came to rest")

    # ── how this deployment is set up ──

    def deploy(self, **settings: str) -> None:
        """As with these settings: PAYMENT_MODE="hosted", PAYNET_ESCROW="on"."""
        for name, value in settings.items():
            self.variables.setenv(name, value)
        self.start_cold()


class _SecretStore(powertools.BaseProvider):
    """Secrets Manager; each read is an effect."""

    def __init__(self, world: World) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Powertools wrote no types
        self._world = world

    def _get(self, name: str, **_: Any) -> str:
        error = powertools.GetParameterError("the secret store does not answer")
        secrets, outside = self._world.secrets, self._world.outside
        return outside.through(Kind.SECRET, name, lambda: secrets[name], error)

    def _get_multiple(self, path: str, **_: Any) -> dict[str, str]:
        raise NotImplementedError(path)


class _NoTimer:
    """Nothing here drips: whoever waits is told by the clock that he waited."""

    daemon = True

    def __init__(self, *_: Any) -> None: ...

    def start(self) -> None: ...

    def cancel(self) -> None: ...


@contextmanager
def in_process(seed: int = 0) -> Iterator[World]:
    """A world, and this process made its inside, until the block ends."""
    with pytest.MonkeyPatch.context() as patched, warnings.catch_warnings():
        # who is killed has counted nothing yet, which Powertools finds odd
        warnings.filterwarnings("ignore", "No application metrics to publish")
        world = _built(patched, seed)
        _move_in(world)
        yield world
        world.start_cold()


@contextmanager
def unheard() -> Iterator[None]:
    """Neither logs nor metrics: whoever plays thousands of stories reads none of it."""
    level = logger.log_level
    logger.setLevel("CRITICAL")
    try:
        with redirect_stdout(None):
            yield
    finally:
        logger.setLevel(level)


def _built(patched: pytest.MonkeyPatch, seed: int) -> World:
    clock, template = VirtualClock(), _template()
    paynet = PaynetSimulator(
        stage.PAYNET_KEY,
        stage.WEBHOOK_SECRET,
        lambda: clock().timestamp(),
        pause=clock.wait,
    )
    for variable, value in _environment(template).items():
        patched.setenv(variable, value)
    correct_moto(patched)
    outside = Outside(pause=lambda _: clock.wait(EFFECT_TAKES_S))
    books = Books(template, outside, clock.wait)
    wire = paynet_in_process.Wire(
        paynet.application(), stage.PAYNET_KEY, outside, clock.wait
    )
    return World(
        template,
        _environment(template),
        books.by_hand,
        paynet,
        paynet_in_process.ADDRESS,
        clock,
        outside=outside,
        books=books,
        wire=wire,
        chance=random.Random(seed),  # noqa: S311 - a world that can be played again
        variables=patched,
    )


def _move_in(world: World) -> None:
    """Whatever reaches outside this process reaches the world instead."""
    change, chance = world.variables.setattr, world.chance
    change(HTTPAdapter, "send", world.wire.send)
    change(paynet_line, "Timer", _NoTimer)
    change("botocore.endpoint.time", SimpleNamespace(sleep=world.pass_time))
    change(store_table, "client", lambda: world.books.client)
    change(bootstrap, "clock", world.clock)
    change(bootstrap, "_pace", cache(lambda: _pace(world)))
    change(bootstrap, "_secret_store", cache(lambda: _SecretStore(world)))
    change(secrets, "token_bytes", lambda size=32: chance.randbytes(size))
    change(secrets, "token_hex", lambda size=32: chance.randbytes(size).hex())
    change(secrets, "token_urlsafe", lambda size=32: _urlsafe(chance.randbytes(size)))
    change(uuid, "uuid4", lambda: uuid.UUID(bytes=chance.randbytes(16), version=4))
    world.start_cold()


def _pace(world: World) -> TokenBucket:
    return TokenBucket(
        monotonic=lambda: world.clock().timestamp(),
        sleep=world.pass_time,
        clock=world.clock,
    )


def _urlsafe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@cache
def _template() -> Template:
    return Template.load(TEMPLATE, stage.parameters(paynet_in_process.ADDRESS))


def _environment(template: Template) -> dict[str, str]:
    environment = {
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
    for function in template.functions.values():
        environment |= function.environment
    return {**environment, "PAYNET_PUBLISHABLE_KEY": PUBLISHABLE_KEY}
