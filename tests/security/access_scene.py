"""What the access battery asks about: two buyers and two sellers, each with an escrow
in every state that a route needs, a stored card, a callback in the queue, a refund on
its way; and for each route one request that is right in every field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import pytest

from local.api_gateway.template import Route
from local.paynet_simulator import browser
from tests import stage
from tests.security.access_door import Asked
from tests.security.access_matrix import Thing
from tests.security.webhook_messages import OrderPath, refund_on_its_way, signed
from tests.simulation.world import World
from tests.stage import BASE_URL, GOOD_CARD, SAVE_CARD, WEBHOOK_SECRET

OTHER_BUYER = ("buyer-2", stage.BUYER[1])
OTHER_SELLER = ("seller-2", stage.SELLER[1])
PART = {"amount": {"amount": 100, "currency": "TRY"}, "reason": "agreed"}
ONCE = (("Idempotency-Key", "once"),)

Names = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Belongings:
    """Everything of one buyer and one seller."""

    unpaid: str
    held: str
    shipped: str
    disputed: str
    held_version: int
    card_id: str
    callback_id: str
    order: OrderPath
    back: browser.Form

    def names(self, state: str) -> dict[str, Any]:
        return {
            "escrow_id": getattr(self, state),
            "card_id": self.card_id,
            "callback_id": self.callback_id,
            "version": self.held_version,
        }


def _nothing(_: Names) -> Any:
    return {}


@dataclass(frozen=True, slots=True)
class Ask:
    """A route's request: of an escrow in which state, with what in it."""

    state: str = "held"
    body: Callable[[Names], Any] = _nothing
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def _says(**body: Any) -> Callable[[Names], Any]:
    return lambda _: body


