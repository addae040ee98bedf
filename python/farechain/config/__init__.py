"""Every setting of a farechain process, typed, with its unit and its reason.

Pure data, read from a file and the environment by ``farechain.config_file``. A secret is never a setting: a
setting names the file that holds it.
"""

from pathlib import Path

from pydantic import Field

from farechain.config.ingest import (
    BlockSettings,
    CommandSettings,
    KafkaSettings,
    LedgerSettings,
    SourceSettings,
    StateSettings,
    TopicSettings,
)
from farechain.config.people import AccessSettings, PrivateSettings
from farechain.config.promise import PromiseSettings
from farechain.config.replica import ReplicaSettings
from farechain.config.section import Section
from farechain.config.serving import (
    ApiSettings,
    LimitSettings,
    LineSettings,
    OutputSettings,
    PagesSettings,
    PublicLogSettings,
    WitnessesSettings,
    WitnessSettings,
)
from farechain.config.telemetry import TelemetrySettings

__all__ = [
    "AccessSettings",
    "ApiSettings",
    "BlockSettings",
    "CommandSettings",
    "KafkaSettings",
    "LedgerSettings",
    "LimitSettings",
    "LineSettings",
    "OutputSettings",
    "PagesSettings",
    "PrivateSettings",
    "PromiseSettings",
    "PublicLogSettings",
    "ReplicaSettings",
    "Section",
    "Settings",
    "SourceSettings",
    "StateSettings",
    "TelemetrySettings",
    "TopicSettings",
    "WitnessSettings",
    "WitnessesSettings",
]


class Settings(Section):
    """The whole configuration; every section has working defaults for a development machine."""

    demonstration: bool = Field(
        default=True,
        description="True until the bureau's own key is in genesis: pages and invoices then say so.",
    )
    ledger: LedgerSettings = LedgerSettings()
    replica: ReplicaSettings = ReplicaSettings()
    source: SourceSettings = SourceSettings()
    commands: CommandSettings = CommandSettings()
    kafka: KafkaSettings = KafkaSettings()
    blocks: BlockSettings = BlockSettings()
    state: StateSettings = StateSettings()
    witnesses: WitnessesSettings = WitnessesSettings()
    public_log: PublicLogSettings = PublicLogSettings()
    promise: PromiseSettings = PromiseSettings()
    private: PrivateSettings = PrivateSettings()
    access: AccessSettings = AccessSettings()
    api: ApiSettings = ApiSettings()
    pages: PagesSettings = PagesSettings()
    outputs: OutputSettings = OutputSettings()
    limits: LimitSettings = LimitSettings()
    lines: LineSettings = LineSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @property
    def public_dir(self) -> Path:
        """What a static file server may publish."""
        return self.ledger.path / "public"

    @property
    def state_dir(self) -> Path:
        """Durable positions of what is derived from the block log."""
        return self.ledger.path / "state"

    @property
    def private_store(self) -> Path:
        """The erasable private store; never published, never copied without its erasures."""
        return self.ledger.path / "private" / "store.sqlite"

    @property
    def audit_file(self) -> Path:
        """What the last audit of this ledger said."""
        return self.state_dir / "audit.json"

    @property
    def tokens_file(self) -> Path:
        """Hashes of callers' tokens."""
        return self.ledger.path / "access" / "tokens.jsonl"
