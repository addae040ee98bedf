"""JSON by RFC 8259 as docs/format.md narrows it: no byte order mark, duplicate key, lone surrogate; depth 32.

Numbers keep their text: how an amount is written decides what it is. The first error in the stream is the
code; a duplicate key is found where its object ends.
"""

import re
from dataclasses import dataclass
from typing import Any

from .errors import Rejected, require

DEPTH_MAX = 32
WHITESPACE = " \t\n\r"
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
HEX4 = re.compile(r"[0-9a-fA-F]{4}")
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
WORDS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written."""

    text: str


def parse(data: bytes) -> Any:
    """The value of a JSON text: dict, list, str, ``Number``, bool or None. Raises ``Rejected``."""
    try:
        text, whole = data.decode(), True
    except UnicodeDecodeError as broken:
        text, whole = data[: broken.start].decode(), False
    reader = _Reader(text)
    value = reader.value(0)
    require(reader.peek() == "" and whole)
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        """The next character that is no white space, or nothing at the end."""
        while self.at < len(self.text) and self.text[self.at] in WHITESPACE:
            self.at += 1
        return self.text[self.at : self.at + 1]

    def take(self, expected: str) -> None:
        require(self.peek() == expected)
        self.at += 1

    def value(self, depth: int) -> Any:
        """One value inside ``depth`` open arrays and objects."""
        first = self.peek()
        if first in ("{", "["):
            if depth == DEPTH_MAX:
                raise Rejected("E_DEPTH")
            return self.members(depth + 1) if first == "{" else self.items(depth + 1)
        if first == '"':
            return self.string()
        for word, meaning in WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return meaning
        number = NUMBER.match(self.text, self.at)
        if number is None:
            raise Rejected("E_SCHEMA")
        self.at = number.end()
        return Number(number.group())

    def members(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        duplicates = False
        self.take("{")
        if self.peek() == "}":
            self.at += 1
            return found
        while True:
            require(self.peek() == '"')
            name = self.string()
            self.take(":")
            duplicates |= name in found
            found[name] = self.value(depth)
            if self.peek() != ",":
                self.take("}")
                require(not duplicates)
                return found
            self.at += 1

    def items(self, depth: int) -> list[Any]:
        found: list[Any] = []
        self.take("[")
        if self.peek() == "]":
            self.at += 1
            return found
        while True:
            found.append(self.value(depth))
            if self.peek() != ",":
                self.take("]")
                return found
            self.at += 1

    def string(self) -> str:
        self.at += 1
        parts = []
        while True:
            plain = PLAIN.match(self.text, self.at)
            assert plain is not None
            parts.append(plain.group())
            self.at = plain.end()
            stop = self.text[self.at : self.at + 1]
            self.at += 1
            if stop == '"':
                return "".join(parts)
            require(stop == "\\")
            parts.append(self.escape())

    def escape(self) -> str:
        letter = self.text[self.at : self.at + 1]
        self.at += 1
        if letter != "u":
            require(letter in ESCAPES)
            return ESCAPES[letter]
        unit = self.code_unit()
        if not 0xD800 <= unit <= 0xDFFF:
            return chr(unit)
        require(unit < 0xDC00 and self.text.startswith("\\u", self.at))
        self.at += 2
        low = self.code_unit()
        require(0xDC00 <= low <= 0xDFFF)
        return chr(0x10000 + (unit - 0xD800 << 10) + (low - 0xDC00))

    def code_unit(self) -> int:
        digits = HEX4.match(self.text, self.at)
        if digits is None:
            raise Rejected("E_SCHEMA")
        self.at += 4
        return int(digits.group(), 16)
