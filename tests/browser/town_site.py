"""The small town of ``web.town`` as a real site on a port of its own, for walks through its pages."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from playwright.sync_api import Page

from farechain.access.roles import Role
from farechain.api.callers import COOKIE
from farechain.client import SignedEvent
from web.town import Town

START_S = 30.0


@dataclass
class TownSite:
    """A running site: ``address``, and the town behind it."""

    address: str
    town: Town
    loop: asyncio.AbstractEventLoop

    def log_in(self, page: Page, role: Role, party: str) -> None:
        """Somebody with a token of their own at this browser."""
        token = self.town.tokens.issue(party, role, 1, active_max=100).token
        page.context.add_cookies(
            [{"name": COOKIE, "value": token, "url": self.address, "httpOnly": True, "sameSite": "Strict"}]
        )

    def give(self, *events: SignedEvent) -> None:
        """Commands of others, through HTTP."""

        async def send() -> None:
            for event in events:
                await self.town.client.send(event)

        asyncio.run_coroutine_threadsafe(send(), self.loop).result(START_S)


@contextmanager
def town_site(
    place: Path, *paid: SignedEvent, town: Town | None = None, more: Sequence[SignedEvent] = ()
) -> Iterator[TownSite]:
    """Founds the town, takes the payments, publishes each block, and serves until the end of the block.

    The payments come first of all, so they are founded with the commands that they need: see ``web.town``.

    Args:
        town: another than a plain one below ``place``.
        more: commands after the founding ones.
    """
    town = town or Town(place)
    ready, ended = threading.Event(), threading.Event()
    started: list[TownSite] = []
    failed: list[BaseException] = []

    async def run() -> None:
        async with town.open():
            await town.found()
            for event in more:
                await town.client.send(event)
        async with town.again(*paid):
            config = uvicorn.Config(town.app, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                assert not serving.done(), "the server ended"
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            started.append(TownSite(f"http://127.0.0.1:{port}", town, asyncio.get_running_loop()))
            town.publish()
            ready.set()
            while not ended.is_set():
                if town.log.published_size <= town.ledger.height:
                    town.publish()
                await asyncio.sleep(0.02)
            server.should_exit = True
            await serving

    def guarded() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # told to the test
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=guarded, name="town", daemon=True)
    thread.start()
    assert ready.wait(START_S), "the town did not start"
    if not started:
        raise failed[0]
    try:
        yield started[0]
    finally:
        ended.set()
        thread.join(START_S)
        town.ledger.close()
    if failed:
        raise failed[0]
