"""The vector of a whole chain: the reference and the ledger both give exactly these bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from farechain import _core

from .inputs import from_canonical
from .replay import Replay
from .telling import VERDICTS
from .twin import compare
from .write_vectors import VECTOR, text

CHAIN: dict[str, Any] = json.loads(VECTOR.read_text())


def test_the_committed_file_is_what_the_reference_makes() -> None:
    assert VECTOR.read_text() == text()


def genesis() -> dict[str, Any]:
    found = {name: value for name, value in CHAIN["genesis"].items() if name not in ("record", "header")}
    sources = [(topic, bytes.fromhex(topic_id), partition) for topic, topic_id, partition in found["sources"]]
    return {**found, "bureau": bytes.fromhex(found["bureau"]), "sources": sources}


def test_the_chain_is_rebuilt_by_reference_and_ledger(tmp_path: Path) -> None:
    replay = Replay(**genesis())
    _core.Ledger.create(str(tmp_path / "ledger"), **genesis())
    ledger = _core.Ledger.open(str(tmp_path / "ledger"))
    assert replay.blocks[0].header.hex() == CHAIN["genesis"]["header"]
    assert replay.blocks[0].records[0].hex() == CHAIN["genesis"]["record"]
    compare(ledger, replay.blocks[0])
    intake = ledger.intake()
    for vector in CHAIN["blocks"]:
        frames = [
            (one["source"], one["timestamp_ms"], bytes.fromhex(one["bytes"])) for one in vector["inputs"]
        ]
        inputs = [from_canonical(*frame) for frame in frames]
        for one in inputs:
            intake.push_records(
                one.source, [(one.offset, one.timestamp_ms, one.key, one.value, one.headers)], None
            )
        built = replay.apply(inputs, {}, vector["time_ms"])
        assert [record.hex() for record in built.records] == vector["records"]
        assert [outcome.hex() for outcome in built.outcomes] == vector["outcomes"]
        assert (built.header.hex(), built.hash.hex()) == (vector["header"], vector["hash"])
        ledger.commit(ledger.prepare(intake.seal(1000)), vector["time_ms"])
        compare(ledger, built)
    ledger.close()


def test_the_chain_has_every_verdict_and_kind_of_payment_record() -> None:
    verdicts = {VERDICTS[int(outcome[:2], 16) - 1] for one in CHAIN["blocks"] for outcome in one["outcomes"]}
    kinds = {bytes.fromhex(record)[2] for one in CHAIN["blocks"] for record in one["records"]}
    assert verdicts == set(VERDICTS)
    assert {1, 2, 3, 4, 5, 6, 7} <= kinds
