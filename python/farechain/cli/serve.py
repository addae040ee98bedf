"""``farechain serve``: ingest, public log, outputs and the HTTP interface, until a signal."""

import argparse

from farechain.cli.arguments import config_argument, settings_of, show

HELP = "Run a chain: ingest, publish, answer HTTP. Waits as a standby while another process owns the ledger."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument("--host", help="listen here instead of api.host")
    parser.add_argument("--port", type=int, help="listen here instead of api.port; 0 takes a free one")


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    import logging

    from farechain.cli import lines
    from farechain.cli.until_signal import run_until_signal
    from farechain.listening import address, bind
    from farechain.service.memory import tell_allocator
    from farechain.service.running import Service

    settings = settings_of(args)
    lines.configure(settings.lines)
    tell_allocator()
    port = settings.api.port if args.port is None else args.port
    listener = bind(args.host or settings.api.host, port)
    logging.getLogger("farechain.process").info("listening on %s", address(listener))
    with listener:
        summary = run_until_signal(Service(settings, listener).run)
    if args.json:
        show(args, summary.printable() if summary is not None else {"standby": True})
    return 0
