"""Topics and their ids: created where they are missing, never changed where they exist."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.sources.kafka_client import REQUEST_TIMEOUT_MS, connected
from farechain.sources.topic_metadata import WRITE, TopicMetadata, denied, topic_metadata

CONFIG = {
    "message.timestamp.type": "LogAppendTime",  # or retention deletes records stamped with late event times
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "cleanup.policy": "delete",
    "compression.type": "producer",
}
MAX_REPLICAS = 3
CREATED_TIMEOUT_S = 30.0


async def ensure_topics(
    bootstrap: str, topics: Mapping[str, int], security: Mapping[str, Any] | None = None
) -> dict[str, bytes]:
    """Creates the topics that are missing and returns the 16-byte id of each, once all have leaders.

    Args:
        bootstrap: ``host:port``, several with commas.
        topics: name -> number of partitions.
        security: aiokafka's connection settings (``security_protocol``, ``ssl_context``, ``sasl_*``).

    Raises:
        FarechainError: ``E_BROKER`` (nobody answers), ``E_TOPIC_PARTITIONS`` (one exists with another
            number of partitions), ``E_TOPIC`` (the broker refuses to create one).
    """
    async with connected(bootstrap, security) as client:
        found = await topic_metadata(client, topics)
        missing = {name: count for name, count in topics.items() if name not in found}
        if missing:
            await _create(bootstrap, missing, security, min(MAX_REPLICAS, len(client.cluster.brokers())))
        deadline = time.monotonic() + CREATED_TIMEOUT_S
        while any(name not in found or not found[name].has_leaders for name in topics):
            if time.monotonic() > deadline:
                raise FarechainError(
                    "E_TOPIC", "the topics have no leaders yet: see the broker", EXIT_UNAVAILABLE
                )
            await asyncio.sleep(0.05)
            found = await topic_metadata(client, topics)
    for name, count in topics.items():
        if found[name].partitions != count:
            message = (
                f"topic {name} has {found[name].partitions} partitions instead of {count}: use another topic"
            )
            raise FarechainError("E_TOPIC_PARTITIONS", message)
    return {name: found[name].topic_id for name in topics}


async def topic_ids(
    bootstrap: str,
    topics: Iterable[str],
    security: Mapping[str, Any] | None = None,
    *,
    to_write: bool = False,
) -> dict[str, bytes]:
    """The 16-byte ids of the topics that exist; those that do not are left out.

    Args:
        to_write: they are asked for because something is to be sent to them.

    Raises:
        FarechainError: ``E_BROKER`` where nobody answers, ``E_BROKER_TLS`` or ``E_BROKER_LOGIN`` where the
            broker does not let us in, ``E_TOPIC_DENIED`` where this user may not see (or write) a topic.
    """
    async with connected(bootstrap, security) as client:
        found: dict[str, TopicMetadata] = await topic_metadata(client, topics)
    locked = [name for name, topic in found.items() if to_write and not topic.allows(WRITE)]
    if locked:
        raise denied(locked, "write")
    return {name: topic.topic_id for name, topic in found.items()}


async def _create(
    bootstrap: str, topics: Mapping[str, int], security: Mapping[str, Any] | None, replicas: int
) -> None:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS, **(security or {})
    )
    try:
        await admin.start()
        wanted = [NewTopic(name, count, replicas, topic_configs=CONFIG) for name, count in topics.items()]
        response = await admin.create_topics(wanted)
    finally:
        await admin.close()
    for name, code, *more in response.topic_errors:
        if code not in {0, TopicAlreadyExistsError.errno}:
            reason = more[0] if more and more[0] else for_code(code).__name__
            raise FarechainError(
                "E_TOPIC", f"the broker does not create topic {name}: {reason}", EXIT_UNAVAILABLE
            )
