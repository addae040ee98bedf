"""Whether a partition is still the one that the ledger has read from: its id, its range, its last record.

Asks with requests of its own, apart from the consumer: a Fetch says exactly whether a position is in range,
where a ListOffsets may lag behind for a moment after a leader's election (KIP-207).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import READ_COMMITTED, MemoryRecords, PartitionRecords
from aiokafka.errors import (
    KafkaError,
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
    OffsetOutOfRangeError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.structs import ConsumerRecord, TopicPartition

from farechain._core import SourceRecord, input_digest
from farechain.errors import FarechainError
from farechain.sources import NO_DIGEST, Partition
from farechain.sources.topic_metadata import READ, denied, topic_metadata

PROBE_BYTES = 1 << 20
PROBE_WAIT_MS = 100
"""The fallback broker answers nothing at all to 0; Kafka answers at once, since no bytes are asked for."""
MAX_BACK_OFFSETS = 1 << 20
"""How far back the last record is looked for over what is no record (markers, aborted transactions)."""
EARLIEST, LATEST = -2, -1

log = logging.getLogger(__name__)


def source_record(record: ConsumerRecord) -> SourceRecord:
    """A consumer's record as the core takes it."""
    return record.offset, record.timestamp, record.key, record.value, list(record.headers)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """One partition's part of a Fetch response; its records are decoded when they are looped over."""

    log_start: int
    end: int
    records: PartitionRecords


