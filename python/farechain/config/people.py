"""Settings of what concerns people: the private store, and the tokens of those who call."""

from pathlib import Path

from pydantic import Field

from farechain.config.section import FilePath, Section


class PrivateSettings(Section):
    """The erasable private store: titles and names, which no record holds."""

    key_file: FilePath = Field(
        default=Path("keys/private.key"),
        description="Secret: the key that wraps every person's key; back it up apart from the store.",
    )
    attest_key_file: FilePath | None = Field(
        default=None,
        description="Secret: a registered key (BUREAU, ISSUER, AGENT or REIMBURSER) that puts erasures and "
        "the head of look-ups onto the ledger; without it `farechain private attest` does.",
    )
    interval_ms: int = Field(
        default=60_000,
        ge=100,
        le=3_600_000,
        description="How often the store follows the ledger: titles marked, orphans collected, attestations "
        "sent.",
    )
    orphan_age_s: int = Field(
        default=86_400,
        ge=60,
        le=31_536_000,
        description="How long a text may wait for the record that names it; then it is removed.",
    )


class AccessSettings(Section):
    """Tokens of those who call the HTTP interface."""

    days_max: int = Field(
        default=366, ge=1, le=3660, description="Days that a token may live at most: a forgotten one dies."
    )
    tokens_max: int = Field(
        default=10_000,
        ge=1,
        le=20_000,
        description="Tokens that may be active: bounds the memory of each process that checks them.",
    )
