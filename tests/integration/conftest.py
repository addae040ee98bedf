"""One real Kafka broker for all integration tests that need nothing special of it."""

from collections.abc import Iterator

import pytest
from kafka_here import started

from farechain.broker import Broker


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """An Apache Kafka broker; tests may kill and restart it, its port and topics stay."""
    with started(tmp_path_factory.mktemp("broker")) as broker:
        yield broker
