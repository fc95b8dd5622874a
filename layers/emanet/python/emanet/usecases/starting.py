"""What every start of a payment has in common, whichever way the card takes to PAYNET:
the attempt that is written first, and the order that PAYNET gets then."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from emanet.escrow import Actor, Attempt, AttemptStatus, Escrow, Step
from emanet.ports import Card, Desk, SessionOrder
from emanet.usecases.writing import change

Begin = Callable[[Escrow, Attempt, Step], Escrow]
"""The escrow with that attempt begun. Raises what forbids it."""


@dataclass(frozen=True, slots=True)
class Start:
    """What the payer's frontend sends. `return_to` was checked against the allow-list,
    `base_url` is the public address of this API, `is_escrow` the deployment's wish that
    PAYNET's own escrow holds the money too."""

    escrow_id: str
    return_to: str
    base_url: str
    is_escrow: bool = False


@dataclass(frozen=True, slots=True)
class Saving:
    """The payer's wish that his card be stored if it pays, to which text he agreed, and
    the name that PAYNET shows for it."""

    text_version: str
    name: str


@dataclass(frozen=True, slots=True)
class Payment:
    """With what: a card that was typed in, or our id of a stored one; in one payment,
    or at the price of a quote that we signed. Only a typed card can be stored."""

    card: Card | str
    quote: str | None = field(default=None, repr=False)
    saving: Saving | None = None


def begun(
    escrow: Escrow, start: Start, payer: Actor, desk: Desk, begin: Begin
) -> tuple[Escrow, SessionOrder]:
    """The attempt written, and what PAYNET is asked for then."""
    state = desk.chance(32)

    def decide(current: Escrow) -> Escrow:
        now = desk.step(payer)
        return begin(current, _attempt(current, start, state, desk.chance(6), now), now)

    escrow = change(desk.store, escrow, decide)
    return escrow, _order(escrow, escrow.attempts[-1], start, state)


def _attempt(
    escrow: Escrow, start: Start, state: str, suffix: str, now: Step
) -> Attempt:
    number = len(escrow.attempts) + 1
    return Attempt(
        number=number,
        reference_no=f"{escrow.id}-{number}-{suffix}",
        expected_minor=escrow.amount_minor,
        status=AttemptStatus.STARTING,
        started_at=now.at,
        return_to=start.return_to,
        state_digest=digest(state),
        is_escrow=start.is_escrow,
    )


def _order(escrow: Escrow, attempt: Attempt, start: Start, state: str) -> SessionOrder:
    way = f"/api/3d/return/{escrow.id}/{attempt.number}/{state}"
    return SessionOrder(
        expected=attempt.expected,
        return_url=start.base_url + way,
        domain=urlsplit(start.return_to).hostname or "",
        is_escrow=attempt.is_escrow,
    )


def digest(secret: str) -> str:
    """How a secret of a path is stored."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
