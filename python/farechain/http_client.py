"""Sends signed commands to a service over HTTP and says what became of them."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from farechain.errors import EXIT_REFUSED, EXIT_UNAVAILABLE, FarechainError
from farechain.orders import Title
from farechain.signed_event import SignedEvent

TRIES = 5
"""A command that is known not to be recorded is sent so often; it is recorded once."""
TIMEOUT_S = 15.0
RETRY_S, RETRY_S_MAX = 1.0, 5.0
"""Until the next try where the service does not say, and at most."""


class CommandRefusedError(FarechainError):
    """The ledger refuses a command.

    Attributes:
        problem: the problem document (RFC 9457): ``code``, ``detail``, and where they apply ``invoice``,
            ``state``, ``allowed``, ``locked_by``, ``payment``.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        message = str(problem.get("detail", "refused"))
        if problem.get("invoice"):
            message = f"{problem['invoice']}: {message}"
        if problem.get("allowed") is not None:
            message += f"; allowed now: {', '.join(problem['allowed']) or 'nothing'}"
        super().__init__(str(problem.get("code", "E_HTTP")), message, EXIT_REFUSED)


class HttpClient:
    """A connection to a service; used inside ``async with``.

    Args:
        url: where it answers, such as ``http://127.0.0.1:8800``; several with commas, an owner and its
            standbys: the one that answered last is asked first, and the next where one is away or not ready.
        tries: how often a command is sent while the service says 503 or does not answer.
        transport: in place of the network, for tests.
    """

    def __init__(
        self, url: str, *, tries: int = TRIES, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._urls = [each.strip().rstrip("/") for each in url.split(",")]
        self._tries = tries
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def send(self, command: SignedEvent, openings: Sequence[Title] = ()) -> dict[str, Any]:
        """Gives a command and waits until it is durable. Returns the answer (``CommandAnswer`` in the API).

        Args:
            openings: of titles that the command names; they are kept in the service's private store, durable
                before the command is, and are no part of what is signed.

        Raises:
            CommandRefusedError: exit code 3: the ledger refuses it; ``problem`` says what is possible.
            FarechainError: ``E_UNAVAILABLE``, exit code 4: nobody took it. Send the same command again.
        """
        reason, soonest_s = "", RETRY_S_MAX
        for left in reversed(range(self._tries * len(self._urls))):
            url = self._urls[0]
            try:
                answer = await self._post(url, command, openings)
            except httpx.TransportError as error:
                reason, wait_s = f"{url}: no answer ({type(error).__name__})", RETRY_S
            else:
                if answer.status_code < 400:
                    accepted: dict[str, Any] = answer.json()
                    return accepted
                problem = _problem(answer)
                if answer.status_code < 500:
                    raise CommandRefusedError(problem)
                reason = f"{url}: {problem.get('code', answer.status_code)}"
                reason += f": {problem.get('detail', 'unavailable')}"
                if problem.get("code") == "E_NO_COMMANDS":
                    break
                wait_s = _retry_after_s(answer)
            self._urls.append(self._urls.pop(0))
            soonest_s = min(soonest_s, wait_s)
            if left and left % len(self._urls) == 0:  # all were asked
                await asyncio.sleep(soonest_s)
                soonest_s = RETRY_S_MAX
        message = f"{reason}; send the same command again"
        raise FarechainError("E_UNAVAILABLE", message, EXIT_UNAVAILABLE)

    async def _post(self, url: str, command: SignedEvent, openings: Sequence[Title]) -> httpx.Response:
        media, body = "application/cloudevents+json", command.value
        if openings:
            media, body = "application/vnd.farechain.command+json", _beside(command, openings)
        headers = {
            "Content-Type": media,
            "fc-kid": command.kid,
            "fc-sig": command.signature.hex(),
        }
        return await self._http.post(f"{url}/v1/commands", content=body, headers=headers)


def _beside(command: SignedEvent, openings: Sequence[Title]) -> bytes:
    given = [
        {
            "salt": one.salt.hex(),
            "text": one.text,
            **({} if one.subject is None else {"subject": one.subject}),
        }
        for one in openings
    ]
    return orjson.dumps({"event": b64encode(command.value).decode(), "openings": given})


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"detail": f"HTTP {answer.status_code}"}


def _retry_after_s(answer: httpx.Response) -> float:
    told = answer.headers.get("retry-after", "")
    return min(RETRY_S_MAX, float(told)) if told.isascii() and told.isdecimal() else RETRY_S
