"""The tree over current state: order does not matter, proofs say what the map says, others nothing."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from . import state_map

VECTORS = Path(__file__).parents[1] / "vectors" / "state_map.json"
CASES = json.loads(VECTORS.read_text())["cases"]


def entries(count: int) -> dict[bytes, bytes]:
    def digest(name: str) -> bytes:
        return hashlib.sha256(name.encode()).digest()

    return {digest(f"key {i}"): digest(f"value {i}") for i in range(count)}


def test_the_order_of_insertion_does_not_matter() -> None:
    forth = entries(12)
    back = dict(reversed(forth.items()))
    assert state_map.root(forth) == state_map.root(back)
    assert state_map.root(forth) != state_map.root(entries(11))


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_every_changed_byte_and_every_cut_is_refused(count: int) -> None:
    held = entries(count)
    root = state_map.root(held)
    for key in [*list(held)[:1], bytes(32)]:
        proof = state_map.prove(held, key)
        assert state_map.verify(root, key, proof) == held.get(key)
        for at in range(len(proof)):
            for change in (1, 0x20, 0x80):
                bad = bytearray(proof)
                bad[at] ^= change
                with pytest.raises(ValueError, match=r"\w"):
                    state_map.verify(root, key, bytes(bad))
            with pytest.raises(ValueError, match=r"\w"):
                state_map.verify(root, key, proof[:at])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_vectors_verify_and_what_they_refuse_is_refused(case: dict[str, Any]) -> None:
    root = bytes.fromhex(case["root"])
    for one in case["proofs"]:
        key = bytes.fromhex(one["key"])
        value = state_map.verify(root, key, bytes.fromhex(one["proof"]))
        assert (None if value is None else value.hex()) == one["value"]
        for bad in one["refused"].values():
            with pytest.raises(ValueError, match=r"\w"):
                state_map.verify(root, key, bytes.fromhex(bad))
