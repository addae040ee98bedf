"""The replica's end: takes the owner's blocks into a ledger directory that can be promoted at any moment."""

import asyncio
import hmac
import json
import logging
import os
import secrets
import socket
import ssl
from pathlib import Path
from typing import Any

from farechain import _core
from farechain._core import Ledger, LedgerError
from farechain.errors import EXIT_REFUSED, FarechainError
from farechain.ledger_errors import as_failure
from farechain.replica.owner import STATE_FILES
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

SILENCE_S = 30.0
"""An owner asks every second; one that is silent for so long is gone."""
MARK = "replica"
"""The file in a ledger directory that says that it is a replica: only ``promote`` makes it an owner's."""

log = logging.getLogger(__name__)


def is_replica(path: Path) -> bool:
    """Whether a ledger directory is a replica's."""
    return (path / MARK).exists()


def promote(path: Path) -> int:
    """Makes a replica an ordinary ledger; returns its height. The operator knows that no owner runs.

    Raises:
        FarechainError: ``E_REPLICA_DIR`` where it is no replica, ``E_LOCKED`` while the replica still runs.
    """
    if not is_replica(path):
        message = f"{path} is no replica: there is nothing to promote"
        raise FarechainError("E_REPLICA_DIR", message, EXIT_REFUSED)
    ledger = _open(path)
    height = ledger.height
    (path / MARK).unlink()
    _sync(path)
    ledger.close()
    return height


