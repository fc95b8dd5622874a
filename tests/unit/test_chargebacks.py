"""The payer's bank takes a payment back: nothing moves while that is open; won restores
what was there, lost takes what is held, and the rest is our loss."""

from __future__ import annotations

import pytest

from emanet import chargebacks, holding, settlements
from emanet.due import Duty, next_moment
from emanet.errors import IllegalTransition, NotYourAction
from emanet.escrow import (
    CLOSED_PAID,
    ChargebackStatus,
    Escrow,
    Role,
    SettlementStatus,
    Status,
)
from emanet.machine import actions
from emanet.money import Balances
from tests.unit import every_scene, scenes
from tests.unit.scenes import AMOUNT_MINOR, later, step

S = SettlementStatus
OPERATIONS, CLOCK, PAYNET = Role.OPERATIONS, Role.CLOCK, Role.PAYNET
CAPTURED = {
    "held": scenes.held(),
    "disputed": scenes.disputed(),
    "releasing": scenes.releasing(),
    "refunding": scenes.refunding(),
    "review": scenes.escalated(),
    "unknown": scenes.unknown(),
    "released": scenes.released(),
    "refunded": scenes.refunded(),
    "split": scenes.split(),
}
UNPAID = {
    "created": scenes.created(),
    "authenticating": scenes.authenticating(),
    "charging": scenes.charging(),
    "unpaid review": scenes.doubted(),
    "cancelled": scenes.cancelled(),
    "expired": scenes.expired(),
}


def opened(escrow: Escrow) -> Escrow:
    return chargebacks.open_(escrow, "bank", step(OPERATIONS, later(days=70)))


def won(escrow: Escrow) -> Escrow:
    return chargebacks.win(escrow, "bank", step(OPERATIONS, later(days=80)))


def lost(escrow: Escrow) -> Escrow:
    return chargebacks.lose(escrow, "bank", step(OPERATIONS, later(days=80)))


def loss_of(escrow: Escrow) -> int:
    assert escrow.chargeback is not None
    assert escrow.chargeback.status is ChargebackStatus.LOST
    return escrow.chargeback.loss_minor


# ── opened ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", CAPTURED)
def test_it_is_accepted_in_every_captured_status(name: str) -> None:
    before = CAPTURED[name]
    after = opened(before)
    frozen = name in {"held", "disputed"}
    assert after.status is (Status.REVIEW if frozen else before.status)
    assert after.balances == before.balances
    assert after.chargeback is not None
    assert after.chargeback.status is ChargebackStatus.OPEN
    assert after.chargeback.froze is frozen
    assert "chargeback" in {flag.reason for flag in after.flags}


@pytest.mark.parametrize("name", UNPAID)
def test_what_was_never_captured_is_not_charged_back(name: str) -> None:
    with pytest.raises(IllegalTransition):
        opened(UNPAID[name])


@pytest.mark.parametrize("name", CAPTURED)
def test_one_that_is_known_is_not_opened_again(name: str) -> None:
    with pytest.raises(IllegalTransition):
        opened(opened(CAPTURED[name]))


@pytest.mark.parametrize("role", sorted(set(Role) - {OPERATIONS, CLOCK}))
def test_nobody_but_operations_and_the_daily_list_opens_one(role: Role) -> None:
    for escrow in (scenes.held(), scenes.released()):
        with pytest.raises(NotYourAction):
            chargebacks.open_(escrow, "bank", step(role))


def test_clocks_and_unsent_settlements_stop() -> None:
    after = opened(scenes.reserved(30_000, scenes.delivered()))
    assert after.settlements[0].status is S.SUSPENDED
    assert after.stopped_at == later(days=70)
    assert next_moment(after) is None


def test_while_one_is_open_nobody_decides_over_the_money() -> None:
    for escrow in (opened(scenes.held()), opened(scenes.escalated())):
        for name in ("resume", "settle_review"):
            assert _blocked(escrow, name) == "chargeback_open"


def _blocked(escrow: Escrow, action: str) -> str:
    told = actions(escrow, [scenes.actor(OPERATIONS)], later(days=71))
    return told[1].get(action, "")


# ── won ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", CAPTURED)
def test_one_that_is_won_restores_what_was_there(name: str) -> None:
    before = CAPTURED[name]
    after = won(opened(before))
    assert (after.status, after.balances) == (before.status, before.balances)
    assert (after.settlements, after.flags) == (before.settlements, before.flags)
    assert after.chargeback is not None
    assert after.chargeback.status is ChargebackStatus.WON
    assert after.available_minor == before.available_minor


def test_what_it_suspended_is_scheduled_again() -> None:
    before = scenes.reserved(30_000)
    assert won(opened(before)).settlements == before.settlements


