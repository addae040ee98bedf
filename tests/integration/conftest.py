"""One real Kafka broker for all integration tests; without Java or Maven they fail where it was asked for."""

import os
from collections.abc import Iterator

import pytest

from farechain.broker import Broker, start
from farechain.errors import FarechainError


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """An Apache Kafka broker; tests may kill and restart it, its port and topics stay."""
    try:
        broker = start(tmp_path_factory.mktemp("broker"), fallback=False)
    except FarechainError as error:
        asked_for = os.environ.get("CI") or os.environ.get("FARECHAIN_KAFKA")
        if error.code not in {"E_JAVA", "E_MAVEN"} or asked_for:
            raise
        pytest.skip(f"NO KAFKA BROKER, Kafka is not tested: {error.message} (FARECHAIN_KAFKA=1: fail)")
    with broker:
        yield broker
