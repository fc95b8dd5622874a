"""A WSGI application on a loopback port, for as long as a `with` block lasts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import waitress.server
import waitress.wasyncore

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"
MAX_BODY_BYTES = 20 * 1024 * 1024


@contextmanager
def serving(
    application: WSGIApplication, port: int = 0, threads: int = 16
) -> Iterator[str]:
    """Yield the server's URL. Port 0 takes a free one.

    The server is Any: waitress's type stubs do not know its port.
    """
    sockets: dict[int, Any] = {}
    server: Any = waitress.server.create_server(
        application,
        map=sockets,
        host=HOST,
        port=port,
        threads=threads,
        backlog=1024,
        connection_limit=1024,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=False,  # what a caller claims is passed on
        max_request_body_size=MAX_BODY_BYTES,
        ident=None,
    )
    ending = threading.Event()
    loop = threading.Thread(target=_serve, args=(sockets, ending), daemon=True)
    loop.start()
    try:
        yield f"http://{HOST}:{server.effective_port}"
    finally:
        ending.set()
        server.pull_trigger()
        loop.join()
        # Only now: the loop polls these sockets, and wakes by one of them.
        waitress.wasyncore.close_all(sockets)
        server.task_dispatcher.shutdown()


def _serve(sockets: dict[int, Any], ending: threading.Event) -> None:
    while not ending.is_set():
        waitress.wasyncore.loop(timeout=1, use_poll=True, map=sockets, count=1)


@contextmanager
def free_port(wanted: int = 0) -> Iterator[int]:
    """The wanted port if it is free, else another; kept while the block lasts."""
    with socket.socket() as probe:
        if wanted:  # a server that just ended here is no obstacle
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        yield port
