"""The mapping file of a settlement file: which column says what was paid, how much, when, and to whom.

It is written as that of ``farechain adapt`` (``farechain.adapt.mapping``), with these members and no topic:

    kind            PAID, TOPPED_UP, REFUNDED, or NONE for rows in which no money moved
    channel         WECHAT, ALIPAY, UNIONPAY, CARD, CASH
    txn_id          the channel's id of the payment; of a refund, of the payment it is of
    refund_id       refunds only: the channel's own id of the refund
    paid_fen        what was paid; the ledger's `paid_fen`
    refund_fen      refunds only: what was given back
    paid_at         when; a refund's own time
    seller_tax_id   whose money it is: the issuer

A time without an offset is the ledger's local time. ``examples/`` has whole mappings.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from farechain.adapt.mapping import Conversion, Input
from farechain.errors import EXIT_USAGE, FarechainError

MEMBERS = ("kind", "channel", "txn_id", "refund_id", "paid_fen", "refund_fen", "paid_at", "seller_tax_id")
NEEDED = ("kind", "channel", "txn_id", "paid_fen", "paid_at", "seller_tax_id")
SHIPPED = ("plain", "wechat", "alipay")
"""Mappings that come with the package, by name."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    input: Input
    constants: dict[str, str] = Field(default_factory=dict)
    fields: dict[str, Conversion]

    @model_validator(mode="after")
    def _members(self) -> "_File":
        for name in (*self.constants, *self.fields):
            if name not in MEMBERS:
                raise ValueError(f"{name!r} is not a member of a settlement row: {', '.join(MEMBERS)}")
        both = set(self.constants) & set(self.fields)
        if both:
            raise ValueError(f"{min(both)!r} is a constant and a field")
        for name in NEEDED:
            if name not in self.constants and name not in self.fields:
                raise ValueError(f"nothing says what {name!r} is")
        return self


@dataclass(frozen=True, slots=True)
class SettlementRules:
    """A mapping, checked."""

    input: Input
    constants: Mapping[str, str]
    fields: Mapping[str, Conversion]

    @property
    def sources(self) -> set[str]:
        """The columns or paths that are read."""
        return {one.source for one in self.fields.values()}

    def tells(self, *kinds: str) -> bool:
        """Whether its rows can be of one of these kinds; a list of payments says nothing of refunds."""
        how = self.fields.get("kind")
        if how is None:
            return self.constants["kind"] in kinds
        return how.values is None or any(kind in how.values.values() for kind in kinds)


def read_settlement_rules(name: str, utc_offset_min: int) -> SettlementRules:
    """Reads and checks a mapping: one of ``SHIPPED``, or a file.

    Args:
        utc_offset_min: the ledger's, for times that are written without an offset.

    Raises:
        FarechainError: ``E_MAPPING``, exit code 2: what is wrong in which entry.
    """
    place: Path | Traversable = Path(name)
    if name in SHIPPED:
        place = resources.files("farechain.settlement") / "examples" / f"{name}.toml"
    try:
        content = tomllib.loads(place.read_text(encoding="utf-8"))
        _local_by_default(content, utc_offset_min)
        file = TypeAdapter(_File).validate_python(content)
    except OSError as error:
        known = f"; mappings by name are {', '.join(SHIPPED)}"
        raise FarechainError("E_MAPPING", f"{name}: {error.strerror}{known}", EXIT_USAGE) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FarechainError("E_MAPPING", f"{name}: {where or 'file'}: {first['msg']}", EXIT_USAGE) from error
    except ValueError as error:
        raise FarechainError("E_MAPPING", f"{name}: {error}", EXIT_USAGE) from error
    return SettlementRules(file.input, file.constants, file.fields)


def _local_by_default(content: dict[str, Any], utc_offset_min: int) -> None:
    fields = content.get("fields")
    time = fields.get("paid_at") if isinstance(fields, dict) else None
    if isinstance(time, dict) and "%z" not in str(time.get("format", "%z")):
        hours, minutes = divmod(abs(utc_offset_min), 60)
        time.setdefault("zone", f"{'-' if utc_offset_min < 0 else '+'}{hours:02d}:{minutes:02d}")
