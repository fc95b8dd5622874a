"""Callbacks on demand: signed, from a chosen address, duplicated, late, lost or forged.
PAYNET documents no signature; this is the contract that Emanet asks for, written here a
second time on purpose."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress

from local.paynet_simulator import answers, posting, wire
from local.paynet_simulator.books import Books
from local.paynet_simulator.records import Session, Transaction
from local.paynet_simulator.settings import Settings

OLD_S = 3600

Forgery = Literal["wrong_secret", "altered_body", "old_timestamp", "unsigned"]


class CallbackOrder(BaseModel):
    """`claims` overwrites fields of the body: a callback may claim anything."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(pattern=r"^https?://\S+$")
    reference_no: str
    claims: dict[str, Any] = {}
    source_address: IPvAnyAddress | None = None
    copies: int = Field(default=1, ge=1, le=100)
    delay_s: float = Field(default=0, ge=0)
    lost: bool = False
    forged: Forgery | None = None


@dataclass(frozen=True)
class Delivery:
    """One callback that was tried; `status` is None when nobody answered."""

    reference_no: str
    status: int | None


class Callbacks:
    def __init__(
        self,
        secret: str,
        books: Books,
        settings: Settings,
        now: Callable[[], float],
        pause: Callable[[float], object],
    ) -> None:
        self._secret = secret
        self._books = books
        self._settings = settings
        self._now = now
        self._pause = pause
        self._lock = Lock()
        self._deliveries: list[Delivery] = []

    def send(self, url: str, reference_no: str, **details: Any) -> list[Delivery]:
        order = CallbackOrder(url=url, reference_no=reference_no, **details)
        return self.carry_out(order)

    def carry_out(self, order: CallbackOrder) -> list[Delivery]:
        """Every copy of the body is the same to the byte, as a repeat would be."""
        body = wire.dumps(self._body(order)).encode()
        self._pause(order.delay_s)
        copies = 0 if order.lost else order.copies
        sent = [self._deliver(order, body) for _ in range(copies)]
        with self._lock:
            self._deliveries += sent
        return sent

    def view(self) -> dict[str, Any]:
        with self._lock:
            return {"deliveries": [asdict(one) for one in self._deliveries]}

    def clear(self) -> None:
        with self._lock:
            self._deliveries.clear()

    def _deliver(self, order: CallbackOrder, body: bytes) -> Delivery:
        headers = self._signature(order.forged, body)
        if order.forged == "altered_body":
            body = body.replace(b"{", b"{ ", 1)
        source = str(order.source_address) if order.source_address else None
        status = posting.post(order.url, body, headers, source)
        return Delivery(order.reference_no, status)

    def _signature(self, forged: Forgery | None, body: bytes) -> dict[str, str]:
        if forged == "unsigned":
            return {}
        secret = self._secret + ("x" if forged == "wrong_secret" else "")
        at_s = int(self._now()) - (OLD_S if forged == "old_timestamp" else 0)
        return {
            "x-paynet-timestamp": str(at_s),
            "x-paynet-signature": signature(secret, at_s, body),
        }

    def _body(self, order: CallbackOrder) -> wire.Body:
        booked = self._books.find(reference_no=order.reference_no)
        opened = self._books.sessions(order.reference_no)
        if booked:
            row = booked[-1]
        else:
            row = _hoped_for(order.reference_no, opened, self._now())
        return answers.notification(self._settings, row) | order.claims


def signature(secret: str, at_s: int, body: bytes) -> str:
    signed = str(at_s).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _hoped_for(reference_no: str, opened: list[Session], at_s: float) -> Transaction:
    """What a callback tells of a payment that nobody has booked."""
    payment = opened[-1].payment if opened else None
    return Transaction(
        number=700_000,
        xact_id="",
        reference_no=reference_no,
        amount_minor=payment.amount_minor if payment else 0,
        succeeded=True,
        at_s=at_s,
        card_masked=payment.card_masked if payment else "",
        card_holder=payment.card_holder if payment else "",
    )
