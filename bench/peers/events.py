"""The day's payment events for peers that read no Kafka: a file of identity, key, signature and value.

Whoever reads it is spared JSON, the key registry and the canonical identity: what a peer is given is only
what its ledger needs. Inputs without a readable event, a known key or 64 bytes of signature are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from farechain import _core, keys
from farechain._core import SourceRecord
from farechain.day.plan import COMMANDS, PARTITIONS
from farechain.spool_lines import spool_record

MAX_ENTRY_BYTES = 65_535
"""What an entry bundle of a public log takes; the ledger refuses the few larger ones as well (``E_SIZE``)."""


@dataclass(frozen=True, slots=True)
class Events:
    """The file, how many events it has, and how many payment inputs were left out."""

    path: Path
    count: int
    left_out: int


def registry(day: Path) -> dict[bytes, bytes]:
    """Public keys of the day's devices by key id, as it stands in the header."""
    devices = keys.read_key_set(day / "keys" / "devices.jsonl")
    known = [_core.public_key(device.seed) for device in devices if device.state != "UNREGISTERED"]
    return {_core.kid(public_key).encode(): public_key for public_key in known}


def payments(day: Path) -> Iterator[tuple[str, int, list[SourceRecord]]]:
    """The records of each partition of payments: topic, partition, records."""
    for topic, count in PARTITIONS.items():
        if topic != COMMANDS:
            for partition in range(count):
                with (day / "spool" / f"{topic}-{partition}.jsonl").open("rb") as lines:
                    yield topic, partition, [spool_record(line)[2] for line in lines]


def write(day: Path) -> Events:
    """Writes the file beside the day: for each event its identity, its entry's length and its entry."""
    path, known = day / "events.bin", registry(day)
    count = left_out = 0
    with path.open("wb") as file:
        for _topic, _partition, records in payments(day):
            for record in records:
                event = _event(record, known)
                if event is None:
                    left_out += 1
                else:
                    count += 1
                    file.write(event)
    return Events(path, count, left_out)


def _event(record: SourceRecord, known: dict[bytes, bytes]) -> bytes | None:
    _offset, _timestamp, _key, value, headers = record
    fields = dict(headers)
    public_key, signature = known.get(fields.get("fc-kid") or b""), fields.get("fc-sig")
    if value is None or public_key is None or signature is None or len(signature) != 64:
        return None
    try:
        identity: bytes = _core.decode_event(value)["identity"]
    except ValueError:
        return None
    entry = public_key + signature + value
    if len(entry) > MAX_ENTRY_BYTES:
        return None
    return identity + len(entry).to_bytes(4, "little") + entry
