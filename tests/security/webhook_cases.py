"""The battery's cases, each by name: what is posted to the callback's function, how the
deployment stands, and the one right answer. 200 is kept, everything else is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tests.security.webhook_messages import (
    LISTED,
    SIGNATURE,
    TIMESTAMP,
    Event,
    OrderPath,
    Post,
    hmac_hex,
    signed,
)
from tests.stage import WEBHOOK_SECRET

NEW_SECRET, RETIRED_SECRET = "the-secret-after", "the-secret-before"
UNLISTED = "203.0.113.9"
MAX_BYTES = 16 * 1024
UNSUPPORTED = "unsupported-by-paynet"


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the cases play: a payment of ours is at the bank, two refunds are on their
    way, one more is ordered and not yet sent."""

    post: Post
    at_s: int
    reference_no: str
    order: OrderPath
    other_order: OrderPath
    unsent: OrderPath

    @property
    def now(self) -> str:
        return str(self.at_s)

    @property
    def raw(self) -> bytes:
        """A claim about the payment, as PAYNET would spell it."""
        told = {"referance_no": self.reference_no, "is_succeed": True, "amount": 1300.5}
        return json.dumps(told).encode()

    @property
    def right(self) -> str:
        return hmac_hex(WEBHOOK_SECRET, self.now, self.raw)

    def told(self, raw: bytes | None = None, **how: str) -> Event:
        """Rightly signed in every part but those named."""
        raw = self.raw if raw is None else raw
        timestamp = how.get("timestamp", self.now)
        secret = how.get("secret", WEBHOOK_SECRET)
        headers = signed(secret, timestamp, raw)
        if "signature" in how:
            headers[SIGNATURE] = how["signature"]
        return self.post.event(raw, headers, source_ip=how.get("source_ip", LISTED))


Make = Callable[[Scene], Event]


@dataclass(frozen=True, slots=True)
class Deployment:
    """`secret`: what Secrets Manager holds; None: it does not answer."""

    settings: Mapping[str, str] = field(default_factory=dict)
    secret: str | None = json.dumps({"current": WEBHOOK_SECRET})


USUAL = Deployment()
ROTATING = Deployment(
    secret=json.dumps({"current": NEW_SECRET, "previous": WEBHOOK_SECRET})
)
ROTATED = Deployment(secret=json.dumps({"current": NEW_SECRET}))
NO_PREVIOUS = Deployment(secret=json.dumps({"current": WEBHOOK_SECRET, "previous": ""}))
NULL_PREVIOUS = Deployment(
    secret=json.dumps({"current": WEBHOOK_SECRET, "previous": None})
)
NOBODY_LISTED = Deployment({"WEBHOOK_SOURCE_CIDRS": ""})
IPV6_LISTED = Deployment({"WEBHOOK_SOURCE_CIDRS": "2001:db8::/32, 203.0.113.0/30"})
UNSIGNED = Deployment({"WEBHOOK_SIGNATURE": UNSUPPORTED})
FROM_ANYWHERE = Deployment({"WEBHOOK_SOURCE_CIDRS": UNSUPPORTED})


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    make: Make
    status: int = 401
    deployment: Deployment = USUAL


# ── the signature ────────────────────────────────────────────────────────────


def _digest(name: str, key: bytes, message: bytes) -> str:
    return hmac.new(key, message, name).hexdigest()


def _signed_text(scene: Scene) -> bytes:
    return scene.now.encode() + b"." + scene.raw


