"""Canaries, everything that leaves the house while a flow is played, and the search of
the one in the other: plain, backwards, split, and in URL, hex, base64 and JSON forms,
plus every number that could be a card's. What may be seen where is the table ALLOWED;
whatever it does not name is a leak."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from emanet import entrypoint
from emanet.errors import EmanetError
from tests.simulation.world import World
from tests.stage import GOOD_CARD, OWN_SECRET, PAYNET_KEY, WEBHOOK_SECRET, Stage

NUMBER = "4532715337901245"
CVC = "9137"
HOLDER = "Nermin Kanarya"
OLD_WEBHOOK_SECRET = "kanarya-previous-webhook-secret"

# ── what may be seen where ───────────────────────────────────────────────────

LOG, OUTPUT, TABLE, ANSWER, ERROR, TRAFFIC = (
    *("log", "output", "table", "answer", "exception", "PAYNET's traffic record"),
)
BROWSER = "three_ds, for the payer's own browser"
KEY_HEADER = "PAYNET's Authorization header"
_OPENS = "PAYNET /v2/transaction/tds_initial"
ALLOWED: Mapping[str, frozenset[str]] = {
    "card number": frozenset({_OPENS}),
    "cvc": frozenset({_OPENS}),
    "holder": frozenset({_OPENS}),
    "session": frozenset(
        {
            TABLE,
            BROWSER,
            TRAFFIC,  # the simulator's, which tells sessions apart by it
            "PAYNET /v2/transaction/tds_charge",
            "PAYNET /v1/transaction/charge",
        }
    ),
    "token": frozenset(
        {BROWSER, "PAYNET /v2/transaction/tds_charge", "PAYNET /v1/transaction/charge"}
    ),
    "return state": frozenset({_OPENS, BROWSER}),
    "callback secret": frozenset({"PAYNET /v1/transaction/reversed_request"}),
    "card hash": frozenset({_OPENS, "PAYNET /v1/card/delete"}),
    "card owner": frozenset(
        {TABLE, _OPENS, "PAYNET /v1/card/list", "PAYNET /v1/card/delete"}
    ),
    "PAYNET's key": frozenset({KEY_HEADER}),
    "webhook secret": frozenset(),
    "previous webhook secret": frozenset(),
    "own secret": frozenset(),
}
"""PAYNET's publishable key is public. Of a path's secret the table has a digest, of a
card its first six and last four digits."""


@dataclass(frozen=True, slots=True)
class Canary:
    kind: str
    value: str = field(repr=False)


STANDING = (
    Canary("card number", NUMBER),
    Canary("card number", GOOD_CARD),
    Canary("cvc", CVC),
    Canary("holder", HOLDER),
    Canary("PAYNET's key", PAYNET_KEY),
    Canary("webhook secret", WEBHOOK_SECRET),
    Canary("previous webhook secret", OLD_WEBHOOK_SECRET),
    Canary("own secret", OWN_SECRET),
)

# ── the search ───────────────────────────────────────────────────────────────

SHORTEST = 8  # shorter forms would be found anywhere by chance
_NO_SIGN = re.compile(r"\\+u?|[\W_]+")
_ESCAPED_SPACE = re.compile(r"\\+[nrt]")
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # random digits
_CARD_LIKE = re.compile(r"(?<![0-9A-Za-z.])\d(?:[ -]?\d){12,18}(?![0-9A-Za-z])")
_MOMENT_MS = re.compile("1[0-9]{12}")  # a bare moment; no card of 13 digits begins so


@cache
def forms(value: str) -> tuple[str, ...]:
    """How it could be written, without any sign between: plain, backwards, hex (which
    is also every byte in URL encoding), URL encoding of that once more, JSON's escapes,
    and base64 wherever inside a longer text it may begin."""
    raw = value.encode()
    made = [value, value[::-1], raw.hex(), raw.hex().upper(), quote(value, safe="")]
    made += [quote(quote(value, safe=""), safe="")]
    made += [json.dumps(value)[1:-1]]
    made += ["".join(f"25{byte:02x}" for byte in raw)]
    made += ["".join(f"25{byte:02X}" for byte in raw)]
    made += ["".join(f"\\u{ord(char):04x}" for char in value)]
    made += ["".join(f"\\u{ord(char):04X}" for char in value)]
    made += [text for shift in range(3) for text in _base64(raw, shift)]
    bare = (_NO_SIGN.sub("", text) for text in made)
    return tuple(dict.fromkeys(text for text in bare if len(text) >= SHORTEST))


def _base64(raw: bytes, shift: int) -> tuple[str, str]:
    """The letters that depend on these bytes alone, that far behind a group's start."""
    padded = b"\0" * shift + raw
    skip, whole = (0, 2, 3)[shift], len(padded) * 8 // 6
    return (
        base64.b64encode(padded).decode()[skip:whole],
        base64.urlsafe_b64encode(padded).decode()[skip:whole],
    )


