"""HTTP ⇄ the HTTP API's payload format 2.0, as API Gateway writes and reads it.

It only translates: what may pass and who may call is decided elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from local.api_gateway.template import ACCOUNT, Route

API_ID = "local"
MAX_ANSWER_BYTES = 6 * 1024 * 1024  # Lambda's limit
TEXT_TYPES = re.compile(
    r"text/.*|application/(json|javascript|xml)|application/.*\+(json|xml)"
)
ANSWER_STATUSES = range(200, 600)
# API Gateway speaks for these itself; a handler's are dropped.
OWN_HEADERS = frozenset({"connection", "content-length", "transfer-encoding"})


class BadAnswerError(Exception):
    """The function answered something that API Gateway does not pass on."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom the authorizer let in."""

    claims: Mapping[str, str]
    scopes: tuple[str, ...]


def event(
    request: Request,
    route: Route,
    path_parameters: Mapping[str, str],
    caller: Caller | None,
    request_id: str,
    *,
    moment: datetime | None = None,
) -> dict[str, Any]:
    """The event of one request, received at `moment`, else now; fields without a value
    are absent, as on AWS."""
    optional = {
        "cookies": _cookies(request),
        "queryStringParameters": {
            key: ",".join(values) for key, values in request.args.lists()
        },
        "pathParameters": dict(path_parameters),
    }
    return {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": request.path,
        "rawQueryString": request.query_string.decode("latin-1"),
        "headers": _headers(request),
        **{key: value for key, value in optional.items() if value},
        "requestContext": {
            **_context(request, route, caller, request_id),
            **_time(moment or datetime.now(UTC)),
        },
        **_body(request),
    }


def _cookies(request: Request) -> list[str]:
    return [
        cookie.strip()
        for header in request.headers.getlist("Cookie")
        for cookie in header.split(";")
    ]


def _headers(request: Request) -> dict[str, str]:
    peer = request.remote_addr or ""
    headers = {
        name.lower(): value
        for name, value in request.headers
        if name.lower() != "cookie"
    }
    before = headers.get("x-forwarded-for")
    return headers | {
        "x-forwarded-for": f"{before}, {peer}" if before else peer,
        "x-forwarded-port": str(request.environ.get("SERVER_PORT", "")),
        "x-forwarded-proto": "http",
    }


def _context(
    request: Request, route: Route, caller: Caller | None, request_id: str
) -> dict[str, Any]:
    context = {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "domainName": request.host,
        "domainPrefix": request.host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            "sourceIp": request.remote_addr,
            "userAgent": request.headers.get("User-Agent", ""),
        },
        "requestId": request_id,
        "routeKey": route.key,
        "stage": "$default",
    }
    if caller is not None:
        jwt = {"claims": dict(caller.claims), "scopes": list(caller.scopes)}
        context["authorizer"] = {"jwt": jwt}
    return context


def _time(moment: datetime) -> dict[str, Any]:
    return {
        "time": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(moment.timestamp() * 1000),
    }


def _body(request: Request) -> dict[str, Any]:
    """Text as text, all else (forms, too) as base64."""
    raw = request.get_data()
    if not raw:
        return {"isBase64Encoded": False}
    if TEXT_TYPES.fullmatch(request.mimetype or "text/plain"):
        try:
            return {"body": raw.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass  # no text after all
    return {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}


def response(answer: object) -> Response:
    """The HTTP response of a function's answer, or BadAnswerError."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return _inferred(answer)
    headers = {
        name: value
        for name, value in _texts(answer.get("headers")).items()
        if name.lower() not in OWN_HEADERS
    }
    result = Response(_answer_body(answer), _status(answer["statusCode"]), headers)
    if not any(name.lower() == "content-type" for name in headers):
        result.headers["Content-Type"] = "text/plain;charset=UTF-8"
    for cookie in _answer_cookies(answer):
        result.headers.add("Set-Cookie", cookie)
    return result


def _inferred(answer: object) -> Response:
    """Without a status code the answer itself is the body."""
    body = answer if isinstance(answer, str) else json.dumps(answer)
    return Response(body, 200, content_type="application/json")


def _status(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadAnswerError("statusCode is no integer")
    if value not in ANSWER_STATUSES:
        raise BadAnswerError("statusCode is out of range")
    return value


def _texts(headers: object) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, dict):
        raise BadAnswerError("headers are no mapping")
    if not all(isinstance(value, str | int | float) for value in headers.values()):
        raise BadAnswerError("a header is no text")
    return {str(name): str(value) for name, value in headers.items()}


def _answer_cookies(answer: Mapping[str, object]) -> list[str]:
    cookies = answer.get("cookies") or []
    if not isinstance(cookies, list):
        raise BadAnswerError("cookies are no list")
    return [str(cookie) for cookie in cookies]


def _answer_body(answer: Mapping[str, object]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise BadAnswerError("the body is no text")
    raw = _decoded(body) if answer.get("isBase64Encoded") else body.encode()
    if len(raw) > MAX_ANSWER_BYTES:
        raise BadAnswerError("the body is too long")
    return raw


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise BadAnswerError("the body is no base64") from None
