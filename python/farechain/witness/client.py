"""Asks witnesses to cosign a checkpoint (C2SP tlog-witness), all at once, and adds what verifies.

Knows HTTP and notes; does not know the ledger. A cosignature is added only after it verified under the key
that the operator configured for that witness.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

import httpx

from farechain import _core

Consistency = Callable[[int, int], Sequence[bytes]]

ANSWER_BYTES_MAX = 16 * 1024
"""A witness's answer is a few signature lines; more is not read."""
PROOF_LINES_MAX = 63
"""C2SP tlog-witness: a client must not send more."""
GRACE_S = 0.1
"""Once enough witnesses cosigned, the others get this long before the checkpoint appears without them."""
SIZE_TYPE = "text/x.tlog.size"
SIZE_DIGITS_MAX = 19
ATTEMPTS = 3
"""A witness that keeps contradicting itself about its size is given up after this many requests a round."""


@dataclass(frozen=True, slots=True)
class WitnessEndpoint:
    """A witness as the operator configured it: its key name, submission prefix and verifier key."""

    name: str
    url: str
    vkey: str


class CosigningError(Exception):
    """Fewer witnesses than required cosigned; the caller tries again later.

    Args:
        got: cosignatures that verified.
        threshold: how many are required.
        reasons: by witness, why there is no cosignature of it.
        known_size: the largest size that a witness says it has seen; over the checkpoint's size it means that
            this copy of the log is behind, and must not sign before it has reached that size.
    """

    def __init__(self, got: int, threshold: int, reasons: Mapping[str, str], known_size: int) -> None:
        told = "; ".join(f"{name}: {reason}" for name, reason in sorted(reasons.items()))
        super().__init__(f"{got} of {threshold} required cosignatures: {told}")
        self.got = got
        self.threshold = threshold
        self.reasons = dict(reasons)
        self.known_size = known_size


class _RefusedError(Exception):
    """One witness gave no cosignature; ``known_size`` is what it says it has."""

    def __init__(self, reason: str, known_size: int = 0) -> None:
        super().__init__(reason)
        self.known_size = known_size


