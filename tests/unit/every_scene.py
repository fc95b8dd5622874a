"""Every status in all the states that a guard asks for, each with a moment at which it
is looked at: so that every row of the machine is seen moving and every guard refusing.
All of them come through the machine's own doors."""

from __future__ import annotations

from datetime import datetime

from emanet import chargebacks, disputes, holding, reviews, settlements, surplus
from emanet.escrow import Escrow, Role, Status
from emanet.outcome import Approved, Declined
from tests.unit import scenes
from tests.unit.scenes import START, later, step

Scene = tuple[Escrow, datetime]

OPERATIONS, CLOCK, PAYNET = Role.OPERATIONS, Role.CLOCK, Role.PAYNET


def resumed_charging() -> Escrow:
    """Attempt 1 took something odd; attempt 2 is charged on, by a human's decision."""
    odd = scenes.with_mismatch(scenes.charging_again())
    return reviews.resume(odd, "go on", step(OPERATIONS))


def created_with_mismatch() -> Escrow:
    return scenes.settled(resumed_charging(), 2, Declined("51"))


def waited(number: int = 1) -> Escrow:
    """Unpaid review, and a capture that waits."""
    odd = scenes.doubted(scenes.charging_again(), 2)
    return scenes.settled(odd, number, Approved(scenes.capture("xact-late")))


def claim_missed() -> Escrow:
    return holding.miss_claim(scenes.shipped(), step(CLOCK, later(days=7)))


def charged_back(before: Escrow) -> Escrow:
    return chargebacks.open_(before, "bank", step(OPERATIONS, later(days=2)))


def lost(before: Escrow) -> Escrow:
    return chargebacks.lose(charged_back(before), "bank", step(OPERATIONS))


def lost_waiting() -> Escrow:
    """Lost while a part was on its way, which PAYNET then denied."""
    waiting = lost(scenes.refunding(30_000))
    return settlements.deny(waiting, "no", step(PAYNET, later(days=3)))


def unseen_unknown() -> Escrow:
    """The machine gave up while a refund was on its way."""
    return scenes.failing(scenes.refunding(30_000), later(days=2))


def unknown_in_instalments() -> Escrow:
    """Whether all of it went back, surcharge and all, nobody can say."""
    return scenes.unknown(scenes.refunding(before=scenes.in_instalments()))


def overdue() -> Escrow:
    return disputes.escalate(scenes.disputed(), step(CLOCK, later(days=3)))


def disputed_and_reserved() -> Escrow:
    return scenes.disputed(scenes.reserved(30_000, scenes.delivered()))


def besides(escrow: Escrow, at: datetime = START) -> tuple[Scene, ...]:
    """Paid or closed: the same with what may come to light besides."""
    return (
        (escrow, at),
        (scenes.with_surplus(escrow), at),
        (scenes.with_denied_surplus(escrow), at),
        (scenes.with_mismatch(escrow), at),
    )


def denied_surplus(escrow: Escrow) -> Escrow:
    """What goes back by itself was refused by PAYNET."""
    key = scenes.surplus_key(escrow)
    order = surplus.send(escrow, key, (), "digest", step(CLOCK))
    return surplus.deny(order, key, "no", step(PAYNET))


