"""Every minute: whatever is due is leased, asked, settled, expired or shown to a human.
It asks and never charges: nothing charges a card when its holder has gone. An item that
fails is put off; it never keeps the others from their turn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import zip_longest

from emanet import holding, policy
from emanet.due import Duty, due_at, next_moment, without_stale_reminders
from emanet.errors import (
    EscrowNotFound,
    StaleEscrow,
    Unavailable,
    UnreadableItem,
)
from emanet.escrow import Attempt, Escrow, QueueReason, escrow_id_of
from emanet.outcome import NotFound, Unknown
from emanet.ports import (
    Callback,
    CallbackStatus,
    Desk,
    Due,
    DueKind,
    Gateway,
    Inbox,
    MoneyOut,
    Schedule,
)
from emanet.usecases.duties import CLOCK, Duties
from emanet.usecases.pace import Pulse, backoff, backoff_for_age
from emanet.usecases.prove_orders import Prover
from emanet.usecases.send_orders import Sender

BUDGET = {DueKind.ESCROW: 100, DueKind.INBOX: 50}  # items of a kind in one run
ITEM_TAKES = timedelta(seconds=45)  # no item is begun that may not end in time


@dataclass(slots=True)
class Report:
    """What a run did, for its log line and its metrics: `duties` counts what was done,
    by its name."""

    escrows: int = 0
    callbacks: int = 0
    duties: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    stopped: str = ""


@dataclass(slots=True)
class Reconciler:
    """One run. `deadline` is when it must have ended; `callback_base` our own public
    address, which PAYNET is told with each refund."""

    desk: Desk
    schedule: Schedule
    inbox: Inbox
    gateway: Gateway
    money_out: MoneyOut
    deadline: datetime
    callback_base: str = ""
    report: Report = field(default_factory=Report)
    pulse: Pulse = field(init=False)
    prover: Prover = field(init=False)
    duties: Duties = field(init=False)

    def __post_init__(self) -> None:
        desk, schedule = self.desk, self.schedule
        self.pulse = Pulse(desk.chance)
        self.prover = Prover(desk, schedule, self.money_out, self.pulse)
        sender = Sender(self.prover, self.callback_base)
        self.duties = Duties(
            desk, schedule, self.gateway, sender, self.pulse, self.deadline
        )

    def run(self) -> Report:
        """Raises StoreUnavailable only if the due index cannot be read."""
        now = self.desk.clock()
        lines = (self.schedule.due(kind, now, BUDGET[kind]) for kind in DueKind)
        for turn in zip_longest(*lines):  # neither kind waits for all of the other
            for kind, due in zip(DueKind, turn, strict=True):
                if self._must_stop():
                    return self.report
                if due:
                    self._attend(kind, due)
        return self.report

    def _must_stop(self) -> bool:
        if self.pulse.is_down:
            self.report.stopped = "paynet_down"
        elif self.desk.clock() + ITEM_TAKES > self.deadline:
            self.report.stopped = "time_up"
        return bool(self.report.stopped)

    def _attend(self, kind: DueKind, due: Due) -> None:
        """A failure is noted and the item left to its lease: it comes again, later,
        and the next item has its turn now."""
        try:
            lease = self.desk.clock() + policy.RECONCILE_LEASE
            if self.schedule.lease(due, lease, self.desk.chance(16)):
                self._leased(kind, due, lease)
        except Exception as error:  # noqa: BLE001 - a poisoned item must not starve the others
            self.report.failures.append(type(error).__name__)

    def _leased(self, kind: DueKind, due: Due, lease: datetime) -> None:
        try:
            if kind is DueKind.ESCROW:
                self._escrow(due.id, lease)
            else:
                self._callback(due.id, lease)
        except UnreadableItem:
            self.schedule.set_aside(due.id, lease)
            raise

    # ── escrows ──

    def _escrow(self, id_: str, lease: datetime) -> None:
        escrow = self.desk.store.get(id_)
        now = self.desk.clock()
        moment, due = next_moment(escrow, now), due_at(escrow)
        if moment is None or due is None or max(due, moment.at) > now:
            self.schedule.postpone(without_stale_reminders(escrow, now), lease)
            return
        self.report.escrows += 1
        self.report.duties[moment.duty] += 1
        try:
            self.duties.do(escrow, moment, lease)
        except StaleEscrow:
            return  # somebody else moved it, and gave it its next moment
        except Unavailable as error:
            self._failed(escrow, error.code, lease, counts=False)
            raise
        except Exception as error:
            asking = moment.duty is Duty.ASK
            self._failed(escrow, type(error).__name__, lease, asking=asking)
            raise

    def _failed(
        self,
        escrow: Escrow,
        why: str,
        lease: datetime,
        *,
        counts: bool = True,
        asking: bool = False,
    ) -> None:
        """Later again; after too many failures that are not PAYNET's, a human."""
        tries = escrow.tries + counts
        if tries >= policy.FAILURES_MAX:
            if asking:
                self.duties.stop_asking(escrow, why)
            else:
                step = self.desk.step(CLOCK)
                self.desk.store.save(escrow, holding.give_up(escrow, why, step))
            return
        again = self.desk.clock() + self.pulse.jittered(backoff(tries))
        self.schedule.postpone(replace(escrow, tries=tries, retry_at=again), lease)

    # ── callbacks ──

    def _callback(self, id_: str, lease: datetime) -> None:
        callback = self.inbox.read(id_)
        if callback is None:
            return
        self.report.callbacks += 1
        try:
            heard = self._heard(callback)
        except Unavailable:
            raise
        except Exception:
            self.inbox.finish(self._parked(callback, counts=True), lease)
            raise
        self.inbox.finish(heard, lease)

    def _heard(self, callback: Callback) -> Callback:
        """Applied once PAYNET, asked by us, gave a verdict; parked until then."""
        if callback.subject:
            return self._heard_of_order(callback)
        found = self._attempt_of(callback)
        if found is None:
            return self._parked(callback, counts=False)
        escrow, attempt = found
        outcome = self.duties.verdict(attempt)
        self.duties.settle(escrow, attempt, outcome)
        if isinstance(outcome, NotFound | Unknown):
            counts = isinstance(outcome, Unknown) and not outcome.unreachable
            return self._parked(callback, counts=counts)
        return replace(callback, status=CallbackStatus.APPLIED, due_at=None)

    def _heard_of_order(self, callback: Callback) -> Callback:
        """Of a refund; the secret in its path was checked at the door."""
        escrow = self.desk.store.get(callback.escrow_id or "-")
        if not self.prover.hear(escrow, callback):
            return self._parked(callback, counts=False)
        return replace(callback, status=CallbackStatus.APPLIED, due_at=None)

    def _attempt_of(self, callback: Callback) -> tuple[Escrow, Attempt] | None:
        reference = callback.reference_no or ""
        try:
            escrow = self.desk.store.get(escrow_id_of(reference) or "-")
        except EscrowNotFound:
            return None
        attempt = escrow.attempt_of(reference)
        return (escrow, attempt) if attempt else None

    def _parked(self, callback: Callback, *, counts: bool) -> Callback:
        now = self.desk.clock()
        tries = callback.tries + counts
        old = now >= callback.received_at + policy.CALLBACK_PARKED_FOR
        if old or tries >= policy.FAILURES_MAX:
            return replace(
                callback,
                status=CallbackStatus.QUEUED,
                tries=tries,
                due_at=None,
                queue_reason=QueueReason.CALLBACK_UNMATCHED,
                queue_since=now,
            )
        wait = backoff_for_age(now - callback.received_at)
        due = min(now + wait, callback.received_at + policy.CALLBACK_PARKED_FOR)
        return replace(callback, status=CallbackStatus.PARKED, tries=tries, due_at=due)