def test_a_dispute_that_it_froze_goes_on_and_keeps_its_settlements_suspended() -> None:
    before = every_scene.disputed_and_reserved()
    after = won(opened(before))
    assert (after.status, after.dispute) == (Status.DISPUTED, before.dispute)
    assert after.settlements[0].status is S.SUSPENDED


def test_another_one_may_follow_one_that_was_won() -> None:
    again = opened(won(opened(scenes.held())))
    assert (again.status, again.queue_reason) == (Status.REVIEW, "chargeback")
    assert lost(again).status is Status.REFUNDED


@pytest.mark.parametrize("name", CAPTURED)
def test_only_an_open_one_is_won_or_lost(name: str) -> None:
    for escrow in (CAPTURED[name], won(opened(CAPTURED[name]))):
        for end in (won, lost):
            with pytest.raises(IllegalTransition):
                end(escrow)


# ── lost ─────────────────────────────────────────────────────────────────────


def test_one_that_is_lost_takes_all_that_is_held() -> None:
    after = lost(opened(scenes.reserved(30_000)))
    assert after.status is Status.REFUNDED
    assert after.balances == Balances(AMOUNT_MINOR, charged_back=AMOUNT_MINOR)
    assert (after.settlements[0].status, after.reserved_minor) == (S.WITHDRAWN, 0)
    assert (loss_of(after), after.flags, next_moment(after)) == (0, (), None)


def test_what_the_payee_has_already_is_our_loss() -> None:
    after = lost(opened(scenes.part_released(100_000)))
    assert after.status is Status.SPLIT
    assert after.balances == Balances(AMOUNT_MINOR, 0, 100_000, 0, 30_000)
    assert loss_of(after) == 100_000


def test_a_dispute_ends_with_what_it_was_about() -> None:
    after = lost(opened(scenes.disputed()))
    assert (after.status, after.flags) == (Status.REFUNDED, ())


@pytest.mark.parametrize(
    ("closed", "loss"),
    [
        (scenes.released(), AMOUNT_MINOR),
        (scenes.split(), 100_000),
        (scenes.refunded(), 0),
    ],
    ids=lambda x: getattr(x, "status", x),
)
def test_what_is_closed_stays_so_and_the_loss_is_booked(
    closed: Escrow, loss: int
) -> None:
    after = lost(opened(closed))
    assert (after.status, after.balances) == (closed.status, closed.balances)
    assert (loss_of(after), after.flags) == (loss, ())


def test_an_unknown_settlement_is_decided_first() -> None:
    for escrow in (opened(scenes.unknown()), opened(every_scene.unseen_unknown())):
        with pytest.raises(IllegalTransition, match="settlement_unknown"):
            lost(escrow)


def test_during_a_sent_settlement_it_waits_for_its_end() -> None:
    waiting = lost(opened(scenes.refunding(30_000)))
    assert (waiting.status, waiting.balances.held) == (Status.REFUNDING, AMOUNT_MINOR)
    assert waiting.chargeback is not None
    assert waiting.chargeback.status is ChargebackStatus.LOST_WAITING
    for end in (won, lost):
        with pytest.raises(IllegalTransition):
            end(waiting)
    ended = settlements.deny(waiting, "no", step(PAYNET, later(days=81)))
    moment = next_moment(ended)
    assert moment is not None
    assert moment.duty is Duty.LOSE_CHARGEBACK
    assert moment.at <= later(days=81)
    after = chargebacks.lose(ended, "", step(CLOCK, later(days=81)))
    assert (after.status, after.balances.charged_back) == (
        Status.REFUNDED,
        AMOUNT_MINOR,
    )


def test_what_was_taken_besides_still_needs_its_human() -> None:
    """Only the queues about the held money end with it."""
    odd = scenes.with_mismatch(scenes.with_denied_surplus(scenes.disputed()))
    after = lost(opened(odd))
    assert {flag.reason for flag in after.flags} == {
        "late_capture",
        "doubtful_capture",
    }


def test_the_payment_is_never_taken_back_twice() -> None:
    for name, before in CAPTURED.items():
        if name in {"releasing", "refunding", "unknown"}:
            continue
        after = lost(opened(before))
        sums = after.balances
        out = sums.charged_back + sums.refunded + loss_of(after)
        assert (after.status in CLOSED_PAID, out) == (True, AMOUNT_MINOR)


def test_a_dispute_ends_with_the_escrow_that_a_chargeback_took() -> None:
    lost = chargebacks.lose(
        every_scene.charged_back(scenes.disputed()), "lost", step(Role.OPERATIONS)
    )
    assert (lost.status, lost.dispute) == (Status.REFUNDED, None)


def test_what_is_still_open_stays_in_its_queue() -> None:
    """Seen is not decided."""
    flagged = every_scene.charged_back(scenes.released())
    with pytest.raises(IllegalTransition, match="no_flag"):
        holding.acknowledge(flagged, "seen", step(Role.OPERATIONS))
