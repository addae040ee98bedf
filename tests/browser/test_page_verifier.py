"""The verifier in the browser against the one in Rust: the same verdict on every proof."""

import base64
import json
import random
import re
from typing import Any

import pytest
from playwright.sync_api import Page

from browser.small_day import SmallDay
from farechain import _core

pytestmark = pytest.mark.browser

VERDICTS = """([proofs, keys]) => proofs.map((text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  try { return farechain.verifyProof(bytes, keys).hash; } catch { return null; }
})"""


def in_browser(page: Page, proofs: list[bytes], keys: dict[str, Any]) -> list[str | None]:
    """The record's hash where the browser accepts, None where it refuses."""
    verdicts: list[str | None] = page.evaluate(
        VERDICTS, [[base64.b64encode(p).decode() for p in proofs], keys]
    )
    return verdicts


def in_rust(proofs: list[bytes], keys: dict[str, Any]) -> list[str | None]:
    """The same by the core."""

    def verdict(proof: bytes) -> str | None:
        try:
            found = _core.verify_proof(proof, keys["vkey"], keys["witnesses"], keys["threshold"])
        except ValueError:
            return None
        digest: bytes = found["hash"]
        return digest.hex()

    return [verdict(proof) for proof in proofs]


def keys_of(day: SmallDay, **changes: Any) -> dict[str, Any]:
    return {"vkey": day.log.vkey, "witnesses": day.witness_vkeys, "threshold": 2} | changes


def proofs_of(day: SmallDay, step: int) -> list[bytes]:
    return [
        day.ledger.prove(found["height"], found["index"], day.log, day.witness_vkeys)
        for found in list(day.invoices())[::step]
    ]


def test_genuine_proofs_are_accepted_in_both_forms(desk: Page, site: str, small_day: SmallDay) -> None:
    desk.goto(site)
    compact = proofs_of(small_day, 40)
    both = compact + [_core.proof_to_json(proof) for proof in compact]
    verdicts = in_browser(desk, both, keys_of(small_day))
    assert None not in verdicts
    assert verdicts == in_rust(both, keys_of(small_day))


@pytest.mark.parametrize("form", ["compact", "json"])
def test_a_changed_byte_anywhere_is_refused(desk: Page, site: str, small_day: SmallDay, form: str) -> None:
    desk.goto(site)
    proof = proofs_of(small_day, 500)[1]
    proof = proof if form == "compact" else _core.proof_to_json(proof)
    rng = random.Random(7)
    changed = [
        proof[:place] + bytes([proof[place] ^ 1 << rng.randrange(8)]) + proof[place + 1 :]
        for place in range(len(proof))
    ]
    for keys in (keys_of(small_day), keys_of(small_day, witnesses=[], threshold=0)):
        assert in_browser(desk, [proof], keys) != [None]
        accepted = [place for place, hash in enumerate(in_browser(desk, changed, keys)) if hash]
        assert accepted == [], f"seed 7: accepted with a changed byte at {accepted}"


def test_proofs_of_odd_shape_get_the_same_verdict_as_in_rust(
    desk: Page, site: str, small_day: SmallDay
) -> None:
    desk.goto(site)
    proof = proofs_of(small_day, 500)[0]
    text = _core.proof_to_json(proof)
    odd = [
        b"",
        b"{",
        b"{}",
        b"[]",
        b"\x80",
        b"\x8a",
        proof + b"\0",
        proof[:-1],
        text + b"\n",
        b" " + text,
        text.replace(b":", b": ", 1),
        text.replace(b'"index":', b'"index":0,"index":', 1),
        text.replace(b"}", b',"more":1}'),
        text.replace(b'"format"', b'"\\u0066ormat"'),
        text.replace("—".encode(), b"\\u2014"),
        text.replace(b"+", b"-").replace(b"/", b"_"),
        text.replace(b'"path":[', b'"path":["' + base64.b64encode(bytes(32)) + b'",', 1),
        b"\xef\xbb\xbf" + text,
        text.replace(b'"witnesses":[', b'"witnesses":["",'),
        re.sub(rb'"witnesses":\[.*\]', b'"witnesses":[]', text),
        re.sub(rb'"witnesses":\[("[^"]*"),("[^"]*")', rb'"witnesses":[\2,\1', text),
        re.sub(rb'("[^"]*")\]}$', rb"\1,\1]}", text),
        re.sub(rb',"[^"]*"\]}$', b"]}", text),
        text.replace(b'["bureau+', b'[" bureau+'),
        bytes(20_000),
    ]
    assert in_browser(desk, odd, keys_of(small_day)) == in_rust(odd, keys_of(small_day))


