"""An answer of PAYNET's before anybody knows what was asked: its HTTP status, its
envelope, and what both together say. It reads no operation's own fields, and calls
nothing a success that is not HTTP 200 with a return code that says so."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from emanet.outcome import Unknown
from emanet.paynet.formats import JsonObject, json_object, truth
from emanet.paynet.rows import Row, Text, Whole

OK = 200
BAD_REQUEST = 400
NOT_FOUND = 404
SERVER_ERROR = 500
TOO_MANY = 429
KEY_REFUSED = frozenset({401, 403})

SUCCESS = frozenset({0, 100})  # 100: the earlier success, told again
UNAUTHORIZED = 7
NO_DATA = 12
CARD_NOT_FOUND = 25
SERVER_DOWN = frozenset({8, 10})
UNDECIDED = frozenset({5, 8, 10, 13, 17})  # no verdict, whatever is_succeed says

_CLEAR_CODES = frozenset(range(22)) - SUCCESS - UNDECIDED - {UNAUTHORIZED}
_ERROR_TYPES = frozenset(
    {
        "api_error",
        "invalid_request_error",
        "authorization_error",
        "no_data_error",
        "404 Not Found",
    }
)
# Not understood who we are, not in time, not now: no decision about what was asked.
_NOT_HEARD = frozenset({401, 408, TOO_MANY})


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
    def said(self) -> int | None:
        """The return code, wherever it stands."""
        envelope = self.envelope
        return envelope.code if self.status == OK else envelope.result_code

    @property
    def is_readable(self) -> bool:
        """PAYNET itself has spoken, whatever it said."""
        return self.content is not None and self.status < SERVER_ERROR

    @property
    def problem(self) -> Unknown | None:
        """Why it cannot be used; None: HTTP 200, JSON, and a code of success."""
        if self.status != OK:
            # a key that is refused is our side's fault, and no escrow's failure either
            ours = self.status == TOO_MANY or self.status in KEY_REFUSED
            down = ours or self.status >= SERVER_ERROR
            return Unknown(f"http_{self.status}", unreachable=down)
        if self.content is None:
            return Unknown("not_json")
        if self.said in SUCCESS:
            return None
        if self.said is None:
            return Unknown("no_code")
        return Unknown(f"code_{self.said}", unreachable=self.said in SERVER_DOWN)

    @property
    def rows(self) -> object:
        """What stands where rows belong, under both spellings of its name."""
        content = self.content or {}
        return content.get("Data", content.get("data"))

    @property
    def knows_nothing(self) -> bool:
        """All ways of saying that there is no such transaction."""
        if self.status == OK:
            return self.said == NO_DATA and not self.rows
        told = self.envelope.type == "no_data_error" or self.said == NO_DATA
        return self.status == NOT_FOUND and told

    @property
    def knows_no_card(self) -> bool:
        """PAYNET stores no such card: return code 25, of an answer or an error."""
        is_4xx = BAD_REQUEST <= self.status < SERVER_ERROR
        is_heard = is_4xx and self.status not in _NOT_HEARD | KEY_REFUSED
        return self.said == CARD_NOT_FOUND and (self.status == OK or is_heard)

    @property
    def found(self) -> list[JsonObject] | Unknown:
        """Its rows, if each can be one; empty: PAYNET knows no such transaction."""
        if self.knows_nothing:
            return []
        if problem := self.problem:
            return problem
        rows = self.rows
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            return Unknown("no_rows")
        return rows

    @property
    def is_no(self) -> bool:
        """PAYNET understood an order that moves money, and clearly did not take it."""
        if self.said is None or self.said in SUCCESS | UNDECIDED:
            return False
        return self.status == OK or self._is_clear_error

    @property
    def _is_clear_error(self) -> bool:
        """A documented error object. That our key is refused (7) is our side's fault,
        and decides nothing about what was asked."""
        is_4xx = BAD_REQUEST <= self.status < SERVER_ERROR
        is_heard = is_4xx and self.status not in _NOT_HEARD
        is_documented = self.envelope.type in _ERROR_TYPES
        return is_heard and is_documented and self.said in _CLEAR_CODES

    @property
    def is_succeed(self) -> bool | None:
        return truth((self.content or {}).get("is_succeed"))

    @property
    def refusal(self) -> str:
        """Which error and its short text, without what could be a secret."""
        content = {**(self.content or {}), "code": self.said}
        return Row.model_validate(content).refusal
