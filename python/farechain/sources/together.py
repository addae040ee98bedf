"""Several sources as one: each has its own partitions of the chain, and whichever has something is read."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from farechain.sources import Chunk, RawChunk, Source


@dataclass(slots=True)
class _Part:
    """A source, the chain's indices of its partitions, and its read that is under way."""

    source: Source
    indices: list[int]
    reading: "asyncio.Task[Sequence[Chunk | RawChunk]] | None" = None

    def held(self) -> Sequence[Chunk | RawChunk]:
        """What was read and not handed over yet."""
        done = self.reading is not None and self.reading.done() and not self.reading.cancelled()
        return self.reading.result() if done and self.reading and not self.reading.exception() else ()

    def of(self, wanted: Sequence[int]) -> list[int]:
        """The source's own numbers of those among ``wanted`` that it has."""
        return [own for own, index in enumerate(self.indices) if index in wanted]


class Together:
    """Reads several sources as one (see ``Source``).

    A read that yields nothing in time goes on and is asked again: none is cancelled, so none loses anything.

    Args:
        parts: each source with the indices, among the chain's partitions, of its own in order.
    """

    def __init__(self, parts: Sequence[tuple[Source, Sequence[int]]]) -> None:
        self._parts = [_Part(source, list(indices)) for source, indices in parts]

    async def start(self) -> None:
        """See ``Source``. Where one cannot be opened, those before it are closed."""
        for number, part in enumerate(self._parts):
            try:
                await part.source.start()
            except BaseException:
                for opened in self._parts[:number]:
                    await opened.source.close()
                raise

    async def read(self, timeout_ms: int) -> Sequence[Chunk | RawChunk]:
        """See ``Source``."""
        deadline = time.monotonic() + timeout_ms / 1000
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            reading = [self._begun(part, max(1, int(left_s * 1000))) for part in self._parts]
            await asyncio.wait(reading, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            chunks = self._collected()
            if chunks or time.monotonic() >= deadline:
                return chunks

    def _begun(self, part: _Part, timeout_ms: int) -> "asyncio.Task[Sequence[Chunk | RawChunk]]":
        if part.reading is None:
            part.reading = asyncio.create_task(_read(part.source, timeout_ms), name="read")
        return part.reading

    def _collected(self) -> list[Chunk | RawChunk]:
        chunks: list[Chunk | RawChunk] = []
        for part in self._parts:
            if part.reading is not None and part.reading.done():
                read, part.reading = part.reading, None
                chunks += [replace(chunk, partition=part.indices[chunk.partition]) for chunk in read.result()]
        return chunks

    def urgent(self) -> Sequence[Chunk]:
        """See ``Source``."""
        chunks: list[Chunk] = []
        for part in self._parts:
            waiting = part.source.urgent()
            if not waiting:
                continue
            if part.held():
                # What was read before goes before.
                held, part.reading = part.held(), None
                waiting = [*(chunk for chunk in held if isinstance(chunk, Chunk)), *waiting]
            chunks += [replace(chunk, partition=part.indices[chunk.partition]) for chunk in waiting]
        return chunks

    async def lag(self) -> dict[int, int]:
        """See ``Source``: with what was read and not handed over yet."""
        behind = {}
        for part in self._parts:
            for own, count in (await part.source.lag()).items():
                behind[part.indices[own]] = count
            for chunk in part.held():
                behind[part.indices[chunk.partition]] += _offsets_of(chunk)
        return behind

    def pause(self, partitions: Sequence[int]) -> None:
        """See ``Source``. A read that is under way may still yield some of them."""
        for part in self._parts:
            part.source.pause(part.of(partitions))

    def resume(self, partitions: Sequence[int]) -> None:
        """See ``Source``."""
        for part in self._parts:
            part.source.resume(part.of(partitions))

    async def commit(self, positions: Sequence[int]) -> None:
        """See ``Source``."""
        for part in self._parts:
            await part.source.commit([positions[index] for index in part.indices])

    async def close(self) -> None:
        """See ``Source``."""
        reading = [part.reading for part in self._parts if part.reading is not None]
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        for part in self._parts:
            await part.source.close()


async def _read(source: Source, timeout_ms: int) -> Sequence[Chunk | RawChunk]:
    return await source.read(timeout_ms)


def _offsets_of(chunk: Chunk | RawChunk) -> int:
    """How many offsets lie behind a chunk at least."""
    if isinstance(chunk, RawChunk):
        return chunk.next_offset - chunk.fetch_offset
    return max(1, len(chunk.records))
