"""What PAYNET says now about a finding: a plan is a snapshot, and nothing is repaired
because of what it once saw. It only asks. Whatever PAYNET leaves open raises
PaynetUnreachable: no answer repairs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from emanet.errors import PaynetUnreachable
from emanet.escrow import Attempt, Capture, Escrow, Expected, escrow_id_of
from emanet.istanbul import day_of
from emanet.outcome import (
    Approved,
    Declined,
    Doubtful,
    NotFound,
    Outcome,
    Sale,
    Unknown,
)
from emanet.ports import (
    Desk,
    Finding,
    Gateway,
    MoneyOut,
    PaynetLists,
    Plan,
)
from emanet.usecases import differences, settle
from emanet.usecases.compare import sure
from emanet.usecases.pace import Pulse
from emanet.usecases.reversals import Ours, Returns, capture_of, explain, ids

ASKING_TAKES = timedelta(seconds=12)

Days = tuple[date, date]
Verdict = Approved | Declined | NotFound | Doubtful


@dataclass(slots=True)
class SecondLook:
    """One run's; a list of a day is read once."""

    plan: Plan
    desk: Desk
    gateway: Gateway
    money_out: MoneyOut
    paynet: PaynetLists
    pulse: Pulse
    deadline: datetime
    _sales: dict[Days, tuple[Sale, ...]] = field(default_factory=dict)

    # ── one capture ──

    def verdict(self, attempt: Attempt) -> Verdict:
        """Of PAYNET, about an attempt."""
        outcome = settle.ask(
            attempt, gateway=self.gateway, clock=self.desk.clock, deadline=self._soon
        )
        return self._heard(outcome)

    def returns(self, mine: Ours) -> Returns:
        """What went back of a capture, and why."""
        told = self.money_out.returned(mine.capture, self._soon)
        self.pulse.heard(silent=isinstance(told, Unknown) and told.unreachable)
        known = sure(told)
        return explain(mine, known.rows, is_reversed=known.is_reversed)

    def sale(self, mine: Ours) -> Sale | None:
        """Its row in the list of its day; in those of the plan's days, if PAYNET gave
        it no date or shows it under another."""
        day = day_of(mine.capture.at) if mine.capture.at else self.plan.first
        names = set(ids(mine.capture))
        for days in ((day, day), (self.plan.first, self._today)):
            for sale in self._listed(days):
                if not names.isdisjoint(ids(sale.capture)):
                    return sale
        return None

    # ── what nobody could repair: is it still so? ──

    def still(self, finding: Finding, escrow: Escrow | None) -> bool:
        """Whether what the finding says is true now."""
        return _STILL[finding.cause](self, finding, escrow)

    def is_unlisted(self, finding: Finding, escrow: Escrow | None) -> bool:
        """PAYNET, asked for this very attempt, does not know our capture either."""
        mine = mine_of(finding, escrow)
        outcome = self.verdict(mine.attempt)
        return not any(one.is_same(mine.capture) for one in captures_in(outcome))

    def is_unshown(self, finding: Finding, escrow: Escrow | None) -> bool:
        return bool(self.returns(mine_of(finding, escrow)).unshown)

    def is_unknown_here(self, finding: Finding, escrow: Escrow | None) -> bool:
        """PAYNET knows a payment under a reference that we do not."""
        if escrow and escrow.attempt_of(finding.reference_no):
            return False  # there after all: the next plan judges it
        asked = Expected(finding.reference_no, finding.theirs_minor or 0)
        told = self.gateway.ask(asked, self._soon)
        return not isinstance(self._heard(told), NotFound)

    def is_unreadable(self, finding: Finding, _escrow: Escrow | None) -> bool:
        """Raises UnreadableItem while it is."""
        self.desk.store.get(escrow_id_of(finding.reference_no))
        return False

    def is_ours_still(self, finding: Finding, escrow: Escrow | None) -> bool:
        """Two escrows hold one transaction: the plan saw both, a human decides."""
        return mine_of(finding, escrow).capture.xact_id == finding.xact_id

    def is_listed_reversal(self, finding: Finding, _escrow: Escrow | None) -> bool:
        first, today = self.plan.first, self._today
        rows = sure(self.paynet.reversals(first, today, self.deadline))
        return any(row.id == finding.xact_id for row in rows)

    def is_on_chargeback(self, finding: Finding, escrow: Escrow | None) -> bool:
        sale = self.sale(mine_of(finding, escrow))
        return sale is not None and sale.is_on_chargeback

    # ── asking ──

    @property
    def _soon(self) -> datetime:
        return min(self.deadline, self.desk.clock() + ASKING_TAKES)

    @property
    def _today(self) -> date:
        return day_of(self.desk.clock())

    def _listed(self, days: Days) -> tuple[Sale, ...]:
        if days not in self._sales:
            self._sales[days] = sure(self.paynet.sales(*days, self.deadline))
        return self._sales[days]

    def _heard(self, outcome: Outcome) -> Verdict:
        silent = isinstance(outcome, Unknown) and outcome.unreachable
        self.pulse.heard(silent=silent)
        if isinstance(outcome, Unknown):
            raise PaynetUnreachable(outcome.why)
        return outcome


def captures_in(outcome: Verdict) -> tuple[Capture, ...]:
    """The successes of which PAYNET tells."""
    match outcome:
        case Approved(capture):
            return (capture,)
        case Doubtful(captures=captures):
            return captures
    return ()


def mine_of(finding: Finding, escrow: Escrow | None) -> Ours:
    """The capture that the finding is about. Raises LookupError."""
    mine = capture_of(escrow, finding.xact_id) if escrow else None
    if mine is None:
        raise LookupError("no such capture")
    return mine


_STILL: Mapping[str, Callable[[SecondLook, Finding, Escrow | None], bool]] = {
    differences.CAPTURE_NOT_LISTED: SecondLook.is_unlisted,
    differences.REFUND_NOT_LISTED: SecondLook.is_unshown,
    differences.NO_SUCH_ESCROW: SecondLook.is_unknown_here,
    differences.NO_SUCH_ATTEMPT: SecondLook.is_unknown_here,
    differences.UNREADABLE_HERE: SecondLook.is_unreadable,
    differences.REVERSAL_WITHOUT_CAPTURE: SecondLook.is_listed_reversal,
    differences.REVERSAL_OF_NOTHING: SecondLook.is_listed_reversal,
    differences.CHARGEBACK_AFTER_WON: SecondLook.is_on_chargeback,
    differences.CHARGEBACK_BESIDES: SecondLook.is_on_chargeback,
    differences.TWO_ESCROWS: SecondLook.is_ours_still,
}
