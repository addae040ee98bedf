"""``farechain replay``: sends records of a topic again, to the same topic or from another cluster."""

import argparse
import asyncio
import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farechain.cli.arguments import config_argument, settings_of, show
from farechain.cli.times import local, moment_ms

if TYPE_CHECKING:
    from farechain._core import Ledger
    from farechain.config import Settings
    from farechain.resend.ranges import Asked

HELP = "Send records of a topic again, unchanged; what the ledger has already becomes a duplicate."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument("topic", help="the topic that is read")
    parser.add_argument(
        "--partition",
        type=int,
        action="append",
        default=[],
        metavar="N",
        help="this partition (default: all)",
    )
    parser.add_argument(
        "--from-offset", type=int, metavar="N", help="the first offset (default: the earliest)"
    )
    parser.add_argument(
        "--to-offset", type=int, metavar="N", help="the offset after the last (default: the end now)"
    )
    parser.add_argument("--since", metavar="TIME", help="the first time, by the broker's clock")
    parser.add_argument("--until", metavar="TIME", help="the time after the last")
    parser.add_argument("--to-topic", metavar="NAME", help="where it goes (default: the same topic)")
    parser.add_argument(
        "--from-bootstrap", metavar="HOST:PORT", help="read from these brokers (default: kafka.bootstrap)"
    )
    rate_argument(parser)
    parser.add_argument(
        "--position", type=Path, metavar="FILE", help="how far it is (default: a file in the ledger's state)"
    )
    parser.add_argument("--again", action="store_true", help="begin anew where this was done or begun before")
    parser.add_argument("--dry-run", action="store_true", help="read and count, send nothing")
    config_argument(parser)


def rate_argument(parser: argparse.ArgumentParser) -> None:
    """Adds ``--rate``."""
    parser.add_argument(
        "--rate",
        type=_rate,
        default=1000.0,
        metavar="N",
        help="records a second at most, 0: any (default: 1000)",
    )


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate < 1e9:
        raise ValueError(text)
    return rate


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.resend.ranges import Asked
    from farechain.service import opening

    settings = settings_of(args)
    ledger = opening.open_ledger(settings, readonly=True)
    try:
        offset_min = opening.utc_offset_min_of(ledger)
        since, until = (
            None if text is None else moment_ms(text, offset_min) for text in (args.since, args.until)
        )
        partitions = tuple(sorted(set(args.partition)))
        asked = Asked(args.topic, partitions, args.from_offset, args.to_offset, since, until)
        if args.dry_run:
            return asyncio.run(_look(args, settings, ledger, asked, offset_min))
    finally:
        ledger.close()
    return asyncio.run(_send(args, settings, asked))


async def _look(
    args: argparse.Namespace, settings: "Settings", ledger: "Ledger", asked: "Asked", offset_min: int
) -> int:
    from farechain.resend import Known
    from farechain.resend.ranges import look, partition_count, ranges_of, reading
    from farechain.service.opening import security_of

    bootstrap = args.from_bootstrap or settings.kafka.bootstrap
    security = security_of(settings.kafka)
    partitions = await partition_count(bootstrap, security, asked)
    async with reading(bootstrap, security) as consumer:
        ranges = await ranges_of(consumer, asked, partitions)
        found = await look(consumer, asked.topic, ranges, Known(ledger))
    told = [{**asdict(each), **asdict(found[each.partition])} for each in ranges]
    lines = []
    for each in ranges:
        one = found[each.partition]
        times = (
            f", {local(one.first_ms, offset_min)} to {local(one.last_ms, offset_min)}"
            if one.first_ms is not None and one.last_ms is not None
            else ""
        )
        lines.append(
            f"{asked.topic}/{each.partition}: offsets {each.first} to {each.end - 1}, {one.records} records, "
            f"{one.bytes} bytes{times}; the ledger has {one.known}, not {one.unknown}, "
            f"{one.unreadable} cannot be told"
        )
    lines.append("nothing was sent")
    show(args, {"dry_run": True, "partitions": told}, "\n".join(lines))
    return 0


async def _send(args: argparse.Namespace, settings: "Settings", asked: "Asked") -> int:
    from farechain.resend.position import ReplayPosition, read_position
    from farechain.resend.ranges import partition_count, ranges_of, reading, replay
    from farechain.resend.sending import Pace, Resender
    from farechain.service.opening import security_of

    source, security = args.from_bootstrap or settings.kafka.bootstrap, security_of(settings.kafka)
    target = args.to_topic or asked.topic
    # As JSON has it, since a position is compared with what its file says.
    what: dict[str, Any] = json.loads(
        json.dumps({"from": source, "to": settings.kafka.bootstrap, "to_topic": target, **asdict(asked)})
    )
    path = args.position or settings.state_dir / "replays" / f"{asked.topic}-{_short(what)}.json"
    position = None if args.again else read_position(path, what)
    went_on = position is not None
    before = position.sent if position is not None else 0
    if position is None or not position.done:
        partitions = await partition_count(source, security, asked)
        pace = Pace(args.rate)
        async with reading(source, security) as consumer:
            if position is None:
                position = ReplayPosition(path, what, await ranges_of(consumer, asked, partitions))
                position.save()
            async with Resender(
                settings.kafka.bootstrap, security, target, pace, partitions=partitions
            ) as resender:
                await replay(consumer, asked.topic, position, resender, at_once=pace.at_once, on_sent=_tell)
    sent = position.sent - before
    how = " (went on where it was)" if went_on and sent else ""
    text = f"{sent} records sent to {target}{how}; position: {path}"
    if went_on and not sent:
        text = (
            f"this was done before, {position.sent} records; --again sends them once more; position: {path}"
        )
    show(args, {"sent": sent, "sent_in_all": position.sent, "to_topic": target, "position": str(path)}, text)
    return 0


def _tell(sent: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{sent} records sent", end="", file=sys.stderr, flush=True)


def _short(what: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(what, sort_keys=True).encode(), digest_size=6).hexdigest()
