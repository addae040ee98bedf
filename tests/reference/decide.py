"""One input to its outcome: the eight steps of docs/format.md, section 3, in order."""

from dataclasses import dataclass

from . import decide_command, decide_payment, decide_refund, ed25519, roles
from .command import Command
from .errors import Rejected, require
from .event import Payment, decode
from .inputs import PAYLOAD_TYPE, Input, pae
from .records import Entry
from .state import Key, Place, State
from .verdicts import DUPLICATE, ISSUED, RECORDED, REJECTED

VALUE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict; its records with their annexes; a rejection's code; a duplicate's first place."""

    verdict: int
    entries: tuple[Entry, ...] = ()
    code: str | None = None
    first: Place | None = None


def decide(state: State, item: Input, height: int, index: int, block_time: int) -> Decision:
    """Decides an input of a source. ``index`` is where the block's next record would stand."""
    try:
        key, event = admit(state, item, height)
        occupied = event.identity
        if isinstance(event, Command):
            occupied = decide_command.occupied(event, key)
        if occupied in state.occupied:
            leaf, first = state.occupied[occupied]
            require(leaf == event.leaf, "E_STATE" if isinstance(event, Command) else "E_PAYMENT_CONFLICT")
            return Decision(DUPLICATE, first=first)
        if isinstance(event, Command):
            verdict, entries = decide_command.apply(state, event, key, height, block_time)
        elif event.kind == 2:
            verdict, entry = decide_refund.apply(state, event, block_time)
            entries = [entry]
        else:
            issued, entry = decide_payment.apply(state, event, item.timestamp_ms, block_time)
            verdict, entries = ISSUED if issued else RECORDED, [entry]
    except Rejected as refusal:
        return Decision(REJECTED, code=refusal.code)
    state.occupied[occupied] = (event.leaf, (height, index))
    return Decision(verdict, tuple(entries))


def admit(state: State, item: Input, height: int) -> tuple[Key, Payment | Command]:
    """Steps 1 to 6: the signing key and what it says."""
    require(item.value is None or len(item.value) <= VALUE_BYTES_MAX, "E_SIZE")
    kid, signature = item.kid, item.signature
    if kid is None or signature is None:
        raise Rejected("E_SIGNATURE")
    if item.value is None:
        raise Rejected("E_SCHEMA")
    key = state.keys.get(kid)
    if key is None:
        raise Rejected("E_KEY_UNKNOWN")
    require(ed25519.verify(key.public_key, pae(PAYLOAD_TYPE, item.value), signature), "E_SIGNATURE")
    require(key.valid_at(height) or is_admitted(key, item.value), "E_KEY_EXPIRED")
    event = decode(item.value)
    require(event.network == state.network, "E_CHAIN")
    if isinstance(event, Command):
        roles.check(state, event, key)
    else:
        require(key.role == roles.DEVICE and key.tax_id == event.seller, "E_ROLE")
        require(event.kind == 2 or event.scene in key.scenes, "E_ROLE")
    return key, event


def is_admitted(key: Key, value: bytes) -> bool:
    """Whether a retired key's issuer admits what it says: a payment, top-up or refund of its time."""
    if not key.retired or key.admitted_until is None:
        return False
    try:
        event = decode(value)
    except Rejected:
        return False
    return isinstance(event, Payment) and event.paid_at <= key.admitted_until
