"""What systemd is told over a real socket, and how a client finds the owner among several addresses."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from farechain.client import HttpClient
from farechain.errors import FarechainError
from farechain.service.running import Service
from farechain.service.supervised import Supervisor
from fixtures.old_ledger import unpack
from web.town import BUREAU, SELLER

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "ledger-format-1.tar.gz"


@pytest.fixture(params=["path", "abstract"])
def supervisor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket as systemd has one, and how the environment names it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@farechain-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.setblocking(False)
        yield listening, name


async def told(listening: socket.socket) -> str:
    async with asyncio.timeout(60):
        return (await asyncio.get_running_loop().sock_recv(listening, 4096)).decode()


async def test_there_is_a_sign_of_life_only_while_the_work_gets_on(
    supervisor: tuple[socket.socket, str],
) -> None:
    listening, name = supervisor
    asked = 0

    def progress() -> int:
        nonlocal asked
        asked += 1
        return min(asked, 3)

    environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000", "WATCHDOG_PID": str(os.getpid())}
    kept = Supervisor(environment)
    assert kept.ping_s == 0.01
    watching = asyncio.create_task(kept.watch(progress))
    for _ in range(3):
        assert await told(listening) == "WATCHDOG=1"
    async with asyncio.timeout(60):
        while asked < 8:  # noqa: ASYNC110 (each look is a turn of the task beside)
            await asyncio.sleep(0)
    watching.cancel()
    kept.tell(STATUS="two\nlines", STOPPING="1")
    assert await told(listening) == "STATUS=two lines\nSTOPPING=1"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "30000"},
        {"NOTIFY_SOCKET": "/nowhere/at/all"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "30000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "soon"},
    ],
)
async def test_without_a_supervisor_nothing_is_said_and_nothing_fails(environment: dict[str, str]) -> None:
    quiet = Supervisor(environment)
    quiet.tell(READY="1")
    await quiet.watch(lambda: None)
    assert quiet.ping_s == 0


async def test_a_service_says_what_it_is_and_that_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(address))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        await Service(unpack(ARCHIVE, tmp_path), None, until_end=True).run(asyncio.Event())
        assert await told(listening) == "READY=1\nSTATUS=opening the ledger"
        assert await told(listening) == "STATUS=owner, opened at height 14"
        assert await told(listening) == "STOPPING=1\nSTATUS=draining"


class Fleet:
    """Three addresses: nobody, a standby, an owner; counts who was asked."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        self.asked.append(host)
        if host == "nobody":
            raise httpx.ConnectError("refused")
        if host != self.owner:
            return httpx.Response(503, json={"code": "E_STANDBY"}, headers={"Retry-After": "0"})
        return httpx.Response(201, json={"host": host})


URLS = "http://nobody,http://standby/, http://owner"


async def test_a_client_asks_one_address_after_the_other_and_stays_with_the_owner() -> None:
    fleet = Fleet("owner")
    async with HttpClient(URLS, transport=httpx.MockTransport(fleet)) as client:
        for _ in range(2):
            assert await client.send(BUREAU.admit_issuer(SELLER, "name")) == {"host": "owner"}
        assert fleet.asked == ["nobody", "standby", "owner", "owner"]
        fleet.owner = "standby"
        assert await client.send(BUREAU.admit_issuer(SELLER, "name")) == {"host": "standby"}
    assert fleet.asked[4:] == ["owner", "nobody", "standby"]


async def test_all_addresses_are_asked_as_often_as_one_would_be() -> None:
    fleet = Fleet("none of them")
    urls = "http://standby,http://owner"
    async with HttpClient(urls, tries=2, transport=httpx.MockTransport(fleet)) as client:
        with pytest.raises(FarechainError) as refused:
            await client.send(BUREAU.admit_issuer(SELLER, "name"))
    assert refused.value.code == "E_UNAVAILABLE"
    assert fleet.asked == ["standby", "owner"] * 2
