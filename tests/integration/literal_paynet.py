"""Both ends of a line for tests: a PAYNET that answers literal bytes, whatever it is
asked, and keeps what it heard; and our client's calls to it. It judges nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import IO, Protocol

from emanet.outcome import Outcome, Reply, Returned, Reversal, Sale, Unknown
from emanet.paynet.books import PaynetBooks
from emanet.paynet.client import PaynetGateway
from emanet.paynet.money_out import PaynetMoneyOut
from emanet.ports import Card, Session, SessionOrder
from tests.integration import paynet_wire_table as wire

Answering = Callable[[socket.socket], None]
"""Answers on this connection; it is closed afterwards if an OSError is raised."""


@dataclass(frozen=True)
class Received:
    connection: int
    head: tuple[str, ...]
    body: bytes

    @property
    def path(self) -> str:
        return self.head[0].split(" ")[1]


class LiteralPaynet:
    """Answers each path with the next of its answers, the last one again and again."""

    def __init__(self) -> None:
        self.answers: dict[str, list[bytes | Answering]] = {
            wire.INITIAL: [wire.answer(wire.SESSION)],
            wire.CHARGE: [wire.answer(wire.CHARGED)],
            wire.CHECK: [wire.answer(wire.CHECKED)],
            wire.DETAIL: [wire.answer(wire.DETAILED)],
            wire.REFUND: [wire.asked_back(0)],
            wire.ESCROW: [wire.asked("", 0)],
            wire.LIST: [wire.answer(wire.LISTED)],
            wire.REVERSALS: [wire.answer(wire.GONE_BACK)],
        }
        self.received: list[Received] = []
        self.over = threading.Event()
        self._connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.received)

    def close(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections += 1
                threading.Thread(
                    target=self._serve,
                    args=(connection, self._connections),
                    daemon=True,
                ).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with (
            connection,
            contextlib.suppress(OSError),
            connection.makefile("rb") as lines,
        ):
            while request := _read_request(lines, number):
                self.received.append(request)
                answers = self.answers[request.path]
                now = answers.pop(0) if len(answers) > 1 else answers[0]
                if callable(now):
                    now(connection)
                else:
                    connection.sendall(now)


def _read_request(lines: IO[bytes], number: int) -> Received | None:
    head: list[str] = []
    while (line := lines.readline().decode().rstrip("\r\n")) != "":
        head.append(line)
    if not head:
        return None
    length = next(int(h.split(": ")[1]) for h in head if h.startswith("Content-Length"))
    return Received(number, tuple(head), lines.read(length))


def closes(_connection: socket.socket) -> None:
    raise OSError


def closes_after(head_and_body: bytes) -> Answering:
    def send(connection: socket.socket) -> None:
        connection.sendall(head_and_body)
        raise OSError

    return send


# ── our end ──────────────────────────────────────────────────────────────────

ORDER = SessionOrder(
    wire.REFERENCE,
    wire.AMOUNT_MINOR,
    "https://api.emanet.example/api/3d/return/aaaa/1/state",
    "www.emanet.example",
)
CARD = Card("Ayşe Yılmaz", wire.PAYING_CARD, 12, 2030, "000")


def gateway_to(url: str, key: str = wire.KEY) -> PaynetGateway:
    return PaynetGateway(url, lambda: key, now)


def now() -> datetime:
    return datetime.now(UTC)


def soon(seconds: float = 20) -> datetime:
    return now() + timedelta(seconds=seconds)


def charge(gateway: PaynetGateway, within_s: float = 20) -> Outcome:
    return gateway.charge(
        wire.SESSION_ID,
        wire.TOKEN_ID,
        reference_no=wire.REFERENCE,
        expected_minor=wire.AMOUNT_MINOR,
        deadline=soon(within_s),
    )


def ask(gateway: PaynetGateway, within_s: float = 20) -> Outcome:
    return gateway.ask(wire.REFERENCE, wire.AMOUNT_MINOR, soon(within_s))


def open_session(gateway: PaynetGateway, within_s: float = 20) -> Session:
    return gateway.open_session(ORDER, CARD, soon(within_s))


CALLS: dict[str, Callable[[PaynetGateway], object]] = {
    wire.INITIAL: open_session,
    wire.CHARGE: charge,
    wire.CHECK: ask,
    wire.DETAIL: ask,
}


def money_out_to(url: str, key: str = wire.KEY) -> PaynetMoneyOut:
    return PaynetMoneyOut(url, lambda: key, now)


def books_of(url: str, key: str = wire.KEY) -> PaynetBooks:
    return PaynetBooks(url, lambda: key, now)


def refund(paynet: PaynetMoneyOut, within_s: float = 20) -> Reply:
    amount_minor, url = wire.AMOUNT_MINOR, wire.CALLBACK_URL
    return paynet.refund(wire.CAPTURE, amount_minor, url, soon(within_s))


def approve(paynet: PaynetMoneyOut, within_s: float = 20) -> Reply:
    return paynet.approve(wire.CAPTURE, wire.DEALER, soon(within_s))


def returned(paynet: PaynetMoneyOut, within_s: float = 20) -> Returned | Unknown:
    return paynet.returned(wire.CAPTURE, soon(within_s))


def sales(books: PaynetBooks, within_s: float = 20) -> tuple[Sale, ...] | Unknown:
    return books.sales(*DAYS, soon(within_s))


def reversals(
    books: PaynetBooks, within_s: float = 20
) -> tuple[Reversal, ...] | Unknown:
    return books.reversals(*DAYS, soon(within_s))


DAYS = date.fromisoformat(wire.FIRST_DAY), date.fromisoformat(wire.LAST_DAY)


class Ordering(Protocol):
    def __call__(self, paynet: PaynetMoneyOut, within_s: float = 20) -> Reply: ...


ORDERS: dict[str, Ordering] = {
    wire.REFUND: refund,
    wire.ESCROW: approve,
}


def call(path: str, url: str, key: str = wire.KEY) -> object:
    """Whichever of our adapters asks this path first."""
    if path in CALLS:
        return CALLS[path](gateway_to(url, key))
    if path in ORDERS:
        return ORDERS[path](money_out_to(url, key))
    books = books_of(url, key)
    return sales(books) if path == wire.LIST else reversals(books)
