"""From the block log to Kafka: receipts and dead letters, at least once, each with its own durable position.

The block log is the outbox: what is sent can be sent again from it. A receipt's id is ``chain/height/index``, so
consumers drop what they have seen.
"""

import asyncio
import json
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from farechain._core import Ledger

Message = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
Fetch = Callable[[int, int], tuple[int, Sequence[Message]]]

BLOCKS_PER_ROUND = 64
RETRY_S = 1.0


class Position:
    """The next block to relay, kept in a file that is replaced atomically and synced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.next_height = json.loads(path.read_text())["next_height"] if path.exists() else 0

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
    """

    def __init__(
        self, ledger: Ledger, fetch: Fetch, producer: AIOKafkaProducer, topic: str, position: Position
    ) -> None:
        self._ledger = ledger
        self._fetch = fetch
        self._producer = producer
        self._topic = topic
        self._position = position
        self._grown = asyncio.Event()

    @property
    def lag_blocks(self) -> int:
        """Durable blocks that were not relayed yet."""
        return self._ledger.height + 1 - self._position.next_height

    def wake(self) -> None:
        """Says that the ledger has grown."""
        self._grown.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Relays until ``stop`` is set and nothing is left, or the broker no longer answers."""
        while True:
            while self.lag_blocks > 0:
                try:
                    await self._relay_once()
                except KafkaError:
                    if stop.is_set():
                        return
                    await asyncio.sleep(RETRY_S)
            if stop.is_set():
                return
            self._grown.clear()
            waits = [asyncio.ensure_future(self._grown.wait()), asyncio.ensure_future(stop.wait())]
            _done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in pending:
                wait.cancel()

    async def _relay_once(self) -> None:
        next_height, messages = await asyncio.to_thread(
            self._fetch, self._position.next_height, BLOCKS_PER_ROUND
        )
        partitions = sorted(await self._producer.partitions_for(self._topic))
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            partition = partitions[zlib.crc32(message[0] or b"") % len(partitions)]
            by_partition.setdefault(partition, []).append(message)
        for partition, batch in by_partition.items():
            await self._send(partition, batch)
        await asyncio.to_thread(self._position.advance, next_height)

    async def _send(self, partition: int, messages: list[Message]) -> None:
        sent = []
        builder = self._producer.create_batch()
        for key, value, headers in messages:
            if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
                sent.append(await self._producer.send_batch(builder, self._topic, partition=partition))
                builder = self._producer.create_batch()
                builder.append(key=key, value=value, timestamp=None, headers=headers)
        sent.append(await self._producer.send_batch(builder, self._topic, partition=partition))
        await asyncio.gather(*sent)


def receipts_of(ledger: Ledger) -> Fetch:
    """The receipts of a ledger as messages without headers."""

    def fetch(first_height: int, max_blocks: int) -> tuple[int, list[Message]]:
        next_height, receipts = ledger.receipts(first_height, max_blocks)
        return next_height, [(key, value, []) for key, value in receipts]

    return fetch
