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


def _digits(shortest: int, longest: int) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value()
        if not (text.isascii() and text.isdigit()):
            raise ValueError("digits")
        if not shortest <= len(text) <= longest:
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


def _text(longest: int, pattern: str | None = None) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=longest, pattern=pattern)


class Message(BaseModel):
    """Unknown fields are ignored, as PAYNET presumably does."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")
    needed: ClassVar[str] = "reference_no"


class TdsInitial(Message):
    amount_minor: Annotated[int, BeforeValidator(_minor), Field(alias="amount")]
    reference_no: Annotated[str, _text(50)]
    return_url: Annotated[str, _text(256, r"^https?://[^\s/]+(/\S*)?$")]
    domain: Annotated[str, _text(256), AfterValidator(_host)]
    card_holder: Annotated[str, _text(50)]
    pan: Annotated[SecretStr, _digits(13, 19)]
    month: Annotated[int, Field(ge=1, le=12)]
    year: Annotated[int, Field(ge=2000, le=2099)]
    cvc: Annotated[SecretStr, _digits(3, 4)]
    card_holder_phone: Annotated[str, _text(10, r"^[1-9][0-9]{9}$")] | None = None
    card_holder_mail: Annotated[str, _text(60)] | None = None
    description: Annotated[str, StringConstraints(max_length=140)] | None = None
    instalment: Annotated[int, Field(ge=0, le=12)] | None = None

    is_escrow: bool = False

    @field_validator("is_escrow", mode="before")
    @classmethod
    def _absent_is_no(cls, wanted: object) -> object:
        return False if wanted in _NO else wanted


class TdsCharge(Message):
    session_id: Annotated[str, _text(100)]
    token_id: Annotated[str, _text(100)]


class Check(Message):
    xact_id: Annotated[str, _text(100)] | None = None
    reference_no: Annotated[str, _text(50)] | None = None

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

    xact_id: Annotated[str, _text(100)]
    amount_minor: Annotated[int, BeforeValidator(_kurus), Field(alias="amount")] = 0
    succeed_url: Annotated[Annotated[str, _url()] | None, Field(alias="succeedUrl")] = (
        None
    )


class Listing(Message):
    first_day: Annotated[date, BeforeValidator(_day), Field(alias="datab")]
    last_day: Annotated[date, BeforeValidator(_day), Field(alias="datbi")]
    limit: Annotated[int, Field(ge=1)] = 10
    starting_after: Annotated[int, Field(ge=0)] = 0
    ending_before: Annotated[int, Field(ge=0)] = 0
    show_unsucceed: bool = False

    @field_validator("last_day")
    @classmethod
    def _not_before_the_first(cls, last_day: date, info: ValidationInfo) -> date:
        if last_day < info.data.get("first_day", last_day):
            raise ValueError("before datab")
        return last_day


class EscrowUpdate(Message):
    needed: ClassVar[str] = "xact_id"

    xact_id: Annotated[str, _text(100)] | None = None
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


# What changes the money that moves, and is not built: better refused than ignored.
_NOT_BUILT = ("add_commission", "card_hash", "company_amount", "save_card")

M = TypeVar("M", bound=Message)


def read(kind: type[M], body: wire.Body, context: object = None) -> M:
    """The message, or a refusal that names the wrong fields. `context` is what its
    amounts may look like."""
    _refuse_what_is_not_built(body)
    try:
        return kind.model_validate(body, context=context)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_context=False)
        names = {str(place) for problem in wrong for place in problem["loc"][:1]}
        raise wire.bad_request(", ".join(sorted(names)) or kind.needed) from None


def _refuse_what_is_not_built(body: dict[str, Any]) -> None:
    asked = [name for name in _NOT_BUILT if body.get(name) not in _NO]
    if str(body.get("transaction_type", 1)) != "1":
        asked.append("transaction_type")
    if asked:
        message = f"not built into the simulator: {', '.join(asked)}"
        raise wire.Refused(400, "invalid_request_error", wire.NOT_IMPLEMENTED, message)


_NO = (None, False, "", "false", "False")
