"""What proves that an order to PAYNET was carried out, and what was given back without
any order of ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from emanet import orders, settlements
from emanet.errors import IllegalTransition
from emanet.escrow import Escrow, Role, SettlementStatus, Status
from emanet.orders import Proof
from emanet.outcome import Returned, Reversal
from tests.unit import scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later, step

PART = 30_000
WHOLE_SENT = scenes.refunding()
PART_SENT = scenes.refunding(PART)
LATE = scenes.with_surplus(scenes.released())
LATE_KEY = scenes.surplus_key(LATE)
PAYNET, CLOCK = Role.PAYNET, Role.CLOCK


def row(id_: str = "new-row", amount_minor: int | None = PART, **more: Any) -> Reversal:
    at = later(hours=13)  # when PART_SENT was sent
    return Reversal(id_, "xact-1", amount_minor=amount_minor, at=at, **more)


def listed(*rows: Reversal, is_reversed: bool | None = None) -> Returned:
    return Returned(rows, is_reversed)


def proof_of_part(*rows: Reversal, is_reversed: bool | None = None) -> Proof | None:
    return orders.proof_of(PART_SENT, "key-1", listed(*rows, is_reversed=is_reversed))


# ── what proves ──────────────────────────────────────────────────────────────


def test_a_new_row_of_the_amount_proves_it_and_tells_what_paynet_gave_back() -> None:
    assert proof_of_part(row(commission_minor=500)) == Proof("new-row", 500)


def test_a_row_that_was_listed_before_proves_nothing() -> None:
    old = row("old-row")
    assert proof_of_part(old) is None
    assert proof_of_part(old, row()) == Proof("new-row")


@pytest.mark.parametrize("minor", [PART - 1, PART + 1, AMOUNT_MINOR, 0])
def test_a_row_of_another_amount_is_odd(minor: int) -> None:
    proof = proof_of_part(row(amount_minor=minor))
    assert proof is not None
    assert proof.is_odd


def test_a_row_without_an_amount_is_believed() -> None:
    assert proof_of_part(row(amount_minor=None)) == Proof("new-row")


@pytest.mark.parametrize("said", [True, None])
def test_only_a_row_that_failed_proves_nothing(said: bool | None) -> None:
    assert proof_of_part(row(is_succeed=said)) == Proof("new-row")
    assert proof_of_part(row(is_succeed=False)) is None
    assert proof_of_part(row("no", is_succeed=False), row()) == Proof("new-row")


@pytest.mark.parametrize("first", [PART, 7])
def test_two_new_rows_are_more_than_was_ordered_in_whatever_order(first: int) -> None:
    """Exactly one proves exactly one; what else went back must not be overlooked."""
    two = (row("new-1", first), row("new-2", PART))
    for rows in (two, two[::-1]):
        proof = proof_of_part(*rows)
        assert proof is not None
        assert proof.is_odd


def test_the_same_row_on_two_pages_is_one_row() -> None:
    assert proof_of_part(row(), row()) == Proof("new-row")


def test_no_row_and_no_word_proves_nothing() -> None:
    assert proof_of_part() is None


def test_a_sale_that_is_reversed_proves_a_whole_refund() -> None:
    said = listed(is_reversed=True)
    assert orders.proof_of(WHOLE_SENT, "key-1", said) == Proof("reversed")
    assert orders.proof_of(scenes.reserved(), "key-1", said) == Proof("reversed")


@pytest.mark.parametrize("word", [None, False])
def test_no_word_of_the_sale_proves_nothing(word: bool | None) -> None:
    assert orders.proof_of(WHOLE_SENT, "key-1", listed(is_reversed=word)) is None


def test_a_sale_that_is_reversed_proves_no_part() -> None:
    assert proof_of_part(is_reversed=True) is None


def test_a_sale_that_is_reversed_proves_nothing_after_an_earlier_refund() -> None:
    """PAYNET may call a sale reversed after only a part of it went back; not even an
    order over the whole, which no door lets pass, would be proved by that."""
    first = scenes.proved(PART_SENT, "new-row", step(PAYNET, later(days=2)))
    whole = scenes.refund_of(AMOUNT_MINOR, "key-2")
    again = replace(first, settlements=(*first.settlements, whole))
    assert orders.proof_of(again, "key-2", listed(is_reversed=True)) is None


def test_no_list_proves_a_release() -> None:
    said = listed(row(amount_minor=AMOUNT_MINOR), is_reversed=True)
    assert orders.proof_of(scenes.releasing(), "key-1", said) is None


def test_the_refund_of_a_surplus_capture_is_proved_alike() -> None:
    sent = orders.send(LATE, LATE_KEY, (), "digest", step(CLOCK))
    assert orders.proof_of(sent, LATE_KEY, listed(is_reversed=True)) == Proof(
        "reversed"
    )
    new = row(amount_minor=AMOUNT_MINOR)
    assert orders.proof_of(sent, LATE_KEY, listed(new)) == Proof("new-row")


# ── what was not ours ────────────────────────────────────────────────────────


def given_back(proof: str) -> Escrow:
    """A part went back, by our order, and this showed it; another part is asked for."""
    done = scenes.proved(PART_SENT, proof, step(PAYNET, later(days=2)))
    return scenes.reserved(100_000, done, later(days=3), "key-2")


def foreign(escrow: Escrow, *rows: Reversal) -> list[str]:
    return [r.id for r in orders.foreign(escrow, "key-2", listed(*rows))]


def test_a_reversal_that_no_order_of_ours_explains_is_found() -> None:
    escrow = scenes.reserved(key="key-2")
    assert foreign(escrow, row("strange")) == ["strange"]
    assert foreign(escrow, row("failed", is_succeed=False)) == []


def test_the_row_that_proved_a_refund_of_ours_is_ours() -> None:
    escrow = given_back("new-row")
    assert foreign(escrow, row()) == []
    assert foreign(escrow, row(), row("strange")) == ["strange"]
    assert foreign(escrow, row("strange", 77), row()) == ["strange"]


@pytest.mark.parametrize("proof", ["callback", "seen by hand", "reversed"])
def test_a_refund_that_was_proved_otherwise_explains_one_row_of_its_amount(
    proof: str,
) -> None:
    escrow = given_back(proof)
    assert foreign(escrow, row("some")) == []
    assert foreign(escrow, row("some", None)) == []
    assert foreign(escrow, row("some"), row("more")) == ["more"]
    assert foreign(escrow, row("other", 77)) == ["other"]


def test_a_surplus_capture_s_reversals_are_not_the_payment_s() -> None:
    sent = orders.send(LATE, LATE_KEY, (), "digest", step(CLOCK))
    done = orders.confirm(sent, LATE_KEY, Proof("new-row"), step(PAYNET))
    assert orders.foreign(done, LATE_KEY, listed(row())) == []


# ── whichever it is ──────────────────────────────────────────────────────────


def test_an_order_is_found_with_the_capture_that_it_moves() -> None:
    capture, order = orders.find(WHOLE_SENT, "key-1")
    assert (capture.xact_id, order.key) == ("xact-1", "key-1")
    capture, order = orders.find(LATE, LATE_KEY)
    assert (capture.xact_id, order.key) == ("xact-late", LATE_KEY)


@pytest.mark.parametrize("escrow", [scenes.held(), scenes.created(), LATE])
def test_an_order_that_is_not_there_is_not_found(escrow: Escrow) -> None:
    with pytest.raises(IllegalTransition, match="no_such_settlement"):
        orders.find(escrow, "key-9")


def test_a_surplus_changes_no_sum_and_no_settlement_whatever_becomes_of_it() -> None:
    sent = orders.send(LATE, LATE_KEY, ("old",), "digest", step(CLOCK))
    for after in (
        orders.accepted(sent, LATE_KEY, step(PAYNET)),
        orders.confirm(sent, LATE_KEY, Proof("row"), step(PAYNET)),
        orders.deny(sent, LATE_KEY, "no", step(PAYNET)),
        orders.doubt(sent, LATE_KEY, "lost", step(PAYNET)),
        orders.hand_over(LATE, LATE_KEY, step(CLOCK)),
    ):
        assert (after.status, after.balances) == (LATE.status, LATE.balances)
        assert after.settlements == LATE.settlements


def test_a_no_that_may_be_the_day_rule_is_tried_again_once() -> None:
    sent = scenes.sent(scenes.reserved(PART), at=later(hours=13))
    once = orders.deny(sent, "key-1", "day", step(PAYNET, later(hours=13)))
    assert once.settlements[0].status is SettlementStatus.SCHEDULED
    again = scenes.sent(once, at=later(days=2))
    after = orders.deny(again, "key-1", "day", step(PAYNET, later(days=2)))
    assert (after.status, after.settlements[0].status) == (
        Status.REVIEW,
        SettlementStatus.DENIED,
    )


def test_asking_in_vain_is_no_history_and_ends_the_count_of_failures() -> None:
    for escrow, key in (
        (WHOLE_SENT, "key-1"),
        (orders.send(LATE, LATE_KEY, (), "digest", step(CLOCK)), LATE_KEY),
    ):
        failing = replace(escrow, tries=3, retry_at=later(hours=1))
        after = orders.asked(failing, key, later(minutes=3))
        assert (after.tries, after.retry_at) == (0, None)
        assert after.history == escrow.history
        assert orders.find(after, key)[1].ask_at == later(minutes=10)


@pytest.mark.parametrize(
    ("escrow", "key", "by_hand"),
    [
        (scenes.reserved(before=scenes.held_by_paynet()), "key-1", True),
        (scenes.reserved(), "key-1", False),
        (scenes.releasing(), "key-1", False),
        (LATE, LATE_KEY, False),
    ],
)
def test_only_a_refund_out_of_paynet_s_own_escrow_is_done_by_hand(
    escrow: Escrow, key: str, by_hand: bool
) -> None:
    assert orders.is_by_hand(escrow, key) is by_hand


def test_a_surplus_in_paynet_s_own_escrow_is_done_by_hand_too() -> None:
    late = scenes.with_surplus(scenes.held_by_paynet())
    assert orders.is_by_hand(late, scenes.surplus_key(late))


def test_a_callback_s_subject_leads_to_its_order() -> None:
    for escrow, key in ((WHOLE_SENT, "key-1"), (LATE, LATE_KEY)):
        _, order = orders.find(escrow, key)
        assert escrow.order_to_paynet(order.subject) == order
        assert escrow.order_to_paynet(order.subject[:-1]) is None
        assert len(order.subject) == 16


def test_what_has_ended_is_neither_proved_nor_denied_again() -> None:
    done = scenes.refunded()
    with pytest.raises(IllegalTransition):
        settlements.confirm(done, "key-1", "row-2", step(PAYNET))
    for again in (orders.deny, orders.doubt):
        with pytest.raises(IllegalTransition):
            again(done, "key-1", "no", step(PAYNET))


# ── whose row it is ──────────────────────────────────────────────────────────


def test_the_late_row_of_an_earlier_refund_proves_no_other() -> None:
    """The first was proved by its callback, and its row was not listed yet."""
    first = scenes.proved(PART_SENT, "callback", step(PAYNET, later(days=2)))
    asked = scenes.reserved(PART, first, later(days=2), "key-2")
    second = scenes.sent(asked, "key-2", later(days=2))
    late = replace(row("row-of-the-first"), at=later(days=2))
    assert orders.proof_of(second, "key-2", listed(late)) is None
    own = replace(row("row-of-the-second"), at=later(days=2))
    assert orders.proof_of(second, "key-2", listed(late, own)) is not None


def test_a_row_of_a_day_before_it_was_sent_proves_nothing() -> None:
    older = replace(row(), at=START - timedelta(days=1))
    assert proof_of_part(older) is None


def test_rows_without_an_id_are_not_one_row() -> None:
    proof = proof_of_part(row("unnamed"), row("unnamed", 55_000))
    assert proof is not None
    assert proof.is_odd


def test_reversed_proves_no_whole_refund_of_which_a_row_shows_a_part() -> None:
    """By another hand, and PAYNET calls the sale reversed for that."""
    part = listed(row(amount_minor=10_000), is_reversed=True)
    assert orders.found_done(WHOLE_SENT, "key-1", part) is None
    whole = listed(row(amount_minor=AMOUNT_MINOR), is_reversed=True)
    assert orders.found_done(WHOLE_SENT, "key-1", whole) == Proof("reversed")


def test_a_second_release_out_of_paynet_s_escrow_is_a_human_s() -> None:
    denied = settlements.deny(scenes.releasing(), "no", step(PAYNET))
    again = settlements.release(
        denied, scenes.settlement(key="key-2"), step(Role.PAYER, later(days=1))
    )
    assert orders.is_by_hand(again, "key-2")
