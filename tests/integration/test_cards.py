"""functions/cards: instalments with signed quotes, and stored cards, from the offer to
the money and back."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any, Literal

import pytest

from emanet import bootstrap, ledger
from emanet.dynamodb.items import owner_key
from emanet.escrow import Escrow, Status
from emanet.ports import CardOwners
from emanet.usecases import complete_3d
from local.paynet_simulator import browser
from tests.stage import (
    AMOUNT_MINOR,
    BUYER,
    CONSENT_VERSION,
    GOOD_CARD,
    OPERATIONS,
    SAVE_CARD,
    SELLER,
    STRANGER,
    Answer,
    Stage,
    Who,
    payment,
)

INITIAL = "/v2/transaction/tds_initial"
RATIO = "/v1/ratio/Get"
CARD_LIST = "/v1/card/list"
CARD_DELETE = "/v1/card/delete"
OTHER_BANKS_CARD = "5571135571135575"
ONE_LIRA_MORE = "4000000000000127"


def initiate(
    stage: Stage, escrow_id: str, *, who: Who | None = None, **more: Any
) -> Answer:
    body = payment(**more)
    if "stored_card" in more:
        del body["card"]
    return stage.call("POST", f"/api/escrows/{escrow_id}/3d", body, who=who)


def charged(stage: Stage, escrow_id: str) -> Any:
    """The one transaction that PAYNET took for this escrow."""
    [attempt] = stage.escrow(escrow_id).attempts
    [sale] = stage.paynet.books.find(reference_no=attempt.reference_no)
    return sale


def asked(stage: Stage, path: str) -> int:
    """How often PAYNET was."""
    return len(stage.paynet.traffic.visits(path))


def accounts(escrow: Escrow) -> dict[str, int]:
    sums = ledger.balances(ledger.postings(escrow))["TRY"]
    return {name.partition(":")[0]: minor for name, minor in sums.items() if minor}


# ── instalments ──────────────────────────────────────────────────────────────


def test_the_single_payment_comes_first_and_costs_the_amount(stage: Stage) -> None:
    first, *others = stage.offers(stage.create())
    assert first["count"] == 1
    assert first["total"] == first["instalments"][0]
    assert first["total"] == {"amount": AMOUNT_MINOR, "currency": "TRY"}
    assert first["surcharge"]["amount"] == 0
    assert [other["count"] for other in others] == [2, 3, 6, 9, 12]


def test_an_offer_says_what_the_card_would_be_charged(stage: Stage) -> None:
    escrow_id = stage.create()
    path = f"/api/instalments?escrow={escrow_id}&bin={GOOD_CARD[:6]}"
    told = stage.call("GET", path).body
    assert told["card"].keys() == {"bank", "family", "kind", "requires_3d"}
    assert told["only_single"] is None
    three = next(offer for offer in told["offers"] if offer["count"] == 3)
    total = three["total"]["amount"]
    assert total == round(AMOUNT_MINOR / (1 - 0.0475))
    assert three["surcharge"]["amount"] == total - AMOUNT_MINOR
    assert sum(part["amount"] for part in three["instalments"]) == total
    assert len(three["instalments"]) == 3
    assert three["rate"] == "0.0475"


def test_three_instalments_are_charged_as_they_were_quoted(stage: Stage) -> None:
    escrow_id = stage.create()
    offer = stage.offer(escrow_id, 3)
    stage.pay(escrow_id, quote=offer["quote"])
    total = offer["total"]["amount"]
    sale = charged(stage, escrow_id)
    assert (sale.amount_minor, sale.instalment) == (total, 3)
    escrow = stage.escrow(escrow_id)
    assert escrow.status is Status.HELD
    assert escrow.balances.captured == escrow.balances.held == AMOUNT_MINOR
    assert escrow.surcharge_minor == total - AMOUNT_MINOR
    sums = accounts(escrow)
    assert sums["escrow_liability"] == -AMOUNT_MINOR
    assert sums["instalment_surcharge"] == AMOUNT_MINOR - total
    view = stage.call("GET", f"/api/escrows/{escrow_id}").body
    assert view["surcharge"]["amount"] == total - AMOUNT_MINOR
    assert view["attempts"][-1]["instalments"] == 3
    assert view["attempts"][-1]["total"]["amount"] == total


def test_a_whole_refund_gives_the_surcharge_back(stage: Stage) -> None:
    escrow_id = stage.create()
    offer = stage.offer(escrow_id, 6)
    stage.pay(escrow_id, quote=offer["quote"])
    answer = stage.call("POST", f"/api/escrows/{escrow_id}/cancel")
    assert answer.status == 200
    [settlement] = answer.body["settlements"]
    assert settlement["amount"]["amount"] == AMOUNT_MINOR
    assert settlement["surcharge"] == offer["surcharge"]
    stage.reconcile_until_quiet()
    escrow = stage.escrow(escrow_id)
    assert escrow.status is Status.REFUNDED
    [reference] = [attempt.reference_no for attempt in escrow.attempts]
    assert stage.paynet.books.refunded_minor(reference) == offer["total"]["amount"]
    assert escrow.surcharge_back_minor == escrow.surcharge_minor > 0
    assert accounts(escrow).keys() <= {"paynet_receivable", "refund_loss"}


def test_two_parts_leave_the_surcharge_where_it_is(stage: Stage) -> None:
    escrow_id = stage.create()
    offer = stage.offer(escrow_id, 3)
    stage.pay(escrow_id, quote=offer["quote"])
    half = {"amount": AMOUNT_MINOR // 2, "currency": "TRY"}
    for key in ("one", "two"):
        answer = stage.call(
            "POST",
            f"/api/escrows/{escrow_id}/refund",
            {"amount": half, "reason": "half of it came broken"},
            who=OPERATIONS,
            headers={"Idempotency-Key": key},
        )
        assert answer.status == 200, answer.text
    stage.reconcile_until_quiet(days=1, hours=1)
    escrow = stage.escrow(escrow_id)
    assert escrow.status is Status.REFUNDED
    [reference] = [attempt.reference_no for attempt in escrow.attempts]
    assert stage.paynet.books.refunded_minor(reference) == AMOUNT_MINOR
    assert accounts(escrow)["instalment_surcharge"] == -offer["surcharge"]["amount"]


def test_the_platform_bears_the_cost_where_the_order_says_so(stage: Stage) -> None:
    escrow_id = stage.create(policy={"instalment_cost": "platform"})
    offer = stage.offer(escrow_id, 3)
    assert offer["total"]["amount"] == AMOUNT_MINOR
    stage.pay(escrow_id, quote=offer["quote"])
    sale = charged(stage, escrow_id)
    assert (sale.amount_minor, sale.instalment) == (AMOUNT_MINOR, 3)
    escrow = stage.escrow(escrow_id)
    assert escrow.surcharge_minor == 0
    dear = accounts(escrow)["paynet_commission"]
    single = stage.held()
    assert dear > accounts(stage.escrow(single))["paynet_commission"]


@pytest.mark.parametrize(
    ("most", "counts"), [(1, [1]), (3, [1, 2, 3]), (6, [1, 2, 3, 6])]
)
def test_an_order_says_how_many_instalments_it_allows(
    most: int, counts: list[int], stage: Stage
) -> None:
    escrow_id = stage.create(policy={"instalments_max": most})
    assert [offer["count"] for offer in stage.offers(escrow_id)] == counts


def test_without_paynet_a_single_payment_is_still_possible(stage: Stage) -> None:
    escrow_id = stage.create()
    stage.paynet.faults.add("status", RATIO, status=503, times=9)
    path = f"/api/instalments?escrow={escrow_id}&bin={GOOD_CARD[:6]}"
    told = stage.call("GET", path, headers={"Accept-Language": "tr"})
    assert told.status == 200
    assert [offer["count"] for offer in told.body["offers"]] == [1]
    assert told.body["only_single"] == "paynet_unreachable"
    assert "tek çekim" in told.body["only_single_text"]
    stage.pay(escrow_id, quote=told.body["offers"][0]["quote"])
    assert stage.escrow(escrow_id).status is Status.HELD


def test_paynet_is_asked_once_for_a_card_and_an_amount(stage: Stage) -> None:
    one, two = stage.create(), stage.create()
    for _ in range(3):
        stage.offers(one)
    stage.offers(two)
    assert asked(stage, RATIO) == 1
    stage.offers(one, OTHER_BANKS_CARD)
    assert asked(stage, RATIO) == 2
    stage.later(minutes=5)
    stage.offers(one)
    assert asked(stage, RATIO) == 3


@pytest.mark.parametrize("bin_", ["", "43550", "4355084", "43550x", "٤٣٥٥٠٨"])
def test_a_bin_is_six_digits(bin_: str, stage: Stage) -> None:
    answer = stage.call("GET", f"/api/instalments?escrow={stage.create()}&bin={bin_}")
    assert answer.status == 422
    [problem] = answer.body["errors"]
    assert (problem["field"], problem["problem"]) == ("bin", "six_digits")


@pytest.mark.parametrize("who", [STRANGER, SELLER])
def test_only_the_payer_is_told_prices(who: Who, stage: Stage) -> None:
    path = f"/api/instalments?escrow={stage.create()}&bin={GOOD_CARD[:6]}"
    scoped = (who[0], "escrow:pay")
    assert stage.call("GET", path, who=scoped).status == (403 if who is SELLER else 404)
    assert asked(stage, RATIO) == 0


# ── quotes ───────────────────────────────────────────────────────────────────

FIELDS = ("escrow", "amount", "count", "total", "rate", "bin", "expires_at")
OTHERWISE = {
    "escrow": "a" * 26,
    "amount": AMOUNT_MINOR - 1,
    "count": 2,
    "total": AMOUNT_MINOR,
    "rate": "0.0001",
    "bin": OTHER_BANKS_CARD[:6],
    "expires_at": "2099-01-01T00:00:00+00:00",
}


def altered(quote: str, field: str) -> str:
    """The same quote and signature, with one field changed."""
    text, _, signature = quote.partition(".")
    fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    place = FIELDS.index(field)
    assert fields[place] != OTHERWISE[field]
    fields[place] = OTHERWISE[field]
    again = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
    return f"{again}.{signature}"


def must_be_refused(stage: Stage, answer: Answer, problem: str) -> None:
    """422, in plain words, before PAYNET was asked and before anything was written."""
    assert answer.status == 422, answer.text
    assert answer.body["code"] == "quote_refused"
    [wrong] = answer.body["errors"]
    assert (wrong["field"], wrong["problem"]) == ("quote", problem)
    assert asked(stage, INITIAL) == 0


@pytest.mark.parametrize("field", FIELDS)
def test_a_quote_altered_in_any_field_is_refused(field: str, stage: Stage) -> None:
    escrow_id = stage.create()
    quote = stage.offer(escrow_id, 3)["quote"]
    answer = initiate(stage, escrow_id, quote=altered(quote, field))
    must_be_refused(stage, answer, "altered")
    assert not stage.escrow(escrow_id).attempts


def test_a_quote_of_another_escrow_is_refused(stage: Stage) -> None:
    one, other = stage.create(), stage.create()
    answer = initiate(stage, one, quote=stage.offer(other, 3)["quote"])
    must_be_refused(stage, answer, "another_escrow")


def test_a_quote_for_another_bank_s_cards_is_refused(stage: Stage) -> None:
    escrow_id = stage.create()
    quote = stage.offer(escrow_id, 3)["quote"]
    answer = initiate(stage, escrow_id, number=OTHER_BANKS_CARD, quote=quote)
    must_be_refused(stage, answer, "another_card")


def test_a_quote_holds_for_fifteen_minutes(stage: Stage) -> None:
    escrow_id = stage.create()
    quote = stage.offer(escrow_id, 3)["quote"]
    stage.later(minutes=14, seconds=50)
    assert initiate(stage, escrow_id, quote=quote).status == 201
    stage.later(minutes=1)
    answer = initiate(stage, escrow_id, quote=quote)
    assert answer.body["errors"][0]["problem"] == "quote_expired"
    assert asked(stage, INITIAL) == 1


def test_another_sum_than_quoted_is_for_a_human(stage: Stage) -> None:
    escrow_id = stage.create()
    offers = stage.offers(escrow_id, ONE_LIRA_MORE)
    quote = next(offer for offer in offers if offer["count"] == 3)["quote"]
    stage.pay(escrow_id, ONE_LIRA_MORE, quote=quote)
    assert stage.escrow(escrow_id).status is Status.REVIEW


@pytest.mark.parametrize("shown", ["single", "absent"])
def test_another_number_of_instalments_than_quoted_is_for_a_human(
    shown: Literal["single", "absent"], stage: Stage
) -> None:
    stage.paynet.settings.instalment_shown = shown
    escrow_id = stage.create()
    stage.pay(escrow_id, quote=stage.offer(escrow_id, 3)["quote"])
    stage.reconcile_until_quiet(minutes=2)
    assert stage.escrow(escrow_id).status is Status.REVIEW


def test_accepting_the_quoted_sum_keeps_amount_and_surcharge(stage: Stage) -> None:
    """Only the number of instalments was in doubt: the payee is owed the amount."""
    stage.paynet.settings.instalment_shown = "single"
    escrow_id = stage.create()
    offer = stage.offer(escrow_id, 3)
    stage.pay(escrow_id, quote=offer["quote"])
    stage.reconcile_until_quiet(minutes=2)
    answer = stage.call(
        "POST",
        f"/api/operations/escrows/{escrow_id}/accept_mismatch",
        {
            "reason": "seen in PAYNET's panel",
            "version": stage.escrow(escrow_id).version,
        },
        who=OPERATIONS,
    )
    assert answer.status == 200, answer.text
    escrow = stage.escrow(escrow_id)
    assert escrow.status is Status.HELD
    assert escrow.balances.held == escrow.amount_minor == AMOUNT_MINOR
    assert escrow.surcharge_minor == offer["surcharge"]["amount"]


@pytest.mark.parametrize("stored_card", ["a" * 26, None])
def test_a_bad_quote_is_refused_before_anybody_is_asked_about_a_card(
    stored_card: str | None, stage: Stage
) -> None:
    saved(stage)
    escrow_id = stage.create()
    quote = altered(stage.offer(escrow_id, 3)["quote"], "total")
    looked, opened = asked(stage, CARD_LIST), asked(stage, INITIAL)
    more: dict[str, Any] = {"stored_card": stored_card} if stored_card else {}
    answer = initiate(stage, escrow_id, quote=quote, **more)
    assert answer.body["code"] == "quote_refused"
    assert (asked(stage, CARD_LIST), asked(stage, INITIAL)) == (looked, opened)


def test_what_is_paid_is_offered_nothing_more(stage: Stage) -> None:
    escrow_id = stage.held()
    path = f"/api/instalments?escrow={escrow_id}&bin={GOOD_CARD[:6]}"
    assert stage.call("GET", path).status == 409
    assert initiate(stage, escrow_id, stored_card="a" * 26).status == 409
    assert asked(stage, RATIO) == asked(stage, CARD_LIST) == 0


def test_an_older_policy_offers_no_instalments(stage: Stage) -> None:
    """Registered before there were any: its item says nothing of them."""
    escrow_id = stage.create()
    item = stage.item(escrow_id)
    assert item
    for name in ("instalments_max", "instalment_cost"):
        del item["policy"]["M"][name]
    item["policy"]["M"]["version"] = {"N": "2"}
    table = stage.environment["TABLE_NAME"]
    stage.dynamodb.put_item(TableName=table, Item=item)
    path = f"/api/instalments?escrow={escrow_id}&bin={GOOD_CARD[:6]}"
    told = stage.call("GET", path).body
    assert [offer["count"] for offer in told["offers"]] == [1]
    assert told["only_single"] == "policy"


def test_a_price_whose_total_denies_its_rate_is_not_offered(stage: Stage) -> None:
    """PAYNET did not add its commission: it would come out of the platform's pocket."""
    stage.paynet.faults.add("rewrite", RATIO, fields={"total_amount": 1300.00})
    assert [offer["count"] for offer in stage.offers(stage.create())] == [1]