def found(text: str, canaries: tuple[Canary, ...]) -> set[Canary]:
    """Those of which any form stands in the text, however it is split."""
    bare = _NO_SIGN.sub("", _ESCAPED_SPACE.sub("", text))
    plain = _UUID.sub("", text)
    return {
        canary
        for canary in canaries
        if any(form in bare for form in forms(canary.value))
        or (len(canary.value) < SHORTEST and _stands_alone(canary.value, plain))
    }


def _stands_alone(short: str, text: str) -> bool:
    """So short that it must stand alone to mean anything, in any of these ways."""
    ways = [short, short[::-1], short.encode().hex()]
    ways += [base64.b64encode(short.encode()).decode().rstrip("=")]
    split = r"[\s-]?".join(short)
    text = _ESCAPED_SPACE.sub(" ", text)
    ways += ["".join(f"%{ord(char):02x}" for char in short)]
    ways += ["".join(f"%25{ord(char):02x}" for char in short)]
    escaped = "".join(rf"\\+u{ord(char):04x}" for char in short)
    alone = "|".join([split, escaped, *map(re.escape, ways)])
    whole = rf"(?<![0-9A-Za-z])(?:{alone})(?![0-9A-Za-z])"
    return re.search(whole, text, re.IGNORECASE) is not None


def cards_in(text: str) -> list[str]:
    """Every run of digits that could be a card's number, whoever's."""
    runs = _CARD_LIKE.findall(_UUID.sub("", text))
    digits = (re.sub(r"\D", "", run) for run in runs)
    return [run for run in digits if _luhn_holds(run) and not _MOMENT_MS.fullmatch(run)]


def _luhn_holds(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


# ── what leaves the house ────────────────────────────────────────────────────


@dataclass
class Ears:
    """Everything that was said since they were opened, by its place, each text once;
    and the canaries that only this flow could know: sessions, tokens, secrets."""

    heard: dict[str, dict[str, None]] = field(default_factory=dict)
    known: dict[Canary, None] = field(default_factory=lambda: dict.fromkeys(STANDING))

    def hear(self, place: str, text: str) -> None:
        if text:
            self.heard.setdefault(place, {})[text] = None

    def learn(self, kind: str, value: object) -> None:
        """What is as long as a secret is one."""
        if isinstance(value, str) and len(value) >= SHORTEST:
            self.known[Canary(kind, value)] = None

    @property
    def texts(self) -> int:
        return sum(map(len, self.heard.values()))

    def leaks(self) -> list[str]:
        """What stands where it may not, as kind and place; never the thing itself."""
        told = []
        for place, texts in self.heard.items():
            whole = "\n".join(texts)
            secret = tuple(c for c in self.known if place not in ALLOWED[c.kind])
            told += [f"{canary.kind} in {place}" for canary in found(whole, secret)]
            if not place.startswith("PAYNET ") and place != BROWSER:
                told += [f"somebody's card in {place}" for _ in cards_in(whole)]
        return told

    def where(self, kind: str) -> list[str]:
        """The texts that show it, for a person who looks for the cause."""
        mine = tuple(canary for canary in self.known if canary.kind == kind)
        return [
            f"{place}: {text}"
            for place, texts in self.heard.items()
            if place not in ALLOWED[kind]
            for text in texts
            if found(text, mine)
        ]


_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({})))


