"""Canaries (rule 11): a card number, a CVC, tokens, path states and keys are planted
through every path, with the functions' own logger at DEBUG. None of them may be found
in a log line, a metric, an item, an answer or an exception's text: not plain, not
backwards, not spaced out, and not inside URL encoding, hex or base64."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode

import boto3
import pytest

from emanet import bootstrap, entrypoint, schemas
from emanet.cards import StoredCard
from emanet.errors import EmanetError
from emanet.escrow import Capture, Expected
from emanet.paynet.client import PaynetGateway
from emanet.paynet.form import PaynetForm
from emanet.paynet.line import Line
from emanet.ports import Card, Session, SessionOrder
from emanet.usecases.complete_3d import Return
from emanet.usecases.receive_callback import OrderPath
from emanet.usecases.starting import Payment, Start
from local.paynet_simulator import browser
from tests.stage import (
    BASE_URL,
    BUYER,
    OPERATIONS,
    OWN_SECRET,
    PAYNET_KEY,
    RETURN_PAGE,
    SAVE_CARD,
    SELLER,
    WEBHOOK_SECRET,
    Answer,
    Stage,
    Started,
    payment,
)

ROOT = Path(__file__).resolve().parents[2]
NUMBER = "4532715337901245"
CVC = "9137"
STATE = "kanaryakanaryakanaryakanarya2345"
SESSION = "kanarya-session-71c0"
TOKEN = "kanarya-token-5d2e"
CARD_HASH = "kanarya-hash-93b1"
INITIAL = "/v2/transaction/tds_initial"
CHARGE = "/v2/transaction/tds_charge"
CHECK = "/v1/transaction/check"
DETAIL = "/v1/transaction/detail"
REFUND = "/v1/transaction/reversed_request"
REVERSALS = "/v1/transaction/reversal_list"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


# ── finding ──────────────────────────────────────────────────────────────────

_HEX = re.compile("(?:[0-9A-Fa-f]{2}){8,}")
_BASE64 = re.compile("[0-9A-Za-z+/_-]{12,}")
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # random digits
# Our own moments begin with 1 when they are bare numbers, cards do not.
_LIKE_A_CARD = re.compile(r"(?<![0-9A-Za-z.])[2-9](?:[ -]?\d){12,18}(?![0-9A-Za-z])")


def readings(text: str, depth: int = 2) -> Iterator[str]:
    """The text, and what is written inside it in URL encoding, hex or base64."""
    yield text
    if depth:
        inside = {unquote_plus(text), *_from_hex(text), *_from_base64(text)} - {text}
        for inner in inside:
            yield from readings(inner, depth - 1)


def _from_hex(text: str) -> Iterator[str]:
    for run in _HEX.findall(text):
        yield bytes.fromhex(run).decode("latin-1")


def _from_base64(text: str) -> Iterator[str]:
    """A run may begin anywhere inside a longer word: all four places are tried."""
    for run in _BASE64.findall(text):
        usual = run.replace("-", "+").replace("_", "/")
        for part in (usual[start:] for start in range(4)):
            whole = part[:-1] if len(part) % 4 == 1 else part
            with suppress(binascii.Error):
                yield base64.b64decode(whole + "=" * (-len(whole) % 4)).decode(
                    "latin-1"
                )


def is_in(secret: str, text: str) -> bool:
    return any(_shows(secret, reading) for reading in readings(text))


def _shows(secret: str, text: str) -> bool:
    if len(secret) <= 4:  # so short that it must stand alone to mean anything
        alone = rf"(?<![0-9A-Za-z]){secret}(?![0-9A-Za-z])"
        return re.search(alone, _UUID.sub("", text)) is not None
    closed_up, plain = (re.sub(r"[\W_]", "", known) for known in (text, secret))
    return plain in closed_up or plain[::-1] in closed_up


def cards_in(text: str) -> list[str]:
    """Everything that could be a card's number, whoever's."""
    runs = _LIKE_A_CARD.findall(_UUID.sub("", text))
    return [run for run in runs if _luhn_holds(re.sub(r"\D", "", run))]


def _luhn_holds(digits: str) -> bool:
    backwards = [int(digit) for digit in reversed(digits)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in backwards[1::2]]
    return (sum(backwards[::2]) + sum(doubled)) % 10 == 0


@pytest.mark.parametrize(
    "shown",
    [
        NUMBER,
        NUMBER[::-1],
        "4532 7153 3790 1245",
        "4532-7153-3790-1245",
        "4532.7153.3790.1245",
        " ".join(NUMBER),
        quote(f"pan={NUMBER}", safe=""),
        "".join(f"%{ord(digit):02x}" for digit in NUMBER),
        NUMBER.encode().hex(),
        base64.b64encode(NUMBER.encode()).decode(),
        base64.urlsafe_b64encode(f'{{"pan":"{NUMBER}"}}'.encode()).decode(),
        base64.b64encode(base64.b64encode(f"n={NUMBER}".encode())).decode(),
    ],
)
def test_a_number_is_found_in_every_form(shown: str) -> None:
    assert is_in(NUMBER, f'{{"message": "x{shown}x", "at": 1795464841000}}')


def test_a_card_of_anybody_is_found() -> None:
    assert cards_in(f'"{NUMBER}" and 4355-0843-5508-4358') == [
        NUMBER,
        "4355-0843-5508-4358",
    ]
    assert cards_in("453271******1245, 1795464841000, 4532715337901246") == []


# ── listening ────────────────────────────────────────────────────────────────


@dataclass
class House:
    """The stage, and everything that leaves it."""

    stage: Stage
    outlets: Callable[[], str]
    heard: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        return self.hear(self.stage.call(method, path, body, **how))

    def hear(self, answer: Answer) -> Answer:
        """Kept for the search, without what the payer's browser is meant to get."""
        told = answer.text
        if answer.status == 201 and "three_ds" in answer.body:
            told = json.dumps({**answer.body, "three_ds": None})
        self.heard += [told, json.dumps(dict(answer.headers))]
        return answer

    def initiate(self, number: str = NUMBER, **more: Any) -> Started:
        escrow_id = self.stage.create()
        body = card_body(number) | more
        if "stored_card" in more:
            del body["card"]
        answer = self.call("POST", f"/api/escrows/{escrow_id}/3d", body)
        assert answer.status == 201, answer.text
        attempt = answer.body["escrow"]["attempts"][-1]
        return Started(escrow_id, attempt["reference_no"], answer.body["three_ds"])

    def at_bank(self, started: Started) -> browser.Form:
        form = started.at_bank()
        self.tokens += [form.fields.get("token_id", TOKEN), form.action.split("/")[-1]]
        self.sessions.append(form.fields.get("session_id", SESSION))
        return form

    def come_back(self, form: browser.Form) -> Answer:
        raw = urlencode(form.fields).encode()
        path = form.action.removeprefix(BASE_URL)
        return self.call("POST", path, raw=raw, headers=FORM)

    def pay(self, number: str = NUMBER, **more: Any) -> str:
        started = self.initiate(number, **more)
        self.come_back(self.at_bank(started))
        return started.escrow_id

    def told(self) -> str:
        return "\n".join([self.outlets(), *self.heard])

    def keeps_its_secrets(self, *more: str) -> None:
        """The stored session is the only one of them that the table may know."""
        secrets = [NUMBER, CVC, TOKEN, STATE, PAYNET_KEY, WEBHOOK_SECRET, OWN_SECRET]
        secrets += [*self.tokens, *more]
        told, items = self.told(), json.dumps(self.stage.items(), default=str)
        assert told
        assert [s for s in [*secrets, SESSION, *self.sessions] if is_in(s, told)] == []
        assert [secret for secret in secrets if is_in(secret, items)] == []
        assert cards_in(told) + cards_in(items) == []


