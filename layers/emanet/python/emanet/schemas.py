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
    model_validator,
)
from pydantic_core import PydanticCustomError

from emanet.cards import CARD_ID
from emanet.disputes import Legs
from emanet.errors import FieldProblem, InvalidRequest, NotJson
from emanet.escrow import Party, QueueReason, Role
from emanet.money import CURRENCY, MAX_AMOUNT_MINOR
from emanet.policy import EVIDENCE_MAX, INSTALMENTS_MAX, Bearer, Ending, Policy
from emanet.ports import Card
from emanet.usecases.create_escrow import Order
from emanet.usecases.fulfil import Objection, Parcel
from emanet.usecases.operate import OVER_MONEY, Asked, Decision
from emanet.usecases.pay_out import Wish
from emanet.usecases.starting import Payment, Saving

QUEUE_LINES_MAX = 100
CARD_DIGITS = range(12, 20)
CARD_NAME_DIGITS = 4
FOUR_DIGIT_YEARS = range(2000, 2100)

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:@-]{1,64}$")]
_KEY = re.compile("[A-Za-z0-9._:-]{1,64}")
_MONTH = re.compile("20[0-9]{2}-(0[1-9]|1[0-2])")
_BIN = re.compile("[0-9]{6}")
_PLAIN = re.compile("[A-Za-z_]{1,40}")
_LINES = re.compile("[1-9][0-9]{0,2}")
Sub = Annotated[str, Field(pattern=r"^[!-~]{1,128}$")]  # whatever the issuer gives
ShortText = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]
Reason = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{3,120}$")]
Day = Annotated[date, Field(strict=False)]


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
    """Periods the marketplace may choose, and what happens at the end of each;
    docs/frontend.md says what each does."""

    pay_within_hours: int = Field(default=_DEFAULTS.pay_within_hours, ge=1, le=24 * 30)
    session_minutes: int = Field(default=_DEFAULTS.session_minutes, ge=5, le=120)
    ship_within_days: int = Field(default=_DEFAULTS.ship_within_days, ge=1, le=60)
    at_ship_by: Literal["refund", "review"] = "refund"
    claim_days: int = Field(default=_DEFAULTS.claim_days, ge=1, le=60)
    at_claim: Literal["queue", "review"] = "queue"
    inspection_days: int = Field(default=_DEFAULTS.inspection_days, ge=1, le=60)
    at_inspection: Literal["release", "review"] = "release"
    hold_limit_days: int = Field(default=_DEFAULTS.hold_limit_days, ge=1, le=365)
    dispute_days: int = Field(default=_DEFAULTS.dispute_days, ge=1, le=30)
    remind_hours: int = Field(default=_DEFAULTS.remind_hours, ge=1, le=24 * 7)
    instalments_max: int = Field(
        default=_DEFAULTS.instalments_max, ge=1, le=INSTALMENTS_MAX
    )
    instalment_cost: Literal["payer", "platform"] = "payer"

    @model_validator(mode="after")
    def _leaves_time_for_the_way(self) -> PolicyIn:
        """A hold limit within the usual way would freeze every sale."""
        way = self.ship_within_days + self.claim_days + self.inspection_days
        if self.hold_limit_days < way:
            raise _wrong("hold_limit_too_short")
        return self

    def policy(self) -> Policy:
        periods = self.model_dump(include=_PERIODS)
        return Policy(
            **periods,
            at_ship_by=Ending(self.at_ship_by),
            at_claim=Ending(self.at_claim),
            at_inspection=Ending(self.at_inspection),
            instalment_cost=Bearer(self.instalment_cost),
        )


_PERIODS = {name for name, kind in PolicyIn.__annotations__.items() if kind == "int"}


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
            policy=self.policy.policy(),
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


class SaveCardIn(Border):
    """The payer agreed to this version of the text, and calls the card so."""

    consent_version: str = Field(pattern=r"^[!-~]{1,64}$")
    name: ShortText = "Kart"

    @field_validator("name")
    @classmethod
    def _is_no_number(cls, name: str) -> str:
        """A browser may fill in the card's own."""
        if sum(sign.isdigit() for sign in name) > CARD_NAME_DIGITS:
            raise _wrong("too_many_digits")
        return name


class FormBody(Border):
    """PAYNET's own form takes the card: no route of ours does."""

    return_to: str = Field(max_length=256)


class InitiateBody(FormBody):
    """Either a card or our id of a stored one; for instalments the quote. `prefer`: how
    the frontend would rather send the browser to the bank."""

    card: CardIn | None = None
    stored_card: str | None = Field(default=None, pattern=f"^{CARD_ID.pattern}$")
    quote: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_-]{1,600}\.[A-Za-z0-9_-]{43}$"
    )
    save_card: SaveCardIn | None = None
    prefer: Literal["redirect", "html"] = "redirect"

    def payment(self, consent_version: str) -> Payment:
        """Raises InvalidRequest where two fields do not fit together, or the consent is
        to another text than the present one."""
        if self.stored_card:
            return Payment(self._only_stored(), self.quote)
        if self.card is None:
            raise InvalidRequest(FieldProblem("card", "missing"))
        return Payment(self.card.card(), self.quote, self._saving(consent_version))

    def _only_stored(self) -> str:
        for name in ("card", "save_card"):
            if getattr(self, name) is not None:
                raise InvalidRequest(FieldProblem(name, "not_with_stored_card"))
        return self.stored_card or ""

    def _saving(self, consent_version: str) -> Saving | None:
        wish = self.save_card
        if wish is None:
            return None
        if not consent_version:
            raise InvalidRequest(FieldProblem("save_card", "cards_not_stored"))
        if wish.consent_version != consent_version:
            raise InvalidRequest(
                FieldProblem("save_card.consent_version", "not_the_present_text")
            )
        return Saving(wish.consent_version, wish.name)


