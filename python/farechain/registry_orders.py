"""The orders about organisations, keys, tables, numbers and months as plain data: see ``farechain.orders``.

One function a row of the table in ``docs/format.md``, section 2. The decoder checks every member.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from farechain.orders import Order

Role = Literal["ISSUER", "DEVICE", "AGENT", "HOLDER", "REIMBURSER", "AUDITOR"]
Rows = Sequence[Mapping[str, Any]]


def admit_issuer(tax_id: str, name: str, credit_limit_fen: int | None = None) -> Order:
    """BUREAU: admits an issuer, or replaces its name and monthly limit."""
    return {"kind": "ADMIT_ISSUER", "tax_id": tax_id, "name": name, "credit_limit_fen": credit_limit_fen}


def register_key(
    public_key: str,
    role: str,
    tax_id: str,
    scenes: Sequence[str] = (),
    *,
    from_height: int = 0,
    to_height: int | None = None,
) -> Order:
    """BUREAU; ISSUER for its devices; AGENT for its holders.

    Args:
        public_key: 64 hex digits.
        scenes: of a DEVICE alone.
    """
    members = {"public_key": public_key, "role": role, "tax_id": tax_id, "scenes": list(scenes)}
    return {"kind": "REGISTER_KEY", **members, "from_height": from_height, "to_height": to_height}


def retire_key(kid: str) -> Order:
    """BUREAU or ISSUER: the key signs nothing from now on."""
    return {"kind": "RETIRE_KEY", "kid": kid}


def revoke_key(kid: str) -> Order:
    """BUREAU or ISSUER: the same, and it is never admitted again."""
    return {"kind": "REVOKE_KEY", "kid": kid}


def admit(kid: str, until: str) -> Order:
    """ISSUER: payments of a retired device up to a time (RFC 3339 with an offset) are welcome."""
    return {"kind": "ADMIT", "kid": kid, "until": until}


def scene_table(rows: Rows) -> Order:
    """BUREAU."""
    return {"kind": "SCENE_TABLE", "rows": list(rows)}


def rate_table(rows: Rows) -> Order:
    """BUREAU."""
    return {"kind": "RATE_TABLE", "rows": list(rows)}


def mandate(rows: Rows) -> Order:
    """ISSUER: what the ledger issues for it."""
    return {"kind": "MANDATE", "rows": list(rows)}


def grant_numbers(code: str, first: int, last: int, tax_id: str | None = None) -> Order:
    """BUREAU: to an issuer, or to any."""
    return {"kind": "GRANT_NUMBERS", "code": code, "from": first, "to": last, "tax_id": tax_id}


def close_grant(code: str, first: int) -> Order:
    """BUREAU."""
    return {"kind": "CLOSE_GRANT", "code": code, "from": first}


def apply_numbers(count: int) -> Order:
    """ISSUER."""
    return {"kind": "APPLY_NUMBERS", "count": count}


def refuse_numbers(tax_id: str, reason: str) -> Order:
    """BUREAU."""
    return {"kind": "REFUSE_NUMBERS", "tax_id": tax_id, "reason": reason}


def delegate(agent: str, scenes: Sequence[str], to_height: int | None = None) -> Order:
    """ISSUER: an agent (its tax id) acts for it in these scenes; none ends it."""
    return {"kind": "DELEGATE", "agent": agent, "scenes": list(scenes), "to_height": to_height}


def reimburser_policy(*, accepts_individuals: bool) -> Order:
    """REIMBURSER: whether it locks invoices of individuals."""
    return {"kind": "REIMBURSER_POLICY", "accepts_individuals": accepts_individuals}


def declare(period: str, invoiced_fen: int, uninvoiced_fen: int, red_fen: int) -> Order:
    """ISSUER: a month (``YYYY-MM``) that is over; the amounts must be the ledger's."""
    amounts = {"invoiced_fen": invoiced_fen, "uninvoiced_fen": uninvoiced_fen, "red_fen": red_fen}
    return {"kind": "DECLARE", "period": period, **amounts}


def acknowledge(tax_id: str, period: str) -> Order:
    """BUREAU."""
    return {"kind": "ACKNOWLEDGE", "tax_id": tax_id, "period": period}


def attest(subject: str, digest: bytes) -> Order:
    """BUREAU, ISSUER, AGENT or REIMBURSER: puts the digest of an outside fact onto the ledger, 32 bytes."""
    return {"kind": "ATTEST", "subject": subject, "digest": digest.hex()}
