"""API Gateway's front door on localhost: route, throttle, authorize, invoke, answer.

What it answers itself has API Gateway's own status and body. It decides by the
template alone and never by what a request carries beyond path, method and token.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from local.api_gateway import payload
from local.api_gateway.authorizer import (
    ForbiddenError,
    JwtAuthorizer,
    UnauthorizedError,
)
from local.api_gateway.template import Cors, Route, Template
from local.api_gateway.throttle import TokenBucket
from local.api_gateway.worker import FunctionError, LocalLambda, TooManyRequestsError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 10 * 1024 * 1024
THREADS = 192  # requests in flight at once

log = logging.getLogger(__name__)


class RefusedError(Exception):
    """API Gateway answers by itself."""

    def __init__(self, status: int, message: str, challenge: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.challenge = challenge

    def response(self) -> Response:
        response = Response(
            json.dumps({"message": self.message}),
            self.status,
            content_type="application/json",
        )
        if self.challenge:
            response.headers["WWW-Authenticate"] = self.challenge
        return response


class ApiGateway:
    """The template's HTTP API as a WSGI application; `now` is what its events say."""

    def __init__(
        self,
        template: Template,
        functions: LocalLambda,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._routes = template.routes
        self._cors = template.cors
        self._functions = functions
        self._now = now
        self._authorizer = JwtAuthorizer(template.jwt_issuer, template.jwt_audience)
        self._buckets = {
            route.key: TokenBucket(route.throttle, clock) for route in template.routes
        }

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        request = Request(environ)
        request_id = str(uuid.uuid4())
        response = self._answer(request, request_id)
        response.headers["apigw-requestid"] = request_id
        if self._cors:
            _share(response, request, self._cors)
        return response(environ, start_response)

    def _answer(self, request: Request, request_id: str) -> Response:
        if self._cors and _is_preflight(request):
            return _preflight(request, self._cors)
        try:
            return self._pass_on(request, request_id)
        except RefusedError as refusal:
            return refusal.response()

    def _pass_on(self, request: Request, request_id: str) -> Response:
        route, parameters = self._find(request)
        if len(request.get_data()) > MAX_BODY_BYTES:
            raise RefusedError(413, "Request Entity Too Large")
        if not self._buckets[route.key].take():
            raise RefusedError(429, "Too Many Requests")
        caller = self._admit(request, route)
        moment = self._now()
        event = payload.event(
            request, route, parameters, caller, request_id, moment=moment
        )
        return self._invoke(route.function, event, request_id)

    def _find(self, request: Request) -> tuple[Route, dict[str, str]]:
        """The route; where a fixed path and a variable both fit, the fixed one."""
        found = [
            (route, parameters)
            for route in self._routes
            if route.method == request.method
            and (parameters := _match(route.path, request.path)) is not None
        ]
        if not found:
            raise RefusedError(404, "Not Found")
        return min(found, key=lambda match: len(match[1]))

    def _admit(self, request: Request, route: Route) -> payload.Caller | None:
        if route.scopes is None:
            return None
        try:
            token = request.headers.get("Authorization")
            return self._authorizer.admit(token, route.scopes)
        except UnauthorizedError as error:
            log.info("%s: token refused: %s", route.key, error)
            raise RefusedError(401, "Unauthorized", "Bearer") from None
        except ForbiddenError:
            scopes = f'Bearer scope="{" ".join(route.scopes)}"'
            raise RefusedError(403, "Forbidden", scopes) from None

    def _invoke(self, function: str, event: object, request_id: str) -> Response:
        try:
            return payload.response(self._functions.invoke(function, event, request_id))
        except TooManyRequestsError:
            raise RefusedError(503, "Service Unavailable") from None
        except (FunctionError, payload.BadAnswerError) as error:
            log.warning("%s: %s", function, error)
            raise RefusedError(500, "Internal Server Error") from None


def _match(pattern: str, path: str) -> dict[str, str] | None:
    """The path's variables, or None: `/a/{b}` takes exactly one non-empty part."""
    names, parts = pattern.split("/"), path.split("/")
    if len(names) != len(parts):
        return None
    variables = {}
    for name, part in zip(names, parts, strict=True):
        if name.startswith("{") and part:
            variables[name[1:-1]] = part
        elif name != part:
            return None
    return variables


# ── CORS: the browser's questions, answered from the template ────────────────


def _is_preflight(request: Request) -> bool:
    asked = "Access-Control-Request-Method" in request.headers
    return request.method == "OPTIONS" and "Origin" in request.headers and asked


def _preflight(request: Request, cors: Cors) -> Response:
    response = Response(status=204)
    if request.headers["Origin"] in cors.origins:
        response.headers["Access-Control-Allow-Methods"] = ",".join(cors.methods)
        response.headers["Access-Control-Allow-Headers"] = ",".join(cors.headers)
        response.headers["Access-Control-Max-Age"] = str(cors.max_age_s)
    return response


def _share(response: Response, request: Request, cors: Cors) -> None:
    """Say who may read this answer; what the function said of it does not count."""
    if request.method != "OPTIONS":
        for name in [*response.headers.keys()]:
            if name.lower().startswith("access-control-"):
                del response.headers[name]
    origin = request.headers.get("Origin")
    if origin in cors.origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
        if cors.exposed_headers:
            exposed = ",".join(cors.exposed_headers)
            response.headers["Access-Control-Expose-Headers"] = exposed
