"""Record batches in Rust against aiokafka's reading of the same bytes, and what stops a partition."""

import asyncio
import random
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import cramjam
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from kafka_batches import (
    ABORT,
    COMMIT,
    SOURCE,
    batch,
    by_aiokafka,
    committed,
    ledger,
    marker,
    placed,
    signed,
    with_field,
)

from farechain import _core
from farechain.errors import FarechainError
from farechain.pipeline.clock import BlockClock
from farechain.pipeline.ingest import BlockLimits, Ingest
from farechain.sources import Chunk, RawChunk, Source

TRANSACTIONS = b"".join(
    [
        batch(0, 3),
        batch(3, 2, producer_id=7, transactional=True),
        batch(5, 4, producer_id=8, transactional=True),
        batch(9, 1, producer_id=7, transactional=True),
        marker(10, 7, ABORT),
        batch(11, 2, producer_id=7, transactional=True),
        marker(13, 8, COMMIT),
        marker(14, 7, COMMIT),
        batch(15, 1, producer_id=9),
        batch(20, 3, producer_id=7, transactional=True),
        marker(23, 7, ABORT),
    ]
)
ABORTED = [(7, 20), (7, 3)]
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def both_ways(place: Path, data: bytes, fetch_offset: int, aborted: list[tuple[int, int]]) -> list[int]:
    """Commits a fetch by both ways, which must make the same block; the offsets of its inputs."""
    raw, parsed = ledger(place / "raw"), ledger(place / "parsed")
    taken, given = raw.intake(), parsed.intake()
    records, next_offset = by_aiokafka(data, fetch_offset, aborted)
    added = taken.push_raw(SOURCE, data, fetch_offset, aborted)
    assert added == given.push_records(SOURCE, records, next_offset)
    assert _core.end_of_batches(data, fetch_offset) == taken.expected(SOURCE) == next_offset
    head, offsets = committed(taken, raw)
    assert head == committed(given, parsed)[0]
    return offsets


def refused(place: Path, data: bytes, fetch_offset: int = 0, taken: int = 0) -> str:
    """What is said of a fetch that stops its partition, of which ``taken`` inputs were taken."""
    opened = ledger(place / "ledger")
    intake = opened.intake()
    with pytest.raises(_core.LedgerError) as caught:
        intake.push_raw(SOURCE, data, fetch_offset, [])
    kind, said = caught.value.args
    assert (kind, intake.pending) == ("batch", taken)
    opened.close()
    return str(said)


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_read_as_aiokafka_reads_it(tmp_path: Path, codec: str) -> None:
    data = b"".join(batch(base, 40, codec=CODECS[codec]) for base in (0, 40, 200))
    assert both_ways(tmp_path, data, 0, []) == [*range(80), *range(200, 240)]


def test_codecs_batches_and_transactions_in_any_mixture_are_read_as_aiokafka_reads_them(
    tmp_path: Path,
) -> None:
    rng = random.Random(20181211)
    for number in range(25):
        data, base, aborted = b"", rng.randrange(5), []
        for _ in range(rng.randrange(1, 12)):
            producer = rng.choice([-1, 7, 8])
            count = rng.randrange(1, 30)
            if producer >= 0 and rng.random() < 0.5:
                aborted.append((producer, base))
            data += batch(
                base,
                count,
                producer_id=producer,
                transactional=producer >= 0,
                codec=rng.choice([*CODECS.values()]),
            )
            base += count + rng.choice([0, 0, 3])
            if producer >= 0:
                data += marker(base, producer, rng.choice([ABORT, COMMIT]))
                base += 1
        cut = rng.choice([len(data), len(data), rng.randrange(len(data))])
        if by_aiokafka(data[:cut], 0, aborted)[1]:
            both_ways(tmp_path / str(number), data[:cut], 0, aborted)


def test_aborted_transactions_are_left_out(tmp_path: Path) -> None:
    assert both_ways(tmp_path, TRANSACTIONS, 0, ABORTED) == [0, 1, 2, 5, 6, 7, 8, 11, 12, 15]


@pytest.mark.parametrize("cut", range(len(batch(0, 3)), len(TRANSACTIONS), 103))
def test_a_response_cut_anywhere_ends_after_its_last_whole_batch(tmp_path: Path, cut: int) -> None:
    both_ways(tmp_path, TRANSACTIONS[:cut], 0, ABORTED)


