"""Writes the day: spool files, one a partition, and the manifest, one line an input."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path

import orjson

from farechain import _core
from farechain.day.plan import Headers, Planned
from farechain.day.rotation import ORDER
from farechain.day.truth import Expected, Truth
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.spool_lines import spool_line

_SIGNATURE_HEADERS_BYTES = 6 + 32 + 6 + 64
SignedHeaders = Sequence[tuple[str, bytes]]


@dataclass(slots=True)
class Manifest:
    """The counts of a day; ``path`` has its lines."""

    path: Path
    seed: int
    date: str
    devices: int
    inputs: int = 0
    value_bytes: int = 0
    record_bytes: int = 0
    by_verdict: Counter[str] = field(default_factory=Counter)
    by_code: Counter[str] = field(default_factory=Counter)
    by_state: Counter[str] = field(default_factory=Counter)
    by_case: Counter[str] = field(default_factory=Counter)
    by_partition: Counter[str] = field(default_factory=Counter)
    issued_fen: int = 0
    reversed_fen: int = 0
    tax_fen: int = 0

    def summary(self) -> dict[str, object]:
        """What ``manifest-summary.json`` holds."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "path"}
        return {name: dict(sorted(v.items())) if isinstance(v, dict) else v for name, v in values.items()}

    def count(self, planned: Planned, told: Expected) -> None:
        """Counts one input."""
        self.inputs += 1
        self.by_verdict[told.verdict] += 1
        self.by_case[planned.case] += 1
        if told.code is not None:
            self.by_code[told.code] += 1
        if told.state is not None:
            self.by_state[told.state] += 1
        if told.total is not None and told.tax is not None:
            self.tax_fen += told.tax
            if told.verdict == "ISSUED":
                self.issued_fen += told.total
            else:
                self.reversed_fen -= told.total


def sign(planned: Sequence[Planned]) -> list[bytes]:
    """The signatures of all inputs, in their order; an input that is a copy has its original's."""
    own = [one for one in planned if one.copy_of is None]
    to_sign = [one.signed if one.signed is not None else (one.value or b"") for one in own]
    made = dict(zip(map(id, own), _core.sign_batch([one.signer.seed for one in own], to_sign), strict=True))
    return [made[id(one.copy_of or one)] for one in planned]


def headers_of(planned: Planned, signature: bytes) -> SignedHeaders:
    """The signature headers as this input has them."""
    kid = planned.signer.kid.encode()
    match planned.headers:
        case Headers.RIGHT:
            pass
        case Headers.NO_SIGNATURE:
            return [("fc-kid", kid)]
        case Headers.NO_KID:
            return [("fc-sig", signature)]
        case Headers.BIT_FLIPPED:
            signature = bytes([signature[0] ^ 4]) + signature[1:]
        case Headers.CUT:
            signature = signature[:63]
        case Headers.KID_IN_CAPITALS:
            kid = kid.upper()
        case Headers.S_PLUS_L:
            scalar = int.from_bytes(signature[32:], "little") + ORDER
            signature = signature[:32] + scalar.to_bytes(32, "little")
    return [("fc-kid", kid), ("fc-sig", signature)]


def manifest_line(place: tuple[str, int], offset: int, case: str, told: Expected) -> str:
    """What an input must become, as the manifest has it."""
    topic, partition = place
    line = f'{{"topic":"{topic}","partition":{partition},"offset":{offset},"case":"{case}"'
    line += f',"verdict":"{told.verdict}"'
    if told.total is not None:
        line += f',"total":{told.total},"net":{told.net},"tax":{told.tax}'
    if told.code is not None:
        line += f',"code":"{told.code}"'
    if told.state is not None:
        line += f',"state":"{told.state}"'
    if told.first is not None:
        line += f',"first":["{told.first[0]}",{told.first[1]},{told.first[2]}]'
    return line + "}\n"


def spool_file(
    place: tuple[str, int],
    queue: Sequence[Planned],
    signatures: Sequence[bytes],
    manifest: Manifest,
    *,
    first_offset: int = 0,
) -> bytes:
    """The content of a partition's spool file, from this offset on."""
    topic, partition = place
    kids: dict[str, bytes] = {}
    head = f'{{"topic":"{topic}","partition":{partition},"offset":'.encode()
    lines = []
    for offset, (one, signature) in enumerate(zip(queue, signatures, strict=True), first_offset):
        value = one.value
        size = 0 if value is None else len(value)
        manifest.value_bytes += size
        manifest.record_bytes += size + len(one.key) + _SIGNATURE_HEADERS_BYTES
        if one.headers is not Headers.RIGHT or value is None:
            headers = headers_of(one, signature)
            lines.append(
                spool_line(
                    topic, partition, offset, one.arrival_ms, key=one.key, headers=headers, value=value
                )
            )
            continue
        kid = kids.get(one.signer.kid)
        if kid is None:
            kid = kids[one.signer.kid] = b64encode(one.signer.kid.encode())
        lines.append(
            b'%b%d,"timestamp":%d,"key":"%b","headers":[["fc-kid","%b"],["fc-sig","%b"]],"value":"%b"}\n'
            % (head, offset, one.arrival_ms, b64encode(one.key), kid, b64encode(signature), b64encode(value))
        )
    return b"".join(lines)


def write_day(
    out: Path, queues: dict[tuple[str, int], list[Planned]], manifest: Manifest, truth: Truth
) -> list[Expected]:
    """Writes ``spool/``, ``manifest.jsonl`` and ``manifest-summary.json``; what is there is replaced.

    Args:
        queues: by topic and partition in the order of genesis, each in the order of arrival.

    Raises:
        FarechainError: ``E_OUTPUT`` where the directory cannot be written.
    """
    told: list[Expected] = []
    with ThreadPoolExecutor(1) as signing:
        signatures = {place: signing.submit(sign, queue) for place, queue in queues.items()}
        try:
            spool = out / "spool"
            spool.mkdir(parents=True, exist_ok=True)
            for stale in spool.glob("*.jsonl"):
                stale.unlink()
            with manifest.path.open("w", encoding="utf-8") as lines:
                for place, queue in queues.items():
                    lines.write("".join(_tell(place, queue, manifest, truth, told)))
            for (topic, partition), queue in queues.items():
                place = (topic, partition)
                content = spool_file(place, queue, signatures[place].result(), manifest)
                (spool / f"{topic}-{partition}.jsonl").write_bytes(content)
            write_summary(out, manifest)
        except OSError as error:
            raise FarechainError(
                "E_OUTPUT", f"{error.filename or out}: {error.strerror}", EXIT_UNAVAILABLE
            ) from error
    return told


def _tell(
    place: tuple[str, int], queue: Sequence[Planned], manifest: Manifest, truth: Truth, told: list[Expected]
) -> Iterator[str]:
    topic, partition = place
    manifest.by_partition[f"{topic}/{partition}"] = len(queue)
    for offset, one in enumerate(queue):
        expected = truth.of(one, (topic, partition, offset))
        manifest.count(one, expected)
        told.append(expected)
        yield manifest_line(place, offset, one.case, expected)


def write_summary(out: Path, manifest: Manifest) -> None:
    """Writes ``manifest-summary.json``."""
    summary = orjson.dumps(manifest.summary(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    (out / "manifest-summary.json").write_bytes(summary)
