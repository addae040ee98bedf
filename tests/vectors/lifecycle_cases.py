"""Records of the life of an invoice: claimed, reversed by lines, owed, changed; with their fields by name."""

from typing import Any

from reference.events import BUYER
from reference.inputs import kid_of

from .record_cases import (
    ALL_DIGITAL,
    AMOUNT_MAX,
    CODE,
    COMMANDS,
    NUMBER_MAX,
    SELLER,
    Cases,
    digest,
    record_case,
)

CHANGES = (*range(42, 50), 51, *range(53, 58))
"""The kinds of command whose record says where an invoice stands after it."""
FISCAL, CLAIM = ["ISSUED", "RED_PENDING", "REVERSED"], ["FREE", "LOCKED", "REIMBURSED", "POSTED"]
USE = ["NONE", "CONFIRMED"]
REASONS = ["ISSUE_ERROR", "SALES_RETURN", "SERVICE_SUSPENSION", "SALES_DISCOUNT", "RETITLED"]
OWED_STATES = ["RED_REQUESTED", "RED_QUEUED"]
AT_MS = 1_772_323_200_500
CLAIM_ID_MAX = "~" * 32
Named = dict[str, Any]
Standing = tuple[list[Any], Named]
"""As in a record, and by name."""


def standing(
    fiscal: int = 1,
    claim: int = 1,
    use: int = 1,
    *,
    frozen: bool = False,
    remaining: int = 565,
    holder: bytes | None = None,
    locker: str | None = None,
    claim_id: str | None = None,
    reimbursed: int = 0,
) -> Standing:
    array = [fiscal, claim, use, frozen, remaining, holder, locker, claim_id, reimbursed]
    named = {
        "fiscal": FISCAL[fiscal - 1],
        "claim": CLAIM[claim - 1],
        "use": USE[use - 1],
        "frozen": frozen,
        "remaining_fen": remaining,
        "holder": None if holder is None else holder.hex(),
        "locker": locker,
        "claim_id": claim_id,
        "reimbursed_fen": reimbursed,
    }
    return array, named


HOLDER = kid_of(digest("holder"))
UNTOUCHED = standing()
LOCKED = standing(claim=2, holder=HOLDER, locker=BUYER, claim_id="EXP-2026-03/17")
REIMBURSED = standing(claim=3, holder=HOLDER, locker=BUYER, claim_id="EXP-2026-03/17", reimbursed=500)
POSTED = standing(claim=4, use=2, holder=HOLDER, locker=BUYER, claim_id="EXP-2026-03/17", reimbursed=565)
PENDING = standing(fiscal=2, claim=4, locker=BUYER, claim_id="E", reimbursed=1)
REVERSED = standing(fiscal=3, use=2, remaining=0)
FROZEN = standing(frozen=True)
LARGEST = standing(
    *(2, 4, 2),
    frozen=True,
    remaining=AMOUNT_MAX,
    holder=HOLDER,
    locker=BUYER,
    claim_id=CLAIM_ID_MAX,
    reimbursed=AMOUNT_MAX,
)
AFTER: dict[str, Standing] = {
    "BIND": standing(holder=HOLDER),
    "TRANSFER": standing(holder=HOLDER, use=2),
    "LOCK": LOCKED,
    "UNLOCK": UNTOUCHED,
    "REIMBURSE": REIMBURSED,
    "CONFIRM_USE": standing(use=2),
    "POST": POSTED,
    "UNPOST": REIMBURSED,
    "RED_REQUEST": PENDING,
    "RED_REFUSE": POSTED,
    "RED_WITHDRAW": POSTED,
    "RED_EXPIRE": POSTED,
    "FREEZE": FROZEN,
    "UNFREEZE": UNTOUCHED,
}


