"""The pages of an issuer's billing operator: numbers, devices, mandate, invoices, what is owed, months."""

from typing import TYPE_CHECKING

from fastapi import FastAPI

from farechain.access.roles import Role
from farechain.pages.issuer import (
    agents,
    dead_letters,
    devices,
    invoices,
    mandate,
    months,
    numbers,
    overview,
    owed,
)
from farechain.pages.office import Office

if TYPE_CHECKING:  # the site installs these pages
    from farechain.pages.site import Site


def install(app: FastAPI, site: "Site") -> None:
    """Adds the pages under ``/issuer``."""
    office = Office(site, Role.ISSUER)
    for part in (overview, numbers, devices, agents, mandate, invoices, owed, dead_letters, months):
        part.add(office)
    app.include_router(office.routes)
