"""The one place that knows every room: it builds what a function needs, once a process,
from the settings. A function that does not ask for a thing does not load it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters
from botocore.config import Config

from emanet import settings
from emanet.dynamodb import table
from emanet.errors import SecretUnavailable
from emanet.paynet import callbacks
from emanet.ports import Cards, Desk, Forms, Gateway, Hint, MoneyOut, PaynetLists
from emanet.webhook_gate import WebhookGate

if TYPE_CHECKING:
    from emanet.paynet.line import Line, Pace
    from emanet.usecases.complete_3d import Counter
    from emanet.usecases.initiate_3d import Till
    from emanet.usecases.offer_instalments import Pricing
    from emanet.usecases.stored_cards import CardBook

logger = Logger(child=True)

# At DEBUG botocore tells every answer of the secret store, and Powertools the secret in
# the path of a callback.
for name in ("botocore", "aws_lambda_powertools"):
    logging.getLogger(name).setLevel(logging.WARNING)

SECRETS_KEPT_FOR_S = 300
_SECRETS_CONFIG = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "max_attempts": 2}
)


def clock() -> datetime:
    """Now, in whole milliseconds: what is stored and what is compared are the same."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def chance(length: int) -> str:
    """That many unguessable lower-case base32 characters, 5 bits each."""
    raw = secrets.token_bytes(length * 5 // 8 + 1)
    return base64.b32encode(raw).decode().lower()[:length]


@cache
def store() -> table.DynamoEscrowStore:
    """Escrows, schedule and inbox."""
    name = settings.read(settings.TableSettings).table_name
    return table.DynamoEscrowStore(name, table.client())


@cache
def desk() -> Desk:
    """What every change of an escrow needs."""
    return Desk(store(), clock, chance)


@cache
def merchant() -> str:
    """Part of every escrow's id."""
    return settings.read(settings.MerchantSettings).merchant


@cache
def return_pages() -> tuple[str, ...]:
    """The frontend's pages to which a payer may come back; the first is the default."""
    return settings.read(settings.FrontendSettings).frontend_return_urls


@cache
def public_base_url() -> str:
    """The API's own domain; empty: API Gateway's."""
    return settings.read(settings.ApiSettings).public_base_url.rstrip("/")


@cache
def gateway() -> Gateway:
    """PAYNET, wherever this deployment says it is; for a payer who waits."""
    from emanet.paynet.client import PaynetGateway  # noqa: PLC0415 - only who charges loads it

    return PaynetGateway(_payers_line())


@cache
def paced_gateway() -> Gateway:
    """The same for machines, which may wait: never faster than the pace allows."""
    from emanet.paynet.client import PaynetGateway  # noqa: PLC0415 - only who asks loads it

    return PaynetGateway(_paced_line())


@cache
def money_out() -> MoneyOut:
    """PAYNET, where money leaves again; paced."""
    from emanet.paynet.money_out import PaynetMoneyOut  # noqa: PLC0415 - only who sends loads it

    return PaynetMoneyOut(_paced_line())


@cache
def paynet_books() -> PaynetLists:
    """PAYNET's daily lists; paced."""
    from emanet.paynet.books import PaynetBooks  # noqa: PLC0415 - only who compares loads it

    return PaynetBooks(_paced_line())


@cache
def _payers_line() -> Line:
    """To PAYNET, for whoever waits."""
    from emanet.paynet.line import Line  # noqa: PLC0415 - only who asks PAYNET loads it

    return Line(_paynet().base_url, _paynet_key, clock)


@cache
def _paced_line() -> Line:
    """One for all that this process asks by itself."""
    from emanet.paynet.line import Line  # noqa: PLC0415 - only machines load it

    return Line(_paynet().base_url, _paynet_key, clock, _pace())


@cache
def _pace() -> Pace:
    """Of that line."""
    from emanet.paynet.pace import TokenBucket  # noqa: PLC0415 - only machines load it

    chosen = settings.read(settings.PaceSettings)
    return TokenBucket(chosen.paynet_requests_per_second, clock=clock)


@cache
def _paynet() -> settings.PaynetSettings:
    return settings.read(settings.PaynetSettings)


def _paynet_key() -> str:
    return secret(_paynet().paynet_secret_id, "secret_key")


@cache
def payment_mode() -> settings.PaymentModeSettings:
    """How this deployment takes new payments."""
    return settings.read(settings.PaymentModeSettings)


def is_hosted() -> bool:
    """The card is typed into PAYNET's own form; we never see it."""
    return payment_mode().payment_mode == "hosted"


def in_paynet_escrow() -> bool:
    """New payments are held by PAYNET's own escrow too."""
    return payment_mode().paynet_escrow == "on"


@cache
def card_consent_version() -> str:
    """The text to which a payer agrees who stores his card; empty: no card is
    stored."""
    return settings.read(settings.CardSettings).card_consent_version


@cache
def forms() -> Forms:
    """PAYNET's own form in the payer's browser."""
    from emanet.paynet.form import PaynetForm  # noqa: PLC0415 - only who shows it loads it

    return PaynetForm(_paynet().form_script, payment_mode().paynet_publishable_key)


@cache
def cards() -> Cards:
    """PAYNET, and what it knows of cards; for a payer who waits."""
    from emanet.paynet.cards import PaynetCards  # noqa: PLC0415 - only who asks loads it

    return PaynetCards(_payers_line())


def card_book() -> CardBook:
    """The payers' stored cards."""
    from emanet.usecases.stored_cards import CardBook  # noqa: PLC0415 - only who asks for cards loads it

    return CardBook(store(), cards(), lambda: own_key("card ids"))


def till() -> Till:
    """What a payment by card begins with."""
    from emanet.usecases.initiate_3d import Till  # noqa: PLC0415 - only who starts a payment loads it

    return Till(desk(), gateway(), card_book(), quote_key, paynet_user_id)


def counter() -> Counter:
    """Where a card is charged."""
    from emanet.usecases.complete_3d import Counter  # noqa: PLC0415 - only who charges loads it

    return Counter(desk(), gateway(), store())


def pricing() -> Pricing:
    """What prices instalments; inside PAYNET's own form nobody asks us."""
    from emanet.usecases.offer_instalments import Pricing  # noqa: PLC0415 - only who prices loads it

    asked = None if is_hosted() else cards()
    return Pricing(store(), asked, clock)


def quote_key() -> bytes:
    """Signs instalment quotes. Raises SecretUnavailable."""
    return own_key("quotes")


def paynet_user_id(payer_id: str) -> str:
    """By this PAYNET may know a payer; it says nothing about him."""
    digest = hmac.digest(own_key("payers"), payer_id.encode(), hashlib.sha256)
    return base64.b32encode(digest).decode()[:26].lower()


def own_key(purpose: str) -> bytes:
    """One for each purpose, out of the deployment's own secret. Raises
    SecretUnavailable."""
    own = secret(settings.read(settings.OwnSecretSettings).own_secret_id, "key")
    return hmac.digest(own.encode(), purpose.encode(), hashlib.sha256)


@cache
def webhook_gate() -> WebhookGate:
    """The gate as this deployment set it; docs/paynet.md says what switching off
    means."""
    chosen = settings.read(settings.WebhookSettings)
    signed = chosen.webhook_signature == "required"
    if chosen.webhook_source_cidrs is None:
        logger.warning("webhook gate: callbacks are taken from any address")
    if not signed:
        logger.warning("webhook gate: callbacks are taken without a signature")
    return WebhookGate(
        networks=chosen.webhook_source_cidrs,
        secrets=(lambda: webhook_secrets(chosen.webhook_secret_id)) if signed else None,
    )


def read_callback(raw: bytes) -> Hint:
    """A callback's body in our words."""
    return callbacks.read_callback(raw)


def read_refund_callback(raw: bytes) -> Hint:
    """A refund's callback in our words: whose it is says its path, not its body."""
    word = callbacks.read_refund_callback(raw)
    return Hint(None, word.fields, word.is_approved)


@cache
def _secret_store() -> parameters.SecretsProvider:
    return parameters.SecretsProvider(boto_config=_SECRETS_CONFIG)


def webhook_secrets(secret_id: str) -> tuple[str, ...]:
    """The live ones, newest first. Raises SecretUnavailable."""
    return tuple(s for s in _secret(secret_id, "current", "previous") if s)


def secret(secret_id: str, name: str) -> str:
    """One value of a secret, kept for a few minutes. Raises SecretUnavailable."""
    return _secret(secret_id, name)[0]


def _secret(secret_id: str, *names: str) -> list[str]:
    """The first name must be there. The store's own error text stays out of ours."""
    try:
        values = _secret_store().get(
            secret_id, max_age=SECRETS_KEPT_FOR_S, transform="json"
        )
    except (parameters.GetParameterError, parameters.TransformParameterError):
        values = None
    if not isinstance(values, dict) or not values.get(names[0]):
        raise SecretUnavailable(names[0])
    return [str(values.get(name) or "") for name in names]
