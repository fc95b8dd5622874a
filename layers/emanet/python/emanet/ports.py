"""The outside worlds as the use cases see them. Each method says which errors it may
raise; nothing here knows DynamoDB, HTTP or PAYNET's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from emanet.cards import CardOwner, StoredCard
from emanet.escrow import Actor, Capture, Escrow, Expected, QueueReason, Step
from emanet.instalments import CardBank
from emanet.outcome import Outcome, Reply, Returned, Reversal, Sale, Unknown

Clock = Callable[[], datetime]
"""The present moment, aware, UTC."""

Chance = Callable[[int], str]
"""That many unguessable lower-case base32 characters."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card on its way to PAYNET; it shows nothing of itself and is never kept."""

    holder: str = field(repr=False)
    number: str = field(repr=False)
    expiry_month: int = field(repr=False)
    expiry_year: int = field(repr=False)
    cvc: str = field(repr=False)

    @property
    def bin(self) -> str:
        """The first six digits: which bank's it is."""
        return self.number[:6]


@dataclass(frozen=True, slots=True)
class Storing:
    """The card shall be stored if it pays: under this name, for an owner whom PAYNET
    knows, or whom it is told of now by an id of ours."""

    name: str
    user_unique_id: str = field(repr=False)
    owner_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SessionOrder:
    """What a 3-D session is opened for. `domain` is a bare host name; `is_escrow`:
    PAYNET itself keeps the money until we approve."""

    expected: Expected
    return_url: str = field(repr=False)
    domain: str
    is_escrow: bool = False
    storing: Storing | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """An open 3-D session: where the payer's browser goes next, by either way."""

    session_id: str = field(repr=False)
    post_url: str | None = field(repr=False)
    html_content: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """PAYNET's own form in the payer's browser: its script, the attributes that the
    script tag must carry, and where the form posts to. We never see the card."""

    script: str
    attributes: Mapping[str, str] = field(repr=False)
    action: str = field(repr=False)


class Gateway(Protocol):
    """PAYNET. Every call ends before `deadline`; none is repeated unless it says so."""

    def be_ready(self, deadline: datetime) -> None:
        """To be asked before an intent is written: the key is at hand, and there is
        time for a charge. Raises SecretUnavailable, PaynetUnreachable."""

    def open_session(
        self, order: SessionOrder, card: Card | StoredCard, deadline: datetime
    ) -> Session:
        """tds_initial; moves no money.

        Raises PaymentRefused (PAYNET said no), CardNotFound (the stored card is gone),
        PaynetUnreachable (no usable answer), SecretUnavailable.
        """

    def charge(
        self, session_id: str, token_id: str, expected: Expected, deadline: datetime
    ) -> Outcome:
        """tds_charge, or charge for PAYNET's own form: the only calls that take money.
        Repeats the same pair once if time remains, and asks for what an approval leaves
        out. Never NotFound; raises SecretUnavailable only (before anything was
        sent)."""

    def ask(self, expected: Expected, deadline: datetime) -> Outcome:
        """check, then detail where needed; moves no money. Raises SecretUnavailable."""


class Forms(Protocol):
    """PAYNET's own form, for a deployment that wants to see no card number."""

    def form(self, order: SessionOrder) -> Form:
        """What the frontend needs to show it; asks nobody."""


class Cards(Protocol):
    """What PAYNET knows of cards. Nothing here moves money. All raise
    SecretUnavailable."""

    def bank_of(
        self, bin_: str, amount_minor: int, deadline: datetime, *, on_top: bool
    ) -> CardBank | Unknown:
        """ratio/Get: the card's bank and its prices of instalments. `on_top`: with the
        commission added to the amount. An answer is used again for a few minutes."""

    def stored(
        self, owner_id: str, deadline: datetime
    ) -> tuple[StoredCard, ...] | Unknown:
        """card/list: every card of this owner, all pages."""

    def delete(
        self, owner_id: str, card_hash: str, deadline: datetime
    ) -> bool | Unknown:
        """card/delete. False: PAYNET has no such card."""


