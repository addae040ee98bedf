"""Settings of traces."""

from pydantic import Field

from farechain.config.section import Section


class TelemetrySettings(Section):
    """Traces of blocks and requests to an OpenTelemetry collector; needs the extra `telemetry`."""

    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#@]{1,500}$",
        description="The collector's OTLP/HTTP address, as http://127.0.0.1:4318; none: no traces.",
    )
    sample_ratio: float = Field(
        default=0.1,
        ge=0,
        le=1,
        strict=False,
        description="Of blocks and of requests, the part that is traced.",
    )
