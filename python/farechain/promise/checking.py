"""Verifies the promise from outside: nothing is believed but the keys of the log and of its witnesses.

What cannot be verified is when the broker appended an event: that time is signed for and in every block, but
it is the operator's broker that says it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from farechain import _core
from farechain.promise.blocks import Position, verified
from farechain.promise.document import (
    PROMISE_MS,
    Before,
    Document,
    attested_root,
    decode,
    digest_of,
    stem_of,
)
from farechain.promise.measuring import SPACING_MS, measure
from farechain.promise.reading import Reading

SKEW_MS = 5_000
"""The clocks of operator, broker and witnesses may differ by so much; a cosignature names whole seconds."""
FINDINGS_MAX = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """What is verified, and under which keys.

    Attributes:
        vkey: the log's verifier key.
        witnesses: verifier keys of the witnesses to believe; without any, times are the operator's word.
        threshold: how many of them must have cosigned.
        kid: whose attestations count, 32 hex digits; None: anybody's who may attest.
        since_ms: ranges that end before it are not looked at.
        events: whether all events are fetched and counted again; else what documents and headers show.
        pending_s: how old the last summary may be, and so long its attestation may take.
    """

    vkey: str
    witnesses: Sequence[str] = ()
    threshold: int = 0
    kid: str | None = None
    since_ms: int = 0
    events: bool = True
    pending_s: float = 1800.0


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        hidden: what is missing, contradicts itself, or is not what was signed, in words.
        ranges: (first, last) of the documents that were read, the latest first.
        attested: how many of them the ledger attests.
        late: events that took longer than a minute; ``events`` of so many.
        cosigned: whether witnesses say when checkpoints were there.
    """

    chain: str
    size: int
    hidden: list[str] = field(default_factory=list)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    attested: int = 0
    events: int = 0
    late: int = 0
    max_ms: int = 0
    max_height: int = 0
    cosigned: bool = False

    @property
    def kept(self) -> bool:
        """Whether nothing is hidden and no event was late."""
        return not self.hidden and self.late == 0

    def finds(self, what: str) -> None:
        """Adds a finding; of very many the first are told."""
        if len(self.hidden) < FINDINGS_MAX:
            self.hidden.append(what)


def check(reading: Reading, terms: Terms, now_ms: int) -> Report:
    """Walks from the last document back and verifies each.

    Raises:
        FarechainError: ``E_UNAVAILABLE``: what is asked for is not answered.
        ValueError: the checkpoint is not the log's, or too few witnesses cosigned it.
    """
    note = reading.checkpoint()
    cosigned = _cosigned(note, terms)
    chain, size, _root = _core.parse_checkpoint(note)
    report = Report(chain, size, cosigned=bool(cosigned))
    latest = reading.latest()
    if latest is None:
        report.finds("nothing is summarised")
        return report
    first, _, last = latest.partition("-")
    return _Walk(reading, terms, report, max([now_ms, *(at * 1000 for at in cosigned)])).from_latest(
        Before(int(first), int(last), b"")
    )


def _cosigned(note: str, terms: Terms) -> list[int]:
    """Unix times at which believed witnesses cosigned a note. Raises ``ValueError``."""
    signers = _core.open_note(note, [terms.vkey, *terms.witnesses])
    if not any(at is None for _name, at in signers):
        raise ValueError("the log's key did not sign it")
    times = [at for _name, at in signers if at is not None]
    if len(times) < terms.threshold:
        raise ValueError(f"{len(times)} of {terms.threshold} required witnesses cosigned it")
    return times


