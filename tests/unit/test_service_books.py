"""The books follow a running service and a reader; what becomes of them stops nothing else."""

import asyncio
import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from service_chain import Chain, Day, make_day, until

from farechain._core import Ledger
from farechain.books.books import Books
from farechain.errors import FarechainError
from farechain.listening import address, bind
from farechain.observability.metrics import Metrics
from farechain.service import bookkeeping
from farechain.service.bookkeeping import NAME, Bookkeeper, open_books
from farechain.service.reading import serve_reading
from farechain.service.running import Service

LAG, FAILURES = "farechain_books_lag_blocks", "farechain_books_failures_total"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


def value(metrics: Metrics, name: str) -> float:
    found = metrics.registry.get_sample_value(name)
    assert found is not None
    return found


class Growing:
    """A ledger's height, and the books of it, which fail when they are told to."""

    def __init__(self) -> None:
        self.height, self.booked, self.failing = 0, -1, False

    def follow(self, ledger: "Growing") -> bool:
        if self.failing:
            raise FarechainError("E_BOOKS", "no space")
        self.booked += 1
        return self.booked < ledger.height


class Kept:
    def __init__(self, of: Growing) -> None:
        self._of = of
        self.follow = of.follow

    @property
    def height(self) -> int:
        return self._of.booked


async def test_a_failing_step_is_counted_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookkeeping, "RETRY_S", 0.001)
    growing, metrics, told, stop = Growing(), Metrics(), list[str](), asyncio.Event()
    growing.height, growing.failing = 5, True
    books = cast(Books, Kept(growing))
    keeper = Bookkeeper(books, cast(Ledger, growing), metrics, on_trouble=told.append)
    running = asyncio.create_task(keeper.run(stop))
    await until(lambda: len(told) >= 3)
    assert told[0] == "FarechainError: no space"
    assert value(metrics, FAILURES) >= 3
    assert value(metrics, LAG) == 6
    growing.failing = False
    await until(lambda: value(metrics, LAG) == 0)
    growing.height = 7
    keeper.wake()
    await until(lambda: growing.booked == 7)
    stop.set()
    await running


async def test_ingest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    growing, stop, busy = Growing(), asyncio.Event(), asyncio.Event()
    looked = list[bool]()

    def is_busy() -> bool:
        looked.append(growing.booked == -1)
        if len(looked) == 3:
            busy.set()
        return len(looked) < 3

    books = cast(Books, Kept(growing))
    keeper = Bookkeeper(books, cast(Ledger, growing), Metrics(), busy=is_busy)
    running = asyncio.create_task(keeper.run(stop))
    await busy.wait()
    await until(lambda: growing.booked == 0)
    assert looked[:3] == [True] * 3, "nothing was booked while ingest was behind"
    stop.set()
    await running


async def served(chain: Chain, look: Callable[[httpx.AsyncClient], Any]) -> None:
    """Runs a service over HTTP until it has seen what was looked for."""
    stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
    serving = asyncio.create_task(Service(chain.settings, listener).run(stop))
    async with httpx.AsyncClient(base_url=address(listener), trust_env=False) as http:
        await look(http)
    stop.set()
    assert await serving is not None


def kept_height(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute("SELECT height FROM position").fetchone()[0])


async def is_booked(http: httpx.AsyncClient, inputs: int) -> bool:
    """Whether all is durable and in the books."""
    status = await http.get("/v1/status")
    metrics = (await http.get("/metrics")).text
    return status.status_code == 200 and status.json()["inputs"] == inputs and f"\n{LAG} 0.0" in metrics


async def test_a_service_keeps_its_books_in_the_ledger_s_state(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, max_inputs=50)

    async def look(http: httpx.AsyncClient) -> None:
        await until(lambda: is_booked(http, day.inputs))
        last = chain.ledger().height
        await until(lambda: kept_height(chain.settings.state_dir / NAME) == last)

    await served(chain, look)


async def test_books_that_cannot_be_opened_stop_nothing(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day)
    (chain.settings.state_dir / NAME).mkdir(parents=True)
    metrics = Metrics()
    assert open_books(chain.settings.state_dir, metrics) is None
    assert value(metrics, LAG) == math.inf

    async def look(http: httpx.AsyncClient) -> None:
        async def is_done() -> bool:
            answer = await http.get("/v1/status")
            return answer.status_code == 200 and answer.json()["inputs"] == day.inputs

        await until(is_done)

    await served(chain, look)
    assert chain.differences() == 0


async def test_a_damaged_file_is_made_again_while_the_service_runs(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, max_inputs=50)
    await chain.to_the_end()
    ledger, path = chain.ledger(), tmp_path / NAME
    books = Books.open(path)
    books.follow(ledger, 3)
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = other.execute("SELECT rootpage FROM sqlite_schema WHERE name='keys'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    keeper, stop = Bookkeeper(books, ledger, Metrics()), asyncio.Event()
    running = asyncio.create_task(keeper.run(stop))
    await until(lambda: books.height == ledger.height)
    stop.set()
    await running
    assert books.totals("").held.count == 0
    books.close()


async def test_a_reader_keeps_books_of_its_own_and_leaves_none(
    tmp_path: Path, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    chain = Chain(tmp_path, day)
    await chain.to_the_end()
    stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
    serving = asyncio.create_task(serve_reading(chain.settings, listener, stop))
    async with httpx.AsyncClient(base_url=address(listener), trust_env=False) as http:
        await until(lambda: is_booked(http, day.inputs))
    assert list(place.glob(f"*/{NAME}"))
    assert not (chain.settings.state_dir / NAME).exists()
    stop.set()
    await serving
    assert list(place.iterdir()) == []
