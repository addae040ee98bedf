"""The stub is the surface: it is compared with the binary, and what it says of wrong arguments holds."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from farechain import _core

KEY, SEED, SIGNATURE = _core.public_key(bytes(32)), bytes(32), bytes(64)


def test_the_stub_is_what_the_binary_has() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "farechain._core", "--concise"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("length", [0, 31, 33, 64])
@pytest.mark.parametrize(
    "call",
    [
        _core.public_key,
        _core.kid,
        _core.admit_key,
        lambda bad: _core.sign(bad, b""),
        lambda bad: _core.sign_batch([SEED, bad], [b"", b""]),
        lambda bad: _core.verify_batch([bad], [b""], [SIGNATURE]),
        lambda bad: _core.verify_inclusion(b"", 0, 1, [], bad),
        lambda bad: _core.verify_inclusion(b"", 0, 1, [bad], bytes(32)),
        lambda bad: _core.verify_consistency(1, bad, 1, bytes(32), []),
        lambda bad: _core.verify_consistency(1, bytes(32), 2, bytes(32), [bad]),
        lambda bad: _core.vkey_ed25519("log", bad),
        lambda bad: _core.vkey_cosignature("witness", bad),
        lambda bad: _core.cosign("witness", bad, "", 0),
        lambda bad: _core.PublicLog.open("", "", "log", bad),
    ],
)
def test_another_length_than_32_is_a_value_error(call: Callable[[bytes], object], length: int) -> None:
    with pytest.raises(ValueError, match=f"expected 32 bytes, got {length}"):
        call(bytes(length))


@pytest.mark.parametrize("length", [0, 63, 65])
def test_another_length_than_64_is_a_value_error(length: int) -> None:
    with pytest.raises(ValueError, match=f"expected 64 bytes, got {length}"):
        _core.verify_batch([KEY], [b""], [bytes(length)])


def test_batches_of_unequal_lengths_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="2 seeds for 1 values"):
        _core.sign_batch([SEED, SEED], [b""])
    with pytest.raises(ValueError, match="1 keys and 2 values for 1 signatures"):
        _core.verify_batch([KEY], [b"", b""], [SIGNATURE])
    assert _core.sign_batch([], []) == []
    assert _core.verify_batch([], [], []) == []


@pytest.mark.parametrize("wrong", ["text", bytearray(32), memoryview(bytes(32)), 32, None, [0] * 32])
def test_only_bytes_are_bytes(wrong: Any) -> None:
    """A buffer that another thread could change while the interpreter is released is not taken."""
    for call in (_core.public_key, _core.leaf_hash, _core.decode_event, _core.proof_to_json):
        with pytest.raises(TypeError):
            call(wrong)
    with pytest.raises(TypeError):
        _core.merkle_root([wrong])


def test_type_aliases_are_there_when_the_program_runs() -> None:
    assert _core.SourceRecord is not None
    assert _core.Rate is not None
    assert _core.INSTRUCTIONS in {"portable", "avx2", "avx512"}
    assert _core.VERSION.count(".") == 2


@pytest.mark.parametrize(
    "closed",
    [_core.Intake, _core.RawBatch, _core.PreparedBatch, _core.Committed, _core.Ledger, _core.PublicLog],
)
def test_handles_are_made_by_the_ledger_only_and_are_final(closed: type) -> None:
    with pytest.raises(TypeError):
        closed()
    with pytest.raises(TypeError):
        type("Derived", (closed,), {})


def test_a_ledger_error_has_kind_and_message() -> None:
    with pytest.raises(_core.LedgerError) as caught:
        _core.Ledger.open("/nonexistent/ledger")
    kind, message = caught.value.args
    assert kind == "missing"
    assert "farechain init" in message
