"""Copies of blocks: a ledger made of them is the other one, and what is not its next block is refused."""

from pathlib import Path

import pytest
from bindings_little_chain import COMMANDS, METRO, commands, commit, create, payment, refund

from farechain import _core


def copies(ledger: _core.Ledger) -> list[bytes]:
    found = [_core.copy_of(ledger, height) for height in range(ledger.height + 1)]
    return [message for message in found if message is not None]


def little_day(ledger: _core.Ledger) -> None:
    """Some blocks with every kind of outcome."""
    commit(ledger, COMMANDS, commands())
    commit(ledger, METRO, [payment(0), payment(1), payment(2, paid_fen=700, scene="BUS")])
    commit(ledger, METRO, [payment(3), refund(4, 1, 665)])
    commit(ledger, METRO, [(5, 0, b"k", b"not an event", [])])


def follower(path: Path, genesis: bytes) -> _core.Ledger:
    _core.create_copy(str(path), genesis)
    return _core.Ledger.open(str(path))


def test_a_ledger_of_copies_is_the_other_one(tmp_path: Path) -> None:
    owner = create(tmp_path / "owner")
    genesis = copies(owner)[0]
    copy = follower(tmp_path / "copy", genesis)

    def take(_height: int, _hash: bytes, message: bytes) -> None:
        _core.append_copy(copy, message)

    _core.copy_to(owner, take)
    little_day(owner)
    copy.close()
    copy = _core.Ledger.open(str(tmp_path / "copy"))
    assert (copy.head, copy.state_digest()) == (owner.head, owner.state_digest())
    assert copy.positions() == owner.positions()
    assert copies(copy) == copies(owner)
    assert copy.dead_letters(0, 100) == owner.dead_letters(0, 100)
    audited = _core.audit(str(tmp_path / "copy"))
    assert audited["ok"]
    assert audited["rejected_rederived"] == audited["rejected"] > 0
    commit(copy, METRO, [payment(6)])
    assert copy.height == owner.height + 1


def test_a_block_is_seen_by_nobody_before_it_was_taken(tmp_path: Path) -> None:
    owner = create(tmp_path / "owner")
    seen = []
    _core.copy_to(owner, lambda height, _hash, _message: seen.append((height, owner.height)))
    commit(owner, COMMANDS, commands())
    assert seen == [(1, 0)]
    assert owner.height == 1
    with pytest.raises(_core.LedgerError) as twice:
        _core.copy_to(owner, lambda *_block: None)
    assert twice.value.args[0] == "invalid"


def test_a_copy_that_fails_ends_the_owner_and_the_block_is_there_when_it_opens_again(tmp_path: Path) -> None:
    owner = create(tmp_path / "owner")

    def away(_height: int, _hash: bytes, _message: bytes) -> None:
        raise OSError("nobody is there")

    _core.copy_to(owner, away)
    with pytest.raises(_core.LedgerError, match="nobody is there") as failed:
        commit(owner, COMMANDS, commands())
    assert failed.value.args[0] == "replica"
    assert owner.height == 0
    with pytest.raises(_core.LedgerError) as after:
        commit(owner, COMMANDS, commands())
    assert after.value.args[0] == "poisoned"
    reader = _core.Ledger.open(str(tmp_path / "owner"), readonly=True, blocks_max=1)
    assert reader.height == 0, "a reader is shown no block that may have no copy"
    owner.close()
    assert _core.Ledger.open(str(tmp_path / "owner")).height == 1


def test_every_changed_byte_of_a_copy_is_refused(tmp_path: Path) -> None:
    owner = create(tmp_path / "owner")
    little_day(owner)
    sent = copies(owner)
    copy = follower(tmp_path / "copy", sent[0])
    for message in sent[1:]:
        for byte in range(0, len(message), 7):
            changed = bytearray(message)
            changed[byte] ^= 1
            with pytest.raises(_core.LedgerError) as refused:
                _core.append_copy(copy, bytes(changed))
            assert refused.value.args[0] == "replica", byte
        for cut in (message[:-1], message + b"\0", b""):
            with pytest.raises(_core.LedgerError):
                _core.append_copy(copy, cut)
        _core.append_copy(copy, message)
    _core.apply_copy(copy)
    assert copy.head == owner.head


def test_a_repeated_block_a_later_one_and_a_fork_are_refused(tmp_path: Path) -> None:
    one = create(tmp_path / "one")
    little_day(one)
    sent = copies(one)
    other = follower(tmp_path / "other", sent[0])
    commit(other, COMMANDS, commands(numbers=999))
    for message in (sent[0], sent[1], sent[2], sent[3]):
        with pytest.raises(_core.LedgerError) as refused:
            _core.append_copy(other, message)
        assert refused.value.args[0] == "replica"
    other.close()
    with pytest.raises(_core.LedgerError) as exists:
        _core.create_copy(str(tmp_path / "other"), sent[0])
    assert exists.value.args[0] == "exists"
    with pytest.raises(_core.LedgerError) as no_genesis:
        _core.create_copy(str(tmp_path / "third"), sent[1])
    assert no_genesis.value.args[0] == "replica"
