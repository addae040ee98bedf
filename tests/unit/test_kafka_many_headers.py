"""A record may carry as many headers as Kafka lets it: none of them stops its partition."""

from pathlib import Path

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from farechain import _core

HEADERS = [(f"header-{number}", b"x" if number % 3 else None) for number in range(500)]


def ledger(place: Path) -> _core.Ledger:
    _core.Ledger.create(
        str(place / "ledger"),
        network="shenzhen",
        chain="shenzhen/0",
        bureau=_core.public_key(bytes([1]) * 32),
        sources=[("payments", bytes(16), 0)],
        regions=["4403"],
        time_ms=1_772_323_200_000,
    )
    return _core.Ledger.open(str(place / "ledger"))


def test_five_hundred_headers_are_one_rejected_input_and_the_partition_goes_on(tmp_path: Path) -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, 0, 0, 1_000_000)
    builder.append(0, 1_000, b"key", b"{}", HEADERS)
    builder.append(1, 1_000, b"key", b"{}", [])
    opened = ledger(tmp_path)
    intake = opened.intake()
    assert intake.push_raw(1, bytes(builder.build()), 0, []) == 2
    committed = opened.commit(opened.prepare(intake.seal(10)), 1_772_323_201_000)
    assert (committed.inputs, committed.rejected) == (2, {"E_SIGNATURE": 2})
    _next, letters = opened.dead_letters(0, 10)
    assert [name for name, _value in letters[0][2][:500]] == [name for name, _value in HEADERS]
    opened.close()
