"""Money leaves: what is scheduled and due is sent to PAYNET once, and what was sent is
asked about until something proves it. The intent is written first, with the reversals
that PAYNET listed before; nothing here ever sends an order again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emanet import holding, orders, policy, reviews, settlements, verdicts
from emanet.escrow import (
    Actor,
    Capture,
    Escrow,
    Role,
    Settlement,
    SettlementKind,
    SettlementStatus,
)
from emanet.orders import Proof
from emanet.outcome import Accepted, Denied, Doubtful, Reply, Returned, Unknown
from emanet.ports import Desk, MoneyOut, Schedule
from emanet.usecases.initiate_3d import digest
from emanet.usecases.pace import Pulse, backoff, backoff_of_silence
from emanet.usecases.writing import change

CLOCK = Actor(Role.CLOCK)
PAYNET = Actor(Role.PAYNET)
ASKING_TAKES = timedelta(seconds=12)
SENDING_TAKES = timedelta(seconds=18)
CALLBACKS = "/api/webhooks/paynet-callback"


@dataclass(frozen=True, slots=True)
class Sender:
    """`callback_base`: our own public address; empty: PAYNET is told none, and asking
    alone finds out."""

    desk: Desk
    schedule: Schedule
    paynet: MoneyOut
    pulse: Pulse
    callback_base: str

    # ── due ──

    def settle(self, escrow: Escrow, key: str, lease: datetime) -> None:
        """What was decided is done in our books, or sent to PAYNET. Raises StaleEscrow,
        SecretUnavailable, StoreUnavailable."""
        capture, order = orders.find(escrow, key)
        now = self.desk.step(CLOCK)
        if order.kind is SettlementKind.RELEASE and not escrow.in_paynet_escrow:
            self._save(escrow, settlements.release_scheduled(escrow, key, now))
        elif orders.is_by_hand(escrow, key):
            self._save(escrow, orders.hand_over(escrow, key, now))
        elif self._is_too_early(escrow, order, now.at):
            self.schedule.postpone(settlements.put_off(escrow, key, now), lease)
        else:
            self._look_and_send(escrow, capture, order, lease)

    @staticmethod
    def _is_too_early(escrow: Escrow, order: Settlement, at: datetime) -> bool:
        if order.kind is SettlementKind.RELEASE or orders.is_surplus(order.key):
            return False
        return settlements.refundable_at(escrow, order.amount_minor, at) > at

    def _look_and_send(
        self, escrow: Escrow, capture: Capture, order: Settlement, lease: datetime
    ) -> None:
        """First what PAYNET shows already: that much is not our order's work."""
        returned = self._returned(capture)
        if isinstance(returned, Unknown):
            self._later(escrow, order, returned, lease)
            return
        proof = orders.proof_of(escrow, order.key, replace(returned, rows=()))
        strangers = orders.foreign(escrow, order.key, returned)
        if proof and order.kind is SettlementKind.REFUND:
            now = self.desk.step(PAYNET)
            self._save(escrow, orders.confirm(escrow, order.key, proof, now))
        elif strangers or (returned.is_reversed and not _gave_back_before(escrow)):
            self._freeze(escrow, capture, order)
        else:
            self._send(escrow, capture, order, returned)

    def _freeze(self, escrow: Escrow, capture: Capture, order: Settlement) -> None:
        """Somebody else gave money of this sale back: nothing more is sent."""
        now = self.desk.step(PAYNET)
        if orders.is_surplus(order.key):
            doubted = orders.doubt(escrow, order.key, "reversed_elsewhere", now)
            self._save(escrow, doubted)
            return
        gone = Doubtful("reversed_elsewhere", (replace(capture, is_reversed=True),))
        self._save(escrow, verdicts.freeze_held(escrow, gone, now))

    def _send(
        self, escrow: Escrow, capture: Capture, order: Settlement, returned: Returned
    ) -> None:
        secret = self.desk.chance(32)
        listed = tuple(row.id for row in returned.rows)
        now = self.desk.step(CLOCK)
        sent = orders.send(escrow, order.key, listed, digest(secret), now)
        self._save(escrow, sent)
        deadline = self.desk.clock() + SENDING_TAKES
        if order.kind is SettlementKind.RELEASE:
            reply = self.paynet.approve(capture, escrow.payee.paynet_agent_id, deadline)
        else:
            url = self._callback_url(escrow, order, secret)
            reply = self.paynet.refund(capture, order.amount_minor, url, deadline)
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
            if not _is_sent(current, order.key):
                return None
            return self._answered(current, order, reply)

        change(self.desk.store, sent, told)

    def _answered(
        self, escrow: Escrow, order: Settlement, reply: Reply
    ) -> Escrow | None:
        now = self.desk.step(PAYNET)
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

    # ── asked about ──

    def ask(self, escrow: Escrow, key: str, lease: datetime) -> None:
        """What was sent and is not known to be done. Raises as `settle` does."""
        capture, order = orders.find(escrow, key)
        if order.kind is SettlementKind.RELEASE:  # no list tells of it
            self._save(escrow, self._doubted(escrow, key, "answer_lost"))
            return
        returned = self._returned(capture)
        proof = None
        if isinstance(returned, Returned):
            proof = orders.proof_of(escrow, key, returned)
        if proof:
            self._save(escrow, self._proved(escrow, key, proof))
        elif self.desk.clock() >= settlements.time_is_up(order):
            self._save(escrow, self._doubted(escrow, key, "no_proof"))
        elif isinstance(returned, Unknown):
            self._later(escrow, order, returned, lease)
        else:
            again = orders.asked(escrow, key, self.desk.clock())
            self.schedule.postpone(again, lease)

    def hear(self, escrow: Escrow, subject: str, approved: bool | None) -> bool:
        """A callback of this very order, its secret checked. PAYNET is asked first; if
        its lists show nothing, the callback's own word counts. False: PAYNET could not
        be asked now."""
        order = escrow.order_to_paynet(subject)
        if order is None or not order.sent_at:
            return True
        capture, _ = orders.find(escrow, order.key)
        returned = self._returned(capture)
        if isinstance(returned, Unknown):
            return False
        proof = orders.proof_of(escrow, order.key, returned)
        if proof is None and approved:
            proof = Proof("callback")

        def told(current: Escrow) -> Escrow | None:
            return self._told(current, order.key, proof, denied=approved is False)

        change(self.desk.store, escrow, told)
        return True

    def _told(
        self, escrow: Escrow, key: str, proof: Proof | None, *, denied: bool
    ) -> Escrow | None:
        if _is_sent(escrow, key):
            if proof and denied and proof.text != "callback":
                return self._doubted(escrow, key, "callback_contradicts")
            if proof:
                return self._proved(escrow, key, proof)
            now = self.desk.step(PAYNET)
            return orders.deny(escrow, key, "callback", now) if denied else None
        unknown = escrow.unknown
        if unknown and unknown.key == key and proof and proof.text != unknown.proof:
            return reviews.note_proof(escrow, proof.text, self.desk.step(PAYNET))
        return None  # late, or told before: it cannot undo a newer state

    # ── parts ──

    def _proved(self, escrow: Escrow, key: str, proof: Proof) -> Escrow:
        if proof.is_odd:
            return self._doubted(escrow, key, f"amount_differs {proof.text}")
        return orders.confirm(escrow, key, proof, self.desk.step(PAYNET))

    def _doubted(self, escrow: Escrow, key: str, why: str) -> Escrow:
        return orders.doubt(escrow, key, why, self.desk.step(PAYNET))

    def _returned(self, capture: Capture) -> Returned | Unknown:
        deadline = self.desk.clock() + ASKING_TAKES
        returned = self.paynet.returned(capture, deadline)
        unreachable = isinstance(returned, Unknown) and returned.unreachable
        self.pulse.heard(silent=unreachable)
        return returned

    def _later(
        self, escrow: Escrow, order: Settlement, unknown: Unknown, lease: datetime
    ) -> None:
        """No answer to a question: later again; what PAYNET's being down delays counts
        as no failure. What was sent has an end of its own; what was not is shown to a
        human after too many."""
        now = self.desk.clock()
        since = now - (order.sent_at or order.due_at or now)
        tries = escrow.tries + (not unknown.unreachable)
        if tries >= policy.FAILURES_MAX and not order.sent_at:
            self._give_up(escrow, order, unknown.why)
            return
        wait = backoff_of_silence(since) if unknown.unreachable else backoff(tries)
        again = now + self.pulse.jittered(wait)
        self.schedule.postpone(replace(escrow, tries=tries, retry_at=again), lease)

    def _give_up(self, escrow: Escrow, order: Settlement, why: str) -> None:
        now = self.desk.step(CLOCK)
        if orders.is_surplus(order.key):
            self._save(escrow, orders.doubt(escrow, order.key, why, now))
        else:
            self._save(escrow, holding.give_up(escrow, why, now))

    def _save(self, before: Escrow, after: Escrow) -> None:
        self.desk.store.save(before, after)


def _is_sent(escrow: Escrow, key: str) -> bool:
    order = escrow.settlement(key)
    if orders.is_surplus(key):
        _, order = orders.find(escrow, key)
    return order is not None and order.status is SettlementStatus.SENT


def _gave_back_before(escrow: Escrow) -> bool:
    """PAYNET may call a sale reversed after only a part of it went back."""
    return any(
        s.kind is SettlementKind.REFUND and s.status is SettlementStatus.DONE
        for s in escrow.settlements
    )