def test_records_below_the_position_are_left_out_and_holes_pass(tmp_path: Path) -> None:
    data = batch(4, 4) + batch(90, 2)
    opened = ledger(tmp_path / "ledger")
    intake = opened.intake()
    intake.push_records(SOURCE, [], 6)
    assert intake.push_raw(SOURCE, data, 6, []) == 4
    assert (intake.dropped, intake.expected(SOURCE)) == (2, 92)


def test_a_tail_of_aborted_records_moves_the_position(tmp_path: Path) -> None:
    data = batch(0, 2) + batch(2, 6, producer_id=7, transactional=True)
    assert both_ways(tmp_path, data, 0, [(7, 2)]) == [0, 1]


def test_a_batch_that_compaction_emptied_moves_the_position(tmp_path: Path) -> None:
    empty = with_field(placed(batch(0, 5)[:61], 2), 57, bytes(4))
    empty = signed(empty[:8] + struct.pack(">i", 61 - 12) + empty[12:])
    assert both_ways(tmp_path, batch(0, 2) + empty, 0, []) == [0, 1]


class Fetches:
    """A source of one partition that yields what it was given, then nothing."""

    def __init__(self, fetches: list[RawChunk]) -> None:
        self.fetches = fetches

    async def read(self, _timeout_ms: int) -> list[RawChunk]:
        await asyncio.sleep(0)
        return [self.fetches.pop(0)] if self.fetches else []

    def urgent(self) -> Sequence[Chunk]:
        return ()

    async def lag(self) -> dict[int, int]:
        return {0: len(self.fetches)}


async def test_ingest_makes_what_lies_before_a_damaged_batch_durable_and_ends_with_one_line(
    tmp_path: Path,
) -> None:
    damaged = GOOD[:70] + bytes([GOOD[70] ^ 1]) + GOOD[71:]
    data = batch(5, 5) + damaged + batch(13, 2)
    chunks = [RawChunk(0, batch(0, 5), 0, [], 5), RawChunk(0, data, 5, [], 15), RawChunk(0, b"", 15, [], 15)]
    for start in ("new", "again"):
        opened = (
            ledger(tmp_path / "ledger") if start == "new" else _core.Ledger.open(str(tmp_path / "ledger"))
        )
        position = opened.positions()[SOURCE][3]
        fetches = Fetches([chunk for chunk in chunks if chunk.fetch_offset >= position - 5])
        ingest = Ingest(
            opened,
            cast("Source", fetches),
            limits=BlockLimits(3, 60_000),
            clock=BlockClock(),
            on_block=lambda _sealed: None,
            until_end=True,
        )
        with pytest.raises(FarechainError) as stopped:
            await ingest.run(asyncio.Event())
        assert stopped.value.code == "E_BATCH"
        assert stopped.value.message == (
            "payments/0: record batch at offset 10: CRC-32C does not match; "
            "it stops here: repair or replay the topic"
        )
        assert opened.positions()[SOURCE][3] == 10
        assert opened.status()["inputs"] == 10
        opened.close()


GOOD = batch(10, 3)
ZEROS = bytes(65 << 20)


def squeezed(codec: int, body: bytes) -> bytes:
    """A batch of one record whose compressed bytes are ``body``."""
    whole = GOOD[:61] + body
    whole = whole[:8] + struct.pack(">i", len(whole) - 12) + whole[12:]
    return with_field(with_field(whole, 57, struct.pack(">i", 1)), 21, struct.pack(">h", codec))


def gzip_of(body: bytes) -> bytes:
    squeezing = zlib.compressobj(wbits=31)
    return squeezing.compress(body) + squeezing.flush()


