"""How an escrow is shown: to each what is his, and to nobody what is secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from emanet import views
from emanet.errors import PaynetUnreachable
from emanet.escrow import Escrow, Status
from emanet.ports import Session
from emanet.usecases.access import Caller
from tests.unit import scenes
from tests.unit.scenes import AMOUNT_MINOR, later

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


@pytest.mark.parametrize("caller", EVERYBODY, ids=lambda caller: caller.sub)
@pytest.mark.parametrize("status", Status)
def test_nobody_sees_a_digest_a_session_or_a_write_id(
    status: Status, caller: Caller
) -> None:
    escrow = scenes.in_status(status)
    secrets = {escrow.fingerprint} | {entry.write_id for entry in escrow.history}
    for attempt in escrow.attempts:
        secrets |= {attempt.state_digest, attempt.return_to}
        secrets |= {attempt.session_id} if attempt.session_id else set()
    names = {"write_id", "state_digest", "session_id", "fingerprint", "return_to"}
    words = set(_words(seen(escrow, caller)))
    assert not words & (names | secrets)


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
    assert set(shown) == {"escrow_id", "status", "version"} | parcel


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
    assert set(first) == {"number", "reference_no", "status", "refusal", "card"}


@pytest.mark.parametrize("caller", [SELLER, BACKEND, DRIVER], ids=lambda c: c.sub)
def test_the_payer_s_card_and_bank_are_not_the_others_business(caller: Caller) -> None:
    shown = seen(scenes.held(), caller)
    assert "attempts" not in shown
    for secret in (scenes.CARD_SHOWN, "insufficient funds"):
        assert secret not in json.dumps(shown)


def test_the_fee_is_the_payee_s_and_the_marketplace_s_business() -> None:
    for caller in (SELLER, STAFF, BACKEND):
        assert seen(scenes.held(), caller)["fee"]["amount"] == 1_300
    for caller in (BUYER, DRIVER):
        assert "fee" not in seen(scenes.held(), caller)


def test_only_staff_sees_the_queue() -> None:
    assert seen(scenes.doubted(), STAFF)["queue_reason"] == "doubtful_capture"
    for caller in (BUYER, SELLER, DRIVER, BACKEND):
        assert "queue_reason" not in seen(scenes.doubted(), caller)


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


@pytest.mark.parametrize(
    ("escrow", "what", "at"),
    [
        (scenes.created(), "expire", later(hours=72)),
        (scenes.authenticating(), "expire_session", later(minutes=30)),
        (scenes.held(), "ship_by_missed", later(days=7)),
        (scenes.shipped(), "delivery_unconfirmed", later(days=7)),
        (scenes.delivered(), "inspection_over", later(days=3)),
    ],
    ids=["created", "authenticating", "held", "shipped", "delivered"],
)
def test_next_says_what_happens_by_itself_and_when(
    escrow: Escrow, what: str, at: Any
) -> None:
    told = at.isoformat(timespec="milliseconds")
    assert seen(escrow, BUYER)["next"] == {"what": what, "at": told}


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


def test_no_way_at_all_is_paynet_s_failure() -> None:
    with pytest.raises(PaynetUnreachable):
        views.three_ds(Session("session-1", None, ""), "redirect")
