"""The machine: one table of transitions, and `advance`, the only door through which an
escrow becomes the next one. Diagrams, documents, allowed actions and the exhaustive
test are all derived from TRANSITIONS. It decides; it never reads, writes or calls.

    created ⇄ authenticating → charging → held ⇄ releasing, refunding, disputed, review
       ↓            ↓                       ↓            ↓
    expired     cancelled          released, refunded, split
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from emanet import deadlines, guards, ledger, policy
from emanet.errors import IllegalTransition, NotYourAction
from emanet.escrow import (
    CLOCKLESS,
    CLOSED,
    CLOSED_UNPAID,
    UNPAID,
    Actor,
    Entry,
    Escrow,
    Flag,
    QueueReason,
    Role,
    SettlementStatus,
    Status,
    Step,
)
from emanet.guards import Guard, always, has_undecided
from emanet.istanbul import day_of
from emanet.money import RuleBroken


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: what it is called, from where to where, who may, what must hold.
    `action` is the word by which people ask for it."""

    name: str
    source: Status
    target: Status
    by: frozenset[Role]
    guard: Guard = always
    action: str | None = None


def _rows(  # noqa: PLR0917 - columns of the table below
    name: str,
    sources: str,
    targets: str,
    by: str,
    guard: Guard = always,
    action: str | None = None,
) -> Iterator[Transition]:
    """Every source with every target; the target `=` means: stays where it is."""
    roles = frozenset(Role(word) for word in by.split())
    for source in map(Status, sources.split()):
        for word in targets.split():
            target = source if word == "=" else Status(word)
            yield Transition(name, source, target, roles, guard, action)


def _resuming() -> Iterator[Transition]:
    """Back from review to where it was, each way with its own guard."""
    for status in map(Status, _PRIOR.split()):
        guard = guards.returns_to(status)
        yield from _rows("resume", "review", status, "operations", guard, "resume")


def _thawing() -> Iterator[Transition]:
    for status in (Status.HELD, Status.DISPUTED):
        guard = guards.froze(status)
        yield from _rows(
            "win_chargeback", "review", status, "operations", guard, "win_chargeback"
        )


_OPEN_PAID = "held disputed releasing refunding"
_CLOSED_PAID = "released refunded split"
_CLOSED = " ".join(sorted(CLOSED))
_EVERY = " ".join(Status)
_NOT_CHARGING = " ".join(sorted(set(Status) - {Status.CHARGING}))
_PRIOR = "created authenticating charging held disputed"

