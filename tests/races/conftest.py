"""One arena for all races: its processes stay warm from the first round to the last."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from local.api_gateway.resources import create_table, put_secret
from local.api_gateway.server import THREADS, ApiGateway
from local.api_gateway.template import Template
from local.engines import Engine
from local.issuer import Issuer
from local.paynet_simulator.simulator import PaynetSimulator
from local.serving import HOST, free_port, serving
from tests.races.arena import CROWD, Arena, RaceLambda
from tests.stage import (
    OWN_SECRET,
    PAYNET_KEY,
    WEBHOOK_SECRET,
    Stage,
    parameters,
    surroundings,
)

TEMPLATE = Path(__file__).parents[2] / "template.yaml"


@pytest.fixture(scope="session")
def arena(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp("arena")
    paynet = PaynetSimulator(PAYNET_KEY, WEBHOOK_SECRET)
    with ExitStack() as stack:
        paynet_url = stack.enter_context(paynet.serve()).url
        api_port, issuer_port = _two_free_ports()
        api_url = f"http://{HOST}:{api_port}"
        issuer = Issuer.load(f"http://{HOST}:{issuer_port}", folder / "key.pem")
        stack.enter_context(serving(issuer.application(), issuer_port))
        template = _template(paynet_url, api_url, issuer.url)
        stage = _stage(engine, template, paynet, paynet_url)
        stack.callback(
            stage.dynamodb.delete_table, TableName=template.table["TableName"]
        )
        variables = _aws(stage.environment)
        functions = stack.enter_context(
            RaceLambda(template.functions, variables, folder)
        )
        gateway = ApiGateway(template, functions)
        stack.enter_context(serving(gateway, api_port, THREADS))
        yield Arena(api_url, issuer, functions, stage)


def _two_free_ports() -> tuple[int, int]:
    with free_port() as one, free_port() as other:
        return one, other


def _template(paynet_url: str, api_url: str, issuer_url: str) -> Template:
    """The template with wide doors, and a table that no other test knows."""
    chosen = {
        **parameters(paynet_url),
        "JwtIssuer": issuer_url,
        "PublicBaseUrl": api_url,
        "PublicRouteRate": "10000",
        "PaynetRequestsPerSecond": "100",
        "ReturnConcurrency": str(2 * CROWD),
    }
    template = Template.load(TEMPLATE, chosen)
    name = f"emanet-{secrets.token_hex(6)}"
    functions = {
        key: replace(
            each,
            environment={**each.environment, "TABLE_NAME": name},
            reserved_concurrency=2 * CROWD,  # of the reconciler too: no lock of ours
        )
        for key, each in template.functions.items()
    }
    table = {**template.table, "TableName": name}
    del table["StreamSpecification"]  # nobody reads it here, and it grows and grows
    return replace(template, functions=functions, table=table)


def _stage(
    engine: Engine, template: Template, paynet: PaynetSimulator, paynet_url: str
) -> Stage:
    """Table and secrets, and a look into both sides' books."""
    environment = {
        **surroundings(engine),
        "TABLE_NAME": str(template.table["TableName"]),
    }
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )
    dynamodb = session.client("dynamodb", endpoint_url=engine.dynamodb_endpoint)
    create_table(dynamodb, template)
    secret_store = session.client(
        "secretsmanager", endpoint_url=engine.secrets_endpoint
    )
    put_secret(secret_store, "PaynetSecret", {"secret_key": PAYNET_KEY})
    put_secret(secret_store, "WebhookSecret", {"current": WEBHOOK_SECRET})
    put_secret(secret_store, "OwnSecret", {"key": OWN_SECRET})
    return Stage(template, environment, dynamodb, paynet, paynet_url)


def _aws(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if name[:4] == "AWS_"}
