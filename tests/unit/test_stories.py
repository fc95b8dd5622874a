"""Whatever happens in whatever order: no rule of the design is broken, nothing is lost,
and nothing waits for ever."""

from __future__ import annotations

from hypothesis import given, settings

from emanet import ledger, settlements, surplus
from emanet.due import due_at
from emanet.escrow import (
    CLOCKLESS,
    CLOSED,
    CaptureStatus,
    Escrow,
    QueueReason,
    SettlementKind,
    SettlementStatus,
    Status,
)
from emanet.guards import has_undecided
from emanet.machine import check
from tests.unit import stories
from tests.unit.stories import STORIES, Story, told

S = SettlementStatus
OFTEN = settings(max_examples=400, deadline=None)


@OFTEN
@given(STORIES)
def test_no_story_breaks_a_rule(story: Story) -> None:
    """Rule 2, and those that `check` knows."""
    for _, escrow, _ in told(story):
        check(escrow)
        sums = escrow.balances
        parts = (sums.held, sums.released, sums.refunded, sums.charged_back)
        assert sums.captured == sum(parts)
        assert sums.captured in (0, escrow.amount_minor)
        assert min(*parts, escrow.available_minor) >= 0
        assert escrow.version == len(escrow.history)
        assert bool(sums.captured) == (escrow.held_at is not None)
        if escrow.status in CLOSED and sums.captured:
            assert settlements.status_by_money(escrow) is escrow.status


@OFTEN
@given(STORIES)
def test_no_story_pays_out_more_than_came_in(story: Story) -> None:
    """Rule 6: what is done or may have happened, in our books and at PAYNET."""
    for _, escrow, _ in told(story):
        happened = (S.DONE, S.SENT, S.UNKNOWN)
        gone = [s for s in escrow.settlements if s.status in happened]
        back = escrow.balances.charged_back
        assert sum(s.amount_minor for s in gone) + back <= escrow.balances.captured
        taken = escrow.balances.captured + escrow.surcharge_minor
        assert sum(s.paynet_minor for s in gone) + back <= taken
        done = {
            kind: sum(
                s.amount_minor
                for s in escrow.settlements
                if s.status is S.DONE and s.kind is kind
            )
            for kind in SettlementKind
        }
        assert done[SettlementKind.RELEASE] == escrow.balances.released
        assert done[SettlementKind.REFUND] == escrow.balances.refunded
        assert all(s.amount_minor > 0 for s in escrow.settlements)


@OFTEN
@given(STORIES)
def test_no_story_forgets_a_capture_a_settlement_or_a_line(story: Story) -> None:
    """Rule 5."""
    for before, after, _ in told(story):
        assert _transactions(before) <= _transactions(after)
        assert after.history[: len(before.history)] == before.history
        keys = [s.key for s in after.settlements]
        assert [s.key for s in before.settlements] == keys[: len(before.settlements)]
        assert len(set(keys)) == len(keys)


@OFTEN
@given(STORIES)
def test_no_story_holds_a_surcharge_or_gives_it_back_with_a_part(story: Story) -> None:
    for _, escrow, _ in told(story):
        whole, paid = escrow.balances.captured, escrow.surcharge_minor
        assert 0 <= escrow.surcharge_back_minor <= paid
        for order in escrow.settlements:
            is_whole = order.kind is SettlementKind.REFUND
            is_whole &= order.amount_minor == whole
            assert order.surcharge_minor == (paid if is_whole else 0)


@OFTEN
@given(STORIES)
def test_no_story_charges_two_sessions_of_one_attempt(story: Story) -> None:
    for before, after, _ in told(story):
        for known in before.attempts:
            if known.session_id:
                now = after.attempt(known.number)
                assert now is not None
                assert now.session_id == known.session_id


def _transactions(escrow: Escrow) -> set[tuple[int, str]]:
    return {(a.number, c.xact_id) for a in escrow.attempts for c in a.captures}


@OFTEN
@given(STORIES)
def test_no_story_ends_what_has_ended_once_more(story: Story) -> None:
    """What is done, denied or withdrawn stays so."""
    ends = (S.DONE, S.DENIED, S.WITHDRAWN)
    for before, after, _ in told(story):
        for known in before.settlements:
            if known.status in ends:
                assert after.settlement(known.key) == known
        sent = {s.key for s in before.settlements if s.status is S.UNKNOWN}
        again = {s.key for s in after.settlements if s.status is S.SENT}
        assert not sent & again


@OFTEN
@given(STORIES)
def test_no_story_moves_a_closed_escrow_or_funds_one_twice(story: Story) -> None:
    for before, after, _ in told(story):
        assert before.status not in CLOSED or after.status is before.status
        funding = [c for c in after.captures if c.status is CaptureStatus.FUNDS]
        assert len(funding) == bool(after.balances.captured)


@OFTEN
@given(STORIES)
def test_in_no_story_anything_waits_for_ever(story: Story) -> None:
    """Rule 7. What is closed may wait for nothing; only its surplus goes on."""
    for _, escrow, _ in told(story):
        if escrow.status not in CLOSED:
            assert due_at(escrow) or escrow.flags
        if escrow.status in {Status.REVIEW, Status.DISPUTED}:
            assert escrow.flags
        for _, _, refund in surplus.refunds(escrow):
            if refund.status in (S.SCHEDULED, S.SENT):
                assert due_at(escrow)
            elif refund.status is not S.DONE:
                assert stories.stands_in(escrow, QueueReason.LATE_CAPTURE)


@OFTEN
@given(STORIES)
def test_in_no_story_an_odd_capture_is_ignored(story: Story) -> None:
    """Until somebody decides it, it is asked about or shown."""
    for _, escrow, _ in told(story):
        if has_undecided(escrow):
            shown = stories.stands_in(escrow, QueueReason.DOUBTFUL_CAPTURE)
            asked = any(
                a.ask_at
                for a in escrow.attempts
                for c in a.captures
                if c.status is CaptureStatus.MISMATCHED
            )
            assert shown or asked or escrow.status is Status.REVIEW


@OFTEN
@given(STORIES)
def test_in_no_story_a_clock_runs_while_nobody_may_act(story: Story) -> None:
    for before, after, at in told(story):
        if before.status in CLOCKLESS and after.status in CLOCKLESS:
            assert after.deadlines == before.deadlines
            assert after.stopped_at == before.stopped_at
        for name in ("claim_by", "inspection_by", "hold_until"):
            end = getattr(after.deadlines, name)
            assert end is None or after.held_at is not None
            assert end is None or at is not None


@OFTEN
@given(STORIES)
def test_the_books_of_every_story_balance_and_say_what_the_escrow_says(
    story: Story,
) -> None:
    for before, escrow, _ in told(story):
        if escrow.version > before.version:
            assert escrow.history[-1].money == ledger.change(before, escrow)
    for _, escrow, _ in list(told(story))[-1:]:
        lines = list(ledger.postings(escrow))
        assert set(ledger.trial_balance(lines).values()) <= {0}
        accounts = ledger.balances(lines).get("TRY", {})
        sums = escrow.balances
        assert accounts.get(f"escrow_liability:{escrow.id}", 0) == -sums.held
        payable = accounts.get(f"payee_payable:{escrow.payee.id}", 0)
        revenue = accounts.get("platform_revenue", 0)
        assert payable + revenue == -sums.released
        assert accounts.get("suspense", 0) == -ledger.facts(escrow).get("suspense", 0)
        surcharge = escrow.surcharge_minor - escrow.surcharge_back_minor
        assert accounts.get("instalment_surcharge", 0) == -surcharge
