"""Carries out a plan of `compare`: every finding is looked at anew, PAYNET is asked
again, and only what it proves now is repaired, forwards. The rest is shown to a human,
once. Nothing here sends money out, and a plan that is applied twice changes nothing
more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emanet import chargebacks, verdicts
from emanet.errors import EmanetError, EscrowNotFound, PlanNotFound, Refused
from emanet.escrow import (
    Attempt,
    Escrow,
    SettlementStatus,
    escrow_id_of,
)
from emanet.outcome import Approved, Declined, Doubtful, NotFound
from emanet.ports import (
    Desk,
    Drift,
    Finding,
    Gateway,
    MoneyOut,
    PaynetLists,
    Plan,
    Repair,
)
from emanet.usecases import corrections, settle
from emanet.usecases.applied import Applied, Handled, Result
from emanet.usecases.compare import Books
from emanet.usecases.corrections import CLOCK, PAYNET
from emanet.usecases.pace import Pulse
from emanet.usecases.prove_orders import Prover
from emanet.usecases.second_look import SecondLook, captures_in, mine_of
from emanet.usecases.writing import change

FINDING_TAKES = timedelta(seconds=5)  # cut off later, it fails and harms nothing


def apply(
    plan_id: str,
    *,
    desk: Desk,
    books: Books,
    gateway: Gateway,
    money_out: MoneyOut,
    paynet: PaynetLists,
    deadline: datetime,
) -> Applied:
    """Repairs what PAYNET proves now. A failure of one never stops the others.

    Raises PlanNotFound, UnreadableItem, StoreUnavailable (of the plan).
    """
    plan = books.read_plan(plan_id)
    if plan is None:
        raise PlanNotFound(plan_id)
    pulse = Pulse(desk.chance)
    look = SecondLook(plan, desk, gateway, money_out, paynet, pulse, deadline)
    prover = Prover(desk, books, money_out, pulse)
    return _Repairer(plan, desk, books, look, prover, deadline).run()


@dataclass(slots=True)
class _Repairer:
    plan: Plan
    desk: Desk
    books: Books
    look: SecondLook
    prover: Prover
    deadline: datetime
    handled: list[Handled] = field(default_factory=list)

    def run(self) -> Applied:
        findings = self.plan.findings
        stopped = ""
        for finding in findings:
            if stopped := self._must_stop():
                break
            self.handled.append(self._handle(finding))
        left = len(findings) - len(self.handled)
        return Applied(self.plan.id, tuple(self.handled), left, stopped)

    def _must_stop(self) -> str:
        if self.look.pulse.is_down:
            return "paynet_down"
        late = self.desk.clock() + FINDING_TAKES > self.deadline
        return "time_up" if late else ""

    def _handle(self, finding: Finding) -> Handled:
        try:
            return Handled(finding, self._tried(finding))
        except EmanetError as error:
            return Handled(finding, Result.FAILED, error.code)
        except Exception as error:  # noqa: BLE001 - one broken finding must not stop the others
            return Handled(finding, Result.FAILED, type(error).__name__)

    def _tried(self, finding: Finding) -> Result:
        """What the machine refuses in this state is no repair, but a human's."""
        try:
            return _WAYS[finding.repair](self, finding)
        except Refused as refused:
            return self._show(refused.current, finding)

    # ── the normal door: PAYNET's verdict about the attempt ──

    def settle(self, finding: Finding) -> Result:
        escrow, attempt = self._attempt(finding)
        outcome = self.look.verdict(attempt)
        if isinstance(outcome, Declined | NotFound):  # its list said otherwise
            return self._show(escrow, finding)
        after = self._settled(escrow, attempt, outcome, finding)
        if after.version != escrow.version:
            doubtful = isinstance(outcome, Doubtful)
            return Result.QUEUED if doubtful else Result.REPAIRED
        if isinstance(outcome, Doubtful) and corrections.is_told(
            after, attempt.number, outcome.reason
        ):
            return Result.QUEUED
        if finding.drift is Drift.STATE:
            return self._look_for_strangers(after, finding)
        if all(corrections.stands(after, capture) for capture in captures_in(outcome)):
            return Result.ALREADY_RIGHT
        return self._show(after, finding)

    def _settled(
        self,
        escrow: Escrow,
        attempt: Attempt,
        outcome: Approved | Doubtful,
        finding: Finding,
    ) -> Escrow:
        """Held money that PAYNET counts otherwise is frozen, and not only noted."""
        if isinstance(outcome, Approved) or finding.drift is not Drift.AMOUNT:
            return settle.settle(escrow, attempt.number, outcome, self.desk)

        def told(current: Escrow) -> Escrow | None:
            now = self.desk.step(PAYNET)
            return corrections.doubt(current, attempt.number, outcome, finding, now)

        return change(self.desk.store, escrow, told)

    def _look_for_strangers(self, escrow: Escrow, finding: Finding) -> Result:
        """Money that went back without us: what is held stands still."""
        mine = mine_of(finding, escrow)
        if not self.look.returns(mine).is_strange:
            return Result.ALREADY_RIGHT

        def frozen(current: Escrow) -> Escrow | None:
            return corrections.gone(current, finding, self.desk.step)

        change(self.desk.store, escrow, frozen)
        return Result.QUEUED

    # ── the other ways ──

    def prove(self, finding: Finding) -> Result:
        """By the door through which the reconciler and callbacks bring proofs."""
        escrow, _ = self._attempt(finding)
        order = mine_of(finding, escrow).undecided
        if order is None:
            return Result.ALREADY_RIGHT
        if not self.prover.look(escrow, order):
            return Result.FAILED
        after = self.desk.store.get(escrow.id)
        now = after.order_to_paynet(order.subject)
        if now is None or now.status is SettlementStatus.SENT:
            return self._show(after, finding)
        done = now.status is SettlementStatus.DONE
        return Result.REPAIRED if done else Result.QUEUED  # in its own queue by now

    def note_fee(self, finding: Finding) -> Result:
        escrow, _ = self._attempt(finding)
        sale = self.look.sale(mine_of(finding, escrow))
        if sale is None:
            return self._show(escrow, finding)
        told = sale.capture

        def noted(current: Escrow) -> Escrow | None:
            return verdicts.note_fee(current, told, self.desk.step(CLOCK))

        return self._changed(escrow, noted)

    def open_chargeback(self, finding: Finding) -> Result:
        escrow, _ = self._attempt(finding)
        if not self.look.is_on_chargeback(finding, escrow):
            return Result.ALREADY_RIGHT

        def opened(current: Escrow) -> Escrow | None:
            if current.chargeback:
                return None
            now = self.desk.step(CLOCK)
            return chargebacks.open_(current, "listed by PAYNET", now)

        return self._changed(escrow, opened)

    def queue(self, finding: Finding) -> Result:
        """Nothing that a machine may do, if it is still so."""
        escrow = self._escrow(finding)
        if not self.look.still(finding, escrow):
            return Result.ALREADY_RIGHT
        return self._show(escrow, finding) if escrow else self._park(finding)

    # ── parts ──

    def _escrow(self, finding: Finding) -> Escrow | None:
        try:
            return self.desk.store.get(escrow_id_of(finding.reference_no) or "-")
        except EscrowNotFound:
            return None

    def _attempt(self, finding: Finding) -> tuple[Escrow, Attempt]:
        escrow = self.desk.store.get(escrow_id_of(finding.reference_no))
        attempt = escrow.attempt_of(finding.reference_no)
        if attempt is None:
            raise LookupError("no such attempt")
        return escrow, attempt

    def _changed(
        self, escrow: Escrow, decide: Callable[[Escrow], Escrow | None]
    ) -> Result:
        after = change(self.desk.store, escrow, decide)
        same = after.version == escrow.version
        return Result.ALREADY_RIGHT if same else Result.REPAIRED

    def _show(self, escrow: Escrow, finding: Finding) -> Result:
        def shown(current: Escrow) -> Escrow | None:
            return corrections.show(current, finding, self.desk.step(CLOCK))

        change(self.desk.store, escrow, shown)
        return Result.QUEUED

    def _park(self, finding: Finding) -> Result:
        """No escrow of ours can carry the flag: a note in the inbox does."""
        note = corrections.note(finding, self.desk.clock())
        if self.books.read(note.id) is None:
            self.books.keep(note)
        return Result.QUEUED


_WAYS: Mapping[Repair, Callable[[_Repairer, Finding], Result]] = {
    Repair.SETTLE: _Repairer.settle,
    Repair.PROVE: _Repairer.prove,
    Repair.NOTE_FEE: _Repairer.note_fee,
    Repair.OPEN_CHARGEBACK: _Repairer.open_chargeback,
    Repair.QUEUE: _Repairer.queue,
}
