"""The model's commands, carried out on the real system, and both compared: what was
answered, how the escrow stands, and what PAYNET holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from emanet.escrow import Escrow
from local.paynet_simulator import browser
from tests.simulation.reference import Reference
from tests.simulation.reference_paying import PAYABLE, Command
from tests.simulation.reference_paynet import AMOUNT, MINUTE, Try
from tests.simulation.reference_rules import RULES
from tests.simulation.world import World
from tests.stage import (
    BACKEND,
    BUYER,
    CARRIER,
    OPERATIONS,
    SELLER,
    STRANGER,
    Answer,
    Who,
    payment,
)

ROLES: dict[str, Who] = {
    "payer": BUYER,
    "payee": SELLER,
    "backend": BACKEND,
    "carrier": CARRIER,
    "operations": OPERATIONS,
    "stranger": STRANGER,
}
CARDS = {
    "good": "4355084355084358",
    "declined": "4000000000000010",
    "mismatch": "4000000000000127",
    "refuses": "4000000000000036",
}
WORDS = {200: "ok", 201: "ok", 303: "ok", 403: "forbidden", 404: "not found"}
WORDS |= {409: "conflict", 422: "invalid", 429: "too fast", 503: "down"}
CHARGE, REFUND = "/v2/transaction/tds_charge", "/v1/transaction/reversed_request"
FAULTS: dict[str, dict[str, Any]] = {
    "lost": {"when": "after", "times": None},
    "first": {"when": "after", "times": 1},
    "before": {"when": "before", "times": None},
    "down": {"path": "*", "when": "before", "times": None},
}
WAITS = {
    "30s": timedelta(seconds=30),
    "2m": timedelta(minutes=2),
    "16m": timedelta(minutes=16),
    "31m": timedelta(minutes=31),
    "5h": timedelta(hours=5),
    "1d": timedelta(days=1),
    "4d": timedelta(days=4),
    "20d": timedelta(days=20),
}
DECISIONS = frozenset(w for w, (who, _, _) in RULES.items() if who == "operations")
LEGS = {"release": 130_000, "split": 50_000, "refund": 0, "wrong": 130_001}


Cells = Counter[tuple[str, str, str, str]]


class Differs(AssertionError):
    """The model and the system."""


@dataclass
class Play:
    """One escrow, in the world and in the model."""

    world: World
    policy: str = ""
    cells: Cells = field(default_factory=Counter)
    faults: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    forms: list[browser.Form] = field(default_factory=list)
    callbacks: list[Callable[[], Answer]] = field(default_factory=list)
    keys: int = 0

    def __post_init__(self) -> None:
        strict = {"at_ship_by": "review", "at_claim": "review"}
        policy = strict | {"at_inspection": "review"} if self.policy else {}
        self.id = self.world.create(policy=policy)
        self.escrow: Escrow = self.world.escrow(self.id)
        self.model = Reference(self.escrow.created_at, self.policy)

    def copied(self) -> Play:
        """Another from here on; the world is the same."""
        other = copy(self)
        other.model = deepcopy(self.model)
        other.forms, other.callbacks = list(self.forms), list(self.callbacks)
        return other

    # ── one step ──

    def step(self, command: Command) -> None:
        """Raises Differs."""
        status = self.model.status
        answered = self._carried_out(command)
        expected = self.model.step(command, self._moment(command))
        self.cells[status, command.verb, command.role, expected] += 1
        if command.fault in FAULTS and expected in {"ok", "down"}:
            self.faults[status, command.verb, command.fault] += 1
        if answered != expected.replace("same", "ok"):
            raise Differs(f"answered {answered}, expected {expected}")
        self.escrow = self.world.escrow(self.id)
        self._compare()

    def _moment(self, command: Command) -> datetime:
        """A run in vain is followed by a pause, so that nobody is still waiting for
        the end of a back-off."""
        now = self.world.clock()
        if command.verb == "reconcile" and command.fault == "down":
            self.world.pass_time(3000)
        return now

    def _carried_out(self, command: Command) -> str:
        self.world.paynet.faults.clear()
        if command.fault in FAULTS:
            path = REFUND if command.verb == "reconcile" else CHARGE
            self.world.paynet.faults.add(
                "close", **{"path": path} | FAULTS[command.fault]
            )
        way = getattr(self, f"_{command.verb}", self._act)
        answer: Answer | None = way(command)
        self.world.paynet.faults.clear()
        return WORDS.get(answer.status, answer.text) if answer else "ok"

    def _pay(self, command: Command) -> Answer:
        body = payment(CARDS[command.choice])
        path = f"/api/escrows/{self.id}/3d"
        answer = self.world.call("POST", path, body, who=ROLES[command.role])
        if answer.status == 201:
            url = answer.body["three_ds"]["url"]
            self.forms.append(browser.pass_bank_page(url))
        elif answer.status == 503:
            self.forms.append(browser.Form("", {}))
        return answer

    def _come_back(self, command: Command) -> Answer | None:
        form = self.forms[0 if command.choice == "older" else -1]
        if command.choice == "no":
            form = replace(form, fields={"message": "no"})
        return self.world.come_back(form) if form.action else None

    def _act(self, command: Command) -> Answer:
        path = f"/api/escrows/{self.id}/{command.verb}"
        if command.verb in DECISIONS:
            path = f"/api/operations/escrows/{self.id}/{command.verb}"
        self.keys += 1
        headers = {"Idempotency-Key": f"key-{self.keys}"}
        who = ROLES[command.role]
        return self.world.call(
            "POST", path, self._body(command), who=who, headers=headers
        )

    def _body(self, command: Command) -> dict[str, Any]:
        if command.verb in DECISIONS:
            return self._decision(command)
        if command.verb == "ship":
            return {"carrier": "Kargo", "tracking_number": command.choice}
        if command.verb == "dispute":
            known = self.escrow.dispute
            same = known.reason if known else "broken"
            is_same = command.choice == "same"
            return {"reason": same if is_same else f"broken {self.keys}"}
        if command.verb in {"release", "refund"}:
            return self._wish(command)
        return {}

    def _wish(self, command: Command) -> dict[str, Any]:
        amounts = {"part": 30_000, "too_much": self.model.available + 1, "zero": 0}
        said: dict[str, Any] = {}
        if command.choice in amounts:
            said["amount"] = _lira(amounts[command.choice])
        if command.role == "operations":
            said["reason"] = "agreed"
        return said

    def _decision(self, command: Command) -> dict[str, Any]:
        said: dict[str, Any] = {"reason": "looked into it"}
        if command.verb in {"resolve_dispute", "settle_review"}:
            share = self.model.share(command.choice)
            wrong = command.choice == "wrong"
            said["release"] = _lira(share)
            said["refund"] = _lira(self.model.held - share + wrong)
            return said
        said["version"] = self.escrow.version + (command.fault == "stale")
        if command.verb == "refund_capture":
            odd = [c.xact_id for c in self.escrow.captures if c.status == "mismatched"]
            said["xact_id"] = odd[0] if odd else "none"
        if command.verb == "withdraw_settlement":
            unsent = [
                s
                for s in self.escrow.settlements
                if s.status in {"scheduled", "suspended"}
            ]
            said["settlement"] = unsent[0].key if unsent else "none"
        return said

    def _wait(self, command: Command) -> None:
        self.world.pass_time(WAITS[command.choice].total_seconds())

    def _late(self, command: Command) -> None:
        attempt = self.escrow.attempts[0 if command.choice == "older" else -1]
        reference = attempt.reference_no
        self.world.paynet.books.plant(reference, AMOUNT)
        if command.fault == "told":
            self.callbacks.append(lambda: self.world.callback(reference))

    def _verdict(self, command: Command) -> None:
        it = next(it for it, o in self.model.every() if o.paynet == "open")
        reference = self.escrow.attempts[self.model.tries.index(it)].reference_no
        refund = next(
            r
            for r in self.world.paynet.books.refunds()
            if r.state == "open"
            and r.way == "manual"
            and r.sale.reference_no == reference
        )
        approve = command.choice == "approved"
        assert self.world.paynet.books.decide_refund(refund.number, approve=approve)
        body = {"xact_id": refund.sale.xact_id, "code": "0" if approve else "1"}
        path = refund.succeed_url.removeprefix("https://pay.example")
        self.callbacks.append(lambda: self.world.call("POST", path, body))

    def _reconcile(self, command: Command) -> None:
        self.world.paynet.settings.change({"refunds": command.choice})
        is_down = command.fault == "down"
        while self.callbacks and not is_down:
            assert self.callbacks.pop(0)().status == 200
        for _ in range(5 if is_down else 60):
            due = self.world.next_due()
            if due is None or due > self.world.clock():
                break
            self.world.run_reconciler()
            self.world.pass_time(30)
        else:
            assert is_down, "it never came to rest"

    # ── the comparison ──

    def _compare(self) -> None:
        real, ours = self.seen(), self.said()
        wrong = {n: (real[n], ours[n]) for n in ours if real[n] != ours[n]}
        if wrong:
            told = [f"{n}: is {a}, expected {b}" for n, (a, b) in wrong.items()]
            raise Differs("; ".join(told))
        self._agree_on_clocks()

    def _agree_on_clocks(self) -> None:
        """Within the minutes that a run takes; then by the system's own."""
        for name, at in list(self.model.clocks.items()):
            real = getattr(self.escrow.deadlines, name)
            if real is None or abs(real - at) > timedelta(minutes=5):
                raise Differs(f"{name}: is {real}, expected {at}")
            self.model.clocks[name] = real

    def seen(self) -> dict[str, Any]:
        escrow, books = self.escrow, self.world.paynet.books
        sums = escrow.balances
        captures = [list(a.captures) for a in escrow.attempts]
        references = [a.reference_no for a in escrow.attempts]
        return {
            "status": escrow.status,
            "captured": sums.captured,
            "held": sums.held,
            "released": sums.released,
            "refunded": sums.refunded,
            "charged_back": sums.charged_back,
            "reserved": escrow.reserved_minor,
            "available": escrow.available_minor,
            "settlements": [
                (s.kind, s.amount_minor, s.status) for s in escrow.settlements
            ],
            "attempts": [
                [(c.status, c.refund.status if c.refund else "") for c in cs]
                for cs in captures
            ],
            "disputed": escrow.dispute is not None,
            "chargeback": str(escrow.chargeback.status) if escrow.chargeback else "",
            "taken": [books.taken_minor(r) for r in references],
        }

    def said(self) -> dict[str, Any]:
        m = self.model
        return {
            "status": m.status,
            "captured": m.captured,
            "held": m.held,
            "released": m.released,
            "refunded": m.refunded,
            "charged_back": m.charged_back,
            "reserved": m.reserved,
            "available": m.available,
            "settlements": [(o.kind, o.amount, o.state) for o in m.orders],
            "attempts": [_captures(t) for t in m.tries],
            "disputed": m.is_disputed,
            "chargeback": m.chargeback,
            "taken": [t.taken - t.went_back for t in m.tries],
        }


