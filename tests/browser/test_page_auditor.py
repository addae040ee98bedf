"""The auditor's walk: chain, block, completeness, what was refused, the register; without a script too."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import shoot
from browser.town_site import TownSite, town_site
from farechain.access.roles import Role
from web.town import COMPANY, ISSUER, invoice, ride

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownSite]:
    with town_site(tmp_path_factory.mktemp("town"), ride(1), ride(2)) as site:
        site.give(ISSUER.red_issue(invoice(2), "SALES_RETURN"))
        yield site


def walk(page: Page, town: TownSite, name: str) -> None:
    """From the chain to a record's proof, each page looked at."""
    town.log_in(page, Role.AUDITOR, COMPANY)
    page.goto(f"{town.address}/auditor")
    expect(page.get_by_text("farechain audit --ledger DIR")).to_be_visible()
    shoot(page, f"auditor-{name}", whole=True)
    for tab, words in (
        ("Blocks", "Blocks, the latest first"),
        ("Completeness", "Every event is accounted for."),
        ("Refused", "Dead letters, the latest first"),
        ("Declarations", "Declarations, the latest first"),
        ("Commands", "RED_OF_LINES"),
    ):
        page.get_by_role("link", name=tab, exact=True).click()
        expect(page.locator("main")).to_contain_text(words)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shoot(page, f"auditor-{tab.lower()}-{name}", whole=True)
    page.locator("tbody tr").first.get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("Records root")
    shoot(page, f"auditor-block-{name}", whole=True)
    proof = page.get_by_role("link", name="Proof of its first record").get_attribute("href")
    assert page.request.get(f"{town.address}{proof}").json()["format"] == "farechain-proof/1"


def test_an_auditor_walks_on_a_phone_without_a_script(town: TownSite, without_script: Page) -> None:
    walk(without_script, town, "phone")


def test_an_auditor_walks_at_a_desk_in_chinese(town: TownSite, desk: Page) -> None:
    walk(desk, town, "desk")
    desk.goto(f"{town.address}/auditor/completeness")
    desk.get_by_role("button", name="中文").click()
    expect(desk.locator("main")).to_contain_text("每个事件均有着落")
    shoot(desk, "auditor-completeness-chinese", whole=True)
