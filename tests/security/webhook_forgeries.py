"""Genuine callbacks, damaged by chance: flipped, cut, padded, respelt, swapped,
replayed and signed by the wrong hand. The judge of what is genuine is the list of what
this file signed itself, never the gate: a message is genuine if it is one of those
signatures over exactly those bytes and that timestamp, fresh, and from a listed
address. All else that passes is a forgery, and fails with the seed that makes it
again."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from random import Random
from typing import Any

from emanet.webhook_gate import WebhookGate
from tests.security.webhook_messages import (
    FUNCTION,
    LISTED,
    SIGNATURE,
    TIMESTAMP,
    WINDOW_S,
    Event,
    OrderPath,
    Post,
    hmac_hex,
    refund_on_its_way,
    signed,
)
from tests.simulation.world import World
from tests.stage import WEBHOOK_SECRET

OLD_SECRET = "the-secret-before"
RETIRED_SECRET = "the-secret-before-that"
NOW_S = 1_795_424_400
FRESH_S, STALE_S = WINDOW_S - 60, WINDOW_S + 60  # whatever the test's clock does
UNLISTED = (
    *("127.0.0.2", "10.0.0.1", "::1", "::ffff:10.0.0.1", "::127.0.0.1", ""),
    *("127.0.0.1, 10.0.0.1", "10.0.0.1, 127.0.0.1", "127.0.0.1/32", "localhost"),
)
CLAIMS_OF_ADDRESS = ("x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip")
BODIES = (
    b'{"referance_no":"abcdefghijklmnopqrstuvwxyz-1-abcdef","is_succeed":true}',
    b'{"referance_no": "a-1-b", "amount": 1300.50, "xact_date": "2026-11-25T12:00"}',
    '{"card_holder":"Ayşe Yılmaz","code":0,"ok":[1,2.5,{"a":"."}]}'.encode(),
    b"referance_no=a-1-b&is_succeed=true&amount=1.300,00",
    b"5.1.",
    b"\xff\xfe\x00.\x80",
    b"",
)

Refusal = Callable[[str, Mapping[str, str], bytes, datetime], str]


@dataclass(slots=True)
class Message:
    """A post to the callback's address, on its way to be damaged."""

    source_ip: str
    headers: dict[str, str]
    raw: bytes

    def copy(self) -> Message:
        return Message(self.source_ip, dict(self.headers), self.raw)


class Genuine:
    """Everything that was really signed around one moment: with both live secrets, and
    older messages that are somebody's to replay."""

    def __init__(self, chance: Random, now_s: int, secrets: tuple[str, ...]) -> None:
        self.secrets = secrets
        self.messages: list[Message] = []
        self._fresh: set[tuple[str, str, bytes]] = set()
        for raw in BODIES:
            for secret in secrets:
                at_s = now_s + chance.randint(-FRESH_S, FRESH_S)
                fresh = signed(secret, str(at_s), raw)
                stale = signed(secret, str(at_s - FRESH_S - STALE_S), raw)
                early = signed(secret, str(at_s + FRESH_S + STALE_S), raw)
                self._fresh.add((fresh[TIMESTAMP], fresh[SIGNATURE], raw))
                often = (*[fresh] * 8, stale, early)
                self.messages += [Message(LISTED, headers, raw) for headers in often]

    def has(self, message: Message) -> bool:
        get = message.headers.get
        told = (get(TIMESTAMP, ""), get(SIGNATURE, ""), message.raw)
        return message.source_ip == LISTED and told in self._fresh


Damage = Callable[[Message, Random, Genuine], None]


# ── damage to any text or bytes ──────────────────────────────────────────────


