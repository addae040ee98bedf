"""Erasures and look-ups on a real ledger, by hand: erase, list, reapply, attest, verify, rotate."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from service_chain import Chain, Day, make_day, until

from farechain import _core, keys
from farechain.cli import main
from farechain.config_file import to_toml
from farechain.listening import address, bind
from farechain.party import Party
from farechain.private.accesses import Officer
from farechain.private.key_files import open_store
from farechain.private.openings import Kind
from farechain.private.store import Store
from farechain.service.running import Service

OFFICER = Officer("bureau", "0" * 16)
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


@pytest.fixture
def chain(tmp_path: Path, day: Day, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """A ledger with its private store, and no payments."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spool").mkdir()
    return Chain(tmp_path, day, tmp_path / "spool")


def opened(chain: Chain) -> Store:
    return open_store(chain.settings.private_store, chain.place / "keys" / "private.key")


def bureau(day: Day) -> Path:
    return day.bureau_key.with_suffix(".key")


@asynccontextmanager
async def serving(chain: Chain) -> AsyncIterator[str]:
    """Runs the service; gives its address."""
    stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
    running = asyncio.create_task(Service(chain.settings, listener).run(stop))
    await until((chain.settings.public_dir / "checkpoint").exists)
    try:
        yield address(listener)
    finally:
        stop.set()
        assert await running is not None


async def told(capsys: Captured, *words: str | Path) -> tuple[int, dict[str, object]]:
    """Exit code and JSON of a verb."""
    capsys.readouterr()
    code = await asyncio.to_thread(main, [*map(str, words), "--json"])
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, answer


async def test_an_erasure_is_attested_and_verified(chain: Chain, day: Day, capsys: Captured) -> None:
    with opened(chain) as store:
        store.put("a", Kind.TITLE, "甲")
        store.keep("a", "TRIP", b"t", b"o")
        store.put("b", Kind.TITLE, "乙")
        store.look_up(bytes(32), OFFICER, "case 1")
    async with serving(chain) as url:
        code, answer = await told(capsys, "erase", "a", "--key", bureau(day), "--url", url)
        assert (code, answer["erased"], answer["attested"]) == (0, 2, True)
        assert await told(capsys, "private", "verify") == (
            0,
            {"ok": True, "erasures": 1, "look_ups": 1, "attested_look_ups": 1},
        )
        code, answer = await told(capsys, "erase", "b")
        assert (code, answer["attested"]) == (0, False)
        code, failed = await told(capsys, "private", "verify")
        assert (code, failed["code"]) == (1, "E_NOT_ATTESTED")
        words = ("private", "attest", "--key", bureau(day), "--url", url)
        assert await told(capsys, *words) == (0, {"ok": True, "attested": 1})
        assert await told(capsys, *words) == (0, {"ok": True, "attested": 0})
        assert (await told(capsys, "private", "verify"))[0] == 0
        code, failed = await told(capsys, "private", "verify", "--kid", "0" * 32)
        assert (code, failed["code"]) == (1, "E_NOT_ATTESTED")
        kid = _core.kid(_core.public_key(keys.read_key(bureau(day))))
        assert (await told(capsys, "private", "verify", "--kid", kid))[0] == 0
    assert chain.audit()


async def test_what_cannot_be_sent_waits(chain: Chain, day: Day, capsys: Captured) -> None:
    with opened(chain) as store:
        store.put("a", Kind.TITLE, "甲")
    stranger = chain.place / "stranger.key"
    keys.new_key(stranger)
    async with serving(chain) as url:
        code, answer = await told(capsys, "erase", "a", "--key", stranger, "--url", url)
        assert (code, answer["erased"], answer["attested"]) == (3, 1, False)
        with opened(chain) as store:
            assert store.by_subject("a") == []
            assert len(store.on_ledger.pending()) == 1
        assert (await told(capsys, "private", "attest", "--key", bureau(day), "--url", url))[0] == 0


async def test_the_service_attests_by_itself(chain: Chain, day: Day, capsys: Captured) -> None:
    private = chain.settings.private.model_copy(
        update={"attest_key_file": bureau(day), "interval_ms": 100, "key_file": Path("keys/private.key")}
    )
    chain.settings = chain.settings.model_copy(update={"private": private})
    chain.config.write_text(to_toml(chain.settings))
    async with serving(chain):
        with opened(chain) as store:
            store.put("a", Kind.TITLE, "甲")
            store.look_up(bytes(32), OFFICER, "case 1")
            code, answer = await told(capsys, "erase", "a")
            assert (code, answer["attested"]) == (0, False)
            await until(lambda: not store.on_ledger.pending())
        assert (await told(capsys, "private", "verify"))[0] == 0


