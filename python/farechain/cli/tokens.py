"""``farechain tokens``: issues, lists and revokes the tokens of those who call the HTTP interface."""

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from farechain.cli.arguments import config_argument, settings_of, show

if TYPE_CHECKING:
    from farechain.access.token_file import TokenRow

HELP = "Issue, list or revoke the tokens of those who call the HTTP interface."
DAYS = 90


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    from farechain.access.roles import Role

    actions = parser.add_subparsers(metavar="ACTION", required=True)
    issue = actions.add_parser("issue", help="make a token and show it, this once")
    issue.add_argument("--party", required=True, metavar="TAXID", help="whose it is; of a HOLDER its key id")
    roles = [role.value for role in Role if role is not Role.ANONYMOUS]
    issue.add_argument(
        "--role", required=True, choices=roles, metavar="ROLE", help=f"one of {', '.join(roles)}"
    )
    issue.add_argument("--days", type=int, default=DAYS, help=f"how long it lives (default: {DAYS})")
    listed = actions.add_parser("ls", help="list all tokens, without their secrets")
    revoke = actions.add_parser("revoke", help="end a token at once, in running services too")
    revoke.add_argument("id", metavar="ID", help="the 16 digits after fct_")
    for name, action in (("issue", issue), ("ls", listed), ("revoke", revoke)):
        action.set_defaults(run=run, action=name)
        config_argument(action)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.access.roles import Role
    from farechain.access.tokens import Tokens
    from farechain.errors import EXIT_USAGE, FarechainError

    settings = settings_of(args)
    tokens = Tokens(settings.tokens_file)
    if args.action == "ls":
        rows = [_told(row) for row in tokens.rows()]
        lines = [
            f"{row['id']}  {row['state']:<7}  {row['role']:<10}  {row['party']}  until {row['expires']}"
            for row in rows
        ]
        show(args, {"tokens": rows}, "\n".join(lines) or "no tokens")
        return 0
    if args.action == "revoke":
        row = tokens.revoke(args.id)
        show(args, _told(row), f"revoked {row.id} of {row.party}")
        return 0
    if not 1 <= args.days <= settings.access.days_max:
        message = f"--days is 1 to {settings.access.days_max} (access.days_max)"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    issued = tokens.issue(args.party, Role(args.role), args.days, settings.access.tokens_max)
    told = _told(issued.row)
    text = f"{issued.token}\n{told['role']} {told['party']} until {told['expires']}; it is not shown again"
    show(args, {"token": issued.token, **told}, text)
    return 0


def _told(row: "TokenRow") -> dict[str, Any]:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    expires = datetime.fromtimestamp(row.expires_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    state = row.state(now_ms)
    return {"id": row.id, "role": row.role.value, "party": row.party, "state": state, "expires": expires}
