"""EventBridge Scheduler on one machine: fires every function that has a schedule.

Like the real one it does not wait for the run before, and it knows nothing of what a
run does. Schedules of minutes go by real time, longer ones by the system's own clock,
which a person may move: however far it went, one that it passed fires once.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from local.api_gateway.schedule import Schedule
from local.api_gateway.template import ACCOUNT, REGION, Function
from local.api_gateway.worker import FunctionError, TooManyRequestsError

LONG = timedelta(hours=1)
LOOK_EVERY_S = 1.0  # at the clock, for the long ones
Invoke = Callable[[str, object], object]
Clock = Callable[[], datetime]

log = logging.getLogger(__name__)


def real_time() -> datetime:
    return datetime.now(UTC)


def rate_s(schedule: Schedule) -> float:
    """Seconds from one run to the next."""
    return schedule.every.total_seconds()


def event(function_name: str, moment: datetime | None = None) -> dict[str, object]:
    """What Scheduler sends when the template gives no input of its own."""
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{function_name}"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": (moment or real_time()).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [arn],
        "detail": "{}",
    }


class Alarm:
    """Rings once when its schedule's next moment is past, be it by seconds or days."""

    def __init__(self, schedule: Schedule, now: datetime) -> None:
        self._schedule = schedule
        self._next = schedule.next_after(now)

    def rings(self, now: datetime) -> bool:
        if now < self._next:
            return False
        self._next = self._schedule.next_after(now)
        return True


class Scheduler:
    """Fires while its `with` block lasts; `every_s` replaces the rates of minutes."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        invoke: Invoke,
        every_s: float | None = None,
        now: Clock = real_time,
    ) -> None:
        self._invoke = invoke
        self._every_s = every_s
        self._now = now
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(name, schedule), daemon=True)
            for name, function in functions.items()
            for schedule in function.schedules
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self, function_name: str, schedule: Schedule) -> None:
        if schedule.every < LONG:
            self._beat(function_name, self._every_s or rate_s(schedule))
        else:
            self._watch(function_name, Alarm(schedule, self._now()))

    def _beat(self, function_name: str, every_s: float) -> None:
        while not self._ended.wait(every_s):
            self._start(function_name)

    def _watch(self, function_name: str, alarm: Alarm) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            if alarm.rings(self._now()):
                self._start(function_name)

    def _start(self, function_name: str) -> None:
        threading.Thread(target=self._fire, args=(function_name,), daemon=True).start()

    def _fire(self, function_name: str) -> None:
        try:
            self._invoke(function_name, event(function_name, self._now()))
        except (FunctionError, TooManyRequestsError) as error:
            log.warning("%s on schedule: %s", function_name, error)
