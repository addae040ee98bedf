"""The service from a spool to published checkpoints: nothing lost, nothing twice, whatever happens."""

import asyncio
import random
import shutil
from pathlib import Path

import httpx
import pytest
from service_chain import Chain, Day, make_day, until, witnesses

from farechain import _core
from farechain.errors import FarechainError
from farechain.listening import address, bind
from farechain.service.following import FollowedLedger
from farechain.service.reading import serve_reading
from farechain.service.running import Service
from farechain.witness.client import cosigners


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


def halves(day: Day, into: Path, seed: int) -> dict[Path, list[bytes]]:
    """Copies the commands and a random part of each payment file; returns what is still to come."""
    into.mkdir()
    rest = {}
    for file in sorted(day.spool.iterdir()):
        lines = file.read_bytes().splitlines(keepends=True)
        cut = (
            len(lines)
            if "commands" in file.name
            else random.Random(f"{seed}{file.name}").randrange(len(lines))
        )
        (into / file.name).write_bytes(b"".join(lines[:cut]))
        rest[into / file.name] = lines[cut:]
    return rest


def add(rest: dict[Path, list[bytes]]) -> None:
    for file, lines in rest.items():
        with file.open("ab") as growing:
            growing.write(b"".join(lines))


async def test_a_day_becomes_what_its_manifest_says(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day)
    summary = await chain.to_the_end()
    assert summary.totals.inputs == day.inputs
    assert summary.totals.invoices == 1000
    assert summary.unfinished() is None
    assert chain.differences() == 0
    assert chain.audit()
    again = await chain.to_the_end()
    assert (again.height, again.totals.inputs, again.totals.blocks) == (summary.height, 0, 0)


@pytest.mark.parametrize("seed", range(3))
async def test_a_growing_spool_is_followed_until_a_signal(tmp_path: Path, day: Day, seed: int) -> None:
    rest = halves(day, tmp_path / "spool", seed)
    chain = Chain(tmp_path, day, tmp_path / "spool", max_inputs=50)
    first = await chain.to_the_end()
    assert first.totals.inputs + sum(map(len, rest.values())) == day.inputs
    stop = asyncio.Event()
    listener = bind("127.0.0.1", 0)
    running = asyncio.create_task(Service(chain.settings, listener).run(stop))
    add(rest)
    async with httpx.AsyncClient(base_url=address(listener), trust_env=False) as http:

        async def all_is_in() -> bool:
            answer = await http.get("/v1/status")
            return answer.status_code == 200 and answer.json()["inputs"] == day.inputs

        await until(all_is_in)
        assert (await http.get("/readyz")).status_code == 200
        stop.set()
    summary = await running
    assert summary is not None
    assert summary.unfinished() is None
    assert chain.differences() == 0
    assert chain.audit()


async def test_a_signal_in_the_middle_loses_nothing(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, max_inputs=20)
    stop = asyncio.Event()
    running = asyncio.create_task(Service(chain.settings, None).run(stop))
    await until((chain.settings.public_dir / "checkpoint").exists)
    stop.set()
    summary = await running
    assert summary is not None
    assert summary.unfinished() is None
    assert summary.height > 0
    await chain.to_the_end()
    assert chain.differences() == 0
    assert chain.audit()


async def test_the_checkpoint_carries_its_witnesses(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, max_inputs=200)
    async with witnesses(tmp_path, chain.vkey, 3) as members:
        chain.require(members, 2)
        assert (await chain.to_the_end()).unfinished() is None
    note = (chain.settings.public_dir / "checkpoint").read_text()
    assert cosigners(note, [member.vkey for member in members]) == ["w0", "w1", "w2"]
    assert chain.audit()


