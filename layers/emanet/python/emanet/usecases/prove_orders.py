"""What became of an order to PAYNET: asked until something proves it, told by its own
callback, or left to a human when time is up. It sends nothing that moves money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emanet import holding, orders, policy, reviews, settlements, verdicts
from emanet.escrow import (
    Actor,
    Capture,
    Escrow,
    QueueReason,
    Role,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Status,
)
from emanet.machine import short
from emanet.orders import Proof
from emanet.outcome import Doubtful, Returned, Unknown
from emanet.ports import Callback, Desk, MoneyOut, Schedule
from emanet.usecases.pace import Pulse, backoff, backoff_of_silence
from emanet.usecases.writing import change

CLOCK = Actor(Role.CLOCK)
PAYNET = Actor(Role.PAYNET)
ASKING_TAKES = timedelta(seconds=12)


@dataclass(frozen=True, slots=True)
class Prover:
    desk: Desk
    schedule: Schedule
    paynet: MoneyOut
    pulse: Pulse

    # ── asked ──

    def ask(self, escrow: Escrow, key: str, lease: datetime) -> None:
        """What was sent and is not known to be done. Raises StaleEscrow,
        SecretUnavailable, StoreUnavailable."""
        capture, order = orders.find(escrow, key)
        if order.kind is SettlementKind.RELEASE:  # no list tells of it
            self._save(escrow, self._doubted(escrow, key, "answer_lost"))
            return
        proof = self._proof(escrow, capture, order)
        if isinstance(proof, Proof):
            self._save(escrow, self._proved(escrow, key, proof))
        elif self.desk.clock() >= settlements.time_is_up(order):
            self._save(escrow, self._doubted(escrow, key, "no_proof"))
        elif isinstance(proof, Unknown):
            self.later(escrow, order, proof, lease)
        else:
            again = orders.asked(escrow, key, self.desk.clock())
            self.schedule.postpone(again, lease)

    def returned(
        self, capture: Capture, since: datetime | None = None
    ) -> Returned | Unknown:
        """What PAYNET lists as given back, since then or since the capture."""
        deadline = self.desk.clock() + ASKING_TAKES
        returned = self.paynet.returned(capture, deadline, since)
        self.pulse.heard(silent=_is_silence(returned))
        return returned

    def _proof(
        self, escrow: Escrow, capture: Capture, order: Settlement
    ) -> Proof | Unknown | None:
        """A new row since it was sent; or the whole reversed, which only all rows since
        the capture can show."""
        recent = self.returned(capture, order.sent_at)
        if isinstance(recent, Unknown):
            return recent
        proof = orders.proof_of(escrow, order.key, recent)
        if proof is None or proof.text != orders.REVERSED:
            return proof
        every = self.returned(capture)
        if isinstance(every, Unknown):
            return every
        return orders.found_done(escrow, order.key, every)

    # ── told ──

    def hear(self, escrow: Escrow, callback: Callback) -> bool:
        """A callback of an order, its secret checked at the door. PAYNET is asked
        first; if its lists show nothing, the callback's own word counts, if it is of
        this very sending. False: PAYNET could not be asked now."""
        order = escrow.order_to_paynet(callback.subject or "")
        if order is None or not _is_of(order, callback):
            return True
        return self._bring(escrow, order, callback)

    def look(self, escrow: Escrow, order: Settlement) -> bool:
        """Brings what PAYNET's lists show of an order, without a callback. False:
        PAYNET could not be asked now."""
        return self._bring(escrow, order, None)

    def _bring(
        self, escrow: Escrow, order: Settlement, callback: Callback | None
    ) -> bool:
        capture, _ = orders.find(escrow, order.key)
        proof = self._proof(escrow, capture, order)
        if isinstance(proof, Unknown):
            return False

        def told(current: Escrow) -> Escrow | None:
            _, now = orders.find(current, order.key)
            if callback and not _is_of(now, callback):
                return None
            approved = callback.is_approved if callback else None
            return self._told(current, now, proof, approved)

        change(self.desk.store, escrow, told)
        return True

    def _told(
        self,
        escrow: Escrow,
        order: Settlement,
        proof: Proof | None,
        approved: bool | None,
    ) -> Escrow | None:
        """What a word about its order makes of an escrow. Late, or told before:
        nothing; but what contradicts an end that was written is shown to a human."""
        denied = approved is False
        word = proof or (Proof("callback") if approved else None)
        match order.status:
            case SettlementStatus.SENT:
                return self._heard_of_sent(escrow, order.key, word, denied=denied)
            case SettlementStatus.UNKNOWN:
                return self._noted(escrow, order.key, word, denied=denied)
            case SettlementStatus.DENIED if word:
                return self._contradicted(escrow, order, word)
        return None

    def _heard_of_sent(
        self, escrow: Escrow, key: str, word: Proof | None, *, denied: bool
    ) -> Escrow | None:
        if word and denied:
            return self._doubted(escrow, key, "callback_contradicts")
        if word:
            return self._proved(escrow, key, word)
        if not denied:
            return None
        return orders.deny(escrow, key, "callback", self.desk.step(PAYNET))

    def _noted(
        self, escrow: Escrow, key: str, word: Proof | None, *, denied: bool
    ) -> Escrow | None:
        """Evidence for the human who decides an unknown one."""
        text = "callback_denies" if denied else ""
        if word:
            text = f"amount_differs {word.text}" if word.is_odd else word.text
        known = escrow.unknown
        if not text or known is None or known.key != key or known.proof == text:
            return None
        return reviews.note_proof(escrow, text, self.desk.step(PAYNET))

    def _contradicted(
        self, escrow: Escrow, order: Settlement, word: Proof
    ) -> Escrow | None:
        """Denied, and then shown as done: its amount is not free after all."""
        why = short(f"denied_then_done {order.key} {word.text}")
        if any(entry.why == why for entry in escrow.history):
            return None
        if escrow.status is not Status.HELD or orders.is_surplus(order.key):
            now = self.desk.step(CLOCK)
            return holding.show(escrow, why, now, QueueReason.DRIFT)
        still_there = order.amount_minor <= escrow.available_minor
        key = order.key if still_there else ""
        now = self.desk.step(PAYNET)
        return verdicts.freeze_held(escrow, Doubtful(why, ()), now, key)

    # ── parts ──

    def _proved(self, escrow: Escrow, key: str, proof: Proof) -> Escrow:
        if proof.is_odd:
            return self._doubted(escrow, key, f"amount_differs {proof.text}")
        return orders.confirm(escrow, key, proof, self.desk.step(PAYNET))

    def _doubted(self, escrow: Escrow, key: str, why: str) -> Escrow:
        return orders.doubt(escrow, key, why, self.desk.step(PAYNET))

    def later(
        self, escrow: Escrow, order: Settlement, unknown: Unknown, lease: datetime
    ) -> None:
        """No answer to a question: this order has its turn later, and others theirs
        now. What PAYNET's being down delays counts as no failure, and is shown to a
        human after a day; what was sent has an end of its own."""
        now = self.desk.clock()
        silence = _is_silence(unknown)
        began = (order.silent_since or now) if silence else None
        since = now - (order.sent_at or began or now)
        tries = escrow.tries + (not silence)
        if tries >= policy.FAILURES_MAX and not order.sent_at:
            self._give_up(escrow, order, unknown.why)
            return
        wait = backoff_of_silence(since) if silence else backoff(tries)
        again = now + self.pulse.jittered(wait)
        put_off = orders.changed(
            escrow, settlements.at_another_time(order, again, began)
        )
        if silence and since > policy.SILENCE_MAX and not escrow.queue_reason:
            shown = holding.show(put_off, unknown.why, self.desk.step(CLOCK))
            self._save(escrow, shown)
            return
        self.schedule.postpone(replace(put_off, tries=tries), lease)

    def _give_up(self, escrow: Escrow, order: Settlement, why: str) -> None:
        now = self.desk.step(CLOCK)
        if orders.is_surplus(order.key):
            self._save(escrow, orders.doubt(escrow, order.key, why, now))
        else:
            self._save(escrow, holding.give_up(escrow, why, now))

    def _save(self, before: Escrow, after: Escrow) -> None:
        self.desk.store.save(before, after)


def _is_of(order: Settlement, callback: Callback) -> bool:
    """Of this very sending: an order that is sent anew has another secret."""
    given = callback.secret_digest
    return given is not None and given == order.secret_digest


def _is_silence(answer: Returned | Unknown) -> bool:
    """PAYNET did not answer; that we ourselves ran out of time is no silence of its."""
    if not isinstance(answer, Unknown):
        return False
    return answer.unreachable and answer.why != "no_time"
