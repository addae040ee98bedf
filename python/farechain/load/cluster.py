"""A whole cluster on this machine for one load test: broker, ledger, service, perhaps a standby."""

import asyncio
import resource
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx

from farechain import broker
from farechain.broker import Broker
from farechain.config import Settings
from farechain.day.commands import commands
from farechain.day.files import Manifest, write_day
from farechain.day.generate import yesterday
from farechain.day.keyring import derive, keep
from farechain.day.plan import COMMANDS, PARTITIONS
from farechain.day.truth import Truth
from farechain.demo.place import Place, free_port
from farechain.demo.processes import Child
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.load.scenario import FaultTable, Scenario
from farechain.load.slow_disk import SlowDisk

OUTPUTS = {"farechain.receipts": 4, "farechain.deadletter": 1}
KEYS_SEED = 20181211


class LocalCluster:
    """Starts in ``start``; what a fault does to it, ``apply`` does. Close it: every process then ends.

    Attributes:
        settings: the service's, once started.
        keys: the directory of the devices' keys.
    """

    settings: Settings

    def __init__(self, root: Path, scenario: Scenario, *, fallback: bool | None = None) -> None:
        self._place = Place(root.resolve())
        self._scenario = scenario
        self._fallback = fallback
        self._stack = ExitStack()
        self._services: list[tuple[str, Child]] = []
        self._started = 0
        self._slow: SlowDisk | None = None
        self._gone: list[str] = []
        self.keys = self._place.keys

    def prepare(self) -> None:
        """Keys, broker, topics, the day's commands in Kafka, genesis; no service yet.

        Raises:
            FarechainError: ``E_DEMO_PLACE`` where the directory holds something else, or what the parts say.
        """
        self._place.renew()
        if any(fault.do == "slow-disk" for fault in self._scenario.faults):
            self._slow = SlowDisk(self._place.root / "slow-disk")
        self._write_commands()
        self._broker = broker.start(self._place.root / "broker", fallback=self._fallback)
        self._stack.callback(self._broker.stop)
        asyncio.run(self._produce_commands())
        running = self._broker
        self.settings = self._place.configure(running.bootstrap, running.kind == "kafka", [], 0)
        words = ["init", "--config", str(self._place.config), "--json"]
        Child(words, self._place.lines("init")).result()

    def start(self) -> None:
        """The services of the scenario; returns when the first one is ready."""
        for _ in range(self._scenario.services):
            self._start_service()

    def close(self) -> None:
        """Ends every process; a stopped one is killed."""
        while self._services:
            _, child = self._services.pop()
            child.stop()
        self._stack.close()

    @property
    def running_broker(self) -> Broker:
        """The broker."""
        return self._broker

    @property
    def gone(self) -> list[str]:
        """Services that ended by themselves, with exit code and last line."""
        return [*self._gone, *(_ending(name, child) for name, child in self._services if not child.running)]

    def processes(self) -> Mapping[str, int]:
        """Ids of what runs, by name; the service that owns the ledger is ``service``."""
        listed = {"broker": self._broker.pid}
        for number, (_, child) in enumerate(self._services):
            listed["service" if number == 0 else "standby"] = child.pid
        return listed

    def apply(self, fault: FaultTable) -> None:
        """Does what the fault says. The owner is the service that was started first and is there."""
        match fault.do:
            case "kill-owner":
                self._services.pop(0)[1].kill()
            case "stop-owner":
                self._services[0][1].pause()
            case "start-service":
                self._forget_ended()
                self._start_service(wait=False)
            case "kill-broker":
                self._broker.kill()
            case "start-broker":
                self._broker.restart()
            case "slow-disk":
                assert self._slow is not None
                self._slow.set(fault.delay_ms)
            case "full-disk":
                # A write beyond the limit fails as on a full disk, with EFBIG: Python ignores SIGXFSZ.
                pid = self._services[0][1].pid
                _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (fault.bytes, hard))

    def _forget_ended(self) -> None:
        self._gone = self.gone
        self._services = [(name, child) for name, child in self._services if child.running]

    def _start_service(self, *, wait: bool = True) -> None:
        self._started += 1
        name, port = f"serve-{self._started}", free_port()
        environ = self._slow.environ if self._slow else None
        words = ["serve", "--config", str(self._place.config), "--port", str(port)]
        child = Child(words, self._place.lines(name), environ)
        self._services.append((name, child))
        if wait:
            probe = "readyz" if len(self._services) == 1 else "livez"
            child.wait_until_answering(f"http://127.0.0.1:{port}/{probe}")

    def _write_commands(self) -> None:
        """The day's tables, issuers, mandates, numbers and devices as a spool; none of its payments."""
        date, invoices = yesterday(), self._scenario.devices_of_day
        keyring = keep(derive(KEYS_SEED, invoices), self._place.keys)
        start_ms = 0
        planned = commands(keyring, start_ms, int(date[:4]), invoices)
        devices = sum(len(signers) for signers in keyring.devices.values())
        self._place.day.mkdir(parents=True)
        manifest = Manifest(self._place.day / "manifest.jsonl", KEYS_SEED, date, devices)
        write_day(self._place.day, {(COMMANDS, 0): planned}, manifest, Truth())

    async def _produce_commands(self) -> None:
        bootstrap = self._broker.bootstrap
        await broker.ensure_topics(bootstrap, {**PARTITIONS, **OUTPUTS})
        await broker.produce_spool(bootstrap, self._place.day / "spool")


def _ending(name: str, child: Child) -> str:
    told = child.lines.read_text("utf-8", "replace").strip().splitlines()
    return f"{name} ended with {child.exit_code}: {told[-1] if told else 'it said nothing'}"


def answers(url: str) -> bool:
    """Whether the service at this address is ready."""
    try:
        return httpx.get(f"{url.rstrip('/')}/readyz", timeout=5.0).status_code == httpx.codes.OK
    except httpx.TransportError as error:
        message = f"no service answers at {url}: start it, or correct api.port"
        raise FarechainError("E_LOAD", message, EXIT_UNAVAILABLE) from error
