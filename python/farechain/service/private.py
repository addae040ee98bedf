"""Keeps the private store in step with the ledger: marks what records name, collects orphans, attests.

Nothing of a person is in what goes to the ledger, and a store in trouble stops no block: it is told, and
tried again at the next round.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from farechain import keys
from farechain._core import Ledger, LedgerError
from farechain.config import Settings
from farechain.config.people import PrivateSettings
from farechain.errors import FarechainError
from farechain.ledger_errors import as_failure
from farechain.party import Party
from farechain.private import key_files
from farechain.private.on_ledger import Fact
from farechain.private.store import Store
from farechain.service.commands import CommandDesk
from farechain.service.watching import Notices

BLOCKS_AT_ONCE = 256
"""Read and marked in one transaction."""
FACTS_AT_ONCE = 64
"""Attested in one round at most, so that they never fill the queue of commands."""

log = logging.getLogger(__name__)


def open_store(settings: Settings) -> Store | None:
    """The private store of a chain. Blocks. None, which is told, where store or key file is not here.

    Raises:
        FarechainError: ``E_KEY_FILE``, or as ``Store.open``.
    """
    for path in (settings.private_store, settings.private.key_file):
        if not path.exists():
            log.warning("no private store, no texts are taken: %s is not there", path)
            return None
    return key_files.open_store(settings.private_store, settings.private.key_file)


def signer_of(private: PrivateSettings, network: str) -> Party | None:
    """Who attests; None where no key is configured. Raises ``FarechainError`` (``E_KEY_FILE``)."""
    if private.attest_key_file is None:
        return None
    seed = keys.read_key(private.attest_key_file)
    return Party(tax_id="", seed=seed, network=network, source="farechain private")


def follow(ledger: Ledger, store: Store) -> None:
    """Marks what durable blocks refer to that were not read yet. Blocks.

    A ledger that ends before the store's position is another one than before: it is read from its start.
    """
    at = store.on_ledger.next_height
    if at > ledger.height + 1:
        at = 0
    while at <= ledger.height:
        at, titles, attestations = ledger.references(at, BLOCKS_AT_ONCE)
        attested = [(subject, digest) for _height, _index, _kid, subject, digest in attestations]
        store.on_ledger.advance(at, titles, attested)


class PrivateFollower:
    """One store beside one ledger.

    Args:
        signer: who attests; None: attestations wait for ``farechain private attest``.
        notices: how troubles that last are told.
        clock_s: Unix time, that of the store.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        commands: CommandDesk,
        settings: PrivateSettings,
        signer: Party | None,
        *,
        notices: Notices,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._commands = commands
        self._settings = settings
        self._signer = signer
        self._notices = notices
        self._clock_s = clock_s

    @property
    def store(self) -> Store:
        """The store."""
        return self._store

    async def run(self, stop: asyncio.Event) -> None:
        """A round at once and then each ``interval_ms``, until ``stop`` is set."""
        while not stop.is_set():
            try:
                await self.once()
            except (FarechainError, LedgerError) as error:
                failure = as_failure(error) if isinstance(error, LedgerError) else error
                self._notices.warn(
                    log, "private store not in step, trying again", f"{failure.code}: {failure.message}"
                )
            try:
                await asyncio.wait_for(stop.wait(), self._settings.interval_ms / 1000)
            except TimeoutError:
                continue

    async def once(self) -> None:
        """Marks, collects, attests. Raises what the store, the ledger or the queue of commands raise."""
        await asyncio.to_thread(self._keep)
        if self._signer is not None:
            for fact in await asyncio.to_thread(self._store.on_ledger.pending, FACTS_AT_ONCE):
                await self._attest(fact, self._signer)

    def _keep(self) -> None:
        # Before the log is read: what is put while it is read is younger, and its command may be on its way.
        older_than_ms = int(self._clock_s() * 1000) - self._settings.orphan_age_s * 1000
        follow(self._ledger, self._store)
        collected = self._store.collect_orphans(older_than_ms, lambda _commitment: False)
        if collected:
            log.info("orphans collected texts=%d", collected)

    async def _attest(self, fact: Fact, signer: Party) -> None:
        command = fact.signed(signer)
        async with self._commands.taking(command.kid, command.signature, command.value) as recorded:
            if recorded.code is not None:
                reason = f"{recorded.code}: see private.attest_key_file"
                self._notices.warn(log, f"{fact.subject} not attested", reason)
                return
            await asyncio.to_thread(self._store.on_ledger.mark, [fact])
        log.info("attested subject=%s height=%d", fact.subject, recorded.at)
