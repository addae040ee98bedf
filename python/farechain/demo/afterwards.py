"""The day after: claims, locks, postings, red letters, turn by turn, sent to the running service.

Each turn is planned from what the ledger says then, told to the manifest, and only then produced.
"""

import asyncio
import time
from pathlib import Path

import httpx

from farechain import broker, keys
from farechain.config import Settings
from farechain.day import Manifest
from farechain.day.life import TURNS, Life
from farechain.day.life.titles import TitleOpening
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.private.openings import Kind
from farechain.private.store import Store
from farechain.service import opening

TURN_TIMEOUT_S = 60.0
POLL_S = 0.02


def live_on(settings: Settings, life: Life, manifest: Manifest) -> dict[str, dict[str, int]]:
    """All turns. Returns what was sent, by command, and what became of it.

    Raises:
        FarechainError: ``E_LIFE``: the service did not take a turn in a minute.
    """
    kept = 0
    for _ in range(TURNS):
        ledger = opening.open_ledger(settings, readonly=True)
        try:
            wave = life.next_turn(ledger)
        finally:
            ledger.close()
        _keep(settings, life.openings[kept:])
        kept = len(life.openings)
        asyncio.run(broker.produce_spool(settings.kafka.bootstrap, wave.spool))
        _wait(f"http://127.0.0.1:{settings.api.port}/v1/status", manifest.inputs, wave.spool)
    return life.counts


def _keep(settings: Settings, openings: list[TitleOpening]) -> None:
    """Titles go into the private store before the commands that name their commitments are sent."""
    with Store.open(settings.private_store, keys.read_key(settings.private.key_file)) as store:
        for one in openings:
            store.put(one.subject, Kind.TITLE, one.text, one.salt)


def _wait(status: str, inputs: int, spool: Path) -> None:
    """Until so many inputs are durable."""
    deadline = time.monotonic() + TURN_TIMEOUT_S
    while time.monotonic() < deadline:
        if httpx.get(status, timeout=5.0).json()["inputs"] >= inputs:
            return
        time.sleep(POLL_S)
    message = f"the service did not take {spool} in {TURN_TIMEOUT_S:g} s: see its log"
    raise FarechainError("E_LIFE", message, EXIT_UNAVAILABLE)
