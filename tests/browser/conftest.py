"""The real application over the small day, in Chromium as a phone and as a desk sees it."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, sync_playwright
from prometheus_client import CollectorRegistry

from browser.serving import browser, serve
from browser.small_day import WITNESSES, SmallDay, build
from farechain.api.context import ApiContext, Liveness
from farechain.pages.site import create_site

SCREENS = Path(__file__).parents[2] / "var" / "screens"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
DESK = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture(scope="session")
def small_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDay]:
    day = build(tmp_path_factory.mktemp("small-day"))
    yield day
    day.ledger.close()


@pytest.fixture(scope="session")
def liveness() -> Liveness:
    """As it is while the service runs: nothing waits, the witnesses have signed."""
    liveness = Liveness()
    liveness.cosigners = WITNESSES
    liveness.published_s = time.time()
    return liveness


@pytest.fixture(scope="session")
def site(small_day: SmallDay, liveness: Liveness) -> Iterator[str]:
    """The address of the application."""
    context = ApiContext(
        ledger=small_day.ledger,
        log=small_day.log,
        public_dir=small_day.public_dir,
        registry=CollectorRegistry(),
        liveness=liveness,
        vkey=small_day.log.vkey,
        witness_vkeys=small_day.witness_vkeys,
        threshold=2,
    )
    with serve(create_site(context)) as address:
        yield address


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def phone(playwright: Playwright, tmp_path: Path) -> Iterator[Page]:
    yield from page_of(playwright, tmp_path, PHONE)


@pytest.fixture
def desk(playwright: Playwright, tmp_path: Path) -> Iterator[Page]:
    yield from page_of(playwright, tmp_path, DESK)


@pytest.fixture
def without_script(playwright: Playwright, tmp_path: Path) -> Iterator[Page]:
    yield from page_of(playwright, tmp_path, PHONE | {"java_script_enabled": False})


def page_of(playwright: Playwright, directory: Path, options: Mapping[str, object]) -> Iterator[Page]:
    """A page of a new browser; what it complains of fails the test."""
    with browser(playwright, Path(tempfile.mkdtemp(dir=directory)), **options) as context:  # type: ignore[arg-type]
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None
        )
        yield page
        assert complaints == []


def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    """Keeps a picture for a person to look at."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SCREENS / f"{name}.png"), full_page=whole)
