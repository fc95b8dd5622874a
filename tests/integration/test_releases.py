"""Releases in both modes: as a line in our books, and as an order to PAYNET's own
escrow. What PAYNET leaves open about that escrow is played in both values."""

from __future__ import annotations

from typing import Any

import pytest

from emanet import ledger
from emanet.escrow import Escrow
from tests.integration.test_refunds import act, ask
from tests.stage import AMOUNT_MINOR, BUYER, OPERATIONS, SELLER, Answer, Stage, payment

UPDATE = "/v1/transaction/escrow_status_update"
PART: dict[str, Any] = {"amount": {"amount": 30_000, "currency": "TRY"}}


@pytest.fixture(params=["off", "on"])
def either(
    request: pytest.FixtureRequest, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> Stage:
    """A stage in each mode."""
    monkeypatch.setenv("PAYNET_ESCROW", request.param)
    return stage


@pytest.fixture
def escrowed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """PAYNET's own escrow holds the money of new payments."""
    monkeypatch.setenv("PAYNET_ESCROW", "on")
    return stage


def release(stage: Stage, escrow_id: str, key: str = "k", **body: Any) -> Answer:
    path = f"/api/escrows/{escrow_id}/release"
    return stage.call("POST", path, body, who=BUYER, headers={"Idempotency-Key": key})


def releases(stage: Stage, escrow_id: str) -> int:
    """How many approvals PAYNET's own escrow carried out."""
    funding = stage.escrow(escrow_id).funding
    assert funding is not None
    return stage.paynet.books.releases(funding[1].xact_id)


def settled(stage: Stage, escrow_id: str, **later: float) -> Escrow:
    stage.reconcile_until_quiet(**later)
    escrow = stage.escrow(escrow_id)
    assert set(ledger.trial_balance(ledger.postings(escrow)).values()) <= {0}
    return escrow


# ── in both modes ────────────────────────────────────────────────────────────


def test_the_payers_word_releases_all_of_it(either: Stage) -> None:
    escrow_id = either.held()
    assert release(either, escrow_id).status == 200
    assert release(either, escrow_id).status == 200
    escrow = settled(either, escrow_id)
    assert (escrow.status, escrow.balances.released) == ("released", AMOUNT_MINOR)
    assert releases(either, escrow_id) == escrow.in_paynet_escrow


def test_the_inspection_ends_and_it_is_released(either: Stage) -> None:
    escrow_id = either.held()
    act(either, escrow_id, "ship", SELLER, carrier="Kargo", tracking_number="1")
    act(either, escrow_id, "deliver", BUYER)
    assert settled(either, escrow_id, days=2).status == "held"
    escrow = settled(either, escrow_id, days=1)
    assert (escrow.status, escrow.settlements[0].key) == ("released", "auto-release/1")
    assert releases(either, escrow_id) == escrow.in_paynet_escrow


def test_operations_release_with_a_reason(either: Stage) -> None:
    escrow_id = either.held()
    without = act(either, escrow_id, "release", OPERATIONS)
    assert (without.status, without.body["errors"][0]["field"]) == (422, "reason")
    assert act(either, escrow_id, "release", OPERATIONS, reason="agreed").status == 200
    assert settled(either, escrow_id).status == "released"


def test_a_decided_dispute_releases_all_of_it(either: Stage) -> None:
    escrow_id = either.held()
    act(either, escrow_id, "ship", SELLER, carrier="Kargo", tracking_number="1")
    act(either, escrow_id, "dispute", BUYER, reason="not as described")
    nothing = {"amount": 0, "currency": "TRY"}
    whole = {"amount": AMOUNT_MINOR, "currency": "TRY"}
    path = f"/api/operations/escrows/{escrow_id}/resolve_dispute"
    said = {"reason": "as described", "release": whole, "refund": nothing}
    answer = either.call(
        "POST", path, said, who=OPERATIONS, headers={"Idempotency-Key": "d"}
    )
    assert answer.status == 200, answer.text
    assert settled(either, escrow_id).status == "released"


# ── in our books alone ───────────────────────────────────────────────────────


def test_a_part_is_released_and_the_rest_stays(stage: Stage) -> None:
    escrow_id = stage.held()
    part = release(stage, escrow_id, "one", **PART)
    assert (part.body["status"], part.body["held"]["amount"]) == ("held", 100_000)
    too_much = release(stage, escrow_id, "two", amount=_tl(100_001))
    assert (too_much.status, too_much.body["reason"]) == (409, "more_than_available")
    assert release(stage, escrow_id, "three").body["status"] == "released"


def _tl(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "TRY"}


# ── PAYNET's own escrow ──────────────────────────────────────────────────────


def test_the_mode_of_an_attempt_is_that_of_its_start(
    escrowed: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment that changes its mind changes no payment under way."""
    escrow_id = escrowed.create()
    started = escrowed.initiate(escrow_id)
    monkeypatch.setenv("PAYNET_ESCROW", "off")
    escrowed.come_back(started.at_bank())
    assert escrowed.escrow(escrow_id).in_paynet_escrow
    release(escrowed, escrow_id)
    settled(escrowed, escrow_id)
    assert releases(escrowed, escrow_id) == 1


def test_no_part_of_it_is_released(escrowed: Stage) -> None:
    answer = release(escrowed, escrowed.held(), **PART)
    assert (answer.status, answer.body["reason"]) == (409, "paynet_escrow_whole_only")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_never_sent_again(escrowed: Stage, when: Any) -> None:
    """Whether it happened, a human finds out."""
    escrow_id = escrowed.held()
    release(escrowed, escrow_id)
    escrowed.paynet.faults.add("close", UPDATE, when=when)
    escrow = settled(escrowed, escrow_id)
    assert (escrow.status, escrow.review_reason) == ("review", "settlement_unknown")
    assert releases(escrowed, escrow_id) == (when == "after")
    assert len(escrowed.paynet.traffic.visits(UPDATE)) == 1


def test_operations_confirm_what_they_saw_at_paynet(escrowed: Stage) -> None:
    escrow_id = escrowed.held()
    release(escrowed, escrow_id)
    escrowed.paynet.faults.add("close", UPDATE, when="after")
    settled(escrowed, escrow_id)
    path = f"/api/operations/escrows/{escrow_id}/confirm_unknown"
    version = escrowed.escrow(escrow_id).version
    said = {"reason": "panel, 24 November, approved", "version": version}
    assert escrowed.call("POST", path, said, who=OPERATIONS).status == 200
    assert escrowed.escrow(escrow_id).status == "released"


def test_a_refund_out_of_it_is_left_to_a_human(escrowed: Stage) -> None:
    """Until somebody knows what PAYNET does then (docs/paynet.md, questions 8, 10)."""
    escrow_id = escrowed.held()
    assert ask(escrowed, escrow_id).status == 200
    escrow = settled(escrowed, escrow_id)
    assert (escrow.status, escrow.review_reason) == ("review", "refund_by_hand")
    assert escrowed.paynet.traffic.visits("/v1/transaction/reversed_request") == []


# What nobody knows of PAYNET's own escrow, in both values: what becomes of a release,
# and how often PAYNET's own escrow paid out.
@pytest.mark.parametrize(
    ("switches", "ends_as", "paid_out"),
    [
        ({"escrow_permission": "on"}, "released", 1),
        ({"escrow_second_update": "refused"}, "released", 1),
        ({"escrow_second_update": "repeated"}, "released", 1),
        ({"escrow_change_of_mind": "refused"}, "released", 1),
        ({"escrow_change_of_mind": "accepted"}, "released", 1),
        ({"escrow_reject": "nothing"}, "released", 1),
        ({"escrow_reject": "refunds"}, "released", 1),
        ({"escrow_partial": "refused"}, "released", 1),
        ({"escrow_partial": "rest_stays"}, "released", 1),
        ({"escrow_state_listed": False}, "released", 1),
        ({"escrow_state_listed": True}, "released", 1),
        ({"escrow_refund": "accepted"}, "released", 1),
        ({"escrow_refund": "refused"}, "released", 1),
        ({"escrow_needs_dealer": False}, "released", 1),
        ({"escrow_needs_dealer": True}, "held", 0),
        ({"escrow_auto_release_days": None}, "released", 1),
        ({"escrow_auto_release_days": 1}, "released", 1),
    ],
    ids=str,
)
def test_whatever_paynets_escrow_does_our_books_follow(
    escrowed: Stage, switches: dict[str, Any], ends_as: str, paid_out: int
) -> None:
    escrowed.paynet.settings.change(switches)
    escrow_id = escrowed.held()
    release(escrowed, escrow_id)
    assert settled(escrowed, escrow_id).status == ends_as
    assert releases(escrowed, escrow_id) == paid_out


def test_a_dealer_that_is_known_is_named(escrowed: Stage) -> None:
    escrowed.paynet.settings.escrow_needs_dealer = True
    payee = {"id": SELLER[0], "paynet_agent_id": "1234"}
    escrow_id = escrowed.held(payee=payee)
    release(escrowed, escrow_id)
    assert settled(escrowed, escrow_id).status == "released"


@pytest.mark.parametrize("again", ["refused", "repeated"])
def test_what_paynet_released_by_itself_is_approved_or_denied(
    escrowed: Stage, again: Any
) -> None:
    """PAYNET may not wait for us (unknown): a no then stays visible to people."""
    escrowed.paynet.settings.escrow_auto_release_days = 1
    escrowed.paynet.settings.escrow_second_update = again
    escrow_id = escrowed.held()
    escrowed.later(days=2)
    release(escrowed, escrow_id)
    escrow = settled(escrowed, escrow_id)
    expected = (
        ("held", "settlement_denied") if again == "refused" else ("released", None)
    )
    assert (escrow.status, escrow.queue_reason) == expected
    assert releases(escrowed, escrow_id) == 1


def test_without_permission_no_session_opens(escrowed: Stage) -> None:
    escrowed.paynet.settings.escrow_permission = "off"
    escrow_id = escrowed.create()
    answer = escrowed.call("POST", f"/api/escrows/{escrow_id}/3d", payment())
    assert answer.status in {422, 503}
    assert escrowed.escrow(escrow_id).status == "created"
