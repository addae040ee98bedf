"""Well-formed commands of invoices, delegations and declarations for the tests of the reference."""

from collections.abc import Sequence
from typing import Any

from . import cbor, ed25519
from .digests import identity
from .events import APP, BUYER, SELLER, command
from .inputs import PRESENT_TYPE, pae
from .telling import HOLDER, kid

CODE = "144032609110"
TITLE = "7e" * 32
OPENING = "0e" * 32
PAYER = identity(b"PAYER", bytes.fromhex(OPENING)).hex()
"""What ``OPENING`` opens."""

Order = dict[str, Any]


def payment_id(txn_id: str, *, kind: int = 1, channel: int = 1, seller: str = SELLER) -> str:
    """A payment's identity, as commands name it."""
    return identity(
        b"PAYMENT", seller.encode(), bytes([channel]), bytes([kind]), txn_id.encode()
    ).hex()  # fmt: skip


def buyer(**changes: Any) -> Order:
    """An organisation with its title, without a holder."""
    return {
        "buyer": "ORGANIZATION",
        "buyer_tax_id": BUYER,
        "title": TITLE,
        "holder": None,
        **changes,
    }


def individual(holder: bytes | None = None) -> Order:
    named = None if holder is None else kid(holder)
    return {"buyer": "INDIVIDUAL", "buyer_tax_id": None, "title": None, "holder": named}


def claimed(*payments: str | tuple[str, str]) -> list[Order]:
    """Payments by their transaction, with what opens their payer perhaps."""
    pairs = [one if isinstance(one, tuple) else (one, None) for one in payments]
    return [{"payment": payment_id(txn_id), "opening": opening} for txn_id, opening in pairs]


def claim(*payments: str | tuple[str, str], **who: Any) -> Order:
    return command("CLAIM", **{**buyer(), **who}, payments=claimed(*payments))


def of(kind: str, number: int, /, code: str = CODE, **members: Any) -> Order:
    """A command of an invoice."""
    return command(kind, code=code, number=number, **members)


def retitle(number: int, code: str = CODE, **who: Any) -> Order:
    return of("RETITLE", number, code, **{**buyer(), **who})


def bind(number: int, holder: bytes = HOLDER, opening: str | None = None) -> Order:
    return of("BIND", number, opening=opening, holder=kid(holder))


def transfer(number: int, holder: bytes) -> Order:
    return of("TRANSFER", number, holder=kid(holder))


def lock(
    number: int,
    holder: bytes | None = HOLDER,
    *,
    claim_id: str = "T-1",
    tax_id: str = BUYER,
    code: str = CODE,
) -> Order:
    """With the presentation of a holder perhaps."""
    shown = None
    if holder is not None:
        statement = cbor.encode([code, number, tax_id, claim_id])
        shown = ed25519.sign(holder, pae(PRESENT_TYPE, statement)).hex()
    return of("LOCK", number, code, claim_id=claim_id, presentation=shown)


def unlock(number: int, claim_id: str = "T-1") -> Order:
    return of("UNLOCK", number, claim_id=claim_id)


def reimburse(number: int, amount_fen: int, claim_id: str = "T-1") -> Order:
    return of("REIMBURSE", number, claim_id=claim_id, amount_fen=amount_fen)


def post(number: int, voucher: str = "V-1", period: str = "2026-03") -> Order:
    return of("POST", number, voucher=voucher, period=period)


def red(
    kind: str, number: int, payments: Sequence[str] | None = None, *, reason: str = "SALES_RETURN"
) -> Order:
    """``RED_ISSUE`` or ``RED_REQUEST`` of payments by their transaction; None: of all that is left."""
    named = None if payments is None else [payment_id(txn_id) for txn_id in payments]
    return of(kind, number, reason=reason, payments=named)


def freeze(number: int) -> Order:
    return of("FREEZE", number, note="a court's order")


def batch(*orders: Order) -> Order:
    inner = [
        {name: value for name, value in order.items() if name not in ("network", "command_id")}
        for order in orders
    ]
    return command("BATCH", orders=inner)


def delegate(*scenes: str, agent: str = APP, to_height: int | None = None) -> Order:
    return command("DELEGATE", agent=agent, scenes=list(scenes), to_height=to_height)


def policy(*, accepts_individuals: bool) -> Order:
    return command("REIMBURSER_POLICY", accepts_individuals=accepts_individuals)


def declare(period: str, invoiced: int, uninvoiced: int, red_fen: int) -> Order:
    return command(
        "DECLARE", period=period, invoiced_fen=invoiced, uninvoiced_fen=uninvoiced, red_fen=red_fen
    )  # fmt: skip


def acknowledge(period: str, tax_id: str = SELLER) -> Order:
    return command("ACKNOWLEDGE", tax_id=tax_id, period=period)


def attest(digest: bytes, subject: str = "ERASURE") -> Order:
    return command("ATTEST", subject=subject, digest=digest.hex())


def admit(seed: bytes, until: str) -> Order:
    return command("ADMIT", kid=kid(seed), until=until)


def well_formed() -> list[Order]:
    """One of each kind at least, as they are decoded."""
    named, word = "0f" * 16, "ab" * 32
    plain = ["CONFIRM_USE", "UNPOST", "RED_CONFIRM", "RED_REFUSE", "RED_WITHDRAW", "RED_EXPIRE", "UNFREEZE"]
    return [
        command("REVOKE_KEY", kid=named),
        command("ADMIT", kid=named, until="2026-03-01T08:00:00.5+08:00"),
        command("DELEGATE", agent=APP, scenes=["METRO", "BUS"], to_height=9),
        policy(accepts_individuals=True),
        command("APPLY_NUMBERS", count=1000),
        command("REFUSE_NUMBERS", tax_id=SELLER, reason="否"),
        declare("2026-03", 3, 2, 1),
        acknowledge("2026-03"),
        attest(bytes(32)),
        claim("A", ("B", OPENING)),
        claim("A", **individual()),
        retitle(7, holder=named),
        of("BIND", 7, opening=word, holder=named),
        of("TRANSFER", 7, holder=named),
        of("LOCK", 7, claim_id="T-1", presentation="01" * 64),
        unlock(7),
        reimburse(7, 600),
        post(7),
        red("RED_ISSUE", 7, ["A", "B"]),
        red("RED_ISSUE", 7, reason="ISSUE_ERROR"),
        red("RED_REQUEST", 7, []),
        freeze(7),
        *(of(kind, 7, "264410000001") for kind in plain),
        batch(claim("A"), retitle(7), lock(7, None), red("RED_REQUEST", 7, ["A"])),
    ]


def of_key(kind: str, seed: bytes) -> Order:
    """``RETIRE_KEY`` or ``REVOKE_KEY``."""
    return command(kind, kid=kid(seed))
