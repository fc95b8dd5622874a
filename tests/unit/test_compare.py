"""PAYNET's rows against our books, without a world: which rows and captures agree, what
a difference is called, and what nobody may conclude."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from emanet import chargebacks, ledger, reviews, surplus, verdicts
from emanet.escrow import (
    Capture,
    Escrow,
    QueueReason,
    Role,
    Settlement,
    SettlementStatus,
)
from emanet.outcome import Approved, Doubtful, Reversal, Sale
from emanet.ports import Drift, Finding, Repair
from emanet.usecases import corrections
from emanet.usecases.applied import Applied, Handled, Result
from emanet.usecases.matching import Facts, Matched, match
from emanet.usecases.reversals import Returns, capture_of, explain
from tests.unit import scenes
from tests.unit.scenes import AMOUNT_MINOR, START, later, step

DAY = date(2026, 11, 23)  # START's, in Istanbul
ANOTHER = f"{'a' * 26}-1-k7m2qa"


def sale_of(escrow: Escrow, number: int = 2, **told: Any) -> Sale:
    """The row of PAYNET's that fits what funds the escrow, but for what is told."""
    attempt = escrow.attempt(number)
    assert attempt is not None
    on_chargeback = told.pop("is_on_chargeback", False)
    captured = replace(scenes.capture(), **told)
    return Sale(attempt.reference_no, captured, on_chargeback)


def row(id_: str = "row-1", minor: int | None = AMOUNT_MINOR, **told: Any) -> Reversal:
    usual = Reversal(id_, of_xact_id="xact-1", amount_minor=minor, at=later(hours=1))
    return replace(usual, **told)


def matched(
    *escrows: Escrow,
    sales: Iterable[Sale] = (),
    rows: Iterable[Reversal] = (),
    now: datetime | None = None,
    **more: Any,
) -> Matched:
    usual: dict[str, Any] = {
        "first": DAY,
        "last": DAY,
        "now": now or later(days=3),
        "sales": tuple(sales),
        "reversals": tuple(rows),
        "escrows": {escrow.id: escrow for escrow in escrows},
    }
    return match(Facts(**(usual | more)))


def told(of: Matched) -> list[tuple[str, str, str]]:
    return [(f.drift.value, f.cause, f.repair.value) for f in of.findings]


# ── what agrees ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "names", [{}, {"xact_id": "another", "plain_id": "7"}, {"plain_id": None}]
)
def test_a_sale_and_its_capture_agree_by_either_id(names: dict[str, Any]) -> None:
    known = replace(scenes.capture(), plain_id="7")
    escrow = scenes.settled(scenes.charging_again(), 2, Approved(known))
    assert matched(escrow, sales=[sale_of(escrow, **names)]) == Matched(1, 0, ())


def test_ids_agree_even_if_the_list_names_no_reference() -> None:
    escrow = scenes.held()
    for reference in (None, "in another field"):
        nameless = replace(sale_of(escrow), reference_no=reference)
        assert matched(escrow, sales=[nameless]) == Matched(1, 0, ())


def test_a_row_that_names_another_attempt_is_not_this_ones_capture() -> None:
    escrow = scenes.held()
    other = sale_of(escrow, 1)  # the same id
    found = matched(escrow, sales=[other])
    assert told(found) == [("missing_here", "attempt_declined", "settle")]


def test_a_done_refund_and_its_row_agree() -> None:
    escrow = scenes.refunded()
    sale = sale_of(escrow, is_reversed=True)
    assert matched(escrow, sales=[sale], rows=[row()]) == Matched(2, 0, ())


def test_a_surplus_that_went_back_and_its_row_agree() -> None:
    late = scenes.with_surplus(scenes.held())
    key = scenes.surplus_key(late)
    order = surplus.send(late, key, (), "digest", step(Role.CLOCK))
    done = surplus.confirm(order, key, "row-late", step(Role.PAYNET, later(hours=1)))
    second = sale_of(done, 1, xact_id="xact-late", is_reversed=True)
    rows = [row("row-late", of_xact_id="xact-late")]
    assert matched(done, sales=[sale_of(done), second], rows=rows) == Matched(3, 0, ())


