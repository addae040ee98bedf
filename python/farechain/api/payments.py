"""A payment as it stands. Its identity cannot be guessed: whoever knows it may ask."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from farechain.api.context import ApiContext
from farechain.api.problems import Problem, responses

EXAMPLE = "5498" + "54ca72db00d3" * 5
Identity = Annotated[
    str,
    Path(
        pattern=r"^[0-9a-f]{64}$",
        description="The payment's identity (docs/format.md, section 2), 64 hex digits.",
        examples=[EXAMPLE],
    ),
]


class InvoiceId(BaseModel):
    """An invoice's code and number."""

    model_config = ConfigDict(extra="forbid")

    code: str
    number: str = Field(description="Eight digits.")


class PaymentView(BaseModel):
    """A payment or top-up as it stands. Amounts are fen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "identity": EXAMPLE,
                    "state": "INVOICED",
                    "seller": "91440300708461136T",
                    "scene": "METRO",
                    "topped_up": False,
                    "paid_fen": 665,
                    "invoiceable_fen": 665,
                    "uninvoiced_fen": 0,
                    "dated_at_ms": 1772323200000,
                    "invoice": {"code": "144032609110", "number": "00000001"},
                    "live_fen": 665,
                }
            ]
        },
    )

    identity: str
    state: str = Field(
        description="INVOICED while an invoice holds some of it; else as it was recorded (CLAIMABLE, "
        "WAITING_GRANT, WAITING_CREDIT, NOTHING_TO_INVOICE, ...), or RELEASED by a red letter."
    )
    seller: str
    scene: str
    topped_up: bool
    paid_fen: int
    invoiceable_fen: int
    uninvoiced_fen: int = Field(description="What may be invoiced of it and is not.")
    dated_at_ms: int
    invoice: InvoiceId | None = Field(description="The invoice that holds some of it.")
    live_fen: int = Field(description="How much.")


def payment_view(identity: bytes, found: dict[str, Any]) -> PaymentView:
    """The view of a payment as the ledger found it (``Ledger.payment``)."""
    shown = {name: found[name] for name in PaymentView.model_fields if name in found}
    invoice = found["invoice"]
    return PaymentView(
        **{
            **shown,
            "identity": identity.hex(),
            "state": "INVOICED" if invoice else found["state"] or "RELEASED",
            "invoice": InvoiceId(code=invoice[0], number=f"{invoice[1]:08d}") if invoice else None,
        }
    )


def router(context: ApiContext) -> APIRouter:
    """``/v1/payments/{identity}``."""
    routes = APIRouter(prefix="/v1", tags=["invoices"])

    @routes.get("/payments/{identity}", responses=responses(404, 422))
    async def payment(identity: Identity) -> PaymentView:
        """What became of a payment: its state, its invoice, what is left to invoice."""
        wanted = bytes.fromhex(identity)
        found = await asyncio.to_thread(context.ledger.payment, wanted)
        if found is None:
            raise Problem(404, "E_NOT_FOUND", "no payment with this identity")
        return payment_view(wanted, found)

    return routes
