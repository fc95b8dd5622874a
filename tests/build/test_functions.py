"""Invokes every built function with its sample event, under the runtime's own Python,
with nothing but the built folders on its path, against the embedded engine and the
simulator. What the answer must cause is judged elsewhere: here it must run."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.api_gateway.template import Template
from local.engines import Engine
from tests.build.built import HOST, ROOT, RUNTIME, build, layer
from tests.stage import Stage, parameters, surroundings

LAMBDA_HOST = Path(__file__).with_name("lambda_host.py")
FUNCTIONS = list(Template.load(ROOT / "template.yaml", parameters("")).functions)


def invoke(name: str, event: Any, environment: Mapping[str, str]) -> Any:
    """The handler's answer, or its traceback as this test's failure."""
    folders = [build(HOST) / name, layer(HOST)]
    done = subprocess.run(
        [str(RUNTIME), "-I", "-S", str(LAMBDA_HOST), *map(str, folders)],
        input=json.dumps(event),
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_built_function_answers_its_sample_event(
    name: str, engine: Engine, stage: Stage
) -> None:
    function = stage.template.functions[name]
    sample = json.loads((ROOT / "events" / f"{function.slug}.json").read_text("utf-8"))
    table = {"TABLE_NAME": stage.template.table["TableName"]}
    environment = {**function.environment, **surroundings(engine), **table}
    answer = invoke(name, sample["event"], environment)
    if not function.schedules:
        assert answer["statusCode"] < 500
