"""The way back never leaves the allow-list: hundreds of hostile addresses as
`return_to` at the start, and hostile paths, queries, bodies and headers at the return
itself. The redirect goes to a listed page, letter by letter, and says nothing but the
escrow's id."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from emanet import bootstrap, returns, schemas
from local.paynet_simulator import browser
from tests.security.hostile_returns import (
    COMPLETE,
    HEADERS,
    HOSTILE,
    NAMES_OF_THE_PATH,
    PAGES,
    Returning,
    by_query_or_body,
    wrong_about,
)
from tests.simulation import tally
from tests.simulation.world import World
from tests.stage import BASE_URL, RETURN_PAGE, payment

INITIATE = "Initiate3dFunction"
pytestmark = pytest.mark.usefixtures("silence")

NO_TEXT: tuple[Any, ...] = (None, True, 7, [RETURN_PAGE], {"url": RETURN_PAGE}, [])


def test_there_are_hundreds_of_them_and_none_is_a_listed_page() -> None:
    assert len(HOSTILE) >= 200
    assert len(set(HOSTILE)) == len(HOSTILE)
    assert not set(HOSTILE) & set(PAGES)


# ── at the start ─────────────────────────────────────────────────────────────


def taken_at_the_start(world: World, body: dict[str, Any]) -> list[Any]:
    """Those that were not refused by name, unrepeated, without any effect."""
    path = f"/api/escrows/{world.create()}/3d"
    event, _ = world.event("POST", path, body)
    before, effects = world.books.snapshot(), len(world.outside.trace)
    taken = []
    for page in (*HOSTILE, *NO_TEXT):
        raw = json.dumps(body | {"return_to": page})
        answer = world.handle(INITIATE, {**copy.deepcopy(event), "body": raw})
        told = answer.body
        wrong = [each["field"] for each in told.get("errors", [])]
        is_repeated = isinstance(page, str) and len(page) > 8 and page in answer.text
        if (answer.status, wrong) != (422, ["return_to"]) or is_repeated:
            taken.append(page)
    asked = [str(effect) for effect in world.outside.trace[effects:]]
    assert {each for each in asked if not each.startswith("answer")} == set()
    assert world.books.snapshot() == before
    return taken


def test_no_other_address_is_taken_at_the_start(world: World) -> None:
    assert taken_at_the_start(world, payment()) == []
    tally.record("return url", strings=len(HOSTILE), wrong=0)


def test_no_other_address_is_taken_for_paynet_s_own_form(world: World) -> None:
    world.deploy(PAYMENT_MODE="hosted")
    assert taken_at_the_start(world, {}) == []


def test_each_listed_page_is_taken_and_reached(world: World) -> None:
    for page in PAGES:
        started = world.initiate(world.create(), return_to=page)
        answer = world.come_back(started.at_bank())
        assert answer.headers["Location"] == f"{page}?escrow={started.escrow_id}"


@pytest.mark.parametrize("header", ["host", "x-forwarded-host", "origin", "referer"])
def test_no_header_says_where_paynet_sends_the_browser(
    world: World, header: str
) -> None:
    """The address of the return is the deployment's, whoever claims to be its host."""
    event, _ = world.event("POST", f"/api/escrows/{world.create()}/3d", payment())
    event["headers"] |= {header: "evil.example", "x-forwarded-proto": "javascript"}
    url = world.handle(INITIATE, event).body["three_ds"]["url"]
    assert browser.pass_bank_page(url).action.startswith(f"{BASE_URL}/api/3d/return/")


# ── at the return ────────────────────────────────────────────────────────────


def wrong_by_path(returning: Returning) -> list[str]:
    return [
        f"{name}={text!r}: {wrong}"
        for text in HOSTILE
        for name in NAMES_OF_THE_PATH
        for wrong in returning.by_path(name, text)
    ]


def test_no_path_leads_elsewhere(world: World) -> None:
    """Nor does a wrong one say whose it was: the default page, and no id."""
    returning = Returning(world)
    assert wrong_by_path(returning) == []
    tally.record("return url", strings=returning.strings, wrong=0)


def test_no_query_and_no_body_leads_elsewhere(world: World) -> None:
    returning = Returning(world)
    wrong = []
    for number, text in enumerate(HOSTILE):
        wrong += by_query_or_body(returning, number, text)
        wrong += by_query_or_body(returning, number + 2, text)
    assert wrong == []
    tally.record("return url", strings=returning.strings, wrong=0)


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_leads_elsewhere(world: World, name: str) -> None:
    returning = Returning(world)
    for text in HOSTILE[::12]:
        assert returning.by_header(name, text) == []
    tally.record("return url", strings=returning.strings, wrong=0)


def test_a_page_that_is_no_longer_listed_is_not_reached(world: World) -> None:
    """Chosen when it was listed: now the default one, and nothing is said."""
    returning = Returning(world)
    world.deploy(FRONTEND_RETURN_URLS=RETURN_PAGE)
    answer = world.invoke(COMPLETE, returning.event)
    assert wrong_about(answer, {RETURN_PAGE}) == []


# ── the battery itself ───────────────────────────────────────────────────────


def test_a_list_that_is_compared_by_its_beginning_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(word: str, allowed: Any, _: str) -> str:
        assert word.startswith(tuple(allowed)) or len(word) < 9
        return word

    monkeypatch.setattr(schemas, "listed", listed)
    path, page = f"/api/escrows/{world.create()}/3d", f"{RETURN_PAGE}.evil"
    assert page in HOSTILE
    assert world.call("POST", path, payment(return_to=page)).status == 201


def test_a_redirect_that_says_more_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = returns.redirect

    def redirect(*args: Any) -> dict[str, Any]:
        answer = plain(*args)
        answer["headers"]["Location"] += "?state=a\r\n"
        return answer

    monkeypatch.setattr(returns, "redirect", redirect)
    found = Returning(world).by_path("state", "a")
    assert len(found) == 2
    assert bootstrap.return_pages() == PAGES
