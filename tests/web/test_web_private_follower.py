"""The private store in step with a real ledger: titles marked, orphans collected, facts attested."""

import logging
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from farechain import _core
from farechain.client import Buyer, CommandRefusedError, Party, Title
from farechain.config.people import PrivateSettings
from farechain.private.accesses import Officer
from farechain.private.on_ledger import ACCESS, ERASURE, Fact
from farechain.private.openings import Kind
from farechain.private.store import Store
from farechain.service.private import PrivateFollower, follow
from farechain.service.watching import Notices
from web.town import BUREAU, CLERK, HOLDER, ISSUER, Town, invoice, ride

OFFICER = Officer("bureau", "0" * 16)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "secret" / "private" / "store.sqlite", bytes(32), create=True) as opened:
        yield opened


@pytest.fixture
async def town(tmp_path: Path, store: Store) -> AsyncIterator[Town]:
    made = Town(tmp_path, private=store)
    async with made.open() as opened:
        await opened.found()
        yield opened


def follower(town: Town, store: Store, signer: Party | None = BUREAU, later_s: float = 0) -> PrivateFollower:
    settings = PrivateSettings(orphan_age_s=60)
    return PrivateFollower(
        town.ledger,
        store,
        town.desk,
        settings,
        signer,
        notices=Notices(),
        clock_s=lambda: time.time() + later_s,
    )


def attestations(ledger: _core.Ledger) -> list[tuple[bytes, str, bytes]]:
    """(kid, subject, digest) of all that the ledger has."""
    return [found[2:] for found in ledger.references(0, 100_000)[2]]


async def test_titles_that_records_name_stay_and_orphans_go(town: Town, store: Store) -> None:
    """Also a title that did not come with its command: whoever kept it here put it before."""
    named, retitled, orphan = (Title.of(text) for text in ("甲", "乙", "丙"))
    for title in (named, retitled, orphan):
        store.put(HOLDER.kid, Kind.TITLE, title.text, title.salt)
    town.halt.set()
    await town.ended()
    town.pay(ride(1))
    async with town.again() as again:
        await again.client.send(ISSUER.retitle(invoice(1), Buyer(title=named.commitment)))
        await again.client.send(ISSUER.retitle(invoice(3), Buyer(title=retitled.commitment)))
        await follower(again, store).once()
        assert [kept.claimed for kept in store.by_subject(HOLDER.kid)].count(True) == 2
        assert store.on_ledger.next_height == again.ledger.height + 1
        assert store.opening(orphan.commitment) is not None
        await follower(again, store, later_s=61).once()
        assert store.opening(orphan.commitment) is None
        assert {kept.commitment for kept in store.by_subject(HOLDER.kid)} == {
            named.commitment,
            retitled.commitment,
        }


async def test_each_erasure_and_the_head_of_look_ups_are_attested_once(town: Town, store: Store) -> None:
    for who in ("a", "b"):
        store.put(who, Kind.TITLE, who)
        store.erase(who)
    for purpose in ("case 1", "case 2"):
        store.look_up(bytes(32), OFFICER, purpose)
    expected = [*((ERASURE, each.digest) for each in store.erasures()), (ACCESS, store.access_head().hash)]
    assert store.on_ledger.pending() == [Fact(*each) for each in expected]
    for _ in range(2):
        await follower(town, store).once()
        assert attestations(town.ledger) == [(bytes.fromhex(BUREAU.kid), *each) for each in expected]
    assert store.on_ledger.pending() == []
    store.look_up(bytes(32), OFFICER, "case 3")
    await follower(town, store).once()
    assert attestations(town.ledger)[-1][1:] == (ACCESS, store.access_head().hash)
    assert len(attestations(town.ledger)) == 4


async def test_what_is_attested_is_found_again_by_reading_the_log(
    town: Town, store: Store, tmp_path: Path
) -> None:
    """A store from a backup, and one whose attestation was cut short, learn from the log what is there."""
    store.put("a", Kind.TITLE, "a")
    store.erase("a")
    store.look_up(bytes(32), OFFICER, "case 1")
    shutil.copytree(tmp_path / "secret", tmp_path / "backup")
    await follower(town, store).once()
    with Store.open(tmp_path / "backup" / "private" / "store.sqlite", bytes(32)) as backup:
        assert len(backup.on_ledger.pending()) == 2
        follow(town.ledger, backup)
        assert backup.on_ledger.pending() == []


