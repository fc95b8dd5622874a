"""How an escrow is shown: the same facts to both parties, and to each only what is his.
Digests, sessions and write ids are nobody's business and are not here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emanet.due import Duty, moments
from emanet.errors import PaynetUnreachable
from emanet.escrow import (
    CLOSED_UNPAID,
    UNPAID,
    Attempt,
    CaptureStatus,
    Entry,
    Escrow,
    Role,
    Status,
)
from emanet.machine import allowed_actions
from emanet.money import CURRENCY
from emanet.ports import Session
from emanet.usecases.access import Caller, actors

_WORDS = {
    Status.RELEASED: "released",
    Status.SPLIT: "released",
    Status.REFUNDED: "refunded",
}


def money(amount_minor: int) -> dict[str, Any]:
    return {"amount": amount_minor, "currency": CURRENCY}


def escrow_view(escrow: Escrow, caller: Caller, at: datetime) -> dict[str, Any]:
    """The escrow for this caller."""
    mine = actors(escrow, caller)
    roles = {actor.role for actor in mine}
    if roles == {Role.CARRIER}:
        return _parcel(escrow)
    knows_why = bool(roles & {Role.PAYER, Role.OPERATIONS})
    view = {
        **_parcel(escrow),
        **_order(escrow),
        **_money(escrow),
        "allowed_actions": allowed_actions(escrow, mine, at),
        "next": _next(escrow),
        "history": [_entry(entry, full=knows_why) for entry in escrow.history],
    }
    if knows_why:
        view["attempts"] = [_attempt(attempt) for attempt in escrow.attempts]
    if roles & {Role.PAYEE, Role.OPERATIONS} or not roles:
        view["fee"] = money(escrow.fee_minor)
    if Role.OPERATIONS in roles:
        view["queue_reason"] = escrow.queue_reason
    return view


def _order(escrow: Escrow) -> dict[str, Any]:
    return {
        "order_id": escrow.order_id,
        "round": escrow.round,
        "payer": {"id": escrow.payer.id},
        "payee": {"id": escrow.payee.id},
        "created_at": _text(escrow.created_at),
    }


def _money(escrow: Escrow) -> dict[str, Any]:
    sums = escrow.balances
    return {
        "escrow_accounts": account_word(escrow),
        "amount": money(escrow.amount_minor),
        "held": money(sums.held),
        "released": money(sums.released),
        "refunded": money(sums.refunded),
        "charged_back": money(sums.charged_back),
        "held_at": _text(escrow.held_at),
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
        "shipped_at": _text(sent.at if sent else None),
        "delivered_at": _text(escrow.delivered_at),
    }


def account_word(escrow: Escrow) -> str:
    """The brief's word for the account: pending, held, released, refunded or failed."""
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


def _next(escrow: Escrow) -> dict[str, Any] | None:
    """What happens by itself if nobody does anything, and when."""
    charging = escrow.status is Status.CHARGING
    coming = [m for m in moments(escrow) if charging or m.duty is not Duty.ASK]
    if not coming:
        return None
    first = min(coming, key=lambda moment: moment.at)
    return {"what": first.reason or first.duty, "at": _text(first.at)}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    funding = (c for c in attempt.captures if c.status is CaptureStatus.FUNDS)
    card = next((capture.card for capture in funding), None)
    return {
        "number": attempt.number,
        "reference_no": attempt.reference_no,
        "status": attempt.status,
        "refusal": attempt.refusal,
        "card": card,
    }


def _entry(entry: Entry, *, full: bool) -> dict[str, Any]:
    """Why a bank refused a card is its holder's business."""
    return {
        "seq": entry.seq,
        "at": _text(entry.at),
        "transition": entry.transition,
        "from": entry.from_status,
        "to": entry.to_status,
        "by": entry.by.partition(":")[0],
        "why": entry.why if full else "",
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None
