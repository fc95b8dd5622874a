"""PaymentMode=hosted: PAYNET's own form takes the card, and no route of ours does. The
session comes from the payer's browser, who may change everything on his page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emanet import bootstrap
from emanet.escrow import AttemptStatus, Status
from local.paynet_simulator import browser
from local.paynet_simulator.browser import HostedForm, TypedCard
from tests.stage import (
    AMOUNT_MINOR,
    BASE_URL,
    BUYER,
    GOOD_CARD,
    RETURN_PAGE,
    SAVE_CARD,
    Answer,
    Stage,
    payment,
)

KEY = "pbk_local"
CHARGE = "/v1/transaction/charge"
CHECK = "/v1/transaction/check"
DETAIL = "/v1/transaction/detail"
INITIAL = "/v2/transaction/tds_initial"


@pytest.fixture
def hosted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("PAYMENT_MODE", "hosted")
    monkeypatch.setenv("PAYNET_PUBLISHABLE_KEY", KEY)
    bootstrap.payment_mode.cache_clear()
    return stage


def ask_for_form(stage: Stage, escrow_id: str, **more: Any) -> Answer:
    body = {"return_to": RETURN_PAGE, **more}
    return stage.call("POST", f"/api/escrows/{escrow_id}/3d", body)


def form_of(answer: Answer) -> HostedForm:
    """The page that the payer's frontend makes of our answer."""
    assert answer.status == 201, answer.text
    told = answer.body["three_ds"]
    assert told["kind"] == "form"
    says = told["attributes"]
    assert says["data-key"] == KEY
    return HostedForm(
        told["script"],
        says["data-key"],
        says["data-amount"],
        told["action"],
        no_instalment=says["data-no_instalment"] == "true",
    )


def opened(stage: Stage, escrow_id: str | None = None) -> tuple[str, HostedForm]:
    """An escrow whose payer has PAYNET's form before him."""
    escrow_id = escrow_id or stage.create()
    return escrow_id, form_of(ask_for_form(stage, escrow_id))


def asked(stage: Stage, path: str) -> int:
    """How often PAYNET was."""
    return len(stage.paynet.traffic.visits(path))


def test_the_payer_pays_in_paynet_s_own_form(hosted: Stage) -> None:
    escrow_id, form = opened(hosted)
    assert hosted.escrow(escrow_id).status is Status.AUTHENTICATING
    assert hosted.come_back(form.pay()).status == 303
    escrow = hosted.escrow(escrow_id)
    assert escrow.status is Status.HELD
    assert escrow.balances.held == AMOUNT_MINOR
    assert escrow.attempts[-1].is_hosted
    assert hosted.taken_minor(escrow_id) == AMOUNT_MINOR
    assert asked(hosted, INITIAL) == 0


def test_the_form_says_what_is_to_be_paid(hosted: Stage) -> None:
    escrow_id = hosted.create()
    told = ask_for_form(hosted, escrow_id).body["three_ds"]
    [attempt] = hosted.escrow(escrow_id).attempts
    says = told["attributes"]
    assert told["script"] == f"{hosted.paynet_url}/public/js/paynet-custom.min.js"
    assert says["data-amount"] == "1300,00"
    assert says["data-reference_no"] == attempt.reference_no
    assert says["data-tds_required"] == "true"
    way = f"{BASE_URL}/api/3d/return/{escrow_id}/{attempt.number}/"
    assert told["action"].startswith(way)


@pytest.mark.parametrize(
    "more",
    [
        {"card": payment()["card"]},
        {"stored_card": "a" * 26},
        {"quote": "a.b"},
        {"save_card": SAVE_CARD},
        {"pan": GOOD_CARD},
    ],
    ids=lambda more: next(iter(more)),
)
def test_nothing_of_a_card_is_accepted(more: dict[str, Any], hosted: Stage) -> None:
    escrow_id = hosted.create()
    answer = ask_for_form(hosted, escrow_id, **more)
    assert answer.status == 422
    [wrong] = answer.body["errors"]
    assert wrong["problem"] == "extra_forbidden"
    assert not hosted.escrow(escrow_id).attempts
    assert GOOD_CARD not in answer.text


