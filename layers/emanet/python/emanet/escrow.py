"""The nouns: an escrow, its attempts, captures, settlements and history. Frozen values
that only `machine.advance` turns into the next ones; they know no storage and no
wire."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from emanet.money import Balances
from emanet.policy import Policy


class Status(StrEnum):
    """The machine's rooms; docs/architecture.md draws the doors."""

    CREATED = "created"
    AUTHENTICATING = "authenticating"
    CHARGING = "charging"
    HELD = "held"
    DISPUTED = "disputed"
    RELEASING = "releasing"
    REFUNDING = "refunding"
    REVIEW = "review"
    RELEASED = "released"
    REFUNDED = "refunded"
    SPLIT = "split"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


UNPAID = frozenset({Status.CREATED, Status.AUTHENTICATING, Status.CHARGING})
PAYABLE = frozenset({Status.CREATED, Status.AUTHENTICATING})
CLOSED_UNPAID = frozenset({Status.CANCELLED, Status.EXPIRED})
CLOSED_PAID = frozenset({Status.RELEASED, Status.REFUNDED, Status.SPLIT})
CLOSED = CLOSED_UNPAID | CLOSED_PAID
CLOCKLESS = frozenset(
    {Status.RELEASING, Status.REFUNDING, Status.DISPUTED, Status.REVIEW}
)


class Role(StrEnum):
    """Who may move the machine. The last three are not people."""

    BACKEND = "backend"
    PAYER = "payer"
    PAYEE = "payee"
    CARRIER = "carrier"
    OPERATIONS = "operations"
    BROWSER = "browser"  # the payer's browser on its way back; it proves nothing
    PAYNET = "paynet"  # what PAYNET answered when we asked
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Actor:
    """A role, and the `sub` of the person in it (empty for what is no person)."""

    role: Role
    id: str = ""

    def __str__(self) -> str:
        return f"{self.role}:{self.id}" if self.id else str(self.role)


@dataclass(frozen=True, slots=True)
class Step:
    """One change about to be written: by whom, when, and its own unique write id."""

    by: Actor
    at: datetime
    write_id: str


class AttemptStatus(StrEnum):
    """The first three are live; at most one attempt of an escrow is."""

    STARTING = "starting"
    OPEN = "open"
    CHARGING = "charging"
    CAPTURED = "captured"
    DECLINED = "declined"
    REFUSED = "refused"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    NOT_PAID = "not_paid"
    CANCELLED = "cancelled"


LIVE = frozenset({AttemptStatus.STARTING, AttemptStatus.OPEN, AttemptStatus.CHARGING})


class CaptureStatus(StrEnum):
    """What a capture means for its escrow."""

    FUNDS = "funds"  # this is the money that is held
    WAITING = "waiting"  # came late while another charge is undecided
    SURPLUS = "surplus"  # taken besides; goes back to the payer
    MISMATCHED = "mismatched"  # not what was asked for; a human decides


@dataclass(frozen=True, slots=True)
class Party:
    """A payer or payee: the marketplace's `sub`, and PAYNET's dealer code if any."""

    id: str
    paynet_agent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """Money that PAYNET says it took: its transaction (by the long id and the plain
    one), kuruş, its time, masked card, PAYNET's fee and the tax on it, and whether it
    went back since. One that is surplus carries its own refund."""

    xact_id: str
    amount_minor: int | None = None
    at: datetime | None = None
    card: str | None = None
    status: CaptureStatus = CaptureStatus.MISMATCHED
    plain_id: str | None = field(default=None, compare=False)
    is_reversed: bool = field(default=False, compare=False)
    commission_minor: int | None = field(default=None, compare=False)
    commission_tax_minor: int | None = field(default=None, compare=False)
    refund: Settlement | None = field(default=None, compare=False)

    @property
    def waits(self) -> bool:
        """Funds the order if nothing else does; money that went back never."""
        return self.status is CaptureStatus.WAITING and not self.is_reversed

    def is_same(self, other: Capture) -> bool:
        """The same transaction, by either id."""
        plain = self.plain_id is not None and self.plain_id == other.plain_id
        return plain or self.xact_id == other.xact_id


@dataclass(frozen=True, slots=True)
class Expected:
    """What an attempt asks PAYNET for, and what an approval must show: kuruş, number of
    instalments, and whether the card was typed into PAYNET's own form."""

    reference_no: str
    amount_minor: int
    instalments: int = 1
    is_hosted: bool = False


