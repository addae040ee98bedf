"""What the typeface can show: PDF/A forbids a glyph that is missing, and no text may reorder another.

Titles and names are other people's texts. Controls, bidirectional marks and invisible characters vanish, and
what the font lacks (emoji, private use) becomes 〓, as type-setters marked it. Documents for machines keep
the text as it is.
"""

import struct
import unicodedata
from bisect import bisect_right
from functools import cache
from typing import Any

import noto_cjk_sans_otc

MISSING = "〓"
INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
FACE = 2
"""Which face of the collection the templates name: Simplified Chinese."""


class Typeface:
    """The characters of a font, from its ``cmap`` (OpenType, format 12)."""

    def __init__(self, firsts: list[int], lasts: list[int]) -> None:
        self._firsts = firsts
        self._lasts = lasts

    def has(self, character: str) -> bool:
        """Whether there is a glyph for it."""
        point = ord(character)
        place = bisect_right(self._firsts, point) - 1
        return place >= 0 and point <= self._lasts[place]

    def text(self, value: str) -> str:
        """The text as it can be printed."""
        if value.isascii() and value.isprintable():
            return value
        composed = unicodedata.normalize("NFC", value)
        return "".join(
            character if self.has(character) else MISSING
            for character in composed
            if unicodedata.category(character) not in INVISIBLE
        )

    def shown(self, data: Any) -> Any:
        """Data for a template with every text in it as it can be printed."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {name: self.shown(value) for name, value in data.items()}
        if isinstance(data, list):
            return [self.shown(value) for value in data]
        return data


@cache
def shipped() -> Typeface:
    """The typeface that documents are set in."""
    font = noto_cjk_sans_otc.FONT_PATH.read_bytes()
    (start,) = struct.unpack_from(">I", font, 12 + 4 * FACE)
    (tables,) = struct.unpack_from(">H", font, start + 4)
    directory = (struct.unpack_from(">4sIII", font, start + 12 + 16 * n) for n in range(tables))
    cmap = next(offset for tag, _, offset, _ in directory if tag == b"cmap")
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    subtables = (cmap + struct.unpack_from(">HHI", font, cmap + 4 + 8 * n)[2] for n in range(count))
    whole = next(at for at in subtables if struct.unpack_from(">H", font, at)[0] == 12)
    (groups,) = struct.unpack_from(">I", font, whole + 12)
    spans = [struct.unpack_from(">II", font, whole + 16 + 12 * n) for n in range(groups)]
    return Typeface([first for first, _ in spans], [last for _, last in spans])
