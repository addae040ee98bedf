"""Where signed events go: the files of a spool directory, or a Kafka topic."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import orjson

from farechain.client import Client, SignedEvent
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.partition import partition_of
from farechain.spool_lines import spool_line

IN_FLIGHT = 500
"""Events that wait for Kafka's acknowledgement at once: bounds memory."""


class Sink(Protocol):
    """Takes events in order; ``async with`` ends when all of them are durable."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    async def send(self, event: SignedEvent) -> None:
        """Takes an event."""
        ...


class SpoolSink:
    """Appends to ``<directory>/<topic>-<partition>.jsonl``; offsets go on where the file ends.

    Raises:
        FarechainError: ``E_SPOOL``, exit code 4, where the directory or a file cannot be written or read.
    """

    def __init__(self, directory: Path, topic: str, partitions: int) -> None:
        self._directory = directory
        self._topic = topic
        self._partitions = partitions
        self._lines: dict[int, list[bytes]] = {}
        self._next: dict[int, int] = {}

    async def __aenter__(self) -> Self:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            for partition in range(self._partitions):
                self._lines[partition] = []
                self._next[partition] = _end_of(self._path(partition))
        except (OSError, ValueError, KeyError) as error:
            raise FarechainError("E_SPOOL", f"{self._directory}: {error}", EXIT_UNAVAILABLE) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()

    async def send(self, event: SignedEvent) -> None:
        """Takes an event; it is written at the end, or when many wait."""
        partition = partition_of(event.key, self._partitions)
        offset = self._next[partition]
        self._next[partition] = offset + 1
        line = spool_line(
            self._topic, partition, offset, time.time_ns() // 1_000_000,
            key=event.key, headers=event.headers, value=event.value,
        )  # fmt: skip
        self._lines[partition].append(line)
        if len(self._lines[partition]) >= IN_FLIGHT:
            self._flush()

    def _flush(self) -> None:
        try:
            for partition, lines in self._lines.items():
                if lines:
                    with self._path(partition).open("ab") as file:
                        file.write(b"".join(lines))
                        file.flush()
                        os.fsync(file.fileno())
                    lines.clear()
        except OSError as error:
            raise FarechainError(
                "E_SPOOL", f"{error.filename}: {error.strerror}", EXIT_UNAVAILABLE
            ) from error

    def _path(self, partition: int) -> Path:
        return self._directory / f"{self._topic}-{partition}.jsonl"


def _end_of(path: Path) -> int:
    """The next offset of a spool file; an incomplete last line, which no reader has taken, is cut off."""
    if not path.exists():
        return 0
    content = path.read_bytes()
    complete = content.rfind(b"\n") + 1
    if complete < len(content):
        os.truncate(path, complete)
    lines = content[:complete].splitlines()
    return int(orjson.loads(lines[-1])["offset"]) + 1 if lines else 0


class KafkaSink:
    """Sends to a topic and waits for every acknowledgement. Raises as ``farechain.client.Client``."""

    def __init__(self, bootstrap: str, topic: str, security: Mapping[str, Any] | None = None) -> None:
        self._client = Client(bootstrap, security)
        self._topic = topic
        self._waiting: list[asyncio.Task[tuple[int, int]]] = []

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await asyncio.gather(*self._waiting)
        finally:
            for task in self._waiting:
                task.cancel()
            await self._client.__aexit__(kind, error, trace)

    async def send(self, event: SignedEvent) -> None:
        """Takes an event; waits where too many are not acknowledged yet."""
        self._waiting.append(asyncio.create_task(self._client.send(self._topic, event)))
        if len(self._waiting) >= IN_FLIGHT:
            await asyncio.gather(*self._waiting)
            self._waiting.clear()
