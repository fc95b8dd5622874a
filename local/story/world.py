"""The running system as the people of a story reach it: the API with their tokens,
PAYNET's control routes, the clock, and patience with the reconciler."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import boto3
import requests

from local import clock
from local.issuer import Issuer
from local.running import Running
from local.story.telling import (
    DifferenceError,
    Json,
    aside,
    must_be,
    one_line,
    show,
    telling,
)

TIMEOUT_S = 40.0
POLL_S = 0.3
PATIENCE_S, PATIENCE_RUNS = 30.0, 6
MIDNIGHT_IS_NEAR = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class World:
    """The running system, and the tokens of the people in the story."""

    running: Running
    issuer: Issuer

    # ── asking ──

    def ask(
        self, who: str, way: str, sent: Json, status: int, key: str | None = None
    ) -> Json:
        """One call of the API by one person; `way` is method and path."""
        answer = self._call(who, way, sent, key)
        content: Json = answer.json() if answer.content else {}
        show(who, sent, answer, one_line(telling(content)))
        must_be("HTTP status", status, answer.status_code)
        return content

    def read(self, escrow_id: str, who: str = "buyer") -> Json:
        return self.ask(who, f"GET /api/escrows/{escrow_id}", {}, 200)

    def _call(
        self, who: str, way: str, sent: Json, key: str | None = None
    ) -> requests.Response:
        method, path = way.split()
        token = f"Bearer {self.issuer.token(who)}"
        return requests.request(
            method,
            self.running.api_url + path,
            json=sent if method == "POST" else None,
            headers={"Authorization": token, "Idempotency-Key": key},
            timeout=TIMEOUT_S,
        )

    # ── PAYNET's other hand ──

    def paynet(self, way: str, sent: Json | None = None) -> Json:
        """One of the simulator's control routes."""
        method, path = way.split()
        url = f"{self.running.simulator_url}/_simulator/{path}"
        answer = requests.request(method, url, json=sent, timeout=TIMEOUT_S)
        show("paynet", sent or {}, answer)
        answer.raise_for_status()
        content: Json = answer.json()
        return content

    @contextmanager
    def paynet_switched(self, **switches: object) -> Iterator[None]:
        """The simulator behaves so meanwhile, and afterwards as before."""
        url = f"{self.running.simulator_url}/_simulator/settings"
        before = requests.get(url, timeout=TIMEOUT_S).json()
        self.paynet("POST settings", dict(switches))
        try:
            yield
        finally:
            usual = {name: before[name] for name in switches}
            requests.post(url, json=usual, timeout=TIMEOUT_S)

    # ── time ──

    def move_to(self, moment: datetime) -> None:
        """The clock goes past this moment, if it is not there yet."""
        self._move(moment - clock.now() + timedelta(seconds=1))

    def _move(self, by: timedelta) -> None:
        seconds = math.ceil(by.total_seconds())
        if seconds > 0:
            whole = timedelta(seconds=seconds)
            clock.move(self.running, whole)
            aside(f"make clock ADD={clock.spoken(whole)}: {_spoken(clock.now())}")

    def leave_midnight(self, steps_take: timedelta = MIDNIGHT_IS_NEAR) -> None:
        """The steps of one day need a day that does not end between them."""
        now = clock.now().astimezone(clock.ISTANBUL)
        if (now + steps_take).date() != now.date():
            self._move(steps_take)

    def wait(self, escrow_id: str, what: str, reached: Callable[[Json], bool]) -> Json:
        """Until the reconciler did it; DifferenceError if it does not."""
        patience_s = max(PATIENCE_S, PATIENCE_RUNS * self.running.reconcile_every_s)
        aside(
            f"… the reconciler runs every {self.running.reconcile_every_s:g} s: {what}"
        )
        end_s = time.monotonic() + patience_s
        way = f"GET /api/escrows/{escrow_id}"
        while not reached(escrow := self._call("buyer", way, {}).json()):
            if time.monotonic() > end_s:
                raise DifferenceError(
                    f"{what}: not within {patience_s:g} s; the escrow is"
                    f" {escrow.get('status')!r}"
                )
            time.sleep(POLL_S)
        return self.read(escrow_id)

    def wait_for_status(self, escrow_id: str, status: str) -> Json:
        return self.wait(escrow_id, status, lambda escrow: escrow["status"] == status)

    # ── looking inside, at the end ──

    def stored(self, escrow_id: str) -> Json:
        """The item itself; keys of one's own reach one's own DynamoDB."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ.setdefault(name, "local")
        where, region = self.running.dynamodb_endpoint, self.running.region
        books = boto3.resource("dynamodb", region, endpoint_url=where)
        table = books.Table(self.running.table_name)
        key = {"id": escrow_id}
        return dict(table.get_item(Key=key, ConsistentRead=True)["Item"])


def moment(text: str) -> datetime:
    """As an answer writes it."""
    return datetime.fromisoformat(text)


def _spoken(at: datetime) -> str:
    return at.astimezone(clock.ISTANBUL).strftime("%Y-%m-%d %H:%M:%S in Istanbul")
