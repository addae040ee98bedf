"""The table: which role may do what, and to whose things. What is not in it is refused."""

from collections.abc import Collection, Iterable, Mapping
from enum import Enum

from farechain.access.roles import Role, Verb


class Whose(Enum):
    """Whose things a verb may concern.

    The party that a verb concerns is, for reading an invoice or its trips: each of seller, buyer, holder and
    locker in turn; for ``lock`` to ``unpost`` the reimburser in whose name it is done; for ``transfer`` the
    holder; for ``retitle`` the seller, or the tax id that the holder's key belongs to; for other changes of
    an invoice the seller (for red letters also buyer or locker); for keys the key's tax id; else the
    signer's.
    """

    ANY = "anybody's"
    OWN = "the caller's own"
    DELEGATED = "the caller's own, and those of parties that let it act for them"


ANY, OWN, DELEGATED = Whose.ANY, Whose.OWN, Whose.DELEGATED


def _may(whose: Whose, verbs: Iterable[Verb]) -> dict[Verb, Whose]:
    return dict.fromkeys(verbs, whose)


_PUBLIC = _may(ANY, (Verb.READ_STATUS, Verb.READ_INVOICE_PUBLIC, Verb.READ_COMPLETENESS))
_READS_ALL = _PUBLIC | _may(
    ANY,
    (
        Verb.READ_INVOICE_FIELDS,
        Verb.READ_TRIPS,
        Verb.READ_DEAD_LETTERS_OWN,
        Verb.READ_DEAD_LETTERS_ALL,
    ),
)
_OWN_KEY = _may(OWN, (Verb.ROTATE_KEY,))
_INVOICES = (Verb.READ_INVOICE_FIELDS, Verb.READ_TRIPS)
_BOTH_SIDES = (Verb.RED_REQUEST, Verb.RED_CONFIRM, Verb.RED_REFUSE, Verb.RED_WITHDRAW)
_ATTEST = _may(OWN, (Verb.ATTEST,))
_LAPSED = _may(ANY, (Verb.RED_EXPIRE,))
"""Anyone may note that a request lapsed; the ledger knows whether it did."""

TABLE: Mapping[Role, Mapping[Verb, Whose]] = {
    Role.ANONYMOUS: _PUBLIC,
    Role.DEVICE: _PUBLIC | _OWN_KEY,
    Role.AUDITOR: _READS_ALL | _OWN_KEY,
    Role.BUREAU: _READS_ALL
    | _OWN_KEY
    | _LAPSED
    | _ATTEST
    | _may(
        ANY,
        (
            Verb.READ_PRIVATE,
            Verb.UNLOCK,
            Verb.FREEZE,
            Verb.UNFREEZE,
            Verb.GRANT_NUMBERS,
            Verb.REFUSE_NUMBERS,
            Verb.CLOSE_GRANT,
            Verb.ADMIT_ISSUER,
            Verb.REGISTER_KEY,
            Verb.RETIRE_KEY,
            Verb.REVOKE_KEY,
            Verb.SCENE_TABLE,
            Verb.RATE_TABLE,
            Verb.ACKNOWLEDGE,
        ),
    ),
    Role.ISSUER: _PUBLIC
    | _OWN_KEY
    | _LAPSED
    | _ATTEST
    | _may(
        OWN,
        (
            *_INVOICES,
            *_BOTH_SIDES,
            Verb.READ_DEAD_LETTERS_OWN,
            Verb.CLAIM,
            Verb.RETITLE,
            Verb.BIND,
            Verb.RED_ISSUE,
            Verb.APPLY_NUMBERS,
            Verb.REGISTER_KEY,
            Verb.RETIRE_KEY,
            Verb.REVOKE_KEY,
            Verb.ADMIT,
            Verb.DELEGATE,
            Verb.MANDATE,
            Verb.DECLARE,
        ),
    ),
    Role.AGENT: _PUBLIC
    | _OWN_KEY
    | _LAPSED
    | _ATTEST
    # Of a payer who is the agent's customer no delegation speaks: the ledger wants the payer's opening.
    | _may(ANY, (Verb.CLAIM, Verb.BIND))
    | _may(
        DELEGATED,
        (*_INVOICES, *_BOTH_SIDES, Verb.READ_DEAD_LETTERS_OWN, Verb.RETITLE, Verb.RED_ISSUE),
    )
    # Holders' keys of its customers are registered under its own tax id.
    | _may(OWN, (Verb.TRANSFER, Verb.REGISTER_KEY, Verb.KEEP_TRIPS)),
    Role.HOLDER: _PUBLIC | _OWN_KEY | _LAPSED | _may(OWN, (*_INVOICES, Verb.TRANSFER)),
    Role.REIMBURSER: _PUBLIC
    | _OWN_KEY
    | _LAPSED
    | _ATTEST
    | _may(
        OWN,
        (
            *_INVOICES,
            *_BOTH_SIDES,
            Verb.LOCK,
            Verb.UNLOCK,
            Verb.REIMBURSE,
            Verb.CONFIRM_USE,
            Verb.POST,
            Verb.UNPOST,
            Verb.REIMBURSER_POLICY,
        ),
    ),
}


def permits(
    role: Role,
    verb: Verb,
    caller: str | None,
    subject_party: str | None,
    acting_for: Collection[str] = (),
) -> bool:
    """Whether a caller may do it to a party's things.

    Args:
        caller: the caller's party, a tax id or (HOLDER) a key id; None for the anonymous.
        subject_party: whose thing it is (see ``Whose``); None where it is nobody's in particular.
        acting_for: the parties whose delegation to the caller is open now, as the ledger says.
    """
    whose = TABLE.get(role, {}).get(verb)
    if whose is None or whose is Whose.ANY:
        return whose is not None
    if caller is None or subject_party is None:
        return False
    return caller == subject_party or (whose is Whose.DELEGATED and subject_party in acting_for)