KEY = WEBHOOK_SECRET.encode()
SIGNATURES: Mapping[str, Callable[[Scene], str]] = {
    "empty": lambda _: "",
    "by another secret": lambda s: hmac_hex("another", s.now, s.raw),
    "by no secret": lambda s: hmac_hex("", s.now, s.raw),
    "by the secret and a line break": lambda s: hmac_hex(
        f"{WEBHOOK_SECRET}\n", s.now, s.raw
    ),
    "by the secret in upper case": lambda s: hmac_hex(
        WEBHOOK_SECRET.upper(), s.now, s.raw
    ),
    "one sign short": lambda s: s.right[:-1],
    "its first half": lambda s: s.right[:32],
    "its first sign": lambda s: s.right[0],
    "one sign more": lambda s: s.right + "0",
    "twice in a row": lambda s: s.right * 2,
    "one bit off": lambda s: f"{int(s.right, 16) ^ 1:064x}",
    "backwards": lambda s: s.right[::-1],
    "upper case": lambda s: s.right.upper(),
    "one letter in upper case": lambda s: s.right.replace("a", "A").replace("f", "F"),
    "all zeros": lambda _: "0" * 64,
    "of another body": lambda s: hmac_hex(WEBHOOK_SECRET, s.now, b"{}"),
    "of another timestamp": lambda s: hmac_hex(WEBHOOK_SECRET, str(s.at_s - 1), s.raw),
    "of the body alone": lambda s: _digest("sha256", KEY, s.raw),
    "without the dot": lambda s: _digest("sha256", KEY, s.now.encode() + s.raw),
    "body before timestamp": lambda s: _digest(
        "sha256", KEY, s.raw + b"." + s.now.encode()
    ),
    "of the re-serialised JSON": lambda s: hmac_hex(
        WEBHOOK_SECRET, s.now, json.dumps(json.loads(s.raw), indent=1).encode()
    ),
    "space before": lambda s: f" {s.right}",
    "space after": lambda s: f"{s.right} ",
    "tab after": lambda s: f"{s.right}\t",
    "line break after": lambda s: f"{s.right}\n",
    "NUL after": lambda s: f"{s.right}\0",
    "no hex": lambda _: "z" * 64,
    "full-width digits": lambda s: "".join(chr(ord(sign) + 0xFEE0) for sign in s.right),
    "Turkish letters": lambda _: "imzasız ✓",
    "half a surrogate": lambda _: "\udcff",
    "very long": lambda s: s.right + "0" * 60_000,
    "base64 of the digest": lambda s: base64.b64encode(bytes.fromhex(s.right)).decode(),
    "hex with a prefix": lambda s: f"0x{s.right}",
    "with its algorithm's name": lambda s: f"sha256={s.right}",
    "with a version": lambda s: f"v1,{s.right}",
    "in quotes": lambda s: f'"{s.right}"',
    "HMAC-SHA1": lambda s: _digest("sha1", KEY, _signed_text(s)),
    "HMAC-SHA512, cut": lambda s: _digest("sha512", KEY, _signed_text(s))[:64],
    "no HMAC, only SHA-256": lambda s: hashlib.sha256(
        KEY + _signed_text(s)
    ).hexdigest(),
    "the secret itself": lambda _: WEBHOOK_SECRET,
    "twice, as API Gateway joins it": lambda s: f"{s.right},{s.right}",
    "a wrong one, then the right one": lambda s: f"{'0' * 64}, {s.right}",
    "the right one, then a wrong one": lambda s: f"{s.right}, {'0' * 64}",
}


def _signature_cases() -> Iterator[Case]:
    for name, of in SIGNATURES.items():
        yield Case(f"signature: {name}", _with_signature(of))


def _with_signature(of: Callable[[Scene], str]) -> Make:
    return lambda s: s.told(signature=of(s))


# ── the timestamp: each is signed as it is written ───────────────────────────

