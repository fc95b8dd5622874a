"""What PAYNET's books are made of: payments asked for, sessions, transactions. Plain
data; a card stays as its first six and last four digits."""

import secrets
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from local.paynet_simulator import ratios
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
class CardFace:
    """What is left of a card when its number was looked up; `fingerprint` tells the
    same number again and nothing else."""

    card: Card
    masked: str
    holder: str
    month: int
    year: int
    fingerprint: bytes = field(repr=False)


@dataclass(frozen=True)
class NewCard:
    """A card that shall be stored, for an owner named in one of two ways or in both."""

    face: CardFace
    desc: str
    user_unique_id: str | None = None
    card_owner_id: str | None = None


@dataclass
class StoredCard:
    """`number` is ours, for hands. A deleted card stays, marked."""

    number: int
    card_owner_id: str
    user_unique_id: str
    card_hash: str = field(repr=False)
    desc: str
    face: CardFace
    deleted: bool = False


@dataclass(frozen=True)
class Payment:
    """What tds_initial or the form asks for, without what may not be kept. `ratio` is
    that of an instalment sale; `card_hash` names the stored card that pays, `saving`
    the card to store if it pays."""

    reference_no: str
    amount_minor: int
    return_url: str = field(repr=False)
    domain: str
    card: Card
    card_masked: str
    card_holder: str
    instalment: int | None = None
    ratio: int | None = None
    is_escrow: bool = False
    card_hash: str | None = field(default=None, repr=False)
    saving: NewCard | None = None


@dataclass(frozen=True)
class Form:
    """What a page told paynetj/auth: a payer may have changed all of it."""

    session_id: str
    amount_minor: int
    domain: str
    tds_required: bool
    ratio_code: str
    opened_at_s: float


@dataclass(frozen=True)
class FormCharge:
    """What the shop's server says of the form whose money it takes."""

    amount_minor: int
    ratio_code: str
    adds_commission: bool
    reference_no: str

    def is_of(self, form: Form) -> bool:
        """A form that adds the commission is not built."""
        return not self.adds_commission and (self.amount_minor, self.ratio_code) == (
            form.amount_minor,
            form.ratio_code,
        )


@dataclass
class Transaction:
    """`reverses` is the sale that a reversal takes back; `commission_minor` None is
    PAYNET's usual one, or that of `ratio` (instalments; the tax is in it); a
    `forgotten` row is listed nowhere; its money stays taken."""

    number: int
    xact_id: str
    reference_no: str
    amount_minor: int
    succeeded: bool
    at_s: float
    transaction_type: int = SALE
    card_masked: str = ""
    card_holder: str = ""
    is_tds: bool = True
    instalment: int | None = None
    ratio: int | None = None
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
        if self.ratio is not None:
            return ratios.commission_minor(self.amount_minor, self.ratio)
        return self.amount_minor * COMMISSION_PER_MILLE // 1000

    @property
    def tax_minor(self) -> int:
        return 0 if self.ratio is not None else self.fee_minor * TAX_PER_CENT // 100

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
    is_tds: bool = True
    form: Form | None = None
    transaction: Transaction | None = None
    saved: StoredCard | None = None


def new_xact_id() -> str:
    # PAYNET's carry these three signs: whoever forgets to quote them shall notice.
    return f"xk_{secrets.token_hex(8)}+{secrets.token_hex(8)}/{secrets.token_hex(4)}*"


def new_card_hash() -> str:
    return f"ch_{secrets.token_hex(8)}+{secrets.token_hex(8)}/{secrets.token_hex(4)}="


def new_card_owner_id() -> str:
    return f"co_{secrets.token_hex(8)}/{secrets.token_hex(8)}+{secrets.token_hex(4)}="


def stored_card_view(card: StoredCard) -> dict[str, Any]:
    """Without `card_hash`, which pays."""
    return {
        "id": card.number,
        "card_owner_id": card.card_owner_id,
        "user_unique_id": card.user_unique_id,
        "card_desc": card.desc,
        "card": card.face.masked,
        "expires": f"{card.face.month:02d}/{card.face.year}",
        "deleted": card.deleted,
    }


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
        "is_tds": row.is_tds,
        "instalment": row.instalment,
        "reversed": row.reversed,
        "reversed_xact_id": row.reversed_xact_id,
        "reverses": row.reverses.xact_id if row.reverses else None,
        "on_chargeback": row.on_chargeback,
        "forgotten": row.forgotten,
        "escrow": row.escrow.name.lower() if row.escrow else None,
        "released_minor": row.released_minor,
    }
