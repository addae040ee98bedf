"""A spool directory as a source: whole lines, in order, from the position on, and never another file's."""

import asyncio
import json
import os
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from farechain._core import SourceRecord, input_digest
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.sources import NO_DIGEST, NO_TOPIC_ID, Chunk, Partition
from farechain.sources import spool as spool_module
from farechain.sources.spool import SpoolSource

TOPIC = "payments.metro"


def record(offset: int) -> SourceRecord:
    key = None if offset % 3 == 0 else b"k%d" % offset
    headers: list[tuple[str, bytes | None]] = [("fc-kid", b"a" * 32), ("none", None), ("empty", b"")]
    return offset, 1_000 + offset, key, None if offset % 5 == 4 else b"value %d" % offset, headers


def line(taken: SourceRecord, **changed: Any) -> bytes:
    def text(value: bytes | None) -> str | None:
        return None if value is None else b64encode(value).decode()

    offset, timestamp, key, value, headers = taken
    fields = {"topic": TOPIC, "partition": 0, "offset": offset, "timestamp": timestamp, "key": text(key)}
    fields |= {"headers": [[name, text(header)] for name, header in headers], "value": text(value)}
    return json.dumps(fields | changed).encode() + b"\n"


def write(directory: Path, offsets: Sequence[int], partition: int = 0, mode: str = "wb") -> Path:
    path = directory / f"{TOPIC}-{partition}.jsonl"
    with path.open(mode) as file:
        file.writelines(line(record(offset), partition=partition) for offset in offsets)
    return path


def source(directory: Path, position: int = 0, last: bytes = NO_DIGEST, partitions: int = 1) -> SpoolSource:
    return SpoolSource(
        directory,
        [Partition(TOPIC, NO_TOPIC_ID, partition, position, last) for partition in range(partitions)],
    )


def records(chunks: Sequence[Chunk]) -> list[SourceRecord]:
    return [taken for chunk in chunks for taken in chunk.records or ()]


async def read_all(reading: SpoolSource) -> list[SourceRecord]:
    found: list[SourceRecord] = []
    while chunks := await reading.read(0):
        found += records(chunks)
    return found


async def test_every_record_comes_back_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, range(25))
    reading = source(tmp_path)
    await reading.start()
    assert await reading.lag() == {0: 25}
    assert await read_all(reading) == [record(offset) for offset in range(25)]
    assert await reading.lag() == {0: 0}
    await reading.close()


async def test_reads_are_bounded_and_lines_longer_than_a_read_survive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, range(40))
    monkeypatch.setattr(spool_module, "READ_BYTES", 100)
    monkeypatch.setattr(spool_module, "TAIL_BYTES", 10)
    reading = source(tmp_path)
    await reading.start()
    assert await reading.lag() == {0: 40}
    found: list[SourceRecord] = []
    reads = 0
    async with asyncio.timeout(10):
        while len(found) < 40:
            found += records(await reading.read(20))
            reads += 1
    assert reads > 20
    assert found == [record(offset) for offset in range(40)]
    await reading.close()


async def test_a_growing_file_is_tailed_and_a_cut_line_waits_for_its_end(tmp_path: Path) -> None:
    path = write(tmp_path, range(2))
    reading = source(tmp_path)
    await reading.start()
    assert len(await read_all(reading)) == 2
    whole = line(record(2))
    with path.open("ab") as file:
        file.write(whole[:30])
    assert await reading.read(30) == []
    assert await reading.lag() == {0: 0}
    waiting = asyncio.create_task(reading.read(10_000))
    with path.open("ab") as file:
        file.write(whole[30:])
    assert records(await waiting) == [record(2)]
    await reading.close()


async def test_a_file_may_appear_later(tmp_path: Path) -> None:
    reading = source(tmp_path)
    await reading.start()
    assert await reading.read(0) == []
    write(tmp_path, [0])
    assert records(await reading.read(0)) == [record(0)]
    await reading.close()


