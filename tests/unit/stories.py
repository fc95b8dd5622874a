"""Random stories: whatever anybody may do to an escrow, in any order, from any scene.
Each move is tried by whoever may, at a moment that only goes forward; the machine
refuses what may not happen. Tests ask what holds after every move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st

from emanet import (
    attempts,
    chargebacks,
    disputes,
    holding,
    orders,
    reviews,
    settlements,
    surplus,
    verdicts,
)
from emanet.disputes import Legs
from emanet.due import Duty, Moment, next_moment
from emanet.errors import Refused
from emanet.escrow import (
    Attempt,
    Escrow,
    QueueReason,
    Role,
    Settlement,
    SettlementKind,
    Shipment,
    Status,
    Step,
)
from emanet.orders import Proof
from emanet.outcome import Approved, Declined, Doubtful, NotFound, Outcome, Unknown
from tests.unit import every_scene, scenes
from tests.unit.scenes import step

Move = Callable[[Escrow, datetime, int], Escrow]
"""The number is chance: how much, which one."""

CLOCK, PAYNET, STAFF = Role.CLOCK, Role.PAYNET, Role.OPERATIONS

# ── paying ───────────────────────────────────────────────────────────────────


def _price(n: int) -> dict[str, int]:
    """Mostly one payment; sometimes instalments, whose cost the payer may bear."""
    if n % 4:
        return {}
    return {"instalments": 3, "expected_minor": scenes.AMOUNT_MINOR + n * 100}


def _outcomes(attempt: Attempt) -> list[Outcome]:
    """About this attempt; what PAYNET took for it is its own."""
    number, minor = attempt.number, attempt.expected_minor
    taken = [scenes.capture(f"xact-{number}-{x}", minor) for x in "ab"]
    gone = replace(taken[0], is_reversed=True)
    return [
        *map(Approved, taken),
        Declined("51"),
        NotFound(scenes.START),
        Doubtful("more_than_one", tuple(taken)),
        Doubtful("amount_differs", (scenes.capture(f"xact-{number}-c", 99),)),
        Doubtful("reversed", (gone,)),
        Doubtful("reversed", ()),
        Unknown("odd"),
        Unknown("unclear", seen=taken[1]),
    ]


def _verdict(escrow: Escrow, at: datetime, n: int) -> Escrow:
    if not escrow.attempts:
        return escrow
    attempt = escrow.attempts[-1 if n % 3 else 0]
    number, of_all = attempt.number, _outcomes(attempt)
    outcome = of_all[n % len(of_all)]
    if isinstance(outcome, NotFound):
        outcome = NotFound(at)
    after = verdicts.settle(escrow, number, outcome, step(PAYNET, at))
    return after or attempts.asked(escrow, number, at)


def _session(escrow: Escrow, at: datetime, _: int) -> Escrow:
    number = len(escrow.attempts)
    return attempts.store_session(escrow, number, "session", step(Role.PAYER, at))


def _no_session(escrow: Escrow, at: datetime, _: int) -> Escrow:
    number = len(escrow.attempts)
    return attempts.refuse_session(escrow, number, "no", step(Role.PAYER, at))


def _charge(escrow: Escrow, at: datetime, n: int) -> Escrow:
    number, now = len(escrow.attempts), step(Role.BROWSER, at)
    return attempts.begin_charge(escrow, number, _session_id(escrow, n), now)


def _again(escrow: Escrow, at: datetime, n: int) -> Escrow:
    number, now = len(escrow.attempts), step(Role.BROWSER, at)
    return attempts.retake_charge(escrow, number, _session_id(escrow, n), now)


def _session_id(escrow: Escrow, n: int) -> str:
    """The newest attempt's own; sometimes another, as with PAYNET's form the first
    always is."""
    own = escrow.attempts[-1].session_id if escrow.attempts else None
    return own if own and n % 7 else f"session-of-nobody-{n}"


PAYING: list[Move] = [
    lambda e, at, n: scenes.charging(e, at, **_price(n)),
    lambda e, at, n: scenes.starting(e, at, **_price(n)),
    lambda e, at, _: scenes.form_open(e, at),
    _session,
    _no_session,
    lambda e, at, _: attempts.fail_3d(e, step(Role.BROWSER, at)),
    lambda e, at, _: attempts.cancel(e, step(Role.PAYER, at)),
    _charge,
    _again,
]

# ── holding, and money out ───────────────────────────────────────────────────


def _ship(escrow: Escrow, at: datetime, _: int) -> Escrow:
    return holding.ship(escrow, Shipment(at, "PTT", "1"), step(Role.PAYEE, at))


def _asked(escrow: Escrow, at: datetime, n: int, kind: SettlementKind) -> Settlement:
    """All, a part, a kuruş, or more than there is."""
    there = escrow.available_minor
    minor = (there, there // 3, 1, there + 1, 30_000)[n % 5]
    key = f"key-{len(escrow.settlements) + 1}"
    return replace(scenes.settlement(minor, kind=kind, key=key), at=at)


def _release(escrow: Escrow, at: datetime, n: int) -> Escrow:
    asked = _asked(escrow, at, n, SettlementKind.RELEASE)
    return settlements.release(escrow, asked, step(Role.PAYER, at))


def _refund(escrow: Escrow, at: datetime, n: int) -> Escrow:
    asked = _asked(escrow, at, n, SettlementKind.REFUND)
    return settlements.schedule_refund(escrow, asked, step(Role.PAYEE, at))


def _cancel(escrow: Escrow, at: datetime, _: int) -> Escrow:
    asked = _asked(escrow, at, 0, SettlementKind.REFUND)
    now = step(Role.PAYER, at)
    return settlements.schedule_refund(escrow, asked, now, "cancel_held")


def _withdraw(escrow: Escrow, at: datetime, n: int) -> Escrow:
    keys = [s.key for s in escrow.settlements] or [""]
    return settlements.withdraw(escrow, keys[n % len(keys)], "", step(STAFF, at))


def _answered(escrow: Escrow, at: datetime, n: int) -> Escrow:
    """PAYNET's word on what is sent."""
    now, sent = step(PAYNET, at), escrow.sent
    if sent is None:
        return escrow
    proof = Proof(f"row-{len(escrow.history)}", commission_back_minor=n)
    answers: list[Callable[[], Escrow]] = [
        lambda: orders.confirm(escrow, sent.key, proof, now),
        lambda: orders.deny(escrow, sent.key, "no", now),
        lambda: orders.doubt(escrow, sent.key, "lost", now),
        lambda: settlements.accepted(escrow, now),
        lambda: settlements.deny_for_the_day(escrow, "day", now),
    ]
    return answers[n % len(answers)]()


