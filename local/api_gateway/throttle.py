"""Token buckets, one per route: how often a route may be called."""

from __future__ import annotations

import threading
from collections.abc import Callable

from local.api_gateway.template import Throttle


class TokenBucket:
    """Full at the start with `burst` tokens; `rate_per_s` flow in, one goes per call.

    `clock` gives monotonic seconds.
    """

    def __init__(self, throttle: Throttle, clock: Callable[[], float]) -> None:
        self._throttle = throttle
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = float(throttle.burst)
        self._filled_at_s = clock()

    def take(self) -> bool:
        with self._lock:
            self._fill()
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def _fill(self) -> None:
        now_s = self._clock()
        flowed = (now_s - self._filled_at_s) * self._throttle.rate_per_s
        self._tokens = min(float(self._throttle.burst), self._tokens + flowed)
        self._filled_at_s = now_s
