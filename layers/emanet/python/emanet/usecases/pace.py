"""How patient the machine is: back-off after failures and silences, spread by chance,
and the pulse that tells whether PAYNET is there at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from emanet.ports import Chance

TIMEOUTS_MAX = 5  # in a row: PAYNET is down, the next run will see
BACKOFF_MAX = timedelta(hours=6)
SILENCE_WAIT_MAX = timedelta(minutes=30)
_STEPS = 1024


@dataclass(slots=True)
class Pulse:
    """PAYNET's, within one run."""

    chance: Chance
    silences: int = 0

    def heard(self, *, silent: bool) -> None:
        """It answered, or it did not: silences are counted in a row."""
        self.silences = self.silences + 1 if silent else 0

    @property
    def is_down(self) -> bool:
        return self.silences >= TIMEOUTS_MAX

    def jittered(self, wait: timedelta) -> timedelta:
        """Between three quarters and five quarters of it, so that what
        failed together does not come back together."""
        drawn = int.from_bytes(self.chance(8).encode()) % _STEPS
        return wait * (_STEPS * 3 // 4 + drawn // 2) / _STEPS


def backoff(tries: int) -> timedelta:
    """1, 2, 4 … minutes, at most 6 hours."""
    return min(timedelta(minutes=2 ** max(0, tries - 1)), BACKOFF_MAX)


def backoff_of_silence(lasting: timedelta) -> timedelta:
    """PAYNET is down: the longer, the rarer it is asked, but never long after it is
    back."""
    return min(max(lasting / 4, timedelta(minutes=1)), SILENCE_WAIT_MAX)


def backoff_for_age(age: timedelta) -> timedelta:
    """The older it is, the rarer it is asked: as long again as it is old."""
    return min(max(age, timedelta(minutes=1)), BACKOFF_MAX)
