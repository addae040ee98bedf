"""The stream of receipts: from a block on, resumable, bounded, without what only the parties know."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farechain.api import receipts as module
from farechain.api.context import ApiContext, Liveness
from farechain.api.problems import Problem
from farechain.api.receipts import Receipts
from web.town import BUREAU, COMPANY, Town, ride


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Founded in blocks 1 to 14; two rides in block 15."""
    made = Town(tmp_path)
    async with made.open() as opened:
        await opened.found()
    made.pay(ride(1), ride(2))
    made.halt = asyncio.Event()
    async with made.open() as opened:
        yield opened


def streams(town: Town, **bounds: int) -> Receipts:
    context = ApiContext(
        ledger=town.ledger,
        log=town.log,
        public_dir=town.place,
        registry=None,  # type: ignore[arg-type]  # nothing here asks for it
        liveness=Liveness(),
        vkey=town.log.vkey,
        ending=town.halt,
    )
    return Receipts(context, **bounds)


async def of_blocks(events: AsyncIterator[str], until: int) -> tuple[list[dict[str, Any]], list[int]]:
    """(receipts, ids) up to a block."""
    told: list[dict[str, Any]] = []
    ids: list[int] = []
    async for part in events:
        for line in part.splitlines():
            if line.startswith("data: "):
                told.append(json.loads(line.removeprefix("data: ")))
            elif line.startswith("id: "):
                ids.append(int(line.removeprefix("id: ")))
        if ids and ids[-1] >= until:
            return told, ids
    return told, ids


async def test_every_input_from_a_block_on_is_told_once(town: Town) -> None:
    told, ids = await of_blocks(streams(town).events(1), 15)
    assert ids == list(range(1, 16))
    assert len({each["id"] for each in told}) == len(told) == 16
    last = told[-1]
    assert (last["verdict"], last["subject"]) == ("ISSUED", "payments.metro/0/1")
    assert last["invoice"] == {"code": "144032609110", "number": "00000002"}


async def test_no_amount_hash_or_check_code_is_told(town: Town) -> None:
    told, _ids = await of_blocks(streams(town).events(15), 15)
    found = town.ledger.invoice("144032609110", 1)
    assert found is not None
    text = json.dumps(told)
    for secret in ("665", found["check_code"], found["hash"].hex(), found["fields"]["identity"].hex()):
        assert secret not in text


async def test_a_client_goes_on_behind_the_last_block_that_it_has_whole(town: Town) -> None:
    stream = streams(town)
    assert stream.admit(None, "14") == 15
    assert stream.admit("3", "14") == 15
    assert stream.admit("3", None) == 3
    assert stream.admit(None, None) == 16
    with pytest.raises(Problem) as told:
        stream.admit("17", None)
    assert told.value.status == 404


async def test_what_comes_later_is_told_then_and_the_end_is_told(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.01)
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.02)
    events = streams(town).events(town.ledger.height + 1)
    assert await anext(events) == ": receipts\n\n"
    assert await anext(events) == ": still here\n\n"
    await town.client.send(BUREAU.admit_issuer(COMPANY, "later"))
    told, _ids = await of_blocks(events, town.ledger.height)
    assert (told[-1]["verdict"], told[-1]["subject"]) == ("APPLIED", "http/0/14")
    town.halt.set()
    rest = [part async for part in events]
    assert rest[-1] == ": the end; come again\n\n"


async def test_listeners_are_bounded_and_leave(town: Town) -> None:
    stream = streams(town, listeners_max=1)
    events = stream.events(1)
    await anext(events)
    with pytest.raises(Problem) as refused:
        stream.admit(None, None)
    assert (refused.value.status, refused.value.code) == (503, "E_BUSY")
    await events.aclose()  # type: ignore[attr-defined]
    assert stream.admit("1", None) == 1


async def test_a_closed_ledger_ends_the_stream(town: Town) -> None:
    events = streams(town).events(1)
    await anext(events)
    town.halt.set()
    await town.ended()
    town.ledger.close()
    assert all(part.startswith(("id", "data", ":")) for part in [part async for part in events])


async def test_over_http_it_is_an_event_stream_and_head_ends(town: Town) -> None:
    head = await town.http.head("/v1/receipts")
    assert head.headers["content-type"].startswith("text/event-stream")
    for query in ({"from": "-1"}, {"from": "01"}, {"from": "x"}):
        assert (await town.http.get("/v1/receipts", params=query)).status_code == 422
    wrong = await town.http.get("/v1/receipts", headers={"Last-Event-ID": "x"})
    assert wrong.status_code == 422
