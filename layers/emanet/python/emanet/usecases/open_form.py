"""The payer pays in PAYNET's own form: there is no card here and no session yet, so the
attempt is all that is written. The session comes back with the payer's browser."""

from __future__ import annotations

from dataclasses import replace

from emanet import attempts
from emanet.escrow import Attempt, Escrow, Role, Step
from emanet.ports import Desk, Form, Forms
from emanet.usecases.access import Caller, actor_as
from emanet.usecases.starting import Start, begun


def open_form(
    start: Start, caller: Caller, desk: Desk, forms: Forms
) -> tuple[Escrow, Form]:
    """The escrow, authenticating, and PAYNET's form for the payer's browser. One
    payment, never instalments: their price is chosen inside the form.

    Raises EscrowNotFound, NotYourAction, TooManyAttempts, AttemptsTooFast,
    IllegalTransition, StoreUnavailable.
    """
    escrow = desk.store.get(start.escrow_id)
    payer = actor_as(escrow, caller, Role.PAYER)

    def begin(current: Escrow, attempt: Attempt, now: Step) -> Escrow:
        return attempts.open_form(current, replace(attempt, is_hosted=True), now)

    escrow, order = begun(escrow, start, payer, desk, begin)
    return escrow, forms.form(order)
