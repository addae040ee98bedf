"""Elements with text, the same way in every XML document here: UTF-8, nothing that XML cannot say."""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (section 2.2)."""
REPLACEMENT = "\ufffd"


def add(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
    """A child; its text as it is, but for characters that XML cannot carry, which become U+FFFD."""
    child = SubElement(parent, name, attributes)
    if text is not None:
        child.text = ILLEGAL.sub(REPLACEMENT, text)
    return child


def document(root: Element) -> bytes:
    """The whole document, indented, with its declaration and a line end."""
    indent(root)
    body: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"
