"""Payments of invoices: found wherever they were recorded, and no document where one cannot be read."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest
from bindings_little_chain import CODE, METRO, START_MS
from export_claims import CLAIMED, PARTLY_RED, RETITLED, Claims, claims_of, reader
from export_documents import VERIFY

from farechain import _core
from farechain.errors import FarechainError
from farechain.export.reading import Reader, Shown

Written = tuple[Claims, Path]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    place = tmp_path_factory.mktemp("claims")
    return claims_of(place), place


class Damaged:
    """A ledger of which the annexes of some blocks are lost, changed or unreadable."""

    def __init__(self, ledger: _core.Ledger, damage: Callable[[int, bytes | None], bytes | None]) -> None:
        self._ledger = ledger
        self._damage = damage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def annex(self, height: int, index: int) -> bytes | None:
        return self._damage(height, self._ledger.annex(height, index))


def _lost(_annex: bytes | None) -> bytes | None:
    return None


def _changed(annex: bytes | None) -> bytes | None:
    return annex and annex.replace("石厦".encode(), "福田".encode())


def _corrupt(_annex: bytes | None) -> bytes | None:
    raise _core.LedgerError("corrupt", "block 9 ends early")


@pytest.mark.parametrize("number", [CLAIMED, PARTLY_RED, RETITLED])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_lost, "it is nowhere in the ledger"),
        (_changed, "its data is not what its record commits to"),
        (_corrupt, "block 9 ends early"),
    ],
)
def test_an_invoice_whose_payments_cannot_be_read_is_refused(
    written: Written, damage: Callable[[bytes | None], bytes | None], said: str, number: int
) -> None:
    claims, place = written
    found = claims.ledger.invoice(CODE, number)
    assert found is not None
    rides = _heights_of_payments(claims.ledger)
    whose = Damaged(claims.ledger, lambda height, annex: damage(annex) if height in rides else annex)
    damaged = cast(_core.Ledger, whose)
    with pytest.raises(FarechainError, match=said) as refused:
        reader(damaged, place).document(found["height"], found["index"], found["record"])
    assert refused.value.code == "E_CORRUPT"
    assert "farechain audit" in refused.value.message


def _heights_of_payments(ledger: _core.Ledger) -> set[int]:
    records = {height: ledger.record(height, 0) for height in range(1, ledger.height + 1)}
    return {
        height
        for height, record in records.items()
        if _core.decode_record(record or b"")["kind"] == "PAYMENT"
    }


def test_lines_and_payments_that_cannot_be_read_are_refused(written: Written) -> None:
    claims, place = written
    found = claims.ledger.invoice(CODE, CLAIMED)
    assert found is not None
    lost = Damaged(claims.ledger, lambda height, annex: None if height == found["height"] else annex)
    with pytest.raises(FarechainError, match=r"lines and payments of .* cannot be read"):
        reader(cast(_core.Ledger, lost), place).document(found["height"], found["index"], found["record"])


@pytest.mark.parametrize("days", [-20, 0, 1])
def test_a_payment_is_found_though_it_came_late_or_by_another_clock(tmp_path: Path, days: int) -> None:
    claims = Claims(tmp_path)
    claims.set_up()
    at_ms = START_MS + days * 86_400_000
    for number in range(3):
        claims.pay(f"before-{number}", 100)
    paid_at = datetime.fromtimestamp(at_ms // 1000, timezone(timedelta(hours=8))).isoformat()
    offset, _, key, value, headers = claims.payment("it", 500, paid_at=paid_at)
    claims.block(METRO, [(offset, max(at_ms, START_MS), key, value, headers)])
    for number in range(3):
        claims.pay(f"after-{number}", 100)
    claims.claim("it", "after-2", "before-0")
    found = claims.ledger.invoice(CODE, 1)
    assert found is not None
    shown = Shown("", [], VERIFY, demonstration=True)
    reads = Reader(claims.ledger, shown, with_proofs=False)
    document = reads.document(found["height"], found["index"], found["record"])
    assert document is not None
    assert [trip.fare_fen for trip in document.trips] == [500, 100, 100]
    assert document.trips[0].at_ms == at_ms
