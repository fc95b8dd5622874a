"""Lambda's execution environments as processes: one request at a time in each.

An environment is forked when a request finds none idle, reused while it lives, and
killed at its function's time-out. Nothing here guards the handlers or the store
against each other: they run at the same moment, as on Lambda. It never looks into an
event or an answer. Nothing of a function is changed but its clock, which may be ahead.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.api_gateway.template import ACCOUNT, REGION, Function

# Lambda allows 10 s; a laptop that starts 64 environments at once needs more.
INIT_LIMIT_S = 30.0

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["local.api_gateway.warm", __name__])


class FunctionError(Exception):
    """The handler raised, ran out of time, or its environment died."""


class TooManyRequestsError(Exception):
    """The function's reserved concurrency is used up."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One request on its way into an environment. To its handler it is `ahead` of now,
    from beginning to end: no clock jumps in the middle of a request."""

    request_id: str
    event: str  # JSON
    ahead: timedelta


# ── Inside an environment ────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What Lambda hands to a handler beside the event."""

    function_name: str
    memory_limit_in_mb: int
    aws_request_id: str
    deadline_s: float  # on the monotonic clock
    function_version: str = "$LATEST"
    log_group_name: str = "local"
    log_stream_name: str = field(default_factory=lambda: str(os.getpid()))

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline_s - time.monotonic()) * 1000))


def _live(
    function: Function, variables: Mapping[str, str], log: Path, requests: Connection
) -> None:
    """The whole life of an environment: import the handler, then serve requests."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _redirect_output(log)
    _become(variables)
    # as on Lambda: its own folder first, then its layers
    sys.path[:0] = [str(path) for path in function.paths]
    clock = _give_movable_clock()
    handler = _import_handler(function)
    requests.send((True, "ready"))
    while True:
        try:
            invocation: Invocation = requests.recv()
        except EOFError:
            return
        clock.ahead = invocation.ahead
        context = _context(function, invocation.request_id)
        requests.send(_handle(handler, invocation.event, context))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _redirect_output(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _become(variables: Mapping[str, str]) -> None:
    """Have the function's environment and nothing of this machine's."""
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()


class _MovableClock:
    def __init__(self, real: Callable[[], datetime]) -> None:
        self._real = real
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return self._real() + self.ahead


def _give_movable_clock() -> _MovableClock:
    """Before any handler is imported: the one clock that all of them ask."""
    bootstrap: Any = importlib.import_module("emanet.bootstrap")
    clock = bootstrap.clock = _MovableClock(bootstrap.clock)
    return clock


def _import_handler(function: Function) -> Callable[[object, LambdaContext], object]:
    module, _, name = function.handler.partition(".")
    handler: Callable[[object, LambdaContext], object] = getattr(
        importlib.import_module(module), name
    )
    return handler


def _context(function: Function, request_id: str) -> LambdaContext:
    return LambdaContext(
        function_name=function.name,
        memory_limit_in_mb=function.memory_mb,
        aws_request_id=request_id,
        deadline_s=time.monotonic() + function.timeout_s,
    )


def _handle(
    handler: Callable[[object, LambdaContext], object],
    event: str,
    context: LambdaContext,
) -> tuple[bool, str]:
    """Answer or error as JSON text, as it crosses Lambda's border."""
    try:
        return True, json.dumps(handler(json.loads(event), context))
    except Exception as error:  # noqa: BLE001  (Lambda catches whatever comes)
        traceback.print_exc()
        return False, f"{type(error).__name__} in the handler"
    finally:
        sys.stdout.flush()


# ── Outside: starting, choosing and killing environments ─────────────────────


class Environment:
    """One process that runs one function, seen from the parent."""

    def __init__(
        self, function: Function, variables: Mapping[str, str], log: Path
    ) -> None:
        self.is_usable = True
        self._timeout_s = function.timeout_s
        self._log = log
        self._pipe, theirs = _processes.Pipe()
        self._process = _processes.Process(
            target=_live, args=(function, variables, log, theirs), daemon=True
        )
        self._process.start()
        theirs.close()

    def wait_until_ready(self) -> None:
        self._receive(INIT_LIMIT_S, "init")

    def invoke(self, invocation: Invocation) -> str:
        try:
            self._pipe.send(invocation)
        except OSError:
            self.kill()
            raise FunctionError("the environment is gone") from None
        succeeded, text = self._receive(self._timeout_s, "task")
        if not succeeded:
            raise FunctionError(text)
        return text

    def _receive(self, limit_s: float, what: str) -> tuple[bool, str]:
        """The next message; whoever keeps it waiting longer than that is killed."""
        try:
            if self._pipe.poll(limit_s):
                message: tuple[bool, str] = self._pipe.recv()
                return message
        except (EOFError, OSError):
            self.kill()
            raise FunctionError(f"{what}: the environment died") from None
        self.kill()
        self._note(f"Task timed out after {limit_s:.2f} seconds")
        raise FunctionError(f"{what} timed out after {limit_s:.2f} s")

    def _note(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat()} {line}\n")

    def kill(self) -> None:
        self.is_usable = False
        self._process.kill()

    def close(self) -> None:
        self.kill()
        self._process.join()
        self._pipe.close()


