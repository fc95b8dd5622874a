"""Hostile events for every handler of the template: a genuine event of each route, and
whatever its caller could have made of it. What API Gateway vouches for (the route, the
claims of a verified token, the moment, the address) stays as it is; path, query,
headers and body are the caller's."""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from emanet import schemas
from emanet.entrypoint import BODY_MAX_BYTES, HttpFunction
from emanet.usecases import operate
from local.paynet_simulator import browser
from local.paynet_simulator.callbacks import signature
from tests.simulation.world import Snapshot, World
from tests.stage import (
    AMOUNT_MINOR,
    BACKEND,
    BASE_URL,
    BUYER,
    GOOD_CARD,
    OPERATIONS,
    OTHER_PAGE,
    RETURN_PAGE,
    SAVE_CARD,
    SELLER,
    WEBHOOK_SECRET,
    Answer,
    Who,
    order,
    payment,
)

Event = dict[str, Any]
KEY = {"Idempotency-Key": "fuzz-1"}
PARCEL = {"carrier": "Kargo", "tracking_number": "TR-1"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SIGNATURE, TIMESTAMP = "x-paynet-signature", "x-paynet-timestamp"
RETURN = "POST /api/3d/return/{escrow_id}/{attempt}/{state}"
FUNCTIONS_OF_THE_CLOCK = ("ReconcileFunction", "CompareFunction")


# ── one genuine event of each route ──────────────────────────────────────────


@dataclass(frozen=True)
class Genuine:
    """An event that its route answers as it should; `model` is what reads its body."""

    function: str
    route: str
    event: Event = field(repr=False)
    model: type[schemas.Border] | None = None

    @property
    def is_signed(self) -> bool:
        return SIGNATURE in self.event["headers"]


@dataclass
class Town:
    """A world in which every route has something to act on, and its genuine events."""

    world: World
    genuine: list[Genuine] = field(default_factory=list)
    fields: dict[str, set[str]] = field(default_factory=dict)
    moment: Snapshot = field(init=False)

    def ask(self, method: str, path: str, body: Any = None, **how: Any) -> None:
        """Another genuine event, kept and not yet played."""
        event, route = self.world.event(method, path, body, **how)
        self.genuine.append(Genuine(route.function, route.key, event))

    def settle(self) -> None:
        """The moment to which every event goes back. Each genuine event is played
        once: which model reads its body is noted, and of a success its fields."""
        asked: list[type[schemas.Border]] = []
        plain = HttpFunction.body

        def noted(self: HttpFunction, kind: type[schemas.Border]) -> Any:
            asked.append(kind)
            return plain(self, kind)

        self.moment = self.world.snapshot()
        known = []
        with self.world.variables.context() as patched:
            patched.setattr(HttpFunction, "body", noted)
            for each in self.genuine:
                asked.clear()
                event = copy.deepcopy(each.event)
                self._note(each.route, self.world.handle(each.function, event))
                self.world.go_back(self.moment)
                model = asked[0] if asked else None
                known.append(Genuine(each.function, each.route, each.event, model))
        self.genuine = known

    def _note(self, route: str, answer: Answer) -> None:
        if answer.status in {200, 201} and answer.text.startswith("{"):
            told = set(answer.body)
            self.fields[route] = self.fields.get(route, told) & told
        elif answer.status < 400:
            self.fields[route] = set()


def town(world: World) -> Town:
    """Every route of the template, and every word of those that take a word."""
    built = Town(world)
    parked = _parked_callback(world)
    card = _stored_card(world)
    held, refunding, shipped, disputed = (world.held() for _ in range(4))
    _order_callback(built, refunding)
    for escrow_id in (shipped, disputed):
        assert _act(world, escrow_id, "ship", PARCEL, SELLER) == 200
    assert _act(world, disputed, "dispute", {"reason": "broken"}, BUYER) == 200
    fresh = world.create()
    plan = world.call("POST", "/api/operations/compare/plan", {}, who=OPERATIONS)
    _pay(built, fresh, card)
    _of_parties(built, held, shipped, disputed)
    _of_staff(built, held, disputed, parked, str(plan.body["plan_id"]))
    started = world.initiate(world.create()).at_bank()
    path = started.action.removeprefix(BASE_URL)
    raw = urlencode(started.fields).encode()
    built.ask("POST", path, raw=raw, headers=FORM)
    _signed_callback(built)
    built.settle()
    return built


def _parked_callback(world: World) -> str:
    """A callback about nothing of ours, which waits for a person by now."""
    assert world.callback("another-shop-17").status == 200
    for _ in range(4):
        world.run_reconciler()
        world.later(days=1)
    world.run_reconciler()
    [line] = world.inbox()
    assert line["status"]["S"] == "queued"
    return str(line["id"]["S"])


def _stored_card(world: World) -> str:
    world.pay(world.create(), save_card=SAVE_CARD)
    [card] = world.call("GET", "/api/cards").body["cards"]
    return str(card["card_id"])


def _act(world: World, id_: str, word: str, body: Any, who: Who) -> int:
    path = f"/api/escrows/{id_}/{word}"
    return world.call("POST", path, body, who=who, headers=KEY).status


def _order_callback(built: Town, id_: str) -> None:
    """A refund on its way, and the address that PAYNET was told for it."""
    world = built.world
    world.paynet.settings.refund_delay_s = 3_600
    assert _act(world, id_, "cancel", {}, BUYER) == 200
    world.later(seconds=1)
    world.run_reconciler()
    [refund] = world.paynet.books.refunds()
    path = refund.succeed_url.removeprefix(BASE_URL)
    built.ask("POST", path, {"xact_id": refund.sale.xact_id, "code": "0"})


def _signed_callback(built: Town) -> None:
    """The last of the genuine events: its signature is minutes old at most."""
    raw = json.dumps({"referance_no": "another-shop-18", "is_succeed": True}).encode()
    at_s = int(built.world.clock().timestamp())
    headers = {TIMESTAMP: str(at_s), SIGNATURE: signature(WEBHOOK_SECRET, at_s, raw)}
    built.ask("POST", "/api/webhooks/paynet-callback", raw=raw, headers=headers)


def _pay(built: Town, fresh: str, card: str) -> None:
    own = f"/api/escrows/{fresh}/3d"
    [_, second, *_] = built.world.offers(fresh)
    quoted = {"quote": second["quote"], "save_card": SAVE_CARD}
    stored = {"stored_card": card, "return_to": RETURN_PAGE, "prefer": "html"}
    for body in (payment(), payment() | quoted, stored):
        built.ask("POST", own, body)
    built.ask("GET", f"/api/instalments?escrow={fresh}&bin={GOOD_CARD[:6]}")
    built.ask("GET", "/api/cards")
    built.ask("DELETE", f"/api/cards/{card}")


def _of_parties(built: Town, held: str, shipped: str, disputed: str) -> None:
    own = f"/api/escrows/{held}"
    fee = {"amount": 1_000, "currency": "TRY"}
    part = {"amount": {"amount": 30_000, "currency": "TRY"}, "reason": "as agreed"}
    more: dict[str, Any] = {"fee": fee, "policy": {"claim_days": 7}, "round": 1}
    built.ask("POST", "/api/escrows", order("order-1", **more), who=BACKEND)
    built.ask("GET", "/api/escrows?as=payer")
    built.ask("GET", own)
    built.ask("GET", f"{own}/statement?format=csv")
    built.ask("GET", "/api/statement?month=2026-11", who=SELLER)
    built.ask("POST", f"{own}/ship", PARCEL, who=SELLER)
    built.ask("POST", f"{own}/deliver", {})
    built.ask("POST", f"{own}/release", part, headers=KEY)
    built.ask("POST", f"{own}/refund", part, who=SELLER, headers=KEY)
    built.ask("POST", f"{own}/cancel", {})
    objection = {"reason": "broken", "evidence": ["photo-1"]}
    built.ask("POST", f"/api/escrows/{shipped}/dispute", objection)
    built.ask("POST", f"/api/escrows/{disputed}/withdraw_dispute", {})


def _of_staff(built: Town, held: str, disputed: str, parked: str, plan: str) -> None:
    """Every decision on one escrow, whether its state allows it or not."""
    start = "/api/operations"
    queue, days = f"{start}/queue?limit=5", {"first": "2026-11-24"}
    for word in operate.WAYS:
        id_ = disputed if word.endswith("_dispute") else held
        body = _decision(built.world.escrow(id_).version)
        path = f"{start}/escrows/{id_}/{word}"
        built.ask("POST", path, body, who=OPERATIONS, headers=KEY)
    for word in operate.CALLBACK_WAYS:
        built.ask("POST", f"{start}/inbox/{parked}/{word}", {}, who=OPERATIONS)
    built.ask("GET", queue, who=OPERATIONS)
    built.ask("POST", f"{start}/compare/plan", days, who=OPERATIONS)
    built.ask("POST", f"{start}/compare/apply", {"plan_id": plan}, who=OPERATIONS)


def _decision(version: int) -> dict[str, Any]:
    """With every part that any decision needs."""
    halves = {"amount": AMOUNT_MINOR // 2, "currency": "TRY"}
    return {
        "reason": "looked into it",
        "version": version,
        "release": halves,
        "refund": halves,
        "settlement": "auto-release/1",
        "xact_id": "x-1",
        "done": True,
    }


def hosted_town(world: World) -> Town:
    """PAYNET's own form: the body without a card, and its return."""
    world.deploy(PAYMENT_MODE="hosted")
    built, escrow_id = Town(world), world.create()
    wish = {"return_to": RETURN_PAGE}
    path = f"/api/escrows/{escrow_id}/3d"
    told = world.call("POST", path, wish).body["three_ds"]
    says = told["attributes"]
    form = browser.HostedForm(
        told["script"], says["data-key"], says["data-amount"], told["action"]
    )
    back = form.pay()
    raw = urlencode(back.fields).encode()
    built.ask("POST", path, {"return_to": OTHER_PAGE})
    built.ask("POST", back.action.removeprefix(BASE_URL), raw=raw, headers=FORM)
    built.settle()
    return built


# ── what stands in no specification ──────────────────────────────────────────

TEXTS = (
    "",
    " ",
    "\x00",
    "a\r\nSet-Cookie: a=b",
    "\ud800",
    "ok \udfff",
    "ş" * 300,
    "x" * 9_000,
    "../../etc/passwd",
    "..%2f..%2f",
    "%00%0d%0a",
    "%",
    "' OR '1'='1",
    '"}],"a":[{',
    "${jndi:ldap://a}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "-1",
    "1e309",
    "NaN",
    "٤٥٣",
    "İ",
    "\u202egnp.exe",
    "\ufeff",
    "a" * 26,
    "inbox-" + "a" * 52,
    "payer-" + "a" * 52,
    "plan-a",
    "a/b",
    "a/../b",
    "?",
    "#",
    "&=&",
    "true",
    "null",
    "\U0001f4a9",
    "999999999999999999999999",
    "$2",
    "0",
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    *(None, True, False, 0, -1, 1, 2**63, -(2**63), 10**40, 1.5, -0.0, 1e308),
    *(float("nan"), float("inf"), float("-inf")),
    *([], {}, [None], [[[]]], {"": {}}, list(range(1_000)), {"amount": {}}),
    *({"a": {"a": {"a": {"a": 1}}}}, {"\ud800": 1}, {"amount": 1, "currency": "USD"}),
)
HEADERS = (
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "content-length",
    "idempotency-key",
    "origin",
    "referer",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-http-method-override",
    "x-paynet-timestamp",
    "x-paynet-signature",
    "x-amzn-trace-id",
)
LANGUAGES = ("tr", "en", "TR-tr;q=0.1, en", "de", "tr" * 500, ",;,;", "\x00")

Chance = random.Random
Mutation = Callable[[Event, Chance], None]


def _raw_of(event: Event) -> bytes:
    """The bytes that were sent, as far as there are any: what another mutation left
    may be neither base64 nor text."""
    text = str(event.get("body") or "")
    if event.get("isBase64Encoded"):
        with suppress(ValueError):
            return base64.b64decode(text)
    return text.encode(errors="surrogatepass")


def _put(event: Event, raw: bytes, chance: Chance) -> None:
    """As API Gateway would: text as text, else base64."""
    try:
        event["body"], event["isBase64Encoded"] = raw.decode(), False
    except UnicodeDecodeError:
        event["body"] = base64.b64encode(raw).decode()
        event["isBase64Encoded"] = True
    if chance.random() < 0.2 and not event["isBase64Encoded"]:
        event["body"] = base64.b64encode(raw).decode()
        event["isBase64Encoded"] = True


def _json_of(event: Event) -> Any:
    try:
        return json.loads(_raw_of(event) or b"{}")
    except (ValueError, RecursionError):
        return dict(parse_qsl(_raw_of(event).decode("latin-1")))


def _places(body: Any, depth: int = 5) -> list[tuple[Any, Any]]:
    """Every (container, key) in it, not too deep down."""
    keys: list[Any] = []
    if isinstance(body, dict):
        keys = list(body)
    elif isinstance(body, list):
        keys = list(range(len(body)))
    own = [(body, key) for key in keys if depth]
    return [*own, *(p for key in keys if depth for p in _places(body[key], depth - 1))]


def spoil(body: Any, chance: Chance) -> Any:
    """One thing in it is otherwise, in place: gone, of another kind, doubled in
    another name, or new."""
    places = _places(body)
    if not places or chance.random() < 0.1:
        body = body if isinstance(body, dict) else {}
        body[chance.choice(TEXTS)] = chance.choice(VALUES)
        return body
    inside, key = chance.choice(places)
    way = chance.randrange(5)
    if way == 0:
        del inside[key]
    elif way == 1 and isinstance(inside, dict):
        inside[chance.choice([str(key).upper(), f"{key} ", *TEXTS])] = inside.pop(key)
    elif way == 2:
        inside[key] = chance.choice([str(inside[key]), [inside[key]], {key: 1}])
    else:
        inside[key] = chance.choice(VALUES)
    return body


def _wrong_field(event: Event, chance: Chance) -> None:
    body = spoil(_json_of(event), chance)
    _put(event, json.dumps(body).encode(), chance)


def _raw_surrogates(event: Event, chance: Chance) -> None:
    """Not escaped: in the text of the body itself."""
    body = spoil(_json_of(event), chance)
    event["body"] = json.dumps(body, ensure_ascii=False) + chance.choice(TEXTS)
    event["isBase64Encoded"] = False


def _doubled(event: Event, chance: Chance) -> None:
    body = _json_of(event)
    if isinstance(body, dict) and body:
        name = chance.choice(list(body))
        pair = f"{json.dumps(name)}: {json.dumps(chance.choice(VALUES))}"
        text = json.dumps(body)
        both = [f"{{{pair}, {text[1:]}", f"{text[:-1]}, {pair}}}"]
        _put(event, chance.choice(both).encode(), chance)


def _as_form(event: Event, chance: Chance) -> None:
    body = _json_of(event)
    pairs = list(body.items()) if isinstance(body, dict) else []
    pairs.insert(0, (chance.choice(["session_id", "token_id", "x"]), "a"))
    chance.shuffle(pairs)
    text = urlencode(
        [(k, chance.choice([v, *TEXTS])) for k, v in pairs], errors="ignore"
    )
    _put(event, text.encode(), chance)


def _deep(event: Event, chance: Chance) -> None:
    depth = chance.choice([50, 500, 1_300, 8_000])
    opened, shut = chance.choice([("[", "]"), ('{"a":', "}"), ('{"amount":', "}")])
    text = opened * depth + "1" + shut * chance.choice([0, depth])
    _put(event, text[:BODY_MAX_BYTES].encode(), chance)


def _at_the_limit(event: Event, chance: Chance) -> None:
    raw = _raw_of(event) or b"{}"
    size = BODY_MAX_BYTES + chance.choice([-1, 0, 1, BODY_MAX_BYTES])
    _put(event, raw + b" " * (size - len(raw)), chance)


def _random_bytes(event: Event, chance: Chance) -> None:
    _put(event, chance.randbytes(chance.choice([1, 7, 64, 900, 17_000])), chance)


def _flipped(event: Event, chance: Chance) -> None:
    raw = bytearray(_raw_of(event) or b"{}")
    for _ in range(chance.randint(1, 4)):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    cut = chance.choice([len(raw), chance.randrange(len(raw) + 1)])
    _put(event, bytes(raw[:cut]), chance)


def _odd_base64(event: Event, chance: Chance) -> None:
    """Called base64 and none, the other way about, or half of it."""
    text = event.get("body") or "{}"
    coded = base64.b64encode(_raw_of(event)).decode()
    bodies = [text, coded, coded[:-1], coded + "=", f"{coded}\n", "====", "ü", "\ud800"]
    event["body"] = chance.choice(bodies)
    event["isBase64Encoded"] = chance.choice([True, False])


def _no_body(event: Event, chance: Chance) -> None:
    event["body"] = None
    if chance.random() < 0.5:
        del event["body"]
    event["isBase64Encoded"] = chance.choice([True, False])


def _odd_headers(event: Event, chance: Chance) -> None:
    headers = event["headers"]
    for name in chance.sample(HEADERS, chance.randint(1, 4)):
        headers[name] = chance.choice([*TEXTS, *LANGUAGES, headers.get(name) or ""])
    headers[chance.choice(["x-" + "a" * 500, "x-ş", ""])] = chance.choice(TEXTS)
    if chance.random() < 0.2:
        event["headers"] = {}  # what API Gateway adds itself cannot go: it is not read
    event["cookies"] = [chance.choice(TEXTS)]


def _odd_query(event: Event, chance: Chance) -> None:
    """Both spellings of it, as API Gateway writes them; absent when there is none."""
    asked = dict(event.get("queryStringParameters") or {})
    names = [*asked, "escrow", "bin", "as", "reason", "limit", "month", "format"]
    for _ in range(chance.randint(1, 3)):
        name = chance.choice([*names, "session_id", "token_id", *TEXTS])
        asked[name] = chance.choice(TEXTS)
    pairs = "&".join(
        f"{quote(k, errors='surrogatepass')}={quote(v, errors='surrogatepass')}"
        for k, v in asked.items()
    )
    raw = [pairs, pairs * 3, chance.choice(TEXTS), "session_id=a&session_id=b"]
    event["queryStringParameters"] = asked
    event["rawQueryString"] = chance.choice(raw)
    if chance.random() < 0.2:
        event.pop("queryStringParameters")
        event["rawQueryString"] = ""


def _odd_path(event: Event, chance: Chance) -> None:
    """Any text where the route has a variable: API Gateway decodes it before."""
    known = dict(event.get("pathParameters") or {})
    if not known:
        return
    name = chance.choice(list(known))
    true = known[name]
    near = [true.upper(), true[:-1], f"{true}a", f"{true}\n", f" {true}", true[::-1]]
    known[name] = chance.choice([*TEXTS, *near])
    event["pathParameters"] = known
    method, _, path = event["routeKey"].partition(" ")
    for variable, value in known.items():
        path = path.replace(f"{{{variable}}}", value)
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    assert event["requestContext"]["http"]["method"] == method


MUTATIONS: tuple[Mutation, ...] = (
    *(_wrong_field, _wrong_field, _wrong_field, _raw_surrogates, _doubled, _as_form),
    *(_deep, _at_the_limit, _random_bytes, _flipped, _odd_base64, _no_body),
    *(_odd_headers, _odd_query, _odd_path, _odd_path),
)


def hostile(genuine: Genuine, chance: Chance) -> Event:
    """The event with one thing otherwise, now and then two, in either language."""
    event = copy.deepcopy(genuine.event)
    event["headers"]["accept-language"] = chance.choice(("tr", "en"))
    for mutate in chance.sample(MUTATIONS, chance.choice([1, 1, 1, 2])):
        mutate(event, chance)
    if genuine.is_signed and chance.random() < 0.7:
        _sign_again(event)
    return event


def _sign_again(event: Event) -> None:
    """As if it came from whoever knows the secret: behind the gate, too, anything may
    be said. What is no base64 at all cannot be signed."""
    headers = event["headers"]
    with suppress(ValueError):
        moment = int(headers.get(TIMESTAMP, ""))
        headers[SIGNATURE] = signature(WEBHOOK_SECRET, moment, _raw_of(event))