async def test_a_title_in_a_restored_store_is_no_orphan(town: Town, store: Store, tmp_path: Path) -> None:
    """The backup was made before the claim was marked; the store that it was made of has followed on."""
    title = Title.of("甲")
    store.put(HOLDER.kid, Kind.TITLE, title.text, title.salt)
    await follower(town, store).once()
    shutil.copytree(tmp_path / "secret", tmp_path / "backup")
    town.halt.set()
    await town.ended()
    town.pay(ride(1))
    async with town.again() as again:
        await again.client.send(ISSUER.retitle(invoice(1), Buyer(title=title.commitment)))
        await follower(again, store).once()
        with Store.open(tmp_path / "backup" / "private" / "store.sqlite", bytes(32)) as backup:
            await follower(again, backup, later_s=10**6).once()
            assert [kept.claimed for kept in backup.by_subject(HOLDER.kid)] == [True]


async def test_no_byte_of_a_person_is_in_what_is_attested(
    town: Town, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store.keep("canary-subject-7f3a", "TRIP", b"canary-payment", b"canary-opening")
    store.put("canary-subject-7f3a", Kind.NAME, "金丝雀")
    store.look_up(bytes(32), OFFICER, "canary-case")
    store.erase("canary-subject-7f3a")
    (erasure,) = store.erasures()
    await follower(town, store).once()
    town.publish()
    everything = outside(tmp_path) + caplog.text.encode()
    assert erasure.digest in everything
    assert store.access_head().hash in everything
    for canary in (b"canary", "金丝雀".encode(), erasure.subject, erasure.subject.hex().encode()):
        assert canary not in everything


def outside(place: Path) -> bytes:
    """All files but the store's."""
    files = [path for path in place.rglob("*") if path.is_file() and "secret" not in path.parts]
    assert len(files) > 5
    return b"".join(path.read_bytes() for path in files)


async def test_a_ledger_that_is_another_one_is_read_from_its_start(town: Town, store: Store) -> None:
    store.on_ledger.advance(10_000)
    follow(town.ledger, store)
    assert store.on_ledger.next_height == town.ledger.height + 1


async def test_without_a_key_facts_wait(town: Town, store: Store) -> None:
    store.put("a", Kind.TITLE, "a")
    store.erase("a")
    await follower(town, store, None).once()
    assert (len(store.on_ledger.pending()), attestations(town.ledger)) == (1, [])


async def test_a_key_that_may_not_attest_is_told_and_facts_wait(
    town: Town, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.put("a", Kind.TITLE, "a")
    store.erase("a")
    with caplog.at_level(logging.WARNING):
        await follower(town, store, HOLDER).once()
    assert "E_ROLE" in caplog.text
    assert len(store.on_ledger.pending()) == 1
    await follower(town, store, CLERK).once()
    assert store.on_ledger.pending() == []


async def test_others_attestations_move_nothing(town: Town, store: Store) -> None:
    store.look_up(bytes(32), OFFICER, "case 1")
    early = store.access_head().hash
    store.look_up(bytes(32), OFFICER, "case 2")
    for subject, digest in ((ACCESS, bytes(32)), (ERASURE, bytes(32)), ("TARIFF", store.access_head().hash)):
        await town.client.send(CLERK.attest(subject, digest))
    follow(town.ledger, store)
    assert store.on_ledger.pending() == [Fact(ACCESS, store.access_head().hash)]
    await town.client.send(CLERK.attest(ACCESS, store.access_head().hash))
    await town.client.send(CLERK.attest(ACCESS, early))
    follow(town.ledger, store)
    assert store.on_ledger.pending() == []
    with pytest.raises(CommandRefusedError, match="may not give"):
        await town.client.send(HOLDER.attest(ACCESS, early))