@dataclass(frozen=True, slots=True)
class CardConsent:
    """The payer's word that his card may be stored: to which text, and when."""

    text_version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to pay by 3-D Secure. `reference_no` is how PAYNET knows it; the state in
    its return path is kept as a digest; no token is ever kept. `expected_minor` is the
    escrow's amount and the surcharge of its instalments. `is_escrow`: opened in
    PAYNET's own escrow mode, `is_hosted`: paid in PAYNET's own form, whatever the
    deployment says later. `consent`: the card shall be stored if it pays."""

    number: int
    reference_no: str
    expected_minor: int
    status: AttemptStatus
    started_at: datetime
    return_to: str
    state_digest: str
    session_id: str | None = None
    expires_at: datetime | None = None
    last_sent: datetime | None = None
    sends: int = 0
    lease_until: datetime | None = None
    asks: int = 0
    ask_at: datetime | None = None
    closed_at: datetime | None = None
    refusal: str | None = None
    is_escrow: bool = False
    captures: tuple[Capture, ...] = ()
    instalments: int = 1
    is_hosted: bool = False
    consent: CardConsent | None = None

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def takes_any_session(self) -> bool:
        """PAYNET's form opens its own session in the browser: the first that comes back
        on the attempt's secret path is the attempt's."""
        return self.is_hosted and self.session_id is None

    @property
    def expected(self) -> Expected:
        return Expected(
            self.reference_no, self.expected_minor, self.instalments, self.is_hosted
        )


class QueueReason(StrEnum):
    """The named human queues; why an item stands there in detail is in its history."""

    LATE_CAPTURE = "late_capture"
    DOUBTFUL_CAPTURE = "doubtful_capture"
    SHIP_BY_MISSED = "ship_by_missed"
    DELIVERY_UNCONFIRMED = "delivery_unconfirmed"
    INSPECTION_OVER = "inspection_over"
    HOLD_LIMIT = "hold_limit"
    DISPUTE_OPEN = "dispute_open"
    DISPUTE_OVERDUE = "dispute_overdue"
    SETTLEMENT_DENIED = "settlement_denied"
    SETTLEMENT_UNKNOWN = "settlement_unknown"
    REFUND_BY_HAND = "refund_by_hand"
    CHARGEBACK = "chargeback"
    DRIFT = "drift"
    RECONCILE_FAILED = "reconcile_failed"
    CALLBACK_UNMATCHED = "callback_unmatched"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Flag:
    """Stands in a human queue, under this name, since then."""

    reason: QueueReason
    since: datetime


class SettlementKind(StrEnum):
    RELEASE = "release"
    REFUND = "refund"


class SettlementStatus(StrEnum):
    SCHEDULED = "scheduled"
    SUSPENDED = "suspended"
    SENT = "sent"
    DONE = "done"
    DENIED = "denied"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"


UNSENT = frozenset({SettlementStatus.SCHEDULED, SettlementStatus.SUSPENDED})
RESERVING = UNSENT | {SettlementStatus.SENT, SettlementStatus.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Settlement:
    """One movement of captured money. `key` makes it happen once; `fingerprint` tells a
    repeat from another request under the same key. `surcharge_minor` goes back beside
    `amount_minor`, which alone is held. `listed` are the reversals that PAYNET showed
    of this transaction before the order was sent: only another one proves it. The
    secret of its callback's path is kept as a digest."""

    key: str
    kind: SettlementKind
    amount_minor: int
    status: SettlementStatus
    by: str
    fingerprint: str
    at: datetime
    why: str = ""
    due_at: datetime | None = None
    silent_since: datetime | None = None
    sent_at: datetime | None = None
    accepted_at: datetime | None = None
    listed: tuple[str, ...] = ()
    secret_digest: str | None = None
    asks: int = 0
    ask_at: datetime | None = None
    put_off: int = 0
    ended_at: datetime | None = None
    proof: str = ""
    commission_back_minor: int = 0
    surcharge_minor: int = 0

    @property
    def paynet_minor(self) -> int:
        """What PAYNET is asked to move, and shows when it has."""
        return self.amount_minor + self.surcharge_minor

    @property
    def subject(self) -> str:
        """What its callback's path calls it: 16 base32 characters of its key."""
        digest = hashlib.sha256(self.key.encode()).digest()
        return base64.b32encode(digest).decode()[:16].lower()

    @property
    def is_machines(self) -> bool:
        """Asked for by a rule or a decision, not by a person under a key of his own."""
        return self.key.startswith(MACHINE_KEYS)


MACHINE_KEYS = (
    "auto-release/",
    "ship-deadline/",
    "dispute/",
    "review/",
    "late-capture/",
)


@dataclass(frozen=True, slots=True)
class Shipment:
    """Handed to a carrier by the payee."""

    at: datetime
    carrier: str
    tracking_number: str


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When a wait ends; None: it does not run. Moved on by the time in which no clock
    counts."""

    pay_by: datetime | None = None
    ship_by: datetime | None = None
    claim_by: datetime | None = None
    inspection_by: datetime | None = None
    hold_until: datetime | None = None


class DisputeStatus(StrEnum):
    OPEN = "open"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Dispute:
    """The payer's objection; operations decide it by `answer_by` or are reminded.
    `evidence` are references of the marketplace's own."""

    number: int
    opened_at: datetime
    answer_by: datetime
    reason: str
    evidence: tuple[str, ...] = ()
    status: DisputeStatus = DisputeStatus.OPEN
    is_overdue: bool = False
    ended_at: datetime | None = None


