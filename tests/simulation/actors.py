"""What six actors do to twenty escrows: payer, payee, backend, carrier, operations, and
PAYNET. They choose at random among what `allowed_actions` offers, and sometimes what it
does not. People are honest about what they saw; nothing else here is reliable."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import requests

from emanet.machine import TRANSITIONS
from emanet.usecases.operate import WAYS
from local.paynet_simulator import browser
from local.paynet_simulator.cards import OURS
from local.paynet_simulator.records import Transaction
from local.paynet_simulator.refunds import Refund, RefundState
from local.paynet_simulator.settings import RefundWay
from tests.simulation.world import Unanswered, World
from tests.stage import (
    BACKEND,
    BASE_URL,
    BUYER,
    CARRIER,
    GOOD_CARD,
    OPERATIONS,
    RETURN_PAGE,
    SAVE_CARD,
    SELLER,
    Answer,
    Who,
    order,
    payment,
)

PEOPLE = {
    "payer": BUYER,
    "payee": SELLER,
    "backend": BACKEND,
    "carrier": CARRIER,
    "operations": OPERATIONS,
}
BLIND = {"backend": "cancel", "carrier": "deliver"}  # they may not read
WORDS = sorted({row.action for row in TRANSITIONS if row.action})
KEYED = frozenset({"release", "refund", "resolve_dispute", "settle_review"})
IDEMPOTENT = frozenset({"cancel", "deliver"})  # by state: a repeat is no refusal
RESERVING = frozenset({"scheduled", "suspended", "sent", "unknown"})
RARE = {
    "cancel": 0.1,
    "release": 0.3,
    "open_chargeback": 0.5,
}  # or every story is short
ODD_CARDS = sorted(OURS)
ODD_ANSWERS = ("status", "html", "empty", "truncated", "content_type", "close", "slow")
REFUND_WAYS: tuple[RefundWay, ...] = (
    "auto",
    "auto",
    "auto",
    "manual",
    "manual",
    "deny",
    "never",
)
NO_WAY_ON = (browser.FormRefused, requests.RequestException, KeyError)  # odd answers
SEEN_TO = 4  # lines of the queue at a time
DEPLOYMENTS = {
    "api": {},
    "hosted": {"PAYMENT_MODE": "hosted"},
    "paynet escrow": {"PAYNET_ESCROW": "on"},
}
MODES = ("api", "api", "api", "hosted", "paynet escrow")
UNPAID = frozenset({"cancelled", "expired"})
GATE_OPEN_S = 300  # how far a callback's timestamp may be from our clock
AT_ONCE = timedelta(seconds=1)

Body = dict[str, Any]
Call = Callable[[], Answer]


@dataclass(order=True)
class Letter:
    """Something that arrives later: a browser, a callback, a request once more."""

    at: datetime
    number: int
    deliver: Callable[[], object] = field(compare=False)


@dataclass
class Habits:
    """How unreliable this world's people and PAYNET are, from 0 to 1."""

    repeats: float  # of requests and callbacks
    tries_illegal: float
    odd_cards: float
    odd_answers: float
    callbacks: str  # sent, lost, duplicate, late
    refunds: RefundWay
    mode: str  # of the deployment: api, hosted, or paynet escrow

    @classmethod
    def drawn(cls, chance: random.Random) -> Habits:
        return cls(
            repeats=chance.uniform(0, 0.5),
            tries_illegal=chance.uniform(0.05, 0.3),
            odd_cards=chance.uniform(0, 0.5),
            odd_answers=chance.uniform(0, 0.5),
            callbacks=chance.choice(("sent", "lost", "duplicate", "late")),
            refunds=chance.choice(REFUND_WAYS),
            mode=chance.choice(MODES),
        )

    @property
    def is_hosted(self) -> bool:
        return self.mode == "hosted"

    @property
    def deployment(self) -> dict[str, str]:
        """Its settings, as World.deploy takes them."""
        return DEPLOYMENTS[self.mode]


