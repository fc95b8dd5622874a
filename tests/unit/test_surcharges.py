"""What a payer pays beyond the amount for his instalments: it is never held, goes back
with the whole and never with a part, and the books know where it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from emanet import (
    chargebacks,
    disputes,
    ledger,
    orders,
    reviews,
    settlements,
)
from emanet.disputes import Legs
from emanet.errors import IllegalTransition
from emanet.escrow import (
    Escrow,
    Expected,
    Role,
    Settlement,
    SettlementStatus,
    Status,
)
from emanet.money import Balances
from emanet.orders import Proof
from emanet.outcome import Approved, Declined, Returned, Reversal
from emanet.policy import Bearer
from emanet.usecases.reversals import Ours, Returns, explain
from tests.unit import scenes
from tests.unit.scenes import (
    AMOUNT_MINOR,
    START,
    SURCHARGE_MINOR,
    TOTAL_MINOR,
    later,
    step,
)

S = SettlementStatus
PAYNET, CLOCK, OPERATIONS = Role.PAYNET, Role.CLOCK, Role.OPERATIONS
PART = 30_000
HELD = scenes.in_instalments()
DELIVERED = scenes.delivered(before=HELD)
LIABILITY = f"escrow_liability:{HELD.id}"
PAYABLE = "payee_payable:seller-1"


def books(escrow: Escrow) -> dict[str, int]:
    """Debits less credits of each account that is not even; together they are."""
    sums = ledger.balances(ledger.postings(escrow)).get("TRY", {})
    assert sum(sums.values()) == 0
    return {account: minor for account, minor in sums.items() if minor}


def only(escrow: Escrow) -> Settlement:
    [order] = escrow.settlements
    return order


def proved(escrow: Escrow, at: datetime = START, back: int = 0) -> Escrow:
    return scenes.proved(escrow, f"row-{escrow.version}", step(PAYNET, at), back)


def refunded_in_parts(before: Escrow = HELD) -> Escrow:
    """All of the amount, in two refunds."""
    for number, minor in enumerate((PART, AMOUNT_MINOR - PART), 1):
        at, key = later(days=number), f"part-{number}"
        asked = scenes.reserved(minor, before, at, key)
        before = proved(scenes.sent(asked, key, at), at)
    return before


# ── taken, and not held ──────────────────────────────────────────────────────


def test_what_is_held_is_the_amount_and_the_surcharge_stands_outside() -> None:
    assert HELD.balances == Balances(AMOUNT_MINOR, AMOUNT_MINOR)
    assert (HELD.surcharge_minor, HELD.surcharge_back_minor) == (SURCHARGE_MINOR, 0)
    assert HELD.available_minor == AMOUNT_MINOR
    assert HELD.attempts[-1].expected == Expected(
        HELD.attempts[-1].reference_no, TOTAL_MINOR, 3
    )


def test_a_single_payment_has_no_surcharge_nor_has_what_is_not_paid() -> None:
    for escrow in (scenes.held(), scenes.charging(), scenes.doubted()):
        assert (escrow.surcharge_minor, escrow.surcharge_back_minor) == (0, 0)


def test_where_the_platform_bears_the_cost_the_amount_alone_is_taken() -> None:
    agreed = scenes.agreed(instalment_cost=Bearer.PLATFORM)
    escrow = scenes.paid_in_full(scenes.charging(agreed, instalments=3))
    assert escrow.attempts[-1].expected.amount_minor == AMOUNT_MINOR
    assert (escrow.balances.held, escrow.surcharge_minor) == (AMOUNT_MINOR, 0)
    assert "instalment_surcharge" not in books(escrow)


def test_only_the_capture_that_funds_has_a_surcharge() -> None:
    """A late one of instalments goes back whole, as what it is."""
    late = replace(scenes.held().attempts[0], expected_minor=TOTAL_MINOR)
    escrow = scenes.held()
    escrow = replace(escrow, attempts=(late, *escrow.attempts[1:]))
    taken = scenes.capture("xact-late", TOTAL_MINOR)
    after = scenes.settled(escrow, 1, Approved(taken))
    assert after.surcharge_minor == 0
    key = scenes.surplus_key(after)
    _, order = orders.find(after, key)
    assert (order.amount_minor, order.paynet_minor) == (TOTAL_MINOR, TOTAL_MINOR)


def test_a_capture_that_waited_funds_with_its_own_surcharge() -> None:
    first = scenes.charging(expected_minor=TOTAL_MINOR, instalments=3)
    again = scenes.charging(scenes.settled(first, 1, Declined("51")))
    taken = scenes.capture("xact-late", TOTAL_MINOR)
    waiting = scenes.settled(again, 1, Approved(taken))
    assert waiting.surcharge_minor == 0
    held = scenes.settled(waiting, 2, Declined("51"))
    assert (held.status, held.surcharge_minor) == (Status.HELD, SURCHARGE_MINOR)
    assert held.balances.held == AMOUNT_MINOR


def test_a_mismatch_that_is_accepted_is_the_amount_and_leaves_no_surcharge() -> None:
    charging = scenes.charging(expected_minor=TOTAL_MINOR, instalments=3)
    odd = scenes.doubted(charging, amount_minor=133_333)
    assert odd.surcharge_minor == 0
    held = reviews.accept_mismatch(odd, "", "agreed", step(OPERATIONS))
    assert (held.amount_minor, held.balances.held) == (133_333, 133_333)
    assert held.surcharge_minor == 0
    assert "instalment_surcharge" not in books(held)


def test_a_mismatch_of_the_sum_that_was_asked_for_keeps_amount_and_surcharge() -> None:
    """The doubt was another: the instalments, or 3-D Secure."""
    charging = scenes.charging(expected_minor=TOTAL_MINOR, instalments=3)
    odd = scenes.doubted(charging, amount_minor=TOTAL_MINOR)
    held = reviews.accept_mismatch(odd, "", "agreed", step(OPERATIONS))
    assert (held.amount_minor, held.balances.held) == (AMOUNT_MINOR, AMOUNT_MINOR)
    assert held.surcharge_minor == SURCHARGE_MINOR
    assert books(held) == books(HELD)


def test_a_mismatch_that_leaves_nothing_beside_the_fee_is_not_accepted() -> None:
    odd = scenes.doubted(scenes.charging(), amount_minor=HELD.fee_minor)
    with pytest.raises(IllegalTransition, match="fee_exceeds_amount"):
        reviews.accept_mismatch(odd, "", "agreed", step(OPERATIONS))


# ── what goes back beside a refund ───────────────────────────────────────────


def test_the_whole_carries_the_surcharge_and_paynet_is_asked_for_both() -> None:
    order = only(scenes.reserved(before=HELD))
    assert (order.amount_minor, order.surcharge_minor) == (
        AMOUNT_MINOR,
        SURCHARGE_MINOR,
    )
    assert order.paynet_minor == TOTAL_MINOR


def test_only_the_amount_is_reserved() -> None:
    assert scenes.reserved(before=HELD).available_minor == 0


@pytest.mark.parametrize("minor", [1, PART, AMOUNT_MINOR - 1])
def test_a_part_carries_none(minor: int) -> None:
    order = only(scenes.reserved(minor, HELD))
    assert (order.surcharge_minor, order.paynet_minor) == (0, minor)


def test_nor_do_parts_that_sum_to_all_of_it() -> None:
    after = refunded_in_parts()
    assert (after.status, after.balances.refunded) == (Status.REFUNDED, AMOUNT_MINOR)
    assert [s.surcharge_minor for s in after.settlements] == [0, 0]
    assert after.surcharge_back_minor == 0
    assert books(after) == {
        "paynet_receivable": SURCHARGE_MINOR,
        "instalment_surcharge": -SURCHARGE_MINOR,
    }


def test_nor_does_the_rest_after_a_release() -> None:
    rest = scenes.part_released(100_000, HELD)
    assert only_refund(scenes.reserved(30_000, rest)).surcharge_minor == 0


def only_refund(escrow: Escrow) -> Settlement:
    [order] = [s for s in escrow.settlements if s.kind == "refund"]
    return order


def test_a_cancellation_carries_it() -> None:
    asked = scenes.refund_of()
    cancelled = settlements.schedule_refund(
        HELD, asked, step(Role.PAYER), "cancel_held"
    )
    assert only(cancelled).surcharge_minor == SURCHARGE_MINOR


def test_nobody_chooses_it_by_what_he_asks_for() -> None:
    """It is worked out here, whatever stands in the wish."""
    for minor, surcharge in ((PART, 0), (AMOUNT_MINOR, SURCHARGE_MINOR)):
        wish = replace(scenes.refund_of(minor), surcharge_minor=99)
        asked = settlements.schedule_refund(HELD, wish, step(OPERATIONS))
        assert only(asked).surcharge_minor == surcharge


def test_a_release_has_none_and_leaves_it_ours() -> None:
    after = scenes.released(DELIVERED)
    assert (only(after).surcharge_minor, after.surcharge_back_minor) == (0, 0)
    assert after.balances.released == AMOUNT_MINOR


@pytest.mark.parametrize(
    ("release", "surcharge"),
    [(0, SURCHARGE_MINOR), (1, 0), (AMOUNT_MINOR - 1, 0)],
)
@pytest.mark.parametrize("way", ["dispute", "review"])
def test_a_decision_gives_it_back_only_with_all_of_it(
    way: str, release: int, surcharge: int
) -> None:
    legs, now = Legs(release, AMOUNT_MINOR - release), step(OPERATIONS, later(days=1))
    if way == "dispute":
        after = disputes.resolve(scenes.disputed(DELIVERED), legs, "decided", now)
    else:
        after = reviews.settle(scenes.failing(HELD), legs, "decided", now)
    assert only_refund(after).surcharge_minor == surcharge
    assert sum(s.surcharge_minor for s in after.settlements) == surcharge


def test_what_is_left_in_a_dispute_is_no_whole() -> None:
    disputed = scenes.disputed(scenes.part_released(100_000, DELIVERED))
    legs = Legs(0, 30_000)
    after = disputes.resolve(disputed, legs, "decided", step(OPERATIONS))
    assert only_refund(after).surcharge_minor == 0


def test_only_what_is_done_has_gone_back() -> None:
    reserved = scenes.reserved(before=HELD)
    sent = scenes.sent(reserved)
    for escrow in (
        reserved,
        sent,
        scenes.unknown(sent),
        settlements.deny(sent, "no", step(PAYNET)),
        settlements.withdraw(reserved, "key-1", "", step(OPERATIONS)),
    ):
        assert escrow.surcharge_back_minor == 0
        assert books(escrow) == books(HELD)
    assert proved(sent).surcharge_back_minor == SURCHARGE_MINOR


def test_a_refund_that_is_put_off_or_asked_again_keeps_it() -> None:
    sent = scenes.sent(scenes.reserved(before=HELD))
    again = settlements.deny_for_the_day(sent, "day", step(PAYNET, later(hours=14)))
    assert only(again).surcharge_minor == SURCHARGE_MINOR


def test_after_a_denial_the_next_whole_refund_carries_it_again() -> None:
    sent = scenes.sent(scenes.reserved(before=HELD))
    denied = settlements.deny(sent, "no", step(PAYNET))
    again = scenes.reserved(before=denied, key="key-2")
    done = proved(scenes.sent(again, "key-2"))
    assert [s.surcharge_minor for s in done.settlements] == [SURCHARGE_MINOR] * 2
    assert (done.status, done.surcharge_back_minor) == (
        Status.REFUNDED,
        SURCHARGE_MINOR,
    )
    assert books(done) == {}


def test_the_whole_goes_back_on_the_day_of_the_payment() -> None:
    """PAYNET's day rule looks at what it took, and that is asked for."""
    at = later(hours=1)
    order = only(scenes.reserved(before=HELD, at=at))
    assert (order.due_at, order.paynet_minor) == (at, TOTAL_MINOR)


