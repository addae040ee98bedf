"""Whether every event that was sent has exactly one outcome, and its money is right. 20 bytes an event.

Positions decide: an event's topic, partition and offset from the journal, an outcome's from the ledger.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from farechain.load.journal import Event, read_journal
from farechain.load.outcomes import Outcome
from farechain.load.payments import PLACES, Place

NOT_OURS = -2
NO_HEIGHT = -1


@dataclass(slots=True)
class Sent:
    """Events of one partition: an entry for each offset from ``first`` on.

    ``intended_ns`` is ``NOT_OURS`` where another producer's record is, ``height`` ``NO_HEIGHT`` where there
    is no outcome.
    """

    first: int
    intended_ns: "array[int]"
    slip_us: "array[int]"
    fen: "array[int]"
    height: "array[int]"


@dataclass(slots=True)
class Findings:
    """What the oracle found; counts of events but where the unit says fen.

    ``extra``: outcomes in these partitions that nobody of this run sent. ``wrong_fen``: invoices of another
    amount than was paid.
    """

    sent: int = 0
    sent_fen: int = 0
    issued_fen: int = 0
    missing: int = 0
    repeated: int = 0
    extra: int = 0
    wrong_fen: int = 0
    by_verdict: Counter[str] = field(default_factory=Counter)

    def wrong(self, *, alone: bool) -> list[str]:
        """What is not as it must be, as lines; nothing where all is well.

        Args:
            alone: nobody else sends events to this ledger.
        """
        told = {
            "events without an outcome": self.missing,
            "events with more than one outcome": self.repeated,
            "outcomes of events that were not sent": self.extra if alone else 0,
            "invoices of another amount": self.wrong_fen,
            "duplicates": self.by_verdict["DUPLICATE"],
            "events without an invoice": self.sent - self.missing - self.by_verdict["ISSUED"],
            "fen between sent and issued": abs(self.sent_fen - self.issued_fen),
        }
        return [f"{count} {what}" for what, count in told.items() if count]


class Oracle:
    """Compares journals with outcomes. Hand every outcome to ``take``, then ask ``findings``."""

    def __init__(self, journals: Iterable[Path]) -> None:
        self.sent: dict[Place, Sent] = {}
        self._findings = Findings()
        self._places = set(PLACES)
        paths = list(journals)
        bounds: dict[Place, tuple[int, int]] = {}
        for place, first, events in _batches(paths):
            low, high = bounds.get(place, (first, first))
            bounds[place] = min(low, first), max(high, first + len(events))
        for place, (low, high) in bounds.items():
            size = high - low
            self.sent[place] = Sent(
                low,
                array("q", [NOT_OURS]) * size,
                array("I", [0]) * size,
                array("I", [0]) * size,
                array("i", [NO_HEIGHT]) * size,
            )
        for place, first, events in _batches(paths):
            self._fill(place, first, events)

    def _fill(self, place: Place, first: int, events: list[Event]) -> None:
        sent = self.sent[place]
        for at, (intended_ns, slip_us, fen) in enumerate(events, first - sent.first):
            sent.intended_ns[at] = intended_ns
            sent.slip_us[at] = slip_us
            sent.fen[at] = fen
            self._findings.sent_fen += fen
        self._findings.sent += len(events)

    def take(self, outcome: Outcome) -> None:
        """Takes an outcome; of other topics than payments' nothing is asked."""
        height, topic, partition, offset, verdict, total_fen = outcome
        sent = self.sent.get((topic, partition))
        found = self._findings
        at = -1 if sent is None else offset - sent.first
        if sent is None or not 0 <= at < len(sent.height) or sent.intended_ns[at] == NOT_OURS:
            found.extra += (topic, partition) in self._places
            return
        if sent.height[at] != NO_HEIGHT:
            found.repeated += 1
            return
        sent.height[at] = height
        found.by_verdict[verdict] += 1
        if verdict == "ISSUED":
            found.issued_fen += total_fen or 0
            found.wrong_fen += total_fen != sent.fen[at]

    def findings(self) -> Findings:
        """What was found; what has no outcome yet is missing."""
        self._findings.missing = self._findings.sent - sum(self._findings.by_verdict.values())
        return self._findings


def _batches(paths: list[Path]) -> Iterator[tuple[Place, int, list[Event]]]:
    for path in paths:
        for place, first, events in read_journal(path):
            yield place, first, list(events)
