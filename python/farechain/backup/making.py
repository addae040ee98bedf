"""Makes a backup of a ledger that its owner may be writing to.

In this order, so that whatever is in it is covered by what was read after it: positions of the relays,
published checkpoint, last signed head; then the log, up to a block that is durable; then the bytes of
rejected inputs, which are older than their blocks; then the private store, whose texts are older than the
commands that name them.
"""

import fcntl
import hashlib
import mmap
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from farechain import _core
from farechain.backup import frames, manifest, mark
from farechain.backup.manifest import OBJECTS, File, Manifest, Part
from farechain.backup.objects import Copies, prune
from farechain.backup.private_copy import copied
from farechain.backup.target import Target
from farechain.errors import EXIT_REFUSED, EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError

THREADS = 2
"""They hash and store; what they do, the disk's syncs above all, leaves the interpreter free."""
CHUNK_BYTES = 4 << 20
"""Pieces of the private store: one that did not change is not copied again."""
STATE = (
    "state/receipts.json",
    "state/dead-letters.json",
    "public/vkey",
    "public/checkpoint",
    "state/log/signed-head",
)
TOKENS = "access/tokens.jsonl"
PRIVATE = "private/store.sqlite"
_LOCK = "backup.lock"


@dataclass(frozen=True, slots=True)
class Made:
    """A completed backup, and what of it was new."""

    manifest: Manifest
    new_objects: int
    new_bytes: int
    removed_objects: int


