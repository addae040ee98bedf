"""The public log over HTTP: the paths of the directory that a static file server may publish (tlog-tiles)."""

import asyncio
import re
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from farechain.api.context import ApiContext
from farechain.api.problems import Problem, responses

TILE = re.compile(
    r"(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?", re.ASCII
)
PROMISE = re.compile(r"latest|[0-9]{12}-[0-9]{12}(?:\.proof)?\.json", re.ASCII)
MAX_PATH_CHARACTERS = 64
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable", "Access-Control-Allow-Origin": "*"}
MOVING = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}


def router(context: ApiContext) -> APIRouter:
    """``/checkpoint``, ``/vkey``, ``/tile/...`` and ``/promise/...``; open to pages of any origin."""
    routes = APIRouter(tags=["public log"])

    @routes.get(
        "/checkpoint", response_class=Response, responses=_described("text/plain", "A C2SP signed note.")
    )
    async def checkpoint() -> Response:
        """The published checkpoint with its cosignatures."""
        return await _file(context.public_dir / "checkpoint", "text/plain; charset=utf-8", MOVING)

    @routes.get("/vkey", response_class=Response, responses=_described("text/plain", "A verifier key."))
    async def vkey() -> Response:
        """The log's verifier key in signed-note form. Compare it with one that you got elsewhere."""
        return await _file(context.public_dir / "vkey", "text/plain; charset=utf-8", MOVING)

    octets = _described("application/octet-stream", "Hashes of a tile, or a bundle of entries.")

    @routes.get("/tile/{path:path}", response_class=Response, responses=octets | responses(422))
    async def tile(path: str) -> Response:
        """A tile or entry bundle, which never changes. A partial one may go once its full one is there."""
        if len(path) > MAX_PATH_CHARACTERS or not TILE.fullmatch(path):
            raise Problem(404, "E_NOT_FOUND", "not a path of the public log")
        return await _file(context.public_dir / "tile" / path, "application/octet-stream", IMMUTABLE)

    @routes.get(
        "/promise/{name}",
        response_class=Response,
        responses=_described("application/json", "A document, a proof, or the name of the latest document.")
        | responses(422),
    )
    async def promise(name: str) -> Response:
        """How long events took to their checkpoint: a summary, the proof that the ledger attests it, or
        `latest`.
        """
        if not PROMISE.fullmatch(name):
            raise Problem(404, "E_NOT_FOUND", "no name of a summary")
        file = context.public_dir / "promise" / name
        if name == "latest":
            return await _file(file, "text/plain; charset=utf-8", MOVING)
        return await _file(file, "application/json", IMMUTABLE)

    return routes


async def _file(path: Path, media_type: str, headers: dict[str, str]) -> Response:
    # Read whole, by one open: the checkpoint may be renamed over between a stat and a read.
    try:
        data = await asyncio.to_thread(path.read_bytes)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise Problem(404, "E_NOT_FOUND", "not published", {"Cache-Control": "no-store"}) from None
    return Response(data, media_type=media_type, headers=headers)


def _described(media_type: str, description: str) -> dict[int | str, dict[str, object]]:
    return {200: {"description": description, "content": {media_type: {}}}, **responses(404)}
