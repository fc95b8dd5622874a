"""Operations decide what no rule may: disputes, reviews, chargebacks, and whatever
stands in a human queue. Never a party, always with a reason, and each decision is one
write."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from emanet import chargebacks, disputes, holding, reviews, settlements, surplus
from emanet.disputes import Legs
from emanet.errors import (
    CallbackNotFound,
    EscrowNotFound,
    FieldProblem,
    IllegalTransition,
    KeyReused,
    UnreadableItem,
)
from emanet.escrow import Actor, Escrow, QueueReason, Role, Step, escrow_id_of
from emanet.ports import (
    Callback,
    CallbackStatus,
    Desk,
    Inbox,
    Queued,
    Queues,
)
from emanet.usecases.access import Caller, actor_as, actors
from emanet.usecases.writing import change

_CALLBACK = re.compile("inbox-[a-z2-7]{52}")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a decision needs, by its word: `reason` always; kuruş of both legs; which
    settlement, which capture; whether it happened. `once` makes a decision over money
    happen once; any other is about the `version` that was looked at."""

    word: str
    reason: str
    version: int | None = None
    legs: Legs | None = None
    settlement: str = ""
    xact_id: str = ""
    is_done: bool = False
    once: str = ""


def decide(escrow_id: str, decision: Decision, caller: Caller, desk: Desk) -> Escrow:
    """Raises EscrowNotFound, NotYourAction, IllegalTransition, KeyReused."""
    escrow = desk.store.get(escrow_id)
    staff = actor_as(escrow, caller, Role.OPERATIONS)
    once = _Once.of(staff, decision)

    def decided(current: Escrow) -> Escrow | None:
        if once.is_done(current):
            return None
        if decision.version not in (None, current.version):
            raise IllegalTransition(current, "version_differs")
        return WAYS[decision.word](current, decision, once, desk.step(staff))

    return change(desk.store, escrow, decided)


@dataclass(frozen=True, slots=True)
class _Once:
    """The mark on the settlements of one decision: whose key, and what was said."""

    key: str
    said: str

    @classmethod
    def of(cls, staff: Actor, decision: Decision) -> _Once:
        key = _digest(f"{staff}/{decision.once}") if decision.once else ""
        return cls(key, _digest(f"{decision.word} {decision.legs} {decision.reason}"))

    @property
    def mark(self) -> str:
        return f"{self.key}:{self.said}" if self.key else ""

    def is_done(self, escrow: Escrow) -> bool:
        """Raises KeyReused for another decision under the same key."""
        marks = [s.fingerprint for s in escrow.settlements if self.key]
        same_key = [mark for mark in marks if mark.startswith(f"{self.key}:")]
        if same_key and self.mark not in same_key:
            raise KeyReused(FieldProblem("Idempotency-Key", "reused"))
        return bool(same_key)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_Way = Callable[[Escrow, Decision, _Once, Step], Escrow]


def _plainly(way: Callable[[Escrow, str, Step], Escrow]) -> _Way:
    """A decision that needs nothing but its reason."""
    return lambda escrow, said, _, step: way(escrow, said.reason, step)


def _over_money(way: Callable[..., Escrow]) -> _Way:
    """A decision over all that is held."""

    def decided(escrow: Escrow, said: Decision, once: _Once, step: Step) -> Escrow:
        legs = said.legs or Legs(0, 0)
        return way(escrow, legs, said.reason, step, fingerprint=once.mark)

    return decided


def _withdraw(escrow: Escrow, said: Decision, _: _Once, step: Step) -> Escrow:
    return settlements.withdraw(escrow, said.settlement, said.reason, step)


def _accept(escrow: Escrow, said: Decision, _: _Once, step: Step) -> Escrow:
    return reviews.accept_mismatch(escrow, said.xact_id, said.reason, step)


def _refund_capture(escrow: Escrow, said: Decision, _: _Once, step: Step) -> Escrow:
    return surplus.refund_by_choice(escrow, said.xact_id, said.reason, step)


def _answer(escrow: Escrow, said: Decision, _: _Once, step: Step) -> Escrow:
    key, is_done = said.settlement, said.is_done
    return surplus.answer(escrow, key, said.reason, step, is_done=is_done)


