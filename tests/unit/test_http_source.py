"""The source of commands over HTTP, and several sources as one: offsets, bounds, ends."""

import asyncio
from collections.abc import Sequence

import pytest

from farechain.errors import FarechainError
from farechain.sources import NO_DIGEST, NO_TOPIC_ID, Chunk, Partition, RawChunk
from farechain.sources.http import OVERHEAD_BYTES, Durable, HttpSource
from farechain.sources.together import Together

KID, SIGNATURE = "0" * 32, bytes(64)


def http(position: int = 0, **bounds: int) -> HttpSource:
    return HttpSource(Partition("http", NO_TOPIC_ID, 0, position, NO_DIGEST), clock_s=lambda: 12.5, **bounds)


def offsets(chunks: Sequence[Chunk | RawChunk]) -> list[int]:
    return [record[0] for chunk in chunks if isinstance(chunk, Chunk) for record in chunk.records]


async def test_offsets_go_on_at_the_position_without_holes() -> None:
    source = http(7)
    for _ in range(3):
        source.offer(KID, SIGNATURE, b"{}")
    assert await source.lag() == {0: 3}
    (chunk,) = await source.read(1000)
    assert chunk.records[0] == (7, 12_500, None, b"{}", [("fc-kid", KID.encode()), ("fc-sig", SIGNATURE)])
    assert offsets([chunk]) == [7, 8, 9]
    assert chunk.next_offset is None
    assert await source.read(1) == []
    assert await source.lag() == {0: 0}


async def test_only_what_is_durable_is_acknowledged() -> None:
    source = http()
    first, second, third = (source.offer(KID, SIGNATURE, b"{}") for _ in range(3))
    await source.read(1)
    source.durable(2, 5)
    assert (first.result(), second.result()) == (Durable(0, 5), Durable(1, 5))
    assert not third.done()
    source.durable(3, 6)
    assert third.result() == Durable(2, 6)
    assert source.waiting == 0


async def test_what_waits_is_bounded_in_number_and_bytes_until_it_is_durable() -> None:
    source = http(waiting_max=2)
    source.offer(KID, SIGNATURE, b"{}")
    source.offer(KID, SIGNATURE, b"{}")
    await source.read(1)
    with pytest.raises(FarechainError, match="2 commands wait") as told:
        source.offer(KID, SIGNATURE, b"{}")
    assert (told.value.code, told.value.exit_code) == ("E_BUSY", 4)
    source.durable(1, 1)
    assert source.offer(KID, SIGNATURE, b"{}")
    assert offsets(await source.read(1)) == [2], "a refused command takes no offset"
    large = http(waiting_bytes_max=1000)
    large.offer(KID, SIGNATURE, bytes(1000 - OVERHEAD_BYTES))
    with pytest.raises(FarechainError, match="1 commands wait"):
        large.offer(KID, SIGNATURE, b"")


async def test_the_end_tells_all_who_wait_and_takes_no_more() -> None:
    source = http()
    read, unread = source.offer(KID, SIGNATURE, b"a"), source.offer(KID, SIGNATURE, b"b")
    source.end("the service stops; send it again")
    for waiting in (read, unread):
        with pytest.raises(FarechainError, match="send it again") as told:
            await waiting
        assert told.value.code == "E_NOT_RECORDED"
    assert await source.read(1) == []
    await source.close()
    with pytest.raises(FarechainError, match="the service stops"):
        source.offer(KID, SIGNATURE, b"c")


async def test_one_that_left_does_not_disturb_the_others() -> None:
    source = http()
    left, stayed = source.offer(KID, SIGNATURE, b"a"), source.offer(KID, SIGNATURE, b"b")
    left.cancel()
    source.durable(2, 1)
    assert stayed.result() == Durable(1, 1)


async def test_a_command_wakes_a_reader_at_once_and_a_paused_one_when_it_resumes() -> None:
    source = http()
    reading = asyncio.create_task(source.read(60_000))
    await asyncio.sleep(0)
    source.offer(KID, SIGNATURE, b"a")
    assert offsets(await reading) == [0]
    source.pause([])
    source.pause([0])
    source.offer(KID, SIGNATURE, b"b")
    assert await source.read(1) == []
    reading = asyncio.create_task(source.read(60_000))
    await asyncio.sleep(0)
    source.resume([0])
    assert offsets(await reading) == [1]


