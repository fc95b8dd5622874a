"""Scenes in which two or three want something of one escrow at the same moment: how it
came to that, what each then does, and every way in which they may be answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from emanet.escrow import Escrow
from tests.simulation.world import World
from tests.stage import (
    AMOUNT_MINOR,
    BACKEND,
    BASE_URL,
    BUYER,
    OPERATIONS,
    SAVE_CARD,
    SELLER,
    Answer,
    Who,
    order,
    payment,
)

CHARGE = "/v2/transaction/tds_charge"
REFUND = "/v1/transaction/reversed_request"
CHIEF = ("ops-2", OPERATIONS[1])
_BEFORE_A_DEADLINE = timedelta(milliseconds=15)  # some calls fall before, some after

Act = Callable[[], Any]
"""One call of one function; its answer, or the report of a run."""


@dataclass(frozen=True)
class Scene:
    """`play` brings a new world to that moment and says what each does. `legal`: how
    they may be answered, in the order of the actors; HTTP statuses, or "ran"."""

    name: str
    play: Callable[[World], tuple[Act, ...]]
    legal: frozenset[str]


# ── what each may do ─────────────────────────────────────────────────────────


def _lira(amount_minor: int) -> dict[str, Any]:
    return {"amount": amount_minor, "currency": "TRY"}


def _post(
    world: World, path: str, who: Who, body: Mapping[str, Any], key: str = ""
) -> Act:
    headers = {"Idempotency-Key": key} if key else {}
    return partial(world.call, "POST", path, dict(body), who=who, headers=headers)


def _act(
    world: World, id_: str, word: str, who: Who = BUYER, key: str = "", **body: Any
) -> Act:
    return _post(world, f"/api/escrows/{id_}/{word}", who, body, key)


def _move(
    world: World, id_: str, word: str, key: str, minor: int = AMOUNT_MINOR
) -> Act:
    """Released by the payer, refunded by the payee."""
    who = BUYER if word == "release" else SELLER
    return _act(world, id_, word, who, key, amount=_lira(minor))


def _decide(
    world: World, id_: str, word: str, who: Who = OPERATIONS, **said: Any
) -> Act:
    """About the version that stands there now."""
    body = {"reason": "looked into", "version": world.escrow(id_).version, **said}
    path = f"/api/operations/escrows/{id_}/{word}"
    return _post(world, path, who, body, f"key-of-{who[0]}")


def _split(world: World, id_: str, word: str, minor: int, who: Who = OPERATIONS) -> Act:
    """So much of what is held to the payee, the rest back; whatever the version is."""
    rest = world.escrow(id_).balances.held - minor
    legs = {"release": _lira(minor), "refund": _lira(rest)}
    return _decide(world, id_, word, who, version=None, **legs)


def _pay(world: World, id_: str, **with_: Any) -> Act:
    body = payment(**with_)
    if with_:
        del body["card"]
    return _post(world, f"/api/escrows/{id_}/3d", BUYER, body)


def _ship(world: World, id_: str) -> Act:
    parcel = {"carrier": "Kargo", "tracking_number": "TR-1"}
    return _act(world, id_, "ship", SELLER, **parcel)


def _dispute(world: World, id_: str) -> Act:
    return _act(world, id_, "dispute", reason="broken glass")


# ── how it came to that ──────────────────────────────────────────────────────


def _at_bank(world: World) -> tuple[str, Act]:
    """The payer passed the bank; his browser is about to come back."""
    id_ = world.create()
    form = world.initiate(id_).at_bank()
    return id_, partial(world.come_back, form)


def _charging(world: World) -> tuple[str, Act]:
    """PAYNET charged, and neither answer reached us; to ask is due, and the browser may
    take the charge over."""
    id_, back = _at_bank(world)
    world.paynet.faults.add("close", CHARGE, times=2)
    _went(back)
    world.later(seconds=70)
    assert world.escrow(id_).status == "charging"
    return id_, back


def _shipped(world: World) -> str:
    id_ = world.held()
    _went(_ship(world, id_))
    return id_


def _disputed(world: World) -> str:
    id_ = _shipped(world)
    _went(_dispute(world, id_))
    return id_


def _refund_due(world: World, id_: str) -> str:
    """The payee gave all of it up; nothing was sent yet."""
    _went(_move(world, id_, "refund", "given-up"))
    world.later(seconds=1)
    return id_


def _refunding(world: World) -> tuple[str, Act]:
    """PAYNET took the order and carried it out; its word is on the way, and to ask is
    due."""
    id_ = _refund_due(world, world.held())
    world.run_reconciler()
    world.later(seconds=25)
    assert world.escrow(id_).status == "refunding"
    (refund,) = world.paynet.books.refunds()
    told = {"xact_id": refund.sale.xact_id, "code": "0", "status": "Onaylandı"}
    path = refund.succeed_url.removeprefix(BASE_URL)
    return id_, _post(world, path, BUYER, told)


def _reviewed(world: World) -> str:
    """Held money whose refund PAYNET never heard of, as a human found out."""
    id_ = _refund_due(world, world.held())
    world.paynet.faults.add("close", REFUND, when="before")
    world.rest(timedelta(days=2))
    _went(_decide(world, id_, "deny_unknown"))
    assert world.escrow(id_).status == "review"
    return id_


def _taken_back_by_the_bank(world: World, id_: str) -> str:
    """PAYNET knows of a chargeback; we do not yet."""
    for row in world.paynet.books.find():
        if row.reference_no.startswith(id_):
            world.paynet.books.charge_back(row.xact_id)
    return id_


def _just_before(world: World, moment: datetime | None) -> None:
    assert moment is not None
    world.clock.ahead += moment - world.clock() - _BEFORE_A_DEADLINE


def _went(act: Act) -> None:
    answer: Answer = act()
    assert answer.status < 400, answer.text


def _open_session(escrow: Escrow) -> datetime | None:
    return escrow.live_attempt.expires_at if escrow.live_attempt else None


# ── paying ───────────────────────────────────────────────────────────────────


def _two_returns(world: World) -> tuple[Act, ...]:
    _, back = _at_bank(world)
    return back, back


def _return_and_reconciler(world: World) -> tuple[Act, ...]:
    _, back = _charging(world)
    return back, world.run_reconciler


def _two_initiates(world: World) -> tuple[Act, ...]:
    id_ = world.create()
    return _pay(world, id_), _pay(world, id_)


def _initiate_and_return(world: World) -> tuple[Act, ...]:
    id_, back = _at_bank(world)
    return _pay(world, id_), back


def _return_and_session_end(world: World) -> tuple[Act, ...]:
    id_, back = _at_bank(world)
    _just_before(world, _open_session(world.escrow(id_)))
    return back, world.run_reconciler


def _initiate_and_expiry(world: World) -> tuple[Act, ...]:
    id_ = world.create()
    pay_by = world.escrow(id_).deadlines.pay_by
    world.rest(timedelta(hours=71))
    _just_before(world, pay_by)
    return _pay(world, id_), world.run_reconciler


def _cancel_and_initiate(world: World) -> tuple[Act, ...]:
    id_ = world.create()
    return _act(world, id_, "cancel"), _pay(world, id_)


def _cancel_and_return(world: World) -> tuple[Act, ...]:
    id_, back = _at_bank(world)
    return _act(world, id_, "cancel"), back


def _two_reconcilers_of_a_charge(world: World) -> tuple[Act, ...]:
    _charging(world)
    return world.run_reconciler, world.run_reconciler


def _callback_and_return(world: World) -> tuple[Act, ...]:
    id_, back = _at_bank(world)
    reference = world.escrow(id_).attempts[-1].reference_no
    return partial(world.callback, reference), back


def _callback_and_reconciler(world: World) -> tuple[Act, ...]:
    id_, _ = _charging(world)
    reference = world.escrow(id_).attempts[-1].reference_no
    return partial(world.callback, reference), world.run_reconciler


def _heard_callback_and_return(world: World) -> tuple[Act, ...]:
    """The callback is quicker than the browser, and PAYNET is asked about it while the
    browser charges."""
    id_, back = _at_bank(world)
    _went(partial(world.callback, world.escrow(id_).attempts[-1].reference_no))
    return world.run_reconciler, back


def _two_registrations(world: World) -> tuple[Act, ...]:
    register = _post(world, "/api/escrows", BACKEND, order("order-1"))
    return register, register


def _delete_card_and_pay(world: World) -> tuple[Act, ...]:
    world.pay(world.create(), save_card=SAVE_CARD)
    (card,) = world.call("GET", "/api/cards").body["cards"]
    id_ = world.create()
    delete = partial(world.call, "DELETE", f"/api/cards/{card['card_id']}")
    return delete, _pay(world, id_, stored_card=card["card_id"])


# ── held money ───────────────────────────────────────────────────────────────


def _release_and_refund(world: World) -> tuple[Act, ...]:
    id_ = world.held()
    return _move(world, id_, "release", "a"), _move(world, id_, "refund", "a")


def _one_release_twice(world: World) -> tuple[Act, ...]:
    release = _move(world, world.held(), "release", "same")
    return release, release


def _two_releases(world: World) -> tuple[Act, ...]:
    id_ = world.held()
    return _move(world, id_, "release", "one"), _move(world, id_, "release", "two")


def _parts_that_do_not_fit(world: World) -> tuple[Act, ...]:
    id_ = world.held()
    part = _move(world, id_, "release", "one", 90_000)
    return part, _move(world, id_, "refund", "two", 50_000)


def _cancel_and_ship(world: World) -> tuple[Act, ...]:
    id_ = world.held()
    return _act(world, id_, "cancel"), _ship(world, id_)


def _ship_and_ship_by(world: World) -> tuple[Act, ...]:
    id_ = world.held()
    world.rest(timedelta(days=6, hours=23))
    _just_before(world, world.escrow(id_).deadlines.ship_by)
    return _ship(world, id_), world.run_reconciler


def _dispute_and_auto_release(world: World) -> tuple[Act, ...]:
    id_ = _shipped(world)
    _went(_act(world, id_, "deliver"))
    world.rest(timedelta(days=2, hours=23))
    _just_before(world, world.escrow(id_).deadlines.inspection_by)
    return _dispute(world, id_), world.run_reconciler


def _dispute_and_release(world: World) -> tuple[Act, ...]:
    id_ = _shipped(world)
    return _dispute(world, id_), _move(world, id_, "release", "a")


def _dispute_and_sending(world: World) -> tuple[Act, ...]:
    id_ = _refund_due(world, _shipped(world))
    return _dispute(world, id_), world.run_reconciler


def _two_reconcilers_of_a_refund(world: World) -> tuple[Act, ...]:
    _refund_due(world, world.held())
    return world.run_reconciler, world.run_reconciler


def _withdrawal_and_sending(world: World) -> tuple[Act, ...]:
    id_ = _refund_due(world, world.held())
    key = world.escrow(id_).settlements[0].key
    withdraw = _decide(world, id_, "withdraw_settlement", settlement=key)
    return withdraw, world.run_reconciler


def _refund_callback_and_reconciler(world: World) -> tuple[Act, ...]:
    _, told = _refunding(world)
    return told, world.run_reconciler


# ── operations ───────────────────────────────────────────────────────────────


def _two_operators(world: World) -> tuple[Act, ...]:
    id_ = _disputed(world)
    all_ = world.escrow(id_).balances.held
    release = _split(world, id_, "resolve_dispute", all_)
    return release, _split(world, id_, "resolve_dispute", 0, CHIEF)


def _settle_and_resume(world: World) -> tuple[Act, ...]:
    id_ = _reviewed(world)
    settle = _split(world, id_, "settle_review", 30_000)
    return settle, _decide(world, id_, "resume", CHIEF)


def _resolve_and_withdraw(world: World) -> tuple[Act, ...]:
    id_ = _disputed(world)
    resolve = _split(world, id_, "resolve_dispute", 0)
    return resolve, _act(world, id_, "withdraw_dispute")


def _resolve_and_chargeback(world: World) -> tuple[Act, ...]:
    id_ = _taken_back_by_the_bank(world, _disputed(world))
    resolve = _split(world, id_, "resolve_dispute", AMOUNT_MINOR)
    return resolve, _decide(world, id_, "open_chargeback", CHIEF)


def _chargeback_and_sending(world: World) -> tuple[Act, ...]:
    id_ = _taken_back_by_the_bank(world, _refund_due(world, world.held()))
    return _decide(world, id_, "open_chargeback"), world.run_reconciler


def _scene(name: str, play: Callable[[World], tuple[Act, ...]], *legal: str) -> Scene:
    return Scene(name, play, frozenset(legal))


_FIRST_WINS = ("200 409", "409 200")
_OR_TOO_LATE = ("200 ran", "409 ran")

PAIRS = (
    _scene("return, return", _two_returns, "303 303"),
    _scene("return, reconcile", _return_and_reconciler, "303 ran"),
    _scene("initiate, initiate", _two_initiates, "201 201", "201 409", "409 201"),
    _scene("initiate, return", _initiate_and_return, "201 303", "409 303"),
    _scene("return, session end", _return_and_session_end, "303 ran"),
    _scene("initiate, expiry", _initiate_and_expiry, "201 ran", "409 ran"),
    _scene("cancel, initiate", _cancel_and_initiate, "200 201", "200 409"),
    _scene("cancel, return", _cancel_and_return, "200 303", "409 303"),
    _scene("reconcile, reconcile: charge", _two_reconcilers_of_a_charge, "ran ran"),
    _scene("callback, return", _callback_and_return, "200 303"),
    _scene("callback, reconcile", _callback_and_reconciler, "200 ran"),
    _scene("heard callback, return", _heard_callback_and_return, "ran 303"),
    _scene("create, create", _two_registrations, "201 200", "200 201"),
    _scene("delete card, pay by it", _delete_card_and_pay, "204 201", "204 404"),
    _scene("release, refund", _release_and_refund, *_FIRST_WINS),
    _scene("release, the same again", _one_release_twice, "200 200"),
    _scene("release, another", _two_releases, *_FIRST_WINS),
    _scene("parts that do not fit", _parts_that_do_not_fit, *_FIRST_WINS),
    _scene("cancel, ship", _cancel_and_ship, *_FIRST_WINS),
    _scene("ship, ship-by", _ship_and_ship_by, *_OR_TOO_LATE),
    _scene("dispute, auto-release", _dispute_and_auto_release, *_OR_TOO_LATE),
    _scene("dispute, release", _dispute_and_release, *_FIRST_WINS),
    _scene("dispute, refund sent", _dispute_and_sending, *_OR_TOO_LATE),
    _scene("reconcile, reconcile: refund", _two_reconcilers_of_a_refund, "ran ran"),
    _scene("withdraw, refund sent", _withdrawal_and_sending, *_OR_TOO_LATE),
    _scene("refund callback, reconcile", _refund_callback_and_reconciler, "200 ran"),
    _scene("resolve, resolve otherwise", _two_operators, *_FIRST_WINS),
    _scene("settle review, resume", _settle_and_resume, *_FIRST_WINS),
    _scene("resolve, withdraw dispute", _resolve_and_withdraw, *_FIRST_WINS),
    _scene("resolve, chargeback", _resolve_and_chargeback, *_FIRST_WINS),
    _scene("chargeback, refund sent", _chargeback_and_sending, *_OR_TOO_LATE),
)


# ── three ────────────────────────────────────────────────────────────────────


def _returns_and_callback(world: World) -> tuple[Act, ...]:
    id_, back = _at_bank(world)
    reference = world.escrow(id_).attempts[-1].reference_no
    return back, back, partial(world.callback, reference)


def _takeover_and_reconcilers(world: World) -> tuple[Act, ...]:
    _, back = _charging(world)
    return back, world.run_reconciler, world.run_reconciler


def _initiate_return_cancel(world: World) -> tuple[Act, ...]:
    id_, back = _at_bank(world)
    return _pay(world, id_), back, _act(world, id_, "cancel")


def _release_refund_cancel(world: World) -> tuple[Act, ...]:
    id_ = world.held()
    refund = _move(world, id_, "refund", "a")
    return _move(world, id_, "release", "a"), refund, _act(world, id_, "cancel")


def _withdrawal_and_reconcilers(world: World) -> tuple[Act, ...]:
    withdraw, run = _withdrawal_and_sending(world)
    return withdraw, run, run


def _operators_and_payer(world: World) -> tuple[Act, ...]:
    one, other = _two_operators(world)
    (escrow,) = world.escrows()
    return one, other, _act(world, escrow.id, "withdraw_dispute")


def _callback_and_reconcilers(world: World) -> tuple[Act, ...]:
    told, run = _refund_callback_and_reconciler(world)
    return told, run, run


_ONE_OF_THREE = ("200 409 409", "409 200 409", "409 409 200")
_PAID_OR_NOT = ("201 303 200", "201 303 409", "409 303 200", "409 303 409")

TRIPLES = (
    _scene("return, return, callback", _returns_and_callback, "303 303 200"),
    _scene("return, two reconcilers", _takeover_and_reconcilers, "303 ran ran"),
    _scene("initiate, return, cancel", _initiate_return_cancel, *_PAID_OR_NOT),
    _scene("release, refund, cancel", _release_refund_cancel, *_ONE_OF_THREE),
    _scene(
        "withdraw, two reconcilers",
        _withdrawal_and_reconcilers,
        "200 ran ran",
        "409 ran ran",
    ),
    _scene("two operators, the payer", _operators_and_payer, *_ONE_OF_THREE),
    _scene(
        "refund callback, two reconcilers", _callback_and_reconcilers, "200 ran ran"
    ),
)
