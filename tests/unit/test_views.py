"""How an escrow is shown: to each what is his, and to nobody what is secret; and what
each is told that he may do, may not do, and has to expect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from emanet import reports, views
from emanet.due import Duty
from emanet.errors import PaynetUnreachable
from emanet.escrow import Actor, Escrow, QueueReason, Role, Settlement, Status
from emanet.machine import TRANSITIONS
from emanet.outcome import Declined
from emanet.ports import Callback, CallbackStatus, Form, Queued, Session
from emanet.usecases.access import Caller
from emanet.usecases.operate import Waiting
from tests.unit import every_scene, explained, scenes
from tests.unit.scenes import AMOUNT_MINOR, SURCHARGE_MINOR, TOTAL_MINOR, later

BUYER = Caller("buyer-1", frozenset({"escrow:read", "escrow:pay"}))
SELLER = Caller("seller-1", frozenset({"escrow:read", "escrow:ship"}))
BACKEND = Caller("shop-backend", frozenset({"escrow:create"}))
STAFF = Caller("ops-1", frozenset({"escrow:read", "operations"}))
DRIVER = Caller("van-1", frozenset({"delivery:confirm"}))
EVERYBODY = [BUYER, SELLER, BACKEND, STAFF, DRIVER]
NOW = later(minutes=1)


def seen(escrow: Escrow, caller: Caller) -> dict[str, Any]:
    """Through JSON, as it is sent."""
    shown: dict[str, Any] = json.loads(
        json.dumps(views.escrow_view(escrow, caller, NOW))
    )
    return shown


by_caller = pytest.mark.parametrize("caller", EVERYBODY, ids=lambda c: c.sub)
not_operations = pytest.mark.parametrize(
    "caller", [c for c in EVERYBODY if c != STAFF], ids=lambda c: c.sub
)


def orders(escrow: Escrow) -> list[Settlement]:
    """All that moves money out."""
    surplus = (capture.refund for capture in escrow.captures if capture.refund)
    return [*escrow.settlements, *surplus]


SECRET_NAMES = {
    *("write_id", "state_digest", "session_id", "return_to", "lease_until"),
    *("fingerprint", "secret_digest", "listed", "subject"),
    *("ask_at", "asks", "tries", "retry_at", "put_off"),
}


@by_caller
def test_nobody_sees_a_digest_a_session_or_a_write_id(caller: Caller) -> None:
    for escrow, _ in every_scene.every():
        secrets: set[str | None] = {escrow.fingerprint}
        secrets |= {entry.write_id for entry in escrow.history}
        for attempt in escrow.attempts:
            secrets |= {attempt.state_digest, attempt.return_to, attempt.session_id}
        for order in orders(escrow):
            secrets |= {order.fingerprint, order.secret_digest, order.subject}
            secrets |= {*order.listed} - {order.proof}
        words = set(_words(seen(escrow, caller)))
        assert not words & (SECRET_NAMES | (secrets - {"", None}))


@not_operations
def test_a_settlement_s_key_is_shown_to_operations_alone(caller: Caller) -> None:
    """It names whoever asked, and is his own."""
    told = 0
    for escrow, _ in every_scene.every():
        keys = {order.key for order in orders(escrow)}
        shown = set(_words(seen(escrow, caller)))
        assert not [key for key in keys for word in shown if key in word]
        shown = set(_words(seen(escrow, STAFF)))
        assert keys <= shown
        told += len(keys)
    assert told


@not_operations
def test_no_person_of_operations_is_named_to_others(caller: Caller) -> None:
    key = f"{Actor(Role.OPERATIONS, 'ops-7')}/refund-1"
    asked = scenes.reserved(key=key)
    for escrow in (asked, scenes.sent(asked, key)):
        assert "ops-7" not in json.dumps(seen(escrow, caller))
        assert "ops-7" in json.dumps(seen(escrow, STAFF))


def test_a_key_too_long_for_a_line_of_history_is_not_half_told() -> None:
    key = f"{Actor(Role.OPERATIONS, 'o' * 128)}/refund-1"
    sent = scenes.sent(scenes.reserved(key=key), key)
    assert sent.history[-1].why
    assert "ooo" not in json.dumps(seen(sent, BUYER))


def test_a_settlement_is_shown_to_both_parties() -> None:
    shown = {who: seen(scenes.split(), who)["settlements"] for who in (BUYER, SELLER)}
    part, rest = shown[SELLER]
    assert shown[BUYER] == shown[SELLER]
    assert (part["kind"], part["amount"]["amount"]) == ("release", 100_000)
    assert (rest["kind"], rest["amount"]["amount"]) == ("refund", 30_000)
    assert {part["status"], rest["status"]} == {"done"}
    facts = {"kind", "amount", "surcharge", "status", "by", "at", "due_at", "ended_at"}
    assert set(part) == facts
    more = {"key", "why", "proof", "sent_at"}
    assert set(seen(scenes.split(), STAFF)["settlements"][0]) == facts | more


def test_a_dispute_is_shown_to_both_parties() -> None:
    for caller in (BUYER, SELLER, STAFF):
        [dispute] = seen(scenes.disputed(), caller)["disputes"]
        assert (dispute["status"], dispute["reason"]) == ("open", "broken")
        assert dispute["evidence"] == ["photo-1"]
        assert dispute["answer_by"] == "2026-11-26T09:00:00.000+00:00"


def test_the_deadlines_that_run_are_shown_and_since_when_they_stand() -> None:
    shown = seen(scenes.shipped(), SELLER)["deadlines"]
    assert set(shown) == {"claim_by", "hold_until", "clocks_stand_since"}
    assert shown["clocks_stand_since"] is None
    frozen = seen(scenes.disputed(at=later(hours=2)), SELLER)["deadlines"]
    assert frozen["clocks_stand_since"] == "2026-11-23T11:00:00.000+00:00"


def _words(shown: Any) -> Iterator[str]:
    """Every key and every text, however deep."""
    if isinstance(shown, dict):
        yield from shown
        shown = list(shown.values())
    if isinstance(shown, list):
        for part in shown:
            yield from _words(part)
    if isinstance(shown, str):
        yield shown


def test_a_carrier_sees_the_parcel_and_no_money() -> None:
    shown = seen(scenes.released(), DRIVER)
    parcel = {"tracking", "shipped_at", "delivered_at"}
    told = {"allowed_actions", "blocked_actions", "next"}
    assert set(shown) == {"escrow_id", "status", "version"} | parcel | told


@pytest.mark.parametrize(
    "caller", [c for c in EVERYBODY if c != DRIVER], ids=lambda caller: caller.sub
)
def test_everybody_else_sees_where_the_money_is(caller: Caller) -> None:
    shown = seen(scenes.released(), caller)
    zero = {"amount": 0, "currency": "TRY"}
    assert shown["amount"] == {"amount": AMOUNT_MINOR, "currency": "TRY"}
    assert shown["released"] == {"amount": AMOUNT_MINOR, "currency": "TRY"}
    assert shown["held"] == shown["refunded"] == shown["charged_back"] == zero
    assert (shown["status"], shown["escrow_accounts"]) == ("released", "released")
    assert (shown["version"], shown["next"]) == (scenes.released().version, None)


def test_the_payer_sees_his_attempts_and_their_refusals() -> None:
    first, second = seen(scenes.held(), BUYER)["attempts"]
    assert (first["status"], first["refusal"]) == ("declined", "51 insufficient funds")
    assert (second["status"], second["card"]) == ("captured", scenes.CARD_SHOWN)
    assert (first["total"]["amount"], first["instalments"]) == (AMOUNT_MINOR, 1)
    facts = {"number", "reference_no", "status", "refusal", "card"}
    assert set(first) == facts | {"total", "instalments"}


def test_what_instalments_cost_is_shown_beside_the_amount() -> None:
    escrow = scenes.refunded(scenes.in_instalments())
    for caller in (BUYER, SELLER, STAFF, BACKEND):
        shown = seen(escrow, caller)
        assert shown["amount"]["amount"] == AMOUNT_MINOR
        assert shown["surcharge"]["amount"] == SURCHARGE_MINOR
        [refund] = shown["settlements"]
        assert refund["amount"]["amount"] == AMOUNT_MINOR
        assert refund["surcharge"]["amount"] == SURCHARGE_MINOR
    paid = seen(escrow, BUYER)["attempts"][-1]
    assert (paid["total"]["amount"], paid["instalments"]) == (TOTAL_MINOR, 3)
    assert seen(scenes.held(), BUYER)["surcharge"]["amount"] == 0


@pytest.mark.parametrize("caller", [SELLER, BACKEND, DRIVER], ids=lambda c: c.sub)
def test_the_payer_s_card_and_bank_are_not_the_others_business(caller: Caller) -> None:
    told = 0
    for escrow, _ in every_scene.every():
        shown = seen(escrow, caller)
        assert not {"attempts", "captures"} & set(shown)
        for secret in (scenes.CARD_SHOWN, "insufficient funds"):
            assert not [word for word in _words(shown) if secret in word]
        told += "insufficient funds" in json.dumps(seen(escrow, BUYER))
    assert told


def test_the_fee_is_the_payee_s_and_the_marketplace_s_business() -> None:
    for caller in (SELLER, STAFF, BACKEND):
        assert seen(scenes.held(), caller)["fee"]["amount"] == 1_300
    for caller in (BUYER, DRIVER):
        assert "fee" not in seen(scenes.held(), caller)


FOR_OPERATIONS = {"queue_reason", "flags", "prior_status", "chargeback", "captures"}


def test_only_staff_sees_the_queues_the_chargeback_and_the_captures() -> None:
    shown = seen(scenes.doubted(), STAFF)
    assert shown.keys() >= FOR_OPERATIONS
    assert (shown["queue_reason"], shown["prior_status"]) == (
        "doubtful_capture",
        "charging",
    )
    [capture] = shown["captures"]
    assert (capture["xact_id"], capture["status"]) == ("xact-wrong", "mismatched")
    for caller in (BUYER, SELLER, DRIVER, BACKEND):
        for escrow, _ in every_scene.every():
            assert not FOR_OPERATIONS & seen(escrow, caller).keys()


def test_staff_sees_a_chargeback_and_its_loss() -> None:
    lost = every_scene.lost(scenes.released())
    assert seen(lost, STAFF)["chargeback"] == {
        "status": "lost",
        "at": "2026-11-25T09:00:00.000+00:00",
        "loss": {"amount": AMOUNT_MINOR, "currency": "TRY"},
    }


def test_staff_sees_how_a_surplus_capture_goes_back() -> None:
    shown = seen(scenes.with_surplus(scenes.held()), STAFF)["captures"]
    [surplus] = [capture for capture in shown if capture["status"] == "surplus"]
    assert surplus["refund"]["status"] == "scheduled"
    assert surplus["refund"]["key"].startswith("late-capture/1/")


def test_history_names_roles_and_no_person() -> None:
    shown = seen(scenes.delivered(), SELLER)["history"]
    assert [(line["transition"], line["by"]) for line in shown][-3:] == [
        ("capture", "paynet"),
        ("ship", "payee"),
        ("deliver", "payer"),
    ]
    assert shown[0] == {
        "seq": 1,
        "at": "2026-11-23T09:00:00.000+00:00",
        "transition": "create",
        "from": None,
        "to": "created",
        "by": "backend",
        "why": "",
    }


def test_the_parcel_is_shown_to_both() -> None:
    for caller in (BUYER, SELLER):
        shown = seen(scenes.shipped(), caller)
        assert shown["tracking"] == {"carrier": "Yurtiçi", "tracking_number": "YK-1"}
        assert shown["shipped_at"] == "2026-11-23T09:00:00.000+00:00"
    assert seen(scenes.held(), BUYER)["tracking"] is None


# ── what may be done, and what comes ─────────────────────────────────────────


def test_every_status_and_role_is_told_what_the_golden_file_says() -> None:
    """Read the difference; then `python -m tests.unit.explained` writes it anew."""
    assert explained.GOLDEN.read_text("utf-8") == explained.text()


def test_the_golden_file_knows_every_status_and_every_word() -> None:
    scenes_ = explained.explained()
    assert set(Status) <= scenes_.keys()
    words = {row.action for row in TRANSITIONS if row.action}
    told = {
        word
        for scene in scenes_.values()
        for role in explained.PEOPLE
        for words_ in scene[role].values()
        for word in words_
    }
    assert told == words


def test_a_word_is_told_once_to_a_role_allowed_or_blocked() -> None:
    for _, _, role, told in explained.every():
        own = {row.action for row in TRANSITIONS if row.action and role in row.by}
        blocked = [each["action"] for each in told["blocked_actions"]]
        assert sorted([*told["allowed_actions"], *blocked]) == sorted(own)


@pytest.mark.parametrize("language", ["en", "tr"])
def test_what_is_blocked_says_why_in_the_callers_language(language: str) -> None:
    for escrow, at in every_scene.every():
        mine = [scenes.actor(role) for role in explained.PEOPLE]
        told = views.explain(escrow, mine, at, language)
        other = views.explain(escrow, mine, at, "tr" if language == "en" else "en")
        for each, same in zip(
            told["blocked_actions"], other["blocked_actions"], strict=True
        ):
            assert each["text"]
            assert each["text"] != same["text"]


@pytest.mark.parametrize(
    ("escrow", "what", "about", "at"),
    [
        (scenes.created(), "expire", "pay_by", later(hours=72)),
        (scenes.authenticating(), "expire_session", "", later(minutes=30)),
        (scenes.charging(), "ask", "", later(seconds=20)),
        (scenes.held(), "refund_unshipped", "ship_by_missed", later(days=7)),
        (scenes.shipped(), "miss_claim", "delivery_unconfirmed", later(days=7)),
        (scenes.delivered(), "auto_release", "inspection_over", later(days=3)),
        (scenes.reserved(), "settle", "refund", later()),
        (scenes.refunding(), "ask_order", "refund", later(minutes=3)),
        (scenes.releasing(), "ask_order", "release", later(minutes=3)),
        (scenes.disputed(), "escalate_dispute", "", later(days=3)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_next_says_what_happens_by_itself_and_when(
    escrow: Escrow, what: str, about: str, at: datetime
) -> None:
    told = at.isoformat(timespec="milliseconds")
    expected = {"what": what, "about": about, "at": told, "overdue": at <= NOW}
    assert seen(escrow, BUYER)["next"] == expected


def test_a_part_that_waits_for_its_day_says_so() -> None:
    escrow = scenes.reserved(30_000, scenes.delivered())
    told = seen(escrow, BUYER)["next"]
    assert (told["what"], told["about"]) == ("settle", "refund")
    assert told["at"] == "2026-11-23T21:30:00.000+00:00"  # 00:30 in Istanbul


@pytest.mark.parametrize(
    ("escrow", "at", "next_"),
    [
        (scenes.escalated(), later(days=61), None),
        (scenes.released(), later(hours=1), None),
        (scenes.delivered(), later(days=4), Duty.AUTO_RELEASE),
    ],
)
def test_next_is_nothing_or_overdue_and_never_a_reminder(
    escrow: Escrow, at: datetime, next_: Duty | None
) -> None:
    told = views.explain(escrow, [], at, "en")["next"]
    assert (told and told["what"]) == next_
    assert told is None or told["overdue"]


def test_a_question_to_paynet_is_the_machines_own_business() -> None:
    """But for a charge, whose payer waits for its answer."""
    asked_later = scenes.settled(scenes.charging(), 1, Declined("51"), later(minutes=2))
    assert asked_later.attempts[0].ask_at
    assert seen(asked_later, BUYER)["next"]["what"] == "expire"


# ── the human queue ──────────────────────────────────────────────────────────

LINE = Queued("id-1", QueueReason.DRIFT, later(hours=1))
AGED = later(hours=1) + timedelta(minutes=5)


def test_a_waiting_escrow_says_how_long_how_much_why_and_what_may_be_done() -> None:
    unknown = replace(scenes.unknown(), id="id-1")
    assert reports.waiting_view(Waiting(LINE, escrow=unknown), STAFF, AGED) == {
        "id": "id-1",
        "reason": "drift",
        "since": "2026-11-23T10:00:00.000+00:00",
        "age_s": 300,
        "kind": "escrow",
        "status": "review",
        "amount": {"amount": AMOUNT_MINOR, "currency": "TRY"},
        "why": "key-1 time-out",
        "allowed_actions": ["confirm_unknown", "deny_unknown", "open_chargeback"],
    }


def test_an_unpaid_one_that_waits_says_what_it_is_about() -> None:
    told = reports.waiting_view(Waiting(LINE, escrow=scenes.doubted()), STAFF, AGED)
    assert told["amount"]["amount"] == AMOUNT_MINOR


def test_a_waiting_callback_says_what_it_claimed() -> None:
    callback = Callback(
        "inbox-1", later(), {"amount": "130,00"}, status=CallbackStatus.QUEUED
    )
    told = reports.waiting_view(Waiting(LINE, callback=callback), STAFF, AGED)
    assert (told["kind"], told["told"]) == ("callback", {"amount": "130,00"})
    assert told["allowed_actions"] == ["replay", "close"]


def test_what_nobody_can_read_waits_by_its_id_alone() -> None:
    told = reports.waiting_view(Waiting(LINE), STAFF, AGED)
    assert (told["kind"], told["allowed_actions"]) == ("unreadable", [])


# ── the account in one word ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.CREATED, "pending"),
        (Status.AUTHENTICATING, "pending"),
        (Status.CHARGING, "pending"),
        (Status.HELD, "held"),
        (Status.DISPUTED, "held"),
        (Status.RELEASING, "held"),
        (Status.REFUNDING, "held"),
        (Status.RELEASED, "released"),
        (Status.SPLIT, "released"),
        (Status.REFUNDED, "refunded"),
        (Status.CANCELLED, "failed"),
        (Status.EXPIRED, "failed"),
    ],
)
def test_each_status_has_the_brief_s_word(status: Status, word: str) -> None:
    assert views.account_word(scenes.in_status(status)) == word


def test_review_is_held_only_if_the_whole_amount_was_captured() -> None:
    assert views.account_word(scenes.doubted()) == "pending"
    assert views.account_word(scenes.escalated()) == "held"


# ── where the browser goes ───────────────────────────────────────────────────

BOTH = Session("session-1", "https://bank.example/3d", "<form></form>")
REDIRECT = {"kind": "redirect", "url": "https://bank.example/3d"}
HTML = {"kind": "html", "html": "<form></form>"}


def test_the_way_that_the_frontend_prefers_is_taken_if_there_is_one() -> None:
    assert views.three_ds(BOTH, "redirect") == REDIRECT
    assert views.three_ds(BOTH, "html") == HTML
    assert views.three_ds(replace(BOTH, post_url=None), "redirect") == HTML
    assert views.three_ds(replace(BOTH, html_content=None), "html") == REDIRECT


def test_the_session_itself_is_not_shown() -> None:
    assert "session-1" not in json.dumps(views.three_ds(BOTH, "html"))


def test_paynet_s_own_form_is_shown_as_its_frontend_needs_it() -> None:
    form = Form("https://p.example/x.js", {"data-key": "pbk_1"}, "https://back.example")
    assert views.own_form(form) == {
        "kind": "form",
        "script": "https://p.example/x.js",
        "attributes": {"data-key": "pbk_1"},
        "action": "https://back.example",
    }


def test_no_way_at_all_is_paynet_s_failure() -> None:
    with pytest.raises(PaynetUnreachable):
        views.three_ds(Session("session-1", None, ""), "redirect")
