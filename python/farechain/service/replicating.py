"""The second copy of a service's ledger: opened before anything is told, watched while it runs."""

import asyncio
import ssl
from contextlib import AsyncExitStack

from farechain import keys
from farechain._core import Ledger
from farechain.config import ReplicaSettings, Settings
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.observability.metrics import Metrics
from farechain.replica.owner import ReplicaLink, ReplicaTerms
from farechain.replica.wire import parse_place

LOOK_S = 1.0
"""How often a replica that is sent nothing is asked whether it is there."""


def terms_of(settings: ReplicaSettings) -> ReplicaTerms:
    """Where the owner finds its replica. Raises ``FarechainError`` (``E_CONFIG``, ``E_KEY_FILE``)."""
    host, port = parse_place(settings.address)
    tls = None
    if settings.ca_file is not None:
        try:
            tls = ssl.create_default_context(cafile=settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise _unusable("ca_file", error) from error
    secret = keys.read_key(settings.secret_file)
    return ReplicaTerms(host, port, secret, tls, settings.timeout_ms / 1000)


def tls_of(settings: ReplicaSettings) -> ssl.SSLContext | None:
    """What the replica shows of itself; None for no TLS. Raises ``FarechainError`` (``E_CONFIG``)."""
    if settings.cert_file is None:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise _unusable("cert_file", error) from error
    return context


async def replicate(
    settings: Settings, ledger: Ledger, metrics: Metrics, stack: AsyncExitStack, stop: asyncio.Event
) -> ReplicaLink | None:
    """Brings the replica to the ledger's head and keeps it there; None where the setting asks for none.

    A block that the last process did not get to the replica is told to nobody before this has done it.

    Args:
        stack: ends the link, and whatever waits for it.
        stop: gives up.

    Raises:
        FarechainError: ``E_REPLICA_FORK``, or ``E_REPLICA`` where it was told to stop.
    """
    if settings.ledger.durability == "local":
        return None
    taken = metrics.stage.labels("replica").observe
    link = ReplicaLink(ledger, terms_of(settings.replica), settings.state_dir, taken)
    stack.callback(link.close)
    metrics.replica_lag.set_function(lambda: link.lag_blocks)
    metrics.replica_answered.set_function(lambda: link.answered_s)
    stopping = asyncio.create_task(stop.wait())
    catching_up = asyncio.create_task(asyncio.to_thread(link.catch_up))
    try:
        await asyncio.wait([stopping, catching_up], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not catching_up.done():
            link.close()
    await catching_up
    return link


async def watch(link: ReplicaLink) -> None:
    """Asks the replica now and then, until cancelled."""
    while True:
        await asyncio.to_thread(link.look)
        await asyncio.sleep(LOOK_S)


def not_ready(settings: Settings, link: ReplicaLink | None) -> str | None:
    """Why nothing is acknowledged now; None where that is not the replica's fault."""
    if link is None or link.away is None:
        return None
    return f"nothing is acknowledged, the replica at {settings.replica.address} is away: {link.away}"


def _unusable(name: str, error: Exception) -> FarechainError:
    return FarechainError("E_CONFIG", f"replica.{name} cannot be used: {error}", EXIT_USAGE)
