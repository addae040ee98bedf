"""A passenger's month in a browser: trips into invoices, to the employer, a new title, away again."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import shoot
from browser.town_site import TownSite, town_site
from farechain import presentation
from farechain.access.roles import Role
from web.passengers import FRIEND, add, founding, row, town_with_store, trip, visit, visit_row
from web.town import CLERK, COMPANY, HOLDER

LONG = "深圳市福田区很长很长名称的科技发展（集团）股份有限公司第一分公司"


def day(number: int) -> datetime:
    return datetime(2026, 2, 20 + number, 0, 12, number, tzinfo=UTC)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownSite]:
    """Five visits of two sellers to claim, three rides that were invoiced at once, one not recorded yet."""
    place = tmp_path_factory.mktemp("town")
    own = town_with_store(place)
    paid = [
        *(trip(number, day=day(number)) for number in (1, 2, 3)),
        *(trip(number, "METRO", day=day(number)) for number in (4, 5, 6)),
        visit(7, 23050),
        visit(8),
        visit(9, scene="BUS"),
    ]
    with town_site(place, *paid, town=own, more=founding()) as site:
        add(own, *(row(number, HOLDER.kid) for number in (1, 2, 3, 4, 5, 6, 99)))
        add(own, *(visit_row(number, HOLDER.kid) for number in (7, 8, 9)))
        yield site


def open_trips(town: TownSite, page: Page, language: str = "en") -> None:
    town.log_in(page, Role.HOLDER, HOLDER.kid)
    page.context.add_cookies([{"name": "fc-language", "value": language, "url": town.address}])
    page.goto(f"{town.address}/my")


def test_trips_to_the_employer_and_back(town: TownSite, without_script: Page) -> None:
    page = without_script
    open_trips(town, page)
    shoot(page, "passenger-trips-phone", whole=True)
    for place in (0, 1, 2, 3):
        page.get_by_role("checkbox").nth(place).check()
    page.get_by_role("button", name="Invoice the chosen trips").click()
    page.get_by_role("radio", name="An organisation").check()
    page.get_by_label("Title: name of").fill(LONG)
    page.get_by_label("Tax id, of an organisation").fill(COMPANY[:-1] + "A")
    page.get_by_label("Remember a new title").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_contain_text("E_USCC_CHECKSUM")
    expect(page.get_by_label("Title: name of")).to_have_value(LONG)
    shoot(page, "passenger-title-phone", whole=True)
    page.get_by_label("Tax id, of an organisation").fill(COMPANY)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="World Park Ltd")).to_be_visible()
    shoot(page, "passenger-preview-phone", whole=True)
    page.get_by_role("button", name="Make the invoices").click()
    expect(page.get_by_text("Issued")).to_have_count(2)
    shoot(page, "passenger-claimed-phone", whole=True)

    page.get_by_role("link", name="1440").first.click()
    expect(page.get_by_role("definition").filter(has_text=LONG)).to_be_visible()
    expect(page.get_by_role("img", name="QR code to check")).to_be_visible()
    shoot(page, "passenger-card-phone", whole=True)
    page.get_by_label("Claim number").fill("2026-03-0001")
    expect(page.get_by_label("Company's tax id")).to_have_value(COMPANY)
    page.get_by_role("button", name="Present").click()
    text = page.get_by_label("Or send this text").input_value()
    shown = presentation.decode(text)
    expect(page.get_by_role("img", name="QR code for the clerk")).to_be_visible()
    shoot(page, "passenger-present-phone", whole=True)
    town.give(CLERK.lock(shown.invoice, shown.claim_id, shown.signature))
    page.get_by_role("link", name="Back to the invoice").click()
    expect(page.get_by_text("Locked for a claim").first).to_be_visible()
    expect(page.get_by_text("it cannot be presented")).to_be_visible()


def test_an_automatic_invoice_gets_a_holder_a_title_and_another_holder(town: TownSite, desk: Page) -> None:
    page = desk
    open_trips(town, page, "zh")
    shoot(page, "passenger-trips-desk-zh", whole=True)
    page.get_by_role("link", name="我的发票").click()
    page.get_by_role("button", name="归入我的发票").first.click()
    expect(page.get_by_role("status")).to_contain_text("BIND")
    expect(page.get_by_text("石厦").first).to_be_attached()
    page.get_by_text("填写新抬头").click()
    page.get_by_label("个人（写明姓名）").check()
    page.get_by_label("抬头名称").fill("张三")
    page.get_by_role("button", name="红冲并换开").click()
    expect(page.get_by_text("张三")).to_be_visible()
    shoot(page, "passenger-card-desk-zh", whole=True)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="行程单").click()
    assert downloading.value.suggested_filename.endswith(".trips.pdf")
    page.get_by_text("填写对方密钥编号").click()
    page.get_by_label("新持有人密钥编号").fill(FRIEND.kid)
    page.get_by_role("button", name="转交").click()
    expect(page.get_by_role("status")).to_contain_text("TRANSFER")
    shoot(page, "passenger-invoices-desk-zh", whole=True)


def test_one_seller_without_a_rate_and_erasing_it_all(town: TownSite, phone: Page) -> None:
    page = phone
    open_trips(town, page, "zh")
    page.goto(f"{town.address}/my?show=open")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="为所选行程开票").click()
    page.get_by_label("个人（不写姓名）").check()
    page.get_by_role("button", name="预览发票").click()
    expect(page.get_by_text("暂无可用税率")).to_be_visible()
    shoot(page, "passenger-preview-phone-zh", whole=True)
    page.goto(f"{town.address}/my/data")
    shoot(page, "passenger-data-phone-zh", whole=True)
    page.get_by_label("我已了解").check()
    page.get_by_role("button", name="全部删除").click()
    expect(page.get_by_role("status")).to_contain_text("已删除")
    page.get_by_role("link", name="我的行程").click()
    expect(page.get_by_text("暂无行程")).to_be_visible()
    for path in ("/my", "/my/invoices", "/my/data"):
        page.goto(town.address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
