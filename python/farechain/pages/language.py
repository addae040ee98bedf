"""Which language a page speaks: as the person chose, else as the browser asks."""

from typing import Literal, NamedTuple

from fastapi import Request

Language = Literal["en", "zh"]
COOKIE = "fc-language"


class Words(NamedTuple):
    """The same in both languages."""

    en: str
    zh: str

    def in_(self, language: Language) -> str:
        """In one of them."""
        return self.zh if language == "zh" else self.en


def language_of(request: Request) -> Language:
    """The language of a request: its cookie, else the first of ``Accept-Language`` that is spoken here."""
    chosen = request.cookies.get(COOKIE)
    if chosen in ("en", "zh"):
        return "zh" if chosen == "zh" else "en"
    for wanted in request.headers.get("accept-language", "").lower().split(","):
        tag = wanted.split(";")[0].strip()
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "en"
