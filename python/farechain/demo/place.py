"""Where everything of the demonstration lies, below one directory that each run makes afresh."""

import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from farechain.config import (
    ApiSettings,
    KafkaSettings,
    LedgerSettings,
    OutputSettings,
    PagesSettings,
    PublicLogSettings,
    Settings,
    WitnessesSettings,
    WitnessSettings,
)
from farechain.config.people import PrivateSettings
from farechain.config.promise import PromiseSettings
from farechain.config_file import to_toml
from farechain.demo.people import app_tax_id
from farechain.errors import EXIT_UNAVAILABLE, FarechainError

MARKER = ".farechain-demo"


@dataclass(frozen=True, slots=True)
class Place:
    """The directories and files of one demonstration."""

    root: Path

    @property
    def ledger(self) -> Path:
        """The ledger; below it ``public/``, which any static file server can publish."""
        return self.root / "ledger"

    @property
    def keys(self) -> Path:
        """Development keys."""
        return self.root / "keys"

    @property
    def day(self) -> Path:
        """The generated records as a spool, and the manifest."""
        return self.root / "day"

    @property
    def config(self) -> Path:
        """The configuration of the service."""
        return self.root / "farechain.toml"

    @property
    def logins(self) -> Path:
        """Tokens of the demonstration's people; its owner alone may read it."""
        return self.root / "logins.json"

    def lines(self, name: str) -> Path:
        """The file with the log lines of a process."""
        return self.root / "log" / f"{name}.log"

    def renew(self) -> None:
        """Removes what an earlier run left. Refuses a directory that is not a demonstration's."""
        if self.root.exists():
            if any(self.root.iterdir()) and not (self.root / MARKER).exists():
                message = f"{self.root} holds something else than a demonstration: name another directory"
                raise FarechainError("E_DEMO_PLACE", message, EXIT_UNAVAILABLE)
            shutil.rmtree(self.root)
        (self.root / "log").mkdir(parents=True)
        (self.root / MARKER).write_text("made by farechain demo; removed by its next run\n")

    def configure(
        self, bootstrap: str, idempotent: bool, witnesses: list[WitnessSettings], port: int
    ) -> Settings:
        """Writes the service's configuration: two of three witnesses must cosign, of none nobody."""
        settings = Settings(
            ledger=LedgerSettings(path=self.ledger, bureau_key_file=self.keys / "bureau.pub"),
            kafka=KafkaSettings(bootstrap=bootstrap),
            witnesses=WitnessesSettings(threshold=min(2, len(witnesses)), members=tuple(witnesses)),
            public_log=PublicLogSettings(key_file=self.keys / "log.key"),
            promise=PromiseSettings(interval_s=30),
            private=PrivateSettings(key_file=self.keys / "private.key"),
            api=ApiSettings(port=port, public_url=f"http://127.0.0.1:{port}"),
            pages=PagesSettings(keys_dir=self.keys, agent=app_tax_id()),
            outputs=OutputSettings(idempotent=idempotent),
        )
        self.config.write_text(to_toml(settings))
        return settings


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
