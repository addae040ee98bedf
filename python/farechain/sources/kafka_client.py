"""A connection to Kafka for questions rather than records, and what is said when nobody answers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.sources.kafka_refusals import addresses_of, first_refusal

REQUEST_TIMEOUT_MS = 15_000
DENIED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError, ClusterAuthorizationFailedError)
GRANT = "have it granted (Kafka's ACLs), or correct the user of [kafka]"


async def connect(bootstrap: str, security: Mapping[str, Any] | None) -> AIOKafkaClient:
    """A client that has reached a broker; close it.

    Args:
        bootstrap: ``host:port``, several with commas.
        security: aiokafka's connection settings (``security_protocol``, ``ssl_context``, ``sasl_*``).

    Raises:
        FarechainError: ``E_BROKER`` where nobody answers; ``E_BROKER_TLS`` or ``E_BROKER_LOGIN`` where the
            broker does not let us in.
    """
    asked = addresses_of(bootstrap)
    refusal = await first_refusal(asked, security)
    if refusal is not None:
        raise refusal
    client = AIOKafkaClient(
        bootstrap_servers=bootstrap,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        client_id="farechain",
        **(security or {}),
    )
    try:
        await client.bootstrap()
    except (KafkaError, OSError) as error:
        await client.close()
        raise unreachable(bootstrap, error) from error
    # The brokers say where they are to be reached from now on; a certificate need not be for that name, too.
    advertised = [(broker.host, broker.port) for broker in client.cluster.brokers()]
    if not set(advertised) & set(asked):
        refusal = await first_refusal(advertised, security)
        if refusal is not None:
            await client.close()
            raise refusal
    return client


@asynccontextmanager
async def connected(bootstrap: str, security: Mapping[str, Any] | None) -> AsyncIterator[AIOKafkaClient]:
    """``connect``, closed at the end.

    Raises:
        FarechainError: ``E_BROKER`` where nobody answers, also later inside the block.
    """
    client = await connect(bootstrap, security)
    try:
        yield client
    except (KafkaError, OSError) as error:
        raise unreachable(bootstrap, error) from error
    finally:
        await client.close()


def unreachable(bootstrap: str, error: BaseException) -> FarechainError:
    """What to tell the operator when no broker answers, or one says that this user may not do it."""
    if isinstance(error, DENIED):
        message = f"Kafka at {bootstrap} does not allow this user to go on ({type(error).__name__}: {error})"
        return FarechainError("E_TOPIC_DENIED", f"{message}: {GRANT}", EXIT_UNAVAILABLE)
    message = f"no Kafka broker answers at {bootstrap} ({error}): start it, or correct the address"
    return FarechainError("E_BROKER", " ".join(message.split()), EXIT_UNAVAILABLE)
