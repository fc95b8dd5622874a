"""The checker: after every step the rules of the design on every escrow, and PAYNET's
truth beside ours. It reads both books and asks no code of ours what it thinks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.simulation.world import World


class Harm(StrEnum):
    LOST = "lost"
    DOUBLE = "double"
    STUCK = "stuck"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    harm: Harm
    escrow_id: str
    what: str


class Checker:
    """One for a world and its whole story, because it remembers what it saw."""

    def __init__(self, world: World) -> None:
        self._world = world

    def look(self) -> list[Finding]:
        """What is wrong at this moment, whatever is under way."""
        return []

    def at_rest(self) -> list[Finding]:
        """What is wrong now that nothing is under way any more."""
        return self.look()