@pytest.fixture
def house(
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[House]:
    """Our logger at DEBUG, everybody else's as Lambda leaves it."""
    lines = StringIO()
    printed: list[str] = []
    handler = entrypoint.logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    usual_stream = handler.setStream(lines)
    usual_level = entrypoint.logger.log_level
    entrypoint.logger.setLevel("DEBUG")

    def outlets() -> str:
        printed.extend(capsys.readouterr())
        return "\n".join([lines.getvalue(), caplog.text, *printed])

    yield House(stage, outlets)
    entrypoint.logger.setLevel(usual_level)
    handler.setStream(usual_stream)


def card_body(number: str = NUMBER) -> dict[str, Any]:
    body = payment(number)
    body["card"] |= {"cvc": CVC, "holder": "Nermin Kanarya"}
    return body


# ── a payment's ways ─────────────────────────────────────────────────────────


def test_a_whole_story_shows_none_of_them(house: House) -> None:
    started = house.initiate()
    form = house.at_bank(started)
    for _ in range(2):
        house.come_back(form)
    own = f"/api/escrows/{started.escrow_id}"
    parcel = {"carrier": "Kargo", "tracking_number": "TR-1"}
    key = {"Idempotency-Key": "confirm-1"}
    house.call("POST", f"{own}/ship", parcel, who=SELLER)
    house.call("POST", f"{own}/deliver", {})
    assert house.call("POST", f"{own}/release", {}, headers=key).status == 200
    house.call("GET", own)
    house.call("GET", "/api/escrows")
    assert house.stage.escrow(started.escrow_id).status == "released"
    house.keeps_its_secrets()


CARDS = {
    "declined": "4000000000000010",
    "insufficient funds": "4000000000000028",
    "first answer lost": "4000000000000044",
    "every answer lost": "4000000000000051",
    "not charged, lost": "4000000000000069",
    "late answer": "4000000000000085",
    "not charged, HTTP 500": "4000000000000093",
    "charged, HTTP 500": "4000000000000119",
    "another amount": "4000000000000127",
    "no reference": "4000000000000135",
    "no amount": "4000000000000143",
    "no verdict": "4000000000000150",
}


@pytest.mark.parametrize("number", CARDS.values(), ids=CARDS.keys())
def test_a_payment_that_goes_wrong_shows_none_of_them(
    house: House, number: str
) -> None:
    house.stage.paynet.settings.slow_s = 0.1
    escrow_id = house.pay(number)
    for wait in [{"seconds": 25}, {"minutes": 16}, {"hours": 2}]:
        house.heard.append(repr(house.stage.reconcile(**wait)))
    house.call("GET", f"/api/escrows/{escrow_id}")
    house.keeps_its_secrets(number)


def test_a_refused_3d_and_an_abandoned_one_show_none_of_them(house: House) -> None:
    form = house.at_bank(house.initiate("4000000000000036"))
    house.come_back(form)
    house.initiate()
    house.stage.reconcile(minutes=31)
    house.keeps_its_secrets("4000000000000036")


ODD = ["html", "empty", "truncated", "redirect", "close", "status", "huge"]
ECHO = (
    f"rejected: pan={NUMBER} card {' '.join(NUMBER)} cvc: {CVC} "
    f"Authorization: Basic {PAYNET_KEY}"
)


# ── instalments, stored cards, PAYNET's own form ──────────────────────────────


def card_secrets(house: House) -> list[str]:
    """What PAYNET would charge by; whose they are is no secret to our own table."""
    vault = house.stage.paynet.vault
    return [card.card_hash for card in (*vault.cards(), *vault.cards(deleted=True))]


def test_a_stored_card_s_story_shows_none_of_them(house: House) -> None:
    house.pay(save_card=SAVE_CARD)
    [card] = house.call("GET", "/api/cards").body["cards"]
    escrow_id = house.stage.create()
    path = f"/api/instalments?escrow={escrow_id}&bin={card['bin']}"
    assert house.call("GET", path).status == 200
    second = house.pay(stored_card=card["card_id"])
    assert house.stage.escrow(second).status == "held"
    own = f"/api/cards/{card['card_id']}"
    assert house.call("DELETE", own).status == 204
    assert house.call("DELETE", own).status == 404
    secrets = card_secrets(house)
    assert len(secrets) == 1
    house.keeps_its_secrets(*secrets)
    owner = house.stage.paynet.vault.cards(deleted=True)[0].card_owner_id
    assert not is_in(owner, house.told())


def test_instalments_show_none_of_them(house: House) -> None:
    number = "4355084355084358"
    escrow_id = house.stage.create()
    path = f"/api/instalments?escrow={escrow_id}&bin={number[:6]}"
    offers = house.call("GET", path).body["offers"]
    body = card_body(number) | {"quote": offers[2]["quote"], "save_card": SAVE_CARD}
    answer = house.call("POST", f"/api/escrows/{escrow_id}/3d", body)
    reference = answer.body["escrow"]["attempts"][-1]["reference_no"]
    started = Started(escrow_id, reference, answer.body["three_ds"])
    house.come_back(house.at_bank(started))
    house.call("POST", f"/api/escrows/{escrow_id}/cancel", {})
    house.heard.append(repr(house.stage.reconcile(seconds=30)))
    house.keeps_its_secrets(number, *card_secrets(house))


@pytest.mark.parametrize("path", ["/v1/ratio/Get", "/v1/card/list", "/v1/card/delete"])
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_answer_about_cards_shows_none_of_them(
    house: House, kind: Any, path: str
) -> None:
    house.pay(save_card=SAVE_CARD)
    [card] = house.call("GET", "/api/cards").body["cards"]
    escrow_id = house.stage.create()
    house.stage.paynet.faults.add(kind, path, times=9)
    house.call("GET", f"/api/instalments?escrow={escrow_id}&bin={card['bin']}")
    house.call("GET", "/api/cards")
    house.call("DELETE", f"/api/cards/{card['card_id']}")
    body = {**card_body(), "stored_card": card["card_id"]}
    del body["card"]
    house.call("POST", f"/api/escrows/{escrow_id}/3d", body)
    house.keeps_its_secrets(*card_secrets(house))


@pytest.mark.parametrize("field", ["message", "card_desc", "card_no", "bank_name"])
def test_what_paynet_repeats_about_cards_is_not_logged_or_kept(
    house: House, field: str
) -> None:
    """The list is its holder's; nobody else sees it, and we keep nothing of it."""
    house.pay(save_card=SAVE_CARD)
    echo = {field: ECHO}
    for path in ("/v1/card/list", "/v1/ratio/Get", "/v1/card/delete"):
        house.stage.paynet.faults.add("rewrite", path, fields=echo, times=9)
    escrow_id = house.stage.create()
    house.stage.call("GET", "/api/cards")
    house.stage.call("GET", f"/api/instalments?escrow={escrow_id}&bin={NUMBER[:6]}")
    house.keeps_its_secrets(*card_secrets(house))


def test_paynet_s_own_form_shows_none_of_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENT_MODE", "hosted")
    monkeypatch.setenv("PAYNET_PUBLISHABLE_KEY", "pbk_local")
    bootstrap.payment_mode.cache_clear()
    escrow_id = house.stage.create()
    house.call("POST", f"/api/escrows/{escrow_id}/3d", card_body())  # refused
    wish = {"return_to": RETURN_PAGE}
    told = house.call("POST", f"/api/escrows/{escrow_id}/3d", wish).body["three_ds"]
    says = told["attributes"]
    form = browser.HostedForm(
        told["script"], says["data-key"], says["data-amount"], told["action"]
    )
    back = form.pay(browser.TypedCard(NUMBER, cvc=CVC, holder="Nermin Kanarya"))
    house.tokens += [back.fields["token_id"], back.action.rsplit("/", 1)[-1]]
    house.sessions.append(back.fields["session_id"])
    house.come_back(back)
    house.come_back(back)
    assert house.stage.escrow(escrow_id).status == "held"
    house.keeps_its_secrets()


TEXTS = [
    "message",
    "paynet_error_message",
    "bank_error_message",
    "bank_error_short_desc",
    "bank_error_long_desc",
]


# ── money on its way back ────────────────────────────────────────────────────


def refund_asked(house: House, number: str = NUMBER) -> str:
    """Paid, and taken back by the payer."""
    escrow_id = house.pay(number)
    answer = house.call("POST", f"/api/escrows/{escrow_id}/cancel", {})
    assert answer.status == 200, answer.text
    house.stage.paynet.settings.refund_callbacks = "lost"  # the test brings them
    return escrow_id


def run(house: House, **later: float) -> None:
    """The schedule's minute, through its real handler."""
    house.stage.later(**later)
    report = house.stage.invoke("ReconcileFunction", {"source": "aws.scheduler"})
    house.heard.append(repr(report))


def told_path(house: House, escrow_id: str) -> str:
    """Where PAYNET was told to call back about the escrow's refund."""
    urls = [refund.succeed_url for refund in house.stage.paynet.books.refunds()]
    [url] = [url for url in urls if escrow_id in url]
    assert url.startswith(BASE_URL)
    return url.removeprefix(BASE_URL)


def looked_at(house: House, escrow_id: str) -> None:
    """By everybody who may."""
    for who in (BUYER, SELLER, OPERATIONS):
        house.call("GET", f"/api/escrows/{escrow_id}", who=who)
        house.call("GET", f"/api/escrows/{escrow_id}/statement", who=who)
    house.call("GET", "/api/operations/queue", who=OPERATIONS)


@pytest.mark.parametrize(("code", "status"), [("0", "refunded"), ("1", "held")])
def test_a_refund_and_its_callback_show_none_of_them(
    house: House, code: str, status: str
) -> None:
    """The path's secret is known to PAYNET and to nobody else: we keep its digest."""
    escrow_id = refund_asked(house)
    house.stage.paynet.settings.refund_delay_s = 3_600
    run(house, seconds=1)
    path = told_path(house, escrow_id)
    secret = path.rpartition("/")[2]
    body = {"code": code, "xact_id": NUMBER, "pan": NUMBER, "cvc": CVC, "key": secret}
    for _ in range(2):
        assert house.call("POST", path, body).status == 200
    run(house, seconds=1)
    assert house.stage.escrow(escrow_id).status == status
    looked_at(house, escrow_id)
    assert len(secret) == 32
    house.keeps_its_secrets(secret)


def test_a_refused_callback_of_a_refund_shows_none_of_them(house: House) -> None:
    escrow_id = refund_asked(house)
    house.stage.paynet.settings.refund_delay_s = 3_600
    run(house, seconds=1)
    path = told_path(house, escrow_id)
    *_, subject, secret = path.split("/")
    kept = len(house.stage.inbox())
    other = house.stage.create()
    for wrong in (
        f"{path}x",
        path[:-1],
        path.replace(escrow_id, other),
        path.replace(escrow_id, "a" * 26),
        path.replace(escrow_id, "short"),
        path.replace(subject, secret),
        path.replace(subject, NUMBER),
    ):
        answer = house.call("POST", wrong, {"pan": NUMBER, "cvc": CVC})
        assert answer.status in {401, 404}
    large = json.dumps({"pan": NUMBER, "note": "x" * 17_000}).encode()
    assert house.call("POST", path, raw=large).status == 413
    assert len(house.stage.inbox()) == kept
    house.keeps_its_secrets(secret)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_answer_about_a_refund_shows_none_of_them(
    house: House, kind: Any, when: str
) -> None:
    for path in (REFUND, REVERSALS, DETAIL):
        house.stage.paynet.faults.add(kind, path, when=when, times=2)
    escrow_id = refund_asked(house)
    for wait in ({"seconds": 1}, {"minutes": 2}, {"minutes": 5}, {"hours": 1}):
        run(house, **wait)
    looked_at(house, escrow_id)
    house.keeps_its_secrets(*secrets_told(house))


def secrets_told(house: House) -> list[str]:
    """Of every path that PAYNET was told."""
    refunds = house.stage.paynet.books.refunds()
    return [refund.succeed_url.rpartition("/")[2] for refund in refunds]


@pytest.mark.parametrize("path", ["refund", "reversals", "detail"])
def test_what_paynet_repeats_about_a_refund_is_not_repeated_by_us(
    house: House, path: str
) -> None:
    said: dict[str, Any] = dict.fromkeys([*TEXTS, "type", "card_no"], ECHO)
    where = {"refund": REFUND, "reversals": REVERSALS, "detail": DETAIL}[path]
    more = {"code": 6} if path == "refund" else {}
    house.stage.paynet.faults.add("rewrite", where, fields=said | more, times=9)
    escrow_id = refund_asked(house)
    for wait in ({"seconds": 1}, {"minutes": 2}, {"hours": 1}):
        run(house, **wait)
    looked_at(house, escrow_id)
    house.keeps_its_secrets(*secrets_told(house))


# ── PAYNET answers oddly ─────────────────────────────────────────────────────


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_answer_of_paynet_shows_none_of_them(
    house: House, kind: Any, when: str
) -> None:
    for path in (INITIAL, CHARGE):
        house.stage.paynet.faults.add(kind, path, when=when, times=2)
    escrow_id = house.stage.create()
    path = f"/api/escrows/{escrow_id}/3d"
    for _ in range(2):
        house.call("POST", path, card_body())
    house.pay()
    house.keeps_its_secrets()


def test_a_silent_paynet_shows_none_of_them(house: House) -> None:
    for path in (INITIAL, CHARGE):
        house.stage.paynet.faults.add("hang", path, when="before", delay_s=3)
    escrow_id = house.stage.create()
    own = f"/api/escrows/{escrow_id}/3d"
    assert late(house, own, json.dumps(card_body()).encode()).status == 503
    form = house.at_bank(house.initiate())
    back = form.action.removeprefix(BASE_URL)
    assert late(house, back, urlencode(form.fields).encode()).status == 303
    house.keeps_its_secrets()


def late(house: House, path: str, raw: bytes) -> Answer:
    """A request of which half a second is left."""
    event, route = house.stage.event("POST", path, raw=raw)
    event["requestContext"]["timeEpoch"] -= 24_500
    return house.hear(house.stage.handle(route.function, event))


@pytest.mark.parametrize("code", [1, 11, 18])
def test_a_refused_card_that_paynet_repeats_is_not_repeated_by_us(
    house: House, code: int
) -> None:
    said = {
        "code": code,
        "result_code": code,
        "type": ECHO,
        **dict.fromkeys(TEXTS, ECHO),
    }
    house.stage.paynet.faults.add("rewrite", INITIAL, fields=said)
    path = f"/api/escrows/{house.stage.create()}/3d"
    answer = house.call("POST", path, card_body())
    assert (answer.status, answer.body["code"]) == (422, "payment_refused")
    house.keeps_its_secrets()


def decline(house: House, echo: str) -> None:
    """The bank's no, in words that repeat what it was sent."""
    said = {"is_succeed": False, "code": 1, **dict.fromkeys(TEXTS, echo)}
    house.stage.paynet.faults.add("rewrite", CHARGE, fields=said)


@pytest.mark.parametrize(
    "echo",
    [
        NUMBER,
        "4532 7153 3790 1245",
        "4532-7153-3790-1245",
        "4532.7153.3790.1245",
        " ".join(NUMBER),
        f"pan%3D{NUMBER}",
    ],
)
def test_a_number_in_a_decline_is_neither_kept_nor_shown(
    house: House, echo: str
) -> None:
    decline(house, f"kart {echo} red")
    escrow_id = house.pay()
    assert house.stage.escrow(escrow_id).attempts[0].status == "declined"
    house.call("GET", f"/api/escrows/{escrow_id}")
    house.keeps_its_secrets()


@pytest.mark.parametrize("echo", [f"CVC {CVC} hatali", f"Basic {PAYNET_KEY}"])
def test_a_cvc_or_key_in_a_decline_is_neither_kept_nor_shown(
    house: House, echo: str
) -> None:
    decline(house, echo)
    house.call("GET", f"/api/escrows/{house.pay()}")
    house.keeps_its_secrets()


def test_a_session_and_token_in_a_decline_are_neither_kept_nor_shown(
    house: House,
) -> None:
    started = house.initiate()
    form = house.at_bank(started)
    decline(house, json.dumps(form.fields)[:110])
    house.come_back(form)
    house.call("GET", f"/api/escrows/{started.escrow_id}")
    house.keeps_its_secrets()


@pytest.mark.parametrize("path", [CHARGE, CHECK, DETAIL])
def test_an_unmasked_card_in_paynets_books_is_masked_by_us(
    house: House, path: str
) -> None:
    card = dict.fromkeys(("card_no_masked", "card_no", "card_number"), NUMBER)
    faults = house.stage.paynet.faults
    faults.add("rewrite", path, fields={**card, "card_holder": NUMBER, "pan": NUMBER})
    started = house.initiate("4000000000000143" if path != CHARGE else NUMBER)
    house.come_back(house.at_bank(started))
    shown = house.call("GET", f"/api/escrows/{started.escrow_id}").body
    assert shown["status"] == "held"
    house.keeps_its_secrets()


# ── callers ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("where", ["number", "cvc", "expiry_month", "holder"])
def test_a_wrong_card_shows_none_of_them(house: House, where: str) -> None:
    body = card_body()
    body["card"] |= {where: [f"{NUMBER} {CVC}"]}
    path = f"/api/escrows/{house.stage.create()}/3d"
    assert house.call("POST", path, body).status == 422
    house.keeps_its_secrets()


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps({**card_body(), NUMBER: CVC}),
        json.dumps({**card_body(), "prefer": NUMBER}),
        json.dumps({**card_body(), "return_to": f"https://evil.example/{NUMBER}"}),
        json.dumps({**card_body(), "card": f"{NUMBER}|12|2030|{CVC}"}),
        json.dumps(card_body())[:-1],
        f"card={NUMBER}&cvc={CVC}",
        json.dumps(card_body()) + " " * 17_000,
    ],
)
def test_a_wrong_request_shows_none_of_them(house: House, raw: str) -> None:
    path = f"/api/escrows/{house.stage.create()}/3d"
    headers = {"Accept-Language": NUMBER, "Idempotency-Key": NUMBER}
    answer = house.call("POST", path, raw=raw.encode(), headers=headers)
    assert 400 <= answer.status < 500
    house.keeps_its_secrets()


