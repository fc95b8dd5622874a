"""What a payer may choose for his card: a single payment, or instalments at a price
that a signed quote holds for a few minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from emanet import instalments
from emanet.errors import IllegalTransition
from emanet.escrow import PAYABLE, Escrow, Role
from emanet.instalments import CardBank, Offer, Quote
from emanet.outcome import Unknown
from emanet.policy import Bearer
from emanet.ports import Cards, Clock, EscrowStore
from emanet.usecases.access import Caller, actor_as

ASK_TAKES = timedelta(seconds=8)  # a payer is choosing: he would rather pay at once


@dataclass(frozen=True, slots=True)
class Offered:
    """The offers with their quotes, which PAYNET's own form has no use for.
    `only_single`: why there are no others, in a word; empty: they are all that there
    is."""

    escrow: Escrow
    bank: CardBank
    quotes: tuple[tuple[Offer, Quote | None], ...]
    only_single: str = ""


@dataclass(frozen=True, slots=True)
class Pricing:
    """Whom to ask. `cards` None: the deployment has PAYNET's own form, in which nobody
    but PAYNET knows the card."""

    store: EscrowStore
    cards: Cards | None
    clock: Clock


def offer_instalments(
    escrow_id: str, bin_: str, caller: Caller, pricing: Pricing, deadline: datetime
) -> Offered:
    """A single payment is always possible, whatever PAYNET says. Raises EscrowNotFound,
    NotYourAction, IllegalTransition (there is nothing to pay)."""
    escrow = pricing.store.get(escrow_id)
    actor_as(escrow, caller, Role.PAYER)
    if escrow.status not in PAYABLE:
        raise IllegalTransition(escrow, "wrong_status")
    bank = _bank(escrow, bin_, pricing, deadline)
    why = bank if isinstance(bank, str) else ""
    known = CardBank() if isinstance(bank, str) else bank
    now = pricing.clock()
    quotes = tuple(
        (offer, instalments.quote(escrow, offer, bin_, now) if pricing.cards else None)
        for offer in instalments.offers(escrow, known)
    )
    return Offered(escrow, known, quotes, why)


def _bank(
    escrow: Escrow, bin_: str, pricing: Pricing, deadline: datetime
) -> CardBank | str:
    """What PAYNET knows of the card, or why nobody asks or answers."""
    if pricing.cards is None:
        return "hosted_form"
    if escrow.policy.instalments_allowed == 1:
        return "policy"
    on_top = escrow.policy.instalment_cost is Bearer.PAYER
    amount = escrow.amount_minor
    soon = min(deadline, pricing.clock() + ASK_TAKES)
    bank = pricing.cards.bank_of(bin_, amount, soon, on_top=on_top)
    return "paynet_unreachable" if isinstance(bank, Unknown) else bank
