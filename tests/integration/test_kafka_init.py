"""``farechain init --create-topics`` makes topics as evidence needs them, and changes none that is there."""

import asyncio
import uuid
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from farechain import keys
from farechain._core import public_key
from farechain.broker import Broker, ensure_topics
from farechain.cli import main

pytestmark = pytest.mark.kafka


async def described(bootstrap: str, topic: str) -> tuple[int, dict[str, str]]:
    """(partitions, configuration) of a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (found,) = await admin.describe_topics([topic])
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    return len(found["partitions"]), {entry[0]: entry[1] for entry in answer.resources[0][4]}


async def test_topics_are_created_once_and_kept_for_ever(kafka_broker: Broker, tmp_path: Path) -> None:
    bootstrap = kafka_broker.bootstrap
    commands, payments, receipts, dead = (f"test.{uuid.uuid4().hex[:12]}" for _ in range(4))
    await ensure_topics(bootstrap, {receipts: 1})
    keys.write_public_key(tmp_path / "bureau.pub", public_key(bytes(32)))
    (tmp_path / "farechain.toml").write_text(
        f"""
[ledger]
path = "ledger"
bureau_key_file = "bureau.pub"
[source]
first = ["{commands}"]
topics = [{{name = "{commands}", partitions = 1}}, {{name = "{payments}", partitions = 3}}]
[kafka]
bootstrap = "{bootstrap}"
[outputs]
receipts = "{receipts}"
dead_letters = "{dead}"
"""
    )
    words = ["init", "--config", str(tmp_path / "farechain.toml")]
    assert await asyncio.to_thread(main, words) != 0, "without them there is no ledger"
    assert await asyncio.to_thread(main, [*words, "--create-topics"]) == 0
    partitions = {name: await described(bootstrap, name) for name in (commands, payments, receipts, dead)}
    assert [count for count, _configuration in partitions.values()] == [1, 3, 1, 1]
    for _count, configuration in partitions.values():
        assert configuration["message.timestamp.type"] == "LogAppendTime"
        assert configuration["retention.ms"] == "-1"
    assert (tmp_path / "ledger" / "blocks").is_dir()
