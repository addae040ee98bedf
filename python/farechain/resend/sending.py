"""Sends records to Kafka as they are, with one header more that says of what they are a repetition."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.resend.dead_letters import REPLAY_HEADER
from farechain.sources.kafka_client import unreachable

AT_ONCE = 500
"""Records that wait for the broker's acknowledgement at once; as many are sent again after a crash."""
BATCH_BYTES_MAX = 512 * 1024


@dataclass(frozen=True, slots=True)
class Copy:
    """A record to send again. ``of``: ``topic/partition/offset`` of the original.

    ``partition``: where it goes; ``None`` lets its key say, as at its first sending.
    """

    of: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Pace:
    """Holds a rate by absolute times, so that a slow moment is made up for and none is rounded away.

    Args:
        rate_per_s: records a second at most; 0 for no limit.
    """

    def __init__(
        self,
        rate_per_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate_per_s
        self._clock = clock
        self._sleep = sleep
        self._started: float | None = None
        self._taken = 0

    @property
    def at_once(self) -> int:
        """How many records make a round: a second's worth at most."""
        return min(AT_ONCE, max(1, int(self._rate))) if self._rate else AT_ONCE

    async def take(self, count: int) -> None:
        """Waits until so many more may be sent."""
        if not self._rate:
            return
        now = self._clock()
        self._started = now if self._started is None else self._started
        due = self._started + self._taken / self._rate
        self._taken += count
        if due > now:
            await self._sleep(due - now)


class Resender:
    """A producer for one topic. ``send`` returns when the broker has all of it.

    Args:
        partitions: how many the originals' topic has; where the target has another number, keys decide.
    """

    def __init__(
        self,
        bootstrap: str,
        security: Mapping[str, Any],
        topic: str,
        pace: Pace,
        *,
        partitions: int | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._security = dict(security)
        self._topic = topic
        self._pace = pace
        self._partitions = partitions
        self._by_key = False
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            compression_type="lz4",
            max_batch_size=BATCH_BYTES_MAX,
            linger_ms=5,
            **self._security,
        )
        try:
            await producer.start()
            there = await producer.partitions_for(self._topic)
        except UnknownTopicOrPartitionError as error:
            await producer.stop()
            raise FarechainError("E_TOPIC_UNKNOWN", f"there is no topic {self._topic}: create it") from error
        except (KafkaError, OSError) as error:
            await producer.stop()
            raise unreachable(self._bootstrap, error) from error
        self._by_key = self._partitions is not None and len(there) != self._partitions
        self._producer = producer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def send(self, copies: Sequence[Copy]) -> list[tuple[int, int]]:
        """Sends in order and waits for every acknowledgement; returns partition and offset of each.

        Raises:
            FarechainError: ``E_BROKER``, exit code 4; some of them may have arrived.
        """
        if self._producer is None:
            raise RuntimeError("a Resender is used inside `async with`")
        await self._pace.take(len(copies))
        try:
            sent = [
                await self._producer.send(
                    self._topic,
                    key=copy.key,
                    value=copy.value,
                    partition=None if self._by_key else copy.partition,
                    headers=[*copy.headers, (REPLAY_HEADER, copy.of.encode())],
                )
                for copy in copies
            ]
            places = await asyncio.gather(*sent)
        except (KafkaError, OSError) as error:
            message = f"{self._bootstrap} does not take records for {self._topic} ({error!r}): give it again"
            raise FarechainError("E_BROKER", message, EXIT_UNAVAILABLE) from error
        return [(place.partition, place.offset) for place in places]