# ── the books ────────────────────────────────────────────────────────────────


def test_paynet_owes_what_it_took_and_the_surcharge_is_no_liability() -> None:
    assert books(HELD) == {
        "paynet_receivable": TOTAL_MINOR,
        LIABILITY: -AMOUNT_MINOR,
        "instalment_surcharge": -SURCHARGE_MINOR,
    }


def test_it_meets_paynet_s_higher_fee() -> None:
    assert books(scenes.with_fee(HELD, 6_000, 1_200)) == {
        "paynet_receivable": TOTAL_MINOR - 7_200,
        "paynet_commission": 6_000,
        "paynet_commission_tax": 1_200,
        LIABILITY: -AMOUNT_MINOR,
        "instalment_surcharge": -SURCHARGE_MINOR,
    }


def test_a_whole_refund_leaves_nothing_in_any_book() -> None:
    assert books(scenes.refunded(HELD)) == {}


@pytest.mark.parametrize(("back", "loss"), [(0, 7_200), (7_200, 0), (3_600, 3_600)])
def test_a_whole_refund_loses_what_paynet_keeps_of_its_fee(
    back: int, loss: int
) -> None:
    paid = scenes.with_fee(HELD, 6_000, 1_200)
    sums = books(proved(scenes.refunding(before=paid), back=back))
    assert sums.get("refund_loss", 0) == loss
    assert sums.get("paynet_receivable", 0) == -loss
    assert "paynet_commission" not in sums