class TopicChecks:
    """Asks about partitions over one client.

    Args:
        client: connected; its metadata must know the topics (``learn`` sees to it).
        partitions: what the ledger says of each.
    """

    def __init__(self, client: AIOKafkaClient, partitions: Sequence[Partition]) -> None:
        self._client = client
        self._partitions = partitions
        self._names = sorted({partition.topic for partition in partitions})

    async def learn(self) -> None:
        """Fetches the topics' leaders; call it before anything else but ``check_ids``."""
        await self._client.set_topics(self._names)

    async def check_ids(self) -> list[str]:
        """Compares topic ids with the ledger's; returns the names of topics that do not exist.

        Raises:
            FarechainError: ``E_TOPIC_RECREATED``; ``E_TOPIC_UNKNOWN`` for a partition beyond the count;
                ``E_TOPIC_DENIED`` for a topic that this user may not read.
            KafkaError: nobody answers.
        """
        found = await topic_metadata(self._client, self._names)
        hidden = [name for name, topic in found.items() if not topic.allows(READ)]
        if hidden:
            raise denied(hidden, "read")
        for partition in self._partitions:
            topic = found.get(partition.topic)
            if topic is None:
                continue
            if topic.topic_id != partition.topic_id:
                raise recreated(
                    partition, f"its id is {topic.topic_id.hex()} instead of {partition.topic_id.hex()}"
                )
            if partition.partition >= topic.partitions:
                message = f"there is no {partition}: the topic has {topic.partitions} partitions"
                raise FarechainError("E_TOPIC_UNKNOWN", message)
        return [name for name in self._names if name not in found]

    async def check_position(self, partition: Partition) -> int:
        """Checks that the position is in range and the last record below it the ledger's; returns the end.

        Raises:
            FarechainError: ``E_TOPIC_TRUNCATED`` or ``E_TOPIC_RECREATED``.
            KafkaError: nobody answers.
        """
        probe = await self._fetch(partition, partition.position)
        if partition.position > 0 and partition.last_digest != NO_DIGEST:
            last = await self._last_record_below(partition, probe.log_start)
            if last is None:
                log.warning("%s: its last record is not there any more; it was not compared", partition)
            elif input_digest(last) != partition.last_digest:
                raise recreated(partition, f"the record at offset {last[0]} is another one than was read")
        return probe.end

    async def ends(self) -> dict[int, int]:
        """Index -> end (of what is committed) of every partition that answers."""
        asked: dict[int, dict[str, list[tuple[int, int]]]] = {}
        for partition in self._partitions:
            node = self._client.cluster.leader_for_partition(_tp(partition))
            if node is not None and node >= 0:
                by_topic = asked.setdefault(node, {})
                by_topic.setdefault(partition.topic, []).append((partition.partition, LATEST))
        found: dict[tuple[str, int], int] = {}
        for node, topics in asked.items():
            response = await self._client.send(node, OffsetRequest(-1, READ_COMMITTED, list(topics.items())))
            for topic, parts in response.topics:
                found.update({(topic, part): offset for part, code, _time, offset in parts if code == 0})
        names = [(partition.topic, partition.partition) for partition in self._partitions]
        return {index: found[name] for index, name in enumerate(names) if name in found}

    async def truncated(self, partition: Partition, position: int) -> FarechainError:
        """The error for a position out of range, with the range if it can be had."""
        try:
            start = await self._offset(partition, EARLIEST)
            end = await self._offset(partition, LATEST)
        except KafkaError:
            held = "another range"
        else:
            held = f"[{start}, {end})"
        message = f"{partition} holds {held}, the ledger is at {position}: restore or replay the topic"
        return FarechainError("E_TOPIC_TRUNCATED", message)

    async def _last_record_below(self, partition: Partition, log_start: int) -> SourceRecord | None:
        position, span = partition.position, 1
        low = position
        while low > log_start and span <= MAX_BACK_OFFSETS:
            high, low = low, max(log_start, position - span)
            last = None
            at = low
            while at < high:
                fetched = await self._fetch(partition, at)
                for record in fetched.records:
                    if record.offset < high:
                        last = record
                if fetched.records.next_fetch_offset <= at:
                    raise LeaderNotAvailableError(f"{partition} does not give offset {at} yet")
                at = fetched.records.next_fetch_offset
            if last is not None:
                return source_record(last)
            span *= 8
        return None

    async def _fetch(self, partition: Partition, offset: int) -> _Fetched:
        node = self._leader(partition)
        topics = [(partition.topic, [(partition.partition, offset, PROBE_BYTES)])]
        response = await self._client.send(
            node, FetchRequest(PROBE_WAIT_MS, 0, PROBE_BYTES, READ_COMMITTED, topics, rack_id="")
        )
        ((_topic, ((_partition, code, _high, *rest),)),) = response.topics
        if code == OffsetOutOfRangeError.errno:
            raise await self.truncated(partition, offset)
        if code != 0:
            raise for_code(code)(str(partition))
        recent = response.API_VERSION >= 11
        aborted, data = (rest[2], rest[-1]) if recent else (rest[-2], rest[-1])
        records = PartitionRecords(
            _tp(partition), MemoryRecords(data or b""), aborted, offset, None, None, True, READ_COMMITTED
        )
        log_start = rest[1] if response.API_VERSION >= 5 else 0
        return _Fetched(log_start, rest[0], records)

    async def _offset(self, partition: Partition, which: int) -> int:
        topics = [(partition.topic, [(partition.partition, which)])]
        request = OffsetRequest(-1, READ_COMMITTED, topics)
        response: Any = await self._client.send(self._leader(partition), request)
        ((_topic, ((_partition, code, _timestamp, offset),)),) = response.topics
        if code != 0:
            raise for_code(code)(str(partition))
        return int(offset)

    def _leader(self, partition: Partition) -> int:
        node = self._client.cluster.leader_for_partition(_tp(partition))
        if node is None or node < 0:
            raise NotLeaderForPartitionError(f"{partition} has no leader")
        return int(node)


def recreated(partition: Partition, why: str) -> FarechainError:
    """The error for a topic that is not the one of the ledger."""
    message = f"{partition} was recreated ({why}): point the ledger at its own topic, or start a new chain"
    return FarechainError("E_TOPIC_RECREATED", message)


def _tp(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)
