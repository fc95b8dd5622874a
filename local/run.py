"""`make run`: the whole of Emanet on one machine, on 127.0.0.1, until Ctrl-C.

It starts the database, the PAYNET simulator, the token issuer, API Gateway with the
functions and their schedule, and the shop; says where they are; and ends all of them,
whatever ends it. It never decides what the template decides.
"""

from __future__ import annotations

import argparse
import getpass
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local import children, clock
from local.api_gateway.resources import create_table, put_secret
from local.api_gateway.template import REGION, Template, TemplateError
from local.engines import Engine, EngineFailed, engine_from_environment
from local.issuer import AUDIENCE, Issuer
from local.running import (
    DESCRIPTION,
    ISSUER_KEY,
    LOGS,
    AlreadyRunningError,
    Running,
    only_run,
)
from local.serving import HOST, free_port, serving
from local.shop import CONSENT_VERSION, PAYNET_PAGES, Surroundings, shop

TEMPLATE = Path("template.yaml")
FIRST_PORT, LAST_PORT = 8700, 65_535
READY_WITHIN_S = 30.0
RECONCILE_EVERY_S, A_DAY_S = 5.0, 86_400.0
PAYNET_SECRET, WEBHOOK_SECRET = "PaynetSecret", "WebhookSecret"
OWN_SECRET = "OwnSecret"  # noqa: S105 - a name
PLAYING = """
  The story   make story
  Later       make clock ADD=3d         (deadlines and PAYNET's days move, too)"""


class StartError(Exception):
    """A wish cannot be met, or something did not come up; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for."""

    port: int
    paynet: str  # simulator or test
    payment_mode: str  # api or hosted
    reconcile_every_s: float
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Addresses:
    api: str
    shop: str
    simulator: str
    issuer: str


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    os.environ["NO_PROXY"] = "*"  # all of it is on this machine
    try:
        wishes = _wishes()
        with only_run():
            _run(wishes)
    except AlreadyRunningError:
        sys.exit(f"It runs already: {_where_it_runs()}")
    except (StartError, EngineFailed, TemplateError, clock.ClockError) as error:
        sys.exit(f"Stopped: {error}")


def _leave(number: int, _frame: object) -> None:
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    print("\nStopping ...", flush=True)
    sys.exit(0 if number == signal.SIGINT else 128 + number)


def _wishes() -> Wishes:
    """From the command line; `make` hands its own words over in the environment.

    All are checked here: argparse lets a default of ours pass unseen.
    """
    given = _arguments()
    parameters = dict(_override(text) for text in given.parameter)
    return Wishes(
        _first_port(given.port),
        _paynet(given.paynet),
        _payment_mode(parameters.get("PaymentMode", given.payment_mode)),
        _period_s(given.reconcile_every_s),
        parameters,
    )


def _arguments() -> argparse.Namespace:
    say = os.environ.get
    parser = argparse.ArgumentParser(prog="python -m local.run")
    parser.add_argument(
        "--port",
        default=say("PORT") or str(FIRST_PORT),
        help="the first of four; 0 takes free ones",
    )
    parser.add_argument(
        "--paynet", default=say("PAYNET") or "simulator", help="simulator or test"
    )
    parser.add_argument(
        "--payment-mode",
        default=say("PAYMENT_MODE") or "api",
        help="api, or hosted: PAYNET's own form takes the card",
    )
    parser.add_argument(
        "--reconcile-every-s",
        default=say("RECONCILE_EVERY_S") or str(RECONCILE_EVERY_S),
        help="instead of the template's schedule",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="Name=Value",
        help="of template.yaml, e.g. PublicRouteRate=1000",
    )
    return parser.parse_args()


def _first_port(text: str) -> int:
    last = LAST_PORT - 3  # four in a row
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > last:
        raise StartError(
            f"PORT is the first of four, a number up to {last}, such as {FIRST_PORT};"
            f" 0 takes free ones. It is not {text!r}."
        )
    return int(text)


def _paynet(text: str) -> str:
    """No other: what runs here must never take a customer's money."""
    if text not in {"simulator", "test"}:
        raise StartError("PAYNET is simulator or test: say `make run PAYNET=test`.")
    return text


def _payment_mode(text: str) -> str:
    if text not in {"api", "hosted"}:
        raise StartError(
            "PAYMENT_MODE is api or hosted: say `make run PAYMENT_MODE=hosted`. It is"
            f" not {text!r}."
        )
    return text


