"""How an escrow is shown: the same facts to both parties, and to each only what is his.
Digests, sessions and write ids are nobody's business and are not here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from emanet import policy
from emanet.deadlines import running
from emanet.due import Duty, moments
from emanet.errors import PaynetUnreachable
from emanet.escrow import (
    CLOSED_UNPAID,
    UNPAID,
    Actor,
    Attempt,
    Capture,
    CaptureStatus,
    Dispute,
    Entry,
    Escrow,
    Role,
    Settlement,
    Status,
)
from emanet.machine import actions
from emanet.money import CURRENCY
from emanet.ports import Form, Session
from emanet.problems import Language, reason_text
from emanet.usecases.access import Caller, actors

_WORDS = {
    Status.RELEASED: "released",
    Status.SPLIT: "released",
    Status.REFUNDED: "refunded",
}


def money(amount_minor: int) -> dict[str, Any]:
    return {"amount": amount_minor, "currency": CURRENCY}


def escrow_view(
    escrow: Escrow, caller: Caller, at: datetime, language: Language = "en"
) -> dict[str, Any]:
    """The escrow for this caller, and what he, or time, can do about it."""
    mine = actors(escrow, caller)
    roles = {actor.role for actor in mine}
    if roles == {Role.CARRIER}:
        return _parcel(escrow) | explain(escrow, mine, at, language)
    knows_why = bool(roles & {Role.PAYER, Role.OPERATIONS})
    view = {
        **_parcel(escrow),
        **_order(escrow),
        **_money(escrow),
        **explain(escrow, mine, at, language),
        "deadlines": _deadlines(escrow),
        "settlements": [_settlement(s, roles) for s in escrow.settlements],
        "disputes": [_dispute(dispute) for dispute in escrow.disputes],
        "history": _history(escrow, roles),
    }
    if knows_why:
        view["attempts"] = [_attempt(attempt) for attempt in escrow.attempts]
    if not roles & {Role.PAYER} or roles & {Role.PAYEE}:
        view["fee"] = money(escrow.fee_minor)
    if Role.OPERATIONS in roles:
        view |= _for_operations(escrow)
    return view


def explain(
    escrow: Escrow, mine: Iterable[Actor], at: datetime, language: Language
) -> dict[str, Any]:
    """Derived from the machine's own table and guards: what this caller may do now,
    what not and why, and what happens by itself, when."""
    allowed, blocked = actions(escrow, mine, at)
    return {
        "allowed_actions": allowed,
        "blocked_actions": [
            {"action": word, "reason": why, "text": reason_text(why, language)}
            for word, why in blocked.items()
        ],
        "next": _next(escrow, at),
    }


def _for_operations(escrow: Escrow) -> dict[str, Any]:
    """What a human who decides must know, and nobody else."""
    known = escrow.chargeback
    return {
        "queue_reason": escrow.queue_reason,
        "flags": [
            {"reason": f.reason, "since": shown_at(f.since)} for f in escrow.flags
        ],
        "prior_status": escrow.prior_status,
        "chargeback": known
        and {
            "status": known.status,
            "at": shown_at(known.at),
            "loss": money(known.loss_minor),
        },
        "captures": [
            _capture(attempt, capture)
            for attempt in escrow.attempts
            for capture in attempt.captures
        ],
    }


def _capture(attempt: Attempt, capture: Capture) -> dict[str, Any]:
    minor, refund = capture.amount_minor, capture.refund
    return {
        "attempt": attempt.number,
        "xact_id": capture.xact_id,
        "status": capture.status,
        "amount": None if minor is None else money(minor),
        "at": shown_at(capture.at),
        "is_reversed": capture.is_reversed,
        "refund": refund and _settlement(refund, {Role.OPERATIONS}),
    }


def _settlement(settlement: Settlement, roles: set[Role]) -> dict[str, Any]:
    """Its key is a person's own business, and operations'."""
    view = {
        "kind": settlement.kind,
        "amount": money(settlement.amount_minor),
        "surcharge": money(settlement.surcharge_minor),
        "status": settlement.status,
        "by": settlement.by.partition(":")[0],
        "at": shown_at(settlement.at),
        "due_at": shown_at(settlement.due_at),
        "ended_at": shown_at(settlement.ended_at),
    }
    if Role.OPERATIONS in roles:
        view |= {"key": settlement.key, "why": settlement.why}
        view |= {"proof": settlement.proof, "sent_at": shown_at(settlement.sent_at)}
    return view


def _dispute(dispute: Dispute) -> dict[str, Any]:
    return {
        "number": dispute.number,
        "status": dispute.status,
        "reason": dispute.reason,
        "evidence": list(dispute.evidence),
        "opened_at": shown_at(dispute.opened_at),
        "answer_by": shown_at(dispute.answer_by),
        "ended_at": shown_at(dispute.ended_at),
    }


def _deadlines(escrow: Escrow) -> dict[str, Any]:
    """Those that run; none counts while `clocks_stand_since` says so."""
    ends = {name: shown_at(at) for at, name in running(escrow.deadlines)}
    return {**ends, "clocks_stand_since": shown_at(escrow.stopped_at)}


def _order(escrow: Escrow) -> dict[str, Any]:
    return {
        "order_id": escrow.order_id,
        "round": escrow.round,
        "payer": {"id": escrow.payer.id},
        "payee": {"id": escrow.payee.id},
        "created_at": shown_at(escrow.created_at),
    }


def _money(escrow: Escrow) -> dict[str, Any]:
    sums = escrow.balances
    return {
        "escrow_accounts": account_word(escrow),
        "amount": money(escrow.amount_minor),
        "surcharge": money(escrow.surcharge_minor),
        "held": money(sums.held),
        "released": money(sums.released),
        "refunded": money(sums.refunded),
        "charged_back": money(sums.charged_back),
        "held_at": shown_at(escrow.held_at),
    }


def _parcel(escrow: Escrow) -> dict[str, Any]:
    """All that a carrier has to do with."""
    sent = escrow.shipment
    tracking = sent and {
        "carrier": sent.carrier,
        "tracking_number": sent.tracking_number,
    }
    return {
        "escrow_id": escrow.id,
        "status": escrow.status,
        "version": escrow.version,
        "tracking": tracking,
        "shipped_at": shown_at(sent.at if sent else None),
        "delivered_at": shown_at(escrow.delivered_at),
    }


def account_word(escrow: Escrow) -> str:
    """The account in one word: pending, held, released, refunded or failed."""
    if escrow.status in _WORDS:
        return _WORDS[escrow.status]
    if escrow.status in CLOSED_UNPAID:
        return "failed"
    paid = escrow.status not in UNPAID and escrow.balances.captured
    return "held" if paid else "pending"


def three_ds(session: Session, prefer: str) -> dict[str, str]:
    """Where the browser goes: the way the frontend prefers, if PAYNET offers it."""
    ways = {
        "redirect": ("url", session.post_url),
        "html": ("html", session.html_content),
    }
    for kind in (prefer, *ways):
        name, way = ways[kind]
        if way:
            return {"kind": kind, name: way}
    raise PaynetUnreachable


def own_form(form: Form) -> dict[str, Any]:
    """PAYNET's own form, for the frontend to show."""
    return {
        "kind": "form",
        "script": form.script,
        "attributes": dict(form.attributes),
        "action": form.action,
    }