def _captures(it: Try) -> list[tuple[str, str]]:
    return [(it.word, it.back.state if it.back else "")] if it.word else []


def _lira(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "TRY"}


# ── every command that there is ──────────────────────────────────────────────

_LEGS = ("release", "refund", "split", "wrong")
_AMOUNTS = ("all", "part", "too_much", "zero")
_CHOICES: dict[str, tuple[str, ...]] = {
    "pay": tuple(CARDS),
    "ship": ("1", "2"),
    "release": _AMOUNTS,
    "refund": _AMOUNTS,
    "dispute": ("same", "another"),
    "resolve_dispute": _LEGS,
    "settle_review": _LEGS,
}


def _acts() -> list[Command]:
    """What people ask for: every word by every role, in every way."""
    made = [Command("pay", "payer", "good", "down")]
    made.append(Command("resume", "operations", "", "stale"))
    for verb in RULES:
        for role in ROLES:
            own = (role if verb == "cancel" else "",)
            ways = _CHOICES.get(verb, own)
            made += [Command(verb, role, choice) for choice in ways]
    return made


def _happenings() -> list[Command]:
    """What nobody asks for by name: the browser, time, PAYNET, the schedule."""
    made = [Command("come_back", "", "no")]
    made += [Command("wait", "", wait) for wait in WAITS]
    made += [Command("verdict", "", word) for word in ("approved", "denied")]
    for which in ("latest", "older"):
        for fault in ("", "lost", "first", "before"):
            made.append(Command("come_back", "", which, fault))
        for fault in ("told", ""):
            made.append(Command("late", "", which, fault))
    for way in ("auto", "manual", "never"):
        for fault in ("", "lost", "before", "down"):
            made.append(Command("reconcile", "", way, fault))
    return made


