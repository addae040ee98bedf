"""A day's runs in a process of its own, since a process chooses its instructions once; told as JSON.

``python -m bench.day_runs PLACE INVOICES`` with the broker of PLACE running and holding the day.
"""

import asyncio
import json
import resource
import sys
from pathlib import Path

from bench.day import Run, new_ledger, prepared_day, warm_ledger
from farechain import _core, broker
from farechain.day.plan import PARTITIONS
from farechain.pipeline.ingest import BlockLimits
from farechain.service.memory import tell_allocator

REPEATS = 3
THREADS = 2


def main(place: Path, invoices: int) -> None:
    """Cold first: what it takes at most is then the memory of a service, whose allocator it has, too."""
    tell_allocator()
    day = prepared_day(place, invoices)
    running = broker.attach(place / "broker")
    if running is None:
        sys.exit(f"no broker runs in {place / 'broker'}")
    ids = asyncio.run(broker.ensure_topics(running.bootstrap, PARTITIONS))
    cold, warm = [], []
    for _ in range(REPEATS):
        ledger = new_ledger(place / "ledger-cold", day, ids)
        run = Run(running, ledger, place / "cold", BlockLimits())
        asyncio.run(run.ingest())
        ledger.close()
        cold.append(run.told())
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    signers_mb = 0.0
    for _ in range(REPEATS):
        ledger = warm_ledger(running, place / "ledger-warm", day, ids, THREADS)
        run = Run(running, ledger, place / "warm", BlockLimits())
        asyncio.run(run.ingest())
        signers_mb = ledger.memory_bytes()["signers"] / 2**20
        ledger.close()
        warm.append(run.told())
    told = {"cold": cold, "warm": warm, "most_mb": most_mb, "signers_mb": signers_mb}
    print(json.dumps({"instructions": _core.INSTRUCTIONS} | told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
