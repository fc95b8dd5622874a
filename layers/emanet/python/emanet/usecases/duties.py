"""What the reconciler does when an escrow's moment has come: one duty, one method or
one line. Each ends in one write, or in a later moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emanet import attempts, chargebacks, disputes, holding, policy, settlements
from emanet.due import Duty, Moment
from emanet.escrow import (
    Actor,
    Attempt,
    Escrow,
    Role,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Step,
)
from emanet.outcome import Outcome, Unknown
from emanet.ports import Desk, Gateway, Schedule
from emanet.usecases.pace import Pulse, backoff, backoff_of_silence
from emanet.usecases.send_orders import Sender
from emanet.usecases.settle import ask, settle

CLOCK = Actor(Role.CLOCK)
ASK_TAKES = timedelta(seconds=12)


@dataclass(frozen=True, slots=True)
class Duties:
    """`deadline` is when the run must have ended."""

    desk: Desk
    schedule: Schedule
    gateway: Gateway
    sender: Sender
    pulse: Pulse
    deadline: datetime

    def do(self, escrow: Escrow, moment: Moment, lease: datetime) -> None:
        """Raises StaleEscrow if somebody wrote first, and what the worlds raise."""
        match moment.duty:
            case Duty.ASK:
                self._ask(escrow, moment, lease)
            case Duty.SETTLE:
                self.sender.settle(escrow, moment.about, lease)
            case Duty.ASK_ORDER:
                self.sender.prover.ask(escrow, moment.about, lease)
            case Duty.REMIND:
                reminded = holding.remind(escrow, moment.about, self._step())
                self.desk.store.save(escrow, reminded)
            case duty:
                self.desk.store.save(escrow, _BY_THE_CLOCK[duty](escrow, self._step()))

    # ── asking about an attempt ──

    def _ask(self, escrow: Escrow, moment: Moment, lease: datetime) -> None:
        attempt = escrow.attempt(moment.attempt or 0)
        if attempt is None:
            return
        outcome = self.verdict(attempt)
        if self.settle(escrow, attempt, outcome) is not escrow:
            return
        now = self.desk.clock()
        if not isinstance(outcome, Unknown):
            self.schedule.postpone(attempts.asked(escrow, attempt.number, now), lease)
            return
        self._ask_again(escrow, attempt, outcome, lease)

    def _ask_again(
        self, escrow: Escrow, attempt: Attempt, outcome: Unknown, lease: datetime
    ) -> None:
        now = self.desk.clock()
        tries = escrow.tries + (not outcome.unreachable)
        if tries >= policy.FAILURES_MAX:
            self.stop_asking(escrow, outcome.why)
            return
        asked_for = now - (attempt.closed_at or attempt.last_sent or now)
        wait = backoff_of_silence(asked_for) if outcome.unreachable else backoff(tries)
        again = now + self.pulse.jittered(wait)
        later = attempts.ask_later(escrow, attempt.number, again)
        silent = outcome.unreachable and asked_for > policy.SILENCE_MAX
        if silent and not escrow.queue_reason:
            shown = holding.show(later, outcome.why, self._step())
            self.desk.store.save(escrow, shown)
            return
        self.schedule.postpone(replace(later, tries=tries), lease)

    def stop_asking(self, escrow: Escrow, why: str) -> None:
        """A question about an older attempt is no reason to freeze paid money."""
        end = holding.flag if escrow.balances.captured else holding.give_up
        self.desk.store.save(escrow, end(escrow, why, self._step()))

    def verdict(self, attempt: Attempt) -> Outcome:
        """PAYNET's, asked now."""
        outcome = ask(
            attempt,
            gateway=self.gateway,
            clock=self.desk.clock,
            deadline=min(self.deadline, self.desk.clock() + ASK_TAKES),
        )
        silent = isinstance(outcome, Unknown) and outcome.unreachable
        self.pulse.heard(silent=silent)
        return outcome

    def settle(self, escrow: Escrow, attempt: Attempt, outcome: Outcome) -> Escrow:
        return settle(escrow, attempt.number, outcome, self.desk)

    def _step(self) -> Step:
        return self.desk.step(CLOCK)


def _refund_unshipped(escrow: Escrow, step: Step) -> Escrow:
    refund = _machines(escrow, "ship-deadline", SettlementKind.REFUND, step)
    return settlements.schedule_refund(escrow, refund, step)


def _auto_release(escrow: Escrow, step: Step) -> Escrow:
    released = _machines(escrow, "auto-release", SettlementKind.RELEASE, step)
    return settlements.release(escrow, released, step)


def _lose_chargeback(escrow: Escrow, step: Step) -> Escrow:
    return chargebacks.lose(escrow, "settlement_ended", step)


def _machines(
    escrow: Escrow, name: str, kind: SettlementKind, step: Step
) -> Settlement:
    """All that is available, under the next key of that name."""
    number = 1 + sum(s.key.startswith(f"{name}/") for s in escrow.settlements)
    return Settlement(
        key=f"{name}/{number}",
        kind=kind,
        amount_minor=escrow.available_minor,
        status=SettlementStatus.SCHEDULED,
        by=str(step.by),
        fingerprint="",
        at=step.at,
        why=name,
    )


# What a clock decides by itself.
_BY_THE_CLOCK: Mapping[Duty, Callable[[Escrow, Step], Escrow]] = {
    Duty.EXPIRE_SESSION: attempts.expire_session,
    Duty.EXPIRE: attempts.expire,
    Duty.REFUND_UNSHIPPED: _refund_unshipped,
    Duty.MISS_CLAIM: holding.miss_claim,
    Duty.AUTO_RELEASE: _auto_release,
    Duty.ESCALATE: holding.escalate,
    Duty.ESCALATE_DISPUTE: disputes.escalate,
    Duty.LOSE_CHARGEBACK: _lose_chargeback,
}
