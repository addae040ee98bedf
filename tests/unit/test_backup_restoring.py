"""A restored ledger: clean, going on, and never a fork of what is known outside."""

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path

import httpx
import pytest
from backup_places import backed_up, headers, is_clean, moved, restored
from service_chain import Chain, Day, make_day, until, witnesses
from service_little_log import LittleLog, entries

from farechain import keys
from farechain.backup import manifest, mark
from farechain.backup.target import DirectoryTarget
from farechain.cli import main
from farechain.config_file import to_toml
from farechain.errors import FarechainError
from farechain.listening import address, bind
from farechain.private.openings import Kind
from farechain.private.store import Store
from farechain.service.running import Service

CANARY = "李明的抬头"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


def early_spool(day: Day, place: Path) -> Path:
    """The commands and a third of the payments."""
    place.mkdir()
    for file in day.spool.iterdir():
        lines = file.read_bytes().splitlines(keepends=True)
        (place / file.name).write_bytes(
            b"".join(lines if "commands" in file.name else lines[: len(lines) // 3])
        )
    return place


class Lost:
    """A chain that was backed up, maybe went on, and whose disk is lost; restored beside it."""

    def __init__(self, place: Path, day: Day) -> None:
        self.place, self.day = place, day
        self.chain = Chain(place, day, early_spool(day, place / "spool"), max_inputs=100)
        self.lost = self.chain.settings.ledger.path
        self.ledger = place / "restored"

    async def run(self, *, goes_on: bool) -> None:
        """Takes the backup; what comes after it, if anything, is not in it."""
        await self.chain.to_the_end()
        backed_up(self.chain, self.place / "t")
        self.chain.read_from(self.day.spool)
        if goes_on:
            await self.chain.to_the_end()

    def restore(self, replica: Path | None = None) -> None:
        """Restores, and has the configuration name the restored ledger."""
        restored(self.place / "t", self.ledger, replica=replica)
        moved(self.chain, self.ledger)

    def signed(self) -> tuple[bytes, bytes, int]:
        """What must not move while the ledger is not confirmed."""
        head = (self.ledger / "state" / "log" / "signed-head").read_bytes()
        note = (self.ledger / "public" / "checkpoint").read_bytes()
        return head, note, len(headers(self.ledger))

    async def refusal(self) -> FarechainError:
        """What a service says that is to run to the end; nothing moves by it."""
        before = self.signed()
        with pytest.raises(FarechainError) as caught:
            await self.chain.to_the_end()
        assert self.signed() == before
        assert mark.read_restored(self.ledger / "state") is not None
        return caught.value

    async def goes_on(self) -> None:
        """It reads all that the spool has, equals the manifest, and is no longer marked."""
        summary = await self.chain.to_the_end()
        assert summary.unfinished() is None
        assert self.chain.differences() == 0
        assert is_clean(self.ledger)
        assert mark.read_restored(self.ledger / "state") is None

    def confirm(self, *words: str) -> int:
        return main(["restore", "confirm", str(self.ledger), *words])


@pytest.fixture
def lost(tmp_path: Path, day: Day) -> Lost:
    return Lost(tmp_path, day)


async def test_a_restored_ledger_goes_on_once_all_witnesses_say_that_it_is_the_newest(lost: Lost) -> None:
    async with witnesses(lost.place, lost.chain.vkey, 2) as members:
        lost.chain.require(members, 2)
        await lost.run(goes_on=False)
        lost.restore()
        assert headers(lost.ledger) == headers(lost.lost)
        assert is_clean(lost.ledger)
        await lost.goes_on()


async def test_an_older_copy_than_witnesses_know_seals_and_signs_nothing(lost: Lost) -> None:
    async with witnesses(lost.place, lost.chain.vkey, 2) as members:
        lost.chain.require(members, 2)
        await lost.run(goes_on=True)
        lost.restore()
        error = await lost.refusal()
        assert (error.code, error.exit_code) == ("E_BLOCKS_LOST", 3)
        assert f"{len(headers(lost.lost))} blocks are under a checkpoint" in error.message
        # No statement of the operator's outweighs a witness.
        assert lost.confirm("--none-beyond") == 0
        assert (await lost.refusal()).code == "E_BLOCKS_LOST"


async def test_what_a_replica_has_behind_the_backup_makes_it_whole(lost: Lost) -> None:
    async with witnesses(lost.place, lost.chain.vkey, 2) as members:
        lost.chain.require(members, 2)
        await lost.run(goes_on=True)
        replica = lost.place / "replica"
        replica.mkdir()
        for segment in (lost.lost / "blocks").glob("*.seg"):
            shutil.copy(segment, replica)
        lost.restore(replica)
        assert headers(lost.ledger) == headers(lost.lost)
        await lost.goes_on()


async def test_a_replica_of_another_history_is_not_taken(lost: Lost) -> None:
    await lost.run(goes_on=False)
    shutil.copytree(lost.lost / "blocks", lost.place / "replica")
    segment = lost.place / "replica" / "00000000.seg"
    content = bytearray(segment.read_bytes())
    content[5_000] ^= 1
    segment.write_bytes(content)
    with pytest.raises(FarechainError) as caught:
        lost.restore(lost.place / "replica")
    assert caught.value.code == "E_BLOCKS_LOST"
    assert not (lost.ledger / "blocks").exists()


async def test_without_every_witness_it_waits_and_says_why_until_the_operator_confirms(lost: Lost) -> None:
    async with witnesses(lost.place, lost.chain.vkey, 2) as members:
        away = members[1].model_copy(update={"url": "http://127.0.0.1:1"})
        lost.chain.require([members[0], away], 1)
        await lost.run(goes_on=False)
        lost.restore()
        error = await lost.refusal()
        assert (error.code, error.exit_code) == ("E_RESTORED", 4)
        assert "1 of 2 witnesses" in error.message
        before, stop, listener = lost.signed(), asyncio.Event(), bind("127.0.0.1", 0)
        running = asyncio.create_task(Service(lost.chain.settings, listener).run(stop))
        async with httpx.AsyncClient(base_url=address(listener), trust_env=False) as http:

            async def says_why() -> bool:
                answer = await http.get("/readyz")
                return answer.status_code == 503 and "E_RESTORED: this ledger" in answer.json()["reason"]

            await until(says_why)
            stopped = 'farechain_sealing_stopped{reason="E_RESTORED"} 1.0'
            assert stopped in (await http.get("/metrics")).text
            assert lost.signed() == before
            stop.set()
            assert await running is None
        assert lost.signed() == before
        assert lost.confirm("--known-checkpoint", str(lost.lost / "public" / "checkpoint")) == 0
        await lost.goes_on()


async def test_without_witnesses_only_the_operator_can_say_that_nothing_is_beyond(lost: Lost) -> None:
    await lost.run(goes_on=False)
    lost.restore()
    assert "0 of 0 witnesses" in (await lost.refusal()).message
    assert lost.confirm() == 2
    assert lost.confirm("--none-beyond") == 0
    await lost.goes_on()
    assert lost.confirm("--none-beyond") == 2, "nothing waits any more"


async def test_a_known_checkpoint_beyond_or_of_another_history_is_never_contradicted(lost: Lost) -> None:
    await lost.run(goes_on=True)
    lost.restore()
    assert lost.confirm("--known-checkpoint", str(lost.lost / "public" / "checkpoint")) == 0
    assert (await lost.refusal()).code == "E_BLOCKS_LOST"
    seed = keys.read_key(lost.chain.settings.public_log.key_file)
    other = LittleLog(entries(3), seed=seed)
    (lost.place / "other").write_text(other.checkpoint(3))
    assert lost.confirm("--known-checkpoint", str(lost.place / "other")) == 0
    error = await lost.refusal()
    assert error.code == "E_BLOCKS_LOST"
    assert "3 blocks is of another history" in error.message
    (lost.place / "forged").write_text(LittleLog(entries(3), seed=bytes(32)).checkpoint(3))
    assert lost.confirm("--known-checkpoint", str(lost.place / "forged")) == 2


async def test_a_damaged_mark_opens_nothing(lost: Lost) -> None:
    await lost.run(goes_on=False)
    lost.restore()
    (lost.ledger / "state" / "restored.json").write_text("{")
    with pytest.raises(FarechainError, match="is damaged: restore again"):
        await lost.chain.to_the_end()


def file_of(copied: manifest.Manifest, name: str) -> str:
    return next(file.path for file in copied.files if name in {part.name for part in file.parts})


async def test_a_changed_object_is_never_restored_to_a_ledger(lost: Lost) -> None:
    await lost.run(goes_on=False)
    copied = manifest.find(DirectoryTarget(lost.place / "t"), None)
    for number, name in enumerate(part.name for file in copied.files for part in file.parts):
        if file_of(copied, name).startswith("private/"):
            continue  # left out by these restores
        path = lost.place / "t" / name
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 0x80]))
        with pytest.raises(FarechainError) as caught:
            restored(lost.place / "t", lost.place / f"r{number}")
        assert caught.value.code == "E_BACKUP_DAMAGED"
        assert not (lost.place / f"r{number}" / "blocks").exists()
        path.write_bytes(content)


