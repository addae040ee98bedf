"""``farechain init``: writes genesis, and the keys and the private store where there are none."""

import argparse
import asyncio
import time
from typing import TYPE_CHECKING, Any

from farechain.cli.arguments import config_argument, settings_of, show

if TYPE_CHECKING:
    from farechain.config import Settings

HELP = (
    "Create a ledger: genesis from the configuration; the keys of the public log and of the private store "
    "where there are none."
)
NO_TOPIC_ID = bytes(16)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument(
        "--create-topics",
        action="store_true",
        help="create the topics that the broker lacks: in its time, kept for ever, three copies where it can",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain import _core, keys
    from farechain.errors import EXIT_UNAVAILABLE, FarechainError
    from farechain.service import opening
    from farechain.sources import http

    settings = settings_of(args)
    bureau = keys.read_public_key(settings.ledger.bureau_key_file)
    key_file = settings.public_log.key_file
    seed = keys.read_key(key_file) if key_file.exists() else keys.new_key(key_file)
    names = [topic.name for topic in settings.source.topics]
    ids = dict.fromkeys(names, NO_TOPIC_ID)
    if settings.source.kind == "kafka":
        from farechain.broker import topic_ids

        security = opening.security_of(settings.kafka)
        if args.create_topics:
            _create_topics(settings, security)
        ids = asyncio.run(topic_ids(settings.kafka.bootstrap, names, security))
    for name in names:
        if name not in ids:
            message = (
                f"there is no topic {name} at {settings.kafka.bootstrap}: create it, or correct source.topics"
            )
            raise FarechainError("E_TOPIC_UNKNOWN", message, EXIT_UNAVAILABLE)
    # Before genesis, which is written once: what is cut short here is done by the next init.
    _private_store(settings)
    sources = [
        (topic.name, ids[topic.name], number)
        for topic in settings.source.topics
        for number in range(topic.partitions)
    ]
    if settings.commands.http:
        sources.append(http.SOURCE)
    _core.Ledger.create(
        str(settings.ledger.path),
        network=settings.ledger.network,
        chain=settings.ledger.chain,
        bureau=bureau,
        sources=sources,
        regions=list(settings.ledger.regions),
        time_ms=int(time.time() * 1000),
        utc_offset_min=settings.ledger.utc_offset_min,
        drain_max=settings.ledger.drain_max,
    )
    vkey = _core.vkey_ed25519(settings.ledger.chain, _core.public_key(seed))
    text = f"ledger of {settings.ledger.chain} in {settings.ledger.path}\nlog key: {vkey}"
    show(args, {"path": str(settings.ledger.path), "chain": settings.ledger.chain, "vkey": vkey}, text)
    return 0


def _create_topics(settings: "Settings", security: dict[str, Any]) -> None:
    """Creates what is missing of the topics that are read and sent; what is there stays as it is."""
    from farechain.broker import ensure_topics, topic_ids

    wanted = {topic.name: topic.partitions for topic in settings.source.topics}
    if settings.outputs.enabled:
        widest = max(wanted.values())
        wanted = {settings.outputs.receipts: widest, settings.outputs.dead_letters: 1} | wanted
    there = asyncio.run(topic_ids(settings.kafka.bootstrap, wanted, security))
    missing = {name: partitions for name, partitions in wanted.items() if name not in there}
    asyncio.run(ensure_topics(settings.kafka.bootstrap, missing, security))


def _private_store(settings: "Settings") -> None:
    """Makes the private store and its key; a store is never given a second key."""
    from farechain import keys
    from farechain.private.store import Store

    key_file = settings.private.key_file
    lost = settings.private_store.exists() and not key_file.exists()
    kek = keys.read_key(key_file) if key_file.exists() or lost else keys.new_key(key_file)
    Store.open(settings.private_store, kek, create=True).close()
