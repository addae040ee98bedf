"""Every setting of a farechain process, typed, with its unit and its reason.

Pure data, read from a file and the environment by ``farechain.config_file``. A secret is never a setting: a
setting names the file that holds it.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from farechain.config_people import AccessSettings, PrivateSettings
from farechain.config_section import FilePath, Section

TopicName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]


class LedgerSettings(Section):
    """The ledger and what its genesis says. Genesis is written once; a later change here changes nothing."""

    path: FilePath = Field(
        default=Path("var/ledger"), description="Directory of the ledger, on a local file system."
    )
    network: str = Field(
        default="shenzhen",
        min_length=1,
        max_length=64,
        description="Name inside every signature of this network.",
    )
    chain: str = Field(
        default="shenzhen/0",
        pattern=r"^[^\s+]{1,64}$",
        description="Name of the chain; the origin of its public log.",
    )
    bureau_key_file: FilePath = Field(
        default=Path("keys/bureau.pub"), description="File with the tax bureau's Ed25519 public key."
    )
    regions: tuple[str, ...] = Field(
        default=("4403",),
        strict=False,
        min_length=1,
        description="Regions whose number grants this chain may use.",
    )
    utc_offset_min: int = Field(
        default=480, ge=-720, le=840, description="Minutes from UTC of the dates and periods of invoices."
    )
    drain_max: int = Field(
        default=1024,
        ge=1,
        le=8192,
        description="Waiting payments issued in one block at most, so that no block takes long.",
    )
    threads: int = Field(default=2, ge=1, le=256, description="Threads that decode and verify signatures.")
    rejected_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days that the bytes of rejected inputs are kept for dead letters and audit.",
    )


class TopicSettings(Section):
    """A topic that is read."""

    name: TopicName = Field(description="Its name.")
    partitions: int = Field(
        ge=1, le=4096, description="How many partitions of it, from 0, belong to this chain."
    )


class SourceSettings(Section):
    """Where signed payments and commands come from."""

    kind: Literal["kafka", "spool"] = Field(
        default="kafka", description="`kafka`, or `spool` for a directory of JSON lines."
    )
    directory: FilePath = Field(
        default=Path("var/spool"), description="The directory, where kind is `spool`."
    )
    topics: tuple[TopicSettings, ...] = Field(
        default=(
            TopicSettings(name="farechain.commands", partitions=1),
            TopicSettings(name="payments.metro", partitions=4),
            TopicSettings(name="payments.road", partitions=2),
            TopicSettings(name="payments.parking", partitions=1),
            TopicSettings(name="payments.scenic", partitions=1),
        ),
        strict=False,
        min_length=1,
        description="What is read, in the order of genesis. Add no topic after `farechain init`.",
    )
    first: tuple[TopicName, ...] = Field(
        default=("farechain.commands",),
        strict=False,
        description="Topics read to their end at start before any other: keys and grants before payments.",
    )

    @model_validator(mode="after")
    def _names(self) -> "SourceSettings":
        names = [topic.name for topic in self.topics]
        if len(set(names)) != len(names):
            raise ValueError("a topic is listed twice")
        if "http" in names:
            raise ValueError("a topic named http would be taken for the commands over HTTP: rename it")
        unknown = [name for name in self.first if name not in names]
        if unknown:
            raise ValueError(f"{unknown[0]} in `first` is not among the topics")
        return self


class CommandSettings(Section):
    """Signed commands over HTTP, the source `http/0`. Each waits in memory until its block is durable."""

    http: bool = Field(
        default=True,
        description="List http/0 in genesis. Genesis is written once; a later change here changes nothing.",
    )
    waiting_max: int = Field(
        default=1024,
        ge=1,
        le=65_536,
        description="Commands on their way to a block at most; one more is answered 503, to be sent again.",
    )
    waiting_bytes_max: int = Field(
        default=16 * 1024 * 1024,
        ge=128 * 1024,
        le=512 * 1024 * 1024,
        description="Their bytes at most: a command has up to 64 KiB.",
    )
    timeout_ms: int = Field(
        default=10_000,
        ge=100,
        le=120_000,
        description="How long a command may wait for its block before it is answered 503, to be sent again.",
    )


class KafkaSettings(Section):
    """The operator's Kafka, for what is read and for what is sent."""

    bootstrap: str = Field(
        default="127.0.0.1:9092",
        pattern=r"^[^,:\s]+:\d+(,[^,:\s]+:\d+)*$",
        description="Brokers: host:port, separated by commas.",
    )
    group_id: str = Field(
        default="farechain",
        min_length=1,
        max_length=249,
        description="Group under which positions are mirrored for lag tools.",
    )
    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="PLAINTEXT is for a broker on this machine."
    )
    ca_file: FilePath | None = Field(
        default=None, description="Certificates that are trusted; the system's when absent."
    )
    cert_file: FilePath | None = Field(
        default=None, description="Client certificate, where the broker wants one."
    )
    key_file: FilePath | None = Field(
        default=None, description="Secret: the private key of the client certificate."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="Where the protocol is SASL."
    )
    sasl_username: str = Field(default="", max_length=256, description="Where the protocol is SASL.")
    sasl_password_file: FilePath | None = Field(default=None, description="Secret: a file with the password.")
    raw_batches: bool = Field(
        default=True, description="Hand record batches to Rust unparsed; false costs five times the CPU."
    )
    commit_interval_ms: int = Field(
        default=1000,
        ge=100,
        le=60_000,
        description="How often positions are mirrored as offsets; a commit costs 6 ms.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "KafkaSettings":
        if self.protocol.startswith("SASL") and (not self.sasl_username or self.sasl_password_file is None):
            raise ValueError("SASL needs sasl_username and sasl_password_file")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        return self


class BlockSettings(Section):
    """When a block is sealed."""

    max_inputs: int = Field(
        default=8192,
        ge=1,
        le=65_536,
        description="Inputs in a block at most: bounds memory and the time of one sync.",
    )
    max_age_ms: int = Field(
        default=200,
        ge=1,
        le=60_000,
        description="How long the oldest input may wait for others: the floor of the latency.",
    )
    max_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024 * 1024,
        le=512 * 1024 * 1024,
        description="Bytes of a block's inputs at most: large records seal it before there are many of them.",
    )