def test_a_number_in_the_path_shows_none_of_them(house: House) -> None:
    for id_ in (NUMBER, f'{NUMBER}"'):
        assert house.call("GET", f"/api/escrows/{id_}").status == 404
    house.keeps_its_secrets()


@pytest.mark.parametrize(
    "raw",
    [
        f"session_id={SESSION}&token_id={TOKEN}&pan={NUMBER}&cvc={CVC}",
        f"session_id={NUMBER}&token_id={CVC}",
        json.dumps({"session_id": SESSION, "token_id": TOKEN, "pan": NUMBER}),
        f'{{"session_id": "\\ud800{SESSION}", "token_id": "{TOKEN}"}}',
        f"session_id={SESSION}&session_id={TOKEN}",
        "x" * 40_000 + NUMBER,
    ],
)
def test_a_return_with_an_odd_body_shows_none_of_them(house: House, raw: str) -> None:
    form = house.at_bank(house.initiate())
    path = form.action.removeprefix(BASE_URL)
    headers = {**FORM, "Referer": form.action}
    how: dict[str, Any] = {"raw": raw.encode(), "headers": headers}
    for way in (
        path,
        f"{path}?token_id={TOKEN}",
        path.replace(form.action[-32:], STATE),
    ):
        assert house.call("POST", way, **how).status == 303
    house.keeps_its_secrets()