def test_a_late_capture_of_an_older_quote_funds_with_its_own_surcharge(
    stage: Stage,
) -> None:
    """The first attempt's charge is lost and closed as not paid; then it shows."""
    escrow_id = stage.create()
    offer = stage.offer(escrow_id, 3)
    started = stage.initiate(escrow_id, quote=offer["quote"])
    stage.paynet.faults.add(
        "close", "/v2/transaction/tds_charge", when="before", times=9
    )
    stage.come_back(started.at_bank())
    stage.reconcile_until_quiet(minutes=16)
    assert stage.escrow(escrow_id).status is Status.CREATED
    stage.paynet.books.plant(
        started.reference_no, offer["total"]["amount"], instalment=3
    )
    stage.reconcile_until_quiet(hours=1, minutes=5)
    escrow = stage.escrow(escrow_id)
    assert escrow.status is Status.HELD
    assert escrow.balances.held == AMOUNT_MINOR
    assert escrow.surcharge_minor == offer["surcharge"]["amount"]


# ── stored cards ─────────────────────────────────────────────────────────────


def saved(stage: Stage, **more: Any) -> str:
    """Our id of a card that the buyer stored while paying."""
    stage.pay(stage.create(), save_card=SAVE_CARD, **more)
    cards = stage.call("GET", "/api/cards").body["cards"]
    return str(cards[-1]["card_id"])


