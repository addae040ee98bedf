"""The clerk's day in a browser: check what came in, lock, reimburse, post, a reversal after posting."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import shoot
from browser.town_site import TownSite, town_site
from farechain.access.roles import Role
from farechain.client import Buyer
from web.test_web_clerk import NAMES, claims, shown
from web.town import CODE, COMPANY, HOLDER, ISSUER, OTHER_CLERK, OTHER_COMPANY, TITLE, invoice, ride

PERSONAL = Buyer(holder=HOLDER.kid)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownSite]:
    """Six for the company, two of individuals of which another company has locked one, one of another's."""
    rides = [ride(number, "SCENIC") for number in range(1, 10)]
    with town_site(tmp_path_factory.mktemp("town"), *rides) as site:
        site.give(*claims(1, 2, 3, 4, 5, 6))
        site.give(*claims(7, 8, buyer=PERSONAL), *claims(9, buyer=Buyer(OTHER_COMPANY, TITLE)))
        given = HOLDER.present(invoice(8), OTHER_COMPANY, "B-1")
        site.give(OTHER_CLERK.lock(invoice(8), "B-1", given))
        yield site


def code_of(town: TownSite, number: int, host: str | None = None) -> str:
    found = town.town.ledger.invoice(CODE, number)
    assert found is not None
    where = f"{host or town.address}/v/scan"
    return f"{where}?hash={found['hash'].hex()}&bill_num={number:08d}&total_amount=665"


def test_a_claim_from_the_scanner_into_the_books(town: TownSite, desk: Page) -> None:
    page = desk
    town.log_in(page, Role.REIMBURSER, COMPANY)
    page.goto(f"{town.address}/clerk")
    expect(page.get_by_role("link", name="Free 6")).to_be_visible()
    shoot(page, "clerk-inbox-desk", whole=True)

    page.get_by_role("link", name="Check", exact=True).click()
    lines = [
        *(code_of(town, number) for number in (1, 2)),
        shown(7, COMPANY, "A-1"),
        code_of(town, 8),
        NAMES[9],
        code_of(town, 3, "https://elsewhere.test"),
        code_of(town, 4)[:-1] + "6",
        f"{CODE}-00000777",
        "nonsense",
    ]
    page.get_by_label("One a line").fill("\n".join(lines))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("9 lines: 3 can be locked, 6 cannot")
    expect(page.get_by_text(f"{OTHER_COMPANY}, since")).to_be_visible()
    expect(page.get_by_label("Claim number")).to_have_value("A-1")
    shoot(page, "clerk-check-desk", whole=True)
    page.get_by_label("All or none").check()
    page.get_by_role("button", name="Lock", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Done: 3")
    page.get_by_role("link", name="Claim A-1").click()

    page.get_by_label(f"Amount to reimburse of {NAMES[1]}").fill("5.00")
    for number in (1, 2, 7):
        page.get_by_label(f"Choose {NAMES[number]}").check()
    page.get_by_role("button", name="Reimburse").click()
    expect(page.get_by_role("status")).to_contain_text("Done: 3")
    page.get_by_role("link", name="Back").click()
    page.get_by_label(f"Choose {NAMES[1]}").check()
    page.get_by_label("Voucher").fill("V-2026-31")
    page.get_by_label("Period").fill("2026-03")
    page.get_by_role("button", name="Post").click()
    expect(page.get_by_role("status")).to_contain_text("Done: 1")
    page.get_by_role("link", name="Back").click()
    shoot(page, "clerk-claim-desk", whole=True)

    town.give(ISSUER.red_request(invoice(1), "SALES_RETURN"))
    page.goto(f"{town.address}/clerk/invoice/{NAMES[1]}")
    expect(page.get_by_text("of 72 h left 71 h")).to_be_visible()
    shoot(page, "clerk-invoice-red-desk", whole=True)
    page.get_by_role("button", name="Agree to the reversal").click()
    expect(page.get_by_role("status")).to_contain_text("Recorded")
    page.get_by_role("link", name="Reversed after posting").click()
    expect(page.get_by_text("Post red letter")).to_be_visible()
    shoot(page, "clerk-reversed-desk", whole=True)
    page.goto(f"{town.address}/clerk/locks?days=0")
    shoot(page, "clerk-locks-desk", whole=True)


def test_a_phone_without_script_sees_who_was_first(town: TownSite, without_script: Page) -> None:
    page = without_script
    town.log_in(page, Role.REIMBURSER, COMPANY)
    page.goto(f"{town.address}/clerk?state=free")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="收票箱")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "clerk-inbox-chinese-phone", whole=True)

    page.get_by_role("link", name="批量查验").click()
    page.get_by_label("每行一张").fill("\n".join([code_of(town, 5), code_of(town, 8), "x"]))
    page.get_by_role("button", name="查验", exact=True).click()
    expect(page.get_by_text(f"已被其他单位锁定用于报销: {OTHER_COMPANY}")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "clerk-check-chinese-phone", whole=True)
    page.get_by_label("报销单号").fill("A-2")
    page.get_by_role("button", name="锁定", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("全部完成: 1")

    page.goto(f"{town.address}/clerk/invoice/{NAMES[5]}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "clerk-invoice-chinese-phone", whole=True)
    page.goto(f"{town.address}/clerk?state=free")
    page.get_by_role("button", name="English").click()
    town.give(ISSUER.red_issue(invoice(6), "ISSUE_ERROR"))
    page.get_by_label(f"Choose {NAMES[4]}").check()
    page.get_by_label(f"Choose {NAMES[6]}").check()
    page.get_by_label("Claim number").fill("A-3")
    page.get_by_role("button", name="Lock", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("1 of 2 done")
    shoot(page, "clerk-results-phone", whole=True)
    page.goto(f"{town.address}/clerk/policy")
    page.get_by_role("button", name="Take no more").click()
    expect(page.get_by_role("status")).to_contain_text("Recorded")
    shoot(page, "clerk-policy-phone")
