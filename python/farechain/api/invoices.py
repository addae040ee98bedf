"""Look-up, proof and verification of invoices over HTTP.

Anyone sees status and proof. The fields need what stands on the invoice itself: check code and amount.
"""

import asyncio
import hmac
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from farechain import _core
from farechain._core import LedgerError
from farechain.api.context import ApiContext
from farechain.api.problems import Problem
from farechain.api.tries import Tries

MAX_PROOF_BYTES = 16 * 1024

Code = Annotated[str, Path(pattern=r"^1\d{4}\d{2}\d9\d\d0$", description="Invoice code, 12 digits.")]
Number = Annotated[int, Path(ge=1, le=99_999_999, description="Invoice number.")]
CheckCode = Annotated[str | None, Query(pattern=r"^[0-9a-f]{5}$", description="Last five hex digits of the hash.")]
TotalFen = Annotated[str | None, Query(pattern=r"^[1-9]\d{0,15}$", description="Total, fen, as an integer.")]


class InvoiceView(BaseModel):
    """What is shown of an invoice."""

    model_config = ConfigDict(extra="forbid")

    code: str
    number: int
    status: Literal["ok", "red", "void"]
    height: int
    published: bool
    fields: dict[str, Any] | None
    demonstration: bool


class Verification(BaseModel):
    """What a proof proves, or why it does not."""

    model_config = ConfigDict(extra="forbid")

    ok: bool
    reason: str | None
    hash: str | None = None
    origin: str | None = None
    size: int | None = None
    cosigners: list[str] = []


def router(context: ApiContext) -> APIRouter:
    """The routes under ``/v1`` that are about invoices."""
    routes = APIRouter(prefix="/v1")
    tries = Tries()

    @routes.get("/invoices/{code}/{number}")
    async def invoice(
        request: Request, code: Code, number: Number, check_code: CheckCode = None, total_fen: TotalFen = None
    ) -> InvoiceView:
        """Status of an invoice; with check code and amount, its fields."""
        found = await _find(context, code, number)
        fields = None
        if check_code is not None or total_fen is not None:
            if not tries.allow(request.client.host if request.client else ""):
                raise Problem(429, "E_TRIES", "too many tries: wait a minute")
            if not _matches(found, check_code, total_fen):
                raise Problem(403, "E_MISMATCH", "check code or amount does not match this invoice")
            fields = printable(found["fields"]) | {"check_code": found["check_code"], "hash": found["hash"].hex()}
        return InvoiceView(
            code=code,
            number=number,
            status=_status(found),
            height=found["height"],
            published=found["height"] < context.log.published_size,
            fields=fields,
            demonstration=context.demonstration,
        )

    @routes.get("/proofs/{code}/{number}", response_class=Response)
    async def proof(
        code: Code, number: Number, form: Annotated[Literal["json", "compact"], Query()] = "json"
    ) -> Response:
        """The proof of an invoice under the published checkpoint, as JSON or in compact form."""
        found = await _find(context, code, number)
        try:
            compact = await asyncio.to_thread(context.ledger.prove, found["height"], found["index"], context.log)
        except LedgerError as error:
            raise Problem(503, "E_NOT_PUBLISHED", "not under a published checkpoint yet: try again in a second") from error
        name = f"{code}-{number:08d}"
        if form == "compact":
            disposition = {"Content-Disposition": f'attachment; filename="{name}.fcproof"'}
            return Response(compact, media_type="application/octet-stream", headers=disposition)
        disposition = {"Content-Disposition": f'attachment; filename="{name}.proof.json"'}
        return Response(_core.proof_to_json(compact), media_type="application/json", headers=disposition)

    @routes.post("/verify")
    async def verify(request: Request) -> Verification:
        """Checks a proof (JSON or compact, the request's body) against this log's keys."""
        body = await _bounded_body(request)
        try:
            proven = _core.verify_proof(body, context.vkey, list(context.witness_vkeys), context.threshold)
        except ValueError as error:
            return Verification(ok=False, reason=str(error))
        return Verification(
            ok=True,
            reason=None,
            hash=proven["hash"].hex(),
            origin=proven["origin"],
            size=proven["size"],
            cosigners=proven["cosigners"],
        )

    return routes


async def _find(context: ApiContext, code: str, number: int) -> dict[str, Any]:
    found = await asyncio.to_thread(context.ledger.invoice, code, number)
    if found is None:
        raise Problem(404, "E_NOT_FOUND", "no invoice with this code and number")
    return found


def _matches(found: dict[str, Any], check_code: str | None, total_fen: str | None) -> bool:
    total = abs(int(found["fields"]["total_fen"]))
    same_check = hmac.compare_digest(check_code or "", found["check_code"])
    same_total = hmac.compare_digest(total_fen or "", str(total))
    return same_check and same_total


def _status(found: dict[str, Any]) -> Literal["ok", "red", "void"]:
    if found["fields"]["kind"] == "RED":
        return "red"
    return "void" if found["remaining_fen"] == 0 else "ok"


async def _bounded_body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_PROOF_BYTES:
            raise Problem(413, "E_SIZE", f"a proof has at most {MAX_PROOF_BYTES} bytes")
    return bytes(body)


def printable(value: Any) -> Any:
    """The same value with every ``bytes`` in hex, for JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: printable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [printable(part) for part in value]
    return value