# A table is read by its columns, which the formatter would break.
# fmt: off
TRANSITIONS: tuple[Transition, ...] = tuple(row for rows in (
    # ── paying ──
    _rows("start_attempt", "created authenticating", "created", "payer",
          guards.may_start, "pay"),
    _rows("open_form", "created authenticating", "authenticating", "payer",
          guards.may_start, "pay"),
    _rows("store_session", "created", "authenticating", "payer"),
    _rows("refuse_session", "created", "created", "payer"),
    _rows("fail_3d", "authenticating", "created", "browser"),
    _rows("expire_session", "authenticating", "created", "clock", guards.session_over),
    _rows("begin_charge", "authenticating", "charging", "browser", guards.session_open),
    _rows("retake_charge", "charging", "=", "browser", guards.charge_may_repeat),
    _rows("capture", "charging", "held", "paynet"),
    _rows("fund_late", "created authenticating charging", "held", "paynet"),
    _rows("decline", "charging", "created", "paynet"),
    _rows("find_unpaid", "charging", "created", "paynet", guards.quiet),
    _rows("doubt_capture", "created authenticating charging held", "review", "paynet"),
    _rows("note_capture", f"charging review {_OPEN_PAID} {_CLOSED}", "=", "paynet"),
    _rows("note_fee", f"review {_OPEN_PAID} {_CLOSED}", "=", "clock"),
    _rows("expire", "created", "expired", "clock", guards.pay_by_over),
    _rows("cancel", "created authenticating", "cancelled", "payer backend operations",
          action="cancel"),
    # ── holding ──
    _rows("ship", "held", "=", "payee", guards.may_ship, "ship"),
    _rows("deliver", "held", "=", "payer carrier operations", guards.not_delivered,
          "deliver"),
    _rows("remind", "created held", "=", "clock"),
    _rows("miss_claim", "held", "=", "clock", guards.claim_over),
    _rows("escalate", "held", "review", "clock", guards.frozen_deadline_over),
    _rows("give_up", f"created authenticating charging {_OPEN_PAID}", "review",
          "clock"),
    _rows("flag", _EVERY, "=", "clock"),
    _rows("acknowledge", _EVERY, "=", "operations", guards.may_acknowledge,
          "acknowledge"),
    # ── money out: one settlement after another ──
    _rows("release", "held", "held released split", "payer clock operations",
          guards.may_release, "release"),
    _rows("order_release", "held", "=", "payer clock operations",
          guards.may_order_release, "release"),
    _rows("cancel_held", "held", "=", "payer", guards.may_cancel, "cancel"),
    _rows("schedule_refund", "held", "=", "payee operations clock",
          guards.something_available, "refund"),
    _rows("release_scheduled", "held", "held released split", "clock",
          guards.settlement_due),
    _rows("send_release", "held", "releasing", "clock", guards.settlement_due),
    _rows("confirm_release", "releasing", "released", "paynet"),
    _rows("deny_release", "releasing", "held review", "paynet"),
    _rows("doubt_release", "releasing", "review", "paynet clock"),
    _rows("send_refund", "held", "refunding", "clock", guards.settlement_due),
    _rows("accept_refund", "refunding", "=", "paynet"),
    _rows("confirm_refund", "held refunding", "held refunded split", "paynet"),
    _rows("confirm_refund", "refunding", "review", "paynet"),
    _rows("deny_refund", "refunding", "held review", "paynet"),
    _rows("put_off_refund", "refunding", "held review", "paynet"),
    _rows("doubt_refund", "refunding", "review", "paynet clock"),
    _rows("hand_over_refund", "held", "review", "clock", guards.settlement_due),
    _rows("note_proof", "review", "=", "paynet"),
    _rows("withdraw_settlement", "held disputed review", "=", "operations",
          guards.something_unsent, "withdraw_settlement"),
    # ── a surplus capture goes back; it never changes the status ──
    _rows("send_surplus", _EVERY, "=", "clock", guards.surplus_unsettled),
    _rows("accept_surplus", _EVERY, "=", "paynet", guards.surplus_unsettled),
    _rows("confirm_surplus", _EVERY, "=", "paynet", guards.surplus_unsettled),
    _rows("deny_surplus", _EVERY, "=", "paynet", guards.surplus_unsettled),
    _rows("doubt_surplus", _EVERY, "=", "paynet clock", guards.surplus_unsettled),
    _rows("refund_capture", _NOT_CHARGING, "=", "operations",
          guards.refundable_mismatch, "refund_capture"),
    _rows("answer_surplus", _EVERY, "=", "operations", guards.surplus_answerable,
          "answer_surplus"),
    # ── disputes ──
    _rows("dispute", "held", "disputed", "payer", guards.may_dispute, "dispute"),
    _rows("withdraw_dispute", "disputed", "held", "payer", action="withdraw_dispute"),
    _rows("reject_dispute", "disputed", "held", "operations", action="reject_dispute"),
    _rows("resolve_dispute", "disputed", "held", "operations",
          action="resolve_dispute"),
    _rows("escalate_dispute", "disputed", "=", "clock", guards.dispute_overdue),
    # ── review ──
    _resuming(),
    _rows("confirm_unknown", "review", f"= {_CLOSED_PAID}", "operations",
          guards.something_unknown, "confirm_unknown"),
    _rows("deny_unknown", "review", "=", "operations", guards.something_unknown,
          "deny_unknown"),
    _rows("settle_review", "review", "held", "operations", guards.may_settle_review,
          "settle_review"),
    _rows("accept_mismatch", "review", "held", "operations", guards.has_mismatch,
          "accept_mismatch"),
    _rows("refund_mismatch", "review", "created", "operations",
          guards.may_refund_mismatch, "refund_mismatch"),
    _rows("reopen_unpaid", "review", "created", "operations", guards.may_reopen,
          "reopen_unpaid"),
    _rows("fund_waiting", "review", "held", "operations", guards.something_waiting,
          "fund_waiting"),
    # ── chargebacks ──
    _rows("open_chargeback", "held disputed", "review", "operations clock",
          guards.no_chargeback, "open_chargeback"),
    _rows("flag_chargeback", f"review releasing refunding {_CLOSED_PAID}", "=",
          "operations clock", guards.captured_without_chargeback, "open_chargeback"),
    _thawing(),
    _rows("note_chargeback_won", f"review releasing refunding {_CLOSED_PAID}", "=",
          "operations", guards.won_without_thaw, "win_chargeback"),
    _rows("lose_chargeback", "review", "refunded split", "operations clock",
          guards.may_lose, "lose_chargeback"),
    _rows("note_chargeback_lost", f"releasing refunding {_CLOSED_PAID}", "=",
          "operations", guards.may_lose_closed, "lose_chargeback"),
) for row in rows)
# fmt: on

