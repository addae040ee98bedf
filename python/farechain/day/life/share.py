"""How much of everything: counts of a full day's life, in proportion for a smaller one."""

from dataclasses import dataclass

FULL_TRIPS = 110_000
"""Trips on claim of a full day."""


@dataclass(frozen=True, slots=True)
class Share:
    """Scales by the trips that wait."""

    trips: int

    def of(self, full: int, least: int) -> int:
        """What a full day has, in proportion, but not less than ``least``."""
        return max(least, round(full * self.trips / FULL_TRIPS))
