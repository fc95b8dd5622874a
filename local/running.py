"""What `make run` says of itself to the other commands, in the state folder.

Only the process that holds the lock may have written it; with nobody holding the lock
nothing runs, whatever a killed run left behind. `python -m local.running` fails while
something runs, for `make clean`.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

STATE = Path(os.environ.get("EMANET_STATE") or ".local")
LOGS = STATE / "logs"
LOCK = STATE / "run.lock"
DESCRIPTION = STATE / "run.json"
ISSUER_KEY = STATE / "issuer.pem"
CLOCK = STATE / "clock.json"


class NotRunningError(Exception):
    """Nothing runs here."""

    def __str__(self) -> str:
        return "Nothing is running here. Start it with: make run"


class AlreadyRunningError(Exception):
    """One run at a time: both would write the same state folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running local system: where everything is, and the secrets made for it."""

    pid: int
    api_url: str
    shop_url: str
    issuer_url: str
    simulator_url: str | None  # None: PAYNET's own test host
    engine: str
    dynamodb_endpoint: str
    secrets_endpoint: str
    region: str
    table_name: str
    paynet_secret_id: str
    webhook_secret_id: str
    webhook_secret: str
    reconcile_every_s: float
    payment_mode: str  # api or hosted

    @classmethod
    def find(cls) -> Self:
        """The system that runs now, or NotRunningError."""
        try:
            with only_run():
                raise NotRunningError
        except AlreadyRunningError:
            pass
        try:
            return cls(**json.loads(DESCRIPTION.read_text("utf-8")))
        except FileNotFoundError:
            raise NotRunningError from None  # it is still starting

    def save(self) -> None:
        DESCRIPTION.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = os.open(DESCRIPTION, flags, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=2)


@contextmanager
def only_run() -> Iterator[None]:
    """Hold the lock, which the system lets go of even when its holder is killed."""
    STATE.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError from None
        yield


def main() -> None:
    try:
        with only_run():
            return
    except AlreadyRunningError:
        sys.exit(f"It runs ({_process()}): Ctrl-C there first.")


def _process() -> str:
    try:
        return f"pid {Running.find().pid}"
    except NotRunningError:
        return "starting or stopping"


if __name__ == "__main__":
    main()
