"""Writes the vectors of docs/format.md with the reference implementation, not with the Rust core.

Run ``PYTHONPATH=tests python -m vectors.make`` after a change of the format; its commit says what changed.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from reference import cbor, digests, events, merkle
from reference.block import Range, build, outcome
from reference.errors import CODES
from reference.inputs import Headers, Input

from .annex_cases import annex_cases, refused_annex_cases
from .event_cases import event_cases
from .lifecycle_cases import lifecycle_record_cases
from .naming_cases import invoice_code_cases, part_cases, presentation_cases
from .record_cases import digest, record_cases
from .refused_cases import refused_record_cases
from .state_cases import state_cases

FOLDER = Path(__file__).parent
PROVENANCE = (
    "Made by tests/vectors/make.py from docs/format.md with the reference implementation"
    " (tests/reference, plain Python, no code shared with the Rust core)."
)
Cases = Iterator[dict[str, Any]]


def header_cases() -> Cases:
    """Blocks from their parts: roots, header, hash."""
    ends = [Range(0, 0), Range(10, 13, digest("input 12")), Range(2**40, 2**40)]
    outcomes = [
        outcome(1, None, 1, 10, 1_772_323_200_000, 0, 1, digest("input 10")),
        outcome(7, "E_SIGNATURE", 1, 11, -1, 0, 0, digest("input 11")),
        outcome(6, None, 1, 12, 1_772_323_200_001, 7 << 24 | 5, 0, digest("input 12")),
        outcome(5, None, 0, 0, 1_772_323_200_002, 1, 2, digest("drain")),
    ]
    for name, height, time_ms, kept, verdicts, ranges in [
        ("genesis", 0, 0, [b"g"], [], [Range(0, 0)] * 3),
        ("some of everything", 8, 1_772_323_200_002, [b"a", b"b", b"c"], outcomes, ends),
        ("only a moved position", 2**39, 2**41, [], [], ends),
    ]:
        previous = bytes(32) if height == 0 else digest("previous")
        block = build("shenzhen/0", height, previous, time_ms, kept, [None] * len(kept), verdicts, ranges)
        fields = dict(zip(HEADER_FIELDS, cbor.decode(block.header), strict=True))
        yield {
            "name": name,
            "fields": {
                field: value.hex() if isinstance(value, bytes) else value for field, value in fields.items()
            },
            "records": [record.hex() for record in kept],
            "ranges": [
                {
                    "first_offset": one.first_offset,
                    "next_offset": one.next_offset,
                    "last_digest": one.last_digest.hex(),
                }
                for one in ranges
            ],
            "outcomes": [one.hex() for one in verdicts],
            "header": block.header.hex(),
            "hash": block.hash.hex(),
        }


HEADER_FIELDS = [
    "version",
    "suite",
    "chain",
    "height",
    "previous",
    "time_ms",
    "record_count",
    "records_root",
    "inputs_root",
]


def input_cases() -> Cases:
    """Records of a source, their canonical bytes and digests."""
    signed: Headers = [("fc-kid", b"00112233445566778899aabbccddeeff"), ("fc-sig", bytes(range(64)))]
    odd: Headers = [("fc-kid", None), ("", b""), ("车", b"\0\xff"), ("fc-kid", b"second")]
    for one in [
        Input(1, 0, 0, None, None, []),
        Input(1, 2**63 - 1, -1, b"", b"", []),
        Input(1, 42, 1_772_323_200_000, b"identity", b'{"specversion":"1.0"}', signed),
        Input(1, 7, 1, b"k", b"v", odd),
        Input(1, 8, 1, b"k" * 300, b"v" * 2000, []),
    ]:
        named = [[name, hexed(part)] for name, part in one.headers]
        yield {
            "record": [one.offset, one.timestamp_ms, hexed(one.key), hexed(one.value), named],
            "bytes": one.canonical.hex(),
            "digest": one.digest.hex(),
        }


def hexed(part: bytes | None) -> str | None:
    return None if part is None else part.hex()


def identity_cases() -> Cases:
    """Identities from their parts."""
    seller = events.SELLER.encode()
    for name, parts in [
        ("payment", (b"PAYMENT", seller, b"\1", b"\1", b"T1")),
        ("refund", (b"PAYMENT", seller, b"\1", b"\2", b"T1")),
        ("top-up by card", (b"PAYMENT", seller, b"\4", b"\3", b"T1")),
        ("origin", (b"ORIGIN", seller, b"\1", b"T1")),
        ("command", (b"COMMAND", b"c-1")),
        ("what a command occupies", (b"SIGNER", seller, digests.identity(b"COMMAND", b"c-1"))),
        ("what a command of the bureau occupies", (b"SIGNER", b"", digests.identity(b"COMMAND", b"c-1"))),
        ("a payer's commitment", (b"PAYER", digest("opening"))),
        ("the second record of an input", (b"PART", digest("occupied"), bytes([0, 0, 0, 1]))),
        ("the last record of the longest batch", (b"PART", digest("occupied"), bytes([0, 0, 0, 127]))),
        ("a boundary moved", (b"COMMANDc", b"-1")),
        ("nothing", ()),
    ]:
        yield {
            "name": name,
            "parts": [part.hex() for part in parts],
            "identity": digests.identity(*parts).hex(),
        }


def opening_cases() -> Cases:
    """Commitments to texts, from salt and text."""
    for kind, salt, text in [
        ("TITLE", bytes(range(16)), "深圳市地铁集团有限公司"),
        ("TITLE", bytes(16), "A"),
        ("NAME", bytes(range(16)), "深圳市地铁集团有限公司"),
        ("PLATE", bytes(range(16, 32)), "粤B12345"),
        ("TITLE", b"\xff" * 16, "𠀀" * 25),
    ]:
        commitment = digests.identity(kind.encode(), salt, text.encode())
        yield {"kind": kind, "salt": salt.hex(), "text": text, "commitment": commitment.hex()}


def tree_cases() -> Cases:
    """Roots of 0 to 300 leaves (leaf i: i as eight bytes), and the path of a leaf in some of the trees."""
    leaves = [number.to_bytes(8, "big") for number in range(300)]

    @cache
    def root(start: int, end: int) -> bytes:
        if end - start < 2:
            return merkle.root(leaves[start:end])
        middle = start + merkle.split(end - start)
        return digests.node_hash(root(start, middle), root(middle, end))

    def path(index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        middle = start + merkle.split(end - start)
        if index < middle:
            return [*path(index, start, middle), root(middle, end)]
        return [*path(index, middle, end), root(start, middle)]

    for count in range(301):
        case: dict[str, Any] = {"count": count, "root": root(0, count).hex()}
        if count and (count < 20 or count % 13 == 0):
            index = count * 7 // 11 if count % 3 else count - 1
            case |= {"index": index, "path": [node.hex() for node in path(index, 0, count)]}
        yield case


def code_cases() -> Cases:
    """The numbers of the codes in outcomes, for ever."""
    yield from ({"number": number, "code": code} for number, code in enumerate(CODES, 1))


def every_record() -> Cases:
    yield from record_cases()
    yield from lifecycle_record_cases()


FILES: dict[str, Callable[[], Cases]] = {
    "records": every_record,
    "records_refused": refused_record_cases,
    "annexes": annex_cases,
    "annexes_refused": refused_annex_cases,
    "headers": header_cases,
    "inputs": input_cases,
    "identities": identity_cases,
    "openings": opening_cases,
    "parts": part_cases,
    "presentations": presentation_cases,
    "trees": tree_cases,
    "events": event_cases,
    "codes": code_cases,
    "state_map": state_cases,
    "invoice_codes": invoice_code_cases,
}


def text_of(name: str) -> str:
    """A file of vectors: one line a case, so that a change shows as a change of lines."""
    cases = ",\n".join(json.dumps(case, ensure_ascii=False) for case in FILES[name]())
    return f'{{"provenance": {json.dumps(PROVENANCE)},\n"cases": [\n{cases}\n]}}\n'


def main() -> None:
    for name in FILES:
        (FOLDER / f"{name}.json").write_text(text_of(name))


if __name__ == "__main__":
    main()
