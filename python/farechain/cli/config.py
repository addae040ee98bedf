"""``farechain config``: checks a configuration, shows what is in force, prints an explained example."""

import argparse

from farechain.cli.arguments import config_argument, settings_of, show

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
    from farechain.service import checking

    checking.check_files(settings)
    show(args, {"config": str(args.config)}, f"{args.config}: sound")
    return 0
