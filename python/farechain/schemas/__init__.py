"""JSON Schemas (2020-12) of everything that travels, and the AsyncAPI description of the topics."""

import json
from importlib import resources
from typing import Any

PAYMENT = "payment.schema.json"
COMMAND = "command.schema.json"
RECEIPT = "receipt.schema.json"
DEAD_LETTER_HEADERS = "dead-letter-headers.schema.json"
SPOOL_LINE = "spool-line.schema.json"
ASYNCAPI = "asyncapi.yaml"
"""The file names; each is also a ``$ref`` of the AsyncAPI document."""


def text(name: str) -> str:
    """The text of one of the files. Raises ``FileNotFoundError`` for another name."""
    return (resources.files(__name__) / name).read_text(encoding="utf-8")


def schema(name: str) -> dict[str, Any]:
    """One of the JSON Schemas."""
    loaded: dict[str, Any] = json.loads(text(name))
    return loaded
