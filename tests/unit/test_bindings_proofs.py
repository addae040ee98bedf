"""Proofs and the public log through the bindings: what is proven, and that no byte can change unnoticed."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bindings_little_chain as little
import pytest
from bindings_little_chain import CHAIN, CODE, LOG, METRO, commit, payment

from farechain import _core

REASON = r"."
"""Every refusal says something."""


def compact_json(shown: dict[str, object]) -> bytes:
    """JSON in the one way in which proofs are written."""
    return json.dumps(shown, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Proven:
    """A proof with what is needed to verify it."""

    ledger: _core.Ledger
    log: _core.PublicLog
    public: Path
    compact: bytes

    def verify(self, proof: bytes, threshold: int = 1) -> dict[str, object]:
        return _core.verify_proof(proof, self.log.vkey, [little.witness_vkey()], threshold)

    def refuse(self, proof: bytes) -> None:
        """Fails unless it is refused by who knows the witness and by who knows the log alone."""
        with pytest.raises(ValueError, match=REASON):
            self.verify(proof)
        with pytest.raises(ValueError, match=REASON):
            _core.verify_proof(proof, self.log.vkey, [], 0)


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proven]:
    """Invoice 3 of 5 blocks, one record among several."""
    path = tmp_path_factory.mktemp("chain")
    ledger = little.issuing(path / "ledger")
    commit(ledger, METRO, [payment(offset) for offset in range(5)])
    commit(ledger, METRO, [payment(5)])
    commit(ledger, METRO, [payment(6)])
    log = little.public_log(ledger, path)
    found = ledger.invoice(CODE, 3)
    assert found is not None
    compact = ledger.prove(found["height"], found["index"], log, [little.witness_vkey()])
    yield Proven(ledger, log, path / "public", compact)
    ledger.close()


def test_a_proof_says_what_the_ledger_says(proven: Proven) -> None:
    found = proven.ledger.invoice(CODE, 3)
    assert found is not None
    said = proven.verify(proven.compact)
    assert said == {
        "record": found["record"],
        "hash": found["hash"],
        "fields": found["fields"],
        "header": _core.decode_header(proven.ledger.headers(2, 1)[0]),
        "origin": CHAIN,
        "size": 5,
        "cosigners": ["witness"],
    }
    directory = proven.ledger.prove(2, 2, str(proven.public), (little.witness_vkey(),))
    assert directory == proven.compact, "the directory alone proves the same"


def test_both_forms_are_one_proof(proven: Proven) -> None:
    text = _core.proof_to_json(proven.compact)
    assert _core.proof_to_compact(text) == proven.compact
    assert proven.verify(text) == proven.verify(proven.compact)
    shown = json.loads(text)
    assert shown["format"] == "farechain-proof/1"
    assert base64.b64decode(shown["record"]) == proven.verify(text)["record"]
    with pytest.raises(ValueError, match=REASON):
        _core.proof_to_json(text)
    with pytest.raises(ValueError, match=REASON):
        _core.proof_to_compact(proven.compact)


def test_every_flipped_bit_of_a_compact_proof_is_found(proven: Proven) -> None:
    for place in range(len(proven.compact)):
        for bit in range(8):
            other = bytearray(proven.compact)
            other[place] ^= 1 << bit
            proven.refuse(bytes(other))


def test_every_changed_byte_of_a_json_proof_is_found(proven: Proven) -> None:
    text = _core.proof_to_json(proven.compact)
    for place in range(len(text)):
        for letter in (b"A", b"9", b" ", b"\\"):
            other = text[:place] + letter + text[place + 1 :]
            if other != text:
                proven.refuse(other)


@pytest.mark.parametrize("form", ["compact", "json"])
def test_every_cut_and_every_addition_is_found(proven: Proven, form: str) -> None:
    proof = proven.compact if form == "compact" else _core.proof_to_json(proven.compact)
    for end in range(len(proof)):
        proven.refuse(proof[:end])
    proven.refuse(proof + b"\0")


@pytest.mark.parametrize(
    "member",
    ["format", "record", "index", "path", "header", "tlog_size", "tlog_path", "checkpoint", "witnesses"],
)
def test_each_member_is_needed_and_no_other_allowed(proven: Proven, member: str) -> None:
    shown = json.loads(_core.proof_to_json(proven.compact))
    assert compact_json(shown) == _core.proof_to_json(proven.compact)
    without = {name: value for name, value in shown.items() if name != member}
    for other in (without, {**shown, "extra": 1}, {**shown, member: None}):
        proven.refuse(compact_json(other))
    proven.refuse(compact_json(shown)[:-1] + b"," + compact_json({member: shown[member]})[1:])


def test_the_logs_key_alone_verifies_and_counts_no_witness(proven: Proven) -> None:
    alone = _core.verify_proof(proven.compact, proven.log.vkey, [], 0)
    assert alone == {**proven.verify(proven.compact), "cosigners": []}
    namesake = _core.vkey_cosignature("witness", _core.public_key(b"\x98" * 32))
    assert _core.verify_proof(proven.compact, proven.log.vkey, [namesake], 0)["cosigners"] == []
    with pytest.raises(ValueError, match="0 of the given witnesses"):
        _core.verify_proof(proven.compact, proven.log.vkey, [namesake], 1)


def test_a_proof_carries_the_known_witnesses_that_cosigned(proven: Proven) -> None:
    shown = json.loads(_core.proof_to_json(proven.compact))
    assert shown["witnesses"] == [little.witness_vkey()]
    assert shown["checkpoint"] == proven.log.checkpoint()
    stranger = _core.vkey_cosignature("stranger", _core.public_key(b"\x98" * 32))
    known = [stranger, little.witness_vkey()]
    assert proven.ledger.prove(2, 2, proven.log, known) == proven.compact
    bare = proven.ledger.prove(2, 2, proven.log)
    shown = json.loads(_core.proof_to_json(bare))
    assert (shown["witnesses"], shown["checkpoint"].count("\u2014")) == ([], 1)
    assert _core.verify_proof(bare, proven.log.vkey, [], 0)["size"] == 5
    with pytest.raises(ValueError, match="verifier key"):
        proven.ledger.prove(2, 2, proven.log, ["no key"])


def test_another_logs_key_or_too_few_witnesses_are_refused(proven: Proven) -> None:
    other = _core.vkey_ed25519(CHAIN, _core.public_key(b"\x99" * 32))
    with pytest.raises(ValueError, match=REASON):
        _core.verify_proof(proven.compact, other, [little.witness_vkey()], 1)
    with pytest.raises(ValueError, match="threshold"):
        proven.verify(proven.compact, threshold=2)
    stranger = _core.vkey_cosignature("stranger", _core.public_key(b"\x98" * 32))
    with pytest.raises(ValueError, match=REASON):
        _core.verify_proof(proven.compact, proven.log.vkey, [stranger], 1)
    with pytest.raises(ValueError, match=REASON):
        _core.verify_proof(proven.compact, little.witness_vkey(), [proven.log.vkey], 1)


def test_a_record_of_the_same_block_does_not_fit_the_proof(proven: Proven) -> None:
    shown = json.loads(_core.proof_to_json(proven.compact))
    neighbour = proven.ledger.record(2, 1)
    assert neighbour is not None
    shown["record"] = base64.b64encode(neighbour).decode()
    with pytest.raises(ValueError, match="record"):
        proven.verify(compact_json(shown))


def test_what_is_not_published_or_not_there_is_not_proven(tmp_path: Path) -> None:
    ledger = little.issuing(tmp_path / "ledger")
    log = little.public_log(ledger, tmp_path)
    commit(ledger, METRO, [payment(0)])
    with pytest.raises(_core.LedgerError, match="not under a published checkpoint") as caught:
        ledger.prove(2, 0, log)
    assert caught.value.args[0] == "invalid"
    with pytest.raises(_core.LedgerError, match="no record 99") as caught:
        ledger.prove(1, 99, log)
    assert caught.value.args[0] == "invalid"
    ledger.close()


def test_the_log_grows_by_consistent_checkpoints(tmp_path: Path) -> None:
    ledger = little.issuing(tmp_path / "ledger")
    log = _core.PublicLog.open(str(tmp_path / "public"), str(tmp_path / "state"), CHAIN, LOG)
    assert (log.size, log.published_size, log.checkpoint()) == (0, 0, "")
    assert log.vkey == _core.vkey_ed25519(CHAIN, _core.public_key(LOG))
    assert log.catch_up(ledger, 1) == log.size == 1
    assert log.catch_up(ledger) == 2
    first = log.sign()
    assert log.published_size == 0, "signed is not published"
    log.publish(first)
    assert (log.published_size, log.checkpoint()) == (2, first)
    for offset in range(9):
        commit(ledger, METRO, [payment(offset)])
    assert log.catch_up(ledger) == 11
    second = log.sign()
    headers = ledger.headers(0, 100)
    (origin, size, root), (_, old_size, old_root) = map(_core.parse_checkpoint, (second, first))
    assert (origin, size, old_size) == (CHAIN, 11, 2)
    assert root == _core.rfc6962_root(headers)
    assert old_root == _core.rfc6962_root(headers[:2])
    proof = log.consistency(2, 11)
    _core.verify_consistency(2, old_root, 11, root, proof)
    for place in range(len(proof)):
        other = [bytes(32) if at == place else node for at, node in enumerate(proof)]
        with pytest.raises(ValueError, match=REASON):
            _core.verify_consistency(2, old_root, 11, root, other)
    assert _core.open_note(second, [log.vkey]) == [(CHAIN, None)]
    assert len(log.inclusion(3, 11)) == 4
    with pytest.raises(_core.LedgerError) as caught:
        log.consistency(2, 12)
    assert caught.value.args[0] == "invalid"
    log.publish(second)
    report = _core.audit(str(tmp_path / "ledger"), public=str(tmp_path / "public"), vkey=log.vkey)
    assert report["ok"], report
    assert (report["public"]["size"], report["public"]["entries"]) == (11, 11)
    ledger.close()


def test_audit_names_the_file_and_byte_of_a_changed_tile(tmp_path: Path) -> None:
    ledger = little.issuing(tmp_path / "ledger")
    log = little.public_log(ledger, tmp_path)
    ledger.close()
    tile = tmp_path / "public" / "tile" / "0" / "000.p" / "2"
    damaged = bytearray(tile.read_bytes())
    damaged[40] ^= 1
    tile.write_bytes(bytes(damaged))
    report = _core.audit(str(tmp_path / "ledger"), public=str(tmp_path / "public"), vkey=log.vkey)
    assert (report["ok"], report["file"], report["byte"]) == (False, str(tile), 40)
    assert report["what"]
    with pytest.raises(_core.LedgerError, match="give both") as caught:
        _core.audit(str(tmp_path / "ledger"), public=str(tmp_path / "public"))
    assert caught.value.args[0] == "invalid"


def test_a_log_that_lost_what_was_signed_does_not_open(tmp_path: Path) -> None:
    ledger = little.issuing(tmp_path / "ledger")
    little.public_log(ledger, tmp_path)
    ledger.close()
    for tile in (tmp_path / "public" / "tile").rglob("2"):
        tile.unlink()
    with pytest.raises(_core.LedgerError) as caught:
        _core.PublicLog.open(str(tmp_path / "public"), str(tmp_path / "state"), CHAIN, LOG)
    assert caught.value.args[0] == "rollback"


def test_notes_say_who_signed_and_when() -> None:
    vkey = _core.vkey_ed25519("log", _core.public_key(LOG))
    body = f"log\n7\n{base64.b64encode(bytes(32)).decode()}\n"
    unsigned = f"{body}\n\u2014 other {base64.b64encode(bytes(68)).decode()}\n"
    assert _core.parse_checkpoint(unsigned) == ("log", 7, bytes(32))
    with pytest.raises(ValueError, match="none of the given keys"):
        _core.open_note(unsigned, [vkey])
    cosigned = unsigned + _core.cosign("witness", little.WITNESS, unsigned, 2**40)
    assert _core.open_note(cosigned, [vkey, little.witness_vkey()]) == [("witness", 2**40)]
    with pytest.raises(ValueError, match="witness does not verify"):
        _core.open_note(cosigned.replace("log\n7\n", "log\n8\n"), [little.witness_vkey()])
    for wrong in ("", "log\n7\n", body, "log\n07\n" + unsigned[6:]):
        with pytest.raises(ValueError, match=REASON):
            _core.parse_checkpoint(wrong)
    for name in ("", "a b", "a+b"):
        with pytest.raises(ValueError, match="name"):
            _core.vkey_ed25519(name, _core.public_key(LOG))
