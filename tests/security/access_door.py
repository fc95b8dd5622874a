"""The front door of the access battery: the local API Gateway with its authorizer, over
the handlers of a world in this process. It fetches the issuer's two documents as it
would over a network; there is none."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import requests
from jwt import PyJWKClient
from werkzeug.test import EnvironBuilder, run_wsgi_app

from local.api_gateway import authorizer
from local.api_gateway.server import ApiGateway
from local.api_gateway.worker import LocalLambda
from tests.security.access_matrix import Verdict
from tests.security.access_tokens import Mint
from tests.simulation.world import World

OPEN = {200, 201, 204}
VERDICTS = {
    401: Verdict.UNAUTHORIZED,
    403: Verdict.FORBIDDEN,
    404: Verdict.HIDDEN,
    422: Verdict.INVALID,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, but for its token."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def environ(self) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        usual = {"Content-Type": "application/json"} if self.body else {}
        return EnvironBuilder(
            path,
            method=self.method,
            query_string=query,
            headers=list({**usual, **dict(self.headers)}.items()),
            environ_base={"REMOTE_ADDR": "127.0.0.1"},
        ).get_environ() | {"CONTENT_LENGTH": str(len(self.body))}


@dataclass(frozen=True, slots=True)
class Told:
    """What the caller hears, but for the id of his request."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def verdict(self) -> Verdict | None:
        """None: an answer that no cell may have. A browser that comes back from the
        bank is always sent on; what opened the door for it is the escrow's id."""
        if self.status == 303:
            goes_on = "escrow=" in dict(self.headers)["Location"]
            return Verdict.OPEN if goes_on else Verdict.HIDDEN
        return Verdict.OPEN if self.status in OPEN else VERDICTS.get(self.status)


class _Lambda:
    """Lambda, in this process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.invocations = 0

    def invoke(self, function: str, event: dict[str, Any], _request_id: str) -> Any:
        self.invocations += 1
        return self._world.invoke(function, event)


@dataclass
class FrontDoor:
    """As many requests as one likes: its throttle sees an hour between any two."""

    world: World
    mint: Mint
    _environs: dict[Asked, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _without_network(self.world, self.mint)
        self._lambda = _Lambda(self.world)
        self._gateway = ApiGateway(
            self.world.template,
            cast("LocalLambda", self._lambda),  # it only ever invokes
            clock=count(step=3_600).__next__,
            now=self.world.clock,
        )

    @property
    def invocations(self) -> int:
        """How often any handler was reached."""
        return self._lambda.invocations

    def ask(self, asked: Asked, authorization: str | None) -> Told:
        if asked not in self._environs:
            self._environs[asked] = asked.environ()
        environ = {**self._environs[asked], "wsgi.input": io.BytesIO(asked.body)}
        if authorization is not None:
            environ["HTTP_AUTHORIZATION"] = authorization
        body, status, headers = run_wsgi_app(self._gateway, environ)
        request_id = headers.pop("apigw-requestid")
        text = b"".join(body).decode().replace(request_id or "", "(request id)")
        return Told(int(status.split()[0]), tuple(headers), text)


def _without_network(world: World, mint: Mint) -> None:
    """The issuer's documents, to whoever fetches them."""
    configuration = SimpleNamespace(
        json=lambda: mint.configuration, raise_for_status=lambda: None
    )
    fetching = SimpleNamespace(
        get=lambda *_, **__: configuration, RequestException=requests.RequestException
    )
    world.variables.setattr(authorizer, "requests", fetching)
    world.variables.setattr(PyJWKClient, "fetch_data", lambda _: mint.keys)
