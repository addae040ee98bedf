"""The application over the small chain, and a client of it."""

from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from prometheus_client import CollectorRegistry

from farechain.api.context import ApiContext, Liveness
from farechain.pages.site import create_site
from web.chain import SmallChain, SmallLog


@pytest.fixture
def chain() -> SmallChain:
    return SmallChain()


@pytest.fixture
def log(chain: SmallChain) -> SmallLog:
    """Covers all blocks but the last, so that one invoice is not published yet."""
    return SmallLog(chain, len(chain.blocks) - 1)


@pytest.fixture
def context(chain: SmallChain, log: SmallLog, tmp_path: Path) -> ApiContext:
    log.write(tmp_path)
    return ApiContext(
        ledger=cast(Any, chain),
        log=cast(Any, log),
        public_dir=tmp_path,
        registry=CollectorRegistry(),
        liveness=Liveness(),
        vkey=log.vkey,
        witness_vkeys=log.witness_vkeys,
        threshold=2,
    )


@pytest.fixture
async def client(context: ApiContext) -> Any:
    transport = httpx.ASGITransport(app=create_site(context), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://farechain.test") as client:
        yield client


@pytest.fixture
def broken(context: ApiContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger with a defect: its status raises what nobody expects."""

    def fail() -> dict[str, Any]:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(context.ledger, "status", fail)
