"""Where writers meet: the real handlers, each request in a process of its own, behind
the API Gateway stand-in, over one table of a real engine. It brings rivals to the same
line and guards nobody against anybody."""

from __future__ import annotations

import json
import random
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from emanet.dynamodb.items import escrow_item, escrow_of, serialize, stamp
from emanet.escrow import Escrow
from emanet.escrow import escrow_id as escrow_id_of_order
from emanet.istanbul import day_of
from local import scheduler
from local.api_gateway.template import Function
from local.api_gateway.worker import LocalLambda
from local.issuer import Issuer
from local.paynet_simulator.browser import Form
from local.paynet_simulator.records import Transaction
from local.paynet_simulator.refunds import Refund
from tests.stage import (
    AMOUNT_MINOR,
    GOOD_CARD,
    Stage,
    Started,
    order,
    parameters,
    payment,
)

CROWD = 64  # browsers, tabs and impatient fingers at the same moment
CHARGE = "/v2/transaction/tds_charge"
CHECK = "/v1/transaction/check"
TIMEOUT_S = 60
MERCHANT = parameters("")["Merchant"]
MANY_ROUNDS = 50  # in so many, each rival wins now and then
RUNS_MAX = 10  # of the schedule, until nothing is due any more
_MOMENT = re.compile(r"(?<=\")\d{4}-\d\d-\d\dT[\d:.]+Z(?=\")")
_chance = random.Random(0)  # noqa: S311 - spreads the moments, keeps no secret

Rival = Callable[[], Any]
Money = dict[str, Any]


def race(*rivals: Rival) -> list[Any]:
    """All of them at once, each in a thread of its own; their results in order."""
    line = threading.Barrier(len(rivals))

    def run(rival: Rival) -> Any:
        line.wait()
        return rival()

    with ThreadPoolExecutor(len(rivals)) as pool:
        return list(pool.map(run, rivals))


def late(rival: Rival, by_s: float) -> Rival:
    """That rival, some moments later: up to `by_s`, each time other ones."""
    wait_s = _chance.uniform(0, by_s)

    def run() -> Any:
        time.sleep(wait_s)
        return rival()

    return run


def wait_until(moment: datetime) -> None:
    """A race about a deadline begins just before it."""
    time.sleep(max(0, (moment - datetime.now(UTC)).total_seconds()))


def was_open(winners: Counter[str], rounds: int) -> None:
    """A race that one side always wins is none."""
    assert len(winners) > 1 or rounds < MANY_ROUNDS, winners


def lira(amount_minor: int) -> Money:
    return {"amount": amount_minor, "currency": "TRY"}


