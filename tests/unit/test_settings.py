"""A deployment's choices: wrong ones fail at the start, by name."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from emanet import settings
from emanet.settings import (
    ApiSettings,
    CardSettings,
    FrontendSettings,
    MerchantSettings,
    OwnSecretSettings,
    PaceSettings,
    PaymentModeSettings,
    PaynetSettings,
    Settings,
    TableSettings,
    WebhookSettings,
)

COMPLETE = {
    "TABLE_NAME": "EscrowAccounts",
    "MERCHANT": "shop",
    "FRONTEND_RETURN_URLS": "https://shop.example/return",
    "PAYNET_ENVIRONMENT": "test",
    "PAYNET_SECRET_ID": "PaynetSecret",
    "OWN_SECRET_ID": "OwnSecret",
    "WEBHOOK_SECRET_ID": "WebhookSecret",
    "WEBHOOK_SOURCE_CIDRS": "203.0.113.0/24",
    "WEBHOOK_SIGNATURE": "required",
}
OPTIONAL = (
    "PUBLIC_BASE_URL",
    "PAYNET_SIMULATOR_URL",
    "PAYNET_ESCROW",
    "PAYMENT_MODE",
    "PAYNET_PUBLISHABLE_KEY",
    "CARD_CONSENT_VERSION",
    "PAYNET_REQUESTS_PER_SECOND",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OPTIONAL:
        monkeypatch.delenv(name, raising=False)
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)


KINDS: list[type[Settings]] = [
    ApiSettings,
    CardSettings,
    FrontendSettings,
    MerchantSettings,
    OwnSecretSettings,
    PaceSettings,
    PaymentModeSettings,
    PaynetSettings,
    TableSettings,
    WebhookSettings,
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_complete_environment_is_read(kind: type[Settings]) -> None:
    assert isinstance(settings.read(kind), kind)


@pytest.mark.parametrize("variable", sorted(COMPLETE))
def test_a_missing_variable_fails_by_name(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)
    kind = next(k for k in KINDS if variable.lower() in k.model_fields)
    with pytest.raises(ValidationError, match=variable.lower()):
        settings.read(kind)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TABLE_NAME", ""),
        ("MERCHANT", ""),
        ("FRONTEND_RETURN_URLS", " , "),
        ("PAYNET_ENVIRONMENT", "prod"),
        ("PAYNET_ENVIRONMENT", ""),
        ("PAYNET_SECRET_ID", ""),
        ("OWN_SECRET_ID", ""),
        ("PAYMENT_MODE", ""),
        ("PAYMENT_MODE", "Hosted"),
        ("PAYMENT_MODE", "form"),
        ("WEBHOOK_SECRET_ID", ""),
        ("WEBHOOK_SIGNATURE", "off"),
        ("WEBHOOK_SIGNATURE", ""),
        ("WEBHOOK_SIGNATURE", "Required"),
        ("WEBHOOK_SOURCE_CIDRS", "everybody"),
        ("WEBHOOK_SOURCE_CIDRS", "203.0.113.7/24"),
        ("WEBHOOK_SOURCE_CIDRS", "203.0.113.0/24,unsupported-by-paynet"),
        ("WEBHOOK_SOURCE_CIDRS", "Unsupported-By-PAYNET"),
        ("PAYNET_ESCROW", ""),
        ("PAYNET_ESCROW", "ON"),
        ("PAYNET_ESCROW", "true"),
        ("PAYNET_REQUESTS_PER_SECOND", "0"),
        ("PAYNET_REQUESTS_PER_SECOND", "101"),
        ("PAYNET_REQUESTS_PER_SECOND", "-5"),
        ("PAYNET_REQUESTS_PER_SECOND", "5.5"),
        ("PAYNET_REQUESTS_PER_SECOND", "fast"),
    ],
)
def test_a_wrong_variable_fails_by_name(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    kind = next(k for k in KINDS if variable.lower() in k.model_fields)
    with pytest.raises(ValidationError, match=variable.lower()):
        settings.read(kind)


def test_paynet_s_own_escrow_is_off_unless_it_is_switched_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings.read(PaymentModeSettings).paynet_escrow == "off"
    monkeypatch.setenv("PAYNET_ESCROW", "on")
    assert settings.read(PaymentModeSettings).paynet_escrow == "on"


def test_cards_come_to_us_unless_paynet_s_form_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings.read(PaymentModeSettings).payment_mode == "api"
    monkeypatch.setenv("PAYMENT_MODE", "hosted")
    monkeypatch.setenv("PAYNET_PUBLISHABLE_KEY", "pbk_1")
    chosen = settings.read(PaymentModeSettings)
    assert (chosen.payment_mode, chosen.paynet_publishable_key) == ("hosted", "pbk_1")


def test_paynet_s_form_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENT_MODE", "hosted")
    with pytest.raises(ValidationError, match="PAYNET_PUBLISHABLE_KEY"):
        settings.read(PaymentModeSettings)


def test_paynet_s_form_and_its_own_escrow_are_not_combined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (
        ("PAYMENT_MODE", "hosted"),
        ("PAYNET_PUBLISHABLE_KEY", "pbk_1"),
        ("PAYNET_ESCROW", "on"),
    ):
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match="do not combine"):
        settings.read(PaymentModeSettings)


def test_no_card_is_stored_unless_a_text_of_consent_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings.read(CardSettings).card_consent_version == ""
    monkeypatch.setenv("CARD_CONSENT_VERSION", "kvkk-2")
    assert settings.read(CardSettings).card_consent_version == "kvkk-2"


def test_machines_ask_paynet_five_times_a_second_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings.read(PaceSettings).paynet_requests_per_second == 5
    for chosen in (1, 100):
        monkeypatch.setenv("PAYNET_REQUESTS_PER_SECOND", str(chosen))
        assert settings.read(PaceSettings).paynet_requests_per_second == chosen


def test_return_pages_are_listed_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTEND_RETURN_URLS", "https://b.example/x, https://a.example")
    pages = settings.read(FrontendSettings).frontend_return_urls
    assert pages == ("https://b.example/x", "https://a.example")


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("", ()),
        (" ", ()),
        ("203.0.113.0/24", (ip_network("203.0.113.0/24"),)),
        (
            "203.0.113.7, 2001:db8::/32",
            (ip_network("203.0.113.7/32"), ip_network("2001:db8::/32")),
        ),
        ("unsupported-by-paynet", None),
    ],
)
def test_only_the_explicit_word_switches_the_address_half_off(
    text: str, networks: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_SOURCE_CIDRS", text)
    assert settings.read(WebhookSettings).webhook_source_cidrs == networks


@pytest.mark.parametrize(
    ("environment_", "url"),
    [
        ("test", "https://pts-api.paynet.com.tr"),
        ("production", "https://api.paynet.com.tr"),
    ],
)
def test_paynet_s_hosts_are_ours_to_know(
    environment_: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A left-over simulator address never stands in for PAYNET."""
    monkeypatch.setenv("PAYNET_ENVIRONMENT", environment_)
    monkeypatch.setenv("PAYNET_SIMULATOR_URL", "http://127.0.0.1:8701")
    assert settings.read(PaynetSettings).base_url == url


