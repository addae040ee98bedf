"""A listening socket and an HTTP server on it that stops when it is told to.

The socket is bound before anything else is opened, so that a busy port is one clear line and nothing has
happened yet.
"""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from typing import Any

import uvicorn

from farechain.errors import EXIT_UNAVAILABLE, FarechainError

BACKLOG = 128
"""Connections that may wait to be accepted."""
KEEP_ALIVE_S = 30
"""An idle connection is closed after this."""
CONNECTIONS_MAX = 512
"""More requests at once than this are answered 503, so that a flood costs no memory."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on ``host:port``; port 0 takes a free one.

    Raises:
        FarechainError: ``E_PORT`` when the address is busy, unknown or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the socket says that it is TCP; otherwise an answer on a
    # connection that is kept open waits 40 ms for the client's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        message = f"cannot listen on {host}:{port}: {reason}; choose another port or stop what holds it"
        raise FarechainError("E_PORT", message, EXIT_UNAVAILABLE) from error
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def address(listener: socket.socket) -> str:
    """``http://host:port`` of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: the process has one owner of SIGTERM, which drains more than HTTP."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve(app: Any, listener: socket.socket, stop: asyncio.Event, *, shutdown_s: float = 2.0) -> None:
    """Serves an ASGI application until ``stop`` is set; open requests then get ``shutdown_s`` to end."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=max(1, int(shutdown_s)),
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving
