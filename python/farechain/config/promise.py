"""Settings of the summaries of how long events took to their checkpoint."""

from pydantic import Field

from farechain.config.section import FilePath, Section


class PromiseSettings(Section):
    """How long events took to their checkpoint, summarised for outsiders in `public/promise`."""

    interval_s: float = Field(
        default=600.0,
        ge=0.1,
        le=86_400,
        strict=False,
        description="Seconds of blocks in a summary at least; a document has up to a few hundred KiB.",
    )
    key_file: FilePath | None = Field(
        default=None,
        description="Secret: a registered key (BUREAU, ISSUER, AGENT or REIMBURSER) that puts the digest of "
        "each summary onto the ledger; without it nobody can tell a summary from one made later.",
    )
