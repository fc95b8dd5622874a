"""Who called, and how many were inside a call at once. It notes paths and references,
never bodies, headers, tokens or query strings."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

LONGEST_ID = 100


@dataclass
class Visit:
    at_s: float
    method: str
    path: str
    source: str
    session_id: str | None = None
    reference_no: str | None = None

    def note(self, body: dict[str, Any]) -> None:
        self.session_id = _short(body.get("session_id")) or self.session_id
        self.reference_no = _short(body.get("reference_no")) or self.reference_no


class Traffic:
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = Lock()
        self._visits: list[Visit] = []
        self._inside: Counter[str] = Counter()
        self._most: Counter[str] = Counter()

    def enter(self, method: str, path: str, source: str) -> Visit:
        visit = Visit(self._now(), method, path, source)
        with self._lock:
            self._visits.append(visit)
            self._inside[path] += 1
            self._most[path] = max(self._most[path], self._inside[path])
        return visit

    def leave(self, visit: Visit) -> None:
        with self._lock:
            self._inside[visit.path] -= 1

    def most_at_once(self, path: str) -> int:
        """The largest number of calls of that path that were inside together."""
        with self._lock:
            return self._most[path]

    def visits(self, path: str | None = None) -> list[Visit]:
        with self._lock:
            return [visit for visit in self._visits if path in {None, visit.path}]

    def clear(self) -> None:
        """Forgets what was; calls that are inside now still leave in order."""
        with self._lock:
            self._visits.clear()
            self._most.clear()

    def view(self) -> dict[str, Any]:
        with self._lock:
            return {
                "requests": [asdict(visit) for visit in self._visits],
                "most_at_once": dict(self._most),
            }


def _short(value: object) -> str | None:
    # A card number put into the wrong field must not end up here.
    if not isinstance(value, str) or len(value) > LONGEST_ID or value.isdigit():
        return None
    return value
