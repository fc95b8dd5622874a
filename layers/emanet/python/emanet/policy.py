"""The periods and bounds of an escrow, copied onto it when it is registered. A later
change of the defaults never reaches an escrow that exists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

POLICY_VERSION = 3

# Bounds that protect the item and the bank, the same for every escrow.
ATTEMPTS_MAX = 10
ATTEMPTS_BURST = 5
ATTEMPTS_WINDOW = timedelta(minutes=10)
TAKEOVERS_MAX = 3  # of one charge, each after its lease
PARTY_SETTLEMENTS_MAX = 20  # the last only for all that is available
DISPUTES_MAX = 5
EVIDENCE_MAX = 10
WHY_BYTES_MAX = 120  # keeps an entry of history below 512 bytes

# Instalments: how many a bank may offer, how long a quote holds, how long an answer of
# PAYNET about a card's bank is used again.
INSTALMENTS_MAX = 12
INSTALMENTS_SINCE = 3  # version of the policy
QUOTE_HOLDS = timedelta(minutes=15)
RATIOS_KEPT_FOR = timedelta(minutes=5)

# The rhythm of one attempt.
STARTING_FOR = timedelta(seconds=30)  # a session that is being opened right now
CHARGE_LEASE = timedelta(seconds=60)  # longer than the function that charges can live
QUIET_WINDOW = timedelta(minutes=15)  # "not found" means "not paid" only after this
ASK_AFTER_CHARGE = (
    timedelta(seconds=20),
    timedelta(minutes=1),
    timedelta(minutes=5),
    QUIET_WINDOW,
)
ASK_AFTER_CLOSING = (timedelta(hours=1), timedelta(hours=24))

# The rhythm of money that goes out. An order to PAYNET is sent once.
SENDING_FOR = timedelta(minutes=3)  # longer than the run that sends can live
ASK_AFTER_ACCEPTANCE = timedelta(seconds=20)
ASK_AFTER_ORDER = (
    SENDING_FOR,
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
ASK_ORDER_EVERY = timedelta(hours=12)
CLOCKS_DIFFER_BY = timedelta(hours=1)  # PAYNET's midnight and ours, at the most
PROOF_WITHIN = timedelta(hours=24)  # of an order whose answer is unknown
VERDICT_WITHIN_BUSINESS_DAYS = 3  # of one that PAYNET accepted

# The rhythm of the reconciler.
RECONCILE_LEASE = timedelta(seconds=90)
FAILURES_MAX = 8
SILENCE_MAX = timedelta(hours=24)  # unanswered for longer, a human is told
CALLBACK_PARKED_FOR = timedelta(days=3)
CALLBACK_KEPT_FOR = timedelta(days=30)
PLAN_KEPT_FOR = timedelta(days=30)


class Ending(StrEnum):
    """What a deadline of held money leads to if nobody acts."""

    REFUND = "refund"
    RELEASE = "release"
    QUEUE = "queue"  # shown to a human, while everything goes on
    REVIEW = "review"  # frozen for a human


class Bearer(StrEnum):
    """Who bears what instalments cost."""

    PAYER = "payer"  # a surcharge on the amount
    PLATFORM = "platform"  # the payer pays the amount, PAYNET keeps more of it


@dataclass(frozen=True, slots=True)
class Policy:
    """What the marketplace may choose for one escrow. An unpaid order always expires,
    and the hold limit always leads to review. `instalments_max` 1: none are offered."""

    version: int = POLICY_VERSION
    pay_within_hours: int = 72
    session_minutes: int = 30
    ship_within_days: int = 7
    at_ship_by: Ending = Ending.REFUND
    claim_days: int = 7
    at_claim: Ending = Ending.QUEUE
    inspection_days: int = 3
    at_inspection: Ending = Ending.RELEASE
    hold_limit_days: int = 60
    dispute_days: int = 3
    remind_hours: int = 24
    instalments_max: int = INSTALMENTS_MAX
    instalment_cost: Bearer = Bearer.PAYER

    @property
    def instalments_allowed(self) -> int:
        """One for an escrow that was registered before there were any."""
        return self.instalments_max if self.version >= INSTALMENTS_SINCE else 1
