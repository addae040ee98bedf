"""A connection to Kafka for questions rather than records, and what is said when nobody answers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from farechain.errors import EXIT_UNAVAILABLE, FarechainError

REQUEST_TIMEOUT_MS = 15_000


async def connect(bootstrap: str, security: Mapping[str, Any] | None) -> AIOKafkaClient:
    """A client that has reached a broker; close it.

    Args:
        bootstrap: ``host:port``, several with commas.
        security: aiokafka's connection settings (``security_protocol``, ``ssl_context``, ``sasl_*``).

    Raises:
        FarechainError: ``E_BROKER`` where nobody answers.
    """
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
    """What to tell the operator when no broker answers."""
    message = f"no Kafka broker answers at {bootstrap} ({error}): start it, or correct the address"
    return FarechainError("E_BROKER", " ".join(message.split()), EXIT_UNAVAILABLE)
