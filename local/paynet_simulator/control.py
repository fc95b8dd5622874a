"""The hands of a test or a person on the simulator: /_simulator/... as JSON, from this
machine only. PAYNET has nothing like it."""

from ipaddress import ip_address
from threading import Thread
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, render_template, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.paynet_simulator import cards, wire
from local.paynet_simulator.books import transaction_view
from local.paynet_simulator.callbacks import CallbackOrder
from local.paynet_simulator.faults import Fault

if TYPE_CHECKING:
    from local.paynet_simulator.simulator import PaynetSimulator

ROOT = "/_simulator"


class PlantedTransaction(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reference_no: str
    amount_minor: int = Field(gt=0)
    succeeded: bool = True
    transaction_type: int = 1


class Control:
    def __init__(self, simulator: "PaynetSimulator") -> None:
        self._simulator = simulator

    def blueprint(self) -> Blueprint:
        routes = Blueprint("control", __name__)
        routes.before_request(_require_this_machine)
        routes.before_request(_require_json)
        routes.register_error_handler(ValidationError, _wrong)
        routes.add_url_rule("/", view_func=self.front_page)
        for method, path, call in (
            ("GET", "/books", self.books),
            ("GET", "/books/<reference_no>", self.books),
            ("GET", "/requests", self.requests),
            ("GET", "/settings", self.settings),
            ("POST", "/settings", self.change_settings),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_fault),
            ("GET", "/callbacks", self.callbacks),
            ("POST", "/callbacks", self.send_callbacks),
            ("POST", "/transactions", self.plant),
            ("POST", "/reversals", self.reverse),
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
            lira=lambda minor: wire.lira(minor, "comma"),
        )

    def books(self, reference_no: str | None = None) -> Response:
        return wire.answer(self._simulator.books.view(reference_no))

    def requests(self) -> Response:
        return wire.answer(self._simulator.traffic.view())

    def settings(self) -> Response:
        return wire.answer(self._simulator.settings.model_dump())

    def change_settings(self) -> Response:
        self._simulator.settings.change(_json())
        return self.settings()

    def faults(self) -> Response:
        waiting = self._simulator.faults.waiting()
        return wire.answer({"faults": [fault.model_dump() for fault in waiting]})

    def add_fault(self) -> Response:
        self._simulator.faults.plant(Fault.model_validate(_json()))
        return self.faults()

    def callbacks(self) -> Response:
        return wire.answer(self._simulator.callbacks.view())

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
        planted = PlantedTransaction.model_validate(_json())
        row = self._simulator.books.plant(**planted.model_dump())
        return wire.answer(transaction_view(row), 201)

    def reverse(self) -> Response:
        xact_id = str(_json().get("xact_id"))
        if not self._simulator.books.find(xact_id=xact_id):
            abort(404)
        return wire.answer(
            transaction_view(self._simulator.books.reverse(xact_id)), 201
        )

    def reset(self) -> Response:
        self._simulator.reset()
        return wire.answer({"reset": True})


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
