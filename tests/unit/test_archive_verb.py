"""``farechain archive``: what was moved is proven and audited as before; where it is missing, it is named."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from service_chain import Chain, make_day, until

from farechain import _core
from farechain.cli import main
from farechain.listening import address, bind
from farechain.service.running import Service


def archive(chain: Chain, place: Path) -> int:
    return main(["archive", "--to", str(place), "--keep", "1", "--config", str(chain.config), "--json"])


async def test_archived_records_are_proven_as_before_and_named_where_they_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain, place = Chain(tmp_path, make_day(tmp_path), max_inputs=100), tmp_path / "cheap"
    await chain.to_the_end()
    capsys.readouterr()
    assert archive(chain, place) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["segments"] == done["listed"] == len(list(place.glob("*.seg"))) >= 1
    assert not (chain.settings.ledger.path / "blocks" / "00000000.seg").exists()
    assert archive(chain, place) == 0
    assert json.loads(capsys.readouterr().out)["segments"] == 0

    old, new = of_both_ends(chain)
    public = str(chain.settings.public_dir)
    for height, index in (old, new):
        proof = chain.ledger().prove(height, index, public)
        assert _core.verify_proof(proof, chain.vkey, [], 0)["record"] == chain.ledger().record(height, index)
    assert len(chain.ledger().input_frames(old[0])) > 0
    assert chain.audit()
    assert chain.differences() == 0

    shutil.move(place, tmp_path / "elsewhere")
    ledger = chain.ledger()  # opening needs the snapshot and what stayed
    assert ledger.prove(*new, public)
    refused(ledger, old, public)
    async with serving(chain) as http:
        gone = await http.get(f"/v1/blocks/{old[0]}")
        assert (gone.status_code, gone.json()["code"]) == (503, "E_ARCHIVE")
        assert (await http.get(f"/v1/blocks/{new[0]}")).status_code == 200
    shutil.move(tmp_path / "elsewhere", place)

    segment = place / "00000000.seg"
    good = segment.read_bytes()
    segment.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    refused(chain.ledger(), old, public)
    found = _core.audit(str(chain.settings.ledger.path))
    assert (found["ok"], found["file"]) == (False, str(segment))
    segment.write_bytes(good)
    assert chain.ledger().prove(*old, public)


def of_both_ends(chain: Chain) -> tuple[tuple[int, int], tuple[int, int]]:
    """The first and the last invoice of the log."""
    ledger, places = chain.ledger(), []
    for height in range(ledger.height + 1):
        block = ledger.block(height)
        assert block is not None
        issued = [outcome for outcome in block["outcomes"] if outcome["verdict"] == "ISSUED"]
        places += [(height, outcome["first_record"]) for outcome in issued]
    return places[0], places[-1]


def refused(ledger: _core.Ledger, place: tuple[int, int], public: str) -> None:
    """Nothing of the record is told, and what is missing is named."""
    calls: list[Callable[[], object]] = [
        lambda: ledger.prove(*place, public),
        lambda: ledger.record(*place),
        lambda: ledger.input_frames(place[0]),
    ]
    for call in calls:
        with pytest.raises(_core.LedgerError, match=r"00000000\.seg") as told:
            call()
        assert told.value.args[0] == "archive"


@contextlib.asynccontextmanager
async def serving(chain: Chain) -> AsyncIterator[httpx.AsyncClient]:
    """The chain's service, ready, on a port of its own."""
    stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
    running = asyncio.create_task(Service(chain.settings, listener).run(stop))
    async with httpx.AsyncClient(base_url=address(listener)) as http:

        async def is_ready() -> bool:
            return (await http.get("/readyz")).status_code == 200

        await until(is_ready)
        yield http
    stop.set()
    await running
    listener.close()
