"""What a command is answered: its records, the invoices as they stand, or what is possible instead."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from farechain import _core
from farechain.api.chain import printable
from farechain.api.command_models import (
    Axes,
    CommandAnswer,
    CommandProblem,
    InvoiceNow,
    LockedBy,
    Place,
    RecordView,
)
from farechain.api.context import ApiContext, Recorded
from farechain.api.invoice_views import proof_of, standing_of
from farechain.api.named import Named, Subjects, subjects_of
from farechain.api.payments import PaymentView, payment_view
from farechain.api.problems import Problem
from farechain.api.proofs import place_of
from farechain.api.refusals import decided
from farechain.errors import FarechainError

SILENT = {"E_ROLE", "E_SIGNATURE"}
"""Whoever is refused for what they are is told nothing of the invoice."""
OF_PAYMENTS = {"E_PAYMENT_SPENT", "E_PAYMENT_REFUNDED", "E_STATE"}
UNCLAIMABLE = {
    "NOTHING_TO_INVOICE",
    "COVERED_BY_TOPUP",
    "INVOICED_AT_RIDE",
    "WAITING_GRANT",
    "WAITING_CREDIT",
}
"""States of a payment for which a claim is answered ``E_STATE`` (docs/format.md, section 3)."""
_CHINA = timezone(timedelta(hours=8))
_Key = tuple[str, int]


class Answers:
    """Makes answers from one chain's ledger. Every method blocks: call it in a thread."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._ledger = context.ledger

    def of(self, event: Mapping[str, Any], recorded: Recorded) -> CommandAnswer:
        """The answer to a command.

        Raises:
            Problem: the ledger refused it; a ``CommandProblem``.
        """
        if recorded.code is not None:
            raise self._refusal(event, recorded)
        records = [self._record(recorded.at, recorded.first_record + n) for n in range(recorded.record_count)]
        return CommandAnswer(
            verdict=recorded.verdict,
            duplicate=recorded.duplicate,
            height=recorded.at,
            offset=recorded.offset,
            time_ms=recorded.time_ms,
            published=recorded.at < self._context.log.published_size,
            records=records,
            invoices=list(self._invoices(records)),
        )

    def _record(self, height: int, index: int) -> RecordView:
        record = self._ledger.record(height, index)
        if record is None:
            raise RuntimeError(f"no record {height}/{index}")
        fields = _core.decode_record(record)
        return RecordView(
            index=index,
            kind=fields.pop("kind"),
            hash=_core.leaf_hash(record).hex(),
            fields=printable(fields),
            proof=place_of(height, index),
        )

    def _invoices(self, records: Iterable[RecordView]) -> Iterable[InvoiceNow]:
        """The blue invoices that the records name, each once."""
        seen: dict[_Key, None] = {}
        for record in records:
            for prefix in ("original_", ""):
                if f"{prefix}code" in record.fields and "number" in record.fields:
                    seen[record.fields[f"{prefix}code"], record.fields[f"{prefix}number"]] = None
        for code, number in seen:
            found = self._ledger.invoice(code, number)
            if found is not None and found["standing"] is not None:
                yield InvoiceNow(
                    code=code,
                    number=f"{number:08d}",
                    check_code=found["check_code"],
                    standing=standing_of(found["standing"]),
                    allowed=found["allowed"],
                    proof=proof_of(code, number),
                )

    def _refusal(self, event: Mapping[str, Any], recorded: Recorded) -> Problem:
        code = recorded.code or "E_SCHEMA"
        subjects = subjects_of(event)
        named = [(one, self._ledger.invoice(one.code, one.number)) for one in subjects.invoices]
        blue = [(one, found) for one, found in named if found is not None and found["standing"] is not None]
        hindered = [(one, found) for one, found in blue if one.command not in found["allowed"]]
        more: dict[str, Any] = {"recorded": Place(height=recorded.height, offset=recorded.offset)}
        status, detail = decided(
            code, invoices_exist=len(blue) == len(named), permitted=not hindered and bool(named)
        )
        if code not in SILENT and (hindered or blue):
            one, found = (hindered or blue)[0]
            more |= self._state(recorded, one, found)
        if code in OF_PAYMENTS:
            more["payment"] = self._payment(code, subjects)
        if locked := more.get("locked_by"):
            detail += f": {locked.tax_id}" + (f" since {_when(locked.since_ms)}" if locked.since_ms else "")
        return Problem(status, code, detail, None, CommandProblem, **more)

    def _state(self, recorded: Recorded, one: Named, found: dict[str, Any]) -> dict[str, Any]:
        standing = found["standing"]
        more: dict[str, Any] = {
            "invoice": f"{one.code}-{one.number:08d}",
            "state": Axes(**{axis: standing[axis] for axis in Axes.model_fields}),
            "allowed": found["allowed"],
        }
        if recorded.code == "E_LOCKED_BY_OTHER" and standing["locker"] is not None:
            since_ms = self._locked_since_ms(one, found)
            more["locked_by"] = LockedBy(tax_id=standing["locker"], since_ms=since_ms)
        return more

    def _locked_since_ms(self, one: Named, found: Mapping[str, Any]) -> int | None:
        """When this lock was made: as its latest record says, or the books where another came after it."""
        height, index, time_ms = found["latest"]
        latest = _core.decode_record(self._ledger.record(height, index) or b"")
        return time_ms if latest["kind"] == "LOCK" else self._booked_lock_ms(one, found["standing"])

    def _booked_lock_ms(self, one: Named, standing: Mapping[str, Any]) -> int | None:
        """None where the books are not kept, cannot be read, or are not up to this lock."""
        if self._context.books is None:
            return None
        try:
            booked = self._context.books.one(one.code, one.number)
        except FarechainError:
            return None
        lock = (standing["locker"], standing["claim_id"])
        return booked.locked_ms if booked and (booked.locker, booked.claim_id) == lock else None

    def _payment(self, code: str, subjects: Subjects) -> PaymentView | None:
        """The first payment of a claim that is in the way; the claimant named it, so it may know."""
        for identity in subjects.payments:
            found = self._ledger.payment(identity)
            if found is not None and _is_in_the_way(code, found):
                return payment_view(identity, found)
        return None


def _is_in_the_way(code: str, payment: Mapping[str, Any]) -> bool:
    if code == "E_PAYMENT_SPENT":
        return payment["invoice"] is not None
    if code == "E_PAYMENT_REFUNDED":
        return payment["invoice"] is None and payment["uninvoiced_fen"] == 0
    return payment["state"] in UNCLAIMABLE


def _when(time_ms: int) -> str:
    return (
        datetime.fromtimestamp(time_ms // 1000, UTC).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S +08:00")
    )
