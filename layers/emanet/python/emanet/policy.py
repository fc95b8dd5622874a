"""The periods and bounds of an escrow, copied onto it when it is registered. A later
change of the defaults never reaches an escrow that exists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

POLICY_VERSION = 1

# Bounds that protect the item and the bank, the same for every escrow.
ATTEMPTS_MAX = 10
ATTEMPTS_BURST = 5
ATTEMPTS_WINDOW = timedelta(minutes=10)
TAKEOVERS_MAX = 3  # of one charge, each after its lease
WHY_BYTES_MAX = 160  # keeps an entry of history below 512 bytes

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

# The rhythm of the reconciler.
RECONCILE_LEASE = timedelta(seconds=90)
FAILURES_MAX = 8
SILENCE_MAX = timedelta(hours=24)  # unanswered for longer, a human is told
CALLBACK_PARKED_FOR = timedelta(days=3)
CALLBACK_KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the marketplace may choose for one escrow."""

    version: int = POLICY_VERSION
    pay_within_hours: int = 72
    session_minutes: int = 30
    ship_within_days: int = 7
    claim_days: int = 7
    inspection_days: int = 3
    hold_limit_days: int = 60
