"""What is shown of an invoice: to anyone its status and proof, to whoever holds it also what stands on it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from farechain.api.context import ApiContext

CODE_PATTERN = r"^(1[0-9]{4}[0-9]{2}[0-9]9[0-9][0-9]0|[2-9][0-9]{11})$"
"""The 12-digit family, and the first twelve digits of an all-digital number."""
NUMBER_PATTERN = r"^[0-9]{1,8}$"
InvoiceStatus = Literal["ok", "reduced", "void", "red"]


class Standing(BaseModel):
    """Where an invoice stands on its axes (docs/format.md, section 3)."""

    model_config = ConfigDict(extra="forbid")

    fiscal: Literal["ISSUED", "RED_PENDING", "REVERSED"]
    claim: Literal["FREE", "LOCKED", "REIMBURSED", "POSTED"]
    use: Literal["NONE", "CONFIRMED"] = Field(description="Whether the buyer has deducted it.")
    frozen: bool
    remaining_fen: int = Field(description="What red letters have left of its total.")
    holder: str | None = Field(description="Id of the key that holds it, 32 hex digits.")
    locker: str | None = Field(description="Tax id of who locked or reimbursed it.")
    claim_id: str | None = Field(description="For which claim.")
    reimbursed_fen: int


class LineView(BaseModel):
    """A line as issued. Amounts are fen."""

    model_config = ConfigDict(extra="forbid")

    tax_code: str
    rate: int | str = Field(description="Basis points, EXEMPT or NONTAXABLE.")
    quantity: int
    net_fen: int
    tax_fen: int
    total_fen: int
    remaining_fen: int


class PartView(BaseModel):
    """A payment in an invoice."""

    model_config = ConfigDict(extra="forbid")

    payment: str = Field(description="Its identity, 64 hex digits.")
    line: int = Field(description="Its line, from 0.")
    fen: int = Field(description="Its part of the invoice as issued.")
    live_fen: int = Field(description="What of it red letters have left.")
    booked_at_ms: int = Field(description="The time that decides in which month it is booked.")


class InvoiceFields(BaseModel):
    """What stands on an invoice. Amounts are fen; a red-letter invoice's are negative."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["BLUE", "RED", "CLAIMED", "RED_OF_LINES"] = Field(
        description="CLAIMED and RED_OF_LINES have lines; the others are of one payment."
    )
    seller: str
    scene: str | None = None
    tax_code: str | None = Field(default=None, description="Of an invoice of one payment.")
    rate: int | str | None = Field(default=None, description="Basis points, EXEMPT or NONTAXABLE.")
    quantity: int | None = None
    net_fen: int
    tax_fen: int
    total_fen: int
    remaining_fen: int = Field(description="What reversals have left of it.")
    issued_at_ms: int
    buyer_tax_id: str | None = None
    dated_at_ms: int | None = Field(default=None, description="The payment's date, which dates the rate.")
    original_code: str | None = None
    original_number: int | None = None
    check_code: str
    hash: str


class InvoiceView(BaseModel):
    """What is shown of an invoice."""

    model_config = ConfigDict(extra="forbid")

    code: str
    number: str = Field(description="Eight digits.")
    status: InvoiceStatus = Field(
        description="ok; reduced: partly reversed; void: reversed; red: itself a reversal."
    )
    height: int = Field(description="The block that it stands in.")
    published: bool = Field(description="Whether a published checkpoint covers it, so that it can be proven.")
    proof: str = Field(description="Where its proof is.")
    fields: InvoiceFields | None = Field(description="What stands on it; null where that was not asked for.")
    standing: Standing | None = Field(
        default=None, description="Where a blue invoice stands; null where its fields are, or for a red one."
    )
    allowed: list[str] | None = Field(
        default=None, description="Commands that its standing permits, whoever gives them."
    )
    lines: list[LineView] | None = None
    payments: list[PartView] | None = None
    demonstration: bool


def view_of(context: ApiContext, found: dict[str, Any], *, opened: bool) -> InvoiceView:
    """The view of an invoice as the ledger found it (``Ledger.invoice``). Blocks.

    Args:
        opened: with all that stands on it.
    """
    code, number = found["fields"]["code"], found["fields"]["number"]
    view = InvoiceView(
        code=code,
        number=f"{number:08d}",
        status=_status(found),
        height=found["height"],
        published=found["height"] < context.log.published_size,
        proof=proof_of(code, number),
        fields=_fields(found) if opened else None,
        demonstration=context.demonstration,
    )
    if not opened or found["standing"] is None:
        return view
    parts = context.ledger.invoice_parts(code, number)
    return view.model_copy(
        update={
            "standing": standing_of(found["standing"]),
            "allowed": found["allowed"],
            "lines": [LineView(**line) for line in parts["lines"]] if parts else None,
            "payments": [_part(part) for part in parts["payments"]] if parts else None,
        }
    )


def proof_of(code: str, number: int) -> str:
    """Where an invoice's proof is."""
    return f"/v1/proofs/{code}/{number:08d}"


def standing_of(standing: dict[str, Any]) -> Standing:
    """The ledger's standing as it is shown to its parties."""
    holder = standing["holder"]
    return Standing(**{**standing, "holder": None if holder is None else holder.hex()})


def _part(part: dict[str, Any]) -> PartView:
    shown = {name: value for name, value in part.items() if name != "data_leaf"}
    return PartView(**{**shown, "payment": part["payment"].hex()})


def _fields(found: dict[str, Any]) -> InvoiceFields:
    shown = InvoiceFields.model_fields.keys() - {"remaining_fen", "check_code", "hash"}
    fields = {name: value for name, value in found["fields"].items() if name in shown}
    own = {
        "remaining_fen": found["remaining_fen"],
        "check_code": found["check_code"],
        "hash": found["hash"].hex(),
    }
    return InvoiceFields(**fields, **own)


def _status(found: dict[str, Any]) -> InvoiceStatus:
    if found["standing"] is None:
        return "red"
    if found["remaining_fen"] == 0:
        return "void"
    return "ok" if found["remaining_fen"] == found["fields"]["total_fen"] else "reduced"
