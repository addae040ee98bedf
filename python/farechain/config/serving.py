"""What follows from the block log: checkpoints, outputs, the HTTP interface, and the process itself."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from farechain.config.section import FilePath, Section, TopicName


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


class OidcSettings(Section):
    """An OpenID Connect provider by which people log in to the pages."""

    issuer: str = Field(
        pattern=r"^https?://[^\s?#]{1,500}$",
        description="The provider's issuer, exactly as it writes it; https but on this machine.",
    )
    client_id: str = Field(
        min_length=1, max_length=255, description="What these pages are called at the provider."
    )
    secret_file: FilePath = Field(description="Secret: a file with the client's secret, mode 0600.")
    scopes: tuple[str, ...] = Field(
        default=("openid",), strict=False, max_length=16, description="What is asked for; `openid` among it."
    )
    party_claim: str = Field(
        default="farechain_party", description="Claim with the party: a tax id, of a HOLDER a key id."
    )
    role_claim: str = Field(default="farechain_role", description="Claim with the role, as `REIMBURSER`.")
    roles: tuple[Literal["HOLDER", "REIMBURSER", "ISSUER", "BUREAU", "AUDITOR"], ...] = Field(
        strict=False, min_length=1, description="Roles that the provider may give; others are refused."
    )
    session_hours: int = Field(
        default=8, ge=1, le=24, description="How long a session lasts: the provider is asked again then."
    )

    @model_validator(mode="after")
    def _sound(self) -> "OidcSettings":
        if "openid" not in self.scopes:
            raise ValueError("scopes must have openid")
        local = re.match(r"^http://(127\.0\.0\.1|localhost|\[::1\])[:/]", self.issuer + "/")
        if self.issuer.startswith("http:") and not local:
            raise ValueError("issuer must be https: its answers decide who logs in")
        return self


class PagesSettings(Section):
    """What the pages keep for the people who use them."""

    keys_dir: FilePath | None = Field(
        default=None,
        description="Directory with `*.key` files of parties for whom these pages sign; none by default.",
    )
    agent: str | None = Field(
        default=None,
        pattern=r"^[0-9A-Z]{18}$",
        description="Tax id of the agent whose key, among them, claims for passengers.",
    )
    oidc: OidcSettings | None = Field(
        default=None,
        description="A table `[pages.oidc]` of its own: an OpenID Connect provider by which people log in.",
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

    form: Literal["auto", "plain", "json"] = Field(
        default="auto",
        description="`json`: one object a line, for collectors; `auto`: that unless it is a terminal.",
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is written."
    )
