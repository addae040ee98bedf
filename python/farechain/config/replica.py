"""Settings of the second copy, at the owner's end and at the replica's."""

from pathlib import Path

from pydantic import Field, model_validator

from farechain.config.section import FilePath, Section

PLACE = r"^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):\d{1,5}$"


class ReplicaSettings(Section):
    """The second copy on another machine, where `ledger.durability` is `replicated`."""

    address: str = Field(
        default="127.0.0.1:8810", pattern=PLACE, description="The owner's: host:port of `farechain replica`."
    )
    listen: str = Field(
        default="127.0.0.1:8810", pattern=PLACE, description="The replica's: host:port to listen on."
    )
    secret_file: FilePath = Field(
        default=Path("keys/replica.key"),
        description="Secret: the same key file at both ends, made with `farechain keys new`.",
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="The owner's: certificates that the replica's must follow from; with it TLS is spoken.",
    )
    cert_file: FilePath | None = Field(
        default=None, description="The replica's: its certificate; with it TLS is spoken."
    )
    key_file: FilePath | None = Field(
        default=None, description="Secret, the replica's: the private key of its certificate."
    )
    timeout_ms: int = Field(
        default=5000,
        ge=100,
        le=60_000,
        description="After so long without an answer the replica is away: nothing is acknowledged then.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "ReplicaSettings":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        return self
