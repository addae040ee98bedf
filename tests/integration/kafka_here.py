"""Apache Kafka; without Java or Maven its tests fail where it was asked for, and are skipped elsewhere."""

import os
from pathlib import Path

import pytest

from farechain.broker import Broker, start
from farechain.broker.kafka import Setup
from farechain.errors import FarechainError


def started(place: Path, *, port: int = 0, setup: Setup | None = None) -> Broker:
    """A broker that answers; stop it. ``CI`` or ``FARECHAIN_KAFKA`` in the environment asks for it."""
    try:
        return start(place, port=port, fallback=False, setup=setup)
    except FarechainError as error:
        asked_for = os.environ.get("CI") or os.environ.get("FARECHAIN_KAFKA")
        if error.code not in {"E_JAVA", "E_MAVEN"} or asked_for:
            raise
        pytest.skip(f"NO KAFKA BROKER, Kafka is not tested: {error.message} (FARECHAIN_KAFKA=1: fail)")
