"""Proofs of where a payment or an invoice stands: not invoiced, invoiced as, free, locked by, or unknown."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from farechain import _core
from farechain.api.context import ApiContext
from farechain.api.invoices import Code, Number
from farechain.api.payments import Identity
from farechain.api.problems import Problem, responses
from farechain.api.proofs import OPEN_TO_ALL, Form

RETRY_AFTER_S = 5
"""A commitment that was just made is published within seconds."""
MEDIA: dict[str, Any] = {"application/json": {}, "application/octet-stream": {}}
DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A proof (docs/format.md, section 10), also of what the ledger does not know.",
        "content": MEDIA,
    },
    **responses(422, 503),
}


def router(context: ApiContext) -> APIRouter:
    """``/v1/payments/{identity}/proof`` and ``/v1/invoices/{code}/{number}/state-proof``."""
    routes = APIRouter(prefix="/v1", tags=["invoices"])

    @routes.get(
        "/payments/{identity}/proof",
        response_class=Response,
        responses=DESCRIBED,
    )
    async def of_payment(identity: Identity, form: Form = "json") -> Response:
        """The proof that a payment is invoiced, or is not, as of the latest commitment to current state."""

        def prove() -> bytes | None:
            payment = bytes.fromhex(identity)
            return context.ledger.prove_payment_state(payment, context.log, context.witness_vkeys)

        return await _answer(prove, identity, form)

    @routes.get(
        "/invoices/{code}/{number}/state-proof",
        response_class=Response,
        responses=DESCRIBED,
    )
    async def of_invoice(code: Code, number: Number, form: Form = "json") -> Response:
        """The proof that an invoice is free, locked by a party, reimbursed, reversed, or not there."""

        def prove() -> bytes | None:
            return context.ledger.prove_invoice_state(code, int(number), context.log, context.witness_vkeys)

        return await _answer(prove, f"{code}-{int(number):08d}", form)

    return routes


async def _answer(prove: Callable[[], bytes | None], name: str, form: str) -> Response:
    compact = await asyncio.to_thread(prove)
    if compact is None:
        detail = "no commitment to current state is under a published checkpoint yet: try again"
        raise Problem(503, "E_NOT_PUBLISHED", detail, {"Retry-After": str(RETRY_AFTER_S)})
    name = f"{name}.state" + (".fcproof" if form == "compact" else ".proof.json")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'} | OPEN_TO_ALL
    if form == "compact":
        return Response(compact, media_type="application/octet-stream", headers=headers)
    return Response(_core.proof_to_json(compact), media_type="application/json", headers=headers)
