"""The pages of the tax bureau: issuers, numbers, tables, red letters, declarations, invoices, titles."""

from typing import TYPE_CHECKING

from fastapi import FastAPI

from farechain.access.roles import Role
from farechain.pages.bureau import (
    declarations,
    invoices,
    issuers,
    keys,
    numbers,
    overview,
    red_letters,
    tables,
    titles,
)
from farechain.pages.office import Office

if TYPE_CHECKING:  # the site installs these pages
    from farechain.pages.site import Site


def install(app: FastAPI, site: "Site") -> None:
    """Adds the pages under ``/bureau``."""
    office = Office(site, Role.BUREAU)
    for part in (overview, issuers, keys, numbers, tables, red_letters, declarations, invoices, titles):
        part.add(office)
    app.include_router(office.routes)
