"""The demo shop as a person uses it, in a real browser, on the whole local system."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.local_system import System, python, running

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DECLINED = "4000000000000010"
NO_BALANCE = "4000000000000028"
FAILS_LUHN = "4000000000000011"
GOOD_CARD = "5406675406675403"
OTHER_BANK = "4508034508034509"
DEBIT_CARD = "5818775818772285"
THREE_MINOR = 136_483  # 1.300,00 TRY in three instalments at the simulator's rate
PHONE_PX = 390
RECONCILED_MS = 20_000


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("state"), RECONCILE_EVERY_S="1") as system:
        yield system


@pytest.fixture(scope="module")
def hosted_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    state = tmp_path_factory.mktemp("hosted")
    with running(state, RECONCILE_EVERY_S="1", PAYMENT_MODE="hosted") as system:
        yield system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"], args=FLAGS
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, system: System) -> Iterator[Page]:
    with opened(browser, system) as page:
        yield page


@pytest.fixture
def hosted_page(browser: Browser, hosted_system: System) -> Iterator[Page]:
    with opened(browser, hosted_system) as page:
        yield page


@contextmanager
def opened(browser: Browser, system: System) -> Iterator[Page]:
    """The shop's first page; whatever goes wrong in it fails the test."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.extend(_complaint(told)))
    page.goto(system.facts["shop_url"])
    yield page
    page.close()
    assert errors == []


def _complaint(told: ConsoleMessage) -> list[str]:
    """Chromium reports every refused request; a refused form is no fault of the
    page."""
    url = told.location["url"]
    is_refusal = re.search("status of (404|422)", told.text) and url.endswith("/3d")
    is_bad = told.type == "error" and not is_refusal
    return [f"{told.text} {url}"] if is_bad else []


def press(page: Page, name: str) -> None:
    page.locator(f"[data-test={name}]").click()


def must_be(page: Page, status: str, within_ms: int | None = None) -> None:
    badge = page.locator("[data-test=status]")
    expect(badge).to_have_attribute("data-status", status, timeout=within_ms)


