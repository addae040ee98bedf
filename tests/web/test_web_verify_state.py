"""Verifying without a script where somebody stands: in words of both languages, or refused."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from farechain import _core
from farechain.api.context import ApiContext, Liveness
from farechain.pages.site import create_site
from reference.life import Life
from reference.twin import Story

CHINESE = {"accept-language": "zh"}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    story = Story(tmp_path_factory.mktemp("story") / "ledger")
    Life(story, 3).run(120)
    story.commit_state(0, story.time_ms)
    return story


@pytest.fixture
def log(story: Story, tmp_path: Path) -> _core.PublicLog:
    log = _core.PublicLog.open(str(tmp_path / "public"), str(tmp_path / "log"), story.ledger.chain, b"L" * 32)
    log.catch_up(story.ledger)
    log.publish(log.sign())
    return log


@pytest.fixture
async def client(story: Story, log: _core.PublicLog, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    context = ApiContext(
        ledger=story.ledger,
        log=log,
        public_dir=tmp_path / "public",
        registry=CollectorRegistry(),
        liveness=Liveness(),
        vkey=log.vkey,
    )
    transport = httpx.ASGITransport(app=create_site(context), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://farechain.test") as client:
        yield client


async def test_every_finding_is_said_in_both_languages(
    client: httpx.AsyncClient, story: Story, log: _core.PublicLog
) -> None:
    subjects = [*story.replay.state.payments, bytes(32)]
    proofs = [story.ledger.prove_payment_state(one, log) for one in subjects]
    proofs += [
        story.ledger.prove_invoice_state(code, number, log) for code, number in story.replay.state.invoices
    ]
    met = set()
    for proof in proofs:
        assert proof is not None
        proven = _core.verify_state_proof(proof, log.vkey, [], 0)
        kind = re.sub(r"\d+", "", proven["words"])
        if kind in met:
            continue
        met.add(kind)
        given = {"text": _core.proof_to_json(proof).decode()}
        english = (await client.post("/verify", data=given)).text
        assert proven["words"] in english
        assert f"As of block {proven['height']}" in english
        assert "The state that this block commits to says so." in english
        chinese = (await client.post("/verify", data=given, headers=CHINESE)).text
        assert "证明成立" in chinese
        said = re.search(r'<p class="reason">[^:]+: (.*?)。?\. 截至区块', chinese)
        assert said is not None, chinese
        # No word of the verifier's English is left: what remains in Latin letters are ids.
        assert re.findall(r"[a-z]{3,}", re.sub(r"claim-?\S*|c\d+", "", said[1])) == []
    assert len(met) > 5


async def test_a_changed_proof_is_refused_and_says_nothing(
    client: httpx.AsyncClient, story: Story, log: _core.PublicLog
) -> None:
    code, number = next(iter(story.replay.state.invoices))
    proof = story.ledger.prove_invoice_state(code, number, log)
    assert proof is not None
    text = _core.proof_to_json(proof).decode()
    changed = text.replace(f'"invoice":"{code}', '"invoice":"9')
    page = (await client.post("/verify", data={"text": changed})).text
    assert "The proof does not hold" in page
    assert "As of block" not in page


async def test_the_interface_verifies_both_kinds(
    client: httpx.AsyncClient, story: Story, log: _core.PublicLog
) -> None:
    code, number = next(iter(story.replay.state.invoices))
    proof = story.ledger.prove_invoice_state(code, number, log)
    assert proof is not None
    proven = _core.verify_state_proof(proof, log.vkey, [], 0)
    for form in (proof, _core.proof_to_json(proof)):
        said = (await client.post("/v1/verify", content=form)).json()
        assert (said["ok"], said["words"], said["hash"]) == (True, proven["words"], None)
    said = (await client.post("/v1/verify", content=bytes([*proof[:-1], proof[-1] ^ 1]))).json()
    assert (said["ok"], said["words"]) == (False, None)
    record = (await client.get(f"/v1/proofs/{code}/{number}?form=compact")).content
    said = (await client.post("/v1/verify", content=record)).json()
    assert (said["ok"], said["words"], len(said["hash"])) == (True, None, 64)
