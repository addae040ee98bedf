"""The HTTP interface over a ledger that another process owns."""

import asyncio
import socket
import tempfile
from pathlib import Path
from typing import cast

from farechain._core import Ledger, PublicLog
from farechain.access.tokens import Tokens
from farechain.api.context import ApiContext, Liveness
from farechain.config import Settings
from farechain.listening import serve
from farechain.observability.metrics import Metrics
from farechain.pages.site import create_site
from farechain.service import opening
from farechain.service.bookkeeping import Bookkeeper, open_books
from farechain.service.following import FollowedLedger, PublishedLog
from farechain.witness.client import cosigners


async def serve_reading(settings: Settings, listener: socket.socket, stop: asyncio.Event) -> None:
    """Answers HTTP until ``stop`` is set; needs no secret, and writes nothing but books of its own.

    A reader need not be allowed to open the file of the owner's, and sees the ledger at other heights: it
    keeps its own for as long as it runs, in the directory for temporary files.

    Raises:
        FarechainError: there is no ledger, or nothing was ever published of it.
    """
    traces = opening.traces_of(settings, "api")
    ledger = await asyncio.to_thread(FollowedLedger, settings)
    vkeys = [member.vkey for member in settings.witnesses.members]
    liveness = Liveness(stalled_after_s=settings.limits.stalled_after_s)
    note, _size = opening.published_checkpoint(settings)
    if note:
        liveness.cosigners = tuple(cosigners(note, vkeys))
        liveness.published_s = (settings.public_dir / "checkpoint").stat().st_mtime
    metrics = Metrics()
    with tempfile.TemporaryDirectory(prefix="farechain-books-") as place:
        books = await asyncio.to_thread(open_books, Path(place), metrics)
        bookkeeper = Bookkeeper(books, cast(Ledger, ledger), metrics) if books else None
        context = ApiContext(
            ledger=cast(Ledger, ledger),
            log=cast(PublicLog, PublishedLog(settings)),
            public_dir=settings.public_dir,
            registry=metrics.registry,
            liveness=liveness,
            vkey=opening.vkey_of(settings),
            witness_vkeys=vkeys,
            threshold=settings.witnesses.threshold,
            demonstration=settings.demonstration,
            tokens=Tokens(settings.tokens_file),
            no_commands="this process only reads: send commands to the ledger's owner",
            ending=stop,
            books=books,
            audit_file=settings.audit_file,
            public_url=settings.api.public_url,
            on_answer=metrics.requests.answered,
        )
        site = traces.around(create_site(context, opening.keeping_of(settings)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                ledger.follow(stop, bookkeeper.wake if bookkeeper else lambda: None), name="follow"
            )
            if bookkeeper is not None:
                tasks.create_task(bookkeeper.run(stop), name="books")
            tasks.create_task(serve(site, listener, stop), name="http")
        if books is not None:
            books.close()
    await traces.close()
