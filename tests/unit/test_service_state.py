"""Commitments to current state by a running service, and their proofs as a passenger gets them."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_chain import Chain, Day, make_day, until

from farechain import _core
from farechain.cli import main
from farechain.config import StateSettings
from farechain.listening import address, bind
from farechain.service.reading import serve_reading
from farechain.service.running import Service


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


def an_invoice(ledger: _core.Ledger) -> dict[str, Any]:
    """The fields of some invoice for one payment."""
    for height in range(1, ledger.height + 1):
        for index in range(20):
            record = ledger.record(height, index)
            if record and (fields := _core.decode_record(record))["kind"] == "BLUE":
                return fields
    raise AssertionError("a day has invoices")


async def test_the_end_of_a_source_is_committed_to_once_and_proved(
    tmp_path: Path, day: Day, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = Chain(tmp_path, day)
    summary = await chain.to_the_end()
    assert (await chain.to_the_end()).height == summary.height, "nothing changed, nothing is committed to"
    ledger = chain.ledger()
    committed = ledger.state_status()["committed"]
    assert (committed["block"], committed["height"]) == (summary.height, summary.height - 1)
    fields = an_invoice(ledger)
    identity, number = fields["identity"].hex(), f"{fields['code']}-{fields['number']:08d}"
    stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
    serving = asyncio.create_task(serve_reading(chain.settings, listener, stop))
    paths = {
        f"/v1/payments/{identity}/proof": ("INVOICED", f"invoiced as {number} with"),
        f"/v1/payments/{'00' * 32}/proof": ("UNKNOWN", "unknown to the ledger"),
        f"/v1/invoices/{fields['code']}/{fields['number']}/state-proof": ("INVOICE", "free"),
        f"/v1/invoices/{fields['code']}/99999999/state-proof": ("UNKNOWN", "unknown to the ledger"),
    }
    async with httpx.AsyncClient(base_url=address(listener), trust_env=False) as http:
        for path, (finding, words) in paths.items():
            for form in ("json", "compact"):
                answer = await http.get(path, params={"form": form})
                assert answer.status_code == 200, answer.text
                proven = _core.verify_state_proof(answer.content, chain.vkey, [], 0)
                assert (proven["finding"], proven["height"]) == (finding, committed["height"])
                assert proven["words"].startswith(words)
        assert (await http.get("/v1/payments/short/proof")).status_code == 422
    stop.set()
    await serving
    told = tmp_path / "state.json"
    for named, words in ((identity, "invoiced as"), (number, "free"), ("ff" * 32, "unknown to the ledger")):
        arguments = ["prove", named, "--state", "--config", str(chain.config), "-o", str(told)]
        assert main(arguments) == 0
        assert main(["verify", str(told), "--vkey", chain.vkey]) == 0
        assert words in capsys.readouterr().out
    told.write_bytes(told.read_bytes().replace(b"farechain-state-proof/1", b"farechain-state-proof/2"))
    assert main(["verify", str(told), "--vkey", chain.vkey]) == 1


async def test_a_running_service_commits_at_its_interval(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, max_inputs=50)
    settings = chain.settings.model_copy(update={"state": StateSettings(interval_s=0.1)})
    stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
    running = asyncio.create_task(Service(settings, listener).run(stop))
    async with httpx.AsyncClient(base_url=address(listener), trust_env=False) as http:

        async def all_is_in() -> bool:
            answer = await http.get("/v1/status")
            return answer.status_code == 200 and answer.json()["inputs"] == day.inputs

        async def is_committed_to() -> bool:
            metrics = (await http.get("/metrics")).text
            behind = "farechain_state_behind_blocks 0.0" in metrics
            answer = await http.get(f"/v1/payments/{'00' * 32}/proof")
            assert answer.status_code in {200, 503}
            return behind and answer.status_code == 200

        await until(all_is_in)
        await until(is_committed_to)
    stop.set()
    assert await running is not None
    assert chain.differences() == 0
    report = _core.audit(str(chain.settings.ledger.path))
    assert report["ok"], report["what"]
    assert report["states"] >= 1


async def test_before_the_first_commitment_one_is_told_to_come_again(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day)
    stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
    empty = tmp_path / "empty"
    empty.mkdir()
    source = chain.settings.source.model_copy(update={"directory": empty})
    settings = chain.settings.model_copy(update={"source": source})
    running = asyncio.create_task(Service(settings, listener).run(stop))
    async with httpx.AsyncClient(base_url=address(listener), trust_env=False) as http:

        async def answers() -> bool:
            return (await http.get("/v1/status")).status_code == 200

        await until(answers)
        answer = await http.get(f"/v1/payments/{'00' * 32}/proof")
        assert (answer.status_code, answer.json()["code"]) == (503, "E_NOT_PUBLISHED")
        assert int(answer.headers["retry-after"]) > 0
    stop.set()
    await running
