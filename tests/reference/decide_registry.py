"""Tables, mandates, numbers, delegations, policies and declarations (docs/format.md, section 3)."""

from collections.abc import Callable

from . import decide_keys, roles, totals
from .command import ROLES
from .errors import Rejected, require
from .order import Order
from .state import Delegation, Grant, Issuer, State


def admit_issuer(state: State, order: Order) -> None:
    tax_id, _, limit = order.fields
    state.issuers.setdefault(tax_id, Issuer(None)).limit = limit


def scene_table(state: State, order: Order) -> None:
    state.scenes = {
        code: {name: (type_, required) for name, type_, required in detail}
        for code, _, detail in order.fields[0]
    }


def rate_table(state: State, order: Order) -> None:
    state.rates = [tuple(row) for row in order.fields[0]]


def mandate(state: State, order: Order) -> None:
    rows, known = order.fields[0], {row[:3] for row in state.rates}
    for scene, _, _, tax_code, rate in rows:
        require((scene, tax_code, rate) in known, "E_RATE_NOT_ALLOWED")
    state.mandates[own(order)] = {
        scene: (policy, stored, tax_code, rate) for scene, policy, stored, tax_code, rate in rows
    }


def own(order: Order) -> str:
    """The signer's tax id."""
    assert order.key.tax_id is not None
    return order.key.tax_id


def grant_numbers(state: State, order: Order) -> None:
    code, first, last, tax_id = order.fields
    require(of_region(code, state.regions), "E_CODE_REGION")
    overlaps = any(g.code == code and first <= g.last and g.first <= last for g in state.grants)
    require(not overlaps, "E_NUMBER_REUSED")
    require(tax_id is None or tax_id in state.issuers, "E_ROLE")
    state.grants.append(Grant(code, first, last, tax_id, first))
    state.applications.pop(tax_id, None)


def of_region(code: str, regions: list[str]) -> bool:
    """A code of twelve names its region in digits 2 to 5, an all-digital one its first half in 3 and 4."""
    if code.startswith("1"):
        return code[1:5] in regions
    return any(region.startswith(code[2:4]) for region in regions)


def close_grant(state: State, order: Order) -> None:
    code, first = order.fields
    for candidate in state.grants:
        if candidate.code == code and candidate.first == first and not candidate.closed:
            candidate.closed = True
            return
    raise Rejected("E_STATE")


def delegate(state: State, order: Order) -> None:
    agent, scenes, to_height = order.fields
    agents = {key.tax_id for key in state.keys.values() if key.role == ROLES["AGENT"]}
    require(agent in agents, "E_ROLE")
    state.delegations[own(order), agent] = Delegation(set(scenes), to_height)


def reimburser_policy(state: State, order: Order) -> None:
    state.accepts_individuals[own(order)] = order.fields[0]


def apply_numbers(state: State, order: Order) -> None:
    require(own(order) not in state.applications, "E_STATE")
    state.applications[own(order)] = order.fields[0]


def refuse_numbers(state: State, order: Order) -> None:
    require(order.fields[0] in state.applications, "E_STATE")
    del state.applications[order.fields[0]]


def declare(state: State, order: Order) -> None:
    totals.declare(state, own(order), order.fields, order.block_time)


def acknowledge(state: State, order: Order) -> None:
    totals.acknowledge(state, *order.fields)


def attest(_state: State, _order: Order) -> None:
    """Its record is all that it does."""


BY_KIND: dict[int, Callable[[State, Order], None]] = {
    roles.ADMIT_ISSUER: admit_issuer,
    roles.REGISTER_KEY: decide_keys.register,
    roles.ROTATE_KEY: decide_keys.rotate,
    roles.RETIRE_KEY: decide_keys.retire,
    roles.SCENE_TABLE: scene_table,
    roles.RATE_TABLE: rate_table,
    roles.MANDATE: mandate,
    roles.GRANT_NUMBERS: grant_numbers,
    roles.CLOSE_GRANT: close_grant,
    roles.REVOKE_KEY: decide_keys.revoke,
    roles.ADMIT: decide_keys.admit,
    roles.DELEGATE: delegate,
    roles.REIMBURSER_POLICY: reimburser_policy,
    roles.APPLY_NUMBERS: apply_numbers,
    roles.REFUSE_NUMBERS: refuse_numbers,
    roles.DECLARE: declare,
    roles.ACKNOWLEDGE: acknowledge,
    roles.ATTEST: attest,
}
