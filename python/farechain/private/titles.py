"""What the title of an invoice may say: 1-100 bytes of GB 18030 that every printer of invoices can show.

Controls and ``<`` ``>`` are refused by the tax office. The rest follows from who reads a title: a clerk who
must see all of it (nothing invisible, nothing that turns the direction of writing), a comparison by bytes
(one spelling: NFC), and a printer (below).

GB 18030 spells a character in one, two or four bytes. One and two bytes are ASCII and the GBK repertoire,
which the printing equipment of invoices has: letters, punctuation and signs of it are taken. Of four bytes
are rare ideographs and the scripts of minorities, which names need, and everything else of Unicode, which
they do not: there letters, marks and digits are taken if they are nobody's compatibility form, signs and
punctuation are not. So no emoji passes: each is a four-byte sign, or needs a variation selector, a joiner or
an enclosing mark.
"""

import unicodedata

BYTES_MAX = 100
"""Of GB 18030: fifty ideographs, as the field on a printed invoice has."""
MARKS_MAX = 4
"""Marks in a row: the tallest Tibetan stacks; more is a tower of accents over other lines."""
SPACES = " \u3000"
"""The spaces of the two-byte repertoire; any other looks like them and compares as another title."""
INVISIBLE = {
    *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0),
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
}
"""Letters, marks and signs without a shape: Unicode's Default_Ignorable_Code_Point beyond category Cf, and
the blank of Braille."""
_TAKEN_OF_FOUR_BYTES = ("L", "Mn", "Mc", "N")
_BETWEEN_SYLLABLES = "\u0f0b"
"""The Tibetan tsheg, without which no name in that script can be written."""


class TitleError(ValueError):
    """A text that no invoice may carry: the request is rejected with ``code`` and may be sent corrected.

    Args:
        code: ``E_TITLE_REQUIRED`` or ``E_TITLE_CHARS``.
        message: one line for a person; it names a character by its number and never repeats the text.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def check_title(text: str) -> None:
    """Raises ``TitleError`` unless a title may be exactly this text."""
    if not text.strip():
        raise TitleError("E_TITLE_REQUIRED", "a title says something")
    if text[0] in SPACES or text[-1] in SPACES:
        raise _refused("it begins or ends with a space")
    marks = MARKS_MAX  # so that the first character is none
    for character in text:
        reason = _wrong_with(character)
        if reason:
            raise _refused(f"U+{ord(character):04X} {reason}")
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        if marks > MARKS_MAX:
            raise _refused(f"U+{ord(character):04X} is a mark without a letter, or one of too many")
    if unicodedata.normalize("NFC", text) != text:
        raise _refused("it has another spelling than NFC")
    if len(text.encode("gb18030")) > BYTES_MAX:
        raise _refused(f"it has more than {BYTES_MAX} bytes of GB 18030")


def _wrong_with(character: str) -> str | None:
    category = unicodedata.category(character)
    if category.startswith("C"):
        return "is a control, directs text, is private or assigned to nothing"
    if ord(character) in INVISIBLE or category in ("Zl", "Zp", "Me"):
        return "cannot be seen, or encloses others"
    if category == "Zs" and character not in SPACES:
        return "is a space of another width"
    if character in "<>":
        return "is not allowed on an invoice"
    return _wrong_with_rare(character) if len(character.encode("gb18030")) > 2 else None


def _wrong_with_rare(character: str) -> str | None:
    """Of those that GB 18030 spells with four bytes."""
    taken = unicodedata.category(character).startswith(_TAKEN_OF_FOUR_BYTES)
    if not taken and character != _BETWEEN_SYLLABLES:
        return "is a sign that invoices cannot show"
    if unicodedata.normalize("NFKC", character) != character:
        return "is a form of another character"
    return None


def _refused(reason: str) -> TitleError:
    return TitleError("E_TITLE_CHARS", f"not a title: {reason}")
