"""Proofs of records by their place: what a command's answer names, an invoice's standing among it."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from farechain import _core
from farechain._core import LedgerError
from farechain.api.context import ApiContext
from farechain.api.problems import Problem, responses

OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
PLACE_PATTERN = r"^(0|[1-9][0-9]{0,8})$"
Height = Annotated[str, Path(pattern=PLACE_PATTERN, description="Height of its block.", examples=["12"])]
Index = Annotated[str, Path(pattern=PLACE_PATTERN, description="Its place in the block.", examples=["0"])]
Form = Annotated[Literal["json", "compact"], Query(description="JSON, or the compact binary form.")]


def place_of(height: int, index: int) -> str:
    """Where the proof of a record is."""
    return f"/v1/blocks/{height}/records/{index}/proof"


def prove(context: ApiContext, height: int, index: int) -> bytes:
    """The compact proof of a record. Blocks.

    Raises:
        Problem: 503 ``E_NOT_PUBLISHED`` while no checkpoint covers it.
    """
    try:
        return context.ledger.prove(height, index, context.log, context.witness_vkeys)
    except LedgerError as error:
        if error.args[0] != "invalid":
            raise
        detail = "not under a published checkpoint yet: try again in a second"
        raise Problem(503, "E_NOT_PUBLISHED", detail, {"Retry-After": "1"}) from error


def router(context: ApiContext) -> APIRouter:
    """``/v1/blocks/{height}/records/{index}/proof``."""
    routes = APIRouter(prefix="/v1", tags=["chain"])
    media: dict[str, Any] = {"application/json": {}, "application/octet-stream": {}}
    described: dict[int | str, dict[str, Any]] = {200: {"description": "A proof.", "content": media}}

    @routes.get(
        "/blocks/{height}/records/{index}/proof",
        response_class=Response,
        responses={**described, **responses(404, 422, 503)},
    )
    async def proof(height: Height, index: Index, form: Form = "json") -> Response:
        """The proof of a record. One that moved an invoice holds its whole standing, which this proves."""
        compact = await asyncio.to_thread(_prove_existing, context, int(height), int(index))
        name = f"{height}-{index}" + (".fcproof" if form == "compact" else ".proof.json")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'} | OPEN_TO_ALL
        if form == "compact":
            return Response(compact, media_type="application/octet-stream", headers=headers)
        return Response(_core.proof_to_json(compact), media_type="application/json", headers=headers)

    return routes


def _prove_existing(context: ApiContext, height: int, index: int) -> bytes:
    header = context.ledger.headers(height, 1)
    if not header or index >= _core.decode_header(header[0])["record_count"]:
        raise Problem(404, "E_NOT_FOUND", "no such record")
    return prove(context, height, index)
