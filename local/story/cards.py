"""Chapters about what pays: `instalments`, `stored-card`, and `hosted`, for a system
that shall see no card number."""

from __future__ import annotations

from local.paynet_simulator import browser
from local.story.scenes import (
    GOOD_CARD,
    PAID_MINOR,
    act,
    agree,
    back_at,
    card,
    come_back,
    kurus,
    pay,
    pay_with,
    register,
    start,
)
from local.story.telling import (
    DifferenceError,
    Json,
    aside,
    expect,
    expect_escrow,
    must_be,
    scene,
)
from local.story.world import World

COUNT = 3
BIN, LAST_FOUR = GOOD_CARD[:6], GOOD_CARD[-4:]
OTHER_CARD = "4355084355084358"  # of another bank


# ── instalments ──────────────────────────────────────────────────────────────


def instalments(world: World) -> None:
    world.leave_midnight()
    scene("An order is registered; the card's first six digits tell its instalments")
    escrow_id = register(world)
    offer = offered(world, escrow_id, COUNT)
    total = offer["total"]["amount"]
    surcharge = total - PAID_MINOR
    expect_to_sum(offer)
    scene("Its quote is for this card: with another one PAYNET is not even asked")
    refuse(world, escrow_id, OTHER_CARD, offer["quote"], "another_card")
    refuse(world, escrow_id, GOOD_CARD, altered(offer["quote"]), "altered")
    scene("Paid in three instalments: the amount is held, the surcharge is beside it")
    pay(world, escrow_id, GOOD_CARD, quote=offer["quote"])
    paid = world.read(escrow_id)
    expect_escrow(paid, "held", held=PAID_MINOR)
    must_be("surcharge", kurus(surcharge), paid["surcharge"])
    [attempt] = paid["attempts"]
    expect({"instalments": COUNT, "total": kurus(total)}, attempt)
    expect_sale(world, attempt["reference_no"], total)
    scene("Cancelled before anything is shipped: the surcharge goes back, too")
    act(world, "buyer", escrow_id, "cancel", {})
    refunded = world.wait_for_status(escrow_id, "refunded")
    [back] = refunded["settlements"]
    sums = {"amount": kurus(PAID_MINOR), "surcharge": kurus(surcharge)}
    expect({"status": "done", **sums}, back)
    agree(world, escrow_id, "refunded", surcharge=surcharge, refunded=PAID_MINOR)


def offered(world: World, escrow_id: str, count: int) -> Json:
    """The offer of so many instalments for the good card."""
    way = f"GET /api/instalments?escrow={escrow_id}&bin={BIN}"
    told = world.ask("buyer", way, {}, 200)
    first, *_ = told["offers"]
    expect({"count": 1, "total": kurus(PAID_MINOR)}, first)
    for offer in told["offers"]:
        if offer["count"] == count:
            return dict(offer)
    raise DifferenceError(f"offers: expected one of {count}, got {told['offers']}")


def expect_to_sum(offer: Json) -> None:
    parts = [part["amount"] for part in offer["instalments"]]
    surcharge = offer["surcharge"]["amount"]
    sums = {"instalments": sum(parts), "amount + surcharge": PAID_MINOR + surcharge}
    expect(dict.fromkeys(sums, offer["total"]["amount"]), sums)
    must_be("instalments", offer["count"], len(parts))


def altered(quote: str) -> str:
    """With another last letter: its signature is no longer ours."""
    return quote[:-3] + ("AAA" if quote[-3:] != "AAA" else "BBB")


def refuse(world: World, escrow_id: str, number: str, quote: str, problem: str) -> None:
    sent = {"card": card(number), "quote": quote, "return_to": back_at(world)}
    refused = world.ask("buyer", f"POST /api/escrows/{escrow_id}/3d", sent, 422)
    expect({"code": "quote_refused"}, refused)
    must_be("errors", [problem], [error["problem"] for error in refused["errors"]])