def test_a_part_loses_its_share_of_the_fee_on_all_that_was_taken() -> None:
    paid = scenes.with_fee(HELD, TOTAL_MINOR // 10)
    at = later(days=1)
    sums = books(proved(scenes.refunding(PART, paid), at))
    assert sums["refund_loss"] == PART // 10
    assert sums["paynet_commission"] == (TOTAL_MINOR - PART) // 10
    assert sums["instalment_surcharge"] == -SURCHARGE_MINOR


def test_a_release_leaves_the_surcharge_as_income_against_paynet_s_fee() -> None:
    paid = scenes.with_fee(HELD, 6_000, 500)
    sums = books(scenes.released(scenes.delivered(before=paid)))
    assert sums == {
        "paynet_receivable": TOTAL_MINOR - 6_500,
        "paynet_commission": 6_000,
        "paynet_commission_tax": 500,
        PAYABLE: -(AMOUNT_MINOR - 1_300),
        "platform_revenue": -1_300,
        "instalment_surcharge": -SURCHARGE_MINOR,
    }


# ── what proves that it went back ────────────────────────────────────────────


def row(minor: int | None, id_: str = "new-row", **more: Any) -> Reversal:
    return Reversal(id_, "xact-1", amount_minor=minor, at=START, **more)


def listed(*rows: Reversal, is_reversed: bool | None = None) -> Returned:
    return Returned(rows, is_reversed)


SENT = scenes.refunding(before=HELD)


@pytest.mark.parametrize("minor", [TOTAL_MINOR, None])
def test_a_row_of_all_that_paynet_took_proves_the_whole(minor: int | None) -> None:
    assert orders.proof_of(SENT, "key-1", listed(row(minor))) == Proof("new-row")


@pytest.mark.parametrize("minor", [AMOUNT_MINOR, SURCHARGE_MINOR, TOTAL_MINOR + 1])
def test_a_row_of_the_amount_alone_proves_no_whole(minor: int) -> None:
    proof = orders.proof_of(SENT, "key-1", listed(row(minor)))
    assert proof is not None
    assert proof.is_odd


def test_a_sale_that_is_reversed_proves_the_whole() -> None:
    word = listed(is_reversed=True)
    assert orders.found_done(SENT, "key-1", word) == Proof("reversed")
    whole = listed(row(TOTAL_MINOR), is_reversed=True)
    assert orders.found_done(SENT, "key-1", whole) == Proof("reversed")
    part = listed(row(AMOUNT_MINOR), is_reversed=True)
    assert orders.found_done(SENT, "key-1", part) is None


def test_a_sale_that_is_reversed_proves_no_part_of_the_amount() -> None:
    """Nor would it an order over the amount without its surcharge."""
    part = scenes.refunding(PART, HELD)
    assert orders.found_done(part, "key-1", listed(is_reversed=True)) is None
    bare = replace(only(SENT), surcharge_minor=0)
    odd = replace(SENT, settlements=(bare,))
    assert orders.found_done(odd, "key-1", listed(is_reversed=True)) is None


def foreign(escrow: Escrow, *rows: Reversal) -> list[str]:
    return [r.id for r in orders.foreign(escrow, "key-1", listed(*rows))]


def test_a_whole_refund_that_a_callback_proved_explains_a_row_of_both() -> None:
    done = scenes.proved(SENT, "callback", step(PAYNET))
    assert foreign(done, row(TOTAL_MINOR)) == []
    assert foreign(done, row(AMOUNT_MINOR)) == ["new-row"]


def explained(
    escrow: Escrow, *rows: Reversal, is_reversed: bool | None = None
) -> Returns:
    assert escrow.funding is not None
    return explain(Ours(escrow, *escrow.funding), rows, is_reversed=is_reversed)


def test_the_daily_compare_proves_an_order_by_a_row_of_both() -> None:
    [proving] = explained(SENT, row(TOTAL_MINOR)).proving
    assert (proving.order.key, proving.row) == ("key-1", row(TOTAL_MINOR))
    [by_word] = explained(SENT, is_reversed=True).proving
    assert (by_word.order.key, by_word.row) == ("key-1", None)


def test_of_two_rows_the_daily_compare_takes_the_one_of_both() -> None:
    found = explained(SENT, row(AMOUNT_MINOR, "odd"), row(TOTAL_MINOR, "right"))
    [proving] = found.proving
    assert proving.row == row(TOTAL_MINOR, "right")
    assert [strange.id for strange in found.strange] == ["odd"]


def test_the_daily_compare_finds_a_done_refund_by_a_row_of_both() -> None:
    done = scenes.proved(SENT, "callback", step(PAYNET, later(hours=1)))
    seen = explained(done, row(TOTAL_MINOR))
    assert (len(seen.shown), seen.unshown, seen.strange) == (1, (), ())
    other = explained(done, row(AMOUNT_MINOR))
    assert (other.shown, len(other.unshown), len(other.strange)) == ((), 1, 1)
    assert explained(done, is_reversed=True).unshown == ()


def test_a_part_is_not_shown_by_the_word_that_all_went_back() -> None:
    part = proved(scenes.refunding(PART, HELD), later(days=1))
    assert len(explained(part, is_reversed=True).unshown) == 1


# ── charged back ─────────────────────────────────────────────────────────────


def lost(before: Escrow) -> tuple[int, dict[str, int]]:
    """Our loss, and the books, after the payer's bank took it back."""
    opened = chargebacks.open_(before, "bank", step(OPERATIONS, later(days=70)))
    after = chargebacks.lose(opened, "bank", step(OPERATIONS, later(days=80)))
    assert after.chargeback is not None
    return after.chargeback.loss_minor, books(after)


def test_the_bank_takes_back_all_that_was_taken_and_the_surcharge_is_our_loss() -> None:
    loss, sums = lost(HELD)
    assert loss == SURCHARGE_MINOR
    assert sums == {
        "chargeback_loss": SURCHARGE_MINOR,
        "instalment_surcharge": -SURCHARGE_MINOR,
    }


def test_after_a_release_it_is_lost_with_the_amount() -> None:
    loss, sums = lost(scenes.released(DELIVERED))
    assert loss == TOTAL_MINOR
    assert "paynet_receivable" not in sums


def test_after_a_part_went_back_it_is_still_lost() -> None:
    loss, sums = lost(proved(scenes.refunding(PART, HELD), later(days=1)))
    assert loss == SURCHARGE_MINOR
    assert "paynet_receivable" not in sums


def test_what_went_back_with_the_whole_is_not_lost_again() -> None:
    assert lost(scenes.refunded(HELD)) == (0, {})


def test_one_that_waited_for_the_whole_refund_loses_nothing() -> None:
    waiting = chargebacks.open_(SENT, "bank", step(OPERATIONS))
    lost_ = chargebacks.lose(waiting, "bank", step(OPERATIONS))
    after = proved(lost_, later(hours=1))
    assert after.status is Status.REFUNDED
    assert after.chargeback is not None
    assert (after.chargeback.status, after.chargeback.loss_minor) == ("lost", 0)
    assert books(after) == {}


def test_more_than_the_amount_is_never_refunded_for_the_surcharge_s_sake() -> None:
    with pytest.raises(IllegalTransition, match="more_than_available"):
        scenes.reserved(TOTAL_MINOR, HELD)