def lifecycle_record_cases() -> Cases:
    """Kinds 5, 6, 7 and every change of an invoice, each also as large as it gets."""
    yield claimed_case("claimed invoice, an organisation's", (646, 19, 665), HOLDER)
    yield claimed_case("claimed invoice, an individual's", (200, 0, 200), None, individual=True)
    largest = (256 * AMOUNT_MAX - 1, 1, 256 * AMOUNT_MAX)
    yield claimed_case("claimed invoice, the largest", largest, HOLDER, (ALL_DIGITAL, NUMBER_MAX))
    for reason, shown in enumerate(REASONS, 1):
        after = (REVERSED, UNTOUCHED, REIMBURSED, PENDING, FROZEN)[reason - 1]
        yield red_case(f"red letter of lines, {shown}", (-97, -3, -100), reason, 100, after)
    yield red_case("red letter of lines, nothing released", (-97, -3, -100), 2, 0, UNTOUCHED)
    minus = (1 - 256 * AMOUNT_MAX, -1, -256 * AMOUNT_MAX)
    yield red_case(
        *("red letter of lines, the largest", minus, 5, 256 * AMOUNT_MAX, LARGEST),
        (ALL_DIGITAL, NUMBER_MAX),
    )
    for state, after in ((1, PENDING), (2, PENDING)):
        yield owed_case(f"owed refund, state {state}", state, 100, after)
    yield owed_case("owed refund, the largest", 2, AMOUNT_MAX, LARGEST, (ALL_DIGITAL, NUMBER_MAX))
    for kind in CHANGES:
        yield change_case(f"change {COMMANDS[kind]}", kind, AFTER[COMMANDS[kind]])
    yield change_case("change, the largest", 57, LARGEST, (ALL_DIGITAL, NUMBER_MAX))


def of_it(kind: str, id: tuple[str, int]) -> Named:
    code, number = id
    return {"version": 1, "kind": kind, "code": code, "number": number}


def amounts(net: int, tax: int, total: int) -> Named:
    return {"net_fen": net, "tax_fen": tax, "total_fen": total}


def roots(*names: str) -> tuple[list[bytes], Named]:
    """Digests that stand for what a record names."""
    found = [digest(name) for name in names]
    return found, {name: root.hex() for name, root in zip(names, found, strict=True)}


def claimed_case(
    name: str,
    sums: tuple[int, int, int],
    holder: bytes | None,
    id: tuple[str, int] = (CODE, 25),
    *,
    individual: bool = False,
) -> dict[str, Any]:
    tax_id, title = (None, None) if individual else (BUYER, digest("title"))
    found, named = roots("lines_root", "payments_root", "identity", "data_root")
    return record_case(
        name,
        [1, 5, *id, AT_MS, SELLER, *sums, tax_id, title, holder, *found],
        {**of_it("CLAIMED", id), "issued_at_ms": AT_MS, "seller": SELLER, **amounts(*sums)}
        | {"buyer_tax_id": tax_id, "title": None if title is None else title.hex()}
        | {"holder": None if holder is None else holder.hex(), **named},
    )


def red_case(
    name: str,
    sums: tuple[int, int, int],
    reason: int,
    released: int,
    after: Standing,
    id: tuple[str, int] = (CODE, 26),
) -> dict[str, Any]:
    code, number = id
    of, (array, stands) = digest("original"), after
    found, named = roots("lines_root", "payments_root", "identity", "data_root")
    original = {"original_code": code, "original_number": number - 1, "original_hash": of.hex()}
    return record_case(
        name,
        [1, 6, *id, AT_MS, SELLER, code, number - 1, of, *sums, reason, released, *found, array],
        {**of_it("RED_OF_LINES", id), "issued_at_ms": AT_MS, "seller": SELLER, **original, **amounts(*sums)}
        | {"reason": REASONS[reason - 1], "released_fen": released, **named, "standing": stands},
    )


def owed_case(
    name: str, state: int, fen: int, after: Standing, id: tuple[str, int] = (CODE, 25)
) -> dict[str, Any]:
    code, number = id
    found, named = roots("original_hash", "identity", "refund_root")
    of, (array, stands) = digest("payment"), after
    return record_case(
        name,
        [1, 7, SELLER, state, fen, of, code, number, *found, array],
        {"version": 1, "kind": "OWED", "seller": SELLER, "state": OWED_STATES[state - 1], "refund_fen": fen}
        | {"payment": of.hex(), "code": code, "number": number, **named, "standing": stands},
    )


def change_case(name: str, kind: int, after: Standing, id: tuple[str, int] = (CODE, 25)) -> dict[str, Any]:
    kid, (array, stands) = kid_of(digest("key")), after
    found, named = roots("original_hash", "identity", "data_root")
    return record_case(
        name,
        [1, kind, kid, *id, *found, array],
        {**of_it(COMMANDS[kind], id), "kid": kid.hex(), **named, "standing": stands},
    )
