"""`make story`: one payment, played over HTTP against the running system, as a backend,
a buyer, his browser and a seller play it. It prints each exchange, expects values, and
stops at the first difference. It never looks inside; only at the end it reads PAYNET's
books and our table, which must agree."""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
import requests

from local.issuer import PEOPLE, Issuer
from local.paynet_simulator import browser
from local.running import ISSUER_KEY, NotRunningError, Running

PAID_MINOR = 130_000
AMOUNT = {"amount": PAID_MINOR, "currency": "TRY"}
DECLINED_CARD, GOOD_CARD = "4000000000000010", "5406675406675403"
TIMEOUT_S = 40.0

PAY = ["start_attempt", "store_session", "begin_charge"]
TIMELINE = ["create", *PAY, "decline", *PAY, "capture", "ship", "deliver", "release"]
TELLING = ("status", "version", "allowed_actions", "next", "three_ds", "code")

Json = dict[str, Any]


class DifferenceError(Exception):
    """It is not as the story goes."""


def paint(code: int, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() else text


def chapter(title: str) -> None:
    print(f"\n{paint(1, title)}")


def show(who: str, sent: Json, answer: requests.Response, told: str = "") -> None:
    """One exchange. A query, and the last word of a return path, are secrets."""
    path = str(urlsplit(answer.request.url or "").path)
    if path.startswith("/api/3d/return/"):
        path = f"{path.rpartition('/')[0]}/…"
    asked = f"{answer.request.method} {path} {one_line(sent)}"
    print(f"  {who:<8} {asked}".rstrip())
    print(f"           {paint(36, str(answer.status_code))} {told}".rstrip())


def one_line(body: Json) -> str:
    """A body as it may be shown: of a card the first six and the last four digits."""
    if "card" in body:
        number = body["card"]["number"]
        body = {**body, "card": {"number": f"{number[:6]}******{number[-4:]}"}}
    return json.dumps(body, ensure_ascii=False) if body else ""


def telling(answer: Json) -> Json:
    """The parts of an answer that carry the story on."""
    flat = {**answer, **answer.get("escrow", {})}
    flat["next"] = (flat.get("next") or {}).get("what")
    flat["three_ds"] = flat.get("three_ds", {}).get("kind")
    return {name: flat[name] for name in TELLING if flat.get(name) is not None}


def must_be(name: str, wanted: object, got: object) -> None:
    if got != wanted:
        raise DifferenceError(f"{name}: expected {wanted!r}, got {got!r}")


def expect(wanted: Json, got: Json) -> None:
    """Every value that is wanted, or DifferenceError."""
    for name, value in wanted.items():
        must_be(name, value, got.get(name))
    facts = ", ".join(f"{name} {value}" for name, value in wanted.items())
    print(f"           {paint(32, '✓')} {facts}")


def expect_escrow(escrow: Json, status: str, version: int, **kurus: int) -> None:
    """Status, version, kuruş, and every transition so far."""
    sums = {"held": 0, "released": 0, "refunded": 0}
    stands = {name: escrow[name]["amount"] for name in sums}
    wanted = {"status": status, "version": version, **sums, **kurus}
    expect(wanted, {**escrow, **stands})
    must_be("history", TIMELINE[:version], transitions(escrow))


def transitions(escrow: Json) -> list[str]:
    return [entry["transition"] for entry in escrow["history"]]


def tell_timeline(escrow: Json) -> None:
    chapter(f"Timeline of escrow {escrow['escrow_id']}")
    for entry in escrow["history"]:
        step = f"{entry['from'] or ''} → {entry['to']}"
        words = f"{entry['transition']:<15} {step:<29} {entry['by']:<8} {entry['why']}"
        print(f"  {entry['seq']:>2}  {entry['at'][11:23]}  {words}".rstrip())


@dataclass(frozen=True, slots=True)
class World:
    """The running system, and the tokens of the people in the story."""

    running: Running
    issuer: Issuer

    def ask(
        self, who: str, way: str, sent: Json, status: int, key: str | None = None
    ) -> Json:
        """One call of the API by one person; `way` is method and path."""
        method, path = way.split()
        token = f"Bearer {self.issuer.token(who)}"
        answer = requests.request(
            method,
            self.running.api_url + path,
            json=sent if method == "POST" else None,
            headers={"Authorization": token, "Idempotency-Key": key},
            timeout=TIMEOUT_S,
        )
        content: Json = answer.json()
        show(who, sent, answer, one_line(telling(content)))
        must_be("HTTP status", status, answer.status_code)
        return content

    def read(self, escrow_id: str) -> Json:
        return self.ask("buyer", f"GET /api/escrows/{escrow_id}", {}, 200)


def register(world: World) -> str:
    payer, payee = ({"id": PEOPLE[who].sub} for who in ("buyer", "seller"))
    order: Json = {"order_id": f"story-{secrets.token_hex(4)}", "amount": AMOUNT}
    order |= {"payer": payer, "payee": payee}
    escrow = world.ask("backend", "POST /api/escrows", order, 201)
    expect_escrow(escrow, "created", 1)
    return str(escrow["escrow_id"])


def pay(world: World, escrow_id: str, number: str) -> browser.Form:
    """Through the bank and back to the shop; answers the form of the way back."""
    card: Json = {"holder": "AYSE DEMO", "number": number, "cvc": "000"}
    card |= {"expiry_month": 12, "expiry_year": 2030}
    page = f"{world.running.shop_url}/return"
    sent = {"card": card, "return_to": page}
    started = world.ask("buyer", f"POST /api/escrows/{escrow_id}/3d", sent, 201)
    expect({"status": "authenticating"}, started["escrow"])
    form = at_bank(started["three_ds"]["url"])
    come_back(form, f"{page}?escrow={escrow_id}")
    return form


def at_bank(url: str) -> browser.Form:
    asked = requests.get(url, timeout=TIMEOUT_S)
    show("browser", {}, asked, "the bank's page asks for the 3-D password")
    page = browser.read_form(asked.text, url)
    passed = page.post(button="approve", password=browser.USUAL_PASSWORD)
    show("browser", {"password": "…"}, passed, "a form that posts itself")
    return browser.read_form(passed.text, page.action)


def come_back(form: browser.Form, page: str) -> None:
    back = form.post()
    there = {"status": back.status_code, "Location": back.headers.get("Location")}
    show("browser", dict.fromkeys(form.fields, "…"), back)
    expect({"status": 303, "Location": page}, there)


def play(world: World) -> None:
    chapter("The marketplace's backend registers an order")
    escrow_id = register(world)
    path = f"/api/escrows/{escrow_id}"
    chapter("The bank declines the first card: payable again")
    pay(world, escrow_id, DECLINED_CARD)
    expect_escrow(world.read(escrow_id), "created", 5)
    chapter("Another card pays: the money is held")
    form = pay(world, escrow_id, GOOD_CARD)
    expect_escrow(world.read(escrow_id), "held", 9, held=PAID_MINOR)
    chapter("The browser sends its form once more: nothing changes")
    come_back(form, f"{world.running.shop_url}/return?escrow={escrow_id}")
    expect_escrow(world.read(escrow_id), "held", 9, held=PAID_MINOR)
    chapter("The seller ships; he cannot release his own money")
    parcel = {"carrier": "Yurtiçi Kargo", "tracking_number": "TR123456789"}
    shipped = world.ask("seller", f"POST {path}/ship", parcel, 200)
    expect_escrow(shipped, "held", 10, held=PAID_MINOR)
    world.ask("seller", f"POST {path}/release", {}, 403, "seller-1")
    chapter("The buyer has the goods and confirms, twice: released once")
    delivered = world.ask("buyer", f"POST {path}/deliver", {}, 200)
    expect_escrow(delivered, "held", 11, held=PAID_MINOR)
    for _ in range(2):
        seen = {"amount": AMOUNT}
        end = world.ask("buyer", f"POST {path}/release", seen, 200, "confirm-1")
        expect_escrow(end, "released", 12, released=PAID_MINOR)
    compare(world, world.read(escrow_id))


def compare(world: World, escrow: Json) -> None:
    """The timeline; then PAYNET's books, attempt by attempt, and the item itself."""
    tell_timeline(escrow)
    chapter("PAYNET's books and our table")
    references = [attempt["reference_no"] for attempt in escrow["attempts"]]
    for reference, charges in zip(references, (0, 1), strict=True):
        url = f"{world.running.simulator_url}/_simulator/books/{reference}"
        answer = requests.get(url, timeout=TIMEOUT_S)
        show("paynet", {}, answer)
        books = {"taken_minor": charges * PAID_MINOR, "charges": charges}
        expect(books, {name: answer.json()[name].get(reference) for name in books})
    item = stored(world.running, escrow["escrow_id"])
    print(f"  table    {world.running.table_name}, the item in DynamoDB")
    moved = {"captured": PAID_MINOR, "held": 0, "released": PAID_MINOR}
    wanted = {"status": "released", "version": len(TIMELINE), **moved}
    expect(wanted, {**item, **item["balances"]})
    must_be("history", TIMELINE, transitions(item))


def stored(running: Running, escrow_id: str) -> Json:
    """The item itself; keys of one's own reach one's own DynamoDB."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "local")
    where = running.dynamodb_endpoint
    books = boto3.resource("dynamodb", running.region, endpoint_url=where)
    table = books.Table(running.table_name)
    return dict(table.get_item(Key={"id": escrow_id}, ConsistentRead=True)["Item"])


def main() -> None:
    os.environ["NO_PROXY"] = "*"  # all of it is on this machine
    try:
        running = Running.find()
        if running.simulator_url is None:
            sys.exit(
                "This run talks to PAYNET's test host, and the story needs the"
                " simulator: end it and start it without PAYNET=test."
            )
        play(World(running, Issuer.load(running.issuer_url, ISSUER_KEY)))
    except NotRunningError as error:
        sys.exit(str(error))
    except DifferenceError as difference:
        sys.exit(f"The story stops: {difference}")
    except requests.RequestException as error:  # its text may carry a token
        sys.exit(f"The story stops: {type(error).__name__}")
    print(f"\n{paint(32, 'The story went as it should: one charge, one release.')}")


if __name__ == "__main__":
    main()
