"""The reference verifies proofs as the Rust core does: the same record hash, and the same refusals."""

import random
from pathlib import Path

import pytest

from farechain import _core

from . import proof
from .events import payment
from .twin import Story

WITNESSES = ("bureau", "holders", "reimbursers")
CHANGED = 120


@pytest.fixture
def proven(story: Story, tmp_path: Path) -> tuple[list[bytes], str, list[str]]:
    """Proofs of a block of five invoices and of one alone, the log's key and the witnesses' keys."""
    story.set_up()
    for count in (5, 1):
        for n in range(count):
            story.say(payment(txn_id=f"T{count}-{n}"))
        story.next_block()
    log = _core.PublicLog.open(str(tmp_path / "public"), str(tmp_path / "log"), "shenzhen/0", b"L" * 32)
    log.catch_up(story.ledger)
    note = log.sign()
    seeds = {name: name.encode().ljust(32, b".") for name in WITNESSES}
    log.publish(note + "".join(_core.cosign(name, seed, note, 1_772_323_200) for name, seed in seeds.items()))
    vkeys = [_core.vkey_cosignature(name, _core.public_key(seed)) for name, seed in seeds.items()]
    places = [*((2, index) for index in range(5)), (3, 0)]
    return [story.ledger.prove(*place, log, vkeys) for place in places], log.vkey, vkeys


def test_genuine_proofs_prove_the_same_record(proven: tuple[list[bytes], str, list[str]]) -> None:
    proofs, vkey, witnesses = proven
    for compact in proofs:
        expected = _core.verify_proof(compact, vkey, witnesses, 3)["hash"]
        for form in (compact, _core.proof_to_json(compact)):
            assert proof.verify(form, vkey, witnesses, 3) == expected
            assert proof.verify(form, vkey, [], 0) == expected


def test_a_changed_byte_is_refused(proven: tuple[list[bytes], str, list[str]]) -> None:
    (_, compact, *_), vkey, witnesses = proven
    rng = random.Random(7)
    for form in (compact, _core.proof_to_json(compact)):
        for place in rng.sample(range(len(form)), CHANGED):
            changed = form[:place] + bytes([form[place] ^ 1 << rng.randrange(8)]) + form[place + 1 :]
            for verify in (_core.verify_proof, proof.verify):
                with pytest.raises((ValueError, RecursionError)):
                    verify(changed, vkey, witnesses, 2)


def test_keys_that_were_not_given_do_not_count(proven: tuple[list[bytes], str, list[str]]) -> None:
    (compact, *_), vkey, witnesses = proven
    stranger = _core.vkey_cosignature("stranger", _core.public_key(b"S" * 32))
    for verify in (_core.verify_proof, proof.verify):
        verify(compact, vkey, [*witnesses[:1], stranger], 1)
        with pytest.raises(ValueError, match="cosigned"):
            verify(compact, vkey, [*witnesses[:1], stranger], 2)
        with pytest.raises(ValueError, match=r"."):
            verify(compact, _core.vkey_ed25519("shenzhen/1", _core.public_key(b"L" * 32)), witnesses, 2)
