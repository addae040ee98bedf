"""The guide's commands are commands: each is taken by the program's own parser."""

import re
import shlex
from pathlib import Path

import pytest

from farechain import cli
from farechain.config import Settings
from farechain.config.section import Section

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"
TEXT = GUIDE.read_text()
SHELL = {"|", ">", "&", "&&", ";"}


def commands() -> list[list[str]]:
    """Words after ``farechain`` of each command, in fences and between backquotes."""
    fenced = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S) for line in block.splitlines()]
    spans = re.findall(r"`((?:/\S+/)?farechain [^`]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.S))
    found = []
    for line in [*fenced, *spans]:
        words = shlex.split(line.replace("$(", " ; ").replace("&&", " && "), comments=True)
        starts = [
            n + 1 for n, word in enumerate(words) if word == "farechain" or word.endswith("/bin/farechain")
        ]
        for start in starts:
            ends = [n for n in range(start, len(words)) if words[n] in SHELL] or [len(words)]
            if start < len(words) and re.match(r"[a-z][a-z-]*$", words[start]):
                found.append(words[start : ends[0]])
    return [words for words in found if words and words != ["--version"]]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_the_guide_is_one(words: list[str]) -> None:
    assert words[0] in cli.VERBS
    cli._parser(words).parse_args(words)


def test_the_guide_speaks_of_what_a_chain_s_life_takes() -> None:
    verbs = {words[0] for words in commands()}
    wanted = {"keys", "witness", "config", "init", "serve", "status", "load", "command", "backup", "restore"}
    assert wanted | {"reconcile", "audit", "private", "tokens", "erase"} <= verbs


def test_settings_that_the_guide_names_are_settings() -> None:
    for section, key in re.findall(r"`([a-z_]+)\.([a-z_]+)`", TEXT):
        if section in Settings.model_fields:
            kind = Settings.model_fields[section].annotation
            assert isinstance(kind, type)
            assert issubclass(kind, Section)
            assert key in kind.model_fields, f"{section}.{key}"


def test_steps_are_numbered_in_order() -> None:
    numbers = [int(found) for found in re.findall(r"^## (\d+)\. ", TEXT, re.M)]
    assert numbers == list(range(1, len(numbers) + 1))
