"""Inputs that the ledger rejected, with what they say of themselves; read from the ledger alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from farechain._core import Ledger

BLOCKS_AT_ONCE = 256
OWN_HEADERS = 7
"""Headers that a dead letter has behind those of its record (``fc-dlq-topic`` ...)."""
REPLAY_HEADER = "fc-replay"
"""Header of a record that was sent again: ``topic/partition/offset`` of the one that it repeats."""
STATION_MEMBERS = ("station", "exit", "stop", "lot", "park", "to")
"""Members of a payment's detail that say where a device stands; the first that is there counts."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a payment event says of itself; nobody has verified it."""

    seller: str
    channel: str
    txn_id: str
    refund_id: str | None


@dataclass(frozen=True)
class DeadLetter:
    """A rejected input.

    Attributes:
        height: the block that rejected it, ``time_ms`` the block's.
        kid: the key that it names; it need not have signed it.
        tax_id: whose key that is; ``None`` where none is registered.
        kept: whether its bytes are still there; ``key``, ``value`` and ``headers`` are empty where not.
    """

    topic: str
    partition: int
    offset: int
    height: int
    time_ms: int
    code: str
    kid: str | None
    tax_id: str | None
    kept: bool
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """``topic/partition/offset``: where it stands."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def replay_of(self) -> str | None:
        """The record that it repeats, where it is one that was sent again."""
        found = [value for name, value in self.headers if name == REPLAY_HEADER and value is not None]
        return found[0].decode(errors="replace") if found else None

    @cached_property
    def _event(self) -> Mapping[str, Any]:
        try:
            event = orjson.loads(self.value or b"")
        except ValueError:
            return {}
        return event if isinstance(event, dict) else {}

    @property
    def _data(self) -> Mapping[str, Any]:
        data = self._event.get("data")
        return data if isinstance(data, dict) else {}

    def claims(self) -> Claims | None:
        """What it says that was paid; from its key where the value cannot be read; ``None`` for nothing."""
        said = [self._data.get(name) for name in ("seller_tax_id", "channel", "txn_id")]
        refund_id = self._data.get("refund_id")
        if not all(isinstance(each, str) for each in said):
            said, refund_id = list((self.key or b"").decode(errors="replace").split("|")), None
        if len(said) != 3:
            return None
        return Claims(str(said[0]), str(said[1]), str(said[2]), None if refund_id is None else str(refund_id))

    @property
    def issuer(self) -> str | None:
        """The tax id of the seller that it names, else of the key that it names."""
        claimed = self.claims()
        return claimed.seller if claimed else self.tax_id

    @property
    def device(self) -> str | None:
        """The name that its producer gives itself, else the key that it names."""
        source = self._event.get("source")
        return source if isinstance(source, str) else self.kid

    @property
    def station(self) -> str | None:
        """Where its device says that it stands (``STATION_MEMBERS``)."""
        detail = self._data.get("detail")
        if not isinstance(detail, dict):
            return None
        return next((str(detail[name]) for name in STATION_MEMBERS if name in detail), None)

    def group(self, by: str) -> str:
        """What it counts under, by ``issuer``, ``device``, ``station`` or ``reason``; ``-`` for nothing."""
        found = self.code if by == "reason" else getattr(self, by)
        return found if found is not None else "-"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant; an empty part excludes none.

    ``since_ms`` and ``until_ms`` are times of blocks, the second exclusive. ``devices`` are names or key ids.
    """

    ids: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    issuers: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    stations: frozenset[str] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None

    def admits(self, letter: DeadLetter) -> bool:
        """Whether it is meant."""
        sets = (
            (self.ids, {letter.id}),
            (self.topics, {letter.topic}),
            (self.codes, {letter.code}),
            (self.issuers, {letter.issuer}),
            (self.devices, {letter.device, letter.kid}),
            (self.stations, {letter.station}),
        )
        return (
            all(not wanted or wanted & found for wanted, found in sets)
            and (self.since_ms is None or letter.time_ms >= self.since_ms)
            and (self.until_ms is None or letter.time_ms < self.until_ms)
        )


def dead_letters(ledger: Ledger, selection: Selection | None = None) -> Iterator[DeadLetter]:
    """The rejected inputs of a ledger in the order of its blocks, those that are meant.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    height = 1
    while height <= ledger.height:
        height, rows = ledger.rejections(height, BLOCKS_AT_ONCE)
        kept: dict[tuple[str, int, int], Any] = {}
        for block in sorted({row[3] for row in rows}):
            for key, value, headers in ledger.dead_letters(block, 1)[1]:
                own = {name: (content or b"").decode() for name, content in headers[-OWN_HEADERS:]}
                place = (own["fc-dlq-topic"], int(own["fc-dlq-partition"]), int(own["fc-dlq-offset"]))
                kept[place] = (key, value, headers[:-OWN_HEADERS])
        for topic, partition, offset, block, time_ms, code, kid in rows:
            found = kept.get((topic, partition, offset))
            signer = ledger.key(kid) if kid is not None else None
            letter = DeadLetter(
                topic, partition, offset, block, time_ms, code, kid,
                signer["tax_id"] if signer else None, found is not None, *(found or (None, None, [])),
            )  # fmt: skip
            if selection is None or selection.admits(letter):
                yield letter
