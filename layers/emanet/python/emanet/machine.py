"""The machine: one table of transitions, and `advance`, the only door through which an
escrow becomes the next one. Diagrams, documents, allowed actions and the exhaustive
test are all derived from TRANSITIONS. It decides; it never reads, writes or calls.

    created ⇄ authenticating → charging → held → released
       ↓                          ↑ ↓       ↓
    expired                     (asked)   review
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from emanet import policy
from emanet.errors import IllegalTransition, NotYourAction
from emanet.escrow import (
    CLOSED,
    CLOSED_UNPAID,
    UNPAID,
    Actor,
    AttemptStatus,
    Entry,
    Escrow,
    QueueReason,
    Role,
    Status,
    Step,
)
from emanet.money import RuleBroken

Guard = Callable[[Escrow, datetime], str]
"""Says why not, in a word; empty = it may happen."""


def always(_escrow: Escrow, _at: datetime) -> str:
    return ""


def may_start(escrow: Escrow, at: datetime) -> str:
    live = escrow.live_attempt
    if (
        live
        and live.status is AttemptStatus.STARTING
        and at < _starting_until(live.started_at)
    ):
        return "attempt_starting"
    if len(escrow.attempts) >= policy.ATTEMPTS_MAX:
        return "too_many_attempts"
    recent = [a for a in escrow.attempts if a.started_at > at - policy.ATTEMPTS_WINDOW]
    if len(recent) >= policy.ATTEMPTS_BURST:
        return "attempts_too_fast"
    return "pay_by_over" if at >= pay_by(escrow) else ""


def _starting_until(started_at: datetime) -> datetime:
    return started_at + policy.STARTING_FOR


def session_open(escrow: Escrow, at: datetime) -> str:
    live = escrow.live_attempt
    open_ = live and live.expires_at and at < live.expires_at
    return "" if open_ else "session_over"


def session_over(escrow: Escrow, at: datetime) -> str:
    return "" if session_open(escrow, at) else "session_open"


def charge_may_repeat(escrow: Escrow, at: datetime) -> str:
    live = escrow.live_attempt
    if not live or not live.lease_until or at < live.lease_until:
        return "charge_under_way"
    return "takeovers_used_up" if live.sends > policy.TAKEOVERS_MAX else ""


def quiet(escrow: Escrow, at: datetime) -> str:
    live = escrow.live_attempt
    over = live and live.last_sent and at >= live.last_sent + policy.QUIET_WINDOW
    return "" if over else "quiet_window_open"


def pay_by_over(escrow: Escrow, at: datetime) -> str:
    return "" if at >= pay_by(escrow) else "pay_by_not_over"


def not_shipped(escrow: Escrow, _at: datetime) -> str:
    return "already_shipped" if escrow.shipment or escrow.delivered_at else ""


def not_delivered(escrow: Escrow, _at: datetime) -> str:
    return "already_delivered" if escrow.delivered_at else ""


def something_available(escrow: Escrow, _at: datetime) -> str:
    return "" if escrow.available_minor > 0 else "nothing_available"


def deadline_over(escrow: Escrow, at: datetime) -> str:
    return (
        ""
        if any(at >= when for when, _ in held_deadlines(escrow))
        else "no_deadline_over"
    )


def pay_by(escrow: Escrow) -> datetime:
    """Unpaid after this moment, the order is given up."""
    return escrow.created_at + timedelta(hours=escrow.policy.pay_within_hours)


def held_deadlines(escrow: Escrow) -> Iterator[tuple[datetime, QueueReason]]:
    """When held money stops waiting, and under which name."""
    terms = escrow.policy
    if escrow.held_at is None:
        return
    yield escrow.held_at + timedelta(days=terms.hold_limit_days), QueueReason.HOLD_LIMIT
    if escrow.delivered_at:
        yield (
            escrow.delivered_at + timedelta(days=terms.inspection_days),
            QueueReason.INSPECTION_OVER,
        )
    elif escrow.shipment:
        yield (
            escrow.shipment.at + timedelta(days=terms.claim_days),
            QueueReason.DELIVERY_UNCONFIRMED,
        )
    else:
        yield (
            escrow.held_at + timedelta(days=terms.ship_within_days),
            QueueReason.SHIP_BY_MISSED,
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: what it is called, from where to where, who may, what must hold.
    `action` is the word by which people ask for it; rows of what is not built yet say
    `wired=False`, and the machine refuses them."""

    name: str
    source: Status
    target: Status
    by: frozenset[Role]
    guard: Guard = always
    action: str | None = None
    wired: bool = True


