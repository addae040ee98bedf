"""Suite 1: the five keyed digests of docs/format.md, section 1."""

from .blake3 import blake3

ZERO = bytes(32)


def _key(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


def leaf_hash(data: bytes) -> bytes:
    return blake3(data, _key("farechain/1 leaf"))


def node_hash(left: bytes, right: bytes) -> bytes:
    return blake3(left + right, _key("farechain/1 node"))


def empty_root() -> bytes:
    return blake3(b"", _key("farechain/1 node"))


def block_hash(header: bytes) -> bytes:
    return blake3(header, _key("farechain/1 block"))


def input_digest(canonical: bytes) -> bytes:
    return blake3(canonical, _key("farechain/1 input"))


def identity(*parts: bytes) -> bytes:
    return blake3(
        b"".join(len(part).to_bytes(4, "big") + part for part in parts), _key("farechain/1 identity")
    )
