"""The checker, rule by rule: our books beside PAYNET's, what must hold at rest, and
what looks wrong and is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from emanet import policy
from emanet.dynamodb.items import escrow_of
from emanet.escrow import Capture, CaptureStatus, Escrow, Flag, QueueReason
from emanet.money import Balances
from emanet.paynet.messages import REVERSED_REQUEST
from tests.simulation import checker as checker_module
from tests.simulation.checker import Checker, Harm
from tests.simulation.effects import Fault
from tests.simulation.planted import as_new
from tests.simulation.planted_stories import ask, days_go_by, lira, strike
from tests.simulation.spoiled import (
    Spoil,
    harms,
    part_refunded,
    with_refund,
    write,
)
from tests.simulation.world import Snapshot, World
from tests.stage import BUYER, OPERATIONS, SELLER


@pytest.fixture
def world(beginning: tuple[World, Snapshot]) -> World:
    return as_new(*beginning)


# ── nothing is wrong ─────────────────────────────────────────────────────────


def test_a_whole_story_is_right_at_every_step(world: World, checker: Checker) -> None:
    assert checker.at_rest() == []
    escrow_id = part_refunded(world)
    assert checker.at_rest() == []
    ask(world, escrow_id, "release", BUYER)
    assert world.escrow(escrow_id).status == "split"
    assert checker.at_rest() == []


def test_what_stands_unchanged_is_not_read_again(
    world: World, checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    def read(item: Any) -> Escrow:
        reads.append(item)
        return escrow_of(item)

    monkeypatch.setattr(checker_module, "escrow_of", read)
    escrow_ids = [world.held(), world.held()]
    checker.look()
    checker.look()
    assert len(reads) == 2
    ask(world, escrow_ids[0], "deliver", BUYER)
    checker.look()
    assert len(reads) == 3


def test_that_another_hand_took_money_back_is_no_fault_of_ours(
    world: World, checker: Checker
) -> None:
    world.held()
    (sale,) = world.paynet.books.find()
    world.paynet.books.reverse(sale.xact_id)
    assert checker.look() == []


def test_a_refund_that_paynet_has_not_decided_is_under_way(
    world: World, checker: Checker
) -> None:
    world.paynet.settings.refunds = "manual"
    escrow_id = world.held()
    ask(world, escrow_id, "cancel", BUYER)
    days_go_by(world, 2)
    assert world.escrow(escrow_id).status == "refunding"
    assert checker.at_rest() == []


def test_what_a_human_said_of_a_refund_is_his_word(
    world: World, checker: Checker
) -> None:
    """PAYNET made it and shows it to nobody; he says that it did not happen."""
    world.paynet.settings.reversal_list_delay_s = timedelta(days=10).total_seconds()
    escrow_id = world.held()
    ask(world, escrow_id, "refund", SELLER, amount=lira(30_000))
    world.later(days=1)
    strike(world, REVERSED_REQUEST, Fault.LATE)
    days_go_by(world, 2)
    assert world.escrow(escrow_id).unknown
    assert checker.at_rest() == []
    path = f"/api/operations/escrows/{escrow_id}/deny_unknown"
    body = {"reason": "not seen", "version": world.escrow(escrow_id).version}
    assert world.call("POST", path, body, who=OPERATIONS).status == 200
    assert checker.at_rest() == []


# ── beside PAYNET ────────────────────────────────────────────────────────────


def test_a_card_is_charged_once(world: World, checker: Checker) -> None:
    world.held()
    books = world.paynet.books
    (session,) = books.sessions()
    twin = books.open_session(session.payment)
    books.answer_bank(twin, "a")
    books.charge(twin.session_id, twin.token_id)
    assert (
        f"PAYNET took {session.payment.reference_no} 2 times"
        in (harms(checker.look())[Harm.DOUBLE])
    )


def test_a_charge_of_an_attempt_that_we_do_not_know_is_found(
    world: World, checker: Checker
) -> None:
    world.held()
    books = world.paynet.books
    (session,) = books.sessions()
    payment = replace(session.payment, reference_no=f"{'a' * 26}-1-abcdef")
    stranger = books.open_session(payment)
    books.answer_bank(stranger, "a")
    books.charge(stranger.session_id, stranger.token_id)
    assert list(harms(checker.look())) == [Harm.LOST]


def test_a_capture_is_a_payment_of_paynets(world: World, checker: Checker) -> None:
    escrow_id = world.held()
    escrow = world.escrow(escrow_id)
    (attempt,) = escrow.attempts
    claimed = Capture("xk_nobody", 130_000, status=attempt.captures[0].status)
    spoiled = replace(attempt, captures=(claimed,))
    write(world, replace(escrow, attempts=(spoiled,)))
    assert harms(checker.look())[Harm.LOST] == ["PAYNET never took xk_nobody"]


def test_one_payment_stands_in_one_escrow(world: World, checker: Checker) -> None:
    first, second = world.escrow(world.held()), world.escrow(world.held())
    captures = first.attempts[0].captures
    spoiled = replace(second.attempts[0], captures=captures)
    write(world, replace(second, attempts=(spoiled,)))
    (twice,) = harms(checker.look())[Harm.DOUBLE]
    assert twice.startswith("one payment, kept twice")


def test_a_refund_that_nobody_here_ordered_is_found(
    world: World, checker: Checker
) -> None:
    world.held()
    (sale,) = world.paynet.books.find()
    world.paynet.books.ask_refund(sale.xact_id, 130_000, "")
    assert harms(checker.look())[Harm.DOUBLE] == [
        "PAYNET was asked for 1 refunds, 0 were meant",
        "PAYNET gives 130000 back, unasked",
    ]
    checker.exempt.add(sale.reference_no)
    assert checker.look() == [], "a test did it, and says so"


def test_what_is_refunded_here_went_back(world: World, checker: Checker) -> None:
    escrow_id = world.held()
    spoiled = with_refund("one", 30_000, "done")(world.escrow(escrow_id))
    write(world, replace(spoiled, balances=Balances(130_000, 100_000, 0, 30_000)))
    told = harms(checker.look())[Harm.LOST]
    assert told == ["30000 is refunded here, 0 went back"]


def test_what_paynet_took_is_what_we_call_captured(
    world: World, checker: Checker
) -> None:
    world.held()
    (sale,) = world.paynet.books.find()
    world.paynet.books.alter(sale.xact_id, amount_minor=1)
    assert harms(checker.look())[Harm.LOST] == [
        "130000 here, 1 taken",
        "1 was taken, 130000 was asked for",
    ]
    checker.exempt.add(sale.reference_no)
    assert checker.look() == [], "a test did it, and says so"


def test_no_more_goes_out_than_came_in(world: World, checker: Checker) -> None:
    escrow = world.escrow(part_refunded(world))
    write(world, replace(escrow, balances=Balances(160_000, 0, 130_000, 30_000)))
    assert "160000 went out of 130000" in harms(checker.look())[Harm.DOUBLE]


@pytest.mark.parametrize(
    ("times", "harm", "what"),
    [
        (1, Harm.WRONG, "PAYNET released what no settlement releases"),
        (2, Harm.DOUBLE, "PAYNET released xk_"),
    ],
)
def test_paynets_own_escrow_is_released_once_and_by_us(
    world: World, checker: Checker, times: int, harm: Harm, what: str
) -> None:
    world.deploy(PAYNET_ESCROW="on")
    world.held()
    (sale,) = world.paynet.books.find()
    sale.releases = times
    assert any(told.startswith(what) for told in harms(checker.look())[harm])


# ── at rest ──────────────────────────────────────────────────────────────────


def test_a_planted_payment_is_lost_until_the_comparison_finds_it(
    world: World, checker: Checker
) -> None:
    started = world.initiate(world.create())
    world.paynet.books.plant(started.reference_no, 130_000)
    assert checker.look() == []
    assert list(harms(checker.at_rest())) == [Harm.LOST]
    world.later(days=1)
    world.run_compare()
    days_go_by(world, 1)
    assert checker.at_rest() == []


@pytest.mark.parametrize(
    ("reason", "waits"),
    [
        (QueueReason.RECONCILE_FAILED, True),
        (QueueReason.DOUBTFUL_CAPTURE, True),
        (QueueReason.DRIFT, True),
        (QueueReason.DELIVERY_UNCONFIRMED, False),
        (QueueReason.HOLD_LIMIT, False),
    ],
)
def test_only_a_queue_for_it_keeps_a_payment(
    world: World, checker: Checker, reason: QueueReason, waits: bool
) -> None:
    started = world.initiate(world.create())
    world.paynet.books.plant(started.reference_no, 130_000)
    flag = Flag(reason, world.clock())
    escrow = world.escrow(started.escrow_id)
    write(world, replace(escrow, flags=(flag,)))
    assert (harms(checker.at_rest()) == {}) == waits


def test_a_schedule_that_stands_still_is_found(world: World, checker: Checker) -> None:
    world.held()
    world.later(days=30)
    told = harms(checker.at_rest())
    assert list(told) == [Harm.STUCK]
    assert told[Harm.STUCK][0].startswith("due since")


@pytest.mark.parametrize("status", ["created", "authenticating", "charging"])
def test_an_end_that_nobody_is_to_see_is_found(
    world: World, checker: Checker, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Due again in a month, though the design ends the wait today."""
    monkeypatch.setattr(policy, "ASK_AFTER_CHARGE", (timedelta(days=30),))
    escrow_id = world.create()
    if status == "authenticating":
        world.initiate(escrow_id)
    if status == "charging":
        world.pay(escrow_id, "4000000000000069")
    assert world.escrow(escrow_id).status == status
    later = world.clock() + timedelta(days=60)
    write(world, replace(world.escrow(escrow_id), retry_at=later))
    world.later(days=4)
    (told,) = harms(checker.at_rest())[Harm.STUCK]
    assert told.startswith(f"{status}: ")