def _rows(  # noqa: PLR0917 - columns of the table below
    name: str,
    sources: str,
    targets: str,
    by: str,
    guard: Guard = always,
    action: str | None = None,
    wired: bool = True,
) -> Iterator[Transition]:
    """Every source with every target; the target `=` means: stays where it is."""
    roles = frozenset(Role(word) for word in by.split())
    for source in map(Status, sources.split()):
        for word in targets.split():
            target = source if word == "=" else Status(word)
            yield Transition(name, source, target, roles, guard, action, wired)


_OPEN_PAID = "held disputed releasing refunding"
_CLOSED = " ".join(sorted(CLOSED))
_PRIOR = "created authenticating charging held disputed"

# fmt: off
TRANSITIONS: tuple[Transition, ...] = tuple(row for rows in (
    # ── paying ──
    _rows("start_attempt", "created authenticating", "created", "payer",
          may_start, "pay"),
    _rows("store_session", "created", "authenticating", "payer"),
    _rows("refuse_session", "created", "created", "payer"),
    _rows("fail_3d", "authenticating", "created", "browser"),
    _rows("expire_session", "authenticating", "created", "clock", session_over),
    _rows("begin_charge", "authenticating", "charging", "browser", session_open),
    _rows("retake_charge", "charging", "=", "browser", charge_may_repeat),
    _rows("capture", "charging", "held", "paynet"),
    _rows("fund_late", "created authenticating charging", "held", "paynet"),
    _rows("decline", "charging", "created", "paynet"),
    _rows("find_unpaid", "charging", "created", "paynet", quiet),
    _rows("doubt_capture", "created authenticating charging held", "review", "paynet"),
    _rows("note_capture", f"charging review {_OPEN_PAID} {_CLOSED}", "=", "paynet"),
    _rows("expire", "created", "expired", "clock", pay_by_over),
    _rows("cancel", "created authenticating", "cancelled", "payer backend operations",
          action="cancel", wired=False),
    # ── holding ──
    _rows("ship", "held", "=", "payee", not_shipped, "ship"),
    _rows("deliver", "held", "=", "payer carrier operations", not_delivered, "deliver"),
    _rows("release", "held", "released", "payer", something_available, "release"),
    _rows("escalate", "held", "review", "clock", deadline_over),
    _rows("give_up", "created authenticating charging held", "review", "clock"),
    _rows("flag", f"created authenticating charging held review {_CLOSED}", "=",
          "clock"),
    # ── money out: settlements ──
    _rows("release_part", "held", "held released split", "payer clock operations",
          something_available, wired=False),
    _rows("send_release", "held", "releasing", "payer clock operations",
          something_available, wired=False),
    _rows("confirm_release", "releasing", "held released split", "paynet", wired=False),
    _rows("deny_release", "releasing", "held", "paynet", wired=False),
    _rows("doubt_release", "releasing", "review", "paynet clock", wired=False),
    _rows("schedule_refund", "held", "=", "payer payee operations clock",
          something_available, "refund", wired=False),
    _rows("send_refund", "held", "refunding", "clock operations", wired=False),
    _rows("confirm_refund", "refunding", "held refunded split", "paynet", wired=False),
    _rows("deny_refund", "refunding", "held", "paynet", wired=False),
    _rows("doubt_refund", "refunding", "review", "paynet clock", wired=False),
    _rows("withdraw_settlement", "held", "=", "operations", wired=False),
    # ── disputes ──
    _rows("dispute", "held", "disputed", "payer", action="dispute", wired=False),
    _rows("withdraw_dispute", "disputed", "held", "payer", wired=False),
    _rows("reject_dispute", "disputed", "held", "operations", wired=False),
    _rows("resolve_dispute", "disputed", "held", "operations", wired=False),
    _rows("escalate_dispute", "disputed", "=", "clock", wired=False),
    # ── review and chargeback ──
    _rows("resume", "review", _PRIOR, "operations", wired=False),
    _rows("confirm_unknown", "review", "=", "operations", wired=False),
    _rows("deny_unknown", "review", "=", "operations", wired=False),
    _rows("settle_review", "review", "held released refunded split", "operations",
          wired=False),
    _rows("accept_mismatch", "review", "held", "operations", wired=False),
    _rows("refund_mismatch", "review", "created", "operations", wired=False),
    _rows("reopen_unpaid", "review", "created", "operations", wired=False),
    _rows("open_chargeback", "held disputed", "review", "operations clock",
          wired=False),
    _rows("flag_chargeback", f"review releasing refunding {_CLOSED}", "=",
          "operations clock", wired=False),
    _rows("win_chargeback", "review", "held disputed", "operations clock",
          wired=False),
    _rows("lose_chargeback", "review", "refunded split", "operations clock",
          wired=False),
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

    Raises IllegalTransition (no such row, not built yet, or its guard says no),
    NotYourAction (the row exists, for others) and RuleBroken (a bug in the caller).
    """
    row = _BY_WAY.get((name, escrow.status, target))
    if row is None or not row.wired:
        raise IllegalTransition(escrow, "wrong_status")
    if step.by.role not in row.by:
        raise NotYourAction(f"{name} by {step.by.role}")
    if reason := row.guard(escrow, step.at):
        raise IllegalTransition(escrow, reason)
    entry = _entry(escrow, name, target, step, why)
    fresh = {"tries": 0, "retry_at": None, "history": (*escrow.history, entry)}
    after = replace(
        escrow, **{**fresh, **changes, "status": target, "version": escrow.version + 1}
    )
    check(after)
    return after


def begin(escrow: Escrow, step: Step) -> Escrow:
    """The first entry of a new escrow."""
    entry = Entry(1, step.at, "create", escrow.status, str(step.by), step.write_id)
    return replace(escrow, history=(entry,))


def queued(escrow: Escrow, reason: QueueReason, at: datetime) -> dict[str, Any]:
    """The change that puts it into the human queue; an older reason keeps its place."""
    if escrow.queue_reason:
        return {}
    return {"queue_reason": reason, "queue_since": at}


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
        _short(why),
    )


def _short(why: str) -> str:
    """Cut to its bytes: half a letter at the end is dropped."""
    return why.encode()[: policy.WHY_BYTES_MAX].decode(errors="ignore")


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
            ("closed only when nothing is held", not _closed_with_money(escrow)),
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


def _closed_with_money(escrow: Escrow) -> bool:
    return escrow.status in CLOSED and escrow.balances.held != 0


def _is_numbered(history: tuple[Entry, ...]) -> bool:
    return [entry.seq for entry in history] == list(range(1, len(history) + 1))


def allowed_actions(escrow: Escrow, actors: Iterable[Actor], at: datetime) -> list[str]:
    """The words by which these actors could move this escrow right now."""
    roles = {actor.role for actor in actors}
    return sorted(
        {
            row.action
            for row in TRANSITIONS
            if row.action
            and row.wired
            and row.source is escrow.status
            and row.by & roles
            and not row.guard(escrow, at)
        }
    )
