"""The shared front door of every function: what a request brings, how an answer leaves,
and the one place where an error becomes one. It logs route keys and error names; never
a path, a body or an error's text."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from emanet import bootstrap, problems, reports, schemas, views
from emanet.cards import CARD_ID
from emanet.errors import (
    BodyTooLarge,
    CardNotFound,
    EmanetError,
    EscrowNotFound,
    InvalidRequest,
    NotJson,
    NotYourAction,
    PaymentRefused,
    Unavailable,
)
from emanet.escrow import ESCROW_ID, Escrow
from emanet.usecases.access import Caller
from emanet.usecases.statements import Statement, as_csv

logger = Logger()

BODY_MAX_BYTES = 16 * 1024
ANSWER_WITHIN = timedelta(seconds=27)  # API Gateway hangs up at 30
WRITES_TAKE = timedelta(seconds=2)

Event = dict[str, Any]
B = TypeVar("B", bound=schemas.Border)
T = TypeVar("T")


class InternalError(EmanetError):
    """A bug; its own text stays in the log."""

    code = "internal_error"


class HttpFunction(APIGatewayHttpResolver):
    """Powertools' resolver, and what our handlers ask of a request."""

    def __init__(self) -> None:
        super().__init__()
        self.exception_handler(Exception)(self._told)

    def __call__(self, event: Event, context: LambdaContext) -> Event:
        """The Lambda handler."""
        logger.append_keys(route=event.get("routeKey"), request_id=_request_id(event))
        return self.resolve(event, context)

    def _told(self, error: Exception) -> Response[str]:
        """Whatever went wrong, there is an answer, and the log has no text of it."""
        if isinstance(error, NotFoundError):  # no route: an id in odd characters
            error = EscrowNotFound()
        if isinstance(error, EmanetError):
            log_refusal(error)
            return problem(error, self.event)
        log_failure(error)
        return problem(InternalError(), self.event)

    @property
    def event(self) -> Event:
        event: Event = self.current_event.raw_event
        return event

    @property
    def caller(self) -> Caller:
        """Whom API Gateway's authorizer verified; some issuers say `scp`, and a list
        arrives as "[a b]". Raises NotYourAction for a token of nobody."""
        claims = self.event["requestContext"]["authorizer"]["jwt"]["claims"]
        scopes = str(claims.get("scope") or claims.get("scp") or "").strip("[]")
        if not claims.get("sub"):
            raise NotYourAction
        return Caller(str(claims["sub"]), frozenset(scopes.split()))

    @property
    def own_url(self) -> str:
        """The address by which API Gateway itself knows this API."""
        return f"https://{self.event['requestContext']['domainName']}"

    def header(self, name: str) -> str | None:
        """By its lower-case name."""
        value: str | None = (self.event.get("headers") or {}).get(name)
        return value

    @property
    def source_ip(self) -> str:
        """As API Gateway saw it; never a header's word."""
        return str(self.event["requestContext"]["http"]["sourceIp"])

    @property
    def language(self) -> problems.Language:
        return problems.language_of(self.header("accept-language"))

    def query(self, name: str, default: str) -> str:
        return str((self.event.get("queryStringParameters") or {}).get(name, default))

    @property
    def wants_csv(self) -> bool:
        """By `?format=csv`, which a link can carry, or by Accept."""
        accepts = (self.header("accept") or "").startswith("text/csv")
        return accepts or self.query("format", "json") == "csv"

    def body(self, kind: type[B]) -> B:
        """Raises BodyTooLarge, NotJson, InvalidRequest."""
        return schemas.parse(kind, raw_body(self.event), bootstrap.clock().date())

    def order(self, kind: type[B]) -> B:
        """A body by which somebody has a machine act: the log says who sent it. Raises
        as `body`, and NotYourAction."""
        logger.info("ordered", by=self.caller.sub)
        return self.body(kind)

    def answer(self, escrow: Escrow, status: int = 200, **more: Any) -> Response[str]:
        """The escrow as this caller may see it; `more` stands beside it."""
        view = views.escrow_view(escrow, self.caller, bootstrap.clock(), self.language)
        return json_answer({"escrow": view, **more} if more else view, status)

    def statement(self, statement: Statement, name: str) -> Response[str]:
        """As JSON, or as a file that a spreadsheet opens."""
        if self.wants_csv:
            return csv_answer(as_csv(statement.lines), name)
        return json_answer(reports.statement_view(statement))

    def answers(self, escrows: Sequence[Escrow]) -> Response[str]:
        """Several, each as this caller may see it."""
        now, who, language = bootstrap.clock(), self.caller, self.language
        shown = [views.escrow_view(each, who, now, language) for each in escrows]
        return json_answer({"escrows": shown})