HOSTILE = {
    "a bad CRC": (GOOD[:70] + bytes([GOOD[70] ^ 1]) + GOOD[71:], "CRC-32C does not match"),
    "message format 1": (with_field(GOOD, 16, b"\x01"), "message format is not 2"),
    "a negative length": (GOOD[:8] + b"\xff\xff\xff\xf0" + GOOD[12:], "its length is negative"),
    "a length below the header": (GOOD[:8] + struct.pack(">i", 40) + GOOD[12:], "shorter than a batch"),
    "a huge length": (GOOD[:8] + b"\x7f\xff\xff\xff" + GOOD[12:], "cut short"),
    "a negative base offset": (struct.pack(">q", -5) + GOOD[8:], "its base offset is negative"),
    "an offset near the end of all": (struct.pack(">q", 2**63 - 2) + GOOD[8:], "beyond the last one"),
    "a last offset below the first": (with_field(GOOD, 23, struct.pack(">i", -1)), "before its first"),
    "a last offset that is too small": (with_field(GOOD, 23, struct.pack(">i", 1)), "more records than"),
    "more records than there are": (
        with_field(with_field(GOOD, 57, b"\x7f\xff\xff\xff"), 23, b"\x7f\xff\xff\xff"),
        "more than 1,048,576 records",
    ),
    "one record more than there is": (
        with_field(with_field(GOOD, 57, struct.pack(">i", 4)), 23, struct.pack(">i", 9)),
        "a record is malformed",
    ),
    "one record less than there is": (with_field(GOOD, 57, struct.pack(">i", 2)), "bytes behind the last"),
    "a negative count": (with_field(GOOD, 57, struct.pack(">i", -3)), "record count is negative"),
    "a record length without end": (with_field(GOOD, 61, b"\xff" * 12), "a record is malformed"),
    "a record longer than the batch": (with_field(GOOD, 61, b"\xfe\xff\x03"), "a record is malformed"),
    "an unknown codec": (with_field(GOOD, 21, b"\x00\x05"), "unknown compression"),
    "gzip of nothing": (squeezed(1, b"\x1f\x8b\x08"), "cannot be decompressed"),
    "snappy of another length": (squeezed(2, b"\xff\xff\xff\xff\x0f"), "larger than 64 MiB"),
    "a bomb in gzip": (squeezed(1, gzip_of(ZEROS)), "larger than 64 MiB"),
    "a bomb in snappy": (squeezed(2, bytes(cramjam.snappy.compress_raw(ZEROS))), "larger than 64 MiB"),
    "a bomb in lz4": (squeezed(3, bytes(cramjam.lz4.compress(ZEROS))), "larger than 64 MiB"),
    "a bomb in zstd": (squeezed(4, bytes(cramjam.zstd.compress(ZEROS))), "larger than 64 MiB"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_batch_that_hurts_stops_its_partition_and_what_lies_before_it_is_taken(
    tmp_path: Path, what: str
) -> None:
    data, reason = HOSTILE[what]
    base = struct.unpack_from(">q", data)[0]
    named = base if base >= 0 else 4
    if what == "a huge length":
        # As long as something whole lies before it, it is a batch that the response has cut.
        assert both_ways(tmp_path / "cut", batch(1, 3) + data, 1, []) == [1, 2, 3]
        assert refused(tmp_path, data, 10) == f"record batch at offset {named}: {reason}"
        return
    said = refused(tmp_path, batch(1, 3) + data + batch(200, 2), 1, taken=3)
    assert said.startswith(f"record batch at offset {named}: ")
    assert reason in said


def test_batches_out_of_order_stop_the_partition(tmp_path: Path) -> None:
    said = refused(tmp_path, batch(0, 3) + batch(2, 3), 0, taken=3)
    assert said == "record batch at offset 2: offsets of batches are out of order"


def test_a_response_that_would_be_asked_for_again_for_ever_stops_the_partition(tmp_path: Path) -> None:
    assert "below the offset that was asked for" in refused(tmp_path, batch(0, 3), 5)


def test_what_is_small_only_while_it_is_compressed_comes_in_parts(tmp_path: Path) -> None:
    fetched, base = b"", 0
    for _ in range(8):
        one = _large_batch(base)
        fetched, base = fetched + one, base + 20
    assert len(fetched) < 200_000
    opened = ledger(tmp_path / "ledger")
    intake = opened.intake()
    most = pushes = 0
    while intake.expected(SOURCE) < _core.end_of_batches(fetched, 0):
        intake.push_raw(SOURCE, fetched, 0, [])
        most, pushes = max(most, intake.pending_bytes), pushes + 1
        assert len(intake.seal(10_000)) == 20
        assert (intake.pending, intake.pending_bytes) == (0, 0)
    assert (intake.expected(SOURCE), pushes) == (160, 8)
    assert most < 24 << 20


def _large_batch(base: int) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 4, 0, -1, 0, 0, 64 << 20)
    for delta in range(20):
        builder.append(delta, 1_000, b"k", bytes(1 << 20), [])
    return placed(bytes(builder.build()), base)