def test_a_refund_that_a_callback_proved_agrees_with_the_row_that_fits() -> None:
    parted = scenes.refunding(30_000)
    at = later(days=1, hours=1)
    done = scenes.proved(parted, "callback", step(Role.PAYNET, at))
    part = row("any", 30_000, at=at)
    assert matched(done, sales=[sale_of(done)], rows=[part]) == Matched(2, 0, ())


def test_another_systems_rows_are_counted_and_nothing_else() -> None:
    strange = [
        replace(sale_of(scenes.held(), xact_id=f"x{n}"), reference_no=reference)
        for n, reference in enumerate((None, "", "shop-17", "A" * 26))
    ]
    back = row("back", of_xact_id="x-old")
    found = matched(sales=strange, rows=[back], strays={"back": strange[2]})
    assert found == Matched(0, 5, ())


# ── what does not ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("escrow", "cause"),
    [
        (scenes.charging(), "attempt_charging"),
        (scenes.declined(), "attempt_declined"),
        (scenes.expired(), "attempt_declined"),
        (scenes.held(scenes.charging_again()), "attempt_declined"),
    ],
)
def test_a_sale_of_an_attempt_that_captured_nothing_is_missing_here(
    escrow: Escrow, cause: str
) -> None:
    sale = sale_of(escrow, 1, xact_id="xact-unheard")
    own = [sale_of(escrow)] if escrow.funding else []
    found = matched(escrow, sales=[sale, *own])
    assert told(found) == [("missing_here", cause, "settle")]
    assert found.findings[0].theirs_minor == AMOUNT_MINOR


def test_a_sale_of_an_escrow_or_attempt_that_never_was_is_for_a_human() -> None:
    escrow = scenes.held()
    never = Sale(f"{escrow.id}-9-zzzzzz", scenes.capture("x9"))
    nobody = Sale(ANOTHER, scenes.capture("x8"))
    found = matched(escrow, sales=[sale_of(escrow), never, nobody])
    assert told(found) == [
        ("missing_here", "no_such_escrow", "queue"),
        ("missing_here", "no_such_attempt", "queue"),
    ]


def test_an_escrow_that_nobody_can_read_is_not_one_that_is_not_there() -> None:
    sales = [Sale(ANOTHER, scenes.capture())]
    found = matched(sales=sales, unreadable=frozenset({"a" * 26}))
    assert told(found) == [("missing_here", "unreadable_here", "queue")]


def test_a_capture_that_is_not_listed_is_missing_there() -> None:
    found = matched(scenes.held())
    assert told(found) == [("missing_there", "capture_not_listed", "queue")]
    assert found.findings[0].ours_minor == AMOUNT_MINOR


def test_a_capture_without_a_date_is_missed_on_the_day_it_was_charged() -> None:
    undated = replace(scenes.capture(), at=None)
    escrow = scenes.settled(scenes.charging_again(), 2, Approved(undated))
    assert told(matched(escrow)) == [("missing_there", "capture_not_listed", "queue")]
    day_before = DAY - timedelta(days=1)
    assert matched(escrow, first=day_before, last=day_before).findings == ()


@pytest.mark.parametrize(
    ("minor", "cause"), [(129_000, "amount_differs"), (None, "amount_unreadable")]
)
def test_another_amount_of_the_same_transaction_is_one_finding(
    minor: int | None, cause: str
) -> None:
    escrow = scenes.held()
    sale = sale_of(escrow, amount_minor=minor, commission_minor=5)
    found = matched(escrow, sales=[sale])
    assert told(found) == [("amount", cause, "settle")]
    (finding,) = found.findings
    assert (finding.ours_minor, finding.theirs_minor) == (AMOUNT_MINOR, minor)
    assert found.matched == 0


@pytest.mark.parametrize(
    ("ours", "theirs", "cause"),
    [
        ((None, None), (3_250, 650), "fee_absent"),
        ((3_250, 650), (4_000, 800), "fee_differs"),
        ((3_250, 650), (3_250, 651), "fee_differs"),
        ((3_250, 650), (None, 650), ""),
        ((3_250, 650), (3_250, None), ""),
        ((3_250, 650), (None, None), ""),
        ((3_250, 650), (3_250, 650), ""),
    ],
)
def test_paynets_fee_is_compared_as_far_as_it_is_told(
    ours: tuple[int, int], theirs: tuple[int, int], cause: str
) -> None:
    known = replace(
        scenes.capture(), commission_minor=ours[0], commission_tax_minor=ours[1]
    )
    escrow = scenes.settled(scenes.charging_again(), 2, Approved(known))
    fee = {"commission_minor": theirs[0], "commission_tax_minor": theirs[1]}
    found = matched(escrow, sales=[sale_of(escrow, **fee)])
    assert [(f.drift, f.cause) for f in found.findings] == (
        [(Drift.FEE, cause)] if cause else []
    )


