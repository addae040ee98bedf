"""The witness over HTTP (C2SP tlog-witness): a checkpoint in, a cosignature out, never two branches of a log.

An independent party: its own key, its own state, no access to the ledger. What it answers follows from the
request and from the (size, root) that it cosigned last.
"""

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from farechain import _core
from farechain.witness.state import Seen, StaleError, WitnessState

BODY_BYTES_MAX = 64 * 1024
"""63 proof lines and a checkpoint with many signatures fit in a tenth of this."""
PROOF_LINES_MAX = 63
OLD_LINE = re.compile(r"old (0|[1-9][0-9]{0,18})")
SIZE_TYPE = "text/x.tlog.size"
HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request taken apart; nothing of it is verified yet."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str
    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the witness says: an HTTP status, a body and its type."""

    status: int
    body: str
    media_type: str = "text/plain; charset=utf-8"


def parse(body: bytes) -> AddCheckpoint:
    """Takes a request's body apart.

    Raises:
        ValueError: it is not an ``add-checkpoint`` request; the answer is 400.
    """
    text = body.decode("utf-8")
    head, blank, note = text.partition("\n\n")
    if not blank:
        raise ValueError("no blank line before the checkpoint")
    first, *lines = head.split("\n")
    old = OLD_LINE.fullmatch(first)
    if old is None:
        raise ValueError("the first line is not 'old' and a size")
    if len(lines) > PROOF_LINES_MAX:
        raise ValueError(f"more than {PROOF_LINES_MAX} proof lines")
    proof = tuple(_hash(line) for line in lines)
    origin, size, root = _core.parse_checkpoint(note)
    old_size = int(old[1])
    if old_size > size:
        raise ValueError("the old size is beyond the checkpoint's")
    if old_size == 0 and proof:
        raise ValueError("a proof from size 0 must be empty")
    return AddCheckpoint(old_size, proof, note, origin, size, root)


def _hash(line: str) -> bytes:
    try:
        node = base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise ValueError("a proof line is not base64") from error
    if len(node) != HASH_BYTES or base64.b64encode(node).decode() != line:
        raise ValueError("a proof line is not a hash")
    return node


class Witness:
    """Decides about checkpoints. Blocking and safe to use from any thread.

    Args:
        name: its key name.
        seed: its Ed25519 seed.
        logs: by origin, the verifier keys that are trusted for it.
        state: what it cosigned; every log of ``logs`` was added to it.
        clock_s: seconds since 1970, put into cosignatures.
    """

    def __init__(
        self,
        name: str,
        seed: bytes,
        logs: Mapping[str, tuple[str, ...]],
        state: WitnessState,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._seed = seed
        self._logs = dict(logs)
        self._state = state
        self._clock_s = clock_s
        for origin in self._logs:
            state.seen(origin)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answers one request; the state is durable before a cosignature is returned."""
        try:
            request = parse(body)
        except ValueError as error:
            return Answer(400, f"{error}\n")
        trusted = self._logs.get(request.origin)
        if trusted is None:
            return Answer(404, "this witness does not watch that log\n")
        try:
            _core.open_note(request.note, list(trusted))
        except ValueError:
            return Answer(403, "no valid signature by a key of that log\n")
        seen = self._state.seen(request.origin)
        refusal = _refusal(request, seen)
        if refusal is not None:
            return refusal
        try:
            self._state.advance(request.origin, seen, Seen(request.size, request.root))
        except StaleError as error:
            return Answer(409, f"{error.seen.size}\n", SIZE_TYPE)
        return Answer(200, _core.cosign(self._name, self._seed, request.note, int(self._clock_s())))


def _refusal(request: AddCheckpoint, seen: Seen) -> Answer | None:
    """Why a well-signed checkpoint is not cosigned; ``None`` when it extends what was seen."""
    if request.old_size != seen.size:
        return Answer(409, f"{seen.size}\n", SIZE_TYPE)
    if request.size == seen.size:
        if request.root != seen.root:
            return Answer(409, f"{seen.size}\n", SIZE_TYPE)
        return Answer(422, "a proof between equal sizes must be empty\n") if request.proof else None
    if seen.size == 0:
        return None
    try:
        _core.verify_consistency(seen.size, seen.root, request.size, request.root, list(request.proof))
    except ValueError as error:
        return Answer(422, f"the proof does not show an extension of size {seen.size}: {error}\n")
    return None


def create_app(witness: Witness) -> Starlette:
    """The application: ``POST /add-checkpoint`` and ``GET /livez``."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                return PlainTextResponse(f"more than {BODY_BYTES_MAX} bytes\n", 413)
        answer = await asyncio.shield(asyncio.to_thread(witness.add_checkpoint, bytes(body)))
        return Response(answer.body, answer.status, headers={"content-type": answer.media_type})

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/livez", livez, methods=["GET"]),
        ]
    )
