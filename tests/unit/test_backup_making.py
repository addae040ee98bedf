"""Backups of a ledger at rest and at work: what is new, what is damaged, what goes."""

import asyncio
import fcntl
import shutil
from pathlib import Path

import pytest
from backup_places import backed_up, headers, is_clean, restored
from service_chain import Chain, Day, make_day, until

from farechain.backup import manifest
from farechain.backup.making import back_up
from farechain.backup.restoring import verify
from farechain.backup.target import DirectoryTarget
from farechain.cli import main
from farechain.errors import FarechainError
from farechain.listening import address, bind
from farechain.service.running import Service


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, day: Day) -> Path:
    """A ledger of two segments, made once."""
    place = tmp_path_factory.mktemp("whole")
    asyncio.run(Chain(place, day, max_inputs=100).to_the_end())
    return place / "ledger"


@pytest.fixture
def ledger(tmp_path: Path, whole: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "ledger"))


def made(ledger: Path, target: Path, keep: int | None = None) -> manifest.Manifest:
    return back_up(ledger, DirectoryTarget(target), "shenzhen/0", {}, keep=keep).manifest


def failure(ledger: Path, target: Path) -> str:
    with pytest.raises(FarechainError) as caught:
        made(ledger, target)
    return caught.value.code


def test_a_second_backup_of_the_same_copies_nothing(tmp_path: Path, ledger: Path) -> None:
    first = back_up(ledger, DirectoryTarget(tmp_path / "t"), "shenzhen/0", {})
    again = back_up(ledger, DirectoryTarget(tmp_path / "t"), "shenzhen/0", {})
    assert first.new_objects == len(first.manifest.objects())
    assert (again.new_objects, again.manifest.number, again.manifest.blocks) == (0, 2, first.manifest.blocks)
    assert [file.sealed for file in first.manifest.files if file.path.startswith("blocks/")] == [True, False]
    assert "log" in first.manifest.keys


def test_no_secret_key_is_in_it(tmp_path: Path, ledger: Path, whole: Path) -> None:
    made(ledger, tmp_path / "t")
    secrets = [path.read_bytes().strip() for path in whole.parent.glob("**/*.key")]
    assert secrets
    stored = b"".join(path.read_bytes() for path in (tmp_path / "t").rglob("*") if path.is_file())
    for secret in secrets:
        assert secret not in stored
        assert bytes.fromhex(secret.decode()) not in stored


async def test_only_what_is_new_is_copied(tmp_path: Path, day: Day) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    for file in day.spool.iterdir():
        lines = file.read_bytes().splitlines(keepends=True)
        kept = lines if "commands" in file.name else lines[: len(lines) // 4]
        (spool / file.name).write_bytes(b"".join(kept))
    chain = Chain(tmp_path, day, spool, max_inputs=100)
    await chain.to_the_end()
    first = backed_up(chain, tmp_path / "t")
    chain.read_from(day.spool)
    await chain.to_the_end()
    second = backed_up(chain, tmp_path / "t")
    log = {one.path: one for one in first.manifest.files if one.path.startswith("blocks/")}
    grown = {one.path: one for one in second.manifest.files if one.path.startswith("blocks/")}
    assert [one.sealed for one in log.values()] == [False]
    assert [one.sealed for one in grown.values()] == [True, False]
    # The segment that grew was sealed since: it is one object now, however many backups saw it grow.
    assert len(grown["blocks/00000000.seg"].parts) == 1
    third = backed_up(chain, tmp_path / "t")
    assert third.new_objects == 0
    restored(tmp_path / "t", tmp_path / "old", 1)
    restored(tmp_path / "t", tmp_path / "new")
    assert headers(tmp_path / "new") == headers(chain.settings.ledger.path)
    assert headers(tmp_path / "old") == headers(tmp_path / "new")[: first.manifest.blocks]
    assert is_clean(tmp_path / "old")
    assert is_clean(tmp_path / "new")


async def test_a_growing_segment_gets_a_part_a_backup(tmp_path: Path, day: Day) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    chain = Chain(tmp_path, day, spool, max_inputs=50)
    (commands,) = (file for file in day.spool.iterdir() if "commands" in file.name)
    lines, parts = commands.read_bytes().splitlines(keepends=True), []
    for count in (10, 20, len(lines)):
        (spool / commands.name).write_bytes(b"".join(lines[:count]))
        await chain.to_the_end()
        copied = backed_up(chain, tmp_path / "t")
        parts.append(next(f for f in copied.manifest.files if f.path == "blocks/00000000.seg").parts)
    assert [len(each) for each in parts] == [1, 2, 3]
    assert parts[2][:2] == parts[1]
    restored(tmp_path / "t", tmp_path / "r")
    assert headers(tmp_path / "r") == headers(chain.settings.ledger.path)


async def test_backups_during_ingest_are_each_a_clean_prefix(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, max_inputs=4)
    stop, sizes = asyncio.Event(), list[int]()
    running = asyncio.create_task(Service(chain.settings, None).run(stop))
    await until((chain.settings.public_dir / "checkpoint").exists)
    while len(sizes) < 6:
        sizes.append((await asyncio.to_thread(backed_up, chain, tmp_path / "t")).manifest.blocks)
        await asyncio.sleep(0)
    stop.set()
    summary = await running
    assert summary is not None
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1], "nothing was written meanwhile"
    whole = headers(chain.settings.ledger.path)
    for number in (1, 3, 6):
        restored(tmp_path / "t", tmp_path / f"r{number}", number)
        assert headers(tmp_path / f"r{number}") == whole[: sizes[number - 1]]
        assert is_clean(tmp_path / f"r{number}")