@dataclass
class Actors:
    """All six, and what is on its way between them. `is_disturbed` says whether a fault
    struck since it was asked last: only then an answer may be another than promised."""

    world: World
    chance: random.Random
    habits: Habits
    is_disturbed: Callable[[], bool]
    ids: dict[int, str] = field(default_factory=dict)
    earlier: list[str] = field(default_factory=list)  # rounds that ended unpaid
    letters: list[Letter] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _told: set[int] = field(default_factory=set)
    _number: int = 0

    # ── what arrives, and when ──

    def later(self, deliver: Callable[[], object], after: timedelta) -> None:
        self._number += 1
        at = self.world.clock() + after
        heapq.heappush(self.letters, Letter(at, self._number, deliver))

    def next_letter(self) -> datetime | None:
        return self.letters[0].at if self.letters else None

    def deliver_one(self) -> None:
        heapq.heappop(self.letters).deliver()

    def _soon(self, hours: float = 3) -> timedelta:
        """Mostly seconds, sometimes hours: whatever is sent later may arrive first."""
        if self._happens(0.8):
            return timedelta(seconds=self.chance.uniform(0, 90))
        return timedelta(hours=self.chance.uniform(0, hours))

    # ── one request of a person ──

    def _ask(self, call: Call, fits: Callable[[int], bool]) -> Answer | None:
        """Its answer; None when nobody answered. Sometimes it is sent again: at once by
        whoever got none, or late by a network."""
        if self._happens(self.habits.repeats):
            self.counts["repeated_requests"] += 1
            self.later(partial(self._once, call, _is_answer), self._soon())
        answer = self._once(call, fits)
        if (answer is None or answer.status == 503) and self._happens(0.8):
            return self._once(call, _is_answer)
        return answer

    def _once(self, call: Call, fits: Callable[[int], bool]) -> Answer | None:
        self.is_disturbed()
        began = self.world.clock()
        try:
            answer = call()
        except Unanswered:
            self.counts["unanswered"] += 1
            return None
        disturbed = self.is_disturbed() or self.world.clock() - began > AT_ONCE
        if 400 <= answer.status < 500:
            self.counts["refused_requests"] += 1
        if not (fits(answer.status) or (disturbed and _is_answer(answer.status))):
            asked = getattr(call, "args", ())[:2]
            self.wrong.append(f"wrong - {asked} was answered {answer.status}")
        return answer

    def _happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _key(self) -> str:
        self._number += 1
        return f"key-{self._number}"

    # ── five people ──

    def act(self, role: str, number: int) -> None:
        """One of them looks at an escrow, and does something about it."""
        who, id_ = PEOPLE[role], self.ids.get(number)
        if id_ is None:
            return
        if role in BLIND:
            self._act_blindly(id_, who, BLIND[role])
        else:
            self._act_on(id_, who)

    def _act_on(self, id_: str, who: Who) -> None:
        view = self._view(id_, who)
        if view is None:
            return
        offered = [word for word in view["allowed_actions"] if self._is_taken(word)]
        others = [word for word in WORDS if word not in view["allowed_actions"]]
        if self._happens(self.habits.tries_illegal):
            self._try_in_vain(view, who, self.chance.choice(others))
        elif offered:
            self._do(view, who, self.chance.choice(offered))

    def _act_blindly(self, id_: str, who: Who, word: str) -> None:
        """Who may not read asks for it, and hears yes or no."""
        if self._is_taken(word):
            before = self.world.escrow(id_)
            call = partial(
                self.world.call, "POST", f"/api/escrows/{id_}/{word}", who=who
            )
            answer = self._ask(call, _is_answer)
            refused = answer is not None and 400 <= answer.status < 500
            if refused and self.world.escrow(id_).version != before.version:
                self.wrong.append(f"wrong {id_} {word} was refused, and done")

    def _is_taken(self, word: str) -> bool:
        return self._happens(RARE.get(word, 1))

    def _view(self, id_: str, who: Who) -> Body | None:
        """What the API tells this person about it."""
        call = partial(self.world.call, "GET", f"/api/escrows/{id_}", who=who)
        answer = self._once(call, lambda status: status == 200)
        if answer is None or answer.status != 200:
            return None
        view: Body = answer.body
        return view

    def _do(self, view: Body, who: Who, word: str) -> None:
        if word == "pay":
            self._pay(view)
            return
        body = self._body(view, word)
        if body is None:
            return
        self.counts["accepted_actions"] += 1
        self._ask(self._call(view, who, word, body), _was_done)

    def _try_in_vain(self, view: Body, who: Who, word: str) -> None:
        """Nothing may come of it, whoever hears of it how often."""
        id_ = view["escrow_id"]
        version = self.world.escrow(id_).version
        body = payment() if word == "pay" else self._illegal_body(view, word)
        if self.habits.is_hosted and word == "pay":
            body = {"return_to": RETURN_PAGE}
        self.is_disturbed()
        self._once(self._call(view, who, word, body), _or_repeat(word))
        self.counts["illegal_requests"] += 1
        if self.world.escrow(id_).version != version:
            self.wrong.append(f"wrong {id_} {word} by {who[0]} was refused, and done")

    def _call(self, view: Body, who: Who, word: str, body: Body) -> Call:
        path = f"/api/escrows/{view['escrow_id']}/{'3d' if word == 'pay' else word}"
        if word in WAYS:
            path = f"/api/operations{path.removeprefix('/api')}"
        headers = {"Idempotency-Key": self._key()} if word in KEYED else {}
        return partial(self.world.call, "POST", path, body, who=who, headers=headers)

    def _illegal_body(self, view: Body, word: str) -> Body:
        body = self._body(view, word) if "flags" in view else None
        usual = {"reason": "in vain", "version": view["version"]}
        money = {"release": _lira(0), "refund": _lira(0)}
        named = {"settlement": "none", "xact_id": "none", "done": True}
        return body or (usual | money | named if word in WAYS else _party_body(word))

    # ── what each word needs ──

    def _body(self, view: Body, word: str) -> Body | None:
        """None: whoever is honest cannot say it now."""
        if word in WAYS:
            return self._decision(view, word)
        if word in {"release", "refund"}:
            return self._wish(view)
        return _party_body(word, self._number)

    def _wish(self, view: Body) -> Body:
        """All of it, or a part. Only operations must say why."""
        why = {"reason": "agreed by telephone"} if "flags" in view else {}
        orders = view["settlements"]
        reserved = sum(
            s["amount"]["amount"] for s in orders if s["status"] in RESERVING
        )
        available = view["held"]["amount"] - reserved
        is_whole = self.habits.mode == "paynet escrow" or self._happens(0.4)
        if available < 2 or is_whole:
            return why
        return why | {"amount": _lira(self.chance.randint(1, available - 1))}

    def _decision(self, view: Body, word: str) -> Body | None:
        said: Body = {"reason": "looked into it", "version": view["version"]}
        if word in {"resolve_dispute", "settle_review"}:
            held = view["held"]["amount"]
            is_whole = self.habits.mode == "paynet escrow"
            split = held if is_whole else self.chance.randint(0, held)
            share = self.chance.choice((0, held, split))
            return said | {"release": _lira(share), "refund": _lira(held - share)}
        if word == "withdraw_settlement":
            unsent = [s for s in view["settlements"] if s["status"] in _UNSENT]
            return (
                said | {"settlement": self.chance.choice(unsent)["key"]}
                if unsent
                else None
            )
        if word in {"confirm_unknown", "deny_unknown"}:
            unknown = [s for s in view["settlements"] if s["status"] == "unknown"]
            if not unknown or self._was_carried_out(view, unknown[0]) is not (
                word == "confirm_unknown"
            ):
                return None
            return said
        return self._about_captures(view, word, said)

    def _about_captures(self, view: Body, word: str, said: Body) -> Body | None:
        captures = view["captures"]
        if word == "answer_surplus":
            for refund in (c["refund"] for c in captures if c["refund"]):
                done = self._was_carried_out(view, refund)
                if refund["status"] in {"denied", "unknown"} and done is not None:
                    return said | {"settlement": refund["key"], "done": done}
            return None
        if word in {"accept_mismatch", "refund_capture"}:
            odd = [c for c in captures if c["status"] == "mismatched" and c["amount"]]
            odd = [c for c in odd if not c["is_reversed"]]
            return (
                said | {"xact_id": self.chance.choice(odd)["xact_id"]} if odd else None
            )
        if word == "open_chargeback":
            return said if any(it.on_chargeback for it in self._sales(view)) else None
        if word == "win_chargeback":
            for sale in self._sales(view):
                self.world.paynet.books.charge_back(sale.xact_id, on=False)
        return said

    def _sales(self, view: Body) -> list[Transaction]:
        rows = self.world.paynet.books.find()
        mine = (row for row in rows if row.reference_no.startswith(view["escrow_id"]))
        return [row for row in mine if row.is_sale]

    def _was_carried_out(self, view: Body, shown: Body) -> bool | None:
        """What operations see in PAYNET's panel; None: it is not decided there."""
        escrow = self.world.escrow(view["escrow_id"])
        orders = [*escrow.settlements, *(c.refund for c in escrow.captures if c.refund)]
        subject = next(o.subject for o in orders if o.key == shown["key"])
        mark = f"/{escrow.id}/{subject}/"
        refunds = [
            r for r in self.world.paynet.books.refunds() if mark in r.succeed_url
        ]
        states = {refund.state for refund in refunds}
        if RefundState.OPEN in states:
            return None
        return RefundState.APPROVED in states

    # ── registering, paying, cards ──

    def create(self, number: int, round_: int = 1) -> None:
        """A new order, registered until somebody answers."""
        fee, amount = self.chance.randint(0, 500), self.chance.randint(1_000, 500_000)
        more: Body = {"amount": _lira(amount), "policy": self._policy()}
        if fee:
            more["fee"] = _lira(fee)
        body = order(f"order-{number}", round=round_, **more)
        call = partial(self.world.call, "POST", "/api/escrows", body, who=BACKEND)
        for _ in range(5):
            answer = self._ask(call, _was_done)
            if answer is not None and answer.status in {200, 201}:
                self.ids[number] = answer.body["escrow_id"]
                return

    def begin_again(self) -> None:
        """A new round of an order that ended unpaid."""
        last = {number: self.world.escrow(id_) for number, id_ in self.ids.items()}
        ended = [number for number in last if last[number].status in UNPAID]
        if ended:
            self.counts["new_rounds"] += 1
            number = self.chance.choice(ended)
            self.create(number, last[number].round + 1)
            if self.ids[number] != last[number].id:
                self.earlier.append(last[number].id)

    def _policy(self) -> Body:
        days = {name: self.chance.randint(1, 6) for name in _POLICY_DAYS}
        least = sum(days[name] for name in _POLICY_DAYS[:3])
        return {
            **days,
            "hold_limit_days": self.chance.randint(least, 30),
            "pay_within_hours": self.chance.randint(6, 96),
            "session_minutes": self.chance.randint(5, 60),
            "at_ship_by": self.chance.choice(("refund", "review")),
            "at_claim": self.chance.choice(("queue", "review")),
            "at_inspection": self.chance.choice(("release", "review")),
            "instalment_cost": self.chance.choice(("payer", "platform")),
        }

    def _pay(self, view: Body) -> None:
        number = GOOD_CARD
        if self._happens(self.habits.odd_cards):
            number = self.chance.choice(ODD_CARDS)
        body = {"return_to": RETURN_PAGE} if self.habits.is_hosted else payment(number)
        if not self.habits.is_hosted:
            self._adorn(view["escrow_id"], body, number)
        answer = self._ask(self._call(view, BUYER, "pay", body), _may_be_paid)
        if answer is None or answer.status != 201:
            return
        form = self._at_bank(answer.body["three_ds"], number)
        if form is None or not form.action.startswith(BASE_URL):
            return
        self._come_back(form)
        reference = answer.body["escrow"]["attempts"][-1]["reference_no"]
        self._notify(reference)

    def _adorn(self, id_: str, body: Body, number: str) -> None:
        """By instalments, with a stored card, or to be stored."""
        way = self.chance.choice(("", "", "instalments", "save", "stored"))
        if way == "instalments":
            path = f"/api/instalments?escrow={id_}&bin={number[:6]}"
            offers = self._list(path, "offers")
            if quotes := [o["quote"] for o in offers if o["quote"]]:
                body["quote"] = self.chance.choice(quotes)
        elif way == "save":
            body["save_card"] = SAVE_CARD
        elif way == "stored" and (cards := self._list("/api/cards", "cards")):
            del body["card"]
            body["stored_card"] = self.chance.choice(cards)["card_id"]

    def _list(self, path: str, name: str) -> list[Body]:
        call = partial(self.world.call, "GET", path)
        answer = self._once(call, _may_be_paid)
        found = answer is not None and answer.status == 200
        return list(answer.body[name]) if answer is not None and found else []

    def delete_a_card(self) -> None:
        if cards := self._list("/api/cards", "cards"):
            path = f"/api/cards/{self.chance.choice(cards)['card_id']}"
            self._ask(partial(self.world.call, "DELETE", path), _was_done)

    def _at_bank(self, way: Mapping[str, Any], number: str) -> browser.Form | None:
        """The form with which the browser leaves the bank."""
        if way["kind"] == "redirect":
            return browser.pass_bank_page(way["url"])
        says = way["attributes"]
        form = browser.HostedForm(
            way["script"],
            says["data-key"],
            says["data-amount"],
            way["action"],
            no_instalment=says["data-no_instalment"] == "true",
        )
        with suppress(*NO_WAY_ON):
            return form.pay(browser.TypedCard(number))
        return None

    def _come_back(self, form: browser.Form) -> None:
        for _ in range(1 + self._happens(self.habits.repeats)):
            self.later(partial(self._land, form), self._soon(1))

    def _land(self, form: browser.Form) -> None:
        self.counts["returns"] += 1
        self._once(partial(self.world.come_back, form), lambda status: status == 303)

    # ── operations, besides escrows ──

    def tidy_up(self) -> None:
        """Whatever stands in the queues, one by one; and a comparison on demand."""
        call = partial(self.world.call, "GET", "/api/operations/queue", who=OPERATIONS)
        answer = self._once(call, _was_done)
        if answer is None or answer.status != 200:
            return
        waiting = answer.body["waiting"]
        for line in self.chance.sample(waiting, min(len(waiting), SEEN_TO)):
            if line["kind"] == "callback":
                word = self.chance.choice(line["allowed_actions"])
                self._post(f"/api/operations/inbox/{line['id']}/{word}", {})
            elif line["kind"] == "escrow":
                self._act_on(line["id"], OPERATIONS)
        if self._happens(0.2):
            plan = self._post("/api/operations/compare/plan", {})
            if plan is not None and plan.status == 200:
                body = {"plan_id": plan.body["plan_id"]}
                self._post("/api/operations/compare/apply", body)

    def _post(self, path: str, body: Body) -> Answer | None:
        call = partial(self.world.call, "POST", path, body, who=OPERATIONS)
        return self._ask(call, _was_done)

    # ── PAYNET ──

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


_UNSENT = frozenset({"scheduled", "suspended"})
_POLICY_DAYS = ("ship_within_days", "claim_days", "inspection_days", "dispute_days")


def _lira(amount_minor: int) -> Body:
    return {"amount": amount_minor, "currency": "TRY"}


def _party_body(word: str, number: int = 0) -> Body:
    if word == "ship":
        return {"carrier": "Kargo", "tracking_number": f"TR-{number}"}
    if word == "dispute":
        return {"reason": f"broken glass {number}"}
    return {}


def _is_answer(status: int) -> bool:
    """Never a bug's 500: yes, no, or not now."""
    return status < 500 or status == 503


def _was_done(status: int) -> bool:
    return status in {200, 201, 204}


def _may_be_paid(status: int) -> bool:
    """PAYNET may refuse the card; a deleted one is not found."""
    return status in {200, 201, 404, 422}


def _or_repeat(word: str) -> Callable[[int], bool]:
    def fits(status: int) -> bool:
        return 400 <= status < 500 or (status == 200 and word in IDEMPOTENT)

    return fits