def test_a_callback_with_card_fields_is_kept_without_them(house: House) -> None:
    claims: dict[str, Any] = {"card_number": NUMBER, "pan": NUMBER, "cvc": CVC}
    claims |= {"card": {"no": NUMBER}, "card_holder": NUMBER}
    claims |= {"token_id": TOKEN, "session_id": SESSION, "secret_key": PAYNET_KEY}
    answer = house.stage.callback("x", **claims)
    assert house.hear(answer).status == 200
    house.stage.reconcile(minutes=5)
    house.keeps_its_secrets()


@pytest.mark.parametrize(
    "name", ["xact_id", "status", "code", "amount", "currency", "instalment"]
)
def test_a_number_in_a_field_that_is_kept_is_masked(house: House, name: str) -> None:
    for reference, number in (("x", NUMBER), ("y", int(NUMBER))):
        claims: dict[str, Any] = {name: number}
        house.hear(house.stage.callback(reference, **claims))
    assert len(house.stage.inbox()) == 2
    house.keeps_its_secrets()


def test_a_number_for_a_reference_is_masked(house: House) -> None:
    house.hear(house.stage.callback(NUMBER))
    house.keeps_its_secrets()


def test_a_refused_callback_shows_none_of_them(house: House) -> None:
    house.hear(house.stage.callback("x", secret="guessed", pan=NUMBER, cvc=CVC))
    house.hear(house.stage.callback("x", source_ip="192.0.2.1", pan=NUMBER))
    headers = {"x-paynet-timestamp": NUMBER, "x-paynet-signature": WEBHOOK_SECRET}
    house.call(
        "POST", "/api/webhooks/paynet-callback", {"pan": NUMBER}, headers=headers
    )
    assert house.stage.inbox() == []
    assert '"CallbackRefused"' in house.outlets()  # metrics are listened to as well
    house.keeps_its_secrets()


