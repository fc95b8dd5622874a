"""Money leaves: what is scheduled and due is done in our books, or sent to PAYNET once.
The intent is written first, with the reversals that PAYNET listed before; nothing here
ever sends an order again. What became of it is found out in `prove_orders`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from emanet import orders, settlements, verdicts
from emanet.escrow import (
    Capture,
    Escrow,
    Settlement,
    SettlementKind,
    SettlementStatus,
)
from emanet.orders import Proof
from emanet.outcome import Accepted, Denied, Doubtful, Reply, Returned, Unknown
from emanet.usecases.prove_orders import CLOCK, PAYNET, Prover
from emanet.usecases.starting import digest
from emanet.usecases.writing import change

SENDING_TAKES = timedelta(seconds=18)
CALLBACKS = "/api/webhooks/paynet-callback"


@dataclass(frozen=True, slots=True)
class Sender:
    """`callback_base`: our own public address; empty: PAYNET is told none, and asking
    alone finds out."""

    prover: Prover
    callback_base: str

    def settle(self, escrow: Escrow, key: str, lease: datetime) -> None:
        """What was decided is done or sent. Raises StaleEscrow, SecretUnavailable,
        StoreUnavailable."""
        capture, order = orders.find(escrow, key)
        now = self.prover.desk.step(CLOCK)
        if order.kind is SettlementKind.RELEASE and not escrow.in_paynet_escrow:
            self._save(escrow, settlements.release_scheduled(escrow, key, now))
        elif orders.is_by_hand(escrow, key):
            self._save(escrow, orders.hand_over(escrow, key, now))
        elif _is_too_early(escrow, order, now.at):
            later = settlements.put_off(escrow, key, now)
            self.prover.schedule.postpone(later, lease)
        else:
            self._look_and_send(escrow, capture, order, lease)

    def _look_and_send(
        self, escrow: Escrow, capture: Capture, order: Settlement, lease: datetime
    ) -> None:
        """First what PAYNET shows already: that much is not our order's work."""
        returned = self.prover.returned(capture, self.prover.desk.clock())
        if isinstance(returned, Returned) and _is_reversed_elsewhere(escrow, returned):
            returned = self.prover.returned(capture)  # only all rows say how much
        if isinstance(returned, Unknown):
            self.prover.later(escrow, order, returned, lease)
            return
        proof = orders.found_done(escrow, order.key, returned)
        if proof and returned.rows:  # without any it may have been a part
            now = self.prover.desk.step(PAYNET)
            self._save(escrow, orders.confirm(escrow, order.key, proof, now))
        elif _is_touched(escrow, order, returned):
            self._freeze(escrow, order)
        else:
            self._send(escrow, capture, order, returned)

    def _freeze(self, escrow: Escrow, order: Settlement) -> None:
        """Somebody else gave money of this sale back: nothing more is sent, and a human
        says whether that was this refund."""
        now = self.prover.desk.step(PAYNET)
        if orders.is_surplus(order.key):
            doubted = orders.doubt(escrow, order.key, "reversed_elsewhere", now)
            self._save(escrow, doubted)
            return
        key = order.key if order.kind is SettlementKind.REFUND else ""
        gone = Doubtful("reversed_elsewhere", ())
        self._save(escrow, verdicts.freeze_held(escrow, gone, now, key))

    def _send(
        self, escrow: Escrow, capture: Capture, order: Settlement, returned: Returned
    ) -> None:
        desk, paynet = self.prover.desk, self.prover.paynet
        secret = desk.chance(32)
        listed = tuple(row.id for row in returned.rows)
        now = desk.step(CLOCK)
        sent = orders.send(escrow, order.key, listed, digest(secret), now)
        self._save(escrow, sent)
        deadline = desk.clock() + SENDING_TAKES
        if order.kind is SettlementKind.RELEASE:
            reply = paynet.approve(capture, escrow.payee.paynet_agent_id, deadline)
        else:
            url = self._callback_url(escrow, order, secret)
            reply = paynet.refund(capture, order.paynet_minor, url, deadline)
        self._heard(sent, order, reply)

    def _callback_url(
        self, escrow: Escrow, order: Settlement, secret: str
    ) -> str | None:
        if not self.callback_base:
            return None
        return f"{self.callback_base}{CALLBACKS}/{escrow.id}/{order.subject}/{secret}"

    def _heard(self, sent: Escrow, order: Settlement, reply: Reply) -> None:
        """PAYNET's answer, written whatever happened to the escrow meanwhile."""

        def told(current: Escrow) -> Escrow | None:
            _, now = orders.find(current, order.key)
            if now.status is not SettlementStatus.SENT:
                return None
            return self._answered(current, order, reply)

        change(self.prover.desk.store, sent, told)

    def _answered(
        self, escrow: Escrow, order: Settlement, reply: Reply
    ) -> Escrow | None:
        now = self.prover.desk.step(PAYNET)
        is_release = order.kind is SettlementKind.RELEASE
        match reply:
            case Accepted() if is_release:
                return orders.confirm(escrow, order.key, Proof("accepted"), now)
            case Accepted():
                return orders.accepted(escrow, order.key, now)
            case Denied(why):
                return orders.deny(escrow, order.key, why, now)
            case Unknown(why) if is_release:
                return orders.doubt(escrow, order.key, why, now)
        return None  # a refund is asked about

    def _save(self, before: Escrow, after: Escrow) -> None:
        self.prover.desk.store.save(before, after)


def _is_too_early(escrow: Escrow, order: Settlement, at: datetime) -> bool:
    if order.kind is SettlementKind.RELEASE or orders.is_surplus(order.key):
        return False
    return settlements.refundable_at(escrow, order.amount_minor, at) > at


def _is_touched(escrow: Escrow, order: Settlement, returned: Returned) -> bool:
    strangers = orders.foreign(escrow, order.key, returned)
    return bool(strangers) or _is_reversed_elsewhere(escrow, returned)


def _is_reversed_elsewhere(escrow: Escrow, returned: Returned) -> bool:
    """PAYNET may call a sale reversed after only a part of it went back by us."""
    ours = any(
        s.kind is SettlementKind.REFUND and s.status is SettlementStatus.DONE
        for s in escrow.settlements
    )
    return bool(returned.is_reversed) and not ours
