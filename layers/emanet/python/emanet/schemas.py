"""The border of the HTTP API: what a request may look like. Strict, closed, and silent:
an error names the field and the kind of wrong, never the value. The inside trusts
it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from emanet.errors import FieldProblem, InvalidRequest, NotJson
from emanet.escrow import Party, Role
from emanet.money import CURRENCY, MAX_AMOUNT_MINOR
from emanet.policy import Policy
from emanet.ports import Card
from emanet.usecases.create_escrow import Order
from emanet.usecases.fulfil import Confirmation, Parcel

CARD_DIGITS = range(12, 20)
FOUR_DIGIT_YEARS = range(2000, 2100)

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:@-]{1,64}$")]
_KEY = re.compile("[A-Za-z0-9._:-]{1,64}")
_PLAIN = re.compile("[A-Za-z_]{1,40}")
Sub = Annotated[str, Field(pattern=r"^[!-~]{1,128}$")]  # whatever the issuer gives
ShortText = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]


class Border(BaseModel):
    """Closed and strict; its errors never show what was sent."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


def _wrong(kind: str) -> PydanticCustomError:
    return PydanticCustomError(kind, "see FIELD_TEXTS")


def _is_lira(word: str) -> str:
    if word != CURRENCY:
        raise _wrong("currency")
    return word


Lira = Annotated[str, AfterValidator(_is_lira)]


class AmountIn(Border):
    """Kuruş, more than none."""

    amount: int = Field(gt=0, le=MAX_AMOUNT_MINOR)
    currency: Lira


class FeeIn(Border):
    """Kuruş, maybe none."""

    amount: int = Field(ge=0, le=MAX_AMOUNT_MINOR)
    currency: Lira


class PayerIn(Border):
    id: Sub


class PayeeIn(Border):
    id: Sub
    paynet_agent_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{1,10}$")


_DEFAULTS = Policy()


class PolicyIn(Border):
    """Periods the marketplace may choose; docs/frontend.md says what each
    does."""

    pay_within_hours: int = Field(default=_DEFAULTS.pay_within_hours, ge=1, le=24 * 30)
    session_minutes: int = Field(default=_DEFAULTS.session_minutes, ge=5, le=120)
    ship_within_days: int = Field(default=_DEFAULTS.ship_within_days, ge=1, le=60)
    claim_days: int = Field(default=_DEFAULTS.claim_days, ge=1, le=60)
    inspection_days: int = Field(default=_DEFAULTS.inspection_days, ge=1, le=60)
    hold_limit_days: int = Field(default=_DEFAULTS.hold_limit_days, ge=1, le=365)


class CreateBody(Border):
    order_id: Id
    amount: AmountIn
    payer: PayerIn
    payee: PayeeIn
    fee: FeeIn | None = None
    policy: PolicyIn = Field(default_factory=PolicyIn)
    round: int = Field(default=1, ge=1, le=99)

    def order(self) -> Order:
        """Raises InvalidRequest where two fields do not fit together."""
        fee_minor = self.fee.amount if self.fee else 0
        if fee_minor >= self.amount.amount:
            raise InvalidRequest(FieldProblem("fee.amount", "not_less_than_amount"))
        if self.payee.id == self.payer.id:
            raise InvalidRequest(FieldProblem("payee.id", "same_as_payer"))
        return Order(
            order_id=self.order_id,
            amount_minor=self.amount.amount,
            payer=Party(self.payer.id),
            payee=Party(self.payee.id, self.payee.paynet_agent_id),
            fee_minor=fee_minor,
            round=self.round,
            policy=Policy(**self.policy.model_dump()),
            fingerprint=self._fingerprint(),
        )

    def _fingerprint(self) -> str:
        """Of what was sent, not of the defaults of the day."""
        sent = self.model_dump_json(exclude_unset=True)
        return hashlib.sha256(sent.encode()).hexdigest()