def _hurt(data: bytes, chance: Random) -> bytes:
    """A bit, a byte or a stretch of it is not what it was."""
    at, until = chance.randint(0, len(data)), chance.randint(0, len(data))
    some = bytes([chance.randrange(256)])
    match chance.randrange(6):
        case 0 if data:
            at %= len(data)
            return (
                data[:at]
                + bytes([data[at] ^ 1 << chance.randrange(8)])
                + data[at + 1 :]
            )
        case 1:
            return data[:at]
        case 2:
            return data[at:]
        case 3:
            return data[:at] + some + data[at:]
        case 4:
            return data[:at] + data[until:]  # cut out, or told twice
        case _:
            return data + some * chance.randint(1, 3)


def _hurt_text(text: str, chance: Random) -> str:
    """A header brings any byte as one sign."""
    return _hurt(text.encode("latin-1", "replace"), chance).decode("latin-1")


def hurt_body(message: Message, chance: Random, _: Genuine) -> None:
    message.raw = _hurt(message.raw, chance)


def hurt_header(message: Message, chance: Random, _: Genuine) -> None:
    name = chance.choice((SIGNATURE, TIMESTAMP))
    message.headers[name] = _hurt_text(message.headers.get(name, ""), chance)


# ── the same, said in another way ────────────────────────────────────────────


def rewrite_body(message: Message, chance: Random, _: Genuine) -> None:
    """The same JSON in other bytes, or a text that only looks the same."""
    try:
        told = json.loads(message.raw)
    except ValueError:
        message.raw = chance.choice((b"\xef\xbb\xbf", b" ", b"\n")) + message.raw
        return
    how: dict[str, Any] = chance.choice(
        (
            {"separators": (",", ":")},
            {"separators": (", ", ": ")},
            {"indent": 1},
            {"sort_keys": True},
            {"ensure_ascii": False},
        )
    )
    message.raw = json.dumps(told, **how).encode()


RESPELT: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.title,
    str.swapcase,
    lambda text: f" {text}",
    lambda text: f"{text} ",
    lambda text: f"{text}\n",
    lambda text: f"\t{text}",
    lambda text: f"0{text}",
    lambda text: f"+{text}",
    lambda text: f"-{text}",
    lambda text: f"{text}.0",
    lambda text: f"{text}e0",
    lambda text: f"{text[:1]}_{text[1:]}",
    lambda text: f"sha256={text}",
    lambda text: f'"{text}"',
    lambda text: f"{text}\x00",
    lambda text: f"{text}\u200b",
    lambda text: text.translate(dict(zip(range(48, 58), range(0x660, 0x66A)))),  # noqa: B905 - both are ten
    lambda text: "".join(chr(ord(sign) + 0xFEE0) for sign in text if sign > " "),
    lambda text: text[::-1],
    lambda text: base64.b64encode(text.encode()).decode(),
)


def respell_header(message: Message, chance: Random, _: Genuine) -> None:
    name = chance.choice((SIGNATURE, TIMESTAMP))
    message.headers[name] = chance.choice(RESPELT)(message.headers.get(name, ""))


def split_elsewhere(message: Message, chance: Random, _: Genuine) -> None:
    """Timestamp, dot and body are signed as one text: another dot may part it."""
    whole = message.headers.get(TIMESTAMP, "").encode() + b"." + message.raw
    dots = [at for at, byte in enumerate(whole) if byte == ord(".")]
    at = chance.choice(dots)
    message.headers[TIMESTAMP] = whole[:at].decode("latin-1")
    message.raw = whole[at + 1 :]


# ── headers lost, doubled, misnamed ──────────────────────────────────────────


def lose_header(message: Message, chance: Random, _: Genuine) -> None:
    message.headers.pop(chance.choice((SIGNATURE, TIMESTAMP)), None)


def double_header(message: Message, chance: Random, genuine: Genuine) -> None:
    """API Gateway joins what came twice."""
    name = chance.choice((SIGNATURE, TIMESTAMP))
    other = chance.choice(genuine.messages).headers[name]
    told = [message.headers.get(name, ""), chance.choice((other, "", "0"))]
    chance.shuffle(told)
    message.headers[name] = chance.choice((",", ", ")).join(told)


