"""Serves a WSGI application from a thread of this process and ends it cleanly. It knows
nothing of PAYNET."""

import logging
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from waitress.server import TcpWSGIServer
from waitress.wasyncore import close_all

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
        self._thread = Thread(target=self._waitress.run, daemon=True)
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
        # The sockets belong to the serving thread: it closes them itself.
        end = partial(close_all, self._sockets)
        # (The stub calls the trigger an int.)
        self._waitress.trigger.pull_trigger(end)  # type: ignore[attr-defined]  # see above
        self._thread.join(ENDING_S)
