"""Keys begin, rotate, retire, are revoked, and are admitted after their time (docs/format.md, section 3)."""

from . import ed25519
from .command import ROLES
from .errors import Rejected, require
from .inputs import ROTATE_TYPE, kid_of, pae
from .order import Order
from .state import Key, State

NEED_NO_ISSUER = (ROLES["AUDITOR"], ROLES["HOLDER"], ROLES["REIMBURSER"])


def register(state: State, order: Order) -> None:
    public_key, role, tax_id, scenes, from_height, to_height = order.fields
    require(role in NEED_NO_ISSUER or tax_id in state.issuers, "E_ROLE")
    check_new(state, public_key)
    state.keys[kid_of(public_key)] = Key(public_key, role, tax_id, tuple(scenes), from_height, to_height)


def check_new(state: State, public_key: bytes) -> None:
    try:
        ed25519.admit_key(public_key)
    except ValueError as refusal:
        raise Rejected("E_SIGNATURE") from refusal
    require(kid_of(public_key) not in state.keys, "E_STATE")


def rotate(state: State, order: Order) -> None:
    """The proof is the new key's consent."""
    public_key, proof = order.fields
    old = order.key
    check_new(state, public_key)
    require(ed25519.verify(public_key, pae(ROTATE_TYPE, order.kid + public_key), proof), "E_SIGNATURE")
    new = Key(public_key, old.role, old.tax_id, old.scenes, order.height, old.to_height)
    state.keys[kid_of(public_key)] = new
    old.retired_at, old.successor = order.block_time, kid_of(public_key)


def retire(state: State, order: Order) -> None:
    key = state.keys[order.fields[0]]
    require(not key.retired, "E_STATE")
    key.retired_at = order.block_time


def revoke(state: State, order: Order) -> None:
    """It is retired as well, where it was not."""
    key = state.keys[order.fields[0]]
    require(not key.revoked, "E_STATE")
    key.revoked, key.admitted_until = True, None
    if not key.retired:
        key.retired_at = order.block_time


def admit(state: State, order: Order) -> None:
    kid, until = order.fields
    key = state.keys[kid]
    require(key.retired_at is not None and not key.revoked, "E_STATE")
    assert key.retired_at is not None
    require(until <= key.retired_at, "E_STATE")
    key.admitted_until = until
