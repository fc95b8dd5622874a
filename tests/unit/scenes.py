"""Escrows in every status, for tests of the domain, all of them through the machine's
own doors. `every_scene` has them in all their states. Nothing here reads a clock, a
store or a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from emanet import attempts, disputes, holding, reviews, settlements, surplus, verdicts
from emanet.disputes import Legs
from emanet.escrow import (
    Actor,
    Attempt,
    AttemptStatus,
    Capture,
    Escrow,
    Party,
    Role,
    Settlement,
    SettlementKind,
    SettlementStatus,
    Shipment,
    Status,
    Step,
    escrow_id,
)
from emanet.machine import advance, begin
from emanet.outcome import Approved, Declined, Doubtful, Outcome
from emanet.policy import Policy

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AMOUNT_MINOR = 130_000
SURCHARGE_MINOR = 6_500
TOTAL_MINOR = AMOUNT_MINOR + SURCHARGE_MINOR  # in three instalments
RETURN_PAGE = "https://shop.example/return"
CARD_SHOWN = "435508******4358"

IDS = {
    Role.BACKEND: "shop-backend",
    Role.PAYER: "buyer-1",
    Role.PAYEE: "seller-1",
    Role.CARRIER: "carrier-1",
    Role.OPERATIONS: "ops-1",
}
_writes = count(1)


def later(**passed: float) -> datetime:
    """So long after START."""
    return START + timedelta(**passed)


def actor(role: Role) -> Actor:
    return Actor(role, IDS.get(role, ""))


def step(role: Role, at: datetime = START) -> Step:
    return Step(actor(role), at, f"write-{next(_writes)}")


# ── paying ───────────────────────────────────────────────────────────────────


def created(**changes: Any) -> Escrow:
    escrow = Escrow(
        id=escrow_id("stage", "order-1", 1),
        order_id="order-1",
        round=1,
        fingerprint="fingerprint-1",
        amount_minor=AMOUNT_MINOR,
        fee_minor=1_300,
        payer=Party("buyer-1"),
        payee=Party("seller-1"),
        policy=Policy(),
        created_at=START,
    )
    return begin(replace(escrow, **changes), step(Role.BACKEND))


def agreed(**terms: Any) -> Escrow:
    """Registered with other terms than the usual ones."""
    return created(policy=replace(Policy(), **terms))


def attempt(number: int, at: datetime = START, **more: Any) -> Attempt:
    plain = Attempt(
        number=number,
        reference_no=f"{escrow_id('stage', 'order-1', 1)}-{number}-k7m2qa",
        expected_minor=AMOUNT_MINOR,
        status=AttemptStatus.STARTING,
        started_at=at,
        return_to=RETURN_PAGE,
        state_digest=f"digest-{number}",
    )
    return replace(plain, **more)


def starting(before: Escrow | None = None, at: datetime = START, **more: Any) -> Escrow:
    escrow = before or created()
    begun = attempt(len(escrow.attempts) + 1, at, **more)
    return attempts.start_attempt(escrow, begun, step(Role.PAYER, at))


def authenticating(
    before: Escrow | None = None, at: datetime = START, **more: Any
) -> Escrow:
    escrow = starting(before, at, **more)
    number = escrow.attempts[-1].number
    now = step(Role.PAYER, at)
    return attempts.store_session(escrow, number, f"session-{number}", now)


def form_open(before: Escrow | None = None, at: datetime = START) -> Escrow:
    """The payer types the card into PAYNET's own form."""
    escrow = before or created()
    begun = attempt(len(escrow.attempts) + 1, at, is_hosted=True)
    return attempts.open_form(escrow, begun, step(Role.PAYER, at))


def charging(before: Escrow | None = None, at: datetime = START, **more: Any) -> Escrow:
    escrow = authenticating(before, at, **more)
    number = escrow.attempts[-1].number
    now = step(Role.BROWSER, at)
    return attempts.begin_charge(escrow, number, f"session-{number}", now)


def capture(xact_id: str = "xact-1", amount_minor: int = AMOUNT_MINOR) -> Capture:
    return Capture(xact_id, amount_minor, START, CARD_SHOWN)


def settled(
    escrow: Escrow, number: int, outcome: Outcome, at: datetime = START
) -> Escrow:
    """The escrow after a verdict that changes something."""
    after = verdicts.settle(escrow, number, outcome, step(Role.PAYNET, at))
    assert after is not None
    return after


def declined(at: datetime = START) -> Escrow:
    """Payable again; attempt 1 was declined."""
    return settled(charging(at=at), 1, Declined("51 insufficient funds"), at)


def charging_again(at: datetime = START) -> Escrow:
    """Attempt 1 was declined, attempt 2 is being charged."""
    return charging(declined(at), at)


