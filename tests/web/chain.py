"""A small chain of invoices and its log, built from docs/format.md with the slow reference.

It shares nothing with the ledger but the formats, so a proof that both sides accept was made twice.
"""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from farechain import _core
from reference import cbor

CHAIN = "shenzhen/0"
CODE = "144032609110"
SELLER = "91440300708461136T"
ZERO = bytes(32)
START_MS = 1_772_323_200_000
"""2026-03-01 08:00 in Shenzhen."""
LOG_SEED = b"L" * 32
WITNESSES = ("bureau", "holders", "reimbursers")


def invoice(number: int, total: int) -> bytes:
    """A metro invoice at 3 %."""
    net, tax = _core.split_tax(total, 300)
    line = ["3010101020202000000", 300, 1, net, tax, total]
    identity = _core.leaf_hash(b"payment %d" % number)
    when = [total, START_MS + number * 1000, 0]
    return cbor.encode(
        [1, 1, CODE, number, START_MS + number * 1000, SELLER, "METRO", line, *when, identity, ZERO, None]
    )


def red_letter(number: int, original: bytes, remaining: int) -> bytes:
    """Reverses an invoice down to what remains of it."""
    fields = _core.decode_record(original)
    net, tax = _core.split_tax(remaining, 300)
    total = remaining - fields["total_fen"]
    line = [
        "3010101020202000000",
        300,
        0 if remaining else -1,
        net - fields["net_fen"],
        tax - fields["tax_fen"],
        total,
    ]
    place = [CODE, fields["number"], _core.leaf_hash(original)]
    return cbor.encode(
        [1, 2, CODE, number, START_MS + number * 1000, SELLER, *place, line, remaining, ZERO, ZERO]
    )


class SmallChain:
    """Six blocks; invoices 1 to 18, the red letters 19 (of 2, whole) and 20 (of 3, a part)."""

    network = "shenzhen"
    chain = CHAIN

    def __init__(self) -> None:
        blues = [invoice(number, 200 + 5 * number) for number in range(1, 19)]
        reds = [red_letter(19, blues[1], 0), red_letter(20, blues[2], 100)]
        self.remaining = {2: 0, 3: 100}
        self.blocks: list[tuple[bytes, list[bytes]]] = []
        for records in ([b"\x80"], blues[:1], blues[1:9], blues[9:16], blues[16:], reds):
            self._append(records)

    def _append(self, records: list[bytes]) -> None:
        height = len(self.blocks)
        previous = _core.block_hash(self.blocks[-1][0]) if self.blocks else ZERO
        root = _core.merkle_root(records)
        time_ms = START_MS + height * 1000
        header = cbor.encode([1, 1, CHAIN, height, previous, time_ms, len(records), root, ZERO])
        self.blocks.append((header, records))

    @property
    def height(self) -> int:
        return len(self.blocks) - 1

    @property
    def head(self) -> bytes:
        return _core.block_hash(self.blocks[-1][0])

    def status(self) -> dict[str, Any]:
        return {
            "time_ms": START_MS + self.height * 1000,
            "inputs": 25,
            "invoices": 18,
            "red_letters": 2,
            "duplicates": 1,
            "recorded": 1,
            "rejected": {"E_SIGNATURE": 2, "E_KEY_UNKNOWN": 1},
            "waiting": 0,
            "curve_day": START_MS // 86_400_000,
            "curve": [[48, 16], [49, 2]],
        }

    def block(self, height: int) -> dict[str, Any] | None:
        if height > self.height:
            return None
        header = self.blocks[height][0]
        source = {"source": 1, "topic": "payments.metro", "partition": 0}
        outcome = {
            **source,
            "offset": 7,
            "timestamp_ms": START_MS,
            "verdict": "ISSUED",
            "code": None,
            "first": None,
            "first_record": 0,
            "record_count": 1,
            "digest": ZERO,
        }
        return {
            **_core.decode_header(header),
            "header": header,
            "hash": _core.block_hash(header),
            "counts": {"ISSUED": 1},
            "ranges": [{**source, "first_offset": 7, "next_offset": 8, "last_digest": ZERO}],
            "outcomes": [outcome],
        }

    def invoice(self, code: str, number: int) -> dict[str, Any] | None:
        found = [view for view in self._views() if view["fields"]["number"] == number]
        return found[0] if found and code == CODE else None

    def invoice_parts(self, code: str, number: int) -> dict[str, Any] | None:
        found = self.invoice(code, number)
        if found is None:
            return None
        names = ("tax_code", "rate", "quantity", "net_fen", "tax_fen", "total_fen")
        line = {name: found["fields"][name] for name in names} | {"remaining_fen": found["remaining_fen"]}
        part = {"payment": found["fields"]["identity"], "data_leaf": ZERO, "line": 0}
        amounts = {"fen": line["total_fen"], "live_fen": line["remaining_fen"], "booked_at_ms": START_MS}
        return {"lines": [line], "payments": [{**part, **amounts}]}

    def prove_payment_state(self, *_asked: object) -> bytes | None:
        """Nothing was committed to."""
        return None

    prove_invoice_state = prove_payment_state

    def invoice_by_hash(self, record_hash: bytes) -> dict[str, Any] | None:
        return next((view for view in self._views() if view["hash"] == record_hash), None)

    def _views(self) -> list[dict[str, Any]]:
        views = []
        for height, (_header, records) in enumerate(self.blocks[1:], 1):
            for index, record in enumerate(records):
                fields, digest = _core.decode_record(record), _core.leaf_hash(record)
                remaining = self.remaining.get(fields["number"], fields["total_fen"])
                place = {"height": height, "index": index, "record": record}
                views.append(
                    {
                        **place,
                        "fields": fields,
                        "hash": digest,
                        "check_code": digest.hex()[-5:],
                        "remaining_fen": remaining,
                        **standing(fields["kind"], remaining),
                    }
                )
        return views

    def prove(self, height: int, index: int, log: "SmallLog", _known: Sequence[str] = ()) -> bytes:
        if height >= log.published_size:
            raise _core.LedgerError("invalid", "not published yet")
        header, records = self.blocks[height]
        path = _core.inclusion_proof(records, index)
        entries = [each for each, _records in self.blocks[: log.published_size]]
        log_path = audit_path(height, entries)
        return cbor.encode(
            [
                1,
                records[index],
                index,
                len(records),
                path,
                header,
                len(entries),
                log_path,
                log.note,
                log.signed_by,
            ]
        )


