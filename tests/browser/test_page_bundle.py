"""The committed files of the browser are those of their sources, by the digest that the build wrote.

``browser/build.sh --check`` rebuilds and compares every byte where npm is there; this needs nothing.
"""

import hashlib
import json
import re
from base64 import b64encode
from pathlib import Path

import farechain.pages

PAGES = Path(farechain.pages.__file__).parent
BROWSER, STATIC = PAGES / "browser", PAGES / "static"


def digest_of_sources() -> str:
    names = sorted(p.name for p in BROWSER.iterdir() if re.search(r"\.(js|html|json)$", p.name))
    files = [*(BROWSER / name for name in names), STATIC / "page.css"]
    lines = [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def test_the_bundles_are_of_these_sources() -> None:
    for name in ("page.js", "scan.js", "verifier.html"):
        assert f"sources {digest_of_sources()}" in (STATIC / name).read_text(), (
            f"run build.sh: {name} is stale"
        )


def test_the_bundle_is_small_and_loads_nothing() -> None:
    text = (STATIC / "page.js").read_text()
    assert len(text) < 64 * 1024
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "innerHTML" not in text
    assert "eval(" not in text


def test_every_package_is_pinned_and_no_address_is_kept() -> None:
    package = json.loads((BROWSER / "package.json").read_text())
    for version in (package["dependencies"] | package["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    lock = json.loads((BROWSER / "package-lock.json").read_text())
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry
        assert name == "" or entry["integrity"].startswith("sha512-")


def test_the_page_to_keep_runs_only_its_own_script_and_style() -> None:
    page = (STATIC / "verifier.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    for element in ("script", "style"):
        body = re.search(rf"<{element}>(.*?)</{element}>", page, re.S)
        assert body
        digest = b64encode(hashlib.sha256(body[1].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy[1]
