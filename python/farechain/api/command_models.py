"""What a command is answered with: its records and invoices, or the problem with what is possible now."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from farechain.api.invoice_views import Standing
from farechain.api.payments import PaymentView
from farechain.api.problems import ProblemDocument

STANDING: JsonDict = {
    "fiscal": "ISSUED",
    "claim": "LOCKED",
    "use": "NONE",
    "frozen": False,
    "remaining_fen": 665,
    "holder": "6a3803d5f059902a1c6dafbc9ba47292",
    "locker": "91440300MA9FC001XP",
    "claim_id": "2026-03-0001",
    "reimbursed_fen": 0,
}


class RecordView(BaseModel):
    """A record that a command made."""

    model_config = ConfigDict(extra="forbid")

    index: int = Field(description="Its place in the block.")
    kind: str = Field(description="The command's name, or CLAIMED, BLUE, RED, RED_OF_LINES.")
    hash: str
    fields: dict[str, Any] = Field(
        description="Its fields under the names of docs/format.md, section 4; bytes are hex."
    )
    proof: str = Field(description="Where its proof is, once `published`.")


class InvoiceNow(BaseModel):
    """An invoice that a command moved or made, as it stands now."""

    model_config = ConfigDict(extra="forbid")

    code: str
    number: str = Field(description="Eight digits.")
    check_code: str
    standing: Standing
    allowed: list[str] = Field(description="Commands that its standing permits, whoever gives them.")
    proof: str = Field(description="Where the proof of the invoice is.")


class CommandAnswer(BaseModel):
    """What became of a command. Its block is durable."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "verdict": "APPLIED",
                    "duplicate": False,
                    "height": 12,
                    "offset": 3,
                    "time_ms": 1772323201000,
                    "published": False,
                    "records": [
                        {
                            "index": 0,
                            "kind": "LOCK",
                            "hash": "78e67ad11610284ccdaf04a92085eef2b9fae9d57f7e988137bcc3da3e4a2b8a",
                            "fields": {"code": "144032609110", "number": 1, "standing": STANDING},
                            "proof": "/v1/blocks/12/records/0/proof",
                        }
                    ],
                    "invoices": [
                        {
                            "code": "144032609110",
                            "number": "00000001",
                            "check_code": "a2b8a",
                            "standing": STANDING,
                            "allowed": ["UNLOCK", "REIMBURSE", "CONFIRM_USE", "RED_ISSUE", "FREEZE"],
                            "proof": "/v1/proofs/144032609110/00000001",
                        }
                    ],
                }
            ]
        },
    )

    verdict: str = Field(description="ISSUED, REVERSED or APPLIED; of a duplicate, the first one's.")
    duplicate: bool = Field(description="Whether the ledger had it already: this is the first result.")
    height: int = Field(description="The block with its records.")
    offset: int = Field(description="This input's place in http/0.")
    time_ms: int = Field(description="The time of that block.")
    published: bool = Field(description="Whether a published checkpoint covers it, so that it can be proven.")
    records: list[RecordView]
    invoices: list[InvoiceNow] = Field(description="Blue invoices that it moved or made, as they stand now.")


class Axes(BaseModel):
    """Where an invoice stands, without what only its parties know."""

    model_config = ConfigDict(extra="forbid")

    fiscal: str
    claim: str
    use: str
    frozen: bool


class LockedBy(BaseModel):
    """Who has locked an invoice."""

    model_config = ConfigDict(extra="forbid")

    tax_id: str
    since_ms: int | None = Field(
        description="Since when (block time); null where other records came after the lock and no books are "
        "kept here."
    )


class Place(BaseModel):
    """Where the refusal is recorded."""

    model_config = ConfigDict(extra="forbid")

    height: int
    offset: int


class CommandProblem(ProblemDocument):
    """Why a command was refused, and what is possible instead."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "another has locked it: 91440300MA9FC001XP since 2026-03-01 08:00:01 +08:00",
                    "code": "E_LOCKED_BY_OTHER",
                    "recorded": {"height": 12, "offset": 4},
                    "invoice": "144032609110-00000001",
                    "state": {"fiscal": "ISSUED", "claim": "LOCKED", "use": "NONE", "frozen": False},
                    "allowed": ["UNLOCK", "REIMBURSE", "CONFIRM_USE", "RED_ISSUE", "FREEZE"],
                    "locked_by": {"tax_id": "91440300MA9FC001XP", "since_ms": 1772323201000},
                    "payment": None,
                }
            ]
        },
    )

    recorded: Place | None = Field(default=None, description="Null where it was refused before it was taken.")
    invoice: str | None = Field(default=None, description="Code and number of the invoice in question.")
    state: Axes | None = Field(default=None, description="Where that invoice stands now.")
    allowed: list[str] | None = Field(
        default=None, description="Commands that its standing permits, whoever gives them."
    )
    locked_by: LockedBy | None = None
    payment: PaymentView | None = Field(default=None, description="The payment in question, of a claim.")
