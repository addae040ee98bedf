"""What the registry shows: organisations, books and counts. No person, no payment, no invoice's amount."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


def _example(**members: Any) -> ConfigDict:
    """FastAPI leaves nulls out of what it describes, so an example has none."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [members]})


class Page(BaseModel, Generic[Item]):
    """A page of a list."""

    model_config = ConfigDict(extra="forbid")

    height: int = Field(description="The block that this was read at; it may be a moment old.")
    items: list[Item]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class MandateRow(BaseModel):
    """What an issuer lets the ledger issue for it."""

    model_config = ConfigDict(extra="forbid")

    scene: str
    policy: str = Field(description="AUTO or ON_CLAIM.")
    stored_value: str = Field(description="AT_RIDE or AT_TOPUP.")
    tax_code: str
    rate: int | str = Field(description="Basis points, EXEMPT or NONTAXABLE.")


class Month(BaseModel):
    """A month of an issuer's books, fen."""

    model_config = ConfigDict(extra="forbid")

    period: str = Field(description="YYYY-MM.")
    invoiced_fen: int
    uninvoiced_fen: int
    red_fen: int
    to_declare: list[int] = Field(description="What DECLARE must say: invoiced, uninvoiced, red.")
    declared: list[int] | None = Field(description="What was declared; null before.")
    acknowledged: bool | None = Field(description="Whether the bureau has acknowledged it.")


class IssuerView(BaseModel):
    """An issuer with its books."""

    model_config = _example(
        tax_id="91440300708461136T",
        name="metro",
        credit_limit_fen=100_000_000,
        issued_fen=665,
        applied_for=1000,
        waiting=0,
        mandate=[],
        months=[
            {
                "period": "2026-03",
                "invoiced_fen": 665,
                "uninvoiced_fen": 0,
                "red_fen": 0,
                "to_declare": [665, 0, 0],
                "declared": [665, 0, 0],
                "acknowledged": False,
            }
        ],
    )

    tax_id: str
    name: str
    credit_limit_fen: int | None = Field(description="Of a month; null: none.")
    issued_fen: int = Field(description="Issued in the present month.")
    applied_for: int | None = Field(description="Numbers that it has applied for.")
    waiting: int = Field(description="Payments and refunds that wait for numbers or credit.")
    mandate: list[MandateRow]
    months: list[Month]


class GrantView(BaseModel):
    """A range of numbers, and when it runs dry."""

    model_config = _example(
        code="144032609110",
        **{"from": 1, "to": 1000},
        tax_id="91440300708461136T",
        closed=False,
        left=999,
        used_24h=1,
        dry_at_ms=1858636800000,
    )

    code: str
    from_: int = Field(alias="from")
    to: int
    tax_id: str | None = Field(description="Whose it is; null: anyone's.")
    closed: bool
    left: int = Field(description="Numbers that are left; those of a closed grant are never used.")
    used_24h: int = Field(description="Numbers used in the last 24 hours.")
    dry_at_ms: int | None = Field(
        description="When it runs dry if it goes on like that; null where it does not, or is closed."
    )


class RequestView(BaseModel):
    """A red letter that one side has asked for and the other has not answered."""

    model_config = _example(
        code="144032609110",
        number="00000001",
        side="SELLER",
        reason="SALES_RETURN",
        asked="ALL",
        of=0,
        since_ms=1772323200000,
        lapses_at_ms=1772582400000,
    )

    code: str
    number: str
    side: str = Field(description="Who asked: SELLER or REIMBURSER.")
    reason: str
    asked: str = Field(description="ALL, PAYMENTS or OWED.")
    of: int = Field(description="How many payments or refunds it names.")
    since_ms: int
    lapses_at_ms: int = Field(description="From then on RED_EXPIRE may end it.")


class OwedView(BaseModel):
    """A refund whose red letter is owed."""

    model_config = _example(code="144032609110", number="00000001", since_ms=1772323200000, age_ms=86400000)

    code: str
    number: str
    since_ms: int
    age_ms: int


class Ages(BaseModel):
    """Owed reversals by age."""

    model_config = ConfigDict(extra="forbid")

    under_3_days: int
    under_30_days: int = Field(description="From 3 days on.")
    older: int
    fen: int = Field(description="All of them together.")


class OwedPage(Page[OwedView]):
    """A page of owed reversals, the oldest first, with the ages of all."""

    ages: Ages


class DelegationView(BaseModel):
    """An agent that acts for an issuer."""

    model_config = _example(
        seller="91440300708461136T", agent="91440300MA9FC001XP", scenes=["METRO"], to_height=5000
    )

    seller: str
    agent: str
    scenes: list[str]
    to_height: int | None = Field(description="Where it ends; null: open.")
