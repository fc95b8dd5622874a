"""What can go wrong, one class an outcome. A class carries the stable `code` under
which docs/errors.md and the answers know it, and facts that are safe to show; it
never carries card data, tokens or keys, and never chooses an HTTP status.

    EmanetError
    ├── NotAllowed            asked for something the caller may not do
    │   ├── EscrowNotFound        unknown, or not the caller's: the same answer
    │   ├── CallbackNotFound      ├── PlanNotFound        ├── CardNotFound
    │   └── NotYourAction         a party, but not the one who may
    ├── Refused               asked for something the escrow's state forbids
    │   ├── IllegalTransition     ├── AttemptStarting     ├── TooManyAttempts
    │   ├── OrderExists           ├── Superseded          ├── AttemptsTooFast
    │   └── PreviousRoundOpen     └── TooManySettlements
    ├── InvalidRequest        a field is wrong: names the field, echoes nothing
    │   ├── NotJson   ├── BodyTooLarge   ├── KeyReused    └── QuoteRefused
    ├── PaymentRefused        PAYNET did not open a session for this card
    ├── Unavailable           an outside world did not answer: try again later
    │   ├── PaynetUnreachable   ├── SecretUnavailable   └── StoreUnavailable
    └── CallbackRefused       a callback did not pass the gate

Three are no outcomes and never leave the house: StaleEscrow (a conditional write lost;
carries the winner's item), UnreadableItem, and `money.RuleBroken` (a bug).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from emanet.escrow import Escrow


class EmanetError(Exception):
    """Root of all of them."""

    code: ClassVar[str]
    retry_after_s: int | None = None


class NotAllowed(EmanetError):
    """The caller may not do this."""


class EscrowNotFound(NotAllowed):
    """No such escrow, or not one of the caller's."""

    code = "escrow_not_found"


class CallbackNotFound(NotAllowed):
    """No such callback, or it waits for nobody."""

    code = "callback_not_found"


class PlanNotFound(NotAllowed):
    """No such plan of repairs, or it is older than a month."""

    code = "plan_not_found"


class CardNotFound(NotAllowed):
    """No such stored card, or not one of the caller's."""

    code = "card_not_found"


class NotYourAction(NotAllowed):
    """The caller is known to this escrow, but another party decides this."""

    code = "not_your_action"


class Refused(EmanetError):
    """The escrow's present state forbids it; `current` is that state."""

    def __init__(self, current: Escrow, why: str = "") -> None:
        super().__init__(f"{self.code} in {current.status}: {why}")
        self.current = current
        self.why = why


class IllegalTransition(Refused):
    """The machine has no such row, or its guard says no."""

    code = "not_allowed_now"


class OrderExists(Refused):
    """This order was registered before, with another body."""

    code = "order_exists"


class PreviousRoundOpen(Refused):
    """A new round needs the one before to have ended unpaid."""

    code = "previous_round_open"


class AttemptStarting(Refused):
    """Another request is opening a session for this escrow right now."""

    code = "attempt_starting"

    def __init__(self, current: Escrow, retry_after_s: int) -> None:
        super().__init__(current)
        self.retry_after_s = retry_after_s


class Superseded(Refused):
    """A newer attempt took this one's place."""

    code = "superseded"


class TooManyAttempts(Refused):
    """The escrow has used up its attempts."""

    code = "too_many_attempts"


class AttemptsTooFast(Refused):
    """Too many attempts within a few minutes."""

    code = "attempts_too_fast"

    def __init__(self, current: Escrow, retry_after_s: int) -> None:
        super().__init__(current)
        self.retry_after_s = retry_after_s


class TooManySettlements(Refused):
    """The parties have moved its money too often; only all of the rest may move."""

    code = "too_many_settlements"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """Where (`amount.currency`) and what kind of wrong (`int_type`); never the
    value."""

    field: str
    problem: str


class InvalidRequest(EmanetError):
    """One or more fields are wrong."""

    code = "invalid_request"

    def __init__(self, *problems: FieldProblem) -> None:
        super().__init__(self.code)
        self.problems = problems


class NotJson(InvalidRequest):
    """The body is not one JSON object with each key once."""

    code = "not_json"


class BodyTooLarge(InvalidRequest):
    """The body is larger than this route reads."""

    code = "body_too_large"


class KeyReused(InvalidRequest):
    """The same Idempotency-Key came with another body."""

    code = "idempotency_key_reused"


class QuoteRefused(InvalidRequest):
    """The instalment quote does not hold here; `problems` says why."""

    code = "quote_refused"


class PaymentRefused(EmanetError):
    """PAYNET answered, and opened no session; `paynet_code` is its return code."""

    code = "payment_refused"

    def __init__(self, paynet_code: str) -> None:
        super().__init__(f"PAYNET return code {paynet_code}")
        self.paynet_code = paynet_code


class Unavailable(EmanetError):
    """An outside world did not answer as agreed."""

    retry_after_s = 5


class PaynetUnreachable(Unavailable):
    """PAYNET gave no usable answer to a question that moves no money."""

    code = "paynet_unreachable"


class SecretUnavailable(Unavailable):
    """A secret could not be read, or is empty."""

    code = "secret_unavailable"


class StoreUnavailable(Unavailable):
    """The table did not answer, or too many writers met on one escrow."""

    code = "store_unavailable"


class CallbackRefused(EmanetError):
    """It did not pass the gate; the log says which half, the answer does not."""

    code = "callback_refused"


class UnreadableItem(Exception):
    """What stands in the table is no item of ours. It says no more: the item might."""


class StaleEscrow(Exception):
    """Somebody else wrote first; `current` is what they wrote. The use case decides
    anew on it, so that nobody outside ever sees this."""

    def __init__(self, current: Escrow) -> None:
        super().__init__(f"escrow is at version {current.version}")
        self.current = current