def test_two_sales_of_one_attempt_are_one_finding() -> None:
    for escrow, known in ((scenes.held(), 1), (scenes.charging_again(), 0)):
        sales = [sale_of(escrow), sale_of(escrow, xact_id="xact-2")]
        found = matched(escrow, sales=sales)
        assert told(found) == [("duplicate", "two_sales", "settle")]
        assert found.matched == known


def test_one_transaction_in_two_escrows_is_found_at_night() -> None:
    """Whoever brought it into the second, nobody may release or refund both."""
    one = scenes.held()
    two = replace(one, id="b" * 26)
    found = matched(one, two, sales=[sale_of(one)]).findings
    twice = [f for f in found if f.cause == "one_transaction_in_two_escrows"]
    assert {finding.escrow_id for finding in twice} == {one.id, two.id}
    assert {(f.drift, f.repair) for f in twice} == {(Drift.DUPLICATE, Repair.QUEUE)}


def test_a_second_sale_stays_an_exception_until_a_human_decides_it() -> None:
    second = replace(scenes.capture("xact-2"), plain_id="8")
    doubt = Doubtful("more_than_one", (scenes.capture(), second))
    noted = scenes.settled(scenes.held(), 2, doubt)
    sales = [sale_of(noted), sale_of(noted, xact_id="xact-2")]
    assert told(matched(noted, sales=sales)) == [("duplicate", "two_sales", "settle")]
    back = surplus.refund_by_choice(noted, "xact-2", "twice", step(Role.OPERATIONS))
    assert matched(back, sales=sales) == Matched(2, 0, ())


def test_a_capture_that_nobody_decided_yet_is_an_exception() -> None:
    doubted = scenes.doubted()
    wrong = sale_of(doubted, 1, xact_id="xact-wrong", amount_minor=1)
    found = matched(doubted, sales=[wrong])
    assert told(found) == [("amount", "undecided_here", "settle")]


# ── what went back ───────────────────────────────────────────────────────────


def test_held_money_that_paynet_reversed_is_found_once() -> None:
    escrow = scenes.held()
    sale = sale_of(escrow, is_reversed=True)
    for rows in ([], [row()]):
        found = matched(escrow, sales=[sale], rows=rows)
        assert told(found) == [("state", "reversed_there", "settle")]
        (finding,) = found.findings
        assert (finding.ours_minor, finding.theirs_minor) == (0, AMOUNT_MINOR)
        assert found.matched == 0


def test_a_part_that_went_back_without_us_is_found() -> None:
    escrow = scenes.held()
    found = matched(escrow, sales=[sale_of(escrow)], rows=[row(minor=30_000)])
    assert told(found) == [("state", "reversal_unexplained", "settle")]


def test_a_row_that_failed_gave_nothing_back() -> None:
    escrow = scenes.held()
    failed = row(is_succeed=False)
    found = matched(escrow, sales=[sale_of(escrow)], rows=[failed])
    assert found == Matched(1, 0, ())


def test_a_capture_that_was_reversed_when_we_learned_of_it_is_explained() -> None:
    gone = replace(scenes.capture("xact-2"), is_reversed=True)
    noted = scenes.settled(scenes.held(), 2, Doubtful("reversed", (gone,)))
    known = surplus.refund_by_choice(noted, "xact-2", "gone", step(Role.OPERATIONS))
    sales = [sale_of(known), sale_of(known, xact_id="xact-2", is_reversed=True)]
    back = row(of_xact_id="xact-2")
    assert matched(known, sales=sales, rows=[back]) == Matched(2, 0, ())


def test_a_surplus_that_is_about_to_go_back_may_show_as_reversed() -> None:
    late = scenes.with_surplus(scenes.held())
    besides = sale_of(late, 1, xact_id="xact-late", is_reversed=True)
    assert matched(late, sales=[sale_of(late), besides]) == Matched(2, 0, ())


