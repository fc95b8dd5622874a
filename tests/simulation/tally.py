"""What was tried and what came of it, one line an item. A count of zero fails: what was
not tried proves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

HARMS = frozenset(
    {"lost", "double", "stuck", "wrong", "forgeries", "canaries", "false_alarms"}
)


@dataclass
class Tally:
    """Counts by item and name. Those of HARMS must be zero, all others must not."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def record(self, item: str, **numbers: int) -> None:
        """Adds to an item's counts."""
        counted = self.counts.setdefault(item, Counter())
        for name, number in numbers.items():
            counted[name] += number

    def merge(self, other: Mapping[str, Mapping[str, int]]) -> None:
        """What another process counted."""
        for item, numbers in other.items():
            self.record(item, **numbers)

    def plain(self) -> dict[str, dict[str, int]]:
        """As another process can be told."""
        return {item: dict(numbers) for item, numbers in self.counts.items()}

    def lines(self) -> list[str]:
        return [f"{item}: {_told(counts)}" for item, counts in self.counts.items()]

    def failures(self) -> list[str]:
        """What was never tried, and what went wrong."""
        return [
            f"{item}: {number} {name} is a failure"
            for item, counts in self.counts.items()
            for name, number in counts.items()
            if bool(number) == (name in HARMS)
        ]


PROVED = Tally()
record = PROVED.record


def _told(counts: Counter[str]) -> str:
    named = ((number, name.replace("_", " ")) for name, number in counts.items())
    return ", ".join(f"{number:,} {name}" for number, name in named)