_BY_WAY = {(row.name, row.source, row.target): row for row in TRANSITIONS}


def advance(
    escrow: Escrow,
    name: str,
    target: Status,
    step: Step,
    *,
    why: str = "",
    **changes: Any,
) -> Escrow:
    """The next escrow: status, version, history and whatever `changes` says, checked.
    Clocks stop and go on here, and the history says which sums moved.

    Raises IllegalTransition (no such row, or its guard says no), NotYourAction (the row
    exists, for others) and RuleBroken (a bug in the caller).
    """
    row = _BY_WAY.get((name, escrow.status, target))
    if row is None:
        raise IllegalTransition(escrow, "wrong_status")
    if step.by.role not in row.by:
        raise NotYourAction(f"{name} by {step.by.role}")
    if reason := row.guard(escrow, step.at):
        raise IllegalTransition(escrow, reason)
    fresh = {"tries": 0, "retry_at": None, **_clocks(escrow, target, step)}
    changed = {**fresh, **changes, "status": target, "version": escrow.version + 1}
    moved = replace(escrow, **changed)
    money = ledger.change(escrow, moved)
    entry = _entry(escrow, name, target, step, why)
    after = replace(
        moved,
        history=(*escrow.history, replace(entry, money=money)),
        moved_on=day_of(step.at) if money else escrow.moved_on,
    )
    check(after)
    return after


def _clocks(escrow: Escrow, target: Status, step: Step) -> dict[str, Any]:
    """They stand still in some statuses, and go on with what they had left."""
    stood, stands = escrow.status in CLOCKLESS, target in CLOCKLESS
    if stands:
        return {} if stood else {"stopped_at": step.at}
    if not stood or escrow.stopped_at is None:
        return {}
    lost = step.at - escrow.stopped_at
    return {
        "stopped_at": None,
        "deadlines": deadlines.moved_on(escrow.deadlines, lost),
    }


def begin(escrow: Escrow, step: Step) -> Escrow:
    """The first entry of a new escrow, and its first clock."""
    entry = Entry(1, step.at, "create", escrow.status, str(step.by), step.write_id)
    pay_by = deadlines.on_creation(escrow.policy, step.at)
    return replace(escrow, history=(entry,), deadlines=pay_by)


def flagged(escrow: Escrow, reason: QueueReason, step: Step) -> tuple[Flag, ...]:
    """In this human queue too; who stands there already keeps the place."""
    if any(flag.reason is reason for flag in escrow.flags):
        return escrow.flags
    return (*escrow.flags, Flag(reason, step.at))


def unflagged(escrow: Escrow, *reasons: QueueReason | None) -> tuple[Flag, ...]:
    """Out of these human queues."""
    return tuple(flag for flag in escrow.flags if flag.reason not in reasons)


def to_review(
    escrow: Escrow,
    name: str,
    reason: QueueReason,
    step: Step,
    *,
    why: str = "",
    **changes: Any,
) -> Escrow:
    """Frozen for a human, under `reason`; remembers from where it came."""
    prior = escrow.status if escrow.status.value in _PRIOR.split() else Status.HELD
    frozen = {
        "prior_status": prior,
        "review_reason": reason,
        "flags": flagged(escrow, reason, step),
    }
    return advance(
        escrow, name, Status.REVIEW, step, why=why or reason, **(frozen | changes)
    )


def out_of_review(escrow: Escrow) -> dict[str, Any]:
    """The change that takes it out of the queue which review put it into."""
    changes = {"prior_status": None, "review_reason": None}
    if escrow.review_reason is QueueReason.DOUBTFUL_CAPTURE:
        return {**changes, "flags": without_doubt(replace(escrow, review_reason=None))}
    return {**changes, "flags": unflagged(escrow, escrow.review_reason)}


def without_doubt(escrow: Escrow) -> tuple[Flag, ...]:
    """Out of the queue of doubtful captures, unless one of them is undecided still, or
    is what is reviewed."""
    doubtful = QueueReason.DOUBTFUL_CAPTURE
    if escrow.review_reason is doubtful or has_undecided(escrow):
        return escrow.flags
    return unflagged(escrow, doubtful)


