"""What the bureau and the operators own, as data: scenes, rates, mandates, operators, places. No rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, TypedDict

import orjson

from farechain._core import Rate


class DetailField(TypedDict):
    """A field of a scene's ``detail``."""

    name: str
    type: Literal["TEXT", "INTEGER"]
    required: bool


class SceneRow(TypedDict):
    """A row of the scene table (``SCENE_TABLE``)."""

    code: str
    name: str
    detail: list[DetailField]


RateRow = TypedDict("RateRow", {"scene": str, "tax_code": str, "rate": Rate, "from": str, "to": str | None})
"""A row of the rate table (``RATE_TABLE``); dates are ``YYYY-MM-DD``, both ends inclusive."""


class MandateRow(TypedDict):
    """A row of an issuer's mandate (``MANDATE``)."""

    scene: str
    policy: Literal["AUTO", "ON_CLAIM"]
    stored_value: Literal["AT_RIDE", "AT_TOPUP"]
    tax_code: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Operator:
    """A fictional operator of the generated day.

    ``share`` is its part of the payments that become invoices, ``devices`` its part of 3,000;
    ``mandate`` names the kind in ``mandates.json`` (none: it has given no mandate). ``ON_CLAIM_METRO``'s
    devices are beyond the 3,000, in a day that has trips on claim.
    """

    code: str
    name: str
    tax_id: str
    scene: str
    mandate: str | None
    devices: int
    share: float
    credit_limit_fen: int | None


@dataclass(frozen=True, slots=True)
class Party:
    """A fictional agent, reimburser or auditor of the generated day.

    ``accepts_individuals`` is a reimburser's policy about invoices without a buyer.
    """

    code: str
    name: str
    tax_id: str
    accepts_individuals: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """Names that make the day readable."""

    lines: Mapping[str, Sequence[str]]
    operator_lines: Mapping[str, Sequence[str]]
    bus_routes: Sequence[str]
    bus_stops: Sequence[str]
    coach_ends: Sequence[str]
    airport: str
    parking_lots: Sequence[str]
    parks: Sequence[str]
    tickets: Sequence[str]


@cache
def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads(resources.files(__name__).joinpath(name).read_bytes())
    return loaded


def scene_rows() -> list[SceneRow]:
    """The scene table as the bureau signs it."""
    rows: list[SceneRow] = _load("scenes.json")["rows"]
    return rows


def rate_rows() -> list[RateRow]:
    """The dated rate table as the bureau signs it; ``legal_basis`` in the file says how sure it is."""
    rows: list[RateRow] = _load("rates.json")["rows"]
    return rows


def mandate_rows(kind: str) -> list[MandateRow]:
    """The mandate of a kind of operator. Raises ``KeyError`` for a kind that is not in the file."""
    rows: list[MandateRow] = _load("mandates.json")["kinds"][kind]
    return rows


ON_CLAIM_METRO = "metro-3"
"""The metro operator whose trips wait until somebody claims them."""
PAYMENT_APP, SERVICE_DESK = "app-1", "desk-1"
"""The agent that knows its passengers' payments, and one that operators delegate to."""


def operators() -> list[Operator]:
    """The operators of the generated day, ``ON_CLAIM_METRO`` among them."""
    return [Operator(**row) for row in _load("operators.json")["operators"]]


def agents() -> list[Party]:
    """Who acts for passengers or for operators."""
    return [Party(**row) for row in _load("parties.json")["agents"]]


def reimbursers() -> list[Party]:
    """Companies that reimburse their people."""
    return [Party(**row) for row in _load("parties.json")["reimbursers"]]


def bureau() -> Party:
    """The demonstration's bureau: no office of that name and number is one."""
    return Party(**_load("parties.json")["bureau"])


def auditor() -> Party:
    """Who reads the books."""
    return Party(**_load("parties.json")["auditor"])


def passengers() -> list[str]:
    """Names that passengers give as their title."""
    names: list[str] = _load("parties.json")["passengers"]
    return names


def places() -> Places:
    """Stations, routes, car parks, parks."""
    names = _load("places.json")
    return Places(**{name: value for name, value in names.items() if name != "about"})
