"""What was tried and what came of it, one line an item. A count of zero fails: what was
not tried proves nothing."""

from __future__ import annotations

from collections import Counter

_PROVED: dict[str, Counter[str]] = {}
_MUST_BE_ZERO = frozenset({"lost", "double", "stuck", "wrong", "forgeries", "canaries"})


def record(item: str, **counts: int) -> None:
    """Adds to an item's counts."""
    _PROVED.setdefault(item, Counter()).update(counts)


def lines() -> list[str]:
    """One for each item that was recorded."""
    return [f"{item}: {_told(counts)}" for item, counts in sorted(_PROVED.items())]


def failures() -> list[str]:
    """What was never tried, and what went wrong."""
    return [
        f"{item}: {count} {name}"
        for item, counts in sorted(_PROVED.items())
        for name, count in counts.items()
        if bool(count) == (name in _MUST_BE_ZERO)
    ]


def _told(counts: Counter[str]) -> str:
    return ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in counts.items()
    )
