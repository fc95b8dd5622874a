"""A demo shop: one page, and the small server that plays the marketplace's backend.

The server alone registers escrows and alone knows what a thing costs. Card data never
reach it: the page sends them to the API, or PAYNET's own form to PAYNET. It hands out
demo tokens to whoever asks on this machine, which no real shop may do.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import requests
from flask import Flask, Response, abort, jsonify, request

from local.issuer import PEOPLE, Issuer

API_TIMEOUT_S = 35.0
VISITORS = ("buyer", "seller", "operations")
PRICES_MINOR = {"kilim": 130_000}
CONSENT_VERSION = "demo-1"  # the text itself is in page/words.js
PAYNET_PAGES = "https://*.paynet.com.tr"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the shop is told of the system around it: where things are, and whether
    PAYNET's own form takes the card."""

    api_url: str
    paynet_url: str
    is_simulated: bool
    is_hosted: bool

    @property
    def settings(self) -> dict[str, object]:
        """What the page is told."""
        return {
            "api_url": self.api_url,
            "paynet": "simulator" if self.is_simulated else "test",
            "payment_mode": "hosted" if self.is_hosted else "api",
            "prices": PRICES_MINOR,
            "cards": [PAYS, *(GOES_WRONG if self.is_simulated else ())],
        }

    @property
    def policy(self) -> str:
        """The page's Content-Security-Policy. PAYNET's script, its calls, the bank's
        page in its frame and the form's way back are let in only where they are."""
        here, api = "'self'", self.api_url
        sources = {
            "default-src": "'none'",
            "script-src": here,
            "style-src": here,
            "img-src": f"{here} data:",
            "connect-src": f"{here} {api}",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        if self.is_hosted:
            sources["script-src"] += f" {self.paynet_url}"
            sources["connect-src"] += f" {self.paynet_url}"
            sources["frame-src"] = self.paynet_url if self.is_simulated else "https:"
            sources["form-action"] = f"{here} {api}"
        return "; ".join(f"{name} {allowed}" for name, allowed in sources.items())


@dataclass(frozen=True, slots=True)
class DemoCard:
    """A test card and what it does, for the page's list."""

    number: str
    tr: str
    en: str


PAYS = DemoCard("5406675406675403", "Ödeme geçer (şifre: a)", "Pays (password: a)")
# The simulator's own; PAYNET's test host knows only the first.
GOES_WRONG = (
    DemoCard("4000000000000010", "Banka reddeder", "Declined by the bank"),
    DemoCard("4000000000000028", "Bakiye yetersiz", "Insufficient funds"),
    DemoCard("4000000000000036", "3-D doğrulaması başarısız", "3-D Secure fails"),
    DemoCard(
        "4000000000000051",
        "Para çekilir, yanıt kaybolur",
        "Charged, the answer is lost",
    ),
    DemoCard(
        "4000000000000069",
        "Para çekilmez, yanıt kaybolur",
        "Not charged, the answer is lost",
    ),
    DemoCard("4000000000000085", "Yavaş yanıt (5 sn)", "Slow answer (5 s)"),
    DemoCard("4000000000000127", "Farklı tutar çekilir", "Another amount is taken"),
)


def shop(around: Surroundings, issuer: Issuer) -> Flask:
    """The shop as a WSGI application."""
    app = Flask(__name__, static_folder="page", static_url_path="/page")
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1"]  # no name of elsewhere leads here
    app.add_url_rule("/shop/settings", "settings", lambda: around.settings)
    app.after_request(_protect)
    _add_pages(app, around.policy)
    _add_backend(app, around.api_url, issuer)
    return app


def _add_pages(app: Flask, policy: str) -> None:
    @app.get("/")
    @app.get("/return")
    def page() -> Response:
        response = app.send_static_file("index.html")
        response.headers["Content-Security-Policy"] = policy
        return response

    @app.get("/bank")
    def bank() -> Response:
        """Where html_content is rendered; its script is the bank's, so no policy."""
        return app.send_static_file("bank.html")


def _add_backend(app: Flask, api_url: str, issuer: Issuer) -> None:
    @app.get("/shop/token")
    def token() -> Response:
        who = request.args.get("who", "")
        if who not in VISITORS:
            abort(404)
        return jsonify(token=issuer.token(who))

    @app.post("/shop/orders")
    def order() -> tuple[Response, int]:
        product = request.get_json().get("product")
        if product not in PRICES_MINOR:
            abort(404)
        registered = _register(api_url, issuer, PRICES_MINOR[product])
        return jsonify(registered.json()), registered.status_code


def _protect(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _register(api_url: str, issuer: Issuer, amount_minor: int) -> requests.Response:
    return requests.post(
        f"{api_url}/api/escrows",
        json={
            "order_id": f"demo-{secrets.token_hex(6)}",
            "amount": {"amount": amount_minor, "currency": "TRY"},
            "payer": {"id": PEOPLE["buyer"].sub},
            "payee": {"id": PEOPLE["seller"].sub},
        },
        headers={"Authorization": f"Bearer {issuer.token('backend')}"},
        timeout=API_TIMEOUT_S,
    )