# Several as one -----------------------------------------------------------------------------------


class Slow:
    """A source of two partitions that yields what it is given, when it is given."""

    def __init__(self, refuse: bool = False) -> None:
        self.arriving: asyncio.Queue[Chunk | RawChunk | FarechainError] = asyncio.Queue()
        self.refuse = refuse
        self.reads = 0
        self.calls: list[object] = []

    async def start(self) -> None:
        if self.refuse:
            raise FarechainError("E_BROKER", "away", 4)
        self.calls.append("start")

    async def read(self, timeout_ms: int) -> Sequence[Chunk | RawChunk]:
        self.reads += 1
        chunk = await self.arriving.get()
        if isinstance(chunk, FarechainError):
            raise chunk
        return [chunk]

    def urgent(self) -> Sequence[Chunk]:
        return ()

    async def lag(self) -> dict[int, int]:
        return {0: 0, 1: 4}

    def pause(self, partitions: Sequence[int]) -> None:
        self.calls.append(("pause", list(partitions)))

    def resume(self, partitions: Sequence[int]) -> None:
        self.calls.append(("resume", list(partitions)))

    async def commit(self, positions: Sequence[int]) -> None:
        self.calls.append(("commit", list(positions)))

    async def close(self) -> None:
        self.calls.append("close")


def together() -> tuple[Slow, HttpSource, Together]:
    slow, commands = Slow(), http()
    return slow, commands, Together([(slow, [0, 2]), (commands, [1])])


async def test_whichever_has_something_is_read_under_the_chains_index() -> None:
    slow, commands, both = together()
    assert await both.read(1) == []
    commands.offer(KID, SIGNATURE, b"a")
    (chunk,) = await both.read(1000)
    assert (chunk.partition, offsets([chunk])) == (1, [0])
    await slow.arriving.put(Chunk(1, [(4, 0, None, None, [])], None))
    (chunk,) = await both.read(1000)
    assert (chunk.partition, offsets([chunk])) == (2, [4])
    assert slow.reads == 1, "a read that is under way is not begun again"
    await both.close()


async def test_lag_counts_what_was_read_and_not_handed_over() -> None:
    slow, commands, both = together()
    assert await both.read(1) == []
    assert await both.lag() == {0: 0, 1: 0, 2: 4}
    commands.offer(KID, SIGNATURE, b"a")
    await slow.arriving.put(RawChunk(1, b"", 10, (), 13))
    await asyncio.sleep(0.01)
    assert await both.lag() == {0: 0, 1: 1, 2: 7}
    assert len([*await both.read(0), *await both.read(50)]) == 2
    assert await both.lag() == {0: 0, 1: 0, 2: 4}
    await both.close()


async def test_what_concerns_a_partition_goes_to_its_source() -> None:
    slow, commands, both = together()
    await both.start()
    both.pause([1, 2])
    commands.offer(KID, SIGNATURE, b"a")
    assert await both.read(1) == []
    both.resume([2])
    both.resume([1])
    assert offsets(await both.read(1000)) == [0]
    await both.commit([10, 11, 12])
    await both.close()
    assert slow.calls == [
        "start",
        ("pause", [1]),
        ("resume", [1]),
        ("resume", []),
        ("commit", [10, 12]),
        "close",
    ]


async def test_a_source_that_fails_is_told_and_the_other_is_closed() -> None:
    slow, commands, both = together()
    await slow.arriving.put(FarechainError("E_TOPIC_TRUNCATED", "gone", 3))
    with pytest.raises(FarechainError, match="gone"):
        await both.read(1000)
    await both.close()
    with pytest.raises(FarechainError, match="not recorded"):
        commands.offer(KID, SIGNATURE, b"a")


async def test_where_one_cannot_be_opened_those_before_it_are_closed() -> None:
    slow, broken = Slow(), Slow(refuse=True)
    with pytest.raises(FarechainError, match="away"):
        await Together([(slow, [0, 1]), (broken, [2, 3])]).start()
    assert slow.calls == ["start", "close"]
