"""Commands over HTTP to the whole service: beside a day of payments, at its end, without the source."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_chain import Chain, Day, make_day, until

from farechain import _core, keys
from farechain.client import HttpClient, Party
from farechain.config import CommandSettings
from farechain.errors import FarechainError
from farechain.listening import address, bind
from farechain.service.reading import serve_reading
from farechain.service.running import Service

COMPANY = "91110000600037341L"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


def bureau_of(day: Day) -> Party:
    seed = keys.read_key(day.bureau_key.with_name("bureau.key"))
    return Party(tax_id="", seed=seed, network="shenzhen")


@asynccontextmanager
async def serving(chain: Chain) -> AsyncIterator[tuple[str, asyncio.Event, "asyncio.Task[Any]"]]:
    """The service on a port, ready; stopped at the end."""
    stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
    url = address(listener)
    running = asyncio.create_task(Service(chain.settings, listener).run(stop))
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:

        async def ready() -> bool:
            return (await http.get("/readyz")).status_code == 200

        await until(ready)
    try:
        yield url, stop, running
    finally:
        stop.set()
        await running


async def test_commands_are_answered_while_a_day_is_ingested(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, max_inputs=20)
    bureau = bureau_of(day)
    async with serving(chain) as (url, _stop, _running), HttpClient(url) as client:
        answers = await asyncio.gather(
            *(client.send(bureau.admit_issuer(COMPANY, f"n{n}")) for n in range(40))
        )
    assert sorted(answer["offset"] for answer in answers) == list(range(40))
    await chain.to_the_end()
    ledger = chain.ledger()
    for answer in answers:
        record = ledger.record(answer["height"], answer["records"][0]["index"])
        assert record is not None
        assert _core.leaf_hash(record).hex() == answer["records"][0]["hash"]
    assert ledger.status()["inputs"] == day.inputs + 40
    assert chain.audit()


async def test_at_the_end_every_command_is_recorded_or_told_to_be_sent_again(
    tmp_path: Path, day: Day
) -> None:
    chain = Chain(tmp_path, day)
    bureau = bureau_of(day)
    commands = [bureau.admit_issuer(COMPANY, f"n{n}") for n in range(200)]

    async def give(client: HttpClient, number: int) -> dict[str, Any] | FarechainError:
        try:
            return await client.send(commands[number])
        except FarechainError as error:
            return error

    async with serving(chain) as (url, stop, running), HttpClient(url, tries=1) as client:
        giving = [asyncio.create_task(give(client, n)) for n in range(200)]
        await asyncio.wait(giving, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        answers = await asyncio.gather(*giving)
        await running
    recorded = [answer for answer in answers if isinstance(answer, dict)]
    told = [answer for answer in answers if isinstance(answer, FarechainError)]
    assert recorded
    assert {error.code for error in told} <= {"E_UNAVAILABLE"}
    ledger = chain.ledger()
    for answer in recorded:
        assert ledger.record(answer["height"], answer["records"][0]["index"]) is not None
    async with serving(chain) as (url, _stop, _running), HttpClient(url) as client:
        again = [await client.send(command) for command in commands]
    known = {answer["records"][0]["hash"] for answer in recorded}
    assert known <= {answer["records"][0]["hash"] for answer in again if answer["duplicate"]}
    assert len({answer["records"][0]["hash"] for answer in again}) == 200


async def test_the_stream_of_receipts_ends_with_the_service(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day)
    async with (
        serving(chain) as (url, stop, _running),
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as http,
        http.stream("GET", "/v1/receipts", params={"from": "1"}) as stream,
    ):
        lines = stream.aiter_lines()
        async for line in lines:
            if line.startswith("id: "):
                break
        stop.set()
        rest = [line async for line in lines]
    assert ": the end; come again" in rest


async def test_a_chain_without_the_source_goes_on_and_says_so(tmp_path: Path, day: Day) -> None:
    class Old(Chain):
        def _write(self) -> None:
            none = CommandSettings(http=False)
            self.settings = self.settings.model_copy(update={"commands": none})
            super()._write()

    chain = Old(tmp_path, day)
    async with serving(chain) as (url, _stop, _running), HttpClient(url) as client:
        with pytest.raises(FarechainError, match="genesis does not list http/0") as told:
            await client.send(bureau_of(day).admit_issuer(COMPANY, "x"))
        assert told.value.exit_code == 4
    await chain.to_the_end()
    assert chain.differences() == 0


async def test_a_reader_sends_commands_to_the_owner(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day)
    await chain.to_the_end()
    stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
    reading = asyncio.create_task(serve_reading(chain.settings, listener, stop))
    async with HttpClient(address(listener)) as client, asyncio.timeout(30):
        with pytest.raises(FarechainError, match="only reads"):
            await client.send(bureau_of(day).admit_issuer(COMPANY, "x"))
        stop.set()
        await reading
