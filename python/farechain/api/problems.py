"""Errors over HTTP: RFC 9457 problem details that carry the ``E_*`` code."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from farechain._core import LedgerError

LOG = logging.getLogger("farechain.api")
MEDIA_TYPE = "application/problem+json"
CODES = {404: "E_NOT_FOUND", 405: "E_METHOD", 408: "E_TIMEOUT", 413: "E_SIZE", 415: "E_MEDIA_TYPE"}


class ProblemDocument(BaseModel):
    """RFC 9457, with the code that a program should look at."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="Always about:blank: the code says what it is.")
    title: str = Field(description="The phrase of the status.")
    status: int
    detail: str = Field(description="One line for a person: what was wrong.")
    code: str = Field(pattern=r"^E_[A-Z_]+$")


class Problem(Exception):  # noqa: N818  # the name in RFC 9457
    """Answers the request with a problem document.

    Args:
        status: the HTTP status.
        code: the ``E_*`` code.
        detail: one line for a person.
        headers: more headers, ``Retry-After`` for example.
        document: the kind of document, where it has members of its own.
        more: those members.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        document: type[ProblemDocument] = ProblemDocument,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.document = document
        self.more = more
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers


def responses(
    *statuses: int, document: type[ProblemDocument] = ProblemDocument
) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of the problems that a route may answer with; 500 is always among them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{document.__name__}"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({*statuses, 500})
    }


def problem_response(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    document: type[ProblemDocument] = ProblemDocument,
    **more: Any,
) -> Response:
    """The document itself."""
    title = HTTPStatus(status).phrase
    body = document(type="about:blank", title=title, status=status, detail=detail, code=code, **more)
    return JSONResponse(body.model_dump(), status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem document."""
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        Problem: _problem,
        RequestValidationError: _invalid,
        HTTPException: _http,
        LedgerError: _ledger,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(
        error.status, error.code, error.detail, error.headers, error.document, **error.more
    )


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem_response(422, "E_SCHEMA", f"{where}: {first['msg']}")


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = CODES.get(error.status_code, "E_HTTP")
    return problem_response(error.status_code, code, str(error.detail), error.headers)


async def _ledger(request: Request, error: Exception) -> Response:
    if error.args[0] == "archive":
        return problem_response(503, "E_ARCHIVE", "this record was archived, and the archive does not answer")
    LOG.error(
        "the ledger does not answer method=%s route=%s: %s", request.method, route_of(request.scope), error
    )
    return problem_response(503, "E_LEDGER", "the ledger cannot answer now", {"Retry-After": "5"})


async def _unexpected(request: Request, error: Exception) -> Response:
    number = secrets.token_hex(8)
    LOG.error(
        "request failed request=%s method=%s route=%s error=%s",
        number,
        request.method,
        route_of(request.scope),
        type(error).__name__,
    )
    message = f"this is a defect of the service; its log says more under request {number}"
    return problem_response(500, "E_INTERNAL", message)


def route_of(scope: Scope) -> str:
    """A request's route as it is written in the program: without the ids that a path may have."""
    route = scope.get("route")
    return str(getattr(route, "path", None) or "none")
