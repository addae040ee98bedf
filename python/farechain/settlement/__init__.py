"""A payment channel's or an operator's settlement file against the ledger: what one has and the other lacks.

Offsets prove that no event was lost on its way. An event that was never produced has no offset: only who
moved the money can tell of it.
"""

from farechain.settlement.compare import reconcile_settlement
from farechain.settlement.mapping import SHIPPED, SettlementRules, read_settlement_rules
from farechain.settlement.result import Difference, Reconciled, Scope, Tally

__all__ = [
    "SHIPPED",
    "Difference",
    "Reconciled",
    "Scope",
    "SettlementRules",
    "Tally",
    "read_settlement_rules",
    "reconcile_settlement",
]
