"""Starts the databases that stand in for AWS on one machine: MiniStack (DynamoDB
and Secrets Manager) from its own environment, or another DynamoDB beside it. An engine
listens on 127.0.0.1 only, keeps its data in memory and never outlives its parent, even
a killed one: nothing survives a restart."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local import children
from local.running import LOGS

ROOT = Path(__file__).resolve().parents[1]
MINISTACK_PYTHON = ROOT / ".venv-ministack" / "bin" / "python"
READY_WITHIN_S = 30.0


class EngineFailed(Exception):
    """An engine is not installed, or did not answer in time."""


@dataclass(frozen=True)
class Engine(AbstractContextManager["Engine"]):
    """Where to reach DynamoDB and Secrets Manager, and what to stop afterwards."""

    name: str
    dynamodb_endpoint: str
    secrets_endpoint: str
    processes: tuple[subprocess.Popen[bytes], ...] = ()

    def stop(self) -> None:
        for process in self.processes:
            children.stop(process)

    def __exit__(self, *_: object) -> None:
        self.stop()


def engine_from_environment() -> Engine:
    """The engine that DYNAMODB_ENDPOINT names, else MiniStack."""
    endpoint = os.environ.get("DYNAMODB_ENDPOINT", "")
    return external(endpoint) if endpoint else start_ministack()


def start_ministack(port: int = 0) -> Engine:
    """DynamoDB and Secrets Manager from one MiniStack; port 0 takes a free one."""
    process, url = _start_ministack(port, "dynamodb,secretsmanager")
    return Engine("MiniStack", url, url, (process,))


def external(endpoint: str) -> Engine:
    """DynamoDB at an address that someone else runs; secrets stay in MiniStack."""
    _must_listen(endpoint)
    process, url = _start_ministack(0, "secretsmanager")
    return Engine(endpoint, endpoint, url, (process,))


def start_dynoxide(binary: Path, port: int = 0) -> Engine:
    """DynamoDB from the dynoxide binary; secrets stay in MiniStack."""
    port = port or _free_port()
    dynoxide = _start("dynoxide", [str(binary), "--port", str(port)], port, {})
    secrets, secrets_url = _start_ministack(0, "secretsmanager")
    return Engine("dynoxide", _url(port), secrets_url, (dynoxide, secrets))


def _start_ministack(port: int, services: str) -> tuple[subprocess.Popen[bytes], str]:
    if not MINISTACK_PYTHON.exists():
        raise EngineFailed(f"{MINISTACK_PYTHON} is missing: run `make setup`")
    port = port or _free_port()
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": services,
        "PERSIST_STATE": "0",
        "SFTP_ENABLED": "0",  # each would listen on a port of its own
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(LOGS.resolve()),  # for its pid file
    }
    command = [str(MINISTACK_PYTHON), "-m", "ministack"]
    return _start("ministack", command, port, environment), _url(port)


def _start(
    name: str, command: list[str], port: int, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    process = children.start(name, command, environment)
    if not _answers(port, process):
        children.stop(process)
        raise EngineFailed(f"{name} did not start: see {LOGS}/{name}.log")
    return process


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def _must_listen(endpoint: str) -> None:
    """EngineFailed unless the endpoint is an address where something listens."""
    try:
        url = urlsplit(endpoint)
        usual_port = {"http": 80, "https": 443}[url.scheme]
        socket.create_connection(
            (url.hostname or "", url.port or usual_port), 5
        ).close()
    except (KeyError, ValueError):
        form = "an address such as http://127.0.0.1:8000"
        raise EngineFailed(f"DYNAMODB_ENDPOINT is {form}, not {endpoint!r}.") from None
    except OSError as error:
        silence = f"nothing answers at DYNAMODB_ENDPOINT={endpoint} ({error})"
        raise EngineFailed(f"{silence}: start it, or leave it out.") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def main(binary: str, *command: str) -> int:
    """Run a command with dynoxide as its DYNAMODB_ENDPOINT."""
    with start_dynoxide(Path(binary)) as engine:
        endpoint = {"DYNAMODB_ENDPOINT": engine.dynamodb_endpoint}
        return subprocess.call(command, env=os.environ | endpoint)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
