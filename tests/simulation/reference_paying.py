"""The first half of the reference model: how the escrow stands, and the way from
`created` to `held`. The other half is in reference.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.simulation.reference_paynet import (
    AMOUNT,
    DAY,
    HOUR,
    MINUTE,
    SESSION,
    Order,
    Try,
)
from tests.simulation.reference_rules import RESERVING

PAYABLE = ("created", "authenticating")
STILL = ("releasing", "refunding", "disputed", "review")  # no clock counts there


@dataclass(frozen=True)
class Command:
    """Who does what; `choice` says which of several ways, `fault` what goes wrong."""

    verb: str
    role: str = ""
    choice: str = ""
    fault: str = ""


@dataclass
class Paying:
    """How an escrow stands, and how it is paid."""

    now: datetime
    policy: str = ""
    status: str = "created"
    held: int = 0
    released: int = 0
    refunded: int = 0
    charged_back: int = 0
    tries: list[Try] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    clocks: dict[str, datetime] = field(default_factory=dict)
    stopped: datetime | None = None
    prior: str = ""
    why: str = ""
    parcel: str = ""
    is_delivered: bool = False
    is_disputed: bool = False
    disputes: int = 0
    chargeback: str = ""
    froze: bool = False
    flags: set[str] = field(default_factory=set)
    fault: str = ""
    way: str = "auto"

    def __post_init__(self) -> None:
        self.clocks["pay_by"] = self.now + 72 * HOUR

    @property
    def captured(self) -> int:
        return self.held + self.released + self.refunded + self.charged_back

    @property
    def reserved(self) -> int:
        return sum(order.amount for order in self.of(*RESERVING))

    @property
    def available(self) -> int:
        return self.held - self.reserved

    def of(self, *states: str) -> list[Order]:
        return [order for order in self.orders if order.state in states]

    def captures(self, *words: str) -> list[Try]:
        return [it for it in self.tries if it.word in words]

    # ── paying ──

    def is_too_fast(self) -> bool:
        recent = [t for t in self.tries if t.started > self.now - 10 * MINUTE]
        return len(recent) >= 5 and len(self.tries) < 10

    def pay(self, command: Command) -> None:
        self._close_live("superseded")
        self.tries.append(Try(command.choice, self.now))
        self.to("authenticating")
        if self.fault == "down":
            self._close_live("refused")
            self.to("created")

    def live(self) -> Try | None:
        return next((t for t in self.tries if t.state in {"open", "charging"}), None)

    def _close_live(self, state: str) -> None:
        if live := self.live():
            live.state = state

    def come_back(self, command: Command) -> None:
        """Always a redirect. The latest attempt's form, the first one's, or a no."""
        it = self.tries[0 if command.choice == "older" else -1]
        said_no = command.choice == "no" or it.card == "refuses"
        if it.state == "open" and said_no:
            self.unpaid(it, "failed")
        elif it.state == "open" and self.now < it.started + SESSION:
            self._charge(it)
        elif it.state == "charging" and self.status == "charging" and not said_no:
            assert it.sent
            if self.now >= it.sent + MINUTE and it.takeovers < 3:
                it.takeovers += 1
                self._charge(it)

    def _charge(self, it: Try) -> None:
        """A refusal counts only of the first call; whatever is lost is asked."""
        is_first, it.state, it.sent = it.sent is None, "charging", self.now
        it.asks = [it.sent + n * MINUTE / 3 for n in (1, 3, 15, 45)]
        self.to("charging")
        if self.fault != "before":
            it.charge(self.now)
        if it.taken and self.fault not in {"lost", "before"}:
            self.found(it)
        elif it.is_refused and not self.fault and is_first:
            self.unpaid(it, "declined")

    def unpaid(self, it: Try, state: str, *asks: datetime) -> None:
        it.state, it.asks, it.closed = state, list(asks), self.now
        self.to("created")
        if self.captures("waiting"):
            self._fund(self.captures("waiting")[0])

    def found(self, it: Try) -> None:
        """PAYNET says that it took money for this attempt."""
        is_live, it.asks = it is self.live(), []
        is_frozen = self.status == "review" and not self.captured
        if it.word and not (it.word == "mismatched" and is_live):
            return
        if it.taken != AMOUNT and not self.captured:
            it.word, it.state = "mismatched", "doubtful"
            self.freeze("doubtful_capture")
        elif self.status in PAYABLE or (self.status == "charging" and is_live):
            self._close_live("superseded")
            self._fund(it)
        elif self.status == "charging" or is_frozen:
            it.word = "waiting"
        else:
            self._give_back(it)

    def _fund(self, it: Try) -> None:
        it.word, it.state, self.held = "funds", "captured", it.taken
        self.to("held")
        self.clocks = {"ship_by": self.now + 7 * DAY}
        self.clocks["hold_until"] = self.now + 60 * DAY
        for other in self.captures("waiting"):
            self._give_back(other)

    def _give_back(self, it: Try) -> None:
        it.word, it.back = "surplus", Order("refund", it.taken, self.now)

    def freeze(self, why: str) -> None:
        self.prior = self.status if self.status not in STILL[:2] else "held"
        self.flags.add(why)
        self.why = why
        self.to("review")

    def to(self, status: str) -> None:
        if status in STILL and self.status not in STILL:
            self.stopped = self.now
        if status not in STILL and self.status in STILL and self.stopped:
            stood = self.now - self.stopped
            self.clocks = {name: at + stood for name, at in self.clocks.items()}
            if status == "created":
                self.clocks["pay_by"] = max(self.clocks["pay_by"], self.now + DAY)
        self.status = status
