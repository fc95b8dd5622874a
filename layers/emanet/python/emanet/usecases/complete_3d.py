"""The payer's browser comes back from the bank. Its POST proves nothing by itself: the
state in the path must be ours, the session must be the stored one, and the escrow must
be waiting for it. Only here a card is charged, and only after the intent is written."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime

from emanet import attempts
from emanet.errors import (
    EscrowNotFound,
    Refused,
    StaleEscrow,
    Unavailable,
    UnreadableItem,
)
from emanet.escrow import Actor, Attempt, AttemptStatus, Escrow, Role, Status
from emanet.outcome import Declined, Outcome, Unknown
from emanet.ports import CardOwners, Desk, Gateway
from emanet.usecases.settle import settle
from emanet.usecases.starting import digest
from emanet.usecases.stored_cards import remember_card

BROWSER = Actor(Role.BROWSER)
UNREADABLE = "(unreadable)"  # equals no session that PAYNET ever gave out


@dataclass(frozen=True, slots=True)
class Return:
    """What the browser brought: the path we made, and what PAYNET's page posted. An id
    that cannot be ours is None."""

    escrow_id: str | None
    attempt: int
    state: str = field(repr=False)
    session_id: str | None = field(default=None, repr=False)
    token_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Landing:
    """Where the browser goes next; None: the default page, and nothing is said.
    `came_of` is for our log alone: what became of this return, in a word."""

    return_to: str | None = None
    escrow_id: str | None = None
    came_of: str = field(default="not_ours", compare=False)


@dataclass(frozen=True, slots=True)
class Counter:
    """The worlds that a charge needs."""

    desk: Desk
    gateway: Gateway
    owners: CardOwners


def complete_3d(back: Return, counter: Counter, deadline: datetime) -> Landing:
    """Charges at most once, whatever comes how often. Raises StoreUnavailable if the
    escrow cannot even be read; everything else ends in a landing."""
    if back.escrow_id is None:
        return Landing()
    try:
        escrow = counter.desk.store.get(back.escrow_id)
    except EscrowNotFound:
        return Landing()
    attempt = _proved(escrow, back)
    if attempt is None:
        return Landing()
    try:
        came_of = _finish(escrow, attempt, back, counter, deadline)
    except (Refused, Unavailable) as error:
        came_of = error.code  # too late, or the reconciler will ask: the page shows it
    except StaleEscrow:
        came_of = "lost_to_another"
    return Landing(attempt.return_to, escrow.id, came_of)


def _finish(
    escrow: Escrow,
    attempt: Attempt,
    back: Return,
    counter: Counter,
    deadline: datetime,
) -> str:
    session, token, desk = back.session_id, back.token_id, counter.desk
    if not session or not token:
        _bank_said_no(escrow, attempt, desk)
        return "bank_said_no"
    if not _is_its_session(attempt, session):
        return "another_session"
    counter.gateway.be_ready(deadline)
    charging = _claim(escrow, attempt, session, desk)
    outcome = counter.gateway.charge(session, token, attempt.expected, deadline)
    first_hand = _first_hand(charging, outcome)
    settle(charging, attempt.number, first_hand, desk)
    odd = _remembered(escrow.payer.id, attempt, outcome, counter.owners)
    return f"{_word(outcome)} {odd}".strip()


def _is_its_session(attempt: Attempt, session: str) -> bool:
    """PAYNET's own form may open any; but what nobody can read is nobody's."""
    if attempt.takes_any_session:
        return session != UNREADABLE
    return attempt.session_id is not None and _same(attempt.session_id, session)


def _remembered(
    payer_id: str, attempt: Attempt, outcome: Outcome, owners: CardOwners
) -> str:
    """The payment stands whatever becomes of its card: not remembered, it comes back
    into the payer's list with the next one that he stores."""
    try:
        return remember_card(payer_id, attempt, outcome, owners)
    except (Unavailable, UnreadableItem):
        return "card_not_kept"


def _word(outcome: Outcome) -> str:
    why = getattr(outcome, "why", None) or getattr(outcome, "reason", "")
    return f"{type(outcome).__name__.lower()} {why}".strip()


def _proved(escrow: Escrow, back: Return) -> Attempt | None:
    """The attempt whose unguessable state is in the path."""
    attempt = escrow.attempt(back.attempt)
    if attempt and _same(attempt.state_digest, digest(back.state)):
        return attempt
    return None


def _bank_said_no(escrow: Escrow, attempt: Attempt, desk: Desk) -> None:
    if attempt.status is AttemptStatus.OPEN:
        desk.store.save(escrow, attempts.fail_3d(escrow, desk.step(BROWSER)))


def _claim(escrow: Escrow, attempt: Attempt, session: str, desk: Desk) -> Escrow:
    """The intent, before the effect: exactly one return wins this write, and with it
    its session. Raises Refused or StaleEscrow for every other one."""
    now = desk.step(BROWSER)
    claim = attempts.begin_charge
    if escrow.status is Status.CHARGING:
        claim = attempts.retake_charge
    charging = claim(escrow, attempt.number, session, now)
    desk.store.save(escrow, charging)
    return charging


def _first_hand(charging: Escrow, outcome: Outcome) -> Outcome:
    """A "no" to a takeover is no verdict on the charge that it took over."""
    attempt = charging.live_attempt
    if attempt and attempt.sends > 1 and isinstance(outcome, Declined):
        return Unknown("refused_on_repeat")
    return outcome


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