def _found_done(escrow: Escrow, at: datetime, n: int) -> Escrow:
    keys = [s.key for s in escrow.settlements if s.kind is SettlementKind.REFUND]
    if not keys:
        return escrow
    return orders.confirm(
        escrow, keys[n % len(keys)], Proof("reversed"), step(PAYNET, at)
    )


HOLDING: list[Move] = [
    _ship,
    lambda e, at, _: holding.deliver(e, step(Role.PAYER, at)),
    _release,
    _refund,
    _withdraw,
    _found_done,
    lambda e, at, _: disputes.open_(e, "broken", (), step(Role.PAYER, at)),
    _cancel,
    lambda e, at, _: holding.escalate(e, step(CLOCK, at)),
]

# ── a surplus capture ────────────────────────────────────────────────────────


def _of_surplus(escrow: Escrow, at: datetime, n: int) -> Escrow:
    keys = [refund.key for _, _, refund in surplus.refunds(escrow)]
    if not keys:
        return escrow
    key, now = keys[n % len(keys)], step(PAYNET, at)
    moves: list[Callable[[], Escrow]] = [
        lambda: surplus.send(escrow, key, (), "digest", step(CLOCK, at)),
        lambda: surplus.accepted(escrow, key, now),
        lambda: surplus.confirm(escrow, key, "row", now, n),
        lambda: surplus.deny(escrow, key, "no", now),
        lambda: surplus.doubt(escrow, key, "lost", now),
        lambda: surplus.answer(escrow, key, "seen", step(STAFF, at), is_done=n % 2 > 0),
    ]
    return moves[n % len(moves)]()


