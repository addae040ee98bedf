"""What is said of a verification, in both languages: ``browser/words.json``, which the script has too."""

import importlib.resources
import json
import re
from functools import cache
from typing import Any

from farechain.pages.language import Language, Words

VERDICT_OF = {
    "E_NOT_FOUND": "missing",
    "E_MISMATCH": "mismatch",
    "E_TRIES": "tries",
    "E_SCHEMA": "malformed",
    "E_ELSEWHERE": "elsewhere",
}
"""A problem's code as a verdict; any other is ``failed``."""


@cache
def said() -> dict[str, Any]:
    """``verdicts``: tone, English, Chinese; ``steps``: English, Chinese, detail; ``texts``: both.

    ``standing``: pairs of a pattern of the verifier's English and the Chinese that takes its place.
    """
    file = importlib.resources.files("farechain.pages") / "browser" / "words.json"
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def verdict(name: str) -> tuple[str, Words]:
    """(tone, words) of a verdict."""
    tone, english, chinese = said()["verdicts"][name]
    return tone, Words(english, chinese)


def standing(words: str, language: Language) -> str:
    """A sentence of where something stands, as the verifier says it, in a language."""
    if language == "zh":
        for english, chinese in said()["standing"]:
            words = re.sub(english, re.sub(r"\$(\d)", r"\\\1", chinese), words, count=1, flags=re.ASCII)
    return words


def text(name: str, language: Language, **values: Any) -> str:
    """A text with its values filled in."""
    english, chinese = said()["texts"][name]
    return Words(english, chinese).in_(language).format(**values)


def step(name: str, language: Language, values: dict[str, Any]) -> tuple[str, str]:
    """(what a person reads, what an expert checks) of a step."""
    english, chinese, detail = said()["steps"][name]
    return Words(english, chinese).in_(language).format(**values), detail.format(**values)
