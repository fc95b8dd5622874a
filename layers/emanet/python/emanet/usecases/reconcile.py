"""Every minute: whatever is due is leased, asked, settled, expired or shown to a human.
It asks and never charges: nothing charges a card when its holder has gone. An item that
fails is put off; it never keeps the others from their turn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import zip_longest

from emanet import attempts, holding, policy
from emanet.due import Duty, Moment, due_at, next_moment
from emanet.errors import (
    EscrowNotFound,
    StaleEscrow,
    Unavailable,
    UnreadableItem,
)
from emanet.escrow import (
    Actor,
    Attempt,
    Escrow,
    QueueReason,
    Role,
    Step,
    escrow_id_of,
)
from emanet.outcome import NotFound, Outcome, Unknown
from emanet.ports import (
    Callback,
    CallbackStatus,
    Desk,
    Due,
    DueKind,
    Gateway,
    Inbox,
    Schedule,
)
from emanet.usecases.settle import ask, settle

CLOCK = Actor(Role.CLOCK)
BUDGET = {DueKind.ESCROW: 100, DueKind.INBOX: 50}  # items of a kind in one run
ASK_TAKES = timedelta(seconds=12)
ITEM_TAKES = timedelta(seconds=20)  # no item is begun that may not end in time
TIMEOUTS_MAX = 5  # in a row: PAYNET is down, the next run will see
BACKOFF_MAX = timedelta(hours=6)
SILENCE_WAIT_MAX = timedelta(minutes=30)


@dataclass(slots=True)
class Report:
    """What a run did, for its log line."""

    escrows: int = 0
    callbacks: int = 0
    failures: list[str] = field(default_factory=list)
    stopped: str = ""


@dataclass(slots=True)
class Reconciler:
    """One run. `deadline` is when it must have ended."""

    desk: Desk
    schedule: Schedule
    inbox: Inbox
    gateway: Gateway
    deadline: datetime
    report: Report = field(default_factory=Report)
    timeouts: int = 0

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
        if self.timeouts >= TIMEOUTS_MAX:
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
        moment, due = next_moment(escrow), due_at(escrow)
        if moment is None or due is None or due > self.desk.clock():
            self.schedule.postpone(escrow, lease)
            return
        self.report.escrows += 1
        try:
            self._do(escrow, moment, lease)
        except StaleEscrow:
            return  # somebody else moved it, and gave it its next moment
        except Unavailable as error:
            self._failed(escrow, error.code, lease, counts=False)
            raise
        except Exception as error:
            asking = moment.duty is Duty.ASK
            self._failed(escrow, type(error).__name__, lease, asking=asking)
            raise

    def _do(self, escrow: Escrow, moment: Moment, lease: datetime) -> None:
        match moment.duty:
            case Duty.ASK:
                self._ask(escrow, moment, lease)
            case Duty.EXPIRE_SESSION:
                self._save(escrow, attempts.expire_session(escrow, self._step()))
            case Duty.EXPIRE:
                self._save(escrow, attempts.expire(escrow, self._step()))
            case Duty.ESCALATE:
                self._save(escrow, holding.escalate(escrow, self._step()))

    def _ask(self, escrow: Escrow, moment: Moment, lease: datetime) -> None:
        attempt = escrow.attempt(moment.attempt or 0)
        if attempt is None:
            return
        outcome = self._verdict(attempt)
        if self._settle(escrow, attempt, outcome) is not escrow:
            return
        now = self.desk.clock()
        if not isinstance(outcome, Unknown):
            self.schedule.postpone(attempts.asked(escrow, attempt.number, now), lease)
            return
        tries = escrow.tries + (not outcome.unreachable)
        if tries >= policy.FAILURES_MAX:
            self._stop_asking(escrow, outcome.why)
            return
        asked_for = now - (attempt.closed_at or attempt.last_sent or now)
        wait = backoff_of_silence(asked_for) if outcome.unreachable else backoff(tries)
        later = attempts.ask_later(escrow, attempt.number, now + wait)
        silent = outcome.unreachable and asked_for > policy.SILENCE_MAX
        if silent and not escrow.queue_reason:
            self._save(escrow, holding.show(later, outcome.why, self._step()))
            return
        self.schedule.postpone(replace(later, tries=tries), lease)

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
            end = self._stop_asking if asking else self._give_up
            end(escrow, why)
            return
        again = self.desk.clock() + backoff(tries)
        self.schedule.postpone(replace(escrow, tries=tries, retry_at=again), lease)

    def _stop_asking(self, escrow: Escrow, why: str) -> None:
        """A question about an older attempt is no reason to freeze paid money."""
        if escrow.balances.captured:
            self._save(escrow, holding.flag(escrow, why, self._step()))
        else:
            self._give_up(escrow, why)

    def _give_up(self, escrow: Escrow, why: str) -> None:
        self._save(escrow, holding.give_up(escrow, why, self._step()))

    def _save(self, before: Escrow, after: Escrow) -> None:
        self.desk.store.save(before, after)

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
        found = self._attempt_of(callback)
        if found is None:
            return self._parked(callback, counts=False)
        escrow, attempt = found
        outcome = self._verdict(attempt)
        self._settle(escrow, attempt, outcome)
        if isinstance(outcome, NotFound | Unknown):
            counts = isinstance(outcome, Unknown) and not outcome.unreachable
            return self._parked(callback, counts=counts)
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

    # ── both ──

    def _verdict(self, attempt: Attempt) -> Outcome:
        outcome = ask(
            attempt,
            gateway=self.gateway,
            clock=self.desk.clock,
            deadline=min(self.deadline, self.desk.clock() + ASK_TAKES),
        )
        unreachable = isinstance(outcome, Unknown) and outcome.unreachable
        self.timeouts = self.timeouts + 1 if unreachable else 0
        return outcome

    def _settle(self, escrow: Escrow, attempt: Attempt, outcome: Outcome) -> Escrow:
        return settle(escrow, attempt.number, outcome, self.desk)

    def _step(self) -> Step:
        return self.desk.step(CLOCK)


def backoff(tries: int) -> timedelta:
    """1, 2, 4 … minutes, at most 6 hours."""
    return min(timedelta(minutes=2 ** max(0, tries - 1)), BACKOFF_MAX)


def backoff_of_silence(lasting: timedelta) -> timedelta:
    """PAYNET is down: the longer, the rarer it is asked, but never long after it is
    back."""
    return min(max(lasting / 4, timedelta(minutes=1)), SILENCE_WAIT_MAX)


def backoff_for_age(age: timedelta) -> timedelta:
    """The older it is, the rarer it is asked: as long again as it is old."""
    return min(max(age, timedelta(minutes=1)), BACKOFF_MAX)