class _Walk:
    def __init__(self, reading: Reading, terms: Terms, report: Report, now_ms: int) -> None:
        self._reading = reading
        self._terms = terms
        self._report = report
        self._now_ms = now_ms
        # A block that is proven, and its header: every block before it follows.
        self._linked: tuple[int, bytes] | None = None
        # How many attestations a block has.
        self._attesting: Counter[int] = Counter()
        # Where the range that was looked at last, a later one, begins.
        self._after: list[Position] | None = None

    def from_latest(self, wanted: Before) -> Report:
        end = wanted.last
        following: int | None = None
        while True:
            document = self._document(wanted)
            if document is None:
                break
            if following is not None and document.last + 1 != following:
                self._report.finds(f"blocks {document.last + 1} to {following - 1} are in no summary")
            self._range(document, digest_of(document.encoded()), newest=following is None)
            following = document.first
            if document.previous is None or document.from_ms <= self._terms.since_ms:
                break
            wanted = document.previous
        if self._report.ranges:
            self._tail(end + 1)
        return self._report

    def _document(self, wanted: Before) -> Document | None:
        what = f"the summary of blocks {wanted.first} to {wanted.last}"
        encoded = self._reading.document(wanted.first, wanted.last)
        if encoded is None:
            self._report.finds(f"{what} is not there")
            return None
        if wanted.digest and digest_of(encoded) != wanted.digest:
            self._report.finds(f"{what} is not the one that the next summary names")
        try:
            document = decode(encoded)
        except ValueError as error:
            self._report.finds(f"{what} cannot be read: {error}")
            return None
        if document.stem != stem_of(wanted.first, wanted.last) or document.chain != self._report.chain:
            self._report.finds(f"{what} is that of other blocks")
            return None
        return document

    def _range(self, document: Document, digest: bytes, *, newest: bool) -> None:
        report = self._report
        where = f"blocks {document.first} to {document.last}"
        report.ranges.append((document.first, document.last))
        report.events += document.events
        report.late += document.late
        if document.max_ms >= report.max_ms:
            report.max_ms, report.max_height = document.max_ms, document.max_height
        proven = self._attestation(document, digest, where, newest=newest)
        if proven is not None and self._linked is None:
            self._linked = proven
        for what in self._times(document):
            report.finds(f"{where}: {what}")
        if self._linked is None:
            return
        try:
            headers = self._headers(document.first, document.last)
            self._against_headers(document, headers)
        except ValueError as error:
            report.finds(f"{where}: {error}")

    # The ledger's word ---------------------------------------------------------------------------

    def _attestation(
        self, document: Document, digest: bytes, where: str, *, newest: bool
    ) -> tuple[int, bytes] | None:
        """The block that attests a document, and its header."""
        report, terms = self._report, self._terms
        proof = self._reading.proof(document.first, document.last)
        if proof is None:
            age_ms = self._now_ms - document.checkpoints[-1][1]
            if not newest or age_ms > terms.pending_s * 1000:
                report.finds(f"{where}: the ledger does not attest their summary")
            return None
        try:
            proven = _core.verify_proof(proof, terms.vkey, terms.witnesses, terms.threshold)
        except ValueError as error:
            report.finds(f"{where}: the proof that the ledger attests their summary does not hold: {error}")
            return None
        fields, header = proven["fields"], proven["header"]
        if fields["kind"] != "ATTEST" or fields["data_root"] != attested_root(document, digest):
            report.finds(f"{where}: the ledger attests another summary of them than this one")
            return None
        if terms.kid is not None and fields["kid"].hex() != terms.kid:
            report.finds(f"{where}: their summary is attested by key {fields['kid'].hex()}")
            return None
        report.attested += 1
        self._attesting[header["height"]] += 1
        for height, raw in self._reading.headers(header["height"], header["height"], report.size):
            if _core.decode_header(raw) == header:
                return height, raw
        report.finds(f"{where}: block {header['height']} of the log is not the proven one")
        return None

    def _headers(self, first: int, last: int) -> list[bytes]:
        """Headers of a range, each shown to be the log's: their hashes lead to a proven block."""
        if self._linked is None:
            raise RuntimeError("no block is proven yet")
        height, proven = self._linked
        raw = [each for _height, each in self._reading.headers(first, height - 1, self._report.size)]
        for at, (one, other) in enumerate(pairwise([*raw, proven]), first):
            if _core.decode_header(other)["previous"] != _core.block_hash(one):
                raise ValueError(f"block {at} of the log is not the one before block {at + 1}")
        if first < height:
            self._linked = first, raw[0]
        return raw[: last - first + 1]

    # When ----------------------------------------------------------------------------------------

    def _times(self, document: Document) -> Iterator[str]:
        """Whether cosigned notes show the times that a document gives for its checkpoints."""
        published = dict(document.checkpoints)
        shown: list[tuple[int, int]] = []
        for note in document.notes:
            try:
                cosigned = _cosigned(note, self._terms)
                chain, size, _root = _core.parse_checkpoint(note)
            except ValueError as error:
                yield f"a checkpoint in their summary is not signed as it must be: {error}"
                return
            if chain != document.chain or size not in published:
                yield f"a note of {chain} with {size} blocks is none of their checkpoints"
                return
            if cosigned and published[size] + SKEW_MS < max(cosigned) * 1000:
                yield (
                    f"the checkpoint of {size} blocks was cosigned "
                    f"{max(cosigned) - published[size] // 1000} s after it is said to have been published"
                )
            shown.append((size, published[size]))
        at = 0
        for size, published_ms in document.checkpoints:
            while at < len(shown) and shown[at][0] < size:
                at += 1
            if at == len(shown) or shown[at][1] - published_ms > SPACING_MS:
                yield f"no cosigned checkpoint shows when that of {size} blocks was published"
                return

    # What ----------------------------------------------------------------------------------------

    def _against_headers(self, document: Document, headers: Sequence[bytes]) -> None:
        """Raises ``ValueError`` that says what of a document the log contradicts."""
        decoded = [_core.decode_header(each) for each in headers]
        if [each["height"] for each in decoded] != list(range(document.first, document.last + 1)):
            raise ValueError("the log has other blocks in their place")
        if (document.from_ms, document.to_ms) != (decoded[0]["time_ms"], decoded[-1]["time_ms"]):
            raise ValueError("their blocks have other times than their summary says")
        if self._terms.events:
            self._against_events(document, headers)

    def _against_events(self, document: Document, headers: Sequence[bytes]) -> None:
        positions: list[Position] = list(document.positions)

        def blocks() -> Iterator[tuple[int, list[int]]]:
            nonlocal positions
            for height, header in enumerate(headers, document.first):
                events, positions = self._events(height, header, positions)
                yield height, [each["timestamp_ms"] for each in events]

        numbers = measure(blocks(), document.checkpoints, document.first)
        for name, found in numbers._asdict().items():
            told = getattr(document, name)
            if told != found:
                raise ValueError(f"their summary says {name} {told}, their events say {found}")
        if self._after is not None and self._after != positions:
            raise ValueError("the next summary does not begin where they end")
        self._after = list(document.positions)

    def _events(
        self, height: int, header: bytes, positions: Sequence[Position]
    ) -> tuple[list[Any], list[Position]]:
        try:
            return verified(self._reading.block(height), header, positions)
        except ValueError as error:
            raise ValueError(f"block {height}: {error}") from error

    def _tail(self, first: int) -> None:
        """Blocks after the last summary: old ones with more in them than attestations are hidden."""
        report, old_ms = self._report, self._now_ms - self._terms.pending_s * 1000
        if not self._terms.events:
            return
        for height, header in self._reading.headers(first, report.size - 1, report.size):
            if _core.decode_header(header)["time_ms"] > old_ms:
                return
            outcomes = self._reading.block(height)["outcomes"]
            events = sum(each["source"] != 0 for each in outcomes)
            if events > self._attesting[height]:
                report.finds(f"blocks from {first} on are in no summary: block {height} has {events} events")
                return


def broken(report: Report) -> str:
    """What an outsider is told where the promise was not kept, in a line."""
    words = []
    if report.hidden:
        more = f" (and {len(report.hidden) - 1} more)" if len(report.hidden) > 1 else ""
        words.append(report.hidden[0] + more)
    if report.late:
        words.append(
            f"{report.late} of {report.events} events took longer than {PROMISE_MS // 1000} s, "
            f"the slowest {report.max_ms / 1000:.1f} s in block {report.max_height}"
        )
    return "; ".join(words)