SCENES: dict[Status, tuple[Scene, ...]] = {
    Status.CREATED: (
        (scenes.created(), START),
        (scenes.created(), later(hours=72)),
        (scenes.starting(), later(seconds=29)),
        (scenes.reopened(), START),
        (denied_surplus(scenes.reopened()), START),
        (created_with_mismatch(), START),
    ),
    Status.AUTHENTICATING: (
        (scenes.authenticating(), later(minutes=1)),
        (scenes.authenticating(), later(minutes=30)),
        (scenes.authenticating(), later(hours=72)),
        (scenes.form_open(), later(minutes=1)),
        (scenes.form_open(), later(minutes=30)),
        (scenes.authenticating(scenes.reopened()), START),
        (scenes.authenticating(denied_surplus(scenes.reopened())), START),
        (scenes.authenticating(created_with_mismatch()), START),
    ),
    Status.CHARGING: (
        (scenes.charging(), later(seconds=1)),
        (scenes.charging(), later(seconds=60)),
        (scenes.charging(), later(minutes=15)),
        (scenes.charging(scenes.reopened()), START),
        (scenes.charging(denied_surplus(scenes.reopened())), START),
        (resumed_charging(), START),
    ),
    Status.HELD: (
        *besides(scenes.held(), later(hours=1)),
        (scenes.held(), later(days=60)),
        (scenes.shipped(), later(hours=1)),
        (scenes.shipped(), later(days=7)),
        (scenes.delivered(), later(hours=1)),
        (scenes.reserved(), later(hours=1)),
        (scenes.reserved(30_000), later(hours=1)),
        (scenes.part_released(), later(hours=1)),
        (scenes.resolved(), later(hours=1)),
        (claim_missed(), later(days=8)),
        (scenes.held_by_paynet(), later(hours=1)),
        (scenes.in_instalments(), later(hours=1)),
        (scenes.reserved(before=scenes.in_instalments()), later(hours=1)),
        (scenes.part_released(before=scenes.in_instalments()), later(hours=1)),
    ),
    Status.DISPUTED: (
        *besides(scenes.disputed(), later(hours=1)),
        (scenes.disputed(), later(days=3)),
        (overdue(), later(days=4)),
        (disputed_and_reserved(), later(hours=1)),
    ),
    Status.RELEASING: (
        *besides(scenes.releasing()),
        (charged_back(scenes.releasing()), later(days=2)),
    ),
    Status.REFUNDING: (
        *besides(scenes.refunding()),
        (scenes.refunding(30_000), later(days=2)),
        (charged_back(scenes.refunding()), later(days=2)),
        (scenes.refunding(before=scenes.in_instalments()), later(hours=1)),
    ),
    Status.REVIEW: (
        *besides(scenes.escalated(), later(days=61)),
        (scenes.doubted(), START),
        (scenes.failing(scenes.created()), START),
        (scenes.failing(scenes.authenticating()), START),
        (scenes.failing(scenes.charging()), START),
        (scenes.failing(scenes.held()), START),
        (scenes.failing(scenes.disputed()), START),
        (scenes.failing(scenes.reserved(30_000)), START),
        (waited(), START),
        (scenes.unknown(), later(days=2)),
        (unseen_unknown(), later(days=2)),
        (charged_back(scenes.held()), later(days=2)),
        (charged_back(scenes.disputed()), later(days=2)),
        (charged_back(scenes.escalated()), later(days=61)),
        (lost_waiting(), later(days=3)),
        (unknown_in_instalments(), later(days=2)),
        (charged_back(scenes.in_instalments()), later(days=2)),
    ),
    Status.RELEASED: (
        *besides(scenes.released()),
        (charged_back(scenes.released()), later(days=2)),
        (charged_back(scenes.released(scenes.in_instalments())), later(days=2)),
    ),
    Status.REFUNDED: (
        *besides(scenes.refunded()),
        (charged_back(scenes.refunded()), later(days=2)),
        (lost(scenes.held()), later(days=2)),
        (scenes.refunded(scenes.in_instalments()), later(days=2)),
    ),
    Status.SPLIT: (
        *besides(scenes.split()),
        (charged_back(scenes.split()), later(days=2)),
    ),
    Status.CANCELLED: besides(scenes.cancelled()),
    Status.EXPIRED: besides(scenes.expired(), later(hours=73)),
}


def _shown(scene: Scene) -> Scene:
    """The same, and a human was shown it, while everything goes on."""
    escrow, at = scene
    return holding.show(escrow, "odd", step(CLOCK, at)), at


SCENES |= {status: (*of, _shown(of[0])) for status, of in SCENES.items()}


def every() -> list[Scene]:
    return [scene for of_status in SCENES.values() for scene in of_status]