class MoneyOut(Protocol):
    """PAYNET, where money leaves again. What moves money is sent once and repeated by
    nobody. All raise SecretUnavailable, and only before anything was sent."""

    def returned(
        self, capture: Capture, deadline: datetime, since: datetime | None = None
    ) -> Returned | Unknown:
        """reversal_list (every page, from the Istanbul day before `since`, or before
        the capture, to the day after today) and detail: what went back of it already.
        The list is that of the whole account: a short window is the cheap one. Moves
        no money."""

    def refund(
        self,
        capture: Capture,
        amount_minor: int,
        callback_url: str | None,
        deadline: datetime,
    ) -> Reply:
        """reversed_request, its amount always explicit."""

    def approve(
        self, capture: Capture, dealer: str | None, deadline: datetime
    ) -> Reply:
        """escrow_status_update 2: PAYNET's own escrow pays the whole sum out."""


class PaynetLists(Protocol):
    """PAYNET's books by the Istanbul day, from its paged lists alone. Every method asks
    for all pages, and answers Unknown if it could not read each of them."""

    def sales(
        self, first: date, last: date, deadline: datetime
    ) -> tuple[Sale, ...] | Unknown:
        """transaction/list: every successful sale of these days, both included."""

    def reversals(
        self, first: date, last: date, deadline: datetime
    ) -> tuple[Reversal, ...] | Unknown:
        """reversal_list: every reversal of these days, both included."""

    def sale_of(self, reversal: Reversal, deadline: datetime) -> Sale | Unknown | None:
        """detail: the sale that a reversal gave back."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What a callback claims: whose it is, and the fields that are safe to keep."""

    reference_no: str | None
    fields: Mapping[str, str | int | bool | None]
    is_approved: bool | None = None


class CallbackStatus(StrEnum):
    RECEIVED = "received"
    PARKED = "parked"
    APPLIED = "applied"
    QUEUED = "queued"
    CLOSED = "closed"  # by a person


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback as it arrived, masked: an item of the inbox. `id` is a digest of path
    and raw body, so that a duplicate meets itself. One that came on the path of an
    order names it by escrow and subject, and says whether it was approved."""

    id: str
    received_at: datetime
    hint: Mapping[str, str | int | bool | None]
    reference_no: str | None = None
    escrow_id: str | None = None
    subject: str | None = None
    secret_digest: str | None = None
    is_approved: bool | None = None
    status: CallbackStatus = CallbackStatus.RECEIVED
    tries: int = 0
    due_at: datetime | None = None
    queue_reason: QueueReason | None = None
    queue_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A line of the due index: a proposal, decided by a consistent read."""

    id: str
    due_at: datetime


class DueKind(StrEnum):
    ESCROW = "escrow"
    INBOX = "inbox"


class EscrowStore(Protocol):
    """Our books. All methods may raise StoreUnavailable."""

    def get(self, escrow_id: str) -> Escrow:
        """Consistent. Raises EscrowNotFound, UnreadableItem."""

    def create(self, escrow: Escrow) -> Escrow:
        """Puts it unless its id exists; answers what stands in the table then."""

    def save(self, before: Escrow, after: Escrow) -> None:
        """One transition, one conditional write: expected status and version. Raises
        StaleEscrow with the winner's item; an own write whose answer was lost is
        recognised by its write id and is no error."""

    def list_for_payer(self, payer_id: str, limit: int) -> list[Escrow]:
        """Newest first, eventually consistent."""

    def list_for_payee(self, payee_id: str, limit: int) -> list[Escrow]:
        """Newest first, eventually consistent."""


class CardOwners(Protocol):
    """The payers who store cards. All methods may raise StoreUnavailable."""

    def read_owner(self, payer_id: str) -> CardOwner | None:
        """Consistent; None: he stores none. Raises UnreadableItem."""

    def keep_owner(self, before: CardOwner | None, after: CardOwner) -> bool:
        """Written if nobody else wrote meanwhile."""


