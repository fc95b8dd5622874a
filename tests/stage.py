"""The stage on which integration tests play: the real handlers, the real books on a
real engine, the real client talking HTTP to the simulator, and a clock that the test
owns."""

from __future__ import annotations

import importlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from emanet import bootstrap, returns
from emanet.dynamodb.table import DynamoEscrowStore
from emanet.escrow import Escrow
from emanet.istanbul import ISTANBUL
from emanet.paynet.books import PaynetBooks
from emanet.paynet.cards import PaynetCards
from emanet.paynet.client import PaynetGateway
from emanet.paynet.line import Line
from emanet.paynet.money_out import PaynetMoneyOut
from emanet.ports import CardOwners, Desk, Gateway
from emanet.usecases.complete_3d import Counter, Landing, complete_3d
from emanet.usecases.initiate_3d import Till
from emanet.usecases.reconcile import Reconciler, Report
from emanet.usecases.stored_cards import CardBook
from local.api_gateway import payload
from local.api_gateway.template import Route, Template
from local.engines import Engine
from local.paynet_simulator import browser
from local.paynet_simulator.callbacks import signature
from local.paynet_simulator.simulator import PaynetSimulator

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

PAYNET_KEY = "sck_pcs_stage/key+1"
WEBHOOK_SECRET = "stage-webhook-secret"
OWN_SECRET = "stage-own-secret"
CONSENT_VERSION = "kvkk-2026-11"
RETURN_PAGE = "https://shop.example/return"
OTHER_PAGE = "https://m.shop.example/done"
BASE_URL = "https://pay.example"
AMOUNT_MINOR = 130_000

GOOD_CARD = "4355084355084358"

BACKEND = ("shop-backend", "escrow:create")
BUYER = ("buyer-1", "escrow:read escrow:pay")
SELLER = ("seller-1", "escrow:read escrow:ship")
CARRIER = ("carrier-1", "delivery:confirm")
OPERATIONS = ("ops-1", "escrow:read operations")
STRANGER = ("stranger-1", "escrow:read escrow:pay escrow:ship")

Who = tuple[str, str]


def parameters(paynet_url: str) -> dict[str, str]:
    """What a deployment on this stage chose."""
    return {
        "Merchant": "stage",
        "JwtIssuer": "https://issuer.example",
        "JwtAudience": "emanet",
        "FrontendOrigins": "https://shop.example",
        "FrontendReturnUrls": f"{RETURN_PAGE},{OTHER_PAGE}",
        "PublicBaseUrl": BASE_URL,
        "PaynetEnvironment": "simulator",
        "PaynetSimulatorUrl": paynet_url,
        "WebhookSourceCidrs": "127.0.0.1/32",
        "CardConsentVersion": CONSENT_VERSION,
    }


def surroundings(engine: Engine) -> dict[str, str]:
    """What Lambda would add to a function's environment."""
    return {
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL_DYNAMODB": engine.dynamodb_endpoint,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": engine.secrets_endpoint,
        "NO_PROXY": "*",
    }


_WEDNESDAY = 2
_real_now = bootstrap.clock


@dataclass
class MovableClock:
    """Now, moved by what the test added."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return _real_now() + self.ahead

    def move(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass(frozen=True)
class Answer:
    """A handler's answer, as API Gateway would pass it on."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Started:
    """A payment whose payer is at the bank."""

    escrow_id: str
    reference_no: str
    three_ds: Mapping[str, str]

    def at_bank(self, password: str = browser.USUAL_PASSWORD) -> browser.Form:
        """Through the bank's page; the form that goes to our return address."""
        return browser.pass_bank_page(self.three_ds["url"], password)


class Context(SimpleNamespace):
    """What Lambda tells a handler about itself."""

    function_name = "stage"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-central-1:000000000000:function:stage"
    aws_request_id = "stage"

    def get_remaining_time_in_millis(self) -> int:
        return 55_000