def _entry(escrow: Escrow, name: str, target: Status, step: Step, why: str) -> Entry:
    seq = escrow.history[-1].seq + 1 if escrow.history else 1
    return Entry(
        seq,
        step.at,
        name,
        target,
        str(step.by),
        step.write_id,
        escrow.status,
        short(why),
    )


def short(why: str) -> str:
    """Cut to its bytes: half a letter at the end is dropped."""
    return why.encode()[: policy.WHY_BYTES_MAX].decode(errors="ignore")


# ── the rules ────────────────────────────────────────────────────────────────


def check(escrow: Escrow) -> None:
    """The rules that one item can break. Raises RuleBroken."""
    sums = escrow.balances
    broken = [
        rule
        for rule, holds in (
            ("captured is 0 or the amount", sums.captured in (0, escrow.amount_minor)),
            ("paid means captured", _is_paid_as_it_says(escrow)),
            ("available is never negative", escrow.available_minor >= 0),
            ("one live attempt", sum(a.is_live for a in escrow.attempts) <= 1),
            ("open or closed as its money says", _is_open_as_it_holds(escrow)),
            ("one settlement sent, and it shows", _is_sent_as_it_says(escrow)),
            ("an unknown settlement is reviewed", _is_unknown_reviewed(escrow)),
            ("a dispute is open or restored", _is_disputed_as_it_says(escrow)),
            ("clocks stand where they should", _stands_still_as_it_should(escrow)),
            ("who is reviewed stands in a queue", _is_seen(escrow)),
            ("history is numbered", _is_numbered(escrow.history)),
        )
        if not holds
    ]
    if broken:
        raise RuleBroken("; ".join(broken))


def _is_paid_as_it_says(escrow: Escrow) -> bool:
    """Review may be either; every other status says whether the money came."""
    paid = escrow.status not in UNPAID | CLOSED_UNPAID
    return escrow.status is Status.REVIEW or paid == (escrow.balances.captured > 0)


def _is_open_as_it_holds(escrow: Escrow) -> bool:
    """Closed only when nothing is held or reserved; open and paid only while it is."""
    sums = escrow.balances
    if escrow.status in CLOSED:
        return sums.held == 0 and escrow.reserved_minor == 0
    return sums.captured == 0 or sums.held > 0


def _is_sent_as_it_says(escrow: Escrow) -> bool:
    sent = sum(s.status is SettlementStatus.SENT for s in escrow.settlements)
    return sent == (escrow.status in {Status.RELEASING, Status.REFUNDING})


def _is_unknown_reviewed(escrow: Escrow) -> bool:
    return escrow.unknown is None or escrow.status is Status.REVIEW


def _is_disputed_as_it_says(escrow: Escrow) -> bool:
    if escrow.status is Status.REVIEW:
        return bool(escrow.dispute) == (escrow.prior_status is Status.DISPUTED)
    return bool(escrow.dispute) == (escrow.status is Status.DISPUTED)


def _stands_still_as_it_should(escrow: Escrow) -> bool:
    return (escrow.stopped_at is not None) == (escrow.status in CLOCKLESS)


def _is_seen(escrow: Escrow) -> bool:
    frozen = escrow.status in {Status.REVIEW, Status.DISPUTED}
    return not frozen or bool(escrow.flags)


def _is_numbered(history: tuple[Entry, ...]) -> bool:
    return [entry.seq for entry in history] == list(range(1, len(history) + 1))


# ── what may be done ─────────────────────────────────────────────────────────


# Reasons that any other one explains better.
_VAGUE = {"wrong_status", "another_prior_status", "paynet_escrow", "no_paynet_escrow"}


def actions(
    escrow: Escrow, actors: Iterable[Actor], at: datetime
) -> tuple[list[str], dict[str, str]]:
    """For these actors, right now: the words that would succeed, and the other words of
    their roles with the reason why not."""
    roles = {actor.role for actor in actors}
    allowed: set[str] = set()
    blocked: dict[str, str] = {}
    for row in TRANSITIONS:
        if not row.action or not row.by & roles:
            continue
        here = row.source is escrow.status
        why = row.guard(escrow, at) if here else "wrong_status"
        if not why:
            allowed.add(row.action)
        elif blocked.get(row.action, "wrong_status") in _VAGUE:
            blocked[row.action] = why
    told = {word: why for word, why in sorted(blocked.items()) if word not in allowed}
    return sorted(allowed), told