def standing(kind: str, remaining: int) -> dict[str, Any]:
    """Of an invoice that only red letters have touched; none of a red one."""
    if kind == "RED":
        return {"standing": None, "allowed": []}
    untouched = {"claim": "FREE", "use": "NONE", "frozen": False, "reimbursed_fen": 0}
    nobody = {"holder": None, "locker": None, "claim_id": None}
    fiscal = "ISSUED" if remaining else "REVERSED"
    of_it = {"fiscal": fiscal, **untouched, "remaining_fen": remaining, **nobody}
    return {"standing": of_it, "allowed": ["FREEZE"]}


class SmallLog:
    """The published checkpoint over a chain's first blocks, cosigned by three witnesses."""

    def __init__(self, chain: SmallChain, size: int, witnesses: Sequence[str] = WITNESSES) -> None:
        self.published_size = size
        key = Ed25519PrivateKey.from_private_bytes(LOG_SEED)
        self.vkey = _core.vkey_ed25519(CHAIN, _core.public_key(LOG_SEED))
        root = tree_root([header for header, _records in chain.blocks[:size]])
        text = f"{CHAIN}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = bytes.fromhex(self.vkey.split("+")[1]) + key.sign(text.encode())
        note = f"{text}\n— {CHAIN} {base64.b64encode(signature).decode()}\n"
        lines = [_core.cosign(name, seed_of(name), note, 1_772_323_300) for name in witnesses]
        self.note = note + "".join(lines)
        self.signed_by = [_core.vkey_cosignature(name, _core.public_key(seed_of(name))) for name in witnesses]
        self.witness_vkeys = [
            _core.vkey_cosignature(name, _core.public_key(seed_of(name))) for name in WITNESSES
        ]

    def write(self, public: Path) -> None:
        """The files that the HTTP layer serves."""
        (public / "tile" / "0").mkdir(parents=True)
        (public / "checkpoint").write_text(self.note)
        (public / "vkey").write_text(self.vkey + "\n")
        (public / "tile" / "0" / "000").write_bytes(bytes(256 * 32))


def seed_of(name: str) -> bytes:
    """A witness's seed."""
    return hashlib.sha256(name.encode()).digest()


def tree_root(entries: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1."""
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    middle = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree_root(entries[:middle]) + tree_root(entries[middle:])).digest()


def audit_path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """RFC 6962, section 2.1.1."""
    if len(entries) == 1:
        return []
    middle = 1 << (len(entries) - 1).bit_length() - 1
    if index < middle:
        return [*audit_path(index, entries[:middle]), tree_root(entries[middle:])]
    return [*audit_path(index - middle, entries[middle:]), tree_root(entries[:middle])]
