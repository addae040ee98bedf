"""From a spool directory to the topics: whole batches, so that a day's records take seconds."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownError
from aiokafka.producer.message_accumulator import BatchBuilder

from farechain._core import SourceRecord
from farechain.errors import EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError
from farechain.sources.kafka_client import unreachable
from farechain.spool_lines import spool_record

MAX_BATCH_BYTES = 900_000
"""Uncompressed; below a broker's usual limit of 1 MiB for a batch."""
SENT_AT_ONCE = 8
"""Batches that may wait for their acknowledgement: bounds memory."""

Batch = tuple[str, int, BatchBuilder]

log = logging.getLogger(__name__)


async def produce_spool(
    bootstrap: str,
    directory: Path,
    security: Mapping[str, Any] | None = None,
    *,
    compression: str | None = "lz4",
) -> int:
    """Sends every record of a spool directory to its partition; returns how many were acknowledged.

    Key, headers and value are kept, order within a partition too; offset and timestamp are the broker's.
    Lines that are not complete yet are left out. What the topic has already is sent again (duplicates).

    Raises:
        FarechainError: ``E_SPOOL`` (no file, a damaged line), ``E_BROKER`` (nobody answers).
    """
    files = await asyncio.to_thread(lambda: sorted(directory.glob("*.jsonl")))
    if not files:
        raise FarechainError("E_SPOOL", f"{directory} has no spool files (TOPIC-PARTITION.jsonl)", EXIT_USAGE)
    settings = {"bootstrap_servers": bootstrap, "compression_type": compression, **(security or {})}
    try:
        producer = await _started(settings)
    except (KafkaError, OSError) as error:
        raise unreachable(bootstrap, error) from error
    try:
        return await _send(producer, files)
    except KafkaError as error:
        message = f"the broker does not take the records: {type(error).__name__} {error}"
        raise FarechainError("E_BROKER", message, EXIT_UNAVAILABLE) from error
    finally:
        await producer.stop()


async def _started(settings: Mapping[str, Any]) -> AIOKafkaProducer:
    for idempotent in (True, False):
        producer = AIOKafkaProducer(
            **settings, enable_idempotence=idempotent, acks="all", max_batch_size=MAX_BATCH_BYTES
        )
        try:
            await producer.start()
        except UnknownError:  # how the fallback broker says that it knows no producer ids
            await producer.stop()
            if not idempotent:
                raise
            log.warning("the broker has no idempotent producers: a lost answer may double records")
        except BaseException:
            await producer.stop()
            raise
        else:
            return producer
    raise AssertionError("unreachable")


async def _send(producer: AIOKafkaProducer, files: Sequence[Path]) -> int:
    count = 0
    waiting: deque[asyncio.Future[Any]] = deque()
    # A batch of each file in turn: a partition has one request under way, one file alone would wait for it.
    for topic, partition, batch in _in_turn([_batches(producer, path) for path in files]):
        count += batch.record_count()
        waiting.append(await producer.send_batch(batch, topic, partition=partition))
        if len(waiting) >= SENT_AT_ONCE:
            await waiting.popleft()
    await asyncio.gather(*waiting)
    return count


def _in_turn(files: list[Iterator[Batch]]) -> Iterator[Batch]:
    while files:
        for file in list(files):
            batch = next(file, None)
            if batch is None:
                files.remove(file)
            else:
                yield batch


def _batches(producer: AIOKafkaProducer, path: Path) -> Iterator[Batch]:
    """Full batches of one file, whose records must all be of one partition."""
    batch = producer.create_batch()
    first: tuple[str, int] | None = None
    for topic, partition, (_offset, _timestamp, key, value, headers) in _messages(path):
        first = first or (topic, partition)
        if first != (topic, partition):
            raise FarechainError("E_SPOOL", f"{path.name} has records of more than one partition", EXIT_USAGE)
        # An empty batch takes a record of any size, so the second append cannot be refused.
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            yield topic, partition, batch
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value, headers=headers)
    if first is not None:
        yield *first, batch


def _messages(path: Path) -> Iterator[tuple[str, int, SourceRecord]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield spool_record(line)
            except ValueError as error:
                raise FarechainError("E_SPOOL", f"{path.name}, line {number}: {error}") from error
