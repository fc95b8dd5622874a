"""`make run`: the whole of Emanet on one machine, on 127.0.0.1, until Ctrl-C.

It starts the database, the PAYNET simulator, the token issuer, API Gateway with the
functions and their schedule, and the shop; says where they are; and ends all of them,
whatever ends it. It never decides what the template decides.
"""

from __future__ import annotations

import argparse
import getpass
import os
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

from local.api_gateway.resources import create_table, put_secret
from local.api_gateway.template import REGION, Template, TemplateError
from local.engines import GUARD, Engine, EngineFailed, engine_from_environment
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
from local.shop import shop

TEMPLATE = Path("template.yaml")
FIRST_PORT = 8700
READY_WITHIN_S = 30.0
RECONCILE_EVERY_S = 5.0
PAYNET_SECRET, WEBHOOK_SECRET = "PaynetSecret", "WebhookSecret"


class StartError(Exception):
    """Something did not come up; the text says what to look at."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for."""

    port: int
    paynet: str  # simulator or test
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
    wishes = _wishes()
    try:
        with only_run():
            _run(wishes)
    except AlreadyRunningError:
        sys.exit(f"It runs already: {_where_it_runs()}")
    except (StartError, EngineFailed, TemplateError) as error:
        sys.exit(f"Stopped: {error}")


def _leave(number: int, _frame: object) -> None:
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    print("\nStopping ...", flush=True)
    sys.exit(0 if number == signal.SIGINT else 128 + number)


def _wishes() -> Wishes:
    """From the command line; `make` hands its own words over in the environment."""
    say = os.environ.get
    parser = argparse.ArgumentParser(prog="python -m local.run")
    parser.add_argument(
        "--port",
        type=int,
        default=int(say("PORT") or FIRST_PORT),
        help="the first of four; 0 takes free ones",
    )
    parser.add_argument(
        "--paynet", default=say("PAYNET") or "simulator", choices=["simulator", "test"]
    )
    parser.add_argument(
        "--reconcile-every-s",
        type=float,
        default=float(say("RECONCILE_EVERY_S") or RECONCILE_EVERY_S),
        help="instead of the template's schedule",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="Name=Value",
        help="of template.yaml, e.g. PublicRouteRate=1000",
    )
    given = parser.parse_args()
    parameters = dict(text.split("=", 1) for text in given.parameter)
    return Wishes(given.port, given.paynet, given.reconcile_every_s, parameters)


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
    parameters = {**_parameters(wishes.paynet, addresses), **wishes.parameters}
    template = Template.load(TEMPLATE, parameters)
    with ExitStack() as stack:
        start = stack.enter_context
        children = {}
        if wishes.paynet == "simulator":
            simulator = _simulator(addresses.simulator, paynet_key, webhook_secret)
            children["paynet_simulator"] = start(simulator)
        engine = start(_engine())
        issuer = start(_issuer(addresses.issuer))
        children["api_gateway"] = start(
            _gateway(addresses.api, parameters, engine, wishes.reconcile_every_s)
        )
        _fill(engine, template, paynet_key, webhook_secret)
        start(_shop(addresses, issuer, wishes.paynet))
        _wait_for(children, addresses)
        running = _description(wishes, addresses, engine, template, webhook_secret)
        stack.callback(DESCRIPTION.unlink, missing_ok=True)
        running.save()
        print(_summary(running, time.monotonic() - began_s), flush=True)
        [children["ministack"]] = engine.processes
        _watch(children)


# ── What it decides ──────────────────────────────────────────────────────────


def _paynet_key(paynet: str) -> str:
    """A new key for the simulator; for PAYNET's test host the person's own."""
    if paynet == "simulator":
        return f"sck_pcs_{secrets.token_urlsafe(24)}"
    if file := os.environ.get("PAYNET_KEY_FILE"):
        return Path(file).read_text("utf-8").strip()
    return getpass.getpass("PAYNET secret key (sck_..., not shown): ").strip()


def _addresses(first_port: int) -> Addresses:
    """Four ports in a row where they are free, others where they are not."""
    wanted = range(first_port, first_port + 4) if first_port else (0, 0, 0, 0)
    with ExitStack() as held:  # all at once, or two could get the same
        ports = [held.enter_context(free_port(port)) for port in wanted]
    return Addresses(*(f"http://{HOST}:{port}" for port in ports))


