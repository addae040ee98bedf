"""The caller's own row in the registry."""

from collections.abc import Mapping
from typing import Any

from farechain.api.problems import Problem
from farechain.pages.office import Visit, one_of


async def own(visit: Visit) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """(the registry, the caller's issuer in it). Raises ``Problem`` 403 where it is not admitted."""
    registry = (await visit.snapshot()).registry
    issuer = one_of(registry["issuers"], visit.caller.party)
    if issuer is None:
        raise Problem(403, "E_ROLE", "the bureau has not admitted this tax id as an issuer")
    return registry, issuer