@pytest.mark.parametrize("name", ["card", "pan", "number", "card_number", "cvc"])
def test_no_route_of_the_template_takes_a_card_number(name: str, hosted: Stage) -> None:
    """Every route that takes a body, with a card under each of its usual names."""
    escrow_id = hosted.create()
    value: Any = payment()["card"] if name == "card" else GOOD_CARD
    tried = 0
    for route in hosted.template.routes:
        if route.is_public or route.method != "POST":
            continue
        path = route.path.replace("{escrow_id}", escrow_id)
        path = path.replace("{decision}", "resume").replace("{answer}", "close")
        path = path.replace("{callback_id}", "inbox-" + "a" * 26)
        who = (BUYER[0], " ".join(route.scopes or ()))
        key = {"Idempotency-Key": "one"}
        answer = hosted.call("POST", path, {name: value}, who=who, headers=key)
        assert answer.status in (403, 404, 422), (route.key, answer.text)
        assert GOOD_CARD not in answer.text
        tried += 1
    assert tried >= 13
    assert GOOD_CARD not in str(hosted.items())


def test_instalments_are_not_offered(hosted: Stage) -> None:
    path = f"/api/instalments?escrow={hosted.create()}&bin={GOOD_CARD[:6]}"
    told = hosted.call("GET", path).body
    [offer] = told["offers"]
    assert (offer["count"], offer["quote"]) == (1, None)
    assert told["only_single"] == "hosted_form"


def test_no_card_is_stored(hosted: Stage) -> None:
    assert hosted.call("GET", "/api/cards").body == {
        "cards": [],
        "consent_version": None,
    }


def test_a_card_that_is_declined_can_be_tried_again(hosted: Stage) -> None:
    escrow_id, form = opened(hosted)
    hosted.come_back(form.pay(TypedCard("4000000000000010")))
    assert hosted.escrow(escrow_id).status is Status.CREATED
    _, again = opened(hosted, escrow_id)
    hosted.come_back(again.pay())
    assert hosted.escrow(escrow_id).status is Status.HELD


def test_a_form_that_comes_back_without_a_session_is_the_bank_s_no(
    hosted: Stage,
) -> None:
    escrow_id, form = opened(hosted)
    hosted.come_back(browser.Form(form.action, {}))
    assert hosted.escrow(escrow_id).status is Status.CREATED
    assert asked(hosted, CHARGE) == 0


# ── a page in the payer's hands ──────────────────────────────────────────────


def test_a_smaller_amount_in_the_page_takes_nothing(hosted: Stage) -> None:
    escrow_id, form = opened(hosted)
    hosted.come_back(replace(form, amount="1,00").pay())
    hosted.reconcile_until_quiet(minutes=16)
    assert hosted.escrow(escrow_id).status is Status.CREATED
    assert hosted.taken_minor(escrow_id) == 0


def test_without_3d_it_is_for_a_human(hosted: Stage) -> None:
    escrow_id, form = opened(hosted)
    hosted.come_back(replace(form, tds_required=False).pay(do_3ds=False))
    escrow = hosted.escrow(escrow_id)
    assert escrow.status is Status.REVIEW
    assert "not_3d" in escrow.history[-1].why


def test_instalments_chosen_in_the_page_are_for_a_human(hosted: Stage) -> None:
    escrow_id, form = opened(hosted)
    hosted.come_back(replace(form, no_instalment=False).pay(instalment_key="ji_3"))
    escrow = hosted.escrow(escrow_id)
    assert escrow.status is Status.REVIEW
    assert "instalment_differs" in escrow.history[-1].why


@pytest.mark.parametrize("reference", ["agent_reference_no", "absent"])
def test_one_paid_session_pays_one_order(reference: Any, hosted: Stage) -> None:
    """Posted to a second order's return address, it is an old success to PAYNET."""
    hosted.paynet.settings.charge_reference = reference
    first, form = opened(hosted)
    paid = form.pay()
    hosted.come_back(paid)
    assert hosted.escrow(first).status is Status.HELD
    second, other = opened(hosted)
    hosted.come_back(browser.Form(other.action, paid.fields))
    must_stay_unpaid(hosted, second)


def test_not_even_if_paynet_repeats_our_new_reference(hosted: Stage) -> None:
    first, form = opened(hosted)
    paid = form.pay()
    hosted.come_back(paid)
    second, other = opened(hosted)
    named = hosted.escrow(second).attempts[-1].reference_no
    hosted.paynet.faults.add("rewrite", CHARGE, fields={"agent_reference_no": named})
    hosted.come_back(browser.Form(other.action, paid.fields))
    must_stay_unpaid(hosted, second)
    assert hosted.escrow(first).status is Status.HELD


def must_stay_unpaid(stage: Stage, escrow_id: str) -> None:
    """Asked until the quiet window is over; nobody is shown another order's money."""
    escrow = stage.escrow(escrow_id)
    assert escrow.status is Status.CHARGING
    stage.reconcile_until_quiet(minutes=16)
    escrow = stage.escrow(escrow_id)
    assert escrow.status is Status.CREATED
    assert not list(escrow.captures)


