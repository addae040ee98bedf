"""Keeps the promise as data: notes when checkpoints were published, summarises ranges, has them attested.

Everything but the times of checkpoints is on the ledger; those are in a journal until a document has them.
A document is published before it is attested, so that what the ledger names can be read.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from farechain import _core, keys
from farechain._core import Ledger, LedgerError, PublicLog
from farechain.config import Settings
from farechain.errors import FarechainError
from farechain.party import Party
from farechain.pipeline.publish import Published
from farechain.pipeline.waiting import first_of
from farechain.promise.blocks import ENGINE, Position, moved
from farechain.promise.document import Before, Document, decode, digest_of
from farechain.promise.folder import Folder
from farechain.promise.journal import Journal
from farechain.promise.measuring import Covering, covering, measure, witnessed
from farechain.service.commands import CommandDesk
from farechain.service.watching import Notices

BLOCKS_MAX = 8192
"""A range has no more blocks: bounds the time and memory of a summary, and the size of its document."""
LOOKS_PER_INTERVAL = 10
LOOK_S_MAX = 10.0
WAITING_MAX = 4096
"""Checkpoints that were published and are not in the journal yet; of more the oldest are not known."""
PAUSE_S = 12e-6
"""After each event that is summarised."""
REFUSED_S = 3600.0
"""An attestation that the ledger refuses is an input, too: no other is tried so soon."""

log = logging.getLogger(__name__)


async def open_keeper(
    ledger: Ledger,
    public_log: PublicLog,
    commands: CommandDesk,
    settings: Settings,
    *,
    notices: Notices,
    stack: AsyncExitStack,
) -> "PromiseKeeper | None":
    """The keeper of a chain, before anything is published in this process; its last rows are written at the
    end of ``stack``. None, which is told, where its files cannot be used.

    Raises:
        FarechainError: ``E_KEY_FILE``.
    """
    signer = None
    if settings.promise.key_file is not None:
        seed = keys.read_key(settings.promise.key_file)
        signer = Party(tax_id="", seed=seed, network=ledger.network, source="farechain promise")
    try:
        keeper = await asyncio.to_thread(
            PromiseKeeper, ledger, public_log, commands, settings, signer, notices=notices
        )
    except (OSError, ValueError) as error:
        log.warning("the promise is not summarised: %s", error)
        return None
    stack.push_async_callback(asyncio.to_thread, keeper.write_down)
    return keeper


class PromiseKeeper:
    """The summaries of one chain. Made before anything is published in this process.

    Args:
        signer: who attests; None: documents are published, and nothing is attested.
        clock_s: Unix time.

    Raises:
        OSError: journal or folder cannot be read or written.
        ValueError: the last document is damaged.
    """

    def __init__(
        self,
        ledger: Ledger,
        public_log: PublicLog,
        commands: CommandDesk,
        settings: Settings,
        signer: Party | None,
        *,
        notices: Notices,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._log = public_log
        self._commands = commands
        self._interval_s = settings.promise.interval_s
        self._signer = signer
        self._witness_vkeys = [member.vkey for member in settings.witnesses.members]
        self._notices = notices
        self._clock_s = clock_s
        self._waiting: deque[Covering] = deque(maxlen=WAITING_MAX)
        self._folder = Folder(settings.public_dir)
        positions = [(offset, digest) for _t, _id, _n, offset, digest in ledger.positions()]
        self._journal = Journal(settings.state_dir / "promise.jsonl", ledger.height + 1, positions)
        self._previous = self._last_document()
        self._nothing_below = 0
        self._refused_until = 0.0
        self._attested: dict[str, tuple[int, int]] = {}
        note = public_log.checkpoint()
        if note:
            # Published by a process that may have ended before it wrote it down.
            published = (settings.public_dir / "checkpoint").stat().st_mtime_ns // 1_000_000
            self._journal.append(Covering(public_log.published_size, published, note))

    def published(self, published: Published) -> None:
        """A checkpoint is in place; called in the event loop, at once."""
        self._waiting.append(Covering(published.size, int(self._clock_s() * 1000), published.note))

    async def run(self, stop: asyncio.Event) -> None:
        """Looks several times an interval until ``stop`` is set; what failed is told, and tried again."""
        every_s = min(LOOK_S_MAX, self._interval_s / LOOKS_PER_INTERVAL)
        while not stop.is_set():
            try:
                await self.once()
            except (FarechainError, LedgerError, OSError, ValueError) as error:
                self._notices.warn(log, "promise not summarised, trying again", str(error))
            await first_of(stop, timeout_s=every_s)

    async def once(self) -> None:
        """Writes down, summarises what is due, attests what is not. Raises what one of these raises."""
        await asyncio.to_thread(self.write_down)
        while (document := await asyncio.to_thread(self._due)) is not None:
            log.info(
                "promise summarised first=%d last=%d events=%d late=%d max_ms=%d",
                document.first,
                document.last,
                document.events,
                document.late,
                document.max_ms,
            )
        if self._signer is not None and time.monotonic() >= self._refused_until:
            for stem in await asyncio.to_thread(self._folder.unproven):
                await self._attest(stem, self._signer)

    def write_down(self) -> None:
        """Puts checkpoints that were published into the journal; at the end, too. Blocks."""
        while self._waiting:
            self._journal.append(self._waiting.popleft())

    # Summaries -----------------------------------------------------------------------------------

    def _last_document(self) -> Before | None:
        """The range before the next one; the journal is brought to its end where a crash came between."""
        stems = self._folder.stems()
        if not stems:
            return None
        encoded = self._folder.read(stems[-1])
        document = decode(encoded)
        if self._journal.first != document.last + 1 and document.last <= self._ledger.height:
            positions = list(document.positions)
            for _height, block in self._blocks(document.first, document.last):
                positions = moved(positions, block["ranges"])
            self._journal.summarised(document.last, positions)
        return Before(document.first, document.last, digest_of(encoded))

    def _due(self) -> Document | None:
        """Publishes the next document, if it is time for one."""
        journal = self._journal
        if self._previous is not None and journal.first <= self._previous.last:
            # This copy of the ledger was behind its own documents: the range after them begins at their end.
            self._previous = self._last_document()
            return None
        rows, first = journal.rows, journal.first
        if not rows or rows[-1].size <= max(first, self._nothing_below):
            return None
        last = min(rows[-1].size, first + BLOCKS_MAX) - 1
        full, from_ms = last - first + 1 == BLOCKS_MAX, self._time_ms(first)
        if not full and self._clock_s() * 1000 - from_ms < self._interval_s * 1000:
            return None
        own = self._own(first, last)
        rows = covering(rows, first, last)
        checkpoints = tuple((row.size, row.published_ms) for row in rows)
        reader = _Following(journal.positions)
        numbers = measure(reader.times(self._blocks(first, last)), checkpoints, first)
        if numbers.events == own and not full:
            # Nothing but attestations of summaries: each would only cause the next one.
            self._nothing_below = last + 1
            return None
        document = Document(
            chain=self._ledger.chain,
            first=first,
            last=last,
            previous=self._previous,
            positions=tuple(journal.positions),
            from_ms=from_ms,
            to_ms=self._time_ms(last),
            **numbers._asdict(),
            checkpoints=checkpoints,
            notes=tuple(witnessed(rows)),
        )
        self._folder.put(document)
        self._previous = Before(first, last, digest_of(document.encoded()))
        journal.summarised(last, reader.positions)
        return document

    def _time_ms(self, height: int) -> int:
        return int(_core.decode_header(self._ledger.headers(height, 1)[0])["time_ms"])

    def _blocks(self, first: int, last: int) -> Iterator[tuple[int, dict[str, Any]]]:
        for height in range(first, last + 1):
            block = self._ledger.block(height)
            if block is None:
                raise ValueError(f"block {height} is not there")
            yield height, block
            # Reading an event takes 4 us of the interpreter: ingest gets most of it, however much there is.
            time.sleep(len(block["outcomes"]) * PAUSE_S)

    def _own(self, first: int, last: int) -> int:
        """How many events of a range attest a summary."""
        count, at = 0, first
        while at <= last:
            at, _titles, attestations = self._ledger.references(at, last + 1 - at)
            count += sum(subject.startswith("PROMISE_") for _h, _i, _kid, subject, _digest in attestations)
        return count

    # Attestations --------------------------------------------------------------------------------

    async def _attest(self, stem: str, signer: Party) -> None:
        """Sends the attestation of a document, or publishes its proof once it is under a checkpoint."""
        place = self._attested.get(stem)
        if place is None:
            encoded = await asyncio.to_thread(self._folder.read, stem)
            subject = decode(encoded).subject
            # Always the same command: after a crash it is a duplicate that says where the first one is.
            command = signer.attest(subject, digest_of(encoded), subject)
            async with self._commands.taking(command.kid, command.signature, command.value) as recorded:
                if recorded.code is not None:
                    reason = f"{recorded.code}: see promise.key_file"
                    self._notices.warn(log, f"{subject} not attested", reason)
                    self._refused_until = time.monotonic() + REFUSED_S
                    return
                self._attested[stem] = (recorded.at, recorded.first_record)
        elif place[0] < self._log.published_size:
            proof = await asyncio.to_thread(partial(self._proof, *place))
            await asyncio.to_thread(self._folder.put_proof, stem, proof)
            del self._attested[stem]
            log.info("promise attested range=%s height=%d", stem, place[0])

    def _proof(self, height: int, index: int) -> bytes:
        return _core.proof_to_json(self._ledger.prove(height, index, self._log, self._witness_vkeys))


class _Following:
    """Gives the times of events and keeps where sources are after the last block that was given."""

    def __init__(self, positions: Sequence[Position]) -> None:
        self.positions = list(positions)

    def times(self, blocks: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, list[int]]]:
        for height, block in blocks:
            self.positions = moved(self.positions, block["ranges"])
            outcomes = block["outcomes"]
            yield height, [each["timestamp_ms"] for each in outcomes if each["source"] != ENGINE]
