"""The life of one movement of captured money: asked for, reserved, sent, and proved or
not. Pure: an escrow goes in, the next one comes out. A release is a line in our books,
unless PAYNET's own escrow holds the money; a refund is always an order to PAYNET.

    scheduled ⇄ suspended → withdrawn
        └→ sent ─→ done | denied | unknown (a human says which)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from emanet import policy
from emanet.errors import IllegalTransition
from emanet.escrow import (
    UNSENT,
    Chargeback,
    ChargebackStatus,
    Escrow,
    QueueReason,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Status,
    Step,
)
from emanet.istanbul import business_days_later, day_after, day_of
from emanet.machine import advance, flagged, to_review, unflagged

_S = SettlementStatus


# ── asked for ────────────────────────────────────────────────────────────────


def release(escrow: Escrow, settlement: Settlement, step: Step) -> Escrow:
    """So much of what is available becomes owed to the payee: at once in our books, or
    as an order to PAYNET where its own escrow holds the money."""
    _must_be_available(escrow, settlement.amount_minor)
    if escrow.in_paynet_escrow:
        if settlement.amount_minor != escrow.balances.captured:
            raise IllegalTransition(escrow, "paynet_escrow_whole_only")
        asked = replace(settlement, status=_S.SCHEDULED, due_at=step.at)
        return advance(
            escrow,
            "order_release",
            Status.HELD,
            step,
            why=settlement.why,
            settlements=(*escrow.settlements, asked),
        )
    done = replace(settlement, status=_S.DONE, ended_at=step.at, proof="books")
    paid = replace(
        escrow,
        settlements=(*escrow.settlements, done),
        balances=escrow.balances.release(settlement.amount_minor),
    )
    return _landed(escrow, paid, "release", step, why=settlement.why)


def schedule_refund(
    escrow: Escrow, settlement: Settlement, step: Step, name: str = "schedule_refund"
) -> Escrow:
    """Reserved now, sent when PAYNET's day rule allows it. Out of PAYNET's own escrow
    only all of it: a part would leave a rest that nothing can pay out."""
    _must_be_available(escrow, settlement.amount_minor)
    is_part = settlement.amount_minor != escrow.balances.captured
    if escrow.in_paynet_escrow and is_part:
        raise IllegalTransition(escrow, "paynet_escrow_whole_only")
    asked = replace(
        settlement,
        status=_S.SCHEDULED,
        due_at=refundable_at(escrow, settlement.amount_minor, step.at),
        surcharge_minor=surcharge_with(escrow, settlement.amount_minor),
    )
    return advance(
        escrow,
        name,
        Status.HELD,
        step,
        why=settlement.why,
        settlements=(*escrow.settlements, asked),
    )


def _must_be_available(escrow: Escrow, amount_minor: int) -> None:
    if escrow.status is not Status.HELD:
        raise IllegalTransition(escrow, "wrong_status")
    if not escrow.available_minor:
        raise IllegalTransition(escrow, "nothing_available")
    if amount_minor < 1:
        raise IllegalTransition(escrow, "not_positive")
    if amount_minor > escrow.available_minor:
        raise IllegalTransition(escrow, "more_than_available")


def surcharge_with(escrow: Escrow, amount_minor: int) -> int:
    """What goes back beside a refund of so much: the instalments' surcharge, with a
    refund of the whole and never with a part."""
    is_whole = amount_minor == escrow.balances.captured
    return escrow.surcharge_minor if is_whole else 0


def refundable_at(escrow: Escrow, amount_minor: int, at: datetime) -> datetime:
    """When a refund of so much may be sent: on the Istanbul day of the capture only the
    whole of it can go back."""
    captured_at = _captured_at(escrow)
    is_whole = amount_minor == escrow.balances.captured
    if is_whole or captured_at is None or day_of(at) > day_of(captured_at):
        return at
    return day_after(captured_at)


def _captured_at(escrow: Escrow) -> datetime | None:
    """By PAYNET's clock; absent, the later of our charge and of the capture's
    arrival."""
    if escrow.funding is None:
        return escrow.held_at
    attempt, capture = escrow.funding
    ours = [moment for moment in (attempt.last_sent, escrow.held_at) if moment]
    return capture.at or max(ours, default=None)


def withdraw(escrow: Escrow, key: str, why: str, step: Step) -> Escrow:
    """Operations take back what was not sent yet."""
    known = escrow.settlement(key)
    if known is None or known.status not in UNSENT:
        raise IllegalTransition(escrow, "not_scheduled")
    gone = replace(known, status=_S.WITHDRAWN, ended_at=step.at)
    settlements = with_settlement(escrow, gone)
    return advance(
        escrow,
        "withdraw_settlement",
        escrow.status,
        step,
        why=why,
        settlements=settlements,
    )


# ── due ──────────────────────────────────────────────────────────────────────


def release_scheduled(escrow: Escrow, key: str, step: Step) -> Escrow:
    """A release that was decided, and is due, where our books are the truth."""
    due = _scheduled(escrow, key)
    done = replace(due, status=_S.DONE, ended_at=step.at, proof="books")
    paid = replace(
        escrow,
        settlements=with_settlement(escrow, done),
        balances=escrow.balances.release(due.amount_minor),
    )
    return _landed(escrow, paid, "release_scheduled", step, why=key)


def send(
    escrow: Escrow, key: str, listed: tuple[str, ...], secret_digest: str, step: Step
) -> Escrow:
    """The intent, written before PAYNET is asked; it is sent once."""
    due = _scheduled(escrow, key)
    sent = sent_now(due, listed, secret_digest, step.at)
    releasing = due.kind is SettlementKind.RELEASE
    return advance(
        escrow,
        "send_release" if releasing else "send_refund",
        Status.RELEASING if releasing else Status.REFUNDING,
        step,
        why=key,
        settlements=with_settlement(escrow, sent),
    )


def sent_now(
    order: Settlement, listed: tuple[str, ...], secret_digest: str, at: datetime
) -> Settlement:
    """An order to PAYNET on its way, with what is needed to find out about it."""
    return replace(
        order,
        status=_S.SENT,
        sent_at=at,
        listed=listed,
        secret_digest=secret_digest,
        asks=0,
        ask_at=at + policy.ASK_AFTER_ORDER[0],
    )


def put_off(escrow: Escrow, key: str, step: Step) -> Escrow:
    """Due, but its day has not come after all: no transition, only later."""
    due = _scheduled(escrow, key)
    later = replace(due, due_at=refundable_at(escrow, due.amount_minor, step.at))
    return replace(escrow, settlements=with_settlement(escrow, later))


def hand_over(escrow: Escrow, key: str, step: Step) -> Escrow:
    """Out of PAYNET's own escrow: nobody knows yet what PAYNET does with a refund, or
    with a second release, so a human does it and tells us."""
    by_hand = replace(_scheduled(escrow, key), status=_S.UNKNOWN)
    return to_review(
        escrow,
        "hand_over_refund",
        QueueReason.REFUND_BY_HAND,
        step,
        why=key,
        settlements=with_settlement(escrow, by_hand),
    )


def _scheduled(escrow: Escrow, key: str) -> Settlement:
    known = escrow.settlement(key)
    if known is None or known.status is not _S.SCHEDULED:
        raise IllegalTransition(escrow, "not_scheduled")
    return known


# ── answered ─────────────────────────────────────────────────────────────────


def accepted(escrow: Escrow, step: Step) -> Escrow:
    """PAYNET took the refund's order; whether it is done will show."""
    took = taken(_sent(escrow), step.at)
    return advance(
        escrow,
        "accept_refund",
        escrow.status,
        step,
        settlements=with_settlement(escrow, took),
    )


