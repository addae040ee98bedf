"""The gauges that change slowly, of a real ledger: numbers, audit, disk; and where a service begins."""

import asyncio
import json
import math
from pathlib import Path

import pytest
from service_chain import Chain, Day, make_day, witnesses

from farechain.cli import main
from farechain.config import WitnessSettings
from farechain.observability.metrics import Metrics
from farechain.service import opening
from farechain.service.running import Service
from farechain.service.upkeep import Upkeep
from farechain.service.watching import Notices


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


def values(metrics: Metrics) -> dict[str, float]:
    return {
        sample.name.removeprefix("farechain_"): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if not set(sample.labels) - {"part"} and sample.labels.get("part", "blocks") == "blocks"
    }


def look(chain: Chain, metrics: Metrics) -> dict[str, float]:
    ledger = opening.open_ledger(chain.settings, readonly=True)
    try:
        assert Upkeep(ledger, chain.settings, metrics.upkeep, Notices()).once() > 0
    finally:
        ledger.close()
    return values(metrics)


async def test_numbers_audit_and_disk_are_those_of_the_ledger(tmp_path: Path, day: Day) -> None:
    chain, metrics = Chain(tmp_path, day), Metrics()
    empty = look(chain, metrics)
    assert (empty["available_numbers"], empty["numbers_last_seconds"]) == (0, math.inf)
    assert (empty["numbers_short_sellers"], empty["audit_failed"]) == (0, 0)
    ledger = chain.ledger()
    genesis = ledger.block(0)
    assert genesis is not None
    assert empty["audit_timestamp_seconds"] == genesis["time_ms"] / 1000
    ledger.close()

    await chain.to_the_end()
    full = look(chain, metrics)
    ledger = chain.ledger()
    grants = ledger.registry()["grants"]
    ledger.close()
    left = sum(grant["to"] - grant["next"] + 1 for grant in grants if not grant["closed"])
    assert full["available_numbers"] == left > 0
    assert 0 <= full["numbers_last_seconds"] < math.inf
    assert full["ledger_bytes"] >= (chain.settings.ledger.path / "blocks" / "00000000.seg").stat().st_size
    assert 0 < full["disk_free_bytes"] < full["disk_size_bytes"]


async def test_the_last_audit_is_shown_whatever_it_said(tmp_path: Path, day: Day) -> None:
    chain, metrics = Chain(tmp_path, day), Metrics()
    await chain.to_the_end()
    assert main(["audit", "--config", str(chain.config)]) == 0
    at_ms = json.loads(chain.settings.audit_file.read_text())["at_ms"]
    good = look(chain, metrics)
    assert (good["audit_failed"], good["audit_timestamp_seconds"]) == (0, at_ms / 1000)
    ledger = chain.ledger()
    segment = chain.settings.ledger.path / "blocks" / "00000000.seg"
    content = bytearray(segment.read_bytes())
    content[len(content) // 3] ^= 1
    segment.write_bytes(content)
    assert main(["audit", "--config", str(chain.config)]) == 1
    shown = Upkeep(ledger, chain.settings, metrics.upkeep, Notices())
    shown._audit()
    assert values(metrics)["audit_failed"] == 1
    chain.settings.audit_file.write_text("[]")
    shown._audit()
    assert values(metrics)["audit_failed"] == 1, "what is no result changes nothing"
    ledger.close()


async def test_a_restart_still_knows_what_waits(tmp_path: Path, day: Day) -> None:
    """Blocks under no checkpoint are not forgotten with the process that made them."""
    chain = Chain(tmp_path, day)
    async with witnesses(tmp_path, chain.vkey, 1) as members:
        away = WitnessSettings(name="w0", url="http://127.0.0.1:9", vkey=members[0].vkey)
        chain.require([away], 1)
        summary = await chain.to_the_end()
        assert "not published" in (summary.unfinished() or "")
        chain.require(members, 1)
        again = Service(chain.settings, None, until_end=True)
        await again.run(asyncio.Event())
    seen = values(again._metrics)
    assert seen["event_to_checkpoint_seconds_count"] == day.inputs
    assert seen["event_to_checkpoint_seconds_sum"] > 0