def test_a_card_is_stored_with_a_payment_and_a_consent(stage: Stage) -> None:
    escrow_id = stage.create()
    before = stage.clock()
    stage.pay(escrow_id, save_card=SAVE_CARD)
    [card] = stage.call("GET", "/api/cards").body["cards"]
    assert card == {
        "card_id": card["card_id"],
        "name": "Kartım",
        "brand": card["brand"],
        "bank": card["bank"],
        "bin": GOOD_CARD[:6],
        "last_four": GOOD_CARD[-4:],
        "expiry_month": 12,
        "expiry_year": before.year + 2,
        "is_expired": False,
    }
    owner = stage.store.read_owner(BUYER[0])
    assert owner
    [consent] = owner.consents
    assert consent.text_version == CONSENT_VERSION
    assert before - timedelta(seconds=1) <= consent.at <= stage.clock()
    [stored] = stage.paynet.vault.cards(owner.owner_id)
    item = json.dumps(stage.item(owner_key(BUYER[0])))
    assert stored.card_hash not in item + json.dumps(stage.items())


def test_without_a_payment_no_card_is_stored(stage: Stage) -> None:
    stage.pay(stage.create(), "4000000000000010", save_card=SAVE_CARD)
    assert stage.store.read_owner(BUYER[0]) is None
    assert stage.call("GET", "/api/cards").body["cards"] == []


