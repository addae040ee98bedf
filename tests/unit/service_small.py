"""A service over a spool with a handful of payments, on a port of its own, for tests of what watches it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import bindings_little_chain as little

from farechain import _core
from farechain.cli import main
from farechain.config import (
    ApiSettings,
    BlockSettings,
    LedgerSettings,
    OutputSettings,
    PublicLogSettings,
    Settings,
    SourceSettings,
    TopicSettings,
    WitnessesSettings,
    WitnessSettings,
)
from farechain.config_file import to_toml
from farechain.listening import bind
from farechain.service.running import Service
from farechain.spool_lines import spool_line

RIDES = 20
TOPICS = ("farechain.commands", "payments.metro")


class SmallChain:
    """A directory with a spool, a bureau's key and a configuration; ``init`` makes its ledger."""

    def __init__(self, place: Path, members: tuple[WitnessSettings, ...] = (), port: int = 0) -> None:
        self.place = place
        spool = place / "spool"
        spool.mkdir()
        (place / "bureau.pub").write_text(_core.public_key(little.BUREAU).hex() + "\n")
        stranger = little.payment(RIDES)
        unknown = (*stranger[:4], [("fc-kid", b"0" * 32), stranger[4][1]])
        records = (little.commands(), [*(little.payment(n) for n in range(RIDES)), unknown])
        for topic, of_topic in zip(TOPICS, records, strict=True):
            lines = [
                spool_line(topic, 0, offset, at_ms, key=key, headers=headers, value=value)
                for offset, at_ms, key, value, headers in of_topic
            ]
            (spool / f"{topic}-0.jsonl").write_bytes(b"".join(lines))
        self.settings = Settings(
            ledger=LedgerSettings(path=place / "ledger", bureau_key_file=place / "bureau.pub"),
            source=SourceSettings(
                kind="spool",
                directory=spool,
                topics=tuple(TopicSettings(name=name, partitions=1) for name in TOPICS),
            ),
            blocks=BlockSettings(max_age_ms=20),
            witnesses=WitnessesSettings(threshold=len(members), members=members),
            public_log=PublicLogSettings(key_file=place / "log.key"),
            outputs=OutputSettings(enabled=False),
            api=ApiSettings(port=port),
        )
        self.config = place / "farechain.toml"
        self.write(self.settings)

    def write(self, settings: Settings) -> None:
        """Writes the configuration."""
        self.config.write_text(to_toml(settings))

    def init(self) -> str:
        """Makes the ledger; returns the log's verifier key."""
        assert main(["init", "--config", str(self.config)]) == 0
        seed = bytes.fromhex((self.place / "log.key").read_text())
        return _core.vkey_ed25519(self.settings.ledger.chain, _core.public_key(seed))

    async def to_the_end(self) -> None:
        """Ingests and publishes what is there."""
        assert await Service(self.settings, None, until_end=True).run(asyncio.Event()) is not None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """The service until the end of the block; its address."""
        stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        running = asyncio.create_task(Service(self.settings, listener).run(stop))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stop.set()
            await running
