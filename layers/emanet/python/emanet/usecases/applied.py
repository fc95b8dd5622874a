"""What became of a plan of repairs: a word for every finding. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from emanet.ports import Finding


class Result(StrEnum):
    """What became of a finding. `queued`: a human was shown it, now or before."""

    REPAIRED = "repaired"
    ALREADY_RIGHT = "already_right"
    QUEUED = "queued"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Handled:
    """One finding's end; `why` names the error of one that failed."""

    finding: Finding
    result: Result
    why: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an application did. `left`: findings that were not reached, because of
    `stopped`."""

    plan_id: str
    handled: tuple[Handled, ...]
    left: int = 0
    stopped: str = ""

    def count(self, result: Result) -> int:
        return sum(each.result is result for each in self.handled)