class WitnessRound:
    """Rounds of cosigning by the same witnesses, over kept-alive connections.

    Args:
        witnesses: all of them are asked in each round.
        threshold: how many must cosign.
        timeout_s: how long one witness may take.

    Raises:
        ValueError: more cosignatures required than there are witnesses, or two of one name.
    """

    def __init__(self, witnesses: Sequence[WitnessEndpoint], threshold: int, timeout_s: float) -> None:
        if threshold > len(witnesses):
            raise ValueError(f"{threshold} cosignatures required of {len(witnesses)} witnesses")
        if len({witness.name for witness in witnesses}) != len(witnesses):
            raise ValueError("two witnesses have one name")
        self._witnesses = tuple(witnesses)
        self._threshold = threshold
        self._timeout_s = timeout_s
        self._sizes: dict[str, int] = {}
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> "WitnessRound":
        self._http = httpx.AsyncClient(timeout=self._timeout_s, trust_env=False, follow_redirects=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def cosign(self, note: str, consistency: Consistency) -> str:
        """The note with the witnesses' verified signature lines, in the order in which they are configured.

        Args:
            note: a checkpoint signed by the log.
            consistency: gives the RFC 6962 proof from an old size to a new one; called in a thread.

        Raises:
            CosigningError: too few cosigned.
        """
        if not self._witnesses:
            return note
        asked = {
            witness.name: asyncio.create_task(self._ask(witness, note, consistency))
            for witness in self._witnesses
        }
        try:
            await self._wait_for_enough(set(asked.values()))
        finally:
            for task in asked.values():
                task.cancel()
            await asyncio.gather(*asked.values(), return_exceptions=True)
        lines: list[str] = []
        reasons: dict[str, str] = {}
        known_size = 0
        for name, task in asked.items():
            if task.cancelled():
                reasons[name] = "no answer in time"
            elif (error := task.exception()) is None:
                lines.append(task.result())
            elif isinstance(error, _RefusedError):
                reasons[name] = str(error)
                known_size = max(known_size, error.known_size)
            else:
                raise error
        if len(lines) < self._threshold:
            raise CosigningError(len(lines), self._threshold, reasons, known_size)
        return note + "".join(lines)

    async def highest_known(self, note: str) -> dict[str, int]:
        """By witness, the size that it cosigned last for this log; who does not answer is left out.

        Args:
            note: a checkpoint that was signed and published before, so that asking signs nothing new.
        """
        _origin, size, _root = _core.parse_checkpoint(note)
        answers = await asyncio.gather(
            *(self._post(witness, 0, [], note) for witness in self._witnesses), return_exceptions=True
        )
        known: dict[str, int] = {}
        for witness, answer in zip(self._witnesses, answers, strict=True):
            if isinstance(answer, tuple):
                status, text = answer
                known[witness.name] = size if status == httpx.codes.OK else _size_of(text, status)
            elif not isinstance(answer, _RefusedError):
                raise answer
        self._sizes.update(known)
        return known

    async def _wait_for_enough(self, tasks: set["asyncio.Task[str]"]) -> None:
        pending = tasks
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_s * ATTEMPTS
        enough = False
        while pending and (left := deadline - loop.time()) > 0:
            _done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            cosigned = sum(1 for task in tasks - pending if not task.cancelled() and task.exception() is None)
            if cosigned >= self._threshold and not enough:
                enough = True
                deadline = min(deadline, loop.time() + GRACE_S)

    async def _ask(self, witness: WitnessEndpoint, note: str, consistency: Consistency) -> str:
        """One witness's verified signature line."""
        _origin, size, _root = _core.parse_checkpoint(note)
        for _attempt in range(ATTEMPTS):
            old = self._sizes.get(witness.name, 0)
            if old > size:
                raise _RefusedError(f"has already seen size {old}, this copy of the log only has {size}", old)
            proof = await asyncio.to_thread(consistency, old, size) if 0 < old < size else []
            status, text = await self._post(witness, old, proof, note)
            if status == httpx.codes.OK:
                line = _cosignature(witness, note, text)
                self._sizes[witness.name] = size
                return line
            if status != httpx.codes.CONFLICT:
                raise _RefusedError(f"refused with status {status}: {text.strip()[:120]}")
            theirs = _size_of(text, status)
            if theirs == old:
                raise _RefusedError(f"has another root for size {old}: the log has forked")
            self._sizes[witness.name] = theirs
        raise _RefusedError("contradicts itself about the size that it has")

    async def _post(
        self, witness: WitnessEndpoint, old: int, proof: Sequence[bytes], note: str
    ) -> tuple[int, str]:
        """Status and bounded text of one ``add-checkpoint`` request; a 409 must carry the size."""
        if self._http is None:
            raise RuntimeError("WitnessRound is used outside of its context")
        if len(proof) > PROOF_LINES_MAX:
            raise ValueError(f"a consistency proof of {len(proof)} lines")
        lines = "".join(base64.b64encode(node).decode() + "\n" for node in proof)
        body = f"old {old}\n{lines}\n{note}".encode()
        url = witness.url.rstrip("/") + "/add-checkpoint"
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._http.stream("POST", url, content=body) as answer,
            ):
                text = await _bounded_text(answer)
        except TimeoutError as error:
            raise _RefusedError(f"no answer in {self._timeout_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _RefusedError(f"unreachable at {witness.url} ({type(error).__name__})") from error
        if answer.status_code == httpx.codes.CONFLICT and answer.headers.get("content-type") != SIZE_TYPE:
            raise _RefusedError(f"refused with status 409: {text.strip()[:120]}")
        return answer.status_code, text


def cosigners(note: str, vkeys: Sequence[str]) -> list[str]:
    """The names of the witnesses among ``vkeys`` whose cosignature on the note verifies."""
    if not vkeys:
        return []
    try:
        return [name for name, time_s in _core.open_note(note, list(vkeys)) if time_s is not None]
    except ValueError:
        return []


async def _bounded_text(answer: httpx.Response) -> str:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise _RefusedError(f"answered with more than {ANSWER_BYTES_MAX} bytes")
    return body.decode("utf-8", "replace")


def _size_of(text: str, status: int) -> int:
    digits = text.removesuffix("\n")
    if status != httpx.codes.CONFLICT or not (
        digits.isascii() and digits.isdigit() and len(digits) <= SIZE_DIGITS_MAX
    ):
        raise _RefusedError(f"refused with status {status}: {text.strip()[:120]}")
    return int(digits)


def _cosignature(witness: WitnessEndpoint, note: str, answer: str) -> str:
    """The line that verifies under the witness's key; other lines are ignored, as C2SP demands."""
    for line in answer.splitlines(keepends=True):
        if not (line.startswith(f"— {witness.name} ") and line.endswith("\n")):
            continue
        try:
            signers = _core.open_note(note + line, [witness.vkey])
        except ValueError:
            continue
        if any(name == witness.name and time_s is not None for name, time_s in signers):
            return line
    raise _RefusedError("answered without a cosignature that verifies under its configured key")
