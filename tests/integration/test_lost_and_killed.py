"""Answers that are lost and processes that die around the one call that takes money:
charged once or never, and always found out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emanet.dynamodb.table import DynamoEscrowStore
from emanet.errors import SecretUnavailable, StoreUnavailable
from emanet.escrow import Escrow
from emanet.outcome import Outcome
from emanet.paynet.client import PaynetGateway
from emanet.paynet.line import Line
from emanet.ports import Desk
from local.paynet_simulator import browser
from tests.stage import AMOUNT_MINOR, Stage, Started, payment

CHARGE = "/v2/transaction/tds_charge"
CHARGED_CARDS = ["4000000000000051", "4000000000000119"]
UNCHARGED_CARDS = ["4000000000000069", "4000000000000093"]
DECLINED = "4000000000000010"


class Killed(BaseException):
    """Lambda ended this process here."""


class KilledBeforeCharge(PaynetGateway):
    """The process ends on its way to PAYNET."""

    def charge(self, *_: Any, **__: Any) -> Outcome:
        raise Killed


class KilledAfterCharge(PaynetGateway):
    """PAYNET has taken the money, and nobody is left to hear of it."""

    def charge(self, *pair: Any, **facts: Any) -> Outcome:
        super().charge(*pair, **facts)
        raise Killed


class KilledAtTheBooks(DynamoEscrowStore):
    """The process ends before it can write."""

    def save(self, *_: Escrow) -> None:
        raise Killed


class KilledAfterTheBooks(DynamoEscrowStore):
    """The process ends right after its first write."""

    def save(self, before: Escrow, after: Escrow) -> None:
        super().save(before, after)
        raise Killed


class DeafBooks(DynamoEscrowStore):
    """The table stops answering once a charge is on its way."""

    def save(self, before: Escrow, after: Escrow) -> None:
        if before.status == "charging":
            raise StoreUnavailable("deaf")
        super().save(before, after)


def without_key() -> str:
    raise SecretUnavailable("secret_key")


def gateway(stage: Stage, kind: type[PaynetGateway]) -> PaynetGateway:
    return kind(stage.line)


def desk(stage: Stage, kind: type[DynamoEscrowStore]) -> Desk:
    real = stage.desk
    return Desk(kind(stage.store.table, stage.dynamodb), real.clock, real.chance)


def killed(
    stage: Stage, form: browser.Form, kind: type[PaynetGateway] = KilledAfterCharge
) -> None:
    with pytest.raises(Killed):
        stage.back(form, gateway=gateway(stage, kind))


def charges(stage: Stage, started: Started) -> int:
    return stage.paynet.books.charges(started.reference_no)


def charge_calls(stage: Stage) -> int:
    return len(stage.paynet.traffic.visits(CHARGE))


def must_be_held_once(stage: Stage, started: Started) -> None:
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.status, escrow.balances.held) == ("held", AMOUNT_MINOR)
    assert charges(stage, started) == 1
    assert stage.taken_minor(started.escrow_id) == AMOUNT_MINOR


def must_be_payable_again(stage: Stage, started: Started) -> None:
    """Charged never, and the next attempt pays."""
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.status, escrow.attempts[-1].status) == ("created", "not_paid")
    assert charges(stage, started) == 0
    stage.pay(started.escrow_id)
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.status, escrow.balances.held) == ("held", AMOUNT_MINOR)
    assert stage.taken_minor(started.escrow_id) == AMOUNT_MINOR


# ── the answer is lost ──


@pytest.mark.parametrize("card", CHARGED_CARDS)
def test_a_charge_whose_answer_is_lost_is_asked_and_held(
    stage: Stage, card: str
) -> None:
    started = stage.pay(stage.create(), card)
    assert stage.escrow(started.escrow_id).status == "charging"
    stage.reconcile(seconds=21)
    must_be_held_once(stage, started)


@pytest.mark.parametrize("card", UNCHARGED_CARDS)
def test_a_charge_that_never_arrived_is_payable_again_after_the_quiet_window(
    stage: Stage, card: str
) -> None:
    started = stage.pay(stage.create(), card)
    for wait_s in (21, 40, 240, 595):
        stage.reconcile(seconds=wait_s)
        assert stage.escrow(started.escrow_id).status == "charging"
    stage.reconcile(seconds=5)
    must_be_payable_again(stage, started)


def test_paynet_is_asked_on_schedule_and_no_oftener(stage: Stage) -> None:
    stage.pay(stage.create(), UNCHARGED_CARDS[0])
    asked = []
    for _ in range(32):
        before = len(stage.paynet.traffic.visits("/v1/transaction/check"))
        stage.reconcile(seconds=30)
        asked.append(len(stage.paynet.traffic.visits("/v1/transaction/check")) - before)
    assert sum(asked) == 4
    assert max(asked) == 1


def test_asking_again_is_no_history(stage: Stage) -> None:
    started = stage.pay(stage.create(), UNCHARGED_CARDS[0])
    before = stage.escrow(started.escrow_id)
    stage.reconcile(seconds=21)
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.version, escrow.history) == (before.version, before.history)
    assert escrow.attempts[0].asks == 1


def test_nothing_is_ever_charged_by_asking(stage: Stage) -> None:
    stage.pay(stage.create(), UNCHARGED_CARDS[0])
    calls = charge_calls(stage)
    for _ in range(5):
        stage.reconcile(minutes=5)
    assert charge_calls(stage) == calls


def test_an_attempt_closed_as_not_paid_is_asked_again_later(stage: Stage) -> None:
    started = stage.pay(stage.create(), UNCHARGED_CARDS[0])
    stage.reconcile(minutes=16)
    escrow = stage.escrow(started.escrow_id)
    [attempt] = escrow.attempts
    assert attempt.closed_at is not None
    assert attempt.ask_at == attempt.closed_at + timedelta(hours=1)
    stage.reconcile(hours=1)
    [attempt] = stage.escrow(started.escrow_id).attempts
    assert attempt.closed_at is not None
    assert attempt.ask_at == attempt.closed_at + timedelta(hours=24)
    stage.reconcile(hours=23)
    assert stage.escrow(started.escrow_id).attempts[0].ask_at is None


def test_a_refund_that_somebody_made_meanwhile_is_for_a_human(stage: Stage) -> None:
    started = stage.pay(stage.create(), CHARGED_CARDS[0])
    [row] = stage.paynet.books.find(reference_no=started.reference_no)
    stage.paynet.books.reverse(row.xact_id)
    stage.reconcile(seconds=21)
    assert stage.escrow(started.escrow_id).status == "charging"  # it may be on its way
    stage.reconcile(minutes=2)
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.status, escrow.queue_reason) == ("review", "doubtful_capture")
    assert escrow.balances.captured == stage.taken_minor(escrow.id) == 0


# ── the process is killed ──


def test_killed_right_after_the_charge_it_is_held_and_charged_once(
    stage: Stage,
) -> None:
    started = stage.initiate(stage.create())
    killed(stage, started.at_bank())
    assert stage.escrow(started.escrow_id).status == "charging"
    stage.reconcile(seconds=21)
    must_be_held_once(stage, started)


def test_killed_right_before_the_charge_it_is_payable_again_and_charged_never(
    stage: Stage,
) -> None:
    started = stage.initiate(stage.create())
    killed(stage, started.at_bank(), KilledBeforeCharge)
    stage.reconcile(minutes=14, seconds=59)
    assert stage.escrow(started.escrow_id).status == "charging"
    stage.reconcile(seconds=1)
    must_be_payable_again(stage, started)


def test_killed_before_the_intent_nothing_was_sent_and_a_reload_pays(
    stage: Stage,
) -> None:
    started = stage.initiate(stage.create())
    form, before = started.at_bank(), stage.item(started.escrow_id)
    with pytest.raises(Killed):
        stage.back(form, desk=desk(stage, KilledAtTheBooks))
    assert stage.item(started.escrow_id) == before
    assert charge_calls(stage) == 0
    stage.come_back(form)
    must_be_held_once(stage, started)


def test_killed_between_intent_and_charge_nothing_was_sent(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    with pytest.raises(Killed):
        stage.back(started.at_bank(), desk=desk(stage, KilledAfterTheBooks))
    assert stage.escrow(started.escrow_id).status == "charging"
    assert charge_calls(stage) == 0
    stage.reconcile(minutes=15)
    must_be_payable_again(stage, started)


def test_a_table_that_is_deaf_after_the_charge_loses_nothing(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    landing = stage.back(started.at_bank(), desk=desk(stage, DeafBooks))
    assert landing.escrow_id == started.escrow_id
    assert stage.escrow(started.escrow_id).status == "charging"
    stage.reconcile(seconds=21)
    must_be_held_once(stage, started)


def test_a_decline_that_nobody_could_write_is_found_by_asking(stage: Stage) -> None:
    started = stage.initiate(stage.create(), DECLINED)
    killed(stage, started.at_bank())
    stage.reconcile(minutes=2)
    escrow = stage.escrow(started.escrow_id)
    assert (escrow.status, escrow.attempts[0].status) == ("created", "declined")
    assert stage.taken_minor(escrow.id) == 0


def test_a_killed_reconciler_leaves_the_item_to_the_next_one(stage: Stage) -> None:
    started = stage.pay(stage.create(), CHARGED_CARDS[0])
    stage.clock.move(seconds=21)
    with pytest.raises(Killed):
        stage.reconciler(desk=desk(stage, KilledAtTheBooks)).run()
    assert stage.reconcile(seconds=89).escrows == 0
    assert stage.reconcile(seconds=1).escrows == 1
    must_be_held_once(stage, started)


# ── the browser tries again ──


def test_within_the_lease_a_second_return_only_redirects(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    form = started.at_bank()
    killed(stage, form)
    before, calls = stage.item(started.escrow_id), charge_calls(stage)
    stage.clock.move(seconds=59)
    assert stage.back(form).escrow_id == started.escrow_id
    assert stage.item(started.escrow_id) == before
    assert charge_calls(stage) == calls


@pytest.mark.parametrize("kind", [KilledBeforeCharge, KilledAfterCharge])
def test_after_the_lease_a_second_return_repeats_the_pair_and_it_is_held_once(
    stage: Stage, kind: type[PaynetGateway]
) -> None:
    started = stage.initiate(stage.create())
    form = started.at_bank()
    killed(stage, form, kind)
    stage.clock.move(seconds=60)
    stage.back(form)
    must_be_held_once(stage, started)
    names = [entry.transition for entry in stage.escrow(started.escrow_id).history]
    assert names[-3:] == ["begin_charge", "retake_charge", "capture"]


def test_a_refusal_of_a_takeover_is_no_verdict_on_the_charge_before(
    stage: Stage,
) -> None:
    """The bank is still working on the first charge when the second return is told
    no."""
    started = stage.initiate(stage.create())
    form = started.at_bank()
    killed(stage, form, KilledBeforeCharge)
    stage.clock.move(seconds=61)
    no = {"code": 1, "is_succeed": False, "reference_no": started.reference_no}
    stage.paynet.faults.add("rewrite", CHARGE, when="after", fields=no)
    stage.back(form)
    assert stage.escrow(started.escrow_id).status == "charging"
    stage.reconcile(minutes=2)
    assert stage.escrow(started.escrow_id).status == "held"
    assert (charges(stage, started), stage.taken_minor(started.escrow_id)) == (
        1,
        AMOUNT_MINOR,
    )


def test_a_charge_is_taken_over_by_at_most_three_returns(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    form = started.at_bank()
    for _ in range(4):
        killed(stage, form, KilledBeforeCharge)
        stage.clock.move(seconds=61)
    before = stage.item(started.escrow_id)
    assert stage.back(form).escrow_id == started.escrow_id
    assert stage.item(started.escrow_id) == before
    assert charge_calls(stage) == 0


def test_the_quiet_window_counts_from_the_last_charge_sent(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    form = started.at_bank()
    killed(stage, form, KilledBeforeCharge)
    stage.clock.move(minutes=14)
    killed(stage, form, KilledBeforeCharge)
    for _ in range(14):
        stage.reconcile(minutes=1)
        assert stage.escrow(started.escrow_id).status == "charging"
    stage.reconcile(minutes=1)
    assert stage.escrow(started.escrow_id).status == "created"


def test_a_charge_undecided_is_not_started_anew_in_another_tab(stage: Stage) -> None:
    started = stage.initiate(stage.create())
    killed(stage, started.at_bank())
    path = f"/api/escrows/{started.escrow_id}/3d"
    assert stage.call("POST", path, payment()).status == 409
    stage.reconcile(seconds=21)
    must_be_held_once(stage, started)


# ── the key is missing ──


def test_without_the_key_nothing_is_begun_and_the_same_return_pays_later(
    stage: Stage,
) -> None:
    started = stage.initiate(stage.create())
    form, before = started.at_bank(), stage.item(started.escrow_id)
    keyless = PaynetGateway(Line(stage.paynet_url, without_key, stage.clock))
    assert stage.back(form, gateway=keyless).escrow_id == started.escrow_id
    assert (charge_calls(stage), stage.item(started.escrow_id)) == (0, before)
    stage.come_back(form)
    assert stage.escrow(started.escrow_id).status == "held"
