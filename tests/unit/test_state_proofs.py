"""Where a payment and an invoice stand, proved: before, after, never; after a crash; forged."""

import json
import shutil
from pathlib import Path

import bindings_little_chain as little
import pytest
from bindings_little_chain import CODE, COMMANDS, ISSUER, METRO, START_MS, commit, payment, signed

from farechain import _core

CLERK = b"\x21" * 32
COMPANY = "91110000600037341L"
KEYS = 7
"""Commands that ``little.commands`` gives."""


def identity_of(record: _core.SourceRecord) -> bytes:
    """A payment's identity (docs/format.md, section 2)."""
    data = json.loads(record[3] or b"")["data"]
    parts = (data["seller_tax_id"].encode(), b"\1", b"\1", data["txn_id"].encode())
    return _core.identity([b"PAYMENT", *parts])


class Chain:
    """A ledger whose rides wait for a claim, and its public log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ledger = little.create(path / "ledger")
        self.log = _core.PublicLog.open(str(path / "public"), str(path / "signer"), little.CHAIN, little.LOG)
        self.given = 0
        self.time_ms = START_MS
        commit(self.ledger, COMMANDS, little.commands())
        self.given = KEYS
        rate = {"scene": "METRO", "tax_code": little.TAX_CODE, "rate": 300}
        row = {**rate, "policy": "ON_CLAIM", "stored_value": "AT_RIDE"}
        self.order(ISSUER, "MANDATE", rows=[row])
        clerk = {"public_key": _core.public_key(CLERK).hex(), "role": "REIMBURSER", "tax_id": COMPANY}
        self.order(little.BUREAU, "REGISTER_KEY", **clerk, scenes=[], from_height=0, to_height=None)

    def order(self, seed: bytes, kind: str, **members: object) -> None:
        """A command that must not be refused, in a block of its own."""
        offset, self.given = self.given, self.given + 1
        data = {"kind": kind, "network": little.NETWORK, "command_id": f"c-{offset}", **members}
        assert commit(self.ledger, COMMANDS, [signed(seed, offset, data)]).rejected == {}

    def claim(self, *payments: bytes) -> None:
        buyer = {"buyer": "ORGANIZATION", "buyer_tax_id": COMPANY, "title": "07" * 32, "holder": None}
        listed = [{"payment": one.hex(), "opening": None} for one in payments]
        self.order(ISSUER, "CLAIM", **buyer, payments=listed)

    def commit_state(self) -> None:
        """A block that holds nothing but a commitment to what was before, and a checkpoint over it."""
        ledger = self.ledger
        assert ledger.apply_state() == ledger.height
        committed = ledger.commit(ledger.prepare(ledger.intake().seal(1)), self.time_ms, state=True)
        assert (committed.inputs, committed.records) == (0, 1)
        self.publish()

    def publish(self) -> None:
        self.log.catch_up(self.ledger)
        self.log.publish(self.log.sign())

    def says(self, payment: bytes) -> str:
        """A payment's finding in words."""
        proof = self.ledger.prove_payment_state(payment, self.log)
        assert proof is not None
        return str(self.verified(proof)["words"])

    def says_of(self, number: int) -> str:
        """An invoice's."""
        proof = self.ledger.prove_invoice_state(CODE, number, self.log)
        assert proof is not None
        return str(self.verified(proof)["words"])

    def verified(self, proof: bytes) -> dict[str, object]:
        proven = _core.verify_state_proof(proof, self.log.vkey, [], 0)
        assert _core.verify_state_proof(_core.proof_to_json(proof), self.log.vkey, [], 0) == proven
        assert _core.proof_to_compact(_core.proof_to_json(proof)) == proof
        return proven


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path)


def test_a_small_day_is_proved_at_every_turn(chain: Chain) -> None:
    """Nothing committed, not invoiced, invoiced, locked, free again; and what the ledger has never seen."""
    rides = [payment(offset) for offset in range(3)]
    first, second, _third = [identity_of(ride) for ride in rides]
    commit(chain.ledger, METRO, rides)
    chain.publish()
    assert chain.ledger.prove_payment_state(first, chain.log) is None
    chain.commit_state()
    assert chain.says(first) == "not invoiced"
    assert chain.says(bytes(32)) == "unknown to the ledger"
    assert chain.says_of(1) == "unknown to the ledger"
    chain.claim(first, second)
    assert chain.says(first) == "not invoiced", "as of the commitment"
    chain.commit_state()
    assert chain.says(first) == f"invoiced as {CODE}-00000001 with 665 fen; the invoice is free"
    assert chain.says_of(1) == "free"
    invoice = {"code": CODE, "number": 1}
    chain.order(CLERK, "LOCK", **invoice, claim_id="trip-9", presentation=None)
    chain.commit_state()
    assert chain.says_of(1) == f"locked by {COMPANY} for claim trip-9"
    assert chain.says(second).endswith(f"the invoice is locked by {COMPANY} for claim trip-9")
    chain.order(ISSUER, "RED_ISSUE", **invoice, reason="ISSUE_ERROR", payments=[first.hex()])
    chain.commit_state()
    assert chain.says(first) == "not invoiced"
    assert chain.says(second) == f"invoiced as {CODE}-00000001 with 665 fen; the invoice is free"
    assert chain.says_of(2) == f"a red letter of {CODE}-00000001"
    chain.ledger.close()
    assert _core.audit(str(chain.path / "ledger"))["states"] == 4


