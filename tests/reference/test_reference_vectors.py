"""The vectors of whole chains: the reference and the ledger both give exactly these bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from farechain import _core

from .cbor import decode
from .inputs import from_canonical
from .replay import Replay
from .telling import VERDICTS
from .twin import compare
from .write_vectors import CHAINS, text, vector

VECTORS: dict[str, dict[str, Any]] = {name: json.loads(vector(name).read_text()) for name in CHAINS}
LIFECYCLE = {5, 6, 7, *range(25, 33), *range(42, 50), 51, *range(53, 58), 60}


@pytest.mark.parametrize("name", CHAINS)
def test_the_committed_file_is_what_the_reference_makes(name: str) -> None:
    assert vector(name).read_text() == text(name)


def genesis(chain: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in chain["genesis"].items() if name not in ("record", "header")}
    sources = [(topic, bytes.fromhex(topic_id), partition) for topic, topic_id, partition in found["sources"]]
    return {**found, "bureau": bytes.fromhex(found["bureau"]), "sources": sources}


@pytest.mark.parametrize("chain", VECTORS.values(), ids=VECTORS)
def test_a_chain_is_rebuilt_by_reference_and_ledger(chain: dict[str, Any], tmp_path: Path) -> None:
    replay = Replay(**genesis(chain))
    _core.Ledger.create(str(tmp_path / "ledger"), **genesis(chain))
    ledger = _core.Ledger.open(str(tmp_path / "ledger"))
    assert replay.blocks[0].header.hex() == chain["genesis"]["header"]
    assert replay.blocks[0].records[0].hex() == chain["genesis"]["record"]
    compare(ledger, replay.blocks[0])
    intake = ledger.intake()
    for block in chain["blocks"]:
        frames = [
            (one["source"], one["timestamp_ms"], bytes.fromhex(one["bytes"])) for one in block["inputs"]
        ]
        inputs = [from_canonical(*frame) for frame in frames]
        for one in inputs:
            intake.push_records(
                one.source, [(one.offset, one.timestamp_ms, one.key, one.value, one.headers)], None
            )
        built = replay.apply(inputs, {}, block["time_ms"])
        assert [record.hex() for record in built.records] == block["records"]
        assert [outcome.hex() for outcome in built.outcomes] == block["outcomes"]
        assert (built.header.hex(), built.hash.hex()) == (block["header"], block["hash"])
        ledger.commit(ledger.prepare(intake.seal(1000)), block["time_ms"])
        compare(ledger, built)
    ledger.close()


def test_the_chains_have_every_verdict_and_kind_of_record() -> None:
    blocks = [block for chain in VECTORS.values() for block in chain["blocks"]]
    verdicts = {VERDICTS[int(outcome[:2], 16) - 1] for block in blocks for outcome in block["outcomes"]}
    records = [decode(bytes.fromhex(record)) for block in blocks for record in block["records"]]
    assert verdicts == set(VERDICTS)
    assert {one[1] for one in records} == {1, 2, 3, 4, *range(16, 25), *LIFECYCLE}
    assert {one[12] for one in records if one[1] == 6} == {1, 2, 5}
    assert {one[3] for one in records if one[1] == 7} == {1, 2}
