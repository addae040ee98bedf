"""Whose an invoice is, and for whom a caller acts: what ``access.matrix`` is asked about."""

from collections.abc import Collection
from typing import Any

from farechain._core import Ledger
from farechain.access.roles import Role, Verb
from farechain.access.tokens import Caller
from farechain.api.registry_view import RegistryView

SUCCESSORS_MAX = 64
"""Rotations of a holder's key that are followed."""


async def acting_for(registry: RegistryView, caller: Caller) -> frozenset[str]:
    """The parties whose delegation to an agent is open now; none for other roles."""
    if caller.role is not Role.AGENT:
        return frozenset()
    now = await registry.fresh()  # a delegation that ended opens nothing
    return frozenset(
        each["seller"]
        for each in now.registry["delegations"]
        if each["agent"] == caller.party
        and each["scenes"]
        and (each["to_height"] is None or now.height < each["to_height"])
    )


def reads(ledger: Ledger, found: dict[str, Any], caller: Caller, acting_for: Collection[str]) -> bool:
    """Whether a caller may read what stands on an invoice (``Ledger.invoice``). Blocks."""
    return any(caller.may(Verb.READ_INVOICE_FIELDS, party, acting_for) for party in _parties(ledger, found))


def _parties(ledger: Ledger, found: dict[str, Any]) -> list[str | None]:
    """Seller, buyer, holder (and the keys that replaced its own), locker; of a red letter its original's."""
    fields, standing = found["fields"], found["standing"]
    parties = [fields["seller"], fields.get("buyer_tax_id")]
    if standing is not None:
        parties += [standing["locker"], *_successors(ledger, standing["holder"])]
    if fields.get("original_code"):
        original = ledger.invoice(fields["original_code"], fields["original_number"])
        if original is not None:
            parties += _parties(ledger, original)
    return parties


def _successors(ledger: Ledger, holder: bytes | None) -> list[str]:
    kids: list[str] = []
    while holder is not None and len(kids) < SUCCESSORS_MAX:
        kids.append(holder.hex())
        key = ledger.key(kids[-1])
        holder = key["successor"] if key else None
    return kids
