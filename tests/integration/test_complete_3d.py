"""functions/complete_3d: the browser comes back from the bank. It is always sent on,
only to a listed page, with nothing but the escrow's id; and a card is charged once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emanet import bootstrap
from local.paynet_simulator import browser
from tests.stage import (
    AMOUNT_MINOR,
    BASE_URL,
    OTHER_PAGE,
    RETURN_PAGE,
    Answer,
    Stage,
    Started,
    payment,
)

CHARGE = "/v2/transaction/tds_charge"
DECLINED = "4000000000000010"
NO_FUNDS = "4000000000000028"
BANK_REFUSES = "4000000000000036"
SLOW = "4000000000000085"
MISMATCH = "4000000000000127"


def leads(answer: Answer) -> tuple[int, str]:
    """Where the browser is sent, with the headers that every redirect has."""
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.text == ""
    return answer.status, answer.headers["Location"]


def to_page(escrow_id: str) -> tuple[int, str]:
    return 303, f"{RETURN_PAGE}?escrow={escrow_id}"


def charge_calls(stage: Stage, started: Started) -> int:
    [session] = stage.paynet.books.sessions(started.reference_no)
    return stage.paynet.books.charge_calls(session.session_id)


# ── paid ──


def test_the_charge_is_held_and_the_browser_sent_to_its_page(stage: Stage) -> None:
    escrow_id = stage.create()
    back = stage.come_back(stage.initiate(escrow_id).at_bank())
    assert leads(back) == to_page(escrow_id)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.balances.held) == ("held", AMOUNT_MINOR)
    assert stage.taken_minor(escrow_id) == AMOUNT_MINOR


def test_the_intent_is_written_before_the_charge(stage: Stage) -> None:
    escrow = stage.escrow(stage.held())
    names = [entry.transition for entry in escrow.history[-2:]]
    assert names == ["begin_charge", "capture"]
    [attempt] = escrow.attempts
    [capture] = attempt.captures
    [row] = stage.paynet.books.find(reference_no=attempt.reference_no)
    assert (attempt.status, capture.status) == ("captured", "funds")
    assert capture.xact_id == row.xact_id


def test_the_browser_returns_to_the_page_chosen_at_the_start(stage: Stage) -> None:
    escrow_id = stage.create()
    body = payment(return_to=OTHER_PAGE)
    answer = stage.call("POST", f"/api/escrows/{escrow_id}/3d", body)
    form = browser.pass_bank_page(answer.body["three_ds"]["url"])
    assert leads(stage.come_back(form)) == (303, f"{OTHER_PAGE}?escrow={escrow_id}")


def test_a_page_that_is_no_longer_listed_is_not_visited(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    escrow_id = stage.create()
    form = stage.initiate(escrow_id).at_bank()
    monkeypatch.setenv("FRONTEND_RETURN_URLS", OTHER_PAGE)
    bootstrap.return_pages.cache_clear()
    assert leads(stage.come_back(form)) == (303, OTHER_PAGE)
    assert stage.escrow(escrow_id).status == "held"


@pytest.mark.parametrize(
    "card",
    [
        "4000000000000044",
        "4000000000000077",
        "4000000000000101",
        "4000000000000135",
        "4000000000000143",
        "4000000000000150",
        "4000000000000168",
        SLOW,
    ],
)
def test_an_odd_answer_to_a_charge_that_was_made_still_ends_held(
    stage: Stage, card: str
) -> None:
    stage.paynet.settings.slow_s = 0.01
    escrow_id = stage.create()
    started = stage.pay(escrow_id, card)
    assert stage.escrow(escrow_id).status == "held"
    assert stage.paynet.books.charges(started.reference_no) == 1
    assert stage.taken_minor(escrow_id) == AMOUNT_MINOR


# ── not paid ──


@pytest.mark.parametrize("card", [DECLINED, NO_FUNDS])
def test_a_declined_card_leaves_it_payable_and_another_card_pays(
    stage: Stage, card: str
) -> None:
    escrow_id = stage.create()
    back = stage.come_back(stage.initiate(escrow_id, card).at_bank())
    assert leads(back) == to_page(escrow_id)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.attempts[0].status) == ("created", "declined")
    assert escrow.attempts[0].refusal
    stage.pay(escrow_id)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.balances.held) == ("held", AMOUNT_MINOR)
    assert [a.status for a in escrow.attempts] == ["declined", "captured"]
    assert stage.taken_minor(escrow_id) == AMOUNT_MINOR


def test_a_decline_repeated_as_used_session_is_no_second_verdict(stage: Stage) -> None:
    stage.paynet.settings.declined_repeat = "used_session"
    escrow_id = stage.create()
    form = stage.initiate(escrow_id, DECLINED).at_bank()
    stage.come_back(form)
    before = stage.item(escrow_id)
    assert leads(stage.come_back(form)) == to_page(escrow_id)
    assert stage.item(escrow_id) == before


@pytest.mark.parametrize(
    ("card", "password"), [(BANK_REFUSES, "a"), ("4355084355084358", "wrong")]
)
def test_failed_3d_leaves_it_payable_and_charges_nothing(
    stage: Stage, card: str, password: str
) -> None:
    escrow_id = stage.create()
    started = stage.initiate(escrow_id, card)
    page = browser.open_url(started.three_ds["url"])
    while not page.action.startswith(BASE_URL):
        page = page.press("approve", password)
    assert leads(stage.come_back(page)) == to_page(escrow_id)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.attempts[0].status) == ("created", "failed")
    assert charge_calls(stage, started) == 0
    stage.pay(escrow_id)
    assert stage.escrow(escrow_id).status == "held"


def test_failed_3d_with_a_session_is_declined_by_paynet(stage: Stage) -> None:
    stage.paynet.settings.failed_3d_posts_ids = True
    escrow_id = stage.create()
    stage.pay(escrow_id, BANK_REFUSES)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.attempts[0].status) == ("created", "declined")
    assert stage.taken_minor(escrow_id) == 0


# ── not as asked ──


def test_another_amount_than_asked_is_for_a_human(stage: Stage) -> None:
    escrow_id = stage.create()
    stage.pay(escrow_id, MISMATCH)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.prior_status) == ("review", "charging")
    assert escrow.balances.captured == 0
    [capture] = escrow.attempts[0].captures
    assert (capture.status, capture.amount_minor) == ("mismatched", AMOUNT_MINOR + 100)
    item = stage.item(escrow_id) or {}
    assert item["queue_reason"]["S"] == "doubtful_capture"
    assert "queue_since" in item


# ── again, and from elsewhere ──


def test_a_repeated_return_changes_nothing(stage: Stage) -> None:
    escrow_id = stage.create()
    started = stage.initiate(escrow_id)
    form = started.at_bank()
    stage.come_back(form)
    before, calls = stage.item(escrow_id), charge_calls(stage, started)
    for _ in range(3):
        assert leads(stage.come_back(form)) == to_page(escrow_id)
    assert stage.item(escrow_id) == before
    assert charge_calls(stage, started) == calls == 1


def test_the_old_tabs_return_changes_nothing_and_the_new_tab_pays(stage: Stage) -> None:
    escrow_id = stage.create()
    old, new = stage.initiate(escrow_id), stage.initiate(escrow_id)
    form = old.at_bank()
    before = stage.item(escrow_id)
    assert leads(stage.come_back(form)) == to_page(escrow_id)
    assert stage.item(escrow_id) == before
    assert charge_calls(stage, old) == 0
    stage.come_back(new.at_bank())
    assert stage.escrow(escrow_id).status == "held"
    assert stage.taken_minor(escrow_id) == AMOUNT_MINOR


def test_an_old_tab_that_failed_does_not_close_the_new_one(stage: Stage) -> None:
    escrow_id = stage.create()
    old, new = stage.initiate(escrow_id, BANK_REFUSES), stage.initiate(escrow_id)
    form = old.at_bank()
    before = stage.item(escrow_id)
    assert leads(stage.come_back(form)) == to_page(escrow_id)
    assert stage.item(escrow_id) == before
    stage.come_back(new.at_bank())
    assert stage.escrow(escrow_id).status == "held"


def test_the_session_of_another_escrow_charges_neither(stage: Stage) -> None:
    mine, other = stage.create(), stage.create()
    form, foreign = stage.initiate(mine).at_bank(), stage.initiate(other).at_bank()
    before = stage.items()
    crossed = replace(form, fields=foreign.fields)
    assert leads(stage.come_back(crossed)) == to_page(mine)
    assert stage.items() == before
    assert stage.paynet.traffic.visits(CHARGE) == []


def test_the_session_of_another_attempt_charges_nothing(stage: Stage) -> None:
    escrow_id = stage.create()
    old, new = stage.initiate(escrow_id), stage.initiate(escrow_id)
    crossed = replace(new.at_bank(), fields=old.at_bank().fields)
    before = stage.item(escrow_id)
    assert leads(stage.come_back(crossed)) == to_page(escrow_id)
    assert stage.item(escrow_id) == before
    assert stage.paynet.traffic.visits(CHARGE) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "/api/3d/return/{escrow}/{attempt}/wrongstate",
        "/api/3d/return/{escrow}/2/{state}",
        "/api/3d/return/{escrow}/0/{state}",
        "/api/3d/return/{escrow}/one/{state}",
        "/api/3d/return/aaaaaaaaaaaaaaaaaaaaaaaaaa/{attempt}/{state}",
        "/api/3d/return/nobody/{attempt}/{state}",
    ],
)
def test_a_wrong_path_is_told_nothing_and_changes_nothing(
    stage: Stage, wrong: str
) -> None:
    escrow_id = stage.create()
    form = stage.initiate(escrow_id).at_bank()
    *_, attempt, state = form.action.split("/")
    before = stage.items()
    path = wrong.format(escrow=escrow_id, attempt=attempt, state=state)
    assert leads(stage.come_back(replace(form, action=path))) == (303, RETURN_PAGE)
    assert stage.items() == before
    assert stage.paynet.traffic.visits(CHARGE) == []


def test_a_stale_session_is_not_charged(stage: Stage) -> None:
    escrow_id = stage.create()
    started = stage.initiate(escrow_id)
    form = started.at_bank()
    before = stage.item(escrow_id)
    stage.clock.move(minutes=30)
    assert stage.back(form).escrow_id == escrow_id
    assert stage.item(escrow_id) == before
    assert charge_calls(stage, started) == 0


def test_an_abandoned_payment_expires_and_its_late_return_changes_nothing(
    stage: Stage,
) -> None:
    escrow_id = stage.create()
    started = stage.initiate(escrow_id)
    form = started.at_bank()
    stage.reconcile(minutes=29)
    assert stage.escrow(escrow_id).status == "authenticating"
    stage.reconcile(minutes=1)
    escrow = stage.escrow(escrow_id)
    assert (escrow.status, escrow.attempts[0].status) == ("created", "expired")
    before = stage.item(escrow_id)
    assert leads(stage.come_back(form)) == to_page(escrow_id)
    assert stage.item(escrow_id) == before
    assert charge_calls(stage, started) == 0
    stage.pay(escrow_id)
    assert stage.escrow(escrow_id).status == "held"


def test_whatever_breaks_the_browser_is_sent_to_the_default_page(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    escrow_id = stage.create()
    started = stage.initiate(escrow_id)
    form = started.at_bank()
    before = stage.item(escrow_id)
    monkeypatch.setenv("TABLE_NAME", "no-such-table")
    bootstrap.store.cache_clear()
    bootstrap.desk.cache_clear()
    assert leads(stage.come_back(form)) == (303, RETURN_PAGE)
    assert stage.item(escrow_id) == before
    assert charge_calls(stage, started) == 0


def test_a_body_too_large_is_refused_and_no_bug_of_ours(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    form = stage.initiate(stage.create()).at_bank()
    path = form.action.removeprefix(BASE_URL)
    assert stage.call("POST", path, raw=b"x" * 20_000).status == 303
    assert {record.levelname for record in caplog.records} == {"INFO"}