# ── secrets and bugs ─────────────────────────────────────────────────────────

BAD_SECRETS = [
    PAYNET_KEY,
    f'{{"secret_key": "{PAYNET_KEY}"',
    f'["{PAYNET_KEY}"]',
    f'{{"key": "{PAYNET_KEY}", "old": "{WEBHOOK_SECRET}"}}',
    f'{{"secret_key": "{PAYNET_KEY}\\u015f", "current": ""}}',
    f'{{"secret_key": {{"value": "{PAYNET_KEY}"}}, "current": null}}',
]


def keep_instead(secret_id: str, text: str) -> None:
    with_secrets = boto3.client("secretsmanager")
    with_secrets.put_secret_value(SecretId=secret_id, SecretString=text)
    with_secrets.close()


@pytest.mark.parametrize("text", BAD_SECRETS)
def test_an_unreadable_secret_of_paynet_is_not_shown(house: House, text: str) -> None:
    form = house.at_bank(house.initiate())
    bootstrap.gateway.cache_clear()
    bootstrap._secret_store.cache_clear()  # noqa: SLF001 - as if five minutes had passed
    keep_instead("PaynetSecret", text)
    path = f"/api/escrows/{house.stage.create()}/3d"
    answer = house.call("POST", path, card_body())
    assert (answer.status, answer.body["code"]) == (503, "secret_unavailable")
    assert house.come_back(form).status == 303
    house.keeps_its_secrets()


