"""The wallet: per passenger, under the id of their key, trips and titles in the erasable private store.

Every method blocks. A trip counts as the passenger's only while its opening opens the payer of its payment:
whoever hands in a stranger's payment sees nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from farechain._core import Ledger
from farechain.errors import FarechainError
from farechain.private.store import Store
from farechain.wallet.rows import TripRow, payer_of
from farechain.wallet.titles import RememberedTitle

TRIP, TITLE = "TRIP", "TITLE"
"""Kinds of documents."""
TITLES_MAX = 20
"""Of one passenger: a list that a person can look through."""


class KnownTrip(NamedTuple):
    """A passenger's payment: its identity, and what opens its payer, 32 bytes each."""

    payment: bytes
    opening: bytes


@dataclass(frozen=True, slots=True)
class Added:
    """How many trips were kept, and how many of them the ledger has already."""

    kept: int
    recorded: int


class Wallet:
    """Passengers' trips and titles.

    Args:
        store: where they are kept.
        ledger: where keys and payments are looked up.
    """

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store, self._ledger = store, ledger

    def add(self, rows: Sequence[TripRow], agent: str | None = None) -> Added:
        """Keeps trips, all of them or none; what is kept already stays as it is.

        Args:
            agent: the tax id of the app that hands them in: its own passengers only. None: anybody's.

        Raises:
            FarechainError: ``E_KEY_UNKNOWN``, ``E_ROLE``, ``E_KEY_EXPIRED`` of a holder; ``E_OPENING``: the
                payment has another payer; ``E_DOCUMENTS_FULL``. It says which row.
        """
        recorded = 0
        for number, row in enumerate(rows, 1):
            self._check_holder(number, row.holder, agent)
            known = self._ledger.payment(row.payment)
            if known is not None:
                if not opens(known, bytes.fromhex(row.opening)):
                    raise _refused(number, "E_OPENING", "its opening does not open the payer of this payment")
                recorded += 1
        self._store.keep_all(TRIP, [(row.holder, row.payment, bytes.fromhex(row.opening)) for row in rows])
        return Added(len(rows), recorded)

    def trips(self, holder: str) -> list[KnownTrip]:
        """All trips of a passenger, the first kept first; payments that the ledger does not know too."""
        return [KnownTrip(*document) for document in self._store.documents(holder, TRIP)]

    def remember(self, holder: str, title: RememberedTitle) -> None:
        """Remembers a title. The oldest makes room."""
        known = self.titles(holder)
        if title in known:
            return
        for oldest in known[: max(0, len(known) - TITLES_MAX + 1)]:
            self.forget(holder, oldest.name)
        self._store.keep(holder, TITLE, title.name, title.packed())

    def titles(self, holder: str) -> list[RememberedTitle]:
        """A passenger's titles, the first remembered first."""
        kept = self._store.documents(holder, TITLE)
        return [RememberedTitle.unpacked(document) for _name, document in kept]

    def forget(self, holder: str, name: bytes) -> bool:
        """Forgets a title by its ``name``; whether it was remembered."""
        return self._store.forget(holder, TITLE, name)

    def _check_holder(self, number: int, holder: str, agent: str | None) -> None:
        key = self._ledger.key(holder)
        if key is None:
            raise _refused(number, "E_KEY_UNKNOWN", "the holder's key is not registered")
        if key["role"] != "HOLDER" or agent not in (None, key["tax_id"]):
            raise _refused(number, "E_ROLE", "the holder is no passenger of this agent")
        if key["revoked"] or key["retired_ms"] is not None:
            raise _refused(number, "E_KEY_EXPIRED", "the holder's key is retired: name its successor")


def opens(payment: Mapping[str, Any], opening: bytes) -> bool:
    """Whether an opening opens the payer of a payment (``Ledger.payment``)."""
    return bool(payment["payer"] == payer_of(opening))


def _refused(number: int, code: str, reason: str) -> FarechainError:
    return FarechainError(code, f"trip {number}: {reason}; none was kept")
