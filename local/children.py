"""Child processes that cannot outlive us: one that we stop ends, if need be by force,
and so do all of them when we are killed. It never decides what runs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from local.running import LOGS

STOP_WITHIN_S = 5.0

# The shell becomes the child; beside it a watcher reads a pipe that only our process
# holds open. Whatever ends us, the pipe closes, and the watcher ends the child: first
# it asks, then it kills the session, which is the child's own.
GUARD = (
    "exec 3<&0 </dev/null; "
    f"(cat <&3; kill $$; sleep {STOP_WITHIN_S:g}; kill -9 0) & "
    'exec 3<&-; exec "$@"'
)


def start(
    name: str, command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Its output goes to the logs, under its name."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            ["/bin/sh", "-c", GUARD, name, *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is ours to answer
        )


def stop(child: subprocess.Popen[bytes]) -> None:
    """Ask; then end what is left of its session, the watcher too."""
    if child.stdin:
        child.stdin.close()  # the watcher asks
    with suppress(subprocess.TimeoutExpired):
        child.wait(STOP_WITHIN_S)
    with suppress(ProcessLookupError, PermissionError):  # nothing is left (macOS: 2nd)
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
