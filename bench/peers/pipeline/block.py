"""From judged inputs to a block: duplicates left out, numbers in order, leaves, root. Knows no database."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from bench.peers.pipeline import merkle
from bench.peers.pipeline.verifying import Input, Invoice

Row = tuple[int, str, str, str, int, int, int, bytes, bytes | None, bytes | None, bytes | None]
"""Number, identity, kind, seller, total, tax, height, leaf, key id, signature, value."""


@dataclass(frozen=True, slots=True)
class Block:
    """What one transaction commits. ``offsets``: the next one of each topic and partition."""

    height: int
    previous: bytes
    root: bytes
    rows: list[Row]
    offsets: dict[tuple[str, int], int]

    @property
    def hash(self) -> bytes:
        """Commits to the root and to all blocks before."""
        return sha256(self.height.to_bytes(8, "big") + self.previous + self.root).digest()


class Store(Protocol):
    """A database whose ``commit`` returns when the block is durable. Identities and numbers are unique."""

    async def known(self, identities: list[str]) -> set[str]:
        """Which of the identities it has."""

    async def commit(self, block: Block) -> None:
        """Keeps rows, header and offsets in one transaction."""

    async def leaves(self, height: int) -> tuple[bytes, list[bytes]]:
        """A block's root and the hashes of its leaves in order."""

    async def count(self) -> tuple[int, int]:
        """(rows, the highest number)."""

    async def close(self) -> None:
        """Gives the database back."""


class Ledger:
    """Gapless numbers and a chain of blocks on a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.height, self._number, self._previous = 0, 0, bytes(32)

    async def append(
        self, inputs: list[Input], judged: list[Invoice | None], offsets: dict[tuple[str, int], int]
    ) -> None:
        """Makes the next block durable."""
        seen = await self._store.known([each.identity for each in judged if each is not None])
        rows: list[Row] = []
        for (kid, signature, value), invoice in zip(inputs, judged, strict=True):
            if invoice is None or invoice.identity in seen:
                continue
            seen.add(invoice.identity)
            number = self._number + len(rows) + 1
            identity, kind, seller, total, tax, digest = invoice
            leaf = merkle.leaf_hash(b"%d|%b|%d|%d|%b" % (number, identity.encode(), total, tax, digest))
            rows.append(
                (number, identity, kind, seller, total, tax, self.height + 1, leaf, kid, signature, value)
            )
        root = merkle.root([row[7] for row in rows]) if rows else bytes(32)
        block = Block(self.height + 1, self._previous, root, rows, offsets)
        await self._store.commit(block)
        self.height, self._number, self._previous = block.height, self._number + len(rows), block.hash

    async def check(self, proofs: int) -> tuple[int, int]:
        """(rows, proofs made and verified); raises where a number is missing or a proof does not verify."""
        rows, highest = await self._store.count()
        assert rows == highest == self._number, f"{rows} rows, the last has number {highest}"
        for each in range(proofs):
            root, leaves = await self._store.leaves(1 + each * self.height // proofs)
            index = each % len(leaves)
            assert merkle.climbed(leaves[index], merkle.path(leaves, index)) == root, (
                "a proof does not verify"
            )
        return rows, proofs
