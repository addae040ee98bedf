"""A chain that is watched: its service and its witness as processes, a day behind it, rides that come now."""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from farechain import _core, keys
from farechain.cli import main
from farechain.client import SignedEvent
from farechain.config import (
    LedgerSettings,
    LimitSettings,
    OutputSettings,
    PublicLogSettings,
    Settings,
    SourceSettings,
    WitnessesSettings,
    WitnessSettings,
)
from farechain.config.people import PrivateSettings
from farechain.config.serving import ApiSettings
from farechain.config_file import to_toml
from farechain.day import generate
from farechain.day.live import LIVE_TOPIC, live_rides
from farechain.demo.place import free_port
from farechain.demo.processes import Child
from farechain.errors import FarechainError
from farechain.service.running import Service
from farechain.spool_lines import spool_line
from farechain.witness import party

INVOICES = 1000
CHAIN = "shenzhen/0"
RIDES = 400
"""Signed at once."""
STARTS = 4
"""As often is a start waited for."""


class Watched:
    """One chain over a spool.

    Args:
        place: an empty directory.
        changes: of the settings, by section, as ``{"section": {"key": value}}``.
        witnesses: how many; one of them must cosign.
    """

    def __init__(
        self, place: Path, changes: dict[str, dict[str, Any]] | None = None, witnesses: int = 1
    ) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        self.spool = place / "day" / "spool"
        generate(place / "day", place / "keys", seed=7, invoices=INVOICES)
        seed = keys.new_key(place / "log.key")
        vkey = _core.vkey_ed25519(CHAIN, _core.public_key(seed))
        members = [self._make_witness(f"w{number}", vkey) for number in range(witnesses)]
        settings = Settings(
            ledger=LedgerSettings(path=place / "ledger", bureau_key_file=place / "keys" / "bureau.pub"),
            source=SourceSettings(kind="spool", directory=self.spool),
            witnesses=WitnessesSettings(threshold=1, timeout_ms=1000, members=tuple(members)),
            public_log=PublicLogSettings(key_file=place / "log.key"),
            private=PrivateSettings(key_file=place / "keys" / "private.key"),
            outputs=OutputSettings(enabled=False),
            limits=LimitSettings(lag_interval_ms=100),
            api=ApiSettings(port=free_port()),
        )
        self.settings = settings
        self.target = f"127.0.0.1:{settings.api.port}"
        self.http = httpx.Client(base_url=f"http://{self.target}", trust_env=False, timeout=10)
        self.config = place / "farechain.toml"
        self.configure(changes or {})
        assert main(["init", "--config", str(self.config)]) == 0
        self.live_file = self.spool / f"{LIVE_TOPIC}-0.jsonl"
        self.offset = 1_000_000
        self.service: Child | None = None
        self.witnesses: dict[str, Child] = {}
        self._rides: list[SignedEvent] = []
        self._riding, self._appending = threading.Lock(), threading.Lock()

    def _make_witness(self, name: str, log: str) -> WitnessSettings:
        made = party.create(self.place / name, name)
        made.trust(log)
        made.state.close()
        return WitnessSettings(name=name, url=f"http://127.0.0.1:{free_port()}", vkey=made.vkey)

    def take_the_day(self) -> None:
        """Ingests what the spool has, in this process; the witness must be there."""
        asyncio.run(Service(self.settings, None, until_end=True).run(asyncio.Event()))

    def start(self) -> None:
        """Starts the service and waits until it is ready."""
        lines = self.place / f"serve-{time.monotonic_ns()}.log"
        self.service = Child(["serve", "--config", str(self.config)], lines)
        for left in reversed(range(STARTS)):
            try:
                return self.service.wait_until_answering(f"http://{self.target}/readyz")
            except FarechainError:  # a busy machine takes its time; what has ended is no such case
                if not self.service.running or not left:
                    raise

    def start_witnesses(self) -> None:
        """Starts those that do not run; who needs them tries again by itself."""
        for member in self.settings.witnesses.members:
            if member.name not in self.witnesses or not self.witnesses[member.name].running:
                port = member.url.rsplit(":", 1)[1]
                words = ["witness", "--state", str(self.place / member.name), "--port", port]
                lines = self.place / f"{member.name}-{time.monotonic_ns()}.log"
                self.witnesses[member.name] = Child(words, lines)

    def configure(self, changes: dict[str, dict[str, Any]]) -> None:
        """Changes settings; a service that starts from now on has them."""
        for section, values in changes.items():
            changed = getattr(self.settings, section).model_copy(update=values)
            self.settings = self.settings.model_copy(update={section: changed})
        self.config.write_text(to_toml(self.settings))

    def ride(self, count: int = 1) -> None:
        """Appends rides that arrive now; they were paid since the last were signed."""
        with self._riding:
            while len(self._rides) < count:
                at = datetime.now(UTC)
                self._rides += live_rides(self.place / "keys", count=RIDES, at=at, seed=self.offset)
            rides, self._rides = self._rides[:count], self._rides[count:]
        self.append([(ride.key, ride.headers, ride.value) for ride in rides])

    def _line(self, key: bytes, headers: Any, value: bytes) -> bytes:
        self.offset += 1
        now_ms = int(time.time() * 1000)
        return spool_line(LIVE_TOPIC, 0, self.offset, now_ms, key=key, headers=headers, value=value)

    def append(self, events: list[tuple[bytes, Any, bytes]]) -> None:
        """Appends records (key, headers, value) that arrive now, whatever they are."""
        with self._appending, self.live_file.open("ab") as file:
            file.write(b"".join(self._line(*event) for event in events))

    def command(self, event: SignedEvent) -> int:
        """Sends a signed command; returns the status."""
        headers = {name: value.decode() if name == "fc-kid" else value.hex() for name, value in event.headers}
        return self.http.post("/v1/commands", content=event.value, headers=headers).status_code

    def until_rejected(self, inputs: int) -> None:
        """Returns once the service has rejected so many since it started; fails where it does not."""
        deadline = time.monotonic() + 60
        while self._rejected() < inputs:
            assert time.monotonic() < deadline, "not rejected in a minute"

    def _rejected(self) -> float:
        text = self.http.get("/metrics").text
        found = re.search(r'^farechain_inputs_total\{verdict="rejected"\} (\S+)', text, re.M)
        return float(found[1]) if found else 0.0

    def ask(self, path: str = "/v1/status") -> int:
        """A request; returns its status."""
        return self.http.get(path).status_code

    def end(self) -> None:
        """Ends what runs."""
        self.http.close()
        running = [*self.witnesses.values()] + ([self.service] if self.service else [])
        for child in running:
            if child.running:
                child.stop()


@contextmanager
def watched(
    place: Path, changes: dict[str, dict[str, Any]] | None = None, witnesses: int = 1
) -> Iterator[Watched]:
    """A chain with a day behind it, whose service and witnesses run."""
    chain = Watched(place, changes, witnesses)
    try:
        chain.start_witnesses()
        chain.take_the_day()
        chain.start()
        yield chain
    finally:
        chain.end()


@contextmanager
def riding(chain: Watched, per_s: float) -> Iterator[None]:
    """Rides that come at a steady pace."""
    ended = threading.Event()

    def ride() -> None:
        while not ended.wait(1 / per_s):
            chain.ride()

    rider = threading.Thread(target=ride)
    rider.start()
    try:
        yield
    finally:
        ended.set()
        rider.join()
