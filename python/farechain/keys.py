"""Key files: an Ed25519 seed as 64 hex digits, a public key likewise, and sets of device keys as JSON lines.

Secret files have mode 0600. One that others may read is refused, as by ``ssh``: a leaked key signs invoices.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

from farechain import _core
from farechain.errors import EXIT_USAGE, FarechainError

KeyState = Literal["ACTIVE", "RETIRED", "EXPIRED", "NOT_YET", "UNREGISTERED"]
"""Whether events of a key in a set are admitted, and why not."""

_HEX_32 = re.compile(r"[0-9a-f]{64}\n?")


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A device's key: 32-byte seed, the seller whose payments it signs, the scenes it was registered for."""

    device: str
    tax_id: str
    scenes: tuple[str, ...]
    seed: bytes
    state: KeyState = "ACTIVE"

    @property
    def kid(self) -> str:
        """The id of its public key, 32 hex digits."""
        return _core.kid(_core.public_key(self.seed))


def _refuse(path: Path, what: str) -> FarechainError:
    return FarechainError("E_KEY_FILE", f"{path}: {what}", EXIT_USAGE)


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refuse(path, f"cannot be written: {error.strerror}") from error
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except FileExistsError as error:
        raise _refuse(path, "a key is there already; it is never overwritten: move it away first") from error
    except OSError as error:
        raise _refuse(path, f"cannot be written: {error.strerror}") from error


def _read(path: Path, *, secret: bool) -> bytes:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if secret and mode & 0o077:
                raise _refuse(path, f"others may use this key (mode {mode:04o}): chmod 600 it, or replace it")
            return file.read()
    except FileNotFoundError as error:
        raise _refuse(path, "is not there: make one with `farechain keys`, or name the right file") from error
    except OSError as error:
        raise _refuse(path, f"cannot be read: {error.strerror}") from error


def _hex_32(path: Path, content: bytes, what: str) -> bytes:
    text = content.decode("ascii", "replace")
    if not _HEX_32.fullmatch(text):
        raise _refuse(path, f"is not {what}: 64 lower-case hex digits on one line are expected")
    return bytes.fromhex(text.strip())


def write_key(path: Path, seed: bytes) -> None:
    """Writes a 32-byte seed with mode 0600, synced.

    Raises:
        FarechainError: ``E_KEY_FILE`` where a file is there already (it stays as it is) or cannot be written.
    """
    if len(seed) != 32:
        raise ValueError(f"a seed has 32 bytes, not {len(seed)}")
    _write(path, seed.hex().encode() + b"\n", 0o600)


def new_key(path: Path) -> bytes:
    """Makes a key from the system's randomness and writes it; returns the seed. Raises as ``write_key``."""
    seed = secrets.token_bytes(32)
    write_key(path, seed)
    return seed


def read_key(path: Path) -> bytes:
    """Reads a 32-byte seed.

    Raises:
        FarechainError: ``E_KEY_FILE`` where it is missing, others may read it, or it is not a key.
    """
    return _hex_32(path, _read(path, secret=True), "a key")


def write_public_key(path: Path, public_key: bytes) -> None:
    """Writes a 32-byte public key for everybody to read. Raises as ``write_key``."""
    if len(public_key) != 32:
        raise ValueError(f"a public key has 32 bytes, not {len(public_key)}")
    _write(path, public_key.hex().encode() + b"\n", 0o644)


def read_public_key(path: Path) -> bytes:
    """Reads a 32-byte public key that the strict rule admits. Raises ``FarechainError`` (``E_KEY_FILE``)."""
    public_key = _hex_32(path, _read(path, secret=False), "a public key")
    try:
        _core.admit_key(public_key)
    except ValueError as error:
        raise _refuse(path, f"is not an Ed25519 public key that may be registered: {error}") from error
    return public_key


def write_key_set(path: Path, keys: Iterable[DeviceKey]) -> None:
    """Writes device keys, one JSON object a line, mode 0600. Raises as ``write_key``."""
    lines = [
        orjson.dumps(
            {
                "device": key.device,
                "tax_id": key.tax_id,
                "scenes": key.scenes,
                "state": key.state,
                "seed": key.seed.hex(),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for key in keys
    ]
    _write(path, b"".join(lines), 0o600)


def read_key_set(path: Path) -> list[DeviceKey]:
    """Reads device keys in the order of the file.

    Raises:
        FarechainError: ``E_KEY_FILE`` where it is missing, others may read it, or a line is not a device key.
    """
    lines: Sequence[bytes] = _read(path, secret=True).splitlines()
    return [_device_key(path, number, line) for number, line in enumerate(lines, 1)]


def _device_key(path: Path, number: int, line: bytes) -> DeviceKey:
    try:
        fields = orjson.loads(line)
        seed = bytes.fromhex(fields["seed"])
        if len(seed) != 32:
            raise ValueError("the seed has another length than 32 bytes")
        state: KeyState = fields["state"]
        return DeviceKey(fields["device"], fields["tax_id"], tuple(fields["scenes"]), seed, state)
    except (ValueError, KeyError, TypeError) as error:
        raise _refuse(path, f"line {number} is not a device key: {error!r}") from error
