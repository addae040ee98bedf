"""Logging in as a person does: the token typed, the role's page, another role's page refused, out again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import shoot
from browser.town_site import TownSite, town_site
from farechain.access.roles import Role
from web.town import COMPANY, ride


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownSite]:
    with town_site(tmp_path_factory.mktemp("town"), ride(1), ride(2)) as site:
        yield site


def test_the_form_takes_a_token_without_a_script(town: TownSite, without_script: Page) -> None:
    page = without_script
    page.goto(f"{town.address}/login")
    page.get_by_label("Token").fill("fct_wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not good")
    shoot(page, "login-refused-phone")
    page.get_by_label("Token").fill(town.town.tokens.issue(COMPANY, Role.REIMBURSER, 1, 100).token)
    page.get_by_role("button", name="Log in").click()
    assert page.url == f"{town.address}/clerk"


def test_the_language_stays(town: TownSite, without_script: Page) -> None:
    page = without_script
    page.goto(f"{town.address}/login")
    page.get_by_role("button", name="中文").click()
    assert page.url == f"{town.address}/login"
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    shoot(page, "login-chinese-phone")