def back_up(
    ledger: Path, target: Target, chain: str, keys: dict[str, str], *, keep: int | None = None
) -> Made:
    """Backs up a ledger: durable, and the latest backup of the target, on return.

    Args:
        ledger: its directory; its owner may be running.
        chain: its name.
        keys: public keys to name in the manifest, by what they are.
        keep: afterwards only so many backups stay, and objects that none of them names are removed.

    Raises:
        FarechainError: ``E_LEDGER_MISSING``; ``E_BACKUP_BUSY``: another one is being made;
            ``E_BACKUP_OTHER``:
            the target has another chain's; ``E_CORRUPT``: the log is damaged, and nothing was made of it;
            ``E_BACKUP_TARGET``. The backups that were there stay as they were.
    """
    if not (ledger / "blocks").is_dir():
        raise FarechainError("E_LEDGER_MISSING", f"no ledger in {ledger}", EXIT_USAGE)
    with _alone(ledger / "state"):
        target.remove(())  # what one that was cut short was writing
        listed = manifest.names(target)
        making = _Making(ledger, target, _former(target, listed), target.sizes(OBJECTS))
        number = int(listed[-1].split("/")[1][:8]) + 1 if listed else 1
        made = making.run(number, chain, keys)
        name, content = made.encoded()
        target.put(name, content)
        mark.write_backed_up(ledger / "state", made.number, made.made_ms, made.blocks)
        removed = 0 if keep is None else prune(target, keep)
    new = set(making.copies.new)
    return Made(made, len(new), sum(part.bytes for part in new), removed)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    state.mkdir(exist_ok=True)
    handle = os.open(state / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        message = "another backup of this ledger is being made: let it end"
        raise FarechainError("E_BACKUP_BUSY", message, EXIT_UNAVAILABLE) from error
    finally:
        os.close(handle)


def _former(target: Target, listed: list[str]) -> Manifest | None:
    """The backup before. One that is damaged is no base: everything is stored again."""
    try:
        return manifest.read(target, listed[-1]) if listed else None
    except FarechainError as error:
        if error.code != "E_BACKUP_DAMAGED":
            raise
        return None


class _Making:
    def __init__(
        self, ledger: Path, target: Target, former: Manifest | None, present: dict[str, int]
    ) -> None:
        self._ledger = ledger
        self._former = former
        self._open = ExitStack()
        self.copies = Copies(target, present, self._open.enter_context(ThreadPoolExecutor(THREADS)))
        self._files: list[tuple[File, list[Future[Part]]]] = []
        self._present = present

    def run(self, number: int, chain: str, keys: dict[str, str]) -> Manifest:
        with self._open:
            made_ms = mark.now_ms()
            small = {path: self._small(path) for path in STATE}
            genesis, blocks = self._segments()
            self._check_signed(small, blocks)
            self._rejected()
            self._private()
            self._small(TOKENS)
            files = [
                replace(file, parts=file.parts + tuple(one.result() for one in new))
                for file, new in self._files
            ]
            note, vkey = small["public/checkpoint"].decode(), small["public/vkey"].decode().strip()
            named = keys | ({"log": vkey} if vkey else {})
            return Manifest(number, made_ms, chain, genesis, blocks, note, named, tuple(files))

    def _small(self, path: str) -> bytes:
        """A file that is replaced whole; empty where there is none."""
        try:
            content = (self._ledger / path).read_bytes()
        except FileNotFoundError:
            return b""
        self._take(File(path, len(content), (), sealed=False), [content])
        return content

    def _take(self, file: File, pieces: list[memoryview | bytes]) -> None:
        self._files.append((file, [self.copies.add(piece) for piece in pieces if len(piece)]))

    def _known(self, path: str) -> File | None:
        """What the backup before has of a file, if the target still has it all."""
        known = self._former.file(path) if self._former else None
        return (
            known
            if known and all(self._present.get(part.name) == part.bytes for part in known.parts)
            else None
        )

    def _mapped(self, path: Path) -> tuple[memoryview, int]:
        """A file's bytes, and a handle to sync it by; both are given back at the end."""
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._open.callback(os.close, handle)
        if os.fstat(handle).st_size == 0:
            return memoryview(b""), handle
        return memoryview(mmap.mmap(handle, 0, prot=mmap.PROT_READ)), handle

    # The block log -------------------------------------------------------------------------------

    def _segments(self) -> tuple[str, int]:
        """Genesis and how many blocks there are, after all segments were taken."""
        same = self._same_until()
        here = [int(path.stem) for path in (self._ledger / "blocks").glob("*.seg")]
        if same < 0 and not here:
            raise FarechainError("E_LEDGER_MISSING", f"no ledger in {self._ledger}", EXIT_USAGE)
        genesis, height = self._genesis(same), 0
        for number in range(max([same, *here]) + 1):
            known = self._known(_path(number)) if number <= same else None
            if known is not None:
                self._take(known, [])
            height = (known or self._taken(number, height)).next_height
        return genesis, height

    def _genesis(self, same: int) -> str:
        genesis = self._former.genesis if self._former and same >= 0 else ""
        if not genesis:
            genesis = frames.genesis_of(self._mapped(self._there(0))[0])
        if not genesis:
            raise FarechainError("E_LEDGER_MISSING", f"no ledger in {self._ledger}", EXIT_USAGE)
        if self._former and self._former.genesis != genesis:
            message = (
                f"the target has backups of another chain ({self._former.chain}): name one for each chain"
            )
            raise FarechainError("E_BACKUP_OTHER", message, EXIT_USAGE)
        return genesis

    def _same_until(self) -> int:
        """The last sealed segment of the backup before that is this ledger's, too; -1 for none.

        The next segment begins with the hash of the block before it, so all before are the same with it, and
        need not be read; they need not even be here any more.
        """
        if self._former is None:
            return -1
        segments = [file for file in self._former.files if file.path.startswith("blocks/")]
        for number in reversed(range(len(segments) - 1)):
            if segments[number].sealed and segments[number + 1].head == self._head(number + 1) != "":
                return number
        return -1

    def _head(self, number: int) -> str:
        try:
            with self._segment(number).open("rb") as file:
                return frames.head_of(memoryview(file.read(frames.HEAD_SAMPLE)))
        except FileNotFoundError:
            return ""

    def _taken(self, number: int, height: int) -> File:
        sealed = self._segment(number + 1).exists()
        data, handle = self._mapped(self._there(number))
        end, next_height = frames.blocks_end(data, height)
        if sealed and bytes(data[end:]).count(0) != len(data) - end:
            message = (
                f"{self._segment(number)} at byte {end}: no whole block, and more segments follow: audit it"
            )
            raise FarechainError("E_CORRUPT", message, EXIT_REFUSED)
        if not sealed:
            # The last block may be written and not synced yet; after this it is as durable as its owner makes
            # it.
            os.fdatasync(handle)
        file = File(_path(number), len(data), (), sealed, frames.head_of(data) if end else "", next_height)
        kept = () if sealed else self._kept(file.path, data[:end])
        done = sum(part.bytes for part in kept)
        self._take(replace(file, parts=kept), [data[done:end]])
        return file

    def _kept(self, path: str, data: memoryview) -> tuple[Part, ...]:
        """The parts of the backup before that are the same bytes still."""
        kept, at = list[Part](), 0
        known = self._known(path)
        for part in known.parts if known else ():
            piece = data[at : at + part.bytes]
            if len(piece) < part.bytes or hashlib.sha256(piece).hexdigest() != part.sha256:
                break
            kept.append(part)
            at += part.bytes
        return tuple(kept)

    def _segment(self, number: int) -> Path:
        return self._ledger / _path(number)

    def _there(self, number: int) -> Path:
        path = self._segment(number)
        if not path.exists():
            message = (
                f"{path} is not there and this target has it not: back up to one that has, or bring it back"
            )
            raise FarechainError("E_CORRUPT", message, EXIT_REFUSED)
        return path

    def _check_signed(self, small: dict[str, bytes], blocks: int) -> None:
        """A log that ends before what was signed is damaged in its middle."""
        head = small["state/log/signed-head"].decode("ascii", "replace").split("\n")
        signed = int(head[1]) if len(head) > 1 and head[1].isdecimal() else 0
        note = small["public/checkpoint"].decode()
        published = _core.parse_checkpoint(note)[1] if note else 0
        if blocks < (signed := max(signed, published)):
            message = (
                f"{self._ledger}: of {signed} signed blocks {blocks} are whole: audit it; nothing was made"
            )
            raise FarechainError("E_CORRUPT", message, EXIT_REFUSED)

    # What is beside it ---------------------------------------------------------------------------

    def _rejected(self) -> None:
        days = sorted((self._ledger / "rejected").glob("*.rej"))
        for day in days:
            path, sealed = f"rejected/{day.name}", day != days[-1]
            known = self._known(path)
            try:
                if known and known.sealed and known.size == day.stat().st_size:
                    self._take(known, [])
                    continue
                data, _handle = self._mapped(day)
            except FileNotFoundError:
                continue  # it has expired
            end = frames.rejected_end(data)
            kept = () if sealed else self._kept(path, data[:end])
            done = sum(part.bytes for part in kept)
            self._take(File(path, end, kept, sealed), [data[done:end]])

    def _private(self) -> None:
        store = self._ledger / PRIVATE
        if not store.exists():
            return
        with copied(store) as copy, copy.open("rb") as file:
            size, parts = 0, list[Part]()
            while chunk := file.read(CHUNK_BYTES):
                size += len(chunk)
                parts.append(self.copies.add(chunk).result())
        self._take(File(PRIVATE, size, tuple(parts)), [])


def _path(number: int) -> str:
    return f"blocks/{number:08}.seg"
