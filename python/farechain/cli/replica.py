"""``farechain replica``: follows the owner of a ledger, or makes the copy a ledger of its own."""

import argparse

from farechain.cli.arguments import config_argument, settings_of, show

HELP = "Keep the second copy of another machine's ledger, or promote it."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    follow = actions.add_parser("follow", help="take the owner's blocks into ledger.path until a signal")
    promoting = actions.add_parser(
        "promote", help="make the copy an ordinary ledger: the owner is dead and stays so"
    )
    for name, action in (("follow", follow), ("promote", promoting)):
        action.set_defaults(run=run, action=name)
        config_argument(action)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    import logging

    from farechain import keys
    from farechain.cli import lines
    from farechain.cli.until_signal import run_until_signal
    from farechain.listening import bind
    from farechain.replica.following import Replica, promote
    from farechain.replica.wire import parse_place
    from farechain.service.replicating import tls_of

    settings = settings_of(args)
    if args.action == "promote":
        height = promote(settings.ledger.path)
        show(args, {"height": height}, f"promoted at height {height}: start `farechain serve` on it")
        return 0
    lines.configure(settings.lines)
    replica = settings.replica
    tls, secret = tls_of(replica), keys.read_key(replica.secret_file)
    with bind(*parse_place(replica.listen)) as listener:
        host, port = listener.getsockname()[:2]
        logging.getLogger("farechain.process").info("replica listening on %s:%d", host, port)
        following = Replica(settings.ledger.path, secret, settings.ledger.rejected_days)
        run_until_signal(lambda stop: following.run(listener, stop, tls))
    if args.json:
        show(args, {})
    return 0
