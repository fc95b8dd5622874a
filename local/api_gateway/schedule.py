"""When a schedule fires, read from the expressions that EventBridge Scheduler takes.

Of those it knows rates and one time of every day; any other it refuses. It says which
moment comes next and never looks at a clock itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

A_DAY = timedelta(days=1)
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": A_DAY}
RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)s?\)")
DAILY = re.compile(
    r"cron\(([0-5]?[0-9]) ([01]?[0-9]|2[0-3]) (?:\* \* \?|\? \* \*) \*\)"
)


class ScheduleError(Exception):
    """An expression, or a time zone, that is not understood here."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Again and again, `every` so often."""

    every: timedelta

    def next_after(self, moment: datetime) -> datetime:
        return moment + self.every


@dataclass(frozen=True, slots=True)
class Daily:
    """At one time of every day, by the clocks of a zone."""

    at: time
    zone: ZoneInfo

    @property
    def every(self) -> timedelta:
        return A_DAY

    def next_after(self, moment: datetime) -> datetime:
        today = moment.astimezone(self.zone).date()
        days = (today, today + A_DAY)
        both = (
            datetime.combine(day, self.at, self.zone).astimezone(UTC) for day in days
        )
        return min(one for one in both if one > moment)


Schedule = Rate | Daily


def read_schedule(expression: str, timezone: str) -> Schedule:
    """Raises ScheduleError. A rate has no use for the zone."""
    if rate := RATE.fullmatch(expression):
        return Rate(int(rate[1]) * UNITS[rate[2]])
    if daily := DAILY.fullmatch(expression):
        return Daily(time(int(daily[2]), int(daily[1])), _zone(timezone))
    known = "rate(5 minutes) and cron(30 2 * * ? *) are"
    raise ScheduleError(f"{known} understood here, not {expression}")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ScheduleError(f"this machine knows no time zone {name}") from None
