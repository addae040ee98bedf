"""What an operator gets wrong, found before anything is started: files, genesis, the disk, the port."""

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from farechain import _core, keys
from farechain.config import Settings
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.service import opening, replicating

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "glusterfs", "lustre", "gpfs", "beegfs"}
    | {"ocfs2", "gfs2", "fuse.sshfs", "fuse.s3fs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone"}
)
"""Their locks and syncs are not what ownership and durability rest on."""
VOLATILE_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs"})
PRIVATE = 0o077
"""Bits of a secret's mode that must not be set."""
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake. ``level``: ``error`` (it will not work) or ``warning``; ``message`` says what to change."""

    level: Literal["error", "warning"]
    code: str
    message: str


def check_files(settings: Settings) -> list[Finding]:
    """Reads every key and secret, compares with genesis, looks at the ledger's place and the port."""
    found: list[Finding] = []
    for check in (_keys, _secrets, _source, _witnesses, _place, _genesis, _port):
        found += check(settings)
    return found


def wrong(message: str) -> Finding:
    """An error of the configuration."""
    return Finding("error", "E_CONFIG", message)


def _trying(*reads: Callable[[], object]) -> Iterator[Finding]:
    for read in reads:
        try:
            read()
        except FarechainError as error:
            yield Finding("error", error.code, error.message)


def _keys(settings: Settings) -> Iterator[Finding]:
    reads: list[Callable[[], object]] = [lambda: keys.read_public_key(settings.ledger.bureau_key_file)]
    for path in (settings.public_log.key_file, settings.private.key_file):
        if path.exists():
            reads.append(lambda path=path: keys.read_key(path))  # type: ignore[misc]
    if (attest := settings.private.attest_key_file) is not None:
        reads.append(lambda: keys.read_key(attest))
    reads += [lambda: opening.security_of(settings.kafka), lambda: opening.keeping_of(settings)]
    if settings.ledger.durability == "replicated":
        reads.append(lambda: replicating.terms_of(settings.replica))
    yield from _trying(*reads)


def _secrets(settings: Settings) -> Iterator[Finding]:
    """Secrets of Kafka's are read by libraries, which do not look at who else may read them."""
    for name, path in (
        ("kafka.key_file", settings.kafka.key_file),
        ("kafka.sasl_password_file", settings.kafka.sasl_password_file),
    ):
        if path is not None and path.exists() and path.stat().st_mode & PRIVATE:
            mode = path.stat().st_mode & 0o7777
            message = f"{name} {path}: others may read it (mode {mode:04o}): chmod 600 it"
            yield Finding("error", "E_KEY_FILE", message)


def _source(settings: Settings) -> Iterator[Finding]:
    if settings.source.kind == "spool" and not settings.source.directory.is_dir():
        directory = settings.source.directory
        yield wrong(f"source.directory {directory} is no directory: create it, or correct it")


def _witnesses(settings: Settings) -> Iterator[Finding]:
    for member in settings.witnesses.members:
        try:
            _core.open_note("", [member.vkey])
        except ValueError as error:
            if str(error).startswith("verifier key"):
                yield wrong(f"witness {member.name}: vkey: {error}")


def _place(settings: Settings) -> Iterator[Finding]:
    place = settings.ledger.path.absolute()
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        yield wrong(
            f"ledger.path: {place} cannot be written: give it to this user, or name another directory"
        )
    kind = file_system_of(place)
    if kind in NETWORK_FILE_SYSTEMS:
        yield wrong(f"ledger.path: {place} is on {kind}, a network file system: name one on a local disk")
    elif kind in VOLATILE_FILE_SYSTEMS:
        message = f"ledger.path: {place} is on {kind}, which is gone with the power: name one on a disk"
        yield Finding("warning", "E_CONFIG", message)


def file_system_of(place: Path, mounts: str | None = None) -> str | None:
    """The type of the file system that a directory is on; None where the kernel does not say.

    Args:
        mounts: as ``/proc/self/mountinfo`` has them.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace")
        except OSError:
            return None
    best, kind = -1, None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, types = before.split(), after.split()
        if len(fields) < 5 or not types:
            continue
        point = Path(fields[4].replace("\\040", " "))
        # The last of those mounted on one point is what is seen.
        if (point == place or point in place.resolve().parents) and len(point.parts) >= best:
            best, kind = len(point.parts), types[0]
    return kind


def _genesis(settings: Settings) -> Iterator[Finding]:
    """Genesis is written once: what differs in the configuration is ignored, or stops the service."""
    if not (settings.ledger.path / "blocks").is_dir():
        return
    try:
        ledger = opening.open_ledger(settings, readonly=True)
        try:
            genesis = _core.decode_record(ledger.record(0, 0) or b"")
        finally:
            ledger.close()
    except FarechainError as error:
        yield Finding("error", error.code, error.message)
        return
    except (_core.LedgerError, ValueError) as error:
        message = f"{settings.ledger.path}: genesis cannot be read ({error}): run `farechain audit`"
        yield Finding("error", "E_CORRUPT", message)
        return
    section = settings.ledger
    for name, configured in (
        ("network", section.network),
        ("chain", section.chain),
        ("utc_offset_min", section.utc_offset_min),
        ("drain_max", section.drain_max),
        ("regions", list(section.regions)),
    ):
        if genesis[name] != configured:
            message = f"ledger.{name} is {configured!r}, genesis has {genesis[name]!r}: correct ledger.{name}"
            yield wrong(message)
    try:
        if genesis["bureau"] != keys.read_public_key(section.bureau_key_file):
            yield wrong("ledger.bureau_key_file is another key than the bureau's in genesis: name that one")
    except FarechainError:
        pass  # told among the keys
    listed = {(topic.name, number) for topic in settings.source.topics for number in range(topic.partitions)}
    there = {(topic, number) for topic, _, number in genesis["sources"] if topic not in {"system", "http"}}
    for topic, number in sorted(listed ^ there):
        where = "genesis" if (topic, number) in there else "the configuration"
        yield wrong(f"source.topics: {topic}/{number} is only in {where}: correct source.topics")


def _port(settings: Settings) -> Iterator[Finding]:
    """A port that is taken, unless a farechain answers there: that is the service itself."""
    api = settings.api
    try:
        family = socket.AF_INET6 if ":" in api.host else socket.AF_INET
        with socket.create_server((api.host, api.port), family=family):
            return
    except OSError as error:
        reason = error.strerror or str(error)
    url = opening.own_url(settings)
    try:
        if httpx.get(f"{url}/livez", timeout=TIMEOUT_S, trust_env=False).text == "ok\n":
            return
    except httpx.HTTPError:
        pass
    message = (
        f"api.port: cannot listen on {api.host}:{api.port} ({reason}): stop what holds it, or name another"
    )
    yield Finding("error", "E_PORT", message)


def exit_code_of(findings: list[Finding]) -> int:
    """0 where nothing is an error."""
    return EXIT_USAGE if any(each.level == "error" for each in findings) else 0