REFUSED_TIMESTAMPS: Mapping[str, Callable[[int], str]] = {
    "empty": lambda _: "",
    "a word": lambda _: "now",
    "a fraction": lambda at_s: f"{at_s}.0",
    "an exponent": lambda at_s: f"{at_s}e0",
    "a plus before": lambda at_s: f"+{at_s}",
    "negative": lambda at_s: f"-{at_s}",
    "zero": lambda _: "0",
    "milliseconds": lambda at_s: f"{at_s}000",
    "thirteen nines": lambda _: "9" * 13,
    "five thousand digits": lambda _: "9" * 5_000,
    "twelve nines": lambda _: "9" * 12,
    "hexadecimal": hex,
    "with an underscore": lambda at_s: f"{at_s:_}",
    "with a comma": lambda at_s: f"{at_s:,}",
    "space before": lambda at_s: f" {at_s}",
    "space after": lambda at_s: f"{at_s} ",
    "line break after": lambda at_s: f"{at_s}\n",
    "Arabic digits": lambda at_s: str(at_s).translate(
        {48 + n: 0x660 + n for n in range(10)}
    ),
    "full-width digits": lambda at_s: str(at_s).translate(
        {48 + n: 0xFF10 + n for n in range(10)}
    ),
    "a date": lambda _: "2026-11-25T09:00:00Z",
    "301 s old": lambda at_s: str(at_s - 301),
    "301 s ahead": lambda at_s: str(at_s + 301),
    "a day old": lambda at_s: str(at_s - 86_400),
    "an hour ahead, as by a wrong zone": lambda at_s: str(at_s + 3_600),
    "twice, as API Gateway joins it": lambda at_s: f"{at_s},{at_s}",
    "an old one, then a fresh one": lambda at_s: f"{at_s - 900}, {at_s}",
}


def _timestamp_cases() -> Iterator[Case]:
    for name, of in REFUSED_TIMESTAMPS.items():
        yield Case(f"timestamp: {name}", _with_timestamp(of))
    for off_s in (-300, -299, 299, 300):
        yield Case(f"timestamp: {off_s:+} s", _off_by(off_s), 200)


def _with_timestamp(of: Callable[[int], str]) -> Make:
    return lambda s: s.told(timestamp=of(s.at_s))


def _off_by(seconds: int) -> Make:
    return _with_timestamp(lambda at_s: str(at_s + seconds))


# ── the address: of the connection, never of a header ────────────────────────

UNLISTED_ADDRESSES = (
    *("127.0.0.2", "10.0.0.1", UNLISTED, "0.0.0.0"),  # noqa: S104 - nobody listens
    *("::1", "::", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::"),
    *("64:ff9b::7f00:1", "fe80::1%eth0", "::ffff:127.0.0.2"),
    *("", " ", "unknown", "localhost", "127.0.0.1, 10.0.0.1", "127.0.0.1:443"),
    *("127.0.0.1/32", "127.0.0.01", "127.1", "2130706433", "0x7f000001", " 127.0.0.1"),
    *("127.0.0.1 ", "127.0.0.1\n", "[::ffff:127.0.0.1]", "١٢٧.0.0.1", "1" * 5_000),
)
SPOOFS: Mapping[str, str] = {
    "x-forwarded-for": LISTED,
    "forwarded": f"for={LISTED};proto=https",
    "x-real-ip": LISTED,
    "x-client-ip": LISTED,
    "true-client-ip": LISTED,
    "cf-connecting-ip": LISTED,
    "x-cluster-client-ip": LISTED,
    "x-original-forwarded-for": f"{LISTED}, {LISTED}",
}


def _address_cases() -> Iterator[Case]:
    for address in UNLISTED_ADDRESSES:
        yield Case(f"address: {address[:40]!r}", _from(address))
    for name, value in SPOOFS.items():
        yield Case(f"address: claimed in {name}", _from(UNLISTED, {name: value}))
    denied = {"x-forwarded-for": UNLISTED}
    yield Case("address: listed, and a header denies it", _from(LISTED, denied), 200)
    yield Case("address: listed and mapped", _from(f"::ffff:{LISTED}"), 200)


def _from(source_ip: str, claims: Mapping[str, str] | None = None) -> Make:
    def make(scene: Scene) -> Event:
        event = scene.told(source_ip=source_ip)
        event["headers"] |= claims or {}
        return event

    return make


# ── the bytes ────────────────────────────────────────────────────────────────

OTHER_BYTES: Mapping[str, Callable[[bytes], bytes]] = {
    "a space more": lambda raw: raw + b" ",
    "a line break more": lambda raw: raw + b"\r\n",
    "a byte order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "a NUL more": lambda raw: raw + b"\0",
    "a byte less": lambda raw: raw[:-1],
    "nothing left": lambda _: b"",
    "re-serialised": lambda raw: json.dumps(
        json.loads(raw), separators=(",", ":")
    ).encode(),
    "keys in another order": lambda raw: json.dumps(
        json.loads(raw), sort_keys=True
    ).encode(),
    "a letter escaped": lambda raw: raw.replace(b"is_succeed", b"is_succee\\u0064"),
    "a key told again": lambda raw: raw[:-1] + b', "is_succeed": true}',
    "another amount": lambda raw: raw.replace(b"1300.5", b"9300.5"),
    "in UTF-16": lambda raw: raw.decode().encode("utf-16"),
}
ODD_BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[1,2]",
    "a form": b"referance_no=x&is_succeed=true&referance_no=y",
    "no text": b"\xff\xfe\x00\x80",
    "doubled keys": b'{"referance_no":"x","referance_no":"y","is_succeed":true}',
    "NaN": b'{"amount":NaN,"code":Infinity}',
    "five thousand lists in lists": b"[" * 5_000,
    "a number of five thousand digits": b'{"code":' + b"9" * 5_000 + b"}",
    "exactly 16 KB": b"n" * MAX_BYTES,
}
TOO_LARGE: Mapping[str, bytes] = {
    "over 16 KB": b"n" * (MAX_BYTES + 1),
    "over 32 KB": b"n" * (2 * MAX_BYTES + 1),
    "over 16 KB of no text": b"\xff" * (MAX_BYTES + 1),
}


