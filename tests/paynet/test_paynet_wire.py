"""Our client against literal bytes, and the simulator against the same bytes: what one
of them alone misread would show as a difference here."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from emanet.errors import CardNotFound, EmanetError
from emanet.instalments import CardBank
from emanet.istanbul import day_of
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Outcome, Unknown
from local.paynet_simulator import PaynetSimulator
from tests.paynet import paynet_wire_table as wire
from tests.paynet.literal_paynet import (
    EXPECTED,
    HOSTED,
    IN_THREE,
    LiteralPaynet,
    ask,
    call,
    cards_at,
    gateway_to,
    open_session,
    plain_prices,
    prices,
    soon,
)
from tests.paynet.paynet_wire_table import (
    EXCHANGES,
    REFERENCE,
    Exchange,
)


@pytest.fixture
def paynet() -> Iterator[LiteralPaynet]:
    server = LiteralPaynet()
    yield server
    server.close()


# ── the table against our client ─────────────────────────────────────────────


@pytest.mark.parametrize("row", EXCHANGES, ids=str)
def test_the_client_makes_of_the_answer_what_the_table_says(
    row: Exchange, paynet: LiteralPaynet
) -> None:
    paynet.answers[row.endpoint] = [*row.answers]
    assert same(outcome_of(row, paynet.url), row.means)


@pytest.mark.parametrize("row", [row for row in EXCHANGES if row.ours], ids=str)
def test_the_client_sends_the_bytes_of_the_table(
    row: Exchange, paynet: LiteralPaynet
) -> None:
    paynet.answers[row.endpoint] = [*row.answers]
    outcome_of(row, paynet.url)
    sent = [r for r in paynet.received if r.path == row.endpoint][row.turn]
    head, body = row.request.decode().split("\r\n\r\n")
    per_connection = ("Host: ", "Content-Length: ")
    lines = [ln for ln in head.split("\r\n") if not ln.startswith(per_connection)]
    assert set(lines) <= set(sent.head)
    assert json.loads(sent.body) == json.loads(body)


def outcome_of(row: Exchange, url: str) -> object:
    try:
        return call(row.call or row.endpoint, url)
    except EmanetError as error:
        return error


def same(got: object, means: object) -> bool:
    if isinstance(means, EmanetError):
        return type(got) is type(means) and str(got) == str(means)
    if isinstance(means, NotFound):
        return isinstance(got, NotFound)
    return got == means


# ── the table against the simulator ──────────────────────────────────────────


@pytest.fixture(scope="module")
def serving() -> Iterator[tuple[PaynetSimulator, str]]:
    simulator = PaynetSimulator(
        wire.KEY, "whsec_wire", publishable_key=wire.PUBLISHABLE_KEY
    )
    with simulator.serve() as server:
        yield simulator, server.url


# Fields whose values are facts; of the others the type is.
FACTS = {
    "object_name",
    "type",
    "result_code",
    "is_succeed",
    "amount",
    "currency",
    "instalment",
    "transaction_type",
    "pos_type",
    "is_tds",
    "reference_no",
    "agent_reference",
    "reversed",
    "xact_type",
    "is_onchargeback",
    "has_more",
    "total_count",
    "starting_after",
    "tds_required",
    "total_amount",
}
# What the judge reads must be there; of the other fields PAYNET may send fewer.
NEEDED = FACTS | {
    "code",
    "message",
    "xact_id",
    "id",
    "xact_date",
    "session_id",
    "token_id",
    "post_url",
    "html_content",
    "netAmount",
    "net_amount",
    "comission",
    "comission_tax",
    "card_no",
    "card_no_masked",
    "reversed_xact_id",
    "reversed_id",
    "xact_agent_reference",
    "agent_reference_no",
    "Data",
    "data",
    "card_bin",
    "card_desc",
    "expire_month",
    "expire_year",
}
LITERAL_MESSAGES = {"Başarılı İşlem", "Önceki Başarılı İşlem"}


@pytest.mark.parametrize("row", EXCHANGES, ids=str)
def test_the_simulator_answers_what_the_table_says(
    row: Exchange, serving: tuple[PaynetSimulator, str]
) -> None:
    simulator, url = serving
    simulator.reset()
    issued = prepare(simulator, url, row)
    issued.words.update(days())
    status, told = send(url, issued.put_into(row.request))
    head, body = row.response.split(b"\r\n\r\n")
    assert status == int(head.split()[1])
    assert_alike(told, json.loads(body, parse_float=Decimal), "")


@dataclass(frozen=True)
class Issued:
    """What the simulator calls the table's session, token and transaction."""

    words: dict[str, str]

    def put_into(self, request: bytes) -> bytes:
        head, body = request.decode().split("\r\n\r\n")
        for literal, word in self.words.items():
            body = body.replace(literal, word)
        length = f"Content-Length: {len(body.encode())}"
        head = re.sub(r"Content-Length: \d+", length, head)
        return f"{head}\r\n\r\n{body}".encode()


