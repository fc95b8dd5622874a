"""The books: every posting has two sides, and what they say is what the escrow says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emanet import chargebacks, ledger, reviews, settlements, surplus, verdicts
from emanet.escrow import Escrow, Role
from emanet.ledger import PAIRS, Account
from tests.unit import every_scene, scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later, step

OPERATIONS, PAYNET = Role.OPERATIONS, Role.PAYNET
PART = 30_000
LIABILITY = f"escrow_liability:{scenes.created().id}"
PAYABLE = "payee_payable:seller-1"


def books(*escrows: Escrow) -> dict[str, int]:
    """Debits less credits of each account that is not even."""
    lines = [line for escrow in escrows for line in ledger.postings(escrow)]
    sums = ledger.balances(lines).get("TRY", {})
    return {account: minor for account, minor in sums.items() if minor}


def refunded(fee: int, tax: int, minor: int, back: int) -> Escrow:
    """So much of a payment went back; PAYNET had kept a fee, and gave some of it
    back."""
    paid = scenes.with_fee(scenes.held(), fee, tax)
    sent = scenes.refunding(minor, paid)
    return scenes.proved(sent, "row-1", step(PAYNET, later(days=2)), back)


# ── what each movement books ─────────────────────────────────────────────────


def test_what_is_not_paid_is_in_no_book() -> None:
    assert books(scenes.charging()) == {}


def test_a_capture_is_owed_by_paynet_and_by_us() -> None:
    assert books(scenes.held()) == {
        "paynet_receivable": AMOUNT_MINOR,
        LIABILITY: -AMOUNT_MINOR,
    }


def test_a_release_is_the_payee_s_less_our_fee() -> None:
    assert books(scenes.released()) == {
        "paynet_receivable": AMOUNT_MINOR,
        PAYABLE: -(AMOUNT_MINOR - 1_300),
        "platform_revenue": -1_300,
    }


def test_a_part_earns_its_part_of_our_fee_and_the_whole_earns_all_of_it() -> None:
    half = scenes.part_released(65_001)
    assert books(half)["platform_revenue"] == -650
    rest = scenes.settlement(64_999, key="part-2")
    whole = settlements.release(half, rest, step(Role.PAYER))
    assert books(whole)["platform_revenue"] == -1_300


def test_a_refund_leaves_nothing_owed() -> None:
    assert books(scenes.refunded()) == {}


def test_a_settlement_that_has_not_ended_books_nothing() -> None:
    for escrow in (scenes.reserved(), scenes.refunding(), scenes.unknown()):
        assert books(escrow) == books(scenes.held())


def test_a_split_books_both_parts() -> None:
    assert books(scenes.split()) == {
        "paynet_receivable": 100_000,
        PAYABLE: -99_000,
        "platform_revenue": -1_000,
    }


# ── PAYNET's fee ─────────────────────────────────────────────────────────────


def test_paynet_s_fee_is_our_cost_and_its_tax_beside_it() -> None:
    assert books(scenes.with_fee(scenes.held(), 2_000, 400)) == {
        "paynet_receivable": AMOUNT_MINOR - 2_400,
        "paynet_commission": 2_000,
        "paynet_commission_tax": 400,
        LIABILITY: -AMOUNT_MINOR,
    }


def test_a_fee_that_is_told_otherwise_later_books_the_difference() -> None:
    first = scenes.with_fee(scenes.held(), 2_000, 400)
    assert books(scenes.with_fee(first, 1_500, 300)) == books(
        scenes.with_fee(scenes.held(), 1_500, 300)
    )


def test_a_fee_that_paynet_keeps_is_a_loss_and_not_hidden() -> None:
    assert books(refunded(2_000, 400, AMOUNT_MINOR, 0)) == {
        "paynet_receivable": -2_400,
        "refund_loss": 2_400,
    }


def test_a_fee_that_paynet_gives_back_is_no_cost_and_no_loss() -> None:
    assert books(refunded(2_000, 400, AMOUNT_MINOR, 2_400)) == {}


@pytest.mark.parametrize(
    ("minor", "back", "cost", "tax", "loss"),
    [
        (65_000, 0, 1_000, 200, 1_200),  # half went back, PAYNET keeps all
        (65_000, 1_200, 1_000, 200, 0),  # and gives back its half
        (65_000, 600, 1_000, 200, 600),  # or half of that
        (1, 0, 2_000, 400, 0),  # a kuruş has no share
    ],
)
def test_of_a_part_that_went_back_only_its_share_of_the_fee_is_lost(
    minor: int, back: int, cost: int, tax: int, loss: int
) -> None:
    sums = books(refunded(2_000, 400, minor, back))
    assert sums["paynet_commission"] == cost
    assert sums["paynet_commission_tax"] == tax
    assert sums.get("refund_loss", 0) == loss


def test_a_fee_that_came_back_before_it_was_known_breaks_nothing() -> None:
    after = refunded(0, 0, AMOUNT_MINOR, 2_400)
    assert books(after) == {}
    known = scenes.with_fee(after, 2_000, 400)
    assert books(known) == books(refunded(2_000, 400, AMOUNT_MINOR, 2_400))


@given(
    st.integers(0, 5_000),
    st.integers(0, 1_000),
    st.integers(1, AMOUNT_MINOR),
    st.integers(0, 7_000),
)
def test_whatever_paynet_keeps_and_gives_back_the_books_are_even(
    fee: int, tax: int, minor: int, back: int
) -> None:
    """And what PAYNET owes us is what it holds: no kuruş of it is made up."""
    sums = books(refunded(fee, tax, minor, back))
    assert sum(sums.values()) == 0
    lost = sums.get("refund_loss", 0)
    costs = sums.get("paynet_commission", 0) + sums.get("paynet_commission_tax", 0)
    assert min(lost, costs) >= 0
    assert lost + costs <= fee + tax
    assert lost <= (fee + tax) * minor // AMOUNT_MINOR
    kept = AMOUNT_MINOR - minor - lost - costs
    assert sums.get("paynet_receivable", 0) == kept


# ── besides, and lost ────────────────────────────────────────────────────────


def test_what_nobody_owns_yet_is_in_suspense() -> None:
    assert books(scenes.doubted()) == {
        "paynet_receivable": 125_000,
        "suspense": -125_000,
    }


def test_a_mismatch_that_is_accepted_leaves_suspense() -> None:
    after = reviews.accept_mismatch(scenes.doubted(), "", "", step(OPERATIONS))
    assert books(after) == {"paynet_receivable": 125_000, LIABILITY: -125_000}


def test_a_surplus_leaves_suspense_when_it_is_back() -> None:
    late = scenes.with_surplus(scenes.released())
    assert books(late)["suspense"] == -AMOUNT_MINOR
    key = scenes.surplus_key(late)
    after = surplus.confirm(late, key, "reversed", step(PAYNET))
    assert books(after) == books(scenes.released())


def test_a_surplus_whose_fee_paynet_keeps_is_a_loss() -> None:
    late = scenes.with_surplus(scenes.released())
    _, capture, order = next(surplus.refunds(late))
    told = replace(capture, commission_minor=2_000, commission_tax_minor=400)
    known = verdicts.note_fee(late, told, step(Role.CLOCK))
    assert known is not None
    after = surplus.confirm(known, order.key, "reversed", step(PAYNET), 400)
    assert books(after)["refund_loss"] == 2_000


def test_a_waiting_capture_that_funds_leaves_suspense() -> None:
    assert books(every_scene.waited())["suspense"] == -(AMOUNT_MINOR + 125_000)
    after = reviews.fund_waiting(every_scene.waited(), "", step(OPERATIONS))
    assert books(after)["suspense"] == -125_000
    assert books(after)[LIABILITY] == -AMOUNT_MINOR


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (scenes.held(), {}),
        (
            scenes.released(),
            {
                PAYABLE: -(AMOUNT_MINOR - 1_300),
                "platform_revenue": -1_300,
                "chargeback_loss": AMOUNT_MINOR,
            },
        ),
        (
            scenes.part_released(100_000),
            {
                PAYABLE: -99_000,
                "platform_revenue": -1_000,
                "chargeback_loss": 100_000,
            },
        ),
    ],
)
def test_what_the_bank_takes_beyond_what_is_held_is_our_loss(
    before: Escrow, wanted: dict[str, int]
) -> None:
    opened = chargebacks.open_(before, "bank", step(OPERATIONS))
    assert books(opened) == books(before)
    assert books(chargebacks.lose(opened, "bank", step(OPERATIONS))) == wanted


# ── the books as a whole ─────────────────────────────────────────────────────


def test_the_trial_balance_of_all_of_them_is_zero() -> None:
    every = [escrow for escrow, _ in every_scene.every()]
    lines = [line for escrow in every for line in ledger.postings(escrow)]
    assert ledger.trial_balance(lines) == {"TRY": 0}


def test_the_history_alone_makes_the_books() -> None:
    """The sums of its lines are the sums of the escrow, so that nothing is booked that
    happened nowhere."""
    for escrow, _ in every_scene.every():
        sums: dict[str, int] = {}
        for entry in escrow.history:
            for name, minor in entry.money.items():
                sums[name] = sums.get(name, 0) + minor
        assert {n: m for n, m in sums.items() if m} == ledger.facts(escrow)


def test_a_posting_names_its_line_and_moves_more_than_nothing() -> None:
    escrow = scenes.split()
    for line in ledger.postings(escrow):
        entry = escrow.history[line.seq - 1]
        assert (line.transition, line.at) == (entry.transition, entry.at)
        assert (line.escrow_id, line.currency) == (escrow.id, "TRY")
        assert line.amount_minor > 0
        assert line.debit != line.credit


def test_every_sum_has_two_accounts_and_every_account_a_sum() -> None:
    assert {account for pair in PAIRS.values() for account in pair} == set(Account)
    assert all(debit is not credit for debit, credit in PAIRS.values())


def test_a_sum_that_shrinks_is_booked_the_other_way_round() -> None:
    before = scenes.with_fee(scenes.held(), 2_000)
    after = scenes.with_fee(before, 500)
    (line,) = [p for p in ledger.postings(after) if p.seq == after.version]
    assert (line.debit, line.credit, line.amount_minor) == (
        "paynet_receivable",
        "paynet_commission",
        1_500,
    )
    assert line.at == START
