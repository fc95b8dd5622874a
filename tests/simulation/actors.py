"""What six actors do to twenty escrows: payer, payee, backend, carrier and operations
here, and PAYNET in actors_paynet. People choose at random among what `allowed_actions`
offers, and sometimes what it does not. They are honest about what they saw; nothing
else is reliable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests

from emanet.machine import TRANSITIONS
from emanet.usecases.operate import WAYS
from local.paynet_simulator import browser
from local.paynet_simulator.cards import OURS
from local.paynet_simulator.records import Transaction
from local.paynet_simulator.refunds import RefundState
from tests.simulation.actors_mail import Call, is_answer
from tests.simulation.actors_paynet import Paynet
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
NO_WAY_ON = (browser.FormRefused, requests.RequestException, KeyError)  # odd answers
SEEN_TO = 4  # lines of the queue at a time
UNPAID = frozenset({"cancelled", "expired"})

Body = dict[str, Any]


@dataclass
class Actors(Paynet):
    """All six."""

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
            answer = self._ask(call, is_answer)
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


def _was_done(status: int) -> bool:
    return status in {200, 201, 204}


def _may_be_paid(status: int) -> bool:
    """PAYNET may refuse the card; a deleted one is not found."""
    return status in {200, 201, 404, 422}


def _or_repeat(word: str) -> Callable[[int], bool]:
    def fits(status: int) -> bool:
        return 400 <= status < 500 or (status == 200 and word in IDEMPOTENT)

    return fits
