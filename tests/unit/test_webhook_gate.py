"""The callback's gate: whole, everything passes; one thing damaged, nothing does."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from ipaddress import ip_network

import pytest

from emanet.errors import SecretUnavailable
from emanet.webhook_gate import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Network,
    WebhookGate,
    sign,
)
from tests.unit.scenes import START, later

RAW = b'{"referance_no":"abc-1-xyz"}'
ADDRESS = "203.0.113.7"
NETWORKS: tuple[Network, ...] = (
    ip_network("203.0.113.0/24"),
    ip_network("2001:db8::/32"),
)
CURRENT, PREVIOUS = "new-secret", "old-secret"
NOW = str(int(START.timestamp()))


def gate(
    networks: tuple[Network, ...] | None = NETWORKS,
    secrets: tuple[str, ...] | None = (CURRENT, PREVIOUS),
) -> WebhookGate:
    return WebhookGate(networks, (lambda: secrets) if secrets is not None else None)


def headers(
    secret: str = CURRENT, timestamp: str = NOW, raw: bytes = RAW
) -> dict[str, str]:
    return {
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: sign(secret, timestamp, raw),
    }


def signed_at(seconds: int) -> dict[str, str]:
    return headers(timestamp=str(int(START.timestamp()) + seconds))


def test_the_signature_is_hmac_sha256_of_timestamp_dot_body() -> None:
    """The vector is openssl's: `openssl dgst -sha256 -hmac new-secret`."""
    vector = "0b83139d5524078c6caa3fe317d9e5d3f7562baa1ff88440f8e8a471ef8a3e16"
    by_hand = hmac.new(
        b"new-secret", b'1795424400.{"referance_no":"abc-1-xyz"}', hashlib.sha256
    ).hexdigest()
    assert sign(CURRENT, "1795424400", RAW) == by_hand == vector


@pytest.mark.parametrize("secret", [CURRENT, PREVIOUS])
def test_either_live_secret_opens_the_gate(secret: str) -> None:
    assert gate().refusal(ADDRESS, headers(secret), RAW, START) == ""


@pytest.mark.parametrize("seconds", [-300, 300])
def test_the_clocks_may_differ_by_five_minutes(seconds: int) -> None:
    assert gate().refusal(ADDRESS, signed_at(seconds), RAW, START) == ""


@pytest.mark.parametrize("seconds", [-301, 301, -86_400])
def test_an_old_or_future_timestamp_is_refused_though_rightly_signed(
    seconds: int,
) -> None:
    assert gate().refusal(ADDRESS, signed_at(seconds), RAW, START) == "timestamp"


def test_a_fraction_of_a_second_over_five_minutes_is_over() -> None:
    now = later(seconds=300) + timedelta(milliseconds=1)
    assert gate().refusal(ADDRESS, headers(), RAW, now) == "timestamp"


@pytest.mark.parametrize(
    "timestamp", ["", " ", "now", "-1", "1e9", "1.5", f" {NOW}", "٣", "9" * 13, "+1"]
)
def test_what_is_no_unix_time_is_refused(timestamp: str) -> None:
    given = {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: "0" * 64}
    assert gate().refusal(ADDRESS, given, RAW, START) == "timestamp"


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "0" * 64,
        sign(CURRENT, NOW, RAW)[:-1],
        sign(CURRENT, NOW, RAW) + "0",
        sign(CURRENT, NOW, RAW).upper(),
        sign("retired-secret", NOW, RAW),
        sign("", NOW, RAW),
        sign(CURRENT, NOW, RAW + b" "),
        sign(CURRENT, str(int(NOW) + 1), RAW),
        "imzasız ✓",
        "\udcff",
    ],
)
def test_a_damaged_signature_is_refused(signature: str) -> None:
    given = headers() | {SIGNATURE_HEADER: signature}
    assert gate().refusal(ADDRESS, given, RAW, START) == "signature"


@pytest.mark.parametrize("raw", [b"", RAW[:-1], RAW + b"\n", RAW.replace(b"1", b"2")])
def test_a_damaged_body_is_refused(raw: bytes) -> None:
    assert gate().refusal(ADDRESS, headers(), raw, START) == "signature"


@pytest.mark.parametrize("missing", [TIMESTAMP_HEADER, SIGNATURE_HEADER])
def test_a_missing_header_is_refused(missing: str) -> None:
    given = headers()
    del given[missing]
    assert gate().refusal(ADDRESS, given, RAW, START) != ""


def test_no_live_secret_refuses_everything() -> None:
    assert gate(secrets=()).refusal(ADDRESS, headers(), RAW, START) == "signature"


@pytest.mark.parametrize(
    "address", ["203.0.113.0", "203.0.113.255", "2001:db8::1", "::ffff:203.0.113.7"]
)
def test_a_listed_address_passes_in_every_spelling(address: str) -> None:
    assert gate().refusal(address, headers(), RAW, START) == ""


@pytest.mark.parametrize(
    "address",
    [
        "203.0.114.7",
        "2001:db9::1",
        "::ffff:203.0.114.7",
        "",
        "unknown",
        "203.0.113.7, 10.0.0.1",
        "203.0.113.007",
        "203.0.113",
        "203.0.113.7/24",
        "٢٠٣.0.113.7",
    ],
)
def test_any_other_address_is_refused_though_rightly_signed(address: str) -> None:
    assert gate().refusal(address, headers(), RAW, START) == "source_address"


def test_a_forwarded_header_moves_nobody_onto_the_list() -> None:
    given = headers() | {"x-forwarded-for": ADDRESS, "x-real-ip": ADDRESS}
    assert gate().refusal("198.51.100.1", given, RAW, START) == "source_address"


@pytest.mark.parametrize("address", [ADDRESS, "127.0.0.1", "::1"])
def test_an_empty_list_lets_nobody_in(address: str) -> None:
    assert gate(networks=()).refusal(address, headers(), RAW, START) == (
        "source_address"
    )


def test_the_address_half_switched_off_still_asks_for_a_signature() -> None:
    half = gate(networks=None)
    assert half.refusal("198.51.100.1", headers(), RAW, START) == ""
    assert half.refusal("198.51.100.1", {}, RAW, START) == "timestamp"


def test_the_signature_half_switched_off_still_asks_for_the_address() -> None:
    half = gate(secrets=None)
    assert half.refusal(ADDRESS, {}, RAW, START) == ""
    assert half.refusal("198.51.100.1", {}, RAW, START) == "source_address"


def test_secrets_are_not_even_read_for_a_stranger() -> None:
    def locked() -> tuple[str, ...]:
        raise SecretUnavailable("current")

    closed = WebhookGate(NETWORKS, locked)
    assert closed.refusal("198.51.100.1", headers(), RAW, START) == "source_address"
    with pytest.raises(SecretUnavailable):
        closed.refusal(ADDRESS, headers(), RAW, START)