@pytest.mark.parametrize("number", [ONE_LIRA_MORE, "4000000000000143"])
def test_a_card_stored_by_a_doubtful_payment_can_be_deleted(
    number: str, stage: Stage
) -> None:
    """PAYNET took the money and stored the card, whatever we think of the sum."""
    escrow_id = stage.create()
    stage.pay(escrow_id, number, save_card=SAVE_CARD)
    [card] = stage.call("GET", "/api/cards").body["cards"]
    assert stage.call("DELETE", f"/api/cards/{card['card_id']}").status == 204
    assert stage.paynet.vault.cards() == []


@pytest.mark.parametrize("name", ["4355 0843 5508 4358", "benim 12345", "٤٣٥٥٠"])
def test_a_card_name_that_could_be_a_number_is_refused(name: str, stage: Stage) -> None:
    wish = {"consent_version": CONSENT_VERSION, "name": name}
    answer = initiate(stage, stage.create(), save_card=wish)
    assert answer.status == 422
    assert answer.body["errors"][0]["problem"] == "too_many_digits"
    assert name not in answer.text


def test_without_a_wish_no_card_is_stored(stage: Stage) -> None:
    stage.held()
    assert stage.paynet.vault.cards() == []
    assert stage.call("GET", "/api/cards").body == {
        "cards": [],
        "consent_version": CONSENT_VERSION,
    }