class ShipBody(Border):
    carrier: ShortText
    tracking_number: ShortText

    def said(self, _key: str | None) -> tuple[Parcel]:
        return (Parcel(self.carrier, self.tracking_number),)


class EmptyBody(Border):
    """Nothing to say."""

    def said(self, _key: str | None) -> tuple[()]:
        return ()


class MoneyBody(Border):
    """How much is released or refunded; absent: all that is available. Operations say
    why."""

    amount: AmountIn | None = None
    reason: Reason | None = None

    def said(self, idempotency_key: str | None) -> tuple[Wish]:
        """Raises InvalidRequest for a missing or ill-formed key."""
        minor = self.amount.amount if self.amount else None
        return (Wish(once_key(idempotency_key), minor, self.reason or ""),)


class DisputeBody(Border):
    """What is wrong, and references of the marketplace's own to what shows it."""

    reason: Reason
    evidence: list[Id] = Field(default_factory=list, max_length=EVIDENCE_MAX)

    def said(self, _key: str | None) -> tuple[Objection]:
        return (Objection(self.reason, tuple(self.evidence)),)


class DecisionBody(Border):
    """What operations say; which parts a decision needs is checked by its word. One
    that has no Idempotency-Key names the `version` that was looked at."""

    reason: Reason
    version: int | None = Field(default=None, ge=1)
    release: FeeIn | None = None
    refund: FeeIn | None = None
    settlement: str | None = Field(default=None, pattern=r"^[!-~]{1,256}$")
    xact_id: str | None = Field(default=None, pattern=r"^[!-~]{1,100}$")
    done: bool | None = None

    def decision(self, word: str, idempotency_key: str | None) -> Decision:
        """Raises InvalidRequest where a part is missing that this word needs."""
        for name in _NEEDED.get(word, ("version",)):
            if getattr(self, name) is None:
                raise InvalidRequest(FieldProblem(name, "missing"))
        over_money = word in OVER_MONEY
        return Decision(
            word=word,
            reason=self.reason,
            version=self.version,
            legs=self._legs(),
            settlement=self.settlement or "",
            xact_id=self.xact_id or "",
            is_done=bool(self.done),
            once=once_key(idempotency_key) if over_money else "",
        )

    def _legs(self) -> Legs | None:
        if self.release is None or self.refund is None:
            return None
        return Legs(self.release.amount, self.refund.amount)


_NEEDED = {
    "resolve_dispute": ("release", "refund"),
    "settle_review": ("release", "refund"),
    "withdraw_settlement": ("settlement", "version"),
    "answer_surplus": ("settlement", "done", "version"),
    "refund_capture": ("xact_id", "version"),
}


class WindowBody(Border):
    """Istanbul days that PAYNET's lists are compared for; absent: the last four."""

    first: Day | None = None
    last: Day | None = None


class PlanBody(Border):
    plan_id: str = Field(pattern=r"^plan-[a-z2-7]{1,60}$")


def once_key(idempotency_key: str | None) -> str:
    """Raises InvalidRequest for a missing or ill-formed Idempotency-Key."""
    if idempotency_key is None:
        raise InvalidRequest(FieldProblem("Idempotency-Key", "missing"))
    if not _KEY.fullmatch(idempotency_key):
        raise InvalidRequest(FieldProblem("Idempotency-Key", "string_pattern_mismatch"))
    return idempotency_key


def listed_role(word: str) -> Role:
    """As whom a caller lists his escrows. Raises InvalidRequest."""
    return Role(listed(word, (Role.PAYER, Role.PAYEE), "as"))


def queue_asked(reason: str, limit: str) -> Asked:
    """Which human queues, and how much of them. Raises InvalidRequest."""
    if not _LINES.fullmatch(limit) or int(limit) > QUEUE_LINES_MAX:
        raise InvalidRequest(FieldProblem("limit", "not_listed"))
    if not reason:
        return Asked(limit=int(limit))
    return Asked(
        (QueueReason(listed(reason, tuple(QueueReason), "reason")),), int(limit)
    )


def card_bin(text: str) -> str:
    """A card's first six digits. Raises InvalidRequest."""
    if not _BIN.fullmatch(text):
        raise InvalidRequest(FieldProblem("bin", "six_digits"))
    return text


def month(text: str) -> str:
    """`2026-11`. Raises InvalidRequest."""
    if not _MONTH.fullmatch(text):
        raise InvalidRequest(FieldProblem("month", "month"))
    return text


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