class CardIn(Border):
    """A card to be charged. Spaces between the digits are fine."""

    holder: SecretStr = Field(min_length=2, max_length=50)
    number: SecretStr
    expiry_month: int = Field(ge=1, le=12)
    expiry_year: int
    cvc: SecretStr

    @field_validator("number")
    @classmethod
    def _is_a_card_number(cls, number: SecretStr) -> SecretStr:
        digits = number.get_secret_value().replace(" ", "")
        whole = digits.isascii() and digits.isdigit() and len(digits) in CARD_DIGITS
        if not whole or not _luhn_holds(digits):
            raise _wrong("card_number")
        return SecretStr(digits)

    @field_validator("cvc")
    @classmethod
    def _is_a_cvc(cls, cvc: SecretStr) -> SecretStr:
        digits = cvc.get_secret_value()
        if not (digits.isascii() and digits.isdigit() and len(digits) in (3, 4)):
            raise _wrong("cvc")
        return cvc

    @field_validator("expiry_year")
    @classmethod
    def _is_not_over(cls, year: int, info: ValidationInfo) -> int:
        if year not in FOUR_DIGIT_YEARS:
            raise _wrong("four_digits")
        today: date = (info.context or {})["today"]
        if (year, info.data.get("expiry_month", 12)) < (today.year, today.month):
            raise _wrong("card_expired")
        return year

    def card(self) -> Card:
        return Card(
            holder=self.holder.get_secret_value(),
            number=self.number.get_secret_value(),
            expiry_month=self.expiry_month,
            expiry_year=self.expiry_year,
            cvc=self.cvc.get_secret_value(),
        )


class InitiateBody(Border):
    """`prefer`: how the frontend would rather send the browser to the bank."""

    card: CardIn
    return_to: str = Field(max_length=256)
    prefer: Literal["redirect", "html"] = "redirect"


class ShipBody(Border):
    carrier: ShortText
    tracking_number: ShortText

    def parcel(self) -> Parcel:
        return Parcel(self.carrier, self.tracking_number)


class EmptyBody(Border):
    """Nothing to say."""


class ReleaseBody(Border):
    """What the payer saw on the screen; it must still be what is held."""

    amount: AmountIn | None = None

    def confirmation(self, idempotency_key: str | None) -> Confirmation:
        """Raises InvalidRequest for a missing or ill-formed key."""
        if idempotency_key is None:
            raise InvalidRequest(FieldProblem("Idempotency-Key", "missing"))
        if not _KEY.fullmatch(idempotency_key):
            raise InvalidRequest(FieldProblem("Idempotency-Key", "pattern"))
        return Confirmation(
            idempotency_key, self.amount.amount if self.amount else None
        )


def listed_role(word: str) -> Role:
    """As whom a caller lists his escrows. Raises InvalidRequest."""
    return Role(listed(word, (Role.PAYER, Role.PAYEE), "as"))


def listed(word: str, allowed: Sequence[str], field: str) -> str:
    """The word, if it is one of the allowed. Raises InvalidRequest."""
    if word not in allowed:
        raise InvalidRequest(FieldProblem(field, "not_listed"))
    return word


B = TypeVar("B", bound=Border)


def parse(kind: type[B], raw: bytes, today: date) -> B:
    """The body as `kind`; an empty one is an empty object. Raises NotJson,
    InvalidRequest."""
    try:
        return kind.model_validate(_json(raw), context={"today": today})
    except ValidationError as error:
        wrong = error.errors(
            include_url=False, include_context=False, include_input=False
        )
        problems = [FieldProblem(_path(w["loc"]), w["type"]) for w in wrong]
    raise InvalidRequest(*problems)


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(_shown(part) for part in location) or "(unknown)"


def _shown(part: int | str) -> str:
    """A key of the caller's own making could carry anything: show only a plain word."""
    return str(part) if _PLAIN.fullmatch(str(part)) else "(unknown)"


def _json(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw or b"{}", object_pairs_hook=_once, parse_constant=_no)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise NotJson
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of a doubled key may read different ones: refuse it."""
    body: dict[str, Any] = {}
    for name, value in pairs:
        if name in body:
            raise InvalidRequest(FieldProblem(_shown(name), "doubled"))
        body[name] = value
    return body


def _no(_constant: str) -> Any:
    raise ValueError


def _luhn_holds(digits: str) -> bool:
    odd, even = digits[-1::-2], digits[-2::-2]
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in even)
    return (sum(map(int, odd)) + sum(doubled)) % 10 == 0