def must_fit_a_phone(page: Page) -> None:
    wide = page.viewport_size
    assert wide
    page.set_viewport_size({"width": PHONE_PX, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_PX
    page.set_viewport_size(wide)


def say(page: Page, field: str, words: str) -> None:
    page.locator(f"[data-test={field}]").fill(words)


def buy_and_pay(page: Page) -> None:
    press(page, "buy")
    pay(page)
    must_be(page, "held")


def ship(page: Page) -> None:
    press(page, "as-seller")
    press(page, "ship")
    expect(page.locator("[data-transition=ship]")).to_be_visible()


def later(system: System, by: str) -> str:
    """`make clock ADD=…`; without ADD it tells the time."""
    moved = python(system.state, "local.clock", by)
    assert moved.returncode == 0, moved.stderr
    return moved.stdout


def leave_midnight(system: System) -> None:
    """What falls on one day of Istanbul needs a day that does not end just now."""
    if re.search(r"^It is \S+ 23:5", later(system, "")):
        later(system, "15m")


def pay(page: Page, prefer: str = "redirect", card: str | None = None) -> None:
    """To the bank and through its page."""
    page.locator("[data-test=prefer]").select_option(prefer)
    if card:
        page.locator("[data-test=number]").fill(card)
    press(page, "pay")
    page.locator("input[type=password]").fill("a")
    page.locator("button[value=approve]").click()


@pytest.mark.parametrize("prefer", ["redirect", "html"])
def test_a_person_buys_and_the_seller_is_paid(page: Page, prefer: str) -> None:
    press(page, "buy")
    must_be(page, "created")
    pay(page, prefer)
    must_be(page, "held")
    for role, action in (
        ("seller", "ship"),
        ("buyer", "deliver"),
        ("buyer", "release"),
    ):
        press(page, f"as-{role}")
        press(page, action)
    must_be(page, "released")
    timeline = page.locator("[data-test=timeline] li")
    expect(timeline).to_have_count(8)


def test_a_declined_card_can_be_followed_by_a_good_one(page: Page) -> None:
    press(page, "buy")
    pay(page, card=DECLINED)
    must_be(page, "created")
    pay(page)
    must_be(page, "held")


def test_a_declined_payer_reads_why_in_both_languages(page: Page) -> None:
    press(page, "buy")
    pay(page, card=NO_BALANCE)
    must_be(page, "created")
    told = page.locator("[data-test=last-attempt]")
    expect(told).to_have_text(
        "Kart reddedildi: Yetersiz bakiye. Başka kartla deneyebilirsiniz."
    )
    press(page, "language")
    expect(told).to_contain_text("The card was declined")
    expect(page.locator("[data-test=attempts]")).to_contain_text("declined")
    pay(page)
    must_be(page, "held")
    expect(told).to_be_hidden()


def test_a_wrong_card_number_is_told_in_people_s_words(page: Page) -> None:
    press(page, "buy")
    page.locator("[data-test=number]").fill(FAILS_LUHN)
    press(page, "pay")
    problem = page.locator("[data-test=problem]")
    expect(problem).to_contain_text("Kart numarası:")
    expect(problem).not_to_contain_text(re.compile("[a-z]_[a-z]|`"))


def test_the_timeline_names_people_in_turkish(page: Page) -> None:
    press(page, "buy")
    must_be(page, "created")
    timeline = page.locator("[data-test=timeline]")
    expect(timeline).to_contain_text("mağazanın sunucusu")


def test_the_bank_s_page_can_be_left(page: Page) -> None:
    press(page, "buy")
    press(page, "pay")
    page.locator("button[value=cancel]").click()
    must_be(page, "created")
    told = page.locator("[data-test=last-attempt]")
    expect(told).to_contain_text("3-D doğrulaması tamamlanmadı")


def test_it_fits_a_phone(page: Page) -> None:
    press(page, "buy")
    must_be(page, "created")
    must_fit_a_phone(page)


def test_a_buyer_cancels_and_gets_all_of_it_back(page: Page) -> None:
    buy_and_pay(page)
    press(page, "open-cancel")
    press(page, "cancel")
    must_be(page, "refunded", RECONCILED_MS)
    settlement = page.locator("[data-test=settlement]")
    expect(settlement).to_have_attribute("data-status", "done")
    expect(settlement).to_contain_text("İade 1.300,00 TRY")


def test_what_is_not_possible_is_told_with_its_reason(page: Page) -> None:
    buy_and_pay(page)
    page.locator("[data-test=blocked-box] summary").click()
    expect(page.locator("[data-test=blocked]")).to_contain_text("Henüz gönderilmedi")
    press(page, "language")
    expect(page.locator("[data-test=blocked]")).to_contain_text("Nothing is shipped")


def test_a_part_that_the_seller_gives_up_is_scheduled_for_tomorrow(
    page: Page, system: System
) -> None:
    leave_midnight(system)
    buy_and_pay(page)
    press(page, "as-seller")
    press(page, "open-refund")
    say(page, "refund-amount", "300,505")
    press(page, "refund")  # the browser itself refuses it
    expect(page.locator("[data-test=refund-amount]:invalid")).to_be_visible()
    say(page, "refund-amount", "300,50")
    press(page, "refund")
    settlement = page.locator("[data-test=settlement]")
    expect(settlement).to_have_text(
        re.compile(r"İade 300,50 TRY · .* 00:30 için planlandı · satıcı")
    )
    must_fit_a_phone(page)
    press(page, "language")
    expect(settlement).to_contain_text("scheduled for")
    later(system, "25h")
    expect(page.locator("[data-test=refunded]")).to_have_text(
        "300.50 TRY", timeout=RECONCILED_MS
    )
    must_be(page, "held")


def test_operations_split_a_disputed_payment(page: Page, system: System) -> None:
    buy_and_pay(page)
    ship(page)
    press(page, "as-buyer")
    press(page, "open-dispute")
    say(page, "dispute-reason", "başka <b>renk</b>")
    press(page, "dispute")
    must_be(page, "disputed")
    expect(page.locator("[data-test=objection]")).to_be_visible()
    escrow_id = page.url.partition("escrow=")[2]
    page.goto(system.facts["shop_url"])
    press(page, "as-operations")
    line = page.locator(f"[data-test=waiting][data-id='{escrow_id}']")
    expect(line).to_contain_text("İhtilaflı · 1.300,00 TRY · “başka <b>renk</b>”")
    must_fit_a_phone(page)
    line.locator("[data-test=decide-resolve_dispute]").click()
    say(page, "resolve_dispute-release", "800")
    expect(page.locator("[data-test=resolve_dispute-refund]")).to_have_value("500,00")
    must_fit_a_phone(page)
    say(page, "resolve_dispute-reason", "ikisine de bir bölüm")
    press(page, "resolve_dispute")
    must_be(page, "held")
    later(system, "25h")
    must_be(page, "split", RECONCILED_MS)
    expect(page.locator("[data-test=released]")).to_have_text("800,00 TRY")
    expect(page.locator("[data-test=refunded]")).to_have_text("500,00 TRY")


def test_a_buyer_withdraws_his_dispute(page: Page) -> None:
    buy_and_pay(page)
    ship(page)
    press(page, "as-buyer")
    press(page, "open-dispute")
    say(page, "dispute-reason", "it did not arrive")
    press(page, "dispute")
    press(page, "open-withdraw_dispute")
    press(page, "withdraw_dispute")
    must_be(page, "held")


def test_operations_reject_a_dispute_about_the_version_they_see(page: Page) -> None:
    buy_and_pay(page)
    ship(page)
    press(page, "as-buyer")
    press(page, "open-dispute")
    say(page, "dispute-reason", "too red")
    press(page, "dispute")
    press(page, "as-operations")
    press(page, "open-reject_dispute")
    say(page, "reject_dispute-reason", "it is as red as it was shown")
    press(page, "reject_dispute")
    must_be(page, "held")
    expect(page.locator("[data-test=objection]")).to_contain_text("reddedildi")


# ── instalments ──────────────────────────────────────────────────────────────


def choose(page: Page, name: str) -> None:
    page.locator(f"[data-test={name}]").check()


def sales(system: System, page: Page) -> list[dict[str, Any]]:
    """PAYNET's books of the order that the page shows."""
    escrow_id = page.url.partition("escrow=")[2]
    url = f"{system.facts['simulator_url']}/_simulator/books"
    rows = requests.get(url, timeout=60).json()["transactions"]
    return [row for row in rows if row["reference_no"].startswith(f"{escrow_id}-")]


def test_a_buyer_pays_in_three_instalments_at_the_quoted_price(
    page: Page, system: System
) -> None:
    press(page, "buy")
    expect(page.locator("[data-test=offer-1]")).to_be_checked()
    three = page.locator("label:has([data-test=offer-3])")
    expect(three).to_contain_text("3 taksit: 454,95 TRY + 2 × 454,94 TRY")
    expect(three).to_contain_text("toplam 1.364,83 TRY · vade farkı 64,83 TRY")
    must_fit_a_phone(page)
    choose(page, "offer-3")
    pay(page)
    must_be(page, "held")
    expect(page.locator("[data-test=held]")).to_have_text("1.300,00 TRY")
    expect(page.locator("[data-test=surcharge]")).to_have_text("64,83 TRY")
    [sale] = sales(system, page)
    assert (sale["instalment"], sale["amount_minor"]) == (3, THREE_MINOR)


def test_offers_follow_the_first_six_digits(page: Page) -> None:
    press(page, "buy")
    offers = page.locator("[data-test=offers] input")
    expect(offers).to_have_count(6)
    say(page, "number", DEBIT_CARD[:5])
    expect(offers).to_have_count(0)
    say(page, "number", DEBIT_CARD[:6])
    expect(offers).to_have_count(1)
    press(page, "language")
    expect(page.locator("[data-test=offers]")).to_contain_text("Single payment")


def test_with_paynet_down_a_single_payment_is_possible_and_said_so(
    page: Page, system: System
) -> None:
    press(page, "buy")
    offers = page.locator("[data-test=offers] input")
    expect(offers).to_have_count(6)
    fault = {"kind": "close", "path": "/v1/ratio/Get", "when": "before", "times": 1}
    url = f"{system.facts['simulator_url']}/_simulator/faults"
    requests.post(url, json=fault, timeout=60).raise_for_status()
    say(page, "number", OTHER_BANK)  # no environment has asked for it before
    told = page.locator("[data-test=only-single]")
    expect(told).to_contain_text("tek çekim yapılabilir")
    expect(offers).to_have_count(1)
    pay(page)
    must_be(page, "held")


def test_a_quote_that_is_too_old_is_renewed_and_chosen_again(
    page: Page, system: System
) -> None:
    press(page, "buy")
    choose(page, "offer-3")
    later(system, "16m")
    press(page, "pay")
    problem = page.locator("[data-test=problem]")
    expect(problem).to_contain_text("Taksit teklifi: 15 dakikadan eski")
    expect(problem).not_to_contain_text("/api/")
    expect(page.locator("[data-test=only-single]")).to_contain_text("yeniden seçin")
    choose(page, "offer-3")
    pay(page)
    must_be(page, "held")


# ── stored cards ─────────────────────────────────────────────────────────────


def stored(page: Page, last_four: str) -> Any:
    return page.locator("[data-test=stored-card]", has_text=f"•••• {last_four}")


def another_order(page: Page, system: System) -> None:
    page.goto(system.facts["shop_url"])
    press(page, "buy")


def test_a_card_is_stored_with_consent_pays_again_and_is_deleted(
    page: Page, system: System
) -> None:
    press(page, "buy")
    expect(page.locator("[data-test=consent]")).to_contain_text("sürüm demo-1")
    choose(page, "save")
    pay(page)
    must_be(page, "held")
    another_order(page, system)
    card = stored(page, "5403")
    expect(card).to_contain_text("12/2049")
    card.locator("input").check()
    expect(page.locator("[data-test=number]")).to_be_hidden()
    choose(page, "offer-3")
    pay(page)
    must_be(page, "held")
    [sale] = sales(system, page)
    assert (sale["instalment"], sale["card"]) == (3, "540667******5403")
    another_order(page, system)
    card.locator("[data-test=delete-card]").click()
    expect(card).to_have_count(0)
    expect(page.locator("[data-test=number]")).to_be_visible()
    page.reload()
    expect(page.locator("[data-test=offer-3]")).to_be_visible()
    expect(card).to_have_count(0)


def test_a_card_that_is_gone_is_told_and_shown_no_more(
    page: Page, system: System, browser: Browser
) -> None:
    press(page, "buy")
    choose(page, "save")
    pay(page)
    must_be(page, "held")
    another_order(page, system)
    card = stored(page, "5403")
    card.locator("input").check()
    with opened(browser, system) as other:
        press(other, "buy")
        other.locator("[data-test=delete-card]").click()
        expect(stored(other, "5403")).to_have_count(0)
    page.locator("[data-test=pay]").click()
    problem = page.locator("[data-test=problem]")
    expect(problem).to_contain_text("Böyle bir kayıtlı kart yok")
    expect(card).to_have_count(0)
    pay(page)
    must_be(page, "held")


def test_an_expired_stored_card_cannot_be_chosen(page: Page, system: System) -> None:
    told = re.search(r"It is (\d+)-(\d+)", later(system, ""))
    assert told
    year, month = map(int, told.groups())
    press(page, "buy")
    for field, value in (("number", OTHER_BANK), ("month", month), ("year", year)):
        say(page, field, str(value))
    choose(page, "save")
    pay(page)
    must_be(page, "held")
    left = date(year + month // 12, month % 12 + 1, 2) - date(year, month, 1)
    later(system, f"{left // timedelta(days=1)}d")
    another_order(page, system)
    card = stored(page, "4509")
    expect(card).to_contain_text("süresi doldu")
    expect(card.locator("input")).to_be_disabled()
    card.locator("[data-test=delete-card]").click()
    expect(card).to_have_count(0)


# ── PAYNET's own form ────────────────────────────────────────────────────────


def open_form(page: Page) -> None:
    press(page, "buy")
    expect(page.locator("[data-test=number]")).to_be_hidden()
    press(page, "pay")


def pay_in_form(page: Page, number: str, button: str = "approve") -> None:
    """As a person types; PAYNET's script looks at keys."""
    field = page.locator("[data-paynet=number]")
    field.fill("")
    with page.expect_response(re.compile("check_bin")):
        field.press_sequentially(number)
    page.locator("[data-paynet=submit]").click()
    bank = page.frame_locator("iframe.payment-iframe")
    bank.locator("input[type=password]").fill("a")
    bank.locator(f"button[value={button}]").click()


def test_in_paynet_s_form_the_number_reaches_paynet_alone(
    hosted_page: Page, hosted_system: System
) -> None:
    page, facts = hosted_page, hosted_system.facts
    seen: list[Request] = []
    page.on("request", lambda sent: seen.append(sent))  # noqa: PLW0108 - it marks what it is given
    open_form(page)
    expect(page.locator("#paynet-form [data-paynet]")).to_have_count(7)
    expect(page.locator("#paynet-form [name]")).to_have_count(0)
    must_fit_a_phone(page)
    pay_in_form(page, GOOD_CARD)
    must_be(page, "held")
    assert not [one.url for one in seen if "/api/instalments" in one.url]
    told = {_place(one, facts) for one in seen if GOOD_CARD in _all_of(one)}
    assert told == {"simulator_url"}
    assert {_place(one, facts) for one in seen} == {
        "simulator_url",
        "shop_url",
        "api_url",
    }
    [back] = [one for one in seen if "/api/3d/return/" in one.url]
    assert set(parse_qs(back.post_data)) == {"session_id", "token_id"}
    [sale] = sales(hosted_system, page)
    assert sale["amount_minor"] == 130_000


def _place(sent: Request, facts: dict[str, Any]) -> str:
    """Whose address it is; its own, if it is nobody's."""
    names = ("simulator_url", "shop_url", "api_url")
    mine = (name for name in names if sent.url.startswith(f"{facts[name]}/"))
    return next(mine, sent.url)


def _all_of(sent: Request) -> str:
    return f"{sent.url} {sent.headers} {sent.post_data}".replace(" ", "")


def test_in_paynet_s_form_whatever_is_wrong_is_told(hosted_page: Page) -> None:
    open_form(hosted_page)
    hosted_page.locator("[data-paynet=submit]").click()
    told = hosted_page.locator("[data-test=paynet] [role=alert]")
    expect(told).to_have_text("Kart numarası zorunlu")


def test_in_paynet_s_form_the_bank_s_page_can_be_left_and_opened_again(
    hosted_page: Page,
) -> None:
    open_form(hosted_page)
    pay_in_form(hosted_page, GOOD_CARD, "cancel")
    expect(hosted_page.locator("iframe")).to_have_count(0)
    hosted_page.locator("[data-paynet=submit]").click()
    bank = hosted_page.frame_locator("iframe.payment-iframe")
    bank.locator("input[type=password]").fill("a")
    bank.locator("button[value=approve]").click()
    must_be(hosted_page, "held")


def test_after_a_declined_card_paynet_s_form_opens_again(hosted_page: Page) -> None:
    open_form(hosted_page)
    pay_in_form(hosted_page, DECLINED)
    must_be(hosted_page, "created")
    expect(hosted_page.locator("[data-test=last-attempt]")).to_contain_text(
        "reddedildi"
    )
    press(hosted_page, "pay")
    pay_in_form(hosted_page, GOOD_CARD)
    must_be(hosted_page, "held")