def _refund_capture(escrow: Escrow, at: datetime, n: int) -> Escrow:
    ids = [capture.xact_id for capture in escrow.captures] or [""]
    return surplus.refund_by_choice(escrow, ids[n % len(ids)], "", step(STAFF, at))


def _fee(escrow: Escrow, at: datetime, n: int) -> Escrow:
    """PAYNET's fee on one of them becomes known."""
    known = list(escrow.captures)
    if not known:
        return escrow
    told = replace(
        known[n % len(known)], commission_minor=n * 50, commission_tax_minor=n
    )
    return verdicts.note_fee(escrow, told, step(CLOCK, at)) or escrow


# ── disputes, review, chargebacks ────────────────────────────────────────────


def _legs(escrow: Escrow, n: int) -> Legs:
    held = escrow.balances.held
    part = (held, 0, held // 3, held - 1, -1, held + 1)[n % 6]
    return Legs(part, held - part)


DISPUTED: list[Move] = [
    lambda e, at, _: disputes.withdraw(e, "", step(Role.PAYER, at)),
    lambda e, at, _: disputes.reject(e, "", step(STAFF, at)),
    lambda e, at, n: disputes.resolve(e, _legs(e, n), "", step(STAFF, at)),
    lambda e, at, _: disputes.escalate(e, step(CLOCK, at)),
    _withdraw,
]


def _accept(escrow: Escrow, at: datetime, n: int) -> Escrow:
    ids = ["", *(capture.xact_id for capture in escrow.captures)]
    return reviews.accept_mismatch(escrow, ids[n % len(ids)], "", step(STAFF, at))


REVIEWED: list[Move] = [
    lambda e, at, _: reviews.resume(e, "", step(STAFF, at)),
    lambda e, at, _: reviews.confirm_unknown(e, "seen", step(STAFF, at)),
    lambda e, at, _: reviews.deny_unknown(e, "not seen", step(STAFF, at)),
    lambda e, at, _: reviews.note_proof(e, "row", step(PAYNET, at)),
    lambda e, at, n: reviews.settle(e, _legs(e, n), "", step(STAFF, at)),
    _accept,
    lambda e, at, _: reviews.fund_waiting(e, "", step(STAFF, at)),
    lambda e, at, _: reviews.refund_mismatch(e, "", step(STAFF, at)),
    lambda e, at, _: reviews.reopen_unpaid(e, "", step(STAFF, at)),
    _withdraw,
]
ANYWHERE: list[Move] = [
    _verdict,
    _of_surplus,
    _refund_capture,
    _fee,
    lambda e, at, _: _stop_asking(e, at),
    lambda e, at, _: chargebacks.open_(e, "bank", step(STAFF, at)),
    lambda e, at, _: chargebacks.win(e, "bank", step(STAFF, at)),
    lambda e, at, _: chargebacks.lose(e, "bank", step(STAFF, at)),
    lambda e, at, _: holding.give_up(e, "odd", step(CLOCK, at)),
]


def _stop_asking(escrow: Escrow, at: datetime) -> Escrow:
    """As the reconciler does: what is not paid is frozen, what is paid is flagged."""
    end = holding.flag if escrow.balances.captured else holding.give_up
    return end(escrow, "odd", step(CLOCK, at))


# ── the clock ────────────────────────────────────────────────────────────────


def attend(escrow: Escrow, moment: Moment, at: datetime) -> Escrow:
    """What the reconciler does when nobody outside answers: it must never be
    refused."""
    now, about = step(CLOCK, at), moment.about
    ways: dict[Duty, Callable[[], Escrow]] = {
        Duty.ASK: lambda: attempts.asked(escrow, moment.attempt or 0, at),
        Duty.ASK_ORDER: lambda: orders.asked(escrow, about, at),
        Duty.SETTLE: lambda: _settled(escrow, about, now),
        Duty.REMIND: lambda: holding.remind(escrow, about, now),
        Duty.REFUND_UNSHIPPED: lambda: settlements.schedule_refund(
            escrow, _machine_s(escrow, "ship-deadline", SettlementKind.REFUND), now
        ),
        Duty.AUTO_RELEASE: lambda: settlements.release(
            escrow, _machine_s(escrow, "auto-release", SettlementKind.RELEASE), now
        ),
        Duty.LOSE_CHARGEBACK: lambda: chargebacks.lose(escrow, "", now),
        Duty.EXPIRE_SESSION: lambda: attempts.expire_session(escrow, now),
        Duty.EXPIRE: lambda: attempts.expire(escrow, now),
        Duty.MISS_CLAIM: lambda: holding.miss_claim(escrow, now),
        Duty.ESCALATE: lambda: holding.escalate(escrow, now),
        Duty.ESCALATE_DISPUTE: lambda: disputes.escalate(escrow, now),
    }
    return ways[moment.duty]()


def _settled(escrow: Escrow, key: str, now: Step) -> Escrow:
    _, order = orders.find(escrow, key)
    if order.kind is SettlementKind.RELEASE and not escrow.in_paynet_escrow:
        return settlements.release_scheduled(escrow, key, now)
    if orders.is_by_hand(escrow, key):
        return orders.hand_over(escrow, key, now)
    return orders.send(escrow, key, (), "digest", now)


def _machine_s(escrow: Escrow, name: str, kind: SettlementKind) -> Settlement:
    number = 1 + sum(s.key.startswith(name) for s in escrow.settlements)
    key = f"{name}/{number}"
    return scenes.settlement(escrow.available_minor, kind=kind, key=key)


def _tick(escrow: Escrow, at: datetime, _: int) -> Escrow:
    """A run of the reconciler; what is due and refused is a bug."""
    moment = next_moment(escrow, at)
    if moment is None or moment.at > at:
        return escrow
    try:
        return attend(escrow, moment, at)
    except Refused as refused:
        raise AssertionError(f"{moment} was refused: {refused}") from refused


# ── stories ──────────────────────────────────────────────────────────────────

MOVES: dict[Status, list[Move]] = {
    Status.CREATED: PAYING,
    Status.AUTHENTICATING: PAYING,
    Status.CHARGING: [_again, _verdict, _verdict],
    Status.HELD: HOLDING,
    Status.DISPUTED: DISPUTED,
    Status.RELEASING: [_answered],
    Status.REFUNDING: [_answered],
    Status.REVIEW: REVIEWED,
}
WAITS = (
    timedelta(0),
    timedelta(seconds=1),
    timedelta(minutes=16),
    timedelta(hours=13),
    timedelta(days=1),
    timedelta(days=8),
)
SCENES = [
    *every_scene.every(),
    (scenes.delivered(before=scenes.held_by_paynet()), scenes.START),
    (scenes.part_reserved_there(), scenes.START),
]

Story = tuple[int, list[tuple[int, int, timedelta]]]
STORIES: st.SearchStrategy[Story] = st.tuples(
    st.integers(0, len(SCENES) - 1),
    st.lists(
        st.tuples(st.integers(0, 99), st.integers(0, 59), st.sampled_from(WAITS)),
        max_size=20,
    ),
)


def told(story: Story) -> Iterator[tuple[Escrow, Escrow, datetime]]:
    """Every move that happened: the escrow before and after, and when."""
    scene, moves = story
    escrow, at = SCENES[scene]
    at = max(at, escrow.history[-1].at)
    for which, n, wait in moves:
        at += wait
        ways = [_tick, *MOVES.get(escrow.status, []), *ANYWHERE, _tick]
        try:
            after = ways[which % len(ways)](escrow, at, n)
        except Refused:
            continue
        if after != escrow:
            yield escrow, after, at
        escrow = after


def stands_in(escrow: Escrow, reason: QueueReason) -> bool:
    return any(flag.reason is reason for flag in escrow.flags)
