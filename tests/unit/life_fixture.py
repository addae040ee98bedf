"""A small day with trips on claim, and its life led through a real ledger."""

from collections.abc import Iterator
from pathlib import Path

from day_fixture import DATE, INVOICES
from test_day_reconcile import ledger_of

from farechain import _core
from farechain.day import Manifest, generate
from farechain.day.life import TURNS, Life, Wave
from farechain.spool_lines import spool_record

SEED = 7
ON_CLAIM = 400
HOUR_MS = 3_600_000


class Lived:
    """A day ingested in blocks of a size, and turn after turn behind it."""

    def __init__(self, place: Path, *, weave: int = 1, block: int = 8192, seed: int = SEED) -> None:
        self.out, self.block = place / "day", block
        size = {"invoices": INVOICES, "on_claim": ON_CLAIM}
        self.manifest: Manifest = generate(
            self.out, place / "keys", seed=seed, invoices=INVOICES, date=DATE, on_claim=ON_CLAIM
        )
        (self.out / "keys").symlink_to(place / "keys")
        self.ledger: _core.Ledger = ledger_of(self.out, place / "ledger", weave=weave, block=block)
        self.life = Life(self.manifest, place / "keys", seed=seed, **size)
        self.time_ms: int = self.ledger.status()["time_ms"]

    def turns(self) -> Iterator[Wave]:
        """Plans each turn and ingests it."""
        for _ in range(TURNS):
            wave = self.life.next_turn(self.ledger)
            self.ingest(wave)
            yield wave

    def ingest(self, wave: Wave) -> None:
        """What a producer and the service would do."""
        sources = {(topic, n): at for at, (topic, _, n, _, _) in enumerate(self.ledger.positions())}
        intake = self.ledger.intake()
        for place, records in records_of(wave.spool).items():
            intake.push_records(sources[place], records, None)
        while not intake.is_empty:
            self.time_ms += 1_000
            self.ledger.commit(self.ledger.prepare(intake.seal(self.block)), self.time_ms)


def records_of(spool: Path) -> dict[tuple[str, int], list[_core.SourceRecord]]:
    """The records of a spool directory by topic and partition."""
    found: dict[tuple[str, int], list[_core.SourceRecord]] = {}
    for file in sorted(spool.glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            topic, partition, record = spool_record(line)
            found.setdefault((topic, partition), []).append(record)
    return found
