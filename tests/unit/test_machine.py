"""The machine: every status × transition × target × role against the one table, and the
promises that the table itself must keep."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emanet import attempts, holding, verdicts
from emanet.due import due_at
from emanet.errors import (
    EmanetError,
    IllegalTransition,
    NotYourAction,
    Refused,
)
from emanet.escrow import (
    CLOSED,
    UNPAID,
    Actor,
    CaptureStatus,
    Escrow,
    Role,
    SettlementStatus,
    Shipment,
    Status,
    Step,
)
from emanet.machine import TRANSITIONS, Transition, advance, allowed_actions, check
from emanet.money import Balances, RuleBroken
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Outcome, Unknown
from tests.unit import scenes
from tests.unit.scenes import later, step

ROWS = {(row.name, row.source, row.target): row for row in TRANSITIONS}
NAMES = sorted({row.name for row in TRANSITIONS})
WIRED = [row for row in TRANSITIONS if row.wired]


def _changes(escrow: Escrow, target: Status) -> dict[str, Any]:
    """What a move must bring along: nothing may be held in a closed escrow, and held
    money must have come."""
    if target is Status.HELD and not escrow.balances.captured:
        return {"balances": escrow.balances.capture(escrow.amount_minor)}
    if target is Status.RELEASED and escrow.balances.held:
        return {"balances": escrow.balances.release(escrow.balances.held)}
    return {}


def _try(
    escrow: Escrow, name: str, target: Status, role: Role, at: datetime
) -> type[EmanetError] | None:
    """None: it moved."""
    try:
        advance(escrow, name, target, step(role, at), **_changes(escrow, target))
    except (IllegalTransition, NotYourAction) as no:
        return type(no)
    return None


def _promised(
    row: Transition | None, escrow: Escrow, role: Role, at: datetime
) -> type[EmanetError] | None:
    if row is None or not row.wired:
        return IllegalTransition
    if role not in row.by:
        return NotYourAction
    return IllegalTransition if row.guard(escrow, at) else None


# ── the exhaustive test ──────────────────────────────────────────────────────


@pytest.mark.parametrize("status", Status)
def test_exactly_the_wired_rows_move_and_all_else_is_refused(status: Status) -> None:
    different = [
        (name, target, role)
        for escrow, at in scenes.SCENES[status]
        for name in NAMES
        for target in Status
        for role in Role
        if _try(escrow, name, target, role, at)
        is not _promised(ROWS.get((name, status, target)), escrow, role, at)
    ]
    assert different == []


@pytest.mark.parametrize("row", WIRED, ids=lambda r: f"{r.name}-{r.source}-{r.target}")
def test_every_wired_row_is_seen_moving(row: Transition) -> None:
    assert any(not row.guard(*scene) for scene in scenes.SCENES[row.source])


@pytest.mark.parametrize(
    "row",
    [row for row in WIRED if row.guard.__name__ != "always"],
    ids=lambda r: f"{r.name}-{r.source}",
)
def test_every_guarded_row_is_seen_refused(row: Transition) -> None:
    assert any(row.guard(*scene) for scene in scenes.SCENES[row.source])


@pytest.mark.parametrize("row", WIRED, ids=lambda r: f"{r.name}-{r.source}-{r.target}")
def test_a_move_writes_one_version_and_one_entry(row: Transition) -> None:
    escrow, at = next(s for s in scenes.SCENES[row.source] if not row.guard(*s))
    now = step(min(row.by), at)
    after = advance(
        escrow, row.name, row.target, now, why="w", **_changes(escrow, row.target)
    )
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


@pytest.mark.parametrize("letter", ["x", "ş", "漢", "😀"])
def test_a_line_of_history_stays_below_512_bytes_in_every_script(letter: str) -> None:
    """However long it is told why. A write id has 16 characters; a subject here, 36."""
    now = Step(Actor(Role.PAYEE, "p" * 36), later(hours=1), "w" * 16)
    told = advance(scenes.held(), "ship", Status.HELD, now, why=letter * 1_000)
    line = json.dumps(asdict(told.history[-1]), default=str, ensure_ascii=False)
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


@pytest.mark.parametrize("role", [Role.PAYER, Role.PAYEE, Role.BROWSER, Role.BACKEND])
def test_no_party_moves_an_escrow_out_of_review(role: Role) -> None:
    assert [r for r in TRANSITIONS if r.source is Status.REVIEW and role in r.by] == []


def test_only_the_payer_opens_a_dispute_and_only_operations_decide_it() -> None:
    assert {r.by for r in TRANSITIONS if r.name == "dispute"} == {
        frozenset({Role.PAYER})
    }
    for name in ("reject_dispute", "resolve_dispute"):
        assert {r.by for r in TRANSITIONS if r.name == name} == {
            frozenset({Role.OPERATIONS})
        }


def test_only_paynet_s_word_makes_an_escrow_paid() -> None:
    funding = [
        row
        for row in WIRED
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


@pytest.mark.parametrize(
    "broken",
    [
        {"balances": Balances(captured=1, held=1)},
        {"settlements": (scenes.settlement(130_001, SettlementStatus.SCHEDULED),)},
        {"settlements": (scenes.settlement(130_001, SettlementStatus.UNKNOWN),)},
        {"attempts": (scenes.attempt(1), scenes.attempt(2))},
        {"status": Status.RELEASED},
        {"status": Status.EXPIRED},
        {"history": scenes.held().history[1:]},
    ],
    ids="-".join,
)
def test_an_item_that_breaks_a_rule_is_never_made(broken: dict[str, Any]) -> None:
    with pytest.raises(RuleBroken):
        check(replace(scenes.held(), **broken))


def test_a_move_that_would_break_a_rule_is_refused_as_a_bug() -> None:
    with pytest.raises(RuleBroken):
        advance(scenes.held(), "release", Status.RELEASED, step(Role.PAYER))


# ── what people are told that they can do ────────────────────────────────────


@pytest.mark.parametrize(
    ("escrow", "role", "actions"),
    [
        (scenes.created(), Role.PAYER, ["pay"]),
        (scenes.created(), Role.PAYEE, []),
        (scenes.authenticating(), Role.PAYER, ["pay"]),
        (scenes.charging(), Role.PAYER, []),
        (scenes.held(), Role.PAYER, ["deliver", "release"]),
        (scenes.held(), Role.PAYEE, ["ship"]),
        (scenes.held(), Role.CARRIER, ["deliver"]),
        (scenes.shipped(), Role.PAYEE, []),
        (scenes.delivered(), Role.PAYER, ["release"]),
        (scenes.delivered(), Role.CARRIER, []),
        (scenes.reserved(), Role.PAYER, ["deliver"]),
        (scenes.doubted(), Role.PAYER, []),
        (scenes.released(), Role.PAYER, []),
    ],
)
def test_allowed_actions_are_those_that_would_succeed_now(
    escrow: Escrow, role: Role, actions: list[str]
) -> None:
    at = later(minutes=1)
    assert allowed_actions(escrow, [scenes.actor(role)], at) == actions


def test_who_is_nobody_here_may_do_nothing() -> None:
    assert allowed_actions(scenes.held(), [], later(hours=1)) == []


# ── random stories ───────────────────────────────────────────────────────────


def _verdict(which: int, outcome: Outcome, escrow: Escrow, at: datetime) -> Escrow:
    """About the newest attempt (-1) or the oldest (0)."""
    if not escrow.attempts:
        return escrow
    number = escrow.attempts[which].number
    if isinstance(outcome, NotFound):
        outcome = NotFound(at)
    after = verdicts.settle(escrow, number, outcome, step(Role.PAYNET, at))
    return after or attempts.asked(escrow, number, at)


def _charge(escrow: Escrow, at: datetime) -> Escrow:
    return attempts.begin_charge(escrow, len(escrow.attempts), step(Role.BROWSER, at))


def _again(escrow: Escrow, at: datetime) -> Escrow:
    number = len(escrow.attempts)
    return attempts.retake_charge(escrow, number, step(Role.BROWSER, at))


def _session(escrow: Escrow, at: datetime) -> Escrow:
    number = len(escrow.attempts)
    return attempts.store_session(escrow, number, "session", step(Role.PAYER, at))


def _no_session(escrow: Escrow, at: datetime) -> Escrow:
    number = len(escrow.attempts)
    return attempts.refuse_session(escrow, number, "no", step(Role.PAYER, at))


def _ship(escrow: Escrow, at: datetime) -> Escrow:
    return holding.ship(escrow, Shipment(at, "PTT", "1"), step(Role.PAYEE, at))


def _release(escrow: Escrow, at: datetime) -> Escrow:
    whole = scenes.settlement(escrow.available_minor)
    return holding.release(escrow, whole, step(Role.PAYER, at))


CAPTURES = [scenes.capture(x) for x in ("xact-1", "xact-2", "xact-3")]
OUTCOMES: list[Outcome] = [
    *map(Approved, CAPTURES),
    Declined("51"),
    NotFound(scenes.START),
    Doubtful("more_than_one", tuple(CAPTURES[:2])),
    Doubtful("reversed", ()),
    Unknown("odd"),
]
MOVES: list[Callable[[Escrow, datetime], Escrow]] = [
    scenes.charging,  # a whole way to the charge, so that stories get somewhere
    scenes.starting,
    _session,
    _no_session,
    lambda e, at: attempts.fail_3d(e, step(Role.BROWSER, at)),
    lambda e, at: attempts.expire_session(e, step(Role.CLOCK, at)),
    lambda e, at: attempts.expire(e, step(Role.CLOCK, at)),
    _charge,
    _again,
    *(partial(_verdict, which, outcome) for which in (0, -1) for outcome in OUTCOMES),
    _ship,
    lambda e, at: holding.deliver(e, step(Role.PAYER, at)),
    _release,
    lambda e, at: holding.escalate(e, step(Role.CLOCK, at)),
    lambda e, at: holding.give_up(e, "odd", step(Role.CLOCK, at)),
]
WAITS = [timedelta(**{unit: n}) for unit, n in (("seconds", 1), ("minutes", 16))]
WAITS += [timedelta(hours=3), timedelta(days=8)]


def _rules_hold(escrow: Escrow) -> None:
    sums = escrow.balances
    parts = (sums.held, sums.released, sums.refunded, sums.charged_back)
    assert sums.captured == sum(parts)
    assert sums.captured in (0, escrow.amount_minor)
    assert min(parts) >= 0
    assert escrow.available_minor >= 0
    assert sum(a.is_live for a in escrow.attempts) <= 1
    assert escrow.version == len(escrow.history)
    assert escrow.status not in CLOSED or sums.held == 0
    assert bool(sums.captured) == (escrow.held_at is not None)
    assert escrow.status in CLOSED or bool(due_at(escrow) or escrow.queue_reason)


Story = list[tuple[int, timedelta]]
STORIES: st.SearchStrategy[Story] = st.lists(
    st.tuples(st.integers(0, len(MOVES) - 1), st.sampled_from(WAITS)), max_size=25
)


def _told(story: Story) -> Iterator[tuple[Escrow, Escrow]]:
    """Every move of the story that happened: the escrow before and after."""
    escrow, at = scenes.created(), scenes.START
    for move, wait in story:
        at += wait
        try:
            after = MOVES[move](escrow, at)
        except Refused:
            continue
        yield escrow, after
        escrow = after


@settings(max_examples=300, deadline=None)
@given(STORIES)
def test_no_story_breaks_a_rule(story: Story) -> None:
    """Rules 2, 5 and 7, whatever happens in whatever order."""
    for _, escrow in _told(story):
        _rules_hold(escrow)


@settings(max_examples=200, deadline=None)
@given(STORIES)
def test_no_story_forgets_a_capture_or_a_line_of_history(story: Story) -> None:
    for before, after in _told(story):
        assert _transactions(before) <= _transactions(after)
        assert after.history[: len(before.history)] == before.history


def _transactions(escrow: Escrow) -> set[tuple[int, str]]:
    return {(a.number, c.xact_id) for a in escrow.attempts for c in a.captures}


@settings(max_examples=200, deadline=None)
@given(STORIES)
def test_no_story_moves_a_closed_escrow_or_funds_one_twice(story: Story) -> None:
    for before, after in _told(story):
        assert before.status not in CLOSED or after.status is before.status
        assert len(_funding(after)) == bool(after.balances.captured)


def _funding(escrow: Escrow) -> list[str]:
    return [
        capture.xact_id
        for attempt in escrow.attempts
        for capture in attempt.captures
        if capture.status is CaptureStatus.FUNDS
    ]
