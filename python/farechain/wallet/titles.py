"""A title that a passenger has used before: its text, and the tax id where it is an organisation's."""

import json
from typing import NamedTuple

from farechain import _core


class RememberedTitle(NamedTuple):
    """What a person chooses again with one touch."""

    text: str
    tax_id: str | None = None

    @property
    def name(self) -> bytes:
        """Names its document, so that the same title is remembered once."""
        return _core.leaf_hash(self.packed())

    def packed(self) -> bytes:
        """The document."""
        return json.dumps([self.text, self.tax_id], ensure_ascii=False).encode()

    @classmethod
    def unpacked(cls, document: bytes) -> "RememberedTitle":
        """What ``packed`` wrote."""
        text, tax_id = json.loads(document)
        return cls(text, tax_id)

    def __repr__(self) -> str:
        return "RememberedTitle(...)"
