"""The planted fork: another history under the same key, shown to the witnesses, who must refuse it."""

import shutil
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from farechain import _core, keys
from farechain.config import Settings
from farechain.spool_lines import spool_record
from farechain.witness.client import CosigningError, WitnessEndpoint, WitnessRound

COMMANDS = "farechain.commands"


async def plant(settings: Settings, spool: Path, size: int, scratch: Path) -> dict[str, str]:
    """Shows every witness a checkpoint of this size and another root. Returns why each refused it.

    A witness that cosigned it is missing from the answer.
    """
    note, log = forge(settings, spool, size, scratch)
    endpoints = [WitnessEndpoint(each.name, each.url, each.vkey) for each in settings.witnesses.members]
    refused: dict[str, str] = {}
    for endpoint in endpoints:
        try:
            async with WitnessRound([endpoint], 1, settings.witnesses.timeout_ms / 1000) as one:
                await one.cosign(note, log.consistency)
        except CosigningError as error:
            refused.update(error.reasons)
    shutil.rmtree(scratch)
    return refused


def forge(settings: Settings, spool: Path, size: int, scratch: Path) -> tuple[str, _core.PublicLog]:
    """A ledger of as many blocks, made at another time, signed with the log's own key."""
    chain = settings.ledger
    _core.Ledger.create(
        str(scratch / "ledger"),
        network=chain.network,
        chain=chain.chain,
        bureau=keys.read_public_key(chain.bureau_key_file),
        sources=[(COMMANDS, bytes(16), 0)],
        regions=list(chain.regions),
        time_ms=int(time.time() * 1000) - 86_400_000,
    )
    ledger = _core.Ledger.open(str(scratch / "ledger"))
    intake = ledger.intake()
    intake.push_records(1, list(islice(_records(spool / f"{COMMANDS}-0.jsonl"), size - 1)), None)
    while not intake.is_empty:
        ledger.commit(ledger.prepare(intake.seal(1)), int(time.time() * 1000))
    seed = keys.read_key(settings.public_log.key_file)
    log = _core.PublicLog.open(str(scratch / "public"), str(scratch / "state"), chain.chain, seed)
    while log.size <= ledger.height:
        log.catch_up(ledger)
    ledger.close()
    return log.sign(), log


def _records(path: Path) -> Iterator[_core.SourceRecord]:
    with path.open("rb") as lines:
        for line in lines:
            yield spool_record(line)[2]