def _body_cases() -> Iterator[Case]:
    for name, change in OTHER_BYTES.items():
        yield Case(f"body: {name}", _changed_after(change))
    for name, raw in ODD_BODIES.items():
        yield Case(f"body: rightly signed {name}", _signed(raw), 200)
    for name, raw in TOO_LARGE.items():
        yield Case(f"body: {name}", _signed(raw), 413)
    yield from _base64_cases()


def _changed_after(change: Callable[[bytes], bytes]) -> Make:
    """Signed, and then changed on the way."""
    return lambda s: s.post.event(change(s.raw), signed(WEBHOOK_SECRET, s.now, s.raw))


def _signed(raw: bytes) -> Make:
    return lambda s: s.told(raw)


def _told_as(body: str, raw: bytes, *, flag: bool) -> Make:
    """The event says `body`; `raw` is what was signed."""
    return lambda s: s.told(raw) | {"body": body, "isBase64Encoded": flag}


def _base64_cases() -> Iterator[Case]:
    raw = b'{"referance_no":"x","n":1}'
    text = base64.b64encode(raw).decode()
    half = _told_as("\ud800", b"\xed\xa0\x80", flag=False)
    yield Case("body: half a surrogate", half, 400)
    yield Case("base64: the bytes are signed", _told_as(text, raw, flag=True), 200)
    yield Case("base64: the text is signed", _told_as(text, text.encode(), flag=True))
    yield Case("base64: not flagged", _told_as(text, raw, flag=False))
    yield Case("base64: flagged wrongly", _told_as(raw.decode(), raw, flag=True), 400)
    yield Case(
        "base64: flagged wrongly and decodable", _told_as("abcd", b"abcd", flag=True)
    )
    for name, damaged in {
        "cut": text[:-1],
        "with spaces": f"{text[:8]} {text[8:]}",
        "with a line break": f"{text}\n",
        "of the URL's alphabet": text.replace("i", "-"),
        "with padding inside": f"eA=={text}",
        "no ASCII": f"{text}ş",
    }.items():
        yield Case(f"base64: {name}", _told_as(damaged, raw, flag=True), 400)


# ── missing headers, rotation, the deployment's switches ─────────────────────


def _without(name: str) -> Make:
    def make(scene: Scene) -> Event:
        event = scene.told()
        del event["headers"][name]
        return event

    return make