def taken(order: Settlement, at: datetime) -> Settlement:
    """Accepted, and asked about soon: most refunds are quick."""
    return replace(order, accepted_at=at, ask_at=at + policy.ASK_AFTER_ACCEPTANCE)


def confirm(
    escrow: Escrow, key: str, proof: str, step: Step, commission_back: int = 0
) -> Escrow:
    """It is done, and this proves it: one that was sent, or that was found done before
    it was sent."""
    sent = escrow.sent
    known = sent if sent and sent.key == key else _scheduled(escrow, key)
    paid = done(escrow, known, proof, step.at, commission_back)
    name = f"confirm_{known.kind}"
    return _landed(escrow, paid, name, step, why=f"{known.key} {proof}")


def done(
    escrow: Escrow, known: Settlement, proof: str, at: datetime, commission_back: int
) -> Escrow:
    """The settlement done and the sums moved; no transition yet."""
    ended = replace(
        known,
        status=_S.DONE,
        ended_at=at,
        ask_at=None,
        proof=proof,
        commission_back_minor=commission_back,
    )
    move = escrow.balances.refund
    if known.kind is SettlementKind.RELEASE:
        move = escrow.balances.release
    return replace(
        escrow,
        settlements=with_settlement(escrow, ended),
        balances=move(known.amount_minor),
    )