def prepare(simulator: PaynetSimulator, url: str, row: Exchange) -> Issued:
    words = GIVEN[row.given.split(" ")[0]](simulator, url)
    if row.given.endswith("refused"):
        simulator.books.plant(REFERENCE, wire.AMOUNT_MINOR, succeeded=False)
    if row.given.endswith("twice"):
        simulator.books.plant(REFERENCE, wire.AMOUNT_MINOR)
    if row.given.startswith("type"):
        kind = int(row.given.removeprefix("type "))
        simulator.books.plant(REFERENCE, wire.AMOUNT_MINOR, transaction_type=kind)
    simulator.settings.change(row.switches)
    if row.fault:
        simulator.faults.add(path=row.endpoint, **row.fault)
    return Issued(words)


def days() -> dict[str, str]:
    """The table's days, around the simulator's today."""
    today, one = day_of(datetime.now(UTC)), timedelta(days=1)
    return {wire.FIRST_DAY: f"{today - one}", wire.LAST_DAY: f"{today + one}"}


def nothing(_simulator: PaynetSimulator, _url: str) -> dict[str, str]:
    return {}


def session(
    _simulator: PaynetSimulator,
    url: str,
    card: str = wire.PAYING_CARD,
    asked: bytes = wire.ASK_SESSION,
) -> dict[str, str]:
    opened = send(url, Issued({wire.PAYING_CARD: card}).put_into(asked))[1]
    return {wire.SESSION_ID: opened["session_id"], wire.TOKEN_ID: opened["token_id"]}


def passed(
    simulator: PaynetSimulator,
    url: str,
    card: str = wire.PAYING_CARD,
    asked: bytes = wire.ASK_SESSION,
) -> dict[str, str]:
    words = session(simulator, url, card, asked)
    simulator.books.answer_bank(simulator.books.sessions()[-1], "a")
    return words


def charged(
    simulator: PaynetSimulator, url: str, card: str = wire.PAYING_CARD
) -> dict[str, str]:
    words = passed(simulator, url, card)
    told = send(url, Issued(words).put_into(wire.ASK_CHARGE))[1]
    return words | {wire.CAPTURE.xact_id: told["xact_id"]}


def declinable(simulator: PaynetSimulator, url: str) -> dict[str, str]:
    return passed(simulator, url, wire.DECLINED_CARD)


def declined(simulator: PaynetSimulator, url: str) -> dict[str, str]:
    return charged(simulator, url, wire.DECLINED_CARD)


def reversed_(simulator: PaynetSimulator, url: str) -> dict[str, str]:
    words = charged(simulator, url)
    simulator.books.reverse(words[wire.CAPTURE.xact_id])
    return words


def parted(simulator: PaynetSimulator, url: str) -> dict[str, str]:
    return passed(simulator, url, asked=wire.ASK_IN_THREE)


def parted_charged(simulator: PaynetSimulator, url: str) -> dict[str, str]:
    words = parted(simulator, url)
    send(url, Issued(words).put_into(wire.ASK_CHARGE))
    return words


