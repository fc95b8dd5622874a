"""The demo shop as a person uses it, in a real browser, on the whole local system."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.local_system import System, running

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


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("state")) as system:
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


def must_be(page: Page, status: str) -> None:
    expect(page.locator("[data-test=status]")).to_have_attribute("data-status", status)


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
    page.set_viewport_size({"width": PHONE_PX, "height": 800})
    press(page, "buy")
    must_be(page, "created")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_PX
