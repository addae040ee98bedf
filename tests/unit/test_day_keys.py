"""Key files: written once with mode 0600, refused when others may read them or they hold something else."""

import stat
from pathlib import Path

import pytest

from farechain import _core
from farechain.errors import FarechainError
from farechain.keys import (
    DeviceKey,
    new_key,
    read_key,
    read_key_set,
    read_public_key,
    write_key,
    write_key_set,
    write_public_key,
)

SEED = bytes(range(32))


def refused(call: object, *arguments: object) -> str:
    with pytest.raises(FarechainError) as error:
        call(*arguments)  # type: ignore[operator]
    assert (error.value.code, error.value.exit_code) == ("E_KEY_FILE", 2)
    assert "\n" not in error.value.message
    return error.value.message


def test_a_key_comes_back_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/key"
    write_key(path, SEED)
    assert read_key(path) == SEED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == SEED.hex() + "\n"


def test_new_keys_differ(tmp_path: Path) -> None:
    one, other = new_key(tmp_path / "one"), new_key(tmp_path / "other")
    assert one != other
    assert read_key(tmp_path / "one") == one


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    write_key(tmp_path / "key", SEED)
    assert "never overwritten" in refused(write_key, tmp_path / "key", bytes(32))
    assert read_key(tmp_path / "key") == SEED


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o644])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    write_key(tmp_path / "key", SEED)
    (tmp_path / "key").chmod(mode)
    assert f"{mode:04o}" in refused(read_key, tmp_path / "key")


@pytest.mark.parametrize(
    "content",
    ["", "00" * 31, "00" * 33, "zz" * 32, "AB" * 32, "00" * 32 + "\n\n", " " + "00" * 32, "\udcff" * 64],
)
def test_a_file_with_something_else_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content.encode(errors="surrogateescape"))
    path.chmod(0o600)
    assert "64 lower-case hex digits" in refused(read_key, path)


def test_a_missing_key_and_a_directory_are_refused(tmp_path: Path) -> None:
    assert "is not there" in refused(read_key, tmp_path / "key")
    assert "cannot be read" in refused(read_key, tmp_path)
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be written" in refused(write_key, tmp_path / "file/key", SEED)


def test_seeds_of_another_length_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        write_key(tmp_path / "key", bytes(31))
    with pytest.raises(ValueError, match="32 bytes"):
        write_public_key(tmp_path / "key", bytes(33))
    assert not (tmp_path / "key").exists()


def test_public_keys_may_be_read_by_all_and_must_be_admissible(tmp_path: Path) -> None:
    public_key = _core.public_key(SEED)
    write_public_key(tmp_path / "key.pub", public_key)
    assert read_public_key(tmp_path / "key.pub") == public_key
    assert stat.S_IMODE((tmp_path / "key.pub").stat().st_mode) == 0o644
    write_public_key(tmp_path / "small.pub", b"\1" + bytes(31))
    assert "may be registered" in refused(read_public_key, tmp_path / "small.pub")


def test_key_sets_come_back_in_order(tmp_path: Path) -> None:
    keys = [
        DeviceKey(f"gate-{i}", "91440300708461136T", ("METRO", "BUS")[: 1 + i % 2], bytes([i] * 32))
        for i in range(9)
    ]
    keys.append(DeviceKey("old", "91440300708461136T", ("METRO",), SEED, "RETIRED"))
    write_key_set(tmp_path / "keys.jsonl", keys)
    assert read_key_set(tmp_path / "keys.jsonl") == keys
    assert stat.S_IMODE((tmp_path / "keys.jsonl").stat().st_mode) == 0o600
    assert keys[-1].kid == _core.kid(_core.public_key(SEED))


@pytest.mark.parametrize(
    "line", [b"{", b"{}", b"[]", b'{"device":"a","tax_id":"b","scenes":[],"state":"ACTIVE","seed":"00"}']
)
def test_a_broken_line_of_a_key_set_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "keys.jsonl"
    write_key_set(path, [DeviceKey("gate", "x", (), SEED)])
    path.write_bytes(path.read_bytes() + line + b"\n")
    assert "line 2" in refused(read_key_set, path)
    path.chmod(0o644)
    assert "0644" in refused(read_key_set, path)