def waiting(at: datetime = START) -> Escrow:
    """While attempt 2 is charged, it comes to light that attempt 1 did take money."""
    return settled(charging_again(at), 1, Approved(capture("xact-late")), at)


def expired() -> Escrow:
    """Given up; attempt 1 was declined."""
    return attempts.expire(declined(), step(Role.CLOCK, later(hours=72)))


def cancelled() -> Escrow:
    """Given up by the payer; attempt 1 was declined."""
    return attempts.cancel(declined(), step(Role.PAYER, later(hours=1)))


def doubted(
    before: Escrow | None = None, number: int = 1, amount_minor: int = 125_000
) -> Escrow:
    """Unpaid review: another amount was taken than asked for."""
    wrong = capture("xact-wrong", amount_minor)
    return settled(before or charging(), number, Doubtful("amount_differs", (wrong,)))


def reopened() -> Escrow:
    """Payable again; what was taken with attempt 1 goes back."""
    return reviews.refund_mismatch(doubted(), "wrong amount", step(Role.OPERATIONS))


# ── holding ──────────────────────────────────────────────────────────────────


def held(before: Escrow | None = None, at: datetime = START) -> Escrow:
    escrow = before or charging_again(at)
    return settled(escrow, escrow.attempts[-1].number, Approved(capture()), at)


def in_instalments(at: datetime = START) -> Escrow:
    """Held; the payer pays in three instalments and bears what they cost."""
    price = {"expected_minor": TOTAL_MINOR, "instalments": 3}
    return paid_in_full(charging(declined(at), at, **price), at)


def paid_in_full(escrow: Escrow, at: datetime = START) -> Escrow:
    """PAYNET took what the newest attempt asks for."""
    number, minor = escrow.attempts[-1].number, escrow.attempts[-1].expected_minor
    return settled(escrow, number, Approved(capture(amount_minor=minor)), at)


def held_by_paynet() -> Escrow:
    """PAYNET's own escrow holds the money."""
    return held(in_paynet_s_escrow(charging_again()))


def in_paynet_s_escrow(escrow: Escrow) -> Escrow:
    """As if its attempts had been opened in that mode: the deployment says so, before
    any of the machine's doors."""
    opened = tuple(replace(a, is_escrow=True) for a in escrow.attempts)
    return replace(escrow, attempts=opened)


def with_fee(escrow: Escrow, commission_minor: int, tax_minor: int = 0) -> Escrow:
    """What PAYNET kept of the capture that funds becomes known."""
    assert escrow.funding is not None
    attempt, funds = escrow.funding
    told = replace(
        funds, commission_minor=commission_minor, commission_tax_minor=tax_minor
    )
    known = replace(attempt, captures=(told,))
    changed = attempts.with_attempt(escrow, known)
    now = step(Role.CLOCK)
    return advance(escrow, "note_fee", escrow.status, now, attempts=changed)


def shipped(at: datetime = START, before: Escrow | None = None) -> Escrow:
    parcel = Shipment(at, "Yurtiçi", "YK-1")
    return holding.ship(before or held(), parcel, step(Role.PAYEE, at))


def delivered(at: datetime = START, before: Escrow | None = None) -> Escrow:
    return holding.deliver(before or shipped(), step(Role.PAYER, at))


def escalated() -> Escrow:
    """Paid review: held for too long."""
    return holding.escalate(held(), step(Role.CLOCK, later(days=60)))


def failing(escrow: Escrow, at: datetime = START) -> Escrow:
    """Reconciling it went wrong too often: review, whatever it was."""
    return holding.give_up(escrow, "TypeError", step(Role.CLOCK, at))


# ── money out ────────────────────────────────────────────────────────────────


def settlement(
    amount_minor: int = AMOUNT_MINOR,
    status: SettlementStatus = SettlementStatus.SCHEDULED,
    kind: SettlementKind = SettlementKind.RELEASE,
    key: str = "key-1",
) -> Settlement:
    return Settlement(key, kind, amount_minor, status, "payer:buyer-1", "", START)


def refund_of(amount_minor: int = AMOUNT_MINOR, key: str = "key-1") -> Settlement:
    return settlement(amount_minor, kind=SettlementKind.REFUND, key=key)


def reserved(
    amount_minor: int = AMOUNT_MINOR,
    before: Escrow | None = None,
    at: datetime = START,
    key: str = "key-1",
) -> Escrow:
    """Held, and a refund of so much is scheduled."""
    asked = refund_of(amount_minor, key)
    now = step(Role.OPERATIONS, at)
    return settlements.schedule_refund(before or held(), asked, now)