class _LogEar(logging.Handler):
    """Each record: its message, arguments, exception and whatever was added."""

    def __init__(self, ears: Ears) -> None:
        super().__init__(logging.DEBUG)
        self._ears = ears

    def emit(self, record: logging.LogRecord) -> None:
        self._ears.hear(LOG, f"{record.name}: {record.getMessage()}")
        added = {k: v for k, v in vars(record).items() if k not in _OF_EVERY_RECORD}
        self._ears.hear(LOG, repr(added))
        self._ears.hear(LOG, repr(record.args))
        if record.exc_info and record.exc_info[1]:
            self._ears.hear(LOG, said_by(record.exc_info[1]))


def said_by(error: BaseException) -> str:
    """The whole chain: what a traceback prints, and what each link carries, hidden or
    not."""
    text = ["".join(traceback.format_exception(error))]
    links, seen = [error], set()
    while links:
        link = links.pop()
        if id(link) not in seen:
            seen.add(id(link))
            text += [repr(link), str(link), repr(link.args)]
            own = {name: it for name, it in vars(link).items() if name != "current"}
            text += [
                repr(own)
            ]  # the escrow that a refusal carries is no text of its own
            text += getattr(link, "__notes__", [])
            links += [e for e in (link.__cause__, link.__context__) if e]
    return "\n".join(text)


@contextmanager
def listening(world: World, ears: Ears) -> Iterator[None]:
    """With every logger at DEBUG, but for those that the product itself set."""
    root, ours = logging.getLogger(), entrypoint.logger
    handler, lines = ours.registered_handler, io.StringIO()
    assert isinstance(handler, logging.StreamHandler)
    ear = _LogEar(ears)
    before = root.level, ours.log_level, handler.setStream(lines)
    root.setLevel(logging.DEBUG)
    ours.setLevel("DEBUG")
    root.addHandler(ear)
    out, err = io.StringIO(), io.StringIO()
    try:
        with world.variables.context() as patched:
            _listen_at_the_doors(world, ears, patched)
            with redirect_stdout(out), redirect_stderr(err):
                yield
    finally:
        root.removeHandler(ear)
        root.setLevel(before[0])
        ours.setLevel(before[1])
        handler.setStream(before[2])
    for stream in (lines, out, err):
        for line in stream.getvalue().splitlines():
            ears.hear(OUTPUT, line)
    _collect(world, ears)


def _collect(world: World, ears: Ears) -> None:
    """What was read and written at the table, before and after each write, and what
    PAYNET keeps of who called."""
    for _, asked, told in world.books.calls or []:
        ears.hear(TABLE, json.dumps([asked, told], default=repr))
    world.books.calls = []
    ears.hear(TRAFFIC, json.dumps(world.paynet.traffic.view()))


def _listen_at_the_doors(world: World, ears: Ears, patched: Any) -> None:
    world.secrets["WebhookSecret"] = json.dumps(
        {"current": WEBHOOK_SECRET, "previous": OLD_WEBHOOK_SECRET}
    )
    world.books.calls = []
    _plant_cards(ears, patched)
    _listen_to_answers(ears, patched)
    _listen_to_paynet(ears, patched)
    _listen_to_errors(ears, patched)


def _plant_cards(ears: Ears, patched: Any) -> None:
    """Every card that somebody sends is a canary's, and so is what a path hides."""
    plain = Stage.event

    def event(self: Stage, method: str, path: str, body: Any = None, **how: Any) -> Any:
        if isinstance(body, dict) and "card" in body:
            number = body["card"]["number"]
            own = {"holder": HOLDER, "cvc": CVC}
            is_any = number == GOOD_CARD and "quote" not in body  # a quote has a BIN
            own |= {"number": NUMBER} if is_any else {}
            body = body | {"card": body["card"] | own}
            ears.learn("card number", number)
        _learn_from_path(ears, path)
        for name, value in parse_qsl((how.get("raw") or b"").decode("latin-1")):
            _learn_by_name(ears, name, value)
        return plain(self, method, path, body, **how)

    patched.setattr(Stage, "event", event)