def saving(simulator: PaynetSimulator, url: str) -> dict[str, str]:
    return passed(simulator, url, asked=wire.ASK_STORING)


def saved(simulator: PaynetSimulator, url: str) -> dict[str, str]:
    words = saving(simulator, url)
    send(url, Issued(words).put_into(wire.ASK_CHARGE))
    return words


def stored(simulator: PaynetSimulator, _url: str) -> dict[str, str]:
    card = simulator.vault.plant("payer7", wire.PAYING_CARD, desc="Maaş kartı")
    return {wire.OWNER: card.card_owner_id, wire.HASH: card.card_hash}


def twelve(simulator: PaynetSimulator, _url: str) -> dict[str, str]:
    simulator.settings.card_saved_twice = "another"
    cards = [simulator.vault.plant("payer7", wire.PAYING_CARD) for _ in wire.TWELVE]
    return {wire.OWNER: cards[0].card_owner_id}


def form_open(
    _simulator: PaynetSimulator, url: str, *, tds_required: bool = True
) -> dict[str, str]:
    """What PAYNET's script does in the payer's browser."""
    key = f"Basic {wire.PUBLISHABLE_KEY}"
    auth = {"amount": wire.AMOUNT_MINOR, "domain": "https://www.emanet.example"}
    auth["tds_required"] = tds_required
    said = wire.post("/v1/paynetj/auth", json.dumps(auth), authorization=key)
    session_id = send(url, said)[1]["session_id"]
    typed = {"pan": wire.PAYING_CARD, "card_holder": "Ayşe Yılmaz", "cvc": "000"}
    token = {"session_id": session_id, "token": wire.PUBLISHABLE_KEY, "month": 12}
    token |= {"year": 2030, "instalment_key": "ji_1", "do_3ds": tds_required, **typed}
    said = wire.post("/v1/paynetj/create_token", json.dumps(token), authorization=key)
    return {
        wire.SESSION_ID: session_id,
        wire.TOKEN_ID: send(url, said)[1]["token_id"],
    }


def form(simulator: PaynetSimulator, url: str) -> dict[str, str]:
    words = form_open(simulator, url)
    simulator.books.answer_bank(simulator.books.sessions()[-1], "a")
    return words


def form_charged(simulator: PaynetSimulator, url: str) -> dict[str, str]:
    words = form(simulator, url)
    send(url, Issued(words).put_into(wire.ASK_FORM_CHARGE))
    return words


def form_without_3d(simulator: PaynetSimulator, url: str) -> dict[str, str]:
    return form_open(simulator, url, tds_required=False)


def escrowed(simulator: PaynetSimulator, _url: str) -> dict[str, str]:
    held = simulator.books.plant(REFERENCE, wire.AMOUNT_MINOR, is_escrow=True)
    return {wire.CAPTURE.xact_id: held.xact_id}


GIVEN: dict[str, Callable[[PaynetSimulator, str], dict[str, str]]] = {
    "nothing": nothing,
    "type": nothing,
    "session": session,
    "passed": passed,
    "charged": charged,
    "declinable": declinable,
    "declined": declined,
    "reversed": reversed_,
    "escrowed": escrowed,
    "parted": parted,
    "parted_charged": parted_charged,
    "saving": saving,
    "saved": saved,
    "stored": stored,
    "twelve": twelve,
    "form": form,
    "form_open": form_open,
    "form_charged": form_charged,
    "form_without_3d": form_without_3d,
}


def send(url: str, request: bytes) -> tuple[int, dict[str, Any]]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 10) as line:
        line.sendall(request)
        response = http.client.HTTPResponse(line)
        response.begin()
        told = json.loads(response.read(), parse_float=Decimal)
        return response.status, told


