"""What we say to PAYNET and how its answers are read: one codec per endpoint, a request
and a reading each. Pure: it sends nothing, keeps nothing and logs nothing, and turns
every answer that it cannot read for certain into `Unknown`, never into a guess."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

from emanet.errors import PaymentRefused, PaynetUnreachable
from emanet.outcome import Declined, Unknown
from emanet.paynet.formats import JsonObject, json_object, lira, text
from emanet.paynet.rows import Row, Text, Whole
from emanet.ports import Card, Session, SessionOrder

TDS_INITIAL = "/v2/transaction/tds_initial"
TDS_CHARGE = "/v2/transaction/tds_charge"
CHECK = "/v1/transaction/check"
DETAIL = "/v1/transaction/detail"

_OK = 200
_NOT_FOUND = 404
_TOO_MANY = 429
_SERVER_ERROR = 500
_KEY_REFUSED = frozenset({401, 403})

_SUCCESS = frozenset({0, 100})  # 100: the earlier success, told again
_UNAUTHORIZED = 7
_NO_DATA = 12
_SERVER_DOWN = frozenset({8, 10})
_UNDECIDED = frozenset({5, 8, 10, 13, 17})  # no verdict, whatever is_succeed says


class Envelope(BaseModel):
    """The fields around every answer. In an error object `code` is the HTTP status and
    `result_code` the return code."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    code: Whole = None
    result_code: Whole = None
    type: Text = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over the wire: its status, and its JSON object if it was one."""

    status: int
    content: JsonObject | None = field(repr=False)

    @classmethod
    def of(cls, status: int, body: bytes) -> Answer:
        return cls(status, json_object(body))

    @property
    def envelope(self) -> Envelope:
        return Envelope.model_validate(self.content or {})

    @property
    def is_readable(self) -> bool:
        """PAYNET itself has spoken, whatever it said."""
        return self.content is not None and self.status < _SERVER_ERROR

    @property
    def problem(self) -> Unknown | None:
        """Why it cannot be used; None: HTTP 200, JSON, and a code of success."""
        if self.status != _OK:
            # a key that is refused is our side's fault, and no escrow's failure either
            ours = self.status == _TOO_MANY or self.status in _KEY_REFUSED
            down = ours or self.status >= _SERVER_ERROR
            return Unknown(f"http_{self.status}", unreachable=down)
        if self.content is None:
            return Unknown("not_json")
        code = self.envelope.code
        if code in _SUCCESS:
            return None
        if code is None:
            return Unknown("no_code")
        return Unknown(f"code_{code}", unreachable=code in _SERVER_DOWN)

    @property
    def knows_nothing(self) -> bool:
        """All ways of saying that there is no such transaction (paynet-api.md 5.1)."""
        envelope = self.envelope
        if self.status == _OK:
            return envelope.code == _NO_DATA and not (self.content or {}).get("Data")
        told = envelope.type == "no_data_error" or envelope.result_code == _NO_DATA
        return self.status == _NOT_FOUND and told


# ── tds_initial: opens a session, moves no money ─────────────────────────────


class OpenedSession(BaseModel):
    """The part of tds_initial's answer that we use; its token stays unread."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    session_id: Text = None
    post_url: Annotated[SecretStr | None, BeforeValidator(text)] = None
    html_content: Annotated[SecretStr | None, BeforeValidator(text)] = None


def tds_initial(order: SessionOrder, card: Card) -> JsonObject:
    """A single charge: no instalment, no commission on top, a sale by default."""
    return {
        "amount": lira(order.amount_minor),
        "reference_no": order.reference_no,
        "return_url": order.return_url,
        "domain": order.domain,
        "card_holder": card.holder,
        "pan": card.number,
        "month": card.expiry_month,
        "year": card.expiry_year,
        "cvc": card.cvc,
    }


def read_tds_initial(answer: Answer, *, plain_http: bool) -> Session:
    """Raises PaymentRefused and PaynetUnreachable. `plain_http`: a page without TLS is
    good enough, because PAYNET is a simulator on this machine."""
    if problem := answer.problem:
        raise _no_session(answer, problem)
    opened = OpenedSession.model_validate(answer.content)
    page = _page(opened.post_url, plain_http=plain_http)
    html = opened.html_content.get_secret_value() if opened.html_content else None
    if opened.session_id is None or not (page or html):
        raise PaynetUnreachable("session_absent")
    return Session(opened.session_id, page, html)


def _no_session(answer: Answer, problem: Unknown) -> Exception:
    """PAYNET's no to this card or order, if it is one; not a no to our key."""
    envelope = answer.envelope
    said = envelope.code if answer.status == _OK else envelope.result_code
    ours = answer.status in _KEY_REFUSED or said == _UNAUTHORIZED
    busy = problem.unreachable or said in _SERVER_DOWN
    if said is None or ours or busy or not answer.is_readable:
        return PaynetUnreachable(problem.why)
    return PaymentRefused(str(said))


def _page(url: SecretStr | None, *, plain_http: bool) -> str | None:
    """The bank's page if a browser may safely be sent there."""
    address = url.get_secret_value() if url else ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    schemes = ("https", "http") if plain_http else ("https",)
    printable = address.isascii() and address.isprintable() and " " not in address
    return address if printable and parts.scheme in schemes and parts.hostname else None


# ── tds_charge: the only call that takes money ───────────────────────────────


def tds_charge(session_id: str, token_id: str) -> JsonObject:
    return {"session_id": session_id, "token_id": token_id}


def read_tds_charge(answer: Answer) -> Row | Declined | Unknown:
    """A row still to be judged, the bank's no, or no usable answer."""
    row = Row.model_validate(answer.content or {})
    if _is_refusal(answer, row):
        return Declined(row.refusal)
    return answer.problem or row


def _is_refusal(answer: Answer, row: Row) -> bool:
    code = answer.envelope.code
    decided = code is not None and code not in _UNDECIDED
    return answer.status == _OK and decided and row.is_succeed is False


# ── check and detail: what PAYNET's books say ────────────────────────────────


def check(reference_no: str) -> JsonObject:
    return {"reference_no": reference_no}


def detail(reference_no: str) -> JsonObject:
    return {"reference_no": reference_no}


def read_rows(answer: Answer) -> list[Row] | Unknown:
    """The rows of `Data` (or `data`); an empty list: PAYNET knows no such payment."""
    if answer.knows_nothing:
        return []
    if problem := answer.problem:
        return problem
    content = answer.content or {}
    rows = content.get("Data", content.get("data"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return Unknown("no_rows")
    return [Row.model_validate(row) for row in rows]