def _learn_from_path(ears: Ears, url: str) -> None:
    path = urlsplit(url).path
    if path.startswith("/api/3d/return/"):
        ears.learn("return state", path.rpartition("/")[2])
    elif path.count("/") == 6:  # /api/webhooks/paynet-callback/escrow/subject/secret
        ears.learn("callback secret", path.rpartition("/")[2])


_BY_NAME = {
    "session_id": "session",
    "token_id": "token",
    "card_hash": "card hash",
    "card_owner_id": "card owner",
}


def _learn_by_name(ears: Ears, name: str, value: object) -> None:
    if name in _BY_NAME:
        ears.learn(_BY_NAME[name], value)
    if name in {"return_url", "succeedUrl"}:
        _learn_from_path(ears, str(value))


def _learn_from(ears: Ears, said: object) -> None:
    """Every secret that PAYNET and we told one another, however deep."""
    if isinstance(said, dict):
        for name, value in said.items():
            _learn_by_name(ears, name, value)
            _learn_from(ears, value)
    elif isinstance(said, list):
        for each in said:
            _learn_from(ears, each)


def _listen_to_answers(ears: Ears, patched: Any) -> None:
    plain = World.invoke

    def invoke(self: World, function: str, event: dict[str, Any]) -> Any:
        try:
            answer = plain(self, function, event)
        except Exception as error:
            ears.hear(ERROR, said_by(error))
            raise
        _hear_answer(ears, answer)
        return answer

    patched.setattr(World, "invoke", invoke)


def _hear_answer(ears: Ears, answer: Any) -> None:
    """What the payer's own browser is sent to the bank with stands apart."""
    body = answer.get("body") or "" if isinstance(answer, dict) else ""
    if '"three_ds"' in body:
        told = json.loads(body)
        ears.hear(BROWSER, json.dumps(told.pop("three_ds")))
        answer = answer | {"body": json.dumps(told)}
    ears.hear(ANSWER, json.dumps(answer, default=repr))


def _listen_to_paynet(ears: Ears, patched: Any) -> None:
    plain = HTTPAdapter.send

    def send(
        _: HTTPAdapter, request: requests.PreparedRequest, **how: Any
    ) -> requests.Response:
        headers = dict(request.headers)
        if headers.get("Authorization") != f"Basic {PAYNET_KEY}":
            return plain(request, **how)  # type: ignore[arg-type]  # the world's own has no self
        ears.hear(KEY_HEADER, str(headers.pop("Authorization")))
        body = request.body or b""
        said = body.decode() if isinstance(body, bytes) else body
        ears.hear(f"PAYNET {request.path_url}", f"{request.url} {headers} {said}")
        _learn_from(ears, json.loads(said))
        response = plain(request, **how)  # type: ignore[arg-type]  # the world's own has no self
        _learn_from_answer(ears, response)
        return response

    patched.setattr(HTTPAdapter, "send", send)


def _learn_from_answer(ears: Ears, response: requests.Response) -> None:
    """Read, and put back for the one who asked."""
    raw = response.raw.read()
    response.raw = type(response.raw)(
        io.BytesIO(raw), response.headers, response.status_code, preload_content=False
    )
    try:
        _learn_from(ears, json.loads(raw))
    except ValueError:
        return


def _listen_to_errors(ears: Ears, patched: Any) -> None:
    """Each of ours when it is told, with whatever hangs behind it, and each bug."""
    for name in ("log_refusal", "log_failure"):
        plain = getattr(entrypoint, name)

        def told(error: Exception, plain: Any = plain) -> None:
            ears.hear(ERROR, said_by(error))
            plain(error)

        patched.setattr(entrypoint, name, told)
    made = EmanetError.__init__

    def init(self: EmanetError, *args: Any) -> None:
        made(self, *args)
        ears.hear(ERROR, f"{self!r} {self} {args!r} {vars(self)!r}")

    patched.setattr(EmanetError, "__init__", init)
