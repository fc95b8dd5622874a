"""Money inside Emanet: whole kuruş, Turkish lira, and the sums of one escrow. It never
sees a float, and knows no wire format: those live with the border that speaks them."""

from __future__ import annotations

from dataclasses import dataclass, replace

CURRENCY = "TRY"
MAX_AMOUNT_MINOR = (
    10_000_000_000  # 100 million lira: above any card, below any overflow
)


class RuleBroken(Exception):
    """A rule of the design would not hold after this change: a bug of ours."""


@dataclass(frozen=True, slots=True)
class Balances:
    """Where an escrow's captured kuruş are: `captured` is always the sum of the
    rest."""

    captured: int = 0
    held: int = 0
    released: int = 0
    refunded: int = 0
    charged_back: int = 0

    def __post_init__(self) -> None:
        parts = (self.held, self.released, self.refunded, self.charged_back)
        if min(parts) < 0 or self.captured != sum(parts):
            raise RuleBroken("captured = held + released + refunded + charged_back")

    def capture(self, amount_minor: int) -> Balances:
        """The whole amount arrives, once, and is held."""
        if self.captured:
            raise RuleBroken("an escrow is funded once")
        return replace(self, captured=amount_minor, held=amount_minor)

    def release(self, amount_minor: int) -> Balances:
        """Held money becomes owed to the payee."""
        left = self.held - amount_minor
        return replace(self, held=left, released=self.released + amount_minor)

    def refund(self, amount_minor: int) -> Balances:
        """Held money is back on the payer's card."""
        left = self.held - amount_minor
        return replace(self, held=left, refunded=self.refunded + amount_minor)

    def charge_back(self) -> Balances:
        """The payer's bank took all that is held."""
        gone = self.charged_back + self.held
        return replace(self, held=0, charged_back=gone)
