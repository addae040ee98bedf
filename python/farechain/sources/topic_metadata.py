"""Metadata with topic ids: version 10 of the request (KIP-516), which aiokafka 0.14 does not define.

Brokers from 2.8 on answer it.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion, NodeNotReadyError, TopicAuthorizationFailedError
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.sources.kafka_client import GRANT

NO_ID = bytes(16)
READ, WRITE = 3, 4
"""Kafka's AclOperation."""


class Uuid(AbstractType[bytes]):  # type: ignore[misc]
    """16 bytes as they are."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        """The bytes themselves."""
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        """The next 16 bytes."""
        return data.read(16)


class MetadataResponseV10(Response):  # type: ignore[misc]
    """Brokers and topics, with ids."""

    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class MetadataRequestV10(RequestStruct):  # type: ignore[misc]
    """Asks for topics by name."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = MetadataResponseV10
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[MetadataRequestV10]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics: list[tuple[bytes, str, dict[int, bytes]]] = [(NO_ID, name, {}) for name in topics]

    def build(self, request_struct_class: type[MetadataRequestV10]) -> MetadataRequestV10:
        return request_struct_class(self._topics, False, False, True, {})


@dataclass(frozen=True, slots=True)
class TopicMetadata:
    """What a broker says of a topic."""

    topic_id: bytes
    partitions: int
    has_leaders: bool
    operations: int
    """Bit set of what this user may do (Kafka's AclOperation); negative where the broker does not say."""

    def allows(self, operation: int) -> bool:
        """Whether this user may do it, as far as the broker says."""
        return self.operations < 0 or bool(self.operations >> operation & 1)


async def topic_metadata(client: AIOKafkaClient, topics: Iterable[str]) -> dict[str, TopicMetadata]:
    """Metadata of the topics that exist, from any broker that answers.

    Raises:
        FarechainError: ``E_TOPIC_DENIED``: one may not even be seen by this user.
        KafkaError: no broker answers, or it is older than 2.8.
    """
    request = _MetadataRequest(topics)
    nodes = [broker.nodeId for broker in client.cluster.brokers()]
    random.shuffle(nodes)
    for node in nodes:
        if await client.ready(node):
            try:
                response = await client.send(node, request)
            except NotImplementedError as error:  # aiokafka's word for a version that the broker lacks
                raise IncompatibleBrokerVersion("brokers before 2.8 have no topic ids") from error
            break
    else:
        raise NodeNotReadyError("no broker is connected")
    hidden = [name for code, name, *_ in response.topics if code == TopicAuthorizationFailedError.errno]
    if hidden:
        raise denied(hidden, "see")
    return {
        name: TopicMetadata(topic_id, len(parts), all(part[2] >= 0 for part in parts), operations)
        for code, name, topic_id, _internal, parts, operations, _tags in response.topics
        if code == 0
    }


def denied(topics: Iterable[str], what: str) -> FarechainError:
    """The error for topics that this user may not ``what``."""
    message = f"the user of [kafka] may not {what} the topics {', '.join(topics)}: {GRANT}"
    return FarechainError("E_TOPIC_DENIED", message, EXIT_UNAVAILABLE)
