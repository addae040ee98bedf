"""kill -9 while commands come over HTTP: what was acknowledged is there, and nothing is there twice.

The seed is printed; ``FARECHAIN_KILL_SEED`` runs the same again, ``FARECHAIN_HTTP_KILLS`` more of them.
"""

import asyncio
import os
import random
import time
from pathlib import Path
from typing import Any

from test_kill import settings_in, verb

from farechain import _core
from farechain.client import HttpClient, Party, SignedEvent
from farechain.config import ApiSettings
from farechain.config_file import to_toml
from farechain.demo.place import free_port
from farechain.errors import FarechainError
from farechain.keys import new_key, write_public_key

KILLS = int(os.environ.get("FARECHAIN_HTTP_KILLS", "8"))
SEED = int(os.environ.get("FARECHAIN_KILL_SEED", str(time.time_ns() % 1_000_000)))
CLERKS = 16
COMPANY = "91110000600037341L"
Acknowledged = dict[bytes, dict[str, Any]]


async def clerk(client: HttpClient, bureau: Party, given: list[SignedEvent], told: Acknowledged) -> None:
    """Gives one command after the other until the service is gone."""
    while True:
        command = bureau.admit_issuer(COMPANY, f"name {len(given)}")
        given.append(command)
        try:
            told[command.key] = await client.send(command)
        except FarechainError:
            return


async def until_killed(config: Path, url: str, bureau: Party, rng: random.Random) -> tuple[int, Acknowledged]:
    """Serves clerks for a moment, then kills. Returns how many commands were given, and what was told."""
    service = verb(config, "serve")
    given: list[SignedEvent] = []
    told: Acknowledged = {}
    async with HttpClient(url, tries=20) as first:
        told[b"first"] = await first.send(bureau.admit_issuer(COMPANY, "first"))
    async with HttpClient(url, tries=1) as client, asyncio.TaskGroup() as clerks:
        for _ in range(CLERKS):
            clerks.create_task(clerk(client, bureau, given, told))
        await asyncio.sleep(rng.uniform(0.05, 0.6))
        service.kill()
    await asyncio.to_thread(service.communicate)
    return len(given), told


def test_what_was_acknowledged_is_there_and_nothing_twice(tmp_path: Path) -> None:
    print(f"FARECHAIN_KILL_SEED={SEED}")
    rng = random.Random(SEED)
    place = tmp_path
    (place / "day" / "spool").mkdir(parents=True)
    bureau = Party(tax_id="", seed=new_key(place / "keys" / "bureau.key"), network="shenzhen")
    write_public_key(place / "keys" / "bureau.pub", bureau.public_key)
    port = free_port()
    settings = settings_in(place).model_copy(update={"api": ApiSettings(port=port)})
    config = place / "farechain.toml"
    config.write_text(to_toml(settings))
    assert verb(config, "init").wait() == 0
    acknowledged: list[dict[str, Any]] = []
    given = 0
    for _ in range(KILLS):
        count, told = asyncio.run(until_killed(config, f"http://127.0.0.1:{port}", bureau, rng))
        given += count + 1
        acknowledged += told.values()
        check(settings.ledger.path, acknowledged, given)
    assert len(acknowledged) > KILLS, "some were acknowledged beside the first of each run"


def check(path: Path, acknowledged: list[dict[str, Any]], given: int) -> None:
    """Each acknowledged record stands where it was told, offsets have no hole, the audit is clean."""
    ledger = _core.Ledger.open(str(path), readonly=True)
    places = {(each["height"], each["records"][0]["index"]) for each in acknowledged}
    assert len(places) == len(acknowledged), "two commands were told one record"
    for each in acknowledged:
        record = ledger.record(each["height"], each["records"][0]["index"])
        assert record is not None
        assert _core.leaf_hash(record).hex() == each["records"][0]["hash"]
    status = ledger.status()
    topic, _id, _number, position, _digest = ledger.positions()[-1]
    assert (topic, position) == ("http", status["inputs"]), "offsets are gapless"
    assert len(acknowledged) <= status["applied"] <= given
    ledger.close()
    assert _core.audit(str(path))["ok"]