@pytest.mark.parametrize(
    "text", [WEBHOOK_SECRET, f'["{WEBHOOK_SECRET}"]', f'{{"now": "{WEBHOOK_SECRET}"}}']
)
def test_an_unreadable_secret_of_callbacks_is_not_shown(
    house: House, text: str
) -> None:
    keep_instead("WebhookSecret", text)
    answer = house.hear(house.stage.callback("x", pan=NUMBER))
    assert (answer.status, answer.body["code"]) == (503, "secret_unavailable")
    house.keeps_its_secrets()


def test_a_secret_store_that_is_gone_shows_none_of_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    path = f"/api/escrows/{house.stage.create()}/3d"
    assert house.call("POST", path, card_body()).status == 503
    assert house.hear(house.stage.callback("x", pan=NUMBER)).status == 503
    house.keeps_its_secrets()


def test_a_bug_is_logged_by_its_kind_and_place_only(house: House) -> None:
    """An item that nobody could have written fails wherever it is read; what it fails
    on must not be quoted."""
    escrow_id = house.stage.create()
    item = house.stage.item(escrow_id)
    assert item
    house.stage.dynamodb.put_item(
        TableName=house.stage.environment["TABLE_NAME"],
        Item={**item, "amount_minor": {"S": "quoted-by-the-error"}},
    )
    answer = house.call("GET", f"/api/escrows/{escrow_id}")
    assert (answer.status, answer.body["code"]) == (500, "internal_error")
    form = browser.Form(f"{BASE_URL}/api/3d/return/{escrow_id}/1/{STATE}", {"a": "b"})
    assert house.come_back(form).status == 303
    assert '"error":"UnreadableItem"' in house.outlets()
    assert not is_in("quoted-by-the-error", house.told())