@pytest.mark.parametrize(
    ("environment_", "host"),
    [
        ("test", "https://pts-pj.paynet.com.tr"),
        ("production", "https://pj.paynet.com.tr"),
        ("simulator", "http://127.0.0.1:8701"),
    ],
)
def test_paynet_s_form_comes_from_paynet_s_host(
    environment_: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYNET_ENVIRONMENT", environment_)
    monkeypatch.setenv("PAYNET_SIMULATOR_URL", "http://127.0.0.1:8701")
    script = settings.read(PaynetSettings).form_script
    assert script == f"{host}/public/js/paynet-custom.min.js"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8701", "http://localhost:8701", "http://[::1]:8701"]
)
def test_a_simulator_on_this_machine_is_used(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYNET_ENVIRONMENT", "simulator")
    monkeypatch.setenv("PAYNET_SIMULATOR_URL", url)
    assert settings.read(PaynetSettings).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://simulator.example",
        "http://127.0.0.1.example",
        "http://127.0.0.1@evil.example",
        "http://localhost.example",
        "http://0.0.0.0:8701",
        "127.0.0.1:8701",
    ],
)
def test_cards_are_sent_to_no_simulator_elsewhere(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYNET_ENVIRONMENT", "simulator")
    monkeypatch.setenv("PAYNET_SIMULATOR_URL", url)
    with pytest.raises(ValidationError, match="loopback"):
        settings.read(PaynetSettings)
