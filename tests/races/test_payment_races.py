"""However many come at the same moment, a card is charged at most once, and our books
and PAYNET's say the same afterwards."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial

from emanet.escrow import Escrow
from local.paynet_simulator.browser import Form
from tests.races.arena import (
    CHARGE,
    CHECK,
    CROWD,
    Arena,
    race,
    session_of,
    statuses,
)
from tests.races.verdict import charge_count, judged, times
from tests.stage import AMOUNT_MINOR, order


def test_sixty_four_registrations_of_one_order_make_one_escrow(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        register = partial(arena.call, "/api/escrows", order(), "backend")
        with arena.functions.at_once("EscrowsFunction", CROWD):
            answers = race(*[register] * CROWD)
        assert statuses(answers) == {201: 1, 200: CROWD - 1}
        (escrow_id,) = {answer.json()["escrow_id"] for answer in answers}
        assert judged(arena.stage, escrow_id).version == 1


def test_sixty_four_returns_of_one_session_charge_once(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.created()
        started, form = arena.at_bank(escrow_id)
        arena.stage.paynet.faults.add("slow", CHARGE, when="before", delay_s=0.2)
        with arena.functions.at_once("Complete3dFunction", CROWD):
            answers = race(*[form.post] * CROWD)
        assert statuses(answers) == {303: CROWD}
        # Only the handler, and only for a proved state, names the escrow.
        pages = Counter(answer.headers["Location"] for answer in answers)
        assert pages == {f"https://shop.example/return?escrow={escrow_id}": CROWD}
        assert arena.stage.paynet.books.charges(started.reference_no) == 1
        escrow = judged(arena.stage, escrow_id)
        assert (escrow.status, escrow.balances.held) == ("held", AMOUNT_MINOR)
        assert (times(escrow, "begin_charge"), times(escrow, "capture")) == (1, 1)
        assert charge_calls(arena, escrow) == 1


def pay(arena: Arena, escrow_id: str) -> tuple[int, ...]:
    """As far as this payer is let: what initiate and return answered."""
    answer = arena.initiate(escrow_id)
    if not answer.ok:
        return (answer.status_code,)
    return answer.status_code, session_of(answer).at_bank().post().status_code


def test_sixty_four_first_payments_of_one_order_charge_once(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.created()

        with arena.functions.at_once("Initiate3dFunction", CROWD):
            outcomes = race(*[partial(pay, arena, escrow_id)] * CROWD)
        assert set(outcomes) <= {(201, 303), (409,), (429,)}
        assert charge_count(arena.stage, escrow_id) == 1
        escrow = judged(arena.stage, escrow_id)
        assert (escrow.status, escrow.balances.held) == ("held", AMOUNT_MINOR)
        assert len(escrow.attempts) == times(escrow, "start_attempt")


def test_two_handlers_are_inside_paynet_at_the_same_moment(
    arena: Arena, rounds: int
) -> None:
    paynet = arena.stage.paynet
    for _ in range(rounds):
        ids = [arena.created(), arena.created()]
        forms = [arena.at_bank(escrow_id)[1] for escrow_id in ids]
        paynet.traffic.clear()
        paynet.faults.add("meet", CHARGE, when="before", parties=2)
        race(*[form.post for form in forms])
        assert paynet.traffic.most_at_once(CHARGE) == 2
        assert [judged(arena.stage, escrow_id).status for escrow_id in ids] == [
            "held"
        ] * 2


def hear_and_reconcile(arena: Arena, reference_no: str) -> None:
    assert arena.callback(reference_no) == 200
    assert arena.reconcile()["failures"] == []


def test_two_returns_a_callback_and_a_reconciler_settle_once(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.created()
        started, form = arena.at_bank(escrow_id)

        hear = partial(hear_and_reconcile, arena, started.reference_no)
        race(form.post, hear, form.post, hear)
        assert charge_count(arena.stage, escrow_id) == 1
        escrow = judged(arena.stage, escrow_id)
        assert escrow.status == "held"
        assert times(escrow, "capture") + times(escrow, "fund_late") == 1


def test_a_new_session_and_the_return_of_the_old_one_pay_once(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.created()
        _, old = arena.at_bank(escrow_id)
        _, initiated = race(old.post, partial(arena.initiate, escrow_id))
        escrow = judged(arena.stage, escrow_id)
        if initiated.status_code == 201:  # the old session can no longer charge
            assert (escrow.status, charge_count(arena.stage, escrow_id)) == (
                "authenticating",
                0,
            )
            session_of(initiated).at_bank().post()
        else:
            assert initiated.status_code == 409, initiated.text
        assert charge_count(arena.stage, escrow_id) == 1
        assert judged(arena.stage, escrow_id).status == "held"


def charge_calls(arena: Arena, escrow: Escrow) -> int:
    """How often PAYNET was told to charge the first session."""
    session_id = escrow.attempts[0].session_id
    return arena.stage.paynet.books.charge_calls(session_id or "")


def lost_charge(arena: Arena, escrow_id: str) -> Form:
    """PAYNET charged, and neither answer reached us: charging."""
    _, form = arena.at_bank(escrow_id)
    arena.stage.paynet.faults.add("close", CHARGE, times=2)
    assert form.post().status_code == 303
    assert arena.stage.escrow(escrow_id).status == "charging"
    return form


def test_reconcilers_and_a_return_that_takes_the_charge_over_settle_once(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.created()
        form = lost_charge(arena, escrow_id)
        arena.age(escrow_id, seconds=70)  # due, and the lease of the first is over
        *reports, back = race(arena.reconcile, arena.reconcile, form.post)
        assert back.status_code == 303
        assert [report["failures"] for report in reports] == [[], []]
        assert charge_count(arena.stage, escrow_id) == 1
        escrow = judged(arena.stage, escrow_id)
        assert (escrow.status, escrow.balances.held) == ("held", AMOUNT_MINOR)
        assert times(escrow, "capture") == 1


def test_of_many_returns_one_takes_an_abandoned_charge_over(
    arena: Arena, rounds: int
) -> None:
    for _ in range(rounds):
        escrow_id = arena.created()
        form = lost_charge(arena, escrow_id)
        arena.age(escrow_id, seconds=70)
        arena.stage.paynet.faults.add("slow", CHARGE, when="before", delay_s=0.2)
        assert statuses(race(*[form.post] * 8)) == {303: 8}
        assert charge_count(arena.stage, escrow_id) == 1
        escrow = judged(arena.stage, escrow_id)
        assert (escrow.status, times(escrow, "retake_charge")) == ("held", 1)
        assert charge_calls(arena, escrow) == 2 + 1  # the lost ones, and its own


def test_a_due_item_is_asked_about_by_one_of_many_reconcilers(
    arena: Arena, rounds: int
) -> None:
    paynet = arena.stage.paynet
    for _ in range(rounds):
        escrow_id = arena.created()
        lost_charge(arena, escrow_id)
        arena.age(escrow_id, seconds=30)
        paynet.traffic.clear()
        reports = race(*[arena.reconcile] * 8)
        assert sum(report["escrows"] for report in reports) == 1
        assert [report["failures"] for report in reports] == [[]] * 8
        assert len(paynet.traffic.visits(CHECK)) == 1
        assert judged(arena.stage, escrow_id).status == "held"


def test_a_session_that_ends_while_the_payer_returns_is_charged_or_given_back(
    arena: Arena, rounds: int
) -> None:
    chance = random.Random(0)  # noqa: S311 - spreads the moments, keeps no secret
    for _ in range(rounds):
        escrow_id = arena.created()
        _, form = arena.at_bank(escrow_id)
        minutes = arena.stage.escrow(escrow_id).policy.session_minutes
        arena.age(escrow_id, seconds=60 * minutes - chance.uniform(0, 0.08))
        race(form.post, arena.reconcile, *[form.post] * 3, arena.reconcile)
        arena.reconcile()
        escrow = judged(arena.stage, escrow_id)
        paid = (escrow.status, charge_count(arena.stage, escrow_id))
        assert paid in {("held", 1), ("created", 0)}
        assert times(escrow, "expire_session") == 1 - charge_count(
            arena.stage, escrow_id
        )
