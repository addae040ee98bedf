"""Since when events wait: those that were fetched and are not durable, and those that were not fetched."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from farechain.sources import Chunk, RawChunk

CHUNKS_MAX = 4_096
"""Of one partition; what comes beyond counts as old as the last of them, so that memory is bounded."""


@dataclass(slots=True)
class _Partition:
    """Chunks on their way to a block, ``(position after it, ms of its first event)``, oldest first."""

    chunks: deque[tuple[int, int]] = field(default_factory=deque)
    latest_ms: int = 0
    """The first event of the latest chunk: nothing that comes after it is older."""
    behind_since_ms: int | None = None


class Taken:
    """Keeps what a source yielded in mind until it is durable.

    Args:
        partitions: how many the source has.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = [_Partition() for _ in range(partitions)]

    def add(self, chunk: Chunk | RawChunk) -> None:
        """A chunk was taken."""
        first_ms = chunk.first_ms()
        if first_ms is None:
            return
        end = chunk.next_offset
        if end is None and isinstance(chunk, Chunk):
            end = chunk.records[-1][0] + 1
        partition = self._partitions[chunk.partition]
        partition.latest_ms = first_ms
        if len(partition.chunks) == CHUNKS_MAX:
            first_ms = partition.chunks.pop()[1]
        partition.chunks.append((end or 0, first_ms))

    def oldest_ms(self, positions: Sequence[int], behind: Mapping[int, int], now_ms: int) -> dict[int, int]:
        """When the oldest event of each partition that is in no block was appended; of those that have one.

        Of events that were not fetched yet nothing is known but that they are not older than the last one
        that was, and were not there when the source was last seen at its end.

        Args:
            positions: the ledger's, by partition.
            behind: events that were not fetched, by partition (``Source.lag``).
            now_ms: Unix time.

        Returns:
            Unix time in ms by partition index.
        """
        found: dict[int, int] = {}
        for index, (partition, position) in enumerate(zip(self._partitions, positions, strict=True)):
            while partition.chunks and partition.chunks[0][0] <= position:
                partition.chunks.popleft()
            if not behind.get(index):
                partition.behind_since_ms = None
            elif partition.behind_since_ms is None:
                partition.behind_since_ms = now_ms
            if partition.chunks:
                found[index] = partition.chunks[0][1]
            elif partition.behind_since_ms is not None:
                found[index] = max(partition.latest_ms, partition.behind_since_ms)
        return found