async def test_look_ups_that_were_cut_off_are_found(chain: Chain, day: Day, capsys: Captured) -> None:
    before = chain.place / "before"
    with opened(chain) as store:
        store.look_up(bytes(32), OFFICER, "case 1")
    shutil.copytree(chain.settings.private_store.parent, before)
    with opened(chain) as store:
        store.look_up(bytes(32), OFFICER, "case 2")
    async with serving(chain) as url:
        words = ("private", "attest", "--key", bureau(day), "--url", url)
        assert (await told(capsys, *words))[0] == 0
    shutil.rmtree(chain.settings.private_store.parent)
    before.rename(chain.settings.private_store.parent)
    code, failed = await told(capsys, "private", "verify")
    assert (code, failed["code"]) == (1, "E_ACCESS_CHAIN")


def test_a_list_of_erasures_is_applied_to_a_restored_store(chain: Chain, capsys: Captured) -> None:
    folder, backup = chain.settings.private_store.parent, chain.place / "backup"
    with opened(chain) as store:
        for who in ("a", "b"):
            store.put(who, Kind.TITLE, who)
        store.erase("b")
    shutil.copytree(folder, backup)
    assert main(["erase", "a"]) == 0
    capsys.readouterr()
    assert main(["erase", "--list"]) == 0
    listed = capsys.readouterr().out
    (chain.place / "erasures.jsonl").write_text(listed)
    shutil.rmtree(folder)
    backup.rename(folder)
    with opened(chain) as store:
        assert len(store.by_subject("a")) == 1
    assert main(["reapply", "erasures.jsonl", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "erasures": 2, "applied": 1, "erased": 1}
    assert main(["reapply", "erasures.jsonl"]) == 0
    assert capsys.readouterr().out.startswith("0 of 2 erasures were not known here")
    with opened(chain) as store:
        assert store.by_subject("a") == []
        assert len(store.on_ledger.pending()) == 2
    assert main(["erase", "--list"]) == 0
    assert capsys.readouterr().out == listed


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[]",
        '{"subject": "00", "at_ms": 1, "entries": 1}',
        '{"subject": "%s", "at_ms": true, "entries": 1}',
        '{"subject": "%s", "at_ms": 1, "entries": -1}',
        '{"subject": "%s", "at_ms": 1, "entries": 1, "more": 1}',
    ],
)
def test_a_list_of_another_form_erases_nobody(chain: Chain, capsys: Captured, line: str) -> None:
    with opened(chain) as store:
        store.put("a", Kind.TITLE, "a")
        owner = store._subjects.owner_of("a").hex()
    good = json.dumps({"subject": owner, "at_ms": 2**50, "entries": 1})
    Path("list").write_text(f"{good}\n{line.replace('%s', owner)}\n")
    assert main(["reapply", "list"]) == 2
    assert "E_INPUT: list: line 2" in capsys.readouterr().err
    with opened(chain) as store:
        assert len(store.by_subject("a")) == 1


def test_wrong_usage_is_told(chain: Chain, capsys: Captured) -> None:
    for words in (["erase"], ["erase", "a", "--list"], ["private", "attest"], ["private"], ["reapply"]):
        assert main(words) == 2
        assert "E_USAGE" in capsys.readouterr().err
    assert main(["reapply", "nowhere"]) == 2


def test_the_key_is_replaced(chain: Chain, capsys: Captured) -> None:
    with opened(chain) as store:
        store.put("a", Kind.TITLE, "甲")
    assert main(["private", "rotate-key"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("1 persons' keys")
    assert "private.key.old" in out
    with opened(chain) as store:
        assert [one.opening.text for one in store.by_subject("a")] == ["甲"]
    assert main(["private", "rotate-key"]) == 2
    assert "E_KEY_FILE" in capsys.readouterr().err


def test_the_same_fact_is_always_the_same_command(chain: Chain) -> None:
    with opened(chain) as store:
        store.look_up(bytes(32), OFFICER, "case 1")
        (fact,) = store.on_ledger.pending()
    party = Party(tax_id="", seed=bytes(32), network="shenzhen")
    assert fact.signed(party) == fact.signed(party)