@pytest.mark.parametrize("version", ["kvkk-2025-01", CONSENT_VERSION.upper()])
def test_a_consent_to_another_text_is_none(version: str, stage: Stage) -> None:
    escrow_id = stage.create()
    wish = {"consent_version": version}
    answer = initiate(stage, escrow_id, save_card=wish)
    assert answer.status == 422
    [wrong] = answer.body["errors"]
    assert wrong["problem"] == "not_the_present_text"
    assert not stage.escrow(escrow_id).attempts


def test_where_no_text_is_in_force_no_card_is_stored(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARD_CONSENT_VERSION", "")
    bootstrap.card_consent_version.cache_clear()
    answer = initiate(stage, stage.create(), save_card=SAVE_CARD)
    assert answer.body["errors"][0]["problem"] == "cards_not_stored"
    assert stage.call("GET", "/api/cards").body["consent_version"] is None


def test_a_stored_card_pays_by_the_same_way(stage: Stage) -> None:
    card_id = saved(stage)
    escrow_id = stage.create()
    offer = stage.offer(escrow_id, 3)
    stage.pay(escrow_id, stored_card=card_id, quote=offer["quote"])
    escrow = stage.escrow(escrow_id)
    assert escrow.status is Status.HELD
    sale = charged(stage, escrow_id)
    assert (sale.amount_minor, sale.instalment) == (offer["total"]["amount"], 3)
    assert escrow.attempts[-1].captures[0].card == "435508******4358"


def test_a_second_card_of_the_same_payer_has_the_same_owner(stage: Stage) -> None:
    saved(stage)
    saved(stage, number=OTHER_BANKS_CARD)
    assert len(stage.call("GET", "/api/cards").body["cards"]) == 2
    owner = stage.store.read_owner(BUYER[0])
    assert owner
    assert len(owner.consents) == 2


def test_a_stored_card_that_is_over_is_refused_before_it_is_charged(
    stage: Stage,
) -> None:
    card_id = saved(stage)
    stage.later(days=365 * 3 + 1)
    escrow_id = stage.create()
    [card] = stage.call("GET", "/api/cards").body["cards"]
    assert card["is_expired"]
    answer = initiate(stage, escrow_id, stored_card=card_id)
    assert answer.status == 422
    [wrong] = answer.body["errors"]
    assert (wrong["field"], wrong["problem"]) == ("stored_card", "card_expired")
    assert not stage.escrow(escrow_id).attempts


def test_a_card_is_deleted_at_paynet_too(stage: Stage) -> None:
    card_id = saved(stage)
    assert stage.call("DELETE", f"/api/cards/{card_id}").status == 204
    assert stage.call("GET", "/api/cards").body["cards"] == []
    assert stage.paynet.vault.cards() == []
    again = stage.call("DELETE", f"/api/cards/{card_id}")
    assert (again.status, again.body["code"]) == (404, "card_not_found")


def must_not_be_there(stage: Stage, answer: Answer, escrow_id: str) -> None:
    assert (answer.status, answer.body["code"]) == (404, "card_not_found")
    assert stage.taken_minor(escrow_id) == 0


def test_a_deleted_card_pays_nothing(stage: Stage) -> None:
    card_id = saved(stage)
    stage.call("DELETE", f"/api/cards/{card_id}")
    escrow_id = stage.create()
    answer = initiate(stage, escrow_id, stored_card=card_id)
    must_not_be_there(stage, answer, escrow_id)
    assert not stage.escrow(escrow_id).attempts


def test_two_payers_see_and_use_only_their_own_cards(stage: Stage) -> None:
    """By our id, by PAYNET's hash, by PAYNET's owner id; listed, paid with, deleted."""
    other: Who = ("buyer-2", BUYER[1])
    mine = saved(stage)
    [stored] = stage.paynet.vault.cards()
    theirs = stage.paynet.vault.plant("somebody-else", OTHER_BANKS_CARD)
    escrow_id = stage.create(payer={"id": other[0]})
    for wanted in (mine, stored.card_hash, stored.card_owner_id, theirs.card_hash):
        answer = initiate(stage, escrow_id, who=other, stored_card=wanted)
        assert answer.status in (404, 422)
        path = f"/api/cards/{wanted.replace('/', '')}"
        assert stage.call("DELETE", path, who=other).status == 404
    assert stage.call("GET", "/api/cards", who=other).body["cards"] == []
    stage.paynet.vault.plant(bootstrap.paynet_user_id(BUYER[0]), OTHER_BANKS_CARD)
    assert len(stage.call("GET", "/api/cards").body["cards"]) == 2
    assert stage.paynet.vault.deletions() == 0
    assert stage.taken_minor(escrow_id) == 0


def test_the_same_card_has_another_id_for_another_payer(stage: Stage) -> None:
    mine = saved(stage)
    other: Who = ("buyer-2", BUYER[1])
    escrow_id = stage.create(payer={"id": other[0]})
    answer = initiate(stage, escrow_id, who=other, save_card=SAVE_CARD)
    form = browser.pass_bank_page(answer.body["three_ds"]["url"])
    assert stage.come_back(form).status == 303
    [card] = stage.call("GET", "/api/cards", who=other).body["cards"]
    assert card["card_id"] != mine
    assert card["last_four"] == GOOD_CARD[-4:]


# Deletion and payment: whoever comes to PAYNET first wins.


def test_a_deletion_before_the_session_wins(stage: Stage) -> None:
    """Deleted by another device between our look at the list and tds_initial."""
    card_id = saved(stage)
    escrow_id = stage.create()
    [stored] = stage.paynet.vault.cards()

    class Quicker:
        """PAYNET's gateway, and a hand that deletes first."""

        def open_session(self, *order: Any) -> Any:
            stage.paynet.vault.take_away(stored.number)
            return stage.gateway.open_session(*order)

    bootstrap.gateway.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "gateway", Quicker)
        answer = initiate(stage, escrow_id, stored_card=card_id)
    must_not_be_there(stage, answer, escrow_id)
    escrow = stage.escrow(escrow_id)
    assert escrow.status is Status.CREATED
    assert escrow.attempts[-1].refusal == "card_not_found"


