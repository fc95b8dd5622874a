"""What a deployment chose, read once from the environment that template.yaml sets.
Wrong values fail at the start, by name; a secret is never among them, only where it is
kept."""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from emanet.webhook_gate import Network

UNSUPPORTED = "unsupported-by-paynet"

PAYNET_HOSTS = {
    "test": "https://pts-api.paynet.com.tr",
    "production": "https://api.paynet.com.tr",
}
PAYNET_FORM_HOSTS = {
    "test": "https://pts-pj.paynet.com.tr",
    "production": "https://pj.paynet.com.tr",
}
FORM_SCRIPT = "/public/js/paynet-custom.min.js"


def _listed(text: Any) -> Any:
    return [word.strip() for word in text.split(",") if word.strip()]


def _networks(text: Any) -> Any:
    return None if text == UNSUPPORTED else [ip_network(word) for word in _listed(text)]


class Settings(BaseModel):
    """A part of the environment; the fields' names in capitals are the variables'."""

    model_config = ConfigDict(
        frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )


T = TypeVar("T", bound=Settings)


class TableSettings(Settings):
    table_name: str = Field(min_length=3)


class MerchantSettings(Settings):
    merchant: str = Field(min_length=1)


class FrontendSettings(Settings):
    """The pages to which a payer may come back; the first is the default."""

    frontend_return_urls: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        min_length=1
    )


class ApiSettings(Settings):
    """The API's own public address, if it has a domain of its own."""

    public_base_url: str = ""


class PaynetSettings(Settings):
    paynet_environment: Literal["test", "production", "simulator"]
    paynet_simulator_url: str = ""
    paynet_secret_id: str = Field(min_length=1)

    @property
    def base_url(self) -> str:
        return PAYNET_HOSTS.get(self.paynet_environment, self.paynet_simulator_url)

    @property
    def form_script(self) -> str:
        host = PAYNET_FORM_HOSTS.get(self.paynet_environment, self.paynet_simulator_url)
        return host + FORM_SCRIPT

    @model_validator(mode="after")
    def _a_simulator_is_on_this_machine(self) -> PaynetSettings:
        host = urlsplit(self.paynet_simulator_url).hostname
        if self.paynet_environment == "simulator" and not _is_loopback(host):
            raise ValueError("PAYNET_SIMULATOR_URL must be a loopback address")
        return self


class PaceSettings(Settings):
    """How fast the machine's own questions and orders may come to PAYNET."""

    paynet_requests_per_second: int = Field(default=5, ge=1, le=100)


class PaymentModeSettings(Settings):
    """`hosted`: the payer types the card into PAYNET's own form, and we never see it.
    Whether PAYNET's escrow works with that form is not known."""

    payment_mode: Literal["api", "hosted"] = "api"
    paynet_publishable_key: str = ""
    paynet_escrow: Literal["on", "off"] = "off"

    @model_validator(mode="after")
    def _the_form_has_its_key_and_no_paynet_escrow(self) -> PaymentModeSettings:
        if self.payment_mode == "hosted" and not self.paynet_publishable_key:
            raise ValueError("PAYMENT_MODE=hosted needs PAYNET_PUBLISHABLE_KEY")
        if self.payment_mode == "hosted" and self.paynet_escrow == "on":
            raise ValueError("PAYMENT_MODE=hosted and PAYNET_ESCROW=on do not combine")
        return self


class CardSettings(Settings):
    """The text that a payer agrees to before his card is stored; empty: no card is."""

    card_consent_version: str = ""


class OwnSecretSettings(Settings):
    own_secret_id: str = Field(min_length=1)


class WebhookSettings(Settings):
    """`None` networks: the gate's address half is switched off."""

    webhook_secret_id: str = Field(min_length=1)
    webhook_source_cidrs: Annotated[
        tuple[Network, ...] | None, BeforeValidator(_networks)
    ]
    webhook_signature: Literal["required", "unsupported-by-paynet"]


def read(kind: type[T]) -> T:
    """That part of the environment. Raises pydantic's ValidationError, naming
    fields."""
    names = {name: name.upper() for name in kind.model_fields}
    present = {
        field: os.environ[name] for field, name in names.items() if name in os.environ
    }
    return kind.model_validate(present)


def _is_loopback(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