async def test_only_an_empty_directory_is_restored_to(lost: Lost, capsys: pytest.CaptureFixture[str]) -> None:
    await lost.run(goes_on=False)
    before = headers(lost.lost)
    assert main(["restore", str(lost.place / "t"), str(lost.lost), "--without-private"]) == 2
    assert "E_RESTORE_PLACE" in capsys.readouterr().err
    assert headers(lost.lost) == before
    lost.ledger.mkdir()
    (lost.ledger / "lost+found").mkdir()
    lost.restore()
    assert is_clean(lost.ledger)


# People's texts ---------------------------------------------------------------------------------


@pytest.fixture
def private(tmp_path: Path, day: Day) -> tuple[Chain, Path]:
    """A chain with a private store in which one person asked to stay and one will be erased."""
    chain = Chain(tmp_path, day)
    key_file = tmp_path / "private.key"
    settings = chain.settings.private.model_copy(update={"key_file": key_file})
    chain.settings = chain.settings.model_copy(update={"private": settings})
    chain.config.write_text(to_toml(chain.settings))
    store = chain.settings.private_store
    shutil.rmtree(store.parent, ignore_errors=True)
    with Store.open(store, keys.new_key(key_file), create=True) as opened:
        opened.put("goes", Kind.TITLE, CANARY)
        opened.put("stays", Kind.TITLE, "王芳的抬头")
    return chain, store


