"""Where writers meet: the real handlers, each request in a process of its own, behind
the API Gateway stand-in, over one table of a real engine. It brings rivals to the same
line and guards nobody against anybody."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from emanet.dynamodb import stamp
from local import scheduler
from local.api_gateway.template import Function
from local.api_gateway.worker import LocalLambda
from local.issuer import Issuer
from local.paynet_simulator.browser import Form
from tests.stage import GOOD_CARD, Stage, Started, order, payment

CROWD = 64  # browsers, tabs and impatient fingers at the same moment
CHARGE = "/v2/transaction/tds_charge"
CHECK = "/v1/transaction/check"
TIMEOUT_S = 60
_MOMENT = re.compile(r"(?<=\")\d{4}-\d\d-\d\dT[\d:.]+Z(?=\")")


def race(*rivals: Callable[[], Any]) -> list[Any]:
    """All of them at once, each in a thread of its own; their results in order."""
    line = threading.Barrier(len(rivals))

    def run(rival: Callable[[], Any]) -> Any:
        line.wait()
        return rival()

    with ThreadPoolExecutor(len(rivals)) as pool:
        return list(pool.map(run, rivals))


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
        authorization = {"Authorization": f"Bearer {self.issuer.token(who)}"}
        return requests.post(
            self.url + path,
            json=body,
            headers={**authorization, **(headers or {})},
            timeout=TIMEOUT_S,
        )

    def act(
        self, escrow_id: str, action: str, who: str, body: dict[str, Any] | None = None
    ) -> requests.Response:
        return self.call(f"/api/escrows/{escrow_id}/{action}", body or {}, who)

    def ship(self, escrow_id: str, tracking_number: str) -> requests.Response:
        parcel = {"carrier": "Kargo", "tracking_number": tracking_number}
        return self.act(escrow_id, "ship", "seller", parcel)

    def release(self, escrow_id: str, key: str) -> requests.Response:
        path = f"/api/escrows/{escrow_id}/release"
        return self.call(path, {}, "buyer", {"Idempotency-Key": key})

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

    # ── what happened before ──

    def created(self) -> str:
        answer = self.call("/api/escrows", order(), "backend")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["escrow_id"])

    def at_bank(self, escrow_id: str) -> tuple[Started, Form]:
        """The payer passed the bank; the form that his browser is about to post."""
        started = session_of(self.initiate(escrow_id))
        return started, started.at_bank()

    def held(self) -> str:
        escrow_id = self.created()
        _, form = self.at_bank(escrow_id)
        assert form.post().status_code == 303
        assert self.stage.escrow(escrow_id).status == "held"
        return escrow_id

    def age(self, escrow_id: str, **by: float) -> None:
        """As if all that it tells had happened so much earlier."""

        def earlier(match: re.Match[str]) -> str:
            return stamp(datetime.fromisoformat(match[0]) - timedelta(**by))

        older = _MOMENT.sub(earlier, json.dumps(self.stage.item(escrow_id)))
        table = self.stage.environment["TABLE_NAME"]
        self.stage.dynamodb.put_item(TableName=table, Item=json.loads(older))


def session_of(answer: requests.Response) -> Started:
    """What an answered initiate opened."""
    assert answer.status_code == 201, answer.text
    escrow = answer.json()["escrow"]
    reference = escrow["attempts"][-1]["reference_no"]
    return Started(escrow["escrow_id"], reference, answer.json()["three_ds"])


def statuses(answers: list[requests.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)
