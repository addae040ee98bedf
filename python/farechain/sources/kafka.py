"""Topics of Kafka as a source: assigned, never subscribed; the ledger's positions say where reading begins.

Committed offsets are a mirror for lag tools. A broker that is away yields nothing and loses no position; a
topic that was truncated or recreated stops the source.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.sources import Chunk, Partition, RawChunk, raw_batches
from farechain.sources.kafka_client import DENIED, connect, unreachable
from farechain.sources.topic_checks import TopicChecks, source_record

TEND_S = 1.0
"""How often topic ids and ends are asked for."""
COMMIT_TIMEOUT_S = 5.0
START_TIMEOUT_S = 15.0
"""How long partitions may be without a leader at the start, as after a broker's restart."""
START_RETRY_S = 0.2
MISSING_ROUNDS_MAX = 5
"""A topic that is missing from the metadata this often in a row is gone; once may be a broker that starts."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a fetch may bring; memory is about two fetches of every partition, decompressed.

    Attributes:
        max_partition_bytes: of one partition in one fetch, compressed; one larger batch still passes. A batch
            that is cut is fetched twice, so it is some times what producers make.
        max_bytes: of one fetch.
        max_wait_ms: how long the broker may hold an empty answer; a resumed partition may wait as long.
    """

    max_partition_bytes: int = 1 << 20
    max_bytes: int = 4 << 20
    max_wait_ms: int = 250