@pytest.mark.parametrize(
    ("escrow", "cause"),
    [(scenes.refunding(), "refund_sent"), (scenes.unknown(), "refund_unknown")],
)
def test_a_refund_of_which_we_do_not_know_is_proved_by_a_new_row(
    escrow: Escrow, cause: str
) -> None:
    sale = sale_of(escrow, is_reversed=True)
    for rows in ([row()], []):  # without a row, the sale's own word
        found = matched(escrow, sales=[sale], rows=rows)
        assert told(found) == [("state", cause, "prove")]
    before = row("old-row")  # listed before it was sent
    found = matched(escrow, sales=[sale_of(escrow)], rows=[before])
    assert told(found) == [("state", "reversal_unexplained", "settle")]


def test_a_done_refund_that_no_row_shows_is_missing_there() -> None:
    escrow = scenes.refunded()
    found = matched(escrow, sales=[sale_of(escrow)])
    assert told(found) == [("missing_there", "refund_not_listed", "queue")]
    whole = sale_of(escrow, is_reversed=True)  # shown, if not by a row
    assert matched(escrow, sales=[whole]).findings == ()


def test_a_refund_from_before_these_days_is_not_missed_in_them() -> None:
    day_after = DAY + timedelta(days=1)
    escrow = scenes.refunded()
    found = matched(escrow, first=day_after, last=day_after)
    assert found == Matched(0, 0, ())


def test_one_row_explains_one_refund() -> None:
    escrow = scenes.refunded()
    sale = sale_of(escrow, is_reversed=True)
    found = matched(escrow, sales=[sale], rows=[row(), row("row-2")])
    assert told(found) == [("state", "reversal_unexplained", "settle")]


def test_a_reversal_of_what_we_never_captured_is_for_a_human() -> None:
    escrow = scenes.held()
    back = row("back", of_xact_id="xact-old")
    old = Sale(escrow.attempts[0].reference_no, scenes.capture("xact-old"))
    own = [sale_of(escrow)]
    found = matched(escrow, sales=own, rows=[back], strays={"back": old})
    assert told(found) == [("state", "reversal_without_capture", "queue")]
    assert found.findings[0].escrow_id == escrow.id
    found = matched(escrow, sales=own, rows=[back], strays={"back": None})
    assert told(found) == [("state", "reversal_of_nothing_known", "queue")]
    failed = replace(back, is_succeed=False)
    assert matched(escrow, sales=own, rows=[failed], strays={"back": old}).matched == 1
    assert not matched(escrow, sales=own, rows=[failed]).findings


def test_a_reversal_of_a_sale_that_is_missing_here_is_that_sales_finding() -> None:
    escrow = scenes.declined()
    sale = sale_of(escrow, 1, xact_id="xact-unheard", is_reversed=True)
    back = row(of_xact_id="xact-unheard")
    found = matched(escrow, sales=[sale], rows=[back])
    assert told(found) == [("missing_here", "attempt_declined", "settle")]


# ── chargebacks ──────────────────────────────────────────────────────────────


def test_a_chargeback_that_only_paynet_knows_is_opened() -> None:
    for escrow in (scenes.held(), scenes.released(), scenes.refunding()):
        found = matched(escrow, sales=[sale_of(escrow, is_on_chargeback=True)])
        assert told(found) == [("chargeback", "on_chargeback", "open_chargeback")]


def test_a_chargeback_that_both_know_is_no_finding() -> None:
    known = chargebacks.open_(scenes.held(), "bank", step(Role.CLOCK))
    sale = sale_of(known, is_on_chargeback=True)
    assert matched(known, sales=[sale]) == Matched(1, 0, ())
    won = chargebacks.win(known, "bank", step(Role.OPERATIONS))
    assert told(matched(won, sales=[sale])) == [
        ("chargeback", "on_chargeback_after_won", "queue")
    ]


def test_a_chargeback_of_a_surplus_does_not_touch_what_is_held() -> None:
    late = scenes.with_surplus(scenes.held())
    besides = sale_of(late, 1, xact_id="xact-late", is_on_chargeback=True)
    assert told(matched(late, sales=[sale_of(late), besides])) == [
        ("chargeback", "on_chargeback_besides", "queue")
    ]


# ── what is still under way ──────────────────────────────────────────────────


