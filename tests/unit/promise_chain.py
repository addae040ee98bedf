"""A chain that summarises its promise, with witnesses; and an outsider's view of it, to be tampered with."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from service_chain import Chain, Day, until, witnesses

from farechain.api.chain import printable
from farechain.config import WitnessSettings
from farechain.config_file import to_toml
from farechain.listening import address, bind
from farechain.promise.checking import Report, Terms, check
from farechain.promise.document import Document, decode
from farechain.promise.folder import Folder
from farechain.promise.reading import Reading
from farechain.service.running import Service


def append(day: Day, spool: Path, ago_s: float, *, only: str = "") -> None:
    """Puts the day into a spool as if a broker had appended all of it so many seconds ago."""
    spool.mkdir(exist_ok=True)
    at_ms = int((time.time() - ago_s) * 1000)
    for file in sorted(day.spool.glob(f"{only}*")):
        lines = [json.loads(line) | {"timestamp": at_ms} for line in file.read_text().splitlines()]
        (spool / file.name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def summarise(chain: Chain, interval_s: float, key: Path | None) -> None:
    """Sets how the promise is summarised from now on."""
    promise = chain.settings.promise.model_copy(update={"interval_s": interval_s, "key_file": key})
    chain.settings = chain.settings.model_copy(update={"promise": promise})
    chain.config.write_text(to_toml(chain.settings))


@asynccontextmanager
async def running(chain: Chain, members: list[WitnessSettings] | None = None) -> AsyncIterator[str]:
    """Runs the service, with two witnesses that must cosign; gives its address."""
    async with witnesses(chain.place, chain.vkey, 2) as present:
        chain.require(present if members is None else members, 2)
        stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
        service = asyncio.create_task(Service(chain.settings, listener).run(stop))
        async with httpx.AsyncClient(base_url=address(listener)) as http:
            await until(partial(is_ready, http))
        try:
            yield address(listener)
        finally:
            stop.set()
            assert await service is not None


async def is_ready(http: httpx.AsyncClient) -> bool:
    """Whether the service takes requests."""
    return (await http.get("/readyz")).status_code == 200


def documents(chain: Chain) -> list[Document]:
    """All that are published, the first one first."""
    folder = Folder(chain.settings.public_dir)
    return [decode(folder.read(stem)) for stem in folder.stems()]


def all_is_attested(chain: Chain) -> bool:
    """Whether every event is summarised, and every summary attested."""
    folder = Folder(chain.settings.public_dir)
    inputs = sum(document.events for document in documents(chain))
    return inputs >= chain.day.inputs and not folder.unproven()


@dataclass
class Outside:
    """A copy of what a chain shows: its public files, and its blocks."""

    chain: Chain
    files: Path
    blocks: dict[int, dict[str, object]] = field(default_factory=dict)

    @classmethod
    def of(cls, chain: Chain, place: Path) -> "Outside":
        """A copy of a chain that does not run."""
        shutil.copytree(chain.settings.public_dir, place)
        ledger = chain.ledger()
        return cls(chain, place, {h: printable(ledger.block(h)) for h in range(ledger.height + 1)})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/v1/blocks/"):
            return httpx.Response(200, json=self.blocks[int(request.url.path.rpartition("/")[2])])
        file = self.files / request.url.path[1:]
        return httpx.Response(200, content=file.read_bytes()) if file.exists() else httpx.Response(404)

    def check(self, *, later_s: float = 0, **terms: object) -> Report:
        """What somebody finds out who believes the log's key and both witnesses."""
        vkeys = [member.vkey for member in self.chain.settings.witnesses.members]
        asked = Terms(self.chain.vkey, vkeys, len(vkeys), **terms)  # type: ignore[arg-type]
        with Reading("http://chain", httpx.MockTransport(self._answer)) as reading:
            return check(reading, asked, int((time.time() + later_s) * 1000))

    def document(self, number: int) -> Document:
        """One of its documents."""
        stem = Folder(self.files).stems()[number]
        return decode((self.files / "promise" / f"{stem}.json").read_bytes())

    def put(self, document: Document) -> None:
        """Puts a document in the place of one."""
        (self.files / "promise" / f"{document.stem}.json").write_bytes(document.encoded())
