"""The mapping file: which column or JSON path becomes which member of a payment event, and how.

    topic = "payments.parking"
    partitions = 1                  # of the topic; where a line of a spool directory goes

    [input]
    format = "csv"                  # csv, json (an object or an array), jsonl (an object a line)
    encoding = "utf-8-sig"
    delimiter = ","
    strip = "`"                     # characters taken off both ends of a cell
    comment = "#"                   # lines of CSV that begin with it are left out
    end = "Total"                   # a row whose first cell is this ends the table

    [constants]                     # members of `data` as they are
    network = "shenzhen"
    channel = "WECHAT"
    scene = "PARKING"
    seller_tax_id = "91440300MA9FC008XY"

    [fields]                        # member = "column", or a table that says how
    kind = { from = "type", values = { pay = "PAID", back = "REFUNDED" } }
    txn_id = "order"
    gross_fen = { from = "due", unit = "yuan" }
    paid_fen = { from = "paid", unit = "yuan" }
    paid_at = { from = "time", format = "%Y-%m-%d %H:%M:%S", zone = "+08:00" }

    [detail]
    lot = "lot"
    visitors = { from = "people", integer = true }

JSON paths have dots (``amount.total``); a text that is itself JSON may be entered (``attach.lot``). Whole
mapping files lie in ``examples/``.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta, timezone, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from farechain.errors import EXIT_USAGE, FarechainError

MEMBERS = (
    "kind",
    "network",
    "channel",
    "txn_id",
    "refund_id",
    "refund_fen",
    "order_no",
    "scene",
    "gross_fen",
    "paid_fen",
    "invoiceable_fen",
    "paid_at",
    "seller_tax_id",
    "payer",
    "device_seq",
)
AMOUNTS = frozenset({"gross_fen", "paid_fen", "invoiceable_fen", "refund_fen"})
_OFFSET = re.compile(r"([+-])(\d\d):([0-5]\d)")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Conversion(_Strict):
    """How a member is made from a column or path.

    ``unit``: of an amount. ``negative``: the amount is written with a minus sign, which is taken off.
    ``format``: of a time: ``rfc3339``, ``unix``, ``unix_ms``, or what ``strptime`` reads; ``zone``
    (``+08:00`` or ``Asia/Shanghai``) where the format has no offset. ``values``: replaces texts, others are
    rejected.
    """

    source: str = Field(alias="from", min_length=1)
    unit: Literal["fen", "yuan"] = "fen"
    negative: bool = False
    format: str = "rfc3339"
    zone: str | None = None
    values: Mapping[str, str] | None = None
    integer: bool = False

    @model_validator(mode="before")
    @classmethod
    def _column_alone(cls, given: Any) -> Any:
        return {"from": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _has_an_offset(self) -> "Conversion":
        named = self.format in ("rfc3339", "unix", "unix_ms")
        if not named and "%z" not in self.format and self.zone is None:
            raise ValueError(f'the time format {self.format!r} has no offset: add zone = "+08:00"')
        if self.zone is not None:
            zone_of(self.zone)
        return self


class Input(_Strict):
    """How the input is written.

    ``comment``: lines of CSV that begin with it are left out. ``end``: the first cell of the row that ends
    the table, such as the head of the totals under a bill.
    """

    format: Literal["csv", "json", "jsonl"]
    encoding: str = "utf-8-sig"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    strip: str = ""
    comment: str = ""
    end: str = ""


class _File(_Strict):
    topic: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]
    partitions: int = Field(ge=1, le=4096)
    input: Input
    constants: dict[str, str | int] = Field(default_factory=dict)
    fields: dict[str, Conversion]
    detail: dict[str, Conversion] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _members(self) -> "_File":
        for name in (*self.constants, *self.fields):
            if name not in MEMBERS:
                raise ValueError(f"{name!r} is not a member of a payment event")
        both = set(self.constants) & set(self.fields)
        if both:
            raise ValueError(f"{min(both)!r} is a constant and a field")
        for name in ("kind", "network", "channel", "txn_id", "paid_at", "seller_tax_id"):
            if name not in self.constants and name not in self.fields:
                raise ValueError(f"nothing says what {name!r} is")
        return self


@dataclass(frozen=True, slots=True)
class Rules:
    """A mapping file, checked."""

    topic: str
    partitions: int
    input: Input
    constants: Mapping[str, str | int]
    fields: Mapping[str, Conversion]
    detail: Mapping[str, Conversion] = field(default_factory=dict)

    @property
    def sources(self) -> set[str]:
        """The columns or paths that are read."""
        return {one.source for one in (*self.fields.values(), *self.detail.values())}


def zone_of(name: str) -> tzinfo:
    """A zone by offset (``+08:00``) or name (``Asia/Shanghai``). Raises ``ValueError``."""
    offset = _OFFSET.fullmatch(name)
    if offset is None:
        try:
            return ZoneInfo(name)
        except (OSError, KeyError, ValueError) as error:
            raise ValueError(f"{name!r} is neither an offset such as +08:00 nor a known zone") from error
    minutes = int(offset[2]) * 60 + int(offset[3])
    return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))


def read_rules(path: Path) -> Rules:
    """Reads and checks a mapping file.

    Raises:
        FarechainError: ``E_MAPPING``, exit code 2: what is wrong in which entry.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        file = TypeAdapter(_File).validate_python(content)
    except OSError as error:
        raise FarechainError("E_MAPPING", f"{path}: {error.strerror}", EXIT_USAGE) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FarechainError("E_MAPPING", f"{path}: {where or 'file'}: {first['msg']}", EXIT_USAGE) from error
    except ValueError as error:
        raise FarechainError("E_MAPPING", f"{path}: {error}", EXIT_USAGE) from error
    return Rules(
        file.topic,
        file.partitions,
        file.input,
        file.constants,
        file.fields,
        file.detail,
    )