WAYS: Mapping[str, _Way] = {
    "reject_dispute": _plainly(disputes.reject),
    "resolve_dispute": _over_money(disputes.resolve),
    "resume": _plainly(reviews.resume),
    "confirm_unknown": _plainly(reviews.confirm_unknown),
    "deny_unknown": _plainly(reviews.deny_unknown),
    "settle_review": _over_money(reviews.settle),
    "accept_mismatch": _accept,
    "refund_mismatch": _plainly(reviews.refund_mismatch),
    "reopen_unpaid": _plainly(reviews.reopen_unpaid),
    "fund_waiting": _plainly(reviews.fund_waiting),
    "open_chargeback": _plainly(chargebacks.open_),
    "win_chargeback": _plainly(chargebacks.win),
    "lose_chargeback": _plainly(chargebacks.lose),
    "withdraw_settlement": _withdraw,
    "refund_capture": _refund_capture,
    "answer_surplus": _answer,
    "acknowledge": _plainly(holding.acknowledge),
}
OVER_MONEY = frozenset({"resolve_dispute", "settle_review"})


# ── the human queues ─────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Waiting:
    """One item that waits for a human; neither escrow nor callback: nobody here can
    read it."""

    line: Queued
    escrow: Escrow | None = None
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which queues, and how many lines at most."""

    reasons: tuple[QueueReason, ...] = tuple(QueueReason)
    limit: int = 50


def queue(
    asked: Asked,
    caller: Caller,
    *,
    desk: Desk,
    queues: Queues,
    inbox: Inbox,
) -> list[Waiting]:
    """Whoever waits in these queues, the longest first; of the caller's own cases
    none."""
    lines = [
        line for reason in asked.reasons for line in queues.queued(reason, asked.limit)
    ]
    oldest = sorted(lines, key=lambda line: line.since)[: asked.limit]
    return list(_seen(oldest, caller, desk, inbox))


def _seen(
    lines: list[Queued], caller: Caller, desk: Desk, inbox: Inbox
) -> Iterator[Waiting]:
    for line in lines:
        waiting = _read(line, desk, inbox)
        about = waiting.escrow or _escrow_of(waiting.callback, desk)
        if about is None or _is_staff(about, caller):
            yield waiting


def _escrow_of(callback: Callback | None, desk: Desk) -> Escrow | None:
    """The escrow that a callback is about, as far as it says; None: none of ours."""
    if callback is None:
        return None
    named = callback.escrow_id or escrow_id_of(callback.reference_no or "")
    try:
        return desk.store.get(named or "-")
    except (EscrowNotFound, UnreadableItem):
        return None


def _is_staff(escrow: Escrow, caller: Caller) -> bool:
    return any(actor.role is Role.OPERATIONS for actor in actors(escrow, caller))


def _read(line: Queued, desk: Desk, inbox: Inbox) -> Waiting:
    try:
        if line.id.startswith("inbox-"):
            return Waiting(line, callback=inbox.read(line.id))
        return Waiting(line, escrow=desk.store.get(line.id))
    except (EscrowNotFound, UnreadableItem):
        return Waiting(line)


CallbackWay = Callable[[Callback, datetime], Callback]


def _replay(callback: Callback, at: datetime) -> Callback:
    """Heard once more, from the start."""
    return replace(callback, status=CallbackStatus.RECEIVED, tries=0, due_at=at)


def _close(callback: Callback, _at: datetime) -> Callback:
    """A person has seen to it."""
    return replace(callback, status=CallbackStatus.CLOSED)


CALLBACK_WAYS: Mapping[str, CallbackWay] = {"replay": _replay, "close": _close}


def answer_callback(
    callback_id: str, way: CallbackWay, caller: Caller, *, desk: Desk, inbox: Inbox
) -> None:
    """Raises CallbackNotFound, also for one that waits for nobody, or is about the
    caller's own case."""
    known = inbox.read(callback_id) if _CALLBACK.fullmatch(callback_id) else None
    if known is None or known.status is not CallbackStatus.QUEUED:
        raise CallbackNotFound(callback_id)
    about = _escrow_of(known, desk)
    if about and not _is_staff(about, caller):
        raise CallbackNotFound(callback_id)
    told = replace(way(known, desk.clock()), queue_reason=None, queue_since=None)
    if not inbox.decide(known, told):
        raise CallbackNotFound(callback_id)
