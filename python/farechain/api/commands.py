"""Signed commands over HTTP: the body is the CloudEvent's exact bytes, the answer what became of it.

The signature is the authentication; no token is needed. The bytes are never parsed here: the core decodes
them. A command is acknowledged when its block is durable; sent again, it is answered with the first result.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from farechain.api import bodies, openings
from farechain.api.command_answers import Answers
from farechain.api.command_models import CommandAnswer, CommandProblem
from farechain.api.context import ApiContext
from farechain.api.openings import GivenOpening
from farechain.api.problems import Problem, responses
from farechain.api.refusals import ALL_STATUSES
from farechain.api.signers import Signers
from farechain.errors import FarechainError

MAX_COMMAND_BYTES = 64 * 1024
MEDIA_TYPES = ("application/cloudevents+json", "application/json")
WITH_OPENINGS: dict[str, Any] = {"$ref": "#/components/schemas/CommandWithOpenings"}
AGAIN = {"Retry-After": "1"}
EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "type": "farechain.command.v1",
    "source": "clerk-7",
    "id": "lock-2026-03-0001",
    "data": {
        "kind": "LOCK",
        "network": "shenzhen",
        "command_id": "lock-2026-03-0001",
        "code": "144032609110",
        "number": 1,
        "claim_id": "2026-03-0001",
        "presentation": "ab" * 64,
    },
}
BODY = {
    "required": True,
    "description": "The CloudEvent's bytes exactly as they were signed: docs/format.md, section 2.",
    "content": {
        **{media: {"schema": {"type": "object"}, "example": EXAMPLE} for media in MEDIA_TYPES},
        openings.MEDIA_TYPE: {"schema": WITH_OPENINGS, "example": openings.EXAMPLE},
    },
}
Kid = Annotated[
    str | None,
    Header(
        alias="fc-kid",
        description="The signing key's id, 32 lower-case hex digits.",
        examples=["6a3803d5f059902a1c6dafbc9ba47292"],
    ),
]
Signature = Annotated[
    str | None,
    Header(
        alias="fc-sig",
        description="Ed25519 over the DSSE encoding of the body (docs/format.md, section 2): 128 lower-case "
        "hex digits, the hex of the 64 bytes that stand in Kafka's header of this name.",
        examples=["ab" * 64],
    ),
]


class Door:
    """Where signed commands go in, from a route or a page.

    Args:
        context: whose ``commands`` records them, and whose ledger has the signers' keys.
    """

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._signers = Signers(context.ledger)
        self._answers = Answers(context)

    async def give(
        self, kid: str | None, signature: str | None, value: bytes, given: Sequence[GivenOpening] = ()
    ) -> CommandAnswer:
        """Gives a command; returns when its block is durable. Sending it again does nothing more.

        Args:
            kid: the signer's key id, 32 hex digits.
            signature: 128 hex digits.
            value: the CloudEvent's exact bytes.
            given: openings of titles that it names; they are durable before the command is on its way.

        Raises:
            Problem: refused; a ``CommandProblem`` where the ledger refused it.
        """
        commands, store = self._context.commands, self._context.private
        if commands is None:
            raise Problem(503, "E_NO_COMMANDS", self._context.no_commands)
        if given and store is None:
            raise Problem(422, "E_NO_PRIVATE_STORE", openings.NO_STORE)
        event = await self._signers.admit(kid, signature, value)
        opened = openings.checked(given, value, self._context.ledger.key(kid or "") or {}) if given else []
        if opened and store is not None:
            # Before the command is on its way: a text that a record names is never lost.
            await asyncio.to_thread(openings.keep, store, opened)
        try:
            async with commands.taking(kid or "", bytes.fromhex(signature or ""), value) as recorded:
                answer = await asyncio.to_thread(self._answers.of, event, recorded)
        except FarechainError as error:
            raise Problem(503, error.code, error.message, AGAIN) from error
        if opened and store is not None:
            # The follower of the log has passed the record of a duplicate and will not see it again.
            await asyncio.to_thread(openings.mark, store, opened)
        return answer


def router(context: ApiContext, door: Door) -> APIRouter:
    """``POST /v1/commands``."""
    routes = APIRouter(prefix="/v1", tags=["commands"])
    described: dict[int | str, dict[str, Any]] = {
        201: {"description": "Done.", "model": CommandAnswer},
        **responses(*ALL_STATUSES, document=CommandProblem),
    }

    @routes.post(
        "/commands",
        responses=described,
        response_description="A duplicate: what it did the first time.",
        openapi_extra={"requestBody": BODY},
    )
    async def command(
        request: Request, response: Response, kid: Kid = None, signature: Signature = None
    ) -> CommandAnswer:
        """Gives a signed command; answers when its block is durable. Sending it again does nothing more."""
        if context.commands is None:
            raise Problem(503, "E_NO_COMMANDS", context.no_commands)
        value, given = await _read(request)
        answer = await door.give(kid, signature, value, given)
        response.status_code = 200 if answer.duplicate else 201
        response.headers["Cache-Control"] = "no-store"
        return answer

    return routes


async def _read(request: Request) -> tuple[bytes, list[GivenOpening]]:
    """The signed bytes, and the openings that came beside them."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media == openings.MEDIA_TYPE:
        return openings.parsed(await bodies.read(request, openings.BODY_BYTES_MAX), MAX_COMMAND_BYTES)
    if media not in MEDIA_TYPES:
        raise Problem(415, "E_MEDIA_TYPE", f"the body must be {MEDIA_TYPES[0]} or {openings.MEDIA_TYPE}")
    return await bodies.read(request, MAX_COMMAND_BYTES), []
