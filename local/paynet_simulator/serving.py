"""Serves a WSGI application from a thread of this process and ends it cleanly. It knows
nothing of PAYNET."""

import logging
from threading import Thread
from typing import TYPE_CHECKING

from waitress.server import TcpWSGIServer
from waitress.wasyncore import close_all, loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from types import TracebackType

    from _typeshed.wsgi import WSGIApplication

# A queue of one is no news: the threads start with the server.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)

THREADS = 96
CONNECTIONS = 1000
ENDING_S = 5


class Server:
    """Bound when made, serving inside `with`; `release` frees whoever still waits."""

    def __init__(
        self,
        application: "WSGIApplication",
        host: str,
        port: int,
        release: "Callable[[], None]",
    ) -> None:
        self._sockets: dict[int, socket] = {}
        self._release = release
        self._waitress = TcpWSGIServer(
            application,
            map=self._sockets,
            host=host,
            port=port,
            threads=THREADS,
            connection_limit=CONNECTIONS,
            backlog=CONNECTIONS,
            # select() would stop at file descriptor 1023.
            asyncore_use_poll=True,
        )
        self._is_ending = False
        self._thread = Thread(target=self._serve, daemon=True)
        self.url = f"http://{host}:{self._waitress.getsockname()[1]}"

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self._release()
        self._waitress.task_dispatcher.shutdown(timeout=ENDING_S)
        self._is_ending = True
        self._waitress.pull_trigger()
        self._thread.join(ENDING_S)
        # Only now: whoever serves polls these sockets, and wakes by one of them.
        close_all(self._sockets)

    def _serve(self) -> None:
        while not self._is_ending:
            loop(timeout=1, use_poll=True, map=self._sockets, count=1)
