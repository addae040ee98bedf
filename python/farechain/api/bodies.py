"""Request bodies: bounded in size and time, and read strictly."""

import asyncio
import json
from typing import Any, Never, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from farechain.api.problems import Problem

TIMEOUT_S = 10.0
"""A body that takes longer is a slow client that holds a connection."""

Model = TypeVar("Model", bound=BaseModel)


async def read(request: Request, max_bytes: int) -> bytes:
    """The body. Raises ``Problem`` 413 when it is larger, 408 when it takes too long."""
    body = bytearray()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            async for part in request.stream():
                body += part
                if len(body) > max_bytes:
                    raise Problem(413, "E_SIZE", f"at most {max_bytes} bytes are taken here")
    except TimeoutError:
        raise Problem(408, "E_TIMEOUT", f"the body did not come within {TIMEOUT_S:.0f} s") from None
    return bytes(body)


async def read_model(request: Request, model: type[Model], max_bytes: int = 4096) -> Model:
    """A JSON body as a strict model: no duplicate keys, no floats where integers belong, nothing unknown."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Problem(415, "E_MEDIA_TYPE", "the body must be application/json")
    return parse_model(await read(request, max_bytes), model)


def parse_model(body: bytes, model: type[Model]) -> Model:
    """Bytes of JSON as a strict model. Raises ``Problem`` 422, which repeats no value."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_refuse)
        return model.model_validate(value, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise Problem(422, "E_SCHEMA", f"{where}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise Problem(422, "E_SCHEMA", f"not JSON as it is wanted here: {error}") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")
