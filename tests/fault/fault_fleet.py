"""Processes of one chain, an owner and its standbys, with rides and commands coming in at a rate."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from farechain import _core
from farechain.cli import main
from farechain.client import HttpClient
from farechain.config import ApiSettings, BlockSettings
from farechain.config_file import to_toml
from farechain.demo.place import free_port
from farechain.pipeline.ingest import ENGINE_SOURCES
from fixtures.old_ledger import VKEY, settings_in, write_spool
from web.town import BUREAU, SELLER, founding, ride

PATIENCE_S = 240.0
"""Of a machine that has much else to do."""
PAUSE_S = 0.02
TOGETHER = 2
"""Rides that come at once; every ``PAUSE_S`` some: 100 a second."""


@dataclass
class Member:
    """One ``farechain serve``: its own configuration and address, started as often as it is wanted."""

    config: Path
    url: str
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Starts it as owner or standby, whichever it finds."""
        command = [sys.executable, "-m", "farechain", "serve", "--config", str(self.config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stderr=log, stdout=log, env={**os.environ, **(environment or {})}
            )

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        assert self.process is not None
        os.kill(self.process.pid, number)

    def code(self) -> int:
        """Its exit code, once it has ended."""
        assert self.process is not None
        return self.process.wait(PATIENCE_S)

    def end(self) -> None:
        """Kills what is left of it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    async def until(self, part: str, path: str = "/readyz") -> None:
        """Returns once what it answers there has ``part``."""
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    if part in (await http.get(self.url + path)).text:
                        return
                except httpx.TransportError:
                    assert self.process is not None
                    assert self.process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.01)


@dataclass
class Fleet:
    """A chain in a directory, and who may own it.

    Attributes:
        sent: rides that were written to the spool.
        told: what each command that was given was answered.
        receipts: block -> what its receipts say, as a listener got them that comes again where it was.
    """

    place: Path
    members: list[Member] = field(default_factory=list)
    sent: int = 0
    told: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    receipts: dict[int, list[str]] = field(default_factory=dict)
    twice: int = 0

    def __post_init__(self) -> None:
        self.settings = settings_in(self.place)
        write_spool(self.place / "spool", "farechain.commands", founding(numbers=100_000))
        write_spool(self.place / "spool", "payments.metro", [])
        assert main(["init", "--config", str(self.member(BlockSettings(max_age_ms=5)).config)]) == 0

    def member(self, blocks: BlockSettings) -> Member:
        """One more, with settings of its own."""
        name, port = f"member-{len(self.members)}", free_port()
        settings = self.settings.model_copy(update={"blocks": blocks, "api": ApiSettings(port=port)})
        config = self.place / f"{name}.toml"
        config.write_text(to_toml(settings))
        made = Member(config, f"http://127.0.0.1:{port}", self.place / f"{name}.log")
        self.members.append(made)
        return made

    @property
    def urls(self) -> str:
        """Where clients look for the owner."""
        return ",".join(member.url for member in self.members)

    def published(self) -> int:
        """Blocks under the published checkpoint."""
        path = self.settings.public_dir / "checkpoint"
        return int(_core.parse_checkpoint(path.read_text("utf-8"))[1]) if path.exists() else 0

    async def until_published(self, beyond: int) -> float:
        """Waits for a checkpoint over more than ``beyond`` blocks; returns the monotonic time of it."""
        async with asyncio.timeout(PATIENCE_S):
            while self.published() <= beyond:  # noqa: ASYNC110 (another process writes it)
                await asyncio.sleep(0.005)
        return time.monotonic()

    async def _rides(self) -> None:
        while True:
            rides = [ride(1_000_000 + self.sent + n) for n in range(TOGETHER)]
            await asyncio.to_thread(
                write_spool, self.place / "spool", "payments.metro", rides, first_offset=self.sent
            )
            self.sent += TOGETHER
            await asyncio.sleep(PAUSE_S)

    async def _clerk(self) -> None:
        async with HttpClient(self.urls, tries=20) as client:
            while True:
                command = BUREAU.admit_issuer(SELLER, f"name {len(self.told)}")
                self.told[command.key] = await client.send(command)

    async def _listen(self) -> None:
        """Takes receipts from whoever gives them, and comes again after the last block that was whole."""
        last: int | None = None
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            while True:
                for member in self.members:
                    headers = {} if last is None else {"Last-Event-ID": str(last)}
                    params = {"from": 0} if last is None else {}
                    try:
                        async with http.stream(
                            "GET", f"{member.url}/v1/receipts", params=params, headers=headers
                        ) as answer:
                            if answer.status_code == 200:
                                async for height in self._events(answer):
                                    last = height
                    except httpx.HTTPError:
                        pass
                    await asyncio.sleep(0.02)

    async def _events(self, answer: httpx.Response) -> AsyncIterator[int]:
        """Heights of blocks as they are complete."""
        ids: list[str] = []
        height: int | None = None
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                ids.append(orjson.loads(line[6:])["id"])
            elif line.startswith("id: "):
                height = int(line[4:])
            elif not line and height is not None:
                self.twice += height in self.receipts
                self.receipts[height] = ids
                yield height
                ids, height = [], None

    @asynccontextmanager
    async def traffic(self) -> AsyncIterator[None]:
        """Rides, a clerk and a listener until the end of the block."""
        tasks = [asyncio.create_task(each) for each in (self._rides(), self._clerk(), self._listen())]
        try:
            yield
            assert not any(task.done() for task in tasks), tasks
        finally:
            tasks[0].cancel()
            tasks[1].cancel()
            await asyncio.gather(*tasks[:2], return_exceptions=True)
            self.listening = tasks[2]

    async def settle(self, owner: Member) -> None:
        """Everything that was sent is durable, published, and heard of; then the owner ends."""
        async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(trust_env=False) as http:
            while True:
                status = (await http.get(owner.url + "/v1/status")).json()
                if status["invoices"] == self.sent and len(self.heard) == await asyncio.to_thread(self.taken):
                    break
                await asyncio.sleep(0.1)
        self.listening.cancel()
        owner.signal(signal.SIGTERM)
        assert await asyncio.to_thread(owner.code) == 0, owner.log.read_text()

    @property
    def heard(self) -> list[str]:
        """The ids of all receipts."""
        return [one for each in self.receipts.values() for one in each]

    def taken(self) -> int:
        """Inputs that are durable; the engine's own, a commitment to state among them, have no receipt."""
        ledger = _core.Ledger.open(str(self.settings.ledger.path), readonly=True)
        positions = ledger.positions()
        ledger.close()
        return sum(next_offset for _, _, _, next_offset, _ in positions[ENGINE_SOURCES:])

    def check(self) -> None:
        """Nothing is lost, nothing twice: invoices, commands, receipts; the audit is clean."""
        ledger = _core.Ledger.open(str(self.settings.ledger.path), readonly=True)
        status = ledger.status()
        assert status["invoices"] == self.sent
        places = {(each["height"], each["records"][0]["index"]) for each in self.told.values()}
        assert len(places) == len(self.told) > 0
        for each in self.told.values():
            record = ledger.record(each["height"], each["records"][0]["index"])
            assert record is not None
            assert _core.leaf_hash(record).hex() == each["records"][0]["hash"]
        assert self.twice == 0
        ledger.close()
        assert len(self.heard) == len(set(self.heard)) == self.taken()
        public = str(self.settings.public_dir)
        assert _core.audit(str(self.settings.ledger.path), public=public, vkey=VKEY)["ok"]
