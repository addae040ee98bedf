"""Routes of pages: what is refused is told on a page, not as a JSON document."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute

from farechain.api.command_models import CommandAnswer
from farechain.api.problems import Problem
from farechain.pages.layout import Layout


def page_routes(layout: Layout) -> APIRouter:
    """A router for one role's pages."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer = super().get_route_handler()

            async def answered(request: Request) -> Response:
                try:
                    return await answer(request)
                except Problem as problem:
                    return layout.refused(request, problem, getattr(request.state, "caller", None))

            return answered

    return APIRouter(include_in_schema=False, route_class=PageRoute)


def done(where: str, answer: CommandAnswer) -> Response:
    """Leads to a page that says what was recorded, so that loading it again gives no command again."""
    index = answer.records[0].index if answer.records else 0
    return RedirectResponse(f"{where}{'&' if '?' in where else '?'}done={answer.height}.{index}", 303)
