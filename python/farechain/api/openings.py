"""Openings beside a command: the texts behind the commitments that it names, kept before it is appended.

A body of ``MEDIA_TYPE`` holds the signed bytes in base64, so that they stay what was signed, and the
openings beside them. A body and not a header, since headers are cut by proxies and written to their logs. No
text, salt or subject is repeated in an answer or a log line.
"""

import base64
import binascii
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from farechain.api import bodies
from farechain.api.problems import Problem
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.private.openings import Kind, commitment_of
from farechain.private.store import Store
from farechain.private.titles import TitleError, check_title

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/vnd.farechain.command+json"
OPENINGS_MAX = 64
"""As many as a batch has orders."""
BODY_BYTES_MAX = 160 * 1024
"""A command of 64 KiB in base64, and the longest openings."""
MAY_GIVE = ("ISSUER", "AGENT")
"""The roles whose commands name titles; no other's texts are taken."""
NO_STORE = "no private store here takes texts: send the command alone"

EXAMPLE = {
    "event": "eyJzcGVjdmVyc2lvbiI6IjEuMCIsIOKApg==",
    "openings": [
        {"salt": "000102030405060708090a0b0c0d0e0f", "text": "深圳市地铁集团有限公司", "subject": "17"}
    ],
}


class GivenOpening(BaseModel):
    """What a commitment to a title hides, and whose text it is."""

    model_config = ConfigDict(extra="forbid")

    salt: str = Field(
        repr=False, pattern=r"^[0-9a-f]{32}$", description="16 random bytes, made for this text alone."
    )
    text: Annotated[str, StringConstraints(min_length=1, max_length=400)] = Field(
        repr=False, description="The title; docs/format.md, section 8."
    )
    subject: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        default=None,
        repr=False,
        description="Whose text it is, as the signer numbers its customers; it is erased as "
        "`<signer's tax id>/<this>`. Null: the holder's key id that stands beside the commitment.",
    )


class CommandWithOpenings(BaseModel):
    """A signed command, and what its commitments hide."""

    model_config = ConfigDict(extra="forbid")

    event: str = Field(description="The CloudEvent's bytes exactly as they were signed, base64.")
    openings: list[GivenOpening] = Field(max_length=OPENINGS_MAX)


class Checked(NamedTuple):
    """An opening that belongs to its command, and whose it is."""

    subject: str
    text: str
    salt: bytes
    commitment: bytes

    def __repr__(self) -> str:
        return "Checked(...)"


def parsed(body: bytes, max_event_bytes: int) -> tuple[bytes, list[GivenOpening]]:
    """The signed bytes and the openings of a body.

    Raises:
        Problem: 422 ``E_SCHEMA``, or 413 ``E_SIZE``.
    """
    given = bodies.parse_model(body, CommandWithOpenings)
    try:
        value = base64.b64decode(given.event, validate=True)
    except (binascii.Error, ValueError):
        raise Problem(422, "E_SCHEMA", "event: not the base64 of a command") from None
    if len(value) > max_event_bytes:
        raise Problem(413, "E_SIZE", f"a command has at most {max_event_bytes} bytes")
    return value, given.openings


def checked(given: Sequence[GivenOpening], value: bytes, signer: Mapping[str, Any]) -> list[Checked]:
    """The openings of an admitted command, each of them one of its commitments'.

    Args:
        value: the command's bytes, which the core has decoded.
        signer: its key as the registry has it.

    Raises:
        Problem: 403 ``E_ROLE``; 400 ``E_TITLE_CHARS``, ``E_TITLE_REQUIRED``; 422 ``E_OPENING``.
    """
    if given and signer["role"] not in MAY_GIVE:
        raise Problem(403, "E_ROLE", "this key gives no command that names a title")
    holders = _named(json.loads(value)["data"])
    found = [_checked(one, holders, signer["tax_id"]) for one in given]
    if len({one.commitment for one in found}) != len(found):
        raise Problem(422, "E_OPENING", "an opening is given twice")
    return found


def keep(store: Store, openings: list[Checked]) -> None:
    """Makes them durable. Blocks.

    Raises:
        Problem: 409 ``E_OPENING``: one is kept for somebody else; 503: the store takes none now.
    """
    try:
        for one in openings:
            store.put(one.subject, Kind.TITLE, one.text, one.salt)
    except ValueError:
        raise Problem(409, "E_OPENING", "an opening is kept for another person: make a fresh salt") from None
    except FarechainError as error:
        wait = {"Retry-After": "1"} if error.exit_code == EXIT_UNAVAILABLE else None
        raise Problem(503, error.code, "the private store takes no text now", wait) from error


def mark(store: Store, openings: Sequence[Checked]) -> None:
    """Says that a durable record names them. Blocks. A store in trouble does not undo the command."""
    try:
        store.mark_claimed(one.commitment for one in openings)
    except FarechainError as error:
        log.warning("titles of a durable command are not marked as claimed: %s", error.code)


def _checked(given: GivenOpening, holders: dict[str, str | None], tax_id: str) -> Checked:
    try:
        check_title(given.text)
    except TitleError as error:
        raise Problem(400, error.code, error.message) from None
    salt = bytes.fromhex(given.salt)
    commitment = commitment_of(Kind.TITLE, salt, given.text)
    if commitment.hex() not in holders:
        raise Problem(422, "E_OPENING", "an opening is of no title that the command names")
    subject = holders[commitment.hex()] if given.subject is None else f"{tax_id}/{given.subject}"
    if subject is None:
        raise Problem(
            422, "E_OPENING", "the command names no holder for this title: say whose it is, `subject`"
        )
    return Checked(subject, given.text, salt, commitment)


def _named(data: dict[str, Any]) -> dict[str, str | None]:
    """The commitments that a command names, in hex, and the holder beside each."""
    orders = data.get("orders", [data])
    return {order["title"]: order["holder"] for order in orders if order.get("title") is not None}
