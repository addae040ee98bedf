"""The owner's end: the thread that commits a block sends it to the replica and waits until it is there."""

import contextlib
import logging
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from farechain import _core
from farechain._core import Ledger
from farechain.errors import EXIT_REFUSED, EXIT_UNAVAILABLE, FarechainError
from farechain.replica.wire import (
    HEAD,
    MAC_BYTES,
    MAGIC,
    NONCE_BYTES,
    STANDING,
    Channel,
    Kind,
    WireError,
    payload_bytes,
    proof,
)

RETRY_S = 0.5
"""Pause before a replica that is away is tried again."""
STATE_EVERY_S = 1.0
"""The files of positions follow this often at most: an older position sends some messages again."""
STATE_FILES = ("receipts.json", "dead-letters.json")
"""Where the relays are: without them a promoted replica would send every receipt again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReplicaTerms:
    """Where the replica is, and how it is known.

    Attributes:
        host: its name or address.
        port: its port.
        secret: 32 bytes that both have.
        tls: for the connection; None where the network is trusted.
        timeout_s: an answer that takes longer means that it is away.
    """

    host: str
    port: int
    secret: bytes
    tls: ssl.SSLContext | None = None
    timeout_s: float = 5.0


class Connection:
    """A connection to a replica that has shown what it holds. Raises ``OSError`` for whatever breaks it."""

    def __init__(self, terms: ReplicaTerms, genesis: bytes) -> None:
        plain = socket.create_connection((terms.host, terms.port), terms.timeout_s)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = terms.tls.wrap_socket(plain, server_hostname=terms.host) if terms.tls else plain
            hello = self._read(len(MAGIC) + NONCE_BYTES)
            if not hello.startswith(MAGIC):
                raise WireError("what answers there is no replica")
            challenge, nonce = hello[len(MAGIC) :], secrets.token_bytes(NONCE_BYTES)
            self.socket.sendall(nonce + proof(terms.secret, challenge, nonce))
            self._channel = Channel(terms.secret, challenge, nonce, owner=True)
            self.height, self.head = self.ask(Kind.GENESIS, genesis)
        except BaseException:
            plain.close()
            raise

    def tell(self, kind: Kind, payload: bytes) -> None:
        """Sends a frame."""
        for piece in self._channel.seal(kind, payload):
            self.socket.sendall(piece)

    def ask(self, kind: Kind, payload: bytes) -> tuple[int, bytes]:
        """Sends a frame and returns where the replica then stands: height and hash of its head.

        Raises:
            FarechainError: ``E_REPLICA_FORK`` with the replica's reason to refuse it.
        """
        self.tell(kind, payload)
        head = self._read(HEAD.size)
        body = self._read(payload_bytes(head))
        answered, told = self._channel.open(head, body, self._read(MAC_BYTES))
        if answered is Kind.REFUSED:
            message = f"the replica refuses: {told.decode('utf-8', 'replace')}"
            raise FarechainError("E_REPLICA_FORK", message, EXIT_REFUSED)
        if answered is not Kind.STANDING or len(told) != STANDING.size:
            raise WireError("the replica answers something else")
        self.height, self.head = STANDING.unpack(told)
        return self.height, self.head

    def _read(self, length: int) -> bytes:
        read = bytearray()
        while len(read) < length:
            part = self.socket.recv(min(length - len(read), 1 << 20))
            if not part:
                raise WireError("the replica closed the connection: is replica.secret_file the same there?")
            read += part
        return bytes(read)

    def close(self) -> None:
        """Ends it, for whoever waits for an answer, too."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class ReplicaLink:
    """Keeps the replica of an open ledger at its head. Safe to use from any thread.

    Args:
        ledger: opened for writing; nothing is committed before ``catch_up`` returned.
        terms: where the replica is.
        state_dir: with the files of positions that follow.
        on_taken: called with the seconds that each block took to be durable there.
    """

    def __init__(
        self,
        ledger: Ledger,
        terms: ReplicaTerms,
        state_dir: Path,
        on_taken: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._ledger = ledger
        self._terms = terms
        self._state_dir = state_dir
        self._on_taken = on_taken
        self._genesis = _copy_of(ledger, 0)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._connection: Connection | None = None
        self._wanted = ledger.height
        self._acknowledged = -1
        self._state_sent: dict[str, bytes] = {}
        self._state_s = 0.0
        self.answered_s = time.time()  # before it did for the first time: its silence begins now
        self.away: str | None = "not asked yet"

    @property
    def lag_blocks(self) -> int:
        """Blocks that are durable here and not known to be there: nobody was told of them."""
        return max(0, self._wanted - self._acknowledged)

    def catch_up(self) -> None:
        """Returns once the replica has all that is durable here, and each later block goes there. Once only.

        Raises:
            FarechainError: ``E_REPLICA_FORK`` where it is another chain's or beyond this ledger,
                ``E_REPLICA`` where this was closed meanwhile.
        """
        self._deliver(self._ledger.height, self._ledger.head, None)
        _core.copy_to(self._ledger, self.take)

    def take(self, height: int, head: bytes, message: bytes) -> None:
        """Returns once the replica has the block durable; waits for a replica that is away.

        Raises:
            FarechainError: as ``catch_up``.
        """
        started = time.monotonic()
        self._wanted = height
        self._deliver(height, head, message)
        self._on_taken(time.monotonic() - started)

    def look(self) -> None:
        """Asks whether the replica is there, unless a block is on its way: then that says so."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            connection = self._connected(self._ledger.height, self._ledger.head)
            self._heard(connection.ask(Kind.PING, b""))
            self._send_state(connection)
        except (OSError, FarechainError) as error:
            self._lost(error)
        finally:
            self._lock.release()

    def close(self) -> None:
        """Gives up what is waited for: it raises ``E_REPLICA``."""
        self._closed.set()
        connection = self._connection
        if connection is not None:
            connection.close()

    def _deliver(self, height: int, head: bytes, message: bytes | None) -> None:
        """Brings the replica to ``height``; ``message``: that block where the ledger does not show it yet."""
        with self._lock:
            while not self._closed.is_set():
                try:
                    self._bring(self._connected(height, head), height, head, message)
                    return
                except OSError as error:
                    self._lost(error)
                    self._closed.wait(RETRY_S)
                except FarechainError as error:
                    self._lost(error)
                    raise
        text = f"block {height} is not known to be at the replica; it goes there at the next start"
        raise FarechainError("E_REPLICA", text, EXIT_UNAVAILABLE)

    def _connected(self, height: int, head: bytes) -> Connection:
        """The connection, made where there is none. ``height`` and ``head`` : the newest it may have."""
        if self._connection is None:
            connection = Connection(self._terms, self._genesis)
            try:
                self._check(connection, height, head)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            self._state_sent.clear()
            self._heard((connection.height, connection.head))
            log.info("replica at %s:%d height=%d", self._terms.host, self._terms.port, connection.height)
        return self._connection

    def _check(self, connection: Connection, height: int, head: bytes) -> None:
        there = connection.height
        place = f"{self._terms.host}:{self._terms.port}"
        if there > height:
            message = (
                f"the replica at {place} has block {there}, this ledger ends at {height}: an older copy; "
                "promote the replica, or bring the newer copy back"
            )
            raise FarechainError("E_REPLICA_FORK", message, EXIT_REFUSED)
        mine = head if there == height else _core.block_hash(self._ledger.headers(there, 1)[0])
        if mine != connection.head:
            message = f"block {there} of the replica at {place} is another one: it is the copy of a fork"
            raise FarechainError("E_REPLICA_FORK", message, EXIT_REFUSED)

    def _bring(self, connection: Connection, height: int, head: bytes, message: bytes | None) -> None:
        while connection.height < height:
            following = connection.height + 1
            last = following == height and message is not None
            block = message if last and message is not None else _copy_of(self._ledger, following)
            stands = connection.ask(Kind.BLOCK, block)
            if stands[0] != following:
                raise WireError(f"the replica says {stands[0]} to block {following}")
            self._heard(stands)
            if self._closed.is_set():
                raise WireError("closed")
        if connection.head != head:
            message_text = f"the replica's block {height} is not the one that was sent"
            raise FarechainError("E_REPLICA_FORK", message_text, EXIT_REFUSED)
        self._send_state(connection)

    def _send_state(self, connection: Connection) -> None:
        now = time.monotonic()
        if now - self._state_s < STATE_EVERY_S:
            return
        self._state_s = now
        for name in STATE_FILES:
            try:
                content = (self._state_dir / name).read_bytes()
            except FileNotFoundError:
                continue
            if self._state_sent.get(name) != content:
                connection.tell(Kind.STATE, bytes([len(name)]) + name.encode() + content)
                self._state_sent[name] = content

    def _heard(self, stands: tuple[int, bytes]) -> None:
        self._acknowledged = stands[0]
        self.answered_s = time.time()
        self.away = None

    def _lost(self, error: Exception) -> None:
        reason = error.message if isinstance(error, FarechainError) else str(error) or type(error).__name__
        if self.away != reason:
            log.warning("replica at %s:%d is away: %s", self._terms.host, self._terms.port, reason)
        self.away = reason
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _copy_of(ledger: Ledger, height: int) -> bytes:
    message = _core.copy_of(ledger, height)
    if message is None:
        raise FarechainError("E_REPLICA", f"there is no block {height} to copy", EXIT_UNAVAILABLE)
    return message