def assert_alike(told: Any, table: Any, where: str) -> None:
    """Nothing that the table does not have, all that is needed, equal in kind, and
    equal in value where the value is a fact."""
    assert kind_of(told) == kind_of(table), where
    if isinstance(table, dict):
        assert set(told) <= set(table), where
        assert set(table) & NEEDED <= set(told), where
        for name in told:
            assert_alike(told[name], table[name], name)
    elif isinstance(table, list):
        assert len(told) == len(table)
        for one, other in zip(told, table, strict=True):
            assert_alike(one, other, where)
    elif where in FACTS or where == "code" or table in LITERAL_MESSAGES:
        assert told == table, where


def kind_of(value: object) -> str:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


# ── both together: one payment with each of the simulator's own cards ────────


@pytest.mark.parametrize(
    ("card", "outcome", "taken_minor"),
    [
        ("4355084355084358", "approved", 130000),
        ("4000000000000010", "PYN05 İşlem onaylanmadı", 0),
        ("4000000000000028", "PYN51 Yetersiz bakiye", 0),
        ("4000000000000036", "16 3D doğrulama başarısız", 0),
        ("4000000000000044", "approved", 130000),
        ("4000000000000051", "connection_failed", 130000),
        ("4000000000000069", "connection_failed", 0),
        ("4000000000000077", "approved", 130000),
        ("4000000000000085", "approved", 130000),
        ("4000000000000093", "http_500", 0),
        ("4000000000000101", "approved", 130000),
        ("4000000000000119", "http_500", 130000),
        ("4000000000000127", "amount_differs", 130100),
        ("4000000000000135", "approved", 130000),
        ("4000000000000143", "approved", 130000),
        ("4000000000000150", "approved", 130000),
        ("4000000000000168", "approved", 130000),
    ],
)
def test_a_charge_and_the_books_of_the_simulator(
    card: str, outcome: str, taken_minor: int, serving: tuple[PaynetSimulator, str]
) -> None:
    simulator, url = serving
    simulator.reset()
    simulator.settings.slow_s = 0.1
    words = passed(simulator, url, card)
    judged = gateway_to(url).charge(
        words[wire.SESSION_ID], words[wire.TOKEN_ID], EXPECTED, soon()
    )
    assert word_of(judged) == outcome
    assert simulator.books.taken_minor(REFERENCE) == taken_minor
    asked = ask(gateway_to(url))
    assert isinstance(asked, Approved) is (taken_minor == wire.AMOUNT_MINOR)


def word_of(judged: Outcome) -> str:
    match judged:
        case Approved(capture):
            assert capture.amount_minor == wire.AMOUNT_MINOR
            return "approved"
        case Declined(word) | Unknown(word) | Doubtful(word):
            return word
        case NotFound():
            return "not found"


# ── both together: instalments, stored cards, PAYNET's own form ──────────────


@pytest.fixture
def world(
    serving: tuple[PaynetSimulator, str],
) -> tuple[PaynetSimulator, str]:
    serving[0].reset()
    return serving


@pytest.mark.parametrize(
    ("shown", "outcome"),
    [
        ("asked", "approved"),
        ("single", "instalment_differs"),
        ("absent", "approval_unclear"),
    ],
)
def test_a_payment_in_instalments_needs_their_number(
    shown: str, outcome: str, world: tuple[PaynetSimulator, str]
) -> None:
    simulator, url = world
    simulator.settings.change({"instalment_shown": shown})
    words = parted(simulator, url)
    pair = words[wire.SESSION_ID], words[wire.TOKEN_ID]
    judged = gateway_to(url).charge(*pair, IN_THREE, soon())
    assert word_of(judged) == outcome
    asked = gateway_to(url).ask(IN_THREE, soon())
    assert isinstance(asked, Approved) is (outcome == "approved")


def test_the_prices_of_instalments(world: tuple[PaynetSimulator, str]) -> None:
    _, url = world
    for asked, means in ((prices, wire.PRICES), (plain_prices, wire.PLAIN_PRICES)):
        told = asked(cards_at(url))
        assert isinstance(told, CardBank)
        assert replace(told, bank=means.bank) == means