class Fleet:
    """All environments of one function."""

    def __init__(self, function: Function, start: Callable[[], Environment]) -> None:
        self.function = function
        self._start = start
        self._lock = threading.Lock()
        self._idle: list[Environment] = []
        self._busy: dict[str, Environment | None] = {}

    def invoke(self, invocation: Invocation) -> str:
        request_id = invocation.request_id
        environment = self._take(request_id)
        try:
            if environment is None:
                environment = self._begin(request_id)
            return environment.invoke(invocation)
        finally:
            self._give_back(request_id)

    def kill(self, request_id: str) -> bool:
        """End the process that serves this request, as a crash of its host would."""
        with self._lock:
            environment = self._busy.get(request_id)
        if environment is None:
            return False
        environment.kill()
        return True

    def requests_in_flight(self) -> list[str]:
        with self._lock:
            return list(self._busy)

    def close(self) -> None:
        with self._lock:
            environments = [*self._idle, *filter(None, self._busy.values())]
            self._idle.clear()
        for environment in environments:
            environment.close()

    def _take(self, request_id: str) -> Environment | None:
        """An idle environment, or None: the caller may start one."""
        limit = self.function.reserved_concurrency
        with self._lock:
            if limit is not None and len(self._busy) >= limit:
                raise TooManyRequestsError(self.function.name)
            environment = self._idle.pop() if self._idle else None
            self._busy[request_id] = environment
            return environment

    def _begin(self, request_id: str) -> Environment:
        environment = self._start()
        with self._lock:
            self._busy[request_id] = environment
        environment.wait_until_ready()
        return environment

    def _give_back(self, request_id: str) -> None:
        with self._lock:
            environment = self._busy.pop(request_id)
            if environment is not None and environment.is_usable:
                self._idle.append(environment)
                return
        if environment is not None:
            environment.close()


class LocalLambda:
    """Every function of the template, ready to be invoked.

    `variables` are added to each function's own (endpoints and keys of local AWS
    services); the output of the handlers goes to `<logs>/<function's folder>.log`;
    `ahead` is asked at each request how far its handler's clock is ahead.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        variables: Mapping[str, str],
        logs: Path,
        ahead: Callable[[], timedelta] = timedelta,
    ) -> None:
        self._ahead = ahead
        logs.mkdir(parents=True, exist_ok=True)
        self._fleets = {
            name: Fleet(function, _starter(function, variables, logs))
            for name, function in functions.items()
        }

    def invoke(
        self, function_name: str, event: object, request_id: str | None = None
    ) -> object:
        """The handler's answer; FunctionError or TooManyRequestsError otherwise."""
        fleet = self._fleets[function_name]
        invocation = Invocation(
            request_id or str(uuid.uuid4()), json.dumps(event), self._ahead()
        )
        answer: object = json.loads(fleet.invoke(invocation))
        return answer

    def requests_in_flight(self, function_name: str) -> list[str]:
        return self._fleets[function_name].requests_in_flight()

    def kill(self, function_name: str, request_id: str) -> bool:
        return self._fleets[function_name].kill(request_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for fleet in self._fleets.values():
            fleet.close()


def _starter(
    function: Function, variables: Mapping[str, str], logs: Path
) -> Callable[[], Environment]:
    own = {**_own_variables(function), **variables, **function.environment}
    log = logs / f"{function.slug}.log"
    return lambda: Environment(function, own, log)


def _own_variables(function: Function) -> dict[str, str]:
    """What Lambda itself puts into the environment of a function."""
    return {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": REGION,
        "LAMBDA_TASK_ROOT": str(function.folder),
        "LANG": "en_US.UTF-8",
        "NO_PROXY": "*",  # the local cloud stands behind none
        "PATH": os.defpath,
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }
