"""The names of things: an order's round has one id for ever."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet.escrow import escrow_id, escrow_id_of
from tests.unit import scenes

REFERENCE = f"{escrow_id('shop', 'order-1', 1)}-10-k7m2qa"


def test_an_id_is_26_base32_characters_of_a_digest() -> None:
    digest = hashlib.sha256(b"shop\x1forder-1\x1f1").digest()
    wanted = base64.b32encode(digest)[:26].decode().lower()
    assert escrow_id("shop", "order-1", 1) == wanted
    assert re.fullmatch("[a-z2-7]{26}", wanted)


@pytest.mark.parametrize(
    "other",
    [("Shop", "order-1", 1), ("shop", "order-2", 1), ("shop", "order-1", 2)],
)
def test_another_merchant_order_or_round_has_another_id(
    other: tuple[str, str, int],
) -> None:
    assert escrow_id(*other) != escrow_id("shop", "order-1", 1)


@pytest.mark.parametrize(
    "other", [("shopo", "rder-1", 1), ("shop", "order-11", 1), ("shop", "order-", 11)]
)
def test_the_parts_cannot_run_into_one_another(other: tuple[str, str, int]) -> None:
    assert escrow_id(*other) != escrow_id("shop", "order-1", 1)


@given(st.text(), st.text(), st.integers(1, 99))
def test_the_same_order_always_has_the_same_id(
    merchant: str, order_id: str, round_: int
) -> None:
    assert escrow_id(merchant, order_id, round_) == escrow_id(
        merchant, order_id, round_
    )


def test_a_reference_says_whose_it_is_and_fits_into_paynet_s_50_characters() -> None:
    assert escrow_id_of(REFERENCE) == escrow_id("shop", "order-1", 1)
    assert len(REFERENCE) <= 50


@pytest.mark.parametrize("claim", ["", "-", "-1-k7m2qa", "nobody", "x" * 500])
def test_a_strange_reference_is_nobody_s(claim: str) -> None:
    assert escrow_id_of(claim) != escrow_id("shop", "order-1", 1)


def test_an_attempt_is_found_by_its_whole_reference_only() -> None:
    escrow = scenes.charging_again()
    first, second = escrow.attempts
    assert escrow.attempt_of(first.reference_no) is first
    assert escrow.attempt_of(second.reference_no) is second
    for claim in (second.reference_no[:-1], f"{second.reference_no}x", "", escrow.id):
        assert escrow.attempt_of(claim) is None
