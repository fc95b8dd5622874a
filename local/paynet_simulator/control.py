"""The hands of a test or a person on the simulator: /_simulator/... as JSON, from this
machine only. PAYNET has nothing like it."""

from ipaddress import ip_address
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

from flask import Blueprint, Response, abort, render_template, request
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from local.paynet_simulator import cards, wire
from local.paynet_simulator.callbacks import CallbackOrder
from local.paynet_simulator.faults import Fault
from local.paynet_simulator.records import (
    StoredCard,
    Transaction,
    Unknown,
    stored_card_view,
    transaction_view,
)
from local.paynet_simulator.refunds import Refund, refund_view

if TYPE_CHECKING:
    from local.paynet_simulator.simulator import PaynetSimulator

ROOT = "/_simulator"


class Order(BaseModel):
    """What a hand may ask for, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class PlantedTransaction(Order):
    reference_no: str
    amount_minor: int = Field(gt=0)
    succeeded: bool = True
    transaction_type: int = 1
    at_s: float | None = None
    commission_minor: int | None = Field(default=None, ge=0)
    on_chargeback: bool = False
    is_escrow: bool = False
    instalment: int | None = Field(default=None, ge=0, le=12)
    is_tds: bool = True


class PlantedCard(Order):
    user_unique_id: str
    card_number: SecretStr
    month: int = Field(default=12, ge=1, le=12)
    year: int = Field(default=2030, ge=2000, le=2099)
    desc: str = "Kart"


class Named(Order):
    xact_id: str


class Reversal(Named):
    amount_minor: int | None = Field(default=None, gt=0)
    at_s: float | None = None


class Alteration(Named):
    amount_minor: int | None = Field(default=None, gt=0)
    commission_minor: int | None = Field(default=None, ge=0)
    at_s: float | None = None


class Chargeback(Named):
    on: bool = True


class Clock(Order):
    offset_s: float


class Verdict(Order):
    verdict: Literal["approve", "deny"]


class RefundCallbackOrder(Order):
    copies: int = Field(default=1, ge=1, le=100)
    claims: dict[str, Any] = {}


class Control:
    def __init__(self, simulator: "PaynetSimulator") -> None:
        self._simulator = simulator

    def blueprint(self) -> Blueprint:
        routes = Blueprint("control", __name__)
        routes.before_request(_require_this_machine)
        routes.before_request(_require_json)
        routes.register_error_handler(ValidationError, _wrong)
        routes.register_error_handler(Unknown, _unknown)
        routes.add_url_rule("/", view_func=self.front_page)
        for method, path, call in (
            ("GET", "/books", self.books),
            ("GET", "/books/<reference_no>", self.books),
            ("GET", "/requests", self.requests),
            ("GET", "/settings", self.settings),
            ("POST", "/settings", self.change_settings),
            ("POST", "/clock", self.set_clock),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_fault),
            ("GET", "/callbacks", self.callbacks),
            ("POST", "/callbacks", self.send_callbacks),
            ("POST", "/transactions", self.plant),
            ("POST", "/reversals", self.reverse),
            ("POST", "/alterations", self.alter),
            ("POST", "/forgotten", self.forget),
            ("POST", "/chargebacks", self.charge_back),
            ("GET", "/refunds", self.refunds),
            ("POST", "/refunds/<int:number>", self.decide_refund),
            ("POST", "/refunds/<int:number>/callback", self.call_back),
            ("GET", "/cards", self.cards),
            ("POST", "/cards", self.plant_card),
            ("POST", "/cards/<int:number>/deletion", self.delete_card),
            ("POST", "/reset", self.reset),
        ):
            routes.add_url_rule(ROOT + path, view_func=call, methods=[method])
        return routes

    def front_page(self) -> str:
        return render_template(
            "front.html",
            cards=cards.OURS,
            published=cards.PUBLISHED,
            books=self._simulator.books.view(),
            stored=self._cards(),
            lira=lambda minor: wire.lira(minor, "comma"),
        )

    def books(self, reference_no: str | None = None) -> Response:
        return wire.answer(self._simulator.books.view(reference_no))

    def requests(self) -> Response:
        return wire.answer(self._simulator.traffic.view())

    def settings(self) -> Response:
        return wire.answer(self._simulator.settings.model_dump())

    def change_settings(self) -> Response:
        """A moved clock makes things due: they happen before this is answered."""
        self._simulator.settings.change(_json())
        self._simulator.books.catch_up()
        return self.settings()

    def set_clock(self) -> Response:
        offset_s = Clock.model_validate(_json()).offset_s
        self._simulator.settings.change({"clock_offset_s": offset_s})
        self._simulator.books.catch_up()
        return wire.answer({"offset_s": offset_s, "now_s": self._simulator.now()})

    def faults(self) -> Response:
        waiting = self._simulator.faults.waiting()
        return wire.answer({"faults": [fault.model_dump() for fault in waiting]})

    def add_fault(self) -> Response:
        self._simulator.faults.plant(Fault.model_validate(_json()))
        return self.faults()

    def callbacks(self) -> Response:
        refunds = {"refund_deliveries": self._simulator.refund_callbacks.view()}
        return wire.answer(self._simulator.callbacks.view() | refunds)

    def send_callbacks(self) -> Response:
        """A late callback is promised (202); GET /callbacks tells when it was sent."""
        order = CallbackOrder.model_validate(_json())
        if order.delay_s:
            carry_out = self._simulator.callbacks.carry_out
            Thread(target=carry_out, args=(order,), daemon=True).start()
            return wire.answer({"promised": order.copies}, 202)
        sent = self._simulator.callbacks.carry_out(order)
        return wire.answer({"sent": [delivery.status for delivery in sent]})

    def plant(self) -> Response:
        order = PlantedTransaction.model_validate(_json())
        return _row(self._simulator.books.plant(**order.model_dump()), 201)

    def reverse(self) -> Response:
        order = Reversal.model_validate(_json())
        return _row(self._simulator.books.reverse(**order.model_dump()), 201)

    def alter(self) -> Response:
        order = Alteration.model_validate(_json())
        return _row(self._simulator.books.alter(**order.model_dump()))

    def forget(self) -> Response:
        order = Named.model_validate(_json())
        return _row(self._simulator.books.forget(order.xact_id))

    def charge_back(self) -> Response:
        order = Chargeback.model_validate(_json())
        return _row(self._simulator.books.charge_back(order.xact_id, on=order.on))

    def refunds(self) -> Response:
        refunds = self._simulator.books.refunds()
        return wire.answer({"refunds": [refund_view(refund) for refund in refunds]})

    def decide_refund(self, number: int) -> Response:
        order = Verdict.model_validate(_json())
        refund = self._refund(number)
        approve = order.verdict == "approve"
        if not self._simulator.books.decide_refund(number, approve=approve):
            abort(409)
        return wire.answer(refund_view(refund))

    def call_back(self, number: int) -> Response:
        order = RefundCallbackOrder.model_validate(_json())
        sent = self._simulator.refund_callbacks.send(
            self._refund(number), copies=order.copies, **order.claims
        )
        return wire.answer({"sent": [delivery.status for delivery in sent]})

    def cards(self) -> Response:
        return wire.answer({"cards": self._cards()})

    def plant_card(self) -> Response:
        order = PlantedCard.model_validate(_json())
        told = order.model_dump(exclude={"user_unique_id", "card_number"})
        number = order.card_number.get_secret_value()
        try:
            card = self._simulator.vault.plant(order.user_unique_id, number, **told)
        except ValueError:
            return wire.answer({"wrong": ["card_number"]}, 400)
        return _stored_card(card, 201)

    def delete_card(self, number: int) -> Response:
        """By another hand than card/delete."""
        return _stored_card(self._simulator.vault.take_away(number))

    def reset(self) -> Response:
        self._simulator.reset()
        return wire.answer({"reset": True})

    def _cards(self) -> list[dict[str, Any]]:
        vault = self._simulator.vault
        found = vault.cards() + vault.cards(deleted=True)
        return [stored_card_view(card) for card in found]

    def _refund(self, number: int) -> Refund:
        found = [it for it in self._simulator.books.refunds() if it.number == number]
        if not found:
            raise Unknown(f"no refund {number}")
        return found[0]


def _require_this_machine() -> None:
    if not ip_address(request.remote_addr or "0.0.0.0").is_loopback:  # noqa: S104 - nobody's address, not one to listen on
        abort(403)


def _require_json() -> None:
    # A web page cannot send this content type here without asking first (CORS).
    if request.method == "POST" and request.mimetype != "application/json":
        abort(415)


def _json() -> dict[str, Any]:
    return wire.body_of(request)


def _wrong(error: ValidationError) -> Response:
    wrong = error.errors(include_input=False, include_context=False, include_url=False)
    names = [".".join(map(str, problem["loc"])) for problem in wrong]
    return wire.answer({"wrong": names}, 400)


def _unknown(_: Unknown) -> Response:
    return wire.answer({"unknown": True}, 404)


def _stored_card(card: StoredCard, status: int = 200) -> Response:
    return wire.answer(stored_card_view(card), status)


def _row(row: Transaction, status: int = 200) -> Response:
    return wire.answer(transaction_view(row), status)