def test_a_block_that_is_cut_off_is_left_out(tmp_path: Path, ledger: Path) -> None:
    """As a reader sees it in the middle of a write: the head of a frame, and zeros where the rest will be."""
    last = ledger / "blocks" / "00000001.seg"
    before = made(ledger, tmp_path / "t")
    part = next(file for file in before.files if file.path == "blocks/00000001.seg").parts[0]
    with last.open("r+b") as file:
        frame = file.read(64)
        file.seek(part.bytes)
        file.write(frame)
    assert made(ledger, tmp_path / "t").files == before.files


def test_a_log_that_is_damaged_is_no_backup_and_the_former_stays(tmp_path: Path, ledger: Path) -> None:
    made(ledger, tmp_path / "t")
    shutil.copytree(tmp_path / "t", tmp_path / "before")
    for segment in ("00000000.seg", "00000001.seg"):
        path = ledger / "blocks" / segment
        content = bytearray(path.read_bytes())
        content[60_000] ^= 1
        path.write_bytes(content)
        # A target that has nothing yet must read all; one that has it reads what may have changed.
        assert failure(ledger, tmp_path / "empty") == "E_CORRUPT"
        assert manifest.names(DirectoryTarget(tmp_path / "empty")) == []
    assert failure(ledger, tmp_path / "t") == "E_CORRUPT"
    assert verify(DirectoryTarget(tmp_path / "t"), manifest.find(DirectoryTarget(tmp_path / "t"), None)) == []


