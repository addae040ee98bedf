"""The keys of the generated day: derived from its seed, so for development only, and kept in files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from pathlib import Path

from farechain.data import ON_CLAIM_METRO, Operator, operators
from farechain.day.parties import Parties, derive_parties
from farechain.day.plan import Signer
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.keys import (
    DeviceKey,
    KeyState,
    read_key,
    read_key_set,
    read_public_key,
    write_key,
    write_key_set,
    write_public_key,
)

DEVICES = 3_000
FULL_DAY = 170_000
FERRY = "FERRY"
"""A scene that a device was registered for and that the scene table does not have."""


@dataclass(frozen=True, slots=True)
class Special:
    """Keys of the first operator that show what a key's life does to its events."""

    rotated_old: Signer
    retired: Signer
    expired: Signer
    not_yet: Signer
    ferry: Signer
    unregistered: Signer


@dataclass(frozen=True, slots=True)
class Keyring:
    """Everybody's keys. ``devices[code][0]`` of the first operator is the key that a rotation made."""

    bureau: Signer
    issuers: dict[str, Signer]
    devices: dict[str, list[Signer]]
    special: Special
    parties: Parties
    operators: Sequence[Operator]

    def entries(self) -> Iterator[DeviceKey]:
        """All device keys as a key set."""
        for operator in self.operators:
            for signer in self.devices[operator.code]:
                yield DeviceKey(signer.name, operator.tax_id, (operator.scene,), signer.seed)
        first = self.operators[0]
        special = self.special
        states: list[tuple[Signer, KeyState]] = [
            (special.rotated_old, "RETIRED"),
            (special.retired, "RETIRED"),
            (special.expired, "EXPIRED"),
            (special.not_yet, "NOT_YET"),
            (special.unregistered, "UNREGISTERED"),
        ]
        for signer, state in states:
            yield DeviceKey(signer.name, first.tax_id, (first.scene,), signer.seed, state)
        ferry = special.ferry
        yield DeviceKey(ferry.name, first.tax_id, (first.scene, FERRY), ferry.seed)


def derive(seed: int, invoices: int, on_claim: int = 0) -> Keyring:
    """The keys of a day of this size: 3,000 devices for a full day, in proportion for a smaller one.

    A day with trips ``on_claim`` has the operator of these trips, too, and its devices.
    """

    def signer(name: str) -> Signer:
        return Signer.of(name, sha256(f"farechain development key|{seed}|{name}".encode()).digest())

    known = [one for one in operators() if on_claim or one.code != ON_CLAIM_METRO]
    scale = min(1.0, invoices / FULL_DAY)
    counts = {one.code: max(3, round(one.devices * scale)) for one in known}
    first = known[0].code
    return Keyring(
        bureau=signer("bureau"),
        issuers={one.code: signer(f"{one.code} issuer") for one in known},
        devices={one.code: [signer(f"{one.code}-{i:04d}") for i in range(counts[one.code])] for one in known},
        special=Special(
            rotated_old=signer(f"{first}-0000 before rotation"),
            retired=signer(f"{first}-r001"),
            expired=signer(f"{first}-x001"),
            not_yet=signer(f"{first}-n001"),
            ferry=signer(f"{first}-f001"),
            unregistered=signer(f"{first}-u001"),
        ),
        parties=derive_parties(signer),
        operators=known,
    )


def keep(keyring: Keyring, directory: Path) -> Keyring:
    """Writes the keys into files; a bureau's key that is there already is used instead.

    ``bureau.key``, ``bureau.pub``, ``issuers/<operator>.key``, ``agents/``, ``holders/``, ``reimbursers/``
    and ``auditors/`` likewise, ``devices.jsonl``.

    Raises:
        FarechainError: ``E_KEY_FILE`` where the directory holds the keys of another day: name an empty one.
    """
    bureau_file = directory / "bureau.key"
    bureau = keyring.bureau
    if bureau_file.exists():
        bureau = Signer.of("bureau", read_key(bureau_file))
    else:
        write_key(bureau_file, bureau.seed)
    public_file = directory / "bureau.pub"
    if not public_file.exists():
        write_public_key(public_file, bureau.public_key)
    elif read_public_key(public_file) != bureau.public_key:
        raise _another_day(public_file)
    issuers = ((Path("issuers", f"{code}.key"), issuer) for code, issuer in keyring.issuers.items())
    for name, signer in chain(issuers, keyring.parties.files()):
        path = directory / name
        if not path.exists():
            write_key(path, signer.seed)
        elif read_key(path) != signer.seed:
            raise _another_day(path)
    devices_file = directory / "devices.jsonl"
    entries = list(keyring.entries())
    if not devices_file.exists():
        write_key_set(devices_file, entries)
    elif read_key_set(devices_file) != entries:
        raise _another_day(devices_file)
    return replace(keyring, bureau=bureau)


def _another_day(path: Path) -> FarechainError:
    return FarechainError(
        "E_KEY_FILE", f"{path} is of another day: name an empty directory of keys", EXIT_USAGE
    )
