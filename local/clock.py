"""`make clock ADD=3d`: the whole running system lives three days later from now on.

How far it is ahead stands in the state folder, where API Gateway, the functions and
their schedules find it at their next step; the PAYNET simulator is told. It only ever
goes forward. Tokens, time-outs and this machine's own clock know nothing of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone

import requests

from local.running import CLOCK, NotRunningError, Running

ISTANBUL = timezone(timedelta(hours=3))
MOST_AT_ONCE = timedelta(days=400)
SIMULATOR_TIMEOUT_S = 10.0
UNITS_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
DURATION = re.compile("".join(f"(?:([0-9]{{1,8}}){unit})?" for unit in UNITS_S))


class ClockError(Exception):
    """It cannot be moved so; the text says why."""


def ahead() -> timedelta:
    """How far the system is ahead of real time."""
    try:
        facts = json.loads(CLOCK.read_text("utf-8"))
    except FileNotFoundError:
        return timedelta()
    return timedelta(seconds=facts["ahead_s"])


def now() -> datetime:
    """The present moment of the system."""
    return datetime.now(UTC) + ahead()


def forget() -> None:
    """Live in the present again, which only new books may."""
    CLOCK.unlink(missing_ok=True)


def duration(text: str) -> timedelta:
    """`90s`, `15m`, `6h`, `3d` or such as `1d12h`. Raises ClockError."""
    numbers = DURATION.fullmatch(text)
    parts = zip(numbers.groups("0"), UNITS_S.values(), strict=True) if numbers else ()
    length = timedelta(seconds=sum(int(number) * unit_s for number, unit_s in parts))
    if not timedelta() < length <= MOST_AT_ONCE:
        raise ClockError(
            "ADD is how far the clock goes forward, such as 90s, 15m, 6h, 3d or 1d12h,"
            f" at most {MOST_AT_ONCE.days}d at once. It is not {text!r}."
        )
    return length


def spoken(length: timedelta) -> str:
    """As `duration` reads it."""
    left_s, words = int(length.total_seconds()), ""
    for unit, unit_s in UNITS_S.items():
        count, left_s = divmod(left_s, unit_s)
        words += f"{count}{unit}" if count else ""
    return words or "0s"


def move(running: Running, by: timedelta) -> None:
    """PAYNET first: if it does not follow, nothing was moved. Raises ClockError."""
    if running.simulator_url is None:
        raise ClockError(
            "PAYNET's own days cannot be moved: the clock moves without PAYNET=test."
        )
    with _one_at_a_time():
        total = ahead() + by
        tell_simulator(running.simulator_url, total)
        _write(total)


def tell_simulator(url: str, total: timedelta) -> None:
    """Raises ClockError."""
    try:
        requests.post(
            f"{url}/_simulator/settings",
            json={"clock_offset_s": total.total_seconds()},
            timeout=SIMULATOR_TIMEOUT_S,
        ).raise_for_status()
    except requests.RequestException as error:
        problem = f"the PAYNET simulator does not follow ({type(error).__name__})"
        raise ClockError(f"{problem}: the clock stays where it is.") from None


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two movers add up; neither turns the other's move back."""
    with CLOCK.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(total: timedelta) -> None:
    new = CLOCK.with_suffix(".new")
    new.write_text(json.dumps({"ahead_s": int(total.total_seconds())}), "utf-8")
    new.replace(CLOCK)


def main() -> None:
    os.environ["NO_PROXY"] = "*"  # all of it is on this machine
    wanted = "".join(sys.argv[1:])
    try:
        by = duration(wanted) if wanted else None
        running = Running.find()
        if by is not None:
            move(running, by)
    except (ClockError, NotRunningError) as error:
        sys.exit(str(error))
    print(_present())
    if by is not None:
        print(f"What is due now is reconciled within {running.reconcile_every_s:g} s.")


def _present() -> str:
    """The system's moment, in PAYNET's city and in UTC."""
    moment, lead = now().replace(microsecond=0), ahead()
    istanbul = moment.astimezone(ISTANBUL).strftime("%Y-%m-%d %H:%M:%S")
    utc = moment.strftime("%Y-%m-%d %H:%M:%S")
    place = f"{spoken(lead)} ahead of" if lead else "as on"
    return f"It is {istanbul} in Istanbul, {utc} UTC: {place} this machine."


if __name__ == "__main__":
    main()