def _parameters(paynet: str, addresses: Addresses) -> dict[str, str]:
    """The template's parameters for one machine."""
    is_simulated = paynet == "simulator"
    return {
        "Merchant": "emanet-local",
        "JwtIssuer": addresses.issuer,
        "JwtAudience": AUDIENCE,
        "FrontendOrigins": addresses.shop,
        "FrontendReturnUrls": f"{addresses.shop}/return",
        "PublicBaseUrl": addresses.api,
        "PaynetEnvironment": paynet,
        "PaynetSimulatorUrl": addresses.simulator if is_simulated else "",
        "WebhookSourceCidrs": f"{HOST}/32",
        "WebhookSignature": "required",
    }


# ── What it starts ───────────────────────────────────────────────────────────


@contextmanager
def _child(
    module: str, arguments: list[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m module`, with its output in the logs; it cannot outlive us."""
    command = [sys.executable, "-m", module, *arguments]
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"{module.rpartition('.')[2]}.log").open("ab") as log:
        child = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, module, *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is ours to answer
        )
    try:
        yield child
    finally:
        child.communicate()  # closes its stdin, which ends it


@contextmanager
def _simulator(
    url: str, key: str, webhook_secret: str
) -> Iterator[subprocess.Popen[bytes]]:
    _say("PAYNET simulator", url)
    # One word each: a secret may begin with a dash.
    arguments = [f"--port={_port(url)}", f"--secret-key={key}"]
    arguments += [f"--webhook-secret={webhook_secret}"]
    with _child("local.paynet_simulator", arguments, {}) as child:
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
def _shop(addresses: Addresses, issuer: Issuer, paynet: str) -> Iterator[None]:
    _say("shop", addresses.shop)
    with serving(shop(addresses.api, issuer, paynet), _port(addresses.shop)):
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
) -> None:
    aws = _aws(engine)
    session = boto3.Session(
        aws["AWS_ACCESS_KEY_ID"], aws["AWS_SECRET_ACCESS_KEY"], region_name=REGION
    )
    config = Config(connect_timeout=3, read_timeout=10)
    dynamodb = session.client(
        "dynamodb", endpoint_url=engine.dynamodb_endpoint, config=config
    )
    is_new = create_table(dynamodb, template)
    _say("table", f"{template.table['TableName']} ({'new' if is_new else 'kept'})")
    manager = session.client(
        "secretsmanager", endpoint_url=engine.secrets_endpoint, config=config
    )
    put_secret(manager, PAYNET_SECRET, {"secret_key": paynet_key})
    put_secret(manager, WEBHOOK_SECRET, {"current": webhook_secret})


# ── While it runs ────────────────────────────────────────────────────────────


def _wait_for(
    children: Mapping[str, subprocess.Popen[bytes]], addresses: Addresses
) -> None:
    urls = {"paynet_simulator": addresses.simulator, "api_gateway": addresses.api}
    deadline_s = time.monotonic() + READY_WITHIN_S
    for name, child in children.items():
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


def _watch(children: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Stay until a signal, or until something that should run does not."""
    while True:
        time.sleep(1)
        for name, child in children.items():
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
    )


def _say(what: str, where: str) -> None:
    print(f"  {what:<26} {where}", flush=True)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _summary(running: Running, took_s: float) -> str:
    paynet = running.simulator_url or "PAYNET's test host (not yet tried by anyone)"
    return f"""
Emanet runs (started in {took_s:.1f} s).

  Shop        {running.shop_url}   <- open this in a browser
  API         {running.api_url}
  PAYNET      {paynet}
  A token     make token WHO=buyer      (seller, backend, operations, carrier)
  The story   make story
  Logs        {LOGS}/

  What is due is reconciled every {running.reconcile_every_s:g} s here (deployed: every
  minute; RECONCILE_EVERY_S=60 does the same here).
  Tokens survive a restart on the same ports. {_fate(running)}
  Ctrl-C ends everything.
"""


def _fate(running: Running) -> str:
    if running.engine == "MiniStack":
        return "Escrows do not: they are\n  in memory, as are the simulator's books."
    return f"Escrows stay in\n  {running.engine}; the simulator's books are in memory."


if __name__ == "__main__":
    main()
