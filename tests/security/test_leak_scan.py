"""No secret leaves the house: every flow of the simulation is played with canaries and
all loggers at DEBUG, as it goes and with something going wrong at sampled effects;
whatever was said, kept, answered or thrown is searched. The search is proved by
planting."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from emanet import entrypoint, problems
from emanet.errors import EscrowNotFound, SecretUnavailable
from tests.security.leak_scan import scan
from tests.security.leaks import (
    ALLOWED,
    ANSWER,
    BROWSER,
    CVC,
    ERROR,
    LOG,
    NUMBER,
    OUTPUT,
    STANDING,
    TABLE,
    Canary,
    Ears,
    cards_in,
    found,
    listening,
    said_by,
)
from tests.simulation import tally
from tests.simulation.flows import FLOWS
from tests.simulation.world import World
from tests.stage import GOOD_CARD, PAYNET_KEY, payment

STRUCK = FLOWS[::5]
ECHO = f"red: {NUMBER} {' '.join(NUMBER)} cvc: {CVC} Basic {PAYNET_KEY}"

# ── every flow, as it goes and with faults ───────────────────────────────────


def nothing_leaked(counts: dict[str, int], findings: list[str]) -> None:
    tally.record("leak scan", **counts)
    assert findings == []


def test_no_flow_shows_a_secret_as_it_goes() -> None:
    nothing_leaked(*scan([flow for flow in FLOWS if flow not in STRUCK], 0))


def test_no_flow_shows_a_secret_when_something_goes_wrong() -> None:
    nothing_leaked(*scan(STRUCK, 1))


@pytest.mark.parametrize("name", ["pay", "the bank declines", "refund"])
def test_what_paynet_repeats_is_not_repeated_by_us(name: str) -> None:
    flows = [flow for flow in FLOWS if flow.name == name]
    assert len(flows) == 1
    nothing_leaked(*scan(flows, 2, echo=ECHO))


# ── the search, proved by planting ───────────────────────────────────────────

WRITINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "inside words": lambda value: f"a{value}z" if len(value) > 4 else f"({value})",
    "backwards": lambda value: value[::-1],
    "spaced": " ".join,
    "dashed": "-".join,
    "one a line": "\n".join,
    "one a line, escaped": lambda value: json.dumps("\n".join(value)),
    "url": lambda value: quote(value, safe=""),
    "url twice": lambda value: quote(quote(value, safe=""), safe=""),
    "every byte url": lambda value: "".join(f"%{ord(char):02x}" for char in value),
    "every byte url, twice": lambda value: "".join(
        f"%25{ord(char):02X}" for char in value
    ),
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
    "json": json.dumps,
    "json in json": lambda value: json.dumps(json.dumps({"a": value})),
    "json's escapes": lambda value: "".join(f"\\u{ord(char):04x}" for char in value),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 for urls": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
}
INSIDE = {
    f"base64 behind {before!r}": lambda value, before=before: base64.b64encode(
        f"{before}{value}\xff".encode()
    ).decode()
    for before in ("", "a", "ab", "abc", "x=")
}
LINE = '{{"level":"INFO","message":"{}","at":"2026-11-25 09:00:00,010+0000"}}'
NOTHING = (
    "",
    "453271******1245",
    "last four 1245",
    "cvc 0913 79137",
    "Kanarya 1795986719530",
)


@pytest.mark.parametrize("canary", STANDING, ids=lambda c: f"{c.kind} {len(c.value)}")
def test_each_canary_is_found_in_each_writing(canary: Canary) -> None:
    for name, write in WRITINGS.items():
        assert found(LINE.format(write(canary.value)), (canary,)), name
    for name, write in INSIDE.items():
        is_short = len(canary.value) < 8  # its middle alone would be found anywhere
        assert is_short or found(LINE.format(write(canary.value)), (canary,)), name


def test_what_may_be_shown_is_not_found() -> None:
    for text in NOTHING:
        assert found(LINE.format(text), STANDING) == set()
        assert cards_in(text) == []


def test_anybody_s_card_is_found() -> None:
    for text in (
        NUMBER,
        "4355 0843 5508 4358",
        "4355-0843-5508-4358",
        '"378282246310005"',
    ):
        assert len(cards_in(LINE.format(text))) == 1
    assert cards_in("4532715337901246 1795464841000") == []


@contextmanager
def heard(world: World) -> Iterator[Ears]:
    ears = Ears()
    with listening(world, ears):
        yield ears


def test_whatever_leaves_is_heard(world: World) -> None:
    """One canary planted at each place, by the ways that a function has."""
    with heard(world) as ears:
        logging.getLogger("botocore.hooks").warning("sent %s", PAYNET_KEY)
        logging.getLogger("urllib3").debug("sent", extra={"card": {"n": NUMBER}})
        entrypoint.logger.info("paid", cvc=CVC)
        print(f'{{"_aws": "{NUMBER}"}}')  # noqa: T201 - as metrics are
        item = {"id": {"S": "payer-planted"}, "pan": {"S": NUMBER[::-1]}}
        table = world.environment["TABLE_NAME"]
        world.books.client.put_item(TableName=table, Item=item)
    assert set(ears.leaks()) >= {
        f"PAYNET's key in {LOG}",
        f"card number in {LOG}",
        f"cvc in {OUTPUT}",
        f"card number in {OUTPUT}",
        f"somebody's card in {OUTPUT}",
        f"card number in {TABLE}",
    }
    assert ears.where("cvc")


def test_an_answer_and_a_hidden_exception_are_heard(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = problems.body

    def body(*args: object) -> dict[str, object]:
        return plain(*args) | {"echo": payment()["card"]["number"]}  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(problems, "body", body)
    with heard(world) as ears:
        world.call("GET", f"/api/escrows/{'a' * 26}")
        SecretUnavailable(f"secret {PAYNET_KEY}")
    assert f"card number in {ANSWER}" in ears.leaks()
    assert f"PAYNET's key in {ERROR}" in ears.leaks()


def test_a_chain_is_followed_where_a_traceback_ends() -> None:
    hidden, shown_one = ValueError(NUMBER), EscrowNotFound()
    hidden.add_note(CVC)
    shown_one.__context__, shown_one.__suppress_context__ = hidden, True
    shown = {canary.kind for canary in found(said_by(shown_one), STANDING)}
    assert shown == {"card number", "cvc"}


def test_a_payment_s_own_secrets_are_known_and_stand_where_they_may(
    world: World,
) -> None:
    """Otherwise their search would find nothing for another reason."""
    with heard(world) as ears:
        escrow_id = world.held(order_id="order-1")
        world.call("POST", f"/api/escrows/{escrow_id}/cancel", {})
        world.later(seconds=1)
        world.run_reconciler()
        world.word_of_paynet()
    kinds = {canary.kind for canary in ears.known}
    assert {"session", "token", "return state", "callback secret"} <= kinds
    for kind in ("card number", "cvc", "holder", "session", "token", "callback secret"):
        mine = tuple(canary for canary in ears.known if canary.kind == kind)
        places = [p for p, texts in ears.heard.items() if found("\n".join(texts), mine)]
        assert places
        assert set(places) <= ALLOWED[kind] | {BROWSER}
    assert GOOD_CARD in {canary.value for canary in ears.known}
