"""A command to its records: one order, or a batch's one after the other (docs/format.md, section 3)."""

import copy

from . import cbor, decide_claim, decide_invoice, decide_red, decide_registry, records, verdicts
from .command import Command
from .command_invoice import BATCH, CLAIM, RED_CONFIRM, RED_ISSUE, RETITLE
from .digests import identity
from .errors import Rejected
from .inputs import kid_of
from .order import Order, identities_of
from .records import Entry
from .state import Key, State

VERDICTS = {
    CLAIM: verdicts.ISSUED,
    RETITLE: verdicts.ISSUED,
    RED_ISSUE: verdicts.REVERSED,
    RED_CONFIRM: verdicts.REVERSED,
}


def occupied(event: Command, key: Key) -> bytes:
    """The identity that a command occupies: its own under its signer's tax id."""
    return identity(b"SIGNER", (key.tax_id or "").encode(), event.identity)


def apply(state: State, event: Command, key: Key, height: int, block_time: int) -> tuple[int, list[Entry]]:
    """Changes the state as a command says: its verdict and its records."""
    identities = identities_of(occupied(event, key))
    if event.kind != BATCH:
        order = Order(event.kind, event.fields, event.canonical, key, height, block_time, identities)
        return VERDICTS.get(event.kind, verdicts.APPLIED), one(state, order)
    saved = copy.deepcopy(state)
    own = records.command(BATCH, kid_of(key.public_key), next(identities), event.leaf)
    entries = [Entry(own, event.canonical)]
    try:
        for kind, *fields in event.fields[0]:
            canonical = cbor.encode([1, kind, event.command_id, *fields])
            entries += one(state, Order(kind, fields, canonical, key, height, block_time, identities))
    except Rejected:
        vars(state).update(vars(saved))
        raise
    return verdicts.APPLIED, entries


def one(state: State, order: Order) -> list[Entry]:
    """Decides one order."""
    if order.kind in decide_registry.BY_KIND:
        decide_registry.BY_KIND[order.kind](state, order)
        record = records.command(order.kind, order.kid, next(order.identities), order.root)
        return [Entry(record, order.canonical)]
    if order.kind == CLAIM:
        return [decide_claim.claim(state, order)]
    if order.kind == RETITLE:
        return decide_claim.retitle(state, order)
    if order.kind in decide_red.BY_KIND:
        return [decide_red.apply(state, order)]
    return [decide_invoice.change(state, order)]
