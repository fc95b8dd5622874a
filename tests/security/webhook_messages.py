"""What a poster of callbacks can make: genuine messages signed by this file's own hand,
the events in which they travel, and a refund whose callback PAYNET was told. Nothing
here asks the gate what it thinks."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.simulation.world import World
from tests.stage import BASE_URL

PATH = "/api/webhooks/paynet-callback"
FUNCTION = "PaynetWebhookFunction"
SIGNATURE = "x-paynet-signature"
TIMESTAMP = "x-paynet-timestamp"
LISTED = "127.0.0.1"
WINDOW_S = 300

Event = dict[str, Any]


def hmac_hex(secret: str, timestamp: str, raw: bytes) -> str:
    """As docs/paynet.md asks for it, written here once more on purpose."""
    keyed = hmac.new(secret.encode(), timestamp.encode() + b".", hashlib.sha256)
    keyed.update(raw)
    return keyed.hexdigest()


def signed(secret: str, timestamp: str, raw: bytes) -> dict[str, str]:
    """The two headers of a genuine message."""
    return {TIMESTAMP: timestamp, SIGNATURE: hmac_hex(secret, timestamp, raw)}


@dataclass(frozen=True, slots=True)
class OrderPath:
    """The address that PAYNET was told with one refund."""

    escrow_id: str
    subject: str
    secret: str

    @property
    def path(self) -> str:
        return "/".join((PATH, self.escrow_id, self.subject, self.secret))


class Post:
    """The two doors of the callback's function, as API Gateway would knock at them."""

    def __init__(self, world: World) -> None:
        self._world = world

    @cached_property
    def _events(self) -> dict[bool, Event]:
        """One of each route; every event is a copy of one of them."""
        order = OrderPath("a" * 26, "b" * 16, "c" * 32)
        make = self._world.event
        return {
            False: make("POST", PATH, raw=b"{}")[0],
            True: make("POST", order.path, raw=b"{}")[0],
        }

    def event(
        self,
        raw: bytes,
        headers: Mapping[str, str],
        *,
        source_ip: str = LISTED,
        order: OrderPath | None = None,
        as_base64: bool = False,
    ) -> Event:
        """Bytes that are no text travel as base64, as on AWS."""
        event = copy.deepcopy(self._events[order is not None])
        event["headers"] |= {"x-forwarded-for": source_ip, **headers}
        event["requestContext"]["http"]["sourceIp"] = source_ip
        event |= base64_body(raw) if as_base64 else plain_body(raw)
        if order:
            event["rawPath"] = event["requestContext"]["http"]["path"] = order.path
            event["pathParameters"] = {
                "escrow_id": order.escrow_id,
                "subject": order.subject,
                "secret": order.secret,
            }
        return event


def plain_body(raw: bytes) -> Event:
    try:
        return {"body": raw.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return base64_body(raw)


def base64_body(raw: bytes) -> Event:
    return {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}


def refund_on_its_way(world: World) -> OrderPath:
    """A cancelled sale whose refund PAYNET has not decided, and its address."""
    escrow_id = world.held()
    answer = world.call("POST", f"/api/escrows/{escrow_id}/cancel", {})
    assert answer.status == 200, answer.text
    world.paynet.settings.refund_delay_s = 3_600
    world.reconcile(seconds=1)
    assert world.escrow(escrow_id).status == "refunding"
    [mine] = [r for r in world.paynet.books.refunds() if escrow_id in r.succeed_url]
    path = mine.succeed_url.removeprefix(f"{BASE_URL}{PATH}/")
    return OrderPath(*path.split("/"))
