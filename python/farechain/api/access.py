"""Who may ask for what: the one place that every route with a right of its own goes through.

Open to all as it is: what these routes show is public already, or sent by whoever knows an unguessable
identity. An operator's policy replaces ``ApiContext.access``, and no route changes.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from fastapi import Depends, Request
from fastapi.params import Depends as Dependency

if TYPE_CHECKING:
    from farechain.api.context import ApiContext

Right = Literal["commands", "payments", "registry", "receipts"]
Access = Callable[[Request, Right], None]
"""Raises ``Problem`` 401 or 403 where the caller may not."""


def open_to_all(_request: Request, _right: Right) -> None:
    """Refuses nobody. Commands carry their own authentication: their signature."""


def required(context: "ApiContext", right: Right) -> Dependency:
    """A route's dependency that asks the context's policy for a right."""

    async def ask(request: Request) -> None:
        context.access(request, right)

    dependency: Dependency = Depends(ask)
    return dependency
