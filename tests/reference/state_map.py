"""The tree over current state (docs/format.md, section 9): hashed by the definition, proved, verified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import cbor
from .blake3 import blake3

MAX_STEPS = 256


def _key(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


def empty_hash() -> bytes:
    return blake3(b"", _key("farechain/1 state empty"))


def entry_hash(key: bytes, value: bytes) -> bytes:
    return blake3(key + value, _key("farechain/1 state leaf"))


def node_hash(bit: int, left: bytes, right: bytes) -> bytes:
    return blake3(left + right, _key("farechain/1 state node")[:31] + bytes([bit]))


def bit_of(key: bytes, bit: int) -> int:
    """Bit 0 is the highest of the first byte."""
    return key[bit // 8] >> 7 - bit % 8 & 1


def root(entries: Mapping[bytes, bytes]) -> bytes:
    """The root of all entries."""
    return _root(sorted(entries.items()))


def _parting(keys: Sequence[bytes]) -> int:
    """The first bit in which not all of some keys, at least two, agree."""
    return next(bit for bit in range(256) if len({bit_of(key, bit) for key in keys}) == 2)


def _halves(entries: list[tuple[bytes, bytes]]) -> tuple[int, list[list[tuple[bytes, bytes]]]]:
    bit = _parting([key for key, _ in entries])
    return bit, [[entry for entry in entries if bit_of(entry[0], bit) == side] for side in (0, 1)]


def _root(entries: list[tuple[bytes, bytes]]) -> bytes:
    if not entries:
        return empty_hash()
    if len(entries) == 1:
        return entry_hash(*entries[0])
    bit, (left, right) = _halves(entries)
    return node_hash(bit, _root(left), _root(right))


@dataclass
class Proof:
    """The nodes on a key's way, from the root on, and the entry at its end; no entry where there are none."""

    bits: list[int]
    siblings: list[bytes]
    entry: tuple[bytes, bytes] | None

    def encode(self, key: bytes) -> bytes:
        other, value = self.entry or (None, None)
        shown = None if other == key else other
        return cbor.encode([1, bytes(self.bits), b"".join(self.siblings), shown, value])


def prove(entries: Mapping[bytes, bytes], key: bytes) -> bytes:
    """The proof of what a key has."""
    rest = sorted(entries.items())
    proof = Proof([], [], None)
    while len(rest) > 1:
        bit, halves = _halves(rest)
        side = bit_of(key, bit)
        proof.bits.append(bit)
        proof.siblings.append(_root(halves[1 - side]))
        rest = halves[side]
    proof.entry = rest[0] if rest else None
    return proof.encode(key)


def decode(proof: bytes, key: bytes) -> Proof:
    """The parts of a proof. Raises ``ValueError`` for every form but the one."""
    parts = cbor.decode(proof)
    if not isinstance(parts, list) or len(parts) != 5 or type(parts[0]) is not int or parts[0] != 1:
        raise ValueError("not a proof of this version")
    _, bits, siblings, other, value = parts
    if not isinstance(bits, bytes) or not isinstance(siblings, bytes) or len(siblings) != 32 * len(bits):
        raise ValueError("a sibling for each bit")
    if list(bits) != sorted(set(bits)):
        raise ValueError("the bits do not increase")
    for part in (other, value):
        if part is not None and (not isinstance(part, bytes) or len(part) != 32):
            raise ValueError("key and value have 32 bytes")
    if value is None and (other is not None or bits):
        raise ValueError("a way that ends at nothing")
    if other == key:
        raise ValueError("the key's own entry in place of another")
    hashes = [siblings[at : at + 32] for at in range(0, len(siblings), 32)]
    return Proof(list(bits), hashes, None if value is None else (other or key, value))


def verify(expected: bytes, key: bytes, proof: bytes) -> bytes | None:
    """The value of a key under a root, None if it has none. Raises ``ValueError`` for what proves nothing."""
    parts = decode(proof, key)
    if parts.entry is None:
        found = empty_hash()
    else:
        found = entry_hash(*parts.entry)
        if any(bit_of(parts.entry[0], bit) != bit_of(key, bit) for bit in parts.bits):
            raise ValueError("the entry does not stand where the key would")
    for bit, sibling in zip(reversed(parts.bits), reversed(parts.siblings), strict=True):
        found = node_hash(bit, sibling, found) if bit_of(key, bit) else node_hash(bit, found, sibling)
    if found != expected:
        raise ValueError("the proof does not lead to the root")
    return parts.entry[1] if parts.entry is not None and parts.entry[0] == key else None