def test_a_session_that_was_open_before_the_deletion_wins(stage: Stage) -> None:
    card_id = saved(stage)
    escrow_id = stage.create()
    started = stage.initiate(escrow_id, stored_card=card_id)
    assert stage.call("DELETE", f"/api/cards/{card_id}").status == 204
    stage.come_back(started.at_bank())
    assert stage.escrow(escrow_id).status is Status.HELD


def test_a_deletion_is_not_taken_for_done_when_its_answer_is_lost(
    stage: Stage,
) -> None:
    card_id = saved(stage)
    stage.paynet.faults.add("close", CARD_DELETE, when="after")
    lost = stage.call("DELETE", f"/api/cards/{card_id}")
    assert (lost.status, lost.body["retryable"]) == (503, True)
    assert stage.call("DELETE", f"/api/cards/{card_id}").status == 404


def test_without_paynet_no_card_is_listed_deleted_or_paid_with(stage: Stage) -> None:
    card_id = saved(stage)
    escrow_id = stage.create()
    stage.paynet.faults.add("close", CARD_LIST, times=9)
    for answer in (
        stage.call("GET", "/api/cards"),
        stage.call("DELETE", f"/api/cards/{card_id}"),
        initiate(stage, escrow_id, stored_card=card_id),
    ):
        assert (answer.status, answer.body["code"]) == (503, "paynet_unreachable")
    assert not stage.escrow(escrow_id).attempts