class ChargebackStatus(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"  # what was held is gone
    LOST_WAITING = "lost_waiting"  # until the settlement under way has ended


@dataclass(frozen=True, slots=True)
class Chargeback:
    """The payer's bank takes the payment back. `loss_minor` is what it took beyond what
    was held; `froze` says that it brought the escrow into review."""

    status: ChargebackStatus
    at: datetime
    froze: bool = False
    loss_minor: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of history: what happened, from where to where, who, why, when, and by
    how many kuruş it moved each of the sums that the ledger is made from."""

    seq: int
    at: datetime
    transition: str
    to_status: Status
    by: str
    write_id: str
    from_status: Status | None = None
    why: str = ""
    money: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Escrow:
    """One order's money and its story."""

    id: str
    order_id: str
    round: int
    fingerprint: str
    amount_minor: int
    fee_minor: int
    payer: Party
    payee: Party
    policy: Policy
    created_at: datetime
    status: Status = Status.CREATED
    version: int = 1
    balances: Balances = field(default_factory=Balances)
    attempts: tuple[Attempt, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    history: tuple[Entry, ...] = ()
    held_at: datetime | None = None
    shipment: Shipment | None = None
    delivered_at: datetime | None = None
    deadlines: Deadlines = field(default_factory=Deadlines)
    stopped_at: datetime | None = None
    reminded: tuple[str, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    chargeback: Chargeback | None = None
    prior_status: Status | None = None
    review_reason: QueueReason | None = None
    flags: tuple[Flag, ...] = ()
    moved_on: date | None = None
    tries: int = 0
    retry_at: datetime | None = None

    @property
    def live_attempt(self) -> Attempt | None:
        return next((a for a in self.attempts if a.is_live), None)

    @property
    def reserved_minor(self) -> int:
        return sum(s.amount_minor for s in self.settlements if s.status in RESERVING)

    @property
    def available_minor(self) -> int:
        """Held and not reserved by a settlement under way."""
        return self.balances.held - self.reserved_minor

    @property
    def queue_reason(self) -> QueueReason | None:
        """The human queue in which it stands: the oldest of its flags."""
        return self.flags[0].reason if self.flags else None

    @property
    def queue_since(self) -> datetime | None:
        return self.flags[0].since if self.flags else None

    @property
    def captures(self) -> Iterator[Capture]:
        """All of them, of every attempt."""
        for attempt in self.attempts:
            yield from attempt.captures

    @property
    def funding(self) -> tuple[Attempt, Capture] | None:
        """The capture whose money is in the balances."""
        for attempt in self.attempts:
            for capture in attempt.captures:
                if capture.status is CaptureStatus.FUNDS:
                    return attempt, capture
        return None

    @property
    def surcharge_minor(self) -> int:
        """What the payer paid beyond the amount for his instalments; never held."""
        taken = self.funding[1].amount_minor if self.funding else None
        return 0 if taken is None else taken - self.amount_minor

    @property
    def surcharge_back_minor(self) -> int:
        """So much of it went back."""
        done = SettlementStatus.DONE
        return sum(s.surcharge_minor for s in self.settlements if s.status is done)

    @property
    def in_paynet_escrow(self) -> bool:
        """PAYNET itself holds the money until we approve (its own escrow)."""
        return bool(self.funding and self.funding[0].is_escrow)

    @property
    def dispute(self) -> Dispute | None:
        """The one that is open."""
        newest = self.disputes[-1] if self.disputes else None
        return newest if newest and newest.status is DisputeStatus.OPEN else None

    @property
    def sent(self) -> Settlement | None:
        """The one settlement that PAYNET was asked for and has not answered."""
        of = SettlementStatus.SENT
        return next((s for s in self.settlements if s.status is of), None)

    @property
    def unknown(self) -> Settlement | None:
        """The one of which nobody can say whether it happened."""
        of = SettlementStatus.UNKNOWN
        return next((s for s in self.settlements if s.status is of), None)

    def attempt(self, number: int) -> Attempt | None:
        return next((a for a in self.attempts if a.number == number), None)

    def attempt_of(self, reference_no: str) -> Attempt | None:
        """The attempt with exactly this reference."""
        return next((a for a in self.attempts if a.reference_no == reference_no), None)

    def settlement(self, key: str) -> Settlement | None:
        return next((s for s in self.settlements if s.key == key), None)

    def order_to_paynet(self, subject: str) -> Settlement | None:
        """The settlement, or the refund of a surplus capture, with that subject."""
        own = (c.refund for c in self.captures if c.refund)
        orders = (*self.settlements, *own)
        return next((order for order in orders if order.subject == subject), None)


def escrow_id(merchant: str, order_id: str, round_: int) -> str:
    """The id of an order's round: the same order always has the same id, so that
    registering twice meets itself. 26 base32 characters of SHA-256."""
    text = "\x1f".join((merchant, order_id, str(round_)))
    digest = hashlib.sha256(text.encode()).digest()
    return base64.b32encode(digest).decode()[:26].lower()


ESCROW_ID = re.compile("[a-z2-7]{26}")


def escrow_id_of(reference_no: str) -> str:
    """The escrow that a `reference_no` claims to belong to."""
    return reference_no.partition("-")[0]


def is_of_our_form(reference_no: str | None) -> bool:
    """It names an escrow of ours, real or not."""
    return bool(reference_no and ESCROW_ID.fullmatch(escrow_id_of(reference_no)))
