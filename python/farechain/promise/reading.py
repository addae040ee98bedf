"""What an outsider fetches of a chain, over HTTP or from a copy of the public directory's files."""

import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import httpx

from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.promise.document import BYTES_MAX, STEM, stem_of

BUNDLE = 256
"""Entries of a full bundle of the public log (C2SP tlog-tiles)."""
TIMEOUT_S = 30.0
BUNDLES_KEPT = 4


class Reading:
    """The files and blocks of one chain; used inside ``with``.

    Args:
        url: where the service, or a server of its public directory's files, answers.
        transport: in place of the network, for tests.

    Every method raises ``FarechainError`` (``E_UNAVAILABLE``) where there is no answer, or one that makes no
    sense.
    """

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self._url, timeout=TIMEOUT_S, transport=transport, follow_redirects=False
        )
        self._bundles: dict[str, list[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def checkpoint(self) -> str:
        """The published note."""
        note = self._get("/checkpoint")
        if note is None:
            raise self._unavailable("nothing was published yet")
        return note.decode("utf-8", "replace")

    def latest(self) -> str | None:
        """The name of the last document; None where there is none."""
        name = self._get("/promise/latest")
        if name is None:
            return None
        stem = name.decode("ascii", "replace").strip()
        if not STEM.fullmatch(stem):
            raise self._unavailable("promise/latest is no name of a document")
        return stem

    def document(self, first: int, last: int) -> bytes | None:
        """The document of a range; None where it is not there."""
        return self._get(f"/promise/{stem_of(first, last)}.json")

    def proof(self, first: int, last: int) -> bytes | None:
        """The proof that it is attested; None where there is none."""
        return self._get(f"/promise/{stem_of(first, last)}.proof.json")

    def headers(self, first: int, last: int, size: int) -> Iterator[tuple[int, bytes]]:
        """The headers of blocks ``first`` to ``last`` from the log's bundles, ascending; nothing is verified.

        Args:
            size: of the published log: the last bundle has no more.
        """
        for number in range(first // BUNDLE, last // BUNDLE + 1):
            entries = self._bundle(number, min(BUNDLE, size - number * BUNDLE))
            for height, entry in enumerate(entries, number * BUNDLE):
                if first <= height <= last:
                    yield height, entry

    def block(self, height: int) -> dict[str, Any]:
        """A block as ``GET /v1/blocks/{height}`` has it; only a service answers this."""
        answer = self._get(f"/v1/blocks/{height}")
        try:
            found = json.loads(answer or b"null")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._unavailable(f"/v1/blocks/{height} is not answered: it takes a service, not its files")
        return found

    def _bundle(self, number: int, width: int) -> list[bytes]:
        path = f"/tile/entries/{_tile_path(number)}" + (f".p/{width}" if width < BUNDLE else "")
        if path not in self._bundles:
            data = self._get(path)
            if data is None and width < BUNDLE:
                # The log has grown since, and the partial one may be gone.
                data = self._get(f"/tile/entries/{_tile_path(number)}")
            entries = _entries(data or b"")
            if len(entries) < width:
                raise self._unavailable(f"{path} is not there, or is cut off")
            if len(self._bundles) >= BUNDLES_KEPT:
                self._bundles.pop(next(iter(self._bundles)))
            self._bundles[path] = entries[:width]
        return self._bundles[path]

    def _get(self, path: str) -> bytes | None:
        try:
            with self._http.stream("GET", path) as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                if answer.status_code != httpx.codes.OK:
                    raise self._unavailable(f"{path} is answered with status {answer.status_code}")
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > BYTES_MAX:
                        raise self._unavailable(f"{path} has more than {BYTES_MAX} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unavailable(f"no answer ({type(error).__name__})") from error
        return bytes(body)

    def _unavailable(self, reason: str) -> FarechainError:
        return FarechainError("E_UNAVAILABLE", f"{self._url}: {reason}", EXIT_UNAVAILABLE)


def _tile_path(number: int) -> str:
    """C2SP tlog-tiles: three digits a part, all but the last with an x before them."""
    parts = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        parts.append(f"x{number % 1000:03d}")
    return "/".join(reversed(parts))


def _entries(data: bytes) -> list[bytes]:
    entries, at = [], 0
    while at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data):
            break
        entries.append(data[at + 2 : end])
        at = end
    return entries
