"""A proof of an invoice, verified step by step with nothing but keys (docs/format.md, section 7)."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import cbor, ed25519
from .digests import leaf_hash, node_hash

ED25519 = 1
COSIGNATURE = 4
JSON_PARTS = (
    *("format", "record", "index", "path", "header", "tlog_size", "tlog_path", "checkpoint", "witnesses"),
)
COMPACT_PARTS = (
    *("version", "record", "index", "count", "path", "header", "tlog_size", "tlog_path"),
    *("checkpoint", "witnesses"),
)


class Key(NamedTuple):
    """A verifier key."""

    name: str
    algorithm: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of a signature line."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[:4]


def verify(proof: bytes, vkey: str, witnesses: Sequence[str], threshold: int) -> bytes:
    """The hash of the record that is proven. Raises ``ValueError`` that says which step fails."""
    parts = read(proof)
    header = cbor.decode(parts["header"])
    require(header[:2] == [1, 1], "the header is of another version or suite")
    _, _, chain, height, _, _, count, records_root, _ = header
    require(parts.get("count", count) == count, "the count is not the header's")
    leaf = leaf_hash(parts["record"])
    root = climb(leaf, parts["index"], count, parts["path"], node_hash)
    require(root == records_root, "the record does not lead to the header's root")

    text, _, lines = parts["checkpoint"].rpartition("\n\n")
    text += "\n"
    origin, size, log_root, *_ = text.split("\n")
    require(size == str(parts["tlog_size"]), "the size is not the checkpoint's")
    entry = hashlib.sha256(b"\0" + parts["header"]).digest()
    root = climb(entry, height, parts["tlog_size"], parts["tlog_path"], log_node)
    require(root == unbase64(log_root), "the header does not lead to the checkpoint's root")

    log, given = read_key(vkey, ED25519), [read_key(witness, COSIGNATURE) for witness in witnesses]
    require(origin == chain == log.name, "the proof is of another chain")
    carried = [read_key(witness, COSIGNATURE) for witness in parts["witnesses"]]
    check_lines(text, lines, log, carried)
    cosigned = sum(witness in given for witness in carried)
    require(cosigned >= threshold, f"{cosigned} of the given witnesses have cosigned")
    return leaf


def read(proof: bytes) -> dict[str, Any]:
    """The parts of a proof in either form, which must be the one spelling of these parts."""
    if proof[:1] != b"{":
        items = cbor.decode(proof)
        require(isinstance(items, list) and len(items) == len(COMPACT_PARTS) and items[0] == 1, "no proof")
        return dict(zip(COMPACT_PARTS, items, strict=True))
    shown: dict[str, Any] = json.loads(proof)
    require(tuple(shown) == JSON_PARTS and shown["format"] == "farechain-proof/1", "no proof")
    again = json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
    require(again == proof, "not the one spelling")
    parts = shown | {name: unbase64(shown[name]) for name in ("record", "header")}
    return parts | {name: [unbase64(node) for node in shown[name]] for name in ("path", "tlog_path")}


def climb(leaf: bytes, index: int, count: int, path: Sequence[bytes], node: Any) -> bytes:
    """The root to which a path leads (RFC 9162, section 2.1.3.2)."""
    require(0 <= index < count, "no such place")
    nodes, last = list(path), count - 1
    while last > 0:
        if index % 2 == 1 or index < last:
            require(bool(nodes), "the path is too short")
            sibling = nodes.pop(0)
            leaf = node(sibling, leaf) if index % 2 == 1 else node(leaf, sibling)
        index, last = index // 2, last // 2
    require(not nodes, "the path is too long")
    return leaf


def log_node(left: bytes, right: bytes) -> bytes:
    """A node of RFC 6962."""
    return hashlib.sha256(b"\1" + left + right).digest()


def check_lines(text: str, lines: str, log: Key, carried: Sequence[Key]) -> None:
    """Every line is the log's, once, or the next witness's; none is left over."""
    require(len({key.public for key in (log, *carried)}) == len(carried) + 1, "a key occurs twice")
    require(lines.endswith("\n"), "the checkpoint ends early")
    signers = [log if line.split(" ")[1] == log.name else None for line in lines[:-1].split("\n")]
    waiting = iter(carried)
    for line, signer in zip(lines[:-1].split("\n"), signers, strict=True):
        dash, name, signed = line.split(" ")
        key = signer or next(waiting, None)
        require(dash == "—" and key is not None and key.name == name, f"a line of {name} that nobody knows")
        assert key is not None
        check_line(text, key, unbase64(signed))
    require(signers.count(log) == 1, "the log has not signed once")
    require(next(waiting, None) is None, "a witness has not signed")


def check_line(text: str, key: Key, signed: bytes) -> None:
    """One signature over the checkpoint (C2SP signed-note, tlog-cosignature)."""
    require(signed[:4] == key.id, "the id is not the key's")
    message, signature = text.encode(), signed[4:]
    if key.algorithm == COSIGNATURE:
        time_s, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        require(time_s < 1 << 63, "the time is too large")
        message = f"cosignature/v1\ntime {time_s}\n{text}".encode()
    require(ed25519.verify(key.public, message, signature), f"the signature of {key.name} does not verify")


def read_key(text: str, algorithm: int) -> Key:
    """A verifier key of this kind."""
    name, id, encoded = text.split("+", 2)
    key = Key(name, *_split(unbase64(encoded)))
    require(key.algorithm == algorithm and key.id.hex() == id, f"{text} is no key of this kind")
    ed25519.admit_key(key.public)
    return key


def _split(encoded: bytes) -> tuple[int, bytes]:
    return encoded[0], encoded[1:]


def unbase64(text: str) -> bytes:
    """The bytes; only the canonical spelling of them is read."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError) as error:
        raise ValueError("not base64") from error
    require(base64.b64encode(data).decode() == text, "not the one spelling")
    return data


def require(holds: bool, otherwise: str) -> None:
    """Raises ``ValueError`` unless it holds."""
    if not holds:
        raise ValueError(otherwise)
