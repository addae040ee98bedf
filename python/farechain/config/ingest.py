"""What is read, from where, and how it becomes blocks."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from farechain.config.section import FilePath, Section, TopicName


class LedgerSettings(Section):
    """The ledger and what its genesis says. Genesis is written once; a later change here changes nothing."""

    path: FilePath = Field(
        default=Path("var/ledger"), description="Directory of the ledger, on a local file system."
    )
    durability: Literal["local", "replicated"] = Field(
        default="local",
        description="`replicated`: nothing is acknowledged before the copy of `[replica]` has it; while that "
        "is away, nothing is sealed.",
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


class StateSettings(Section):
    """Commitments to changed state, under which it is proved what is invoiced, free, locked, or unknown."""

    interval_s: float = Field(
        default=60.0, ge=0.1, le=86_400, strict=False, description="Seconds between two at least."
    )
