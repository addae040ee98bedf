"""The store: texts under their commitments, by subject, erasable so that nothing of them is left.

A subject is whoever may ask for erasure, under an id of the caller's (a holder's key id, an agent's number
for its customer). Methods block, most for a sync; call them in a thread.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from farechain.private import documents
from farechain.private.accesses import EMPTY_HEAD, Access, AccessHead, Officer, append, first_broken, rows_of
from farechain.private.database import Database
from farechain.private.documents import Shelf
from farechain.private.on_ledger import OnLedger
from farechain.private.openings import COMMITMENT_BYTES, Kind, Opening, commitment_of, fresh_salt
from farechain.private.sealing import KEY_BYTES, TamperedError, packed, seal, unpacked, unseal
from farechain.private.subjects import Erasure, Subjects
from farechain.private.titles import check_title

ORPHANS_AT_ONCE = 1000
"""Rows of one transaction of ``collect_orphans``, so that nobody waits long for it."""
_ENTRY = "SELECT commitment, subject, kind, sealed, created_ms, claimed FROM entries"


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry, opened."""

    commitment: bytes
    kind: Kind
    opening: Opening
    created_ms: int
    claimed: bool


class Store:
    """One private store. Made by ``Store.open``; safe to use from any thread, and by several processes."""

    def __init__(self, database: Database, subjects: Subjects, clock_ms: Callable[[], int]) -> None:
        self._database = database
        self._subjects = subjects
        self._clock_ms = clock_ms
        self.on_ledger = OnLedger(database)
        """How far the ledger was read, and which facts of the store are there."""

    @staticmethod
    def open(
        path: Path, kek: bytes, *, create: bool = False, clock_ms: Callable[[], int] | None = None
    ) -> "Store":
        """Opens a store and finishes an erasure that was cut short; ``create`` makes one that is missing.

        Args:
            kek: the 32-byte key-encryption key; kept apart from every backup of the store.

        Raises:
            FarechainError: ``E_PRIVATE_MISSING``; ``E_PRIVATE_KEY``: the store has another key;
                ``E_PRIVATE_BUSY``: try again; ``E_PRIVATE_STORE``: damaged, stop.
        """
        if len(kek) != KEY_BYTES:
            raise ValueError(f"a key-encryption key has {KEY_BYTES} bytes, not {len(kek)}")
        database = Database(path, create=create)
        try:
            return Store(database, Subjects(database, kek), clock_ms or _now_ms)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Gives the file back."""
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # Texts ---------------------------------------------------------------------------------------

    def put(self, subject: str, kind: Kind, text: str, salt: bytes | None = None) -> bytes:
        """Keeps a text; returns its 32-byte commitment. It is durable, so a command may now name it.

        Args:
            subject: who may ask for its erasure, 1-256 bytes of UTF-8.
            salt: of an opening that a signer made; fresh where None. The same opening twice is kept once.

        Raises:
            TitleError: the text may not be a title; reject with its code.
            ValueError: a subject or salt of the wrong length, or an opening that is another subject's.
        """
        check_title(text)
        owner = self._subjects.owner_of(subject)
        opening = Opening(fresh_salt() if salt is None else salt, text)
        commitment = commitment_of(kind, *opening)
        with self._database.writing() as connection:
            found = connection.execute(
                "SELECT subject FROM entries WHERE commitment = ?", (commitment,)
            ).fetchone()
            if found is not None and found[0] != owner:
                raise ValueError("this opening is another subject's")
            if found is None:
                now_ms = self._clock_ms()
                key = self._subjects.some_key_of(connection, owner, now_ms)
                sealed = seal(key, packed(opening), *_place(commitment, owner, kind))
                connection.execute(
                    "INSERT INTO entries VALUES (?, ?, ?, ?, ?, 0)", (commitment, owner, kind, sealed, now_ms)
                )
        return commitment

    def opening(self, commitment: bytes) -> Opening | None:
        """Salt and text, for the person's own use (officers: ``look_up``); None where nothing is kept.

        Raises:
            FarechainError: ``E_PRIVATE_STORE`` where what is kept was altered; never another text.
        """
        kept = self._opened(f"{_ENTRY} WHERE commitment = ?", _checked(commitment))
        return kept[0].opening if kept else None

    def by_subject(self, subject: str) -> list[Kept]:
        """Everything that is kept of a subject, oldest first: what a person may ask to see."""
        owner = self._subjects.owner_of(subject)
        return self._opened(f"{_ENTRY} WHERE subject = ? ORDER BY created_ms, commitment", owner)

    def mark_claimed(self, commitments: Iterable[bytes]) -> None:
        """Says that durable records name them, so that they are no orphans."""
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE entries SET claimed = 1 WHERE commitment = ? AND claimed = 0",
                [(_checked(each),) for each in commitments],
            )

    def collect_orphans(self, older_than_ms: int, named: Callable[[bytes], bool]) -> int:
        """Removes what no durable record names; returns how many entries went.

        Args:
            older_than_ms: what was put at this time or later stays, for its command may be on its way.
            named: whether a durable record names a commitment; such an entry is marked as claimed.
        """
        collected = 0
        wanted = "SELECT commitment, subject FROM entries WHERE claimed = 0 AND created_ms < ? LIMIT ?"
        while rows := self._database.read(wanted, older_than_ms, ORPHANS_AT_ONCE):
            orphans = {commitment: owner for commitment, owner in rows if not named(commitment)}
            self.mark_claimed(commitment for commitment, _owner in rows if commitment not in orphans)
            with self._database.writing() as connection:
                connection.executemany(
                    "DELETE FROM entries WHERE commitment = ? AND claimed = 0",
                    [(commitment,) for commitment in orphans],
                )
                self._subjects.forget_empty(connection, set(orphans.values()))
            collected += len(orphans)
        if collected:
            self._database.scrub()
        return collected

    def _opened(self, query: str, value: bytes) -> list[Kept]:
        # One read after the other: between them a subject may be erased, and its rows are then nothing.
        opened = []
        for commitment, owner, kind, sealed, created_ms, claimed in self._database.read(query, value):
            key = self._subjects.key_of(owner)
            if key is None:
                continue
            try:
                opening = unpacked(unseal(key, sealed, *_place(commitment, owner, kind)))
                if commitment_of(Kind(kind), *opening) != commitment:
                    raise TamperedError
            except (TamperedError, ValueError) as error:
                what = f"the entry of commitment {commitment.hex()} is not the one that was written"
                raise self._database.damaged(what) from error
            opened.append(Kept(commitment, Kind(kind), opening, created_ms, bool(claimed)))
        return opened

    # Documents -----------------------------------------------------------------------------------

    def keep(self, subject: str, kind: str, name: bytes, document: bytes) -> None:
        """Keeps a document of a person, sealed; it replaces one of the same kind and name. Durable at return.

        Args:
            subject: who may ask for its erasure, 1-256 bytes of UTF-8.
            kind: 1-32 of ``A-Z 0-9 _``, first a letter; it stands in the file as it is.
            name: 1-256 bytes; no more of it is in the file than of the document.
            document: at most 64 KiB.

        Raises:
            ValueError: an argument of the wrong form or length; nothing was kept.
            FarechainError: ``E_DOCUMENTS_FULL``: the person has 100,000 of them.
        """
        self.keep_all(kind, [(subject, name, document)])

    def keep_all(self, kind: str, rows: Sequence[tuple[str, bytes, bytes]]) -> None:
        """Keeps documents of several people, (subject, name, document) each: all at once or none.

        Raises:
            ValueError, FarechainError: as ``keep``.
        """
        for _subject, name, document in rows:
            documents.check(kind, name, document)
        owned = [(self._subjects.owner_of(subject), name, document) for subject, name, document in rows]
        with self._database.writing() as connection:
            for owner, name, document in owned:
                key = self._subjects.some_key_of(connection, owner, self._clock_ms())
                documents.keep(connection, Shelf(owner, key, kind), name, document)

    def documents(self, subject: str, kind: str) -> list[tuple[bytes, bytes]]:
        """(name, document) of all of a kind that a person has, in the order in which they were first kept.

        Raises:
            FarechainError: ``E_PRIVATE_STORE`` where one was altered.
        """
        documents.check_kind(kind)
        owner = self._subjects.owner_of(subject)
        key = self._subjects.key_of(owner)
        return [] if key is None else documents.all_of(self._database, Shelf(owner, key, kind))

    def forget(self, subject: str, kind: str, name: bytes) -> bool:
        """Deletes one document; whether there was one.

        Its bytes are overwritten, but a copy of its ciphertext may be left in the file, which opens while the
        person's key lives: what must be gone for certain goes by ``erase``.
        """
        documents.check(kind, name)
        owner = self._subjects.owner_of(subject)
        with self._database.writing() as connection:
            key = self._subjects.key_of(owner)
            if key is None or not documents.forget(connection, Shelf(owner, key, kind), name):
                return False
            self._subjects.forget_empty(connection, [owner])
        self._database.scrub()
        return True

    # Erasure -------------------------------------------------------------------------------------

    def erase(self, subject: str) -> int:
        """Destroys a subject's key, salts and texts in every file; returns how many entries went.

        0 where nothing is kept of it. Its commitments stay valid on the ledger and can be opened by nobody.

        Raises:
            FarechainError: ``E_PRIVATE_BUSY``: deleted, but its bytes may be in the file until this is done
                again or the store is opened.
        """
        owner = self._subjects.owner_of(subject)
        with self._database.writing() as connection:
            entries = self._subjects.erase(connection, owner, self._clock_ms())
        self._database.scrub()
        return entries

    def erasures(self) -> list[Erasure]:
        """All erasures in their order, to be kept where a backup of the store is not."""
        return self._subjects.erasures()

    def reapply(self, erasures: Sequence[Erasure]) -> int:
        """Erases again, after a restore, what was erased since the backup; returns how many entries went.

        What a subject gave after its erasure stays. Doing it twice changes nothing.
        """
        known = set(self.erasures())
        with self._database.writing() as connection:
            entries = sum(
                self._subjects.erase_again(connection, each) for each in erasures if each not in known
            )
        self._database.scrub()
        return entries

    def rewrap(self, kek: bytes) -> int:
        """Wraps every key under another key-encryption key, all or none; returns how many subjects have one.

        This store and all others that are open are of no use afterwards: open again with ``kek``.

        Raises:
            FarechainError: ``E_PRIVATE_BUSY``: done, but bytes under the old key may be in the file until the
                store is opened.
        """
        if len(kek) != KEY_BYTES:
            raise ValueError(f"a key-encryption key has {KEY_BYTES} bytes, not {len(kek)}")
        with self._database.writing() as connection:
            count = self._subjects.rewrap(connection, kek)
        self._database.scrub()
        return count

    # Look-ups by officers ------------------------------------------------------------------------

    def look_up(self, commitment: bytes, by: Officer, purpose: str) -> Opening | None:
        """Opens a person's data for an officer, after the look-up itself has become durable.

        Args:
            purpose: a case number, 1-64 printable ASCII characters; no person's data.

        Raises:
            ValueError: a purpose or officer of the wrong form; nothing was opened.
            FarechainError: as ``opening``.
        """
        with self._database.writing() as connection:
            append(connection, self._clock_ms(), by, _checked(commitment), purpose)
        return self.opening(commitment)

    def accesses(self, after: int = 0, limit: int = 1000) -> list[Access]:
        """Look-ups with a number over ``after``, in order, at most ``limit``."""
        rows = self._database.read(
            "SELECT * FROM accesses WHERE number > ? ORDER BY number LIMIT ?", after, limit
        )
        return list(rows_of(rows))

    def access_head(self) -> AccessHead:
        """What to commit to: number and hash of the last look-up."""
        rows = self._database.read("SELECT number, hash FROM accesses ORDER BY number DESC LIMIT 1")
        return AccessHead(*rows[0]) if rows else EMPTY_HEAD

    def access_of(self, digest: bytes) -> AccessHead | None:
        """The look-up with this hash; None where there is none."""
        rows = self._database.read("SELECT number, hash FROM accesses WHERE hash = ?", digest)
        return AccessHead(*rows[0]) if rows else None

    def verify_accesses(self, head: AccessHead = EMPTY_HEAD) -> int:
        """Checks the chain of look-ups and that ``head``, kept elsewhere, is in it; returns its length.

        Raises:
            FarechainError: ``E_PRIVATE_STORE`` says which row was changed or is missing.
        """
        last, met = EMPTY_HEAD, head == EMPTY_HEAD
        while rows := self.accesses(last.number):
            broken = first_broken(rows, last)
            if broken is not None:
                raise self._database.damaged(f"look-up {broken} is not the one that was recorded")
            met = met or any(AccessHead(row.number, row.hash) == head for row in rows)
            last = AccessHead(rows[-1].number, rows[-1].hash)
        if not met:
            raise self._database.damaged(f"look-up {head.number} is not the one of the head that was kept")
        return last.number


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _checked(commitment: bytes) -> bytes:
    if len(commitment) != COMMITMENT_BYTES:
        raise ValueError(f"a commitment has {COMMITMENT_BYTES} bytes, not {len(commitment)}")
    return commitment


def _place(commitment: bytes, owner: bytes, kind: str) -> tuple[bytes, ...]:
    """Where an entry stands: nothing of another row opens there."""
    return b"ENTRY", commitment, owner, kind.encode()
