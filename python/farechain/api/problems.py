"""Errors over HTTP: RFC 9457 problem details that carry the ``E_*`` code."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException


class Problem(Exception):
    """Answers the request with a problem document.

    Args:
        status: the HTTP status.
        code: the ``E_*`` code.
        title: one line for a person.
    """

    def __init__(self, status: int, code: str, title: str) -> None:
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title


def problem_response(status: int, code: str, title: str) -> Response:
    """The document itself."""
    body = {"type": "about:blank", "status": status, "title": title, "code": code}
    return JSONResponse(body, status, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem document."""
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        Problem: _problem,
        RequestValidationError: _invalid,
        HTTPException: _http,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error.status, error.code, error.title)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem_response(422, "E_SCHEMA", f"{where}: {first['msg']}")


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem_response(error.status_code, "E_HTTP", str(error.detail))
