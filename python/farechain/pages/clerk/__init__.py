"""The reimbursement clerk's pages: what came in, what is checked, claimed, reimbursed, posted, reversed."""

from typing import TYPE_CHECKING

from fastapi import FastAPI

from farechain.pages.clerk import check_page, invoice_page, lists, policy_page, several
from farechain.pages.clerk.desk import Desk
from farechain.pages.routes import page_routes

if TYPE_CHECKING:  # which installs these pages
    from farechain.pages.site import Site


def install(app: FastAPI, site: "Site") -> None:
    """Adds the pages below ``/clerk``."""
    routes, desk = page_routes(site.layout), Desk(site)
    for page in (lists, check_page, several, invoice_page, policy_page):
        page.install(routes, desk)
    app.include_router(routes)
