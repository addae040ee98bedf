"""The fields of plain forms, urlencoded or with a file."""

import re
import unicodedata
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from fastapi import Request

from farechain.api import bodies
from farechain.api.problems import Problem

FORM_BYTES_MAX = 60 * 1024
"""Below what the application takes of any request."""
FIELDS_MAX = 600
"""A page lists at most 200 things; a few fields for each."""
AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2}))?", re.ASCII)
TYPED_MAX = 64


class Form:
    """What was filled in. A field that is missing is empty."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        """The first value, without spaces around it."""
        return next((value.strip() for found, value in self._fields if found == name), "")

    def all(self, name: str) -> list[str]:
        """All values in their order: of check boxes for example."""
        return [value.strip() for found, value in self._fields if found == name]


async def read_form(request: Request) -> Form:
    """A form's fields; a file's content is a field too, read as UTF-8.

    Raises:
        Problem: 413 ``E_SIZE``, 422 ``E_SCHEMA``.
    """
    body = await bodies.read(request, FORM_BYTES_MAX)
    kind = request.headers.get("content-type", "")
    try:
        if kind.lower().startswith("multipart/form-data"):
            return Form(_parts(kind, body))
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
        return Form(pairs)
    except ValueError as error:
        raise Problem(422, "E_SCHEMA", "not the fields of a form, or not UTF-8") from error


def _parts(kind: str, body: bytes) -> list[tuple[str, str]]:
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + body
    )
    if not message.is_multipart():
        raise ValueError("no parts")
    parts = [part for part in message.iter_parts() if part.get_content_disposition() == "form-data"]
    if len(parts) > FIELDS_MAX:
        raise ValueError("too many fields")
    fields = []
    for part in parts:
        content = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        if isinstance(content, bytes) and isinstance(name, str):
            fields.append((name, content.decode("utf-8-sig")))
    return fields


def typed(text: str) -> str:
    """What was typed, in half-width form and without spaces, whatever the input method gave."""
    if len(text) > TYPED_MAX:
        return text
    return re.sub(r"[\s,¥]", "", unicodedata.normalize("NFKC", text))


def fen(text: str) -> int:
    """Yuan as typed, in fen; -1 where it is not an amount, which the model refuses."""
    found = AMOUNT.fullmatch(text)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else -1