def part_reserved_there(
    amount_minor: int = 30_000, before: Escrow | None = None
) -> Escrow:
    """In PAYNET's own escrow, with a part reserved: no door leads here, but whatever
    stands in the table must be lived with."""
    asked = replace(
        refund_of(amount_minor), status=SettlementStatus.SCHEDULED, due_at=START
    )
    return replace(before or held_by_paynet(), settlements=(asked,))


def sent(escrow: Escrow, key: str = "key-1", at: datetime = START) -> Escrow:
    return settlements.send(escrow, key, ("old-row",), "digest", step(Role.CLOCK, at))


def refunding(amount_minor: int = AMOUNT_MINOR, before: Escrow | None = None) -> Escrow:
    """A part is sent on the day after the capture, the whole at once."""
    at = START if amount_minor == AMOUNT_MINOR else later(days=1)
    return sent(reserved(amount_minor, before), at=at)


def releasing() -> Escrow:
    """PAYNET is asked to pay out what its own escrow holds."""
    held_there = delivered(before=held_by_paynet())
    ordered = settlements.release(held_there, settlement(), step(Role.PAYER))
    return sent(ordered)


def proved(escrow: Escrow, proof: str, now: Step, commission_back: int = 0) -> Escrow:
    """What was sent is done, and this shows it."""
    assert escrow.sent is not None
    return settlements.confirm(escrow, escrow.sent.key, proof, now, commission_back)


def unknown(before: Escrow | None = None) -> Escrow:
    """Paid review: nobody knows whether what was sent happened."""
    escrow = before or refunding()
    return settlements.doubt(escrow, "time-out", step(Role.PAYNET, later(days=2)))


def released(before: Escrow | None = None) -> Escrow:
    whole = settlement()
    return settlements.release(before or delivered(), whole, step(Role.PAYER))


def part_released(amount_minor: int = 100_000, before: Escrow | None = None) -> Escrow:
    """The rest is still held."""
    part = settlement(amount_minor, key="part-1")
    return settlements.release(before or delivered(), part, step(Role.PAYER))


def refunded(before: Escrow | None = None) -> Escrow:
    now = step(Role.PAYNET, later(hours=1))
    return settlements.confirm(refunding(before=before), "key-1", "row-1", now)


def split() -> Escrow:
    """30,000 back, 100,000 to the payee."""
    rest = refunding(30_000, before=part_released())
    now = step(Role.PAYNET, later(days=1, hours=1))
    return settlements.confirm(rest, "key-1", "row-1", now)


# ── disputes ─────────────────────────────────────────────────────────────────


def disputed(before: Escrow | None = None, at: datetime = START) -> Escrow:
    now = step(Role.PAYER, at)
    return disputes.open_(before or delivered(), "broken", ("photo-1",), now)


def resolved(release_minor: int = 100_000, before: Escrow | None = None) -> Escrow:
    escrow = before or disputed()
    legs = Legs(release_minor, escrow.balances.held - release_minor)
    now = step(Role.OPERATIONS, later(hours=1))
    return disputes.resolve(escrow, legs, "half broken", now)


# ── besides ──────────────────────────────────────────────────────────────────


def with_surplus(escrow: Escrow, xact_id: str = "xact-late") -> Escrow:
    """It comes to light that attempt 1 took money too; it goes back."""
    return settled(escrow, 1, Approved(capture(xact_id)))


def surplus_key(escrow: Escrow) -> str:
    return next(refund.key for _, _, refund in surplus.refunds(escrow))


def with_denied_surplus(escrow: Escrow) -> Escrow:
    late = with_surplus(escrow)
    key, paynet = surplus_key(late), step(Role.PAYNET)
    order = surplus.send(late, key, (), "digest", step(Role.CLOCK))
    return surplus.deny(order, key, "no", paynet)


def with_mismatch(escrow: Escrow, number: int = 1) -> Escrow:
    """Something odd comes to light about attempt 1, and a human is shown it."""
    odd = capture("xact-odd", 77)
    return settled(escrow, number, Doubtful("more_than_one", (odd,)))


def flagged(escrow: Escrow) -> Escrow:
    return holding.flag(escrow, "odd", step(Role.CLOCK))


def in_status(status: Status) -> Escrow:
    """The plainest one."""
    plain: dict[Status, Callable[[], Escrow]] = {
        Status.CREATED: created,
        Status.AUTHENTICATING: authenticating,
        Status.CHARGING: charging,
        Status.HELD: held,
        Status.DISPUTED: disputed,
        Status.RELEASING: releasing,
        Status.REFUNDING: refunding,
        Status.REVIEW: doubted,
        Status.RELEASED: released,
        Status.REFUNDED: refunded,
        Status.SPLIT: split,
        Status.CANCELLED: cancelled,
        Status.EXPIRED: expired,
    }
    return plain[status]()
