"""Proofs of where payments and invoices stand: the browser says what Rust says, word for word."""

import base64
import random
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from farechain import _core
from reference.life import Life
from reference.twin import Story

pytestmark = pytest.mark.browser

STEPS, CHANGES = 200, 600
SAID = """([proofs, keys]) => proofs.map((text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  try {
    const { whom, finding, words, stateHeight, height } = farechain.verifyStateProof(bytes, keys);
    return [whom, finding, words, stateHeight, height];
  } catch { return null; }
})"""
Said = list[Any] | None


def in_browser(page: Page, proofs: list[bytes], vkey: str) -> list[Said]:
    """Whom, what, and as of when; None where the browser refuses."""
    keys = {"vkey": vkey, "witnesses": [], "threshold": 0}
    said: list[Said] = page.evaluate(SAID, [[base64.b64encode(proof).decode() for proof in proofs], keys])
    return said


def in_rust(proof: bytes, vkey: str) -> Said:
    """The same by the core."""
    try:
        proven = _core.verify_state_proof(proof, vkey, [], 0)
    except ValueError:
        return None
    whom = proven["payment"].hex() if proven["payment"] else "{}-{:08d}".format(*proven["asked"])
    return [whom, proven["finding"], proven["words"], proven["height"], proven["header"]["height"]]


def proofs_of(story: Story, log: _core.PublicLog) -> list[bytes]:
    """Of everything that a life left, of what never was, and of red letters."""
    state = story.replay.state
    found = [story.ledger.prove_payment_state(one, log) for one in [*state.payments, bytes(32)]]
    highest: dict[str, int] = {}
    for code, number in state.invoices:
        highest[code] = max(highest.get(code, 0), number)
    for code, last in highest.items():
        found += [story.ledger.prove_invoice_state(code, number, log) for number in range(1, last + 2)]
    return [proof for proof in found if proof is not None]


def test_the_browser_says_what_rust_says(desk: Page, site: str, tmp_path: Path) -> None:
    story = Story(tmp_path / "ledger")
    Life(story, 3).run(STEPS)
    story.commit_state(0, story.time_ms)
    log = _core.PublicLog.open(str(tmp_path / "public"), str(tmp_path / "log"), story.ledger.chain, b"L" * 32)
    log.catch_up(story.ledger)
    log.publish(log.sign())
    compact = proofs_of(story, log)
    both = compact + [_core.proof_to_json(proof) for proof in compact]
    expected = [in_rust(proof, log.vkey) for proof in both]
    findings = {said[1] for said in expected if said is not None}
    assert findings == {"UNKNOWN", "NOT_INVOICED", "INVOICED", "INVOICE", "RED_LETTER"}
    desk.goto(site)
    assert in_browser(desk, both, log.vkey) == expected
    rng = random.Random(1)
    changed = []
    for _ in range(CHANGES):
        proof = bytearray(rng.choice(both))
        proof[rng.randrange(len(proof))] ^= 1 << rng.randrange(8)
        changed.append(bytes(proof))
    assert in_browser(desk, changed, log.vkey) == [in_rust(proof, log.vkey) for proof in changed]
    story.ledger.close()
