"""An owner that is killed, stopped or restarted while rides and commands come: a standby goes on at once.

The seconds to the first new checkpoint are printed (``pytest -s``); only what is in the ledger counts.
"""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_fleet import Fleet, Member

from farechain.config import BlockSettings

SOON = 8
"""Blocks that are awaited before and after each turn of events."""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path)
    made.member(BlockSettings(max_age_ms=50, max_inputs=40))
    yield made
    for member in made.members:
        member.end()


async def both(fleet: Fleet) -> tuple[Member, Member]:
    """An owner that is ready, and a standby that waits."""
    owner, standby = fleet.members
    owner.start()
    await owner.until('"ready":true')
    standby.start()
    await standby.until("another process owns")
    return owner, standby


async def test_a_standby_goes_on_where_a_killed_owner_was(fleet: Fleet) -> None:
    owner, standby = await both(fleet)
    async with fleet.traffic():
        await fleet.until_published(SOON)
        owner.signal(signal.SIGKILL)
        await first_new(fleet, "killed")
        await fleet.until_published(fleet.published() + SOON)
    await fleet.settle(standby)
    fleet.check()


async def first_new(fleet: Fleet, what: str) -> None:
    """Waits for a checkpoint of the next owner and prints how long nobody was one."""
    began = time.monotonic()
    # What was signed and not renamed yet when the owner died would be one more.
    ended = await fleet.until_published(fleet.published() + 1)
    print(f"{what}: first new checkpoint after {ended - began:.2f} s")


async def test_restarting_one_after_the_other_loses_nothing_and_refuses_nobody(fleet: Fleet) -> None:
    await both(fleet)
    async with fleet.traffic():
        for owner, other in (fleet.members, fleet.members[::-1]):
            await fleet.until_published(fleet.published() + SOON)
            owner.signal(signal.SIGTERM)
            gap = asyncio.create_task(gap_of(fleet, owner))
            assert await asyncio.to_thread(owner.code) == 0, owner.log.read_text()
            await other.until('"ready":true')
            await gap
            owner.start()
            await owner.until("another process owns")
        await fleet.until_published(fleet.published() + SOON)
    await fleet.settle(fleet.members[0])
    fleet.check()


async def gap_of(fleet: Fleet, owner: Member) -> None:
    """From the owner's end to the first new checkpoint."""
    await asyncio.to_thread(owner.code)
    await first_new(fleet, "restarted")


async def test_a_stopped_owner_is_silent_and_its_supervisor_kills_it(fleet: Fleet, tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(address))
        supervisor.setblocking(False)
        owner, standby = fleet.members
        owner.start({"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "900000"})
        await owner.until('"ready":true')
        standby.start()
        await standby.until("another process owns")
        async with fleet.traffic():
            await fleet.until_published(SOON)
            owner.signal(signal.SIGSTOP)
            told = await until_silent(supervisor, 0.9)
            assert told[0].startswith("READY=1\n")
            assert "WATCHDOG=1" in told
            await standby.until("another process owns")
            before = fleet.published()
            owner.signal(signal.SIGKILL)
            await fleet.until_published(before + SOON)
        await fleet.settle(standby)
        fleet.check()


async def until_silent(supervisor: socket.socket, timeout_s: float) -> list[str]:
    """What came until nothing did for the time that the owner was given."""
    loop, told = asyncio.get_running_loop(), list[str]()
    while True:
        try:
            async with asyncio.timeout(timeout_s):
                told.append((await loop.sock_recv(supervisor, 4096)).decode())
        except TimeoutError:
            return told
