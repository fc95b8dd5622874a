"""Money: whole kuruş whose parts always make the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet.money import MAX_AMOUNT_MINOR, Balances, RuleBroken

AMOUNTS = st.integers(1, MAX_AMOUNT_MINOR)


@given(AMOUNTS)
def test_a_capture_is_held_whole(amount_minor: int) -> None:
    assert Balances().capture(amount_minor) == Balances(amount_minor, amount_minor)


@given(AMOUNTS, AMOUNTS)
def test_an_escrow_is_funded_once(first: int, second: int) -> None:
    with pytest.raises(RuleBroken):
        Balances().capture(first).capture(second)


@given(AMOUNTS, st.data())
def test_released_money_is_neither_made_nor_lost(
    held: int, data: st.DataObject
) -> None:
    part = data.draw(st.integers(0, held))
    after = Balances().capture(held).release(part)
    assert (after.captured, after.held, after.released) == (held, held - part, part)


@given(AMOUNTS, st.integers(1))
def test_more_than_is_held_is_never_released(held: int, more: int) -> None:
    with pytest.raises(RuleBroken):
        Balances().capture(held).release(held + more)


@given(AMOUNTS, st.integers(max_value=-1))
def test_a_negative_release_takes_nothing_back(held: int, less: int) -> None:
    with pytest.raises(RuleBroken):
        Balances().capture(held).release(less)


MOVES = {"release": "released", "refund": "refunded"}


@pytest.mark.parametrize("move", MOVES)
@given(AMOUNTS, st.data())
def test_every_kurus_goes_one_way(move: str, held: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, held))
    after = getattr(Balances().capture(held), move)(part)
    assert after == Balances(held, held - part, **{MOVES[move]: part})
    gone = after.charge_back()
    assert (gone.held, gone.charged_back) == (0, held - part)
    assert gone.captured == held


@pytest.mark.parametrize("move", MOVES)
@given(AMOUNTS, st.integers(1))
def test_more_than_is_held_goes_no_way(move: str, held: int, more: int) -> None:
    with pytest.raises(RuleBroken):
        getattr(Balances().capture(held), move)(held + more)


@given(*[st.integers(-2, 2)] * 5)
def test_parts_that_do_not_make_the_whole_are_no_balances(
    captured: int, held: int, released: int, refunded: int, charged_back: int
) -> None:
    parts = (held, released, refunded, charged_back)
    if min(parts) >= 0 and sum(parts) == captured:
        assert Balances(captured, *parts).captured == captured
    else:
        with pytest.raises(RuleBroken):
            Balances(captured, *parts)