def _next(escrow: Escrow, at: datetime) -> dict[str, Any] | None:
    """What happens by itself if nobody does anything, and when."""
    charging = escrow.status is Status.CHARGING
    coming = [
        moment
        for moment in moments(escrow)
        if (charging or moment.duty is not Duty.ASK) and moment.duty is not Duty.REMIND
    ]
    if not coming:
        return None
    first = min(coming, key=lambda moment: moment.at)
    kinds = {order.key: order.kind for order in _orders(escrow)}
    about = kinds.get(first.about, first.about)
    step = {"what": first.duty, "about": about, "at": shown_at(first.at)}
    return step | {"overdue": first.at <= at}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    funding = (c for c in attempt.captures if c.status is CaptureStatus.FUNDS)
    card = next((capture.card for capture in funding), None)
    return {
        "number": attempt.number,
        "reference_no": attempt.reference_no,
        "status": attempt.status,
        "total": money(attempt.expected_minor),
        "instalments": attempt.instalments,
        "refusal": attempt.refusal,
        "card": card,
    }


def _orders(escrow: Escrow) -> list[Settlement]:
    """Everything that moves money out. Keys name people, and stay with operations."""
    surplus = (capture.refund for capture in escrow.captures if capture.refund)
    return [*escrow.settlements, *surplus]


def _history(escrow: Escrow, roles: set[Role]) -> list[dict[str, Any]]:
    """Why a bank refused a card is its holder's business; why an order to PAYNET came
    to what it did is operations'."""
    if Role.OPERATIONS in roles:
        return [_entry(entry, entry.why) for entry in escrow.history]
    keys = tuple(order.key[: policy.WHY_BYTES_MAX] for order in _orders(escrow))
    his = Role.PAYER in roles
    return [
        _entry(entry, entry.why if his and not entry.why.startswith(keys) else "")
        for entry in escrow.history
    ]


def _entry(entry: Entry, why: str) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": shown_at(entry.at),
        "transition": entry.transition,
        "from": entry.from_status,
        "to": entry.to_status,
        "by": entry.by.partition(":")[0],
        "why": why,
    }


def shown_at(moment: datetime | None) -> str | None:
    """ISO 8601, to the millisecond."""
    return moment.isoformat(timespec="milliseconds") if moment else None