class KafkaSource:
    """Reads partitions of topics (see ``Source``).

    Args:
        bootstrap: ``host:port``, several with commas.
        partitions: what to read and from where.
        group_id: under which positions are mirrored.
        security: aiokafka's connection settings (``security_protocol``, ``ssl_context``, ``sasl_*``).
        raw: hand over record batches undecoded where the installed aiokafka allows it.
        commit_interval_ms: how often positions are mirrored at most.
        limits: bounds of a fetch.
    """

    def __init__(
        self,
        bootstrap: str,
        partitions: Sequence[Partition],
        *,
        group_id: str,
        security: Mapping[str, Any] | None = None,
        raw: bool = True,
        commit_interval_ms: int = 1000,
        limits: FetchLimits | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._partitions = list(partitions)
        self._group_id = group_id
        self._security = dict(security or {})
        self._limits = limits or FetchLimits()
        self._raw = raw
        self._commit_interval_s = commit_interval_ms / 1000
        self._tps = [TopicPartition(partition.topic, partition.partition) for partition in partitions]
        self._index = {tp: index for index, tp in enumerate(self._tps)}
        self._positions = [partition.position for partition in partitions]
        self._ends = list(self._positions)
        self._to_mirror: dict[TopicPartition, int] = {}
        self._mirrored: dict[TopicPartition, int] = {}
        self._client: AIOKafkaClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._tending: asyncio.Task[None] | None = None

    @property
    def raw(self) -> bool:
        """Whether chunks hold raw batches; settled by ``start``."""
        return self._raw

    async def start(self) -> None:
        """See ``Source``. Also, with exit code 4, what ``connect`` raises, and ``E_TOPIC_DENIED``."""
        self._client = await connect(self._bootstrap, self._security)
        checks = TopicChecks(self._client, self._partitions)
        try:
            await self._check_until_answered(checks)
            await self._open()
        except (KafkaError, OSError) as error:
            await self.close()
            raise unreachable(self._bootstrap, error) from error
        except FarechainError:
            await self.close()
            raise
        self._checks = checks
        self._tending = asyncio.create_task(self._tend(), name="kafka source")

    async def _check_until_answered(self, checks: TopicChecks) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                return await self._check(checks)
            except KafkaError as error:
                if not error.retriable or time.monotonic() > deadline:
                    raise
                log.info("a broker is not ready yet: %s", error)
                await asyncio.sleep(START_RETRY_S)

    async def _check(self, checks: TopicChecks) -> None:
        missing = await checks.check_ids()
        if missing:
            raise _unknown(missing)
        await checks.learn()
        for index, partition in enumerate(self._partitions):
            self._ends[index] = await checks.check_position(partition)

    async def _open(self) -> None:
        if self._raw and (reason := raw_batches.refusal()):
            log.warning("raw record batches are off, records are decoded in Python: %s", reason)
            self._raw = False
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group_id,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            check_crcs=not self._raw,
            max_partition_fetch_bytes=self._limits.max_partition_bytes,
            fetch_max_bytes=self._limits.max_bytes,
            fetch_max_wait_ms=self._limits.max_wait_ms,
            **self._security,
        )
        await self._consumer.start()
        if self._raw:
            raw_batches.install(self._consumer)
        self._consumer.assign(self._tps)
        for tp, position in zip(self._tps, self._positions, strict=True):
            self._consumer.seek(tp, position)  # at once after assign: nothing else may set a position

    async def read(self, timeout_ms: int) -> Sequence[Chunk | RawChunk]:
        """See ``Source``."""
        if self._tending is not None and self._tending.done():
            self._tending.result()
        try:
            fetched = await self._consumer_or_fail().getmany(timeout_ms=timeout_ms)
        except OffsetOutOfRangeError as error:
            raise await self._out_of_range(error) from error
        except DENIED as error:
            raise unreachable(self._bootstrap, error) from error
        except KafkaError as error:
            message = f"Kafka refuses to go on: {type(error).__name__}: {error}"
            raise FarechainError("E_BROKER", message, EXIT_UNAVAILABLE) from error
        if self._raw:
            return [self._raw_chunk(self._index[tp], item) for tp, items in fetched.items() for item in items]
        return [self._decoded_chunk(self._index[tp], items) for tp, items in fetched.items()] + self._holes()

    def _raw_chunk(self, index: int, item: raw_batches.Fetched) -> RawChunk:
        if item.fetch_offset != self._positions[index]:
            raise self._discontinuous(index, item.fetch_offset)
        self._positions[index] = item.next_offset
        return RawChunk(index, item.data, item.fetch_offset, item.aborted, item.next_offset)

    def _decoded_chunk(self, index: int, items: Sequence[Any]) -> Chunk:
        if items[0].offset < self._positions[index]:
            raise self._discontinuous(index, items[0].offset)
        self._positions[index] = items[-1].offset + 1
        return Chunk(index, [source_record(item) for item in items], None)

    def _holes(self) -> list[Chunk]:
        """Where the consumer has passed over what is no record, such as markers of transactions."""
        assignment = self._consumer_or_fail()._subscription.subscription.assignment
        chunks = []
        for index, tp in enumerate(self._tps):
            position = assignment.state_value(tp).position
            if position > self._positions[index]:
                self._positions[index] = position
                chunks.append(Chunk(index, (), position))
        return chunks

    def urgent(self) -> Sequence[Chunk]:
        """See ``Source``: nobody waits for what is here already."""
        return ()

    async def lag(self) -> dict[int, int]:
        """See ``Source``. As of the last fetch or second; without a request."""
        consumer = self._consumer_or_fail()
        behind = {}
        for index, tp in enumerate(self._tps):
            end = max(self._ends[index], consumer.last_stable_offset(tp) or 0)
            behind[index] = max(0, end - self._positions[index])
        return behind

    def pause(self, partitions: Sequence[int]) -> None:
        """See ``Source``."""
        self._consumer_or_fail().pause(*(self._tps[index] for index in partitions))

    def resume(self, partitions: Sequence[int]) -> None:
        """See ``Source``."""
        self._consumer_or_fail().resume(*(self._tps[index] for index in partitions))

    async def commit(self, positions: Sequence[int]) -> None:
        """See ``Source``; mirrored within a second."""
        self._to_mirror = dict(zip(self._tps, positions, strict=True))

    async def close(self) -> None:
        """See ``Source``."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)
            await self._mirror()
        if self._consumer is not None:
            await self._consumer.stop()
        if self._client is not None:
            await self._client.close()

    async def _tend(self) -> None:
        """Watches ids and ends, mirrors positions; ends with the error that stops the source."""
        missing_rounds, mirrored_s = 0, 0.0
        while True:
            await asyncio.sleep(min(TEND_S, self._commit_interval_s))
            try:
                missing = await self._checks.check_ids()
                for index, end in (await self._checks.ends()).items():
                    self._ends[index] = end
            except (KafkaError, OSError) as error:
                log.debug("the broker is away: %s", error)
                continue
            missing_rounds = missing_rounds + 1 if missing else 0
            if missing_rounds >= MISSING_ROUNDS_MAX:
                raise _unknown(missing)
            if time.monotonic() - mirrored_s >= self._commit_interval_s:
                mirrored_s = time.monotonic()
                await self._mirror()

    async def _mirror(self) -> None:
        moved = {tp: offset for tp, offset in self._to_mirror.items() if self._mirrored.get(tp) != offset}
        if not moved:
            return
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await self._consumer_or_fail().commit(moved)
        except (KafkaError, TimeoutError) as error:
            log.warning("positions are not mirrored to group %s: %s", self._group_id, error or "no answer")
        else:
            self._mirrored |= moved

    async def _out_of_range(self, error: OffsetOutOfRangeError) -> FarechainError:
        try:
            await self._checks.check_ids()
        except FarechainError as recreated:
            return recreated
        except KafkaError:
            log.debug("ids cannot be asked for")
        ((tp, offset),) = error.args[0].items()
        return await self._checks.truncated(self._partitions[self._index[tp]], offset)

    def _discontinuous(self, index: int, offset: int) -> FarechainError:
        message = (
            f"{self._partitions[index]}: offset {offset} came where {self._positions[index]} was expected"
        )
        return FarechainError("E_OFFSET", f"{message}: report this, and start again")

    def _consumer_or_fail(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("start() comes first")
        return self._consumer


def _unknown(names: Sequence[str]) -> FarechainError:
    message = f"there is no topic {', '.join(names)}: create it, or correct the configuration"
    return FarechainError("E_TOPIC_UNKNOWN", message)
