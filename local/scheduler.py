"""EventBridge Scheduler on one machine: fires every function that has a schedule.

Like the real one it does not wait for the run before, and it knows nothing of what a
run does.
"""

from __future__ import annotations

import logging
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from local.api_gateway.template import ACCOUNT, REGION, Function
from local.api_gateway.worker import FunctionError, TooManyRequestsError

UNITS_S = {"minute": 60, "hour": 3_600, "day": 86_400}
Invoke = Callable[[str, object], object]

log = logging.getLogger(__name__)


def rate_s(expression: str) -> float:
    """Seconds of an expression such as `rate(5 minutes)`."""
    match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if match is None:
        raise ValueError(f"only rates are understood here, not {expression}")
    return int(match[1]) * float(UNITS_S[match[2]])


def event(function_name: str) -> dict[str, object]:
    """What Scheduler sends when the template gives no input of its own."""
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{function_name}"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [arn],
        "detail": "{}",
    }


class Scheduler:
    """Fires while its `with` block lasts; `every_s` replaces the template's rates."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        invoke: Invoke,
        every_s: float | None = None,
    ) -> None:
        self._invoke = invoke
        self._ended = threading.Event()
        self._clocks = [
            threading.Thread(
                target=self._run, args=(name, every_s or rate_s(rate)), daemon=True
            )
            for name, function in functions.items()
            for rate in function.schedules
        ]

    def __enter__(self) -> Self:
        for clock in self._clocks:
            clock.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        for clock in self._clocks:
            clock.join()

    def _run(self, function_name: str, every_s: float) -> None:
        while not self._ended.wait(every_s):
            threading.Thread(
                target=self._fire, args=(function_name,), daemon=True
            ).start()

    def _fire(self, function_name: str) -> None:
        try:
            self._invoke(function_name, event(function_name))
        except (FunctionError, TooManyRequestsError) as error:
            log.warning("%s on schedule: %s", function_name, error)