@pytest.mark.parametrize("what", ["flipped", "missing", "cut"])
def test_verify_finds_every_object_that_is_not_what_was_written(
    tmp_path: Path, ledger: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "t"
    made(ledger, target)
    assert main(["backup", "verify", str(target)]) == 0
    for path in sorted((target / "objects").iterdir()):
        content = path.read_bytes()
        if what == "missing":
            path.unlink()
        elif what == "cut":
            path.write_bytes(content[:-1])
        else:
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        capsys.readouterr()
        assert main(["backup", "verify", str(target)]) == 1
        assert (
            f"E_BACKUP_DAMAGED: backup 1: 1 objects are missing or not what was written: objects/{path.name}"
            in (capsys.readouterr().err)
        )
        if what != "flipped":
            # The next backup stores again what is not there or has another size.
            made(ledger, target)
            assert main(["backup", "verify", str(target)]) == 0
            (target / "manifests").joinpath(manifest.names(DirectoryTarget(target))[-1][10:]).unlink()
        path.write_bytes(content)


def test_a_changed_manifest_is_noticed_and_is_no_base_for_another(tmp_path: Path, ledger: Path) -> None:
    target = DirectoryTarget(tmp_path / "t")
    made(ledger, tmp_path / "t")
    (path,) = (tmp_path / "t" / "manifests").iterdir()
    content = bytearray(path.read_bytes())
    content[content.index(b'"blocks": ') + 10] ^= 1
    path.write_bytes(content)
    with pytest.raises(FarechainError, match="is not what was written"):
        manifest.find(target, None)
    assert made(ledger, tmp_path / "t").number == 2
    assert verify(target, manifest.find(target, 2)) == []


async def test_keeping_the_latest_removes_only_what_no_other_needs(tmp_path: Path, day: Day) -> None:
    chain, target = Chain(tmp_path, day, max_inputs=100), tmp_path / "t"
    backed_up(chain, target)
    await chain.to_the_end()
    backed_up(chain, target)
    (target / "objects" / ("0" * 64)).write_bytes(b"of a backup that was cut short")
    last = backed_up(chain, target, keep=2)
    assert last.removed_objects >= 1
    assert not (target / "objects" / ("0" * 64)).exists()
    kept = [manifest.read(DirectoryTarget(target), name) for name in manifest.names(DirectoryTarget(target))]
    assert [one.number for one in kept] == [2, 3]
    named = {name for one in kept for name in one.objects()}
    assert set(DirectoryTarget(target).sizes("objects")) == named
    assert all(verify(DirectoryTarget(target), one) == [] for one in kept)


def test_two_backups_of_a_ledger_do_not_meet(tmp_path: Path, ledger: Path) -> None:
    with (ledger / "state" / "backup.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert failure(ledger, tmp_path / "t") == "E_BACKUP_BUSY"
    assert made(ledger, tmp_path / "t").number == 1


def test_a_target_is_one_chains(tmp_path: Path, ledger: Path, day: Day) -> None:
    made(ledger, tmp_path / "t")
    (tmp_path / "other").mkdir()
    other = Chain(tmp_path / "other", day)
    assert failure(other.settings.ledger.path, tmp_path / "t") == "E_BACKUP_OTHER"
    assert failure(tmp_path / "nothing", tmp_path / "t") == "E_LEDGER_MISSING"


def test_sealed_segments_that_went_to_an_archive_are_not_needed(tmp_path: Path, ledger: Path) -> None:
    """Another process may move old segments away once a backup has them; agreed on by file layout alone."""
    before = made(ledger, tmp_path / "t")
    (ledger / "blocks" / "00000000.seg").unlink()
    assert made(ledger, tmp_path / "t").files == before.files
    assert failure(ledger, tmp_path / "elsewhere") == "E_CORRUPT"


async def test_a_ledger_that_went_another_way_shares_no_segment(tmp_path: Path, day: Day) -> None:
    """A copy from before, gone on with other blocks: nothing of the first history comes into its backups."""
    spool, target = tmp_path / "spool", tmp_path / "t"
    shutil.copytree(day.spool, spool)
    chain = Chain(tmp_path, day, spool, max_inputs=100)
    early = shutil.copytree(chain.settings.ledger.path, tmp_path / "early")
    await chain.to_the_end()
    backed_up(chain, target)
    shutil.rmtree(chain.settings.ledger.path)
    shutil.move(early, chain.settings.ledger.path)
    chain.seal_at(60)
    await chain.to_the_end()
    backed_up(chain, target)
    restored(target, tmp_path / "r")
    assert headers(tmp_path / "r") == headers(chain.settings.ledger.path)


async def test_the_service_tells_when_it_was_backed_up(tmp_path: Path, day: Day) -> None:
    import httpx

    chain, stop, listener = Chain(tmp_path, day), asyncio.Event(), bind("127.0.0.1", 0)
    running = asyncio.create_task(Service(chain.settings, listener).run(stop))
    async with httpx.AsyncClient(base_url=address(listener), trust_env=False) as http:

        async def told() -> float | None:
            lines = (await http.get("/metrics")).text.splitlines()
            found = [
                line.split()[1] for line in lines if line.startswith("farechain_backup_timestamp_seconds ")
            ]
            return float(found[0]) if found else None

        assert await told() == 0
        copied = await asyncio.to_thread(backed_up, chain, tmp_path / "t")

        async def is_told() -> bool:
            return await told() == pytest.approx(copied.manifest.made_ms / 1000)

        await until(is_told)
    stop.set()
    await running