class RaceLambda(LocalLambda):
    """Counts what the functions' own processes have answered, and can let requests
    wait for one another at a function's door."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        variables: Mapping[str, str],
        logs: Path,
    ) -> None:
        super().__init__(functions, variables, logs)
        self.answered: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._lines: dict[str, threading.Barrier] = {}

    @contextmanager
    def at_once(self, function_name: str, parties: int) -> Iterator[None]:
        """That many requests, which all reach their processes in one moment, and all
        are answered by them."""
        answered_before = self.answered[function_name]
        self._lines[function_name] = threading.Barrier(parties, timeout=TIMEOUT_S)
        try:
            yield
        finally:
            del self._lines[function_name]
        assert self.answered[function_name] - answered_before == parties

    def invoke(
        self, function_name: str, event: object, request_id: str | None = None
    ) -> object:
        if line := self._lines.get(function_name):
            line.wait()
        answer = super().invoke(function_name, event, request_id)
        with self._counting:
            self.answered[function_name] += 1
        return answer


@dataclass(frozen=True)
class Arena:
    """The running system; `stage` looks into its table and PAYNET's books."""

    url: str
    issuer: Issuer
    functions: RaceLambda
    stage: Stage

    # ── what rivals do ──

    def call(
        self,
        path: str,
        body: dict[str, Any],
        who: str,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        authorization = {"Authorization": f"Bearer {self._token(who)}"}
        return requests.post(
            self.url + path,
            json=body,
            headers={**authorization, **(headers or {})},
            timeout=TIMEOUT_S,
        )

    def _token(self, who: str) -> str:
        """`operations-2` is a second operator, beside those of the story."""
        if who == "operations-2":
            claims = {"sub": who, "scope": "escrow:read operations"}
            return self.issuer.mint(claims)
        return self.issuer.token(who)

    def act(
        self, escrow_id: str, action: str, who: str, body: dict[str, Any] | None = None
    ) -> requests.Response:
        return self.call(f"/api/escrows/{escrow_id}/{action}", body or {}, who)

    def ship(self, escrow_id: str, tracking_number: str) -> requests.Response:
        parcel = {"carrier": "Kargo", "tracking_number": tracking_number}
        return self.act(escrow_id, "ship", "seller", parcel)

    def release(
        self, escrow_id: str, key: str, amount_minor: int | None = None
    ) -> requests.Response:
        """By the payer; without an amount all that is available."""
        return self._move(escrow_id, "release", key, amount_minor, "buyer")

    def refund(
        self,
        escrow_id: str,
        key: str,
        amount_minor: int | None = None,
        who: str = "seller",
    ) -> requests.Response:
        """Given up by the payee, or ordered by operations."""
        return self._move(escrow_id, "refund", key, amount_minor, who)

    def _move(
        self, escrow_id: str, word: str, key: str, minor: int | None, who: str
    ) -> requests.Response:
        body: dict[str, Any] = {} if minor is None else {"amount": lira(minor)}
        if who.startswith("operations"):
            body["reason"] = "agreed by telephone"
        path = f"/api/escrows/{escrow_id}/{word}"
        return self.call(path, body, who, {"Idempotency-Key": key})

    def cancel(self, escrow_id: str) -> requests.Response:
        return self.act(escrow_id, "cancel", "buyer")

    def dispute(self, escrow_id: str) -> requests.Response:
        return self.act(escrow_id, "dispute", "buyer", {"reason": "broken glass"})

    def decide(
        self, escrow_id: str, word: str, who: str = "operations", **said: Any
    ) -> requests.Response:
        """Operations' word about an escrow."""
        path = f"/api/operations/escrows/{escrow_id}/{word}"
        version = self.stage.escrow(escrow_id).version
        body = {"reason": "looked into", "version": version, **said}
        return self.call(path, body, who, {"Idempotency-Key": "once"})

    def split(
        self, escrow_id: str, word: str, release_minor: int, who: str = "operations"
    ) -> requests.Response:
        """A decision over all that is held: so much to the payee, the rest back."""
        legs = {
            "release": lira(release_minor),
            "refund": lira(AMOUNT_MINOR - release_minor),
        }
        return self.decide(escrow_id, word, who, **legs)

    def initiate(self, escrow_id: str, number: str = GOOD_CARD) -> requests.Response:
        return self.act(escrow_id, "3d", "buyer", payment(number))

    def callback(self, reference_no: str) -> int:
        """PAYNET says that it was paid; what we answered."""
        url = f"{self.url}/api/webhooks/paynet-callback"
        (sent,) = self.stage.paynet.callbacks.send(url, reference_no)
        return sent.status or 0

    def reconcile(self) -> dict[str, Any]:
        """One run of the schedule: its report."""
        name = "ReconcileFunction"
        report = self.functions.invoke(name, scheduler.event(name))
        assert isinstance(report, dict)
        return report

    def hear_of(self, refund: Refund) -> None:
        """PAYNET calls back about it, and one run of the schedule hears it."""
        (sent,) = self.stage.paynet.refund_callbacks.send(refund)
        assert sent.status == 200
        assert self.reconcile()["failures"] == []

    def come_to_rest(self) -> None:
        """PAYNET has called back, and one run follows the other, until nothing is
        due."""
        for _ in range(RUNS_MAX):
            assert self.stage.paynet.refund_callbacks.finish()
            report = self.reconcile()
            assert report["failures"] == [], report
            if not report["escrows"] and not report["callbacks"]:
                self._shorten_lists()
                return
        raise AssertionError("it never came to rest")

    def _shorten_lists(self) -> None:
        """PAYNET lists every reversal of the days that are asked for: those of rounds
        that ended would fill page after page."""
        for row in self.stage.paynet.books.find():
            if row.is_reversal:
                self.stage.paynet.books.forget(row.xact_id)

    # ── what happened before ──

    def created(self, **more: Any) -> str:
        answer = self.call("/api/escrows", order(**more), "backend")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["escrow_id"])

    def at_bank(self, escrow_id: str) -> tuple[Started, Form]:
        """The payer passed the bank; the form that his browser is about to post."""
        started = session_of(self.initiate(escrow_id))
        return started, started.at_bank()

    def held(self, **more: Any) -> str:
        escrow_id = self.created(**more)
        _, form = self.at_bank(escrow_id)
        assert form.post().status_code == 303
        assert self.stage.escrow(escrow_id).status == "held"
        return escrow_id

    def shipped(self) -> str:
        escrow_id = self.held()
        assert self.ship(escrow_id, "TR-1").ok
        return escrow_id

    def delivered(self) -> str:
        escrow_id = self.shipped()
        assert self.act(escrow_id, "deliver", "buyer").ok
        return escrow_id

    def disputed(self) -> str:
        escrow_id = self.shipped()
        assert self.dispute(escrow_id).ok
        return escrow_id

    def held_since_yesterday(self) -> str:
        """Also a part of it may go back at once."""
        escrow_id = self.held()
        self.age(escrow_id, days=1)
        return escrow_id

    def reviewed(self) -> str:
        """Held money that nobody shipped, frozen for a human."""
        escrow_id = self.held(policy={"at_ship_by": "review"})
        self.age(escrow_id, days=8)
        assert self.reconcile()["failures"] == []
        assert self.stage.escrow(escrow_id).status == "review"
        return escrow_id

    def refunding(self) -> str:
        """PAYNET took the order and carried it out; nobody told us, and to ask is
        due."""
        escrow_id = self.held()
        assert self.refund(escrow_id, "k").ok
        with self.paynet_keeps(refund_callbacks="lost"):
            assert self.reconcile()["failures"] == []
        self.age(escrow_id, seconds=25)
        assert self.stage.escrow(escrow_id).status == "refunding"
        return escrow_id

    def refund_of(self, escrow_id: str) -> Refund:
        """The only one, in PAYNET's books."""
        (refund,) = self.stage.paynet.books.refunds(self._sales(escrow_id)[0].xact_id)
        return refund

    def copies(self, mould: Escrow, count: int) -> list[str]:
        """Other orders with the same story, in our books and in PAYNET's."""
        (sale,) = self._sales(mould.id)
        return [self._copy(mould, sale).id for _ in range(count)]

    def _copy(self, mould: Escrow, sale: Transaction) -> Escrow:
        order_id = f"{mould.order_id}-{secrets.token_hex(6)}"
        id_ = escrow_id_of_order(MERCHANT, order_id, mould.round)
        (attempt,) = mould.attempts
        (capture,) = attempt.captures
        reference = attempt.reference_no.replace(mould.id, id_)
        planted = self.stage.paynet.books.plant(
            reference, sale.amount_minor, at_s=sale.at_s
        )
        own = replace(capture, xact_id=planted.xact_id, plain_id=str(planted.number))
        paid = replace(attempt, reference_no=reference, captures=(own,))
        copy = replace(mould, id=id_, order_id=order_id, attempts=(paid,))
        self._put(escrow_item(copy))
        return copy

    def age(self, escrow_id: str, **by: float) -> None:
        """As if all that it tells had happened so much earlier, at PAYNET too."""

        def earlier(match: re.Match[str]) -> str:
            return stamp(datetime.fromisoformat(match[0]) - timedelta(**by))

        told = json.dumps(self.stage.item(escrow_id))
        older: dict[str, Any] = json.loads(_MOMENT.sub(earlier, told))
        moved = [e.at for e in escrow_of(older).history if e.money]
        if moved:  # a day, no moment: it follows the history
            older["moved_on"] = serialize(day_of(moved[-1]).isoformat())
        self._put(older)
        for sale in self._sales(escrow_id):
            at_s = sale.at_s - timedelta(**by).total_seconds()
            self.stage.paynet.books.alter(sale.xact_id, at_s=at_s)

    def _sales(self, escrow_id: str) -> list[Transaction]:
        rows = self.stage.paynet.books.find()
        return [
            row
            for row in rows
            if row.is_sale and row.reference_no.startswith(f"{escrow_id}-")
        ]

    def _put(self, item: dict[str, Any]) -> None:
        table = self.stage.environment["TABLE_NAME"]
        self.stage.dynamodb.put_item(TableName=table, Item=item)

    @contextmanager
    def paynet_keeps(self, **switches: Any) -> Iterator[None]:
        """PAYNET's switches as given, for a while."""
        before = self.stage.paynet.settings.model_dump()
        self.stage.paynet.settings.change(switches)
        try:
            yield
        finally:
            self.stage.paynet.settings.change(before)


def session_of(answer: requests.Response) -> Started:
    """What an answered initiate opened."""
    assert answer.status_code == 201, answer.text
    escrow = answer.json()["escrow"]
    reference = escrow["attempts"][-1]["reference_no"]
    return Started(escrow["escrow_id"], reference, answer.json()["three_ds"])


def statuses(answers: list[requests.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)