@pytest.mark.parametrize(("offsets", "position"), [(range(10), 4), ([0, 3, 9, 30], 10), ([0, 3, 9], 9)])
async def test_reading_goes_on_at_the_position_over_holes(
    tmp_path: Path, offsets: Sequence[int], position: int
) -> None:
    write(tmp_path, offsets)
    below = [offset for offset in offsets if offset < position]
    reading = source(tmp_path, position, input_digest(record(below[-1])))
    await reading.start()
    above = [offset for offset in offsets if offset >= position]
    assert (await reading.lag())[0] == offsets[-1] + 1 - max(position, above[0])
    assert await read_all(reading) == [record(offset) for offset in above]
    await reading.close()


async def test_a_position_at_the_end_waits_for_more(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    reading = source(tmp_path, 3, input_digest(record(2)))
    await reading.start()
    assert await reading.lag() == {0: 0}
    assert await reading.read(0) == []
    write(tmp_path, [3], mode="ab")
    assert records(await reading.read(0)) == [record(3)]
    await reading.close()


async def start_refused(reading: SpoolSource) -> FarechainError:
    with pytest.raises(FarechainError) as refused:
        await reading.start()
    await reading.close()
    return refused.value


async def test_a_file_that_ends_before_the_position_is_refused(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    refused = await start_refused(source(tmp_path, 4, input_digest(record(3))))
    assert refused.code == "E_TOPIC_TRUNCATED"
    assert (await start_refused(source(tmp_path / "..", 4, NO_DIGEST))).code == "E_TOPIC_TRUNCATED"


async def test_a_file_with_another_last_record_is_refused(tmp_path: Path) -> None:
    write(tmp_path, range(8))
    refused = await start_refused(source(tmp_path, 4, input_digest(record(2))))
    assert refused.code == "E_TOPIC_RECREATED"


async def test_a_missing_directory_is_wrong_usage(tmp_path: Path) -> None:
    refused = await start_refused(source(tmp_path / "none"))
    assert (refused.code, refused.exit_code) == ("E_SPOOL", EXIT_USAGE)


async def test_a_file_that_shrinks_while_it_is_read_stops_the_source(tmp_path: Path) -> None:
    path = write(tmp_path, range(5))
    reading = source(tmp_path)
    await reading.start()
    await read_all(reading)
    os.truncate(path, 10)
    with pytest.raises(FarechainError, match="truncated") as stopped:
        await reading.read(0)
    assert stopped.value.code == "E_TOPIC_TRUNCATED"
    await reading.close()


async def test_a_file_that_is_replaced_while_it_is_read_stops_the_source(tmp_path: Path) -> None:
    path = write(tmp_path, range(5))
    reading = source(tmp_path)
    await reading.start()
    await read_all(reading)
    path.rename(tmp_path / "old")
    write(tmp_path, range(9))
    with pytest.raises(FarechainError) as stopped:
        await reading.read(0)
    assert stopped.value.code == "E_TOPIC_RECREATED"
    await reading.close()


@pytest.mark.parametrize(
    "damaged",
    [
        b"{\n",
        b"[]\n",
        b"\n",
        line(record(1), offset="x"),
        line(record(1), key="no base64"),
        line(record(1), headers=[["a"]]),
        line(record(1), topic="another"),
        line(record(1), partition=1),
        line(record(0)),
    ],
)
async def test_a_damaged_line_stops_the_source_and_is_named(tmp_path: Path, damaged: bytes) -> None:
    path = write(tmp_path, [0])
    with path.open("ab") as file:
        file.write(damaged)
    reading = source(tmp_path)
    await reading.start()
    with pytest.raises(FarechainError, match="line 2") as stopped:
        await read_all(reading)
    assert stopped.value.code == "E_SPOOL"
    await reading.close()


async def test_a_paused_partition_yields_nothing_and_then_everything(tmp_path: Path) -> None:
    for partition in (0, 1):
        write(tmp_path, range(4), partition)
    reading = source(tmp_path, partitions=2)
    await reading.start()
    reading.pause([1])
    assert {chunk.partition for chunk in await reading.read(0)} == {0}
    assert await reading.read(0) == []
    assert await reading.lag() == {0: 0, 1: 4}
    reading.resume([1])
    assert {chunk.partition for chunk in await reading.read(0)} == {1}
    await reading.close()