class WitnessSettings(Section):
    """One witness of the public log."""

    name: str = Field(pattern=r"^[^\s+]{1,255}$", description="Its key name, as in its verifier key.")
    url: str = Field(pattern=r"^https?://[^\s]+$", description="Its submission prefix (C2SP tlog-witness).")
    vkey: str = Field(min_length=10, max_length=512, description="Its verifier key in signed-note form.")

    @model_validator(mode="after")
    def _same_name(self) -> "WitnessSettings":
        if self.vkey.split("+", 1)[0] != self.name:
            raise ValueError("name is not the name in vkey")
        return self


class WitnessesSettings(Section):
    """Who must cosign a checkpoint before it is published."""

    threshold: int = Field(default=0, ge=0, le=64, description="How many of them must cosign (k of n).")
    timeout_ms: int = Field(
        default=5000,
        ge=100,
        le=60_000,
        description="How long one witness may take; a slow one delays only itself.",
    )
    members: tuple[WitnessSettings, ...] = Field(
        default=(), strict=False, max_length=64, description="The witnesses (n)."
    )

    @model_validator(mode="after")
    def _enough(self) -> "WitnessesSettings":
        if self.threshold > len(self.members):
            raise ValueError(f"threshold is {self.threshold} but there are {len(self.members)} members")
        if len({member.name for member in self.members}) != len(self.members):
            raise ValueError("two members have one name")
        return self


class PublicLogSettings(Section):
    """The log that anyone can check."""

    key_file: FilePath = Field(
        default=Path("keys/log.key"), description="Secret: a file with the log's Ed25519 seed."
    )


class ApiSettings(Section):
    """The HTTP interface and the pages."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; put a TLS proxy before any other.",
    )
    port: int = Field(default=8800, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    public_url: str = Field(
        default="http://127.0.0.1:8800",
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]{1,200}(/[A-Za-z0-9._~/-]{0,100})?$",
        description="Where people reach the pages: printed on documents and in their QR codes.",
    )


class OutputSettings(Section):
    """Receipts and dead letters, sent to Kafka from the block log."""

    enabled: bool = Field(default=True, description="False for a ledger without a broker.")
    receipts: TopicName = Field(default="farechain.receipts", description="Topic of receipts, one an input.")
    dead_letters: TopicName = Field(default="farechain.deadletter", description="Topic of rejected inputs.")
    idempotent: bool = Field(
        default=True, description="False only for the fallback broker, which cannot do it."
    )
    request_timeout_ms: int = Field(
        default=40_000,
        ge=1000,
        le=600_000,
        description="Longer than the longest outage of the broker to sit through.",
    )


class LimitSettings(Section):
    """Deadlines of the process."""

    drain_deadline_s: float = Field(
        default=20.0,
        ge=1,
        le=600,
        strict=False,
        description="From SIGTERM to exit at most; below the supervisor's kill.",
    )
    lag_interval_ms: int = Field(
        default=1000, ge=100, le=60_000, description="How often the lag is asked for."
    )
    stalled_after_s: float = Field(
        default=30.0,
        ge=1,
        le=3600,
        strict=False,
        description="Not ready when records wait this long and no block is sealed.",
    )


class LineSettings(Section):
    """Log lines on standard error. They carry heights, counts and codes, never a person's data."""

    form: Literal["plain", "json"] = Field(
        default="plain", description="`json`: one object a line, for collectors."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is written."
    )


class Settings(Section):
    """The whole configuration; every section has working defaults for a development machine."""

    demonstration: bool = Field(
        default=True,
        description="True until the bureau's own key is in genesis: pages and invoices then say so.",
    )
    ledger: LedgerSettings = LedgerSettings()
    source: SourceSettings = SourceSettings()
    commands: CommandSettings = CommandSettings()
    kafka: KafkaSettings = KafkaSettings()
    blocks: BlockSettings = BlockSettings()
    witnesses: WitnessesSettings = WitnessesSettings()
    public_log: PublicLogSettings = PublicLogSettings()
    private: PrivateSettings = PrivateSettings()
    access: AccessSettings = AccessSettings()
    api: ApiSettings = ApiSettings()
    outputs: OutputSettings = OutputSettings()
    limits: LimitSettings = LimitSettings()
    lines: LineSettings = LineSettings()

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
    def tokens_file(self) -> Path:
        """Hashes of callers' tokens."""
        return self.ledger.path / "access" / "tokens.jsonl"