async def test_without_enough_witnesses_blocks_are_durable_and_published_later(
    tmp_path: Path, day: Day
) -> None:
    chain = Chain(tmp_path, day)
    async with witnesses(tmp_path, chain.vkey, 2) as members:
        away = members[1].model_copy(update={"url": "http://127.0.0.1:1"})
        chain.require([members[0], away], 2)
        summary = await chain.to_the_end()
        assert summary.published_size == 0
        assert "1 of 2 required cosignatures: w1: unreachable" in (summary.unfinished() or "")
        assert chain.differences() == 0
        chain.require(members, 2)
        assert (await chain.to_the_end()).published_size == summary.height + 1


class Restored:
    """A chain whose ledger was put back to an older copy after it had gone on."""

    def __init__(self, chain: Chain, day: Day, place: Path) -> None:
        self.chain = chain
        self.rest = halves(day, place / "spool", 1)
        self.place = place

    async def __call__(self) -> tuple[int, int]:
        """Heights of the copy and of what was lost."""
        before = await self.chain.to_the_end()
        shutil.copytree(self.chain.settings.ledger.path, self.place / "backup")
        spool = self.place / "spool"
        shutil.copytree(spool, self.place / "earlier")
        add(self.rest)
        after = await self.chain.to_the_end()
        shutil.rmtree(self.chain.settings.ledger.path)
        (self.place / "backup").rename(self.chain.settings.ledger.path)
        return before.height, after.height


async def test_a_restored_copy_signs_nothing_below_what_witnesses_know(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, tmp_path / "spool", max_inputs=100)
    restore = Restored(chain, day, tmp_path)
    async with witnesses(tmp_path, chain.vkey, 2) as members:
        chain.require(members, 2)
        before, after = await restore()
        signed = (chain.settings.state_dir / "log" / "signed-head").read_bytes()
        # Kafka has not got everything back yet: one more input than the copy knew.
        file, lines = max(restore.rest.items(), key=lambda item: len(item[1]))
        add({tmp_path / "earlier" / file.name: lines[:1]})
        chain.read_from(tmp_path / "earlier")
        summary = await chain.to_the_end()
        assert before < summary.height < after
        assert f"witnesses have seen size {after + 1}" in (summary.unfinished() or "")
        assert (chain.settings.state_dir / "log" / "signed-head").read_bytes() == signed


async def test_a_restored_copy_that_went_another_way_is_a_fork_to_witnesses(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, tmp_path / "spool", max_inputs=100)
    restore = Restored(chain, day, tmp_path)
    async with witnesses(tmp_path, chain.vkey, 2) as members:
        chain.require(members, 2)
        before, after = await restore()
        note = (chain.settings.public_dir / "checkpoint").read_text()
        # Smaller blocks: the copy outgrows what is known outside, with other blocks in it.
        chain.seal_at(20)
        summary = await chain.to_the_end()
        assert summary.height > after > before
        assert "0 of 2 required cosignatures" in (summary.unfinished() or "")
        assert (chain.settings.public_dir / "checkpoint").read_text() == note
        assert chain.differences() == 0


@pytest.mark.parametrize(("change", "code"), [("cut", "E_TOPIC_TRUNCATED"), ("another", "E_TOPIC_RECREATED")])
async def test_a_changed_spool_is_told_and_nothing_is_reset(
    tmp_path: Path, day: Day, change: str, code: str
) -> None:
    shutil.copytree(day.spool, tmp_path / "spool")
    chain = Chain(tmp_path, day, tmp_path / "spool")
    height = (await chain.to_the_end()).height
    file = tmp_path / "spool" / "payments.metro-1.jsonl"
    *lines, last = file.read_bytes().splitlines(keepends=True)
    lines = lines[:-3] if change == "cut" else [*lines, last.replace(b'"key":"', b'"key":"AAAA', 1)]
    file.write_bytes(b"".join(lines))
    with pytest.raises(FarechainError, match="payments") as told:
        await chain.to_the_end()
    assert told.value.code == code
    assert chain.ledger().height == height