def misname_header(message: Message, chance: Random, _: Genuine) -> None:
    name = chance.choice((SIGNATURE, TIMESTAMP))
    value = message.headers.pop(name, "")
    other = chance.choice(
        ("x-signature", name.replace("-", "_"), f"{name}-2", f"{name} ")
    )
    message.headers[other] = value


# ── parts of others, other hands, other places ───────────────────────────────


def swap_part(message: Message, chance: Random, genuine: Genuine) -> None:
    other = chance.choice(genuine.messages)
    match chance.randrange(3):
        case 0:
            message.raw = other.raw
        case 1:
            message.headers[TIMESTAMP] = other.headers[TIMESTAMP]
        case _:
            message.headers[SIGNATURE] = other.headers[SIGNATURE]


def sign_with_another_secret(
    message: Message, chance: Random, genuine: Genuine
) -> None:
    """Whoever knows nearly all of it, an old one, or none."""
    secret = chance.choice(genuine.secrets)
    near = ("", secret[:-1], secret[1:], f"{secret} ", secret.upper(), secret[::-1])
    other = chance.choice((*near, RETIRED_SECRET, secret * 2))
    timestamp = message.headers.get(TIMESTAMP, "")
    message.headers[SIGNATURE] = hmac_hex(other, timestamp, message.raw)


def sign_something_else(message: Message, chance: Random, genuine: Genuine) -> None:
    """Another digest, or another text, by the right secret."""
    key = chance.choice(genuine.secrets).encode()
    at, raw = message.headers.get(TIMESTAMP, "").encode(), message.raw
    digests = ("sha1", "sha512", "md5", "sha3_256")
    match chance.randrange(6):
        case 0:
            digest = hmac.new(key, raw, "sha256").hexdigest()
        case 1:
            digest = hmac.new(key, at + raw, "sha256").hexdigest()
        case 2:
            digest = hmac.new(key, raw + b"." + at, "sha256").hexdigest()
        case 3:
            digest = hashlib.sha256(key + at + b"." + raw).hexdigest()
        case 4:
            digest = hmac.new(at + b"." + raw, key, "sha256").hexdigest()
        case _:
            told = at + b"." + raw
            digest = hmac.new(key, told, chance.choice(digests)).hexdigest()[:64]
    message.headers[SIGNATURE] = digest


def come_from_elsewhere(message: Message, chance: Random, _: Genuine) -> None:
    """And claim the listed address in a header."""
    message.source_ip = chance.choice(UNLISTED)
    message.headers[chance.choice(CLAIMS_OF_ADDRESS)] = LISTED


def replay_much_later(message: Message, chance: Random, genuine: Genuine) -> None:
    """Whole and rightly signed, but not of now: every other message is one."""
    other = chance.choice(genuine.messages)
    message.headers, message.raw = dict(other.headers), other.raw


DAMAGES: tuple[Damage, ...] = (
    hurt_body,
    hurt_header,
    rewrite_body,
    respell_header,
    split_elsewhere,
    lose_header,
    double_header,
    misname_header,
    swap_part,
    sign_with_another_secret,
    sign_something_else,
    come_from_elsewhere,
    replay_much_later,
)


def forgeries(chance: Random, genuine: Genuine) -> Iterator[Message]:
    """Without end; none of them is genuine."""
    while True:
        message = chance.choice(genuine.messages).copy()
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            chance.choice(DAMAGES)(message, chance, genuine)
        if not genuine.has(message):
            yield message


# ── through the gate alone ───────────────────────────────────────────────────


def a_gate() -> WebhookGate:
    """As a deployment would set it, in the middle of a rotation."""
    return WebhookGate(
        (ip_network(f"{LISTED}/32"),), lambda: (WEBHOOK_SECRET, OLD_SECRET)
    )


