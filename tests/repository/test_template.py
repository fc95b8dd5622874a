"""Keeps what template.yaml promises: who may enter, and one word for each use case in
every room. It reads the template as the local system does and deploys nothing."""

import json
import re
from pathlib import Path

import pytest

from local.api_gateway.template import Function, Route, Template
from tests.stage import parameters

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = Template.load(ROOT / "template.yaml", parameters(""))
PUBLIC = [
    "POST /api/3d/return/{escrow_id}/{attempt}/{state}",
    "POST /api/webhooks/paynet-callback",
    "POST /api/webhooks/paynet-callback/{escrow_id}/{subject}/{secret}",
]

every_function = pytest.mark.parametrize(
    "function", TEMPLATE.functions.values(), ids=lambda function: function.name
)


@every_function
def test_a_function_has_its_handler_in_its_own_folder(function: Function) -> None:
    assert function.folder == ROOT / "functions" / function.slug
    assert function.handler == "app.lambda_handler"
    assert (function.folder / "app.py").is_file()


@every_function
def test_a_function_has_one_word_in_every_room(function: Function) -> None:
    words = [word.capitalize() for word in function.slug.split("_")]
    assert function.name == "".join([*words, "Function"])


@every_function
def test_a_function_has_a_sample_event(function: Function) -> None:
    assert json.loads((ROOT / "events" / f"{function.slug}.json").read_text("utf-8"))


@every_function
def test_a_function_has_a_test_of_its_name(function: Function) -> None:
    assert list((ROOT / "tests").rglob(f"test_{function.slug}.py"))


@every_function
def test_a_function_answers_before_api_gateway_gives_up(function: Function) -> None:
    assert function.timeout_s <= 29 or function.schedules


def test_every_function_folder_is_deployed() -> None:
    folders = {app.parent for app in (ROOT / "functions").glob("*/app.py")}
    assert folders == {function.folder for function in TEMPLATE.functions.values()}


def test_only_the_return_and_the_callbacks_are_public() -> None:
    assert sorted(route.key for route in TEMPLATE.routes if route.is_public) == PUBLIC


@pytest.mark.parametrize(
    "route",
    [route for route in TEMPLATE.routes if not route.is_public],
    ids=lambda route: route.key,
)
def test_a_protected_route_requires_a_scope(route: Route) -> None:
    assert route.scopes


@pytest.mark.parametrize("makefile", ["Makefile", "layers/emanet/python/Makefile"])
def test_builds_default_to_what_the_template_deploys(makefile: str) -> None:
    builds = re.findall(
        r"^EMANET_\w+ \?= (\S+)", (ROOT / makefile).read_text(), re.MULTILINE
    )
    deploys = re.findall(
        r"^  (?:PythonRuntime|Architecture):\n.*\n    Default: (?:python)?(\S+)",
        (ROOT / "template.yaml").read_text("utf-8"),
        re.MULTILINE,
    )
    assert len(deploys) == 2
    assert sorted(builds) == sorted(deploys)
