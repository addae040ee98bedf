"""Commands: who may give them and what they change (docs/format.md, section 3)."""

from . import ed25519, records
from .command import ROLES, Command
from .digests import identity
from .errors import Rejected, require
from .inputs import ROTATE_TYPE, kid_of, pae
from .state import Grant, Issuer, Key, State

(ADMIT_ISSUER, REGISTER_KEY, ROTATE_KEY, RETIRE_KEY, SCENE_TABLE) = range(16, 21)
(RATE_TABLE, MANDATE, GRANT_NUMBERS, CLOSE_GRANT) = range(21, 25)
BUREAU, ISSUER, DEVICE = ROLES["BUREAU"], ROLES["ISSUER"], ROLES["DEVICE"]
NEED_NO_ISSUER = (ROLES["AUDITOR"], ROLES["HOLDER"], ROLES["REIMBURSER"])


def check_role(state: State, event: Command, key: Key) -> None:
    """Step 6 for commands."""
    if event.kind == ROTATE_KEY or (event.kind != MANDATE and key.role == BUREAU):
        return
    if event.kind == RETIRE_KEY:
        require(event.fields[0] in state.keys, "E_KEY_UNKNOWN")
        require(key.role == ISSUER and state.keys[event.fields[0]].tax_id == key.tax_id, "E_ROLE")
    elif event.kind == REGISTER_KEY:
        own_device = event.fields[1] == DEVICE and event.fields[2] == key.tax_id
        require(key.role == ISSUER and own_device, "E_ROLE")
    else:
        require(key.role == ISSUER and event.kind == MANDATE, "E_ROLE")


def apply(state: State, event: Command, key: Key, height: int) -> bytes:
    """Changes the state as a command says, and gives its record."""
    fields = event.fields
    if event.kind == ADMIT_ISSUER:
        state.issuers.setdefault(fields[0], Issuer(None)).limit = fields[2]
    elif event.kind == REGISTER_KEY:
        register(state, Key(fields[0], fields[1], fields[2], tuple(fields[3]), fields[4], fields[5]))
    elif event.kind == ROTATE_KEY:
        rotate(state, key, fields[0], fields[1], height)
    elif event.kind == RETIRE_KEY:
        retire(state, fields[0])
    elif event.kind == SCENE_TABLE:
        state.scenes = {
            code: {name: (type_, required) for name, type_, required in detail}
            for code, _, detail in fields[0]
        }
    elif event.kind == RATE_TABLE:
        state.rates = [tuple(row) for row in fields[0]]
    elif event.kind == MANDATE:
        set_mandate(state, key, fields[0])
    elif event.kind == GRANT_NUMBERS:
        grant(state, *fields)
    else:
        close(state, *fields)
    return records.command(event.kind, kid_of(key.public_key), occupied(event, key), event.leaf)


def occupied(event: Command, key: Key) -> bytes:
    """The identity that a command occupies: its own under its signer's tax id."""
    return identity(b"SIGNER", (key.tax_id or "").encode(), event.identity)


def register(state: State, new: Key) -> None:
    require(new.role in NEED_NO_ISSUER or new.tax_id in state.issuers, "E_ROLE")
    check_new(state, new.public_key)
    state.keys[kid_of(new.public_key)] = new


def check_new(state: State, public_key: bytes) -> None:
    try:
        ed25519.admit_key(public_key)
    except ValueError as refusal:
        raise Rejected("E_SIGNATURE") from refusal
    require(kid_of(public_key) not in state.keys, "E_STATE")


def retire(state: State, kid: bytes) -> None:
    require(kid in state.keys, "E_KEY_UNKNOWN")
    require(not state.keys[kid].retired, "E_STATE")
    state.keys[kid].retired = True


def rotate(state: State, old: Key, public_key: bytes, proof: bytes, height: int) -> None:
    """The proof is the new key's consent."""
    check_new(state, public_key)
    statement = pae(ROTATE_TYPE, kid_of(old.public_key) + public_key)
    require(ed25519.verify(public_key, statement, proof), "E_SIGNATURE")
    new = Key(public_key, old.role, old.tax_id, old.scenes, height, old.to_height)
    state.keys[kid_of(public_key)] = new
    old.retired = True


def set_mandate(state: State, key: Key, rows: list[tuple[str, int, int, str, int]]) -> None:
    known = {row[:3] for row in state.rates}
    for scene, _, _, tax_code, rate in rows:
        require((scene, tax_code, rate) in known, "E_RATE_NOT_ALLOWED")
    assert key.tax_id is not None
    state.mandates[key.tax_id] = {
        scene: (policy, stored, tax_code, rate) for scene, policy, stored, tax_code, rate in rows
    }


def grant(state: State, code: str, first: int, last: int, tax_id: str | None) -> None:
    require(code[1:5] in state.regions, "E_CODE_REGION")
    overlaps = any(g.code == code and first <= g.last and g.first <= last for g in state.grants)
    require(not overlaps, "E_NUMBER_REUSED")
    require(tax_id is None or tax_id in state.issuers, "E_ROLE")
    state.grants.append(Grant(code, first, last, tax_id, first))


def close(state: State, code: str, first: int) -> None:
    for candidate in state.grants:
        if candidate.code == code and candidate.first == first and not candidate.closed:
            candidate.closed = True
            return
    raise Rejected("E_STATE")
