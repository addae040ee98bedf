"""A chain that is watched: its service and its witness as processes, a day behind it, rides that come now."""

import asyncio
import re
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
from farechain.service.running import Service
from farechain.spool_lines import spool_line
from farechain.witness import party

INVOICES = 1000
CHAIN = "shenzhen/0"


class Watched:
    """One chain over a spool.

    Args:
        place: an empty directory.
        changes: of the settings, by section, as ``{"section": {"key": value}}``.
    """

    def __init__(self, place: Path, changes: dict[str, dict[str, Any]] | None = None) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        self.spool = place / "day" / "spool"
        generate(place / "day", place / "keys", seed=7, invoices=INVOICES)
        seed = keys.new_key(place / "log.key")
        self._witness_port = free_port()
        witness = party.create(place / "witness", "w0")
        witness.trust(_core.vkey_ed25519(CHAIN, _core.public_key(seed)))
        member = WitnessSettings(name="w0", url=f"http://127.0.0.1:{self._witness_port}", vkey=witness.vkey)
        witness.state.close()
        settings = Settings(
            ledger=LedgerSettings(path=place / "ledger", bureau_key_file=place / "keys" / "bureau.pub"),
            source=SourceSettings(kind="spool", directory=self.spool),
            witnesses=WitnessesSettings(threshold=1, timeout_ms=1000, members=(member,)),
            public_log=PublicLogSettings(key_file=place / "log.key"),
            private=PrivateSettings(key_file=place / "keys" / "private.key"),
            outputs=OutputSettings(enabled=False),
            limits=LimitSettings(lag_interval_ms=100),
            api=ApiSettings(port=free_port()),
        )
        for section, values in (changes or {}).items():
            changed = getattr(settings, section).model_copy(update=values)
            settings = settings.model_copy(update={section: changed})
        self.settings = settings
        self.target = f"127.0.0.1:{settings.api.port}"
        self.http = httpx.Client(base_url=f"http://{self.target}", trust_env=False, timeout=10)
        self.config = place / "farechain.toml"
        self.config.write_text(to_toml(settings))
        assert main(["init", "--config", str(self.config)]) == 0
        self.live_file = self.spool / f"{LIVE_TOPIC}-0.jsonl"
        self.offset = 1_000_000
        self.service: Child | None = None
        self.witness: Child | None = None

    def take_the_day(self) -> None:
        """Ingests what the spool has, in this process; the witness must be there."""
        asyncio.run(Service(self.settings, None, until_end=True).run(asyncio.Event()))

    def start(self) -> None:
        """Starts the service and waits until it is ready."""
        lines = self.place / f"serve-{time.monotonic_ns()}.log"
        self.service = Child(["serve", "--config", str(self.config)], lines)
        self.service.wait_until_answering(f"http://{self.target}/livez")

    def start_witness(self) -> None:
        """Starts the witness; who needs it tries again by itself."""
        words = ["witness", "--state", str(self.place / "witness"), "--port", str(self._witness_port)]
        self.witness = Child(words, self.place / f"witness-{time.monotonic_ns()}.log")

    def ride(self, count: int = 1) -> None:
        """Appends rides that are paid and arrive now."""
        now = datetime.now(UTC)
        lines = []
        for event in live_rides(self.place / "keys", count=count, at=now, seed=self.offset):
            lines.append(self._line(event.key, event.headers, event.value))
        with self.live_file.open("ab") as file:
            file.write(b"".join(lines))

    def _line(self, key: bytes, headers: Any, value: bytes) -> bytes:
        self.offset += 1
        now_ms = int(time.time() * 1000)
        return spool_line(LIVE_TOPIC, 0, self.offset, now_ms, key=key, headers=headers, value=value)

    def append(self, events: list[tuple[bytes, Any, bytes]]) -> None:
        """Appends records (key, headers, value) that arrive now, whatever they are."""
        with self.live_file.open("ab") as file:
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
        for child in (self.service, self.witness):
            if child is not None and child.running:
                child.stop()


@contextmanager
def watched(place: Path, changes: dict[str, dict[str, Any]] | None = None) -> Iterator[Watched]:
    """A chain with a day behind it, whose service and witness run."""
    chain = Watched(place, changes)
    try:
        chain.start_witness()
        chain.take_the_day()
        chain.start()
        yield chain
    finally:
        chain.end()