def test_what_happened_within_the_hour_is_nobodys_fault_yet() -> None:
    soon = later(minutes=59)
    unheard = scenes.charging()
    sale = sale_of(unheard, 1, xact_id="xact-unheard")
    assert matched(unheard, sales=[sale], now=soon) == Matched(0, 0, ())
    assert matched(scenes.held(), now=soon) == Matched(0, 0, ())


def test_a_row_of_another_day_explains_but_is_not_judged() -> None:
    day_before = DAY - timedelta(days=1)
    escrow = scenes.refunded()
    sale = sale_of(escrow, is_reversed=True)
    unheard = Sale(ANOTHER, scenes.capture("x9"))
    found = matched(
        escrow, sales=[sale, unheard], rows=[row()], first=day_before, last=day_before
    )
    assert found == Matched(1, 0, ())


def test_findings_stand_in_one_order_whatever_the_rows_order() -> None:
    escrow = scenes.held()
    sales = [
        Sale(ANOTHER, scenes.capture("x9")),
        sale_of(escrow, amount_minor=1),
        sale_of(escrow, 1, xact_id="x8"),
    ]
    one, other = matched(escrow, sales=sales), matched(escrow, sales=sales[::-1])
    assert one == other
    assert [f.drift for f in one.findings] == ["missing_here", "missing_here", "amount"]


# ── which row shows which refund ─────────────────────────────────────────────


def explained(escrow: Escrow, *rows: Reversal, is_reversed: bool = False) -> Returns:
    mine = capture_of(escrow, "xact-1")
    assert mine is not None
    return explain(mine, rows, is_reversed=is_reversed)


def with_refunds(*orders: Settlement) -> Escrow:
    return replace(scenes.held(), settlements=orders)


def refund(key: str, minor: int, status: SettlementStatus, **more: Any) -> Settlement:
    sent = replace(scenes.refund_of(minor, key), status=status, sent_at=START)
    ended = START if status is SettlementStatus.DONE else None
    return replace(sent, ended_at=ended, **more)


def test_the_row_that_proved_a_refund_is_not_given_to_another() -> None:
    done = SettlementStatus.DONE
    first = refund("first", 100, done, proof="callback")
    second = refund("second", 100, done, proof="row-1")
    escrow = with_refunds(first, second)
    returns = explained(escrow, row("row-1", 100))
    assert (returns.shown, returns.unshown) == ((second,), (first,))


def test_a_row_of_a_day_after_the_refund_ended_shows_another_refund() -> None:
    done = refund("first", 100, SettlementStatus.DONE, proof="gone-row")
    late = row("late", 100, at=later(days=1))
    returns = explained(with_refunds(done), late)
    assert (returns.strange, returns.unshown) == ((late,), (done,))


def test_a_clock_that_differs_across_midnight_is_another_day_of_nothing() -> None:
    """PAYNET's row and our moments lie some minutes and Istanbul's midnight apart."""
    midnight = START.replace(hour=21)
    before, after = midnight - timedelta(minutes=9), midnight + timedelta(minutes=9)
    for ours, theirs in ((before, after), (after, before)):
        done = refund("first", 100, SettlementStatus.DONE, proof="gone-row")
        done = replace(done, sent_at=ours, ended_at=ours)
        returns = explained(with_refunds(done), row("row-1", 100, at=theirs))
        assert (returns.shown, returns.strange) == ((done,), ())


def test_a_denied_refund_explains_nothing() -> None:
    denied = refund("first", AMOUNT_MINOR, SettlementStatus.DENIED)
    returns = explained(with_refunds(denied), row(), is_reversed=True)
    assert returns.is_gone
    assert returns.strange


def test_another_amount_may_still_be_what_was_sent() -> None:
    sent = refund("first", 100, SettlementStatus.SENT)
    (proving,) = explained(with_refunds(sent), row("odd", 90)).proving
    assert (proving.order, proving.row and proving.row.id) == (sent, "odd")


# ── the corrections ──────────────────────────────────────────────────────────

FINDING = Finding(
    Drift.MISSING_THERE, "ref", "capture_not_listed", Repair.QUEUE, xact_id="xact-1"
)


