"""The phases of the demonstration, in order, each timed; what they found goes into ``summary.json``."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from farechain import _core, broker
from farechain.broker import Broker
from farechain.config import Settings, WitnessSettings
from farechain.day import Manifest
from farechain.day.generate import MIN_INVOICES, MIN_ON_CLAIM, generate
from farechain.day.keyring import FULL_DAY
from farechain.day.life import Life
from farechain.day.life.share import FULL_TRIPS
from farechain.day.plan import PARTITIONS
from farechain.day.reconcile import reconcile
from farechain.demo import afterwards, fork, live, people
from farechain.demo.place import Place, free_port
from farechain.demo.processes import Child, Cost
from farechain.errors import EXIT_CHECK_FAILED, FarechainError
from farechain.service import opening

SEED = 20181211
WITNESSES = ("bureau", "holders", "reimbursers")
OUTPUTS = {"farechain.receipts": 4, "farechain.deadletter": 1}
LIVE_RATE_PER_S = 500
LIVE_S = 5
PROOFS = 20
FULL_AUTOMATIC = 93_000


@dataclass(frozen=True, slots=True)
class Options:
    """What to demonstrate."""

    root: Path
    invoices: int
    seed: int = SEED
    fallback: bool | None = None
    port: int = 8800

    @property
    def automatic(self) -> int:
        """Invoices that payments get at once: 93,000 of a full day, 73,000 of them of the metro."""
        return max(MIN_INVOICES, round(self.invoices * FULL_AUTOMATIC / FULL_DAY))

    @property
    def on_claim(self) -> int:
        """Metro trips that wait for a claim: 110,000 of a full day; claims make the other invoices."""
        return max(MIN_ON_CLAIM, round(self.invoices * FULL_TRIPS / FULL_DAY))


@dataclass
class Demonstration:
    """Runs the phases; ``close`` (or leaving the context) ends every process that it started."""

    options: Options
    told: Any
    summary: dict[str, Any] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Demonstration":
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def run(self) -> Child:
        """All phases. Returns the service, which goes on answering.

        Raises:
            FarechainError: a phase failed, or what it found is not what it must be (exit code 1).
        """
        place = Place(self.options.root.resolve())
        place.renew()
        with self._phase("generate", "signing a day"):
            options = self.options
            manifest = generate(
                place.day,
                place.keys,
                seed=options.seed,
                invoices=options.automatic,
                on_claim=options.on_claim,
            )
        with self._phase("broker", "starting a broker"):
            running = self._broker(place)
        with self._phase("produce", f"producing {manifest.inputs} records"):
            asyncio.run(self._produce(running, place))
        settings = self._settings(place, running)
        with self._phase("ingest_process", "ingesting, publishing, sending receipts"):
            before_s = running.cpu_seconds()
            ingested, cost = Child(
                ["ingest", "--until-end", "--json", "--config", str(place.config)], place.lines("ingest")
            ).result()
            broker_cpu_s = running.cpu_seconds() - before_s
        self._seconds["ingest"] = round(ingested["last_published_s"], 3)
        self._cost(ingested, cost, broker_cpu_s)
        with self._phase("reconcile", "comparing the ledger with the manifest, input by input"):
            self._reconcile(settings, place, manifest.path)
        service = self._start(["serve", "--config", str(place.config)], place.lines("serve"))
        service.wait_until_answering(f"http://127.0.0.1:{settings.api.port}/readyz")
        with self._phase("life", "claiming, locking, reimbursing, posting, reversing, declaring"):
            self._live_on(settings, place, manifest)
        with self._phase("reconcile_life", "comparing all of it with the manifest"):
            self._reconcile(settings, place, manifest.path)
        with self._phase("live", f"{LIVE_S} seconds at {LIVE_RATE_PER_S} events a second"):
            events = live.prepare(place.day, place.keys, LIVE_RATE_PER_S * LIVE_S)
            self.summary["latency_ms"] = asdict(asyncio.run(live.measure(settings, events, LIVE_RATE_PER_S)))
        with self._phase("fork", "showing a forged history to the witnesses"):
            self._fork(settings, place)
        with self._phase("audit", "deriving everything again from the log"):
            self._audit(settings)
        self.summary["proofs"] = self._proofs(settings)
        self._finish(settings, place, running)
        return service

    @contextmanager
    def _phase(self, name: str, doing: str) -> Iterator[None]:
        self.told(doing)
        started = time.monotonic()
        yield
        self._seconds[name] = round(time.monotonic() - started, 3)

    def _start(self, words: list[str], lines: Path) -> Child:
        child = Child(words, lines)
        self._stack.callback(child.stop)
        return child

    def _broker(self, place: Place) -> Broker:
        running = broker.start(place.root / "broker", fallback=self.options.fallback)
        self._stack.callback(running.stop)
        if running.kind != "kafka":
            self.told(running.notice)
        return running

    async def _produce(self, running: Broker, place: Place) -> None:
        partitions = {"farechain.commands": 1, **PARTITIONS, **OUTPUTS}
        await broker.ensure_topics(running.bootstrap, partitions)
        await broker.produce_spool(running.bootstrap, place.day / "spool")

    def _settings(self, place: Place, running: Broker) -> Settings:
        members, ports = [], {}
        for name in WITNESSES:
            ports[name] = free_port()
            words = ["witness", "--state", str(place.root / "witnesses" / name), "--json"]
            made, _cost = Child(
                [*words, "--init", "--name", f"{name}.example/witness"], place.lines(f"{name}-init")
            ).result()
            members.append(
                WitnessSettings(name=made["name"], url=f"http://127.0.0.1:{ports[name]}", vkey=made["vkey"])
            )
        settings = place.configure(running.bootstrap, running.kind == "kafka", members, self.options.port)
        made, _cost = Child(["init", "--config", str(place.config), "--json"], place.lines("init")).result()
        for name in WITNESSES:
            words = ["witness", "--state", str(place.root / "witnesses" / name), "--port", str(ports[name])]
            self._start([*words, "--log", made["vkey"]], place.lines(name))
        return settings

    def _cost(self, ingested: dict[str, Any], cost: Cost, broker_cpu_s: float) -> None:
        inputs = ingested["inputs"]
        stages = {stage: round(seconds / inputs * 1e6, 3) for stage, seconds in ingested["stage_s"].items()}
        self.summary["us_per_event"] = stages | {
            "process_cpu": round(cost.cpu_s / inputs * 1e6, 3),
            "broker_cpu": round(broker_cpu_s / inputs * 1e6, 3),
        }
        self.summary["rss_mb"] = round(cost.rss_mb, 1)
        self.summary["events_per_s"] = round(inputs / ingested["last_published_s"])

    def _reconcile(self, settings: Settings, place: Place, manifest: Path) -> None:
        ledger = opening.open_ledger(settings, readonly=True)
        status = ledger.status()
        found = reconcile(ledger, manifest)
        ledger.close()
        self.summary |= {
            "inputs": status["inputs"],
            "invoices": status["invoices"],
            "outcomes": {
                name: status[name]
                for name in ("issued", "recorded", "reversed", "applied", "duplicates", "rejected")
            },
            "differences": found.total,
            "bytes_per_invoice": round(_bytes_below(settings.ledger.path) / status["invoices"]),
        }
        if not found.ok:
            (place.root / "differences.json").write_text(json.dumps(found.as_json(), indent=2))
            message = f"{found.total} of {found.inputs} inputs differ from the manifest: see differences.json"
            raise FarechainError("E_DIFFERENCES", message, EXIT_CHECK_FAILED)

    def _live_on(self, settings: Settings, place: Place, manifest: Manifest) -> None:
        """What becomes of the day's trips and invoices; each outcome is compared afterwards."""
        seed, invoices, on_claim = self.options.seed, self.options.automatic, self.options.on_claim
        life = Life(manifest, place.keys, seed=seed, invoices=invoices, on_claim=on_claim)
        self.summary["trips_on_claim"] = on_claim
        self.summary["life"] = afterwards.live_on(settings, life, manifest)
        self.summary["trips_in_wallets"] = people.fill_wallets(settings, life)
        logins = people.let_in(settings, life, place.logins)
        self.summary["logins"] = {"file": str(place.logins), "people": len(logins)}

    def _fork(self, settings: Settings, place: Place) -> None:
        _note, size = opening.published_checkpoint(settings)
        refused = asyncio.run(fork.plant(settings, place.day / "spool", size, place.root / "forged"))
        self.summary["fork"] = {"size": size, "refused": refused}
        if len(refused) != len(settings.witnesses.members):
            raise FarechainError("E_FORK", "a witness cosigned a forged history", EXIT_CHECK_FAILED)

    def _audit(self, settings: Settings) -> None:
        vkey = opening.vkey_of(settings)
        audit = _core.audit(str(settings.ledger.path), public=str(settings.public_dir), vkey=vkey)
        self.summary["audit"] = {
            name: value.hex() if isinstance(value, bytes) else value for name, value in audit.items()
        }
        if not audit["ok"]:
            message = f"{audit['file']} at byte {audit['byte']}: {audit['what']}"
            raise FarechainError("E_AUDIT", message, EXIT_CHECK_FAILED)

    def _proofs(self, settings: Settings) -> dict[str, Any]:
        """Proves an invoice of some blocks and verifies each with nothing but its proof and the keys."""
        ledger = opening.open_ledger(settings, readonly=True)
        witnesses = settings.witnesses
        vkeys = [member.vkey for member in witnesses.members]
        sizes = []
        try:
            for height in range(1, ledger.height, max(1, ledger.height // PROOFS)):
                proof = ledger.prove(height, 0, str(settings.public_dir), vkeys)
                _core.verify_proof(proof, opening.vkey_of(settings), [], 0)
                _core.verify_proof(proof, opening.vkey_of(settings), vkeys, witnesses.threshold)
                sizes.append(len(proof))
        finally:
            ledger.close()
        return {"verified": len(sizes), "largest_bytes": max(sizes)}

    def _finish(self, settings: Settings, place: Place, running: Broker) -> None:
        self.summary["broker"] = {"kind": running.kind, "version": running.version}
        self.summary["instructions"] = _core.INSTRUCTIONS
        self.summary["seconds"] = self._seconds
        self.summary["page"] = f"http://127.0.0.1:{settings.api.port}/"
        (place.root / "summary.json").write_text(
            json.dumps(self.summary, indent=2, ensure_ascii=False) + "\n"
        )


def _bytes_below(directory: Path) -> int:
    """Disk that the files below a directory occupy."""
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())
