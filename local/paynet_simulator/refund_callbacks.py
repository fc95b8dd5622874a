"""What PAYNET posts to a refund's succeedUrl once it is decided: sent, lost, twice or
late, always beside the call that decided it. Unsigned, as PAYNET documents it: the URL
is the secret and is shown nowhere."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Lock, Thread
from typing import Any

from local.paynet_simulator import posting, wire
from local.paynet_simulator.refunds import Refund, RefundState
from local.paynet_simulator.settings import Settings
from local.paynet_simulator.wire import Body


@dataclass(frozen=True)
class RefundDelivery:
    """One callback that was tried; `status` is None when nobody answered."""

    refund: int
    status: int | None


class RefundCallbacks:
    """`pause` answers true when the simulator ends: then nothing more is sent."""

    def __init__(self, settings: Settings, pause: Callable[[float], object]) -> None:
        self._settings = settings
        self._pause = pause
        self._lock = Lock()
        self._under_way: list[Thread] = []
        self._deliveries: list[RefundDelivery] = []

    def announce(self, refund: Refund) -> None:
        """In the background; whoever decides a refund never waits for it."""
        how = self._settings.refund_callbacks
        if not refund.succeed_url or how == "lost":
            return
        delay_s = self._settings.refund_callback_delay_s if how == "late" else 0
        copies = 2 if how == "duplicate" else 1
        order = (refund, self._body(refund), copies, delay_s)
        thread = Thread(target=self._send_later, args=order, daemon=True)
        with self._lock:
            self._under_way = [one for one in self._under_way if one.is_alive()]
            self._under_way.append(thread)
            thread.start()

    def send(
        self, refund: Refund, *, copies: int = 1, **claims: Any
    ) -> list[RefundDelivery]:
        """Now, by hand; `claims` overwrites fields: a callback may claim anything."""
        return self._send(refund, self._body(refund) | claims, copies)

    def finish(self, timeout_s: float = 10) -> bool:
        """Waits until all that was announced is sent; False when it took too long."""
        end_s = time.monotonic() + timeout_s
        for thread in self._threads():
            thread.join(max(0, end_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads())

    def view(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(one) for one in self._deliveries]

    def clear(self) -> None:
        with self._lock:
            self._deliveries.clear()

    def _threads(self) -> list[Thread]:
        with self._lock:
            return list(self._under_way)

    def _send_later(
        self, refund: Refund, body: Body, copies: int, delay_s: float
    ) -> None:
        if not self._pause(delay_s):
            self._send(refund, body, copies)

    def _send(self, refund: Refund, body: Body, copies: int) -> list[RefundDelivery]:
        text = wire.dumps(body).encode()
        sent = [
            RefundDelivery(refund.number, posting.post(refund.succeed_url, text, {}))
            for _ in range(copies)
        ]
        with self._lock:
            self._deliveries += sent
        return sent

    def _body(self, refund: Refund) -> Body:
        approved = refund.state is RefundState.APPROVED
        of_reversal = approved and self._settings.refund_callback_xact_id == "reversal"
        return {
            "xact_id": refund.reversal_xact_id if of_reversal else refund.sale.xact_id,
            "code": "0" if approved else "1",
            "status": "Onaylandı" if approved else "Onaylanmadı",
            "message": "İade onaylandı" if approved else "İade onaylanmadı",
        }
