"""The simulator as one object: books, switches, faults, callbacks and the web
application over them. It is the only room that knows all the others."""

import time
from collections.abc import Callable
from http import HTTPStatus
from threading import Event

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from local.paynet_simulator import control, door, memory, wire
from local.paynet_simulator.bank_page import BankPage
from local.paynet_simulator.books import Books
from local.paynet_simulator.callbacks import Callbacks
from local.paynet_simulator.card_api import CardApi
from local.paynet_simulator.faults import Faults
from local.paynet_simulator.form_api import FormApi
from local.paynet_simulator.money_out_api import MoneyOutApi
from local.paynet_simulator.paynet_api import PaynetApi
from local.paynet_simulator.refund_callbacks import RefundCallbacks
from local.paynet_simulator.serving import Server
from local.paynet_simulator.settings import Settings
from local.paynet_simulator.traffic import Traffic

PUBLISHABLE_KEY = "pbk_local"


class PaynetSimulator:
    """`with PaynetSimulator(key, secret).serve() as server: server.url`"""

    def __init__(
        self,
        secret_key: str,
        webhook_secret: str,
        clock: Callable[[], float] = time.time,
        *,
        publishable_key: str = PUBLISHABLE_KEY,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        if not secret_key.startswith("sck_"):
            raise ValueError("a secret key of PAYNET starts with sck_")
        self._clock = clock
        self._stopping = Event()
        pause = pause or self._stopping.wait
        self.settings = Settings()
        self.faults = Faults(self.settings, pause)
        self.refund_callbacks = RefundCallbacks(self.settings, pause)
        self.books = Books(self.settings, self.now, self.refund_callbacks.announce)
        self.vault = self.books.vault
        self.traffic = Traffic(self.now)
        self.callbacks = Callbacks(
            webhook_secret, self.books, self.settings, self.now, pause
        )
        key = door.Key(secret_key)
        self._api = PaynetApi(key, self.books, self.settings, self.faults)
        self._money_out = MoneyOutApi(key, self.books, self.settings)
        self._cards = CardApi(key, self.vault, self.settings)
        self._form = FormApi(door.Key(publishable_key), self.books, self.settings)

    def now(self) -> float:
        """Unix seconds of PAYNET's clock."""
        return self._clock() + self.settings.clock_offset_s

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Server:
        self._stopping.clear()
        return Server(self.application(), host, port, self._stopping.set)

    def reset(self) -> None:
        """Empty books, no faults, default switches."""
        self.books.clear()
        self.faults.clear()
        self.traffic.clear()
        self.callbacks.clear()
        self.refund_callbacks.clear()
        self.settings.restore()

    def snapshot(self) -> bytes:
        """All that PAYNET knows at this moment, but for its switches and faults."""
        return memory.remembered(self._rooms())

    def go_back(self, snapshot: bytes) -> None:
        """Knows again what it knew then, and nothing else."""
        memory.put_back(self._rooms(), snapshot)

    def _rooms(self) -> list[object]:
        rooms = [*self.books.rooms(), self.traffic]
        return [*rooms, self.callbacks, self.refund_callbacks]

    def application(self) -> Flask:
        app = Flask(__name__)
        app.before_request(self._come_in)
        app.after_request(self._bend)
        app.teardown_request(self._leave)
        app.register_error_handler(wire.Refused, wire.Refused.answer)
        app.register_error_handler(HTTPException, _plain_error)
        app.register_blueprint(self._api.blueprint())
        app.register_blueprint(self._money_out.blueprint())
        app.register_blueprint(self._cards.blueprint())
        app.register_blueprint(self._form.blueprint())
        app.register_blueprint(self._form.script_blueprint())
        app.register_blueprint(BankPage(self.books, self.settings).blueprint())
        app.register_blueprint(control.Control(self).blueprint())
        return app

    def _come_in(self) -> Response | None:
        g.fault = None
        if _by_hand() or request.method == "OPTIONS":
            return None
        g.visit = self.traffic.enter(
            request.method, request.path, request.remote_addr or ""
        )
        fault = self.faults.take(request.path)
        if fault and fault.when == "before":
            return self.faults.instead(fault)
        g.fault = fault
        return None

    def _bend(self, answer: Response) -> Response:
        fault = g.pop("fault", None)
        return self.faults.bend(fault, answer) if fault else answer

    def _leave(self, _: BaseException | None) -> None:
        visit = g.pop("visit", None)
        if visit:
            self.traffic.leave(visit)


def _by_hand() -> bool:
    return request.path == "/" or request.path.startswith(control.ROOT)


def _plain_error(error: HTTPException) -> Response:
    status = error.code or 500
    kind = {404: "404 Not Found", 500: "api_error"}.get(status, "invalid_request_error")
    code = (
        wire.SERVER_ERROR
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR
        else wire.BAD_REQUEST
    )
    return wire.Refused(status, kind, code, error.name).answer()