def _with_its_capture(status: CaptureStatus) -> Spoil:
    """Beside the one that funds."""

    def add(escrow: Escrow) -> Escrow:
        (attempt,) = escrow.attempts
        (funds,) = attempt.captures
        other = replace(funds, xact_id="unnamed", plain_id=None, status=status)
        captures = (funds, other)
        return replace(escrow, attempts=(replace(attempt, captures=captures),))

    return add


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (CaptureStatus.WAITING, "a capture waits, and nobody decides"),
        (CaptureStatus.MISMATCHED, "a doubtful capture stands in no queue"),
        (CaptureStatus.SURPLUS, "a surplus does not go back"),
    ],
)
def test_every_capture_has_an_end(
    world: World, checker: Checker, status: CaptureStatus, what: str
) -> None:
    escrow = world.escrow(world.held())
    write(world, _with_its_capture(status)(escrow))
    assert any(told.startswith(what) for told in harms(checker.at_rest())[Harm.STUCK])


def test_a_payment_to_which_paynet_gave_no_name_is_known(
    world: World, checker: Checker
) -> None:
    escrow = world.escrow(world.held())
    (attempt,) = escrow.attempts
    (funds,) = attempt.captures
    unnamed = replace(funds, xact_id="unnamed", plain_id=None)
    attempts = (replace(attempt, captures=(unnamed,)),)
    write(world, replace(escrow, attempts=attempts))
    assert checker.at_rest() == []


@pytest.mark.parametrize("minor", [30_000, 130_000])
def test_a_refund_that_nobody_sends_is_found(
    world: World, checker: Checker, minor: int
) -> None:
    """And if all is promised, no other clock runs."""
    escrow = with_refund("one", minor)(world.escrow(world.held()))
    write(world, replace(escrow, retry_at=world.clock() + timedelta(days=60)))
    world.later(days=8)
    told = harms(checker.at_rest())[Harm.STUCK]
    assert any(one.startswith("held: the wait of one ended") for one in told)
    clocks = [one for one in told if one.startswith("held: ship_by ended")]
    assert bool(clocks) == (minor < 130_000)


def test_a_note_for_a_human_keeps_a_payment_of_nobody(
    world: World, checker: Checker
) -> None:
    world.paynet.books.plant(f"{'a' * 26}-1-abcdef", 130_000)
    assert list(harms(checker.at_rest())) == [Harm.LOST]
    world.later(days=1)
    world.run_compare()
    assert checker.at_rest() == []