async def test_a_second_owner_waits_and_can_be_sent_away(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day)
    stop_first, stop_second = asyncio.Event(), asyncio.Event()
    listeners = [bind("127.0.0.1", 0), bind("127.0.0.1", 0)]
    first = asyncio.create_task(Service(chain.settings, listeners[0]).run(stop_first))
    async with httpx.AsyncClient(trust_env=False) as http:

        async def first_is_ready() -> bool:
            return (await http.get(address(listeners[0]) + "/readyz")).status_code == 200

        async def second_waits() -> bool:
            return "another process owns" in (await http.get(address(listeners[1]) + "/readyz")).text

        await until(first_is_ready)
        second = asyncio.create_task(Service(chain.settings, listeners[1]).run(stop_second))
        await until(second_waits)
        assert (await http.get(address(listeners[1]) + "/readyz")).status_code == 503
        assert (await http.get(address(listeners[1]) + "/livez")).status_code == 200
        assert (await http.get(address(listeners[1]) + "/v1/status")).json()["code"] == "E_STANDBY"
        assert "farechain_build_info" in (await http.get(address(listeners[1]) + "/metrics")).text
        stop_second.set()
        assert await second is None
        stop_first.set()
        assert await first is not None


async def test_a_standby_takes_over_when_the_owner_leaves(tmp_path: Path, day: Day) -> None:
    rest = halves(day, tmp_path / "spool", 3)
    chain = Chain(tmp_path, day, tmp_path / "spool", max_inputs=100)
    stop_first, stop_second = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(Service(chain.settings, None).run(stop_first))
    await until((chain.settings.public_dir / "checkpoint").exists)
    second = asyncio.create_task(Service(chain.settings, None).run(stop_second))
    stop_first.set()
    assert await first is not None
    add(rest)
    await until(lambda: chain.ledger().status()["inputs"] == day.inputs)
    stop_second.set()
    summary = await second
    assert summary is not None
    assert summary.totals.inputs > 0
    assert chain.differences() == 0


async def test_a_reader_follows_the_owner(tmp_path: Path, day: Day) -> None:
    rest = halves(day, tmp_path / "spool", 2)
    chain = Chain(tmp_path, day, tmp_path / "spool")
    first = await chain.to_the_end()
    followed = FollowedLedger(chain.settings)
    assert followed.height == first.height
    assert not followed.refresh()
    add(rest)
    last = await chain.to_the_end()
    await until(followed.refresh)
    assert followed.height == last.height
    assert followed.status()["inputs"] == day.inputs


async def test_a_reader_answers_http_and_proves_beside_the_owner(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day)
    await chain.to_the_end()
    ledger = chain.ledger()
    committed = ledger.record(ledger.height, 0)
    assert committed is not None
    assert _core.decode_record(committed)["kind"] == "STATE", "the end of a source is committed to"
    record = ledger.record(ledger.height - 1, 0)
    assert record is not None
    invoice = _core.decode_record(record)
    stop = asyncio.Event()
    listener = bind("127.0.0.1", 0)
    serving = asyncio.create_task(serve_reading(chain.settings, listener, stop))
    async with httpx.AsyncClient(base_url=address(listener), trust_env=False) as http:
        assert (await http.get("/v1/status")).json()["inputs"] == day.inputs
        answer = await http.get(f"/v1/proofs/{invoice['code']}/{invoice['number']}")
        assert answer.status_code == 200, answer.text
        proven = _core.verify_proof(answer.content, chain.vkey, [], 0)
        assert (proven["origin"], proven["record"]) == ("shenzhen/0", record)
        assert (await http.get("/checkpoint")).text == (chain.settings.public_dir / "checkpoint").read_text()
    stop.set()
    await serving


async def test_a_wrong_bureau_key_rejects_everything_and_says_so(tmp_path: Path, day: Day) -> None:
    other = tmp_path / "other.pub"
    other.write_text(_core.public_key(b"\x55" * 32).hex() + "\n")
    chain = Chain(tmp_path, Day(day.spool, day.manifest, other, day.inputs))
    summary = await chain.to_the_end()
    assert summary.totals.inputs == day.inputs
    assert summary.totals.invoices == 0
    assert summary.totals.rejected["E_KEY_UNKNOWN"] > 900
