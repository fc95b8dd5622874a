"""The payer starts 3-D Secure: the attempt is written, PAYNET opens a session, the
session is stored. No money moves here; the card passes through and is never kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from emanet import attempts, instalments
from emanet.cards import StoredCard
from emanet.errors import (
    CardNotFound,
    FieldProblem,
    InvalidRequest,
    PaymentRefused,
    Refused,
    Unavailable,
)
from emanet.escrow import (
    Actor,
    Attempt,
    CardConsent,
    Escrow,
    Role,
    Step,
)
from emanet.instalments import Quote
from emanet.istanbul import day_of
from emanet.ports import (
    Card,
    Desk,
    Gateway,
    Session,
    Storing,
)
from emanet.usecases.access import Caller, actor_as
from emanet.usecases.starting import Payment, Saving, Start, begun
from emanet.usecases.stored_cards import CardBook
from emanet.usecases.writing import change


@dataclass(frozen=True, slots=True)
class Till:
    """The worlds that a payment by card needs. `user_id` makes an id of a payer that
    PAYNET may know."""

    desk: Desk
    gateway: Gateway
    book: CardBook
    quote_key: Callable[[], bytes]
    user_id: Callable[[str], str]


def initiate_3d(
    start: Start, payment: Payment, caller: Caller, till: Till, deadline: datetime
) -> tuple[Escrow, Session]:
    """The escrow, authenticating, and where the browser goes.

    Raises EscrowNotFound, NotYourAction, CardNotFound, QuoteRefused, InvalidRequest
    (the stored card is over), AttemptStarting, TooManyAttempts, AttemptsTooFast,
    IllegalTransition, Superseded, PaymentRefused, Unavailable.
    """
    desk = till.desk
    escrow = desk.store.get(start.escrow_id)
    payer = actor_as(escrow, caller, Role.PAYER)
    attempts.must_be_payable(escrow, desk.clock())
    quote = _quote(escrow, payment, till)
    card = _card(payment.card, payer, till, deadline)
    storing = _storing(payment.saving, payer, till)

    def begin(current: Escrow, attempt: Attempt, now: Step) -> Escrow:
        priced = _priced(current, attempt, quote, card.bin, now)
        if payment.saving:
            consent = CardConsent(payment.saving.text_version, now.at)
            priced = replace(priced, consent=consent)
        return attempts.start_attempt(current, priced, now)

    escrow, order = begun(escrow, start, payer, desk, begin)
    attempt = escrow.attempts[-1]
    try:
        session = till.gateway.open_session(
            replace(order, storing=storing), card, deadline
        )
    except (PaymentRefused, CardNotFound, Unavailable) as error:
        _give_back(escrow, attempt, error.code, payer, desk)
        raise
    return _stored(escrow, attempt, session, payer, desk), session


# ── with what, and for how much ──────────────────────────────────────────────


def _card(
    wanted: Card | str, payer: Actor, till: Till, deadline: datetime
) -> Card | StoredCard:
    """A stored one is looked up among the payer's own, before anything is written."""
    if isinstance(wanted, Card):
        return wanted
    _, card = till.book.find(payer.id, wanted, deadline)
    if card.is_over(day_of(till.desk.clock())):
        raise InvalidRequest(FieldProblem("stored_card", "card_expired"))
    return card


def _quote(escrow: Escrow, payment: Payment, till: Till) -> Quote | None:
    """Refused, if it must be, before anybody is asked about a card."""
    if payment.quote is None:
        return None
    quote = instalments.read_quote(payment.quote, till.quote_key())
    instalments.must_hold(quote, escrow, till.desk.clock())
    return quote


def _priced(
    escrow: Escrow, attempt: Attempt, quote: Quote | None, bin_: str, now: Step
) -> Attempt:
    """The quote must be about this card, and the escrow as it is now."""
    if quote is None:
        return attempt
    instalments.must_hold(quote, escrow, now.at)
    instalments.must_be_for_card(quote, bin_)
    offer = quote.offer
    return replace(attempt, expected_minor=offer.total_minor, instalments=offer.count)


def _storing(saving: Saving | None, payer: Actor, till: Till) -> Storing | None:
    if saving is None:
        return None
    owner = till.book.owners.read_owner(payer.id)
    known = owner.owner_id if owner else None
    return Storing(saving.name, till.user_id(payer.id), known)


# ── what became of the session ───────────────────────────────────────────────


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
