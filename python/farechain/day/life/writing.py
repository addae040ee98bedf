"""Writes a turn: a spool directory of its own, its lines behind the manifest's, the summary anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from farechain.day.files import Manifest, manifest_line, sign, spool_file, write_summary
from farechain.day.life.turn import Turn
from farechain.day.plan import COMMANDS, PARTITIONS, Planned
from farechain.day.truth import Expected
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.partition import partition_of

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Wave:
    """A turn on disk. ``spool``: a spool directory; ``ends``: each partition's offset behind it."""

    spool: Path
    inputs: int
    ends: Mapping[Place, int]


def write_turn(out: Path, turn: Turn, manifest: Manifest, offsets: Mapping[Place, int]) -> Wave:
    """Writes ``life-<number>/`` below ``out`` and tells the manifest what each input must become.

    Args:
        offsets: where each partition of the ledger stands, by topic and partition.

    Raises:
        FarechainError: ``E_OUTPUT`` where the directory cannot be written.
    """
    spool = out / f"life-{turn.number}"
    queues: dict[Place, list[tuple[Planned, Expected]]] = {}
    for planned, expected in turn.inputs:
        count = PARTITIONS[planned.topic]
        partition = 0 if planned.topic == COMMANDS else partition_of(planned.key, count)
        queues.setdefault((planned.topic, partition), []).append((planned, expected))
    try:
        spool.mkdir(parents=True, exist_ok=True)
        with manifest.path.open("a", encoding="utf-8") as lines:
            for place, queue in queues.items():
                lines.writelines(_told(place, queue, manifest, offsets[place]))
        for place, queue in queues.items():
            inputs = [planned for planned, _ in queue]
            content = spool_file(place, inputs, sign(inputs), manifest, first_offset=offsets[place])
            (spool / f"{place[0]}-{place[1]}.jsonl").write_bytes(content)
        write_summary(out, manifest)
    except OSError as error:
        raise FarechainError(
            "E_OUTPUT", f"{error.filename or out}: {error.strerror}", EXIT_UNAVAILABLE
        ) from error
    ends = {place: offsets[place] + len(queue) for place, queue in queues.items()}
    return Wave(spool, len(turn.inputs), ends)


def _told(
    place: Place, queue: list[tuple[Planned, Expected]], manifest: Manifest, first_offset: int
) -> list[str]:
    manifest.by_partition[f"{place[0]}/{place[1]}"] += len(queue)
    lines = []
    for offset, (planned, expected) in enumerate(queue, first_offset):
        manifest.count(planned, expected)
        lines.append(manifest_line(place, offset, planned.case, expected))
    return lines
