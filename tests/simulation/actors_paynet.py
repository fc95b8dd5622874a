"""The swarm's PAYNET: it decides, changes its habits, stumbles, and calls back when and
as often as it likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from local.paynet_simulator.refunds import Refund, RefundState
from tests.simulation.actors_mail import REFUND_WAYS, Mail
from tests.stage import BASE_URL

ODD_ANSWERS = ("status", "html", "empty", "truncated", "content_type", "close", "slow")
GATE_OPEN_S = 300  # how far a callback's timestamp may be from our clock


@dataclass
class Paynet(Mail):
    """What PAYNET does about the orders that the others have."""

    ids: dict[int, str] = field(default_factory=dict)
    earlier: list[str] = field(default_factory=list)  # rounds that ended unpaid
    _told: set[int] = field(default_factory=set)

    def paynet_acts(self) -> None:
        """It decides, changes its mind, stumbles, and finds money that was lost."""
        self.chance.choice(
            (
                self._decide_refund,
                self._decide_refund,
                self._change_habits,
                self._charge_back,
                self._find_late_money,
                self._stumble,
                self._notify_of_anything,
            )
        )()

    def _decide_refund(self, *, kindly: bool = False) -> None:
        books = self.world.paynet.books
        for refund in books.refunds():
            if refund.state is RefundState.OPEN and refund.way == "manual":
                approve = kindly or self._happens(0.7)
                books.decide_refund(refund.number, approve=approve)
                return

    def _change_habits(self) -> None:
        self.habits.callbacks = self.chance.choice(
            ("sent", "lost", "duplicate", "late")
        )
        self.world.paynet.settings.refunds = self.chance.choice(REFUND_WAYS)
        self.world.paynet.settings.refund_delay_s = self.chance.choice((0, 600, 90_000))

    def _charge_back(self) -> None:
        sales = [it for it in self.world.paynet.books.find() if it.is_sale]
        if sales and self._happens(0.3):
            self.counts["chargebacks"] += 1
            self.world.paynet.books.charge_back(self.chance.choice(sales).xact_id)

    def _find_late_money(self) -> None:
        """A charge that was sent, and answered with nothing, was captured after all."""
        for id_ in (*self.earlier, *self.ids.values()):
            for attempt in self.world.escrow(id_).attempts:
                lost = attempt.status == "not_paid" and not attempt.captures
                reference = attempt.reference_no
                if lost and not self.world.paynet.books.charges(reference):
                    self.counts["late_captures"] += 1
                    self.world.paynet.books.plant(reference, attempt.expected_minor)
                    self._notify(reference)
                    return

    def _stumble(self) -> None:
        if self._happens(self.habits.odd_answers):
            self.counts["odd_answers"] += 1
            kind: Any = self.chance.choice(ODD_ANSWERS)
            when: Any = self.chance.choice(("before", "after"))
            self.world.paynet.faults.add(kind, when=when, times=1)

    def _notify_of_anything(self) -> None:
        """A callback may come at any time, and claim what is not so."""
        for id_ in (*self.earlier, *self.ids.values()):
            for attempt in self.world.escrow(id_).attempts[-1:]:
                if self._happens(0.2):
                    self._notify(attempt.reference_no)

    def _notify(self, reference_no: str) -> None:
        if self.habits.callbacks == "lost":
            return
        copies = 1 + (self.habits.callbacks == "duplicate")
        hours = 30 if self.habits.callbacks == "late" else 1
        skew_s = self.chance.choice((0, 0, 60, -60, 240, -240, 400, -400))
        for _ in range(copies):
            told = partial(self._callback, reference_no, skew_s)
            self.later(told, self._soon(hours))

    def _callback(self, reference_no: str, skew_s: int) -> None:
        """By a clock that differs from ours; beyond some minutes it is refused."""
        call = partial(self.world.callback, reference_no, age_s=skew_s)
        expected = 200 if abs(skew_s) < GATE_OPEN_S else 401
        self._once(call, lambda status: status == expected)
        self.counts["callbacks"] += 1

    def tell_of_refunds(self) -> None:
        """PAYNET's word about each refund that it decided, by the present habit."""
        for refund in self.world.paynet.books.refunds():
            if refund.state is RefundState.OPEN or refund.number in self._told:
                continue
            self._told.add(refund.number)
            if not refund.succeed_url:
                continue  # nobody wants to hear of it
            habit = self.habits.callbacks
            copies = {"lost": 0, "duplicate": 2}.get(habit, 1)
            for _ in range(copies + self._happens(self.habits.repeats)):
                after = self._soon(60) if habit == "late" else self._soon(0.01)
                self.later(partial(self._word_of, refund), after)

    def _word_of(self, refund: Refund) -> None:
        approved = refund.state is RefundState.APPROVED
        body = {
            "xact_id": refund.sale.xact_id,
            "code": "0" if approved else "1",
            "status": "Onaylandı" if approved else "Onaylanmadı",
        }
        path = refund.succeed_url.removeprefix(BASE_URL)
        call = partial(self.world.call, "POST", path, body)
        self.counts["refund_callbacks"] += 1
        self._once(call, lambda status: status in {200, 401})

    def calm_down(self) -> None:
        """The faults are over: PAYNET decides whatever it may."""
        self.world.paynet.faults.clear()
        settings = self.world.paynet.settings
        settings.refunds, settings.refund_delay_s = "auto", 0
        for _ in self.world.paynet.books.refunds():
            self._decide_refund(kindly=True)
