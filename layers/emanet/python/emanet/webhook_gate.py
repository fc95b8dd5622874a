"""Who may post a callback: an address on the list and a signature by one of two live
secrets. Both are required unless a deployment says, in so many words, that PAYNET does
not support one. Passing the gate proves a sender, never a payment."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

TOLERANCE_S = 300
SIGNATURE_HEADER = "x-paynet-signature"
TIMESTAMP_HEADER = "x-paynet-timestamp"
_SECONDS = re.compile("[0-9]{1,12}")

Network = IPv4Network | IPv6Network
Secrets = Callable[[], tuple[str, ...]]
"""The live secrets, newest first. Raises SecretUnavailable."""


@dataclass(frozen=True, slots=True)
class WebhookGate:
    """`networks` or `secrets` None: that half is switched off."""

    networks: tuple[Network, ...] | None
    secrets: Secrets | None

    def refusal(
        self, source_ip: str, headers: Mapping[str, str], raw: bytes, now: datetime
    ) -> str:
        """Why this callback is refused, in a word; empty: it may be kept. `source_ip`
        is the connection's own, never a header's; `headers` has lower-case names.
        Raises SecretUnavailable."""
        if self.networks is not None and not _is_listed(source_ip, self.networks):
            return "source_address"
        if self.secrets is not None:
            return _signature_refusal(self.secrets, headers, raw, now)
        return ""


def _is_listed(source_ip: str, networks: tuple[Network, ...]) -> bool:
    try:
        address = ip_address(source_ip)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def _signature_refusal(
    secrets: Secrets, headers: Mapping[str, str], raw: bytes, now: datetime
) -> str:
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    if not _SECONDS.fullmatch(timestamp):
        return "timestamp"
    if abs(int(timestamp) - now.timestamp()) > TOLERANCE_S:
        return "timestamp"
    given = headers.get(SIGNATURE_HEADER, "").encode(errors="replace")
    good = [
        hmac.compare_digest(sign(s, timestamp, raw).encode(), given) for s in secrets()
    ]
    return "" if any(good) else "signature"


def sign(secret: str, timestamp: str, raw: bytes) -> str:
    """Lower-case hex of HMAC-SHA256(secret, timestamp + "." + raw body)."""
    message = timestamp.encode() + b"." + raw
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
