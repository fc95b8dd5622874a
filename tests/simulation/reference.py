"""A second opinion: one escrow as plain, slow, obvious Python, written from the design
(§2, §4, §6) and never from the code. `step` says what a command must come to; then the
fields say how everything must stand. Where docs/decisions.md refines the design, it is
followed: only the reconciler sends, `fund_waiting` is the one way out of an unpaid
review in which a late capture waits, a clock that people were asked about ends at the
hold limit. Nowhere written and followed: back in `created` after a review at least a
day is left to pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from tests.simulation.reference_clock import reconcile
from tests.simulation.reference_paying import STILL, Command, Paying
from tests.simulation.reference_paynet import (
    AMOUNT,
    DAY,
    ISTANBUL,
    Order,
    Try,
)
from tests.simulation.reference_rules import (
    REPEATS,
    RULES,
    SEEN_TO,
    UNSENT,
    always,
    never,
)

CLOSED = ("released", "refunded", "split", "cancelled", "expired")
REVIEWS = {"doubtful_capture", "chargeback", "settlement_unknown", "hold_limit"}
REVIEWS |= {"ship_by_missed", "inspection_over"}


@dataclass
class Reference(Paying):
    """The whole of it."""

    def step(self, command: Command, now: datetime) -> str:
        """The word of the answer, and its effect."""
        answer = self.answer(command, now)
        if answer in {"ok", "down"}:
            self.fault, self.way = command.fault, command.choice
            getattr(self, command.verb)(command)
        return answer

    def answer(self, command: Command, now: datetime) -> str:
        """Every other than `ok` leaves everything as it was, but for `down`: an attempt
        whose session PAYNET could not open. `same` is what was done already."""
        may, within, guard = RULES.get(command.verb, ("", "", always))
        self.now, choice = now, command.choice
        if choice == "zero":
            return "invalid"
        if may and command.role not in may.split():
            return "not found" if command.role == "stranger" else "forbidden"
        if REPEATS.get(command.verb, never)(self, choice):
            return "same"
        if (within and self.status not in within.split()) or command.fault == "stale":
            return "conflict"
        if not guard(self, choice):
            return "conflict"
        too_fast = command.verb == "pay" and self.is_too_fast()
        is_down = command.fault == "down" and bool(may)
        return "too fast" if too_fast else "down" if is_down else "ok"

    # ── the goods, and money that people move ──

    def ship(self, command: Command) -> None:
        self.parcel = command.choice
        self.clocks.pop("ship_by", None)
        self.clocks["claim_by"] = self.now + 7 * DAY

    def deliver(self, _: Command) -> None:
        self.is_delivered = True
        self.clocks.pop("ship_by", None)
        self.clocks.pop("claim_by", None)
        self.flags.discard("delivery_unconfirmed")
        self.clocks["inspection_by"] = self.now + 3 * DAY

    def wish(self, choice: str) -> int:
        wanted = {"part": 30_000, "too_much": self.available + 1}
        return wanted.get(choice, self.available)

    def release(self, command: Command) -> None:
        self.done(self.order("release", self.wish(command.choice), command.role))

    def refund(self, command: Command) -> None:
        self.order("refund", self.wish(command.choice), command.role)

    def order(self, kind: str, amount: int, by: str) -> Order:
        """A part goes back from 00:30 of the day after the capture's."""
        day, due = self.captures("funds")[0].day, self.now
        assert day
        if kind == "refund" and amount != self.captured:
            due = max(due, datetime.combine(day + DAY, time(0, 30), ISTANBUL))
        self.orders.append(Order(kind, amount, due, by))
        return self.orders[-1]

    def cancel(self, _: Command) -> None:
        if self.status == "held":
            self.order("refund", self.available, "cancel")
        else:
            self._close_live("cancelled")
            self.to("cancelled")

    # ── disputes and reviews ──

    def dispute(self, _: Command) -> None:
        self.is_disputed, self.disputes = True, self.disputes + 1
        self._turn("scheduled", "suspended")
        self.to("disputed")

    def _turn(self, state: str, other: str) -> None:
        for order in self.of(state):
            order.state = other

    def withdraw_dispute(self, _: Command) -> None:
        self.is_disputed = False
        self._go_on("held")

    reject_dispute = withdraw_dispute

    def _go_on(self, status: str) -> None:
        if status == "held":
            self._turn("suspended", "scheduled")
        self.flags -= REVIEWS
        self.to(status)

    def share(self, choice: str) -> int:
        """Of what is held, for the payee."""
        return {"release": self.held, "split": self.held // 3}.get(choice, 0)

    def resolve_dispute(self, command: Command) -> None:
        for state in UNSENT:
            self._turn(state, "withdrawn")
        share, self.is_disputed = self.share(command.choice), False
        for kind, amount in (("release", share), ("refund", self.held - share)):
            if amount:
                self.order(kind, amount, "decision")
        self._go_on("held")

    settle_review = resolve_dispute

    def resume(self, _: Command) -> None:
        """Back in `charging` PAYNET is asked at once."""
        for it in self.tries:
            if it.state == "doubtful" and self.prior == "charging":
                it.state, it.asks = "charging", [self.now]
        self._go_on(self.prior)

    def confirm_unknown(self, _: Command) -> None:
        self.done(self.of("unknown")[0])

    def deny_unknown(self, _: Command) -> None:
        self.of("unknown")[0].state = "denied"

    def accept_mismatch(self, _: Command) -> None:
        self._go_on("held")
        self._fund(self.captures("mismatched")[0])

    def refund_capture(self, _: Command) -> None:
        self._give_back(self.captures("mismatched")[0])

    def refund_mismatch(self, command: Command) -> None:
        self.refund_capture(command)
        self._go_on("created")

    def reopen_unpaid(self, _: Command) -> None:
        self._go_on("created")

    def fund_waiting(self, _: Command) -> None:
        self._go_on("held")
        self._fund(self.captures("waiting")[0])

    def open_chargeback(self, _: Command) -> None:
        self.chargeback = "open"
        self._turn("scheduled", "suspended")
        if self.status in {"held", "disputed"}:
            self.froze = True
            self.freeze("chargeback")

    def win_chargeback(self, _: Command) -> None:
        self.chargeback = "won"
        if not self.is_disputed:
            self._turn("suspended", "scheduled")
        if self.froze and self.status == "review":
            self._go_on(self.prior)

    def lose_chargeback(self, _: Command) -> None:
        if self.status in STILL[:2]:
            self.chargeback = "lost_waiting"
        else:
            self.lost()

    def lost(self) -> None:
        self.chargeback, self.is_disputed = "lost", False
        for state in UNSENT:
            self._turn(state, "withdrawn")
        self.charged_back, self.held = self.charged_back + self.held, 0
        self.settled()

    def withdraw_settlement(self, _: Command) -> None:
        self.of(*UNSENT)[0].state = "withdrawn"

    def acknowledge(self, _: Command) -> None:
        self.flags -= SEEN_TO

    def is_shown(self) -> bool:
        """A human looks at it already."""
        is_open = self.is_disputed or self.chargeback in {"open", "lost_waiting"}
        backs = [it.back for it in self.captures("surplus")]
        is_odd = any(it and it.state in {"denied", "unknown"} for it in backs)
        is_odd = is_odd or bool(self.captures("mismatched"))
        return bool(self.flags) or is_open or is_odd

    # ── what a settlement comes to ──

    def done(self, order: Order) -> None:
        order.state = "done"
        self.held -= order.amount
        self.released += order.amount * (order.kind == "release")
        self.refunded += order.amount * (order.kind == "refund")
        self.settled()

    def settled(self) -> None:
        """Closed only when nothing is held; a chargeback waited for this moment."""
        if self.held == 0:
            back = self.refunded + self.charged_back
            alone = "refunded" if back else "released"
            self.to("split" if back and self.released else alone)
            if self.chargeback == "lost_waiting":
                self.chargeback = "lost"
        elif self.status == "refunding":
            self.to("held")
            if self.chargeback == "lost_waiting":
                self.lost()
            elif self.chargeback == "open":
                self.open_chargeback(Command(""))

    # ── time, PAYNET and the machine ──

    def wait(self, _: Command) -> None:
        """Nothing happens by itself."""

    def late(self, command: Command) -> None:
        """PAYNET takes money for an attempt after all, and may say so."""
        it = self.tries[0 if command.choice == "older" else -1]
        it.take(AMOUNT, self.now)
        it.is_told = command.fault == "told"

    def every(self) -> list[tuple[Try, Order]]:
        """Every order, with the transaction that it is of."""
        own = [(it, o) for it in self.captures("funds") for o in self.orders]
        return own + [(it, it.back) for it in self.tries if it.back]

    def verdict(self, command: Command) -> None:
        it, order = next((it, o) for it, o in self.every() if o.paynet == "open")
        it.decide(order, command.choice, self.now)

    def reconcile(self, _: Command) -> None:
        reconcile(self)
