"""Whether a broker answers: a Metadata request over a plain socket. An open port alone says nothing."""

import socket
import struct
from io import BytesIO

from aiokafka.protocol.api import ResponseHeader_v0
from aiokafka.protocol.metadata import MetadataRequest_v4, MetadataResponse_v4

TIMEOUT_S = 2.0


def answering_brokers(host: str, port: int, timeout_s: float = TIMEOUT_S) -> int:
    """How many brokers a Metadata v4 response lists; 0 while nobody answers."""
    request = MetadataRequest_v4([], False)
    message = request.build_request_header(1, "farechain").encode() + request.encode()
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(message)) + message)
            (length,) = struct.unpack(">i", _receive(connection, 4))
            body = BytesIO(_receive(connection, length))
    except OSError:
        return 0
    ResponseHeader_v0.decode(body)
    return len(MetadataResponse_v4.decode(body).brokers)


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise ConnectionError("closed")
        received += part
    return received
