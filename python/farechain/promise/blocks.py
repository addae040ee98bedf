"""The events of a block as anyone can ask for them, checked against the block's header.

docs/format.md, section 5: outcomes and source ranges are the leaves under the header's ``inputs_root``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from farechain import _core
from farechain.cbor import array, octets, whole

ENGINE = 0
"""The engine's own source: what is there is no event."""
VERDICTS = ("ISSUED", "RECORDED", "REVERSED", "APPLIED", "DRAINED", "DUPLICATE", "REJECTED")
"""Numbered from 1."""
_CODES = """
    E_SCHEMA E_SIZE E_DEPTH E_SIGNATURE E_KEY_UNKNOWN E_KEY_EXPIRED E_ROLE E_CHAIN E_SHARD E_USCC_FORMAT
    E_USCC_CHECKSUM E_CODE_FORMAT E_CODE_REGION E_NUMBER_RANGE E_NUMBER_REUSED E_AMOUNT_NEGATIVE
    E_AMOUNT_FLOAT E_AMOUNT_OVERFLOW E_SUM_LINES E_TAX_MISMATCH E_RATE_NOT_ALLOWED E_TIME_NO_OFFSET
    E_TIME_FUTURE E_TITLE_REQUIRED E_TITLE_CHARS E_PAYMENT_UNKNOWN E_PAYMENT_SPENT E_PAYMENT_REFUNDED
    E_PAYMENT_CONFLICT E_SELLER_MIXED E_OVER_INVOICED E_STATE E_LOCKED_BY_OTHER E_RED_EXCEEDS
    E_RED_NEEDS_CONFIRM
"""
CODES = tuple(_CODES.split())
"""Numbered from 1; the order of docs/format.md, section 3."""


Position = tuple[int, bytes]
"""Of a source: its next offset, and the digest of the last input that was taken of it (zeros: none yet)."""


def moved(positions: Sequence[Position], ranges: Iterable[Mapping[str, Any]]) -> list[Position]:
    """Where sources are after a block that took ``ranges``; it names those that moved, and no others.

    Raises:
        ValueError: a range does not begin where its source is.
    """
    after = list(positions)
    for each in ranges:
        source, digest = each["source"], each["last_digest"]
        if not 0 <= source < len(after) or after[source][0] != each["first_offset"]:
            raise ValueError(f"what it took of source {source} does not begin where the block before ended")
        after[source] = (each["next_offset"], digest if isinstance(digest, bytes) else bytes.fromhex(digest))
    return after


def verified(
    block: Mapping[str, Any], header: bytes, positions: Sequence[Position]
) -> tuple[list[Mapping[str, Any]], list[Position]]:
    """A block's events, after all that was told of it led to its header's root; and where sources are then.

    Args:
        block: as ``GET /v1/blocks/{height}`` has it.
        positions: of all sources before it.

    Raises:
        ValueError: it is not the block of that header, or of another form.
    """
    try:
        after = moved(positions, block["ranges"])
        began = {each["source"]: each["first_offset"] for each in block["ranges"]}
        leaves = [
            array((whole(source), whole(began.get(source, offset)), whole(offset), octets(digest)))
            for source, (offset, digest) in enumerate(after)
        ]
        leaves += [_outcome(each) for each in block["outcomes"]]
        events = [each for each in block["outcomes"] if each["source"] != ENGINE]
    except (KeyError, TypeError, IndexError, OverflowError, AttributeError) as error:
        raise ValueError("what is told of it has another form") from error
    if _core.merkle_root(leaves) != _core.decode_header(header)["inputs_root"]:
        raise ValueError("its events are not those that its header commits to")
    return events, after


def _outcome(told: Mapping[str, Any]) -> bytes:
    code, first = told["code"], told["first"]
    link = told["first_record"] if first is None else first[0] << 24 | first[1]
    return b"".join(
        (
            bytes([VERDICTS.index(told["verdict"]) + 1, 0 if code is None else CODES.index(code) + 1]),
            told["source"].to_bytes(2, "big"),
            told["offset"].to_bytes(8, "big"),
            told["timestamp_ms"].to_bytes(8, "big", signed=True),
            link.to_bytes(8, "big"),
            told["record_count"].to_bytes(4, "big"),
            bytes.fromhex(told["digest"]),
        )
    )