def mutated_through_the_gate(
    seed: int, count: int, refusal: Refusal | None = None
) -> dict[str, int]:
    """`count` forgeries; how many were refused, by the gate's own word. Raises
    AssertionError for one that passes."""
    refusal = refusal or a_gate().refusal
    chance = Random(seed)  # noqa: S311 - the same seed makes the same messages
    genuine = Genuine(chance, NOW_S, (WEBHOOK_SECRET, OLD_SECRET))
    now = datetime.fromtimestamp(NOW_S, UTC)
    refused: Counter[str] = Counter()
    for number, message in zip(range(count), forgeries(chance, genuine), strict=False):
        why = refusal(message.source_ip, message.headers, message.raw, now)
        if not why:
            raise AssertionError(f"forgery: seed {seed}, number {number}: {message}")
        refused[why] += 1
    return {"messages": refused.total(), "forgeries": 0, **refused}


# ── through the whole handler ────────────────────────────────────────────────


def mutated_through_the_handler(world: World, seed: int, count: int) -> dict[str, int]:
    """The same, and every fifth at the address of a refund, as events; how many were
    refused, by status. Raises AssertionError for one that is answered otherwise than
    with 4xx, or that wrote anything at all."""
    orders = [refund_on_its_way(world) for _ in range(2)]
    chance = Random(seed)  # noqa: S311 - the same seed makes the same messages
    genuine = Genuine(chance, int(world.clock().timestamp()), (WEBHOOK_SECRET,))
    events = _events(chance, genuine, Post(world), orders)
    before, now = world.books.snapshot(), world.clock.ahead
    refused: Counter[str] = Counter()
    for number, event in zip(range(count), events, strict=False):
        world.clock.ahead = now  # or what is too old today would not be so for long
        status = world.handle(FUNCTION, event).status
        if not 400 <= status < 500 or world.books.snapshot() != before:
            told = f"{status} for a forgery: seed {seed}, number {number}: {event}"
            raise AssertionError(told)
        refused[str(status)] += 1
    return {"messages": refused.total(), "forgeries": 0, **refused}


def _events(
    chance: Random, genuine: Genuine, post: Post, orders: list[OrderPath]
) -> Iterator[Event]:
    for message in forgeries(chance, genuine):
        if chance.randrange(5) == 0:
            order = _not_an_order(chance, orders)
            yield post.event(message.raw, message.headers, order=order)
            continue
        event = post.event(
            message.raw,
            message.headers,
            source_ip=message.source_ip,
            as_base64=chance.random() < 0.5,
        )
        if chance.randrange(3) == 0:
            _hurt_on_the_way(event, chance)
        if not genuine.has(replace(message, raw=_as_read(event))):
            yield event


def _not_an_order(chance: Random, orders: list[OrderPath]) -> OrderPath:
    """An address that PAYNET was never told, but nearly. A line break after it is not
    enough: Powertools' own pattern ends before it, and the secret is whole."""
    while True:
        one, other = chance.choice(orders), chance.choice(orders)
        match chance.randrange(5):
            case 0:
                made = replace(one, secret=other.secret)
            case 1:
                made = replace(one, escrow_id=other.escrow_id)
            case 2:
                made = replace(one, subject=other.subject)
            case 3:
                made = replace(one, secret=chance.choice(RESPELT)(one.secret))
            case _:
                made = replace(one, secret=_hurt_text(one.secret, chance))
        if replace(made, secret=made.secret.removesuffix("\n")) not in orders:
            return made


def _hurt_on_the_way(event: Event, chance: Random) -> None:
    """The body's flag is wrong, or its text is damaged."""
    if chance.random() < 0.5:
        event["isBase64Encoded"] = not event["isBase64Encoded"]
    else:
        event["body"] = _hurt_text(event["body"], chance)


def _as_read(event: Event) -> bytes:
    """The bytes that even the kindest reader could take for the body."""
    if not event["isBase64Encoded"]:
        return str(event["body"]).encode()
    try:
        return base64.b64decode(event["body"])
    except (binascii.Error, ValueError):
        return b"no base64 at all"