def _bare(source_ip: str) -> Make:
    return lambda s: s.post.event(s.raw, {}, source_ip=source_ip)


def _by(secret: str) -> Make:
    return lambda s: s.told(secret=secret)


def _by_both(scene: Scene) -> Event:
    pair = [hmac_hex(s, scene.now, scene.raw) for s in (NEW_SECRET, WEBHOOK_SECRET)]
    return scene.told(signature=",".join(pair))


DEPLOYED = (
    Case("headers: no signature", _without(SIGNATURE)),
    Case("headers: no timestamp", _without(TIMESTAMP)),
    Case("headers: neither", _bare(LISTED)),
    Case("whole", Scene.told, 200),
    Case("rotation: current", _by(NEW_SECRET), 200, ROTATING),
    Case("rotation: previous", _by(WEBHOOK_SECRET), 200, ROTATING),
    Case("rotation: an older one", _by(RETIRED_SECRET), 401, ROTATING),
    Case("rotation: no secret", _by(""), 401, ROTATING),
    Case("rotation: both in one header", _by_both, 401, ROTATING),
    Case("rotation: previous, retired", _by(WEBHOOK_SECRET), 401, ROTATED),
    Case("rotation: previous is empty", _by(""), 401, NO_PREVIOUS),
    Case("rotation: current beside an empty one", Scene.told, 200, NO_PREVIOUS),
    Case("rotation: previous is null", _by("None"), 401, NULL_PREVIOUS),
    Case("rotation: previous is null, none given", _by(""), 401, NULL_PREVIOUS),
    Case("nobody is listed: loopback", Scene.told, 401, NOBODY_LISTED),
    Case(
        "nobody is listed: no address",
        lambda s: s.told(source_ip=""),
        401,
        NOBODY_LISTED,
    ),
    Case(
        "nobody is listed: 0.0.0.0",
        lambda s: s.told(source_ip="0.0.0.0"),  # noqa: S104 - nobody listens
        401,
        NOBODY_LISTED,
    ),
    Case("IPv6: listed", lambda s: s.told(source_ip="2001:db8::7"), 200, IPV6_LISTED),
    Case(
        "IPv6: listed, in full",
        lambda s: s.told(source_ip="2001:0DB8:0000:0000:0000:0000:0000:0007"),
        200,
        IPV6_LISTED,
    ),
    Case("IPv6: unlisted", lambda s: s.told(source_ip="2001:db9::7"), 401, IPV6_LISTED),
    Case(
        "IPv6: mapped and listed",
        lambda s: s.told(source_ip="::ffff:203.0.113.2"),
        200,
        IPV6_LISTED,
    ),
    Case(
        "IPv6: mapped, one past the end",
        lambda s: s.told(source_ip="::ffff:203.0.113.4"),
        401,
        IPV6_LISTED,
    ),
    Case("signature off: listed", _bare(LISTED), 200, UNSIGNED),
    Case("signature off: unlisted", _bare(UNLISTED), 401, UNSIGNED),
    Case("addresses off: signed", lambda s: s.told(source_ip="?"), 200, FROM_ANYWHERE),
    Case("addresses off: unsigned", _bare(LISTED), 401, FROM_ANYWHERE),
    Case("secret: store down", Scene.told, 503, Deployment(secret=None)),
    Case(
        "secret: store down, and a stranger asks",
        lambda s: s.told(source_ip=UNLISTED),
        401,
        Deployment(secret=None),
    ),
    Case("secret: nobody filled it", Scene.told, 503, Deployment(secret="")),
    Case("secret: no JSON", Scene.told, 503, Deployment(secret=WEBHOOK_SECRET)),
    Case("secret: a list", Scene.told, 503, Deployment(secret='["x"]')),
    Case(
        "secret: previous alone",
        Scene.told,
        503,
        Deployment(secret=json.dumps({"previous": WEBHOOK_SECRET})),
    ),
    Case("secret: current is empty", _by(""), 503, Deployment(secret='{"current":""}')),
)


# ── the address that PAYNET was told with a refund ───────────────────────────

