"""``farechain config``: checks a configuration, shows what is in force, prints an explained example."""

import argparse
import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from farechain.cli.arguments import config_argument, settings_of, show

if TYPE_CHECKING:
    from farechain.config import Settings

HELP = "Check a configuration, show what is in force, or print an example with every setting explained."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, told in (
        ("check", "check the file, the environment, and the files that they name"),
        ("show", "print the settings in force, file and environment together"),
        ("example", "print the defaults with every setting explained"),
    ):
        action = actions.add_parser(name, help=told)
        action.set_defaults(run=run, action=name)
        if name == "check":
            action.add_argument(
                "--online",
                action="store_true",
                help="also ask the broker and the witnesses, and compare clocks",
            )
        if name != "example":
            config_argument(action)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.config import Settings
    from farechain.config_file import to_toml

    if args.action == "example":
        show(args, Settings().model_dump(mode="json"), to_toml(Settings(), explained=True))
        return 0
    settings = settings_of(args)
    if args.action == "show":
        show(args, settings.model_dump(mode="json"), to_toml(settings))
        return 0
    return _check(args, settings)


def _check(args: argparse.Namespace, settings: "Settings") -> int:
    """Tells each finding in a line; exit code 2 where one is an error."""
    from farechain.service import checking
    from farechain.service.checking_online import check_online

    found = checking.check_files(settings)
    if args.online:
        found += asyncio.run(check_online(settings))
    code = checking.exit_code_of(found)
    if not args.json:
        for each in found:
            level = "" if each.level == "error" else "warning: "
            print(f"farechain: {each.code}: {level}{' '.join(each.message.split())}", file=sys.stderr)
    told = {"ok": code == 0, "config": str(args.config), "findings": [asdict(each) for each in found]}
    sound = f"{args.config}: {'sound' if code == 0 else f'{len(found)} findings'}"
    show(args, told, sound)
    return code