def test_a_refusal_is_one_line_of_our_own_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/api/escrows/short", f"/api/escrows/{'a' * 26}"):
        house.call("GET", path)
    house.call("POST", f"/api/escrows/{house.stage.create()}/3d", {})
    assert {record.name for record in caplog.records} == {entrypoint.logger.name}
    assert [record.getMessage() for record in caplog.records] == ["refused"] * 3


# ── exceptions, and what values say of themselves ────────────────────────────


def said_by(error: BaseException) -> str:
    """The whole chain: what a traceback prints, and what each link carries."""
    text = ["".join(traceback.format_exception(error))]
    link: BaseException | None = error
    while link:
        text += [repr(link), str(link), repr(vars(link))]
        link = link.__cause__ or link.__context__
    return "\n".join(text)


def silent(text: str, *more: str) -> None:
    secrets = [NUMBER, CVC, STATE, SESSION, TOKEN, PAYNET_KEY, *more]
    assert [secret for secret in secrets if is_in(secret, text)] == []
    assert cards_in(text) == []


THE_CARD = Card("Nermin Kanarya", NUMBER, 12, 2030, CVC)
THE_ORDER = SessionOrder(
    Expected("x-1-abcdef", 130_000),
    f"{BASE_URL}/api/3d/return/x/1/{STATE}",
    "shop.example",
)


@pytest.mark.parametrize("kind", [*ODD, "content_type", "echo"])
def test_an_exception_of_the_gateway_carries_none_of_them(
    stage: Stage, kind: Any
) -> None:
    echo: dict[str, Any] = {"code": 18, "message": ECHO, "type": ECHO, "session_id": ""}
    if kind == "echo":
        stage.paynet.faults.add("rewrite", INITIAL, fields=echo)
    else:
        stage.paynet.faults.add(kind, INITIAL, when="before")
    deadline = stage.clock() + timedelta(seconds=5)
    with pytest.raises(EmanetError) as caught:
        stage.gateway.open_session(THE_ORDER, THE_CARD, deadline)
    silent(said_by(caught.value))