def wrapped_keys(store: Path) -> list[bytes]:
    connection = sqlite3.connect(store)
    try:
        return [row[0] for row in connection.execute("SELECT wrapped FROM keys ORDER BY number")]
    finally:
        connection.close()


def contents(place: Path) -> bytes:
    return b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())


def test_who_was_erased_since_the_backup_is_erased_again(
    tmp_path: Path, private: tuple[Chain, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    chain, store = private
    config, target, ledger = ["--config", str(chain.config)], str(tmp_path / "t"), tmp_path / "restored"
    assert main(["backup", target, *config]) == 0
    key, _other = wrapped_keys(store)
    assert key in contents(tmp_path / "t"), "a backup keeps what it has until it is thrown away"
    assert CANARY.encode() not in contents(tmp_path / "t")
    assert main(["erase", "goes", *config]) == 0
    capsys.readouterr()
    assert main(["erase", "--list", *config]) == 0
    erasures = tmp_path / "erasures"
    erasures.write_text(capsys.readouterr().out)

    assert main(["restore", target, str(ledger), *config]) == 2
    assert "E_ERASURES" in capsys.readouterr().err
    assert not ledger.exists()
    assert main(["restore", target, str(ledger), "--erasures", str(erasures), "--json", *config]) == 0
    assert json.loads(capsys.readouterr().out)["erased"] == 1
    for canary in (key, CANARY.encode()):
        assert canary not in contents(ledger)
    with Store.open(ledger / "private" / "store.sqlite", keys.read_key(tmp_path / "private.key")) as opened:
        assert opened.by_subject("goes") == []
        assert [kept.opening.text for kept in opened.by_subject("stays")] == ["王芳的抬头"]
    assert (ledger / "private" / "store.sqlite").stat().st_mode & 0o077 == 0
    assert (ledger / "private").stat().st_mode & 0o077 == 0

    # A later backup has nothing of the person, nor has one of the ledger that was restored.
    for number, path in enumerate((chain.settings.ledger.path, ledger)):
        moved(chain, path)
        assert main(["backup", str(tmp_path / f"later{number}"), *config]) == 0
        assert key not in contents(tmp_path / f"later{number}")


def test_a_list_of_erasures_that_is_older_than_the_backup_is_refused(
    tmp_path: Path, private: tuple[Chain, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    chain, _store = private
    config, target = ["--config", str(chain.config)], str(tmp_path / "t")
    assert main(["erase", "goes", *config]) == 0
    assert main(["backup", target, *config]) == 0
    (tmp_path / "erasures").write_text("")
    words = ["restore", target, str(tmp_path / "r"), *config]
    capsys.readouterr()
    assert main([*words, "--erasures", str(tmp_path / "erasures")]) == 2
    assert "E_ERASURES: the list lacks 1 erasures" in capsys.readouterr().err
    assert not list((tmp_path / "r").iterdir()), "nobody's texts stay behind"
    for name, more in (("r1", ["--no-erasures-since"]), ("r2", ["--without-private"])):
        assert main(["restore", target, str(tmp_path / name), *config, *more]) == 0
        assert (tmp_path / name / "private").exists() is (name == "r1")


def test_a_store_that_is_written_to_is_copied_as_of_one_moment(
    tmp_path: Path, private: tuple[Chain, Path]
) -> None:
    chain, store = private
    with Store.open(store, keys.read_key(tmp_path / "private.key")) as opened:
        for number in range(3):
            # Open, with its last writes in the write-ahead log alone.
            opened.put("stays", Kind.NAME, f"第{number}位")
            backed_up(chain, tmp_path / "t")
    assert not list(store.parent.glob(".backup-copy*"))
    config = ["--config", str(chain.config)]
    assert main(["restore", str(tmp_path / "t"), str(tmp_path / "r"), "--no-erasures-since", *config]) == 0
    key = keys.read_key(tmp_path / "private.key")
    with Store.open(tmp_path / "r" / "private" / "store.sqlite", key) as copy:
        assert len(copy.by_subject("stays")) == 4
