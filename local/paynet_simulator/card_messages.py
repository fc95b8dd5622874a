"""What PAYNET's calls around cards may carry: ratios, stored cards, and its own form in
a payer's browser. A refusal names fields and never repeats a value."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, SecretStr

from local.paynet_simulator import wire
from local.paynet_simulator.messages import Message, Paging, Wish, digits, text

Kurus = Annotated[int, BeforeValidator(wire.some_kurus_from), Field(alias="amount")]


class Ratio(Message):
    """Without `bin`: every bank."""

    amount_minor: Kurus
    bin: Annotated[str, text(6, r"^[0-9]{6}$")] | None = None
    addcomission_to_amount: Wish = False
    ratio_code: str | None = None


# Stored cards


class Owner(Message):
    card_owner_id: Annotated[str, text(100)]


class CardList(Owner, Paging):
    pass


class NamedCard(Owner):
    card_hash: Annotated[str, text(100)]


class RenamedCard(NamedCard):
    card_desc: Annotated[str, text(100)]


class CardSave(Message):
    """Expiry and all are text. An owner is needed: a new one by our id of him."""

    card_desc: Annotated[str, text(100)]
    card_holder: Annotated[str, text(50)]
    card_number: Annotated[SecretStr, digits(13, 19)]
    expire_month: Annotated[str, text(2, r"^(0?[1-9]|1[0-2])$")]
    expire_year: Annotated[str, text(4, r"^20[0-9]{2}$")]
    cvv: Annotated[SecretStr, digits(3, 4)] | None = None
    user_unique_id: Annotated[str, text(100)] | None = None
    card_owner_id: Annotated[str, text(100)] | None = None


# PAYNET's form


class FormAuth(Message):
    """`domain` is the page's origin here, with its scheme."""

    not_built: ClassVar[tuple[str, ...]] = (
        *Message.not_built,
        "save_card",
        "is_escrow",
    )

    amount_minor: Annotated[int, Field(alias="amount", gt=0, strict=True)]
    domain: Annotated[str, text(256)]
    tds_required: bool = True
    ratio_code: str | None = None


class CheckBin(Message):
    session_id: Annotated[str, text(100)]
    bin: str
    no_instalment: Wish = False


class CreateToken(Message):
    """A year of two digits is this century's, as the form's script lets it through."""

    not_built: ClassVar[tuple[str, ...]] = (*Message.not_built, "save_card")

    session_id: Annotated[str, text(100)]
    token: Annotated[str, text(100)]
    pan: Annotated[SecretStr, digits(13, 19)]
    card_holder: Annotated[str, text(50)]
    month: Annotated[int, Field(ge=1, le=12)]
    year: Annotated[int, Field(ge=0, le=2099)]
    cvc: Annotated[SecretStr, digits(3, 4)]
    instalment_key: Annotated[str, text(10)]
    do_3ds: Wish = False


class FormCharge(Message):
    not_built: ClassVar[tuple[str, ...]] = (*Message.not_built, "is_escrow")

    session_id: Annotated[str, text(100)]
    token_id: Annotated[str, text(100)]
    amount_minor: Kurus
    add_comission_amount: Wish = False
    ratio_code: str | None = None
    reference_no: Annotated[str, text(50)] | None = None
