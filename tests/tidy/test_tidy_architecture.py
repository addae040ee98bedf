"""Imports point one way, and decisions are numbered and complete."""

import re
import subprocess
import sys
from pathlib import Path

from tidy.tracked import ROOT, tracked

ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
SECTIONS = ["**Context.**", "**Decision.**", "**Rejected.**", "**Consequences.**"]
PAGE_LINES = 60


def test_imports_point_one_way() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kept" in done.stdout


def test_unsafe_code_is_in_lanes_alone() -> None:
    for path in tracked():
        if path.suffix == ".rs" and path.parts[:2] != ("rust", "lanes"):
            code = re.sub(r"//.*", "", (ROOT / path).read_text())
            assert not re.search(r"\bunsafe\s*(\{|fn|impl)", code), f"{path} has unsafe code"


def test_the_core_knows_no_clock_file_or_thread() -> None:
    for path in tracked():
        if path.parts[:3] == ("rust", "core", "src") and path.suffix == ".rs" and "tests" not in path.stem:
            code = (ROOT / path).read_text().split("\n#[cfg(test)]\nmod ")[0]
            assert not re.search(r"\bstd::(time|fs|thread|io|env|net)\b", code), f"{path} reaches outside"


def test_decisions_are_numbered_listed_and_complete() -> None:
    numbers = [int(path.name[:4]) for path in ADRS]
    assert numbers == list(range(1, len(ADRS) + 1))
    listed = (ROOT / "docs" / "adr" / "README.md").read_text()
    for path in ADRS:
        text = path.read_text()
        assert f"]({path.name})" in listed, f"{path.name} is not in the list"
        assert text.startswith(f"# {path.name[:4]}. "), path.name
        places = [text.find(section) for section in SECTIONS]
        assert -1 not in places, f"{path.name} lacks a section"
        assert places == sorted(places), f"{path.name}: sections out of order"
        assert text.count("\n") <= PAGE_LINES, f"{path.name} is longer than a page"


def test_every_template_and_page_file_is_used() -> None:
    pages = ROOT / "python" / "farechain" / "pages"
    templates = [path for path in pages.rglob("templates/**/*") if path.is_file()]
    sources = "".join(path.read_text() for path in [*pages.rglob("*.py"), *templates])
    sources += (pages / "browser" / "bundle.mjs").read_text()
    for path in [*templates, *pages.glob("static/*")]:
        name = path.relative_to(pages / "templates").as_posix() if path in templates else path.name
        assert name in sources or name in {"noble.LICENSE", "role.html"}, f"{name} is used by nothing"


def test_every_browser_source_is_bundled() -> None:
    browser = ROOT / "python" / "farechain" / "pages" / "browser"
    sources = {path.name: path.read_text() for path in browser.glob("*.js")}
    imported = {name for text in sources.values() for name in re.findall(r'from "\./([a-z0-9_]+\.js)"', text)}
    assert set(sources) - imported == {"page.js", "scan.js", "offline.js"}


def test_signal_handlers_take_no_lock() -> None:
    """A Python handler may run on a thread that holds the lock it would take: wait for signals instead."""
    sources = [path for path in tracked() if path.suffix == ".py" and path.parts[0] == "python"]
    found = [path.name for path in sources if "signal.signal(" in (ROOT / path).read_text()]
    assert found == ["supervisor.py"]
