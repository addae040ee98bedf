"""From the block log to Kafka: receipts and dead letters, at least once, each with its own durable position.

The block log is the outbox: what is sent can be sent again from it. A receipt's id is ``chain/height/index``,
so consumers drop what they have seen.
"""

import asyncio
import json
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from farechain._core import Ledger
from farechain.errors import EXIT_REFUSED, FarechainError
from farechain.pipeline.waiting import first_of, let_pass

Message = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]
Fetch = Callable[[int, int], tuple[int, Sequence[Message]]]

BLOCKS_PER_ROUND_MAX = 64
MESSAGES_PER_ROUND = 4_096
"""What is held in memory at once: no further block is taken once there are so many."""
RETRY_S = 1.0
"""Pause after the broker refused or did not answer."""
OMITTED = ("fc-dlq-value-omitted", b"too large for the topic")
"""Header of a message whose value the broker would not take; the input's bytes are at its offset."""


class Position:
    """The next block to relay, kept in a file that is replaced atomically and synced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.next_height = _read(path) if path.exists() else 0

    def advance(self, next_height: int) -> None:
        """Records that everything below ``next_height`` was acknowledged by the broker."""
        draft = self._path.with_suffix(".new")
        with draft.open("w") as file:
            json.dump({"next_height": next_height}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        self.next_height = next_height


class Relay:
    """Sends what one view of the block log yields to one topic.

    Args:
        ledger: whose durable blocks are relayed.
        fetch: the view: ``receipts_of(ledger)`` or ``ledger.dead_letters``.
        topic: where it goes; it must exist.
        position: how far it got.
        busy: whether ingest is catching up; the relay lets it pass: a receipt can wait, a block cannot.
        on_trouble: called with the reason each time the broker refused or did not answer; it is tried again.
    """

    def __init__(
        self,
        ledger: Ledger,
        fetch: Fetch,
        producer: AIOKafkaProducer,
        topic: str,
        position: Position,
        *,
        busy: Callable[[], bool] = lambda: False,
        on_trouble: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._busy = busy
        self._ledger = ledger
        self._fetch = fetch
        self._producer = producer
        self._topic = topic
        self._position = position
        self._on_trouble = on_trouble
        self._grown = asyncio.Event()

    @property
    def lag_blocks(self) -> int:
        """Durable blocks that were not relayed yet."""
        return max(0, self._ledger.height + 1 - self._position.next_height)

    def wake(self) -> None:
        """Says that the ledger has grown."""
        self._grown.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Relays until ``stop`` is set and nothing is left, or the broker no longer answers."""
        while True:
            while self.lag_blocks > 0:
                await let_pass(self._busy, stop)
                try:
                    await self._relay_once()
                except KafkaError as error:
                    self._on_trouble(f"{self._topic}: {type(error).__name__}: {error}")
                    if stop.is_set():
                        return
                    await first_of(stop, timeout_s=RETRY_S)
            if stop.is_set():
                return
            self._grown.clear()
            await first_of(self._grown, stop)

    async def _relay_once(self) -> None:
        next_height, messages = await asyncio.to_thread(self._collect, self._position.next_height)
        partitions = sorted(await self._producer.partitions_for(self._topic))
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            partition = partitions[zlib.crc32(message[0] or b"") % len(partitions)]
            by_partition.setdefault(partition, []).append(message)
        for partition, batch in by_partition.items():
            await self._send(partition, batch)
        await asyncio.to_thread(self._position.advance, next_height)

    def _collect(self, first: int) -> tuple[int, list[Message]]:
        """The next blocks' messages, a block at a time: what is held is bounded however large blocks are."""
        height, messages = first, list[Message]()
        last = min(self._ledger.height, first + BLOCKS_PER_ROUND_MAX - 1)
        while height <= last and len(messages) < MESSAGES_PER_ROUND:
            height, more = self._fetch(height, 1)
            messages.extend(more)
        return height, messages

    async def _send(self, partition: int, messages: Sequence[Message]) -> None:
        """Sends in order; a message that the broker finds too large goes without its value, and says so."""
        try:
            await self._send_batches(partition, messages)
        except MessageSizeTooLargeError:
            for key, value, headers in messages:
                try:
                    await self._send_batches(partition, [(key, value, headers)])
                except MessageSizeTooLargeError:
                    await self._send_batches(partition, [(key, None, [*headers, OMITTED])])

    async def _send_batches(self, partition: int, messages: Sequence[Message]) -> None:
        sent = []
        builder = self._producer.create_batch()
        for key, value, headers in messages:
            # An empty batch takes a message of any size, so the second append cannot be refused.
            if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
                sent.append(await self._producer.send_batch(builder, self._topic, partition=partition))
                builder = self._producer.create_batch()
                builder.append(key=key, value=value, timestamp=None, headers=headers)
        sent.append(await self._producer.send_batch(builder, self._topic, partition=partition))
        results = await asyncio.gather(*sent, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result


def receipts_of(ledger: Ledger) -> Fetch:
    """The receipts of a ledger as messages without headers."""

    def fetch(first_height: int, max_blocks: int) -> tuple[int, list[Message]]:
        next_height, receipts = ledger.receipts(first_height, max_blocks)
        return next_height, [(key, value, []) for key, value in receipts]

    return fetch


def _read(path: Path) -> int:
    try:
        next_height = json.loads(path.read_text())["next_height"]
        if type(next_height) is int and next_height >= 0:
            return next_height
    except (ValueError, KeyError, TypeError):
        pass
    message = (
        f"{path} is damaged: delete it, and every message is sent again (consumers drop what they have seen)"
    )
    raise FarechainError("E_RELAY_STATE", message, EXIT_REFUSED)