def expect_sale(world: World, reference: str, total_minor: int) -> None:
    """In PAYNET's books: one sale, of the total, in so many instalments."""
    books = world.paynet(f"GET books/{reference}")
    [row] = books["transactions"]
    expect({"amount_minor": total_minor, "instalment": COUNT}, row)


# ── a stored card ────────────────────────────────────────────────────────────


def stored_card(world: World) -> None:
    scene("The buyer agrees to a text; his card is stored when its payment succeeds")
    version = wallet(world)["consent_version"]
    first = register(world)
    pay(world, first, GOOD_CARD, save_card={"consent_version": version})
    scene("PAYNET keeps it; here it has an id of ours, and no number")
    [kept] = mine(world)
    ends = {"expiry_month": 12, "is_expired": False}
    expect({"bin": BIN, "last_four": LAST_FOUR, **ends}, kept)
    scene("The next order is paid with it: the bank still asks for the password")
    second = register(world)
    pay_with(world, second, {"stored_card": kept["card_id"]})
    expect_escrow(world.read(second), "held", held=PAID_MINOR)
    scene("Deleted, also at PAYNET")
    world.ask("buyer", f"DELETE /api/cards/{kept['card_id']}", {}, 204)
    must_be("cards", [], mine(world))
    scene("Whoever wants to pay with it is refused before anything is asked of PAYNET")
    third = register(world)
    sent = {"stored_card": kept["card_id"], "return_to": back_at(world)}
    refused = world.ask("buyer", f"POST /api/escrows/{third}/3d", sent, 404)
    expect({"code": "card_not_found"}, refused)
    expect_escrow(world.read(third), "created", attempts=[])
    for escrow_id in (first, second):
        act(world, "buyer", escrow_id, "release", {})
        agree(world, escrow_id, "released", released=PAID_MINOR)


def wallet(world: World) -> Json:
    return world.ask("buyer", "GET /api/cards", {}, 200)


def mine(world: World) -> list[Json]:
    """Of the good card; the buyer may have stored others by hand."""
    face = {"bin": BIN, "last_four": LAST_FOUR}
    return [one for one in wallet(world)["cards"] if face.items() <= one.items()]


# ── PAYNET's own form ────────────────────────────────────────────────────────


def hosted(world: World) -> None:
    scene("No route takes a card number here")
    escrow_id = register(world)
    sent = {"card": card(GOOD_CARD), "return_to": back_at(world)}
    refused = world.ask("buyer", f"POST /api/escrows/{escrow_id}/3d", sent, 422)
    told = [(error["field"], error["problem"]) for error in refused["errors"]]
    must_be("errors", [("card", "extra_forbidden")], told)
    scene("The page gets PAYNET's own form instead")
    three_ds = start(world, escrow_id, {})
    expect({"kind": "form"}, three_ds)
    form = form_of(three_ds, world.running.shop_url)
    scene("Its script talks to PAYNET alone, shows the bank's page, and posts two ids")
    aside("… auth, check_bin, create_token, and the bank's password in an iframe")
    back = form.pay(browser.TypedCard(number=GOOD_CARD))
    must_be("posted", ["session_id", "token_id"], sorted(back.fields))
    come_back(back, f"{back_at(world)}?escrow={escrow_id}")
    scene("Charged by us, and held")
    expect_escrow(world.read(escrow_id), "held", held=PAID_MINOR)
    act(world, "buyer", escrow_id, "release", {})
    agree(world, escrow_id, "released", released=PAID_MINOR)


def form_of(three_ds: Json, page: str) -> browser.HostedForm:
    """What PAYNET's script would read out of the page."""
    attributes = three_ds["attributes"]
    return browser.HostedForm(
        script=three_ds["script"],
        key=attributes["data-key"],
        amount=attributes["data-amount"],
        action=three_ds["action"],
        no_instalment=attributes["data-no_instalment"] == "true",
        page=page,
    )
