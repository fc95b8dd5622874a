"""What the reference model believes of PAYNET: what it took, what goes back, and what
of it anybody can know. Plain numbers; the machine is in reference.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

AMOUNT = 130_000
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ISTANBUL = timezone(timedelta(hours=3))
SESSION = 30 * MINUTE


@dataclass
class Order:
    """A settlement, or the refund of a surplus. `by` is who wanted it, `ask` when its
    proof is looked for, `paynet` what became of it there: approved, denied, open,
    never decided, or empty when it never arrived."""

    kind: str
    amount: int
    due: datetime
    by: str = ""
    state: str = "scheduled"
    sent: datetime | None = None
    is_answered: bool = False
    ask: datetime | None = None
    paynet: str = ""

    def give_up_at(self) -> datetime:
        """A lost order is proved within a day, an accepted one decided within three
        business days; then a human looks."""
        assert self.sent
        at, days = self.sent, 3 * self.is_answered
        while days:
            at += DAY
            days -= at.astimezone(ISTANBUL).weekday() < 5
        return at if self.is_answered else at + DAY


@dataclass
class Try:
    """An attempt to pay, and PAYNET's transaction of it. `word` is what its capture
    means to us, `back` its refund if it was surplus."""

    card: str
    started: datetime
    state: str = "open"
    sent: datetime | None = None
    closed: datetime | None = None
    takeovers: int = 0
    asks: list[datetime] = field(default_factory=list)
    is_told: bool = False
    taken: int = 0
    went_back: int = 0
    promised: int = 0
    day: date | None = None
    is_refused: bool = False
    word: str = ""
    back: Order | None = None

    def is_due(self, now: datetime) -> bool:
        """A question about it is."""
        return bool(self.asks) and min(self.asks) <= now

    def take(self, amount: int, now: datetime) -> None:
        self.taken, self.day = amount, now.astimezone(ISTANBUL).date()

    def charge(self, now: datetime) -> None:
        """A tds_charge that arrived: once, whatever comes after; an old session charges
        no more."""
        if self.taken or self.is_refused or now > self.started + SESSION:
            return
        if self.card == "declined":
            self.is_refused = True
        else:
            self.take(AMOUNT + 100 * (self.card == "mismatch"), now)

    def refund(self, order: Order, way: str) -> None:
        """A reversed_request that arrived. Never more than is left."""
        if order.amount > self.taken - self.went_back - self.promised:
            order.paynet = "denied"
        elif way == "auto":
            order.paynet = "approved"
            self.went_back += order.amount
        else:
            order.paynet = "open" if way == "manual" else "never"
            self.promised += order.amount

    def decide(self, order: Order, verdict: str, now: datetime) -> None:
        """By people at PAYNET; its callback makes us ask."""
        self.promised -= order.amount
        self.went_back += order.amount * (verdict == "approved")
        order.paynet, order.ask = verdict, now