ACTS, HAPPENINGS = _acts(), _happenings()


def can(model: Reference, command: Command) -> bool:
    """Whether there is anything to do it with."""
    needs = {
        "come_back": _has_form,
        "late": _may_be_late,
        "verdict": _has_open,
        "reconcile": _is_certain,
        "confirm_unknown": _is_honest,
        "deny_unknown": _is_honest,
    }
    need = needs.get(command.verb)
    return need is None or need(model, command)


def _is_honest(model: Reference, command: Command) -> bool:
    """Operations say what they saw at PAYNET, and wait while PAYNET has not decided."""
    unknown = [order.paynet for order in model.of("unknown")]
    if command.role != "operations" or not unknown:
        return True
    is_done = unknown == ["approved"]
    return unknown != ["open"] and is_done is (command.verb == "confirm_unknown")


def _has_form(model: Reference, command: Command) -> bool:
    return len(model.tries) > (command.choice == "older")


def _may_be_late(model: Reference, command: Command) -> bool:
    if not _has_form(model, command):
        return False
    it = model.tries[0 if command.choice == "older" else -1]
    if it.taken or it.state in {"refused", "charging", "open"}:
        return False
    return bool(command.fault or it.asks)


def _has_open(model: Reference, _: Command) -> bool:
    return any(order.paynet == "open" for _it, order in model.every())


def _is_certain(model: Reference, command: Command) -> bool:
    """Within its lease only a clean capture decides a charge, and chance says when it
    is asked again; and when PAYNET is down, which of two due things is put off."""
    young = model.now - MINUTE
    for it in model.tries:
        is_clean = it.taken == AMOUNT or not (it.taken or it.is_refused)
        if it.state == "charging" and it.sent and it.sent > young and not is_clean:
            return False
    is_over = model.status in PAYABLE and model.clocks["pay_by"] <= model.now
    if is_over and any(it.is_told or it.is_due(model.now) for it in model.tries):
        return False
    due = [o for o in model.orders if o.state == "scheduled" and o.due <= model.now]
    over = [at for at in model.clocks.values() if at <= model.now]
    return command.fault != "down" or len(due) + len(over) < 2
