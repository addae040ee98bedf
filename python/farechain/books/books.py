"""The books of one chain: opened, followed up to the ledger's head, and asked."""

from pathlib import Path

from farechain._core import Ledger, block_hash
from farechain.books.database import Database
from farechain.books.keeping import Keeping
from farechain.books.queries import Queries
from farechain.books.schema import TABLE_NAMES

NOWHERE = (-1, b"")


class Books(Queries):
    """Lists by party, derived from a ledger. Safe to use from any thread; followed by one at a time."""

    @staticmethod
    def open(path: Path) -> "Books":
        """Opens the books, empty where they are missing, damaged, or of another version.

        Raises:
            FarechainError: ``E_BOOKS``: the file cannot be made or opened.
        """
        return Books(Database(path))

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._checked = False

    @property
    def height(self) -> int:
        """The block up to which they are kept; -1 where they are empty."""
        return self._position()[0]

    def follow(self, ledger: Ledger, max_blocks: int = 16) -> bool:
        """Takes up to so many blocks, all or none of them; whether more are there.

        Books that are ahead of the ledger, or of another history, are emptied first.

        Raises:
            FarechainError: ``E_BOOKS``: nothing was taken; try again later.
            LedgerError: the ledger cannot be read.
        """
        height, found = self._position()
        head = ledger.height
        if height > head or not self._checked:
            if height >= 0 and (height > head or block_hash(ledger.headers(height, 1)[0]) != found):
                self._empty()
                height = -1
            self._checked = True
        if height == head:
            return False
        last = min(head, height + max_blocks)
        next_height, changes = ledger.changes(height + 1, last - height)
        _next, rejections = ledger.rejections(height + 1, last - height)
        with self._database.writing() as connection:
            keeping = Keeping(ledger, connection)
            if height < 0:
                keeping.genesis()
            for change in changes:
                keeping.change(change)
            keeping.reject(rejections)
            position = (next_height - 1, block_hash(ledger.headers(next_height - 1, 1)[0]))
            connection.execute("INSERT OR REPLACE INTO position VALUES (1, ?, ?)", position)
        return next_height <= ledger.height

    def close(self) -> None:
        """Gives the file back."""
        self._database.close()

    def _position(self) -> tuple[int, bytes]:
        rows = self._read("SELECT height, hash FROM position")
        return (rows[0][0], rows[0][1]) if rows else NOWHERE

    def _empty(self) -> None:
        with self._database.writing() as connection:
            for table in TABLE_NAMES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608  names of the schema
