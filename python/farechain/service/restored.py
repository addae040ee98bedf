"""What a ledger from a backup must show before it seals a block: that nothing was signed beyond its end.

New blocks behind an old end would be a fork: their times differ, whatever is read again from Kafka. Docs: ADR
0019.
"""

import asyncio
import logging
from collections.abc import Callable

from farechain._core import Ledger, PublicLog, parse_checkpoint
from farechain.backup import mark
from farechain.backup.roots import has_root
from farechain.config import Settings
from farechain.errors import EXIT_REFUSED, EXIT_UNAVAILABLE, FarechainError
from farechain.observability.metrics import Metrics
from farechain.pipeline.waiting import first_of
from farechain.service.watching import Notices
from farechain.witness.client import WitnessEndpoint, WitnessRound

ASK_AGAIN_S = 5.0
"""Witnesses may answer again, and the operator may confirm, while the service waits."""

log = logging.getLogger(__name__)


async def confirmed(
    settings: Settings,
    ledger: Ledger,
    public_log: PublicLog,
    stop: asyncio.Event,
    metrics: Metrics,
    *,
    on_wait: Callable[[str], None] | None,
) -> bool:
    """Whether blocks may be sealed; waits until they may. False when told to stop.

    A ledger that was not restored, or was confirmed before, may at once.

    Args:
        metrics: say so while it waits.
        on_wait: called with the reason at each look after which it waits on; None: ``E_RESTORED`` is raised
            instead of waiting.

    Raises:
        FarechainError: ``E_BLOCKS_LOST``: more was signed than is here, or other blocks: only a newer copy
            helps.
    """
    if mark.read_restored(settings.state_dir) is None:
        return True
    notices, waits = Notices(), metrics.sealing_stopped.labels("E_RESTORED")
    while not stop.is_set():
        restored = mark.read_restored(settings.state_dir)
        reason = None if restored is None else await _why_not(settings, restored, ledger, public_log)
        if reason is None:
            await asyncio.to_thread(mark.remove_restored, settings.state_dir)
            waits.set(0)
            log.info("restored ledger confirmed blocks=%d", ledger.height + 1)
            return True
        if on_wait is None:
            raise FarechainError("E_RESTORED", reason, EXIT_UNAVAILABLE)
        on_wait(f"E_RESTORED: {reason}")
        waits.set(1)
        notices.warn(log, "nothing is sealed", f"E_RESTORED: {reason}")
        await first_of(stop, timeout_s=ASK_AGAIN_S)
    return False


async def _why_not(
    settings: Settings, restored: mark.Restored, ledger: Ledger, public_log: PublicLog
) -> str | None:
    """Why nothing may be sealed yet; None when nothing is known beyond what is here."""
    here = ledger.height + 1
    answers = await _ask(settings, restored.checkpoint)
    size = max(answers.values(), default=0)
    if restored.known:
        _origin, known, root = parse_checkpoint(restored.known)
        size = max(size, known)
        if known <= here and not await asyncio.to_thread(_is_ours, ledger, public_log, known, root):
            message = f"the known checkpoint of {known} blocks is of another history: restore another copy"
            raise FarechainError("E_BLOCKS_LOST", message, EXIT_REFUSED)
    if size > here:
        message = (
            f"{size} blocks are under a checkpoint that is known outside, this copy has {here}: nothing is "
            "sealed or signed; restore a newer one, or what is missing with --replica (docs/backup.md)"
        )
        raise FarechainError("E_BLOCKS_LOST", message, EXIT_REFUSED)
    members = len(settings.witnesses.members)
    if restored.known or restored.none_beyond or (members and len(answers) == members):
        return None
    return (
        f"this ledger was restored from backup {restored.backup} and {len(answers)} of {members} witnesses "
        "say what they have seen: nothing is sealed or signed until all do, or until "
        "`farechain restore confirm` (docs/backup.md)"
    )


async def _ask(settings: Settings, note: str) -> dict[str, int]:
    """By witness, the size that it has seen; asked with the note of then, so that nothing new is signed."""
    witnesses = settings.witnesses
    if not note:
        return {}
    endpoints = [WitnessEndpoint(each.name, each.url, each.vkey) for each in witnesses.members]
    async with WitnessRound(endpoints, 0, witnesses.timeout_ms / 1000) as asked:
        return await asked.highest_known(note)


def _is_ours(ledger: Ledger, public_log: PublicLog, size: int, root: bytes) -> bool:
    while public_log.size < size:
        public_log.catch_up(ledger)
    return has_root(ledger, public_log, size, root)