def test_carried_witness_keys_get_the_same_verdict_as_in_rust(
    desk: Page, site: str, small_day: SmallDay
) -> None:
    desk.goto(site)
    shown = json.loads(_core.proof_to_json(proofs_of(small_day, 500)[0]))
    one, two, three = shown["witnesses"]
    checkpoint: str = shown["checkpoint"]
    *lines, last = checkpoint.splitlines(keepends=True)
    body = "".join(lines)
    text, seed = body.split("\n\n")[0] + "\n", b"S" * 32
    stranger = _core.vkey_cosignature("stranger", _core.public_key(seed))
    alias = _core.vkey_cosignature("alias", _core.public_key(b"bureau".ljust(32, b".")))
    lone = _core.vkey_cosignature("log", _core.public_key(b"L" * 32))
    note = f"{text}\n{lines[4]}"

    def cosigned(name: str, seed: bytes) -> str:
        return body + last + _core.cosign(name, seed, note, 1)

    cases: list[tuple[str, list[Any], bool]] = [
        (body + last, [one, two, three], True),
        (body + last, [two, one, three], False),
        (body + last, [one, two], False),
        (body + last, [one, two, three, three], False),
        (body + last, [one, two, three, stranger], False),
        (body + last, [one, two, three + "="], False),
        (body + last, [one, two, " " + three], False),
        (body + last, [one, two, small_day.log.vkey], False),
        (body + last, [one, two, 3], False),
        (body, [one, two], True),
        (body, [one, two, three], False),
        (body + last + last, [one, two, three], False),
        (body + last + lines[4], [one, two, three], False),
        (cosigned("stranger", seed), [one, two, three, stranger], True),
        (cosigned("stranger", b"T" * 32), [one, two, three, stranger], False),
        (cosigned("alias", b"bureau".ljust(32, b".")), [one, two, three, alias], False),
        (cosigned("log", b"L" * 32), [one, two, three, lone], False),
        ("".join(lines[:4]) + last, [three], False),
    ]
    odd = [
        json.dumps(
            shown | {"checkpoint": changed, "witnesses": witnesses},
            separators=(",", ":"),
            ensure_ascii=False,
        ).encode()
        for changed, witnesses, _holds in cases
    ]
    for keys in (keys_of(small_day), keys_of(small_day, witnesses=[], threshold=0)):
        verdicts = in_browser(desk, odd, keys)
        assert verdicts == in_rust(odd, keys)
        assert [verdict is not None for verdict in verdicts] == [holds for *_, holds in cases]


def test_keys_and_threshold_decide_as_in_rust(desk: Page, site: str, small_day: SmallDay) -> None:
    desk.goto(site)
    proof = proofs_of(small_day, 500)[:1]
    one, two, three = small_day.witness_vkeys
    other = _core.vkey_ed25519("shenzhen/0", _core.public_key(b"O" * 32))
    namesake = _core.vkey_cosignature(three.split("+")[0], _core.public_key(b"N" * 32))
    renamed = _core.vkey_cosignature("someone", _core.public_key(b"bureau".ljust(32, b".")))
    cases: list[dict[str, Any]] = [
        {"threshold": 3},
        {"threshold": 4},
        {"threshold": 0},
        {"witnesses": [one, two]},
        {"witnesses": []},
        {"witnesses": [], "threshold": 0},
        {"witnesses": [one, two, namesake], "threshold": 3},
        {"witnesses": [one, two, namesake], "threshold": 2},
        {"witnesses": [one, one, two, three]},
        {"witnesses": [one, two, three, renamed]},
        {"witnesses": [one, two, three, other]},
        {"vkey": other},
        {"vkey": one},
        {"vkey": small_day.log.vkey.replace("shenzhen/0", "shenzhen/1")},
        {"vkey": small_day.log.vkey[:-4] + "AAA="},
    ]
    for changes in cases:
        keys = keys_of(small_day, **changes)
        assert in_browser(desk, proof, keys) == in_rust(proof, keys), changes