def refused_or_of_another(chain: Chain, proof: bytes, *, absent: bool) -> bool:
    try:
        proven = _core.verify_state_proof(proof, chain.log.vkey, [], 0)
    except ValueError:
        return True
    return absent and proven["finding"] == "UNKNOWN" and proven["asked"] != (CODE, 9)


def test_a_changed_byte_anywhere_in_either_form_is_refused(chain: Chain) -> None:
    """Of a proof with all that a proof can have: two steps, a payment among several; and of one of nothing.

    That of nothing also proves that some neighbours are not there: it then says so of them.
    """
    rides = [payment(offset) for offset in range(3)]
    commit(chain.ledger, METRO, rides)
    chain.claim(*[identity_of(ride) for ride in rides])
    chain.commit_state()
    known = chain.ledger.prove_payment_state(identity_of(rides[1]), chain.log)
    absent = chain.ledger.prove_invoice_state(CODE, 9, chain.log)
    assert known is not None
    assert absent is not None
    for compact in (known, absent):
        for form in (compact, _core.proof_to_json(compact)):
            chain.verified(compact)
            for at in range(len(form)):
                for mask in (1, 0x20, 0x80):
                    bad = bytearray(form)
                    bad[at] ^= mask
                    assert refused_or_of_another(chain, bytes(bad), absent=compact is absent)


def test_a_proof_of_one_payment_is_none_of_another(chain: Chain) -> None:
    rides = [payment(offset) for offset in range(2)]
    commit(chain.ledger, METRO, rides)
    chain.commit_state()
    first, second = [identity_of(ride) for ride in rides]
    proof = chain.ledger.prove_payment_state(first, chain.log)
    assert proof is not None
    with pytest.raises(ValueError, match="state"):
        _core.verify_state_proof(proof.replace(first, second, 1), chain.log.vkey, [], 0)


def test_what_a_kill_between_map_and_commitment_leaves_is_good(chain: Chain) -> None:
    """The map is ahead of the last commitment: nothing is shown until the next one, and that is due."""
    first, second = payment(0), payment(1)
    commit(chain.ledger, METRO, [first])
    chain.commit_state()
    commit(chain.ledger, METRO, [second])
    chain.ledger.apply_state()
    shutil.copytree(chain.path / "ledger", chain.path / "killed")
    killed = _core.Ledger.open(str(chain.path / "killed"))
    assert killed.prove_payment_state(identity_of(first), chain.log) is None
    killed.apply_state()
    assert killed.state_status()["due"]
    killed.commit(killed.prepare(killed.intake().seal(1)), START_MS, state=True)
    assert not killed.state_status()["due"]
    killed.close()
    assert _core.audit(str(chain.path / "killed"))["ok"]


@pytest.mark.parametrize("lost", ["all", "a file"])
def test_a_map_that_is_lost_is_made_again_from_the_log(chain: Chain, lost: str) -> None:
    commit(chain.ledger, METRO, [payment(offset) for offset in range(40)])
    chain.commit_state()
    root = chain.ledger.state_status()["committed"]["root"]
    chain.ledger.close()
    state_map = chain.path / "ledger" / "state-map"
    if lost == "all":
        shutil.rmtree(state_map)
    else:
        next(state_map.glob("entries-*")).write_bytes(b"no map")
    chain.ledger = _core.Ledger.open(str(chain.path / "ledger"))
    chain.ledger.apply_state()
    status = chain.ledger.state_status()
    assert (status["committed"]["root"], status["due"]) == (root, False)
    assert chain.says(identity_of(payment(7))) == "not invoiced"


def test_a_reader_proves_from_the_owner_s_map(chain: Chain) -> None:
    commit(chain.ledger, METRO, [payment(0)])
    chain.commit_state()
    reader = _core.Ledger.open(str(chain.path / "ledger"), readonly=True)
    proof = reader.prove_payment_state(identity_of(payment(0)), str(chain.path / "public"))
    assert proof == chain.ledger.prove_payment_state(identity_of(payment(0)), chain.log)
    with pytest.raises(_core.LedgerError, match="reading only"):
        reader.apply_state()
    reader.close()


def test_nothing_is_committed_to_that_was_not_applied(chain: Chain) -> None:
    ledger = chain.ledger
    with pytest.raises(_core.LedgerError, match="no state was applied"):
        ledger.commit(ledger.prepare(ledger.intake().seal(1)), START_MS, state=True)
    commit(ledger, METRO, [payment(0)])
    assert ledger.status()["invoices"] == 0