WORD = b'{"xact_id": "x", "code": "0"}'
Altered = Callable[[Scene], OrderPath]


def _altered(change: Callable[[str], str]) -> Altered:
    return lambda s: replace(s.order, secret=change(s.order.secret))


def _right_path(scene: Scene) -> OrderPath:
    return scene.order


ORDER_PATHS: Mapping[str, tuple[Altered, int]] = {
    "the right one": (lambda s: s.order, 200),
    "another one's own": (lambda s: s.other_order, 200),
    "a guess": (_altered(lambda _: "a" * 32), 401),
    "one sign altered": (
        _altered(lambda t: t[:-1] + ("a" if t[-1] != "a" else "b")),
        401,
    ),
    "one sign short": (_altered(lambda t: t[:-1]), 401),
    "one sign": (_altered(lambda t: t[0]), 401),
    "one sign more": (_altered(lambda t: t + "a"), 401),
    "upper case": (_altered(str.upper), 401),
    "its digest": (
        _altered(lambda t: hashlib.sha256(t.encode()).hexdigest()),
        401,
    ),
    "percent-encoded": (_altered(lambda t: f"%{ord(t[0]):02x}{t[1:]}"), 401),
    "a space": (_altered(lambda _: " "), 401),
    "a zero byte after": (_altered(lambda t: f"{t}\0"), 404),
    "Turkish letters": (_altered(lambda _: "şifre"), 401),
    "null": (_altered(lambda _: "null"), 401),
    "the webhook's own secret": (_altered(lambda _: WEBHOOK_SECRET), 401),
    "another settlement's": (
        lambda s: replace(s.order, secret=s.other_order.secret),
        401,
    ),
    "for another escrow": (
        lambda s: replace(s.order, escrow_id=s.other_order.escrow_id),
        401,
    ),
    "another escrow's, whole": (
        lambda s: replace(s.other_order, escrow_id=s.order.escrow_id),
        401,
    ),
    "for another subject": (lambda s: replace(s.order, subject="a" * 16), 401),
    "for one not sent": (lambda s: s.unsent, 401),
    "another's for one not sent": (
        lambda s: replace(s.unsent, secret=s.order.secret),
        401,
    ),
    "for an escrow that is not there": (
        lambda s: replace(s.order, escrow_id="a" * 26),
        401,
    ),
    "for no escrow's id": (lambda s: replace(s.order, escrow_id="x"), 404),
    "for an id in upper case": (
        lambda s: replace(s.order, escrow_id=s.order.escrow_id.upper()),
        404,
    ),
}


def _order_cases() -> Iterator[Case]:
    for name, (path, status) in ORDER_PATHS.items():
        yield Case(f"path: {name}", _at(path), status)
    for name, raw in ODD_BODIES.items():
        yield Case(f"path: {name}", _at(_right_path, raw), 200)
    for name, raw in TOO_LARGE.items():
        yield Case(f"path: {name}", _at(_right_path, raw), 413)
    yield Case("path: a guess, signed from a listed address", _signed_guess)
    yield Case("path: its secret is no signature", _secret_as_signature)
    no_store = Deployment(secret=None)
    yield Case("path: no secret store is asked", _at(_right_path), 200, no_store)


def _at(path: Altered, raw: bytes = WORD) -> Make:
    """From anywhere and unsigned: PAYNET documents neither."""
    return lambda s: s.post.event(raw, {}, source_ip=UNLISTED, order=path(s))


def _signed_guess(scene: Scene) -> Event:
    order = replace(scene.order, secret="a" * 32)
    headers = signed(WEBHOOK_SECRET, scene.now, WORD)
    return scene.post.event(WORD, headers, order=order)


def _secret_as_signature(scene: Scene) -> Event:
    return scene.told(signature=scene.order.secret)


CASES = (
    *_signature_cases(),
    *_timestamp_cases(),
    *_address_cases(),
    *_body_cases(),
    *DEPLOYED,
    *_order_cases(),
)