def escrow_id(text: str) -> str:
    """An id from a path, matched before anything is read. Raises EscrowNotFound."""
    if not ESCROW_ID.fullmatch(text):
        raise EscrowNotFound
    return text


def card_id(text: str) -> str:
    """The same for a stored card. Raises CardNotFound."""
    if not CARD_ID.fullmatch(text):
        raise CardNotFound
    return text


def named(word: str, ways: Mapping[str, T]) -> T:
    """What a word of the path stands for. Raises EscrowNotFound: there is no such
    way."""
    if word not in ways:
        raise EscrowNotFound
    return ways[word]


def csv_answer(text: str, name: str) -> Response[str]:
    """A file to save; the byte order mark tells spreadsheets that it is UTF-8."""
    headers: dict[str, str | list[str]] = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}.csv"',
    }
    return Response(200, "text/csv; charset=utf-8", "\ufeff" + text, headers)


def json_answer(body: object, status: int = 200) -> Response[str]:
    text = json.dumps(body, ensure_ascii=False)
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    return Response(status, "application/json", text, headers)


def raw_body(event: Event) -> bytes:
    """The bytes as they were sent. Raises BodyTooLarge, NotJson."""
    text = event.get("body") or ""
    if len(text) > 2 * BODY_MAX_BYTES:
        raise BodyTooLarge  # not even decoded
    raw = _bytes_of(text, is_base64=bool(event.get("isBase64Encoded")))
    if len(raw) > BODY_MAX_BYTES:
        raise BodyTooLarge
    return raw


def _bytes_of(text: str, *, is_base64: bool) -> bytes:
    """Raises NotJson: no base64, or a text with half a character."""
    try:
        return base64.b64decode(text, validate=True) if is_base64 else text.encode()
    except ValueError:
        raise NotJson from None


def deadline(event: Event) -> datetime:
    """When PAYNET must have answered: API Gateway's patience, less our own writes."""
    received_ms = event["requestContext"]["timeEpoch"]
    received = datetime.fromtimestamp(received_ms / 1000, UTC)
    return received + ANSWER_WITHIN - WRITES_TAKE


def problem(error: EmanetError, event: Event) -> Response[str]:
    """RFC 9457, in the caller's language."""
    language = problems.language_of((event.get("headers") or {}).get("accept-language"))
    body = problems.body(error, language, _request_id(event))
    headers: dict[str, str | list[str]] = {
        "Content-Language": language,
        "Cache-Control": "no-store",
    }
    if error.retry_after_s:
        headers["Retry-After"] = str(error.retry_after_s)
    text = json.dumps(body, ensure_ascii=False)
    return Response(body["status"], "application/problem+json", text, headers)


def log_refusal(error: EmanetError) -> None:
    """What a support engineer needs to answer "why?": our own words only."""
    if isinstance(error, Unavailable | PaymentRefused):
        logger.warning("refused", code=error.code, why=str(error))
    elif isinstance(error, InvalidRequest):
        fields = [f"{wrong.field}: {wrong.problem}" for wrong in error.problems]
        logger.info("refused", code=error.code, fields=fields)
    else:
        logger.info("refused", code=error.code)


def log_failure(error: Exception) -> None:
    """Kind and place of a bug; its text could quote what it failed on."""
    place = traceback.format_tb(error.__traceback__)
    logger.error("failed", error=type(error).__name__, place=place)


def _request_id(event: Event) -> str:
    return str(event.get("requestContext", {}).get("requestId", ""))
