"""A round of cosigning: all are asked at once, k of n suffice, and only what verifies is added."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from service_little_log import LittleLog, entries
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from farechain import _core
from farechain.listening import address, bind, serve
from farechain.witness.client import CosigningError, WitnessEndpoint, WitnessRound
from farechain.witness.server import Witness, create_app
from farechain.witness.state import WitnessState

LOG = LittleLog(entries(40))
FORK = LittleLog(entries(5) + entries(35, b" of a fork"))


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    stop = asyncio.Event()
    listener = bind("127.0.0.1", 0)
    serving = asyncio.create_task(serve(app, listener, stop, shutdown_s=1))
    yield address(listener)
    stop.set()
    await serving


class Parties:
    """Real witnesses on real ports."""

    def __init__(self, urls: list[str], witnesses: list[Witness]) -> None:
        self.witnesses = witnesses
        self.endpoints = [
            WitnessEndpoint(f"w{n}", url, _core.vkey_cosignature(f"w{n}", _core.public_key(bytes([n]) * 32)))
            for n, url in enumerate(urls)
        ]
        self.vkeys = [endpoint.vkey for endpoint in self.endpoints]

    def signers(self, note: str) -> list[str]:
        return [name for name, time_s in _core.open_note(note, [LOG.vkey, *self.vkeys]) if time_s is not None]


@pytest.fixture
async def parties(tmp_path: Path) -> AsyncIterator[Parties]:
    witnesses, urls, states = [], [], []
    stop = asyncio.Event()
    serving = []
    for n in range(3):
        state = WitnessState(tmp_path / f"w{n}")
        state.add(LOG.origin)
        witness = Witness(f"w{n}", bytes([n]) * 32, {LOG.origin: (LOG.vkey,)}, state)
        listener = bind("127.0.0.1", 0)
        serving.append(asyncio.create_task(serve(create_app(witness), listener, stop, shutdown_s=1)))
        witnesses.append(witness)
        states.append(state)
        urls.append(address(listener))
    yield Parties(urls, witnesses)
    stop.set()
    await asyncio.gather(*serving)
    for state in states:
        state.close()


Answering = Callable[[Request], Awaitable[Response]]


def answering(handler: Answering) -> Starlette:
    return Starlette(routes=[Route("/add-checkpoint", handler, methods=["POST"])])


async def test_all_cosign_a_growing_log(parties: Parties) -> None:
    async with WitnessRound(parties.endpoints, 3, 5.0) as cosigning:
        for size in (1, 2, 9, 9, 40):
            note = await cosigning.cosign(LOG.checkpoint(size), LOG.consistency)
            assert note.startswith(LOG.checkpoint(size))
            assert parties.signers(note) == ["w0", "w1", "w2"]


async def test_a_client_that_forgot_the_sizes_learns_them(parties: Parties) -> None:
    for n, size in enumerate((3, 8, 12)):
        parties.witnesses[n].add_checkpoint(LOG.request(0, size))
    async with WitnessRound(parties.endpoints, 3, 5.0) as cosigning:
        note = await cosigning.cosign(LOG.checkpoint(20), LOG.consistency)
    assert parties.signers(note) == ["w0", "w1", "w2"]


async def test_too_few_names_each_witness_and_why(parties: Parties) -> None:
    parties.witnesses[1].add_checkpoint(FORK.request(0, 20))
    gone = WitnessEndpoint("w2", "http://127.0.0.1:1", parties.vkeys[2])
    async with WitnessRound([*parties.endpoints[:2], gone], 2, 5.0) as cosigning:
        with pytest.raises(CosigningError) as few:
            await cosigning.cosign(LOG.checkpoint(20), LOG.consistency)
    assert (few.value.got, few.value.threshold) == (1, 2)
    assert str(few.value).startswith("1 of 2 required cosignatures")
    assert "w1: has another root for size 20: the log has forked" in str(few.value)
    assert "w2: unreachable at http://127.0.0.1:1" in str(few.value)


async def test_enough_is_enough(parties: Parties) -> None:
    gone = WitnessEndpoint("w2", "http://127.0.0.1:1", parties.vkeys[2])
    async with WitnessRound([*parties.endpoints[:2], gone], 2, 5.0) as cosigning:
        note = await cosigning.cosign(LOG.checkpoint(20), LOG.consistency)
    assert parties.signers(note) == ["w0", "w1"]


async def test_a_witness_that_hangs_delays_a_checkpoint_only_a_little(parties: Parties) -> None:
    let_go = asyncio.Event()

    async def hang(_request: Request) -> Response:
        await let_go.wait()
        return PlainTextResponse("late\n")

    async with served(answering(hang)) as url:
        slow = WitnessEndpoint("w2", url, parties.vkeys[2])
        async with WitnessRound([*parties.endpoints[:2], slow], 2, 30.0) as cosigning:
            started = time.monotonic()
            note = await cosigning.cosign(LOG.checkpoint(20), LOG.consistency)
            assert time.monotonic() - started < 5
        async with WitnessRound([slow], 1, 0.2) as alone:
            with pytest.raises(CosigningError, match=r"w2: no answer in 0.2 s"):
                await alone.cosign(LOG.checkpoint(20), LOG.consistency)
        let_go.set()
    assert parties.signers(note) == ["w0", "w1"]


async def test_a_copy_that_is_behind_is_told_the_size_seen_outside(parties: Parties) -> None:
    for witness in parties.witnesses:
        witness.add_checkpoint(LOG.request(0, 30))
    async with WitnessRound(parties.endpoints, 2, 5.0) as cosigning:
        assert await cosigning.highest_known(LOG.checkpoint(10)) == {"w0": 30, "w1": 30, "w2": 30}
        with pytest.raises(CosigningError) as behind:
            await cosigning.cosign(LOG.checkpoint(20), LOG.consistency)
        assert behind.value.known_size == 30
        assert parties.signers(await cosigning.cosign(LOG.checkpoint(30), LOG.consistency)) == [
            "w0",
            "w1",
            "w2",
        ]


async def test_who_does_not_answer_is_left_out_of_what_is_known(parties: Parties) -> None:
    gone = WitnessEndpoint("w2", "http://127.0.0.1:1", parties.vkeys[2])
    async with WitnessRound([parties.endpoints[0], gone], 1, 5.0) as cosigning:
        assert await cosigning.highest_known(LOG.checkpoint(10)) == {"w0": 10}


def other_key(log: LittleLog) -> str:
    return _core.cosign("w2", b"\x63" * 32, log.checkpoint(20), 1)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (PlainTextResponse(""), "without a cosignature that verifies"),
        (PlainTextResponse(other_key(LOG)), "without a cosignature that verifies"),
        (PlainTextResponse(_core.cosign("w2", b"\2" * 32, FORK.checkpoint(20), 1)), "without a cosignature"),
        (PlainTextResponse(_core.cosign("w9", b"\2" * 32, LOG.checkpoint(20), 1)), "without a cosignature"),
        (PlainTextResponse("— w2 AAAA\n"), "without a cosignature that verifies"),
        (PlainTextResponse("x" * 20_000), "more than 16384 bytes"),
        (PlainTextResponse("down\n", 500), "refused with status 500: down"),
        (PlainTextResponse("", 302, headers={"location": "http://127.0.0.1:1/"}), "refused with status 302"),
        (PlainTextResponse("12\n", 409), "refused with status 409: 12"),
        (Response("-1\n", 409, headers={"content-type": "text/x.tlog.size"}), "refused with status 409"),
        (Response("9" * 40, 409, headers={"content-type": "text/x.tlog.size"}), "refused with status 409"),
        (Response("7\n", 409, headers={"content-type": "text/x.tlog.size"}), "has another root for size 7"),
    ],
)
async def test_a_hostile_witness_adds_nothing(parties: Parties, answer: Response, told: str) -> None:
    async def handler(_request: Request) -> Response:
        return Response(answer.body, answer.status_code, headers=dict(answer.headers))

    async with served(answering(handler)) as url:
        hostile = WitnessEndpoint("w2", url, parties.vkeys[2])
        async with WitnessRound([hostile, *parties.endpoints[:2]], 3, 5.0) as cosigning:
            with pytest.raises(CosigningError, match=told):
                await cosigning.cosign(LOG.checkpoint(20), LOG.consistency)


async def test_foreign_lines_beside_a_good_cosignature_are_dropped(parties: Parties) -> None:
    async def handler(_request: Request) -> Response:
        good = _core.cosign("w2", b"\2" * 32, LOG.checkpoint(20), 5)
        return PlainTextResponse(f"{other_key(LOG)}— someone AAAAAAA=\n{good}garbage\n")

    async with (
        served(answering(handler)) as url,
        WitnessRound([WitnessEndpoint("w2", url, parties.vkeys[2])], 1, 5.0) as cosigning,
    ):
        note = await cosigning.cosign(LOG.checkpoint(20), LOG.consistency)
    assert note == LOG.checkpoint(20) + _core.cosign("w2", b"\2" * 32, LOG.checkpoint(20), 5)


async def test_no_witnesses_no_change() -> None:
    async with WitnessRound([], 0, 1.0) as cosigning:
        assert await cosigning.cosign(LOG.checkpoint(3), LOG.consistency) == LOG.checkpoint(3)


def test_impossible_policies_are_refused() -> None:
    with pytest.raises(ValueError, match="2 cosignatures required of 1"):
        WitnessRound([WitnessEndpoint("w", "http://127.0.0.1:1", "")], 2, 1.0)
    with pytest.raises(ValueError, match="one name"):
        WitnessRound([WitnessEndpoint("w", "http://127.0.0.1:1", "")] * 2, 1, 1.0)
