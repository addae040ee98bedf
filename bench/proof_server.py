"""The real API over a ledger that is there, in its own process: ``python -m bench.proof_server DIR``.

``DIR`` has the ledger, the public log and its state, and ``witnesses.json``. Prints its address; ends
with its standard input.
"""

import asyncio
import json
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from farechain import _core
from farechain.api.context import ApiContext, Liveness
from farechain.listening import address, bind, serve
from farechain.pages.site import create_site

LOG_SEED = bytes(range(32))


def open_log(place: Path, ledger: _core.Ledger) -> _core.PublicLog:
    """The public log of the benchmark's ledger."""
    return _core.PublicLog.open(str(place / "public"), str(place / "log-state"), ledger.chain, LOG_SEED)


async def _serve(place: Path) -> None:
    ledger = _core.Ledger.open(str(place / "ledger"), readonly=True)
    log = open_log(place, ledger)
    witnesses = json.loads((place / "witnesses.json").read_text())
    context = ApiContext(
        ledger=ledger,
        log=log,
        public_dir=place / "public",
        registry=CollectorRegistry(),
        liveness=Liveness(),
        vkey=log.vkey,
        witness_vkeys=witnesses,
        threshold=2,
    )
    listener, stop = bind("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(create_site(context), listener, stop))
    print(address(listener), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await serving


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
