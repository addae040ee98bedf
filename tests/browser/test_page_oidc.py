"""Logging in by a provider at another site, in a real browser: the strict cookie is there afterwards."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from prometheus_client import CollectorRegistry

from browser.conftest import shoot
from browser.serving import serve
from browser.small_day import SmallDay
from farechain.access.tokens import Tokens
from farechain.api.context import ApiContext, Liveness
from farechain.pages.site import Keeping, create_site
from web.little_provider import LittleProvider
from web.test_web_oidc import terms
from web.town import COMPANY

pytestmark = pytest.mark.browser


def test_a_person_comes_back_logged_in(desk: Page, small_day: SmallDay, tmp_path: Path) -> None:
    provider = LittleProvider(claims={"farechain_party": COMPANY, "farechain_role": "AUDITOR"})
    context = ApiContext(
        ledger=small_day.ledger,
        log=small_day.log,
        public_dir=small_day.public_dir,
        registry=CollectorRegistry(),
        liveness=Liveness(),
        vkey=small_day.log.vkey,
        tokens=Tokens(tmp_path / "access" / "tokens.jsonl"),
    )
    with serve(provider.app) as issuer:
        # Another name is another site.
        provider.issuer = issuer.replace("127.0.0.1", "localhost")
        agreed = terms(provider)
        with serve(create_site(context, Keeping(oidc=agreed))) as address:
            # The port is known only now.
            object.__setattr__(agreed, "redirect_url", f"{address}/login/oidc/done")
            desk.goto(f"{address}/login")
            shoot(desk, "login-oidc-desk")
            desk.get_by_role("link", name="Log in with your organisation's account").click()
            expect(desk.get_by_role("heading", name="Auditor")).to_be_visible()
            assert desk.url == f"{address}/auditor"
