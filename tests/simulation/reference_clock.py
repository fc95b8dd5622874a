"""The reference model's time: what the schedule does when it runs until nothing is
due. Asks PAYNET, proves what was sent, sends what may be sent, ends what is over."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tests.simulation.reference_paynet import DAY, HOUR, MINUTE, SESSION, Order, Try

if TYPE_CHECKING:
    from tests.simulation.reference import Reference

NO = ("denied", "withdrawn")
ENDS = {
    "ship_by": ("refund", "ship_by_missed"),
    "claim_by": ("", "delivery_unconfirmed"),
    "inspection_by": ("release", "inspection_over"),
    "hold_until": ("", "hold_limit"),
}


def reconcile(m: Reference) -> None:
    """Until nothing is due."""
    while any(rule(m) for rule in RULES):
        pass


def asks(m: Reference) -> bool:
    """About a charge under way, or an attempt that was closed as not paid."""
    for it in m.tries:
        is_due = it.is_due(m.now)
        if is_due and m.fault == "down":
            silence(m, it.closed or it.sent)
        elif is_due or (it.is_told and m.fault != "down"):
            it.asks, it.is_told = [at for at in it.asks if at > m.now], False
            told_of(m, it)
            return True
    return False


def silence(m: Reference, since: datetime | None) -> None:
    """Unanswered for more than a day: shown to a human, unless he looks already."""
    if since and m.now - since > DAY and not m.is_shown():
        m.flags.add("silent")


def told_of(m: Reference, it: Try) -> None:
    again = m.now + HOUR, m.now + DAY
    if it.taken:
        m.found(it)
    elif it.state == "charging" and it.sent and it.is_refused:
        m.unpaid(it, "declined", *again)
    elif it.state == "charging" and it.sent and not it.asks:
        m.unpaid(it, "not_paid", *again)


def session_over(m: Reference) -> bool:
    live = m.live()
    is_over = live and live.started + SESSION <= m.now
    if not live or not is_over or m.status != "authenticating":
        return False
    m.unpaid(live, "expired")
    return True


def proves(m: Reference) -> bool:
    for it, order in m.every():
        if order.state != "sent":
            continue
        is_asked = order.ask and order.ask <= m.now and m.fault != "down"
        word = order.paynet if is_asked else ""
        if word == "denied" and order.give_up_at() <= m.now:
            word = ""  # a denial is only told; the schedule had given up before
        if word in {"approved", "denied"}:
            ended(m, order, "done" if word == "approved" else "denied", it)
            return True
        if order.give_up_at() <= m.now:
            ended(m, order, "unknown", it)
            return True
    return False


def ended(m: Reference, order: Order, state: str, it: Try) -> None:
    order.state = state
    if it.word == "surplus":
        return
    if state == "unknown":
        m.freeze("settlement_unknown")
    elif state == "done":
        m.done(order)
    else:
        m.flags.add("settlement_denied")
        m.settled()


def sends_or_ends(m: Reference) -> bool:
    """What is due the longest: an order, or a deadline that leads somewhere; of one
    moment, the order."""
    orders = (pair for pair in m.every() if may_send(m, *pair))
    turn = min(orders, key=lambda pair: pair[1].due, default=None)
    over = [name for name, at in m.clocks.items() if at <= m.now]
    for name in sorted(over, key=m.clocks.__getitem__):
        if turn and turn[1].due <= m.clocks[name]:
            break
        if led(m, name):
            return True
    if turn:
        send(m, *turn)
    return bool(turn)


def may_send(m: Reference, it: Try, order: Order) -> bool:
    is_turn = it.word == "surplus" or m.status == "held"
    can = m.fault != "down" or order.kind == "release"
    return order.state == "scheduled" and order.due <= m.now and is_turn and can


def send(m: Reference, it: Try, order: Order) -> None:
    if order.kind == "release":
        m.done(order)
        return
    order.state, order.sent, order.ask = "sent", m.now, m.now + 3 * MINUTE
    if it.word == "funds":
        m.to("refunding")
    if m.fault != "before":
        it.refund(order, m.way)
    if not m.fault:
        order.is_answered, order.ask = True, m.now


def chargeback_waited(m: Reference) -> bool:
    """A lost one, for the end of the settlement that was under way."""
    is_over = m.chargeback == "lost_waiting" and not m.of("sent", "unknown")
    if is_over:
        m.lost()
    return is_over


def led(m: Reference, name: str) -> bool:
    machines = [o for o in m.of(*NO) if o.by in {"decision", *ENDS}]
    is_left = bool(machines) or "settlement_denied" in m.flags
    if name == "pay_by":
        is_over = m.status == "created"
        m.to("expired" if is_over else m.status)
        return is_over
    if m.status != "held" or (is_left and name != "hold_until"):
        return False
    kind, why = ENDS[name]
    if kind and not m.available:
        return False
    if name == "hold_until" or m.policy == "strict":
        m.freeze(why)
    elif kind:
        order = m.order(kind, m.available, name)
        if kind == "release":
            m.done(order)
    else:
        m.flags.add(why)
    if name == "claim_by":
        m.clocks.pop(name)
    return True


RULES = (asks, session_over, proves, chargeback_waited, sends_or_ends)
