"""How fast we may ask PAYNET, which documents no limit and so gets a low one from us: a
bucket of permissions that fills slowly. It waits and says yes, or says no at once; it
knows no request."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

from emanet.ports import Clock

PER_S = 5.0


def _now() -> datetime:
    return datetime.now(UTC)


class TokenBucket:
    """At most `burst` requests at once and `per_s` a second from then on, shared by all
    threads that hold it. With a burst of 1 no second sees more than `per_s`."""

    def __init__(
        self,
        per_s: float = PER_S,
        burst: int = 1,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        *,
        clock: Clock = _now,
    ) -> None:
        if per_s <= 0 or burst < 1:
            raise ValueError("a bucket that never fills lets nothing through")
        self._interval_s = 1 / per_s
        self._ahead_s = (burst - 1) * self._interval_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._clock = clock
        self._lock = Lock()
        self._full_at = monotonic()

    def __call__(self, deadline: datetime) -> bool:
        """Waits for a permission and takes it. False, without waiting and without
        taking one, if it would come at `deadline` or later."""
        wait_s = self._take((deadline - self._clock()).total_seconds())
        if wait_s is None:
            return False
        if wait_s > 0:
            self._sleep(wait_s)  # outside the lock: the place in the row is ours
        return True

    def _take(self, left_s: float) -> float | None:
        with self._lock:
            now = self._monotonic()
            full_at = max(self._full_at, now)
            wait_s = max(full_at - self._ahead_s - now, 0)
            if wait_s >= left_s:
                return None
            self._full_at = full_at + self._interval_s
            return wait_s