@dataclass
class Stage:
    template: Template
    environment: Mapping[str, str]
    dynamodb: DynamoDBClient
    paynet: PaynetSimulator
    paynet_url: str
    clock: MovableClock = field(default_factory=MovableClock)

    # ── the rooms, with the test's clock ──

    @property
    def store(self) -> DynamoEscrowStore:
        return DynamoEscrowStore(self.environment["TABLE_NAME"], self.dynamodb)

    @property
    def desk(self) -> Desk:
        return Desk(self.store, self.clock, bootstrap.chance)

    @property
    def line(self) -> Line:
        """To PAYNET, with a connection of its own."""
        return Line(self.paynet_url, lambda: PAYNET_KEY, self.clock)

    @property
    def gateway(self) -> PaynetGateway:
        return PaynetGateway(self.line)

    @property
    def owners(self) -> CardOwners:
        return self.store

    @property
    def book(self) -> CardBook:
        cards = PaynetCards(self.line)
        return CardBook(self.store, cards, lambda: bootstrap.own_key("card ids"))

    def till(self, gateway: Gateway | None = None) -> Till:
        return Till(
            desk=self.desk,
            gateway=gateway or self.gateway,
            book=self.book,
            quote_key=bootstrap.quote_key,
            user_id=bootstrap.paynet_user_id,
        )

    @property
    def money_out(self) -> PaynetMoneyOut:
        return PaynetMoneyOut(self.line)

    @property
    def paynet_books(self) -> PaynetBooks:
        return PaynetBooks(self.line)

    def begin_at_noon(self) -> None:
        """Wednesday's noon in Istanbul: days later is another day, hours later the
        same one, and none of them a Sunday, whenever the test runs."""
        self.clock.ahead = timedelta()
        now = self.clock().astimezone(ISTANBUL)
        days = (_WEDNESDAY - now.weekday()) % 7 or 7
        noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
        self.later(seconds=(noon + timedelta(days=days) - now).total_seconds())

    def later(self, **by: float) -> None:
        """The clock moves, for us and for PAYNET."""
        self.clock.move(**by)
        self.paynet.settings.clock_offset_s = self.clock.ahead.total_seconds()

    def reconciler(self, **other: Any) -> Reconciler:
        """A run that has not begun, with other collaborators where a test says so.
        PAYNET's callbacks cannot reach a test; `word_of_paynet` brings them."""
        self.paynet.settings.refund_callbacks = "lost"
        usual: dict[str, Any] = {
            "desk": self.desk,
            "schedule": self.store,
            "inbox": self.store,
            "gateway": self.gateway,
            "money_out": self.money_out,
            "deadline": self.clock() + timedelta(seconds=110),
            "callback_base": BASE_URL,
        }
        return Reconciler(**(usual | other))

    def reconcile(self, **later: float) -> Report:
        """The clock moves, for us and for PAYNET, and one run of the reconciler."""
        self.later(**later)
        return self.reconciler().run()

    def reconcile_until_quiet(self, **later: float) -> None:
        """Runs, some seconds apart, until nothing is due any more."""
        self.later(**later)
        for _ in range(20):
            report = self.reconcile(seconds=30)
            assert not report.failures, report
            if not report.escrows and not report.callbacks:
                return
        raise AssertionError("it never came to rest")

    def escrow(self, escrow_id: str) -> Escrow:
        return self.store.get(escrow_id)

    def back(
        self,
        form: browser.Form,
        *,
        desk: Desk | None = None,
        gateway: Gateway | None = None,
    ) -> Landing:
        """The same return as `come_back`, by the test's clock and collaborators."""
        *_, escrow_id, attempt, state = form.action.split("/")
        path = {"escrow_id": escrow_id, "attempt": attempt, "state": state}
        return complete_3d(
            returns.back_from_bank(path, urlencode(form.fields).encode(), ""),
            Counter(desk or self.desk, gateway or self.gateway, self.owners),
            self.clock() + timedelta(seconds=25),
        )

    def item(self, id_: str) -> dict[str, Any] | None:
        """The raw item, as the table has it."""
        found = self.dynamodb.get_item(
            TableName=self.environment["TABLE_NAME"],
            Key={"id": {"S": id_}},
            ConsistentRead=True,
        )
        return found.get("Item")

    def items(self) -> list[dict[str, Any]]:
        """Every item of the table."""
        found = self.dynamodb.scan(
            TableName=self.environment["TABLE_NAME"], ConsistentRead=True
        )
        return found["Items"]

    def taken_minor(self, escrow_id: str) -> int:
        """What PAYNET took for this escrow, by PAYNET's own books."""
        attempts = self.escrow(escrow_id).attempts
        return sum(self.paynet.books.taken_minor(a.reference_no) for a in attempts)

    # ── the API, as its callers see it ──

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: Who | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        source_ip: str = "127.0.0.1",
    ) -> Answer:
        """Through the template's route into the real handler, in this process."""
        event, route = self.event(
            method, path, body, who=who, raw=raw, headers=headers, source_ip=source_ip
        )
        return self.handle(route.function, event)

    def event(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: Who | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        source_ip: str = "127.0.0.1",
    ) -> tuple[dict[str, Any], Route]:
        """The event that API Gateway would make of a request, and its route."""
        data = raw if raw is not None else json.dumps(body).encode() if body else b""
        builder = EnvironBuilder(
            path.partition("?")[0],
            method=method,
            query_string=path.partition("?")[2],
            data=data,
            content_type="application/json",
            headers=list((headers or {}).items()),
            environ_base={"REMOTE_ADDR": source_ip},
        )
        request = Request(builder.get_environ())
        route, variables = self._route(method, request.path)
        caller = None
        if route.scopes is not None:
            sub, scope = who or BUYER
            claims = {"sub": sub, "scope": scope}
            caller = payload.Caller(claims, tuple(scope.split()))
        event = payload.event(
            request, route, variables, caller, str(uuid.uuid4()), moment=self.clock()
        )
        return event, route

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Whatever the handler answers."""
        slug = self.template.functions[function].slug
        app = importlib.import_module(f"functions.{slug}.app")
        return app.lambda_handler(event, Context())

    def handle(self, function: str, event: dict[str, Any]) -> Answer:
        answer = self.invoke(function, event)
        return Answer(
            answer["statusCode"],
            answer.get("headers") or answer.get("multiValueHeaders") or {},
            answer.get("body") or "",
        )

    def _route(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        parts = path.split("/")
        for route in self.template.routes:
            names = route.path.split("/")
            if route.method == method and len(names) == len(parts):
                pairs = list(zip(names, parts, strict=True))
                if all(n == p or n.startswith("{") for n, p in pairs):
                    return route, {n[1:-1]: p for n, p in pairs if n.startswith("{")}
        raise LookupError(f"the template has no route for {method} {path}")

    # ── the story's steps ──

    def create(self, order_id: str | None = None, **more: Any) -> str:
        """A registered escrow's id."""
        answer = self.call("POST", "/api/escrows", order(order_id, **more), who=BACKEND)
        assert answer.status in {200, 201}, answer.text
        return str(answer.body["escrow_id"])

    def offers(self, escrow_id: str, number: str = GOOD_CARD) -> list[dict[str, Any]]:
        """What the payer may choose for this card."""
        path = f"/api/instalments?escrow={escrow_id}&bin={number[:6]}"
        answer = self.call("GET", path)
        assert answer.status == 200, answer.text
        offers: list[dict[str, Any]] = answer.body["offers"]
        return offers

    def offer(self, escrow_id: str, count: int) -> dict[str, Any]:
        """So many instalments for the usual card."""
        return next(o for o in self.offers(escrow_id) if o["count"] == count)

    def initiate(self, escrow_id: str, number: str = GOOD_CARD, **more: Any) -> Started:
        """The payer at the bank's door; `stored_card` needs no number."""
        body = payment(number, **more)
        if "stored_card" in more:
            del body["card"]
        answer = self.call("POST", f"/api/escrows/{escrow_id}/3d", body)
        assert answer.status == 201, answer.text
        reference = answer.body["escrow"]["attempts"][-1]["reference_no"]
        return Started(escrow_id, reference, answer.body["three_ds"])

    def come_back(self, form: browser.Form) -> Answer:
        """The browser posts the bank's form to our return address."""
        path = form.action.removeprefix(BASE_URL)
        return self.call(
            "POST",
            path,
            raw="&".join(f"{k}={v}" for k, v in form.fields.items()).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

    def callback(
        self,
        reference_no: str,
        *,
        secret: str = WEBHOOK_SECRET,
        source_ip: str = "127.0.0.1",
        age_s: int = 0,
        **claims: Any,
    ) -> Answer:
        """Whoever knows the secret says that this reference was paid."""
        told = {"referance_no": reference_no, "is_succeed": True, **claims}
        raw = json.dumps(told).encode()
        at_s = int(bootstrap.clock().timestamp()) - age_s
        headers = {
            "x-paynet-timestamp": str(at_s),
            "x-paynet-signature": signature(secret, at_s, raw),
        }
        path = "/api/webhooks/paynet-callback"
        return self.call("POST", path, raw=raw, headers=headers, source_ip=source_ip)

    def word_of_paynet(self, **claims: Any) -> list[Answer]:
        """PAYNET posts what it decided about each refund to the URL that we gave it."""
        told = []
        for refund in self.paynet.books.refunds():
            if refund.succeed_url and refund.state in ("approved", "denied"):
                code = "0" if refund.state == "approved" else "1"
                body = {
                    "xact_id": refund.sale.xact_id,
                    "code": code,
                    "status": refund.state,
                }
                path = refund.succeed_url.removeprefix(BASE_URL)
                told.append(self.call("POST", path, body | claims))
        return told

    def inbox(self) -> list[dict[str, Any]]:
        """Every callback that was kept, as the table has it."""
        return [it for it in self.items() if it["id"]["S"].startswith("inbox-")]

    def pay(self, escrow_id: str, number: str = GOOD_CARD, **more: Any) -> Started:
        """The whole way through the bank and back."""
        started = self.initiate(escrow_id, number, **more)
        assert self.come_back(started.at_bank()).status == 303
        return started

    def held(self, **more: Any) -> str:
        """An escrow whose money is held."""
        escrow_id = self.create(**more)
        self.pay(escrow_id)
        assert self.escrow(escrow_id).status == "held"
        return escrow_id


SAVE_CARD = {"consent_version": CONSENT_VERSION, "name": "Kartım"}


def order(order_id: str | None = None, **more: Any) -> dict[str, Any]:
    """A registration that is right in every field."""
    return {
        "order_id": order_id or f"order-{uuid.uuid4().hex[:12]}",
        "amount": {"amount": AMOUNT_MINOR, "currency": "TRY"},
        "payer": {"id": BUYER[0]},
        "payee": {"id": SELLER[0]},
        **more,
    }


def payment(number: str = GOOD_CARD, **more: Any) -> dict[str, Any]:
    """An initiate body that is right in every field."""
    return {
        "card": {
            "holder": "Ayşe Yılmaz",
            "number": number,
            "expiry_month": 12,
            "expiry_year": datetime.now(UTC).year + 2,
            "cvc": "000",
        },
        "return_to": RETURN_PAGE,
        **more,
    }
