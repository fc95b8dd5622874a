"""The checker, rule by rule: our own books, spoiled by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from emanet.escrow import (
    Attempt,
    AttemptStatus,
    Capture,
    CaptureStatus,
    Entry,
    Escrow,
    Flag,
    QueueReason,
    SettlementStatus,
    Shipment,
    Status,
)
from emanet.money import Balances
from tests.simulation.checker import Checker, Finding, Harm
from tests.simulation.planted import as_new
from tests.simulation.planted_stories import ask
from tests.simulation.spoiled import (
    Spoil,
    harms,
    part_refunded,
    refund,
    with_refund,
    write,
)
from tests.simulation.world import Snapshot, World
from tests.stage import BUYER


@pytest.fixture
def world(beginning: tuple[World, Snapshot]) -> World:
    return as_new(*beginning)


# ── between two looks ────────────────────────────────────────────────────────


def _without_its_last_entry(escrow: Escrow) -> Escrow:
    history = escrow.history[:-1]
    return replace(escrow, history=history, version=len(history))


def _with_other_words(escrow: Escrow) -> Escrow:
    last = replace(escrow.history[-1], why="another")
    return replace(escrow, history=(*escrow.history[:-1], last))


def _with_all_held_again(escrow: Escrow) -> Escrow:
    return replace(escrow, balances=Balances(130_000, 130_000))


def _without_its_settlement(escrow: Escrow) -> Escrow:
    return replace(escrow, settlements=())


def _with_another_amount(escrow: Escrow) -> Escrow:
    (order,) = escrow.settlements
    return replace(escrow, settlements=(replace(order, amount_minor=30_001),))


def _with_its_refund_to_do(escrow: Escrow) -> Escrow:
    (order,) = escrow.settlements
    again = replace(order, status=SettlementStatus.SCHEDULED)
    return replace(escrow, settlements=(again,))


def _without_its_capture(escrow: Escrow) -> Escrow:
    (attempt,) = escrow.attempts
    return replace(escrow, attempts=(replace(attempt, captures=()),))


def _with_another_attempt(escrow: Escrow) -> Escrow:
    (attempt,) = escrow.attempts
    other = replace(attempt, reference_no=attempt.reference_no + "x")
    return replace(escrow, attempts=(other,))


def _of_another_payee(escrow: Escrow) -> Escrow:
    return replace(escrow, payee=replace(escrow.payee, id="another"))


def _over_another_amount(escrow: Escrow) -> Escrow:
    return replace(escrow, amount_minor=escrow.amount_minor + 1)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (_without_its_last_entry, "the version went back"),
        (_without_its_last_entry, "an entry of history was changed or lost"),
        (_with_other_words, "an entry of history was changed or lost"),
        (_with_all_held_again, "refunded shrinks"),
        (_without_its_settlement, "a settlement is gone"),
        (_with_another_amount, "another settlement under one key"),
        (_with_its_refund_to_do, "done became scheduled"),
        (_without_its_capture, "a capture is gone"),
        (_with_another_attempt, "an attempt is gone or changed"),
        (_of_another_payee, "payee changes"),
        (_over_another_amount, "the amount changes"),
    ],
)
def test_what_was_seen_once_stays(
    world: World, checker: Checker, spoil: Spoil, what: str
) -> None:
    escrow_id = part_refunded(world)
    assert checker.look() == []
    right = world.escrow(escrow_id)
    write(world, spoil(right))
    assert any(finding.what.startswith(what) for finding in checker.look())
    write(world, right)
    after = [finding.what for finding in checker.look()]
    assert any(told.startswith(what) for told in after), (
        "it was done, and is told still"
    )


def test_a_closed_escrow_stays_closed(world: World, checker: Checker) -> None:
    escrow_id = world.create()
    ask(world, escrow_id, "cancel", BUYER)
    checker.look()
    cancelled = world.escrow(escrow_id)
    write(world, replace(cancelled, status=Status.CREATED))
    assert "cancelled became created" in harms(checker.look())[Harm.WRONG]


def test_an_escrow_does_not_disappear(world: World, checker: Checker) -> None:
    escrow_id = world.held()
    checker.look()
    table = world.environment["TABLE_NAME"]
    world.dynamodb.delete_item(TableName=table, Key={"id": {"S": escrow_id}})
    assert Finding(Harm.LOST, escrow_id, "the item is gone") in checker.look()


def test_what_nobody_can_read_is_found(world: World, checker: Checker) -> None:
    write(world, world.escrow(world.held()), without="payee")
    (told,) = harms(checker.look())[Harm.WRONG]
    assert told.startswith("unreadable")


# ── one escrow, by itself ────────────────────────────────────────────────────


def _entry(name: str, by: str, **more: Any) -> Spoil:
    """With one more line of history, in the status where it stands."""

    def add(escrow: Escrow) -> Escrow:
        last = escrow.history[-1]
        entry = Entry(
            seq=last.seq + 1,
            at=more.pop("at", last.at),
            transition=name,
            to_status=more.pop("to_status", escrow.status),
            by=by,
            write_id=more.pop("write_id", "another"),
            from_status=more.pop("from_status", escrow.status),
            **more,
        )
        history = (*escrow.history, entry)
        return replace(escrow, history=history, version=len(history))

    return add


def _two_live_attempts(escrow: Escrow) -> Escrow:
    (paid,) = escrow.attempts
    live = (_open(paid, 2), _open(paid, 3))
    return replace(escrow, attempts=(paid, *live))


def _open(attempt: Attempt, number: int) -> Attempt:
    name = f"{attempt.reference_no[:-1]}{number}"
    return replace(
        attempt,
        number=number,
        reference_no=name,
        status=AttemptStatus.OPEN,
        captures=(),
        last_sent=None,
    )


def _two_of_one_reference(escrow: Escrow) -> Escrow:
    return replace(escrow, attempts=escrow.attempts * 2)


def _two_sent(escrow: Escrow) -> Escrow:
    return with_refund("two", 1, "sent")(with_refund("one", 1, "sent")(escrow))


def _twice_the_same_write(escrow: Escrow) -> Escrow:
    written = escrow.history[-1].write_id
    return _entry("remind", "clock", write_id=written)(escrow)


def _without_its_funding(escrow: Escrow) -> Escrow:
    (attempt,) = escrow.attempts
    (capture,) = attempt.captures
    waiting = replace(capture, status=CaptureStatus.WAITING)
    return replace(escrow, attempts=(replace(attempt, captures=(waiting,)),))


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (with_refund("one", 130_001), "130001 promised of 130000 held"),
        (with_refund("one", 1, "done"), "refunds of 1 are done, 0 moved"),
        (
            lambda e: with_refund("k", 2)(with_refund("k", 1)(e)),
            "two settlements of one key",
        ),
        (_two_live_attempts, "two live attempts"),
        (_two_of_one_reference, "two attempts of one reference"),
        (_two_sent, "two settlements sent"),
        (_without_its_funding, "0 captures fund 130000"),
        (_twice_the_same_write, "two entries of one write"),
        (
            _entry("remind", "clock", from_status=Status.CREATED),
            "entry 6 does not begin",
        ),
        (
            _entry("remind", "clock", to_status=Status.CREATED),
            "the last entry does not end",
        ),
        (_entry("release", "payee:seller-1"), "the payee releases his own money"),
        (_entry("release", "clock"), "release by the clock: the inspection"),
        (_entry("schedule_refund", "clock"), "schedule_refund by the clock: the payee"),
        (_entry("expire", "clock"), "expire by the clock: the payer has time"),
        (_entry("settle_review", "payer:buyer-1"), "settle_review is decided by payer"),
        (_entry("resume", "operations:seller-1"), "resume is decided by operations:s"),
    ],
)
def test_what_no_escrow_may_look_like(
    world: World, checker: Checker, spoil: Spoil, what: str
) -> None:
    escrow_id = world.held()
    write(world, spoil(world.escrow(escrow_id)))
    assert any(finding.what.startswith(what) for finding in checker.look())


def _told(escrow: Escrow, *entries: tuple[str, str, int]) -> Escrow:
    """With lines of history: what, about which order, how many seconds later."""
    at = escrow.history[-1].at
    for number, (name, why, seconds) in enumerate(entries):
        at += timedelta(seconds=seconds)
        write_id = f"another-{number}"
        escrow = _entry(name, "clock", why=why, at=at, write_id=write_id)(escrow)
    return escrow


@pytest.mark.parametrize(
    ("entries", "what"),
    [
        ([("send_refund", "one", 0), ("send_refund", "one", 0)], "sent 2 times: one"),
        ([("put_off_refund", "one no", 0)] * 2, "put off twice: one"),
        ([("accept_surplus", "one", 0)], "one sending is accepted twice: one"),
        ([("retake_charge", "", 61)] * 4, "a charge is taken over too often"),
        ([("retake_charge", "", 61), ("retake_charge", "", 59)], "a charge is taken"),
        ([("retake_charge", "", 61), ("find_unpaid", "", 899)], "not found means not"),
    ],
)
def test_what_no_history_may_tell(
    world: World, checker: Checker, entries: list[tuple[str, str, int]], what: str
) -> None:
    escrow = with_refund("one", 30_000)(world.escrow(world.held()))
    write(world, _told(escrow, *entries))
    assert any(finding.what.startswith(what) for finding in checker.look())


@pytest.mark.parametrize(
    "entries",
    [
        [
            ("send_refund", "one", 0),
            ("put_off_refund", "one", 0),
            ("send_refund", "one", 0),
            ("accept_refund", "", 0),
        ],
        [
            ("send_surplus", "one", 0),
            ("answer_surplus", "one", 0),
            ("send_surplus", "one", 0),
        ],
        [*[("retake_charge", "", 61)] * 3, ("find_unpaid", "", 901)],
    ],
)
def test_what_a_history_may_well_tell(
    world: World, checker: Checker, entries: list[tuple[str, str, int]]
) -> None:
    escrow = with_refund("one", 30_000)(world.escrow(world.held()))
    write(world, _told(escrow, *entries))
    told = "sent", "put off", "one sending", "a charge", "not found"
    assert not any(finding.what.startswith(told) for finding in checker.look())


def test_no_money_leaves_a_disputed_escrow(world: World, checker: Checker) -> None:
    entry = _entry(
        "release", "clock", from_status=Status.DISPUTED, money={"released": 1}
    )
    write(world, entry(world.escrow(world.held())))
    assert "release: released while disputed" in harms(checker.look())[Harm.WRONG]


@pytest.mark.parametrize("name", ["queue_reason", "due_at"])
def test_whoever_looks_by_an_index_finds_it(
    world: World, checker: Checker, name: str
) -> None:
    escrow_id = world.held()
    flag = Flag(QueueReason.DRIFT, world.clock())
    flags = (flag,) if name == "queue_reason" else ()
    write(world, replace(world.escrow(escrow_id), flags=flags), without=name)
    assert list(harms(checker.look())) == [Harm.STUCK]


def test_a_surplus_that_is_to_go_back_is_due(world: World, checker: Checker) -> None:
    """Of a closed escrow too, where nothing else must be."""
    escrow_id = world.create()
    world.initiate(escrow_id)
    ask(world, escrow_id, "cancel", BUYER)
    escrow = world.escrow(escrow_id)
    back = refund(escrow, "late-capture/1/a", 130_000)
    capture = Capture("unnamed", 130_000, status=CaptureStatus.SURPLUS, refund=back)
    attempt = replace(escrow.attempts[0], captures=(capture,))
    write(world, replace(escrow, attempts=(attempt,)), without="due_at")
    told = harms(checker.look())[Harm.STUCK]
    assert told == ["a surplus is to go back, and nothing is due"]


def test_sums_are_added_up_here_too(
    world: World, checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the domain does it no longer."""
    monkeypatch.setattr(Balances, "__post_init__", lambda _: None)
    escrow = world.escrow(world.held())
    write(world, replace(escrow, balances=Balances(130_000, 130_001)))
    told = harms(checker.look())[Harm.WRONG]
    assert "captured = held + released + refunded + charged_back" in told


def test_the_clock_refunds_nothing_that_was_shipped(
    world: World, checker: Checker
) -> None:
    escrow = world.escrow(world.held())
    shipped = replace(escrow, shipment=Shipment(escrow.created_at, "Kargo", "1"))
    write(world, _entry("schedule_refund", "clock")(shipped))
    told = harms(checker.look())[Harm.WRONG]
    assert "schedule_refund by the clock: it was shipped" in told
