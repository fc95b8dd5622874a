"""A local system of a test's own: `make run` as a child process with its own state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 60


@dataclass(frozen=True)
class System:
    """A local system of its own: process, state folder, and what it says of itself."""

    process: subprocess.Popen[str]
    state: Path
    said: str
    facts: dict[str, Any]

    def ports(self) -> list[int]:
        urls = [self.facts[name] for name in self.facts if name.endswith("_url")]
        urls.append(self.facts["secrets_endpoint"])
        return [int(url.rpartition(":")[2]) for url in urls]


def python(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, "EMANET_STATE": str(state)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@contextmanager
def running(state: Path, *arguments: str, **wishes: str) -> Iterator[System]:
    process = subprocess.Popen(
        [sys.executable, "-m", "local.run", "--port", "0", *arguments],
        cwd=ROOT,
        env={**os.environ, "EMANET_STATE": str(state), **wishes},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        while "Ctrl-C ends everything" not in said:
            line = process.stdout.readline()
            assert line, f"it stopped: {said}"
            said += line
        facts = json.loads((state / "run.json").read_text("utf-8"))
        yield System(process, state, said, facts)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
