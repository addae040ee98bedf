"""``farechain adapt``: turns CSV or payment notifications into signed events, for a spool or for Kafka."""

import argparse
import asyncio
from pathlib import Path

from farechain.cli.arguments import config_argument, settings_of, show
from farechain.errors import EXIT_CHECK_FAILED

HELP = "Turn CSV or payment-notification JSON into signed events by a mapping file; 1 if rows were rejected."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument("inputs", type=Path, nargs="+", metavar="INPUT", help="CSV, JSON or JSON lines")
    parser.add_argument("--mapping", type=Path, required=True, metavar="FILE", help="mapping file (TOML)")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="key file of the device")
    parser.add_argument("--source", required=True, metavar="NAME", help="name of the device")
    parser.add_argument(
        "--rejects",
        type=Path,
        required=True,
        metavar="FILE",
        help="rows that become no event are appended here",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="append to this spool directory (default: the configured Kafka)",
    )
    config_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.adapt import KafkaSink, Sink, SpoolSink, adapt, read_rules
    from farechain.keys import read_key
    from farechain.service.opening import security_of

    rules = read_rules(args.mapping)
    seed = read_key(args.key)
    sink: Sink
    if args.out is not None:
        sink = SpoolSink(args.out, rules.topic, rules.partitions)
    else:
        kafka = settings_of(args).kafka
        sink = KafkaSink(kafka.bootstrap, rules.topic, security_of(kafka))
    done = asyncio.run(
        adapt(args.inputs, rules, seed=seed, source=args.source, sink=sink, rejects=args.rejects)
    )
    where = f"; see {args.rejects}" if done.rejects else ""
    text = f"{done.rows} rows: {done.events} events, {done.rejects} rejected{where}"
    show(args, {"rows": done.rows, "events": done.events, "rejects": done.rejects}, text)
    return EXIT_CHECK_FAILED if done.rejects else 0
