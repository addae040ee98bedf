"""Files are small, named after the field, and say in their first line what they know."""

import ast
import re
from pathlib import Path

import pytest

from tidy.tracked import ROOT, text, tracked

MAX_LINES = 400
MAX_TEST_LINES = 600
"""A list of scenarios may be longer than a program."""
FORBIDDEN = re.compile(r"(^|[_.-])(utils?|helpers?|common|managers?|misc|stuff)([_.-]|$)", re.I)
NAMED_BY_OTHERS = "without_cluster"
"""Packages that Helm imports by these names."""
BUILT = {Path("python/farechain/pages/static/page.js")}
DOCUMENTS = [path for path in tracked() if path.suffix == ".md"]
# Put together, so that this file does not contain them.
HOSTS = [".".join(parts) for parts in (("registry", "npmjs"), ("pypi", "org"), ("files", "pythonhosted"))]
HOSTS += [
    ".".join(parts)
    for parts in (("repo", "maven"), ("repo1", "maven"), ("proxy", "golang"), ("deb", "debian"))
]
MACHINE_PATHS = re.compile(r"(?<![\w./-])/(?:work|root|home)/\w")


def program_lines(path: Path, source: str) -> int:
    """Lines of a file; of a Rust file those before the tests at its end."""
    if path.suffix == ".rs":
        source = source.split("\n#[cfg(test)]\nmod ", maxsplit=1)[0]
    return source.count("\n")


def test_files_fit_a_reader() -> None:
    for path in tracked():
        if path.suffix not in {".py", ".rs", ".js", ".mjs"} or path in BUILT:
            continue
        limit = MAX_TEST_LINES if "tests" in path.parts else MAX_LINES
        lines = program_lines(path, text(path) or "")
        assert lines <= limit, f"{path} has {lines} lines: {limit} at most, so split it by what it knows"


def test_no_file_is_named_after_nothing() -> None:
    for path in tracked():
        if NAMED_BY_OTHERS in path.parts:
            continue
        for part in path.parts:
            assert not FORBIDDEN.search(part), f"{path}: name it after what it knows"


def test_python_files_begin_with_what_they_know() -> None:
    for path in tracked():
        if path.suffix == ".py":
            assert ast.get_docstring(ast.parse(text(path) or "")), f"{path} does not say what it knows"


def test_rust_files_begin_with_what_they_know() -> None:
    for path in tracked():
        if path.suffix == ".rs" and path.parts[0] == "rust":
            assert (text(path) or "").startswith(("//! ", "// ")), f"{path} does not say what it knows"


def test_browser_sources_begin_with_what_they_know() -> None:
    for path in tracked():
        if path.parent.name == "browser" and path.suffix in {".js", ".mjs"}:
            assert (text(path) or "").startswith("// "), f"{path} does not say what it knows"


@pytest.mark.parametrize("host", HOSTS)
def test_no_file_names_a_registry(host: str) -> None:
    for path in tracked():
        assert host not in (text(path) or ""), f"{path} names {host}"


def test_no_file_names_a_path_of_one_machine() -> None:
    for path in tracked():
        found = MACHINE_PATHS.search(text(path) or "")
        assert found is None, f"{path}: {found[0] if found else ''}"


def test_links_between_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text(document) or ""):
            place = (ROOT / document).parent / target
            assert place.exists(), f"{document}: {target} is not there"


def test_text_files_end_in_one_newline_and_have_no_trailing_space() -> None:
    for path in tracked():
        if path.suffix in {
            ".py",
            ".rs",
            ".js",
            ".md",
            ".toml",
            ".yml",
            ".yaml",
            ".css",
            ".html",
            ".sh",
            ".service",
        }:
            content = text(path) or ""
            if path.name in {"verifier.html"}:
                continue
            assert content == "" or content.endswith("\n"), f"{path} does not end in a newline"
            assert not re.search(r"[ \t]+$", content, re.M), f"{path} has trailing space"
