"""The steps that the chapters share, from the order to the books that must agree."""

from __future__ import annotations

import secrets

import requests

from local.issuer import PEOPLE
from local.paynet_simulator import browser
from local.story.telling import (
    Json,
    expect,
    expect_escrow,
    scene,
    show,
    tell_timeline,
)
from local.story.world import TIMEOUT_S, World

PAID_MINOR = 130_000
GOOD_CARD = "5406675406675403"
FAR_YEAR = 2049  # the clock only goes forward


def kurus(minor: int) -> Json:
    return {"amount": minor, "currency": "TRY"}


AMOUNT = kurus(PAID_MINOR)


def register(world: World) -> str:
    payer, payee = ({"id": PEOPLE[who].sub} for who in ("buyer", "seller"))
    order: Json = {"order_id": f"story-{secrets.token_hex(4)}", "amount": AMOUNT}
    order |= {"payer": payer, "payee": payee}
    escrow = world.ask("backend", "POST /api/escrows", order, 201)
    expect_escrow(escrow, "created", version=1)
    return str(escrow["escrow_id"])


def pay(world: World, escrow_id: str, number: str, **wishes: object) -> browser.Form:
    """With a card that is typed in; answers the form of the way back."""
    return pay_with(world, escrow_id, {"card": card(number), **wishes})


def card(number: str) -> Json:
    ends = {"expiry_month": 12, "expiry_year": FAR_YEAR}
    return {"holder": "AYSE DEMO", "number": number, "cvc": "000", **ends}


def pay_with(world: World, escrow_id: str, means: Json) -> browser.Form:
    """Through the bank and back to the shop; answers the form of the way back."""
    three_ds = start(world, escrow_id, means)
    form = at_bank(three_ds["url"])
    come_back(form, f"{back_at(world)}?escrow={escrow_id}")
    return form


def start(world: World, escrow_id: str, means: Json) -> Json:
    """Where the browser goes next."""
    sent = {**means, "return_to": back_at(world)}
    started = world.ask("buyer", f"POST /api/escrows/{escrow_id}/3d", sent, 201)
    expect({"status": "authenticating"}, started["escrow"])
    three_ds: Json = started["three_ds"]
    return three_ds


def back_at(world: World) -> str:
    """The shop's page to which a payer comes back."""
    return f"{world.running.shop_url}/return"


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


def paid(world: World) -> str:
    """A new order, and its money held."""
    scene("An order is registered and paid")
    escrow_id = register(world)
    pay(world, escrow_id, GOOD_CARD)
    expect_escrow(world.read(escrow_id), "held", held=PAID_MINOR)
    return escrow_id


def act(world: World, who: str, escrow_id: str, action: str, sent: Json) -> Json:
    """One of `allowed_actions`. Money is asked to move under a key of its own."""
    way = f"POST /api/escrows/{escrow_id}/{action}"
    key = f"story-{secrets.token_hex(4)}" if action in {"release", "refund"} else None
    return world.ask(who, way, sent, 200, key)


def decide(
    world: World, escrow_id: str, word: str, reason: str, **parts: object
) -> Json:
    """What operations decide, with a reason: over money once under a key, anything else
    about the version that they looked at."""
    way = f"POST /api/operations/escrows/{escrow_id}/{word}"
    if "release" in parts:
        key = f"story-{secrets.token_hex(4)}"
        return world.ask("operations", way, {"reason": reason, **parts}, 200, key)
    parts["version"] = world.read(escrow_id, "operations")["version"]
    return world.ask("operations", way, {"reason": reason, **parts}, 200)


def ship(world: World, escrow_id: str) -> Json:
    parcel = {"carrier": "Yurtiçi Kargo", "tracking_number": "TR123456789"}
    return act(world, "seller", escrow_id, "ship", parcel)


def agree(
    world: World, escrow_id: str, status: str, *, surcharge: int = 0, **sums: int
) -> None:
    """The timeline; then PAYNET's books, attempt by attempt, and the item itself.
    `surcharge` of instalments was paid beside the amount, and went back with all of
    it."""
    escrow = world.read(escrow_id, "operations")
    expect_escrow(escrow, status, **sums)
    tell_timeline(escrow)
    scene("PAYNET's books and our table")
    taken, back = PAID_MINOR + surcharge, sums.get("refunded", 0)
    back += surcharge if back == PAID_MINOR else 0
    theirs = _paynets(world, [one["reference_no"] for one in escrow["attempts"]])
    wanted: Json = {"charges": 1, "taken_minor": taken - back}
    orders = sum(s["kind"] == "refund" for s in escrow["settlements"])
    expect({**wanted, "refunded_minor": back, "refunds asked for": orders}, theirs)
    item = world.stored(escrow_id)
    print(f"  table      {world.running.table_name}, the item in DynamoDB")
    wanted = {"status": status, "captured": PAID_MINOR}
    wanted |= {"held": 0, "released": 0, "refunded": 0, **sums}
    expect(wanted, {**item, **item["balances"]})


def _paynets(world: World, references: list[str]) -> Json:
    """The sums of PAYNET's books over these attempts."""
    names = "charges", "taken_minor", "refunded_minor"
    sums: Json = dict.fromkeys((*names, "refunds asked for"), 0)
    for reference in references:
        books = world.paynet(f"GET books/{reference}")
        for name in names:
            sums[name] += books[name].get(reference, 0)
        calls = books["refund_requests"].values()
        sums["refunds asked for"] += sum(call["arrived"] for call in calls)
    return sums
