"""A small chain over a spool, made as an operator makes it, with witnesses on real ports."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from farechain import _core, keys
from farechain.cli import main
from farechain.config import (
    BlockSettings,
    KafkaSettings,
    LedgerSettings,
    LimitSettings,
    OutputSettings,
    PublicLogSettings,
    Settings,
    SourceSettings,
    WitnessesSettings,
    WitnessSettings,
)
from farechain.config_file import to_toml
from farechain.day import generate, reconcile
from farechain.listening import address, bind, serve
from farechain.service.running import Service
from farechain.service.totals import Summary
from farechain.witness.server import Witness, create_app
from farechain.witness.state import WitnessState

INVOICES = 1000
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Day:
    """A generated day: its spool, its manifest, the bureau's key."""

    spool: Path
    manifest: Path
    bureau_key: Path
    inputs: int


def make_day(place: Path) -> Day:
    """A thousand invoices with every kind of bad input among them."""
    made = generate(place / "day", place / "keys", seed=7, invoices=INVOICES, date="2026-11-23")
    return Day(place / "day" / "spool", made.path, place / "keys" / "bureau.pub", made.inputs)


class Chain:
    """A ledger directory with its configuration."""

    def __init__(self, place: Path, day: Day, spool: Path | None = None, max_inputs: int = 8192) -> None:
        self.place = place
        self.day = day
        self.settings = Settings(
            ledger=LedgerSettings(path=place / "ledger", bureau_key_file=day.bureau_key),
            source=SourceSettings(kind="spool", directory=spool or day.spool),
            kafka=KafkaSettings(),
            blocks=BlockSettings(max_inputs=max_inputs, max_age_ms=20),
            witnesses=WitnessesSettings(),
            public_log=PublicLogSettings(key_file=place / "log.key"),
            outputs=OutputSettings(enabled=False),
            limits=LimitSettings(drain_deadline_s=20, lag_interval_ms=100),
        )
        self.config = place / "farechain.toml"
        self._write()
        assert main(["init", "--config", str(self.config)]) == 0

    def _write(self) -> None:
        self.config.write_text(to_toml(self.settings))

    def require(self, members: Sequence[WitnessSettings], threshold: int) -> None:
        """Sets the witnesses that are asked from now on."""
        witnesses = WitnessesSettings(threshold=threshold, timeout_ms=2000, members=tuple(members))
        self.settings = self.settings.model_copy(update={"witnesses": witnesses})
        self._write()

    def read_from(self, spool: Path) -> None:
        """Sets where the spool is from now on."""
        source = self.settings.source.model_copy(update={"directory": spool})
        self.settings = self.settings.model_copy(update={"source": source})

    def seal_at(self, max_inputs: int) -> None:
        """Sets how many inputs make a block from now on."""
        blocks = self.settings.blocks.model_copy(update={"max_inputs": max_inputs})
        self.settings = self.settings.model_copy(update={"blocks": blocks})

    @property
    def vkey(self) -> str:
        """The log's verifier key."""
        return _core.vkey_ed25519(
            "shenzhen/0", _core.public_key(keys.read_key(self.settings.public_log.key_file))
        )

    async def to_the_end(self) -> Summary:
        """Ingests all that the spool has now."""
        summary = await Service(self.settings, None, until_end=True).run(asyncio.Event())
        assert summary is not None
        return summary

    def ledger(self) -> _core.Ledger:
        """A view of it."""
        return _core.Ledger.open(str(self.settings.ledger.path), readonly=True)

    def differences(self) -> int:
        """How many inputs did not become what the manifest says."""
        found = reconcile(self.ledger(), self.day.manifest)
        assert found.inputs == self.day.inputs
        return found.different + found.missing + found.repeated + found.beyond

    def audit(self) -> bool:
        """Whether everything can be derived again, the public log included."""
        public = str(self.settings.public_dir)
        return bool(_core.audit(str(self.settings.ledger.path), public=public, vkey=self.vkey)["ok"])


@asynccontextmanager
async def witnesses(place: Path, log_vkey: str, count: int) -> AsyncIterator[list[WitnessSettings]]:
    """Witnesses ``w0``, ``w1``, ... that answer until the end of the block; their memory is in ``place``."""
    stop, serving, states, members = asyncio.Event(), [], [], []
    origin = log_vkey.split("+", 1)[0]
    for n in range(count):
        state = WitnessState(place / f"w{n}")
        state.add(origin)
        witness = Witness(f"w{n}", bytes([n]) * 32, {origin: (log_vkey,)}, state)
        listener = bind("127.0.0.1", 0)
        serving.append(asyncio.create_task(serve(create_app(witness), listener, stop, shutdown_s=1)))
        states.append(state)
        vkey = _core.vkey_cosignature(f"w{n}", _core.public_key(bytes([n]) * 32))
        members.append(WitnessSettings(name=f"w{n}", url=address(listener), vkey=vkey))
    try:
        yield members
    finally:
        stop.set()
        await asyncio.gather(*serving)
        for state in states:
            state.close()


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Returns once ``holds()`` is true; fails when it is not within a minute."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = holds()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.01)