def deny(escrow: Escrow, why: str, step: Step) -> Escrow:
    """PAYNET said no: its amount is free again, and a human is told. A second no to one
    that was put off freezes the escrow."""
    known = _sent(escrow)
    ended = denied(known, why, step.at)
    free = replace(
        escrow,
        settlements=with_settlement(escrow, ended),
        flags=flagged(escrow, QueueReason.SETTLEMENT_DENIED, step),
    )
    name, told = f"deny_{known.kind}", f"{known.key} {why}"
    if known.put_off:
        reason = QueueReason.SETTLEMENT_DENIED
        settled = free.settlements
        return to_review(escrow, name, reason, step, why=told, settlements=settled)
    return _landed(escrow, free, name, step, why=told)


def denied(known: Settlement, why: str, at: datetime) -> Settlement:
    return replace(known, status=_S.DENIED, ended_at=at, ask_at=None, proof=why)


def may_be_the_day_rule(escrow: Escrow, known: Settlement) -> bool:
    """A "no" to a part, at once, and so near to the day of the capture that PAYNET's
    clock may see that day still; once."""
    captured_at = _captured_at(escrow)
    is_part = known.amount_minor != escrow.balances.captured
    once = is_part and not known.put_off and not known.accepted_at
    if not once or not captured_at or not known.sent_at:
        return False
    return known.sent_at <= day_after(captured_at) + policy.CLOCKS_DIFFER_BY


def deny_for_the_day(escrow: Escrow, why: str, step: Step) -> Escrow:
    """The day rule, as PAYNET's clock sees it: scheduled anew, once."""
    known = _sent(escrow)
    again = replace(once_more(known, day_after(step.at)), put_off=known.put_off + 1)
    waiting = replace(escrow, settlements=with_settlement(escrow, again))
    return _landed(escrow, waiting, "put_off_refund", step, why=f"{known.key} {why}")


def once_more(known: Settlement, due_at: datetime) -> Settlement:
    """Scheduled as if it had never been sent: PAYNET did nothing."""
    return replace(
        known,
        status=_S.SCHEDULED,
        due_at=due_at,
        sent_at=None,
        accepted_at=None,
        ask_at=None,
        ended_at=None,
        proof="",
        secret_digest=None,
    )


def doubt(escrow: Escrow, why: str, step: Step) -> Escrow:
    """Nobody can say whether it happened: never sent again, and a human finds out."""
    known = _sent(escrow)
    lost = replace(known, status=_S.UNKNOWN, ask_at=None)
    return to_review(
        escrow,
        f"doubt_{known.kind}",
        QueueReason.SETTLEMENT_UNKNOWN,
        step,
        why=f"{known.key} {why}",
        settlements=with_settlement(escrow, lost),
    )


def _sent(escrow: Escrow) -> Settlement:
    if escrow.sent is None:
        raise IllegalTransition(escrow, "nothing_sent")
    return escrow.sent


# ── asked about ──────────────────────────────────────────────────────────────


def asked(order: Settlement, at: datetime) -> Settlement:
    """Asked about in vain: the next moment to ask, at the latest when time is up."""
    asks = order.asks + 1
    sent_at = order.sent_at or at
    waits = (sent_at + wait for wait in policy.ASK_AFTER_ORDER[asks:])
    next_at = next((t for t in waits if t > at), at + policy.ASK_ORDER_EVERY)
    end = time_is_up(order)
    return replace(order, asks=asks, ask_at=min(next_at, end) if end > at else next_at)


def at_another_time(
    order: Settlement, at: datetime, silent_since: datetime | None
) -> Settlement:
    """Asked about, or sent, not before that moment. PAYNET is silent since that one."""
    if order.sent_at:
        return replace(order, ask_at=at)
    return replace(order, due_at=at, silent_since=silent_since)


