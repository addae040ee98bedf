"""The regression gate can fail: by a ceiling that is too low, and by one that is missing."""

import json
import sys
from pathlib import Path

import pytest
from bench import gate

FOUND = {"avx2": {"verify": 0.10, "decode / orjson.loads": 2.0}}


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ceilings: object, *words: str) -> None:
    file = tmp_path / "gate.json"
    file.write_text(json.dumps(ceilings))
    monkeypatch.setattr(gate, "CEILINGS", file)
    monkeypatch.setattr(gate, "with_each_instruction_set", lambda: FOUND)
    monkeypatch.setattr(sys, "argv", ["gate", *words])
    gate.main()


def test_ratios_below_their_ceilings_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(
        monkeypatch,
        tmp_path,
        {"avx2": {"verify": 0.10, "decode / orjson.loads": 2.1}, "avx512": {"verify": 0.01}},
    )


def test_a_ratio_above_its_ceiling_fails_and_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, tmp_path, {"avx2": {"verify": 0.09, "decode / orjson.loads": 2.1}})
    assert ended.value.code == "avx2: verify is 0.100, above 0.090"


def test_a_ratio_without_a_ceiling_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, tmp_path, {"avx2": {"verify": 0.11}})
    assert "orjson.loads has no ceiling" in str(ended.value.code)


def test_recorded_ceilings_leave_headroom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(monkeypatch, tmp_path, {"portable": {"verify": 0.3}}, "--record")
    assert json.loads((tmp_path / "gate.json").read_text()) == {
        "portable": {"verify": 0.3},
        "avx2": {"verify": 0.2, "decode / orjson.loads": 6.0},
    }


def test_what_is_recorded_covers_what_is_measured_on_every_instruction_set() -> None:
    recorded = json.loads(gate.CEILINGS.read_text())
    assert len({tuple(sorted(ratios)) for ratios in recorded.values()}) == 1
