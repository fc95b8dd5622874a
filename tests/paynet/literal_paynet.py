"""Both ends of a line for tests: a PAYNET that answers literal bytes, whatever it is
asked, and keeps what it heard; and our client's calls to it. It judges nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import IO, Protocol

from emanet.cards import StoredCard
from emanet.escrow import Expected
from emanet.instalments import CardBank
from emanet.outcome import Outcome, Reply, Returned, Reversal, Sale, Unknown
from emanet.paynet.books import PaynetBooks
from emanet.paynet.cards import PaynetCards
from emanet.paynet.client import PaynetGateway
from emanet.paynet.line import Line
from emanet.paynet.money_out import PaynetMoneyOut
from emanet.ports import Card, Session, SessionOrder, Storing
from tests.paynet import paynet_wire_table as wire

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
            wire.FORM_CHARGE: [wire.answer(wire.CHARGED_IN_FORM)],
            wire.RATIO: [wire.answer(wire.PRICED)],
            wire.CARD_LIST: [wire.answer(wire.cards(wire.HASH, count=1))],
            wire.CARD_DELETE: [wire.asked("", 0)],
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

EXPECTED = Expected(wire.REFERENCE, wire.AMOUNT_MINOR)
IN_THREE = replace(EXPECTED, instalments=3)
HOSTED = replace(EXPECTED, is_hosted=True)
ORDER = SessionOrder(
    EXPECTED,
    "https://api.emanet.example/api/3d/return/aaaa/1/state",
    "www.emanet.example",
)
CARD = Card("Ayşe Yılmaz", wire.PAYING_CARD, 12, 2030, "000")
STORING = Storing("Maaş kartı", "payer7")


def gateway_to(url: str, key: str = wire.KEY) -> PaynetGateway:
    return PaynetGateway(Line(url, lambda: key, now))


def now() -> datetime:
    return datetime.now(UTC)


def soon(seconds: float = 20) -> datetime:
    return now() + timedelta(seconds=seconds)


def charge(
    gateway: PaynetGateway, within_s: float = 20, expected: Expected = EXPECTED
) -> Outcome:
    deadline = soon(within_s)
    return gateway.charge(wire.SESSION_ID, wire.TOKEN_ID, expected, deadline)


def ask(
    gateway: PaynetGateway, within_s: float = 20, expected: Expected = EXPECTED
) -> Outcome:
    return gateway.ask(expected, soon(within_s))


def open_session(
    gateway: PaynetGateway,
    within_s: float = 20,
    order: SessionOrder = ORDER,
    card: Card | StoredCard = CARD,
) -> Session:
    return gateway.open_session(order, card, soon(within_s))


def open_in_three(gateway: PaynetGateway) -> Session:
    return open_session(gateway, order=replace(ORDER, expected=IN_THREE))


def open_with_stored(gateway: PaynetGateway) -> Session:
    return open_session(gateway, card=wire.STORED)


def open_storing(gateway: PaynetGateway) -> Session:
    return open_session(gateway, order=replace(ORDER, storing=STORING))


def open_storing_again(gateway: PaynetGateway) -> Session:
    storing = replace(STORING, owner_id=wire.OWNER)
    return open_session(gateway, order=replace(ORDER, storing=storing))


def charge_in_three(gateway: PaynetGateway) -> Outcome:
    return charge(gateway, expected=IN_THREE)


def charge_form(gateway: PaynetGateway, within_s: float = 20) -> Outcome:
    return charge(gateway, within_s, HOSTED)


CALLS: dict[str, Callable[[PaynetGateway], object]] = {
    wire.INITIAL: open_session,
    wire.IN_THREE: open_in_three,
    wire.WITH_STORED: open_with_stored,
    wire.STORING: open_storing,
    wire.STORING_AGAIN: open_storing_again,
    wire.CHARGE: charge,
    wire.CHARGE_IN_THREE: charge_in_three,
    wire.FORM_CHARGE: charge_form,
    wire.CHECK: ask,
    wire.DETAIL: ask,
}


def money_out_to(url: str, key: str = wire.KEY) -> PaynetMoneyOut:
    return PaynetMoneyOut(Line(url, lambda: key, now))


def books_of(url: str, key: str = wire.KEY) -> PaynetBooks:
    return PaynetBooks(Line(url, lambda: key, now))


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


def cards_at(url: str, key: str = wire.KEY) -> PaynetCards:
    return PaynetCards(Line(url, lambda: key, now))


def prices(
    cards: PaynetCards, within_s: float = 20, *, on_top: bool = True
) -> CardBank | Unknown:
    amount_minor, deadline = wire.AMOUNT_MINOR, soon(within_s)
    return cards.bank_of(wire.BIN, amount_minor, deadline, on_top=on_top)


def plain_prices(cards: PaynetCards, within_s: float = 20) -> CardBank | Unknown:
    return prices(cards, within_s, on_top=False)


def stored(
    cards: PaynetCards, within_s: float = 20
) -> tuple[StoredCard, ...] | Unknown:
    return cards.stored(wire.OWNER, soon(within_s))


def delete(cards: PaynetCards, within_s: float = 20) -> bool | Unknown:
    return cards.delete(wire.OWNER, wire.HASH, soon(within_s))


class AskingOfCards(Protocol):
    def __call__(self, cards: PaynetCards, within_s: float = 20) -> object: ...


CARD_CALLS: dict[str, AskingOfCards] = {
    wire.RATIO: prices,
    wire.NOT_ON_TOP: plain_prices,
    wire.CARD_LIST: stored,
    wire.CARD_DELETE: delete,
}


def call(name: str, url: str, key: str = wire.KEY) -> object:
    """Whichever of our adapters asks this path first, or makes the call of that
    name."""
    if name in CALLS:
        return CALLS[name](gateway_to(url, key))
    if name in ORDERS:
        return ORDERS[name](money_out_to(url, key))
    if name in CARD_CALLS:
        return CARD_CALLS[name](cards_at(url, key))
    books = books_of(url, key)
    return sales(books) if name == wire.LIST else reversals(books)