def test_a_repeat_that_names_nobody_is_not_kept_as_seen(hosted: Stage) -> None:
    """PAYNET answers the repeat with code 0, and without a reference."""
    hosted.paynet.settings.charge_reference = "absent"
    first, form = opened(hosted)
    paid = form.pay(TypedCard("4000000000000168"))
    hosted.come_back(paid)
    assert hosted.escrow(first).status is Status.HELD
    second, other = opened(hosted)
    hosted.come_back(browser.Form(other.action, paid.fields))
    must_stay_unpaid(hosted, second)


@pytest.mark.parametrize(
    "odd",
    [{"amount": 130000}, {"is_tds": False}, {"instalment": 3}, {"currency": "USD"}],
    ids=lambda odd: next(iter(odd)),
)
def test_in_paynet_s_form_the_books_decide_and_not_the_answer(
    odd: dict[str, Any], hosted: Stage
) -> None:
    escrow_id, form = opened(hosted)
    hosted.paynet.faults.add("rewrite", CHARGE, fields=odd)
    hosted.come_back(form.pay())
    assert hosted.escrow(escrow_id).status is Status.HELD


def test_a_row_that_names_two_of_our_attempts_approves_neither(
    hosted: Stage,
) -> None:
    """The page named another order of the payer's, our charge named this one."""
    hosted.paynet.settings.reference_field = "both"
    other, _ = opened(hosted)
    named = hosted.escrow(other).attempts[-1].reference_no
    escrow_id, form = opened(hosted)
    for path in (CHECK, DETAIL):
        hosted.paynet.faults.add("rewrite", path, fields={"reference_no": named})
    hosted.come_back(form.pay())
    escrow = hosted.escrow(escrow_id)
    assert escrow.status is Status.REVIEW
    assert "reference_differs" in escrow.history[-1].why


def test_the_first_session_that_comes_back_is_the_attempt_s(hosted: Stage) -> None:
    """A second one, paid in another tab, is charged by nobody."""
    escrow_id, form = opened(hosted)
    first, second = form.pay(), form.pay()
    hosted.paynet.faults.add("close", CHARGE, when="before", times=2)
    hosted.come_back(first)
    assert hosted.escrow(escrow_id).status is Status.CHARGING
    hosted.later(minutes=2)
    hosted.come_back(second)
    assert asked(hosted, CHARGE) == 2
    hosted.come_back(first)
    escrow = hosted.escrow(escrow_id)
    assert escrow.status is Status.HELD
    assert escrow.attempts[-1].session_id == first.fields["session_id"]


def test_a_form_that_was_superseded_charges_nothing(hosted: Stage) -> None:
    escrow_id, old = opened(hosted)
    paid_late = old.pay()
    _, new = opened(hosted, escrow_id)
    hosted.come_back(paid_late)
    assert asked(hosted, CHARGE) == 0
    hosted.come_back(new.pay())
    escrow = hosted.escrow(escrow_id)
    assert escrow.status is Status.HELD
    one, two = escrow.attempts
    assert one.status is AttemptStatus.SUPERSEDED
    assert two.status is AttemptStatus.CAPTURED


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_found_by_asking(when: Any, hosted: Stage) -> None:
    escrow_id, form = opened(hosted)
    hosted.paynet.faults.add("close", CHARGE, when=when, times=2)
    hosted.come_back(form.pay())
    assert hosted.escrow(escrow_id).status is Status.CHARGING
    hosted.reconcile_until_quiet(minutes=16)
    paid = when == "after"
    expected = Status.HELD if paid else Status.CREATED
    assert hosted.escrow(escrow_id).status is expected
    assert hosted.taken_minor(escrow_id) == (AMOUNT_MINOR if paid else 0)


def test_a_success_that_no_list_shows_yet_is_kept_and_found(hosted: Stage) -> None:
    escrow_id, form = opened(hosted)
    hosted.paynet.faults.add("status", CHECK, status=503)
    hosted.come_back(form.pay())
    escrow = hosted.escrow(escrow_id)
    assert escrow.status is Status.CHARGING
    assert len(list(escrow.captures)) == 1
    hosted.reconcile_until_quiet(minutes=5)
    assert hosted.escrow(escrow_id).status is Status.HELD


def test_the_whole_goes_back_to_the_card(hosted: Stage) -> None:
    escrow_id, form = opened(hosted)
    hosted.come_back(form.pay())
    assert hosted.call("POST", f"/api/escrows/{escrow_id}/cancel").status == 200
    hosted.reconcile_until_quiet()
    assert hosted.escrow(escrow_id).status is Status.REFUNDED
