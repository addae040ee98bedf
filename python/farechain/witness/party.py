"""A witness's directory: its key, its name, the logs that it watches, and what it cosigned of them.

``witness.json`` names what was added on purpose; a log that is named there has a state file, or the witness
refuses to start, because an empty memory would cosign a fork.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farechain import _core, keys
from farechain.errors import EXIT_REFUSED, EXIT_USAGE, FarechainError
from farechain.witness.server import Witness
from farechain.witness.state import WitnessState

NAME = re.compile(r"[^\s+]{1,255}")
VKEY_BYTES_MAX = 1024


@dataclass
class Party:
    """A witness, its directory locked."""

    name: str
    seed: bytes
    logs: dict[str, tuple[str, ...]]
    state: WitnessState
    directory: Path

    @property
    def vkey(self) -> str:
        """Its verifier key in signed-note form."""
        return _core.vkey_cosignature(self.name, _core.public_key(self.seed))

    def trust(self, vkey: str) -> None:
        """Watches a log from now on. Known already: nothing happens.

        Raises:
            FarechainError: ``E_WITNESS_LOG``: not a verifier key, or another key of a log that is watched.
        """
        origin = _origin(vkey)
        known = self.logs.get(origin)
        if known == (vkey,):
            return
        if known is not None:
            message = f"{origin} is watched under another key: a log with a new key needs a new name"
            raise FarechainError("E_WITNESS_LOG", message, EXIT_REFUSED)
        # The state file comes first: a log that is named without one is taken for a lost memory.
        self.state.add(origin)
        self.logs[origin] = (vkey,)
        _write(self.directory, self.name, self.logs)

    def witness(self) -> Witness:
        """Its decisions.

        Raises:
            FarechainError: ``E_WITNESS_STATE`` where what was cosigned is lost.
        """
        return Witness(self.name, self.seed, self.logs, self.state)


def create(directory: Path, name: str) -> Party:
    """Makes a witness: a new key, no logs.

    Raises:
        FarechainError: there is one already, the name is no key name, or the directory cannot be written.
    """
    if not NAME.fullmatch(name):
        raise FarechainError(
            "E_USAGE", f"{name!r} is no key name: no spaces, no +, 1 to 255 characters", EXIT_USAGE
        )
    state = WitnessState(directory)
    if (directory / "witness.json").exists():
        state.close()
        raise FarechainError(
            "E_WITNESS_EXISTS", f"{directory} is a witness already: name another", EXIT_REFUSED
        )
    seed = keys.new_key(directory / "key")
    _write(directory, name, {})
    return Party(name, seed, {}, state, directory)


def open_party(directory: Path) -> Party:
    """Opens a witness's directory as its owner.

    Raises:
        FarechainError: it is no witness, another process is it, or its files cannot be used.
    """
    file = directory / "witness.json"
    if not file.exists():
        message = f"{directory} is no witness: make one with `farechain witness --init --name NAME`"
        raise FarechainError("E_WITNESS_MISSING", message, EXIT_USAGE)
    state = WitnessState(directory)
    try:
        fields: dict[str, Any] = json.loads(file.read_bytes())
        logs = {str(origin): tuple(map(str, vkeys)) for origin, vkeys in fields["logs"].items()}
        return Party(str(fields["name"]), keys.read_key(directory / "key"), logs, state, directory)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        state.close()
        raise FarechainError("E_WITNESS_STATE", f"{file} is damaged: restore it", EXIT_REFUSED) from error
    except FarechainError:
        state.close()
        raise


def vkey_of(text: str) -> str:
    """A verifier key, given as such or as a file that holds one."""
    path = Path(text)
    try:
        if path.is_file():
            return path.read_bytes()[:VKEY_BYTES_MAX].decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FarechainError("E_WITNESS_LOG", f"cannot read {path}: {error}", EXIT_USAGE) from error
    return text


def _origin(vkey: str) -> str:
    try:
        _core.open_note("", [vkey])
    except ValueError as error:
        if str(error).startswith("verifier key"):
            raise FarechainError("E_WITNESS_LOG", f"{vkey[:80]!r}: {error}", EXIT_USAGE) from error
    return vkey.split("+", 1)[0]


def _write(directory: Path, name: str, logs: dict[str, tuple[str, ...]]) -> None:
    draft = directory / "witness.new"
    with draft.open("w") as file:
        json.dump({"name": name, "logs": logs}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(directory / "witness.json")
