"""Keys are changed as docs/keys.md says: the new one works, the old one ends, old blocks stay good."""

import asyncio
from pathlib import Path

import pytest

from farechain import _core, keys
from farechain.client import Device, Party, SignedEvent
from farechain.errors import FarechainError
from farechain.service.running import Service
from fixtures.old_ledger import VKEY, unpack
from web.town import BUREAU, CHAIN, CODE, ISSUER, NETWORK, PAID_AT, SELLER, founding, record_of

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "ledger-format-1.tar.gz"
START_MS = int(PAID_AT.timestamp() * 1000)
NEW = b"\x61" * 32


class Chain:
    """A ledger over one partition, an event a block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _core.Ledger.create(
            str(path),
            network=NETWORK,
            chain=CHAIN,
            bureau=BUREAU.public_key,
            sources=[("all", bytes(16), 0)],
            regions=["4403"],
            time_ms=START_MS,
        )
        self.ledger = _core.Ledger.open(str(path))
        self.sent = 0
        for event in founding():
            assert self.say(event) == "APPLIED"

    def say(self, event: SignedEvent) -> str:
        """Its outcome, with the code where it is rejected."""
        intake = self.ledger.intake()
        intake.push_records(1, [record_of(self.sent, event)], None)
        self.sent += 1
        self.ledger.commit(self.ledger.prepare(intake.seal(1)), START_MS + self.sent)
        block = self.ledger.block(self.ledger.height)
        assert block is not None
        outcome = next(each for each in block["outcomes"] if each["source"] == 1)
        return " ".join(part for part in (outcome["verdict"], outcome["code"]) if part)

    def end(self) -> None:
        """Every signature is verified again, with the keys of then."""
        self.ledger.close()
        assert _core.audit(str(self.path))["ok"]


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path / "ledger")


def successor(party: Party) -> Party:
    """The same party with the new key."""
    return Party(tax_id=party.tax_id, seed=NEW, network=NETWORK)


def ride_of(seed: bytes, txn_id: str) -> SignedEvent:
    gate = Device(name="gate", seed=seed, network=NETWORK, seller_tax_id=SELLER)
    return gate.payment(
        channel="WECHAT", txn_id=txn_id, scene="METRO", gross_fen=700, paid_fen=665, paid_at=PAID_AT
    )


def test_the_bureau_hands_over_to_its_next_key(chain: Chain) -> None:
    late = BUREAU.grant_numbers(CODE, 5001, 5002)
    assert chain.say(BUREAU.rotate_key(NEW)) == "APPLIED"
    assert chain.say(late) == "REJECTED E_KEY_EXPIRED"
    after = successor(BUREAU)
    assert chain.say(after.grant_numbers(CODE, 5001, 5002)) == "APPLIED"
    assert chain.say(after.admit_issuer(SELLER, "metro again")) == "APPLIED"
    chain.end()


def test_an_issuer_and_its_device_get_new_keys(chain: Chain) -> None:
    assert chain.say(ISSUER.rotate_key(NEW)) == "APPLIED"
    assert chain.say(ISSUER.apply_numbers(5)) == "REJECTED E_KEY_EXPIRED"
    assert chain.say(successor(ISSUER).apply_numbers(5)) == "APPLIED"
    device, seed = b"\x20" * 32, b"\x63" * 32
    assert chain.say(ride_of(device, "before")) == "ISSUED"
    assert chain.say(Party(tax_id=SELLER, seed=device, network=NETWORK).rotate_key(seed)) == "APPLIED"
    assert chain.say(ride_of(device, "after")) == "REJECTED E_KEY_EXPIRED"
    assert chain.say(ride_of(seed, "after")) == "ISSUED"
    chain.end()


def test_a_key_that_was_stolen_is_revoked_and_another_one_registered(chain: Chain) -> None:
    stolen, seed = _core.kid(_core.public_key(b"\x20" * 32)), b"\x64" * 32
    assert chain.say(ISSUER.revoke_key(stolen)) == "APPLIED"
    assert chain.say(ride_of(b"\x20" * 32, "T1")) == "REJECTED E_KEY_EXPIRED"
    registered = ISSUER.register_key(_core.public_key(seed), "DEVICE", SELLER, ["METRO"])
    assert chain.say(registered) == "APPLIED"
    assert chain.say(ride_of(seed, "T1")) == "ISSUED"
    chain.end()


async def test_another_log_key_is_refused_before_anything_is_signed(tmp_path: Path) -> None:
    settings = unpack(ARCHIVE, tmp_path)
    settings.public_log.key_file.unlink()
    keys.write_key(settings.public_log.key_file, NEW)
    checkpoint = (settings.public_dir / "checkpoint").read_text()
    with pytest.raises(FarechainError) as refused:
        await Service(settings, None, until_end=True).run(asyncio.Event())
    assert "is of another origin or key" in refused.value.message
    assert (settings.public_dir / "checkpoint").read_text() == checkpoint
    assert _core.open_note(checkpoint, [VKEY])
