"""A command over HTTP does not wait for the backlog of payments that was read before it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from farechain.pipeline.clock import BlockClock
from farechain.pipeline.ingest import BlockLimits, Ingest, Sealed
from farechain.sources import Chunk
from farechain.sources.spool import SpoolSource
from farechain.sources.together import Together
from web.town import CLERK, Town, record_of, ride

BACKLOG, BLOCK = 600, 20


class Backlog(SpoolSource):
    """A topic that yields everything it has at once, as a fetch after an outage does."""

    def __init__(self, count: int) -> None:
        self.left = [record_of(n, ride(n)) for n in range(count)]

    async def read(self, timeout_ms: int) -> list[Chunk]:
        if not self.left:
            await asyncio.sleep(timeout_ms / 1000)
            return []
        taken, self.left = self.left, []
        return [Chunk(0, taken, None)]

    def urgent(self) -> Sequence[Chunk]:
        return ()

    async def lag(self) -> dict[int, int]:
        return {0: len(self.left)}


async def test_a_command_overtakes_the_backlog(tmp_path: Path) -> None:
    town = Town(tmp_path, max_age_ms=5)
    async with town.open():
        await town.found()
        town.halt.set()
        await town.ended()
        halt, blocks = asyncio.Event(), list[int]()
        third = asyncio.Event()

        def on_block(sealed: Sealed) -> None:
            blocks.append(sealed.committed.height)
            town.desk.durable(sealed.committed.height)
            if len(blocks) == 3:
                third.set()

        ingest = Ingest(
            town.ledger,
            Together([(Backlog(BACKLOG), [0]), (town.source, [1])]),
            limits=BlockLimits(BLOCK, 5),
            clock=BlockClock(),
            on_block=on_block,
        )
        running = asyncio.create_task(ingest.run(halt))
        await third.wait()
        given_after = blocks[-1]
        answer = await town.client.send(CLERK.reimburser_policy(accepts_individuals=False))
        # Ahead of it are only blocks that were sealed already: in preparation, prepared, being committed.
        assert answer["height"] - given_after <= 5
        assert blocks[0] + BACKLOG // BLOCK > answer["height"]
        halt.set()
        await running