_ESCROW = "/api/escrows/{escrow_id}"
ASKED: Mapping[str, Ask] = {
    "POST /api/escrows": Ask(body=_says(**stage.order("order-of-the-battery"))),
    "GET /api/escrows": Ask(),
    f"GET {_ESCROW}": Ask(),
    f"GET {_ESCROW}/statement": Ask(),
    "GET /api/statement": Ask(),
    f"POST {_ESCROW}/3d": Ask("unpaid", _says(**stage.payment())),
    f"POST {_ESCROW}/ship": Ask(body=_says(carrier="PTT", tracking_number="1")),
    f"POST {_ESCROW}/deliver": Ask(),
    f"POST {_ESCROW}/release": Ask(body=_says(**PART), headers=ONCE),
    f"POST {_ESCROW}/refund": Ask(body=_says(**PART), headers=ONCE),
    f"POST {_ESCROW}/cancel": Ask("unpaid"),
    f"POST {_ESCROW}/dispute": Ask("shipped", _says(reason="broken")),
    f"POST {_ESCROW}/withdraw_dispute": Ask("disputed"),
    "GET /api/instalments": Ask("unpaid", query="?escrow={escrow_id}&bin=435508"),
    "GET /api/cards": Ask(),
    "DELETE /api/cards/{card_id}": Ask(),
    "GET /api/operations/queue": Ask(),
    "POST /api/operations/escrows/{escrow_id}/{decision}": Ask(
        body=lambda names: {"reason": "by letter", "version": names["version"]}
    ),
    "POST /api/operations/inbox/{callback_id}/{answer}": Ask(),
    "POST /api/operations/compare/plan": Ask(),
    "POST /api/operations/compare/apply": Ask(
        body=lambda names: {"plan_id": names["plan_id"]}
    ),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Own is the usual buyer's and seller's, and another's is that of two others."""

    own: Belongings
    others: Belongings
    plan_id: str
    at_s: int
    _asked: dict[tuple[str, Thing], Asked] = field(default_factory=dict)

    def request(self, route: Route, thing: Thing) -> Asked:
        """The one request of a route about such a thing."""
        known = self._asked.get((route.key, thing))
        if known is None:
            known = self._proof(route, thing) if route.is_public else None
            known = known or self._protected(route, thing)
            self._asked[route.key, thing] = known
        return known

    def _protected(self, route: Route, thing: Thing) -> Asked:
        ask = ASKED[route.key]
        names = self._names(thing, ask.state)
        body = json.dumps(ask.body(names)).encode() if route.method == "POST" else b""
        path = (route.path + ask.query).format(**names)
        return Asked(route.method, path, body, ask.headers)

    def _names(self, thing: Thing, state: str) -> dict[str, Any]:
        own = self.own.names(state)
        names = {
            Thing.OWN: {**own, "plan_id": self.plan_id},
            Thing.ANOTHERS: self.others.names(state),
            Thing.NOWHERE: {
                "escrow_id": "a" * 26,
                "card_id": "a" * 26,
                "callback_id": f"inbox-{'a' * 52}",
                "plan_id": f"plan-{'a' * 26}",
            },
            Thing.MALFORMED: {
                "escrow_id": own["escrow_id"].upper(),
                "card_id": own["card_id"][:-1],
                "callback_id": own["callback_id"][:-1],
                "plan_id": "plan",
            },
            Thing.OTHER_KIND: {
                "escrow_id": own["callback_id"],
                "card_id": own["escrow_id"],
                "callback_id": own["escrow_id"],
                "plan_id": own["callback_id"],
            },
        }
        usual = {"decision": "open_chargeback", "answer": "close", "version": 1}
        return {**usual, **names[thing]}

    # ── the public routes: what counts is what the caller knows ──

    def _proof(self, route: Route, thing: Thing) -> Asked:
        by_form = {"{state}": self._back, "{secret}": self._order}
        last = route.path.rpartition("/")[2]
        return by_form.get(last, self._signed)(thing)

    def _back(self, thing: Thing) -> Asked:
        """The right state, of this escrow or of another."""
        form = self.own.back
        *path, _, attempt, state = form.action.removeprefix(BASE_URL).split("/")
        there = "/".join((*path, self._wrong_escrow(thing, form), attempt, state))
        kind = (("Content-Type", "application/x-www-form-urlencoded"),)
        return Asked("POST", there, urlencode(form.fields).encode(), kind)

    def _wrong_escrow(self, thing: Thing, form: browser.Form) -> str:
        if thing is Thing.OWN:
            return form.action.split("/")[-3]
        if thing is Thing.ANOTHERS:
            return self.others.back.action.split("/")[-3]
        return str(self._names(thing, "held")["escrow_id"])

    def _order(self, thing: Thing) -> Asked:
        """The right secret, of this refund or of another."""
        order = self.own.order
        if thing is Thing.ANOTHERS:
            order = replace(order, escrow_id=self.others.order.escrow_id)
        elif thing is not Thing.OWN:
            order = replace(order, escrow_id=self._names(thing, "held")["escrow_id"])
        return Asked("POST", order.path, b'{"code": "0"}')

    def _signed(self, thing: Thing) -> Asked:
        """Signed rightly, by another, not at all, or by no signature."""
        raw, now = b"{}", str(self.at_s)
        right = signed(WEBHOOK_SECRET, now, raw)
        headers = {
            Thing.OWN: right,
            Thing.ANOTHERS: signed("another-secret", now, raw),
            Thing.NOWHERE: {},
            Thing.MALFORMED: {name: value[:-1] for name, value in right.items()},
            Thing.OTHER_KIND: {**right, "x-paynet-signature": self.own.order.secret},
        }
        there = "/api/webhooks/paynet-callback"
        return Asked("POST", there, raw, tuple(headers[thing].items()))


# ── how it all came about ────────────────────────────────────────────────────


def played_in(world: World) -> Scene:
    """Three days pass, because a callback waits so long before a human sees it."""
    queued = [_queued_callback(world)]
    with _others():
        queued.append(_queued_callback(world))
    world.reconcile(days=3, minutes=1)
    own = _belongings(world, queued[0], stage.BUYER)
    with _others():
        others = _belongings(world, queued[1], OTHER_BUYER)
    plan = "/api/operations/compare/plan"
    made = world.call("POST", plan, {}, who=stage.OPERATIONS)
    assert made.status == 200, made.text
    return Scene(own, others, made.body["plan_id"], int(world.clock().timestamp()))


@contextmanager
def _others() -> Iterator[None]:
    """The stage's buyer and seller are others for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "BUYER", OTHER_BUYER)
        patch.setattr(stage, "SELLER", OTHER_SELLER)
        yield


def _queued_callback(world: World) -> str:
    """About a payment that was never made."""
    known = {item["id"]["S"] for item in world.inbox()}
    started = world.initiate(world.create())
    assert world.callback(started.reference_no).status == 200
    world.reconcile(seconds=1)
    [callback] = [it for it in world.inbox() if it["id"]["S"] not in known]
    return str(callback["id"]["S"])


def _belongings(world: World, callback_id: str, buyer: tuple[str, str]) -> Belongings:
    held, disputed, with_card = world.held(), _shipped(world), world.create()
    objected = f"/api/escrows/{disputed}/dispute"
    assert world.call("POST", objected, {"reason": "broken"}).status == 200
    world.pay(with_card, GOOD_CARD, save_card=SAVE_CARD)
    [card] = world.call("GET", "/api/cards", who=buyer).body["cards"]
    return Belongings(
        unpaid=world.create(),
        held=held,
        shipped=_shipped(world),
        disputed=disputed,
        held_version=world.escrow(held).version,
        card_id=card["card_id"],
        callback_id=callback_id,
        order=refund_on_its_way(world),
        back=world.initiate(world.create()).at_bank(),
    )


def _shipped(world: World) -> str:
    escrow_id = world.held()
    parcel = {"carrier": "PTT", "tracking_number": "1"}
    path = f"/api/escrows/{escrow_id}/ship"
    assert world.call("POST", path, parcel, who=stage.SELLER).status == 200
    return escrow_id
