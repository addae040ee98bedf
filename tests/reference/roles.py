"""Who may give which command: step 6, before anything else is looked at (docs/format.md, section 3)."""

from . import command_invoice as invoices
from .command import ROLES, Command
from .errors import require
from .state import Key, State

BUREAU, ISSUER, DEVICE, AGENT = (ROLES[name] for name in ("BUREAU", "ISSUER", "DEVICE", "AGENT"))
HOLDER, REIMBURSER = ROLES["HOLDER"], ROLES["REIMBURSER"]

(ADMIT_ISSUER, REGISTER_KEY, ROTATE_KEY, RETIRE_KEY, SCENE_TABLE) = range(16, 21)
(RATE_TABLE, MANDATE, GRANT_NUMBERS, CLOSE_GRANT, REVOKE_KEY, ADMIT) = range(21, 27)
(DELEGATE, REIMBURSER_POLICY, APPLY_NUMBERS, REFUSE_NUMBERS, DECLARE, ACKNOWLEDGE) = range(27, 33)
ATTEST = 33

ANYBODY = tuple(ROLES.values())
SIDES = (ISSUER, AGENT, REIMBURSER)
ALLOWED: dict[int, tuple[int, ...]] = {
    **dict.fromkeys((ADMIT_ISSUER, SCENE_TABLE, RATE_TABLE, GRANT_NUMBERS, CLOSE_GRANT), (BUREAU,)),
    **dict.fromkeys((REFUSE_NUMBERS, ACKNOWLEDGE, invoices.FREEZE, invoices.UNFREEZE), (BUREAU,)),
    **dict.fromkeys((MANDATE, DELEGATE, APPLY_NUMBERS, DECLARE), (ISSUER,)),
    **dict.fromkeys((REIMBURSER_POLICY, invoices.LOCK, invoices.REIMBURSE), (REIMBURSER,)),
    **dict.fromkeys((invoices.CONFIRM_USE, invoices.POST, invoices.UNPOST), (REIMBURSER,)),
    **dict.fromkeys((invoices.CLAIM, invoices.RETITLE, invoices.BIND, invoices.RED_ISSUE), (ISSUER, AGENT)),
    invoices.TRANSFER: (HOLDER, AGENT),
    invoices.UNLOCK: (REIMBURSER, BUREAU),
    **dict.fromkeys((invoices.RED_REQUEST, invoices.RED_CONFIRM), SIDES),
    **dict.fromkeys((invoices.RED_REFUSE, invoices.RED_WITHDRAW), SIDES),
    invoices.RED_EXPIRE: ANYBODY,
    ROTATE_KEY: ANYBODY,
    ATTEST: (BUREAU, ISSUER, AGENT, REIMBURSER),
}


def check(state: State, event: Command, key: Key) -> None:
    """Refuses a command that the signer may not give."""
    if event.kind == invoices.BATCH:
        for kind, *_ in event.fields[0]:
            require(key.role in ALLOWED[kind], "E_ROLE")
    elif event.kind == REGISTER_KEY:
        role, tax_id = event.fields[1:3]
        own = (key.role, role) in ((ISSUER, DEVICE), (AGENT, HOLDER)) and tax_id == key.tax_id
        require(key.role == BUREAU or own, "E_ROLE")
    elif event.kind in (RETIRE_KEY, REVOKE_KEY):
        of = named(state, event)
        require(key.role == BUREAU or (key.role == ISSUER and of.tax_id == key.tax_id), "E_ROLE")
    elif event.kind == ADMIT:
        of = named(state, event)
        require(key.role == ISSUER and (of.role, of.tax_id) == (DEVICE, key.tax_id), "E_ROLE")
    else:
        require(key.role in ALLOWED[event.kind], "E_ROLE")


def named(state: State, event: Command) -> Key:
    require(event.fields[0] in state.keys, "E_KEY_UNKNOWN")
    return state.keys[event.fields[0]]