def time_is_up(order: Settlement) -> datetime:
    """From then on a human decides: 24 hours after an order without an answer, three
    business days after one that PAYNET accepted."""
    if order.accepted_at:
        days = policy.VERDICT_WITHIN_BUSINESS_DAYS
        return business_days_later(order.accepted_at, days)
    return (order.sent_at or order.at) + policy.PROOF_WITHIN


# ── frozen, and thawed ───────────────────────────────────────────────────────


def suspended(escrow: Escrow) -> tuple[Settlement, ...]:
    """What was not sent waits until the escrow is thawed."""
    return _turned(escrow, _S.SCHEDULED, _S.SUSPENDED)


def restored(escrow: Escrow) -> tuple[Settlement, ...]:
    """What waited is scheduled again."""
    return _turned(escrow, _S.SUSPENDED, _S.SCHEDULED)


def all_withdrawn(escrow: Escrow, at: datetime) -> tuple[Settlement, ...]:
    """What was not sent never will be."""
    return tuple(
        replace(s, status=_S.WITHDRAWN, ended_at=at) if s.status in UNSENT else s
        for s in escrow.settlements
    )


def _turned(escrow: Escrow, old: _S, new: _S) -> tuple[Settlement, ...]:
    return tuple(
        replace(s, status=new, silent_since=None) if s.status is old else s
        for s in escrow.settlements
    )


def with_settlement(escrow: Escrow, changed: Settlement) -> tuple[Settlement, ...]:
    return tuple(changed if s.key == changed.key else s for s in escrow.settlements)


# ── where money lands ────────────────────────────────────────────────────────


def _landed(
    before: Escrow, after: Escrow, name: str, step: Step, *, why: str
) -> Escrow:
    """The transition that a settlement's end makes: closed, held, or frozen by a
    chargeback that waited for it."""
    changes: dict[str, Any] = {
        "settlements": after.settlements,
        "balances": after.balances,
        "flags": after.flags,
    }
    target = status_by_money(after)
    if target is Status.HELD and _waits_to_freeze(after):
        changes["settlements"] = suspended(after)
        changes["chargeback"] = _freezing(after)
        changes["flags"] = flagged(after, QueueReason.CHARGEBACK, step)
        return to_review(before, name, QueueReason.CHARGEBACK, step, why=why, **changes)
    if target is not Status.HELD:
        changes |= closing(after)
    return advance(before, name, target, step, why=why, **changes)


def status_by_money(escrow: Escrow) -> Status:
    """Open while anything is held; closed by what became of it."""
    sums = escrow.balances
    if sums.held:
        return Status.HELD
    if not sums.refunded and not sums.charged_back:
        return Status.RELEASED
    return Status.SPLIT if sums.released else Status.REFUNDED


def closing(escrow: Escrow) -> dict[str, Any]:
    """What ends with the escrow: the queue for a parcel, and a lost chargeback that
    waited for the settlement."""
    flags = unflagged(
        escrow, QueueReason.DELIVERY_UNCONFIRMED, QueueReason.SETTLEMENT_DENIED
    )
    known = escrow.chargeback
    if known and known.status is ChargebackStatus.LOST_WAITING:
        lost = lost_now(escrow, known)
        return {"flags": flags, "chargeback": lost}
    return {"flags": flags}


def lost_now(escrow: Escrow, known: Chargeback) -> Chargeback:
    """Lost: what the payer's bank took beyond what was held is our loss, a surcharge
    that had not gone back among it."""
    sums = escrow.balances
    beyond = sums.captured - sums.refunded - sums.charged_back - sums.held
    loss = beyond + escrow.surcharge_minor - escrow.surcharge_back_minor
    return replace(known, status=ChargebackStatus.LOST, loss_minor=loss)


def _waits_to_freeze(escrow: Escrow) -> bool:
    known = escrow.chargeback
    waiting = (ChargebackStatus.OPEN, ChargebackStatus.LOST_WAITING)
    return known is not None and known.status in waiting


def _freezing(escrow: Escrow) -> Chargeback | None:
    return replace(escrow.chargeback, froze=True) if escrow.chargeback else None