def test_a_total_that_is_no_lira_is_no_price_of_ours(
    world: tuple[PaynetSimulator, str],
) -> None:
    """An open question of the documentation: the total could be kuruş. It would be so
    dear then that nobody offers it (instalments.DEAREST)."""
    simulator, url = world
    simulator.settings.change({"ratios_total_style": "kurus"})
    told = prices(cards_at(url))
    assert isinstance(told, CardBank)
    assert min(one.total_minor for one in told.ratios) > 2 * wire.AMOUNT_MINOR


def test_a_stored_card_from_its_payment_to_its_end(
    world: tuple[PaynetSimulator, str],
) -> None:
    simulator, url = world
    gateway, cards = gateway_to(url), cards_at(url)
    words = saving(simulator, url)
    pair = words[wire.SESSION_ID], words[wire.TOKEN_ID]
    paid = gateway.charge(*pair, EXPECTED, soon())
    assert isinstance(paid, Approved)
    owner_id = simulator.vault.owner_of("payer7")
    assert paid.card_owner_id == owner_id
    assert owner_id

    listed = cards.stored(owner_id, soon())
    assert isinstance(listed, tuple)
    [card] = listed
    assert (card.bin, card.last_four, card.name) == (wire.BIN, "4358", "Maaş kartı")
    assert (card.expiry_month, card.expiry_year) == (12, 2030)
    open_session(gateway, card=card)

    assert cards.delete(owner_id, card.card_hash, soon()) is True
    assert cards.delete(owner_id, card.card_hash, soon()) is False
    assert cards.stored(owner_id, soon()) == ()
    with pytest.raises(CardNotFound):
        open_session(gateway, card=card)


@pytest.mark.parametrize(
    ("result", "is_stored"), [("ok", True), ("refused", False), ("absent", False)]
)
def test_a_payment_stands_whatever_becomes_of_its_card(
    result: str, is_stored: bool, world: tuple[PaynetSimulator, str]
) -> None:
    simulator, url = world
    simulator.settings.change({"save_card_result": result})
    words = saving(simulator, url)
    pair = words[wire.SESSION_ID], words[wire.TOKEN_ID]
    paid = gateway_to(url).charge(*pair, EXPECTED, soon())
    assert isinstance(paid, Approved)
    assert (paid.card_owner_id is not None) is is_stored


@pytest.mark.parametrize("told", ["agent_reference_no", "absent"])
def test_a_form_is_charged_by_its_reference(
    told: str, world: tuple[PaynetSimulator, str]
) -> None:
    simulator, url = world
    simulator.settings.change({"charge_reference": told})
    words = form(simulator, url)
    pair = words[wire.SESSION_ID], words[wire.TOKEN_ID]
    assert word_of(gateway_to(url).charge(*pair, HOSTED, soon())) == "approved"
    assert simulator.books.taken_minor(REFERENCE) == wire.AMOUNT_MINOR
    assert isinstance(gateway_to(url).ask(HOSTED, soon()), Approved)


def test_a_form_for_another_amount_takes_nothing(
    world: tuple[PaynetSimulator, str],
) -> None:
    simulator, url = world
    words = form(simulator, url)
    pair = words[wire.SESSION_ID], words[wire.TOKEN_ID]
    dearer = replace(HOSTED, amount_minor=wire.AMOUNT_MINOR + 1)
    assert isinstance(gateway_to(url).charge(*pair, dearer, soon()), Declined)
    assert simulator.books.taken_minor(REFERENCE) == 0


def test_a_form_without_3d_takes_money_that_is_doubtful(
    world: tuple[PaynetSimulator, str],
) -> None:
    simulator, url = world
    words = form_without_3d(simulator, url)
    pair = words[wire.SESSION_ID], words[wire.TOKEN_ID]
    assert word_of(gateway_to(url).charge(*pair, HOSTED, soon())) == "not_3d"
    asked = gateway_to(url).ask(HOSTED, soon())
    assert isinstance(asked, Doubtful)
    assert asked.reason == "not_3d"
