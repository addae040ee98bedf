"""A scenario as a TOML file says it: rate, phases, backlog, faults, and what must hold. Knows no cluster."""

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from farechain.config.section import Section
from farechain.errors import EXIT_USAGE, FarechainError

FILE_BYTES_MAX = 64 * 1024
Pair = Annotated[tuple[float, float], Field(strict=False)]
FaultKind = Literal[
    "kill-owner",
    "stop-owner",
    "start-service",
    "kill-broker",
    "start-broker",
    "slow-disk",
    "full-disk",
]


class RateTable(Section):
    """How many events a second are meant to be sent, over the run."""

    shape: Literal["steady", "points", "day"] = Field(
        default="steady",
        description="`steady`, `points` between which the rate is linear, or the `day`'s curve, compressed.",
    )
    per_s: float = Field(
        default=500,
        gt=0,
        le=100_000,
        description="Events a second: always (`steady`), or in the mean (`day`).",
    )
    points: tuple[Pair, ...] = Field(
        default=(), strict=False, description="`[second, events a second]`, in order, of shape `points`."
    )
    hours: Pair = Field(
        default=(0, 24), strict=False, description="The part of the day that is compressed into the run."
    )

    @model_validator(mode="after")
    def _sound(self) -> "RateTable":
        if (self.shape == "points") != bool(self.points):
            raise ValueError("points go with shape = 'points'")
        seconds = [at for at, _ in self.points]
        if seconds != sorted(set(seconds)) or any(at < 0 for at in seconds):
            raise ValueError("points must be in the order of their seconds")
        if any(not 0 <= per_s <= 100_000 for _, per_s in self.points):
            raise ValueError("a point's events a second are 0 to 100000")
        if not 0 <= self.hours[0] < self.hours[1] <= 24:
            raise ValueError("hours are [from, to] within 0 and 24")
        return self


class BacklogTable(Section):
    """Events that wait in Kafka before the service starts."""

    events: int = Field(ge=1, le=50_000_000, description="How many.")
    partitions: tuple[str, ...] = Field(
        strict=False, min_length=1, description="Where they wait, as `payments.metro/0`."
    )


class FaultTable(Section):
    """One thing that goes wrong, or that an operator does about it."""

    at_s: float = Field(ge=0, description="Second of the run.")
    do: FaultKind = Field(description="What happens.")
    delay_ms: int = Field(
        default=0, ge=0, le=60_000, description="slow-disk: what each sync takes longer; 0 ends it."
    )
    bytes: int = Field(
        default=65_536, ge=0, description="full-disk: the service can write no file beyond this size."
    )


class PromiseTable(Section):
    """What must hold of the steady phase, else the run fails."""

    p99_ms: float = Field(
        default=1000,
        gt=0,
        description="From the intended moment to the published checkpoint, milliseconds.",
    )
    slip_p99_ms: float = Field(
        default=50,
        gt=0,
        description="How late the generator itself may be; more, and the run says nothing of the service.",
    )
    back_within_s: float = Field(
        default=0,
        ge=0,
        description="So long after the first fault, or the start with a backlog, p99 is not looked at.",
    )
    rss_growth_mb: float = Field(
        default=64,
        gt=0,
        description="Of the service: mean of the last third of the steady phase over the first third's.",
    )
    rss_growth_bytes_per_event: float = Field(
        default=64,
        ge=0,
        description="Beside that, what the index may keep of an event that came in between.",
    )


class Scenario(Section):
    """A whole scenario. ``name`` is the file's."""

    name: str = Field(default="", description="Of the file; not a key of it.")
    about: str = Field(min_length=1, description="What it shows, in one sentence.")
    seed: int = Field(default=1, ge=0, description="Of arrivals and payments: the same seed gives the same.")
    warm_up_s: float = Field(
        default=5, ge=0, description="Seconds at the beginning that count for the oracle only."
    )
    steady_s: float = Field(gt=0, le=86_400, description="Seconds that the promises are about.")
    drain_s: float = Field(default=60, gt=0, description="How long the last events may take at most.")
    services: int = Field(default=1, ge=1, le=2, description="2: the second one is a standby.")
    devices_of_day: int = Field(
        default=170_000,
        ge=1_000,
        le=170_000,
        description="Registers the devices of a day with so many invoices: 3,000 for 170,000.",
    )
    rate: RateTable = RateTable()
    backlog: BacklogTable | None = Field(default=None, description="What waits when the service starts.")
    faults: tuple[FaultTable, ...] = Field(default=(), strict=False, description="What goes wrong, and when.")
    promises: PromiseTable = PromiseTable()

    @property
    def seconds(self) -> float:
        """How long events are sent."""
        return self.warm_up_s + self.steady_s

    @property
    def disturbed_from_s(self) -> float | None:
        """Second of the first fault, 0 with a backlog; None where nothing disturbs."""
        if self.backlog is not None:
            return 0.0
        return min((fault.at_s for fault in self.faults), default=None)

    @model_validator(mode="after")
    def _within(self) -> "Scenario":
        if any(fault.at_s >= self.seconds for fault in self.faults):
            raise ValueError(f"a fault is at or after the end of sending ({self.seconds:g} s)")
        if (self.disturbed_from_s is not None) != (self.promises.back_within_s > 0):
            raise ValueError("promises.back_within_s goes with faults or a backlog")
        return self


def names() -> list[str]:
    """The scenarios that come with farechain."""
    folder = resources.files(__package__).joinpath("scenarios")
    return sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml"))


def read(named: str) -> Scenario:
    """A scenario by its name, or by the path of a file that ends in ``.toml``.

    Raises:
        FarechainError: ``E_SCENARIO`` names the file, the key and what to change.
    """
    if named.endswith(".toml"):
        place, text = named, _text(Path(named))
    elif named in names():
        place = f"{named}.toml"
        text = resources.files(__package__).joinpath("scenarios", place).read_text("utf-8")
    else:
        raise _wrong(f"there is no scenario {named}: name a file, or one of {', '.join(names())}")
    try:
        return Scenario.model_validate(tomllib.loads(text) | {"name": Path(place).stem})
    except tomllib.TOMLDecodeError as error:
        raise _wrong(f"{place} is not TOML: {error}") from error
    except ValidationError as error:
        raise _wrong(f"{place}: {_first(error)}") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise _wrong(f"{path} is over {FILE_BYTES_MAX} bytes: not a scenario")
        return path.read_text("utf-8")
    except OSError as error:
        raise _wrong(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _wrong(f"{path} is not TOML: {error}") from error


def _first(error: ValidationError) -> str:
    detail = error.errors()[0]
    key = ".".join(str(part) for part in detail["loc"]) or "the scenario"
    if detail["type"] == "extra_forbidden":
        return f"{key}: there is no such key"
    if detail["type"] == "missing":
        return f"{key}: is missing"
    message = detail["msg"].removeprefix("Value error, ")
    message = re.sub(r"^Input should be", "must be", message)
    given = detail["input"]
    shown = f" is {given!r}:" if isinstance(given, str | int | float | bool) else ":"
    return f"{key}{shown} {message}"


def _wrong(message: str) -> FarechainError:
    return FarechainError("E_SCENARIO", message, EXIT_USAGE)