class Replica:
    """Follows one owner.

    Args:
        path: the ledger directory; made with the first owner that connects.
        secret: 32 bytes that both have.
        rejected_days: how long the bytes of rejected inputs are kept.

    Raises:
        FarechainError: ``E_REPLICA_DIR`` where the directory is an owner's, or was promoted.
    """

    def __init__(self, path: Path, secret: bytes, rejected_days: int = 30) -> None:
        self._path = path
        self._secret = secret
        self._rejected_days = rejected_days
        self._one = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None
        self._failed: asyncio.Future[None] | None = None
        self._owners: set[asyncio.Task[None]] = set()
        self._ledger: Ledger | None = None
        if (path / "blocks").exists() and not is_replica(path):
            message = f"{path} is an owner's ledger, or a replica that was promoted: it follows nobody"
            raise FarechainError("E_REPLICA_DIR", message, EXIT_REFUSED)

    @property
    def height(self) -> int:
        """The height of its head; -1 before the first owner connected."""
        return -1 if self._ledger is None else self._ledger.height

    async def run(
        self, listener: socket.socket, stop: asyncio.Event, tls: ssl.SSLContext | None = None
    ) -> None:
        """Follows until ``stop`` is set.

        Raises:
            FarechainError: the ledger here cannot go on: exit, and open it again.
        """
        self._failed = asyncio.get_running_loop().create_future()
        if (self._path / "blocks").exists():
            self._ledger = await asyncio.to_thread(_open, self._path, self._rejected_days)
        server = await asyncio.start_server(self._accept, sock=listener, ssl=tls)
        stopping = asyncio.create_task(stop.wait())
        everything: list[asyncio.Future[Any]] = [stopping, self._failed]
        try:
            await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
        finally:
            stopping.cancel()
            self._failed.cancel()
            server.close()
            for owner in self._owners:
                owner.cancel()
            await asyncio.gather(*self._owners, return_exceptions=True)
            if self._ledger is not None:
                await asyncio.shield(asyncio.to_thread(self._ledger.close))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._owners.add(task)
        try:
            await self._follow(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.warning("the owner's connection ended: %s", str(error) or type(error).__name__)
        except (LedgerError, FarechainError) as error:
            failure = as_failure(error) if isinstance(error, LedgerError) else error
            log.error("%s: %s", failure.code, failure.message)
            if self._failed is not None and not self._failed.done():
                self._failed.set_exception(failure)
        finally:
            self._owners.discard(task)
            writer.close()

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        challenge = secrets.token_bytes(NONCE_BYTES)
        writer.write(MAGIC + challenge)
        async with asyncio.timeout(SILENCE_S):
            answer = await reader.readexactly(NONCE_BYTES + MAC_BYTES)
        nonce, shown = answer[:NONCE_BYTES], answer[NONCE_BYTES:]
        if not hmac.compare_digest(proof(self._secret, challenge, nonce), shown):
            raise WireError("somebody without the secret")
        # An owner that was cut off connects again before this end notices: the newer connection is its own.
        if self._writer is not None:
            self._writer.close()
        self._writer = writer
        async with self._one:
            await self._take_all(reader, writer, Channel(self._secret, challenge, nonce, owner=False))

    async def _take_all(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, channel: Channel
    ) -> None:
        while True:
            async with asyncio.timeout(SILENCE_S):
                head = await reader.readexactly(HEAD.size)
                payload = await reader.readexactly(payload_bytes(head))
                mac = await reader.readexactly(MAC_BYTES)
            kind, payload = channel.open(head, payload, mac)
            try:
                stands = await asyncio.shield(asyncio.to_thread(self._take, kind, payload))
            except LedgerError as error:
                if error.args[0] != "replica":
                    raise
                writer.writelines(channel.seal(Kind.REFUSED, str(error.args[1]).encode()))
                await writer.drain()
                raise WireError(f"refused: {error.args[1]}") from error
            if stands is not None:
                writer.writelines(channel.seal(Kind.STANDING, stands))
                await writer.drain()
            if kind is Kind.BLOCK and self._ledger is not None:
                # The owner goes on with its next block meanwhile.
                await asyncio.shield(asyncio.to_thread(_core.apply_copy, self._ledger))

    def _take(self, kind: Kind, payload: bytes) -> bytes | None:
        """Does what a frame says and returns where this stands then; None where no answer is due."""
        if kind is Kind.GENESIS:
            self._begin(payload)
        ledger = self._ledger
        if ledger is None:
            raise WireError("an owner that does not begin with its genesis")
        if kind is Kind.STATE:
            self._keep(payload)
            return None
        if kind is Kind.BLOCK:
            return STANDING.pack(*_core.append_copy(ledger, payload))
        if kind not in (Kind.GENESIS, Kind.PING):
            raise WireError(f"an owner does not send {kind.name}")
        return STANDING.pack(ledger.height, _core.block_hash(ledger.headers(ledger.height, 1)[0]))

    def _begin(self, genesis: bytes) -> None:
        if self._ledger is None:
            self._path.mkdir(parents=True, exist_ok=True)
            # Marked first: whatever cuts this off, no service takes it for its own.
            (self._path / MARK).write_text("a replica: `farechain replica promote` makes it a ledger\n")
            _sync(self._path)
            _core.create_copy(str(self._path), genesis)
            self._ledger = _open(self._path, self._rejected_days)
            log.info("replica of %s begun in %s", self._ledger.chain, self._path)
        elif _core.copy_of(self._ledger, 0) != genesis:
            raise LedgerError("replica", f"this is the replica of another chain, {self._ledger.chain}")

    def _keep(self, payload: bytes) -> None:
        """Replaces a file of positions, synced."""
        length = payload[0] if payload else 0
        name, content = payload[1 : 1 + length].decode("ascii", "replace"), payload[1 + length :]
        if name not in STATE_FILES or not _is_position(content):
            raise WireError(f"a file {name} that is none of the positions")
        place = self._path / "state"
        place.mkdir(exist_ok=True)
        draft = place / f"{name}.part"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place / name)


def _is_position(content: bytes) -> bool:
    try:
        return type(json.loads(content)["next_height"]) is int
    except (ValueError, TypeError, KeyError):
        return False


def _open(path: Path, rejected_days: int = 30) -> Ledger:
    try:
        return Ledger.open(str(path), rejected_days=rejected_days)
    except LedgerError as error:
        raise as_failure(error) from error


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
