"""A day at the two offices, as an operator and an officer walk through it; without a script on a phone."""

import asyncio
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import shoot
from browser.town_site import TownSite, town_site
from farechain import _core
from farechain.access.roles import Role
from farechain.client import Buyer, SignedEvent
from web.town import (
    BUREAU,
    CLERK,
    CODE,
    COMPANY,
    ISSUER,
    OTHER_COMPANY,
    SELLER,
    TITLE,
    invoice,
    ride,
)

NEW_KEY = _core.public_key(b"\x57" * 32).hex()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownSite]:
    rides = (ride(1), ride(2), ride(3, "SCENIC"), ride(4), ride(5))
    with town_site(tmp_path_factory.mktemp("town"), *rides) as site:
        site.give(
            ISSUER.retitle(invoice(1), Buyer(COMPANY, TITLE)),
            CLERK.confirm_use(invoice(6)),
            CLERK.red_request(invoice(6), "SALES_RETURN"),
            ISSUER.retitle(invoice(2), Buyer(COMPANY, TITLE)),
            CLERK.lock(invoice(8), "trip-2026-03"),
        )
        yield site


def narrow(page: Page) -> None:
    """Nothing reaches beyond a phone's edge but inside of what scrolls."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, page.url


def refuse(town: TownSite, event: SignedEvent) -> None:
    """A command that the ledger records as rejected."""
    posted = asyncio.run_coroutine_threadsafe(town.town.post(event), town.loop).result(30)
    assert posted.status_code == 403


def in_chinese(page: Page) -> None:
    page.get_by_role("button", name="中文").click()


def test_an_operator_walks_through_the_issuers_pages(town: TownSite, without_script: Page) -> None:
    page = without_script
    town.log_in(page, Role.ISSUER, SELLER)
    page.goto(f"{town.address}/issuer")
    expect(page.get_by_role("heading", name="To see to")).to_be_visible()
    for name in ("Numbers", "Devices", "Agents", "Mandate", "Invoices", "Waiting and owed", "Dead letters"):
        page.get_by_role("link", name=name, exact=True).first.click()
        expect(page.get_by_role("navigation", name="Pages").get_by_text(name)).to_have_attribute(
            "aria-current", "page"
        )
    page.get_by_role("link", name="Numbers", exact=True).click()
    page.get_by_label("How many").fill("5000")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status").first).to_contain_text("Recorded")
    shoot(page, "issuer-numbers-phone", whole=True)
    page.get_by_role("link", name="Devices").click()
    page.get_by_label("Public key").fill(NEW_KEY)
    page.get_by_label("METRO", exact=False).last.check()
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("status").first).to_contain_text("Recorded")
    shoot(page, "issuer-devices-phone", whole=True)
    page.goto(f"{town.address}/issuer/devices/{_core.kid(bytes.fromhex(NEW_KEY))}")
    page.get_by_role("button", name="Revoke…").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be undone")
    shoot(page, "issuer-revoke-phone", whole=True)
    page.get_by_role("link", name="Leave it").click()
    page.get_by_role("link", name="Mandate").click()
    page.get_by_label("Policy").first.select_option("ON_CLAIM")
    shoot(page, "issuer-mandate-phone", whole=True)
    page.get_by_role("button", name="See what changes").click()
    expect(page.get_by_text("Changed")).to_be_visible()
    shoot(page, "issuer-mandate-preview-phone", whole=True)
    page.get_by_role("button", name="Replace the mandate").click()
    expect(page.get_by_role("status").first).to_contain_text("Recorded")
    page.get_by_role("link", name="Waiting and owed").click()
    page.get_by_role("link", name=f"{CODE} 00000006").click()
    expect(page.get_by_text("of 72 hours")).to_be_visible()
    narrow(page)
    shoot(page, "issuer-invoice-asked-phone", whole=True)
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("heading", name="Ask for a red letter")).to_be_visible()
    page.get_by_role("link", name="Close a month").click()
    page.get_by_role("button", name="Declare 2026-03").click()
    expect(page.get_by_role("status").first).to_contain_text("Recorded")
    narrow(page)
    refuse(town, ISSUER.acknowledge(SELLER, "2026-03"))
    page.get_by_role("link", name="Dead letters").click()
    page.get_by_role("link", name="This key may not say that").click()
    expect(page.get_by_role("heading", name="What to do")).to_be_in_viewport()
    in_chinese(page)
    for path in ("", "/numbers", "/devices", "/agents", "/mandate", "/invoices", "/dead-letters", "/months"):
        page.goto(f"{town.address}/issuer{path}")
        narrow(page)
        shoot(page, f"issuer{path.replace('/', '-')}-chinese-phone", whole=True)


def test_an_officer_walks_through_the_bureaus_pages(town: TownSite, without_script: Page) -> None:
    page = without_script
    town.log_in(page, Role.BUREAU, OTHER_COMPANY)
    page.goto(f"{town.address}/bureau")
    expect(page.get_by_role("heading", name="Numbers by code")).to_be_visible()
    page.get_by_role("link", name="Numbers", exact=True).click()
    page.get_by_role("button", name="Close…").first.click()
    expect(page.get_by_role("alert")).to_contain_text("never granted again")
    page.get_by_role("link", name="Leave it open").click()
    page.get_by_role("button", name="Grant").last.click()
    expect(page.get_by_role("status").first).to_contain_text("Recorded")
    page.get_by_role("link", name="Scenes and rates").click()
    page.get_by_role("link", name="Replace the rates…").click()
    text = page.get_by_label("JSON").input_value()
    page.get_by_label("JSON").fill(text.replace('"to":null', '"to":"2030-12-31"', 1))
    page.get_by_role("button", name="See what changes").click()
    expect(page.get_by_text("Added")).to_be_visible()
    shoot(page, "bureau-table-preview-phone", whole=True)
    page.get_by_role("button", name="Replace the table").click()
    expect(page.get_by_role("status").first).to_contain_text("Recorded")
    page.get_by_role("link", name="Invoices", exact=True).click()
    page.get_by_label("Code").fill(CODE)
    page.get_by_label("Number").fill("8")
    page.get_by_role("button", name="Open").click()
    page.get_by_label("Note").fill("case 7")
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_text("Frozen").first).to_be_visible()
    narrow(page)
    shoot(page, "bureau-invoice-phone", whole=True)
    in_chinese(page)
    for path in (
        "",
        "/issuers",
        f"/parties/{SELLER}",
        "/numbers",
        "/tables",
        "/red-letters",
        "/declarations",
    ):
        page.goto(f"{town.address}/bureau{path}")
        narrow(page)
        shoot(page, f"bureau{path.replace('/', '-')}-chinese-phone", whole=True)


def test_both_offices_at_a_desk(town: TownSite, desk: Page) -> None:
    town.give(BUREAU.admit_issuer(OTHER_COMPANY, "演示公共汽车有限公司", 100_000_00))
    town.log_in(desk, Role.BUREAU, OTHER_COMPANY)
    for path in ("", "/numbers", "/tables", "/red-letters", f"/invoices/{CODE}/00000008", "/titles"):
        desk.goto(f"{town.address}/bureau{path}")
        narrow(desk)
        shoot(desk, f"bureau{path.replace('/', '-')}-desk", whole=True)
    town.log_in(desk, Role.ISSUER, SELLER)
    for path in ("", "/invoices", f"/invoices/{CODE}/00000008", "/owed", "/devices", "/mandate"):
        desk.goto(f"{town.address}/issuer{path}")
        narrow(desk)
        shoot(desk, f"issuer{path.replace('/', '-')}-desk", whole=True)
