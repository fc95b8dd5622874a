"""The demo shop as a person uses it, in a real browser, on the whole local system."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

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
PHONE_PX = 390
RECONCILED_MS = 20_000


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("state"), RECONCILE_EVERY_S="1") as system:
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
    is_bad = told.type == "error" and "status of 422" not in told.text
    return [f"{told.text} {told.location['url']}"] if is_bad else []


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
