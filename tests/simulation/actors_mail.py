"""What is on its way between the swarm's actors, and how reliable they are: a request
is sent again, late or twice, and whatever is sent later may arrive first."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from local.paynet_simulator.settings import RefundWay
from tests.simulation.world import Unanswered, World
from tests.stage import Answer

REFUND_WAYS: tuple[RefundWay, ...] = (
    "auto",
    "auto",
    "auto",
    "manual",
    "manual",
    "deny",
    "never",
)
DEPLOYMENTS = {
    "api": {},
    "hosted": {"PAYMENT_MODE": "hosted"},
    "paynet escrow": {"PAYNET_ESCROW": "on"},
}
MODES = ("api", "api", "api", "hosted", "paynet escrow")
AT_ONCE = timedelta(seconds=1)

Call = Callable[[], Answer]


@dataclass(order=True)
class Letter:
    """Something that arrives later: a browser, a callback, a request once more."""

    at: datetime
    number: int
    deliver: Callable[[], object] = field(compare=False)


@dataclass
class Habits:
    """How unreliable this world's people and PAYNET are, from 0 to 1."""

    repeats: float  # of requests and callbacks
    tries_illegal: float
    odd_cards: float
    odd_answers: float
    callbacks: str  # sent, lost, duplicate, late
    refunds: RefundWay
    mode: str  # of the deployment: api, hosted, or paynet escrow

    @classmethod
    def drawn(cls, chance: random.Random) -> Habits:
        return cls(
            repeats=chance.uniform(0, 0.5),
            tries_illegal=chance.uniform(0.05, 0.3),
            odd_cards=chance.uniform(0, 0.5),
            odd_answers=chance.uniform(0, 0.5),
            callbacks=chance.choice(("sent", "lost", "duplicate", "late")),
            refunds=chance.choice(REFUND_WAYS),
            mode=chance.choice(MODES),
        )

    @property
    def is_hosted(self) -> bool:
        return self.mode == "hosted"

    @property
    def deployment(self) -> dict[str, str]:
        """Its settings, as World.deploy takes them."""
        return DEPLOYMENTS[self.mode]


@dataclass
class Mail:
    """Letters, and one request at a time. `is_disturbed` says whether a fault struck
    since it was asked last: only then an answer may be another than promised."""

    world: World
    chance: random.Random
    habits: Habits
    is_disturbed: Callable[[], bool]
    letters: list[Letter] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _number: int = 0

    # ── what arrives, and when ──

    def later(self, deliver: Callable[[], object], after: timedelta) -> None:
        self._number += 1
        at = self.world.clock() + after
        heapq.heappush(self.letters, Letter(at, self._number, deliver))

    def next_letter(self) -> datetime | None:
        return self.letters[0].at if self.letters else None

    def deliver_one(self) -> None:
        heapq.heappop(self.letters).deliver()

    def _soon(self, hours: float = 3) -> timedelta:
        """Mostly seconds, sometimes hours: whatever is sent later may arrive first."""
        if self._happens(0.8):
            return timedelta(seconds=self.chance.uniform(0, 90))
        return timedelta(hours=self.chance.uniform(0, hours))

    # ── one request of a person ──

    def _ask(self, call: Call, fits: Callable[[int], bool]) -> Answer | None:
        """Its answer; None when nobody answered. Sometimes it is sent again: at once by
        whoever got none, or late by a network."""
        if self._happens(self.habits.repeats):
            self.counts["repeated_requests"] += 1
            self.later(partial(self._once, call, is_answer), self._soon())
        answer = self._once(call, fits)
        if (answer is None or answer.status == 503) and self._happens(0.8):
            return self._once(call, is_answer)
        return answer

    def _once(self, call: Call, fits: Callable[[int], bool]) -> Answer | None:
        self.is_disturbed()
        began = self.world.clock()
        try:
            answer = call()
        except Unanswered:
            self.counts["unanswered"] += 1
            return None
        disturbed = self.is_disturbed() or self.world.clock() - began > AT_ONCE
        if 400 <= answer.status < 500:
            self.counts["refused_requests"] += 1
        if not (fits(answer.status) or (disturbed and is_answer(answer.status))):
            asked = getattr(call, "args", ())[:2]
            self.wrong.append(f"wrong - {asked} was answered {answer.status}")
        return answer

    def _happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _key(self) -> str:
        self._number += 1
        return f"key-{self._number}"


def is_answer(status: int) -> bool:
    """Never a bug's 500: yes, no, or not now."""
    return status < 500 or status == 503
