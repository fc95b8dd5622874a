"""What PAYNET's calls may carry, field by field. A refusal names fields and never
repeats a value."""

import re
from datetime import date
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from local.paynet_simulator import wire


def _minor(amount: object, info: ValidationInfo) -> int:
    return wire.minor_from(amount, numbers=bool(info.context))


def _kurus(amount: object) -> int:
    return wire.kurus_from(amount)


def _agent_amount(amount: object, info: ValidationInfo) -> int | None:
    if amount is None or amount == "":
        return None
    return wire.decimal_from(amount, str(info.context))


def _day(day: object) -> date:
    if isinstance(day, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", day, re.ASCII):
        return date.fromisoformat(day)
    raise ValueError("yyyy-MM-dd")


def digits(shortest: int, longest: int) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        sign = secret.get_secret_value()
        if not (sign.isascii() and sign.isdigit()):
            raise ValueError("digits")
        if not shortest <= len(sign) <= longest:
            raise ValueError("length")
        return secret

    return AfterValidator(check)


def _host(name: str) -> str:
    labels = name.split(".")
    if not all(label.replace("-", "").isalnum() for label in labels):
        raise ValueError("host only")
    return name


def _url() -> StringConstraints:
    return StringConstraints(max_length=256, pattern=r"^(https?://[^\s/]+(/\S*)?)?$")


def text(longest: int, pattern: str | None = None) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=longest, pattern=pattern)


def _absent_is_no(wanted: object) -> object:
    return False if wanted in NO else wanted


# How PAYNET's callers write that they do not want something.
NO = (None, False, "", "false", "False")
Wish = Annotated[bool, BeforeValidator(_absent_is_no)]

# What changes the money that moves, and is not built: better refused than ignored.
_NOT_BUILT = ("add_commission", "company_amount")


class Message(BaseModel):
    """Unknown fields are ignored, as PAYNET presumably does."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")
    needed: ClassVar[str] = "reference_no"
    not_built: ClassVar[tuple[str, ...]] = _NOT_BUILT


class TdsInitial(Message):
    """What every payment carries, however its card is named."""

    amount_minor: Annotated[int, BeforeValidator(_minor), Field(alias="amount")]
    reference_no: Annotated[str, text(50)]
    return_url: Annotated[str, text(256, r"^https?://[^\s/]+(/\S*)?$")]
    domain: Annotated[str, text(256), AfterValidator(_host)]
    card_holder_phone: Annotated[str, text(10, r"^[1-9][0-9]{9}$")] | None = None
    card_holder_mail: Annotated[str, text(60)] | None = None
    description: Annotated[str, StringConstraints(max_length=140)] | None = None
    instalment: Annotated[int, Field(ge=0, le=12)] | None = None

    is_escrow: Wish = False
    user_unique_id: Annotated[str, text(100)] | None = None
    card_owner_id: Annotated[str, text(100)] | None = None


class TypedCardPayment(TdsInitial):
    """A card that was typed in, and whether PAYNET shall keep it."""

    card_holder: Annotated[str, text(50)]
    pan: Annotated[SecretStr, digits(13, 19)]
    month: Annotated[int, Field(ge=1, le=12)]
    year: Annotated[int, Field(ge=2000, le=2099)]
    cvc: Annotated[SecretStr, digits(3, 4)]
    save_card: Wish = False
    card_desc: Annotated[
        Annotated[str, text(100)] | None, Field(validate_default=True)
    ] = None

    @field_validator("card_desc")
    @classmethod
    def _says_what_to_store(
        cls, card_desc: str | None, info: ValidationInfo
    ) -> str | None:
        told = info.data
        owner = told.get("user_unique_id") or told.get("card_owner_id")
        if told.get("save_card") and not (card_desc and owner):
            raise ValueError("card_desc and an owner")
        return card_desc


class StoredCardPayment(TdsInitial):
    needed: ClassVar[str] = "card_hash"

    card_hash: Annotated[str, text(100)]

    @model_validator(mode="before")
    @classmethod
    def _has_no_other_card(cls, body: dict[str, Any]) -> dict[str, Any]:
        if any(body.get(name) not in NO for name in _TYPED):
            raise ValueError("two cards")
        return body


_TYPED = ("card_holder", "pan", "month", "year", "cvc", "save_card")


class TdsCharge(Message):
    session_id: Annotated[str, text(100)]
    token_id: Annotated[str, text(100)]


class Check(Message):
    xact_id: Annotated[str, text(100)] | None = None
    reference_no: Annotated[str, text(50)] | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Check":
        if not self.model_dump(exclude_none=True):
            raise ValueError("nothing asked for")
        return self


class Detail(Check):
    id: int | None = None
    xact: int | None = None


class ReversedRequest(Message):
    """`amount_minor` 0: absent, empty or "0", which all mean the whole amount."""

    xact_id: Annotated[str, text(100)]
    amount_minor: Annotated[int, BeforeValidator(_kurus), Field(alias="amount")] = 0
    succeed_url: Annotated[Annotated[str, _url()] | None, Field(alias="succeedUrl")] = (
        None
    )


class Paging(Message):
    limit: Annotated[int, Field(ge=1)] = 10
    starting_after: Annotated[int, Field(ge=0)] = 0
    ending_before: Annotated[int, Field(ge=0)] = 0


class Listing(Paging):
    first_day: Annotated[date, BeforeValidator(_day), Field(alias="datab")]
    last_day: Annotated[date, BeforeValidator(_day), Field(alias="datbi")]
    show_unsucceed: bool = False

    @field_validator("last_day")
    @classmethod
    def _not_before_the_first(cls, last_day: date, info: ValidationInfo) -> date:
        if last_day < info.data.get("first_day", last_day):
            raise ValueError("before datab")
        return last_day


class EscrowUpdate(Message):
    needed: ClassVar[str] = "xact_id"

    xact_id: Annotated[str, text(100)] | None = None
    xact: int | None = None
    status: Annotated[int, Field(ge=2, le=3)]
    note: Annotated[str, StringConstraints(max_length=256)] | None = None
    agent_id: Annotated[str, StringConstraints(max_length=10)] | None = None
    agent_amount: Annotated[int | None, BeforeValidator(_agent_amount)] = None

    @model_validator(mode="after")
    def _names_a_transaction(self) -> "EscrowUpdate":
        if self.xact_id is None and self.xact is None:
            raise ValueError("nothing named")
        return self


M = TypeVar("M", bound=Message)


def read(kind: type[M], body: wire.Body, context: object = None) -> M:
    """The message, or a refusal that names the wrong fields. `context` is what its
    amounts may look like."""
    _refuse_what_is_not_built(kind, body)
    try:
        return kind.model_validate(body, context=context)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_context=False)
        names = {str(place) for problem in wrong for place in problem["loc"][:1]}
        raise wire.bad_request(", ".join(sorted(names)) or kind.needed) from None


def read_payment(
    body: wire.Body, context: object
) -> TypedCardPayment | StoredCardPayment:
    """tds_initial."""
    if body.get("card_hash") in NO:
        return read(TypedCardPayment, body, context)
    return read(StoredCardPayment, body, context)


def _refuse_what_is_not_built(kind: type[Message], body: wire.Body) -> None:
    asked = [name for name in kind.not_built if body.get(name) not in NO]
    if str(body.get("transaction_type", 1)) != "1":
        asked.append("transaction_type")
    if asked:
        message = f"not built into the simulator: {', '.join(asked)}"
        raise wire.Refused(400, "invalid_request_error", wire.NOT_IMPLEMENTED, message)
