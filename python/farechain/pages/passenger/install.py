"""The routes of the passenger's pages."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from farechain.api.problems import Problem
from farechain.pages.documents import Format
from farechain.pages.passenger import claims, handing, invoices, titles
from farechain.pages.passenger.person import Person, once_of, reading
from farechain.pages.passenger.titles import Chosen, WrongTitle
from farechain.pages.passenger.trips import SHOWN, Trip, Trips, is_automatic, is_open
from farechain.pages.routes import done, page_routes
from farechain.private.store import Kept

if TYPE_CHECKING:  # the site installs these pages
    from farechain.pages.site import Site

AUTOMATIC_MAX = 20
"""Automatic invoices beside those that are held; the others are under *My trips*."""
FILES: dict[str, Format] = {"invoice.pdf": "pdf", "trips.pdf": "trips"}


def install(app: FastAPI, site: "Site") -> None:
    """Adds ``/my`` and what is below it."""
    routes = page_routes(site.layout)
    _trips(routes, site)
    _claims(routes, site)
    _invoices(routes, site)
    _handing(routes, site)
    _data(routes, site)
    app.include_router(routes)


def _trips(routes: APIRouter, site: "Site") -> None:
    @routes.get("/my")
    async def trips(request: Request, show: str = "all", before: str = "") -> Response:
        person = await Person.at(site, request)
        wanted = SHOWN.get(show, SHOWN["all"])
        place = int(before) if before.isascii() and before.isdecimal() and len(before) < 9 else None
        page = await reading(lambda: Trips(person).page(wanted, place))
        return person.page("my/trips.html", page=page, show=show if show in SHOWN else "all")

    @routes.post("/my/take")
    async def take(request: Request) -> Response:
        person = await Person.at(site, request)
        form = await person.form()
        (trip,) = await reading(lambda: Trips(person).chosen([form.one("take")]))
        # One form has a button for each trip, so that its `once` is not of one command alone.
        invoice, answer = await handing.take(person, trip, f"{once_of(form.one('once'))}-{trip.name[:24]}")
        return done(invoices.card_of(invoice), answer)

    @routes.get("/my/take")
    @routes.get("/my/claim")
    @routes.get("/my/claim/preview")
    @routes.get("/my/claim/confirm")
    async def back() -> Response:
        return RedirectResponse("/my", 303)


def _claims(routes: APIRouter, site: "Site") -> None:
    async def chosen_of(person: Person, names: list[str]) -> list[Trip]:
        if not 1 <= len(names) <= claims.TRIPS_MAX:
            raise Problem(422, "E_SCHEMA", f"choose 1 to {claims.TRIPS_MAX} trips")
        return await reading(lambda: Trips(person).chosen(names))

    @routes.post("/my/claim")
    async def title(request: Request) -> Response:
        person = await Person.at(site, request)
        form = await person.form()
        await person.agent()
        trips = await chosen_of(person, form.all("trip"))
        remembered = await reading(lambda: person.wallet.titles(person.kid))
        values: dict[str, Any] = {"trips": trips, "remembered": remembered, "chosen": Chosen(), "wrong": None}
        return person.page("my/claim.html", **values)

    @routes.post("/my/claim/preview")
    async def preview(request: Request) -> Response:
        person = await Person.at(site, request)
        form = await person.form()
        await person.agent()
        trips = await chosen_of(person, form.all("trip"))
        remembered = await reading(lambda: person.wallet.titles(person.kid))
        chosen = titles.read(form, remembered)
        try:
            chosen.check()
        except WrongTitle as wrong:
            values: dict[str, Any] = {
                "trips": trips,
                "remembered": remembered,
                "chosen": chosen,
                "wrong": wrong,
            }
            return person.page("my/claim.html", 422, **values)
        open_trips = [trip for trip in trips if is_open(trip)]
        drafts = claims.drafts(open_trips, await claims.issuers_of(person))
        left_out = len(trips) - len(open_trips)
        return person.page("my/preview.html", drafts=drafts, left_out=left_out, chosen=chosen)

    @routes.post("/my/claim/confirm")
    async def confirm(request: Request) -> Response:
        person = await Person.at(site, request)
        form = await person.form()
        chosen = titles.read(form, [])
        try:
            chosen.check()
        except WrongTitle as wrong:
            raise Problem(422, wrong.code, wrong.detail) from None
        trips = await chosen_of(person, form.all("trip"))
        results = await claims.claim(person, trips, chosen, once_of(form.one("once")))
        return person.page("my/claimed.html", results=results)


def _invoices(routes: APIRouter, site: "Site") -> None:
    @routes.get("/my/invoices")
    async def listed(request: Request, after: str | None = None) -> Response:
        person = await Person.at(site, request)
        page = await invoices.held_by(person, after)
        automatic = None
        if after is None and site.context.private is not None:
            automatic = await reading(lambda: Trips(person).page(is_automatic, None, AUTOMATIC_MAX))
        return person.page("my/invoices.html", page=page, automatic=automatic)

    @routes.get("/my/invoices/{code}/{number}")
    async def card(request: Request, code: str, number: str) -> Response:
        person = await Person.at(site, request)
        held = await invoices.find(person, code, number)
        remembered = []
        if site.context.private is not None:
            remembered = await reading(lambda: person.wallet.titles(person.kid))
        found = await invoices.card(person, held)
        return person.page("my/card.html", card=found, remembered=remembered, chosen=Chosen(), wrong=None)

    @routes.get("/my/invoices/{code}/{number}/{name}")
    async def file(request: Request, code: str, number: str, name: str) -> Response:
        person = await Person.at(site, request)
        held = await invoices.find(person, code, number)
        if name not in FILES:
            return RedirectResponse(held.path, 303)
        return await site.documents.file(held.found, FILES[name])


def _handing(routes: APIRouter, site: "Site") -> None:
    @routes.post("/my/invoices/{code}/{number}/title")
    async def retitle(request: Request, code: str, number: str) -> Response:
        person = await Person.at(site, request)
        form = await person.form()
        held = await invoices.find(person, code, number)
        remembered = await reading(lambda: person.wallet.titles(person.kid))
        chosen = titles.read(form, remembered)
        try:
            chosen.check()
        except WrongTitle as wrong:
            found = await invoices.card(person, held)
            values: dict[str, Any] = {
                "card": found,
                "remembered": remembered,
                "chosen": chosen,
                "wrong": wrong,
            }
            return person.page("my/card.html", 422, **values)
        made, answer = await handing.retitle(person, held, chosen, once_of(form.one("once")))
        return done(invoices.card_of(made), answer)

    @routes.post("/my/invoices/{code}/{number}/present")
    async def present(request: Request, code: str, number: str) -> Response:
        person = await Person.at(site, request)
        form = await person.form()
        held = await invoices.find(person, code, number)
        return person.page("my/present.html", held=held, shown=await handing.present(person, held, form))

    @routes.post("/my/invoices/{code}/{number}/transfer")
    async def transfer(request: Request, code: str, number: str) -> Response:
        person = await Person.at(site, request)
        form = await person.form()
        held = await invoices.find(person, code, number)
        return done("/my/invoices", await handing.transfer(person, held, form))


def _data(routes: APIRouter, site: "Site") -> None:
    @routes.get("/my/data")
    async def data(request: Request, erased: str = "") -> Response:
        person = await Person.at(site, request)

        def kept() -> tuple[int, list[Kept]]:
            return len(person.wallet.trips(person.kid)), person.store.by_subject(person.kid)

        trips, texts = await reading(kept)
        remembered = await reading(lambda: person.wallet.titles(person.kid))
        values: dict[str, Any] = {
            "trips": trips,
            "texts": texts,
            "remembered": remembered,
            "erased": erased == "yes",
        }
        return person.page("my/data.html", **values)

    @routes.post("/my/data/forget")
    async def forget(request: Request) -> Response:
        person = await Person.at(site, request)
        name = (await person.form()).one("title")
        remembered = await reading(lambda: person.wallet.titles(person.kid))
        for title in remembered:
            if title.name.hex() == name:
                await reading(lambda: person.wallet.forget(person.kid, title.name))  # noqa: B023  awaited here
        return RedirectResponse("/my/data", 303)

    @routes.post("/my/data/erase")
    async def erase(request: Request) -> Response:
        person = await Person.at(site, request)
        form = await person.form()
        if form.one("sure") != "yes":
            raise Problem(422, "E_SCHEMA", "tick the box first: what is erased does not come back")
        await reading(lambda: person.store.erase(person.kid))
        return RedirectResponse("/my/data?erased=yes", 303)

    @routes.get("/my/data/forget")
    @routes.get("/my/data/erase")
    async def back() -> Response:
        return RedirectResponse("/my/data", 303)
