"""A server in a process of its own, and requests over connections kept open; CPU of both sides apart."""

import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

CONNECTIONS = 8
"""As many requests are under way, so that the server never waits for the client."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    process: "subprocess.Popen[str]"
    address: str

    def cpu_s(self) -> float:
        """Its CPU time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """What some requests took, and the bodies of the answers."""

    seconds: float
    server_us: float
    client_us: float
    bodies: list[bytes]

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return len(self.bodies) / self.seconds


@contextmanager
def server(module: str, *words: str) -> Iterator[Server]:
    """Runs ``python -m module words``, which prints its address and ends with its standard input."""
    command = [sys.executable, "-m", module, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Server(process, process.stdout.readline().strip())
        process.communicate()


def get(path: str) -> bytes:
    """A request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """A request with a body."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def run(server: Server, requests: Sequence[bytes]) -> Load:
    """Sends every request and reads every answer, which must be 200."""
    host, port = server.address.removeprefix("http://").split(":")
    connections = [socket.create_connection((host, int(port))) for _ in range(CONNECTIONS)]
    waiting, bodies = iter(requests), []
    cpu_s, client_s, started = server.cpu_s(), time.process_time(), time.monotonic()
    asked: deque[socket.socket] = deque()
    for connection, request in zip(connections, waiting, strict=False):
        connection.sendall(request)
        asked.append(connection)
    while asked:
        connection = asked.popleft()
        bodies.append(_answer(connection))
        for request in islice(waiting, 1):
            connection.sendall(request)
            asked.append(connection)
    seconds, client_s = time.monotonic() - started, time.process_time() - client_s
    for connection in connections:
        connection.close()
    count = len(bodies)
    return Load(seconds, (server.cpu_s() - cpu_s) / count * 1e6, client_s / count * 1e6, bodies)


def _answer(connection: socket.socket) -> bytes:
    data = bytearray()
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += connection.recv(65_536)
    head = bytes(data[:end]).lower()
    assert head.startswith(b"http/1.1 200"), bytes(data)
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(data) < end + 4 + length:
        data += connection.recv(65_536)
    return bytes(data[end + 4 :])
