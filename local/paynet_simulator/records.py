"""What PAYNET's books are made of: payments asked for, sessions, transactions. Plain
data; a card stays as its first six and last four digits."""

import secrets
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from local.paynet_simulator.cards import Card, Decline

# PAYNET's transaction_type: a sale taken back on its own day, and on a later one.
SALE, CANCEL, CREDIT = 1, 2, 9
REVERSALS = {CANCEL, CREDIT}

COMMISSION_PER_MILLE = 25
TAX_PER_CENT = 20


class Unknown(LookupError):
    """A hand reached for what the books do not have."""


class ThreeDs(StrEnum):
    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"


class Escrow(IntEnum):
    """2 and 3 are PAYNET's words of escrow_status_update; 1 is ours."""

    HELD = 1
    APPROVED = 2
    REJECTED = 3


@dataclass(frozen=True)
class Payment:
    """What tds_initial asks for, without what may not be kept."""

    reference_no: str
    amount_minor: int
    return_url: str = field(repr=False)
    domain: str
    card: Card
    card_masked: str
    card_holder: str
    instalment: int | None = None
    is_escrow: bool = False


@dataclass
class Transaction:
    """`reverses` is the sale that a reversal takes back; `commission_minor` None is
    PAYNET's usual one; a `forgotten` row is listed nowhere; its money stays taken."""

    number: int
    xact_id: str
    reference_no: str
    amount_minor: int
    succeeded: bool
    at_s: float
    transaction_type: int = SALE
    card_masked: str = ""
    card_holder: str = ""
    decline: Decline | None = None
    reversed: bool = False
    reversed_xact_id: str | None = None
    reverses: "Transaction | None" = field(default=None, repr=False)
    asked_at_s: float | None = None
    commission_minor: int | None = None
    on_chargeback: bool = False
    forgotten: bool = False
    escrow: Escrow | None = None
    released_minor: int = 0
    releases: int = 0

    @property
    def is_sale(self) -> bool:
        return self.succeeded and self.transaction_type == SALE

    @property
    def is_reversal(self) -> bool:
        return self.succeeded and self.transaction_type in REVERSALS

    @property
    def fee_minor(self) -> int:
        if self.commission_minor is not None:
            return self.commission_minor
        return self.amount_minor * COMMISSION_PER_MILLE // 1000

    @property
    def tax_minor(self) -> int:
        return self.fee_minor * TAX_PER_CENT // 100

    @property
    def net_minor(self) -> int:
        return self.amount_minor - self.fee_minor - self.tax_minor


@dataclass
class Session:
    session_id: str
    token_id: str = field(repr=False)
    payment: Payment
    opened_at_s: float
    three_ds: ThreeDs = ThreeDs.OPEN
    wrong_passwords: int = 0
    transaction: Transaction | None = None


def new_xact_id() -> str:
    # PAYNET's carry these three signs: whoever forgets to quote them shall notice.
    return f"xk_{secrets.token_hex(8)}+{secrets.token_hex(8)}/{secrets.token_hex(4)}*"


def transaction_view(row: Transaction) -> dict[str, Any]:
    return {
        "id": row.number,
        "xact_id": row.xact_id,
        "reference_no": row.reference_no,
        "amount_minor": row.amount_minor,
        "commission_minor": row.fee_minor,
        "succeeded": row.succeeded,
        "at_s": row.at_s,
        "transaction_type": row.transaction_type,
        "card": row.card_masked,
        "reversed": row.reversed,
        "reversed_xact_id": row.reversed_xact_id,
        "reverses": row.reverses.xact_id if row.reverses else None,
        "on_chargeback": row.on_chargeback,
        "forgotten": row.forgotten,
        "escrow": row.escrow.name.lower() if row.escrow else None,
        "released_minor": row.released_minor,
    }
