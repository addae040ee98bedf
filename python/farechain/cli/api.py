"""``farechain api``: the HTTP interface over a ledger that another process owns."""

import argparse

from farechain.cli.arguments import config_argument, settings_of, show

HELP = "Answer HTTP over a ledger that another process owns; reads only, needs no secret."


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
    from farechain.service.reading import serve_reading

    settings = settings_of(args)
    lines.configure(settings.lines)
    port = settings.api.port if args.port is None else args.port
    with bind(args.host or settings.api.host, port) as listener:
        logging.getLogger("farechain.process").info("listening on %s", address(listener))
        run_until_signal(lambda stop: serve_reading(settings, listener, stop))
    if args.json:
        show(args, {})
    return 0
