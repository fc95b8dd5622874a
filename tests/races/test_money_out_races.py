"""Money on its way out: of words that exclude each other one is heard and every other
one is told the state, parts that fit both move, and PAYNET is asked once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
import requests

from emanet.escrow import Escrow, SettlementStatus
from tests.races.arena import Arena, late, race, statuses, wait_until, was_open
from tests.races.verdict import (
    at_rest,
    charge_count,
    heard,
    judged,
    refund_requests,
    times,
    told_version,
)
from tests.stage import AMOUNT_MINOR

MORE_THAN_HALF = 80_000
LESS_THAN_HALF = 50_000
INSPECTION_S = 3 * 24 * 60 * 60


def ran_well(arena: Arena) -> None:
    """One run of the schedule, without a failure."""
    assert arena.reconcile()["failures"] == []


def rested(arena: Arena, escrow_id: str) -> Escrow:
    """Whatever the race left to do is done; and judged."""
    arena.come_to_rest()
    return at_rest(arena.stage, escrow_id)


def moved(escrow: Escrow) -> tuple[str, int, int]:
    """Its status, and what was released and refunded."""
    return escrow.status, escrow.balances.released, escrow.balances.refunded


# ── release, refund, cancel ──────────────────────────────────────────────────


def test_of_a_whole_release_and_a_whole_refund_one_happens(
    arena: Arena, rounds: int
) -> None:
    ends = {
        "release": ("released", AMOUNT_MINOR, 0),
        "schedule_refund": ("refunded", 0, AMOUNT_MINOR),
    }
    won: Counter[str] = Counter()
    for _ in range(rounds):
        escrow_id = arena.held()
        released, refunded = race(
            partial(arena.release, escrow_id, "k"),
            partial(arena.refund, escrow_id, "k"),
        )
        escrow = judged(arena.stage, escrow_id)
        words = ("release", released), ("schedule_refund", refunded)
        winner = heard(escrow, *words)
        assert moved(rested(arena, escrow_id)) == ends[winner]
        won[winner] += 1
    was_open(won, rounds)


def test_of_parts_that_do_not_fit_together_one_moves(arena: Arena, rounds: int) -> None:
    ends = {
        "release": ("held", MORE_THAN_HALF, 0),
        "schedule_refund": ("held", 0, MORE_THAN_HALF),
    }
    won: Counter[str] = Counter()
    for _ in range(rounds):
        escrow_id = arena.held_since_yesterday()
        released, refunded = race(
            partial(arena.release, escrow_id, "k", MORE_THAN_HALF),
            partial(arena.refund, escrow_id, "k", MORE_THAN_HALF, "operations"),
        )
        escrow = judged(arena.stage, escrow_id)
        words = ("release", released), ("schedule_refund", refunded)
        winner = heard(escrow, *words)
        assert moved(rested(arena, escrow_id)) == ends[winner]
        won[winner] += 1
    was_open(won, rounds)


def test_parts_that_fit_together_both_move(arena: Arena, rounds: int) -> None:
    rest = AMOUNT_MINOR - LESS_THAN_HALF
    for _ in range(rounds):
        escrow_id = arena.held_since_yesterday()
        answers = race(
            partial(arena.release, escrow_id, "k", LESS_THAN_HALF),
            partial(arena.refund, escrow_id, "k", rest),
        )
        assert statuses(answers) == {200: 2}
        judged(arena.stage, escrow_id)
        assert moved(rested(arena, escrow_id)) == ("split", LESS_THAN_HALF, rest)


def test_of_two_give_ups_that_do_not_fit_together_one_moves(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.held_since_yesterday()
        answers = race(
            *[partial(arena.refund, escrow_id, key, MORE_THAN_HALF) for key in "ab"]
        )
        escrow = judged(arena.stage, escrow_id)
        heard(escrow, *[("schedule_refund", answer) for answer in answers])
        assert len(escrow.settlements) == 1
        assert moved(rested(arena, escrow_id)) == ("held", 0, MORE_THAN_HALF)


def test_two_give_ups_that_fit_together_both_go_back_one_after_the_other(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.held_since_yesterday()
        answers = race(
            *[partial(arena.refund, escrow_id, key, LESS_THAN_HALF) for key in "ab"]
        )
        assert statuses(answers) == {200: 2}
        race(*[partial(ran_well, arena)] * 2)
        judged(arena.stage, escrow_id)
        assert moved(rested(arena, escrow_id)) == ("held", 0, 2 * LESS_THAN_HALF)
        assert refund_requests(arena.stage, escrow_id) == 2


def test_refunds_under_one_key_are_one_refund(arena: Arena, rounds: int) -> None:
    for _ in range(rounds):
        escrow_id = arena.held()
        answers = race(*[partial(arena.refund, escrow_id, "same")] * 8)
        assert statuses(answers) == {200: 8}
        assert times(judged(arena.stage, escrow_id), "schedule_refund") == 1
        assert moved(rested(arena, escrow_id)) == ("refunded", 0, AMOUNT_MINOR)
        assert refund_requests(arena.stage, escrow_id) == 1


def test_a_cancel_and_the_return_that_charges_never_lose_money(
    arena: Arena, rounds: int
) -> None:
    """Cancelled before the charge: nothing is taken. During it: told so. After it: the
    payer takes back what is held."""
    ends: Counter[str] = Counter()
    for _ in range(rounds):
        escrow_id = arena.created()
        _, form = arena.at_bank(escrow_id)
        back, cancelled = race(
            form.post, late(partial(arena.cancel, escrow_id), by_s=0.03)
        )
        assert back.status_code == 303
        ends[cancelled_as_told(arena, escrow_id, cancelled)] += 1
    was_open(ends, rounds)


def cancelled_as_told(arena: Arena, escrow_id: str, answer: requests.Response) -> str:
    escrow = judged(arena.stage, escrow_id)
    if not answer.ok:
        version = told_version(escrow, answer)
        assert escrow.history[version - 1].to_status == "charging"
    after = rested(arena, escrow_id)
    ended = (moved(after), charge_count(arena.stage, escrow_id))
    assert (
        ended
        == {
            "cancelled": (("cancelled", 0, 0), 0),
            "held": (("held", 0, 0), 1),
            "refunded": (("refunded", 0, AMOUNT_MINOR), 1),
        }[after.status]
    )
    assert answer.ok == (after.status != "held")
    return after.status


def test_of_a_cancel_and_a_shipment_one_happens(arena: Arena, rounds: int) -> None:
    ends = {
        "cancel_held": ("refunded", 0, AMOUNT_MINOR),
        "ship": ("held", 0, 0),
    }
    won: Counter[str] = Counter()
    for _ in range(rounds):
        escrow_id = arena.held()
        cancelled, shipped = race(
            partial(arena.cancel, escrow_id), partial(arena.ship, escrow_id, "TR-1")
        )
        escrow = judged(arena.stage, escrow_id)
        winner = heard(escrow, ("cancel_held", cancelled), ("ship", shipped))
        after = rested(arena, escrow_id)
        assert moved(after) == ends[winner]
        assert bool(after.shipment) == (winner == "ship")
        won[winner] += 1
    was_open(won, rounds)


# ── disputes ─────────────────────────────────────────────────────────────────


def test_of_a_dispute_and_the_payers_release_one_happens(
    arena: Arena, rounds: int
) -> None:
    ends = {"dispute": ("disputed", 0, 0), "release": ("released", AMOUNT_MINOR, 0)}
    won: Counter[str] = Counter()
    for _ in range(rounds):
        escrow_id = arena.shipped()
        disputed, released = race(
            partial(arena.dispute, escrow_id), partial(arena.release, escrow_id, "k")
        )
        escrow = at_rest(arena.stage, escrow_id)
        winner = heard(escrow, ("dispute", disputed), ("release", released))
        assert moved(escrow) == ends[winner]
        won[winner] += 1
    was_open(won, rounds)


def test_a_dispute_at_the_end_of_the_inspection_stops_the_release_or_comes_too_late(
    arena: Arena, rounds: int
) -> None:
    ends: Counter[str] = Counter()
    for _ in range(rounds):
        escrow_id = arena.delivered()
        arena.age(escrow_id, seconds=INSPECTION_S - 0.5)
        over = arena.stage.escrow(escrow_id).deadlines.inspection_by
        assert over is not None
        wait_until(over - timedelta(seconds=0.1))
        disputed, *_ = race(
            late(partial(arena.dispute, escrow_id), by_s=0.2),
            *[late(partial(ran_well, arena), by_s=0.2) for _ in range(2)],
        )
        escrow = rested(arena, escrow_id)
        assert (escrow.status == "disputed") == disputed.ok
        if not disputed.ok:
            version = told_version(escrow, disputed)
            late_word = escrow.history[version - 1].to_status, disputed.json()["reason"]
            assert late_word in {
                ("held", "inspection_over"),
                ("released", "wrong_status"),
            }
            assert moved(escrow) == ("released", AMOUNT_MINOR, 0)
            assert escrow.settlements[0].key == "auto-release/1"
        ends[escrow.status] += 1
    was_open(ends, rounds)


# ── operators ────────────────────────────────────────────────────────────────


def opposite_decisions(arena: Arena, escrow_id: str, word: str) -> str:
    """One operator releases all, another refunds all; whose word was heard."""
    released, refunded = race(
        partial(arena.split, escrow_id, word, AMOUNT_MINOR, "operations"),
        partial(arena.split, escrow_id, word, 0, "operations-2"),
    )
    escrow = judged(arena.stage, escrow_id)
    heard(escrow, (word, released), (word, refunded))
    after = rested(arena, escrow_id)
    assert moved(after) == (
        ("released", AMOUNT_MINOR, 0) if released.ok else ("refunded", 0, AMOUNT_MINOR)
    )
    assert times(after, word) == 1
    return after.status


@pytest.mark.parametrize(
    ("frozen", "word"),
    [(Arena.disputed, "resolve_dispute"), (Arena.reviewed, "settle_review")],
)
def test_of_opposite_decisions_one_counts(
    arena: Arena, rounds: int, frozen: Callable[[Arena], str], word: str
) -> None:
    won = Counter(opposite_decisions(arena, frozen(arena), word) for _ in range(rounds))
    was_open(won, rounds)


def test_of_a_rejected_and_a_resolved_dispute_one_happens(
    arena: Arena, rounds: int
) -> None:
    won: Counter[str] = Counter()
    for _ in range(rounds):
        escrow_id = arena.disputed()
        seen = arena.stage.escrow(escrow_id).version
        rejected, resolved = race(
            partial(
                arena.decide, escrow_id, "reject_dispute", "operations-2", version=seen
            ),
            partial(arena.split, escrow_id, "resolve_dispute", 0),
        )
        escrow = judged(arena.stage, escrow_id)
        words = ("reject_dispute", rejected), ("resolve_dispute", resolved)
        winner = heard(escrow, *words)
        refunded = 0 if winner == "reject_dispute" else AMOUNT_MINOR
        assert rested(arena, escrow_id).balances.refunded == refunded
        won[winner] += 1
    was_open(won, rounds)


# ── schedulers ───────────────────────────────────────────────────────────────


def test_schedulers_at_once_order_each_refund_once(arena: Arena, rounds: int) -> None:
    """Due are refunds that people asked for, missed ship-bys and ended inspections."""
    ids = [arena.held(), arena.held(), arena.delivered()]
    assert arena.refund(ids[0], "k").ok
    for escrow_id in ids:
        arena.age(escrow_id, days=8)
    moulds = [arena.stage.escrow(escrow_id) for escrow_id in ids]
    for _ in range(rounds):
        asked, unshipped, inspected = (arena.copies(mould, 2) for mould in moulds)
        race(*[partial(ran_well, arena)] * 3)
        arena.come_to_rest()
        for escrow_id in asked + unshipped:
            escrow = at_rest(arena.stage, escrow_id)
            assert moved(escrow) == ("refunded", 0, AMOUNT_MINOR)
            assert refund_requests(arena.stage, escrow_id) == 1
        for escrow_id in inspected:
            escrow = at_rest(arena.stage, escrow_id)
            assert moved(escrow) == ("released", AMOUNT_MINOR, 0)
            assert times(escrow, "release") == 1


def test_a_settlement_is_taken_back_or_sent_and_never_both(
    arena: Arena, rounds: int
) -> None:
    won: Counter[str] = Counter()
    for _ in range(rounds):
        escrow_id = arena.held()
        assert arena.refund(escrow_id, "k", who="operations").ok
        seen = arena.stage.escrow(escrow_id)
        withdraw = partial(
            arena.decide,
            escrow_id,
            "withdraw_settlement",
            settlement=seen.settlements[0].key,
            version=seen.version,
        )
        withdrawn, *_ = race(late(withdraw, by_s=0.06), *[partial(ran_well, arena)] * 2)
        won[sent_or_withdrawn(arena, escrow_id, withdrawn)] += 1
    was_open(won, rounds)


def sent_or_withdrawn(arena: Arena, escrow_id: str, answer: requests.Response) -> str:
    escrow = rested(arena, escrow_id)
    (refund,) = escrow.settlements
    requests_made = refund_requests(arena.stage, escrow_id)
    if answer.ok:
        assert (refund.status, requests_made) == (SettlementStatus.WITHDRAWN, 0)
        assert moved(escrow) == ("held", 0, 0)
    else:
        told_version(escrow, answer)
        assert (refund.status, requests_made) == (SettlementStatus.DONE, 1)
        assert moved(escrow) == ("refunded", 0, AMOUNT_MINOR)
    return refund.status


def test_a_refunds_callback_and_the_question_about_it_confirm_it_once(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.refunding()
        hear = partial(arena.hear_of, arena.refund_of(escrow_id))
        race(hear, hear, *[partial(ran_well, arena)] * 2)
        escrow = rested(arena, escrow_id)
        assert moved(escrow) == ("refunded", 0, AMOUNT_MINOR)
        assert times(escrow, "confirm_refund") == 1
        assert refund_requests(arena.stage, escrow_id) == 1