class Schedule(Protocol):
    """What is due, and the leases on it. All methods may raise StoreUnavailable."""

    def due(self, kind: DueKind, now: datetime, limit: int) -> list[Due]:
        """The longest overdue first."""

    def lease(self, item: Due, until: datetime, lease_id: str) -> bool:
        """Moves `due_at` to `until` if it is still as seen; leaves the version alone,
        so that a user's request never loses to a lease. False: another has it."""

    def set_aside(self, item_id: str, lease_until: datetime) -> None:
        """Into the human queue as it is: nobody here can read this item."""

    def postpone(self, escrow: Escrow, lease_until: datetime) -> bool:
        """Writes when to try again, without a transition: only on the version as read
        and under the own lease. False: somebody else wrote, and knows better."""


class Inbox(Protocol):
    """Callbacks. All methods may raise StoreUnavailable."""

    def keep(self, callback: Callback) -> None:
        """Stores it; a duplicate of one not yet applied is made due now."""

    def read(self, callback_id: str) -> Callback | None:
        """Consistent; None if it has been forgotten. Raises UnreadableItem."""

    def finish(self, callback: Callback, lease_until: datetime) -> bool:
        """Writes its new status and due moment under the own lease."""

    def decide(self, before: Callback, after: Callback) -> bool:
        """A person's decision: written if its status is still as seen."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A line of the queue index: who waits for a human, why, since when."""

    id: str
    reason: QueueReason
    since: datetime


class Queues(Protocol):
    """Where humans and the daily comparison look. All methods may raise
    StoreUnavailable."""

    def queued(self, reason: QueueReason, limit: int) -> list[Queued]:
        """The longest waiting first; eventually consistent."""

    def moved_on(self, day: date) -> Iterator[str]:
        """Every escrow whose money moved on that Istanbul day, and not later; all
        pages, eventually consistent."""


class Drift(StrEnum):
    """What the comparison of PAYNET's lists with our books can find."""

    MISSING_HERE = "missing_here"  # PAYNET lists it, our books do not
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    STATE = "state"
    FEE = "fee"
    DUPLICATE = "duplicate"
    CHARGEBACK = "chargeback"


class Repair(StrEnum):
    """What `apply` may do about a finding, each time after asking PAYNET again."""

    SETTLE = "settle"  # bring PAYNET's verdict about the attempt
    PROVE = "prove"  # bring PAYNET's list to a refund under way
    NOTE_FEE = "note_fee"
    OPEN_CHARGEBACK = "open_chargeback"
    QUEUE = "queue"  # no proof: a human


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: what it is about, its cause as far as it shows, kuruş on both
    sides (None: not there), and what would be done."""

    drift: Drift
    reference_no: str
    cause: str
    repair: Repair
    escrow_id: str | None = None
    xact_id: str | None = None
    ours_minor: int | None = None
    theirs_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A comparison of the Istanbul days `first` to `last`: how many matched, how many
    rows are another system's on the same account, and every difference. `left_out`: of
    so many that the next plan brings the rest."""

    id: str
    made_at: datetime
    first: date
    last: date
    matched: int
    findings: tuple[Finding, ...] = ()
    foreign: int = 0
    left_out: int = 0


class Plans(Protocol):
    """Kept for a month. All methods may raise StoreUnavailable."""

    def keep_plan(self, plan: Plan) -> None:
        """Stores it under its own id."""

    def read_plan(self, plan_id: str) -> Plan | None:
        """Consistent; None if there is none. Raises UnreadableItem."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every change of an escrow needs: the books, a clock and chance."""

    store: EscrowStore
    clock: Clock
    chance: Chance

    def step(self, by: Actor) -> Step:
        """A change about to be written, with a write id of its own."""
        return Step(by, self.clock(), self.chance(16))