@pytest.mark.parametrize("key", [f"{PAYNET_KEY}\n{CVC}", f"{PAYNET_KEY}ş", ""])
def test_a_key_that_no_header_carries_is_not_in_the_exception(
    stage: Stage, key: str
) -> None:
    gateway = PaynetGateway(Line(stage.paynet_url, lambda: key, stage.clock))
    deadline = stage.clock() + timedelta(seconds=5)
    with pytest.raises(EmanetError) as caught:
        gateway.charge(SESSION, TOKEN, Expected("x", 1), deadline)
    silent(said_by(caught.value))


@pytest.mark.parametrize("kind", ODD)
def test_an_outcome_of_the_gateway_carries_none_of_them(
    stage: Stage, kind: Any
) -> None:
    stage.paynet.faults.add(kind, CHARGE, when="before", times=2)
    deadline = stage.clock() + timedelta(seconds=5)
    outcome = stage.gateway.charge(SESSION, TOKEN, Expected("x", 1), deadline)
    silent(repr(outcome))


CAPTURE = Capture("xact-1", 130_000, datetime(2026, 11, 23, tzinfo=UTC))


@pytest.mark.parametrize("kind", [*ODD, "content_type", "echo"])
def test_an_answer_about_money_out_carries_none_of_them(
    stage: Stage, kind: Any
) -> None:
    said = {"code": 6, **dict.fromkeys([*TEXTS, "type"], ECHO)}
    for path in (REFUND, REVERSALS, DETAIL, "/v1/transaction/escrow_status_update"):
        if kind == "echo":
            stage.paynet.faults.add("rewrite", path, fields=said, times=None)
        else:
            stage.paynet.faults.add(kind, path, when="before", times=None)
    deadline = stage.clock() + timedelta(seconds=9)
    out, url = stage.money_out, f"{BASE_URL}/api/webhooks/paynet-callback/x/y/{STATE}"
    silent(repr(out.refund(CAPTURE, 130_000, url, deadline)))
    silent(repr(out.returned(CAPTURE, deadline)))
    silent(repr(out.approve(CAPTURE, "dealer", deadline)))


def test_an_exception_of_the_border_carries_none_of_them() -> None:
    body = card_body()
    body["card"] |= {"cvc": f"{CVC}x", NUMBER: CVC}
    raw = json.dumps(body).encode()
    for sent in (raw, raw[:-1], raw.replace(b'"12"', b"12")):
        with pytest.raises(EmanetError) as caught:
            schemas.parse(schemas.InitiateBody, sent, bootstrap.clock().date())
        silent(said_by(caught.value))


VALUES = [
    THE_CARD,
    THE_ORDER,
    Session(SESSION, f"https://bank.example/?token_id={TOKEN}", f"<form {TOKEN}>"),
    Return("x", 1, STATE, SESSION, TOKEN),
    OrderPath("x", "subject", STATE),
    Start("x", RETURN_PAGE, BASE_URL),
    Payment(THE_CARD),
    StoredCard(CARD_HASH, NUMBER[:6], NUMBER[-4:], 12, 2030),
    PaynetForm("https://p.example/x.js", "pbk_1").form(THE_ORDER),
    schemas.parse(
        schemas.InitiateBody,
        json.dumps(card_body()).encode(),
        bootstrap.clock().date(),
    ),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_that_carries_a_secret_does_not_show_it(value: object) -> None:
    silent(f"{value!r} {value}", CARD_HASH)


# ── what DEBUG switches on ───────────────────────────────────────────────────


def test_debug_makes_nobody_talk_but_us() -> None:
    """In a process of its own, as Lambda starts one: the setting reaches our logger
    and leaves those of boto, urllib3 and Powertools, which quote bodies, alone."""
    functions = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
    program = (
        "import importlib, logging\n"
        f"for name in {functions}: importlib.import_module(f'functions.{{name}}.app')\n"
        "names = [n for n in logging.root.manager.loggerDict\n"
        "    if logging.getLogger(n).isEnabledFor(logging.DEBUG)]\n"
        "print(*sorted({n.partition('.')[0] for n in names}))"
    )
    layer = ROOT / "layers" / "emanet" / "python"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={
            "PYTHONPATH": f"{ROOT}:{layer}",
            "POWERTOOLS_LOG_LEVEL": "DEBUG",
            "POWERTOOLS_SERVICE_NAME": "emanet",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["emanet"]


def test_nobody_tells_a_secret_even_if_everybody_talks(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Lambda's own log level, unlike ours, reaches every library's logger."""
    with caplog.at_level(logging.DEBUG):
        started = house.initiate()
    form = house.at_bank(started)
    with caplog.at_level(logging.DEBUG):
        house.come_back(form)
        house.hear(house.stage.callback("x", pan=NUMBER))
    secrets = [NUMBER, CVC, PAYNET_KEY, WEBHOOK_SECRET, *house.tokens]
    telling = {
        record.name
        for record in caplog.records
        for secret in secrets
        if is_in(secret, record.getMessage())
    }
    assert telling == set()
