"""A small generated day in a real ledger, published and cosigned by three witnesses."""

import json
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farechain import _core, keys
from farechain.config import SourceSettings
from farechain.day import generate

CHAIN = "shenzhen/0"
INVOICES = 1000
BLOCK_INPUTS = 64
WITNESSES = ("bureau", "holders", "reimbursers")


@dataclass(frozen=True)
class SmallDay:
    """What the application is given."""

    ledger: _core.Ledger
    log: _core.PublicLog
    public_dir: Path
    witness_vkeys: list[str]

    def invoices(self) -> Iterator[dict[str, Any]]:
        """Every invoice in order, blue and red."""
        for height in range(1, self.ledger.height + 1):
            block = self.ledger.block(height)
            assert block is not None
            for index in range(block["record_count"]):
                record = self.ledger.record(height, index)
                assert record is not None
                fields = _core.decode_record(record)
                if fields["kind"] in {"BLUE", "RED"}:
                    found = self.ledger.invoice(fields["code"], fields["number"])
                    assert found is not None
                    yield found


def build(directory: Path) -> SmallDay:
    """Generates, ingests and publishes."""
    generate(directory / "day", directory / "keys", seed=7, invoices=INVOICES, date="2026-03-01")
    partitions = [(topic.name, n) for topic in SourceSettings().topics for n in range(topic.partitions)]
    path = str(directory / "ledger")
    _core.Ledger.create(
        path,
        network="shenzhen",
        chain=CHAIN,
        bureau=keys.read_public_key(directory / "keys" / "bureau.pub"),
        sources=[(topic, bytes(16), number) for topic, number in partitions],
        regions=["4403"],
        time_ms=int(time.time() * 1000),
    )
    ledger = _core.Ledger.open(path)
    intake = ledger.intake()
    for source, (topic, number) in enumerate(partitions, 1):
        spool = directory / "day" / "spool" / f"{topic}-{number}.jsonl"
        intake.push_records(source, [record_of(line) for line in spool.read_text().splitlines()], None)
        while not intake.is_empty:
            ledger.commit(ledger.prepare(intake.seal(BLOCK_INPUTS)), int(time.time() * 1000))
    public = directory / "ledger" / "public"
    log = _core.PublicLog.open(str(public), str(directory / "ledger" / "state" / "log"), CHAIN, b"L" * 32)
    while log.size <= ledger.height:
        log.catch_up(ledger)
    note = log.sign()
    seeds = {name: name.encode().ljust(32, b".") for name in WITNESSES}
    lines = [_core.cosign(name, seed, note, int(time.time())) for name, seed in seeds.items()]
    log.publish(note + "".join(lines))
    vkeys = [_core.vkey_cosignature(name, _core.public_key(seed)) for name, seed in seeds.items()]
    return SmallDay(ledger, log, public, vkeys)


def record_of(line: str) -> _core.SourceRecord:
    """A spool line as the ledger takes it."""
    record = json.loads(line)

    def raw(text: str | None) -> bytes | None:
        return None if text is None else b64decode(text)

    headers = [(name, raw(value)) for name, value in record["headers"]]
    return (record["offset"], record["timestamp"], raw(record["key"]), raw(record["value"]), headers)
