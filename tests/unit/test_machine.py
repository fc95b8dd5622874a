"""The machine: every status × transition × target × role against the one table, and the
promises that the table itself must keep."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import pytest

from emanet import holding, ledger
from emanet.errors import EmanetError, IllegalTransition, NotYourAction
from emanet.escrow import (
    CLOSED,
    CLOSED_PAID,
    UNPAID,
    Actor,
    Dispute,
    DisputeStatus,
    Escrow,
    Flag,
    QueueReason,
    Role,
    Settlement,
    SettlementStatus,
    Status,
    Step,
)
from emanet.machine import TRANSITIONS, Transition, advance, check
from emanet.money import MAX_AMOUNT_MINOR, Balances, RuleBroken
from tests.unit import every_scene, scenes
from tests.unit.every_scene import SCENES
from tests.unit.scenes import START, later, step

S = SettlementStatus
ROWS = {(row.name, row.source, row.target): row for row in TRANSITIONS}
NAMES = sorted({row.name for row in TRANSITIONS})
SENDING = {Status.RELEASING, Status.REFUNDING}


def named(row: Transition) -> str:
    return f"{row.name}-{row.source}-{row.target}"


def _changes(escrow: Escrow, target: Status) -> dict[str, Any]:
    """What a move must bring along, so that no rule is broken where it leads."""
    changes: dict[str, Any] = {}
    if target is Status.HELD and not escrow.balances.captured:
        changes["balances"] = escrow.balances.capture(escrow.amount_minor)
    if target in CLOSED_PAID:
        changes["balances"] = escrow.balances.charge_back()
    if target in {Status.REVIEW, Status.DISPUTED}:
        changes["flags"] = (Flag(QueueReason.DRIFT, START),)
    if target is not escrow.status:
        changes["settlements"] = _moved(escrow, target)
    if target is Status.REVIEW is not escrow.status:
        changes["prior_status"] = escrow.status
    if target is Status.DISPUTED and not escrow.dispute:
        number = len(escrow.disputes) + 1
        opened = Dispute(number, START, START, "broken")
        changes["disputes"] = (*escrow.disputes, opened)
    if target in {Status.HELD, *CLOSED_PAID} and escrow.dispute:
        ended = replace(escrow.dispute, status=DisputeStatus.REJECTED)
        changes["disputes"] = (*escrow.disputes[:-1], ended)
    return changes


def _moved(escrow: Escrow, target: Status) -> tuple[Settlement, ...]:
    """What is on its way ends, one is sent, and a closed escrow reserves nothing."""
    known = tuple(
        replace(s, status=S.DENIED) if s.status is S.SENT else s
        for s in escrow.settlements
    )
    if target in SENDING:
        one = (*known, scenes.settlement(0))[0]
        return (replace(one, status=S.SENT), *known[1:])
    if target in CLOSED:
        done = {S.DONE, S.DENIED}
        return tuple(s for s in known if s.status in done)
    return known


def _try(
    escrow: Escrow, name: str, target: Status, role: Role, at: datetime
) -> type[EmanetError] | None:
    """None: it moved."""
    known = (name, escrow.status, target) in ROWS
    changes = _changes(escrow, target) if known else {}
    try:
        advance(escrow, name, target, step(role, at), **changes)
    except (IllegalTransition, NotYourAction) as no:
        return type(no)
    return None


def _promised(
    row: Transition | None, escrow: Escrow, role: Role, at: datetime
) -> type[EmanetError] | None:
    if row is None:
        return IllegalTransition
    if role not in row.by:
        return NotYourAction
    return IllegalTransition if row.guard(escrow, at) else None


# ── the exhaustive test ──────────────────────────────────────────────────────


@pytest.mark.parametrize("status", Status)
def test_exactly_the_rows_of_the_table_move_and_all_else_is_refused(
    status: Status,
) -> None:
    different = [
        (name, target, role)
        for escrow, at in SCENES[status]
        for name in NAMES
        for target in Status
        for role in Role
        if _try(escrow, name, target, role, at)
        is not _promised(ROWS.get((name, status, target)), escrow, role, at)
    ]
    assert different == []


# What is frozen is decided, never acknowledged; the row is there to say so.
NEVER = {("acknowledge", Status.REVIEW)}


@pytest.mark.parametrize("row", TRANSITIONS, ids=named)
def test_every_row_is_seen_moving(row: Transition) -> None:
    seen = any(not row.guard(*scene) for scene in SCENES[row.source])
    assert seen == ((row.name, row.source) not in NEVER)


# An open chargeback freezes what is held or disputed; lost, it closes it.
ALWAYS = {("open_chargeback", Status.HELD), ("open_chargeback", Status.DISPUTED)}


@pytest.mark.parametrize(
    "row",
    [row for row in TRANSITIONS if row.guard.__name__ != "always"],
    ids=named,
)
def test_every_guarded_row_is_seen_refused(row: Transition) -> None:
    seen = any(row.guard(*scene) for scene in SCENES[row.source])
    assert seen == ((row.name, row.source) not in ALWAYS)


@pytest.mark.parametrize("row", TRANSITIONS, ids=named)
def test_a_move_writes_one_version_and_one_entry(row: Transition) -> None:
    for escrow, at in SCENES[row.source]:
        if row.guard(escrow, at):
            continue
        now = step(min(row.by), at)
        changes = _changes(escrow, row.target)
        after = advance(escrow, row.name, row.target, now, why="w", **changes)
        assert (after.status, after.version) == (row.target, escrow.version + 1)
        assert after.history[:-1] == escrow.history
        entry = after.history[-1]
        assert (entry.seq, entry.transition, entry.from_status, entry.to_status) == (
            escrow.history[-1].seq + 1,
            row.name,
            row.source,
            row.target,
        )
        assert (entry.by, entry.at, entry.write_id, entry.why) == (
            str(now.by),
            at,
            now.write_id,
            "w",
        )
        assert entry.money == ledger.change(escrow, after)


def test_a_refusal_names_the_state_that_forbids_it() -> None:
    escrow = scenes.released()
    with pytest.raises(IllegalTransition) as refused:
        advance(escrow, "ship", Status.HELD, step(Role.PAYEE))
    assert refused.value.current is escrow
    assert refused.value.why == "wrong_status"


def test_a_move_ends_the_count_of_failures() -> None:
    failing = replace(scenes.held(), tries=3, retry_at=later(hours=1))
    after = holding.deliver(failing, step(Role.PAYER))
    assert (after.tries, after.retry_at) == (0, None)


def test_only_a_move_of_money_is_dated() -> None:
    """By the Istanbul day, so that the books of a day can be found."""
    assert scenes.charging().moved_on is None
    held = scenes.held(at=later(hours=13))
    assert str(held.moved_on) == "2026-11-24"
    shipped = scenes.shipped(later(days=3), held)
    assert shipped.moved_on == held.moved_on


@pytest.mark.parametrize("letter", ["x", "ş", "漢", "😀", "\\"])
def test_a_line_of_history_stays_below_512_bytes_in_every_script(letter: str) -> None:
    """However long it is told why. A write id has 16 characters; a subject here, 36."""
    now = Step(Actor(Role.OPERATIONS, "o" * 36), later(hours=1), "w" * 16)
    escrow = scenes.reserved(before=scenes.shipped())
    name = "withdraw_settlement"  # the longest that tells why
    told = advance(escrow, name, Status.HELD, now, why=letter * 1_000)
    line = json.dumps(asdict(told.history[-1]), default=str, ensure_ascii=False)
    assert len(line.encode()) <= 512


def test_the_line_that_moves_most_sums_stays_below_512_bytes() -> None:
    """A whole refund with a surcharge, of the dearest order that there may be."""
    rich = scenes.created(amount_minor=MAX_AMOUNT_MINOR)
    most = 2 * MAX_AMOUNT_MINOR
    charging = scenes.charging(rich, expected_minor=most, instalments=12)
    paid = scenes.paid_in_full(charging)
    fees = MAX_AMOUNT_MINOR // 10, MAX_AMOUNT_MINOR // 50
    whole = scenes.reserved(MAX_AMOUNT_MINOR, scenes.with_fee(paid, *fees))
    now = Step(Actor(Role.PAYNET), later(days=2), "w" * 16)
    back = MAX_AMOUNT_MINOR // 20
    after = scenes.proved(scenes.sent(whole), "r" * 90, now, back)
    line = json.dumps(asdict(after.history[-1]), default=str, ensure_ascii=False)
    assert len(after.history[-1].money) == 6
    assert len(line.encode()) <= 512


# ── what the table promises ──────────────────────────────────────────────────


def test_no_row_stands_twice() -> None:
    ways = Counter((row.name, row.source, row.target) for row in TRANSITIONS)
    assert [way for way, times in ways.items() if times > 1] == []


def test_a_closed_escrow_has_no_exit() -> None:
    exits = {
        (row.name, row.source)
        for row in TRANSITIONS
        if row.source in CLOSED and row.target is not row.source
    }
    assert exits == set()


def test_every_status_can_be_reached() -> None:
    reached = {Status.CREATED}
    for _ in Status:
        reached |= {row.target for row in TRANSITIONS if row.source in reached}
    assert reached == set(Status)


def test_every_open_status_can_end() -> None:
    ending = set(CLOSED)
    for _ in Status:
        ending |= {row.source for row in TRANSITIONS if row.target in ending}
    assert ending == set(Status)


@pytest.mark.parametrize("status", sorted(set(Status) - CLOSED))
def test_every_open_status_has_a_way_out_that_is_not_a_party_s(status: Status) -> None:
    """Nobody can keep an escrow open by doing nothing."""
    others = {Role.CLOCK, Role.PAYNET, Role.OPERATIONS}
    assert any(
        row.by & others and row.target is not status
        for row in TRANSITIONS
        if row.source is status
    )


def test_the_payee_never_releases_nor_starts_the_clock_that_does() -> None:
    """Rule 12."""
    payee = {row.name for row in TRANSITIONS if Role.PAYEE in row.by}
    assert payee == {"ship", "schedule_refund"}
    shipped = scenes.shipped().deadlines
    assert shipped.inspection_by is None
    assert shipped.ship_by is None


@pytest.mark.parametrize("role", [Role.PAYER, Role.PAYEE, Role.BROWSER, Role.BACKEND])
def test_no_party_moves_an_escrow_out_of_review(role: Role) -> None:
    assert [r for r in TRANSITIONS if r.source is Status.REVIEW and role in r.by] == []


def test_only_the_payer_opens_a_dispute_and_only_operations_decide_it() -> None:
    assert {r.by for r in TRANSITIONS if r.name == "dispute"} == {
        frozenset({Role.PAYER})
    }
    for name in ("reject_dispute", "resolve_dispute"):  # rule 12
        assert {r.by for r in TRANSITIONS if r.name == name} == {
            frozenset({Role.OPERATIONS})
        }


def test_only_paynet_s_word_makes_an_escrow_paid() -> None:
    funding = [
        row
        for row in TRANSITIONS
        if row.source in UNPAID and row.target not in UNPAID | CLOSED | {Status.REVIEW}
    ]
    assert {row.by for row in funding} == {frozenset({Role.PAYNET})}
    assert {row.target for row in funding} == {Status.HELD}


def test_nothing_expires_or_cancels_while_a_charge_is_undecided() -> None:
    from_charging = {r.target for r in TRANSITIONS if r.source is Status.CHARGING}
    assert not from_charging & {Status.EXPIRED, Status.CANCELLED}


def test_the_clock_never_charges_a_card() -> None:
    for name in ("begin_charge", "retake_charge"):
        assert {r.by for r in TRANSITIONS if r.name == name} == {
            frozenset({Role.BROWSER})
        }


# ── the rules that one item can break ────────────────────────────────────────

SENT = scenes.settlement(0, S.SENT)


@pytest.mark.parametrize(
    ("rule", "escrow", "broken"),
    [
        ("captured", scenes.held(), {"balances": Balances(captured=1, held=1)}),
        (
            "available",
            scenes.held(),
            {"settlements": (scenes.settlement(130_001, S.SCHEDULED),)},
        ),
        (
            "available",
            scenes.escalated(),
            {"settlements": (scenes.settlement(130_001, S.UNKNOWN),)},
        ),
        (
            "live attempt",
            scenes.held(),
            {"attempts": (scenes.attempt(1), scenes.attempt(2))},
        ),
        ("open or closed", scenes.held(), {"status": Status.RELEASED}),
        ("paid means", scenes.held(), {"status": Status.EXPIRED}),
        ("paid means", scenes.created(), {"status": Status.HELD}),
        ("open or closed", scenes.released(), {"status": Status.HELD}),
        (
            "open or closed",
            scenes.released(),
            {"settlements": (scenes.settlement(1, S.SCHEDULED),)},
        ),
        ("one settlement sent", scenes.held(), {"settlements": (SENT,)}),
        ("one settlement sent", scenes.refunding(), {"settlements": ()}),
        (
            "one settlement sent",
            scenes.refunding(),
            {"settlements": (SENT, replace(SENT, key="key-2"))},
        ),
        (
            "unknown settlement",
            scenes.held(),
            {"settlements": (scenes.settlement(1, S.UNKNOWN),)},
        ),
        ("dispute", scenes.disputed(), {"disputes": ()}),
        ("dispute", scenes.delivered(), {"disputes": scenes.disputed().disputes}),
        ("dispute", scenes.escalated(), {"disputes": scenes.disputed().disputes}),
        ("dispute", scenes.escalated(), {"prior_status": Status.DISPUTED}),
        ("clocks", scenes.disputed(), {"stopped_at": None}),
        ("clocks", scenes.held(), {"stopped_at": START}),
        ("queue", scenes.disputed(), {"flags": ()}),
        ("queue", scenes.doubted(), {"flags": ()}),
        ("history", scenes.held(), {"history": scenes.held().history[1:]}),
    ],
)
def test_an_item_that_breaks_a_rule_is_never_made(
    rule: str, escrow: Escrow, broken: dict[str, Any]
) -> None:
    check(escrow)
    with pytest.raises(RuleBroken, match=rule):
        check(replace(escrow, **broken))


def test_every_scene_keeps_the_rules() -> None:
    for escrow, _ in every_scene.every():
        check(escrow)


def test_a_move_that_would_break_a_rule_is_refused_as_a_bug() -> None:
    with pytest.raises(RuleBroken):
        advance(scenes.held(), "release", Status.RELEASED, step(Role.PAYER))