def _period_s(text: str) -> float:
    try:
        period_s = float(text)
    except ValueError:
        period_s = 0.0
    if not 0 < period_s <= A_DAY_S:
        raise StartError(
            "RECONCILE_EVERY_S is a number of seconds, above 0 and at most a day,"
            f" such as 60. It is not {text!r}."
        )
    return period_s


def _override(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise StartError(f"--parameter takes Name=Value, not {text!r}.")
    if name == "PaynetEnvironment":
        raise StartError("--parameter does not choose PAYNET's host: PAYNET does.")
    return name, value


def _where_it_runs() -> str:
    try:
        running = Running.find()
    except Exception:  # noqa: BLE001 (it may be starting or stopping just now)
        return "it is starting or stopping; try again in a moment"
    return f"shop {running.shop_url}, process {running.pid}. Ctrl-C there ends it."


def _run(wishes: Wishes) -> None:
    began_s = time.monotonic()
    paynet_key = _paynet_key(wishes.paynet)
    webhook_secret = secrets.token_urlsafe(32)
    addresses = _addresses(wishes.port)
    parameters = {**_parameters(wishes, addresses), **wishes.parameters}
    template = Template.load(TEMPLATE, parameters)
    with ExitStack() as stack:
        start = stack.enter_context
        started = {}
        if wishes.paynet == "simulator":
            simulator = _simulator(addresses.simulator, paynet_key, webhook_secret)
            started["paynet_simulator"] = start(simulator)
        engine = start(_engine())
        issuer = start(_issuer(addresses.issuer))
        is_new = _fill(engine, template, paynet_key, webhook_secret)
        _set_clock(wishes.paynet, is_new=is_new)
        started["api_gateway"] = start(
            _gateway(addresses.api, parameters, engine, wishes.reconcile_every_s)
        )
        start(_shop(addresses, issuer, wishes))
        _wait_for(started, addresses)
        if ahead := clock.ahead():
            clock.tell_simulator(addresses.simulator, ahead)
        running = _description(wishes, addresses, engine, template, webhook_secret)
        stack.callback(DESCRIPTION.unlink, missing_ok=True)
        running.save()
        print(_summary(running, time.monotonic() - began_s), flush=True)
        [started["ministack"]] = engine.processes
        _watch(started)


# ── What it decides ──────────────────────────────────────────────────────────


def _paynet_key(paynet: str) -> str:
    """A new key for the simulator; for PAYNET's test host the person's own."""
    if paynet == "simulator":
        return f"sck_pcs_{secrets.token_urlsafe(24)}"
    file = os.environ.get("PAYNET_KEY_FILE")
    key = (_read_key(Path(file)) if file else _ask_key()).strip()
    if not re.fullmatch(r"sck_[!-~]+", key):
        where = f"PAYNET_KEY_FILE={file} holds" if file else "That is"
        raise StartError(f"{where} no secret key of PAYNET: one begins with sck_.")
    return key


def _read_key(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot be read ({type(error).__name__})"
        advice = "Name a file that holds the key, or leave it out to be asked"
        raise StartError(f"PAYNET_KEY_FILE={file} {problem}. {advice}.") from None


def _ask_key() -> str:
    """Only at a terminal: elsewhere getpass would show what is typed."""
    try:
        if sys.stdin.isatty():
            return getpass.getpass("PAYNET secret key (sck_..., not shown): ")
    except EOFError:
        print()
    raise StartError("no key was given: type it, or name its file in PAYNET_KEY_FILE.")


def _addresses(first_port: int) -> Addresses:
    """Four ports in a row where they are free, others where they are not."""
    wanted = range(first_port, first_port + 4) if first_port else (0, 0, 0, 0)
    with ExitStack() as held:  # all at once, or two could get the same
        ports = [held.enter_context(free_port(port)) for port in wanted]
    return Addresses(*(f"http://{HOST}:{port}" for port in ports))


def _parameters(wishes: Wishes, addresses: Addresses) -> dict[str, str]:
    """The template's parameters for one machine."""
    is_simulated = wishes.paynet == "simulator"
    return {
        "Merchant": "emanet-local",
        "JwtIssuer": addresses.issuer,
        "JwtAudience": AUDIENCE,
        "FrontendOrigins": addresses.shop,
        "FrontendReturnUrls": f"{addresses.shop}/return",
        "PublicBaseUrl": addresses.api,
        "PaynetEnvironment": wishes.paynet,
        "PaynetSimulatorUrl": addresses.simulator if is_simulated else "",
        "WebhookSourceCidrs": f"{HOST}/32",
        "WebhookSignature": "required",
        "PaymentMode": wishes.payment_mode,
        "PaynetPublishableKey": _publishable_key(wishes),
        "CardConsentVersion": CONSENT_VERSION,
    }


def _publishable_key(wishes: Wishes) -> str:
    """No secret: every page with PAYNET's form carries it."""
    if wishes.paynet == "simulator":
        return "pbk_local"
    key = os.environ.get("PAYNET_PUBLISHABLE_KEY", "")
    if wishes.payment_mode == "hosted" and not re.fullmatch(r"pbk_[!-~]+", key):
        raise StartError(
            "PAYNET=test with PAYMENT_MODE=hosted needs PAYNET_PUBLISHABLE_KEY, which"
            " begins with pbk_."
        )
    return key


# ── What it starts ───────────────────────────────────────────────────────────


@contextmanager
def _child(
    module: str, arguments: list[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m module`, with its output in the logs; it cannot outlive us."""
    command = [sys.executable, "-m", module, *arguments]
    child = children.start(module.rpartition(".")[2], command, environment)
    try:
        yield child
    finally:
        children.stop(child)


@contextmanager
def _simulator(
    url: str, key: str, webhook_secret: str
) -> Iterator[subprocess.Popen[bytes]]:
    _say("PAYNET simulator", url)
    secret = {  # where `ps` does not show them
        "EMANET_SIMULATOR_KEY": key,
        "EMANET_SIMULATOR_WEBHOOK_SECRET": webhook_secret,
    }
    arguments = ["--port", str(_port(url))]
    with _child("local.paynet_simulator", arguments, secret) as child:
        yield child


def _engine() -> Engine:
    print("  starting DynamoDB and Secrets Manager ...", flush=True)
    engine = engine_from_environment()
    _say(f"DynamoDB ({engine.name})", engine.dynamodb_endpoint)
    return engine


@contextmanager
def _issuer(url: str) -> Iterator[Issuer]:
    _say("token issuer", url)
    issuer = Issuer.load(url, ISSUER_KEY)
    with serving(issuer.application(), _port(url)):
        yield issuer


@contextmanager
def _gateway(
    url: str, parameters: Mapping[str, str], engine: Engine, every_s: float
) -> Iterator[subprocess.Popen[bytes]]:
    _say("API Gateway and Lambda", url)
    arguments = ["--port", str(_port(url)), "--every-s", str(every_s)]
    for name, value in parameters.items():
        arguments += ["--parameter", f"{name}={value}"]
    with _child("local.api_gateway", arguments, _aws(engine)) as child:
        yield child


@contextmanager
def _shop(addresses: Addresses, issuer: Issuer, wishes: Wishes) -> Iterator[None]:
    _say("shop", addresses.shop)
    is_simulated = wishes.paynet == "simulator"
    surroundings = Surroundings(
        api_url=addresses.api,
        paynet_url=addresses.simulator if is_simulated else PAYNET_PAGES,
        is_simulated=is_simulated,
        is_hosted=wishes.payment_mode == "hosted",
    )
    with serving(shop(surroundings, issuer), _port(addresses.shop)):
        yield


def _aws(engine: Engine) -> dict[str, str]:
    """How the functions find their AWS; keys of one's own reach one's own DynamoDB."""
    say = os.environ.get
    return {
        "AWS_ENDPOINT_URL_DYNAMODB": engine.dynamodb_endpoint,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": engine.secrets_endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": say("AWS_ACCESS_KEY_ID", "local"),
        "AWS_SECRET_ACCESS_KEY": say("AWS_SECRET_ACCESS_KEY", "local"),
    }


def _fill(
    engine: Engine, template: Template, paynet_key: str, webhook_secret: str
) -> bool:
    """True: the table is new."""
    aws = _aws(engine)
    session = boto3.Session(
        aws["AWS_ACCESS_KEY_ID"], aws["AWS_SECRET_ACCESS_KEY"], region_name=REGION
    )
    config = Config(connect_timeout=3, read_timeout=10)
    dynamodb = session.client(
        "dynamodb", endpoint_url=engine.dynamodb_endpoint, config=config
    )
    try:
        is_new = create_table(dynamodb, template)
    except (BotoCoreError, ClientError) as error:
        problem = f"no table at DYNAMODB_ENDPOINT={engine.dynamodb_endpoint}: {error}"
        raise StartError(f"{problem}. Name a DynamoDB, or leave it out.") from None
    _say("table", f"{template.table['TableName']} ({'new' if is_new else 'kept'})")
    manager = session.client(
        "secretsmanager", endpoint_url=engine.secrets_endpoint, config=config
    )
    put_secret(manager, PAYNET_SECRET, {"secret_key": paynet_key})
    put_secret(manager, WEBHOOK_SECRET, {"current": webhook_secret})
    put_secret(manager, OWN_SECRET, {"key": secrets.token_urlsafe(48)})
    return is_new


def _set_clock(paynet: str, *, is_new: bool) -> None:
    """New books begin in the present; kept ones go on at their own time."""
    if is_new:
        clock.forget()
    elif paynet == "test" and (ahead := clock.ahead()):
        raise StartError(
            f"the books are {clock.spoken(ahead)} ahead (make clock), and PAYNET's own"
            " days cannot follow: name another DynamoDB, or run without PAYNET=test."
        )


# ── While it runs ────────────────────────────────────────────────────────────


def _wait_for(
    started: Mapping[str, subprocess.Popen[bytes]], addresses: Addresses
) -> None:
    urls = {"paynet_simulator": addresses.simulator, "api_gateway": addresses.api}
    deadline_s = time.monotonic() + READY_WITHIN_S
    for name, child in started.items():
        while not _listens(urls[name]):
            if child.poll() is not None or time.monotonic() > deadline_s:
                raise StartError(f"{name} did not start: see {LOGS}/{name}.log")
            time.sleep(0.05)


def _listens(url: str) -> bool:
    try:
        socket.create_connection((HOST, _port(url)), timeout=1).close()
    except OSError:
        return False
    return True


def _watch(started: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Stay until a signal, or until something that should run does not."""
    while True:
        time.sleep(1)
        for name, child in started.items():
            if child.poll() is not None:
                raise StartError(f"{name} ended by itself: see {LOGS}/{name}.log")


# ── What it says ─────────────────────────────────────────────────────────────


def _description(
    wishes: Wishes,
    addresses: Addresses,
    engine: Engine,
    template: Template,
    webhook_secret: str,
) -> Running:
    is_simulated = wishes.paynet == "simulator"
    return Running(
        pid=os.getpid(),
        api_url=addresses.api,
        shop_url=addresses.shop,
        issuer_url=addresses.issuer,
        simulator_url=addresses.simulator if is_simulated else None,
        engine=engine.name,
        dynamodb_endpoint=engine.dynamodb_endpoint,
        secrets_endpoint=engine.secrets_endpoint,
        region=REGION,
        table_name=template.table["TableName"],
        paynet_secret_id=PAYNET_SECRET,
        webhook_secret_id=WEBHOOK_SECRET,
        webhook_secret=webhook_secret,
        reconcile_every_s=wishes.reconcile_every_s,
        payment_mode=wishes.payment_mode,
    )


def _say(what: str, where: str) -> None:
    print(f"  {what:<26} {where}", flush=True)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _summary(running: Running, took_s: float) -> str:
    paynet = running.simulator_url or "PAYNET's test host (not yet tried by anyone)"
    playing = PLAYING if running.simulator_url else ""
    hosted = running.payment_mode == "hosted"
    cards = "go into PAYNET's own form (hosted)" if hosted else "go to the API (api)"
    return f"""
Emanet runs (started in {took_s:.1f} s).

  Shop        {running.shop_url}   <- open this in a browser
  API         {running.api_url}
  PAYNET      {paynet}
  Cards       {cards}
  A token     make token WHO=buyer      (seller, backend, operations, carrier){playing}
  Logs        {LOGS}/

  What is due is reconciled every {running.reconcile_every_s:g} s here (deployed: every
  minute; RECONCILE_EVERY_S=60 does the same here).
  Tokens survive a restart on the same ports.
  {_fate(running)}{_lead()}
  Ctrl-C ends everything.
"""


def _lead() -> str:
    ahead = clock.ahead()
    return f"\n  The clock is still {clock.spoken(ahead)} ahead." if ahead else ""


def _fate(running: Running) -> str:
    in_memory = running.engine == "MiniStack"
    escrows = "are in memory" if in_memory else f"stay in {running.engine}"
    books = "the simulator's books are in memory"
    return f"Escrows {escrows}{f'; {books}' if running.simulator_url else ''}."


if __name__ == "__main__":
    main()
