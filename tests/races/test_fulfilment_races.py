"""Held money and its goods: of words that exclude each other one is heard, and of words
that do not, none is lost."""

from __future__ import annotations

from functools import partial

from tests.races.arena import Arena, race, statuses
from tests.races.verdict import at_rest, judged, times
from tests.stage import AMOUNT_MINOR


def test_of_releases_with_different_keys_one_wins(arena: Arena, rounds: int) -> None:
    for _ in range(rounds):
        escrow_id = arena.held()
        answers = race(*[partial(arena.release, escrow_id, f"k{n}") for n in range(8)])
        assert statuses(answers) == {200: 1, 409: 7}
        escrow = judged(arena.stage, escrow_id)
        assert (escrow.status, escrow.balances.released) == ("released", AMOUNT_MINOR)
        assert len(escrow.settlements) == 1


def test_releases_under_one_key_are_one_release(arena: Arena, rounds: int) -> None:
    for _ in range(rounds):
        escrow_id = arena.held()
        answers = race(*[partial(arena.release, escrow_id, "same")] * 8)
        assert statuses(answers) == {200: 8}
        escrow = judged(arena.stage, escrow_id)
        assert (escrow.status, escrow.balances.released) == ("released", AMOUNT_MINOR)
        assert times(escrow, "release") == 1


def test_of_two_parcels_one_is_shipped(arena: Arena, rounds: int) -> None:
    for _ in range(rounds):
        escrow_id = arena.held()
        answers = race(*[partial(arena.ship, escrow_id, f"TR-{n}") for n in range(8)])
        assert statuses(answers) == {200: 1, 409: 7}
        escrow = judged(arena.stage, escrow_id)
        (told,) = [answer.json() for answer in answers if answer.ok]
        assert escrow.shipment is not None
        assert told["tracking"]["tracking_number"] == escrow.shipment.tracking_number
        assert times(escrow, "ship") == 1


def test_of_all_who_saw_the_delivery_the_first_word_counts(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.held()
        witnesses = ["buyer", "carrier", "operations"] * 2
        answers = race(
            *[partial(arena.act, escrow_id, "deliver", who) for who in witnesses]
        )
        assert statuses(answers) == {200: 6}
        escrow = judged(arena.stage, escrow_id)
        assert times(escrow, "deliver") == 1
        assert escrow.delivered_at == escrow.history[-1].at


def test_shipping_and_delivery_forget_nothing_of_each_other(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.held()
        shipped, delivered = race(
            partial(arena.ship, escrow_id, "TR-1"),
            partial(arena.act, escrow_id, "deliver", "buyer"),
        )
        assert delivered.status_code == 200
        escrow = judged(arena.stage, escrow_id)
        assert escrow.delivered_at
        assert shipped.status_code == (200 if escrow.shipment else 409)


def test_a_release_and_a_shipment_leave_a_whole_story(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.held()
        released, shipped = race(
            partial(arena.release, escrow_id, "k"),
            partial(arena.ship, escrow_id, "TR-1"),
        )
        assert released.status_code == 200
        escrow = judged(arena.stage, escrow_id)
        assert (escrow.status, escrow.balances.released) == ("released", AMOUNT_MINOR)
        assert shipped.status_code == (200 if escrow.shipment else 409)


def test_a_deadline_and_the_payers_word_end_in_one_of_both(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.held()
        arena.age(escrow_id, days=8)  # not shipped in time: the money goes back
        *reports, word = race(
            arena.reconcile, arena.reconcile, partial(arena.release, escrow_id, "k")
        )
        assert [report["failures"] for report in reports] == [[], []]
        arena.come_to_rest()
        escrow = at_rest(arena.stage, escrow_id)
        ended = (escrow.status, word.status_code)
        assert ended in {("released", 200), ("refunded", 409)}
        assert len(escrow.settlements) == 1
