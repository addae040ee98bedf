"""Who may ask for what: one table of all routes, asked before any answers. What is not in it is refused.

A verb is looked up in ``access.matrix`` for the caller's role; whose things they are, the route itself asks.
A right that anyone has stays one: what these routes show is public already, or asked for by whoever knows
what cannot be guessed. An operator who wants less gives ``ApiContext.routes`` another table.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from farechain.access.matrix import TABLE, Whose
from farechain.access.roles import Role, Verb
from farechain.access.tokens import Caller


class Open(Enum):
    """What a route needs that is no verb of the matrix."""

    ANYONE = "nothing"
    SIGNATURE = "the signature of what is sent"
    TOKEN = "any token"  # noqa: S105  a word


Rule = Verb | Open

ROLE_PAGES: Mapping[str, Role] = MappingProxyType(
    {
        "my": Role.HOLDER,
        "clerk": Role.REIMBURSER,
        "issuer": Role.ISSUER,
        "bureau": Role.BUREAU,
        "auditor": Role.AUDITOR,
    }
)
"""Pages by the first part of their path: those of one role, which ask who is logged in themselves."""

ROUTES: Mapping[str, Rule] = MappingProxyType(
    {
        "GET /v1/status": Verb.READ_STATUS,
        "GET /v1/live": Verb.READ_STATUS,
        "GET /v1/blocks/{height}": Verb.READ_COMPLETENESS,
        "GET /v1/blocks/{height}/records/{index}/proof": Verb.READ_COMPLETENESS,
        "GET /v1/promise": Verb.READ_STATUS,
        "GET /v1/receipts": Verb.READ_COMPLETENESS,
        "GET /v1/invoices/{code}/{number}": Verb.READ_INVOICE_PUBLIC,
        "POST /v1/invoices/lookup": Verb.READ_INVOICE_PUBLIC,
        "GET /v1/proofs/{code}/{number}": Verb.READ_INVOICE_PUBLIC,
        "GET /v1/payments/{identity}": Verb.READ_INVOICE_PUBLIC,
        "GET /v1/payments/{identity}/proof": Verb.READ_INVOICE_PUBLIC,
        "GET /v1/invoices/{code}/{number}/state-proof": Verb.READ_INVOICE_PUBLIC,
        "GET /v1/registry/issuers": Verb.READ_STATUS,
        "GET /v1/registry/grants": Verb.READ_STATUS,
        "GET /v1/registry/requests": Verb.READ_STATUS,
        "GET /v1/registry/owed": Verb.READ_STATUS,
        "GET /v1/registry/delegations": Verb.READ_STATUS,
        "GET /v1/dead-letters": Verb.READ_DEAD_LETTERS_OWN,
        "POST /v1/commands": Open.SIGNATURE,
        "POST /v1/wallet/trips": Verb.KEEP_TRIPS,
        "GET /v1/me": Open.TOKEN,
        "POST /v1/verify": Open.ANYONE,
        "GET /v1/keys": Open.ANYONE,
        "GET /v1/openapi.json": Open.ANYONE,
        "GET /checkpoint": Open.ANYONE,
        "GET /vkey": Open.ANYONE,
        "GET /tile/{path:path}": Open.ANYONE,
        "GET /promise/{name}": Open.ANYONE,
        "GET /livez": Open.ANYONE,
        "GET /readyz": Open.ANYONE,
        "GET /metrics": Open.ANYONE,
        "GET /": Open.ANYONE,
        "GET /verify": Open.ANYONE,
        "POST /verify": Open.ANYONE,
        "GET /v/scan": Open.ANYONE,
        "GET /verifier.html": Open.ANYONE,
        "GET /static": Open.ANYONE,
        "GET /login": Open.ANYONE,
        "POST /login": Open.ANYONE,
        "GET /login/oidc": Open.ANYONE,
        "GET /login/oidc/done": Open.ANYONE,
        "POST /logout": Open.ANYONE,
        "POST /language": Open.ANYONE,
    }
)


def is_role_page(path: str) -> bool:
    """Whether a path is among the pages of one role."""
    return path.split("/")[1] in ROLE_PAGES


def may(rule: Rule | None, caller: Caller | None) -> bool:
    """Whether a rule lets a caller in; whose things are asked for is not known here.

    Args:
        rule: of the route; None where the table has none.
    """
    if rule is None or (rule is Open.TOKEN and caller is None):
        return False
    if isinstance(rule, Open):
        return True
    whose = TABLE[caller.role if caller else Role.ANONYMOUS].get(rule)
    return whose is Whose.ANY or (whose is not None and caller is not None)