def test_a_finding_is_shown_once_and_not_again_after_a_human_saw_it() -> None:
    shown = corrections.show(scenes.held(), FINDING, step(Role.CLOCK))
    assert shown is not None
    assert [flag.reason for flag in shown.flags] == [QueueReason.DRIFT]
    assert shown.history[-1].why == "missing_there capture_not_listed xact-1"
    assert corrections.show(shown, FINDING, step(Role.CLOCK)) is None
    another = replace(FINDING, cause="refund_not_listed")
    both = corrections.show(shown, another, step(Role.CLOCK))
    assert both is not None
    assert (both.flags, len(both.history)) == (shown.flags, len(shown.history) + 1)
    assert corrections.show(both, another, step(Role.CLOCK)) is None
    seen = replace(shown, flags=())
    assert corrections.show(seen, FINDING, step(Role.CLOCK)) is None
    other = replace(FINDING, xact_id="xact-2")
    assert corrections.show(seen, other, step(Role.CLOCK)) is not None


def test_a_long_name_is_recognised_although_history_cuts_it() -> None:
    long = replace(FINDING, xact_id="x" * 200)
    shown = corrections.show(scenes.held(), long, step(Role.CLOCK))
    assert shown is not None
    seen = replace(shown, flags=())
    assert corrections.show(seen, long, step(Role.CLOCK)) is None


def test_held_money_of_another_amount_is_frozen_once() -> None:
    doubt = Doubtful("amount_differs", (scenes.capture(amount_minor=1),))
    escrow, now = scenes.held(), step(Role.PAYNET)
    frozen = corrections.doubt(escrow, 2, doubt, FINDING, now)
    assert frozen is not None
    assert (frozen.status, frozen.balances.held) == ("review", AMOUNT_MINOR)
    assert corrections.doubt(frozen, 2, doubt, FINDING, now) is None
    decided = reviews.resume(frozen, "PAYNET erred", step(Role.OPERATIONS))
    assert corrections.doubt(decided, 2, doubt, FINDING, now) is None


def test_a_note_in_the_inbox_has_one_id_a_finding() -> None:
    one, again = (corrections.note(FINDING, at) for at in (START, later(days=1)))
    other = corrections.note(replace(FINDING, xact_id="xact-2"), START)
    assert one.id == again.id != other.id
    assert (one.status, one.queue_reason) == ("queued", QueueReason.DRIFT)


def test_results_are_counted() -> None:
    done = Applied("plan-a", (Handled(FINDING, Result.QUEUED),) * 2, left=1)
    assert (done.count(Result.QUEUED), done.count(Result.REPAIRED)) == (2, 0)


# ── PAYNET's fee ─────────────────────────────────────────────────────────────


def fee(minor: int | None, tax_minor: int | None) -> Capture:
    told = scenes.capture()
    return replace(told, commission_minor=minor, commission_tax_minor=tax_minor)


@pytest.mark.parametrize(
    "escrow", [scenes.held(), scenes.released(), scenes.refunded(), scenes.unknown()]
)
def test_a_fee_is_booked_as_paynet_tells_it(escrow: Escrow) -> None:
    noted = verdicts.note_fee(escrow, fee(3_250, 650), step(Role.CLOCK))
    assert noted is not None
    assert noted.funding is not None
    assert verdicts.fee_of(noted.funding[1]) == (3_250, 650)
    assert (noted.status, noted.balances) == (escrow.status, escrow.balances)
    assert set(ledger.trial_balance(ledger.postings(noted)).values()) == {0}
    assert verdicts.note_fee(noted, fee(3_250, 650), step(Role.CLOCK)) is None


def test_what_is_not_told_of_a_fee_stays_as_it_was() -> None:
    noted = verdicts.note_fee(scenes.held(), fee(3_250, 650), step(Role.CLOCK))
    assert noted is not None
    assert verdicts.note_fee(noted, fee(None, 700), step(Role.CLOCK)) is None
    assert verdicts.note_fee(noted, fee(3_250, None), step(Role.CLOCK)) is None
    strange = replace(fee(1, 1), xact_id="xact-2")
    assert verdicts.note_fee(noted, strange, step(Role.CLOCK)) is None


def test_a_smaller_fee_takes_the_difference_back() -> None:
    noted = verdicts.note_fee(scenes.held(), fee(3_250, 650), step(Role.CLOCK))
    assert noted is not None
    less = verdicts.note_fee(noted, fee(3_000, 600), step(Role.CLOCK))
    assert less is not None
    assert less.history[-1].money == {"commission": -250, "commission_tax": -50}
    assert less.moved_on == DAY
