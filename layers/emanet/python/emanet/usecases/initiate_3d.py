"""The payer starts 3-D Secure: the attempt is written, PAYNET opens a session, the
session is stored. No money moves here; the card passes through and is never kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from emanet import attempts
from emanet.errors import PaymentRefused, Refused, Unavailable
from emanet.escrow import Actor, Attempt, AttemptStatus, Escrow, Role, Step
from emanet.ports import Card, Desk, Gateway, Session, SessionOrder
from emanet.usecases.access import Caller, actor_as
from emanet.usecases.writing import change


@dataclass(frozen=True, slots=True)
class Start:
    """What the payer's frontend sends; `return_to` was checked against the allow-list,
    `base_url` is the public address of this API, `is_escrow` the deployment's wish that
    PAYNET's own escrow holds the money too."""

    escrow_id: str
    card: Card
    return_to: str
    base_url: str
    is_escrow: bool = False


def initiate_3d(
    start: Start,
    caller: Caller,
    *,
    desk: Desk,
    gateway: Gateway,
    deadline: datetime,
) -> tuple[Escrow, Session]:
    """The escrow, authenticating, and where the browser goes.

    Raises EscrowNotFound, NotYourAction, AttemptStarting, TooManyAttempts,
    AttemptsTooFast, IllegalTransition, Superseded, PaymentRefused, Unavailable.
    """
    escrow = desk.store.get(start.escrow_id)
    payer = actor_as(escrow, caller, Role.PAYER)
    state = desk.chance(32)

    def begin(current: Escrow) -> Escrow:
        now = desk.step(payer)
        attempt = _attempt(current, start, state, desk.chance(6), now)
        return attempts.start_attempt(current, attempt, now)

    escrow = change(desk.store, escrow, begin)
    attempt = escrow.attempts[-1]
    try:
        session = gateway.open_session(
            _order(escrow, attempt, start, state), start.card, deadline
        )
    except (PaymentRefused, Unavailable) as error:
        _give_back(escrow, attempt, error.code, payer, desk)
        raise
    return _stored(escrow, attempt, session, payer, desk), session


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
        reference_no=attempt.reference_no,
        amount_minor=attempt.expected_minor,
        return_url=start.base_url + way,
        domain=urlsplit(start.return_to).hostname or "",
        is_escrow=attempt.is_escrow,
    )


def _stored(
    escrow: Escrow,
    attempt: Attempt,
    session: Session,
    payer: Actor,
    desk: Desk,
) -> Escrow:
    def keep(current: Escrow) -> Escrow:
        now = desk.step(payer)
        return attempts.store_session(current, attempt.number, session.session_id, now)

    return change(desk.store, escrow, keep)


def _give_back(
    escrow: Escrow,
    attempt: Attempt,
    why: str,
    payer: Actor,
    desk: Desk,
) -> None:
    """Payable again at once. If this write is lost too, the attempt is simply
    superseded by the next one after half a minute."""

    def close(current: Escrow) -> Escrow:
        now = desk.step(payer)
        return attempts.refuse_session(current, attempt.number, why, now)

    try:
        change(desk.store, escrow, close)
    except (Refused, Unavailable):
        return


def digest(secret: str) -> str:
    """How a secret of a path is stored."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