def test_a_payment_stands_when_its_card_cannot_be_remembered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the money and the note; the next stored card brings both back."""

    class Killed(BaseException):
        pass

    def dies(*_: Any) -> None:
        raise Killed

    escrow_id = stage.create()
    started = stage.initiate(escrow_id, save_card=SAVE_CARD)
    with monkeypatch.context() as patch:
        patch.setattr(complete_3d, "remember_card", dies)
        with pytest.raises(Killed):
            stage.back(started.at_bank())
    assert stage.escrow(escrow_id).status is Status.HELD
    assert stage.call("GET", "/api/cards").body["cards"] == []
    saved(stage, number=OTHER_BANKS_CARD)
    assert len(stage.call("GET", "/api/cards").body["cards"]) == 2


def test_two_cards_stored_at_once_are_both_consented_to(stage: Stage) -> None:
    """The write that loses reads again, and forgets nobody's word."""
    one, two = stage.create(), stage.create()
    first = stage.initiate(one, save_card=SAVE_CARD)
    second = stage.initiate(two, OTHER_BANKS_CARD, save_card=SAVE_CARD)
    store: CardOwners = stage.store

    class Late:
        """Reads before the other writes."""

        def __init__(self) -> None:
            self.known = store.read_owner(BUYER[0])
            self.tries = 0

        def read_owner(self, payer_id: str) -> Any:
            self.tries += 1
            return self.known if self.tries == 1 else store.read_owner(payer_id)

        def keep_owner(self, *owners: Any) -> bool:
            return store.keep_owner(*owners)

    late = Late()
    stage.come_back(first.at_bank())
    form = second.at_bank()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stage, "owners", property(lambda _stage: late))
        stage.back(form)
    assert late.tries == 2
    owner = stage.store.read_owner(BUYER[0])
    assert owner
    assert len(owner.consents) == 2
