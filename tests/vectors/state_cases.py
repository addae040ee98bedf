"""Cases of the tree over current state: its root, proofs of keys that are there and of others, refusals."""

import hashlib
from collections.abc import Iterator
from typing import Any

from reference import cbor, digests, state_map


def key_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def flipped(key: bytes, bit: int) -> bytes:
    """The key with another value of one bit."""
    return (int.from_bytes(key, "big") ^ 1 << 255 - bit).to_bytes(32, "big")


def sets() -> Iterator[tuple[str, dict[bytes, bytes], list[bytes]]]:
    """Entries, and keys to prove."""
    value = {name: digests.leaf_hash(name.encode()) for name in "abcdefgh"}
    base = key_of("base")
    yield "no entries", {}, [base]
    yield "one entry", {base: value["a"]}, [base, flipped(base, 0), flipped(base, 255)]
    for bit in (0, 7, 8, 128, 255):
        other = flipped(base, bit)
        strangers = [flipped(base, at) for at in (0, 6, 9, 254) if at != bit]
        yield f"two that part at bit {bit}", {base: value["a"], other: value["b"]}, [base, other, *strangers]
    chain = {flipped(base, bit): value["c"] for bit in range(0, 256, 5)} | {base: value["d"]}
    yield "a long way", chain, [base, flipped(base, 0), flipped(base, 100), flipped(base, 101)]
    many = {key_of(f"key {i}"): digests.leaf_hash(f"value {i}".encode()) for i in range(40)}
    yield "forty", many, [key_of("key 0"), key_of("key 39"), key_of("key 40"), bytes(32), b"\xff" * 32]
    number = digests.identity(b"INVOICE", b"144032609110", (7).to_bytes(4, "big"))
    payment = digests.identity(b"PAYMENT", b"91440300MA5EQ1XY0T", b"\1", b"\1", b"T1")
    yield "an invoice and its payment", {number: value["e"], payment: value["e"]}, [number, payment, base]


def refused(entries: dict[bytes, bytes], key: bytes, proof: bytes) -> Iterator[tuple[str, bytes]]:
    """What must be refused in place of a proof."""
    _, bits, siblings, other, value = cbor.decode(proof)
    yield "a byte behind", proof + b"\0"
    yield "another version", cbor.encode([2, bits, siblings, other, value])
    yield "the end forgotten", cbor.encode([1, bits, siblings, None, None]) if value else proof[:-1]
    if other is None and value is not None:
        yield "the key's own entry as another's", cbor.encode([1, bits, siblings, key, value])
        yield "another value", cbor.encode([1, bits, siblings, None, flipped(value, 255)])
        for stranger, held in sorted(entries.items())[:2]:
            if stranger != key:
                _, ways, hashes, _, _ = cbor.decode(state_map.prove(entries, stranger))
                yield "another's way", cbor.encode([1, ways, hashes, stranger, held])
    if len(bits) > 1:
        turned = b"".join(siblings[at : at + 32] for at in range(0, len(siblings), 32)[::-1])
        yield "from the end on", cbor.encode([1, bits[::-1], turned, other, value])
        yield "a step left out", cbor.encode([1, bits[1:], siblings[32:], other, value])
        yield "a bit moved", cbor.encode([1, bits[:-1] + bytes([bits[-1] ^ 1]), siblings, other, value])


def state_cases() -> Iterator[dict[str, Any]]:
    for name, entries, keys in sets():
        proofs = []
        for key in keys:
            proof, value = state_map.prove(entries, key), entries.get(key)
            proofs.append(
                {
                    "key": key.hex(),
                    "value": None if value is None else value.hex(),
                    "proof": proof.hex(),
                    "refused": {what: bad.hex() for what, bad in refused(entries, key, proof)},
                }
            )
        yield {
            "name": name,
            "entries": [[key.hex(), value.hex()] for key, value in entries.items()],
            "root": state_map.root(entries).hex(),
            "proofs": proofs,
        }
